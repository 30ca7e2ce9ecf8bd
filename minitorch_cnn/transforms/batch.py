"""Augmentation of a whole batch at once: what makes feeding a small network cheap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..kernels import augment
from ..random import default_generator
from ..tensor import Tensor, wrap
from ..utils.data import ImageBatch


class BatchAugment:
    """Random crop, random flip and normalisation of uint8 images, without a loop over images.

        mean, std     of each channel, for values 0..1
        crop_padding  pixels added on each side before cropping to the old size; 0: no crop
        flip          mirror each image with probability 1/2
        padding_mode  "constant" (black) or "reflect"

    The same as `RandomCrop(size, padding=crop_padding)`, `RandomHorizontalFlip()`, `ToTensor()`,
    `Normalize(mean, std)` for each image. `eval()` gives the transform for test images, which only
    normalises. Random numbers come from the default generator.

    Called with images, uint8 (N, H, W, C) or (N, C, H, W), array or tensor, it returns a float32
    tensor of logical shape (N, C, H, W) whose memory is channels-last. Called with a list of
    samples or an `ImageBatch` it returns (images, int64 labels): so it can be a DataLoader's
    collate_fn. Raises ValueError for a mean and std of different lengths, a std of 0, a negative
    crop_padding or another padding_mode; when called, TypeError for images of another type or
    shape.

    >>> import minitorch_cnn as mt
    >>> data = mt.datasets.Shapes(size=64)
    >>> augment = mt.transforms.BatchAugment(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    >>> loader = mt.utils.data.DataLoader(data, batch_size=32, shuffle=True, collate_fn=augment)
    >>> images, labels = next(iter(loader))
    >>> images.shape, images.dtype, labels.shape
    (minitorch_cnn.Size([32, 3, 32, 32]), minitorch_cnn.float32, minitorch_cnn.Size([32]))
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        crop_padding: int = 4,
        flip: bool = True,
        padding_mode: str = "constant",
    ):
        if len(mean) != len(std) or not all(std):
            raise ValueError(
                f"mean and std need one number per channel, std not 0; got mean={mean}, std={std}"
            )
        if crop_padding < 0:
            raise ValueError(f"crop_padding should be 0 or more, got {crop_padding}")
        if padding_mode not in ("constant", "reflect"):
            raise ValueError(f"padding_mode should be constant or reflect, got {padding_mode!r}")
        self.mean = tuple(float(value) for value in mean)
        self.std = tuple(float(value) for value in std)
        self.crop_padding = crop_padding
        self.flip = flip
        self.padding_mode = padding_mode

    def eval(self) -> BatchAugment:
        """The same normalisation without crop and flip.

        >>> import minitorch_cnn as mt
        >>> test = mt.transforms.BatchAugment(mean=[0.5], std=[0.5]).eval()
        >>> test(mt.tensor([[[[0, 255]]]], dtype=mt.uint8))  # 0..1 becomes -1..1
        tensor([[[[-1.,  1.]]]])
        """
        return BatchAugment(self.mean, self.std, crop_padding=0, flip=False)

    def __call__(self, batch: Any) -> Any:
        if isinstance(batch, (Tensor, np.ndarray)):
            return self._augmented(batch)
        if not isinstance(batch, ImageBatch):
            images, labels = zip(*batch, strict=True)
            stacked = np.stack([_pixels(image) for image in images])
            if stacked.ndim == 3:  # grey images
                stacked = stacked[..., np.newaxis]
            batch = ImageBatch(stacked, np.array([int(label) for label in labels], np.int64))
        return self._augmented(batch.images), wrap(batch.labels)

    def _augmented(self, images: Any) -> Tensor:
        array = self._channels_last(images.array if isinstance(images, Tensor) else images)
        random = self.crop_padding > 0 or self.flip
        key = int(default_generator.rng.long_words(1)[0]) if random else 0
        # (x / 255 - mean) / std as one multiplication and one addition
        std = np.array(self.std)
        scale, shift = 1 / (255 * std), -np.array(self.mean) / std
        settings = self.crop_padding, self.flip, self.padding_mode
        return wrap(augment(array, key, *settings, scale, shift).transpose(0, 3, 1, 2))

    def _channels_last(self, array: Any) -> Any:
        """(N, H, W, C), uint8. Where both axes fit, the last one is taken for the channels."""
        channels = len(self.mean)
        if array.dtype == np.uint8 and array.ndim == 4:
            if array.shape[3] == channels:
                return array
            if array.shape[1] == channels:
                return array.transpose(0, 2, 3, 1)
        raise TypeError(
            f"BatchAugment needs uint8 images of shape (N, H, W, {channels}) or "
            f"(N, {channels}, H, W), got {array.dtype} {tuple(array.shape)}"
        )

    def __repr__(self) -> str:
        return (
            f"BatchAugment(mean={self.mean}, std={self.std}, crop_padding={self.crop_padding}, "
            f"flip={self.flip}, padding_mode={self.padding_mode!r})"
        )


def _pixels(image: Any) -> np.ndarray:
    """The image as an array; the numbers of a palette are no colours until they are looked up."""
    if isinstance(image, Image.Image) and image.mode in ("P", "PA"):
        image = image.convert("RGB")
    return np.asarray(image)
