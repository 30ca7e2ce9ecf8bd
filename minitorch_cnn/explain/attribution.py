"""What in the picture the network's answer depends on: saliency, Grad-CAM, occlusion.

saliency    the gradient of the class's score with respect to each pixel
            Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks" (2013)
Grad-CAM    the maps of a late layer, each weighted by the mean gradient of the score with
            respect to it, summed, without the negative part
            Selvaraju et al., "Grad-CAM" (2016), equations 1 and 2
occlusion   how much the score falls when a grey square covers a place
            Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2013)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import autograd, nn, ops
from ..autograd.modes import enable_grad, no_grad
from ..tensor import Tensor
from .capture import capture, find_layer
from .drawing import PLAIN, new_figure
from .explanation import Explanation


class Heatmap(Explanation):
    """A number for each pixel; made by `saliency`, `grad_cam` and `occlusion`.

    values (H, W); target: the class; scores (classes): what the network says of the picture.
    """

    def __init__(
        self, method: str, values: np.ndarray, target: int, scores: np.ndarray, note: str
    ) -> None:
        self.method, self.values, self.note = method, values, note
        self.target, self.scores = target, scores
        self.picture: np.ndarray | None = None
        self.classes: list[str] | None = None

    def on(self, picture: np.ndarray, classes: list[str] | None = None) -> Heatmap:
        """The same, to be drawn on a picture (H, W, C), with names for the classes."""
        drawn = Heatmap(self.method, self.values, self.target, self.scores, self.note)
        drawn.picture, drawn.classes = picture, classes
        return drawn

    def class_name(self) -> str:
        return f"class {self.target}" if self.classes is None else self.classes[self.target]

    def text(self) -> str:
        row, column = np.unravel_index(np.abs(self.values).argmax(), self.values.shape)
        return "\n".join(
            [
                f"{self.method} for {self.class_name()} (score {self.scores[self.target]:.3f}, "
                f"probability {self.probability():.1%})",
                self.note,
                f"largest at row {row}, column {column}: {self.values[row, column]:.4g}",
            ]
        )

    def probability(self) -> float:
        """Of the class, by softmax over the scores."""
        parts = np.exp(self.scores - self.scores.max())
        return float(parts[self.target] / parts.sum())

    def figure(self) -> Any:
        """The picture, the heatmap, and the one over the other."""
        shown = 1 if self.picture is None else 3
        figure = new_figure(3.6 * shown + 0.6, 3.9)
        panels = figure.subplots(1, shown, squeeze=False)[0]
        heat = panels[min(1, shown - 1)]
        image = heat.imshow(self.values, cmap="inferno")
        heat.set_title(self.method)
        figure.colorbar(image, ax=heat, shrink=0.8)
        if self.picture is not None:
            panels[0].imshow(self.picture, cmap=PLAIN)
            panels[0].set_title(f"{self.class_name()}: {self.probability():.1%}")
            panels[2].imshow(self.picture, cmap=PLAIN)
            panels[2].imshow(self.values, cmap="inferno", alpha=0.6)
            panels[2].set_title("both")
        for axes in panels:
            axes.set_axis_off()
        return figure


def saliency(model: nn.Module, x: Tensor, target: int | None = None) -> Heatmap:
    """|d score / d pixel|, the largest of the channels, for one image x (1, C, H, W).

    target: the class; None: the one that the network says. Raises ValueError for several images.
    """
    _one_image("saliency", x)
    leaf = x.detach().clone().requires_grad_()
    training = model.training
    try:
        with enable_grad():
            scores = model.eval()(leaf)
        target = _target(scores, target)
        (gx,) = autograd.grad(scores[0, target], [leaf])
    finally:
        model.train(training)
    values = np.abs(gx.numpy()[0]).max(axis=0)
    note = "how much the score changes with each pixel (absolute gradient, largest channel)"
    return Heatmap("saliency", values, target, scores.detach().numpy()[0], note)


def grad_cam(
    model: nn.Module, x: Tensor, layer: str | None = None, target: int | None = None
) -> Heatmap:
    """Grad-CAM of one image x (1, C, H, W): the values are resized to the image, bilinearly.

    layer: a layer whose output is images, (1, K, h, w); None: the last Conv2d. With A[k] its maps
    and S the score, values = ReLU(sum over k of mean(dS / dA[k]) A[k]).
    Raises ValueError for several images, or a layer without maps.
    """
    _one_image("grad_cam", x)
    name = layer if layer is not None else find_layer(model, None, nn.Conv2d, last=True)
    captured = capture(model, x, name, target)
    if captured.y.ndim != 4:
        raise ValueError(
            f"grad_cam needs a layer that gives maps, {name} gives {list(captured.y.shape)}"
        )
    weights = captured.gy.mean(dim=(2, 3), keepdim=True)  # (1, K, 1, 1): equation 1
    small = ops.relu((weights * captured.y).sum(dim=1, keepdim=True))  # (1, 1, h, w): equation 2
    size = (x.shape[2], x.shape[3])
    values = nn.functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    note = f"maps of {name} ({captured.y.shape[2]} x {captured.y.shape[3]}), weighted and resized"
    return Heatmap(
        "Grad-CAM", values.numpy()[0, 0], captured.target, captured.scores.numpy()[0], note
    )


def occlusion(
    model: nn.Module, x: Tensor, target: int | None = None, size: int = 8, stride: int = 2
) -> Heatmap:
    """How much the score falls when a square of `size` pixels is 0 (after normalisation: grey).

    The square moves by `stride` pixels; each pixel's value is the mean over the squares that
    cover it. Raises ValueError for several images, or a square larger than the image.
    """
    _one_image("occlusion", x)
    H, W = x.shape[2:]
    if not 1 <= size <= min(H, W) or stride < 1:
        raise ValueError(
            f"occlusion: a square of {size} pixels, moved by {stride}, does not fit {H} x {W}"
        )
    corners = [(top, left) for top in _starts(H, size, stride) for left in _starts(W, size, stride)]
    falls, counts = np.zeros((H, W)), np.zeros((H, W))
    training = model.training
    try:
        with no_grad():
            scores = model.eval()(x)
            target = _target(scores, target)
            for start in range(0, len(corners), 64):
                part = corners[start : start + 64]
                covered = x.expand(len(part), -1, -1, -1).clone()
                for place, (top, left) in enumerate(part):
                    covered.array[place, :, top : top + size, left : left + size] = 0
                changed = model(covered)[:, target].numpy()
                for (top, left), score in zip(part, changed, strict=True):
                    fall = scores[0, target].item() - float(score)
                    falls[top : top + size, left : left + size] += fall
                    counts[top : top + size, left : left + size] += 1
    finally:
        model.train(training)
    note = f"mean fall of the score while a {size} x {size} grey square covers the pixel"
    return Heatmap("occlusion", falls / counts, target, scores.numpy()[0], note)


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Where squares begin so that every pixel is covered."""
    return [*range(0, length - size, stride), length - size]


def _one_image(name: str, x: Tensor) -> None:
    if x.ndim != 4 or x.shape[0] != 1:
        raise ValueError(f"{name} takes one image (1, C, H, W), got {list(x.shape)}")


def _target(scores: Tensor, target: int | None) -> int:
    if target is None:
        return int(scores[0].argmax().item())
    if not 0 <= target < scores.shape[1]:
        raise ValueError(f"class {target} is not one of the {scores.shape[1]} classes")
    return target
