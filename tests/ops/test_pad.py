"""pad: every element against its definition, torch's values and errors, gradients of any order."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from tables import at_the_seams, numbers, own_memory, refused_as_by_torch

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.ops.pad import pad


def source(mode, place, length):
    """Which element of a row of `length` stands at `place`; None for the constant."""
    while not 0 <= place < length:
        if mode == "constant":
            return None
        if mode == "replicate":
            return 0 if place < 0 else length - 1
        if mode == "circular":
            place += length if place < 0 else -length
        else:
            place = -place if place < 0 else 2 * (length - 1) - place
    return place


@st.composite
def paddings(draw):
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    most = {"reflect": -1, "circular": 0}.get(mode)
    amounts = []
    for length in reversed(size):
        limit = 4 if most is None else length + most
        least = 0 if mode == "circular" else -1
        pair = draw(st.tuples(*[st.integers(least, max(limit, least))] * 2))
        assume(length + sum(pair) > 0 and max(pair) <= limit)
        amounts += pair
    return size, tuple(amounts), mode


@given(paddings(), st.booleans(), st.integers(0, 2**32))
def test_every_element_by_definition(case, channels_last, seed):
    size, amounts, mode = case
    x = np.random.default_rng(seed).standard_normal((2, 3, *size))
    left, right, top, bottom = amounts
    shape = (2, 3, size[0] + top + bottom, size[1] + left + right)
    expected = np.zeros(shape)
    for i, j in np.ndindex(shape[2:]):
        row, column = source(mode, i - top, size[0]), source(mode, j - left, size[1])
        if row is not None and column is not None:
            expected[:, :, i, j] = x[:, :, row, column]
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(pad(mt.tensor(x), amounts, mode).numpy(), expected)


@given(paddings(), st.integers(0, 2**32))
def test_gradients_and_their_gradients(case, seed):
    size, amounts, mode = case
    x = mt.tensor(np.random.default_rng(seed).standard_normal((1, 2, *size))).requires_grad_()
    assert gradcheck(lambda a: pad(a, amounts, mode), x)
    assert gradgradcheck(lambda a: pad(a, amounts, mode), x)


@pytest.mark.parametrize(
    "shape, amounts, mode",
    [
        ((2, 3, 4, 5), (1, 2, -1, 1, 0, 1), "constant"),
        ((4,), (2, -1), "constant"),
        ((2, 3), (-1, -2), "constant"),
        ((2, 5), (3, 2), "reflect"),
        ((2, 2, 5), (3, -2), "circular"),
        ((2, 2, 3, 4, 5), (1, 2, 2, 1, 0, 1), "reflect"),
        ((2, 3, 4, 5), (1, 2, 2, 1, 0, 1), "replicate"),
        ((2, 2, 4, 5), (-1, 3, 1, -1), "circular"),
        ((2, 2, 4, 5), (-1, 3, 1, -1), "reflect"),
        ((2,), (-2, 3), "constant"),
        ((2,), (3, -2), "constant"),
        ((1, 3), (-3, 0), "circular"),
        ((1, 3), (-1, 2), "circular"),
        ((1, 2), (-3, 3), "replicate"),
        ((1, 3), (2, -4), "reflect"),
    ],
)
def test_values_are_torchs(shape, amounts, mode):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal(shape)
    expected = torch.nn.functional.pad(torch.tensor(x), amounts, mode)
    np.testing.assert_array_equal(pad(mt.tensor(x), amounts, mode).numpy(), expected.numpy())


def test_values_types_and_memory():
    x = mt.tensor([[1, 2]])
    assert pad(x, (1, 0), value=7).tolist() == [[7, 1, 2]]
    assert pad(x, (1, 0)).dtype is mt.int64
    assert pad(x > 1, (0, 1), value=True).tolist() == [[False, True, True]]
    y = pad(x, (0, 0))
    y[0, 0] = 9  # a padded tensor never shares memory with its input
    assert x.tolist() == [[1, 2]]


@pytest.mark.parametrize("amounts", [(-3, 1), (2, -3), (1, -4)])
def test_nothing_is_left_to_go_round(amounts):
    with pytest.raises(RuntimeError, match="wrapping around"):  # torch reads memory it never wrote
        pad(mt.ones(1, 3), amounts, "circular")


def test_the_order_of_the_axes_in_memory_is_kept():
    images = mt.zeros(2, 3, 4, 5)
    assert pad(images, (1, 1)).is_contiguous()
    last = pad(images.contiguous(memory_format=mt.channels_last), (1, 1))
    assert last.is_contiguous(memory_format=mt.channels_last) and not last.is_contiguous()


@pytest.mark.parametrize(
    "shape, amounts, mode, value",
    [
        ((2, 3), (1, 1), "mirror", None),
        ((2, 3), (1, 1, 1), "constant", None),
        ((2, 3), (1, 1, 1, 1, 1, 1), "constant", None),
        ((1, 1, 3, 3), (3, 1, 1, 1), "reflect", None),
        ((1, 1, 3, 3), (4, 1, 1, 1), "circular", None),
        ((1, 1, 3, 3), (1, 1), "reflect", None),
        ((3,), (1, 1), "replicate", None),
        ((3, 3), (1, 1), "reflect", 1.0),
        ((3, 3), (-2, -2), "constant", None),
        ((3,), (-4, 5), "constant", None),
        ((3, 2), (5, -3), "constant", 1.0),
        ((1, 3), (-2, 2), "circular", None),
        ((1, 3), (3, -1), "circular", None),
    ],
)
def test_errors_are_of_torchs_kind(shape, amounts, mode, value):
    torch = pytest.importorskip("torch")
    with pytest.raises((RuntimeError, NotImplementedError)) as theirs:
        torch.nn.functional.pad(torch.zeros(shape), amounts, mode, value)
    with pytest.raises(theirs.type):
        pad(mt.zeros(shape), amounts, mode, value)


SEAMS = {
    "padding cut to nothing": lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (-1, -2)),
    "padding round once": lambda lib: lib.nn.functional.pad(
        numbers(lib, 1, 3), (3, 3), mode="circular"
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "pad by what is not there": (
        lambda lib: lib.nn.functional.pad(lib.ones(1, 0), (1, 1), mode="replicate"),
        r"nothing to repeat: padding \(1, 1\)",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

COPIES = [
    lambda lib, x: lib.nn.functional.pad(x, (0, 0)),
]

test_results_that_do_not_share_memory = own_memory(COPIES)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_no_border_is_a_copy_too(mode):
    x = mt.zeros(1, 2, 3, 3)
    mt.nn.functional.pad(x, (0, 0, 0, 0), mode=mode).fill_(4)
    assert not x.any()


def test_nothing_to_go_on_from():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        for shape, pads, mode in (
            ((3, 0, 10), (2, 2), "reflect"),
            ((3, 0, 10, 10), (1, 1, 1, 1), "reflect"),
            ((43, 0, 10, 10), (1, 1, 1, 1), "replicate"),
        ):
            with pytest.raises(RuntimeError, match="batch mode"):
                lib.nn.functional.pad(lib.ones(*shape), pads, mode=mode)
        assert lib.nn.functional.pad(lib.ones(0, 3, 10), (2, 2), mode="reflect").shape == (0, 3, 14)
