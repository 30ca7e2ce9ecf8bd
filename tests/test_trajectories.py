"""Whole networks, trained side by side with torch from the same weights on the same batches."""

import numpy as np
import pytest
import torch_twin

import minitorch_cnn as mt
from minitorch_cnn import models, nn, optim

torch = pytest.importorskip("torch")


def train_both(ours, theirs, shape, our_optimizer, their_optimizer, steps=20):
    torch_twin.copy_weights(ours, theirs)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(steps):
        images = rng.standard_normal(shape)
        labels = rng.integers(0, 10, shape[0])
        pair = []
        for lib, model, optimizer in ((mt, ours, our_optimizer), (torch, theirs, their_optimizer)):
            optimizer.zero_grad()
            scores = model(lib.from_numpy(images))
            loss = lib.nn.functional.cross_entropy(scores, lib.from_numpy(labels))
            loss.backward()
            optimizer.step()
            pair.append(loss.item())
        losses.append(pair)
    ours_then, theirs_then = np.array(losses).T
    np.testing.assert_allclose(ours_then, theirs_then, rtol=1e-8)
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


def sgd(lib, model):
    return lib.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)


def adam(lib, model):
    return lib.optim.Adam(model.parameters(), lr=1e-3)


@pytest.mark.parametrize("optimizer", [sgd, adam])
def test_resnet(optimizer):
    mt.manual_seed(0)
    ours = models.cifar.CifarResNet([1, 1, 1], [4, 8, 16]).double()
    theirs = torch_twin.load("cifar").CifarResNet([1, 1, 1], [4, 8, 16]).double()
    train_both(ours, theirs, (8, 3, 16, 16), optimizer(mt, ours), optimizer(torch, theirs))


def test_lenet():
    mt.manual_seed(0)
    ours = models.lenet5().double()
    theirs = torch_twin.load("lenet").lenet5().double()
    train_both(ours, theirs, (8, 1, 28, 28), sgd(mt, ours), sgd(torch, theirs))


def test_alexnet_without_dropout():
    mt.manual_seed(0)
    ours = models.cifar.alexnet(dropout=0.0).double()
    theirs = torch_twin.load("cifar").alexnet(dropout=0.0).double()
    train_both(ours, theirs, (2, 3, 32, 32), sgd(mt, ours), sgd(torch, theirs), steps=3)


# ------------------------------------- small networks, every optimizer, every schedule, 30 steps


def lenet(lib):
    """LeNet-5's layers, a third as wide."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6 * 2 * 2, 20), nn.ReLU(), nn.Linear(20, 10),
    )  # fmt: skip


def resnet(lib):
    """Batch norm and shortcuts: two stages of one block each."""
    module = models.cifar if lib is mt else torch_twin.load("cifar")
    return module.CifarResNet([1, 1], [4, 8], in_channels=1)


def vgg(lib):
    """Pairs of 3x3 convolutions, and dropout between the linear layers."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * 4 * 4, 16), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10),
    )  # fmt: skip


class SameMask(torch.nn.Module):
    """In the place of torch's dropout: multiplies with the masks that ours has drawn."""

    def __init__(self, masks):
        super().__init__()
        self.masks = masks

    def forward(self, x):
        return x * torch.from_numpy(self.masks.pop(0))


def share_masks(ours, theirs):
    """Lets torch's network drop what ours drops."""
    masks = []

    def record(layer, inputs):
        state = mt.get_rng_state()
        ones = mt.ones(*inputs[0].shape, dtype=mt.float64)
        masks.append(nn.functional.dropout(ones, layer.p).numpy())
        mt.set_rng_state(state)

    for name, layer in ours.named_children():
        if isinstance(layer, nn.Dropout):
            layer.register_forward_pre_hook(record)
            setattr(theirs, name, SameMask(masks))


def train_for_30_steps(build, make_optimizer, make_scheduler=None):
    """Both libraries from the same weights on the same batches; the masks are the same too."""
    mt.manual_seed(0)
    ours, theirs = build(mt).double(), build(torch).double()
    torch_twin.copy_weights(ours, theirs)
    share_masks(ours, theirs)
    pairs = []
    for lib, model in ((mt, ours), (torch, theirs)):
        optimizer = make_optimizer(lib.optim, model.parameters())
        schedule = make_scheduler and make_scheduler(lib.optim.lr_scheduler, optimizer)
        pairs.append((lib, model, optimizer, schedule))
    rng = np.random.default_rng(0)
    losses, rates = [], []
    for _ in range(30):
        images, labels = rng.standard_normal((6, 1, 16, 16)), rng.integers(0, 10, 6)
        for lib, model, optimizer, schedule in pairs:
            optimizer.zero_grad()
            scores = model(lib.from_numpy(images))
            loss = lib.nn.functional.cross_entropy(scores, lib.from_numpy(labels))
            loss.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step(*((loss.item(),) if "Plateau" in type(schedule).__name__ else ()))
            losses.append(loss.item())
            rates.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates[::2], rates[1::2], rtol=1e-12)
    np.testing.assert_allclose(losses[::2], losses[1::2], rtol=1e-8)
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-8, err_msg=name)
    return rates[::2]


OPTIMIZERS = {
    "sgd": lambda o, p: o.SGD(p, lr=0.02),
    "momentum": lambda o, p: o.SGD(p, lr=0.01, momentum=0.9, dampening=0.1, weight_decay=1e-3),
    "nesterov": lambda o, p: o.SGD(p, lr=0.01, momentum=0.9, nesterov=True),
    "adam": lambda o, p: o.Adam(p, lr=1e-3, weight_decay=1e-3),
    "amsgrad": lambda o, p: o.Adam(p, lr=1e-3, betas=(0.8, 0.99), amsgrad=True),
    "adamw": lambda o, p: o.AdamW(p, lr=1e-3),
    "rmsprop": lambda o, p: o.RMSprop(p, lr=1e-3, momentum=0.5, centered=True),
    "adagrad": lambda o, p: o.Adagrad(p, lr=1e-2, lr_decay=0.01),
    "adadelta": lambda o, p: o.Adadelta(p, lr=0.5),
    "adamax": lambda o, p: o.Adamax(p, lr=1e-3),
    "nadam": lambda o, p: o.NAdam(p, lr=1e-3),
    "radam": lambda o, p: o.RAdam(p, lr=1e-3, weight_decay=1e-3),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("build", [lenet, resnet, vgg])
def test_every_optimizer_takes_torchs_way(build, optimizer):
    train_for_30_steps(build, OPTIMIZERS[optimizer])


SCHEDULERS = {
    "StepLR": lambda s, o: s.StepLR(o, 7, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [5, 12], gamma=0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.5, 9),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 1.0, 12),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 25, power=2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 20, eta_min=1e-4),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, max_lr=0.02, total_steps=31),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.002, 0.02, step_size_up=6, mode="triangular2"),
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda step: 1 / (1 + step)),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda step: 0.97),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, patience=2, factor=0.5),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 5), s.ExponentialLR(o, 0.9)], milestones=[5]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.95)]
    ),
}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("build", [lenet, resnet, vgg])
@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_every_schedule_takes_torchs_way(build, scheduler):
    rates = train_for_30_steps(build, OPTIMIZERS["momentum"], SCHEDULERS[scheduler])
    assert len(set(rates)) > 1


def test_all_optimizers_and_schedules_are_there():
    kinds = {type(make(mt.optim, [mt.nn.Parameter(mt.ones(1))])) for make in OPTIMIZERS.values()}
    # LBFGS takes no batches: tests/optim/test_lbfgs.py has its trajectories.
    others = {"Optimizer", "LBFGS", "lr_scheduler", "swa_utils", *optim.refused.NAMES}
    others |= {"ASGD", "Adafactor", "Muon", "Rprop"}  # tests/optim/test_optimizers.py has theirs
    assert {kind.__name__ for kind in kinds} == set(mt.optim.__all__) - others
    assert set(SCHEDULERS) == set(mt.optim.lr_scheduler.__all__) - {"LRScheduler"}


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "resnet56", "alexnet"])
def test_models_have_torch_s_keys_shapes_and_text(name):
    ours = getattr(models.cifar, name)()
    theirs = getattr(torch_twin.load("cifar"), name)()
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    assert repr(ours) == repr(theirs)
    assert isinstance(ours, nn.Module)
