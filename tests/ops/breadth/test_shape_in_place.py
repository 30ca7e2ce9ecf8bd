"""Tensors that are given another shape in place: torch's results, and what becomes of views."""

import numpy as np
import pytest

import minitorch_cnn as mt

CALLS = """
    lib.ones(2, 3).unsqueeze_(0)
    lib.ones(2, 1).squeeze_()
    lib.ones(2, 1, 1).squeeze_(1)
    lib.arange(6).reshape(2, 3).clone().t_()
    lib.arange(6.0).reshape(1, 2, 3).clone().transpose_(0, 2)
    lib.arange(6.0).reshape(2, 3).clone().swapaxes_(0, -1)
    lib.arange(6.0).reshape(2, 3).clone().swapdims_(0, 1)
    lib.arange(6).as_strided_((2, 2), (1, 2))
    lib.arange(6).resize_(2, 2)
    lib.arange(6).resize_((3, 2))
    lib.arange(6).resize_(6)
    lib.arange(6.0).resize_as_(lib.ones(2, 3))
    lib.ones(2).set_(lib.zeros(3))
    lib.ones(2)[:1].set_(lib.zeros(3))
    lib.ones(2).set_(lib.arange(6.0).untyped_storage())
    lib.ones(2).set_(lib.arange(6.0).untyped_storage(), 1, (2, 2))
    lib.ones(2).set_(lib.arange(8.0)[2:], 1, (2, 2), (2, 1))
    lib.arange(24.0).resize_((1, 2, 3, 4), memory_format=lib.channels_last)
    lib.arange(24.0).resize_((1, 2, 3, 2, 2), memory_format=lib.channels_last_3d)
    lib.arange(4.0).resize_((1, 2, 3, 4), memory_format=lib.channels_last).fill_(1)
    lib.arange(24.0).resize_as_(pixels, memory_format=lib.preserve_format)
    lib.arange(6).reshape(2, 3)[1:].as_strided_((2, 2), (1, 1))
    lib.arange(6).reshape(2, 3)[:, 1:].as_strided_((2, 2), (1, 1), 2)
    lib.arange(6).reshape(2, 3).t().as_strided((2, 2), (1, 3), 1)
"""

# A view that is given another shape: x is (2, 3, 1), the view of it (3, 1).
OF_A_VIEW = """
    t_() transpose_(0,1) swapdims_(0,-1) squeeze_() squeeze_(1) squeeze_(0) unsqueeze_(0)
    unsqueeze_(-1) as_strided_((2,2),(1,1),1) as_strided_((2,2),(0,1),2)
"""


def turned(lib, method):
    """What the view is then, what writing into it does to what it is a view of, and gradients."""
    leaf = lib.arange(6.0, dtype=lib.float64).reshape(2, 3, 1).requires_grad_()
    x = leaf * 2
    view = x[1]
    old = view.grad_fn
    assert eval(f"view.{method}") is view
    seen = [view.tolist(), view.stride(), view._is_view(), view._base is x, view._version]
    seen.append(view.grad_fn is old)
    if "as_strided" not in method:  # whose elements overlap
        view.mul_(10)
    (x * 3).sum().backward(retain_graph=True)
    (view**2).sum().backward()
    return [*seen, x.tolist(), leaf.grad.tolist()]


@pytest.mark.parametrize("method", OF_A_VIEW.split())
def test_a_view_looks_at_its_tensor_in_another_way(method):
    torch = pytest.importorskip("torch")
    assert turned(mt, method) == turned(torch, method)


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_torch_gives_the_same(call):
    torch = pytest.importorskip("torch")
    ours, theirs = (
        eval(call, {"lib": lib, "pixels": lib.ones(1, 2, 3, 4).to(memory_format=lib.channels_last)})
        for lib in (mt, torch)
    )
    assert ours.tolist() == theirs.tolist() and ours.stride() == theirs.stride()


def test_a_larger_tensor_keeps_its_first_elements():
    x = mt.arange(4)
    assert x.resize_(2, 4) is x and x.shape == (2, 4) and x[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 4, 2**29, 2**29), "Storage size calculation overflowed"),
        ((8, 8, 2**29, 2**29), "overflow"),
        ((0, 4, 2**61), "Stride calculation overflowed"),
        ((2, -1), "negative"),
    ],
)
def test_shapes_that_no_tensor_has(shape, words):
    x = mt.ones((), dtype=mt.float64)
    with pytest.raises(RuntimeError, match=words):
        x.resize_(shape)
    assert x.shape == () and x.item() == 1


def test_what_lies_in_memory_stays():
    """Not the order of a tensor's elements counts, but that of its memory, as in torch."""
    for lib in (mt, pytest.importorskip("torch")):
        x = lib.empty_strided((2, 3), (1, 2))
        x.copy_(lib.arange(6.0).reshape(2, 3))
        assert x.resize_(3, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]
        assert x.resize_(2).resize_(2, 2).flatten().tolist() == [0, 3, 1, 4]
        few = lib.empty_strided((2, 3), (1, 0)).fill_(7)
        assert few.resize_(4)[:2].tolist() == [7, 7]


def test_the_memory_stays_the_same():
    x = mt.arange(6.0)
    shared = x.numpy()
    x.resize_(2, 2).unsqueeze_(0)
    x[0, 1, 1] = 50.0
    assert shared.tolist() == [0, 1, 2, 50, 4, 5]


def test_gradients_pass_through():
    w = mt.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    x = w * 2
    x.t_().unsqueeze_(0)
    (x * mt.tensor([[1.0, 10.0], [100.0, 1000.0]])).sum().backward()
    assert w.grad.tolist() == [[2, 200], [20, 2000]]


def test_what_was_saved_before_is_not_used_in_the_new_shape():
    w = mt.ones(2, 3, requires_grad=True)
    x = w * 2
    y = (x * x).sum()
    x.t_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_view_taken_before_is_not_written_through():
    x = mt.zeros(2, 3)
    view = x[0]
    x.t_()
    with pytest.raises(RuntimeError, match="another shape in place"):
        view.add_(mt.ones(3, requires_grad=True))
    assert view.tolist() == [0, 0, 0]


def test_what_is_refused():
    leaf = mt.ones(2, requires_grad=True)
    for tensor, method in ((leaf, "unsqueeze_"), (leaf, "resize_"), (leaf * 1, "resize_")):
        with pytest.raises(RuntimeError, match=r"requires? grad"):
            getattr(tensor, method)(0)
    with pytest.raises(NotImplementedError, match=r"resize_: a view cannot grow the memory"):
        mt.ones(2, 2)[1:].resize_(3)
    with pytest.raises(RuntimeError, match=r"set_: needs a .*float32"):
        mt.ones(2).set_(mt.ones(2, dtype=mt.float64))


def test_a_view_takes_more_or_less_of_its_base():
    base = mt.arange(8)
    view = base[2::2]
    assert view.resize_(2, 3) is view
    assert view.tolist() == [[2, 3, 4], [5, 6, 7]]
    view[0, 1] = 30
    assert base.tolist() == [0, 1, 2, 30, 4, 5, 6, 7]
    assert view.resize_(1).tolist() == [2] and view._base is base
    lying = mt.arange(9)[1:].resize_((1, 2, 2, 2), memory_format=mt.channels_last)
    assert lying.stride() == (8, 1, 4, 2) and lying.flatten().tolist() == [1, 3, 5, 7, 2, 4, 6, 8]
    leaf = mt.arange(4.0, requires_grad=True)
    whole = leaf * 1
    with mt.no_grad():
        part = whole[1:]
        part.resize_(2).mul_(10)
    assert whole.tolist() == [0, 10, 20, 3]


def test_another_shape_in_place_is_a_new_version():
    x = mt.rand(1)
    x.resize_(1, 2)
    assert x._version == 1
    x.resize_(3)
    assert x._version == 2
    x.resize_(3)
    assert x._version == 2


@pytest.mark.parametrize("method", ["t_", "transpose_", "swapaxes_"])
@pytest.mark.parametrize("written", [False, True])
def test_a_view_that_is_turned_without_recording_has_its_gradients(method, written):
    weights = mt.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    leaf = mt.ones(2, 3, requires_grad=True)
    base = leaf * 1
    view = base.view(2, 3)
    with mt.no_grad():
        getattr(view, method)(*() if method == "t_" else (0, 1))
    if written:
        view.mul_(weights)
        base.sum().backward()
    else:
        (view * weights).sum().backward()
    assert leaf.grad.tolist() == [[1, 3, 5], [2, 4, 6]]


def test_a_view_of_several_that_is_turned_is_still_not_written_to():
    x = mt.ones(2, 3, requires_grad=True) * 1
    part = x.unbind()[0]
    with mt.no_grad():
        part.unsqueeze_(0)
    with pytest.raises(RuntimeError, match="function that returns multiple views"):
        part.add_(1)


def test_memory_that_numpy_shares_does_not_grow():
    array = np.arange(4.0)
    taken = mt.arange(4.0)
    taken.numpy()
    for x in (mt.from_numpy(array), taken, mt.frombuffer(bytearray(32), dtype=mt.float64)):
        assert x.resize_(2, 2).shape == (2, 2)
        with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
            x.resize_(5)
        assert x.clone().resize_(5).shape == (5,)
    looked_at = mt.arange(4.0)
    looked_at.data_ptr()
    assert looked_at.resize_(5)[:4].tolist() == [0, 1, 2, 3]
