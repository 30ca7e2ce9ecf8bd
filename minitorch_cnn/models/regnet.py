"""RegNet: networks whose widths lie on a straight line, up to rounding.

Ilija Radosavovic et al., "Designing Network Design Spaces", 2020
(https://arxiv.org/abs/2003.13678). The form Y has squeeze-and-excitation, X has none.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .. import nn
from ..tensor import Tensor
from ..vision_ops import Conv2dNormActivation, SqueezeExcitation
from . import weights_regnet as published
from ._api import build, register_model
from ._utils import _make_divisible

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """A 3x3 convolution of stride 2: (N, width_in, H, W) -> (N, width_out, H / 2, W / 2)."""

    def __init__(
        self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer
    ) -> None:
        sizes = width_in, width_out, 3, 2  # kernel and stride
        super().__init__(*sizes, norm_layer=norm_layer, activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """Convolutions 1x1, 3x3 in groups, and 1x1: the branch of a block (figure 4)."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ) -> None:
        middle = round(width_out * bottleneck_multiplier)
        conv = partial(
            Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation_layer
        )
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = conv(width_in, middle, kernel_size=1)
        layers["b"] = conv(middle, middle, 3, stride, groups=middle // group_width)
        if se_ratio:
            # The share is that of the block's input.
            squeezed = round(se_ratio * width_in)
            layers["se"] = SqueezeExcitation(middle, squeezed, activation=activation_layer)
        layers["c"] = conv(middle, width_out, kernel_size=1, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """A `BottleneckTransform` with a shortcut.

    (N, width_in, H, W) -> (N, width_out, H / stride, W / stride).

    >>> import minitorch_cnn as mt
    >>> block = ResBottleneckBlock(8, 16, 2, nn.BatchNorm2d, nn.ReLU, group_width=4)
    >>> block(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 16, 3, 3])
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> None:
        super().__init__()
        self.proj: nn.Module | None = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(
                width_in, width_out, 1, stride, norm_layer=norm_layer, activation_layer=None
            )
        shape = width_in, width_out, stride, norm_layer, activation_layer, group_width
        self.f = BottleneckTransform(*shape, bottleneck_multiplier, se_ratio)
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.proj is None else self.proj(x)
        return self.activation(shortcut + self.f(x))


class AnyStage(nn.Sequential):
    """`depth` blocks, of which the first one has the stride and changes the width."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        depth: int,
        block_constructor: Layer,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:
        super().__init__()
        for i in range(depth):
            block = block_constructor(
                width_in if i == 0 else width_out,
                width_out,
                stride if i == 0 else 1,
                norm_layer,
                activation_layer,
                group_width,
                bottleneck_multiplier,
                se_ratio,
            )
            self.add_module(f"block{stage_index}-{i}", block)


class BlockParams:
    """Depths, widths, widths of groups, bottlenecks and strides of the stages."""

    def __init__(
        self,
        depths: list[int],
        widths: list[int],
        group_widths: list[int],
        bottleneck_multipliers: list[float],
        strides: list[int],
        se_ratio: float | None = None,
    ) -> None:
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
        **kwargs: Any,
    ) -> BlockParams:
        """The stages of a network of `depth` blocks (equations 2 to 4).

        Block j would be w_0 + w_a j wide; it gets the nearest of w_0, w_0 w_m, w_0 w_m^2, ...
        Raises ValueError for numbers that are too small.

        >>> BlockParams.from_init_params(13, 24, 36.44, 2.49, 8).widths
        [24, 56, 152, 368]
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError(f"Invalid RegNet settings: w_0={w_0}, w_a={w_a}, w_m={w_m}")
        # In float32, as the published networks were made.
        wanted = np.arange(depth, dtype=np.float32) * np.float32(w_a) + np.float32(w_0)
        power = np.round(np.log(wanted / w_0) / math.log(w_m))
        each = (np.round(w_0 * np.power(w_m, power) / 8) * 8).astype(int).tolist()
        widths = sorted(set(each))
        depths = [each.count(width) for width in widths]
        count = len(widths)
        bottlenecks = [bottleneck_multiplier] * count
        groups = [min(group_width, int(width * bottleneck_multiplier)) for width in widths]
        # The middle of a block is a whole number of groups.
        middles = [
            _make_divisible(int(width * bottleneck_multiplier), group)
            for width, group in zip(widths, groups, strict=True)
        ]
        widths = [int(middle / bottleneck_multiplier) for middle in middles]
        return cls(depths, widths, groups, bottlenecks, [2] * count, se_ratio)

    def stages(self) -> Iterator[tuple[int, int, int, int, float]]:
        """(width, stride, depth, group width, bottleneck) of each."""
        yield from zip(
            self.widths,
            self.strides,
            self.depths,
            self.group_widths,
            self.bottleneck_multipliers,
            strict=True,
        )


class RegNet(nn.Module):
    """A stem, the stages of `block_params`, and a linear layer.

    stem_width: channels after the stem. stem_type, block_type, norm_layer, activation: instead of
    `SimpleStemIN`, `ResBottleneckBlock`, BatchNorm2d and ReLU. Input (N, 3, H, W), usually
    224x224; output (N, num_classes) scores.

    >>> import minitorch_cnn as mt
    >>> stages = BlockParams.from_init_params(4, 8, 8, 2.0, 8)
    >>> RegNet(stages, num_classes=5)(mt.zeros(2, 3, 64, 64)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Layer | None = None,
        block_type: Layer | None = None,
        norm_layer: Layer | None = None,
        activation: Layer | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        block_type = block_type or ResBottleneckBlock
        activation = activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm_layer, activation)
        stages = OrderedDict()
        width_in = stem_width
        for i, (width, stride, depth, group, bottleneck) in enumerate(block_params.stages(), 1):
            shape = width_in, width, stride, depth, block_type, norm_layer, activation
            ratio = block_params.se_ratio
            stages[f"block{i}"] = AnyStage(*shape, group, bottleneck, ratio, stage_index=i)
            width_in = width
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(in_features=width_in, out_features=num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels
                nn.init.normal_(module.weight, mean=0.0, std=math.sqrt(2.0 / fan_out))
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


def _regnet(
    settings: tuple[Any, ...], weights: Any, progress: bool, kwargs: dict[str, Any]
) -> RegNet:
    """settings: depth, w_0, w_a, w_m, group_width, and for the form Y se_ratio."""
    depth, w_0, w_a, w_m, group_width, se_ratio = settings
    stages = BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio)
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1))
    return build(partial(RegNet, stages), weights, progress, **kwargs)


@register_model(published.RegNet_Y_400MF_Weights)
def regnet_y_400mf(
    *,
    weights: published.RegNet_Y_400MF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-400MF: 4.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((16, 48, 27.89, 2.09, 8, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_800MF_Weights)
def regnet_y_800mf(
    *,
    weights: published.RegNet_Y_800MF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-800MF: 6.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((14, 56, 38.84, 2.4, 16, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_1_6GF_Weights)
def regnet_y_1_6gf(
    *,
    weights: published.RegNet_Y_1_6GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-1.6GF: 11.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((27, 48, 20.71, 2.65, 24, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_3_2GF_Weights)
def regnet_y_3_2gf(
    *,
    weights: published.RegNet_Y_3_2GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-3.2GF: 19.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((21, 80, 42.63, 2.66, 24, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_8GF_Weights)
def regnet_y_8gf(
    *,
    weights: published.RegNet_Y_8GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-8GF: 39.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((17, 192, 76.82, 2.19, 56, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_16GF_Weights)
def regnet_y_16gf(
    *,
    weights: published.RegNet_Y_16GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-16GF: 83.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((18, 200, 106.23, 2.48, 112, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_32GF_Weights)
def regnet_y_32gf(
    *,
    weights: published.RegNet_Y_32GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-32GF: 145.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((20, 232, 115.89, 2.53, 232, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_Y_128GF_Weights)
def regnet_y_128gf(
    *,
    weights: published.RegNet_Y_128GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetY-128GF: 644.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((27, 456, 160.83, 2.52, 264, 0.25), weights, progress, kwargs)


@register_model(published.RegNet_X_400MF_Weights)
def regnet_x_400mf(
    *,
    weights: published.RegNet_X_400MF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-400MF: 5.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((22, 24, 24.48, 2.54, 16, None), weights, progress, kwargs)


@register_model(published.RegNet_X_800MF_Weights)
def regnet_x_800mf(
    *,
    weights: published.RegNet_X_800MF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-800MF: 7.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((16, 56, 35.73, 2.28, 16, None), weights, progress, kwargs)


@register_model(published.RegNet_X_1_6GF_Weights)
def regnet_x_1_6gf(
    *,
    weights: published.RegNet_X_1_6GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-1.6GF: 9.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((18, 80, 34.01, 2.25, 24, None), weights, progress, kwargs)


@register_model(published.RegNet_X_3_2GF_Weights)
def regnet_x_3_2gf(
    *,
    weights: published.RegNet_X_3_2GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-3.2GF: 15.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((25, 88, 26.31, 2.25, 48, None), weights, progress, kwargs)


@register_model(published.RegNet_X_8GF_Weights)
def regnet_x_8gf(
    *,
    weights: published.RegNet_X_8GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-8GF: 39.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((23, 80, 49.56, 2.88, 120, None), weights, progress, kwargs)


@register_model(published.RegNet_X_16GF_Weights)
def regnet_x_16gf(
    *,
    weights: published.RegNet_X_16GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-16GF: 54.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((22, 216, 55.59, 2.1, 128, None), weights, progress, kwargs)


@register_model(published.RegNet_X_32GF_Weights)
def regnet_x_32gf(
    *,
    weights: published.RegNet_X_32GF_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> RegNet:
    """RegNetX-32GF: 107.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `RegNet` (Radosavovic et al., 2020).
    """
    return _regnet((23, 320, 69.86, 2.0, 168, None), weights, progress, kwargs)
