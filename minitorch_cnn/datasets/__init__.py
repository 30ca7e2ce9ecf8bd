"""Image data sets by the names of `torchvision.datasets`, and `Shapes`, which needs no download."""

from .cifar import CIFAR10, CIFAR100
from .fake import FakeData
from .folder import DatasetFolder, ImageFolder
from .mnist import MNIST, FashionMNIST
from .shapes import Shapes
from .vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "DatasetFolder",
    "FakeData",
    "FashionMNIST",
    "ImageFolder",
    "Shapes",
    "VisionDataset",
]

from ..missing import module_getattr as _module_getattr

__getattr__ = _module_getattr(__name__)
