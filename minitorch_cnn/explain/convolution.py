"""A convolution opened up: which input pixels each output pixel sees, and with what weights.

    explanation = explain.conv2d(x, layer)
    explanation.pixel(n, k, i, j)       one output number: window, kernel, products, sum
    explanation.columns(n)              im2col: the same as one matrix product
    explanation.gradients(gy)           the way back

Everything here is plain index arithmetic, written apart from the kernels that train networks. So
the two check each other: every explanation also carries what the layer itself computed.

What deep learning calls a convolution is a cross-correlation: the kernel is not turned around.

    y[n, k, i, j] = b[k] + sum of w[k, c, u, v] * padded[n, c, i sh + u dh, j sw + v dw]
                           over all c, u, v
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import nn
from ..autograd.modes import no_grad
from ..backend import to_numpy
from ..tensor import Tensor, shape_text
from .drawing import PLAIN, RESULT, new_figure
from .explanation import Explanation

if TYPE_CHECKING:
    from .backward import ConvolutionGradients
    from .columns import Columns
    from .pixel import Pixel

OUTSIDE = -1  # the source of a pixel that zero padding invented


def conv2d(x: Tensor, layer: nn.Conv2d) -> Convolution:
    """Opens up what `layer` does to the images x, (N, C, H, W) or (C, H, W).

    Any stride, padding, dilation, groups and padding_mode. Raises NotImplementedError for another
    kind of layer, RuntimeError, as the layer does, if x does not fit.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Conv2d(1, 1, 2, bias=False)
    >>> layer.weight.data = mt.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> print(mt.explain.conv2d(mt.arange(9.0).reshape(1, 1, 3, 3), layer).pixel(0, 0, 0, 1))
    y[n=0, k=0, i=0, j=1] of Conv2d(1, 1, kernel_size=(2, 2), stride=(1, 1), bias=False)
    input rows 0, 1; columns 1, 2; channel 0
    <BLANKLINE>
    channel 0
          window         *       kernel      =      products
        1.000    2.000      1.000    2.000      1.000    4.000
        4.000    5.000      3.000    4.000     12.000   20.000
      their sum: 37
    <BLANKLINE>
    sum of the products 37 + bias 0 = 37
    the layer says 37 (float32)
    """
    if not isinstance(layer, nn.Conv2d):
        raise NotImplementedError(
            f"explain.conv2d explains nn.Conv2d layers, got {type(layer).__name__}"
        )
    return Convolution(x, layer)


class Convolution(Explanation):
    """What a Conv2d does to a batch of images; made by `explain.conv2d`.

    x (N, C, H, W), padded (N, C, H + top + bottom, W + left + right), weight (K, Cg, KH, KW),
    bias (K), output (N, K, OH, OW): float64 arrays, output as the layer computed it.
    source_rows (of the padded image's rows): the row of x that each shows, OUTSIDE for zeros; and
    source_columns alike. window_rows (OH, KH), window_columns (OW, KW): where in the padded image
    each window lies.
    """

    def __init__(self, x: Tensor, layer: nn.Conv2d) -> None:
        with no_grad():
            y = layer(x)
        if x.ndim == 3:
            x, y = x.unsqueeze(0), y.unsqueeze(0)
        self.input, self.layer = x.detach(), layer
        self.x = to_numpy(x.array).astype(np.float64)
        self.output = to_numpy(y.array).astype(np.float64)
        self.weight = to_numpy(layer.weight.array).astype(np.float64)
        bias = layer.bias
        self.bias = np.zeros(len(self.weight)) if bias is None else to_numpy(bias.array) * 1.0
        self.stride = layer.stride[0], layer.stride[1]
        self.dilation = layer.dilation[0], layer.dilation[1]
        self.groups = layer.groups

        left, right, top, bottom = layer._reversed_padding_repeated_twice
        H, W = self.x.shape[2:]
        self.source_rows = padding_sources(H, top, bottom, layer.padding_mode)
        self.source_columns = padding_sources(W, left, right, layer.padding_mode)
        self.before = (top, left)
        padded = self.x[:, :, self.source_rows][:, :, :, self.source_columns]
        padded[:, :, self.source_rows == OUTSIDE] = 0
        padded[:, :, :, self.source_columns == OUTSIDE] = 0
        self.padded = padded

        OH, OW = self.output.shape[2:]
        KH, KW = self.weight.shape[2:]
        (sh, sw), (dh, dw) = self.stride, self.dilation
        self.window_rows = np.arange(OH)[:, None] * sh + np.arange(KH) * dh
        self.window_columns = np.arange(OW)[:, None] * sw + np.arange(KW) * dw

    def channels_of(self, k: int) -> slice:
        """The input channels that filter k sees: those of its group."""
        K, Cg = self.weight.shape[:2]
        first = k // (K // self.groups) * Cg
        return slice(first, first + Cg)

    def check_index(self, index: tuple[int, ...], shape: tuple[int, ...], names: str) -> None:
        """Raises IndexError, with the numbers, unless index is inside shape."""
        for name, value, length in zip(names.split(), index, shape, strict=True):
            if not 0 <= value < length:
                raise IndexError(
                    f"{name}={value} is out of range: it goes from 0 to {length - 1} "
                    f"(shape {shape_text(shape)})"
                )

    def pixel(self, n: int, k: int, i: int, j: int) -> Pixel:
        """The output number y[n, k, i, j], traced back to the numbers that it is made of."""
        from .pixel import Pixel

        self.check_index((n, k, i, j), self.output.shape, "n k i j")
        return Pixel(self, n, k, i, j)

    def columns(
        self, n: int = 0, k: int = 0, i: int | None = None, j: int | None = None
    ) -> Columns:
        """im2col: the convolution of image n as a product of two matrices.

        The picture follows the output pixel (i, j), or the middle one, of filter k.
        """
        from .columns import Columns

        OH, OW = self.output.shape[2:]
        i, j = OH // 2 if i is None else i, OW // 2 if j is None else j
        self.check_index((n, k, i, j), self.output.shape, "n k i j")
        return Columns(self, n, k, i, j)

    def gradients(self, gy: Tensor) -> ConvolutionGradients:
        """The way back: the gradients of x and of the weight from gy, that of the output.

        gy: (N, K, OH, OW), or (K, OH, OW) for one image. Raises ValueError for another shape.
        """
        from .backward import ConvolutionGradients

        return ConvolutionGradients(self, gy)

    def patches(self) -> np.ndarray:
        """Every window of the padded images: (N, C, OH, OW, KH, KW)."""
        return windows(self.padded, self.window_rows, self.window_columns)

    def unpad(self, gpadded: np.ndarray) -> np.ndarray:
        """The gradient of x from that of the padded images: what the border got goes home.

        Zero padding's border is dropped; a reflected pixel's gradient is added to the pixel that
        it reflects.
        """
        gx = np.zeros_like(self.x)
        rows = np.flatnonzero(self.source_rows != OUTSIDE)
        columns = np.flatnonzero(self.source_columns != OUTSIDE)
        places: Any = ..., self.source_rows[rows][:, None], self.source_columns[columns]
        np.add.at(gx, places, gpadded[:, :, rows[:, None], columns])
        return gx

    @property
    def macs(self) -> int:
        """Multiply-adds: for each output number one for each weight of its filter."""
        return self.output.size * self.weight[0].size

    def text(self) -> str:
        N, C, H, W = self.x.shape
        _, K, OH, OW = self.output.shape
        _, Cg, KH, KW = self.weight.shape
        (sh, sw), (dh, dw) = self.stride, self.dilation
        height, width = self.padded.shape[2:]
        return "\n".join(
            [
                str(self.layer),
                f"x ({N}, {C}, {H}, {W}) -> padded ({N}, {C}, {height}, {width}) "
                f"-> y ({N}, {K}, {OH}, {OW})",
                f"OH = (padded height {height} - dilation {dh} * (KH {KH} - 1) - 1) "
                f"// stride {sh} + 1 = {OH}",
                f"OW = (padded width {width} - dilation {dw} * (KW {KW} - 1) - 1) "
                f"// stride {sw} + 1 = {OW}",
                f"each output number: {Cg} * {KH} * {KW} = {Cg * KH * KW} products; "
                f"all {self.output.size:,}: {self.macs:,} multiply-adds",
            ]
        )

    def figure(self) -> Any:
        """The first image's channels, padded, and the first filters' outputs."""
        shown = min(4, self.x.shape[1]), min(4, self.output.shape[1])
        figure = new_figure(2.2 * max(shown) + 0.6, 5)
        panels = figure.subplots(2, max(shown), squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for c in range(shown[0]):
            show_padded(panels[0, c], self, 0, c)
            panels[0, c].set_title(f"x, channel {c}", fontsize=9)
        for k in range(shown[1]):
            panels[1, k].imshow(self.output[0, k], cmap=PLAIN)
            panels[1, k].set_title(f"y, filter {k}", fontsize=9, color=RESULT)
        figure.suptitle(str(self.layer), fontsize=10)
        return figure


def windows(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(N, C, OH, OW, KH, KW): from images (N, C, H, W) the pixels at rows (OH, KH) and
    columns (OW, KW)."""
    return images[:, :, rows[:, None, :, None], columns[None, :, None, :]]


def padding_sources(length: int, before: int, after: int, mode: str) -> np.ndarray:
    """For each place of a padded row: which of the `length` pixels stands there.

    >>> padding_sources(4, 2, 2, "zeros").tolist()
    [-1, -1, 0, 1, 2, 3, -1, -1]
    >>> padding_sources(4, 2, 2, "reflect").tolist()
    [2, 1, 0, 1, 2, 3, 2, 1]
    >>> padding_sources(4, 2, 2, "replicate").tolist()
    [0, 0, 0, 1, 2, 3, 3, 3]
    >>> padding_sources(4, 2, 2, "circular").tolist()
    [2, 3, 0, 1, 2, 3, 0, 1]
    """
    place = np.arange(-before, length + after)
    if mode == "reflect":
        last = length - 1
        return last - np.abs(last - np.abs(place))
    if mode == "replicate":
        return place.clip(0, length - 1)
    if mode == "circular":
        return place % length
    return np.where((place >= 0) & (place < length), place, OUTSIDE)


def show_padded(axes: Any, convolution: Convolution, n: int, c: int) -> None:
    """Draws one channel with its padding; a line divides what is in the image from what is not."""
    from matplotlib.patches import Rectangle

    (top, left), (H, W) = convolution.before, convolution.x.shape[2:]
    axes.imshow(convolution.padded[n, c], cmap=PLAIN)
    edge = Rectangle((left - 0.5, top - 0.5), W, H, fill=False, edgecolor="#4a90d9", lw=0.8)
    axes.add_patch(edge)
    axes.set_axis_off()
