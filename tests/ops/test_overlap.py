"""Writing in place into memory that is read at other places: refused as torch refuses it."""

from __future__ import annotations

import pytest

import minitorch_cnn as mt

SHARED = r"unsupported operation: some elements of the input tensor.* single memory location"

# By name: what is called on x = [1, 2, ..., 10] / 16 with the index i = [2, 1, 0].
REFUSED = {
    "add_": lambda lib, x, i: x[:3].add_(x[1:4]),
    "+=": lambda lib, x, i: x[:3].__iadd__(x[1:4]),
    "*=, downwards": lambda lib, x, i: x[1:].__imul__(x[:-1]),
    "sub_, alpha": lambda lib, x, i: x[:3].sub_(x[1:4], alpha=2),
    "pow_": lambda lib, x, i: x[:3].pow_(x[1:4]),
    "atan2_": lambda lib, x, i: x[:3].atan2_(x[1:4]),
    "eq_": lambda lib, x, i: x[:3].eq_(x[1:4]),
    "lerp_": lambda lib, x, i: x[:3].lerp_(x[1:4], 0.5),
    "lerp_, the last operand": lambda lib, x, i: x[1:].lerp_(lib.ones(9), x[:-1]),
    "addcmul_": lambda lib, x, i: x[:3].addcmul_(x[1:4], x[1:4]),
    "clamp_": lambda lib, x, i: x[:3].clamp_(x[1:4]),
    "masked_fill_": lambda lib, x, i: (m := x > 0)[1:].masked_fill_(m[:-1], False),
    "copy_": lambda lib, x, i: x[1:].copy_(x[:-1]),
    "copy_ transposed": lambda lib, x, i: x[:9].view(3, 3).t().copy_(x[:9].view(3, 3)),
    "assignment": lambda lib, x, i: x.__setitem__(slice(1, None), x[:-1]),
    "out": lambda lib, x, i: lib.exp(x[1:], out=x[:-1]),
    "out by name": lambda lib, x, i: lib.exp(input=x[1:], out=x[:-1]),
    "out of the second by name": lambda lib, x, i: lib.add(x[:-1], other=x[1:], out=x[:-1]),
    "out of the last of three": lambda lib, x, i: lib.addcmul(
        lib.ones(9), lib.ones(9), x[1:], out=x[:-1]
    ),
    # These move elements, so that not even the tensor itself may be among what they read.
    "index_add_": lambda lib, x, i: x.index_add_(0, i, x[:3]),
    "index_add_ of itself": lambda lib, x, i: x.index_add_(0, lib.arange(10), x),
    "index_copy_": lambda lib, x, i: x.index_copy_(0, i, x[:3]),
    "index_copy_ into the index": lambda lib, x, i: i.index_copy_(0, i, i.clone()),
    "index_fill_ of the index": lambda lib, x, i: i.index_fill_(0, i, 0),
    "index_reduce_": lambda lib, x, i: x.index_reduce_(0, i, x[:3], "prod"),
    "index_put_": lambda lib, x, i: x.index_put_((i,), x[:3]),
    "index_put_ into the index": lambda lib, x, i: i.index_put_((i,), i.clone()),
    "assignment by an index": lambda lib, x, i: x.__setitem__(i, x[1:4]),
    "put_": lambda lib, x, i: x.put_(i, x[:3]),
    "put_ of the source": lambda lib, x, i: i.put_(i.clone(), i),
    "scatter_": lambda lib, x, i: x.scatter_(0, i, x[:3]),
    "scatter_ of itself": lambda lib, x, i: x.scatter_(0, i, x),
    "scatter_add_": lambda lib, x, i: x.scatter_add_(0, i, x[:3]),
    "scatter_reduce_": lambda lib, x, i: x.scatter_reduce_(0, i, x[:3], "sum"),
}

# What each of these makes of x was computed by hand.
ALLOWED = {
    "itself": (lambda lib, x, i: x.add_(x), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
    "itself by pixels": (
        lambda lib, x, i: (y := x[:4].view(1, 1, 2, 2)).add_(y.to(memory_format=lib.channels_last)),
        [2, 4, 6, 8, 5, 6, 7, 8, 9, 10],
    ),
    "its neighbours": (
        lambda lib, x, i: x[:5].add_(x[5:]),
        [7, 9, 11, 13, 15, 6, 7, 8, 9, 10],
    ),
    "with gaps: those between": (
        lambda lib, x, i: x[::2].add_(x[1::2]),
        [3, 2, 7, 4, 11, 6, 15, 8, 19, 10],
    ),
    "itself as out": (
        lambda lib, x, i: lib.neg(x, out=x),
        [-1, -2, -3, -4, -5, -6, -7, -8, -9, -10],
    ),
    "nothing": (lambda lib, x, i: x[1:1].add_(x[2:2]), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    "a copy": (
        lambda lib, x, i: x[:-1].add_(x[1:].clone()),
        [3, 5, 7, 9, 11, 13, 15, 17, 19, 10],
    ),
    "neighbours scattered": (
        lambda lib, x, i: x[:5].scatter_(0, i, x[5:8]),
        [8, 7, 6, 4, 5, 6, 7, 8, 9, 10],
    ),
    "neighbours added at places": (
        lambda lib, x, i: x[:3].index_add_(0, i, x[3:6]),
        [7, 7, 7, 4, 5, 6, 7, 8, 9, 10],
    ),
}


def run(lib, act):
    x, i = lib.arange(1.0, 11.0) / 16, lib.tensor([2, 1, 0])
    try:
        act(lib, x, i)
    finally:  # an operation that is refused has written nothing
        if act in REFUSED.values():
            assert (x * 16).tolist() == list(range(1, 11)) and i.tolist() == [2, 1, 0]
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_what_overlaps_is_refused_and_nothing_is_written(name):
    with pytest.raises(RuntimeError, match=SHARED):
        run(mt, REFUSED[name])


@pytest.mark.parametrize("name", ALLOWED)
def test_the_same_elements_and_those_beside_are_allowed(name):
    act, expected = ALLOWED[name]
    assert (run(mt, act) * 16).tolist() == expected


@pytest.mark.parametrize("name", [*REFUSED, *ALLOWED])
def test_as_torch(name):
    torch = pytest.importorskip("torch")
    if name in REFUSED:
        with pytest.raises(RuntimeError, match="unsupported operation"):
            run(torch, REFUSED[name])
    else:
        act, expected = ALLOWED[name]
        assert (run(torch, act) * 16).tolist() == expected


def test_a_product_is_computed_before_it_is_written():
    x = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    # x + x x^T, by hand
    assert x.addmm_(x, x.t()).tolist() == [[6, 13], [14, 29]]


def test_out_of_a_sum_and_of_a_product_may_lie_in_what_is_read():
    # torch does not look, and writes zeros over what it still has to read; here all is read first.
    x = mt.arange(9.0)
    assert mt.sum(x.view(3, 3), 0, out=x[2:5]).tolist() == [9, 12, 15]
    assert x.tolist() == [0, 1, 9, 12, 15, 5, 6, 7, 8]
    x = mt.arange(9.0)
    assert mt.mv(x.view(3, 3), x[:3], out=x[1:4]).tolist() == [5, 14, 23]


EXPANDED = {
    "index_fill_": lambda lib, x, i: x.index_fill_(1, i, 5.0),
    "index_fill_ of rows": lambda lib, x, i: x.index_fill_(-2, i[2:], lib.tensor(5.0)),
    "index_put_": lambda lib, x, i: x.index_put_((i, i), lib.tensor([5.0, 6.0, 7.0])),
    "index_put_ of rows": lambda lib, x, i: x.index_put_((i[1:],), lib.tensor([5.0, 6.0, 7.0])),
    "index_put_ adding": lambda lib, x, i: x.index_put_((i,), lib.tensor(5.0), accumulate=True),
    "masked_fill_": lambda lib, x, i: x.masked_fill_(lib.tensor([True, False, True]), 5.0),
    "masked_fill_ of rows": lambda lib, x, i: x.masked_fill_(x > 1, 5.0),
    "assignment": lambda lib, x, i: x.__setitem__(i[:1], 5.0),
    "assignment of a part": lambda lib, x, i: x.__setitem__((slice(1, 3), i), 5.0),
    "assignment by a mask": lambda lib, x, i: x.__setitem__(x < 2, 5.0),
}


@pytest.mark.parametrize("name", EXPANDED)
@pytest.mark.filterwarnings("ignore:.*beta")
def test_writing_by_an_index_into_an_expanded_tensor(name):
    """Warns, and the element is written wherever its memory is seen."""
    torch = pytest.importorskip("torch")
    seen = []
    for lib in (mt, torch):
        memory = lib.tensor([1.0, 2.0, 3.0])
        x = memory.view(3, 1).expand(3, 3)
        with pytest.warns(UserWarning, match=f"Use of {name[:5]}|Use of index_put_ on expanded"):
            EXPANDED[name](lib, x, lib.tensor([2, 1, 0]))
        seen.append((memory.tolist(), x.tolist(), x._version > 0))
    assert seen[0] == seen[1]


def test_what_is_still_refused_of_an_expanded_tensor():
    x, i = mt.ones(1).expand(3), mt.tensor([2, 1, 0])
    for call in (
        lambda: x.index_add_(0, i, mt.ones(3)),
        lambda: x.index_copy_(0, i, mt.ones(3)),
        lambda: x.scatter_(0, i, mt.ones(3)),
        lambda: x.copy_(mt.ones(3)),
        lambda: x.__setitem__(slice(0, 2), 1.0),
        lambda: (mt.ones(1, requires_grad=True) * 1).expand(3).index_fill_(0, i, 1.0),
        lambda: x.__setitem__(i, mt.ones(3, requires_grad=True)),
    ):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            call()
    assert x.tolist() == [1, 1, 1]


def test_parts_that_may_be_written_to():
    for call in (
        lambda t: t.unsafe_split(1),
        lambda t: t.unsafe_split_with_sizes((1, 2)),
        lambda t: t.unsafe_chunk(3),
    ):
        leaf = mt.tensor([1.0, 2.0, 3.0], requires_grad=True)
        x = leaf * 2
        kept = x * x
        first, second, *_ = call(x)
        first.mul_(second[:1])  # 2 a * 2 b
        (first.sum() + kept.sum()).backward()
        assert leaf.grad.tolist() == [4 * 2 + 8, 4 + 16, 24]  # kept: 8 x
