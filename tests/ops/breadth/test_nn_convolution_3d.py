"""Seams and refusals of convolutions of volumes; the rest is in test_volumes.py."""

from tables import at_the_seams, numbers, refused_as_by_torch, volume

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
