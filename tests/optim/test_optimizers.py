"""Optimizers: the update rules by hand, and whole trajectories beside torch's in float64."""

import importlib.util
import itertools
import math
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from trajectories import assert_same, start, train

import minitorch_cnn as mt
from minitorch_cnn import optim
from minitorch_cnn.kernels.array import optim as kernels

# A choice of settings for each optimizer, every one with every branch of its update rule.
SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.5, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "betas": (0.5, 0.6)}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.01, "maximize": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "betas": (0.5, 0.6)}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "centered": True, "alpha": 0.8, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "maximize": True}),
    ("Adadelta", {"lr": 0.5}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {"lr": 0.05}),
    ("Adamax", {"lr": 0.05, "betas": (0.6, 0.7), "eps": 1e-3, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05}),
    ("NAdam", {"lr": 0.05, "betas": (0.6, 0.7), "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.6, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adagrad", {"lr": 0.1}),
    (
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5},
    ),
    ("Rprop", {"lr": 0.05}),
    ("Rprop", {"lr": 0.05, "etas": (0.3, 1.7), "step_sizes": (0.01, 0.2), "maximize": True}),
    ("ASGD", {"lr": 0.05}),
    ("ASGD", {"lr": 0.05, "lambd": 0.3, "alpha": -0.5, "t0": 4, "weight_decay": 0.1}),
]
BY_ROWS = [  # a number depends on others of its parameter
    ("Adafactor", {"lr": 0.05}),
    ("Adafactor", {"lr": 0.3, "weight_decay": 0.1, "eps": (1e-3, 0.1), "d": 1.5}),
    ("Adafactor", {"lr": 0.05, "beta2_decay": -0.3, "maximize": True}),
]
EACH_NUMBER, SETTINGS = SETTINGS, SETTINGS + BY_ROWS
IDS = [f"{name}-{'-'.join(options)}" for name, options in SETTINGS]


@pytest.mark.parametrize("name, options", SETTINGS, ids=IDS)
def test_trajectories_are_torchs(name, options):
    torch = pytest.importorskip("torch")
    histories = []
    for lib in (mt, torch):
        params = start(lib)
        # a second group with a setting of its own
        groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02, "weight_decay": 0.2}]
        optimizer = getattr(lib.optim, name)(groups, **options)
        histories.append(train(lib, optimizer, params, range(30)))
    assert_same(*histories)


@pytest.mark.parametrize("name, options", SETTINGS, ids=IDS)
def test_state_dict_in_the_middle_continues_the_same_way(name, options):
    params = start(mt)
    whole = train(mt, getattr(optim, name)(params, **options), params, range(12))

    params = start(mt)
    first = getattr(optim, name)(params, **options)
    train(mt, first, params, range(6))
    saved = pickle.loads(pickle.dumps(first.state_dict()))
    second = getattr(optim, name)(params, lr=123.0)
    second.load_state_dict(saved)
    assert second.param_groups[0]["lr"] == options["lr"]
    rest = train(mt, second, params, range(6, 12))
    assert_same(rest, whole[6:], rtol=0)
    # loading copied: going on with the second leaves what was saved alone
    for i, entries in pickle.loads(pickle.dumps(first.state_dict()))["state"].items():
        for key, value in entries.items():
            np.testing.assert_array_equal(saved["state"][i][key].numpy(), value.numpy())


@pytest.mark.parametrize("name, options", SETTINGS, ids=IDS)
def test_state_dict_and_repr_are_torchs(name, options):
    torch = pytest.importorskip("torch")
    described = []
    for lib in (mt, torch):
        params = start(lib)
        optimizer = getattr(lib.optim, name)(
            [{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], **options
        )
        train(lib, optimizer, params, range(3))
        state = optimizer.state_dict()
        values = {
            number: {k: np.asarray(v).tolist() for k, v in entries.items() if v is not None}
            for number, entries in state["state"].items()
        }
        described.append((repr(optimizer), state["param_groups"], values))
    (text, groups, values), (their_text, their_groups, their_values) = described
    assert text == their_text
    assert groups == their_groups
    assert values.keys() == their_values.keys()
    for number in values:
        assert values[number].keys() == their_values[number].keys()
        for key in values[number]:
            np.testing.assert_allclose(values[number][key], their_values[number][key], rtol=1e-12)


def test_torchs_state_dict_can_be_continued():
    torch = pytest.importorskip("torch")
    theirs = start(torch)
    their_optimizer = torch.optim.Adam(theirs, lr=0.05)
    train(torch, their_optimizer, theirs, range(5))
    state = their_optimizer.state_dict()
    state["state"] = {
        number: {key: mt.tensor(value.numpy()) for key, value in entries.items()}
        for number, entries in state["state"].items()
    }
    ours = [mt.nn.Parameter(mt.tensor(p.detach().numpy().copy())) for p in theirs]
    our_optimizer = optim.Adam(ours)
    our_optimizer.load_state_dict(state)
    assert_same(
        train(mt, our_optimizer, ours, range(5, 15)),
        train(torch, their_optimizer, theirs, range(5, 15)),
    )


def test_sgd_by_hand():
    p = mt.nn.Parameter(mt.tensor([1.0], dtype=mt.float64))
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5, dampening=0.5, weight_decay=1.0)
    p.grad = mt.tensor([2.0], dtype=mt.float64)
    optimizer.step()  # g = 2 + 1, v = 3, p = 1 - 1.5
    assert p.item() == -0.5
    optimizer.step()  # g = 2 - 0.5, v = 1.5 + 0.75, p = -0.5 - 1.125
    assert p.item() == -1.625


def test_adam_by_its_paper():
    # Kingma and Ba's algorithm 1, with explicit bias corrections
    p = mt.nn.Parameter(mt.tensor([1.0, -2.0], dtype=mt.float64))
    optimizer = optim.Adam([p], lr=0.1, betas=(0.8, 0.95), eps=1e-4)
    x, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for t in range(1, 20):
        g = np.array([math.sin(t), 1 / t])
        p.grad = mt.from_numpy(g.copy())
        optimizer.step()
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        x = x - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-4)
        np.testing.assert_allclose(p.detach().numpy(), x, rtol=1e-12)


@settings(max_examples=15)
@given(
    st.sampled_from(EACH_NUMBER),
    st.lists(st.integers(0, 5), max_size=3),
    st.booleans(),
    st.booleans(),
    st.integers(1, 7),
    st.integers(0, 10**6),
)
def test_layout_and_blocks_do_not_matter(setting, shape, transposed, shuffled, block, seed):
    """Whatever lies how in memory, and wherever the blocks end, each number goes its own way."""
    name, options = setting
    rng = np.random.default_rng(seed)
    values, *gradients = (np.asarray(v) for v in rng.standard_normal((4, *shape)))

    def run(values, gradients):
        p = mt.nn.Parameter(mt.from_numpy(values))
        optimizer = getattr(optim, name)([p], **options)
        for g in gradients:
            p.grad = mt.from_numpy(g)
            optimizer.step()
        return p.detach().numpy()

    expected = np.empty(values.shape)
    for i in np.ndindex(*values.shape):
        expected[i] = run(np.array(values[i]), [np.array(g[i]) for g in gradients])
    if transposed:
        values = np.array(values, order="F")
    if shuffled:
        gradients = [np.array(g, order="F") for g in gradients]
    before, kernels.BLOCK = kernels.BLOCK, block
    try:
        result = run(values.copy(order="K"), gradients)
    finally:
        kernels.BLOCK = before
    np.testing.assert_allclose(result, expected, rtol=1e-14)


def test_float32_stays_float32_also_with_a_numpy_learning_rate():
    for name, _ in SETTINGS:
        p = mt.nn.Parameter(mt.ones(3))
        optimizer = getattr(optim, name)([p], lr=np.float64(0.1))
        p.grad = mt.ones(3)
        array = p.array
        optimizer.step()
        assert p.array is array and p.dtype is mt.float32  # changed in place
        for value in optimizer.state[p].values():
            assert value.dtype is mt.float32


def test_uphill_with_a_parameter_without_axes():
    for name in ("SGD", "Adam", "RMSprop"):
        p = mt.nn.Parameter(mt.tensor(1.0))
        optimizer = getattr(optim, name)([p], lr=0.5, maximize=True)
        p.grad = mt.tensor(2.0)
        optimizer.step()
        assert p.shape == () and p.item() > 1.4


def test_a_step_is_noticed_by_the_version_counter():
    p = mt.nn.Parameter(mt.ones(2))
    y = (p * p).sum()
    p.grad = mt.ones(2)
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_closure_is_evaluated_with_gradients():
    p = mt.nn.Parameter(mt.tensor([1.0]))
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mt.no_grad():
        assert optimizer.step(closure).item() == 1.0
    assert p.item() == 0.5


def test_zero_grad():
    p = mt.nn.Parameter(mt.ones(2))
    optimizer = optim.SGD([p], lr=0.1)
    p.grad = kept = mt.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0] == kept.tolist()
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.step()  # nothing to do
    assert p.tolist() == [1.0, 1.0]


# ------------------------------------------------------------------------ groups and errors

MISTAKES = {
    "a tensor": lambda lib, p: lib.optim.SGD(p, lr=0.1),
    "nothing": lambda lib, p: lib.optim.SGD([], lr=0.1),
    "a number": lambda lib, p: lib.optim.SGD([3], lr=0.1),
    "not a leaf": lambda lib, p: lib.optim.SGD([p * 2], lr=0.1),
    "a set": lambda lib, p: lib.optim.SGD([{"params": {p}}], lr=0.1),
    "twice": lambda lib, p: lib.optim.SGD([{"params": p}, {"params": [p]}], lr=0.1),
    "group is a list": lambda lib, p: lib.optim.SGD([p], lr=0.1).add_param_group([p]),
    "some names": lambda lib, p: lib.optim.SGD([("a", p), lib.nn.Parameter(lib.ones(1))]),
    "names later": lambda lib, p: lib.optim.SGD([p]).add_param_group(
        {"params": [("a", lib.nn.Parameter(lib.ones(1)))]}
    ),
    "lr": lambda lib, p: lib.optim.SGD([p], lr=-1),
    "momentum": lambda lib, p: lib.optim.SGD([p], momentum=-1),
    "weight_decay": lambda lib, p: lib.optim.SGD([p], weight_decay=-1),
    "nesterov": lambda lib, p: lib.optim.SGD([p], nesterov=True),
    "adam lr": lambda lib, p: lib.optim.Adam([p], lr=-1),
    "eps": lambda lib, p: lib.optim.Adam([p], eps=-1),
    "beta 0": lambda lib, p: lib.optim.Adam([p], betas=(1.0, 0.9)),
    "beta 1": lambda lib, p: lib.optim.AdamW([p], betas=(0.9, -0.1)),
    "adam weight_decay": lambda lib, p: lib.optim.Adam([p], weight_decay=-1),
    "alpha": lambda lib, p: lib.optim.RMSprop([p], alpha=-1),
    "rmsprop momentum": lambda lib, p: lib.optim.RMSprop([p], momentum=-1),
    "lr_decay": lambda lib, p: lib.optim.Adagrad([p], lr_decay=-1),
    "accumulator": lambda lib, p: lib.optim.Adagrad([p], initial_accumulator_value=-1),
    "fewer groups": lambda lib, p: lib.optim.SGD([p]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "larger group": lambda lib, p: lib.optim.SGD([p]).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_mistakes_raise_what_torch_raises(mistake):
    torch = pytest.importorskip("torch")
    errors = []
    for lib in (mt, torch):
        with pytest.raises(Exception) as caught:
            MISTAKES[mistake](lib, lib.nn.Parameter(lib.ones(2)))
        errors.append((caught.type, str(caught.value)))
    (kind, text), (their_kind, their_text) = errors
    assert kind is their_kind
    # the first words are torch's; what follows may say more
    assert text.split()[:4] == their_text.split()[:4]


def test_what_only_torchs_kernels_know_is_refused():
    p = mt.nn.Parameter(mt.ones(2))
    with pytest.raises(NotImplementedError, match="capturable=True is not supported"):
        optim.Adam([p], capturable=True)


def test_duplicates_in_a_group_are_warned_about():
    p = mt.nn.Parameter(mt.ones(2))
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p], lr=0.1)


def test_named_parameters_are_accepted():
    net = mt.nn.Linear(2, 1)
    optimizer = optim.SGD(net.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == [net.weight, net.bias]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_a_group_added_later_takes_part():
    p, q = mt.nn.Parameter(mt.ones(1)), mt.nn.Parameter(mt.ones(1))
    for name in ("SGD", "Adagrad", "Adam"):
        optimizer = getattr(optim, name)([p], lr=0.1)
        optimizer.add_param_group({"params": q, "lr": 0.3})
        assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.3]
        before = q.item()
        q.grad = mt.ones(1)
        optimizer.step()
        assert q.item() == pytest.approx(before - 0.3, abs=1e-6)


def test_loaded_state_takes_the_parameters_dtype():
    p = mt.nn.Parameter(mt.ones(2, dtype=mt.float64))
    optimizer = optim.Adam([p])
    p.grad = mt.ones(2, dtype=mt.float64)
    optimizer.step()
    q = mt.nn.Parameter(mt.ones(2))
    other = optim.Adam([q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["exp_avg"].dtype is mt.float32
    assert other.state[q]["step"].item() == 1.0


def test_step_hooks_and_a_users_own_optimizer():
    log = []

    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            log.append("step")
            with mt.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p -= group["lr"] * p.grad.sign()

    p = mt.nn.Parameter(mt.tensor([1.0, 1.0]))
    p.grad = mt.tensor([5.0, -5.0])
    optimizer = Signs([p], lr=0.5)
    optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append("before"))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: log.append("after"))
    optimizer.step()
    handle.remove()
    optimizer.step()
    assert log == ["before", "step", "after", "before", "step"]
    assert p.tolist() == [0.0, 2.0]
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="step pre hook must return None or a tuple"):
        optimizer.step()
    with pytest.raises(NotImplementedError, match="neither update"):
        bare = optim.Optimizer([p], {})
        bare.step()


def test_loading_forgets_what_a_schedule_has_noted():
    """As a finder of learning rates: a schedule for the test, then the state from before it."""
    optimizer = optim.SGD([("w", mt.nn.Parameter(mt.ones(1)))], lr=0.5)
    before = optimizer.state_dict()
    optimizer.param_groups[0]["lr"] = 1e-4
    optim.lr_scheduler.ExponentialLR(optimizer, 10.0)
    assert optimizer.param_groups[0]["initial_lr"] == 1e-4
    del before["param_groups"][0]["nesterov"]  # as a file of an older version
    optimizer.load_state_dict(before)
    (group,) = optimizer.param_groups
    assert group["lr"] == 0.5 and group["nesterov"] is False and group["param_names"] == ["w"]
    assert "initial_lr" not in group
    assert optim.lr_scheduler.StepLR(optimizer, 1).base_lrs == [0.5]


def test_an_optimizer_around_another_one():
    """As the published Lookahead: an Optimizer that never calls Optimizer.__init__."""

    class Lookahead(optim.Optimizer):
        def __init__(self, inner, k, alpha):
            self.inner, self.k, self.alpha, self.count = inner, k, alpha, 0
            self.param_groups, self.defaults, self.state = (
                inner.param_groups,
                inner.defaults,
                inner.state,
            )
            self.slow = [p.detach().clone() for p in self.param_groups[0]["params"]]

        def step(self, closure=None):
            self.inner.step()
            self.count += 1
            if self.count % self.k == 0:
                for p, q in zip(self.param_groups[0]["params"], self.slow, strict=True):
                    q += self.alpha * (p.data - q)
                    p.data.copy_(q)

    p = mt.nn.Parameter(mt.tensor([1.0]))
    optimizer = Lookahead(optim.SGD([p], lr=0.25), k=2, alpha=0.5)
    schedule = optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as the order of the calls is right
        for _ in range(3):
            optimizer.zero_grad()
            p.sum().backward()
            optimizer.step()
            schedule.step()
            seen.append(p.item())
    # 1 - 0.25; then halfway back from 0.5 to 1; then a step of half the length.
    assert seen == [0.75, 0.75, 0.625]


@pytest.mark.parametrize(
    "name, options",
    [("SGD", dict(lr=0.1, momentum=0.9, dampening=0.5)), ("SGD", dict(lr=0.1)), ("Adam", {})],
)
def test_parameters_that_join_later_as_torch(name, options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((3, 2)), rng.standard_normal(4), rng.standard_normal(5)]
    kinds = ("float64", "float64", "float32")
    ours = [mt.nn.Parameter(mt.from_numpy(v.astype(k))) for v, k in zip(values, kinds)]
    theirs = [torch.nn.Parameter(torch.tensor(v.astype(k))) for v, k in zip(values, kinds)]
    optimizer = getattr(optim, name)(ours, **options)
    expected = getattr(torch.optim, name)(theirs, **options)
    for step in range(4):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            gradient = rng.standard_normal(tuple(p.shape)).astype(kinds[i])
            absent = (i, step) in ((1, 0), (0, 2))
            p.grad = None if absent else mt.from_numpy(gradient)
            q.grad = None if absent else torch.from_numpy(gradient)
        optimizer.step()
        expected.step()
    for p, q, kind in zip(ours, theirs, kinds, strict=True):
        tolerance = 1e-14 if kind == "float64" else 1e-6
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance)


@pytest.mark.parametrize("tier", ["array", "auto"])
def test_a_step_is_few_python_calls(tier):
    if tier == "auto" and importlib.util.find_spec("numba") is None:
        pytest.skip("the compiled kernels need Numba")
    shapes = 13 * [(8, 4, 3, 3), (8,)]  # as many as a ResNet of two blocks has, or more
    params = [mt.nn.Parameter(mt.ones(shape, device="cpu")) for shape in shapes]
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=5e-4)
    for p in params:
        p.grad = mt.ones(p.shape, device="cpu")
    package, calls = str(Path(mt.__file__).parent), []

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(package):
            calls.append(frame.f_code.co_name)

    with mt.kernel_tier(tier):
        optimizer.step()  # the first one makes the momenta
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            optimizer.step()
        finally:
            sys.setprofile(before)
    assert "update_group" in calls and len(calls) <= 100


OTHERS = {
    "one less": ((2, 2), mt.float32),
    "turned": ((3, 2), mt.float32),
    "to be broadcast": ((1, 3), mt.float32),
    "larger": ((40, 3), mt.float32),
    "float64": ((2, 3), mt.float64),
    "integers": ((2, 3), mt.int64),
}


@pytest.mark.parametrize("tier", ["auto", "array"])
def test_a_step_refuses_grads_and_states_that_are_not_like_the_parameter(tier):
    """And writes nothing, not even to the parameter that is right."""
    names = sorted({name for name, _ in SETTINGS})
    for name, (shape, dtype) in itertools.product(names, OTHERS.values()):
        good, bad = (mt.nn.Parameter(mt.ones(2, 3)) for _ in range(2))
        good.grad, bad.grad = mt.ones(2, 3), mt.ones(2, 3)
        options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
        optimizer = getattr(mt.optim, name)([good, bad], lr=0.1, **options)
        with mt.kernel_tier(tier):
            optimizer.step()
            states = [key for key, value in optimizer.state[bad].items() if value.ndim]
            before = good.tolist()
            for key in states:
                right = optimizer.state[bad][key]
                if (tuple(right.shape), right.dtype) == (shape, dtype):
                    continue  # Adafactor's columns
                optimizer.state[bad][key] = mt.ones(*shape, dtype=dtype)
                with pytest.raises(RuntimeError, match=f"{key} of parameter 1"):
                    optimizer.step()
                optimizer.state[bad][key] = right
            bad._grad = mt.ones(*shape, dtype=dtype)
            with pytest.raises(RuntimeError, match="grad of parameter 1"):
                optimizer.step()
        assert states and good.tolist() == before


def test_an_infinite_weight_stays_infinite():
    """As with torch: no decay is no addition, and not one of 0 times the weight, which is NaN.

    Carlini and Wagner's attack sets out from atanh of black and white pixels.
    """
    for make in (mt.optim.SGD, mt.optim.Adam, mt.optim.AdamW):
        weight = mt.tensor([float("inf"), float("-inf"), 0.5] * 20, requires_grad=True)
        optimizer = make([weight], lr=0.25, weight_decay=0)
        weight.grad = mt.tensor([0.0, 0.0, 1.0] * 20)
        optimizer.step()
        expected = mt.tensor([float("inf"), float("-inf"), 0.25] * 20)
        assert mt.allclose(weight.detach(), expected), make.__name__
