"""What a network looks at: its filters, its feature maps, and what excites a channel most."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..tensor import Tensor
from .capture import capture, find_layer
from .drawing import image_grid
from .explanation import Explanation
from .receptive_field import receptive_fields

SHOWN = 64  # images in a grid


class Images(Explanation):
    """Some images with titles. images (count, H, W), or (count, H, W, 3) in colour, 0 to 1."""

    def __init__(
        self, title: str, images: np.ndarray, titles: list[str], signed: bool, note: str = ""
    ) -> None:
        self.title, self.images, self.titles = title, images, titles
        self.signed, self.note = signed, note

    def text(self) -> str:
        count = len(self.images)
        size = " x ".join(str(length) for length in self.images.shape[1:3])
        hidden = f", {SHOWN} of them drawn" if count > SHOWN else ""
        return f"{self.title}: {count} images of {size}{hidden}\n{self.note}".rstrip()

    def figure(self) -> Any:
        columns = 8 if len(self.images) > 9 else max(3, min(5, len(self.images)))
        figure = image_grid(
            self.images[:SHOWN], self.titles[:SHOWN], columns=columns, signed=self.signed
        )
        figure.suptitle(self.title, fontsize=11)
        return figure


def filters(model: nn.Module, layer: str | None = None) -> Images:
    """The kernels of a Conv2d, the first one by default.

    A layer of three input channels gives colour images (grey is 0, on one scale for all filters);
    another one gives an image for each filter and channel, blue negative and red positive.
    """
    name = find_layer(model, layer, nn.Conv2d)
    module: Any = model.get_submodule(name)
    weight = module.weight.detach().numpy()  # (K, Cg, KH, KW)
    K, Cg = weight.shape[:2]
    title = f"filters of {name}, {module}"
    if Cg == 3:
        scale = max(float(np.abs(weight).max()), 1e-12)
        images = (0.5 + weight / (2 * scale)).transpose(0, 2, 3, 1)
        note = "grey is 0, a colour adds where the picture has it"
        return Images(title, images, [f"filter {k}" for k in range(K)], False, note)
    images = weight.reshape(K * Cg, *weight.shape[2:])
    titles = [f"{k}, channel {c}" for k in range(K) for c in range(Cg)]
    return Images(title, images, titles, True, "blue is negative, red positive")


def feature_maps(model: nn.Module, x: Tensor, layer: str | None = None) -> Images:
    """The output maps of a layer (the first Conv2d by default) for the first image of x."""
    name = layer if layer is not None else find_layer(model, None, nn.Conv2d)
    y = capture(model, x[:1], name).y
    if y.ndim != 4:
        raise ValueError(f"{name} gives no maps but {list(y.shape)}")
    maps = y.numpy()[0]
    note = "each map has its own scale, from black (smallest) to white (largest)"
    titles = [f"map {k}" for k in range(len(maps))]
    return Images(f"feature maps of {name}", maps, titles, False, note)


def most_exciting(
    model: nn.Module,
    x: Tensor,
    pictures: np.ndarray,
    layer: str | None = None,
    channel: int = 0,
    count: int = 10,
) -> Exciting:
    """The images of x (N, C, H, W) in which one channel of a layer is highest anywhere.

    pictures: uint8 (N, H, W, C), the same as one sees them. layer: the last Conv2d by default.
    Raises ValueError for a channel that the layer does not have.
    """
    if len(x) != len(pictures):
        raise ValueError(f"x has {len(x)} images and pictures {len(pictures)}")
    name = layer if layer is not None else find_layer(model, None, nn.Conv2d, last=True)
    y = capture(model, x, name, target=0).y.numpy()
    if y.ndim != 4 or not 0 <= channel < y.shape[1]:
        raise ValueError(f"{name} gives {list(y.shape)}: there is no channel {channel} of maps")
    maps = y[:, channel]  # (N, h, w)
    best = maps.reshape(len(maps), -1).max(axis=1)
    order = np.argsort(-best, kind="stable")[:count]
    places = [np.unravel_index(maps[n].argmax(), maps[n].shape) for n in order]
    field = None
    for row in receptive_fields(model, x[:1]).layers:
        if row.name == name:
            field = row.field
    H, W = pictures.shape[1:3]
    boxes = []
    for i, j in places:
        top, bottom, left, right = (
            (0, H - 1, 0, W - 1) if field is None else field.box(int(i), int(j))
        )
        boxes.append((max(top, 0), min(bottom, H - 1), max(left, 0), min(right, W - 1)))
    return Exciting(name, channel, order, best[order], pictures[order], boxes)


class Exciting(Explanation):
    """Made by `most_exciting`: numbers (of the images), values (highest first), pictures, and
    boxes: (first row, last row, first column, last column) of what the highest place sees."""

    def __init__(
        self,
        layer: str,
        channel: int,
        numbers: np.ndarray,
        values: np.ndarray,
        pictures: np.ndarray,
        boxes: list[tuple[int, int, int, int]],
    ) -> None:
        self.layer, self.channel = layer, channel
        self.numbers, self.values = numbers, values
        self.pictures, self.boxes = pictures, boxes

    def text(self) -> str:
        lines = [f"images that excite channel {self.channel} of {self.layer} most"]
        for number, value, box in zip(self.numbers, self.values, self.boxes, strict=True):
            top, bottom, left, right = box
            lines.append(
                f"  image {number}: {value:.3f} by rows {top} to {bottom}, "
                f"columns {left} to {right}"
            )
        return "\n".join(lines)

    def figure(self) -> Any:
        from matplotlib.patches import Rectangle

        titles = [
            f"{number}: {value:.2f}"
            for number, value in zip(self.numbers, self.values, strict=True)
        ]
        # Rows of equal length, as far as the number of pictures allows it.
        columns = next((each for each in (5, 4, 3) if len(titles) % each == 0), 5)
        figure = image_grid(self.pictures, titles, columns=max(3, min(columns, len(titles))))
        for axes, (top, bottom, left, right) in zip(figure.axes, self.boxes, strict=False):
            frame = Rectangle(
                (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1,
                fill=False, edgecolor="#d95f02", lw=2, clip_on=False,
            )  # fmt: skip
            axes.add_patch(frame)
        figure.suptitle(
            f"what excites channel {self.channel} of {self.layer} most\n(frame: what it sees)",
            fontsize=9,
        )
        return figure
