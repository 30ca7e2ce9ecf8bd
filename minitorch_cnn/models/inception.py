"""Inception v3: large filters taken apart into small ones.

Christian Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015
(https://arxiv.org/abs/1512.00567). A 5x5 filter becomes two of 3x3, and one of 7x7 a 1x7 followed
by a 7x1. The drawings below have the names of figures 5 to 7 and 10; all ways end in one
concatenation over channels.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from .. import nn
from ..nn import functional as F
from ..ops import cat
from ..tensor import Tensor
from ._api import WeightsFile, build, register_model, require
from .googlenet import BasicConv2d, Make, to_plus_minus_one
from .weights import Inception_V3_Weights

# What the network returns in training mode: both fields hold scores (N, num_classes).
InceptionOutputs = namedtuple("InceptionOutputs", ["logits", "aux_logits"])


class InceptionA(nn.Module):
    """For 35x35: the 5x5 filters of one way are two 3x3 in another (figure 5).

        1x1 | 1x1 - 5x5 | 1x1 - 3x3 - 3x3 | average - 1x1

    Input (N, in_channels, H, W), output (N, 224 + pool_features, H, W).

    >>> import minitorch_cnn as mt
    >>> InceptionA(8, pool_features=32)(mt.zeros(2, 8, 6, 6)).shape
    minitorch_cnn.Size([2, 256, 6, 6])
    """

    def __init__(
        self, in_channels: int, pool_features: int, conv_block: Make | None = None
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)

        self.branch5x5_1 = conv(in_channels, 48, kernel_size=1)
        self.branch5x5_2 = conv(48, 64, kernel_size=5, padding=2)

        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, padding=1)

        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return cat([self.branch1x1(x), branch5x5, branch3x3dbl, branch_pool], 1)


class InceptionB(nn.Module):
    """From 35x35 to 17x17: two ways with stride 2 beside a pooling (figure 10).

        3x3 / 2 | 1x1 - 3x3 - 3x3 / 2 | max-pool / 2

    Input (N, in_channels, H, W), output (N, 480 + in_channels, (H - 1) // 2, (W - 1) // 2).

    >>> import minitorch_cnn as mt
    >>> InceptionB(8)(mt.zeros(2, 8, 7, 7)).shape
    minitorch_cnn.Size([2, 488, 3, 3])
    """

    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, kernel_size=3, stride=2)

        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return cat([self.branch3x3(x), branch3x3dbl, F.max_pool2d(x, 3, stride=2)], 1)


class InceptionC(nn.Module):
    """For 17x17: 7x7 filters as pairs of 1x7 and 7x1 (figure 6).

        1x1 | 1x1 - 1x7 - 7x1 | 1x1 - 7x1 - 1x7 - 7x1 - 1x7 | average - 1x1

    channels_7x7: the width inside. Input (N, in_channels, H, W), output (N, 768, H, W).

    >>> import minitorch_cnn as mt
    >>> InceptionC(8, channels_7x7=4)(mt.zeros(2, 8, 5, 5)).shape
    minitorch_cnn.Size([2, 768, 5, 5])
    """

    def __init__(self, in_channels: int, channels_7x7: int, conv_block: Make | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        c7 = channels_7x7
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)

        self.branch7x7_1 = conv(in_channels, c7, kernel_size=1)
        self.branch7x7_2 = conv(c7, c7, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7_3 = conv(c7, 192, kernel_size=(7, 1), padding=(3, 0))

        self.branch7x7dbl_1 = conv(in_channels, c7, kernel_size=1)
        self.branch7x7dbl_2 = conv(c7, c7, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = conv(c7, c7, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = conv(c7, c7, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = conv(c7, 192, kernel_size=(1, 7), padding=(0, 3))

        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        branch7x7dbl = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        branch7x7dbl = self.branch7x7dbl_5(self.branch7x7dbl_4(branch7x7dbl))
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return cat([self.branch1x1(x), branch7x7, branch7x7dbl, branch_pool], 1)


class InceptionD(nn.Module):
    """From 17x17 to 8x8, as `InceptionB`.

        1x1 - 3x3 / 2 | 1x1 - 1x7 - 7x1 - 3x3 / 2 | max-pool / 2

    Input (N, in_channels, H, W), output (N, 512 + in_channels, (H - 1) // 2, (W - 1) // 2).

    >>> import minitorch_cnn as mt
    >>> InceptionD(8)(mt.zeros(2, 8, 5, 5)).shape
    minitorch_cnn.Size([2, 520, 2, 2])
    """

    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch3x3_2 = conv(192, 320, kernel_size=3, stride=2)

        self.branch7x7x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7x3_2 = conv(192, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = conv(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = conv(192, 192, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7x3 = self.branch7x7x3_2(self.branch7x7x3_1(x))
        branch7x7x3 = self.branch7x7x3_4(self.branch7x7x3_3(branch7x7x3))
        return cat([branch3x3, branch7x7x3, F.max_pool2d(x, 3, stride=2)], 1)


class InceptionE(nn.Module):
    """For 8x8: 1x3 and 3x1 filters side by side, for many features (figure 7).

        1x1 | 1x1 - (1x3, 3x1) | 1x1 - 3x3 - (1x3, 3x1) | average - 1x1

    Input (N, in_channels, H, W), output (N, 2048, H, W).

    >>> import minitorch_cnn as mt
    >>> InceptionE(8)(mt.zeros(2, 8, 2, 2)).shape
    minitorch_cnn.Size([2, 2048, 2, 2])
    """

    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)

        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a = conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3_2b = conv(384, 384, kernel_size=(3, 1), padding=(1, 0))

        self.branch3x3dbl_1 = conv(in_channels, 448, kernel_size=1)
        self.branch3x3dbl_2 = conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = conv(384, 384, kernel_size=(3, 1), padding=(1, 0))

        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.branch3x3_1(x)
        branch3x3 = cat([self.branch3x3_2a(narrow), self.branch3x3_2b(narrow)], 1)
        narrow = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branch3x3dbl = cat([self.branch3x3dbl_3a(narrow), self.branch3x3dbl_3b(narrow)], 1)
        branch_pool = self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1))
        return cat([self.branch1x1(x), branch3x3, branch3x3dbl, branch_pool], 1)


class InceptionAux(nn.Module):
    """The auxiliary classifier, used in training only (figure 8).

    Input (N, in_channels, 17, 17), or larger; output (N, num_classes).

    >>> import minitorch_cnn as mt
    >>> InceptionAux(8, num_classes=5)(mt.zeros(2, 8, 17, 17)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(self, in_channels: int, num_classes: int, conv_block: Make | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.fc = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 5, stride=3)  # 5x5
        x = self.conv1(self.conv0(x))  # 1x1
        return self.fc(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


BLOCKS = (BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux)


class Inception3(nn.Module):
    """A stem of convolutions and eleven inception modules (table 1 of the paper).

        aux_logits        have an auxiliary classifier; in training mode the network then returns
                          InceptionOutputs(logits, aux_logits) and needs images of 289x289 or more
        transform_input   images come normalised for torchvision's other models: bring them to the
                          range -1..1 of the published weights
        inception_blocks  classes to use instead of `BLOCKS`
        init_weights      False leaves the values that the layers give themselves; None means True

    Input (N, 3, H, W), at least 75x75, usually 299x299; output (N, num_classes) scores. Raises
    ValueError if inception_blocks are not seven.

    >>> import minitorch_cnn as mt
    >>> net = Inception3(num_classes=5, aux_logits=False, init_weights=False)
    >>> net(mt.zeros(2, 3, 75, 75)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        inception_blocks: Sequence[Make] | None = None,
        init_weights: bool | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        blocks: Sequence[Make] = BLOCKS if inception_blocks is None else inception_blocks
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, block_a, block_b, block_c, block_d, block_e, aux = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input

        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)  # 149x149
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)  # 147x147
        self.maxpool1 = nn.MaxPool2d(3, stride=2)  # 73x73
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)  # 71x71
        self.maxpool2 = nn.MaxPool2d(3, stride=2)  # 35x35
        self.Mixed_5b = block_a(192, pool_features=32)
        self.Mixed_5c = block_a(256, pool_features=64)
        self.Mixed_5d = block_a(288, pool_features=64)
        self.Mixed_6a = block_b(288)  # 17x17
        self.Mixed_6b = block_c(768, channels_7x7=128)
        self.Mixed_6c = block_c(768, channels_7x7=160)
        self.Mixed_6d = block_c(768, channels_7x7=160)
        self.Mixed_6e = block_c(768, channels_7x7=192)
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = block_d(768)  # 8x8
        self.Mixed_7b = block_e(1280)
        self.Mixed_7c = block_e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)

        if init_weights is None or init_weights:
            for name, module in self.named_modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    std = 0.001 if name == "AuxLogits.fc" else 0.1
                    nn.init.trunc_normal_(module.weight, mean=0.0, std=std, a=-2, b=2)

    def forward(self, x: Tensor) -> Any:
        if self.transform_input:
            x = to_plus_minus_one(x)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.maxpool1(x)
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6a(x)
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        aux = self.AuxLogits(x) if self.training and self.AuxLogits is not None else None
        x = self.Mixed_7a(x)
        x = self.Mixed_7c(self.Mixed_7b(x))
        x = self.fc(self.dropout(self.avgpool(x)).flatten(1))
        if self.training and self.aux_logits:
            return InceptionOutputs(x, aux)
        return x


@register_model(Inception_V3_Weights)
def inception_v3(
    *, weights: Inception_V3_Weights | None = None, progress: bool = True, **kwargs: Any
) -> Inception3:
    """Inception v3: 23.8 million parameters, and 3.3 million in the auxiliary classifier.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `Inception3` (Szegedy et al., 2015).
    With published weights, transform_input is True, and aux_logits=False removes the auxiliary
    classifier.
    """
    if weights is None or isinstance(weights, WeightsFile):
        return build(Inception3, weights, progress, **kwargs)
    aux_logits = kwargs.pop("aux_logits", True)
    kwargs.setdefault("transform_input", True)
    require(kwargs, "init_weights", False)
    # The file has values for the auxiliary classifier, so it must be there to be filled.
    model = build(Inception3, weights, progress, aux_logits=True, **kwargs)
    if not aux_logits:
        model.aux_logits = False
        model.AuxLogits = None
    return model
