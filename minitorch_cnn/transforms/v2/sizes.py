"""Transforms that only v2 has: random sizes, channels and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import draws
from ..image import InterpolationMode
from . import functional as F
from .samples import Transform, query_size


class _Resizing(Transform):
    """What the classes below share: interpolation and antialias, which are those of `resize`."""

    interpolation: Any
    antialias: bool | None

    def _settings(self, interpolation: Any, antialias: bool | None) -> None:
        word = isinstance(interpolation, str)
        self.interpolation = InterpolationMode(interpolation) if word else interpolation
        self.antialias = antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.resize(inpt, params["size"], self.interpolation, None, self.antialias)


class RandomResize(_Resizing):
    """The shorter edge at a random length from min_size to max_size - 1.

    >>> import minitorch_cnn as mt
    >>> RandomResize(4, 5)(mt.zeros(3, 8, 16)).shape
    minitorch_cnn.Size([3, 4, 8])
    """

    def __init__(
        self,
        min_size: int,
        max_size: int,
        interpolation: InterpolationMode | int | str = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.min_size = min_size
        self.max_size = max_size
        self._settings(interpolation, antialias)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The length."""
        return {"size": [draws.integer(self.min_size, self.max_size)]}


class RandomShortestSize(_Resizing):
    """The shorter edge at one of the lengths min_size, the longer one at most max_size.

    >>> import minitorch_cnn as mt
    >>> RandomShortestSize([4], max_size=6)(mt.zeros(3, 8, 16)).shape
    minitorch_cnn.Size([3, 3, 6])
    """

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int | None = None,
        interpolation: InterpolationMode | int | str = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size
        self._settings(interpolation, antialias)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """(height, width)."""
        height, width = query_size(flat_inputs)
        shortest = self.min_size[draws.integer(0, len(self.min_size))]
        factor = shortest / min(height, width)
        if self.max_size is not None:
            factor = min(factor, self.max_size / max(height, width))
        return {"size": (int(height * factor), int(width * factor))}


class ScaleJitter(_Resizing):
    """The image as large as fits into target_size, times a random number of scale_range.

    >>> import minitorch_cnn as mt
    >>> ScaleJitter((8, 8), scale_range=(0.5, 0.5))(mt.zeros(3, 8, 16)).shape
    minitorch_cnn.Size([3, 2, 4])
    """

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: InterpolationMode | int | str = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.target_size = target_size
        self.scale_range = scale_range
        self._settings(interpolation, antialias)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """(height, width)."""
        height, width = query_size(flat_inputs)
        low, high = self.scale_range
        scale = low + draws.uniforms((1,)).item() * (high - low)
        fitting = min(self.target_size[1] / height, self.target_size[0] / width) * scale
        return {"size": (int(height * fitting), int(width * fitting))}


class RandomZoomOut(Transform):
    """The image somewhere in a larger one of the colour `fill`, with probability `p`.

    side_range: how many times as long the sides are. Raises ValueError for less than 1.

    >>> import minitorch_cnn as mt
    >>> RandomZoomOut(side_range=(2.0, 2.0), p=1.0)(mt.ones(1, 3, 4)).shape
    minitorch_cnn.Size([1, 6, 8])
    """

    def __init__(
        self,
        fill: float | Sequence[float] = 0,
        side_range: Sequence[float] = (1.0, 4.0),
        p: float = 0.5,
    ) -> None:
        super().__init__()
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.fill = fill
        self.side_range = side_range
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        if draws.uniforms((1,)).item() >= self.p:
            return inputs if len(inputs) > 1 else inputs[0]
        return super().forward(*inputs)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What is added on each side."""
        height, width = query_size(flat_inputs)
        low, high = self.side_range
        longer = low + draws.uniforms((1,)).item() * (high - low)
        H, W = int(height * longer), int(width * longer)
        x, y = draws.uniforms((2,)).tolist()
        left, top = int((W - width) * x), int((H - height) * y)
        return {"padding": [left, top, W - (left + width), H - (top + height)]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.pad(inpt, params["padding"], self.fill)


class RandomChannelPermutation(Transform):
    """The channels of the image in random order.

    >>> import minitorch_cnn as mt
    >>> sorted(RandomChannelPermutation()(mt.tensor([[[1]], [[2]]])).flatten().tolist())
    [1, 2]
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """The order."""
        channels = max(F.get_num_channels(each) for each in flat_inputs)
        return {"permutation": draws.order(channels)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.permute_channels(inpt, params["permutation"])


class GaussianNoise(Transform):
    """Normally distributed noise on a float image of 0..1; see `functional.gaussian_noise`.

    >>> import minitorch_cnn as mt
    >>> GaussianNoise(0.5, 0.0)(mt.zeros(1, 1, 1))
    tensor([[[0.5000]]])
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean = mean
        self.sigma = sigma
        self.clip = clip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.gaussian_noise(inpt, self.mean, self.sigma, self.clip)
