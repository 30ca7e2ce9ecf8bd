"""What torch refuses is refused here, with the same type of error: never a result instead."""

import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")


def row(lib):
    return lib.arange(4.0)


def matrix(lib):
    return lib.arange(6.0).reshape(2, 3)


def volume(lib, *shape):
    return lib.ones(shape or (1, 2, 3, 3, 3))


# name: (call of the library, what our message says)
CALLS = {
    # sorting
    "topk of a negative number": (lambda lib: row(lib).topk(-1), "k=-1"),
    "topk of more than there are": (lambda lib: row(lib).topk(5), "k=5"),
    "bincount of negative numbers": (lambda lib: lib.bincount(lib.tensor([1, -1])), "non-neg"),
    "bincount with other weights": (
        lambda lib: lib.bincount(lib.tensor([1, 1]), row(lib)),
        r"\[4\] and \[2\]",
    ),
    "bincount to a negative length": (lambda lib: lib.bincount(lib.tensor([1]), None, -1), "-1"),
    "searchsorted at no side": (lambda lib: lib.searchsorted(row(lib), 1.0, side="up"), "'up'"),
    "searchsorted at two sides": (
        lambda lib: lib.searchsorted(row(lib), 1.0, side="left", right=True),
        "opposites",
    ),
    "searchsorted in a number": (lambda lib: lib.searchsorted(lib.tensor(1.0), row(lib)), "0-d"),
    "searchsorted in other rows": (
        lambda lib: lib.searchsorted(matrix(lib), lib.ones(3, 1)),
        r"\[2, 3\] and \[3, 1\]",
    ),
    "searchsorted by a shorter sorter": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1])),
        "same size",
    ),
    "searchsorted by no positions": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=row(lib)),
        "float32",
    ),
    "searchsorted by a sorter beyond the end": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1, 2, 4])),
        "out of range",
    ),
    "searchsorted by a sorter before the start": (
        lambda lib: lib.searchsorted(row(lib), 1.0, sorter=lib.tensor([0, 1, 2, -1])),
        "out of range",
    ),
    # joining and taking apart
    "cat of numbers": (lambda lib: lib.cat([lib.tensor(1.0)] * 2), "zero-dimensional"),
    "split into nothing": (lambda lib: row(lib).split(0), "split_size=0"),
    "split into less": (lambda lib: row(lib).split(-1), "split_size=-1"),
    "split into negative lengths": (lambda lib: row(lib).split([5, -1]), "5, -1"),
    "chunk into negative": (lambda lib: row(lib).chunk(-1), "-1"),
    "tensor_split of a number": (lambda lib: lib.tensor_split(lib.tensor(1.0), 2), "0 dims"),
    "tensor_split into none": (lambda lib: lib.tensor_split(row(lib), 0), "got 0"),
    "tensor_split at fractions": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([1.0])),
        "float32",
    ),
    "tensor_split at int32": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([1], dtype=lib.int32)),
        "int32",
    ),
    "tensor_split at a matrix": (
        lambda lib: lib.tensor_split(row(lib), lib.tensor([[1]])),
        "2 dimensions",
    ),
    "repeat_interleave of a negative number": (
        lambda lib: row(lib).repeat_interleave(-1),
        "got -1",
    ),
    "repeat_interleave of negative numbers": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1, -1, 1])),
        "negative",
    ),
    "repeat_interleave by too few": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1])),
        "= 2 and .* = 4",
    ),
    "repeat_interleave to another length": (
        lambda lib: row(lib).repeat_interleave(lib.tensor([1, 1, 2, 1]), output_size=4),
        "allocated size 4 does not match required 5",
    ),
    # other places
    "fliplr of a vector": (lambda lib: lib.fliplr(row(lib)), r"\[4\]"),
    "flipud of a number": (lambda lib: lib.flipud(lib.tensor(1.0)), "0-d"),
    "roll twice without dims": (lambda lib: lib.roll(matrix(lib), (1, 2)), r"\[1, 2\]"),
    "roll along no dimension": (lambda lib: lib.roll(matrix(lib), 1, 2), "got 2"),
    # indexing
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
    # positions
    "gather beyond the other dimensions": (
        lambda lib: matrix(lib).gather(1, lib.zeros(3, 1).long()),
        r"\[3, 1\]",
    ),
    "scatter beyond src": (
        lambda lib: matrix(lib).scatter(1, lib.zeros(2, 2).long(), lib.ones(2, 1)),
        r"\[2, 2\]",
    ),
    "scatter_add of another type": (
        lambda lib: matrix(lib).scatter_add(1, lib.zeros(1, 1).long(), lib.ones(1, 1).long()),
        "int64",
    ),
    "take_along_dim by int32": (
        lambda lib: lib.take_along_dim(row(lib), lib.tensor([0], dtype=lib.int32), 0),
        "int32",
    ),
    "take_along_dim by a matrix": (
        lambda lib: lib.take_along_dim(row(lib), lib.tensor([[0]]), 0),
        "2 dimensions",
    ),
    "masked_select by numbers": (lambda lib: row(lib).masked_select(row(lib)), "float32"),
    "masked_fill with several": (
        lambda lib: row(lib).masked_fill(row(lib) > 1, row(lib)),
        r"1 dimension\(s\)",
    ),
    "index_put of another type": (
        lambda lib: row(lib).index_put((lib.tensor([0]),), lib.tensor([1])),
        "int64",
    ),
    # products
    "matmul of batches that do not fit": (
        lambda lib: lib.ones(2, 1, 2) @ lib.ones(3, 2, 1),
        r"\[2, 1, 2\] and \[3, 2, 1\]",
    ),
    "bmm of other batches": (
        lambda lib: lib.bmm(lib.ones(2, 1, 2), lib.ones(1, 2, 1)),
        r"\[2, 1, 2\] and \[1, 2, 1\]",
    ),
    "addmm of another type": (
        lambda lib: lib.addmm(lib.ones(2, 2).double(), lib.ones(2, 2), lib.ones(2, 2)),
        "float64 and .*float32",
    ),
    "outer of matrices": (lambda lib: lib.outer(matrix(lib), row(lib)), r"\[2, 3\]"),
    "tensordot of more axes than there are": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), 3),
        "got 3",
    ),
    "tensordot of other axes": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), ([0, 1], [0])),
        r"\[0, 1\] and \[0\]",
    ),
    "tensordot of other lengths": (
        lambda lib: lib.tensordot(matrix(lib), matrix(lib), ([0], [1])),
        r"\[2\].*\[3\]",
    ),
    "einsum with a letter twice in the result": (
        lambda lib: lib.einsum("ij->ii", matrix(lib)),
        "only once",
    ),
    "einsum with fewer letters": (lambda lib: lib.einsum("i", matrix(lib)), r"\[2, 3\]"),
    "einsum with the diagonal of no square": (
        lambda lib: lib.einsum("ii->i", matrix(lib)),
        r"\[2, 3\]",
    ),
    "einsum of two types": (
        lambda lib: lib.einsum("ij,ij", matrix(lib), matrix(lib).double()),
        "same dtype",
    ),
    "einsum by numbers below 0": (
        lambda lib: lib.einsum(matrix(lib), [0, -1], [0]),
        "-1",
    ),
    # new tensors
    "zeros of a negative length": (lambda lib: lib.zeros(-1), "-1"),
    "arange to infinity": (lambda lib: lib.arange(0, float("inf")), "inf"),
    "arange away from the end": (lambda lib: lib.arange(0, 3, -1), "-1"),
    "linspace of negative steps": (lambda lib: lib.linspace(0, 1, -1), "-1"),
    "meshgrid of matrices": (lambda lib: lib.meshgrid(matrix(lib), indexing="ij"), "vectors"),
    "meshgrid by another order": (lambda lib: lib.meshgrid(row(lib), indexing="yx"), "'yx'"),
    "triu of a vector": (lambda lib: lib.triu(row(lib)), "got 1"),
    # patches
    "fold of rows that only the height divides": (
        lambda lib: lib.nn.functional.fold(lib.ones(1, 6, 9), (4, 4), 2),
        "got 6",
    ),
    "fold of too many patches": (
        lambda lib: lib.nn.functional.fold(lib.ones(1, 4, 10), (4, 4), 2),
        "got 10",
    ),
    "unfold by an empty kernel": (
        lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 4, 4), (2, 0)),
        r"kernel_size.*\[2, 0\]",
    ),
    "unfold with negative padding": (
        lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 4, 4), 2, padding=-1),
        r"padding.*\[-1, -1\]",
    ),
    # layers
    "instance_norm of single pixels": (
        lambda lib: lib.nn.functional.instance_norm(lib.ones(2, 3, 1)),
        r"\[2, 3, 1\]",
    ),
    "group_norm of one value": (
        lambda lib: lib.nn.functional.group_norm(lib.ones(1, 2, 1), 2),
        r"\[1, 2, 1\]",
    ),
    "group_norm with other weights": (
        lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4, 3), 2, lib.ones(2)),
        r"\[2\]",
    ),
    "layer_norm with other weights": (
        lambda lib: lib.nn.functional.layer_norm(matrix(lib), (3,), lib.ones(2)),
        r"\[2\]",
    ),
    "conv3d of other channels": (
        lambda lib: lib.nn.functional.conv3d(volume(lib), lib.ones(1, 3, 2, 1, 1)),
        r"expected input\[1, 2, 3, 3, 3\] to have 3 channels, but got 2 channels",
    ),
    "conv3d to the same size with steps": (
        lambda lib: lib.nn.functional.conv3d(
            volume(lib), lib.ones(1, 2, 1, 1, 1), stride=2, padding="same"
        ),
        r"\[2, 2, 2\]",
    ),
    "conv_transpose3d of another type": (
        lambda lib: lib.nn.functional.conv_transpose3d(
            volume(lib), lib.ones(2, 1, 1, 1, 1).double()
        ),
        "float64",
    ),
    "conv_transpose3d with another bias": (
        lambda lib: lib.nn.functional.conv_transpose3d(
            volume(lib), lib.ones(2, 1, 1, 1, 1), lib.ones(2)
        ),
        "2",
    ),
    "conv_transpose3d with large output_padding": (
        lambda lib: lib.nn.functional.conv_transpose3d(
            volume(lib), lib.ones(2, 1, 1, 1, 1), output_padding=1
        ),
        r"\[1, 1, 1\]",
    ),
    "conv_transpose3d with negative output_padding": (
        lambda lib: lib.nn.functional.conv_transpose3d(
            volume(lib), lib.ones(2, 1, 1, 1, 1), output_padding=-1
        ),
        r"-1",
    ),
    "conv_transpose3d to nothing": (
        lambda lib: lib.nn.functional.conv_transpose3d(
            volume(lib, 1, 2, 1, 1, 2), lib.ones(2, 1, 2, 2, 1), padding=1
        ),
        "too small",
    ),
    "pool of no slices": (
        lambda lib: lib.nn.functional.max_pool3d(lib.ones(1, 1, 0, 4, 4), 1),
        "max_pool3d: Expected input to have non-zero size",
    ),
    "interpolate of integers": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2, 2).long(), size=3, mode="bilinear"
        ),
        "int64",
    ),
    "interpolate to nothing": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 2, 2), size=(2, 0)),
        r"\[2, 0\]",
    ),
    "interpolate of nothing": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 0, 2), size=(2, 2)),
        r"\[0, 2\]",
    ),
    "interpolate a sequence as an image": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 2), size=2, mode="bilinear"),
        "3D",
    ),
    "interpolate the nearest with aligned corners": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2), size=2, mode="nearest", align_corners=False
        ),
        "nearest",
    ),
    "interpolate to a size with new factors": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2), size=2, recompute_scale_factor=True
        ),
        "recompute_scale_factor",
    ),
    "pad by what is not there": (
        lambda lib: lib.nn.functional.pad(lib.ones(1, 0), (1, 1), mode="replicate"),
        r"nothing to repeat: padding \(1, 1\)",
    ),
    "attention of two types": (
        lambda lib: lib.nn.functional.scaled_dot_product_attention(
            matrix(lib), matrix(lib), matrix(lib).double()
        ),
        r"query\.dtype: .*value\.dtype: .*float64",
    ),
    "cross_entropy smoothed by more than all": (
        lambda lib: lib.nn.functional.cross_entropy(
            matrix(lib), lib.tensor([0, 1]), label_smoothing=1.5
        ),
        "1.5",
    ),
    "cross_entropy with other weights": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), lib.tensor([0, 1]), lib.ones(2)),
        r"\[2\]",
    ),
    "cross_entropy of other batches": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), lib.tensor([0])),
        r"\(2\).*\(1\)",
    ),
    "cross_entropy of integer probabilities": (
        lambda lib: lib.nn.functional.cross_entropy(matrix(lib), matrix(lib).long()),
        "int64",
    ),
}

# torch 2.13 has another type of error for these, or rounds what it was given.
ALONE = {
    "searchsorted of another type": (
        lambda lib: lib.searchsorted(row(lib), lib.tensor([1])),
        "float32 and .*int64",
    ),
    "repeat_interleave of positions by fractions": (
        lambda lib: lib.repeat_interleave(row(lib)),
        "float32",
    ),
    "masked_fill of integers with a fraction": (
        lambda lib: lib.arange(3).masked_fill(lib.arange(3) > 1, 0.5),
        "0.5",
    ),
    "addmm of integers and a fraction": (
        lambda lib: lib.addmm(*[lib.ones(2, 2).long()] * 3, alpha=0.5),
        "0.5",
    ),
    "unfold of a matrix": (lambda lib: lib.nn.functional.unfold(matrix(lib), 1), r"\[2, 3\]"),
}


@pytest.mark.parametrize("call, says", CALLS.values(), ids=CALLS)
def test_refused_as_by_torch(call, says):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type, match=says):
        call(mt)


@pytest.mark.parametrize("call, says", ALONE.values(), ids=ALONE)
def test_refused_here(call, says):
    with pytest.raises(RuntimeError, match=says):
        call(mt)
