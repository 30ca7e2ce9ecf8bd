"""GoogLeNet (Inception v1): filters of several sizes side by side, and classifiers on the way.

Christian Szegedy et al., "Going Deeper with Convolutions", 2014 (https://arxiv.org/abs/1409.4842).
As in torchvision, batch normalisation follows each convolution, and the "5x5" filters are 3x3: the
published weights were trained so.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..nn import functional as F
from ..ops import cat
from ..tensor import Tensor
from ._api import WeightsFile, build, register_model, require
from .weights import IMAGENET_MEAN, IMAGENET_STD, GoogLeNet_Weights

# What the network returns in training mode: each field holds scores (N, num_classes).
GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])

Make = Callable[..., nn.Module]  # makes a layer


class BasicConv2d(nn.Module):
    """A convolution without bias, batch normalisation and ReLU; kwargs are Conv2d's.

    (N, in_channels, H, W) -> (N, out_channels, OH, OW).

    >>> import minitorch_cnn as mt
    >>> BasicConv2d(3, 8, kernel_size=3, padding=1)(mt.zeros(2, 3, 5, 5)).shape
    minitorch_cnn.Size([2, 8, 5, 5])
    """

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four ways through the module, put side by side (figure 2b of the paper).

          /--> 1x1 ---------------\\
        x ---> 1x1 --> 3x3 --------(cat)--> y
          \\--> 1x1 --> 3x3 -------/
           \\-> max-pool --> 1x1 -/

    The arguments are the columns of table 1: "red" is the width of the 1x1 convolution that reduces
    the channels before a larger filter. The third way is "5x5" in the paper.
    Input (N, in_channels, H, W), output (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W).
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
        conv_block: Make | None = None,
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            conv(in_channels, ch3x3red, kernel_size=1),
            conv(ch3x3red, ch3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            conv(in_channels, ch5x5red, kernel_size=1),
            conv(ch5x5red, ch5x5, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
            conv(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A small classifier in the middle of the network, used in training only (section 5).

    Its loss, weighted with 0.3, is added to that of the last layer: gradients reach the lower half
    by a shorter way. Input (N, in_channels, H, W), output (N, num_classes).

    >>> import minitorch_cnn as mt
    >>> InceptionAux(8, num_classes=5)(mt.zeros(2, 8, 14, 14)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        conv_block: Make | None = None,
        dropout: float = 0.7,
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv = conv(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4)))
        x = F.relu(self.fc1(x.flatten(1)), inplace=True)
        return self.fc2(self.dropout(x))


class GoogLeNet(nn.Module):
    """Nine inception modules (figure 3 of the paper).

        aux_logits       have auxiliary classifiers; in training mode the network then returns
                         GoogLeNetOutputs(logits, aux_logits2, aux_logits1)
        transform_input  images come normalised for torchvision's other models: bring them to the
                         range -1..1 of the published weights
        init_weights     False leaves the values that the layers give themselves; None means True
        blocks           classes to use instead of (BasicConv2d, Inception, InceptionAux)
        dropout          before the last layer; dropout_aux in the auxiliary classifiers

    Input (N, 3, H, W), at least 15x15, usually 224x224; output (N, num_classes) scores. Raises
    ValueError if blocks are not three.

    >>> import minitorch_cnn as mt
    >>> outputs = GoogLeNet(num_classes=5)(mt.zeros(2, 3, 64, 64))
    >>> outputs.logits.shape, outputs.aux_logits1.shape
    (minitorch_cnn.Size([2, 5]), minitorch_cnn.Size([2, 5]))
    """

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool | None = None,
        blocks: Sequence[Make] | None = None,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
    ) -> None:
        super().__init__()
        if blocks is None:
            blocks = (BasicConv2d, Inception, InceptionAux)
        if len(blocks) != 3:
            raise ValueError(f"blocks length should be 3 instead of {len(blocks)}")
        conv, inception, aux = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input

        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)  # 112x112
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # 56x56
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # 28x28

        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # 14x14

        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)  # 7x7

        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)

        self.aux1 = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None

        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)

        if init_weights is None or init_weights:
            for module in self.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    nn.init.trunc_normal_(module.weight, mean=0.0, std=0.01, a=-2, b=2)

    def forward(self, x: Tensor) -> Any:
        if self.transform_input:
            x = to_plus_minus_one(x)
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4a(x)
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.maxpool4(self.inception4e(x))
        x = self.inception5b(self.inception5a(x))
        x = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.aux_logits:
            return GoogLeNetOutputs(x, aux2, aux1)
        return x


def to_plus_minus_one(x: Tensor) -> Tensor:
    """Images (N, 3, H, W) normalised with ImageNet's mean and std, as values of -1..1 instead.

    >>> import minitorch_cnn as mt
    >>> to_plus_minus_one(mt.zeros(1, 3, 1, 1)).flatten()  # the mean colour, (mean - 0.5) / 0.5
    tensor([-0.0300, -0.0880, -0.1880])
    """
    channels = []
    for c, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        # The pixel is x std + mean, and -1..1 is (pixel - 0.5) / 0.5.
        channels.append(x[:, c : c + 1] * (std / 0.5) + (mean - 0.5) / 0.5)
    return cat(channels, 1)


@register_model(GoogLeNet_Weights)
def googlenet(
    *, weights: GoogLeNet_Weights | None = None, progress: bool = True, **kwargs: Any
) -> GoogLeNet:
    """GoogLeNet: 6.6 million parameters, and 6.4 million in the auxiliary classifiers.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `GoogLeNet` (Szegedy et al., 2014).
    With published weights, transform_input is True, and aux_logits=True keeps the auxiliary
    classifiers; they were not trained.
    """
    if weights is None or isinstance(weights, WeightsFile):
        return build(GoogLeNet, weights, progress, **kwargs)
    aux_logits = kwargs.pop("aux_logits", False)
    kwargs.setdefault("transform_input", True)
    require(kwargs, "init_weights", False)
    # The file has values for the auxiliary classifiers, so they must be there to be filled.
    model = build(GoogLeNet, weights, progress, aux_logits=True, **kwargs)
    if not aux_logits:
        model.aux_logits = False
        model.aux1 = None
        model.aux2 = None
    return model
