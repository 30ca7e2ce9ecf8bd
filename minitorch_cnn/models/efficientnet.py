"""EfficientNet: deeper, wider and with larger images in fixed proportions; and its second version.

Mingxing Tan and Quoc Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", 2019 (https://arxiv.org/abs/1905.11946); the same, "EfficientNetV2: Smaller Models and
Faster Training", 2021 (https://arxiv.org/abs/2104.00298).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..tensor import Tensor
from ..vision_ops import Conv2dNormActivation, SqueezeExcitation, StochasticDepth
from . import weights_mobile as published
from ._api import build, register_model
from ._utils import _make_divisible

NormLayer = Callable[..., nn.Module]


class _MBConvConfig:
    """A stage: its blocks widen by expand_ratio, and the first of num_layers has the stride."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Callable[..., nn.Module],
    ) -> None:
        self.expand_ratio = expand_ratio
        self.kernel = kernel
        self.stride = stride
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers
        self.block = block

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        """The width, a multiple of 8."""
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A row of the first paper's table 1, with its width and depth multiplied.

    >>> MBConvConfig(6, 3, 2, 16, 24, num_layers=2, depth_mult=1.2).num_layers
    3
    """

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        inp = self.adjust_channels(input_channels, width_mult)
        out = self.adjust_channels(out_channels, width_mult)
        depth = math.ceil(num_layers * depth_mult)
        super().__init__(expand_ratio, kernel, stride, inp, out, depth, block or MBConv)


class FusedMBConvConfig(_MBConvConfig):
    """A row of the second paper's table 4 whose block is `FusedMBConv`.

    >>> FusedMBConvConfig(4, 3, 2, 24, 48, num_layers=4).out_channels
    48
    """

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:
        shape = expand_ratio, kernel, stride, input_channels, out_channels, num_layers
        super().__init__(*shape, block or FusedMBConv)


class MBConv(nn.Module):
    """MobileNetV2's inverted residual with squeeze-and-excitation, left out at random.

    (N, input_channels, H, W) -> (N, out_channels, H / stride, W / stride). Raises ValueError for a
    stride other than 1 and 2.

    >>> import minitorch_cnn as mt
    >>> block = MBConv(MBConvConfig(6, 3, 2, 8, 16, 1), 0.0, nn.BatchNorm2d)
    >>> block(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 16, 3, 3])
    """

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: NormLayer,
        se_layer: Callable[..., nn.Module] = SqueezeExcitation,
    ) -> None:
        super().__init__()
        _check_stride(cnf.stride)
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1))
        layers.append(conv(wide, wide, cnf.kernel, cnf.stride, groups=wide))
        squeezed = max(1, cnf.input_channels // 4)
        layers.append(se_layer(wide, squeezed, activation=partial(nn.SiLU, inplace=True)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        return self.stochastic_depth(result) + input if self.use_res_connect else result


class FusedMBConv(nn.Module):
    """As `MBConv`, with one convolution in the place of the first two: faster where it is narrow.

    (N, input_channels, H, W) -> (N, out_channels, H / stride, W / stride). Raises ValueError for a
    stride other than 1 and 2.

    >>> import minitorch_cnn as mt
    >>> block = FusedMBConv(FusedMBConvConfig(4, 3, 2, 8, 16, 1), 0.0, nn.BatchNorm2d)
    >>> block(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 16, 3, 3])
    """

    def __init__(
        self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: NormLayer
    ) -> None:
        super().__init__()
        _check_stride(cnf.stride)
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        if wide != cnf.input_channels:
            layers = [
                conv(cnf.input_channels, wide, cnf.kernel, cnf.stride),
                conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None),
            ]
        else:
            layers = [conv(cnf.input_channels, cnf.out_channels, cnf.kernel, cnf.stride)]
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        return self.stochastic_depth(result) + input if self.use_res_connect else result


def _check_stride(stride: int) -> None:
    if stride not in (1, 2):
        raise ValueError(f"illegal stride value {stride}")


class EfficientNet(nn.Module):
    """A stem, the stages of a table, a wide 1x1 convolution and a linear layer.

        inverted_residual_setting  the stages, `MBConvConfig` or `FusedMBConvConfig`
        stochastic_depth_prob      of the last block; it rises from 0 at the first
        last_channel               width of the last convolution, default 4 times its input

    Input (N, 3, H, W); output (N, num_classes) scores. Raises ValueError for an empty table,
    TypeError for one of anything else.

    >>> import minitorch_cnn as mt
    >>> model = EfficientNet([MBConvConfig(1, 3, 1, 8, 8, 1)], dropout=0.2, num_classes=5)
    >>> model(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: NormLayer | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(row, _MBConvConfig) for row in inverted_residual_setting):
            raise TypeError(
                "The inverted_residual_setting should be List[MBConvConfig], got "
                f"{inverted_residual_setting}"
            )
        norm_layer = norm_layer or nn.BatchNorm2d
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        first = inverted_residual_setting[0].input_channels
        layers: list[nn.Module] = [conv(3, first, kernel_size=3, stride=2)]
        total = sum(row.num_layers for row in inverted_residual_setting)
        done = 0
        for row in inverted_residual_setting:
            stage: list[nn.Module] = []
            for number in range(row.num_layers):
                here = copy.copy(row)
                if number > 0:
                    here.input_channels, here.stride = here.out_channels, 1
                stage.append(here.block(here, stochastic_depth_prob * done / total, norm_layer))
                done += 1
            layers.append(nn.Sequential(*stage))
        narrow = inverted_residual_setting[-1].out_channels
        last = 4 * narrow if last_channel is None else last_channel
        layers.append(conv(narrow, last, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout, inplace=True), nn.Linear(last, num_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.out_features)
                nn.init.uniform_(module.weight, -bound, bound)
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


# Table 1 of the first paper: expansion, kernel, stride, input and output channels, layers.
BASE = [
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
]
# Table 4 of the second, and its larger forms: how many of the rows are fused, and the rows.
V2 = {
    "s": (
        3,
        [
            (1, 3, 1, 24, 24, 2),
            (4, 3, 2, 24, 48, 4),
            (4, 3, 2, 48, 64, 4),
            (4, 3, 2, 64, 128, 6),
            (6, 3, 1, 128, 160, 9),
            (6, 3, 2, 160, 256, 15),
        ],
    ),
    "m": (
        3,
        [
            (1, 3, 1, 24, 24, 3),
            (4, 3, 2, 24, 48, 5),
            (4, 3, 2, 48, 80, 5),
            (4, 3, 2, 80, 160, 7),
            (6, 3, 1, 160, 176, 14),
            (6, 3, 2, 176, 304, 18),
            (6, 3, 1, 304, 512, 5),
        ],
    ),
    "l": (
        3,
        [
            (1, 3, 1, 32, 32, 4),
            (4, 3, 2, 32, 64, 7),
            (4, 3, 2, 64, 96, 7),
            (4, 3, 2, 96, 192, 10),
            (6, 3, 1, 192, 224, 19),
            (6, 3, 2, 224, 384, 25),
            (6, 3, 1, 384, 640, 7),
        ],
    ),
}


def _scaled(
    width: float, depth: float, dropout: float, weights: Any, progress: bool, kwargs: Any
) -> EfficientNet:
    rows = [MBConvConfig(*row, width_mult=width, depth_mult=depth) for row in BASE]
    kwargs.setdefault("dropout", dropout)
    return build(partial(EfficientNet, rows), weights, progress, **kwargs)


def _second(
    size: str, dropout: float, weights: Any, progress: bool, kwargs: dict[str, Any]
) -> EfficientNet:
    fused, table = V2[size]
    rows: list[Any] = [FusedMBConvConfig(*row) for row in table[:fused]]
    rows += [MBConvConfig(*row) for row in table[fused:]]
    kwargs = {"dropout": dropout, "last_channel": 1280} | kwargs
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-03))
    return build(partial(EfficientNet, rows), weights, progress, **kwargs)


@register_model(published.EfficientNet_B0_Weights)
def efficientnet_b0(
    *,
    weights: published.EfficientNet_B0_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B0: 5.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    return _scaled(1.0, 1.0, 0.2, weights, progress, kwargs)


@register_model(published.EfficientNet_B1_Weights)
def efficientnet_b1(
    *,
    weights: published.EfficientNet_B1_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B1: 7.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    return _scaled(1.0, 1.1, 0.2, weights, progress, kwargs)


@register_model(published.EfficientNet_B2_Weights)
def efficientnet_b2(
    *,
    weights: published.EfficientNet_B2_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B2: 9.1 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    return _scaled(1.1, 1.2, 0.3, weights, progress, kwargs)


@register_model(published.EfficientNet_B3_Weights)
def efficientnet_b3(
    *,
    weights: published.EfficientNet_B3_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B3: 12.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    return _scaled(1.2, 1.4, 0.3, weights, progress, kwargs)


@register_model(published.EfficientNet_B4_Weights)
def efficientnet_b4(
    *,
    weights: published.EfficientNet_B4_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B4: 19.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    return _scaled(1.4, 1.8, 0.4, weights, progress, kwargs)


@register_model(published.EfficientNet_B5_Weights)
def efficientnet_b5(
    *,
    weights: published.EfficientNet_B5_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B5: 30.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=0.001, momentum=0.01))
    return _scaled(1.6, 2.2, 0.4, weights, progress, kwargs)


@register_model(published.EfficientNet_B6_Weights)
def efficientnet_b6(
    *,
    weights: published.EfficientNet_B6_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B6: 43.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=0.001, momentum=0.01))
    return _scaled(1.8, 2.6, 0.5, weights, progress, kwargs)


@register_model(published.EfficientNet_B7_Weights)
def efficientnet_b7(
    *,
    weights: published.EfficientNet_B7_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNet-B7: 66.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2019).
    """
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=0.001, momentum=0.01))
    return _scaled(2.0, 3.1, 0.5, weights, progress, kwargs)


@register_model(published.EfficientNet_V2_S_Weights)
def efficientnet_v2_s(
    *,
    weights: published.EfficientNet_V2_S_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNetV2-S: 21.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2021).
    """
    return _second("s", 0.2, weights, progress, kwargs)


@register_model(published.EfficientNet_V2_M_Weights)
def efficientnet_v2_m(
    *,
    weights: published.EfficientNet_V2_M_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNetV2-M: 54.1 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2021).
    """
    return _second("m", 0.3, weights, progress, kwargs)


@register_model(published.EfficientNet_V2_L_Weights)
def efficientnet_v2_l(
    *,
    weights: published.EfficientNet_V2_L_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> EfficientNet:
    """EfficientNetV2-L: 118.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `EfficientNet` (Tan and Le, 2021).
    """
    return _second("l", 0.4, weights, progress, kwargs)
