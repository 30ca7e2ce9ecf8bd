"""Shapes and views: against torch, for any shape and layout."""

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import A, M, X, against_torch, case, raises
from torch_oracle import array, check_gradients

import minitorch_cnn as mt

CASES = [
    case("reshape", lambda lib, x: x.reshape(6, -1) ** 2, A),
    case("view_as", lambda lib, x: x.reshape(4, 6).view_as(x.reshape(8, 3)) ** 2, A),
    case("flatten", lambda lib, x: x.flatten(1) ** 2, A),
    case("unflatten", lambda lib, x: x.unflatten(-1, (2, -1)) ** 2, A),
    case("squeeze", lambda lib, x: x.squeeze() ** 2, (1, 3, 1, 2)),
    case("squeeze_dim", lambda lib, x: x.squeeze(0).squeeze(-1) ** 2, (1, 3, 1, 2)),
    case("unsqueeze", lambda lib, x: x.unsqueeze(-2) ** 2, A),
    case("permute", lambda lib, x: x.permute(2, 0, 1) ** 2, A),
    case("transpose", lambda lib, x: x.transpose(0, -1) ** 2, A),
    case("t", lambda lib, x: x.t() ** 2, M),
    case("T", lambda lib, x: x.T**2, M),
    case("mT", lambda lib, x: x.mT**2, A),
    case("movedim", lambda lib, x: lib.movedim(x, (0, 1), (-1, 0)) ** 2, A),
    case("expand", lambda lib, x: x.expand(2, -1, 5, 4) ** 2, (3, 1, 4)),
    case("repeat", lambda lib, x: x.repeat(2, 1, 3) ** 2, M),
    case("tile", lambda lib, x: lib.tile(x, (2,)) ** 2, M),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: X.unsqueeze(4), IndexError, r"\[-3, 2\], but got 4"),
    (lambda: X.squeeze(2), IndexError, "but got 2"),
    (lambda: X.reshape(5, -1), RuntimeError, r"\[5, -1\]' is invalid for input of size 6"),
    (lambda: X.reshape(-1, -1), RuntimeError, "only one dimension"),
    (lambda: X.view(-2, 3), RuntimeError, "invalid"),
    (lambda: X.flatten(1, 0), RuntimeError, "start_dim"),
    (lambda: X.permute(0), RuntimeError, "dims"),
    (lambda: X.permute(0, 0), RuntimeError, "duplicate"),
    (lambda: X.expand(2, 4), RuntimeError, r"existing size \(3\)"),
    (lambda: X.expand(3), RuntimeError, "greater or equal"),
    (lambda: X.repeat(2), RuntimeError, "repeat"),
    (lambda: X.movedim((0, 0), (0, 1)), RuntimeError, "repeated dim"),
    (lambda: X.t().unsqueeze(0).t(), RuntimeError, "3D"),
    (lambda: mt.zeros(2).mT, RuntimeError, "matrices"),
]

test_error = raises(ERRORS)


FULL_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)


seeds = st.integers(0, 2**32 - 1)


@st.composite
def two_shapes(draw):
    """Two shapes with the same number of elements."""
    factors = draw(st.lists(st.integers(1, 4), max_size=4))

    def grouped():
        order = draw(st.permutations(factors))
        shape = []
        for factor in order:
            if shape and draw(st.booleans()):
                shape[-1] *= factor
            else:
                shape.append(factor)
        return tuple(shape)

    return grouped(), grouped()


@given(two_shapes(), st.randoms(use_true_random=False), seeds)
def test_reshape_is_a_view_exactly_when_torch_has_one(shapes, random, seed):
    torch = pytest.importorskip("torch")
    first, second = shapes
    order = list(range(len(first)))
    random.shuffle(order)
    x = array(seed, [first[i] for i in order])
    inverse = np.argsort(order).astype(int).tolist()
    a, b = mt.from_numpy(x).permute(inverse), torch.tensor(x).permute(inverse)
    np.testing.assert_array_equal(a.reshape(second).numpy(), b.reshape(second).numpy())
    shares = a.reshape(second).data_ptr() == a.data_ptr()
    assert shares == (b.reshape(second).data_ptr() == b.data_ptr())
    check_gradients(lambda t: t.permute(inverse).reshape(second) ** 2, x)


@given(FULL_SHAPES, seeds, st.data())
def test_views_share_memory(shape, seed, data):
    x = mt.from_numpy(array(seed, shape))
    views = [x.reshape(-1), x.unsqueeze(0), x.squeeze(), x.T, x[...], x.detach(), x.view(shape)]
    if shape:
        dim = data.draw(st.integers(0, len(shape) - 1))
        views += [x.select(dim, 0), x.narrow(dim, 0, 1), x.movedim(dim, 0), *x.unbind(dim)]
        views += [x.transpose(0, dim), *x.chunk(2, dim), x.unfold(dim, 1, 1), x.flatten(dim)]
    for view in views:
        assert np.shares_memory(view.numpy(), x.numpy())


def channels_last(shape=(2, 3, 4, 5)):
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape)
    memory = np.ascontiguousarray(values.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return values, mt.from_numpy(memory)


def test_view_of_channels_last_memory():
    """`x.view(N, -1)` after a convolution works as in torch, whatever our memory layout."""
    values, x = channels_last()
    y = x.view(2, -1)
    np.testing.assert_array_equal(y.numpy(), values.reshape(2, -1))
    y[0, 1] = 99.0
    assert x[0, 0, 0, 1].item() == 99  # still a view


def test_view_of_a_part_of_channels_last_memory():
    values, x = channels_last()
    part = x[:1]
    y = part.view(-1)
    np.testing.assert_array_equal(y.numpy(), values[:1].reshape(-1))
    y[2] = -5.0
    assert part[0, 0, 0, 2].item() == -5 and x[0, 0, 0, 2].item() == -5


def test_view_refuses_what_torch_refuses():
    x = mt.zeros(3, 4)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        x.t().view(12)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        x[:, :2].view(6)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        channels_last()[1].permute(0, 2, 1, 3).view(-1)


def test_gradient_through_view_of_channels_last_memory():
    def function(t):
        return (t.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) * 1).view(2, -1) ** 2

    check_gradients(function, channels_last()[0])


def test_expanded_tensors_cannot_be_written():
    with pytest.raises((RuntimeError, ValueError)):
        mt.zeros(1).expand(3).add_(1)


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_ravel_is_contiguous_and_swapaxes_has_its_own_names(name):
    lib = pytest.importorskip(name)
    x = lib.arange(10)[::2]
    assert x.ravel().is_contiguous() and x.ravel().tolist() == [0, 2, 4, 6, 8]
    y = lib.ones(2, 3)
    assert y.ravel().data_ptr() == y.data_ptr()
    assert lib.swapaxes(y, axis0=0, axis1=1).shape == y.swapaxes(0, 1).shape == (3, 2)
