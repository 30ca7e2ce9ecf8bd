"""The gradients of a convolution: each of them is a convolution again.

With p and q in the padded image, and gy the gradient of y,

    gpadded[c, p, q] = sum over k, u, v of gy[k, (p - u dh) / sh, (q - v dw) / sw] * w[k, c, u, v]

wherever the divisions leave no rest. That is a full convolution of gy with the kernel turned by
180 degrees: write gy with sh - 1 rows of zeros between its rows ("spread"), put a frame of
dh (KH - 1) zeros around it ("framed"), and slide the turned kernel over all of it.

    gw[k, c, u, v] = sum over n, i, j of gy[n, k, i, j] * padded[n, c, i sh + u dh, j sw + v dw]

is a correlation of the padded images with gy as the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import autograd
from ..backend import to_device, to_numpy
from ..tensor import Tensor, shape_text, wrap
from .convolution import windows
from .drawing import new_figure, signed_image, write_numbers
from .explanation import Explanation

if TYPE_CHECKING:
    from .convolution import Convolution


class Term(NamedTuple):
    """One product of an input gradient: gy[n, k, i, j] * w[k, c, u, v]."""

    k: int
    i: int
    j: int
    u: int
    v: int
    gy: float
    weight: float

    @property
    def product(self) -> float:
        return self.gy * self.weight


class ConvolutionGradients(Explanation):
    """The way back through a convolution; made by ``conv2d(x, layer).gradients(gy)``.

    gy (N, K, OH, OW); spread and framed: gy with zeros between, and around, its pixels;
    turned (C, Kg, KH, KW): the kernel, rows and columns reversed, channels swapped;
    gx (N, C, H, W), gw (K, Cg, KH, KW), gb (K): computed here, float64;
    library_gx, library_gw: what autograd gives.
    """

    def __init__(self, convolution: Convolution, gy: Tensor) -> None:
        self.convolution = convolution
        shape = convolution.output.shape
        array = to_numpy(gy.array).astype(np.float64)
        if array.shape == shape[1:] and shape[0] == 1:
            array = array[np.newaxis]
        if array.shape != shape:
            raise ValueError(
                f"gy must have the output's shape {shape_text(shape)}, got {shape_text(gy.shape)}"
            )
        self.gy = array
        self.gx = self._input_gradient()
        self.gw = self._weight_gradient()
        self.gb = self.gy.sum(axis=(0, 2, 3))
        x = convolution.input.clone().requires_grad_()
        y = convolution.layer(x)
        like = to_device(self.gy.astype(y.array.dtype), y.device)
        gx, gw = autograd.grad(y, [x, convolution.layer.weight], wrap(like))
        self.library_gx = to_numpy(gx.array).reshape(self.gx.shape)
        self.library_gw = to_numpy(gw.array)

    def _input_gradient(self) -> np.ndarray:
        convolution = self.convolution
        G = convolution.groups
        K, Cg, KH, KW = convolution.weight.shape
        N, _, OH, OW = self.gy.shape
        (sh, sw), (dh, dw) = convolution.stride, convolution.dilation
        height, width = convolution.padded.shape[2:]

        self.spread = np.zeros((N, K, (OH - 1) * sh + 1, (OW - 1) * sw + 1))
        self.spread[:, :, ::sh, ::sw] = self.gy
        above, left = dh * (KH - 1), dw * (KW - 1)
        # The last rows of the image may be in no window; below, the frame reaches over them.
        below, right = height - self.spread.shape[2], width - self.spread.shape[3]
        self.framed = np.pad(self.spread, ((0, 0), (0, 0), (above, below), (left, right)))
        turned = convolution.weight.reshape(G, K // G, Cg, KH, KW)[:, :, :, ::-1, ::-1]
        turned = turned.transpose(0, 2, 1, 3, 4)  # (G, Cg, Kg, KH, KW)
        self.turned = turned.reshape(G * Cg, K // G, KH, KW)

        rows = np.arange(height)[:, None] + np.arange(KH) * dh
        columns = np.arange(width)[:, None] + np.arange(KW) * dw
        patches = windows(self.framed, rows, columns)  # (N, K, Hp, Wp, KH, KW)
        patches = patches.reshape(N, G, K // G, height, width, KH, KW)
        gpadded = np.einsum("gckuv,ngkpquv->ngcpq", turned, patches, optimize=True)
        self.gpadded = gpadded.reshape(N, G * Cg, height, width)
        return convolution.unpad(self.gpadded)

    def _weight_gradient(self) -> np.ndarray:
        convolution = self.convolution
        G = convolution.groups
        K, Cg, KH, KW = convolution.weight.shape
        N, _, OH, OW = self.gy.shape
        patches = convolution.patches().reshape(N, G, Cg, OH, OW, KH, KW)
        gy = self.gy.reshape(N, G, K // G, OH, OW)
        gw = np.einsum("ngkij,ngcijuv->gkcuv", gy, patches, optimize=True)
        return gw.reshape(K, Cg, KH, KW)

    def terms(self, n: int, c: int, h: int, w: int) -> list[Term]:
        """All products that add up to gx[n, c, h, w]: one for each window and filter that saw it.

        >>> import minitorch_cnn as mt
        >>> x, layer = mt.ones(1, 1, 3, 3), mt.nn.Conv2d(1, 1, 2, bias=False)
        >>> gradients = mt.explain.conv2d(x, layer).gradients(mt.ones(1, 1, 2, 2))
        >>> [term[:5] for term in gradients.terms(0, 0, 1, 0)]
        [(0, 1, 0, 0, 0), (0, 0, 0, 1, 0)]
        """
        convolution = self.convolution
        convolution.check_index((n, c, h, w), convolution.x.shape, "n c h w")
        K, Cg = convolution.weight.shape[:2]
        Kg = K // convolution.groups
        group, channel = divmod(c, Cg)
        found = []
        for i, rows in enumerate(convolution.source_rows[convolution.window_rows]):
            for j, columns in enumerate(convolution.source_columns[convolution.window_columns]):
                for u in np.flatnonzero(rows == h).tolist():
                    for v in np.flatnonzero(columns == w).tolist():
                        for k in range(group * Kg, (group + 1) * Kg):
                            weight = float(convolution.weight[k, channel, u, v])
                            gy = float(self.gy[n, k, i, j])
                            found.append(Term(k, i, j, u, v, gy, weight))
        return sorted(found, key=lambda term: (term.k, term.u, term.v))

    def pixel_text(self, n: int, c: int, h: int, w: int, shown: int = 12) -> str:
        """gx[n, c, h, w] in words: the products that add up to it, the largest ones first."""
        terms = sorted(self.terms(n, c, h, w), key=lambda term: -abs(term.product))
        lines = [f"gx[n={n}, c={c}, h={h}, w={w}] is the sum of {len(terms)} products"]
        for term in terms[:shown]:
            k, i, j, u, v, gy, weight = term
            lines.append(
                f"  gy[{k}, {i}, {j}] * w[{k}, {c}, {u}, {v}] = "
                f"{gy:9.4f} * {weight:9.4f} = {term.product:9.4f}"
            )
        if len(terms) > shown:
            rest = sum(term.product for term in terms[shown:])
            lines.append(f"  the other {len(terms) - shown} together: {rest:.4f}")
        total = sum(term.product for term in terms)
        lines.append(f"  sum {total:.6g}; autograd says {self.library_gx[n, c, h, w]:.6g}")
        return "\n".join(lines)

    def text(self) -> str:
        convolution = self.convolution
        (sh, sw), (dh, dw) = convolution.stride, convolution.dilation
        KH, KW = convolution.weight.shape[2:]
        H, W = convolution.x.shape[2:]
        error_x = _relative(self.gx, self.library_gx)
        error_w = _relative(self.gw, self.library_gw)
        lines = [
            f"{convolution.layer}, backward",
            "the gradient of x is a full convolution of gy with the turned kernel:",
            f"  gy {_image(self.gy)} with {sh - 1} and {sw - 1} zeros between its rows and "
            f"columns: {_image(self.spread)}",
            f"  a frame of {dh * (KH - 1)} and {dw * (KW - 1)} zeros: {_image(self.framed)}",
            f"  the kernel, turned by 180 degrees, slides over it: {_image(self.gpadded)}",
            f"  without the padding: {H} x {W}; relative difference from autograd {error_x:.0e}",
            "the gradient of the weight is a correlation of the padded images with gy:",
            f"  {self.gy[:, 0].size:,} products for each of the "
            f"{self.gw.size:,} weights; relative difference from autograd {error_w:.0e}",
        ]
        return "\n".join([*lines, "", self.pixel_text(0, 0, H // 2, W // 2, shown=9)])

    def figure(self) -> Any:
        """Above the input gradient, below the weight gradient, for channel 0 and filter 0."""
        figure = new_figure(13, 6.4)
        panels = figure.subplots(2, 4)
        above = (
            ("gradient of y, filter 0", self.gy[0, 0]),
            ("spread by the stride, framed by zeros", self.framed[0, 0]),
            ("*  kernel, turned by 180 degrees", self.turned[0, 0]),
            ("summed over filters: gradient of x, channel 0", self.gx[0, 0]),
        )
        below = (
            ("x, channel 0, padded", self.convolution.padded[0, 0]),
            ("*  gradient of y, filter 0, as the kernel", self.gy[0, 0]),
            ("summed over images: gradient of w[0, 0]", self.gw[0, 0]),
            ("the same by autograd", self.library_gw[0, 0]),
        )
        for axes, (title, values) in zip(panels.flat, above + below, strict=True):
            signed_image(axes, values)
            axes.set_title(title, fontsize=9)
            if values.size <= 49:
                write_numbers(axes, values, max(np.abs(values).max(), 1e-12))
        figure.suptitle(f"backward through {self.convolution.layer}")
        return figure


def _image(values: np.ndarray) -> str:
    return f"{values.shape[2]} x {values.shape[3]}"


def _relative(values: np.ndarray, reference: np.ndarray) -> float:
    """The largest difference, as a fraction of the largest value."""
    largest = np.abs(reference).max(initial=0)
    return float(np.abs(values - reference).max(initial=0) / max(largest, 1e-300))
