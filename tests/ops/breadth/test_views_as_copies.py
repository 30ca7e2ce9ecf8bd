"""What views show, copied: beside torch, with memory of its own."""

import pytest

import minitorch_cnn as mt

CALLS = """
    alias_copy(x)
    as_strided_copy(x, (2, 2), (3, 1), 1)
    detach_copy(x.detach())
    diagonal_copy(x, 1)
    diagonal_copy(x, offset=-1, dim1=1, dim2=0)
    expand_copy(x[:1], (4, 3))
    expand_copy(x, (2, -1, 3))
    narrow_copy(x, 1, 1, 2)
    permute_copy(x, (1, 0))
    select_copy(x, 1, -1)
    slice_copy(x, 1, 0, None, 2)
    slice_copy(x)
    split_copy(x, 2, 1)
    split_with_sizes_copy(x, (1, 2), 1)
    squeeze_copy(x[:1])
    squeeze_copy(x[:1], 0)
    t_copy(x)
    transpose_copy(x, 0, 1)
    unbind_copy(x, 1)
    unfold_copy(x, 1, 2, 1)
    unsqueeze_copy(x, -1)
    view_copy(x, (-1,))
"""


def found(lib, call):
    leaf = lib.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).requires_grad_()
    x = leaf * 1
    parts = eval(call, {**vars(lib), "x": x})
    parts = [parts] if isinstance(parts, lib.Tensor) else list(parts)
    values = [(part.tolist(), part.stride(), part.requires_grad) for part in parts]
    if parts[0].requires_grad:
        sum((part**2).sum() for part in parts).backward()
        values.append(leaf.grad.tolist())
    with lib.no_grad():
        for part in parts:
            part.zero_()
    return values, x.tolist()


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_as_in_torch(call):
    torch = pytest.importorskip("torch")
    ours = found(mt, call)
    assert ours == found(torch, call)
    assert ours[1] == [[1, 2, 3], [4, 5, 6]]  # none was written through


def test_out():
    x, y = mt.arange(6.0).reshape(2, 3), mt.empty(0)
    assert mt.t_copy(x, out=y) is y and y.tolist() == x.T.tolist()
    assert not hasattr(mt.Tensor, "t_copy") and x.narrow_copy(0, 1, 1).tolist() == [[3, 4, 5]]


def test_what_is_refused():
    with pytest.raises(RuntimeError, match="step must be positive, got 0"):
        mt.slice_copy(mt.zeros(3), 0, 0, 3, 0)
    with pytest.raises(IndexError):
        mt.select_copy(mt.zeros(3), 0, 5)
