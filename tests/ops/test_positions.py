"""Indexing, gather and scatter, sorting and counting: against torch, NumPy and plain loops."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from torch_oracle import LAYOUTS, array, check_gradients, ours

import minitorch_cnn as mt

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


@given(st.data(), st.sampled_from([(4,), (3, 4), (2, 3, 4)]), seeds)
def test_gather_and_scatter_by_loops(data, shape, seed):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    axis = dim % len(shape)
    rng = np.random.default_rng(seed)
    index_shape = tuple(
        int(rng.integers(1, 6)) if i == axis else int(rng.integers(1, n + 1))
        for i, n in enumerate(shape)
    )
    index = rng.integers(0, shape[axis], index_shape)
    x, src = array(seed, shape), array(seed + 1, index_shape)
    taken, added = np.zeros(index_shape), x.copy()
    for place in np.ndindex(*index_shape):
        target = (*place[:axis], index[place], *place[axis + 1 :])
        taken[place] = x[target]
        added[target] += src[place]
    i = mt.from_numpy(index)
    np.testing.assert_array_equal(mt.gather(mt.from_numpy(x), dim, i).numpy(), taken)
    result = mt.from_numpy(x).scatter_add(dim, i, mt.from_numpy(src))
    np.testing.assert_allclose(result.numpy(), added)
    check_gradients(lambda a: a.gather(dim, i) ** 2, x)
    check_gradients(lambda a, b: a.scatter_add(dim, i, b) ** 2, x, src)


def test_scatter_of_a_part_of_src_has_a_gradient():
    """torch refuses the gradient if the index is smaller than src; here the rest gets zeros."""
    index = mt.tensor([[0, 2], [1, 0]])
    x, src = array(1, (3, 4)), array(2, (3, 4))
    check_gradients(lambda a, b: a.scatter(1, index, b) ** 2, x, src)
    check_gradients(lambda a, b: a.scatter_add(1, index, b) ** 2, x, src)


@given(
    hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=6), elements=st.integers(0, 3)),
    st.booleans(),
    st.data(),
)
def test_sort_is_stable(x, descending, data):
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    values, index = mt.from_numpy(x).sort(dim, descending)
    expected = np.argsort(-x if descending else x, axis=dim, kind="stable")
    np.testing.assert_array_equal(index.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, expected, dim))
    k = data.draw(st.integers(0, x.shape[dim]))
    top = mt.from_numpy(x).topk(k, dim, largest=descending)
    np.testing.assert_array_equal(top.indices.numpy(), expected.take(range(k), dim))


@given(hnp.arrays(np.int64, st.integers(0, 12), elements=st.integers(0, 5)), st.integers(0, 8))
def test_counting(x, minlength):
    t = mt.from_numpy(x)
    counts = t.bincount(minlength=minlength)
    expected = [int((x == i).sum()) for i in range(max(minlength, x.max(initial=-1) + 1))]
    assert counts.tolist() == expected
    values, inverse, how_many = t.unique(return_inverse=True, return_counts=True)
    assert values.tolist() == sorted(set(x.tolist()))
    np.testing.assert_array_equal(values.numpy()[inverse.numpy()], x)
    assert how_many.tolist() == [int((x == value).sum()) for value in values.tolist()]
    at = mt.searchsorted(values, mt.tensor([2]), right=True).item()
    assert at == sum(value <= 2 for value in values.tolist())
