"""The forms of AlexNet and ResNet for 32x32 images such as CIFAR-10's.

ImageNet's networks reduce the resolution by 4 before the first residual block, which would leave
8x8 of a 32x32 image. These keep it: a 3x3 stem with stride 1, and no max-pool after it.

In `models.get_model` and `models.list_models` their names begin with "cifar_".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .. import nn
from ..tensor import Tensor
from ._api import build, register_model
from .packaged import Cifar_ResNet20_Weights
from .resnet import BasicBlock, init_weights, make_stage


class CifarResNet(nn.Module):
    """A 3x3 stem, stages of basic blocks, global average pooling and a linear layer.

    layers: blocks in each stage; widths: channels of each stage. Every stage after the first
    halves the resolution. Input (N, in_channels, 32, 32), output (N, num_classes) scores.

    >>> import minitorch_cnn as mt
    >>> resnet20()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(
        self,
        layers: Sequence[int],
        widths: Sequence[int],
        num_classes: int = 10,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        inplanes = widths[0]
        self.stages = len(layers)
        for number, (blocks, planes) in enumerate(zip(layers, widths, strict=True), start=1):
            stride = 1 if number == 1 else 2
            stage = make_stage(BasicBlock, inplanes, planes, blocks, stride)
            self.add_module(f"layer{number}", stage)
            inplanes = planes
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inplanes, num_classes)
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        for number in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return self.fc(self.avgpool(x).flatten(1))


class CifarAlexNet(nn.Module):
    """AlexNet's five convolutions (64-192-384-256-256) and three linear layers, for 32x32 images.

    Alex Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks",
    2012; widths as in Krizhevsky's "One weird trick", 2014, which torchvision follows. The
    kernels are 3x3 and the strides 1, since the images are 7 times smaller. The poolings lead from
    32x32 over 16x16 and 8x8 to 3x3, so the linear part reads 256 * 3 * 3 = 2304 numbers.

    >>> import minitorch_cnn as mt
    >>> alexnet()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 3, padding=1),  # 32x32
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 192, 3, padding=1),  # 16x16
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(192, 384, 3, padding=1),  # 8x8
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # 3x3
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(256 * 3 * 3, 1024),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(1024, 512),
            nn.ReLU(inplace=True),
            nn.Linear(512, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


@register_model(name="cifar_alexnet")
def alexnet(num_classes: int = 10, in_channels: int = 3, dropout: float = 0.5) -> CifarAlexNet:
    """AlexNet for 32x32 images.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarAlexNet`.
    """
    return CifarAlexNet(num_classes, in_channels, dropout)


@register_model(name="cifar_resnet18")
def resnet18(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-18 for 32x32 images: 11.2 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([2, 2, 2, 2], [64, 128, 256, 512], num_classes, in_channels)


@register_model(name="cifar_resnet34")
def resnet34(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-34 for 32x32 images: 21.3 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([3, 4, 6, 3], [64, 128, 256, 512], num_classes, in_channels)


@register_model(Cifar_ResNet20_Weights, name="cifar_resnet20")
def resnet20(
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    weights: Cifar_ResNet20_Weights | None = None,
    progress: bool = True,
) -> CifarResNet:
    """ResNet-20 of the paper's section 4.2 (with 1x1 shortcuts): 0.27 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    arguments = dict(num_classes=num_classes, in_channels=in_channels)
    return build(partial(CifarResNet, [3, 3, 3], [16, 32, 64]), weights, progress, **arguments)


@register_model(name="cifar_resnet14")
def resnet14(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-14: two blocks a stage, 0.18 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([2, 2, 2], [16, 32, 64], num_classes, in_channels)


@register_model(name="cifar_resnet32")
def resnet32(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-32: five blocks a stage, 0.47 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([5, 5, 5], [16, 32, 64], num_classes, in_channels)


@register_model(name="cifar_resnet44")
def resnet44(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-44: seven blocks a stage, 0.66 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([7, 7, 7], [16, 32, 64], num_classes, in_channels)


@register_model(name="cifar_resnet56")
def resnet56(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-56: nine blocks a stage, 0.86 million parameters.

    (N, in_channels, 32, 32) -> (N, num_classes): a `CifarResNet`.
    """
    return CifarResNet([9, 9, 9], [16, 32, 64], num_classes, in_channels)


# By the names without "cifar_", for `models.small`.
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    each.__name__: each
    for each in (alexnet, resnet18, resnet34, resnet14, resnet20, resnet32, resnet44, resnet56)
}
