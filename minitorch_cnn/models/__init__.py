"""Networks: LeNet-5, ResNet for ImageNet, and `cifar` for the forms for 32x32 images."""

from . import cifar
from .lenet import LeNet5, lenet5
from .resnet import ResNet, resnet18, resnet34

__all__ = ["LeNet5", "ResNet", "cifar", "lenet5", "resnet18", "resnet34"]
