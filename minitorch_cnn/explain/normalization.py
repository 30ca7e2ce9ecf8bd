"""Batch norm backward: the gradient that arrives, less two terms.

    xhat = (x - mean) / sigma,  y = weight xhat + bias        (mean and sigma of each channel)
    gx   = weight / sigma * (gy - mean of gy - xhat * mean of (gy xhat))

Every pixel of x also moves the channel's mean and deviation. The first subtracted term is the way
through the mean: gx has mean 0, for a shift of all pixels changes nothing. The second is the way
through the deviation: gx is at right angles to xhat, for stretching all pixels changes nothing.
Ioffe and Szegedy, "Batch Normalization" (2015), section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import autograd, nn
from ..backend import to_device, to_numpy
from ..tensor import Tensor, wrap
from .drawing import ACCENT, QUIET, new_figure, signed_image
from .explanation import Explanation


def batch_norm(x: Tensor, layer: nn.BatchNorm2d, gy: Tensor) -> BatchNorm:
    """Opens up the gradient of a batch norm in training, for x and gy of (N, C, H, W).

    The layer, with its running averages, stays as it was. Raises NotImplementedError for another
    layer, ValueError if the shapes differ.
    """
    if not isinstance(layer, nn.BatchNorm2d):
        raise NotImplementedError(
            f"explain.batch_norm explains BatchNorm2d, got {type(layer).__name__}"
        )
    if x.shape != gy.shape or x.ndim != 4:
        raise ValueError(
            f"x and gy must be images of one shape, got {list(x.shape)} and {list(gy.shape)}"
        )
    return BatchNorm(x, layer, gy)


class BatchNorm(Explanation):
    """The parts of a batch norm's input gradient; made by `batch_norm`. All (N, C, H, W), float64.

    direct: weight / sigma * gy; through_mean and through_deviation: the two terms, with their
    sign; gx: the sum of the three; library_gx: what autograd gives.
    """

    def __init__(self, x: Tensor, layer: nn.BatchNorm2d, gy: Tensor) -> None:
        self.layer = layer
        self.x = to_numpy(x.array).astype(np.float64)
        self.gy = to_numpy(gy.array).astype(np.float64)
        over = (0, 2, 3)
        mean = self.x.mean(over, keepdims=True)
        sigma = np.sqrt(self.x.var(over, keepdims=True) + layer.eps)
        self.xhat = (self.x - mean) / sigma
        weight: Any = 1.0
        if layer.weight is not None:
            weight = to_numpy(layer.weight.array).reshape(1, -1, 1, 1)
        scale = weight / sigma
        self.direct = scale * self.gy
        self.through_mean = -scale * self.gy.mean(over, keepdims=True) + 0 * self.gy
        together = (self.gy * self.xhat).mean(over, keepdims=True)
        self.through_deviation = -scale * self.xhat * together
        self.gx = self.direct + self.through_mean + self.through_deviation

        leaf = x.detach().clone().requires_grad_()
        weights = None if layer.weight is None else layer.weight.detach()
        bias = None if layer.bias is None else layer.bias.detach()
        y = nn.functional.batch_norm(leaf, None, None, weights, bias, True, 0.0, layer.eps)
        like = to_device(self.gy.astype(x.array.dtype), x.device)
        (gx,) = autograd.grad(y, [leaf], wrap(like))
        self.library_gx = to_numpy(gx.array)

    def text(self) -> str:
        def size(values: np.ndarray) -> str:
            return f"{np.sqrt((values**2).sum()):10.4g}"

        over = (0, 2, 3)
        mean = np.abs(self.gx.mean(over)).max()
        product = np.abs((self.gx * self.xhat).mean(over)).max()
        error = np.abs(self.gx - self.library_gx).max()
        return "\n".join(
            [
                f"{self.layer}, backward, for x {list(self.x.shape)}",
                "gx is the sum of three parts; their lengths (root of the sum of squares) are",
                f"  weight / sigma * gy      {size(self.direct)}",
                f"  through the mean         {size(self.through_mean)}",
                f"  through the deviation    {size(self.through_deviation)}",
                f"  gx                       {size(self.gx)}",
                f"each channel of gx has mean 0 (at most {mean:.1e}) and is at right angles "
                f"to xhat (at most {product:.1e})",
                f"largest difference from autograd {error:.1e}",
            ]
        )

    def figure(self) -> Any:
        """The channel where the two terms change most: the parts of the first image's gradient.

        Below, gy of all images against xhat. The two terms are the straight line through this
        cloud; what the line explains is taken away.
        """
        terms = ((self.through_mean + self.through_deviation) ** 2).sum((0, 2, 3))
        channel = int((terms / np.maximum((self.direct**2).sum((0, 2, 3)), 1e-300)).argmax())
        parts = (
            (r"$\gamma / \sigma \cdot g_y$", self.direct),
            ("through the mean", self.through_mean),
            ("through the deviation", self.through_deviation),
            ("sum: the gradient of x", self.gx),
        )
        figure = new_figure(12, 7)
        above, below = figure.subfigures(2, 1, height_ratios=[1, 1.2])
        limit = np.percentile(np.abs(self.direct[0, channel]), 99.5)
        for axes, (title, values) in zip(above.subplots(1, 4), parts, strict=True):
            signed_image(axes, values[0, channel], limit)
            axes.set_title(title)
        left, right = below.subplots(1, 2, sharey=True)
        xhat, gy = self.xhat[:, channel].ravel(), self.gy[:, channel].ravel()
        line = gy.mean() + (gy * xhat).mean() * xhat
        ends = [xhat.argmin(), xhat.argmax()]
        for axes, values, fit, title in (
            (left, gy, line, "before: gy, and the line mean(gy) + mean(gy xhat) xhat"),
            (right, gy - line, 0 * line, "after: gy less the line; gx is this times weight/sigma"),
        ):
            axes.plot(xhat, values, ".", ms=2, color=QUIET, alpha=0.4)
            axes.plot(xhat[ends], fit[ends], color=ACCENT, lw=2)
            axes.set(title=title, xlabel="xhat")
            axes.spines[["top", "right"]].set_visible(False)
        reach = 1.2 * np.percentile(np.abs(gy), 99.5)
        left.set_ylim(-reach, reach)
        figure.suptitle(f"backward through {type(self.layer).__name__}, channel {channel}")
        return figure
