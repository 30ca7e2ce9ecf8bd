"""What nodes saved, by torch's names."""

import numpy as np
import pytest

import minitorch_cnn as mt

NAMES = {
    "mul": (lambda lib, x: x * (x + 1), ["self", "other"]),
    "number": (lambda lib, x: x * 3, ["other"]),
    "pow": (lambda lib, x: x**2, ["self", "exponent"]),
    "exp": (lambda lib, x: x.exp(), ["result"]),
    "log": (lambda lib, x: x.log(), ["self"]),
    "div": (lambda lib, x: x / (x + 1), ["self", "other"]),
    "relu": (lambda lib, x: x.relu(), ["result"]),
    "softmax": (lambda lib, x: x.softmax(1), ["result", "dim"]),
    "mm": (lambda lib, x: x @ x.t(), ["self", "mat2"]),
    "stack": (lambda lib, x: lib.stack([x, x], 1), ["dim"]),
    "index_select": (lambda lib, x: x.index_select(1, lib.tensor([1])), ["index", "dim"]),
    "gather": (lambda lib, x: x.gather(1, lib.tensor([[1], [0]])), ["index", "dim"]),
    "where": (lambda lib, x: lib.where(x > 1, x, x), ["condition"]),
    "prod": (lambda lib, x: x.prod(1), ["self", "result", "dim"]),
    "cumprod": (lambda lib, x: x.cumprod(1), ["self", "result", "dim"]),
    "conv": (
        lambda lib, x: lib.nn.functional.conv2d(x[None, None], lib.ones(1, 1, 1, 1).to(x.dtype)),
        ["weight"],
    ),
    "logit": (lambda lib, x: (x / 9).logit(0.1), ["self", "eps"]),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_and_values_are_torchs(name):
    torch = pytest.importorskip("torch")
    function, names = NAMES[name]
    for attribute in names:
        seen = []
        for lib in (mt, torch):
            x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=lib.float64, requires_grad=True)
            node = function(lib, x).grad_fn
            found = getattr(node, f"_saved_{attribute}")
            is_tensor = isinstance(found, lib.Tensor)
            assert (f"_raw_saved_{attribute}" in dir(node)) is is_tensor
            assert f"_saved_{attribute}" in dir(node)
            seen.append(found.detach().numpy() if is_tensor else found)
        np.testing.assert_allclose(seen[0], seen[1], rtol=1e-12, err_msg=attribute)


def test_hooks_of_what_was_saved():
    x = mt.tensor([2.0], requires_grad=True)
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda t: 2 * t, lambda t: t)
    assert y.grad_fn._saved_self.tolist() == [4.0]
    with pytest.raises(RuntimeError, match="already been set"):
        y.grad_fn._raw_saved_self.register_hooks(lambda t: t, lambda t: t)
    y.backward()
    assert x.grad.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="after they have already been freed"):
        _ = y.grad_fn._saved_self
    with pytest.raises(AttributeError, match="no attribute '_saved_nothing'"):
        _ = y.grad_fn._saved_nothing
    z = x * 3
    with pytest.raises(TypeError, match="incompatible function arguments"):
        z.exp().grad_fn._raw_saved_result.register_hooks(lambda t: t)

    class Own(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, None)
            return x * 2

        @staticmethod
        def backward(ctx, gy):
            return gy * 2

    saved = Own.apply(x).grad_fn._raw_saved_tensors
    with pytest.raises(RuntimeError, match="None is forbidden"):
        saved[1].register_hooks(lambda t: t, lambda t: t)


def test_saved_tensors_are_those_of_a_programs_own_operation():
    x = mt.tensor([2.0], requires_grad=True)
    y = x.exp()
    assert not hasattr(y.grad_fn, "saved_tensors")
    y.backward()
    assert x.grad.item() == pytest.approx(np.exp(2))
