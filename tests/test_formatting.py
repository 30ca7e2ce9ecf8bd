"""Tensors print as torch's do."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def usual_options():
    yield
    for library in (mt, torch):
        library.set_printoptions(profile="default")


def check(array, requires_grad=False):
    ours, theirs = mt.from_numpy(array.copy()), torch.from_numpy(array.copy())
    if requires_grad:
        ours.requires_grad_(), theirs.requires_grad_()
    # The types have longer names here, and so another line may be the last with room.
    ours, theirs = (
        repr(each).split(", dtype=")[0].split(",\n       dtype")[0] for each in (ours, theirs)
    )
    assert ours == theirs


def arrays(rng, shape):
    x = (rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 9)).astype(np.float32)
    yield x
    yield np.round(x)
    yield x > 0
    yield np.round(x).astype(np.int64)
    yield x.astype(np.float64)
    yield np.zeros(shape, np.float32) * -1
    yield rng.integers(0, 255, shape).astype(np.uint8)
    special = rng.choice(np.array([np.nan, np.inf, -np.inf, 0, -0.0], np.float32), shape)
    yield np.where(rng.random(shape) < 0.3, special, x)
    yield x * 10.0 ** rng.integers(-3, 3, shape).astype(np.float32)


def test_numbers_of_all_sizes_in_all_shapes():
    rng = np.random.default_rng(0)
    shapes = [(), (1,), (7,), (40,), (1100,), (3, 4), (30, 40), (2, 600), (1200, 2), (2, 3, 4)]
    for shape in [*shapes, (12, 11, 10), (0,), (2, 0), (1, 1, 2, 2)]:
        for array in arrays(rng, shape):
            check(np.asarray(array))
            if array.dtype == np.float32:
                check(np.asarray(array), requires_grad=True)


def test_what_does_not_fit_goes_to_a_line_of_its_own():
    for length in range(34, 45):  # the last line becomes longer by a number each time
        check(np.linspace(-1e-3, -1e-6, length, dtype=np.float32), requires_grad=True)


@pytest.mark.parametrize(
    "options",
    [
        dict(precision=2),
        dict(linewidth=40),
        dict(edgeitems=1, threshold=5),
        dict(sci_mode=True),
        dict(sci_mode=False),
        dict(profile="short"),
        dict(profile="full"),
    ],
)
def test_options(options):
    for library in (mt, torch):
        library.set_printoptions(**options)
    rng = np.random.default_rng(1)
    for shape in ((), (7,), (30,), (4, 9), (2, 3, 20)):
        for array in arrays(rng, shape):
            check(np.asarray(array))


def test_pictures_masks_and_boxes_say_what_they_are():
    tv = mt.tv_tensors
    assert repr(tv.Image([[[0, 1], [1, 0]]])) == "Image([[[0, 1],\n        [1, 0]]], )"
    assert repr(tv.Mask([[0.5]])) == "Mask([[0.5000]], )"
    assert repr(
        tv.BoundingBoxes([[0, 1, 2, 3], [4, 5, 6, 7]], format="XYXY", canvas_size=(9, 9))
    ) == (
        "BoundingBoxes([[0, 1, 2, 3],\n"
        "               [4, 5, 6, 7]], format=BoundingBoxFormat.XYXY, canvas_size=(9, 9))"
    )
    assert repr(tv.Mask([[1]]) + 1) == "tensor([[2]])"
