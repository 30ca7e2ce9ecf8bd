"""What stride, padding, dilation, groups and padding_mode do: the same image, other windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..tensor import Tensor
from .convolution import Convolution, conv2d, show_padded
from .drawing import ACCENT, WEIGHTS, new_figure, signed_image
from .explanation import Explanation

VARIATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "padding=1": {"padding": 1},
    "stride=2": {"padding": 1, "stride": 2},
    "dilation=2": {"padding": 2, "dilation": 2},
    "groups=2": {"padding": 1, "groups": 2},
    "reflect": {"padding": 2, "padding_mode": "reflect"},
    "replicate": {"padding": 2, "padding_mode": "replicate"},
    "circular": {"padding": 2, "padding_mode": "circular"},
}


def variations(x: Tensor) -> Variations:
    """One image through eight 3x3 convolutions that differ in one setting each.

    x: (1, C, H, W) or (C, H, W) with C even (for groups=2) and H and W at least 5. All have the
    same filters: edges from left to right. Raises ValueError for other shapes.
    """
    image = x if x.ndim == 4 else x.unsqueeze(0)
    N, C, H, W = image.shape
    if N != 1 or C % 2 or min(H, W) < 5:
        raise ValueError(
            "variations needs one image with an even number of channels and 5x5 pixels or more, "
            f"got {list(x.shape)}"
        )
    return Variations(image)


class Variations(Explanation):
    """A convolution for each entry of VARIATIONS; made by `variations`.

    convolutions: name -> Convolution of the image with that setting.
    """

    def __init__(self, x: Tensor) -> None:
        self.convolutions: dict[str, Convolution] = {}
        C = x.shape[1]
        edge = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
        for name, options in VARIATIONS.items():
            layer = nn.Conv2d(C, 2, 3, bias=False, dtype=x.dtype, device=x.device, **options)
            values = np.broadcast_to(edge, layer.weight.shape) / (8 * layer.weight.shape[1])
            layer.weight.data = x.new_tensor(values)
            self.convolutions[name] = conv2d(x, layer)

    def text(self) -> str:
        lines = [f"{'':>12}   padded      output   cols matrix (each group)   multiply-adds"]
        for name, convolution in self.convolutions.items():
            height, width = convolution.padded.shape[2:]
            OH, OW = convolution.output.shape[2:]
            G, P, Q = convolution.columns().cols.shape
            lines.append(
                f"{name:>12} {height:4} x {width:<4} {OH:4} x {OW:<4} {G} of {P} x {Q:<14} "
                f"{convolution.macs:12,}"
            )
        return "\n".join(lines)

    def figure(self) -> Any:
        """For each: the padded image with the first two windows, the columns, the output."""
        figure = new_figure(2 * len(self.convolutions), 7)
        panels = figure.subplots(3, len(self.convolutions))
        for (image, cols, output), (name, convolution) in zip(
            panels.T, self.convolutions.items(), strict=True
        ):
            show_padded(image, convolution, 0, 0)
            # The first two windows, as dots that do not hide each other where both see a pixel.
            for j, colour, shift in ((0, ACCENT, -0.2), (1, WEIGHTS, 0.2)):
                rows, columns = convolution.window_rows[0], convolution.window_columns[j]
                for row in rows:
                    image.plot(columns + shift, [row] * len(columns), "o", color=colour, ms=3.5)
            image.set_title(name)
            matrix = convolution.columns().cols[0]
            signed_image(cols, matrix)
            cols.set_aspect("auto")
            cols.set_title(f"cols {matrix.shape[0]} x {matrix.shape[1]}", fontsize=9)
            signed_image(output, convolution.output[0, 0])
            OH, OW = convolution.output.shape[2:]
            output.set_title(f"y {OH} x {OW}", fontsize=9)
        figure.suptitle(
            "3x3 convolutions of one image: the first two windows, the column matrix, the output"
        )
        return figure
