"""LBFGS beside torch's: the same losses at every call of the closure."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

SETTINGS = [
    {},
    {"lr": 0.3, "max_iter": 7, "history_size": 3},
    {"lr": 0.5, "max_iter": 12, "max_eval": 5},
    {"max_iter": 30, "tolerance_grad": 1e-2},
    {"max_iter": 30, "tolerance_change": 1e-3},
    {"max_iter": 1},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "lr": 0.01, "max_iter": 9},
    {"line_search_fn": "strong_wolfe", "lr": 30, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 6, "max_eval": 8, "tolerance_grad": 1e-2},
]


def losses_of(lib, options, steps, saved_after=None):
    """Rosenbrock's valley in two tensors of parameters; one more has no gradient."""
    rng = np.random.default_rng(0)
    params = [lib.nn.Parameter(lib.tensor(rng.standard_normal(s) * 0.5)) for s in ((2, 3), (6,))]
    params.append(lib.nn.Parameter(lib.ones(2, dtype=lib.float64)))
    optimizer = lib.optim.LBFGS(params, **options)
    losses = []

    def closure():
        optimizer.zero_grad()
        a, b = params[0].reshape(-1), params[1]
        loss = ((1 - a) ** 2 + 5 * (b - a**2) ** 2).sum()
        loss.backward()
        losses.append(loss.item())
        return loss

    for step in range(steps):
        returned = optimizer.step(closure)
        losses.append(returned.item())
        if step == saved_after:
            state = optimizer.state_dict()
            optimizer = lib.optim.LBFGS(params, lr=0.123)
            optimizer.load_state_dict(state)
    return losses, params, optimizer


@pytest.mark.parametrize("options", SETTINGS, ids=lambda options: "-".join(options) or "defaults")
def test_every_loss_is_torchs(options):
    ours, our_params, our_optimizer = losses_of(mt, options, 4)
    theirs, their_params, their_optimizer = losses_of(torch, options, 4)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
    for a, b in zip(our_params, their_params, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-6, atol=1e-9)
    (mine,), (other,) = (
        list(each.state_dict()["state"].values()) for each in (our_optimizer, their_optimizer)
    )
    assert (mine["n_iter"], mine["func_evals"]) == (other["n_iter"], other["func_evals"])
    assert repr(our_optimizer) == repr(their_optimizer)


def test_a_state_dict_goes_on():
    options = {"max_iter": 5, "lr": 0.5}
    whole, *_ = losses_of(mt, options, 4)
    again, *_ = losses_of(mt, options, 4, saved_after=1)
    assert again == whole


def test_what_is_refused():
    p = mt.nn.Parameter(mt.ones(2))
    for rho in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"rho value: {rho}"):
            mt.optim.Adadelta([p], rho=rho)
    with pytest.raises(ValueError, match="momentum_decay value: -1"):
        mt.optim.NAdam([p], momentum_decay=-1)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        p.grad = mt.ones(2)
        mt.optim.LBFGS([p], line_search_fn="armijo").step(lambda: mt.ones(()))
    with pytest.raises(ValueError, match="parameter groups"):
        mt.optim.LBFGS([{"params": [p]}, {"params": [mt.nn.Parameter(mt.ones(1))]}])
    with pytest.raises(ValueError, match="-1"):
        mt.optim.LBFGS([p], lr=-1)
    with pytest.raises(TypeError, match="closure"):
        mt.optim.LBFGS([p]).step()
    for name in mt.optim.refused.NAMES:
        assert issubclass(getattr(torch.optim, name), torch.optim.Optimizer)
        with pytest.raises(NotImplementedError, match=name):
            getattr(mt.optim, name)([p], lr=1)


@pytest.mark.parametrize("name", ["prev_flat_grad", "d", "old_dirs", "old_stps"])
@pytest.mark.parametrize("length", [1, 5])
def test_a_state_of_other_parameters_is_refused(name, length):
    """One number would broadcast."""
    p = mt.nn.Parameter(mt.tensor([3.0, -2.0, 1.0]))
    optimizer = mt.optim.LBFGS([p], max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = (p * p * mt.tensor([1.0, 5.0, 9.0])).sum() + (p**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    state, wrong = optimizer.state[p], mt.ones(length)
    state[name] = [wrong, *state[name][1:]] if isinstance(state[name], list) else wrong
    with pytest.raises(RuntimeError, match=rf"shape \[{length}\], but.*3 elements"):
        optimizer.step(closure)
