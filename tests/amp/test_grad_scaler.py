"""GradScaler beside torch's, on the same gradients, some of them infinite."""

import numpy as np
import pytest

import minitorch_cnn as mt

SETTINGS = dict(init_scale=8.0, growth_factor=4.0, backoff_factor=0.25, growth_interval=2)


def steps(lib, scaler, gradients, unscale_first=()):
    """Parameters and factors after each step; gradients are those of the unscaled loss."""
    p = lib.nn.Parameter(lib.tensor([1.0, 2.0]))
    optimizer = lib.optim.SGD([p], lr=0.5)
    seen = []
    for number, gradient in enumerate(gradients):
        optimizer.zero_grad()
        scaler.scale((p * lib.tensor(gradient)).sum()).backward()
        if number in unscale_first:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        seen.append((p.detach().tolist(), scaler.get_scale()))
    return seen


GRADIENTS = [[1.0, 2.0], [0.5, 0.5], [float("inf"), 1.0], [1.0, 1.0], [float("nan"), 0.0]]
GRADIENTS += [[0.25, 0.5], [1.0, -1.0], [1.0, 0.0]]


def test_steps_and_factors_are_torchs():
    torch = pytest.importorskip("torch")
    ours = steps(mt, mt.amp.GradScaler("cpu", **SETTINGS), GRADIENTS, {1, 3})
    theirs = steps(torch, torch.amp.GradScaler("cpu", **SETTINGS), GRADIENTS, {1, 3})
    assert ours == theirs


def test_an_infinite_gradient_leaves_the_parameters_alone():
    seen = steps(mt, mt.amp.GradScaler("cpu", **SETTINGS), [[1.0, 2.0], [float("inf"), 1.0]])
    assert seen == [([0.5, 1.0], 8.0), ([0.5, 1.0], 2.0)]


def test_state_dict_goes_on_where_it_was():
    torch = pytest.importorskip("torch")
    scaler = mt.amp.GradScaler("cpu", **SETTINGS)
    steps(mt, scaler, GRADIENTS[:4])
    other = mt.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict()
    theirs = torch.amp.GradScaler("cpu", **SETTINGS)
    steps(torch, theirs, GRADIENTS[:4])
    assert scaler.state_dict() == theirs.state_dict()


def test_order_of_calls_is_checked_as_torch_does():
    p = mt.nn.Parameter(mt.ones(2))
    optimizer, scaler = mt.optim.SGD([p], lr=0.1), mt.amp.GradScaler("cpu")
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()
    with pytest.raises(AssertionError, match="No inf checks were recorded for this optimizer"):
        scaler.step(optimizer)
    scaler = mt.amp.GradScaler("cpu")
    scaler.scale(p.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=lambda: None)


def test_half_gradients_are_refused():
    p = mt.nn.Parameter(mt.ones(2, dtype=mt.float16))
    optimizer, scaler = mt.optim.SGD([p], lr=0.1), mt.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale(p.sum()).backward()
    with pytest.raises(ValueError, match="FP16"):
        scaler.step(optimizer)


def test_disabled_it_does_nothing():
    scaler = mt.amp.GradScaler("cpu", enabled=False)
    loss = mt.ones(())
    assert scaler.scale(loss) is loss and scaler.get_scale() == 1.0 and not scaler.is_enabled()
    assert scaler.state_dict() == {}
    if not mt.cuda.is_available():
        with pytest.warns(UserWarning, match="CUDA is not available. Disabling"):
            assert not mt.amp.GradScaler().is_enabled()


def test_scale_takes_lists_and_refuses_the_rest():
    scaler = mt.amp.GradScaler("cpu", init_scale=4.0)
    a, (b, c) = scaler.scale(mt.ones(1)), scaler.scale([mt.ones(1), mt.ones(1) * 2])
    assert (a.item(), b.item(), c.item()) == (4.0, 4.0, 8.0)
    with pytest.raises(ValueError, match="Tensor or an iterable"):
        scaler.scale("loss")
    with pytest.raises(ValueError, match=r"growth_factor.*0\.5"):
        mt.amp.GradScaler("cpu", growth_factor=0.5)


def test_unscaling_before_clipping_sees_the_true_gradient():
    p = mt.nn.Parameter(mt.tensor([3.0, 4.0]))
    optimizer, scaler = mt.optim.SGD([p], lr=1.0), mt.amp.GradScaler("cpu")
    scaler.scale((p * p).sum() / 2).backward()
    scaler.unscale_(optimizer)
    norm = mt.nn.utils.clip_grad_norm_([p], 1.0)
    np.testing.assert_allclose(norm.item(), 5.0, rtol=1e-6)
    scaler.step(optimizer)
    np.testing.assert_allclose(p.detach().numpy(), [2.4, 3.2], rtol=1e-5)
