"""custom_fwd and custom_bwd, and autocast where it is off: beside torch, on the CPU."""

import numpy as np
import pytest

import minitorch_cnn as mt


def run(lib, cast_inputs, decorated=True, enabled=True):
    """A product by a Function of one's own: the types that forward and backward see."""
    seen = []
    forward_as = lib.amp.custom_fwd(device_type="cpu", cast_inputs=cast_inputs)
    backward_as = lib.amp.custom_bwd(device_type="cpu")

    class Product(lib.autograd.Function):
        @staticmethod
        @(forward_as if decorated else lambda f: f)
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            seen.append((str(a.dtype), str((a @ b).dtype)))
            return a @ b

        @staticmethod
        @(backward_as if decorated else lambda f: f)
        def backward(ctx, gy):
            a, b = ctx.saved_tensors
            seen.append([str((a.float() @ b.float()).dtype)])
            return (gy.float() @ b.t().float()), (a.t().float() @ gy.float())

    a = lib.tensor([[1.0, 2.0]], requires_grad=True)
    b = lib.tensor([[3.0], [4.0]], requires_grad=True)
    with lib.autocast("cpu", dtype=lib.float16, enabled=enabled):
        y = Product.apply(a, b)
    y.sum().backward()
    texts = [text.split(".")[-1] for each in seen for text in each]
    return texts, y.item(), a.grad.tolist()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("cast", [None, "float16", "float32"])
def test_the_types_are_torchs(cast, enabled):
    torch = pytest.importorskip("torch")
    ours, theirs = (run(lib, cast and getattr(lib, cast), True, enabled) for lib in (mt, torch))
    assert ours == theirs
    if enabled and cast is None:  # backward follows forward, which without custom_bwd it does not
        assert ours[0][-1] == "float16"
        assert run(mt, None, decorated=False)[0][-1] == "float32"


def test_autocast_that_is_off_takes_any_type():
    """As in torch: programs name bfloat16 and switch it off where there is no GPU."""
    assert not mt.is_autocast_enabled() and not mt.is_autocast_enabled("cpu")
    with mt.autocast("cpu", dtype=mt.float64, enabled=False):
        assert (mt.ones(2, 2) @ mt.ones(2, 2)).dtype is mt.float32
        assert not mt.is_autocast_enabled("cpu")
    with mt.autocast("cpu", dtype=mt.float16):
        assert mt.is_autocast_enabled("cpu") and not mt.is_autocast_enabled("cuda")
    with pytest.raises(NotImplementedError, match="only float16"):
        mt.autocast("cpu", dtype=mt.float64)
    if not mt.cuda.is_available():
        with pytest.warns(UserWarning, match="CUDA is not available"):
            mt.autocast("cuda", dtype=mt.float64)
    assert np.isclose(run(mt, mt.float32)[1], 11)
    assert mt.cuda.amp.custom_fwd is mt.amp.custom_fwd
