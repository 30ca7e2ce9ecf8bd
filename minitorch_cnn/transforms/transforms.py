"""The transforms as objects, for `Compose`: each is called with an image and returns an image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend import array_module
from ..nn import Module
from ..random import default_generator
from ..tensor import Tensor, wrap
from . import draws, functional as F
from .image import NUMBER, InterpolationMode, get_dimensions, pair


class Compose:
    """Several transforms, one after the other.

    Called with an image, of any size and kind, it hands each the result of the one before. Raises
    TypeError, when called, if transforms is no sequence, and what they raise.

    >>> import minitorch_cnn as mt
    >>> T = mt.transforms
    >>> T.Compose([T.CenterCrop(2), T.Normalize([1.0], [2.0])])(mt.ones(1, 4, 4))
    tensor([[[0., 0.],
             [0., 0.]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]):
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        lines = "".join(f"\n    {transform!r}" for transform in self.transforms)
        return f"Compose({lines}\n)"


class Lambda:
    """A function of your own as a transform.

    For images of any size and kind that it takes. Raises TypeError if it cannot be called.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.Lambda(lambda image: image * 2)(mt.ones(1, 1, 2))
    tensor([[[2., 2.]]])
    """

    def __init__(self, lambd: Callable[[Any], Any]):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class ToTensor:
    """PIL image or array (H, W, C) of 0..255 -> float tensor (C, H, W) of 0..1; see `to_tensor`.

    Raises TypeError for anything else, ValueError for an array of other dimensions.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.ToTensor()(Image.new("RGB", (1, 1), (0, 51, 255))).flatten()
    tensor([0.0000, 0.2000, 1.0000])
    """

    def __call__(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class PILToTensor:
    """PIL image -> tensor (C, H, W) of the same values, uint8. Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.PILToTensor()(Image.new("RGB", (1, 1), (0, 51, 255))).flatten().tolist()
    [0, 51, 255]
    """

    def __call__(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return "PILToTensor()"


class ToPILImage:
    """Tensor (C, H, W) or array (H, W, C) -> PIL image; see `to_pil_image`.

    mode: Pillow's name for the channels, by default L, LA, RGB or RGBA. Raises, when called, what
    `to_pil_image` raises.

    >>> import minitorch_cnn as mt
    >>> image = mt.transforms.ToPILImage()(mt.ones(3, 2, 4))
    >>> image.mode, image.size
    ('RGB', (4, 2))
    """

    def __init__(self, mode: str | None = None):
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return "ToPILImage()" if self.mode is None else f"ToPILImage(mode={self.mode})"


class Normalize(Module):
    """(x - mean) / std for each channel of a float tensor (..., C, H, W).

    mean, std: one number per channel. inplace: writes over the tensor. Raises, when called, what
    `normalize` raises: TypeError for integers or a PIL image, ValueError for a std of zero.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.Normalize([0.5], [0.5])(mt.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[-1.,  0.,  1.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False):
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class Resize(Module):
    """The image at size (height, width), or with one number its smaller edge; see `resize`.

    For PIL images and tensors (..., H, W). Raises, when called, what `resize` raises.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.Resize(5)(mt.zeros(3, 10, 20)).shape
    minitorch_cnn.Size([3, 5, 10])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ):
        super().__init__()
        pair(size, "size")  # says at once what is wrong with it
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def forward(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"Resize(size={self.size}, interpolation={self.interpolation}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )


class CenterCrop(Module):
    """The middle (height, width) of the image; where it is too small, 0 is added around it.

    For PIL images and tensors (..., H, W); size: one number or two. Raises ValueError for more of
    them.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.CenterCrop((1, 2))(mt.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
    tensor([[[2., 3.]]])
    """

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = pair(size, "size")

    def forward(self, img: Any) -> Any:
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"CenterCrop(size={self.size})"


class Pad(Module):
    """The image with a border; see `pad` for the arguments.

    For PIL images and tensors (..., H, W). Raises ValueError for another padding_mode or number of
    paddings; when called, what `pad` raises.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.Pad((1, 0), fill=9)(mt.tensor([[[1, 2]]]))
    tensor([[[9, 1, 2, 9]]])
    """

    def __init__(
        self,
        padding: int | Sequence[int],
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        F.parse_padding(padding)
        if padding_mode not in F.PADDING_MODES:
            raise ValueError(
                f"padding_mode should be one of {F.PADDING_MODES}, got {padding_mode!r}"
            )
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"Pad(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomCrop(Module):
    """A rectangle (height, width) at a random place, after padding.

    For PIL images and tensors (..., H, W). padding, fill, padding_mode: of `pad`. pad_if_needed:
    pad an image that is smaller than `size`, else that raises ValueError.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomCrop(8, padding=1)(mt.ones(3, 8, 8)).shape
    minitorch_cnn.Size([3, 8, 8])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        self.size = pair(size, "size")
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width) of a random rectangle inside of the image.

        Raises ValueError if the image is smaller.

        >>> import minitorch_cnn as mt
        >>> RandomCrop.get_params(mt.ones(1, 4, 4), (4, 4))
        (0, 0, 4, 4)
        """
        _, height, width = get_dimensions(img)
        crop_h, crop_w = output_size
        if height < crop_h or width < crop_w:
            raise ValueError(
                f"Required crop size {(crop_h, crop_w)} is larger than input image size "
                f"{(height, width)}"
            )
        if (height, width) == (crop_h, crop_w):
            return 0, 0, crop_h, crop_w  # nothing is drawn, as in torchvision
        rng = default_generator.rng
        top = int(rng.integers(height - crop_h + 1))
        left = int(rng.integers(width - crop_w + 1))
        return top, left, crop_h, crop_w

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = get_dimensions(img)
        if self.pad_if_needed and width < self.size[1]:
            img = F.pad(img, [self.size[1] - width, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and height < self.size[0]:
            img = F.pad(img, [0, self.size[0] - height], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip(Module):
    """Left and right exchanged, with probability `p`, in a PIL image or a tensor (..., H, W).

    Raises TypeError, when it happens, for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomHorizontalFlip(p=1.0)(mt.tensor([[[1, 2], [3, 4]]]))
    tensor([[[2, 1],
             [4, 3]]])
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if draws.fraction() < self.p else img

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomVerticalFlip(Module):
    """Top and bottom exchanged, with probability `p`, in a PIL image or a tensor (..., H, W).

    Raises TypeError, when it happens, for anything else.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomVerticalFlip(p=1.0)(mt.tensor([[[1, 2], [3, 4]]]))
    tensor([[[3, 4],
             [1, 2]]])
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if draws.fraction() < self.p else img

    def __repr__(self) -> str:
        return f"RandomVerticalFlip(p={self.p})"


class RandomRotation(Module):
    """The image turned by a random angle, from [-degrees, degrees] or from (min, max).

    The other arguments, shapes and errors are those of `rotate`. Raises ValueError for a negative
    number of degrees or other than one or two of them.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.RandomRotation((90, 90))(mt.tensor([[[1, 2], [3, 4]]]))
    tensor([[[2, 4],
             [1, 3]]])
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: float | Sequence[float] = 0,
    ):
        super().__init__()
        if isinstance(degrees, NUMBER):
            if degrees < 0:
                raise ValueError(
                    f"If degrees is a single number, it must be positive, got {degrees}"
                )
            degrees = (-degrees, degrees)
        if len(degrees) != 2:
            raise ValueError(f"degrees should be a number or (min, max), got {degrees}")
        if center is not None and len(center) != 2:
            raise ValueError(f"center should be a sequence of length 2, got {center}")
        self.degrees = (float(degrees[0]), float(degrees[1]))
        self.interpolation = interpolation
        self.expand = expand
        self.center = center
        self.fill = fill

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """A random angle in degrees.

        >>> RandomRotation.get_params((5.0, 5.0))
        5.0
        """
        return draws.between(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        return (
            f"RandomRotation(degrees={self.degrees}, interpolation={self.interpolation}, "
            f"expand={self.expand}, fill={self.fill})"
        )


class RandomErasing(Module):
    """Sets a random rectangle of a tensor image (..., C, H, W) to a value, with probability `p`.

        scale  the rectangle's part of the image's area, (min, max)
        ratio  its height by its width, (min, max)
        value  a number, one per channel, or "random" for normally distributed values

    inplace: writes into the image itself. Raises ValueError for limits out of range, another word,
    or (when called) another number of values; TypeError, when it happens, for a PIL image. Zhong et
    al., "Random Erasing Data Augmentation", 2017.

    >>> import minitorch_cnn as mt
    >>> erase = mt.transforms.RandomErasing(p=1.0, scale=(0.25, 0.25), ratio=(1.0, 1.0))
    >>> erase(mt.ones(1, 4, 4)).sum()  # 4 of 16 pixels are 0
    tensor(12.)
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ):
        super().__init__()
        if isinstance(value, str) and value != "random":
            raise ValueError(f"If value is str, it should be 'random', got {value!r}")
        if not 0 <= scale[0] <= scale[1] <= 1:
            raise ValueError(f"scale should be (min, max) between 0 and 1, got {scale}")
        if not 0 < ratio[0] <= ratio[1]:
            raise ValueError(f"ratio should be (min, max) above 0, got {ratio}")
        if not 0 <= p <= 1:
            raise ValueError(f"Random erasing probability should be between 0 and 1, got p={p}")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor,
        scale: Sequence[float],
        ratio: Sequence[float],
        value: Sequence[float] | None = None,
    ) -> tuple[int, int, int, int, Any]:
        """(top, left, height, width, colour) of a random rectangle.

        value: one number, or one for each channel; None draws normally distributed colours. If ten
        tries do not fit it is the whole image, in its own colours.

        >>> import minitorch_cnn as mt
        >>> image, limits = mt.ones(1, 8, 8), ((0.25, 0.25), (1.0, 1.0))
        >>> top, left, *size, colour = RandomErasing.get_params(image, *limits, value=[0.5])
        >>> size, colour
        ([4, 4], tensor([[[0.5000]]]))
        """
        rng = default_generator.rng
        channels, height, width = get_dimensions(img)
        for _ in range(10):
            area = height * width * draws.between(scale[0], scale[1])
            aspect = math.exp(draws.between(math.log(ratio[0]), math.log(ratio[1])))
            h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if h < height and w < width:
                if value is None:
                    colours = rng.fill_normal(np.empty(channels * h * w, np.float32), 0, 1)
                    colours = colours.reshape(channels, h, w)
                else:
                    colours = np.asarray(value, np.float64).reshape(-1, 1, 1)
                xp = array_module(img.array)
                colour = wrap(xp.asarray(colours.astype(img.array.dtype)))
                top = int(rng.integers(height - h + 1))
                left = int(rng.integers(width - w + 1))
                return top, left, h, w, colour
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        if draws.fraction() >= self.p:
            return img
        if not isinstance(img, Tensor):
            raise TypeError(
                f"RandomErasing takes a tensor; put ToTensor before it. Got {type(img)}"
            )
        value: Any = None if isinstance(self.value, str) else np.ravel(self.value)
        channels = get_dimensions(img)[0]
        if value is not None and len(value) not in (1, channels):
            raise ValueError(
                f"value={self.value} should be one number or {channels}, one per channel"
            )
        *rectangle, colour = self.get_params(img, self.scale, self.ratio, value)
        if colour is img:
            return img
        top, left, h, w = rectangle
        return F.erase(img, top, left, h, w, colour, self.inplace)

    def __repr__(self) -> str:
        return (
            f"RandomErasing(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
            f"value={self.value}, inplace={self.inplace})"
        )
