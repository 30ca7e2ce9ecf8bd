"""The networks that the examples train: all are for small images, 28x28 or 32x32.

Beside LeNet-5 and those of `models.cifar` there are a VGG, a GoogLeNet, a DenseNet, a short ResNet
and a plain network with Dropout2d, of which no paper has a form for such images. `build_network`
makes each by the name that the examples and their checkpoints give it.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import nn
from ..tensor import Tensor
from . import cifar
from .densenet import DenseNet
from .googlenet import BasicConv2d, Inception
from .lenet import lenet5
from .resnet import BasicBlock, conv3x3, init_weights, make_stage


class SmallVGG(nn.Module):
    """VGG's plan for 32x32 images: pairs of 3x3 convolutions, then half the size, twice the width.

        32x32x3 -> 32x32x32 -> 16x16x64 -> 8x8x128 -> 4x4x128 -> 256 -> num_classes

    (N, in_channels, 32, 32) -> (N, num_classes). Simonyan and Zisserman, 2014; with batch norm,
    which they did not have yet.

    >>> import minitorch_cnn as mt
    >>> SmallVGG()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (32, 64, 128):
            for channels in (in_channels, width):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            layers.append(nn.MaxPool2d(2))
            in_channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),  # leaves 4x4 as it is
            nn.Flatten(),
            nn.Linear(128 * 4 * 4, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(256, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


class SmallGoogLeNet(nn.Module):
    """Seven inception modules at 32x32, 16x16 and 8x8, half as wide as GoogLeNet's.

    (N, in_channels, 32, 32) -> (N, num_classes). Szegedy et al., "Going deeper with convolutions",
    2014. The stem keeps the resolution, which ImageNet's would divide by 8; the gradient's way is
    short enough without helping classifiers.

    >>> import minitorch_cnn as mt
    >>> SmallGoogLeNet()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = BasicConv2d(in_channels, 64, kernel_size=3, padding=1)
        # Of each module: width of the input; of the 1x1 way; of the 3x3 way before and after; of
        # the 5x5 way before and after; of the pooling way.
        self.stage1 = nn.Sequential(
            Inception(64, 32, 48, 64, 8, 16, 16), Inception(128, 64, 64, 96, 16, 48, 32)
        )
        self.stage2 = nn.Sequential(
            Inception(240, 96, 48, 104, 8, 24, 32),
            Inception(256, 80, 56, 112, 12, 32, 32),
            Inception(256, 64, 64, 128, 12, 32, 32),
        )
        self.stage3 = nn.Sequential(
            Inception(256, 128, 80, 160, 16, 64, 64), Inception(416, 192, 96, 192, 24, 64, 64)
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(512, num_classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(self.stem(x))  # (N, 240, 32, 32)
        x = self.stage2(self.pool(x))  # (N, 256, 16, 16)
        x = self.stage3(self.pool(x))  # (N, 512, 8, 8)
        return self.head(x)


def small_densenet(num_classes: int = 10, in_channels: int = 3) -> DenseNet:
    """DenseNet-BC with 40 layers and a growth rate of 12, for 32x32 images.

    (N, in_channels, 32, 32) -> (N, num_classes). Huang et al., "Densely connected convolutional
    networks", 2016, section 4.2. As in many programs, it is ImageNet's network with another stem:
    3x3 with stride 1 and no pooling.

    >>> import minitorch_cnn as mt
    >>> small_densenet()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """
    net = DenseNet(
        growth_rate=12, block_config=(6, 6, 6), num_init_features=24, num_classes=num_classes
    )
    net.features.conv0 = nn.Conv2d(in_channels, 24, 3, padding=1, bias=False)
    net.features.pool0 = nn.Identity()
    nn.init.kaiming_normal_(net.features.conv0.weight)
    return net


class FashionNet(nn.Module):
    """Two convolutions and three linear layers for 28x28 images, with dropout of whole channels.

    (N, in_channels, 28, 28) -> (N, num_classes). Neighbouring pixels are alike: where one is
    dropped, the next one still tells. So Dropout2d drops a channel of the picture as a whole.

    >>> import minitorch_cnn as mt
    >>> FashionNet()(mt.zeros(2, 1, 28, 28)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(
            nn.Conv2d(in_channels, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 14x14
        )
        self.layer2 = nn.Sequential(
            nn.Conv2d(32, 64, 3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # 6x6
        )
        self.drop = nn.Dropout2d(0.25)
        self.resize = nn.AdaptiveAvgPool2d(6)  # for other sizes of images
        self.fc1 = nn.Linear(64 * 6 * 6, 600)
        self.fc2 = nn.Linear(600, 120)
        self.fc3 = nn.Linear(120, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.resize(self.drop(self.layer2(self.layer1(x))))  # (N, 64, 6, 6)
        x = nn.functional.relu(self.fc1(x.flatten(1)))
        x = nn.functional.relu(self.fc2(x))
        return self.fc3(x)


class ThreeBlockResNet(nn.Module):
    """A stem, three residual blocks, average pooling and three linear layers.

        32x32x3 -> 32x32x64 -> 16x16x128 -> 8x8x256 -> 2x2x256 -> 256 -> 128 -> num_classes

    (N, in_channels, 32, 32) -> (N, num_classes). What the pooling leaves of the places, a quarter
    of the image each, the linear layers weigh against each other.

    >>> import minitorch_cnn as mt
    >>> ThreeBlockResNet()(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv3x3(in_channels, 64), nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        )
        self.blocks = nn.Sequential(
            make_stage(BasicBlock, 64, 64, blocks=1),
            make_stage(BasicBlock, 64, 128, blocks=1, stride=2),
            make_stage(BasicBlock, 128, 256, blocks=1, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.AvgPool2d(4),
            nn.Flatten(),
            nn.Linear(256 * 2 * 2, 256),
            nn.ReLU(inplace=True),
            nn.Linear(256, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, num_classes),
        )
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.blocks(self.stem(x)))


# What the examples offer as --arch.
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    **cifar.ARCHITECTURES,
    "lenet5": lenet5,
    "vgg": SmallVGG,
    "googlenet": SmallGoogLeNet,
    "densenet": small_densenet,
    "threeblock": ThreeBlockResNet,
    "fashionnet": FashionNet,
}


def build_network(arch: str, dataset: str, num_classes: int, in_channels: int) -> nn.Module:
    """The network `arch` for the images of a data set of the examples.

    dataset: its name in small letters; those that end in "mnist" have 28x28 pixels, the others
    32x32. Raises ValueError for an unknown network, or one that does not take 28x28.

    >>> net = build_network("lenet5", "shapes", num_classes=4, in_channels=3)
    >>> sum(parameter.numel() for parameter in net.parameters())
    61496
    """
    if arch not in ARCHITECTURES:
        raise ValueError(f"unknown architecture {arch!r}; known are {', '.join(ARCHITECTURES)}")
    options = {"num_classes": num_classes, "in_channels": in_channels}
    is_mnist = dataset.endswith("mnist")
    if arch == "lenet5":
        options["padding"] = 2 if is_mnist else 0
    elif is_mnist and arch != "fashionnet":
        raise ValueError(
            f"{arch} takes 32x32 images, {dataset} has 28x28: use lenet5 or fashionnet"
        )
    return ARCHITECTURES[arch](**options)
