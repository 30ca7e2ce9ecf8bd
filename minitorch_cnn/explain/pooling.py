"""Pooling backward: which input pixels an output's gradient goes to.

A maximum passes its gradient to the one pixel that won its window (the first one, if several are
equal); the others get nothing, because a small change of them changes nothing. A mean divides it
equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import autograd, nn
from ..backend import to_device, to_numpy
from ..tensor import Tensor, wrap
from .convolution import OUTSIDE, padding_sources, windows
from .drawing import ACCENT, RESULT, mark_window, new_figure, signed_image, write_numbers
from .explanation import Explanation


def pool2d(x: Tensor, layer: nn.MaxPool2d | nn.AvgPool2d, gy: Tensor | None = None) -> Pooling:
    """Where the gradient gy of `layer`'s output goes in x (N, C, H, W).

    gy: of the output's shape; None: the numbers 1, 2, 3, ... for every channel, which are easy to
    follow. Raises NotImplementedError for ceil_mode, divisor_override and other layers.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 0.0, 7.0]]]])
    >>> pool2d(x, mt.nn.MaxPool2d(2)).gx[0, 0]
    array([[0., 1., 0., 0.],
           [0., 0., 0., 2.]])
    """
    if not isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        raise NotImplementedError(
            f"explain.pool2d explains MaxPool2d and AvgPool2d, got {type(layer).__name__}"
        )
    for option in ("ceil_mode", "divisor_override", "return_indices"):
        if getattr(layer, option, None):
            raise NotImplementedError(f"explain.pool2d: {option} is not supported")
    return Pooling(x, layer, gy)


class Pooling(Explanation):
    """The routes of the gradients; made by `pool2d`.

    shares (N, C, OH, OW, KH, KW): the part of each output's gradient that each pixel of its
    window gets; gx (N, C, H, W): what arrives, float64; library_gx: what autograd gives.
    """

    def __init__(self, x: Tensor, layer: Any, gy: Tensor | None) -> None:
        self.layer = layer
        leaf = x.detach().clone().requires_grad_()
        y = layer(leaf)
        shape = y.shape
        if gy is None:
            counting = np.arange(1, shape[2] * shape[3] + 1).reshape(shape[2:])
            gradient = np.broadcast_to(counting, shape).astype(np.float64)
        else:
            gradient = to_numpy(gy.array).astype(np.float64)
        self.x, self.y, self.gy = to_numpy(x.array), to_numpy(y.array), gradient
        like = to_device(gradient.astype(x.array.dtype), x.device)
        (gx,) = autograd.grad(y, [leaf], wrap(like))
        self.library_gx = to_numpy(gx.array)

        (KH, KW), (sh, sw), (ph, pw), (dh, dw) = (
            _pair(each)
            for each in (
                layer.kernel_size,
                layer.stride,
                layer.padding,
                getattr(layer, "dilation", 1),
            )
        )
        rows = np.arange(shape[2])[:, None] * sh + np.arange(KH) * dh
        columns = np.arange(shape[3])[:, None] * sw + np.arange(KW) * dw
        H, W = self.x.shape[2:]
        # (OH, KH) and (OW, KW): the row and the column of x, OUTSIDE in the padding
        self.rows = padding_sources(H, ph, ph + sh * KH, "zeros")[rows]
        self.columns = padding_sources(W, pw, pw + sw * KW, "zeros")[columns]
        inside = (self.rows != OUTSIDE)[:, None, :, None] & (self.columns != OUTSIDE)[:, None]
        # (OH, OW, KH, KW)
        values = np.where(inside, windows(self.x, self.rows, self.columns), -np.inf)
        if isinstance(layer, nn.MaxPool2d):
            flat = values.reshape(*shape, KH * KW)
            shares = np.zeros(flat.shape)
            np.put_along_axis(shares, flat.argmax(-1)[..., None], 1.0, axis=-1)
            self.shares = shares.reshape(*shape, KH, KW)
        else:
            counted = KH * KW if layer.count_include_pad else inside.sum((2, 3), keepdims=True)
            self.shares = np.broadcast_to(inside / counted, values.shape)
        self.gx = np.zeros(self.x.shape)
        places: Any = ..., self.rows[:, None, :, None], self.columns[None, :, None, :]
        np.add.at(self.gx, places, self.shares * self.gy[..., None, None])

    def text(self) -> str:
        N, C, OH, OW = self.y.shape
        reached = int((self.gx != 0).sum())
        error = np.abs(self.gx - self.library_gx).max(initial=0)
        lines = [
            f"{self.layer}, backward",
            f"{N * C * OH * OW:,} gradients of outputs reach {reached:,} of {self.gx.size:,} "
            f"input pixels; largest difference from autograd {error:.1e}",
        ]
        for i in range(min(OH, 2)):
            for j in range(min(OW, 2)):
                lines.append(f"  output ({i}, {j}) of channel 0: {self._route(i, j)}")
        return "\n".join(lines)

    def _route(self, i: int, j: int) -> str:
        shares = self.shares[0, 0, i, j]
        parts = [
            f"{shares[u, v]:.3g} to pixel ({self.rows[i, u]}, {self.columns[j, v]})"
            for u, v in np.argwhere(shares > 0)
        ]
        return ", ".join(parts[:4]) + (", ..." if len(parts) > 4 else "")

    def figure(self) -> Any:
        """Channel 0 of the first image: x with the pixels that get something, gy, and gx."""
        figure = new_figure(12, 4.6)
        left, middle, right = figure.subplots(1, 3)
        for axes, values, title in (
            (left, self.x[0, 0], "x: the pixels that get a gradient"),
            (middle, self.gy[0, 0], "gradient of the output"),
            (right, self.gx[0, 0], "gradient of x"),
        ):
            signed_image(axes, values)
            if values.size <= 256:
                scale = max(np.abs(values).max(), 1e-12)
                write_numbers(axes, values, scale, 90 / max(*values.shape, 9))
            axes.set_title(title)
        OH, OW = self.y.shape[2:]
        for i in range(OH):
            for j in range(OW):
                colour = ACCENT if (i + j) % 2 else RESULT
                mark_window(middle, np.array([i]), np.array([j]), colour)
                for u, v in np.argwhere(self.shares[0, 0, i, j] > 0):
                    row, column = self.rows[i, u : u + 1], self.columns[j, v : v + 1]
                    mark_window(left, row, column, colour)
                    mark_window(right, row, column, colour)
        figure.suptitle(f"backward through {self.layer}")
        return figure


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
