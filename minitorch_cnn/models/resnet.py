"""Residual networks, as drawn in the paper.

Kaiming He et al., "Deep Residual Learning for Image Recognition", 2015
(https://arxiv.org/abs/1512.03385). The form for ImageNet (7x7 stem with stride 2, max-pool) has
torchvision's names and parameters; the one for 32x32 images is in `minitorch_cnn.models.cifar`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn
from ..tensor import Tensor


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (figure 2 of the paper).

        x --> conv 3x3 --> bn --> relu --> conv 3x3 --> bn --(+)--> relu --> y
          \\_________________ shortcut ____________________/

    The shortcut is x itself, or, where the shape changes, a 1x1 convolution of it (`downsample`).
    Input (N, inplanes, H, W), output (N, planes, H / stride, W / stride).
    """

    def __init__(
        self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + shortcut)


def make_stage(inplanes: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    """`blocks` basic blocks; the first one changes the width and the resolution."""
    downsample = None
    if stride != 1 or inplanes != planes:
        downsample = nn.Sequential(
            nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
        )
    first = BasicBlock(inplanes, planes, stride, downsample)
    return nn.Sequential(first, *(BasicBlock(planes, planes) for _ in range(blocks - 1)))


def init_weights(model: nn.Module) -> None:
    """He initialisation: normal with variance 2 / (K KH KW) keeps the size of the gradients."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """The network for ImageNet: a stem that divides the resolution by 4, and four stages.

    layers: the number of blocks in each stage, [2, 2, 2, 2] for ResNet-18.
    Input (N, 3, H, W), usually 224x224; output (N, num_classes) scores.
    """

    def __init__(
        self, block: type[BasicBlock], layers: Sequence[int], num_classes: int = 1000
    ) -> None:
        super().__init__()
        if block is not BasicBlock:
            raise NotImplementedError(f"ResNet is built of BasicBlock only, got {block!r}")
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = make_stage(64, 64, layers[0], stride=1)
        self.layer2 = make_stage(64, 128, layers[1], stride=2)
        self.layer3 = make_stage(128, 256, layers[2], stride=2)
        self.layer4 = make_stage(256, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(num_classes: int = 1000) -> ResNet:
    """ResNet-18 for ImageNet: 11.7 million parameters."""
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes)


def resnet34(num_classes: int = 1000) -> ResNet:
    """ResNet-34 for ImageNet: 21.8 million parameters."""
    return ResNet(BasicBlock, [3, 4, 6, 3], num_classes)
