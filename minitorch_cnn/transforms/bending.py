"""Random perspective and elastic distortion, and whitening, as transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..nn import Module
from ..ops import cat
from ..tensor import Tensor
from . import draws, functional as F
from .image import NUMBER, InterpolationMode, get_dimensions


class RandomPerspective(Module):
    """The image seen from a random side, with probability `p`.

        distortion_scale  from 0, not at all, to 1: how far the corners move towards the middle

    interpolation, fill: of `perspective`. For PIL images and tensors (..., C, H, W). Raises, when
    it happens, what `perspective` raises.

    >>> import minitorch_cnn as mt
    >>> image = mt.rand(3, 8, 8)
    >>> mt.transforms.RandomPerspective(p=1.0)(image).shape
    minitorch_cnn.Size([3, 8, 8])
    """

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: float | Sequence[float] = 0,
    ):
        super().__init__()
        self.distortion_scale = distortion_scale
        self.p = p
        self.interpolation = interpolation
        self.fill = fill

    @staticmethod
    def get_params(
        width: int, height: int, distortion_scale: float
    ) -> tuple[list[list[int]], list[list[int]]]:
        """(startpoints, endpoints) for an image of that size; see `perspective`.

        >>> start, end = RandomPerspective.get_params(8, 8, distortion_scale=0.0)
        >>> start == end, start
        (True, [[0, 0], [7, 0], [7, 7], [0, 7]])
        """
        across = int(distortion_scale * (width // 2))
        down = int(distortion_scale * (height // 2))
        left, top = (0, across + 1), (0, down + 1)
        right, bottom = (width - across - 1, width), (height - down - 1, height)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        end = [[draws.integer(*x), draws.integer(*y)] for x, y in corners]
        start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        return start, end

    def forward(self, img: Any) -> Any:
        if draws.uniforms((1,)).item() >= self.p:
            return img
        _, height, width = get_dimensions(img)
        start, end = self.get_params(width, height, self.distortion_scale)
        return F.perspective(img, start, end, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class ElasticTransform(Module):
    """The image bent at random, as if drawn on rubber or written in a hurry.

        alpha  how far pixels move, in pixels, before smoothing
        sigma  how smooth the bending is, the deviation of a Gaussian blur in pixels

    Each is one number, or (along x, along y). interpolation, fill: of `elastic_transform`. For PIL
    images and tensors (..., C, H, W). Raises ValueError or TypeError for other alpha and sigma,
    RuntimeError for an image smaller than the blur. Simard et al., "Best practices for
    convolutional neural networks applied to visual document analysis", 2003.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.ElasticTransform(alpha=10.0, sigma=2.0)(mt.rand(3, 20, 20)).shape
    minitorch_cnn.Size([3, 20, 20])
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 50.0,
        sigma: float | Sequence[float] = 5.0,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: float | Sequence[float] = 0,
    ):
        super().__init__()
        self.alpha = _two("alpha", alpha)
        self.sigma = _two("sigma", sigma)
        self.interpolation = interpolation
        self.fill = [float(fill)] if isinstance(fill, NUMBER) else [float(each) for each in fill]

    @staticmethod
    def get_params(alpha: list[float], sigma: list[float], size: Sequence[int]) -> Tensor:
        """A displacement (1, H, W, 2) for an image of size (H, W).

        >>> ElasticTransform.get_params([0.0, 0.0], [0.0, 0.0], (2, 3)).shape
        minitorch_cnn.Size([1, 2, 3, 2])
        """
        moved = []
        for strength, smooth, length in zip(alpha, sigma, size[::-1], strict=True):
            noise = draws.uniforms((1, 1, *size)) * 2 - 1
            if smooth > 0.0:
                width = int(8 * smooth + 1) | 1  # odd
                noise = F.gaussian_blur(noise, [width, width], sigma)
            moved.append(noise * strength / length)
        return cat(moved, dim=1).permute(0, 2, 3, 1)

    def forward(self, img: Any) -> Any:
        _, height, width = get_dimensions(img)
        displacement = self.get_params(self.alpha, self.sigma, (height, width))
        return F.elastic_transform(img, displacement, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


def _two(name: str, value: float | Sequence[float]) -> list[float]:
    listed = [value] if isinstance(value, NUMBER) else value
    if not isinstance(listed, list | tuple):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
    if len(listed) not in (1, 2):
        raise ValueError(f"{name} is a sequence its length should be 1 or 2. Got {len(listed)}")
    if not all(isinstance(each, float) for each in listed):
        raise TypeError(f"{name} should be a sequence of floats, got {value!r}")
    return [float(listed[0]), float(listed[-1])]


class LinearTransformation(Module):
    """(x - mean_vector) @ transformation_matrix for a tensor image (..., C, H, W), laid out flat.

    transformation_matrix: (D, D), mean_vector: (D,), where D is C*H*W: whitening, for instance.
    Raises ValueError for other shapes, devices or types.

    >>> import minitorch_cnn as mt
    >>> double = mt.transforms.LinearTransformation(mt.eye(4) * 2, mt.ones(4))
    >>> double(mt.arange(4.0).reshape(1, 2, 2))
    tensor([[[-2.,  0.],
             [ 2.,  4.]]])
    """

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor):
        super().__init__()
        if transformation_matrix.shape[0] != transformation_matrix.shape[1]:
            raise ValueError(
                "transformation_matrix should be square. Got "
                f"{tuple(transformation_matrix.shape)} rectangular matrix."
            )
        if mean_vector.shape[0] != transformation_matrix.shape[0]:
            raise ValueError(
                f"mean_vector should have the same length {mean_vector.shape[0]} as any one of "
                f"the dimensions of the transformation_matrix {tuple(transformation_matrix.shape)}"
            )
        if mean_vector.dtype is not transformation_matrix.dtype:
            raise ValueError(
                f"Input tensors should have the same dtype. Got {mean_vector.dtype} and "
                f"{transformation_matrix.dtype}"
            )
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        shape = tensor.shape
        length = shape[-3] * shape[-2] * shape[-1]
        if length != self.transformation_matrix.shape[0]:
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape. "
                f"{tuple(shape[-3:])} has {length} values, the matrix has "
                f"{self.transformation_matrix.shape[0]} rows"
            )
        flat = tensor.reshape(-1, length) - self.mean_vector
        return (flat @ self.transformation_matrix).reshape(shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )
