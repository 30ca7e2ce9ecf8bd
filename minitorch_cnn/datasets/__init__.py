"""Image data sets by the names of `torchvision.datasets`, and `Shapes`, which needs no download."""

from ..missing import refuse_missing as _refuse_missing
from . import utils as utils
from .caltech import Caltech101, Caltech256
from .celeba import CelebA
from .cifar import CIFAR10, CIFAR100
from .fake import FakeData
from .flowers102 import Flowers102
from .folder import DatasetFolder, ImageFolder
from .food101 import Food101
from .imagenet import ImageNet
from .mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from .oxford_iiit_pet import OxfordIIITPet
from .shapes import Shapes
from .stl10 import STL10
from .svhn import SVHN
from .usps import USPS
from .vision import VisionDataset
from .voc import VOCDetection, VOCSegmentation

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
    "Caltech101",
    "Caltech256",
    "CelebA",
    "EMNIST",
    "Flowers102",
    "Food101",
    "OxfordIIITPet",
    "SVHN",
    "STL10",
    "USPS",
    "VOCDetection",
    "VOCSegmentation",
]

_refuse_missing(globals())
