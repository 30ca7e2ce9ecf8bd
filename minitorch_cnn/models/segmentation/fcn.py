"""Fully convolutional networks: a classifier of pixels on the features of a ResNet.

Jonathan Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2014.
"""

from __future__ import annotations

from typing import Any

from ... import nn
from .._api import register_model
from ..weights import ResNet50_Weights, ResNet101_Weights
from ._utils import _SimpleSegmentationModel, finished, resnet_body
from .weights import FCN_ResNet50_Weights, FCN_ResNet101_Weights


class FCN(_SimpleSegmentationModel):
    """A backbone and an `FCNHead`: (N, 3, H, W) -> {"out": (N, num_classes, H, W)}."""


class FCNHead(nn.Sequential):
    """Two convolutions: (N, in_channels, H, W) -> (N, channels, H, W)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        middle = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, middle, 3, padding=1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(middle, channels, 1),
        )


def _fcn(name: str, given: dict[str, Any], *settings: Any) -> FCN:
    if given:
        raise TypeError(f"fcn_{name}() got unexpected arguments {sorted(given)}")

    def make(weights_backbone: Any, num_classes: int, aux: bool | None) -> FCN:
        aux_classifier = FCNHead(1024, num_classes) if aux else None
        body = resnet_body(name, weights_backbone, aux)
        return FCN(body, FCNHead(2048, num_classes), aux_classifier)

    return finished(make, *settings)


@register_model(FCN_ResNet50_Weights)
def fcn_resnet50(
    *,
    weights: FCN_ResNet50_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet50_Weights | None = ResNet50_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> FCN:
    """FCN on ResNet-50: 35.3 million parameters.

    num_classes: 21 if not given; weights_backbone: of the ResNet, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Long et al., 2014).
    """
    return _fcn("resnet50", kwargs, weights, weights_backbone, progress, num_classes, aux_loss)


@register_model(FCN_ResNet101_Weights)
def fcn_resnet101(
    *,
    weights: FCN_ResNet101_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet101_Weights | None = ResNet101_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> FCN:
    """FCN on ResNet-101: 54.3 million parameters.

    num_classes: 21 if not given; weights_backbone: of the ResNet, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Long et al., 2014).
    """
    return _fcn("resnet101", kwargs, weights, weights_backbone, progress, num_classes, aux_loss)
