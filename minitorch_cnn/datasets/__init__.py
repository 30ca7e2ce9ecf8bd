"""Image data sets by the names of `torchvision.datasets`, and `Shapes`, which needs no download."""

import typing as _typing

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

if not _typing.TYPE_CHECKING:  # to a checker, every name would be there
    __getattr__ = _module_getattr(__name__)
