"""Writing in place into memory that is read at other places: refused as torch refuses it."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch_cnn as mt

SHARED = "some elements of the input tensor .* refer to a single memory location"
FIRST_AND_LAST = [0, 2]

# By name: what is called on x = [1, 2, 3, 4, 5, 6]. The written part is x[:3], the read one x[1:4].
PARTLY = {
    "add_": lambda x: x[:3].add_(x[1:4]),
    "iadd": lambda x: x[:3].__iadd__(x[1:4]),
    "sub_, alpha": lambda x: x[:3].sub_(x[1:4], alpha=2),
    "pow_": lambda x: x[:3].pow_(x[1:4]),
    "atan2_": lambda x: x[:3].atan2_(x[1:4]),
    "eq_": lambda x: x[:3].eq_(x[1:4]),
    "lerp_": lambda x: x[:3].lerp_(x[1:4], 0.5),
    "addcmul_": lambda x: x[:3].addcmul_(x[1:4], x[1:4]),
    "clamp_": lambda x: x[:3].clamp_(x[1:4]),
    "copy_": lambda x: x[1:].copy_(x[:-1]),
    "setitem": lambda x: x.__setitem__(slice(1, None), x[:-1]),
    "transposed": lambda x: x[:4].view(2, 2).copy_(x[:4].view(2, 2).t()),
}

# These move elements, so that not even the tensor itself may be among what they read.
MOVED = {
    "index_add_": lambda x, i, y: x.index_add_(0, i, y),
    "index_copy_": lambda x, i, y: x.index_copy_(0, i, y),
    "index_reduce_": lambda x, i, y: x.index_reduce_(0, i, y, "prod"),
    "scatter_": lambda x, i, y: x.scatter_(0, i, y),
    "scatter_add_": lambda x, i, y: x.scatter_add_(0, i, y),
    "scatter_reduce_": lambda x, i, y: x.scatter_reduce_(0, i, y, "sum"),
    "put_": lambda x, i, y: x.put_(i, y),
    "index_put_": lambda x, i, y: x.index_put_((i,), y),
    "setitem": lambda x, i, y: x.__setitem__(i, y),
}


@pytest.mark.parametrize("name", PARTLY)
def test_parts_that_overlap_are_refused_and_nothing_is_written(name):
    x = mt.arange(1.0, 7.0)
    with pytest.raises(RuntimeError, match=SHARED):
        PARTLY[name](x)
    assert x.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", MOVED)
def test_what_moves_elements_refuses_each_overlap(name):
    x, index = mt.arange(1.0, 7.0), mt.tensor(FIRST_AND_LAST)
    with pytest.raises(RuntimeError, match=SHARED):
        MOVED[name](x[:3], index, x[1:3])
    with pytest.raises(RuntimeError, match=SHARED):
        MOVED[name](x, mt.arange(6), x)
    assert x.tolist() == [1, 2, 3, 4, 5, 6]
    MOVED[name](x[:3], index, x[3:5])  # beside it is fine
    if name != "setitem":  # whose place is the index's own business
        with pytest.raises(RuntimeError, match=SHARED):
            MOVED[name](index, index, mt.tensor([1, 1]))


def test_the_same_elements_and_those_between_are_allowed():
    x = mt.arange(1.0, 7.0)
    assert x.add_(x).tolist() == [2, 4, 6, 8, 10, 12]
    assert x[:3].mul_(x[:3]).tolist() == [4, 16, 36]
    assert x[:3].copy_(x[3:]).tolist() == [8, 10, 12]
    x[::2] += x[1::2]  # with gaps: the other elements
    assert x.tolist() == [18, 10, 20, 8, 22, 12]
    x[1:1].add_(x[2:2])  # nothing


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


@pytest.mark.parametrize("name", PARTLY)
def test_torch_refuses_the_same(name):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError, match=r"some elements of the input tensor"):
        PARTLY[name](torch.arange(1.0, 7.0))


class TestOverlap:
    """What is read may not lie partly in what is written to, as in torch."""

    REFUSED = {
        "add_ shifted": lambda lib, x, i: x[:-1].add_(x[1:]),
        "operator": lambda lib, x, i: x[1:].__imul__(x[:-1]),
        "copy_ transposed": lambda lib, x, i: x[:9].view(3, 3).t().copy_(x[:9].view(3, 3)),
        "assignment": lambda lib, x, i: x.__setitem__(slice(1, None), x[:-1]),
        "lerp_, the last operand": lambda lib, x, i: x[1:].lerp_(lib.ones(9), x[:-1]),
        "masked_fill_": lambda lib, x, i: (m := x > 0)[1:].masked_fill_(m[:-1], False),
        "out shifted": lambda lib, x, i: lib.exp(x[1:], out=x[:-1]),
        "out by name": lambda lib, x, i: lib.exp(input=x[1:], out=x[:-1]),
        "out of the second by name": lambda lib, x, i: lib.add(x[:-1], other=x[1:], out=x[:-1]),
        "out of three operands": lambda lib, x, i: lib.addcmul(
            lib.ones(9), lib.ones(9), x[1:], out=x[:-1]
        ),
        "index_add_ of itself": lambda lib, x, i: x.index_add_(0, i, x[:3]),
        "index_copy_ into the index": lambda lib, x, i: i.index_copy_(0, i, i.clone()),
        "index_put_": lambda lib, x, i: x.index_put_((i,), x[:3]),
        "put_ of the source": lambda lib, x, i: i.put_(i.clone(), i),
        "scatter_": lambda lib, x, i: x.scatter_(0, i, x),
        "index_fill_": lambda lib, x, i: i.index_fill_(0, i, 0),
    }
    ALLOWED = {
        "itself": lambda lib, x, i: x.add_(x),
        "itself by pixels": lambda lib, x, i: (y := x[:9].view(1, 1, 3, 3)).mul_(
            y.to(memory_format=lib.channels_last)
        ),
        "its neighbours": lambda lib, x, i: x[:5].add_(x[5:]),
        "with gaps": lambda lib, x, i: x[::2].mul_(x[1::2]),
        "itself as out": lambda lib, x, i: lib.exp(x, out=x),
        "nothing": lambda lib, x, i: x[:0].add_(x[3:3]),
        "a copy": lambda lib, x, i: x[:-1].add_(x[1:].clone()),
        "neighbours scattered": lambda lib, x, i: x[:5].scatter_(0, i, x[5:8]),
    }

    @staticmethod
    def run(lib, act):
        x = lib.arange(1.0, 11.0) / 16
        return act(lib, x, lib.tensor([2, 1, 0])), x

    @pytest.mark.parametrize("name", REFUSED)
    def test_is_refused(self, name):
        with pytest.raises(RuntimeError, match=r"unsupported operation.*single memory location"):
            self.run(mt, self.REFUSED[name])

    @pytest.mark.parametrize("name", [*REFUSED, *ALLOWED])
    def test_as_torch(self, name):
        torch = pytest.importorskip("torch")
        if name in self.REFUSED:
            with pytest.raises(RuntimeError, match="unsupported operation"):
                self.run(torch, self.REFUSED[name])
            return
        expected, found = (self.run(lib, self.ALLOWED[name]) for lib in (torch, mt))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)
