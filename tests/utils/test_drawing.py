"""Boxes and masks drawn on images: pixels as torchvision 0.29 drew them, and errors."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.utils import draw_bounding_boxes, draw_keypoints, draw_segmentation_masks

IMAGE = mt.arange(3 * 6 * 7).reshape(3, 6, 7).to(mt.uint8)
MASKS = np.zeros((2, 6, 7), bool)
MASKS[0, :4, :4] = MASKS[1, 3:, 3:] = True


def test_masks_are_mixed_in_and_black_where_they_overlap():
    drawn = draw_segmentation_masks(IMAGE, mt.from_numpy(MASKS), 0.5, ["red", (1, 2, 4)]).numpy()
    image = IMAGE.numpy()
    expected = image.copy()
    for mask, colour in zip(MASKS, ((255, 0, 0), (1, 2, 4)), strict=True):
        for c in range(3):
            expected[c, mask] = image[c, mask] // 2 + colour[c] / 2 + (image[c, mask] % 2) / 2
    expected[:, 3, 3] = image[:, 3, 3] / 2
    assert (drawn == expected).all()
    floats = draw_segmentation_masks(IMAGE.float() / 255, mt.from_numpy(MASKS), 0.5, "blue")
    assert floats.dtype is mt.float32 and floats[2, 0, 0] == (IMAGE[2, 0, 0] / 255 + 1) / 2


def test_boxes_are_outlined():
    boxes = mt.tensor([[1, 0, 5, 4], [2.6, 1, 4, 3.2]])
    drawn = draw_bounding_boxes(IMAGE, boxes, colors=[(255, 0, 0), (0, 0, 255)]).numpy()
    edge = np.zeros((6, 7), bool)
    edge[0:5, 1:6] = True
    edge[1:4, 2:5] = False
    assert (drawn[0, edge] == 255).all() and (drawn[1, edge] == 0).all()
    outside = np.ones((6, 7), bool)
    outside[0:5, 1:6] = False
    assert (drawn[:, outside] == IMAGE.numpy()[:, outside]).all()
    assert (drawn[2] == 255).sum() >= 6  # the small one
    filled = draw_bounding_boxes(IMAGE[:1], boxes, ["a", None], fill=True, width=2)
    assert filled.shape == (3, 6, 7) and not filled.equal(draw_bounding_boxes(IMAGE[:1], boxes))


def test_keypoints_and_the_lines_between_them():
    points = mt.tensor([[[1, 1], [5, 1], [3, 4]], [[6, 5], [1, 4], [4, 4]]])
    seen = mt.tensor([[True, True, False], [False, True, False]])
    drawn = draw_keypoints(
        IMAGE, points, [(0, 1), (0, 2)], colors=(9, 8, 7), radius=1, width=1, visibility=seen
    ).numpy()
    for x, y in ((1, 0), (1, 2), (0, 1), (6, 1), (1, 4), (1, 3), (0, 4)):
        assert drawn[:, y, x].tolist() == [9, 8, 7]
    # Lines are white and over the points; those to points that are not seen are left out.
    assert (drawn[:, 1, 1:6] == 255).all() and (drawn == 255).sum() == 3 * 5
    assert np.array_equal(drawn[:, 3:, 3:], IMAGE.numpy()[:, 3:, 3:])
    same = draw_keypoints(IMAGE, points, radius=1, visibility=seen.unsqueeze(-1), colors="lime")
    assert same[:, 4, 1].tolist() == [0, 255, 0] and same[:, 4, 4].equal(IMAGE[:, 4, 4])
    floats = draw_keypoints(IMAGE.double() / 255, points, colors="lime")
    assert floats.dtype is mt.float64 and floats[:, 4, 4].tolist() == [0, 1, 0]
    assert draw_keypoints(IMAGE, points[:0]).equal(IMAGE)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: draw_bounding_boxes(3, 4), TypeError, "int"),
        (lambda: draw_bounding_boxes(IMAGE.long(), mt.zeros(1, 4)), ValueError, "int64"),
        (lambda: draw_bounding_boxes(IMAGE, mt.zeros(4)), ValueError, r"\(4,\)"),
        (lambda: draw_bounding_boxes(IMAGE, mt.tensor([[5, 0, 1, 1]])), ValueError, "xmin"),
        (lambda: draw_bounding_boxes(IMAGE, mt.zeros(1, 4), ["a", "b"]), ValueError, "2 labels"),
        (lambda: draw_bounding_boxes(IMAGE, mt.zeros(2, 4), colors=["red"]), ValueError, "red"),
        (lambda: draw_bounding_boxes(IMAGE, mt.zeros(1, 4), font="x"), NotImplementedError, "font"),
        (lambda: draw_keypoints(IMAGE[:1], mt.zeros(1, 1, 2)), ValueError, "channels"),
        (lambda: draw_keypoints(IMAGE, mt.zeros(3, 2)), ValueError, r"\(3, 2\)"),
        (
            lambda: draw_keypoints(IMAGE, mt.zeros(2, 3, 2), visibility=mt.ones(1, 3)),
            ValueError,
            r"visibility.shape=\(1, 3\)",
        ),
        (lambda: draw_segmentation_masks(IMAGE[:1], mt.zeros(6, 7)), ValueError, "channels"),
        (lambda: draw_segmentation_masks(IMAGE, mt.zeros(6, 7)), ValueError, "float32"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()
