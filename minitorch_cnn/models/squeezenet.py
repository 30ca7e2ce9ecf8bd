"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters.

Forrest Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB
model size", 2016 (https://arxiv.org/abs/1602.07360). Version 1.1 is from the authors' repository: a
3x3 stem of 64 channels and earlier pooling, 2.4 times less computation.
"""

from __future__ import annotations

from typing import Any

from .. import nn
from ..ops import cat
from ..tensor import Tensor
from ._api import build, register_model
from .weights import SqueezeNet1_0_Weights, SqueezeNet1_1_Weights


class Fire(nn.Module):
    """A few 1x1 filters, whose output two sets of filters read (figure 1 of the paper).

        x --> squeeze 1x1 --> relu --+--> expand 1x1 --> relu --(cat)--> y
                                     \\--> expand 3x3 --> relu --/

    Most of the weights are in the 3x3 filters: they see squeeze_planes channels, not inplanes.
    Input (N, inplanes, H, W), output (N, expand1x1_planes + expand3x3_planes, H, W).

    >>> import minitorch_cnn as mt
    >>> Fire(8, 2, 4, 6)(mt.zeros(1, 8, 5, 5)).shape
    minitorch_cnn.Size([1, 10, 5, 5])
    """

    def __init__(
        self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int
    ) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        narrow = self.expand1x1_activation(self.expand1x1(x))
        wide = self.expand3x3_activation(self.expand3x3(x))
        return cat([narrow, wide], 1)


class SqueezeNet(nn.Module):
    """Eight fire modules; the last convolution gives the scores, averaged over the image.

    version: "1_0" (table 1 of the paper) or "1_1". Input (N, 3, H, W), at least 21x21 or 17x17,
    usually 224x224; output (N, num_classes) scores. Raises ValueError for another version.

    >>> import minitorch_cnn as mt
    >>> SqueezeNet("1_1", num_classes=5)(mt.zeros(1, 3, 64, 64)).shape
    minitorch_cnn.Size([1, 5])
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version == "1_0":
            self.features = nn.Sequential(
                nn.Conv2d(3, 96, 7, stride=2),  # 109x109
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 54x54
                Fire(96, 16, 64, 64),
                Fire(128, 16, 64, 64),
                Fire(128, 32, 128, 128),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 27x27
                Fire(256, 32, 128, 128),
                Fire(256, 48, 192, 192),
                Fire(384, 48, 192, 192),
                Fire(384, 64, 256, 256),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 13x13
                Fire(512, 64, 256, 256),
            )
        elif version == "1_1":
            self.features = nn.Sequential(
                nn.Conv2d(3, 64, 3, stride=2),  # 111x111
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 55x55
                Fire(64, 16, 64, 64),
                Fire(128, 16, 64, 64),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 27x27
                Fire(128, 32, 128, 128),
                Fire(256, 32, 128, 128),
                nn.MaxPool2d(3, stride=2, ceil_mode=True),  # 13x13
                Fire(256, 48, 192, 192),
                Fire(384, 48, 192, 192),
                Fire(384, 64, 256, 256),
                Fire(512, 64, 256, 256),
            )
        else:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        scores = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), scores, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is scores:
                    nn.init.normal_(module.weight, 0, 0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


@register_model(SqueezeNet1_0_Weights)
def squeezenet1_0(
    *, weights: SqueezeNet1_0_Weights | None = None, progress: bool = True, **kwargs: Any
) -> SqueezeNet:
    """SqueezeNet 1.0: 1.25 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SqueezeNet` (Iandola et al., 2016).
    """
    return build(SqueezeNet, weights, progress, version="1_0", **kwargs)


@register_model(SqueezeNet1_1_Weights)
def squeezenet1_1(
    *, weights: SqueezeNet1_1_Weights | None = None, progress: bool = True, **kwargs: Any
) -> SqueezeNet:
    """SqueezeNet 1.1: 1.24 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SqueezeNet` (Iandola et al., 2016).
    """
    return build(SqueezeNet, weights, progress, version="1_1", **kwargs)
