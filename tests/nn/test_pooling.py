"""Pooling and folding layers: they pass every setting on, and print as torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

LAYERS = [
    lambda nn: nn.MaxPool2d(3, 2, 1),
    lambda nn: nn.MaxPool2d((2, 3), dilation=2),
    lambda nn: nn.MaxPool2d(3, stride=2, ceil_mode=True),
    lambda nn: nn.MaxPool2d(2, return_indices=True),
    lambda nn: nn.AvgPool2d(2),
    lambda nn: nn.AvgPool2d((3, 2), 2, (1, 0), ceil_mode=True, count_include_pad=False),
    lambda nn: nn.AvgPool2d(3, divisor_override=2),
    lambda nn: nn.AdaptiveAvgPool2d(1),
    lambda nn: nn.AdaptiveAvgPool2d((3, None)),
    lambda nn: nn.AdaptiveMaxPool2d((2, 3)),
    lambda nn: nn.AdaptiveMaxPool2d(3, return_indices=True),
    lambda nn: nn.Unfold((2, 3), dilation=2, padding=1, stride=2),
]


@pytest.mark.parametrize("make", LAYERS)
def test_layers_are_torchs(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 7))
    got, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
    if not isinstance(got, tuple):
        got, expected = (got,), (expected,)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_fold_is_torchs():
    torch = pytest.importorskip("torch")
    arguments = dict(output_size=(4, 5), kernel_size=(2, 3), padding=1, stride=(1, 2))
    ours, theirs = nn.Fold(**arguments), torch.nn.Fold(**arguments)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 12, 15))
    np.testing.assert_allclose(
        ours(mt.tensor(x)).numpy(), theirs(torch.tensor(x)).numpy(), atol=1e-12
    )


def test_max_unpool_undoes_max_pool():
    torch = pytest.importorskip("torch")
    assert repr(nn.MaxUnpool2d(2)) == repr(torch.nn.MaxUnpool2d(2))
    x = mt.tensor(np.random.default_rng(0).standard_normal((1, 2, 5, 4)))
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(y, indices, output_size=(5, 4))
    assert ((back == x) | (back == 0)).all()
    assert (back != 0).sum().item() == y.numel()


@pytest.mark.parametrize("dims", [1, 3])
def test_pooling_with_places_and_back(dims):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, *(7, 6, 5)[:dims]))
    results = []
    for lib in (mt, torch):
        pool = getattr(lib.nn, f"MaxPool{dims}d")(2, return_indices=True)
        unpool = getattr(lib.nn, f"MaxUnpool{dims}d")(2)
        y, places = pool(lib.tensor(x))
        results.append([y, places, unpool(y, places, output_size=x.shape), repr(unpool)])
    for ours, theirs in zip(results[0][:3], results[1][:3], strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert results[0][3] == results[1][3]


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_pooling_layers(dims):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, *(7, 6, 8)[:dims]))
    draws = np.random.default_rng(1).random((2, 3, dims))
    results = [
        getattr(lib.nn, f"FractionalMaxPool{dims}d")(
            2, output_ratio=(0.5,) * dims, _random_samples=lib.tensor(draws)
        )(lib.tensor(x)).numpy()
        for lib in (mt, torch)
    ]
    np.testing.assert_array_equal(*results)
    for options in ({}, dict(output_size=2, output_ratio=0.5), dict(output_ratio=1.5)):
        with pytest.raises(ValueError, match="output"):
            getattr(nn, f"FractionalMaxPool{dims}d")(2, **options)
