"""Residual networks, as drawn in the papers.

Kaiming He et al., "Deep Residual Learning for Image Recognition", 2015
(https://arxiv.org/abs/1512.03385). Two later papers change the widths of the bottleneck only:
ResNeXt (Saining Xie et al., 2016, https://arxiv.org/abs/1611.05431) splits its 3x3 convolution into
groups, Wide ResNet (Sergey Zagoruyko and Nikos Komodakis, 2016, https://arxiv.org/abs/1605.07146)
widens it.

The form for ImageNet (7x7 stem with stride 2, max-pool) has torchvision's names and parameters;
the one for 32x32 images is in `minitorch_cnn.models.cifar`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..tensor import Tensor
from ._api import build, register_model, require
from .weights import (
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
    ResNeXt50_32X4D_Weights,
    Wide_ResNet50_2_Weights,
)


def conv3x3(
    in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A 3x3 convolution without bias, whose padding keeps the resolution (if stride is 1).

    >>> import minitorch_cnn as mt
    >>> conv3x3(2, 4, stride=2)(mt.zeros(1, 2, 8, 8)).shape
    minitorch_cnn.Size([1, 4, 4, 4])
    """
    return nn.Conv2d(
        in_planes,
        out_planes,
        3,
        stride=stride,
        padding=dilation,
        dilation=dilation,
        groups=groups,
        bias=False,
    )


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution without bias: a linear layer at each pixel.

    >>> conv1x1(2, 4)
    Conv2d(2, 4, kernel_size=(1, 1), stride=(1, 1), bias=False)
    """
    return nn.Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (figure 2 of the paper).

        x --> conv 3x3 --> bn --> relu --> conv 3x3 --> bn --(+)--> relu --> y
          \\_________________ shortcut ____________________/

    The shortcut is x itself, or, where the shape changes, a 1x1 convolution of it (`downsample`).
    Input (N, inplanes, H, W), output (N, planes, H / stride, W / stride).
    Raises ValueError for groups or base_width of a `Bottleneck`, NotImplementedError for dilation.

    >>> import minitorch_cnn as mt
    >>> BasicBlock(4, 4)(mt.zeros(2, 4, 8, 8)).shape
    minitorch_cnn.Size([2, 4, 8, 8])
    """

    expansion = 1  # channels of the output, as a multiple of planes

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError(
                "BasicBlock only supports groups=1 and base_width=64, got "
                f"groups={groups} and base_width={base_width}"
            )
        if dilation > 1:
            raise NotImplementedError(f"BasicBlock with dilation={dilation}; 1 is supported")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + shortcut)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, which make its input narrow and its output wide again.

        x --> conv 1x1 --> bn, relu --> conv 3x3 --> bn, relu --> conv 1x1 --> bn --(+)--> relu
          \\_____________________________ shortcut _______________________________/
        4 planes        planes                   planes                 4 planes

    (Figure 5 of the paper.) The stride is in the 3x3 convolution, where the paper had it in the
    first 1x1; this form, "ResNet v1.5", loses less of the image.

    base_width / 64 * groups widens the middle: 64 channels become 32 groups of 4 in ResNeXt-50
    32x4d, and 128 in Wide ResNet-50-2.
    Input (N, inplanes, H, W), output (N, 4 planes, H / stride, W / stride).

    >>> import minitorch_cnn as mt
    >>> Bottleneck(16, 4)(mt.zeros(2, 16, 8, 8)).shape
    minitorch_cnn.Size([2, 16, 8, 8])
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + shortcut)


Block = type[BasicBlock] | type[Bottleneck]


def make_stage(
    block: Block,
    inplanes: int,
    planes: int,
    blocks: int,
    stride: int = 1,
    dilations: Sequence[int] = (1, 1),
    groups: int = 1,
    base_width: int = 64,
    norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d,
) -> nn.Sequential:
    """`blocks` blocks; the first one changes the width and the resolution.

    dilations: of the first block, and of all others. groups, base_width: see `Bottleneck`.
    (N, inplanes, H, W) -> (N, planes * block.expansion, H / stride, W / stride).

    >>> import minitorch_cnn as mt
    >>> make_stage(Bottleneck, 4, 2, blocks=3, stride=2)(mt.zeros(1, 4, 8, 8)).shape
    minitorch_cnn.Size([1, 8, 4, 4])
    """
    outplanes = planes * block.expansion
    downsample = None
    if stride != 1 or inplanes != outplanes:
        downsample = nn.Sequential(conv1x1(inplanes, outplanes, stride), norm_layer(outplanes))
    make = partial(block, groups=groups, base_width=base_width, norm_layer=norm_layer)
    layers = [make(inplanes, planes, stride, downsample, dilation=dilations[0])]
    for _ in range(1, blocks):
        layers.append(make(outplanes, planes, dilation=dilations[1]))
    return nn.Sequential(*layers)


def init_weights(model: nn.Module) -> None:
    """He initialisation: normal with variance 2 / (K KH KW) keeps the size of the gradients.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> layer = nn.Conv2d(8, 50, 2)
    >>> init_weights(layer)
    >>> round(layer.weight.std().item(), 2)  # sqrt(2 / (50 * 2 * 2)) = 0.1
    0.1
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """The network for ImageNet: a stem that divides the resolution by 4, and four stages.

        block                         BasicBlock or Bottleneck
        layers                        blocks in each stage, [2, 2, 2, 2] for ResNet-18
        zero_init_residual            each block starts as the identity: its last batch norm gives 0
        groups, width_per_group       see `Bottleneck`
        replace_stride_with_dilation  three bools, for stages 2 to 4: keep the resolution and spread
                                      the following 3x3 kernels out instead
        norm_layer                    makes a normalisation for so many channels

    Input (N, 3, H, W), usually 224x224; output (N, num_classes) scores. Raises ValueError if
    replace_stride_with_dilation has not three elements.

        224x224 -conv 7x7 / 2-> 112x112 -pool-> 56x56 -layer1-> 56x56 -layer2-> 28x28
                -layer3-> 14x14 -layer4-> 7x7 -average-> 1x1 -fc-> num_classes

    >>> import minitorch_cnn as mt
    >>> ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5)(mt.zeros(2, 3, 64, 64)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        block: Block,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        if replace_stride_with_dilation is None:
            replace_stride_with_dilation = (False, False, False)
        if len(replace_stride_with_dilation) != 3:
            raise ValueError(
                "replace_stride_with_dilation should be None or a 3-element tuple, got "
                f"{replace_stride_with_dilation}"
            )
        # What a stage does not lose in resolution, the kernels after its first block gain in reach.
        strides, dilations = [1], [1, 1]
        for replaced in replace_stride_with_dilation:
            strides.append(1 if replaced else 2)
            dilations.append(dilations[-1] * (2 if replaced else 1))

        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stage = partial(
            make_stage, block, groups=groups, base_width=width_per_group, norm_layer=norm_layer
        )
        e = block.expansion
        self.layer1 = stage(64, 64, layers[0], strides[0], dilations[0:2])
        self.layer2 = stage(64 * e, 128, layers[1], strides[1], dilations[1:3])
        self.layer3 = stage(128 * e, 256, layers[2], strides[2], dilations[2:4])
        self.layer4 = stage(256 * e, 512, layers[3], strides[3], dilations[3:5])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * e, num_classes)

        init_weights(self)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, Bottleneck):
                    nn.init.zeros_(module.get_parameter("bn3.weight"))
                elif isinstance(module, BasicBlock):
                    nn.init.zeros_(module.get_parameter("bn2.weight"))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _resnet(block: Block, layers: list[int], weights: Any, progress: bool, **kwargs: Any) -> ResNet:
    return build(ResNet, weights, progress, block=block, layers=layers, **kwargs)


@register_model(ResNet18_Weights)
def resnet18(
    *, weights: ResNet18_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-18: 11.7 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (He et al., 2015).
    """
    return _resnet(BasicBlock, [2, 2, 2, 2], weights, progress, **kwargs)


@register_model(ResNet34_Weights)
def resnet34(
    *, weights: ResNet34_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-34: 21.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (He et al., 2015).
    """
    return _resnet(BasicBlock, [3, 4, 6, 3], weights, progress, **kwargs)


@register_model(ResNet50_Weights)
def resnet50(
    *, weights: ResNet50_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-50, the first with bottlenecks: 25.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (He et al., 2015).
    """
    return _resnet(Bottleneck, [3, 4, 6, 3], weights, progress, **kwargs)


@register_model(ResNet101_Weights)
def resnet101(
    *, weights: ResNet101_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-101: 44.5 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (He et al., 2015).
    """
    return _resnet(Bottleneck, [3, 4, 23, 3], weights, progress, **kwargs)


@register_model(ResNet152_Weights)
def resnet152(
    *, weights: ResNet152_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNet-152: 60.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (He et al., 2015).
    """
    return _resnet(Bottleneck, [3, 8, 36, 3], weights, progress, **kwargs)


@register_model(ResNeXt50_32X4D_Weights)
def resnext50_32x4d(
    *, weights: ResNeXt50_32X4D_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """ResNeXt-50 with 32 groups, 4 channels wide in the first stage: 25.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (Xie et al., 2016).
    """
    require(kwargs, "groups", 32)
    require(kwargs, "width_per_group", 4)
    return _resnet(Bottleneck, [3, 4, 6, 3], weights, progress, **kwargs)


@register_model(Wide_ResNet50_2_Weights)
def wide_resnet50_2(
    *, weights: Wide_ResNet50_2_Weights | None = None, progress: bool = True, **kwargs: Any
) -> ResNet:
    """Wide ResNet-50-2, whose 3x3 convolutions are twice as wide: 68.9 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ResNet` (Zagoruyko and Komodakis, 2016).
    """
    require(kwargs, "width_per_group", 128)
    return _resnet(Bottleneck, [3, 4, 6, 3], weights, progress, **kwargs)
