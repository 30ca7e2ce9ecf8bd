"""FakeData: noise in the form of a data set, to try a program without data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.breadth.random_sampling import randint, randn
from ..random import Generator
from ..transforms.conversion import to_pil_image
from .vision import VisionDataset


class FakeData(VisionDataset):
    """Random PIL images with random labels; sample i is always the same.

        size           how many
        image_size     (channels, height, width); 1 channel is grey, 3 are RGB
        num_classes    labels are from 0 to num_classes - 1
        random_offset  another offset gives other images

    A sample is (PIL image, label); `ToTensor` makes (C, H, W) of the image. Raises IndexError for a
    sample that is not there.

    >>> import minitorch_cnn as mt
    >>> image, label = mt.datasets.FakeData(image_size=(3, 8, 16))[0]
    >>> image.size, image.mode, 0 <= label < 10
    ((16, 8), 'RGB', True)
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ):
        super().__init__("", transform=transform, target_transform=target_transform)
        self.size = size
        self.image_size = image_size
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if not 0 <= index < self.size:
            raise IndexError(f"FakeData index {index} out of range: there are {self.size} samples")
        generator = Generator().manual_seed(index + self.random_offset)
        # torchvision's pixels: normal numbers, of which a byte keeps the lowest bits.
        pixels = (randn(*self.image_size, generator=generator) * 255).byte()
        label = randint(0, self.num_classes, (1,), generator=generator).item()
        return self._transformed(to_pil_image(pixels), label)

    def __len__(self) -> int:
        return self.size
