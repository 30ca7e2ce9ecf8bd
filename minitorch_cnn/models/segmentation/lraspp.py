"""LR-ASPP: the light head for segmentation of MobileNetV3's paper (figure 10).

Andrew Howard et al., "Searching for MobileNetV3", 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ... import nn
from ...nn import functional as F
from ...tensor import Tensor
from .._api import register_model
from .._utils import IntermediateLayerGetter
from ..weights_mobile import MobileNet_V3_Large_Weights
from ._utils import backbone_of, finished, stages_of
from .weights import LRASPP_MobileNet_V3_Large_Weights


class LRASPP(nn.Module):
    """A backbone with features "low" (fine, few channels) and "high" (coarse), and the head.

    (N, 3, H, W) -> {"out": (N, num_classes, H, W)}.
    """

    def __init__(
        self,
        backbone: nn.Module,
        low_channels: int,
        high_channels: int,
        num_classes: int,
        inter_channels: int = 128,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> Any:
        scores = self.classifier(self.backbone(input))
        size = input.shape[-2:]
        scores = F.interpolate(scores, size=size, mode="bilinear", align_corners=False)
        return OrderedDict(out=scores)


class LRASPPHead(nn.Module):
    """Scores of the coarse features, weighted by their mean, and of the fine ones, added."""

    def __init__(
        self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int
    ) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.Sigmoid(),
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: Any) -> Tensor:
        low, high = input["low"], input["high"]
        x = self.cbr(high) * self.scale(high)
        x = F.interpolate(x, size=low.shape[-2:], mode="bilinear", align_corners=False)
        return self.low_classifier(low) + self.high_classifier(x)


@register_model(LRASPP_MobileNet_V3_Large_Weights)
def lraspp_mobilenet_v3_large(
    *,
    weights: LRASPP_MobileNet_V3_Large_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    **kwargs: Any,
) -> LRASPP:
    """LR-ASPP on MobileNetV3-Large: 3.2 million parameters.

    num_classes: 21 if not given; weights_backbone: of MobileNetV3, by default published ones.
    (N, 3, H, W) -> {"out": (N, num_classes, H, W)} (Howard et al., 2019).
    """
    if kwargs.pop("aux_loss", False):
        raise NotImplementedError("This model does not use auxiliary loss")
    if kwargs:
        raise TypeError(f"lraspp_mobilenet_v3_large() got unexpected arguments {sorted(kwargs)}")

    def make(weights_backbone: Any, num_classes: int, aux: bool | None) -> LRASPP:
        features = backbone_of("mobilenet_v3_large", weights_backbone)
        stages = stages_of(features)
        low, high = stages[-4], stages[-1]
        body = IntermediateLayerGetter(features, {str(low): "low", str(high): "high"})
        return LRASPP(body, features[low].out_channels, features[high].out_channels, num_classes)

    return finished(make, weights, weights_backbone, progress, num_classes, None, aux_trained=False)
