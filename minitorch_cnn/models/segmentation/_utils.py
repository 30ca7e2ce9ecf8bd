"""What the networks for segmentation share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ... import nn
from ...nn import functional as F
from ...tensor import Tensor
from .._api import require
from .._utils import IntermediateLayerGetter
from ..mobilenetv3 import mobilenet_v3_large
from ..resnet import resnet50, resnet101


class _SimpleSegmentationModel(nn.Module):
    """A backbone that returns a dict of features, and a classifier of the pixels of "out".

    aux_classifier: one of "aux" as well. The scores are brought to the size of the images
    (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> body = IntermediateLayerGetter(nn.Sequential(nn.Conv2d(3, 8, 3, 2)), {"0": "out"})
    >>> _SimpleSegmentationModel(body, nn.Conv2d(8, 5, 1))(mt.zeros(1, 3, 9, 9))["out"].shape
    minitorch_cnn.Size([1, 5, 9, 9])
    """

    def __init__(
        self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> Any:
        size = x.shape[-2:]
        features: Any = self.backbone(x)
        result = OrderedDict()
        for name, classifier in (("out", self.classifier), ("aux", self.aux_classifier)):
            if classifier is not None:
                scores = classifier(features[name])
                result[name] = F.interpolate(
                    scores, size=size, mode="bilinear", align_corners=False
                )
        return result


BACKBONES: dict[str, Callable[..., Any]] = {
    "resnet50": resnet50,
    "resnet101": resnet101,
    "mobilenet_v3_large": mobilenet_v3_large,
}


def backbone_of(name: str, weights: Any) -> Any:
    """The network whose features are used, with its last strides replaced by dilations."""
    if name == "mobilenet_v3_large":
        return mobilenet_v3_large(weights=weights, dilated=True).features
    return BACKBONES[name](weights=weights, replace_stride_with_dilation=[False, True, True])


def stages_of(features: nn.Sequential) -> list[int]:
    """Where MobileNetV3's resolution changes: the first layer, those with a stride, the last."""
    strided = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    return [0, *strided, len(features) - 1]


def resnet_body(name: str, weights: Any, aux: bool | None) -> IntermediateLayerGetter:
    """The features "out", of 2048 channels, and with aux "aux", of 1024."""
    layers = {"layer4": "out"} | ({"layer3": "aux"} if aux else {})
    return IntermediateLayerGetter(backbone_of(name, weights), layers)


def finished(
    make: Callable[[Any, int, Any], nn.Module],
    weights: Any,
    weights_backbone: Any,
    progress: bool,
    num_classes: int | None,
    aux_loss: bool | None,
    aux_trained: bool = True,
) -> Any:
    """``make(weights_backbone, num_classes, aux_loss)``, filled with the weights.

    aux_trained: the weights have an auxiliary classifier. Raises ValueError for settings for which
    the weights were not trained.
    """
    wanted: dict[str, Any] = {}
    if num_classes is not None:
        wanted["num_classes"] = num_classes
    if aux_loss is not None:
        wanted["aux_loss"] = aux_loss
    if weights is not None and weights.meta["num_classes"] is not None:
        weights_backbone = None
        require(wanted, "num_classes", weights.meta["num_classes"])
        if aux_trained:
            require(wanted, "aux_loss", True)
    model = make(weights_backbone, wanted.get("num_classes", 21), wanted.get("aux_loss"))
    if weights is not None:
        model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    return model
