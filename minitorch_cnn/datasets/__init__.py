"""Image data sets by the names of `torchvision.datasets`, and `Shapes`, which needs no download."""

from ..missing import refuse_missing as _refuse_missing
from . import utils as utils
from .cifar import CIFAR10, CIFAR100
from .fake import FakeData
from .folder import DatasetFolder, ImageFolder
from .imagenet import ImageNet
from .mnist import KMNIST, MNIST, FashionMNIST
from .shapes import Shapes
from .vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "KMNIST",
    "MNIST",
    "DatasetFolder",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "ImageNet",
    "Shapes",
    "VisionDataset",
]

_refuse_missing(globals())
