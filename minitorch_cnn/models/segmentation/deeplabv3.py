"""DeepLabV3: the same pixels looked at with kernels that are spread out more and more.

Liang-Chieh Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...nn import functional as F
from ...ops import cat
from ...tensor import Tensor
from .._api import register_model
from .._utils import IntermediateLayerGetter
from ..weights import ResNet50_Weights, ResNet101_Weights
from ..weights_mobile import MobileNet_V3_Large_Weights
from ._utils import _SimpleSegmentationModel, backbone_of, finished, resnet_body, stages_of
from .fcn import FCNHead
from .weights import (
    DeepLabV3_MobileNet_V3_Large_Weights,
    DeepLabV3_ResNet50_Weights,
    DeepLabV3_ResNet101_Weights,
)


class DeepLabV3(_SimpleSegmentationModel):
    """A backbone and a `DeepLabHead`: (N, 3, H, W) -> {"out": (N, num_classes, H, W)}."""


class ASPPConv(nn.Sequential):
    """A 3x3 convolution spread out by `dilation`, which keeps (H, W)."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class ASPPPooling(nn.Sequential):
    """The mean of the whole image, at every pixel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(x)
        return F.interpolate(mean, size=x.shape[-2:], mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """ "Atrous spatial pyramid pooling": a pixel seen at several scales, put together again.

    (N, in_channels, H, W) -> (N, out_channels, H, W).

    >>> import minitorch_cnn as mt
    >>> ASPP(8, [2, 4], out_channels=4).eval()(mt.zeros(1, 8, 6, 6)).shape
    minitorch_cnn.Size([1, 4, 6, 6])
    """

    def __init__(
        self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256
    ) -> None:
        super().__init__()
        modules: list[nn.Module] = [
            nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(),
            )
        ]
        modules += [ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates]
        modules.append(ASPPPooling(in_channels, out_channels))
        self.convs = nn.ModuleList(modules)
        self.project = nn.Sequential(
            nn.Conv2d(len(modules) * out_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Dropout(0.5),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.project(cat([conv(x) for conv in self.convs], dim=1))


class DeepLabHead(nn.Sequential):
    """An `ASPP` and two convolutions: (N, in_channels, H, W) -> (N, num_classes, H, W)."""

    def __init__(
        self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)
    ) -> None:
        super().__init__(
            ASPP(in_channels, atrous_rates),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.Conv2d(256, num_classes, 1),
        )


def _deeplabv3(name: str, given: dict[str, Any], *settings: Any) -> DeepLabV3:
    if given:
        raise TypeError(f"deeplabv3_{name}() got unexpected arguments {sorted(given)}")

    def make(weights_backbone: Any, num_classes: int, aux: bool | None) -> DeepLabV3:
        if name == "mobilenet_v3_large":
            features = backbone_of(name, weights_backbone)
            stages = stages_of(features)
            last, middle = stages[-1], stages[-4]
            layers = {str(last): "out"} | ({str(middle): "aux"} if aux else {})
            body = IntermediateLayerGetter(features, layers)
            widths = features[last].out_channels, features[middle].out_channels
        else:
            body, widths = resnet_body(name, weights_backbone, aux), (2048, 1024)
        aux_classifier = FCNHead(widths[1], num_classes) if aux else None
        return DeepLabV3(body, DeepLabHead(widths[0], num_classes), aux_classifier)

    return finished(make, *settings)


@register_model(DeepLabV3_ResNet50_Weights)
def deeplabv3_resnet50(
    *,
    weights: DeepLabV3_ResNet50_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet50_Weights | None = ResNet50_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> DeepLabV3:
    """DeepLabV3 on ResNet-50: 42.0 million parameters.

    num_classes: 21 if not given; weights_backbone: of the ResNet, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Chen et al., 2017).
    """
    settings = weights, weights_backbone, progress, num_classes, aux_loss
    return _deeplabv3("resnet50", kwargs, *settings)


@register_model(DeepLabV3_ResNet101_Weights)
def deeplabv3_resnet101(
    *,
    weights: DeepLabV3_ResNet101_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: ResNet101_Weights | None = ResNet101_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> DeepLabV3:
    """DeepLabV3 on ResNet-101: 61.0 million parameters.

    num_classes: 21 if not given; weights_backbone: of the ResNet, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Chen et al., 2017).
    """
    settings = weights, weights_backbone, progress, num_classes, aux_loss
    return _deeplabv3("resnet101", kwargs, *settings)


@register_model(DeepLabV3_MobileNet_V3_Large_Weights)
def deeplabv3_mobilenet_v3_large(
    *,
    weights: DeepLabV3_MobileNet_V3_Large_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    aux_loss: bool | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> DeepLabV3:
    """DeepLabV3 on MobileNetV3-Large: 11.0 million parameters.

    num_classes: 21 if not given; weights_backbone: of the MobileNetV3, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Chen et al., 2017).
    """
    settings = weights, weights_backbone, progress, num_classes, aux_loss
    return _deeplabv3("mobilenet_v3_large", kwargs, *settings)
