"""Steps that are recorded: values and gradients beside torch's, and by hand."""

import numpy as np
import pytest
from test_optimizers import EACH_NUMBER

import minitorch_cnn as mt
from minitorch_cnn import optim

IDS = [f"{name}-{'-'.join(options)}" for name, options in EACH_NUMBER]


def steps(lib, name, options):
    """The parameter after three steps, or one where torch cannot do more, the state, gradients."""
    rng = np.random.default_rng(3)
    begin = lib.tensor(rng.standard_normal((3, 2)), requires_grad=True)
    slopes = lib.tensor(rng.standard_normal((3, 3, 2)), requires_grad=True)
    p = begin.clone()
    optimizer = getattr(lib.optim, name)([p], differentiable=True, **options)
    # Here torch changes in place what it needs for backward.
    once = name in ("Adamax", "Rprop") or "amsgrad" in options or "centered" in options
    for slope in slopes[:1] if once else slopes:
        p.grad = slope * p.clone() + slope  # the gradient of a loss that depends on the parameter
        optimizer.step()
    state = {k: v for k, v in optimizer.state[p].items() if isinstance(v, lib.Tensor)}
    loss = (p * lib.tensor(rng.standard_normal((3, 2)))).sum()
    for value in state.values():
        if value.requires_grad:
            loss = loss + (value * value).sum()
    gradients = lib.autograd.grad(loss, (begin, slopes))
    found = {**state, "parameter": p, "begin": gradients[0], "slopes": gradients[1]}
    return {key: value.detach().numpy() for key, value in found.items()}


@pytest.mark.parametrize("name, options", EACH_NUMBER, ids=IDS)
def test_values_and_gradients_are_torchs(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = steps(mt, name, options), steps(torch, name, options)
    assert ours.keys() == theirs.keys()
    for key in theirs:  # torch has the number of steps in single precision, and corrections by it
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("name, options", EACH_NUMBER, ids=IDS)
def test_a_recorded_step_is_the_usual_one(name, options):
    ends = []
    for recorded in (False, True):
        p = mt.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=mt.float64)
        optimizer = getattr(optim, name)([p], differentiable=recorded, **options)
        for k in range(4):
            p.grad = (p.detach() - 0.3 * k).sin()
            optimizer.step()
        ends.append(p.detach().numpy().copy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-6)  # single precision in mu_product
    assert abs(ends[0] - [[0.5, -1.0], [2.0, 0.25]]).max() > 1e-3


def test_the_learning_rate_has_a_gradient():
    lr = mt.tensor(0.5, requires_grad=True)
    p = mt.tensor([1.0, 2.0])
    optimizer = optim.SGD([p], lr=lr, differentiable=True)
    p.grad = mt.tensor([3.0, -1.0])
    optimizer.step()
    p.sum().backward()
    assert p.tolist() == [-0.5, 2.5]
    assert lr.grad.item() == -2.0


def test_what_cannot_be_recorded_is_refused():
    leaf = mt.nn.Parameter(mt.ones(2))
    leaf.grad = mt.ones(2)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        optim.Adam([leaf], differentiable=True).step()
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        optim.Adam([leaf], differentiable=True, fused=True)
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        optim.Adam([leaf * 2])

    class Own(optim.Optimizer):
        pass

    with pytest.raises(NotImplementedError, match="not supported by Own"):
        own = Own([leaf], {"lr": 0.1, "differentiable": True})
        own.step()
