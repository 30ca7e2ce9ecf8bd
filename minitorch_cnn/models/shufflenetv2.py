"""ShuffleNetV2: half of the channels pass by unchanged, and are shuffled in for the next block.

Ningning Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
2018 (https://arxiv.org/abs/1807.11164).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .. import nn
from ..nn.functional import channel_shuffle
from ..ops import cat
from ..tensor import Tensor
from . import weights_mobile as published
from ._api import build, register_model


class InvertedResidual(nn.Module):
    """Figure 3 c and d of the paper: two branches, put together and shuffled.

    (N, inp, H, W) -> (N, oup, H / stride, W / stride). With stride 1, inp is oup. Raises ValueError
    for a stride above 3, or 1 with other widths.

    >>> import minitorch_cnn as mt
    >>> InvertedResidual(8, 16, stride=2)(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 16, 3, 3])
    """

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError(f"illegal stride value {stride}")
        half = oup // 2
        if stride == 1 and inp != half << 1:
            raise ValueError(f"Invalid combination of stride {stride}, inp {inp} and oup {oup}")
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, kernel_size=3, stride=stride, padding=1),
                nn.BatchNorm2d(inp),
                nn.Conv2d(inp, half, kernel_size=1, bias=False),
                nn.BatchNorm2d(half),
                nn.ReLU(inplace=True),
            )
        self.branch2 = nn.Sequential(
            nn.Conv2d(inp if stride > 1 else half, half, kernel_size=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            self.depthwise_conv(half, half, kernel_size=3, stride=stride, padding=1),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, half, kernel_size=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
        )

    @staticmethod
    def depthwise_conv(
        i: int, o: int, kernel_size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> nn.Conv2d:
        """A convolution that looks at each channel alone."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            kept, changed = x.chunk(2, dim=1)
            out = cat((kept, self.branch2(changed)), dim=1)
        else:
            out = cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """A stem, three stages of blocks, a 1x1 convolution and a linear layer (the paper's table 5).

    stages_repeats: 3 numbers of blocks; stages_out_channels: 5 widths. Input (N, 3, H, W), usually
    224x224; output (N, num_classes) scores. Raises ValueError for other lengths.

    >>> import minitorch_cnn as mt
    >>> ShuffleNetV2([1, 1, 1], [8, 16, 16, 16, 32], num_classes=5)(mt.zeros(2, 3, 64, 64)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        stages_repeats: list[int],
        stages_out_channels: list[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        first, *widths, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        stages = []
        inp = first
        for repeats, width in zip(stages_repeats, widths, strict=True):
            blocks = [inverted_residual(inp, width, 2)]
            blocks += [inverted_residual(width, width, 1) for _ in range(repeats - 1)]
            stages.append(nn.Sequential(*blocks))
            inp = width
        self.stage2, self.stage3, self.stage4 = stages
        self.conv5 = nn.Sequential(
            nn.Conv2d(inp, last, 1, 1, 0, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True)
        )
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))


def _shufflenet(
    widths: list[int], weights: Any, progress: bool, kwargs: dict[str, Any]
) -> ShuffleNetV2:
    network = partial(ShuffleNetV2, [4, 8, 4], widths)
    return build(network, weights, progress, **kwargs)


@register_model(published.ShuffleNet_V2_X0_5_Weights)
def shufflenet_v2_x0_5(
    *,
    weights: published.ShuffleNet_V2_X0_5_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ShuffleNetV2:
    """ShuffleNetV2, 0.5 times as wide: 1.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ShuffleNetV2` (Ma et al., 2018).
    """
    return _shufflenet([24, 48, 96, 192, 1024], weights, progress, kwargs)


@register_model(published.ShuffleNet_V2_X1_0_Weights)
def shufflenet_v2_x1_0(
    *,
    weights: published.ShuffleNet_V2_X1_0_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ShuffleNetV2:
    """ShuffleNetV2, 1.0 times as wide: 2.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ShuffleNetV2` (Ma et al., 2018).
    """
    return _shufflenet([24, 116, 232, 464, 1024], weights, progress, kwargs)


@register_model(published.ShuffleNet_V2_X1_5_Weights)
def shufflenet_v2_x1_5(
    *,
    weights: published.ShuffleNet_V2_X1_5_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ShuffleNetV2:
    """ShuffleNetV2, 1.5 times as wide: 3.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ShuffleNetV2` (Ma et al., 2018).
    """
    return _shufflenet([24, 176, 352, 704, 1024], weights, progress, kwargs)


@register_model(published.ShuffleNet_V2_X2_0_Weights)
def shufflenet_v2_x2_0(
    *,
    weights: published.ShuffleNet_V2_X2_0_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ShuffleNetV2:
    """ShuffleNetV2, 2.0 times as wide: 7.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ShuffleNetV2` (Ma et al., 2018).
    """
    return _shufflenet([24, 244, 488, 976, 2048], weights, progress, kwargs)
