"""MNASNet: MobileNetV2's blocks, of which a search measured the time on a telephone.

Mingxing Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", 2018
(https://arxiv.org/abs/1807.11626).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from .. import nn
from ..tensor import Tensor
from . import weights_mobile as published
from ._api import build, register_model
from ._utils import _make_divisible

# torch's share of the old averages in TensorFlow's words: 0.9997 of them is kept.
MOMENTUM = 1 - 0.9997


class _InvertedResidual(nn.Module):
    def __init__(
        self,
        in_ch: int,
        out_ch: int,
        kernel_size: int,
        stride: int,
        expansion_factor: int,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size should be 3 or 5 instead of {kernel_size}")
        wide = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, wide, 1, bias=False),
            nn.BatchNorm2d(wide, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, kernel_size, stride, kernel_size // 2, groups=wide, bias=False),
            nn.BatchNorm2d(wide, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, out_ch, 1, bias=False),
            nn.BatchNorm2d(out_ch, momentum=bn_momentum),
        )

    def forward(self, input: Tensor) -> Tensor:
        result = self.layers(input)
        return result + input if self.apply_residual else result


# Figure 7 of the paper: width, kernel, stride, expansion and repetitions of the six stages.
STAGES = [
    (24, 3, 2, 3, 3),
    (40, 5, 2, 3, 3),
    (80, 5, 2, 6, 3),
    (96, 3, 1, 6, 2),
    (192, 5, 2, 6, 4),
    (320, 3, 1, 6, 1),
]


class MNASNet(nn.Module):
    """A stem, six stages, a 1x1 convolution and a linear layer; alpha multiplies the widths.

    Input (N, 3, H, W), usually 224x224; output (N, num_classes) scores. Raises ValueError for an
    alpha that is not positive.

    >>> import minitorch_cnn as mt
    >>> MNASNet(0.25, num_classes=5)(mt.zeros(2, 3, 64, 64)).shape
    minitorch_cnn.Size([2, 5])
    """

    _version = 2

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        first, width = (_make_divisible(each * alpha, 8) for each in (32, 16))
        layers: list[nn.Module] = [
            nn.Conv2d(3, first, 3, padding=1, stride=2, bias=False),
            nn.BatchNorm2d(first, momentum=MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, first, 3, padding=1, stride=1, groups=first, bias=False),
            nn.BatchNorm2d(first, momentum=MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, width, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(width, momentum=MOMENTUM),
        ]
        for out, kernel, stride, expansion, repeats in STAGES:
            out = _make_divisible(out * alpha, 8)
            stage = []
            for each in [stride] + [1] * (repeats - 1):
                stage.append(_InvertedResidual(width, out, kernel, each, expansion, MOMENTUM))
                width = out
            layers.append(nn.Sequential(*stage))
        layers += [
            nn.Conv2d(width, 1280, 1, padding=0, stride=1, bias=False),
            nn.BatchNorm2d(1280, momentum=MOMENTUM),
            nn.ReLU(inplace=True),
        ]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout, inplace=True), nn.Linear(1280, num_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.layers(x).mean([2, 3]))


def _mnasnet(alpha: float, weights: Any, progress: bool, kwargs: dict[str, Any]) -> MNASNet:
    return build(partial(MNASNet, alpha), weights, progress, **kwargs)


@register_model(published.MNASNet0_5_Weights)
def mnasnet0_5(
    *,
    weights: published.MNASNet0_5_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> MNASNet:
    """MNASNet, 0.5 times as wide: 2.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MNASNet` (Tan et al., 2018).
    """
    return _mnasnet(0.5, weights, progress, kwargs)


@register_model(published.MNASNet0_75_Weights)
def mnasnet0_75(
    *,
    weights: published.MNASNet0_75_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> MNASNet:
    """MNASNet, 0.75 times as wide: 3.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MNASNet` (Tan et al., 2018).
    """
    return _mnasnet(0.75, weights, progress, kwargs)


@register_model(published.MNASNet1_0_Weights)
def mnasnet1_0(
    *,
    weights: published.MNASNet1_0_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> MNASNet:
    """MNASNet, 1.0 times as wide: 4.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MNASNet` (Tan et al., 2018).
    """
    return _mnasnet(1.0, weights, progress, kwargs)


@register_model(published.MNASNet1_3_Weights)
def mnasnet1_3(
    *,
    weights: published.MNASNet1_3_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> MNASNet:
    """MNASNet, 1.3 times as wide: 6.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MNASNet` (Tan et al., 2018).
    """
    return _mnasnet(1.3, weights, progress, kwargs)
