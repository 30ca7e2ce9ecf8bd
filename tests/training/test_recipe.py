"""The step: accumulation, clipping, averages; the loss with mixed labels and weighted classes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.training.data import Mixed
from minitorch_cnn.training.recipe import Step, balanced, make_criterion, make_scheduler


def step_for(model, batches, lr=0.1, **options):
    defaults = dict(accumulate=1, clip_grad_norm=None, ema=None, amp=False)
    optimizer = mt.optim.SGD(model.parameters(), lr=lr)
    scheduler = mt.optim.lr_scheduler.ConstantLR(optimizer, 1.0, 1)
    args = SimpleNamespace(**{**defaults, **options})
    return Step(args, model, optimizer, scheduler, batches)


def line(weight):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, weight)
    return model


def test_accumulated_gradients_are_those_of_one_large_batch():
    """Five batches by threes: steps after 3, and after the two that are left."""
    mt.manual_seed(0)
    x = mt.randn(5, 3, 1, dtype=mt.float32)
    model, twin = line(2.0), line(2.0)
    step = step_for(model, 5, accumulate=3)
    made = [step((model(each) ** 2).mean(), number) for number, each in enumerate(x)]
    assert made == [False, False, True, False, True]
    weight = 2.0  # d/dw mean((w x)^2) = 2 w mean(x^2)
    for group in (x[0:3], x[3:5]):
        weight -= 0.1 * 2 * weight * (group**2).mean().item()
    assert model.weight.item() == pytest.approx(weight, rel=1e-5)
    together = step_for(twin, 1, accumulate=4)  # more than there are
    assert together((twin(x[0]) ** 2).mean(), 0)
    expected = 2.0 - 0.1 * 4 * (x[0] ** 2).mean().item()
    assert twin.weight.item() == pytest.approx(expected, rel=1e-5)


def test_clipping():
    model = line(1.0)
    step_for(model, 1, clip_grad_norm=0.5)(100 * model(mt.ones(1, 1)).sum(), 0)
    assert model.weight.item() == pytest.approx(1 - 0.1 * 0.5, rel=1e-5)


def test_the_moving_average():
    """Its decay is (1 + n) / (10 + n) at the n-th step, and --ema at most."""
    model = nn.Sequential(line(0.0), nn.BatchNorm1d(1))
    step = step_for(model, 4, ema=0.25)
    average, values = None, []
    for number in range(4):
        step(model(mt.tensor([[1.0], [2.0 + number]])).sum() + 3 * model[0].weight.sum(), number)
        values.append(model[0].weight.item())
        decay = min(0.25, (1 + number) / (10 + number))
        average = values[0] if number == 0 else decay * average + (1 - decay) * values[-1]
    assert step.evaluated[0].weight.item() == pytest.approx(average, rel=1e-5)
    assert average != pytest.approx(values[-1], rel=1e-3)
    assert step.evaluated[1].num_batches_tracked.item() == 4
    assert step_for(model, 4).evaluated is model


def test_the_state_of_the_average_goes_on():
    model = line(1.0)
    step = step_for(model, 3, ema=0.5)
    for number in range(2):
        step(model(mt.ones(1, 1)).sum(), number)
    other = step_for(line(5.0), 3, ema=0.5)
    other.model.load_state_dict(step.evaluated.state_dict())  # as Run.restore does
    other.load_state_dict(step.state_dict())
    for each in (step, other):
        each(each.model(mt.ones(1, 1)).sum() ** 2, 2)
    assert other.model.weight.item() == step.model.weight.item()
    assert other.evaluated.weight.item() == step.evaluated.weight.item() != step.model.weight.item()
    with pytest.raises(ValueError, match="was trained with --ema"):
        step_for(line(1.0), 3).load_state_dict(step.state_dict())
    with pytest.raises(ValueError, match="was trained without --ema"):
        other.load_state_dict({})


@pytest.mark.skipif(mt.get_backend() != "numpy", reason="a GPU has float16")
def test_float16_wants_a_gpu():
    with pytest.raises(ValueError, match="--amp needs a GPU"):
        step_for(line(1.0), 1, amp=True)


def test_the_loss_of_mixed_images():
    """-sum over classes of the mixed label times log softmax: share of each of the two classes."""
    mt.manual_seed(1)
    images, labels = mt.randn(4, 2, 3, 3), mt.tensor([0, 2, 1, 2])
    mixed, targets = Mixed(lambda samples: samples, 0.4, None, 3)((images, labels))
    row = targets[0].tolist()  # of class 0, mixed with the last image's class 2
    share = row[0]
    assert row == pytest.approx([share, 0.0, 1 - share]) and 0 < share < 1
    before = mt.cat([images[-1:], images[:-1]])
    np.testing.assert_allclose(
        mixed.numpy(), (share * images + (1 - share) * before).numpy(), rtol=1e-5, atol=1e-6
    )
    scores = mt.randn(4, 3)
    args = SimpleNamespace(class_weights="none", label_smoothing=0.0)
    loss = make_criterion(args, np.array([1, 1, 1]))(scores, targets).item()
    logs = scores.numpy() - np.log(np.exp(scores.numpy()).sum(1, keepdims=True))
    own = [0, 2, 1, 2]
    expected = np.mean(
        [-share * logs[i, own[i]] - (1 - share) * logs[i, own[i - 1]] for i in range(4)]
    )
    assert loss == pytest.approx(expected, rel=1e-5)


def test_cutmix_and_the_choice_between_both():
    mt.manual_seed(0)
    images = mt.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 8, 8).clone()
    labels = mt.arange(4)
    mixed, targets = Mixed(lambda samples: samples, None, 1.0, 4)((images, labels))
    left = (mixed[2] == 2).float().mean().item()  # the rest is of the image before it
    assert ((mixed[2] == 2) | (mixed[2] == 1)).all()
    assert targets[2].tolist() == pytest.approx([0, 1 - left, left, 0])
    either = Mixed(lambda samples: samples, 1.0, 1.0, 4)
    kinds = set()
    for _ in range(20):
        mixed, _ = either((images, labels))
        kinds.add(bool((mixed == mixed.round()).all()))  # cut, or of all images a bit
    assert kinds == {True, False}


def test_balanced_classes():
    counts = np.array([30, 10, 20])
    weights = balanced(counts)
    assert weights == pytest.approx(60 / (3 * counts))
    args = SimpleNamespace(class_weights="balanced", label_smoothing=0.0)
    criterion = make_criterion(args, counts)
    assert criterion.weight.cpu().numpy() == pytest.approx(weights)


def rates(steps_per_epoch=4, **options):
    defaults = dict(lr=0.1, lr_scale="none", batch_size=128, epochs=5, scheduler="cosine")
    args = SimpleNamespace(**{**defaults, "warmup_epochs": None, **options})
    optimizer = mt.optim.SGD([nn.Parameter(mt.ones(1))], lr=args.lr)
    scheduler = make_scheduler(args, optimizer, steps_per_epoch)
    found = []
    for _ in range(args.epochs * steps_per_epoch):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_warm_up():
    """A line from a hundredth to --lr, then the cosine over the steps that are left."""
    found = rates(warmup_epochs=2.0)
    line = [0.1 * (0.01 + 0.99 * step / 8) for step in range(8)]
    cosine = [0.05 * (1 + math.cos(math.pi * step / 12)) for step in range(12)]
    assert found == pytest.approx(line + cosine)
    assert rates()[0] == 0.1
    with pytest.raises(ValueError, match=r"--warmup-epochs 5 must be fewer than --epochs 5"):
        rates(warmup_epochs=5.0)
    with pytest.raises(ValueError, match="onecycle warms up by itself"):
        rates(warmup_epochs=1.0, scheduler="onecycle")
