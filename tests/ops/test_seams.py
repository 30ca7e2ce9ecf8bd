"""Results at the seams of an operation (nothing, ties, types, other memory) are torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")


def numbers(lib, *shape):
    return lib.arange(float(np.prod(shape, dtype=int))).reshape(shape)


# name: a call of the library that returns a tensor or several
CALLS = {
    # sorting
    "argsort many ties": lambda lib: (lib.arange(200) % 3).argsort(stable=True),
    "argsort many ties down": lambda lib: (lib.arange(200) % 3).sort(descending=True, stable=True),
    "argsort along the first": lambda lib: (numbers(lib, 40, 3) % 4).sort(dim=0, stable=True),
    "argsort NaN": lambda lib: lib.tensor([float("nan"), 1.0, 2.0]).sort(),
    "topk of all": lambda lib: lib.tensor([3.0, 1.0, 2.0]).topk(3),
    "topk of none": lambda lib: lib.tensor([3.0, 1.0]).topk(0),
    "unique of a matrix": lambda lib: lib.unique(
        lib.tensor([[3, 1], [1, 3]]), return_inverse=True, return_counts=True
    ),
    "unique columns": lambda lib: lib.unique(
        lib.tensor([[1, 0, 1], [2, 5, 2]]), return_inverse=True, return_counts=True, dim=1
    ),
    "consecutive of a matrix": lambda lib: lib.unique_consecutive(
        lib.tensor([[3, 3], [1, 3]]), return_inverse=True, return_counts=True
    ),
    "consecutive columns": lambda lib: lib.unique_consecutive(
        lib.tensor([[1, 1, 1], [2, 3, 3]]), return_inverse=True, return_counts=True, dim=1
    ),
    "bincount of weights": lambda lib: lib.bincount(lib.tensor([0, 2, 2]), numbers(lib, 3)),
    "bincount of integer weights": lambda lib: lib.bincount(lib.tensor([0, 2]), lib.arange(2)),
    "searchsorted in rows": lambda lib: lib.searchsorted(
        lib.tensor([[1, 3, 5], [2, 4, 6]]), lib.tensor([[3, 9], [4, 0]]), out_int32=True
    ),
    "searchsorted on the right": lambda lib: lib.searchsorted(
        lib.tensor([5, 1, 3]), lib.tensor([3, 5]), side="right", sorter=lib.tensor([1, 2, 0])
    ),
    # joining and taking apart
    "cat with nothing": lambda lib: lib.cat([lib.ones(0), lib.ones(2, 3), lib.ones(0)], 1),
    "cat of nothing": lambda lib: lib.cat([lib.ones(0), lib.ones(0)]),
    "cat with empty rows": lambda lib: lib.cat([lib.ones(0, 3), lib.ones(2, 3)]),
    "cat of two types": lambda lib: lib.cat([lib.tensor([1]), lib.tensor([1.5])]),
    "stack at the end": lambda lib: lib.stack([lib.ones(2), lib.zeros(2)], -1),
    "hstack of numbers": lambda lib: lib.hstack([lib.tensor(1.0), lib.tensor(2.0)]),
    "hstack of matrices": lambda lib: lib.hstack([lib.ones(2, 1), lib.zeros(2, 2)]),
    "vstack of a vector and a matrix": lambda lib: lib.vstack([lib.ones(2), lib.zeros(2, 2)]),
    "split of nothing": lambda lib: lib.ones(0, 2).split(3),
    "split of nothing into nothing": lambda lib: lib.ones(0, 2).split(0),
    "chunk of nothing": lambda lib: lib.ones(2, 0).chunk(3, 1),
    "chunk into more": lambda lib: lib.arange(5).chunk(4),
    "tensor_split into more": lambda lib: lib.tensor_split(lib.arange(2), 3),
    "tensor_split anywhere": lambda lib: lib.tensor_split(lib.arange(6), (4, 2, -1, 9)),
    "tensor_split by a tensor": lambda lib: lib.tensor_split(lib.arange(6), lib.tensor([1, 4])),
    "repeat_interleave by one": lambda lib: numbers(lib, 2, 2).repeat_interleave(
        lib.tensor([2]), 1
    ),
    "repeat_interleave a number": lambda lib: lib.tensor(3.0).repeat_interleave(2),
    # indexing
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
    # positions
    "gather of a vector by a number": lambda lib: lib.arange(3).gather(0, lib.tensor(2)),
    "gather of nothing": lambda lib: numbers(lib, 2, 3).gather(1, lib.zeros(2, 0).long()),
    "scatter of a smaller part": lambda lib: lib.zeros(2, 3).scatter(
        1, lib.tensor([[2]]), numbers(lib, 2, 2) + 5
    ),
    "take_along_dim that broadcasts": lambda lib: lib.take_along_dim(
        numbers(lib, 1, 3), lib.tensor([[0], [2]]), 1
    ),
    "masked_fill with a tensor": lambda lib: lib.arange(3).masked_fill(
        lib.arange(3) > 1, lib.tensor(7)
    ),
    "masked_fill of bools with a number": lambda lib: lib.tensor([True, False]).masked_fill(
        lib.tensor([False, True]), lib.tensor(1)
    ),
    "masked_fill of integers with a float": lambda lib: lib.arange(3).masked_fill(
        lib.arange(3) > 1, lib.tensor(7.0)
    ),
    "index_put that broadcasts": lambda lib: lib.zeros(2, 3).index_put(
        (lib.tensor([1, 0]), lib.tensor([2, 2])), lib.tensor(5.0)
    ),
    # products
    "einsum of more axes": lambda lib: lib.einsum(
        "...ij,...jk", numbers(lib, 2, 3, 2, 2), numbers(lib, 3, 2, 2)
    ),
    "einsum of letters in order": lambda lib: lib.einsum("bA", numbers(lib, 2, 3)),
    "einsum of three": lambda lib: lib.einsum(
        "ij,jk,kj->i", numbers(lib, 2, 3), numbers(lib, 3, 4), numbers(lib, 4, 3)
    ),
    "einsum of length 1": lambda lib: lib.einsum("ij,ij->j", numbers(lib, 2, 3), lib.ones(1, 3)),
    "einsum of a first length 1": lambda lib: lib.einsum("i,i->i", lib.ones(1), numbers(lib, 3)),
    "einsum of lists": lambda lib: lib.einsum(
        numbers(lib, 2, 3), [..., 0], numbers(lib, 3, 4), [0, 30], [..., 30]
    ),
    "einsum of lists without a result": lambda lib: lib.einsum(numbers(lib, 2, 3), [27, 1]),
    "einsum of a diagonal": lambda lib: lib.einsum("iji->ji", numbers(lib, 2, 3, 2)),
    "matmul of batches and a vector": lambda lib: numbers(lib, 2, 2, 3) @ numbers(lib, 3),
    "matmul of a vector and batches": lambda lib: numbers(lib, 3) @ numbers(lib, 2, 3, 2),
    "addmm without input": lambda lib: lib.addmm(
        lib.full((2, 2), float("nan")), lib.ones(2, 2), lib.ones(2, 2), beta=0
    ),
    "tensordot of axes out of order": lambda lib: lib.tensordot(
        numbers(lib, 2, 3, 4), numbers(lib, 4, 2, 5), ([2, 0], [0, 1])
    ),
    "tensordot of length 1": lambda lib: lib.tensordot(
        numbers(lib, 2, 1), numbers(lib, 3, 2), ([1], [0])
    ),
    "tensordot of the other length 1": lambda lib: lib.tensordot(
        numbers(lib, 2, 3), numbers(lib, 1, 2), ([1], [0])
    ),
    # new tensors
    "arange to its start": lambda lib: lib.arange(2, 2),
    "arange of a fraction": lambda lib: lib.arange(0, 2, 0.75),
    "linspace of none": lambda lib: lib.linspace(0, 1, 0),
    "meshgrid by columns": lambda lib: lib.meshgrid(lib.arange(2), lib.arange(3), indexing="xy"),
    "meshgrid of one by columns": lambda lib: lib.meshgrid(lib.arange(2), indexing="xy"),
    "meshgrid with a number": lambda lib: lib.meshgrid(lib.arange(2), lib.tensor(7), indexing="ij"),
    # layers
    "layer of one image without groups": lambda lib: lib.nn.functional.group_norm(
        numbers(lib, 2, 2, 1), 2
    ),
    "local response of an even size": lambda lib: lib.nn.functional.local_response_norm(
        numbers(lib, 1, 4, 2), 2, alpha=3.0, beta=1.0
    ),
    "rms_norm of small numbers": lambda lib: lib.nn.functional.rms_norm(
        numbers(lib, 2, 3) * 1e-3, (3,)
    ),
    "instance_norm by statistics": lambda lib: lib.nn.functional.instance_norm(
        numbers(lib, 2, 2, 2), lib.ones(2), lib.ones(2) * 3, use_input_stats=False, eps=0.5
    ),
    "interpolate by a factor": lambda lib: lib.nn.functional.interpolate(
        numbers(lib, 1, 1, 5), scale_factor=1.5, mode="linear"
    ),
    "interpolate by the factor of the lengths": lambda lib: lib.nn.functional.interpolate(
        numbers(lib, 1, 1, 5), scale_factor=1.5, mode="linear", recompute_scale_factor=True
    ),
    "more output than the stride": lambda lib: lib.nn.functional.conv_transpose3d(
        numbers(lib, 1, 1, 2, 2, 2), numbers(lib, 1, 1, 2, 2, 2), output_padding=1, dilation=2
    ),
    "bins that keep a length": lambda lib: (
        lib.nn.functional.adaptive_avg_pool3d(numbers(lib, 1, 2, 3, 4), (None, 1, 2)),
        lib.nn.functional.adaptive_max_pool3d(numbers(lib, 1, 2, 3, 4), (1, None, None)),
    ),
    "upsample_bilinear": lambda lib: lib.nn.functional.upsample_bilinear(
        numbers(lib, 1, 1, 2, 3), size=(3, 5)
    ),
    "upsample_nearest": lambda lib: lib.nn.functional.upsample_nearest(
        numbers(lib, 1, 1, 2, 3), scale_factor=1.5
    ),
    "upsample with aligned corners": lambda lib: lib.nn.functional.upsample(
        numbers(lib, 1, 1, 2, 3), (3, 5), None, "bilinear", True
    ),
    "attention of a causal square": lambda lib: lib.nn.functional.scaled_dot_product_attention(
        numbers(lib, 2, 4), numbers(lib, 3, 4), numbers(lib, 3, 2), is_causal=True
    ),
    "cross_entropy of all smoothed": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([0, 2]), label_smoothing=1.0
    ),
    "cross_entropy without a row": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([1, 2]), ignore_index=1, label_smoothing=0.1
    ),
    "cross_entropy of weights without a row": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 2, 3), lib.tensor([1, 2]), lib.tensor([1.0, 5.0, 2.0]), ignore_index=1
    ),
    "cross_entropy of one sample": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 3), lib.tensor(2), lib.tensor([1.0, 5.0, 2.0]), reduction="none"
    ),
    "cross_entropy of an image": lambda lib: lib.nn.functional.cross_entropy(
        numbers(lib, 1, 3, 2), lib.tensor([[0, 2]]), reduction="none"
    ),
    "padding cut to nothing": lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (-1, -2)),
    "padding round once": lambda lib: lib.nn.functional.pad(
        numbers(lib, 1, 3), (3, 3), mode="circular"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_as_torch(call):
    ours, theirs = call(mt), call(torch)
    if not isinstance(theirs, list | tuple):
        ours, theirs = (ours,), (theirs,)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.numpy().dtype == other.numpy().dtype
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-6, strict=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, x: lib.flip(x, (0,)),
        lambda lib, x: lib.flip(x, ()),
        lambda lib, x: lib.roll(x, 1),
        lambda lib, x: lib.roll(x, 0, 0),
        lambda lib, x: lib.diag(x),
        lambda lib, x: lib.diag(lib.diag(x)),
        lambda lib, x: lib.cat([x]),
        lambda lib, x: lib.index_select(x, 0, lib.arange(3)),
        lambda lib, x: lib.gather(x, 0, lib.arange(3)),
        lambda lib, x: x[[0, 1, 2]],
        lambda lib, x: lib.take(x, lib.arange(3)),
        lambda lib, x: x.repeat_interleave(1),
        lambda lib, x: lib.tril(x.reshape(3, 1)),
        lambda lib, x: x.scatter(0, lib.tensor([0]), 5.0),
        lambda lib, x: x.index_add(0, lib.tensor([0]), lib.ones(1)),
        lambda lib, x: lib.nn.functional.pad(x, (0, 0)),
    ],
)
def test_results_that_do_not_share_memory(call):
    for lib in (torch, mt):
        x = lib.arange(1.0, 4.0)
        call(lib, x).fill_(9.0)
        assert x.tolist() == [1.0, 2.0, 3.0]
