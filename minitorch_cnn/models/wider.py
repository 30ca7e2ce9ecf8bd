"""The largest of the ResNets with groups or wide bottlenecks; see resnet.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from . import resnet
from ._api import build, register_model, require
from .resnet import Bottleneck, ResNet
from .weights import (
    ResNeXt101_32X8D_Weights,
    ResNeXt101_64X4D_Weights,
    Wide_ResNet101_2_Weights,
)

_network = partial(ResNet, Bottleneck, [3, 4, 23, 3])


@register_model(ResNeXt101_32X8D_Weights)
def resnext101_32x8d(
    *, weights: ResNeXt101_32X8D_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNeXt-101 with 32 groups, 8 channels wide in the first stage: 88.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (Xie et al., 2016).
    """
    require(kwargs, "groups", 32)
    require(kwargs, "width_per_group", 8)
    return build(_network, weights, progress, **kwargs)


@register_model(ResNeXt101_64X4D_Weights)
def resnext101_64x4d(
    *, weights: ResNeXt101_64X4D_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNeXt-101 with 64 groups, 4 channels wide in the first stage: 83.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (Xie et al., 2016).
    """
    require(kwargs, "groups", 64)
    require(kwargs, "width_per_group", 4)
    return build(_network, weights, progress, **kwargs)


@register_model(Wide_ResNet101_2_Weights)
def wide_resnet101_2(
    *, weights: Wide_ResNet101_2_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """Wide ResNet-101-2, whose 3x3 convolutions are twice as wide: 126.9 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (Zagoruyko and Komodakis, 2016).
    """
    require(kwargs, "width_per_group", 128)
    return build(_network, weights, progress, **kwargs)


for _builder in (resnext101_32x8d, resnext101_64x4d, wide_resnet101_2):
    setattr(resnet, _builder.__name__, _builder)  # there torchvision has them
