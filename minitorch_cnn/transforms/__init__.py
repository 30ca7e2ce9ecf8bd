"""Image transforms with the names of `torchvision.transforms`, on PIL images and on tensors.

    Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor(), Normalize(mean, std)])

works on one image at a time. `BatchAugment` does the same for a whole batch at once, several times
faster. All random choices come from the generator that `manual_seed` seeds.
"""

import importlib as _importlib
import typing as _typing

from ..missing import refuse_missing as _refuse_missing
from . import functional
from .autoaugment import AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide
from .batch import BatchAugment
from .bending import ElasticTransform, LinearTransformation, RandomPerspective
from .color import ColorJitter, Grayscale
from .functional import InterpolationMode
from .random import (
    ConvertImageDtype,
    FiveCrop,
    GaussianBlur,
    RandomAdjustSharpness,
    RandomAffine,
    RandomApply,
    RandomAutocontrast,
    RandomChoice,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomOrder,
    RandomPosterize,
    RandomResizedCrop,
    RandomSolarize,
    TenCrop,
)
from .transforms import (
    CenterCrop,
    Compose,
    Lambda,
    Normalize,
    Pad,
    PILToTensor,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    ToPILImage,
    ToTensor,
)

__all__ = [
    "AugMix",
    "AutoAugment",
    "AutoAugmentPolicy",
    "BatchAugment",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "ElasticTransform",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "LinearTransformation",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomChoice",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomOrder",
    "RandomPerspective",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSolarize",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "ToPILImage",
    "ToTensor",
    "TrivialAugmentWide",
    "functional",
]

_refuse_missing(globals())
_refused = globals()["__getattr__"]


def __getattr__(name: str) -> _typing.Any:
    """`transforms.v2`, when it is first used: it is made of the names above."""
    if name == "v2":
        return _importlib.import_module(f"{__name__}.v2")
    return _refused(name)
