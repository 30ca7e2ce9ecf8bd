"""Shapes: a data set of drawn pictures that needs no download.

Each picture shows one of ten geometric shapes. Its colours, size, place, rotation and stretch, the
colour gradients of shape and background, two stray lines and the noise are random. No single
pixel says anything about the class, so a linear model does badly; a small CNN learns it in a few
epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .vision import ArrayDataset

Points = list[tuple[float, float]]

# Pictures are drawn this many times larger and then reduced, which smooths the edges.
SUPERSAMPLING = 4
# Random numbers that decide about one picture, apart from its noise.
PARAMETERS = 32
STRAY_LINES = 2
MAX_ROTATION = math.radians(45)
# Pictures that are made together; limits the memory that making them takes.
CHUNK = 1000


class Shapes(ArrayDataset):
    """Pictures of ten geometric shapes, made when the data set is.

        train       the training or the test pictures: two streams with nothing in common
        size        how many; default 20,000 for training, 4,000 for test
        transform, target_transform   called with the PIL image, with the label
        seed        another seed gives other pictures
        image_size  height and width in pixels

        .data     uint8 (N, image_size, image_size, 3)      .classes       names
        .targets  list of N ints                            .class_to_idx  name -> number

    Picture i depends on `seed`, `train`, `image_size` and i alone: a smaller data set is the
    beginning of a larger one. The default size takes a few seconds to draw; nothing is written to
    disk.

    Raises ValueError for a size below 0 or an image_size below 8.

    >>> import minitorch_cnn as mt
    >>> data = mt.datasets.Shapes(train=False, size=20)
    >>> data.data.shape, data.data.dtype
    ((20, 32, 32, 3), dtype('uint8'))
    >>> data.classes[:4]
    ['circle', 'ring', 'crescent', 'heart']
    """

    def __init__(
        self,
        train: bool = True,
        size: int | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        seed: int = 0,
        image_size: int = 32,
    ):
        super().__init__("", transform=transform, target_transform=target_transform)
        if size is None:
            size = 20_000 if train else 4_000
        if size < 0:
            raise ValueError(f"Shapes: size should be 0 or more, got size={size}")
        if image_size < 8:
            raise ValueError(f"Shapes: image_size should be 8 or more, got {image_size}")
        self.train = train
        self.classes = list(OUTLINES)
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self.data, labels = draw_pictures(size, image_size, seed, train)
        self.targets: list[int] = labels.tolist()


def draw_pictures(
    count: int, image_size: int, seed: int, train: bool
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 pictures (count, image_size, image_size, 3) and int64 labels (count,).

    >>> pictures, labels = draw_pictures(2, image_size=16, seed=0, train=False)
    >>> pictures.shape, pictures.dtype, labels.shape
    ((2, 16, 16, 3), dtype('uint8'), (2,))
    """
    # Two streams of numbers for each split: numbers drawn row by row, one row a picture, are the
    # same for picture i however many follow.
    streams = np.random.SeedSequence([seed % 2**64, int(train)]).spawn(2)
    parameter_rng, noise_rng = (np.random.Generator(np.random.Philox(each)) for each in streams)
    parameters = parameter_rng.random((count, PARAMETERS))
    labels = (parameters[:, 0] * len(OUTLINES)).astype(np.int64)
    pictures = np.empty((count, image_size, image_size, 3), np.uint8)
    for start in range(0, count, CHUNK):
        rows = slice(start, min(start + CHUNK, count))
        masks = np.stack(
            [
                _draw_masks(label, row, image_size)
                for label, row in zip(labels[rows], parameters[rows], strict=True)
            ]
        )
        pictures[rows] = _colour(masks, parameters[rows], noise_rng)
    return pictures, labels


# ------------------------------------------------------------------------------ outlines
#
# Each shape is a list of polygons in a square of -1..1, y pointing down. The first is filled, those
# after it are cut out of it.


def _regular(corners: int, radius: float = 1.0, x: float = 0.0, y: float = 0.0) -> Points:
    angles = [2 * math.pi * k / corners - math.pi / 2 for k in range(corners)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


def _star(tips: int, inner: float) -> Points:
    points = _regular(2 * tips)
    return [(x, y) if k % 2 == 0 else (inner * x, inner * y) for k, (x, y) in enumerate(points)]


def _heart() -> Points:
    angles = [2 * math.pi * k / 40 for k in range(40)]
    return [
        (
            math.sin(a) ** 3,
            -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 16,
        )
        for a in angles
    ]


def _plus(width: float) -> Points:
    w = width
    corner = [(w, -1.0), (w, -w), (1.0, -w), (1.0, w), (w, w), (w, 1.0)]
    return corner + [(-x, -y) for x, y in corner]


OUTLINES: dict[str, list[Points]] = {
    "circle": [_regular(40, 0.9)],
    "ring": [_regular(40, 0.95), _regular(40, 0.5)],
    "crescent": [_regular(40, 0.95), _regular(40, 0.75, x=0.45)],
    "heart": [_heart()],
    "square": [[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]],
    "triangle": [_regular(3, 1.05, y=0.15)],
    "star": [_star(5, 0.42)],
    "cross": [_plus(0.3)],
    "arrow": [
        [
            (0, -1),
            (0.75, -0.15),
            (0.28, -0.15),
            (0.28, 1),
            (-0.28, 1),
            (-0.28, -0.15),
            (-0.75, -0.15),
        ]
    ],
    "bolt": [
        [(0.25, -1), (-0.6, 0.15), (-0.08, 0.15), (-0.3, 1), (0.6, -0.2), (0.08, -0.2), (0.5, -1)]
    ],
}


# ------------------------------------------------------------------------------- drawing


def _draw_masks(label: int, row: np.ndarray, image_size: int) -> np.ndarray:
    """How much of each pixel the shape covers, and the stray lines: uint8 (2, H, W)."""
    side = image_size * SUPERSAMPLING
    radius = side * (0.22 + 0.2 * row[1])
    angle = MAX_ROTATION * (2 * row[2] - 1)
    stretch = 0.85 + 0.3 * row[3]
    # The centre is anywhere from which (nearly) all of the shape is in the picture.
    margin = 0.95 * radius
    centre_x = margin + (side - 2 * margin) * row[4]
    centre_y = margin + (side - 2 * margin) * row[5]
    cos, sin = radius * math.cos(angle), radius * math.sin(angle)

    shape = Image.new("L", (side, side))
    pen = ImageDraw.Draw(shape)
    fill = 255
    for outline in list(OUTLINES.values())[label]:
        points = [
            (
                centre_x + cos * stretch * x - sin * y / stretch,
                centre_y + sin * stretch * x + cos * y / stretch,
            )
            for x, y in outline
        ]
        pen.polygon(points, fill=fill)
        fill = 0

    lines = Image.new("L", (side, side))
    pen = ImageDraw.Draw(lines)
    for k in range(STRAY_LINES):
        ends = (row[6 + 4 * k : 10 + 4 * k] * side).tolist()
        pen.line(ends, fill=255, width=SUPERSAMPLING)
    return np.stack([np.asarray(each.reduce(SUPERSAMPLING)) for each in (shape, lines)])


def _colour(masks: np.ndarray, rows: np.ndarray, noise_rng: np.random.Generator) -> np.ndarray:
    """Masks (n, 2, H, W) -> pictures, uint8 (n, H, W, 3)."""
    n, _, height, width = masks.shape
    shape, lines = masks[:, :, :, :, np.newaxis].swapaxes(0, 1).astype(np.float32) / 255

    # A ramp of 0..1 across the picture in a random direction, one for the background and one for
    # the shape.
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)

    def ramp(u: np.ndarray) -> np.ndarray:
        angle = (2 * np.pi * u).astype(np.float32)[:, np.newaxis, np.newaxis]
        return (0.5 + 0.7 * (np.cos(angle) * x + np.sin(angle) * y))[..., np.newaxis]

    # The shape is lighter than the background or darker, never the same.
    lighter = rows[:, 14] < 0.5
    dark, light = 0.05 + 0.4 * rows[:, 15], 0.62 + 0.38 * rows[:, 16]
    ground = np.where(lighter, dark, light)
    figure = np.where(lighter, light, dark)
    hue = rows[:, 17]
    colours = [
        _rgb(hue, rows[:, 18], ground),
        _rgb(hue + 0.5 * (rows[:, 19] - 0.5), rows[:, 18], ground * (0.6 + 0.8 * rows[:, 20])),
        _rgb(rows[:, 21], rows[:, 22], figure),
        _rgb(
            rows[:, 21] + 0.2 * (rows[:, 23] - 0.5), rows[:, 22], figure * (0.8 + 0.2 * rows[:, 24])
        ),
        _rgb(rows[:, 25], rows[:, 26], rows[:, 27]),
    ]
    back_1, back_2, front_1, front_2, line = (
        colour.astype(np.float32)[:, np.newaxis, np.newaxis, :] for colour in colours
    )
    picture = back_1 + (back_2 - back_1) * ramp(rows[:, 28])
    picture += (line - picture) * lines
    front = front_1 + (front_2 - front_1) * ramp(rows[:, 29])
    picture += (front - picture) * shape
    strength = (0.01 + 0.07 * rows[:, 30]).astype(np.float32).reshape(n, 1, 1, 1)
    picture += strength * noise_rng.standard_normal(picture.shape, dtype=np.float32)
    return (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Colours (n, 3) of the hue circle 0..1 (0 red, 1/3 green, 2/3 blue), HSV -> RGB."""
    channel = np.array([0, 2 / 3, 1 / 3])
    distance = np.abs((hue[:, np.newaxis] + channel) % 1 - 0.5) * 6 - 1
    pure = distance.clip(0, 1)
    return (value[:, np.newaxis] * (1 + saturation[:, np.newaxis] * (pure - 1))).clip(0, 1)
