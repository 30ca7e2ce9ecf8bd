"""Indexing: against torch, for any index that Hypothesis can think of."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import (
    A,
    M,
    X,
    against_torch,
    at_the_seams,
    case,
    index_for,
    numbers,
    own_memory,
    raises,
    refused_as_by_torch,
    row,
)
from torch_oracle import LAYOUTS, array, ours

import minitorch_cnn as mt

CASES = [
    case("narrow", lambda lib, x: x.narrow(1, 1, 2) ** 2, A),
    case("select", lambda lib, x: x.select(-1, 2) ** 2, A),
    case("diagonal", lambda lib, x: x.diagonal(1, 0, 2) ** 2, A),
    case("diagonal_below", lambda lib, x: x.diagonal(-1, 1, 2) ** 2, A),
    case("diag_vector", lambda lib, x: lib.diag(x, 1) ** 2, (3,)),
    case("diag_matrix", lambda lib, x: lib.diag(x, -1) ** 2, M),
    case("unfold", lambda lib, x: x.unfold(1, 3, 2) ** 2, (2, 7, 2)),
    case("int", lambda lib, x: x[1] ** 2, A),
    case("negative", lambda lib, x: x[..., -2] ** 2, A),
    case("slice", lambda lib, x: x[:, 1:, ::2] ** 2, A),
    case("none", lambda lib, x: x[None, :, 0, None] ** 2, A),
    case("mask", lambda lib, x: x[x > 0] ** 2, A),
    case("mask_of_rows", lambda lib, x: x[:, lib.tensor([True, False, True])] ** 2, A),
    case("index", lambda lib, x: x[index_for(lib) % 2] ** 2, A),
    case("index_repeated", lambda lib, x: x[:, [0, 0, 2, 0]] ** 2, A),
    case("index_pair", lambda lib, x: x[[0, 1, 1], :, [3, 3, 0]] ** 2, A),
    case("int_and_index", lambda lib, x: x[0, :, [1, 2, 1]] ** 2, A),
    case("index_between", lambda lib, x: x[None, [1, 0], ..., 1:3] ** 2, A),
    case("mask_and_int", lambda lib, x: x[1, x[1, :, 0] > -9, 2] ** 2, A),
    case("index_select", lambda lib, x: x.index_select(1, lib.tensor([2, 0, 2])) ** 2, A),
    case(
        "index_add",
        lambda lib, x, y: x.index_add(1, lib.tensor([2, 0, 2]), y, alpha=2) ** 2,
        A,
        A,
    ),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

SEAMS = {
    "narrow from the end": lambda lib: lib.arange(5).narrow(0, -3, 2),
    "narrow to nothing": lambda lib: lib.arange(5).narrow(0, 5, 0),
    "diag below": lambda lib: lib.diag(lib.arange(1, 3), -1),
    "diagonal below": lambda lib: numbers(lib, 3, 5).diagonal(-1),
    "diagonal above": lambda lib: numbers(lib, 3, 5).diagonal(2),
    "diagonal of the last": lambda lib: numbers(lib, 2, 3, 4).diagonal(1, 2, 1),
    "nonzero of a number": lambda lib: lib.tensor(3.0).nonzero(),
    "nonzero of zero": lambda lib: lib.tensor(0.0).nonzero(),
    "nonzero of a number as a tuple": lambda lib: lib.tensor(3.0).nonzero(as_tuple=True),
    "index by nothing": lambda lib: numbers(lib, 3, 2)[[]],
    "index by True": lambda lib: numbers(lib, 3)[True],
    "index by False": lambda lib: numbers(lib, 3)[False],
    "index a number by True": lambda lib: lib.tensor(3.0)[True],
    "index every axis and by True": lambda lib: numbers(lib, 2, 3)[True, 1, 2],
    "index by True before the last": lambda lib: numbers(lib, 2, 3)[True, ..., 1],
    "index by a mask of two axes": lambda lib: numbers(lib, 2, 2, 2)[numbers(lib, 2, 2) > 1, 1],
    "index by None and a number": lambda lib: numbers(lib, 2, 3)[None, 1, None, :2],
    "index by a number in a tensor": lambda lib: numbers(lib, 2, 3)[:, lib.tensor(-1)],
    "windows of all": lambda lib: lib.arange(4).unfold(0, 4, 3),
    "windows of a number": lambda lib: lib.tensor(3.0).unfold(0, 1, 1),
    "index_select of a number": lambda lib: lib.tensor(3.0).index_select(0, lib.tensor([0])),
    "index_add with nothing": lambda lib: lib.ones(2).index_add(
        0, lib.tensor([], dtype=lib.int64), lib.ones(0)
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "narrow of a number": (lambda lib: lib.narrow(lib.tensor(1.0), 0, 0, 1), "0-dim"),
    "narrow behind the end": (lambda lib: row(lib).narrow(0, 5, 0), "got 5"),
    "narrow before the start": (lambda lib: row(lib).narrow(0, -5, 1), "got -5"),
    "narrow to a negative length": (lambda lib: row(lib).narrow(0, 1, -1), "-1"),
    "narrow from a fraction": (lambda lib: row(lib).narrow(0, lib.tensor(1.0), 1), "float32"),
    "narrow from several": (lambda lib: row(lib).narrow(0, lib.tensor([1]), 1), r"\[1\]"),
    "select of a number": (lambda lib: lib.select(lib.tensor(1.0), 0, 0), "0-dim"),
    "select before the start": (lambda lib: row(lib).select(0, -5), "-5"),
    "windows of negative size": (lambda lib: row(lib).unfold(0, -1, 1), "size is -1"),
    "windows that stand still": (lambda lib: row(lib).unfold(0, 2, 0), "step is 0"),
    "diag of a volume": (lambda lib: lib.diag(lib.ones(1, 1, 1)), "3D"),
    "a step of zero": (lambda lib: row(lib)[::0], "got 0"),
    "index_select by a matrix": (
        lambda lib: row(lib).index_select(0, lib.tensor([[0]])),
        "2-D",
    ),
    "index_select by fractions": (
        lambda lib: row(lib).index_select(0, lib.tensor([0.0])),
        "float32",
    ),
    "index_add by a matrix": (
        lambda lib: row(lib).index_add(0, lib.tensor([[0]]), lib.ones(1)),
        "2-D",
    ),
    "index_add of another type": (
        lambda lib: row(lib).index_add(0, lib.tensor([0]), lib.ones(1).double()),
        "float64",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

ERRORS = [
    (lambda: X[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    (lambda: X[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
    (lambda: X[::-1], ValueError, "step must be greater than zero"),
    (lambda: X[[0, 7]], IndexError, "out of bounds"),
    (lambda: X[mt.tensor([True])], IndexError, "1"),
    (lambda: X[mt.tensor([0.5])], IndexError, "float"),
    (lambda: X["a"], IndexError, "str"),
    (lambda: X.select(0, 2), IndexError, "index 2 out of range"),
    (lambda: X.narrow(1, 2, 2), RuntimeError, r"start \(2\) \+ length \(2\)"),
    (lambda: X.unfold(1, 4, 1), RuntimeError, "size is 4"),
    (lambda: X.diagonal(0, 1, 1), RuntimeError, "identical"),
    (lambda: X.index_select(0, mt.tensor([5])), IndexError, "index 5"),
    (lambda: X.index_add(0, mt.tensor([0]), mt.ones(2, 3)), RuntimeError, r"\[1, 3\]"),
]

test_error = raises(ERRORS)

COPIES = [
    lambda lib, x: lib.diag(x),
    lambda lib, x: lib.diag(lib.diag(x)),
    lambda lib, x: lib.index_select(x, 0, lib.arange(3)),
    lambda lib, x: x[[0, 1, 2]],
    lambda lib, x: x.index_add(0, lib.tensor([0]), lib.ones(1)),
]

test_results_that_do_not_share_memory = own_memory(COPIES)


seeds = st.integers(0, 2**32 - 1)


layouts = st.sampled_from(LAYOUTS)


@st.composite
def indices(draw, shape):
    """An index with ints, slices, None, Ellipsis, lists of positions and masks."""
    items = []
    dims = list(shape)
    used_ellipsis = False
    while dims and draw(st.integers(0, 5)):
        kind = draw(st.sampled_from(["int", "slice", "none", "ellipsis", "list", "mask"]))
        if kind == "none":
            items.append(None)
        elif kind == "ellipsis":
            if not used_ellipsis:
                used_ellipsis = True
                items.append(Ellipsis)
                dims = dims[: draw(st.integers(0, len(dims)))]
        else:
            length = dims.pop() if used_ellipsis else dims.pop(0)
            if used_ellipsis:  # what follows "..." is counted from the end
                length = None
            items.append((kind, length))
    return items


def concrete(draw, items, shape):
    """The items with numbers in them, now that it is known which dimension each one meets."""
    before = items[: items.index(Ellipsis)] if Ellipsis in items else items
    after = items[items.index(Ellipsis) + 1 :] if Ellipsis in items else []
    count = sum(isinstance(each, tuple) for each in items)
    axis, index = 0, []
    together = draw(st.integers(1, 3))  # index lists must broadcast
    for part, start in ((before, 0), (after, len(shape) - count + len_dims(before))):
        axis = start
        for each in part:
            if each is None:
                index.append(None)
                continue
            kind, length = each[0], shape[axis]
            axis += 1
            if kind == "int":
                index.append(draw(st.integers(-length, length - 1)))
            elif kind == "slice":
                low = draw(st.integers(-length - 1, length + 1))
                high = draw(st.integers(-length - 1, length + 1))
                index.append(slice(low, high, draw(st.integers(1, 3))))
            elif kind == "list":
                positions = st.integers(-length, length - 1)
                index.append(draw(st.lists(positions, min_size=together, max_size=together)))
            else:
                mask = np.zeros(length, bool)
                chosen = draw(st.permutations(range(length)))[:together]
                mask[list(chosen)] = True
                index.append(mask if mask.sum() == together else 0)
        if part is before and Ellipsis in items:
            index.append(Ellipsis)
    return tuple(index)


def len_dims(items):
    return sum(isinstance(each, tuple) for each in items)


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4), seeds, layouts)
def test_indexing_as_torch(data, shape, seed, layout):
    torch = pytest.importorskip("torch")
    items = data.draw(indices(shape))
    index = concrete(data.draw, items, shape)
    values = array(seed, shape, layout=layout)
    theirs = torch.tensor(values.copy(), requires_grad=True)
    mine = ours(values)
    for_torch = tuple(torch.tensor(i) if isinstance(i, np.ndarray | list) else i for i in index)
    for_us = tuple(mt.tensor(i) if isinstance(i, np.ndarray) else i for i in index)
    expected = theirs[for_torch]
    result = mine[for_us]
    assert tuple(result.shape) == tuple(expected.shape), index
    np.testing.assert_array_equal(result.detach().numpy(), expected.detach().numpy())
    u = np.asarray(np.random.default_rng(seed).standard_normal(result.shape))
    result.backward(mt.from_numpy(u))
    expected.backward(torch.tensor(u))
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy())


def test_what_is_refused_in_torchs_words():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.zeros(4, 4)
        for call, error, message in (
            (lambda lib, x: x["0":"1"], TypeError, "slice indices"),
            (lambda lib, x: lib.tensor(1)[0], IndexError, "invalid index"),
            (lambda lib, x: lib.empty(10, 0)[:, [0, 1]], IndexError, "size 0|empty axes"),
            (lambda lib, x: x[lib.tensor([True])], IndexError, "mask"),
            (lambda lib, x: x.unfold(0, -1, 1), RuntimeError, "size is -1 but must be >= 0"),
            (lambda lib, x: x.unfold(0, 1, -1), RuntimeError, "step is -1 but must be > 0"),
            (
                lambda lib, x: x.__setitem__([0, 1], lib.ones(2, 4).int()),
                RuntimeError,
                "dtypes match",
            ),
        ):
            with pytest.raises(error, match=message):
                call(lib, x)
        x[lib.ones(4, 4, dtype=lib.bool)] = lib.tensor(2)  # one number takes the type
        assert x.sum().item() == 32
    with pytest.warns(UserWarning, match=r"torch.uint8 is deprecated"):
        assert mt.arange(3)[mt.tensor([1, 0, 1], dtype=mt.uint8)].tolist() == [0, 2]


def test_index_add_to_a_number_names_both_shapes():
    with pytest.raises(RuntimeError, match="source tensor shape must match self tensor shape"):
        mt.zeros(()).index_add(0, mt.tensor([0, 0]), mt.zeros(1, 2))
    with pytest.raises(IndexError, match="index 1"):
        mt.zeros(()).index_add(0, mt.tensor([1]), mt.zeros(1))


def test_a_number_is_selected_once():
    x = mt.tensor(5.0)
    assert x.index_select(0, mt.tensor([0])).shape == ()
    for index in ([0, 0], []):
        with pytest.raises(RuntimeError, match="Index to scalar can have only 1 value"):
            x.index_select(0, mt.tensor(index, dtype=mt.int64))


def test_selecting_from_what_has_no_elements():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        empty, index = lib.zeros(0, 3), lib.tensor([0, 1])
        assert tuple(empty.index_select(1, index).shape) == (0, 2)
        assert tuple(empty.index_select(0, index[:0]).shape) == (0, 3)
        with pytest.raises(RuntimeError, match="self indexing axis dim should be positive"):
            empty.index_select(0, index)
        with pytest.raises(RuntimeError, match="INDICES element is out of DATA bounds"):
            empty.index_select(1, lib.tensor([0, 5]))
        for x in (lib.zeros(0), lib.zeros(2, 3)):
            with pytest.raises(IndexError):
                x.index_select(0, lib.tensor([5]))
        with pytest.raises(RuntimeError, match="Index to scalar can have only 1 value, got 2"):
            lib.tensor(1.0).index_select(0, index)
