"""MobileNetV2: a network for telephones, of depthwise convolutions between thin layers.

Mark Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018
(https://arxiv.org/abs/1801.04381).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..nn import functional as F
from ..tensor import Tensor
from ..vision_ops import Conv2dNormActivation
from ._api import build, register_model
from ._utils import _make_divisible
from .weights import MobileNet_V2_Weights

NormLayer = Callable[..., nn.Module]


class InvertedResidual(nn.Module):
    """A bottleneck turned inside out: thin at its ends, wide in the middle (figure 4d).

        x --> conv 1x1 --> relu6 --> depthwise conv 3x3 --> relu6 --> conv 1x1 --(+)--> y
          \\_______________ shortcut, where the shape stays ______________________/
        inp           t inp                          t inp                 oup

    t is expand_ratio. A depthwise convolution looks at each channel alone, so its width is cheap;
    the ends have no ReLU, which would lose information in so few channels.
    Input (N, inp, H, W), output (N, oup, H / stride, W / stride). Raises ValueError for a stride
    other than 1 and 2.

    >>> import minitorch_cnn as mt
    >>> InvertedResidual(4, 6, stride=2, expand_ratio=3)(mt.zeros(2, 4, 8, 8)).shape
    minitorch_cnn.Size([2, 6, 4, 4])
    """

    def __init__(
        self,
        inp: int,
        oup: int,
        stride: int,
        expand_ratio: float,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(conv(inp, hidden, 1))
        layers += [
            conv(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, oup, 1, bias=False),
            norm_layer(oup),
        ]
        self.conv = nn.Sequential(*layers)
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.out_channels = oup

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


# Table 2 of the paper: expansion t, channels c, repetitions n, stride s of the first of them.
SETTING = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
]


class MobileNetV2(nn.Module):
    """A stem, the inverted residuals of a table, a wide 1x1 convolution and a linear layer.

        width_mult                 multiplies all widths, round_nearest rounds them
        inverted_residual_setting  another table than `SETTING`
        block, norm_layer          instead of `InvertedResidual` and BatchNorm2d

    Input (N, 3, H, W), usually 224x224; output (N, num_classes) scores. Raises ValueError for a
    table without rows of four.

    >>> import minitorch_cnn as mt
    >>> MobileNetV2(num_classes=5, width_mult=0.25)(mt.zeros(2, 3, 64, 64)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: NormLayer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block = block or InvertedResidual
        norm_layer = norm_layer or nn.BatchNorm2d
        setting = SETTING if inverted_residual_setting is None else inverted_residual_setting
        if len(setting) == 0 or any(len(row) != 4 for row in setting):
            raise ValueError(
                "inverted_residual_setting should be non-empty or a 4-element list, got "
                f"{inverted_residual_setting}"
            )

        width = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        layers: list[nn.Module] = [conv(3, width, 3, stride=2)]
        for t, c, n, s in setting:
            out_width = _make_divisible(c * width_mult, round_nearest)
            for stride in [s] + [1] * (n - 1):
                layers.append(
                    block(width, out_width, stride, expand_ratio=t, norm_layer=norm_layer)
                )
                width = out_width
        layers.append(conv(width, self.last_channel, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes)
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(x.flatten(1))


@register_model(MobileNet_V2_Weights)
def mobilenet_v2(
    *, weights: MobileNet_V2_Weights | None = None, progress: bool = True, **kwargs: Any
) -> MobileNetV2:
    """MobileNetV2: 3.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MobileNetV2` (Sandler et al., 2018).
    """
    return build(MobileNetV2, weights, progress, **kwargs)
