"""How images are prepared for the published weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..tensor import Tensor
from ..transforms import InterpolationMode, functional as F
from .weights import IMAGENET_MEAN, IMAGENET_STD


class ImageClassification(nn.Module):
    """A picture as the networks saw it in their last test: resized, cut, normalised.

        crop_size    height and width of the result
        resize_size  length that the shorter edge gets before the middle is cut out

    Takes a PIL image or a tensor (..., C, H, W), uint8 0..255 or float 0..1. Returns float32
    (..., C, crop_size, crop_size). Raises TypeError for a tensor of another type.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> ImageClassification(crop_size=224)(Image.new("RGB", (400, 300))).shape
    minitorch_cnn.Size([3, 224, 224])
    """

    def __init__(
        self,
        *,
        crop_size: int,
        resize_size: int = 256,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        img = F.resize(
            img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias
        )
        img = F.center_crop(img, self.crop_size)
        return F.normalize(_floats(img), mean=self.mean, std=self.std)

    def extra_repr(self) -> str:
        return (
            f"crop_size={self.crop_size}\nresize_size={self.resize_size}\nmean={self.mean}\n"
            f"std={self.std}\ninterpolation={self.interpolation}"
        )

    def describe(self) -> str:
        """The steps, in words."""
        return (
            f"Takes PIL images and tensors (..., C, H, W). The shorter edge is resized to "
            f"{self.resize_size[0]} ({self.interpolation}), the middle {self.crop_size[0]}x"
            f"{self.crop_size[0]} is cut out, values are scaled to 0..1 and normalised with "
            f"mean={self.mean} and std={self.std}."
        )


class SemanticSegmentation(nn.Module):
    """A picture as the networks for segmentation saw it: resized and normalised.

    resize_size: length of the shorter edge; None keeps the size. Takes a PIL image or a tensor
    (..., C, H, W), uint8 0..255 or float 0..1. Returns float32. Raises TypeError for a tensor of
    another type.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> SemanticSegmentation(resize_size=30)(Image.new("RGB", (40, 60))).shape
    minitorch_cnn.Size([3, 45, 30])
    """

    def __init__(
        self,
        *,
        resize_size: int | None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        if self.resize_size is not None:
            mode = self.interpolation
            img = F.resize(img, self.resize_size, interpolation=mode, antialias=self.antialias)
        return F.normalize(_floats(img), mean=self.mean, std=self.std)

    def extra_repr(self) -> str:
        return (
            f"resize_size={self.resize_size}\nmean={self.mean}\nstd={self.std}\n"
            f"interpolation={self.interpolation}"
        )


def _floats(img: Any) -> Tensor:
    """A picture as a float tensor of 0..1."""
    if not isinstance(img, Tensor):
        img = F.pil_to_tensor(img)
    if not img.is_floating_point():
        if str(img.dtype) != "minitorch_cnn.uint8":
            raise TypeError(f"expected an image of uint8 0..255 or float 0..1, got {img.dtype}")
        img = img.float() / 255
    return img
