"""Averaged weights beside torch's."""

import pickle

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")


def network(lib):
    nn = lib.nn
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4))


def trained(lib, make, start):
    """The averaged network after five steps, and the learning rates on the way."""
    model = network(lib).double()
    model.load_state_dict({name: lib.tensor(value.copy()) for name, value in start.items()})
    averaged = make(lib.optim.swa_utils, model)
    rng = np.random.default_rng(1)
    optimizer = lib.optim.SGD(
        [{"params": model[0].parameters()}, {"params": model[3].parameters(), "lr": 0.01}], lr=0.1
    )
    scheduler = lib.optim.swa_utils.SWALR(optimizer, [0.05, 0.02], anneal_epochs=3)
    rates = []
    batches = [lib.from_numpy(rng.standard_normal((3, 2, 4, 4))) for _ in range(5)]
    for batch in batches:
        optimizer.zero_grad()
        model(batch).square().sum().backward()
        optimizer.step()
        scheduler.step()
        averaged.update_parameters(model)
        rates += [group["lr"] for group in optimizer.param_groups]
    return averaged, model, batches, rates


MAKE = {
    "swa": lambda utils, model: utils.AveragedModel(model),
    "buffers": lambda utils, model: utils.AveragedModel(model, use_buffers=True),
    "function": lambda utils, model: utils.AveragedModel(
        model, avg_fn=lambda mean, value, count: 0.3 * mean + 0.7 * value + count
    ),
    "ema": lambda utils, model: utils.AveragedModel(model, avg_fn=utils.get_ema_avg_fn(0.8)),
    "ema of lists": lambda utils, model: utils.AveragedModel(
        model, multi_avg_fn=utils.get_ema_multi_avg_fn(0.8)
    ),
    "swa of lists": lambda utils, model: utils.AveragedModel(
        model, multi_avg_fn=utils.get_swa_multi_avg_fn()
    ),
}


def same_state(ours, theirs, rtol=1e-9):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("kind", MAKE)
def test_averages_and_rates_are_torchs(kind):
    start = {name: value.numpy() for name, value in network(mt).double().state_dict().items()}
    ours, model, batches, rates = trained(mt, MAKE[kind], start)
    theirs, _, their_batches, their_rates = trained(torch, MAKE[kind], start)
    np.testing.assert_allclose(rates, their_rates, rtol=1e-12)
    # torch's mean of lists divides by the count in float32
    rtol = 1e-6 if kind == "swa of lists" else 1e-9
    same_state(ours, theirs, rtol)
    assert ours.training and not any(p is q for p, q in zip(ours.parameters(), model.parameters()))

    for lib, averaged, data in ((mt, ours, batches), (torch, theirs, their_batches)):
        averaged.eval()
        lib.optim.swa_utils.update_bn([(batch, None) for batch in data], averaged)
        assert not averaged.training and averaged.module[1].momentum == 0.1
    same_state(ours, theirs, rtol)
    np.testing.assert_allclose(
        ours(batches[0]).detach().numpy(), theirs(their_batches[0]).detach().numpy(), rtol, rtol
    )


@pytest.mark.parametrize("options", [{}, {"anneal_epochs": 0}, {"anneal_strategy": "linear"}])
def test_swalr_after_another_schedule(options):
    rates = []
    for lib in (mt, torch):
        optimizer = lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], lr=0.1)
        step_lr = lib.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        swa = lib.optim.swa_utils.SWALR(optimizer, 0.2, **options)
        rates.append([])
        for step in range(16):
            optimizer.step()
            (step_lr if step < 4 else swa).step()
            rates[-1].append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_settings_that_are_refused():
    utils = mt.optim.swa_utils
    optimizer = mt.optim.SGD([mt.nn.Parameter(mt.ones(1))], lr=0.1)
    with pytest.raises(ValueError, match="'cos' or 'linear', instead got sine"):
        utils.SWALR(optimizer, 0.1, anneal_strategy="sine")
    with pytest.raises(ValueError, match="swa_lr has 2"):
        utils.SWALR(optimizer, [0.1, 0.2])
    with pytest.raises(ValueError, match="-1"):
        utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match=r"1\.5"):
        utils.get_ema_avg_fn(1.5)
    with pytest.raises(AssertionError, match="Only one"):
        utils.AveragedModel(mt.nn.ReLU(), avg_fn=max, multi_avg_fn=max)


def test_update_bn_without_batch_norms_reads_nothing():
    model = mt.nn.Linear(2, 2)
    mt.optim.swa_utils.update_bn(iter([None]), model)
    assert model.training


def test_averaged_models_can_be_pickled():
    model = mt.nn.Linear(2, 1)
    for options in ({}, dict(multi_avg_fn=mt.optim.swa_utils.get_ema_multi_avg_fn(0.5))):
        averaged = mt.optim.swa_utils.AveragedModel(model, **options)
        averaged.update_parameters(model)
        twin = pickle.loads(pickle.dumps(averaged))
        twin.update_parameters(model)
        assert mt.equal(twin.module.weight, model.weight) and twin.n_averaged == 2
