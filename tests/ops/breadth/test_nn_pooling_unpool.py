"""Unpooling: torch's values and errors, and its gradient."""

import numpy as np
import pytest
from torch_oracle import compare_with_torch, spread_out

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck
from minitorch_cnn.nn import functional as F
from minitorch_cnn.ops.breadth.nn_pooling_unpool import max_unpool2d
from minitorch_cnn.ops.pool import max_pool2d_with_indices


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("remainder", [0, 1])
def test_max_unpool_is_torchs(dims, remainder):
    pytest.importorskip("torch")
    pool, unpool = f"max_pool{dims}d", f"max_unpool{dims}d"
    size = tuple(n + remainder for n in (6, 4, 2)[:dims])

    def call(lib, x):
        y, places = getattr(lib.nn.functional, pool)(x, 2, return_indices=True)
        output_size = (2, 3, *size) if remainder else None
        return getattr(lib.nn.functional, unpool)(y, places, 2, output_size=output_size)

    compare_with_torch(call, [spread_out(3, (2, 3, *size))])


def test_unpooling_knows_of_stride_and_padding():
    """4 windows of 3, 2 apart, with a border of 1 cover (4 - 1) 2 - 2 + 3 = 7 places."""
    x = mt.tensor([[[5.0, 1.0, 7.0, 2.0, 8.0, 3.0, 9.0]]])
    y, places = F.max_pool1d(x, 3, 2, 1, return_indices=True)
    unpooled = F.max_unpool1d(y, places, 3, 2, 1)
    assert unpooled.tolist() == [[[5.0, 0.0, 7.0, 0.0, 8.0, 0.0, 9.0]]]


def test_unpooling_refuses_places_that_do_not_exist():
    with pytest.raises(RuntimeError, match="0 to 1"):
        F.max_unpool1d(mt.ones(1, 1, 1), mt.tensor([[[2]]]), 2)
    with pytest.raises(RuntimeError, match="shape"):
        F.max_unpool1d(mt.ones(1, 1, 1), mt.tensor([[[0, 1]]]), 2)
    with pytest.raises(ValueError, match="9"):
        F.max_unpool1d(mt.ones(1, 1, 1), mt.tensor([[[0]]]), 2, output_size=(9,))


@pytest.mark.parametrize(
    "dims, shape, indices, options",
    [
        (1, (1, 1, 1), -1, {}),
        (2, (1, 1, 1, 1), 4, {}),
        (1, (1, 0, 2), 0, {}),
        (2, (1, 1, 0, 2), 0, {}),
        (3, (1, 0, 2, 2, 2), 0, {}),
        (2, (1, 1), 0, {}),
        (1, (1, 1, 1), 0.0, {}),
        (3, (1, 1, 1, 1, 1), 0, dict(stride=0)),
        (1, (1, 1, 2), 0, dict(output_size=(2,))),
        (1, (1, 1, 2), 0, dict(output_size=(6,))),
        (2, (1, 1, 2, 2), 0, dict(output_size=(4, 6))),
        (1, (1, 1, 2), 0, dict(output_size=(1, 4))),
    ],
)
def test_wrong_unpooling_is_refused_as_by_torch(dims, shape, indices, options):
    torch = pytest.importorskip("torch")
    name = f"max_unpool{dims}d"
    errors = []
    for lib in (mt, torch):
        with pytest.raises((RuntimeError, ValueError)) as error:
            getattr(lib.nn.functional, name)(
                lib.zeros(shape), lib.full(shape, indices), 2, **options
            )
        errors.append(error.type)
    assert errors[0] is errors[1]


def test_unpooling_at_the_edge_of_what_fits():
    torch = pytest.importorskip("torch")
    values, places = np.array([[[3.0, 4.0]]]), np.array([[[1, 2]]])
    for length in (3, 5):  # 4 is the usual one, and the stride 2
        ours, theirs = (
            lib.nn.functional.max_unpool1d(
                lib.tensor(values), lib.tensor(places), 2, output_size=(length,)
            )
            for lib in (mt, torch)
        )
        assert ours.tolist() == theirs.tolist() and ours.shape[-1] == length
    assert F.max_unpool1d(mt.zeros(0, 1, 2), mt.zeros(0, 1, 2).long(), 2).shape == (0, 1, 4)
    with pytest.raises(RuntimeError, match="max_unpool1d: elements in indices should be int64"):
        F.max_unpool1d(mt.ones(1, 1, 1), mt.zeros(1, 1, 1), 2)


@pytest.mark.parametrize("options", [{}, dict(stride=1, padding=1), dict(output_size=(7, 8))])
def test_max_unpool2d_is_torchs(options):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x = spread_out(5, (2, 3, 7, 8))
    windows = {k: v for k, v in options.items() if k != "output_size"}
    y, indices = max_pool2d_with_indices(mt.tensor(x), 2, **windows)
    y_torch, indices_torch = F.max_pool2d(torch.tensor(x), 2, **windows, return_indices=True)
    values, values_torch = mt.tensor(y.numpy()).requires_grad_(), y_torch.requires_grad_()
    z = max_unpool2d(values, indices, 2, **options)
    expected = F.max_unpool2d(values_torch, indices_torch, 2, **options)
    np.testing.assert_array_equal(z.detach().numpy(), expected.detach().numpy())
    if not windows:  # with overlapping windows several maxima share one place
        assert gradcheck(lambda a: max_unpool2d(a, indices, 2, **options), values)
