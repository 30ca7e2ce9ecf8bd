"""MobileNetV3: MobileNetV2's blocks with squeeze-and-excitation, in an order that a search found.

Andrew Howard et al., "Searching for MobileNetV3", 2019 (https://arxiv.org/abs/1905.02244).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..tensor import Tensor
from ..vision_ops import Conv2dNormActivation, SqueezeExcitation as SElayer
from ._api import build, register_model
from ._utils import _make_divisible
from .weights_mobile import MobileNet_V3_Large_Weights, MobileNet_V3_Small_Weights

NormLayer = Callable[..., nn.Module]
SQUEEZE = partial(SElayer, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """A row of the paper's tables 1 and 2, its widths times width_mult.

    activation: "HS" for hardswish, "RE" for ReLU. use_se: with squeeze-and-excitation.

    >>> InvertedResidualConfig(16, 3, 64, 24, False, "RE", 2, 1, width_mult=0.5).out_channels
    16
    """

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """The width, a multiple of 8."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """Wide in the middle, as MobileNetV2's, with squeeze-and-excitation there (figure 4).

    cnf: the settings. (N, input_channels, H, W) -> (N, out_channels, H / stride, W / stride).
    Raises ValueError for a stride other than 1 and 2.

    >>> import minitorch_cnn as mt
    >>> row = InvertedResidualConfig(8, 3, 24, 16, True, "HS", 2, 1, width_mult=1.0)
    >>> InvertedResidual(row, nn.BatchNorm2d)(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 16, 3, 3])
    """

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: NormLayer,
        se_layer: Callable[..., nn.Module] = SQUEEZE,
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"illegal stride value {cnf.stride}")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation)
        wide = cnf.expanded_channels
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(conv(cnf.input_channels, wide, kernel_size=1))
        stride = 1 if cnf.dilation > 1 else cnf.stride
        dilation = cnf.dilation
        layers.append(conv(wide, wide, cnf.kernel, stride, dilation=dilation, groups=wide))
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        layers.append(conv(wide, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        return result + input if self.use_res_connect else result


class MobileNetV3(nn.Module):
    """A stem, the blocks of a table, a wide 1x1 convolution and two linear layers.

        inverted_residual_setting  the rows of the table, `InvertedResidualConfig`
        last_channel               width between the linear layers
        block, norm_layer          instead of `InvertedResidual` and BatchNorm2d

    Input (N, 3, H, W), usually 224x224; output (N, num_classes) scores. Raises ValueError for an
    empty table, TypeError for one of anything else.

    >>> import minitorch_cnn as mt
    >>> rows = [InvertedResidualConfig(8, 3, 16, 8, False, "RE", 2, 1, width_mult=1.0)]
    >>> MobileNetV3(rows, last_channel=16, num_classes=5)(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: NormLayer | None = None,
        dropout: float = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(row, InvertedResidualConfig) for row in inverted_residual_setting):
            raise TypeError(
                "The inverted_residual_setting should be List[InvertedResidualConfig], got "
                f"{inverted_residual_setting}"
            )
        block = block or InvertedResidual
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish)
        width = inverted_residual_setting[0].input_channels
        layers: list[nn.Module] = [conv(3, width, kernel_size=3, stride=2)]
        layers += [block(row, norm_layer) for row in inverted_residual_setting]
        narrow = inverted_residual_setting[-1].out_channels
        layers.append(conv(narrow, 6 * narrow, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * narrow, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.get_parameter("bias"))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


# Tables 1 and 2: input, kernel, expansion, output, squeeze-and-excitation, activation, stride.
LARGE = """
    16 3 16 16 - RE 1
    16 3 64 24 - RE 2
    24 3 72 24 - RE 1
    24 5 72 40 SE RE 2
    40 5 120 40 SE RE 1
    40 5 120 40 SE RE 1
    40 3 240 80 - HS 2
    80 3 200 80 - HS 1
    80 3 184 80 - HS 1
    80 3 184 80 - HS 1
    80 3 480 112 SE HS 1
    112 3 672 112 SE HS 1
    112 5 672 160 SE HS 2
    160 5 960 160 SE HS 1
    160 5 960 160 SE HS 1
"""
SMALL = """
    16 3 16 16 SE RE 2
    16 3 72 24 - RE 2
    24 3 88 24 - RE 1
    24 5 96 40 SE HS 2
    40 5 240 40 SE HS 1
    40 5 240 40 SE HS 1
    40 5 120 48 SE HS 1
    48 5 144 48 SE HS 1
    48 5 288 96 SE HS 2
    96 5 576 96 SE HS 1
    96 5 576 96 SE HS 1
"""


def _rows(
    table: str, width_mult: float, reduced_tail: bool, dilated: bool
) -> list[InvertedResidualConfig]:
    """reduced_tail: the last three blocks half as wide; dilated: without their stride."""
    lines = [line.split() for line in table.strip().splitlines()]
    rows = []
    for number, line in enumerate(lines):
        inp, kernel, wide, out, stride = (int(line[i]) for i in (0, 1, 2, 3, 6))
        tail = number - (len(lines) - 3)  # 0, 1, 2 for the last three
        half = 2 if reduced_tail else 1
        if tail >= 0:
            out //= half
        if tail > 0:
            inp, wide = inp // half, wide // half
        dilation = 2 if dilated and tail >= 0 else 1
        settings = inp, kernel, wide, out, line[4] == "SE", line[5], stride, dilation
        rows.append(InvertedResidualConfig(*settings, width_mult=width_mult))
    return rows


def _mobilenet_v3(
    table: str, last: int, weights: Any, progress: bool, settings: dict[str, Any]
) -> MobileNetV3:
    width_mult = settings.pop("width_mult", 1.0)
    reduced_tail = settings.pop("reduced_tail", False)
    dilated = settings.pop("dilated", False)
    last //= 2 if reduced_tail else 1
    last_channel = InvertedResidualConfig.adjust_channels(last, width_mult)
    rows = _rows(table, width_mult, reduced_tail, dilated)
    network = partial(MobileNetV3, rows, last_channel)
    return build(network, weights, progress, **settings)


@register_model(MobileNet_V3_Large_Weights)
def mobilenet_v3_large(
    *, weights: MobileNet_V3_Large_Weights | None = None, progress: bool = True, **kwargs: Any
) -> MobileNetV3:
    """MobileNetV3-Large: 5.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MobileNetV3` (Howard et al., 2019).
    """
    return _mobilenet_v3(LARGE, 1280, weights, progress, kwargs)


@register_model(MobileNet_V3_Small_Weights)
def mobilenet_v3_small(
    *, weights: MobileNet_V3_Small_Weights | None = None, progress: bool = True, **kwargs: Any
) -> MobileNetV3:
    """MobileNetV3-Small: 2.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `MobileNetV3` (Howard et al., 2019).
    """
    return _mobilenet_v3(SMALL, 1024, weights, progress, kwargs)
