"""The transforms by the names of `torchvision.transforms.v2`: of an image and what belongs to it.

    image, target = v2.Compose([v2.ToImage(), v2.RandomCrop(32)])(image, {"masks": mask, "n": 3})

A transform takes one thing, or several in dicts, lists and tuples, and changes in all of them
what is an image, a mask or boxes, in the same random way; the rest stays. A plain tensor counts as
the image if there is no other. The work is that of `minitorch_cnn.transforms`.
"""

import typing as _typing

from ... import transforms as _transforms
from ...missing import refuse_missing as _refuse_missing
from ..autoaugment import AutoAugmentPolicy
from ..image import InterpolationMode
from . import functional as functional
from .conversion import (
    RGB,
    ClampBoundingBoxes,
    ConvertBoundingBoxFormat,
    ConvertImageDtype,
    Identity,
    PILToTensor,
    ToDtype,
    ToImage,
    ToPILImage,
    ToPureTensor,
    ToTensor,
)
from .mixing import CutMix, MixUp
from .samples import Compose, Lambda, RandomApply, RandomChoice, RandomOrder, Transform, same
from .sizes import (
    GaussianNoise,
    RandomChannelPermutation,
    RandomResize,
    RandomShortestSize,
    RandomZoomOut,
    ScaleJitter,
)

# Transforms that only differ in taking more than an image.
_SAME = [
    "AugMix",
    "AutoAugment",
    "CenterCrop",
    "ColorJitter",
    "ElasticTransform",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "LinearTransformation",
    "Normalize",
    "Pad",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomAutocontrast",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSolarize",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "TrivialAugmentWide",
]

if _typing.TYPE_CHECKING:
    from .. import (
        AugMix as AugMix,
        AutoAugment as AutoAugment,
        CenterCrop as CenterCrop,
        ColorJitter as ColorJitter,
        ElasticTransform as ElasticTransform,
        FiveCrop as FiveCrop,
        GaussianBlur as GaussianBlur,
        Grayscale as Grayscale,
        LinearTransformation as LinearTransformation,
        Normalize as Normalize,
        Pad as Pad,
        RandAugment as RandAugment,
        RandomAdjustSharpness as RandomAdjustSharpness,
        RandomAffine as RandomAffine,
        RandomAutocontrast as RandomAutocontrast,
        RandomCrop as RandomCrop,
        RandomEqualize as RandomEqualize,
        RandomErasing as RandomErasing,
        RandomGrayscale as RandomGrayscale,
        RandomHorizontalFlip as RandomHorizontalFlip,
        RandomInvert as RandomInvert,
        RandomPerspective as RandomPerspective,
        RandomPosterize as RandomPosterize,
        RandomResizedCrop as RandomResizedCrop,
        RandomRotation as RandomRotation,
        RandomSolarize as RandomSolarize,
        RandomVerticalFlip as RandomVerticalFlip,
        Resize as Resize,
        TenCrop as TenCrop,
        TrivialAugmentWide as TrivialAugmentWide,
    )
else:
    for _name in _SAME:
        globals()[_name] = same(getattr(_transforms, _name), __name__)

__all__ = [
    "AutoAugmentPolicy",
    "ClampBoundingBoxes",
    "Compose",
    "ConvertBoundingBoxFormat",
    "ConvertImageDtype",
    "CutMix",
    "GaussianNoise",
    "Identity",
    "InterpolationMode",
    "Lambda",
    "MixUp",
    "PILToTensor",
    "RGB",
    "RandomApply",
    "RandomChannelPermutation",
    "RandomChoice",
    "RandomOrder",
    "RandomResize",
    "RandomShortestSize",
    "RandomZoomOut",
    "ScaleJitter",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToPureTensor",
    "ToTensor",
    "Transform",
    "functional",
    *_SAME,
]

_refuse_missing(globals())
