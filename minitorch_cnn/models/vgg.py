"""VGG: nothing but 3x3 convolutions, many of them.

Karen Simonyan and Andrew Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2014 (https://arxiv.org/abs/1409.1556). Two 3x3 convolutions see as much of the image
as one of 5x5, with fewer weights (18 C^2 instead of 25 C^2) and a ReLU more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..tensor import Tensor
from ._api import build, register_model
from .weights import (
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_BN_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_BN_Weights,
    VGG19_Weights,
)

# Columns A, B, D and E of the paper's table 1: the width of each convolution, "M" a max-pooling
# that halves the resolution.
# fmt: off
cfgs: dict[str, list[str | int]] = {
    "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "D": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M",
          512, 512, 512, "M", 512, 512, 512, "M"],
    "E": [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M",
          512, 512, 512, 512, "M", 512, 512, 512, 512, "M"],
}
# fmt: on


def make_layers(cfg: Sequence[str | int], batch_norm: bool = False) -> nn.Sequential:
    """The convolutional part described by a column of the table.

    cfg: the width of each convolution, "M" for a max-pooling. Input (N, 3, H, W).

    >>> import minitorch_cnn as mt
    >>> make_layers([4, "M", 8])(mt.zeros(1, 3, 6, 6)).shape
    minitorch_cnn.Size([1, 8, 3, 3])
    """
    layers: list[nn.Module] = []
    in_channels = 3
    for width in cfg:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2, stride=2))
            continue
        layers.append(nn.Conv2d(in_channels, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        in_channels = width
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Convolutions made by `make_layers`, and three linear layers.

    Input (N, 3, H, W), at least 32x32, usually 224x224; output (N, num_classes) scores.
    init_weights: False leaves the values that the layers give themselves.
    """

    def __init__(
        self,
        features: nn.Module,
        num_classes: int = 1000,
        init_weights: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                    nn.init.zeros_(module.bias)
                elif isinstance(module, nn.Linear):
                    nn.init.normal_(module.weight, 0, 0.01)
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))


def _vgg(column: str, batch_norm: bool, weights: Any, progress: bool, **kwargs: Any) -> VGG:
    if weights is not None:
        kwargs["init_weights"] = False  # they would be overwritten
    features = make_layers(cfgs[column], batch_norm)
    return build(VGG, weights, progress, features=features, **kwargs)


@register_model(VGG11_Weights)
def vgg11(*, weights: VGG11_Weights | None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG-11, column A: 8 convolutions, 3 linear layers, 132.9 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("A", False, weights, progress, **kwargs)


@register_model(VGG11_BN_Weights)
def vgg11_bn(
    *, weights: VGG11_BN_Weights | None = None, progress: bool = True, **kwargs: Any
) -> VGG:
    """VGG-11 with batch normalisation after each convolution.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("A", True, weights, progress, **kwargs)


@register_model(VGG13_Weights)
def vgg13(*, weights: VGG13_Weights | None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG-13, column B: 10 convolutions, 3 linear layers, 133.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("B", False, weights, progress, **kwargs)


@register_model(VGG13_BN_Weights)
def vgg13_bn(
    *, weights: VGG13_BN_Weights | None = None, progress: bool = True, **kwargs: Any
) -> VGG:
    """VGG-13 with batch normalisation after each convolution.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("B", True, weights, progress, **kwargs)


@register_model(VGG16_Weights)
def vgg16(*, weights: VGG16_Weights | None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG-16, column D: 13 convolutions, 3 linear layers, 138.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("D", False, weights, progress, **kwargs)


@register_model(VGG16_BN_Weights)
def vgg16_bn(
    *, weights: VGG16_BN_Weights | None = None, progress: bool = True, **kwargs: Any
) -> VGG:
    """VGG-16 with batch normalisation after each convolution.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("D", True, weights, progress, **kwargs)


@register_model(VGG19_Weights)
def vgg19(*, weights: VGG19_Weights | None = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG-19, column E: 16 convolutions, 3 linear layers, 143.7 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("E", False, weights, progress, **kwargs)


@register_model(VGG19_BN_Weights)
def vgg19_bn(
    *, weights: VGG19_BN_Weights | None = None, progress: bool = True, **kwargs: Any
) -> VGG:
    """VGG-19 with batch normalisation after each convolution.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `VGG` (Simonyan and Zisserman, 2014).
    """
    return _vgg("E", True, weights, progress, **kwargs)
