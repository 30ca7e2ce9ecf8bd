"""Diagonals, triangles, blocks, combinations: against torch."""

import numpy as np
import pytest
from tables import (
    A,
    against_torch,
    at_the_seams,
    case,
    gradients_of,
    matrix,
    on_random_matrices,
    own_memory,
    refused_as_by_torch,
    row,
)

import minitorch_cnn as mt

CASES = [
    case("tril", lambda lib, x: x.tril(1) ** 2, A),
    case("triu", lambda lib, x: lib.triu(x, -1) ** 2, A),
    case("meshgrid", lambda lib, a, b: lib.meshgrid(a, b, indexing="xy"), (3,), (2,)),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ON_MATRICES = {
    "kron": (lambda lib, a, b: lib.kron(a, b), 2, -3.0, 3.0),
    "block_diag": (lambda lib, a, b: lib.block_diag(a, b[0]) ** 2, 2, -3.0, 3.0),
    "diag_embed": (lambda lib, a: lib.diag_embed(a, 1) ** 2, 1, -3.0, 3.0),
    "combinations": (lambda lib, a: lib.combinations(a[0]) ** 2, 1, -3.0, 3.0),
    "cartesian_prod": (lambda lib, a, b: lib.cartesian_prod(a[0], b[0]) ** 2, 2, -3.0, 3.0),
    "sum_to_size": (lambda lib, a: a.sum_to_size(1, a.shape[1]) ** 2, 1, -3.0, 3.0),
}

test_operation = on_random_matrices(ON_MATRICES)

GRADIENTS = [
    lambda a: mt.vander(a[0], 3),  # torch's writes over what its backward needs
]

test_gradients = gradients_of(GRADIENTS)

SEAMS = {
    "meshgrid by columns": lambda lib: lib.meshgrid(lib.arange(2), lib.arange(3), indexing="xy"),
    "meshgrid of one by columns": lambda lib: lib.meshgrid(lib.arange(2), indexing="xy"),
    "meshgrid with a number": lambda lib: lib.meshgrid(lib.arange(2), lib.tensor(7), indexing="ij"),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "meshgrid of matrices": (
        lambda lib: lib.meshgrid(matrix(lib), indexing="ij"),
        "0D or 1D tensor",
    ),
    "meshgrid by another order": (lambda lib: lib.meshgrid(row(lib), indexing="yx"), "'yx'"),
    "triu of a vector": (lambda lib: lib.triu(row(lib)), "got 1"),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

COPIES = [
    lambda lib, x: lib.tril(x.reshape(3, 1)),
]

test_results_that_do_not_share_memory = own_memory(COPIES)


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("values", [[1.5, -2.0, 0.0], [2, 3, 5], [True, False]])
def test_vander(values, increasing):
    torch = pytest.importorskip("torch")
    for count in (None, 2, 4):
        ours = mt.vander(mt.tensor(values), count, increasing)
        theirs = torch.vander(torch.tensor(values), count, increasing)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")


def test_meshgrid_in_torchs_words():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        row = lib.arange(2)
        with pytest.raises(RuntimeError, match="non-empty TensorList"):
            lib.meshgrid()
        with pytest.raises(RuntimeError, match="to have the same dtype"):
            lib.meshgrid(row, row.float(), indexing="ij")
        assert tuple(lib.block_diag().shape) == (1, 0)
    with pytest.warns(UserWarning, match="will be required to pass the indexing argument"):
        assert [each.shape for each in mt.meshgrid(mt.ones(2), mt.ones(3))] == [(2, 3), (2, 3)]
