"""Batches whose images are mixed with each other, and their labels alike.

Hongyi Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2017;
Sangdoo Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers", 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ... import tv_tensors
from ...nn.functional import one_hot
from ...tensor import Tensor
from ...tv_tensors import BoundingBoxes, Image, Mask, TVTensor, Video
from .. import draws
from .samples import Transform, is_pure_tensor, leaves, query_size, rebuilt


def labels_of(sample: Any) -> Any:
    """The labels of a batch: the second of a pair, or what a dict holds under a name of labels.

    Raises ValueError if nothing is found.

    >>> labels_of({"images": 1, "labels": 2})
    2
    """
    if isinstance(sample, list | tuple):
        sample = sample[1]
    if not isinstance(sample, Mapping):
        return sample
    for key, value in sample.items():
        if "label" in str(key).lower():
            return value
    raise ValueError(f"Could not infer where the labels are in the sample: keys {list(sample)}")


class _Mixing(Transform):
    def __init__(
        self,
        *,
        alpha: float = 1.0,
        num_classes: int | None = None,
        labels_getter: Callable[[Any], Any] | str | None = "default",
    ) -> None:
        super().__init__()
        self.alpha = float(alpha)
        self.num_classes = num_classes
        self._labels_getter = labels_of if labels_getter == "default" else labels_getter

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat = leaves(sample)
        if any(isinstance(each, Mask | BoundingBoxes) for each in flat):
            raise ValueError(f"{type(self).__name__}() does not support masks and bounding boxes.")
        labels = self._labels_getter(sample) if callable(self._labels_getter) else None
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                f"labels should be index based (N,) or probabilities (N, classes), got shape "
                f"{tuple(labels.shape)}"
            )
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError(
                f"When passing 2D labels, the number of elements in last dimension must match "
                f"num_classes: {labels.shape[-1]} != {self.num_classes}."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError(
                "num_classes must be passed if the labels are index-based (labels.ndim == 1)"
            )
        wanted = self.chosen(flat)
        images = [x for x, yes in zip(flat, wanted, strict=True) if yes and x is not labels]
        for each in images:
            if each.ndim < 4 or len(each) != len(labels):
                raise ValueError(
                    f"Expected a batch of {len(labels)} images, one for each label, got shape "
                    f"{tuple(each.shape)}"
                )
        params = self.make_params(images)
        changed = []
        for each, yes in zip(flat, wanted, strict=True):
            if each is labels:
                changed.append(self._mixed_labels(each, params["share"]))
            else:
                changed.append(self.transform(each, params) if yes else each)
        return rebuilt(sample, iter(changed))

    def chosen(self, flat: list[Any]) -> list[bool]:
        """Which parts are batches of images; of plain tensors the first."""
        found = super().chosen(flat)
        batches = [is_pure_tensor(x) or isinstance(x, Image | Video) for x in flat]
        return [yes and batch for yes, batch in zip(found, batches, strict=True)]

    def _mixed_labels(self, labels: Tensor, share: float) -> Tensor:
        if labels.ndim == 1:
            labels = one_hot(labels, num_classes=self.num_classes or -1)
        floats = labels if labels.is_floating_point() else labels.float()
        return floats.roll(1, 0) * (1.0 - share) + floats * share

    def _share(self) -> float:
        return draws.shares([self.alpha, self.alpha])[0]


class MixUp(_Mixing):
    """Each image and label of a batch mixed with the one before it, by a random share of both.

        alpha         how near to a half the share is
        num_classes   for labels that are numbers (N,); probabilities (N, num_classes) need none
        labels_getter  finds the labels in a sample; by default `labels_of` does

    Called with images (N, C, H, W), float, and labels. Raises ValueError for other shapes.

    >>> import minitorch_cnn as mt
    >>> images, labels = MixUp(num_classes=3)(mt.rand(2, 3, 4, 4), mt.tensor([0, 2]))
    >>> images.shape, labels.shape, labels.sum(1)
    (minitorch_cnn.Size([2, 3, 4, 4]), minitorch_cnn.Size([2, 3]), tensor([1., 1.]))
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The share of the image itself."""
        return {"share": self._share()}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        share = params["share"]
        mixed = inpt.roll(1, 0) * (1.0 - share) + inpt * share
        return tv_tensors.wrap(mixed, like=inpt) if isinstance(inpt, TVTensor) else mixed


class CutMix(_Mixing):
    """Each image of a batch with a rectangle of the one before it, its label mixed by the areas.

    Arguments, shapes and errors are those of `MixUp`; images may be uint8 too.

    >>> import minitorch_cnn as mt
    >>> images, labels = CutMix(num_classes=3)(mt.rand(2, 3, 4, 4), mt.tensor([0, 2]))
    >>> images.shape, labels.shape
    (minitorch_cnn.Size([2, 3, 4, 4]), minitorch_cnn.Size([2, 3]))
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The rectangle (x1, y1, x2, y2), and which part of the image it leaves."""
        share = self._share()
        H, W = query_size(flat_inputs)
        x, y = draws.integer(0, W), draws.integer(0, H)
        half = 0.5 * math.sqrt(1.0 - share)
        across, down = int(half * W), int(half * H)
        x1, x2 = max(x - across, 0), min(x + across, W)
        y1, y2 = max(y - down, 0), min(y + down, H)
        return {"box": (x1, y1, x2, y2), "share": 1.0 - (x2 - x1) * (y2 - y1) / (W * H)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        x1, y1, x2, y2 = params["box"]
        cut = inpt.clone()
        cut[..., y1:y2, x1:x2] = inpt.roll(1, 0)[..., y1:y2, x1:x2]
        return tv_tensors.wrap(cut, like=inpt) if isinstance(inpt, TVTensor) else cut
