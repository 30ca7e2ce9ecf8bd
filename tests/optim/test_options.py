"""What optimizers share or refuse beside their rules: options, tensor rates, hooks; and Muon."""

import importlib

import numpy as np
import pytest
from trajectories import assert_same, start, train

import minitorch_cnn as mt
from minitorch_cnn import optim


@pytest.mark.parametrize("option", ["foreach", "fused"])
def test_choices_among_torchs_kernels_change_nothing(option):
    results = []
    for options in ({}, {option: True}):
        params = start(mt)
        optimizer = optim.Adam(params, lr=0.1, **options)
        assert optimizer.param_groups[0][option] is options.get(option)
        results.append(train(mt, optimizer, params, range(3)))
    assert_same(*results, rtol=0)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.SGD(start(mt), fused=True, foreach=True)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Rprop", "ASGD", "Adafactor"])
def test_a_learning_rate_that_is_a_tensor(name):
    torch = pytest.importorskip("torch")
    histories, rates = [], []
    for lib in (mt, torch):
        params, lr = start(lib), lib.tensor(0.125)
        optimizer = getattr(lib.optim, name)(params, lr=lr)
        scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        histories.append([])
        for step in range(6):
            histories[-1] += train(lib, optimizer, params, [step])
            scheduler.step()
        assert optimizer.param_groups[0]["lr"] is lr and lr.item() == 0.125 / 8
        rates.append([float(each) for each in (*scheduler.get_last_lr(), *scheduler.base_lrs)])
    assert_same(*histories, rtol=1e-5)  # torch multiplies by it in single precision
    assert rates[0] == rates[1] == [0.125 / 8, 0.125]
    with pytest.raises(ValueError, match="1-element"):
        getattr(optim, name)(start(mt), lr=mt.ones(2))


def test_muon_is_torchs_as_far_as_its_bfloat16_goes():
    torch = pytest.importorskip("torch")
    for options in ({}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "weight_decay": 0}):
        results = []
        for lib in (mt, torch):
            rng = np.random.default_rng(3)
            params = [lib.nn.Parameter(lib.tensor(rng.random(s))) for s in ((4, 3), (3, 6), (5, 5))]
            optimizer = lib.optim.Muon(params, lr=0.02, **options)
            for _ in range(30):
                for p in params:
                    p.grad = lib.tensor(rng.standard_normal(tuple(p.shape)))
                optimizer.step()
            described = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
            buffers = [optimizer.state[p]["momentum_buffer"].numpy() for p in params]
            results.append((described, buffers, [p.detach().numpy() for p in params]))
        assert results[0][0] == results[1][0]
        for mine, other in zip(results[0][1], results[1][1], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)
        for mine, other in zip(results[0][2], results[1][2], strict=True):
            np.testing.assert_allclose(mine, other, atol=0.02)  # after 30 steps of about 0.02


def test_muon_makes_its_step_orthogonal():
    rng = np.random.default_rng(0)
    for shape in ((4, 4), (3, 7), (7, 3)):
        matrix = rng.standard_normal(shape)
        found = optim.muon.orthogonal(matrix, (1.5, -0.5, 0), 60, 1e-7)  # this one converges
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        np.testing.assert_allclose(found, u @ v, atol=1e-9)


WRONG = [
    "Rprop([p], lr=-1)",
    "Rprop([p], etas=(1, 2))",
    "ASGD([p], lr=-1)",
    "ASGD([p], weight_decay=-1)",
    "Adafactor([p], beta2_decay=1)",
    "Adafactor([p], eps=(-1, 1))",
    "Adafactor([p], eps=(None, -1))",
    "Adafactor([p], d=0.5)",
    "Adafactor([p], weight_decay=-1)",
    "Adafactor([p], lr=-1)",
    "Muon([p[0].detach()])",
    "Muon([p], lr=-1)",
    "Muon([p], momentum=-1)",
    "Muon([p], weight_decay=-1)",
    "Muon([p], adjust_lr_fn='x')",
]


@pytest.mark.parametrize("call", WRONG)
def test_wrong_settings_of_the_newer_ones(call):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        p = lib.nn.Parameter(lib.ones(2, 2))
        with pytest.raises(ValueError, match=r"-1|0\.5|1, 2| 1$|x|size"):
            eval(f"optim.{call}", {"optim": lib.optim, "p": p})


def test_a_state_of_another_shape_is_refused_by_adafactor():
    p = mt.nn.Parameter(mt.ones(2, 3))
    optimizer = optim.Adafactor([p])
    p.grad = mt.ones(2, 3)
    optimizer.step()
    optimizer.state[p]["row_var"] = mt.ones(1, 1)
    with pytest.raises(RuntimeError, match=r"row_var of parameter 0 .* shape \[1, 1\]"):
        optimizer.step()


def hooked(lib):
    """What the hooks of an optimizer see, in order."""
    calls = []
    optimizer = lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], lr=0.5)
    everywhere = importlib.import_module(f"{lib.__name__}.optim.optimizer")
    handles = [
        everywhere.register_optimizer_step_pre_hook(lambda *_: calls.append("all before")),
        everywhere.register_optimizer_step_post_hook(lambda *_: calls.append("all after")),
    ]
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("saving"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "note": 1})
    optimizer.register_state_dict_post_hook(lambda o, s: calls.append(sorted(s)), prepend=True)
    optimizer.register_load_state_dict_pre_hook(lambda o, s: calls.append(s.pop("note")))
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.step()
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    for handle in handles:
        handle.remove()
    optimizer.step()
    return calls, sorted(state)


def test_hooks_of_an_optimizer():
    torch = pytest.importorskip("torch")
    ours, theirs = hooked(mt), hooked(torch)
    assert ours == theirs and len(ours[0]) == 10


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_rates_given_as_tensors_are_kept(name):
    lib = pytest.importorskip(name)
    for make in (
        lambda o, *t: lib.optim.lr_scheduler.CyclicLR(
            o, base_lr=t[0], max_lr=t[1], base_momentum=t[2], max_momentum=t[3]
        ),
        lambda o, *t: lib.optim.lr_scheduler.OneCycleLR(
            o, max_lr=t[1], total_steps=10, base_momentum=t[2], max_momentum=t[3]
        ),
        lambda o, *t: lib.optim.swa_utils.SWALR(o, swa_lr=t[1]),
    ):
        given = [lib.tensor(each) for each in (0.1, 0.2, 0.8, 0.9)]
        parameter = lib.nn.Parameter(lib.ones(1))
        optimizer = lib.optim.SGD([parameter], lr=lib.tensor(0.1), momentum=0.9)
        scheduler = make(optimizer, *given)
        kept = ("initial_lr", "max_momentum", "base_momentum", "swa_lr", "max_lr")
        before = [float(optimizer.param_groups[0].get(key, 0)) for key in kept]
        for each in given:
            each.mul_(0.5)
        scheduler.step()
        assert [float(optimizer.param_groups[0].get(key, 0)) for key in kept] == before


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_a_setting_that_each_group_must_give(name):
    """`required`, the older way of programs to have no default."""
    lib = pytest.importorskip(name)
    required = importlib.import_module(f"{name}.optim.optimizer").required

    class Plain(lib.optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    weight = lib.nn.Parameter(lib.ones(1))
    assert Plain([{"params": [weight], "lr": 0.5}]).param_groups[0]["lr"] == 0.5
    assert Plain([weight], lr=1).param_groups[0]["lr"] == 1
    with pytest.raises(ValueError, match=r"didn't specify a value of required .* parameter lr"):
        Plain([weight])
    assert repr(required) == "<required parameter>"
