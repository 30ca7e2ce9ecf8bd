"""New tensors with given strides: beside torch."""

import pytest

import minitorch_cnn as mt

CALLS = """
    empty_strided((2, 3), (1, 2))
    empty_strided((2, 3), (7, 2))
    empty_strided((2, 3), (0, 1), dtype=int16)
    empty_strided((), ())
    empty_strided((0, 3), (3, 1))
    empty_strided((2,), (3,), dtype=float64, requires_grad=True)
    ones(1, dtype=int32).new_empty_strided((2, 3), (1, 2))
    ones(1).new_empty_strided((2, 3), (3, 1), dtype=uint8)
    empty_permuted((2, 3, 4), (0, 2, 1))
    empty_permuted((2, 3, 4, 5), (0, 2, 3, 1), dtype=float64)
    empty_permuted((2, 0, 4), (2, 0, 1))
    empty_permuted((), ())
"""


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_as_in_torch(call):
    torch = pytest.importorskip("torch")
    ours, theirs = eval(call, vars(mt)), eval(call, vars(torch))
    assert tuple(ours.shape) == tuple(theirs.shape) and ours.stride() == theirs.stride()
    assert str(ours.dtype).rpartition(".")[2] == str(theirs.dtype).rpartition(".")[2]
    assert ours.requires_grad == theirs.requires_grad


def test_elements_with_gaps_can_be_written_and_read():
    x = mt.empty_strided((2, 3), (10, 2))
    x.copy_(mt.arange(6.0).reshape(2, 3))
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and x.untyped_storage().nbytes() == 15 * 4


@pytest.mark.parametrize(
    "call",
    [
        "empty_strided((2, 3), (1,))",
        "empty_strided((2,), (-1,))",
        "empty_strided((-2,), (1,))",
        "empty_permuted((2, 3), (0,))",
        "empty_permuted((2, 3), (0, 0))",
    ],
)
def test_what_is_refused(call):
    with pytest.raises(RuntimeError, match=r"-?\d"):
        eval(call, vars(mt))
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        eval(call, vars(torch))
