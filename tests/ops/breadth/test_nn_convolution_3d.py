"""Seams and refusals of convolutions of volumes; the rest is in test_volumes.py."""

import pytest
from tables import at_the_seams, numbers, refused_as_by_torch, volume

import minitorch_cnn as mt
import minitorch_cnn.nn.functional as F

SEAMS = {
    "more output than the stride": lambda lib: lib.nn.functional.conv_transpose3d(
        numbers(lib, 1, 1, 2, 2, 2), numbers(lib, 1, 1, 2, 2, 2), output_padding=1, dilation=2
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
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
        "DoubleTensor",
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
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)


@pytest.mark.parametrize("function", [F.conv3d, F.conv_transpose3d])
@pytest.mark.parametrize("options", [{}, {"padding": (1, 1, 0)}, {"stride": (2, 1, 1)}])
def test_results_lie_as_the_volume_does(function, options):
    """By rows, so that a program may `view` them, or by pixels; torch's steps are the same."""
    x, weight = mt.randn(2, 3, 5, 6, 7), mt.randn(3, 3, 2, 3, 1)
    y = function(x, weight, **options)
    assert y.is_contiguous()
    assert y.view(2, -1, *y.shape[3:]).shape[1] == 3 * y.shape[2]
    z = function(x.to(memory_format=mt.channels_last_3d), weight, **options)
    assert z.is_contiguous(memory_format=mt.channels_last_3d)
    assert mt.allclose(y, z, atol=1e-5)
