"""The weights that torchvision has published for its models, all trained on ImageNet-1K.

Names, files and numbers are torchvision's. `hub.py` says where the files are kept. The accuracies
are in percent, on ImageNet's 50,000 validation images: the right class first, or among the first
five. IMAGENET1K_V1 are the weights of the papers' recipes; IMAGENET1K_V2, where it exists, those of
a longer training of the same network, and DEFAULT the best of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ._api import Meta, Weights, WeightsEnum

URL = "https://download.pytorch.org/models/"

# Mean and standard deviation of ImageNet's pixels, for red, green and blue in 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def preset(**settings: Any) -> Any:
    """The preparation of images, an `ImageClassification`."""
    # Here, since a network needs no image library.
    from .presets import ImageClassification, InterpolationMode

    mode = settings.pop("interpolation")
    # Its name, or what a caller of transforms() gives.
    mode = InterpolationMode(mode) if isinstance(mode, str) else mode
    return ImageClassification(**settings, interpolation=mode)


def published(
    file: str,
    num_params: int,
    accuracy: tuple[float, float],
    min_size: int = 1,
    crop_size: int = 224,
    resize_size: int = 256,
    num_classes: int | None = 1000,
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
    interpolation: str = "bilinear",
) -> Weights:
    """An entry of the tables below.

    accuracy: top-1 and top-5. min_size: height and width of the smallest image that the network
    can take. crop_size, resize_size, mean, std, interpolation: the preparation, see
    `ImageClassification`.
    """
    top_1, top_5 = accuracy
    meta: dict[str, Any] = {
        "num_params": num_params,
        "num_classes": num_classes,
        "min_size": (min_size, min_size),
        "_metrics": {"ImageNet-1K": {"acc@1": top_1, "acc@5": top_5}},
    }
    sizes = {"crop_size": crop_size, "resize_size": resize_size, "interpolation": interpolation}
    transforms = partial(preset, **sizes, mean=mean, std=std)
    return Weights(URL + file, transforms, Meta(meta))


class AlexNet_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("alexnet-owt-7be5be79.pth", 61_100_840, (56.522, 79.066), 63)
    DEFAULT = IMAGENET1K_V1


# ------------------------------------------------------------------------------------- VGG


class VGG11_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg11-8a719046.pth", 132_863_336, (69.020, 88.628), 32)
    DEFAULT = IMAGENET1K_V1


class VGG11_BN_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg11_bn-6002323d.pth", 132_868_840, (70.370, 89.810), 32)
    DEFAULT = IMAGENET1K_V1


class VGG13_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg13-19584684.pth", 133_047_848, (69.928, 89.246), 32)
    DEFAULT = IMAGENET1K_V1


class VGG13_BN_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg13_bn-abd245e5.pth", 133_053_736, (71.586, 90.374), 32)
    DEFAULT = IMAGENET1K_V1


class VGG16_Weights(WeightsEnum):
    """IMAGENET1K_FEATURES are the weights of the SSD detector's authors: its `features` are good,
    its classifier holds NaN, and its images have values 0..255 around the mean colour.
    """

    IMAGENET1K_V1 = published("vgg16-397923af.pth", 138_357_544, (71.592, 90.382), 32)
    IMAGENET1K_FEATURES = published(
        "vgg16_features-amdegroot-88682ab5.pth",
        138_357_544,
        (float("nan"), float("nan")),
        32,
        num_classes=None,
        mean=(0.48235, 0.45882, 0.40784),
        std=(1 / 255, 1 / 255, 1 / 255),
    )
    DEFAULT = IMAGENET1K_V1


class VGG16_BN_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg16_bn-6c64b313.pth", 138_365_992, (73.360, 91.516), 32)
    DEFAULT = IMAGENET1K_V1


class VGG19_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg19-dcbb9e9d.pth", 143_667_240, (72.376, 90.876), 32)
    DEFAULT = IMAGENET1K_V1


class VGG19_BN_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vgg19_bn-c79401a0.pth", 143_678_248, (74.218, 91.842), 32)
    DEFAULT = IMAGENET1K_V1


# ---------------------------------------------------------------------------------- ResNet


class ResNet18_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnet18-f37072fd.pth", 11_689_512, (69.758, 89.078))
    DEFAULT = IMAGENET1K_V1


class ResNet34_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnet34-b627a593.pth", 21_797_672, (73.314, 91.420))
    DEFAULT = IMAGENET1K_V1


class ResNet50_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnet50-0676ba61.pth", 25_557_032, (76.130, 92.862))
    IMAGENET1K_V2 = published(
        "resnet50-11ad3fa6.pth", 25_557_032, (80.858, 95.434), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class ResNet101_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnet101-63fe2227.pth", 44_549_160, (77.374, 93.546))
    IMAGENET1K_V2 = published(
        "resnet101-cd907fc2.pth", 44_549_160, (81.886, 95.780), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class ResNet152_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnet152-394f9c45.pth", 60_192_808, (78.312, 94.046))
    IMAGENET1K_V2 = published(
        "resnet152-f82ba261.pth", 60_192_808, (82.284, 96.002), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt50_32X4D_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnext50_32x4d-7cdf4587.pth", 25_028_904, (77.618, 93.698))
    IMAGENET1K_V2 = published(
        "resnext50_32x4d-1a0047aa.pth", 25_028_904, (81.198, 95.340), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class Wide_ResNet50_2_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("wide_resnet50_2-95faca4d.pth", 68_883_240, (78.468, 94.086))
    IMAGENET1K_V2 = published(
        "wide_resnet50_2-9ba9bcbe.pth", 68_883_240, (81.602, 95.758), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_32X8D_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("resnext101_32x8d-8ba56ff5.pth", 88_791_336, (79.312, 94.526))
    IMAGENET1K_V2 = published(
        "resnext101_32x8d-110c445d.pth", 88_791_336, (82.834, 96.228), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_64X4D_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "resnext101_64x4d-173b62eb.pth", 83_455_272, (83.246, 96.454), resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class Wide_ResNet101_2_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("wide_resnet101_2-32ee1156.pth", 126_886_696, (78.848, 94.284))
    IMAGENET1K_V2 = published(
        "wide_resnet101_2-d733dc28.pth", 126_886_696, (82.510, 96.020), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


# ------------------------------------------------------------------------------- Inception


class GoogLeNet_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("googlenet-1378be20.pth", 6_624_904, (69.778, 89.530), 15)
    DEFAULT = IMAGENET1K_V1


class Inception_V3_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "inception_v3_google-0cc3c7bd.pth",
        27_161_264,
        (77.294, 93.450),
        75,
        crop_size=299,
        resize_size=342,
    )
    DEFAULT = IMAGENET1K_V1


# -------------------------------------------------------------------------------- DenseNet


class DenseNet121_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("densenet121-a639ec97.pth", 7_978_856, (74.434, 91.972), 29)
    DEFAULT = IMAGENET1K_V1


class DenseNet161_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("densenet161-8d451a50.pth", 28_681_000, (77.138, 93.560), 29)
    DEFAULT = IMAGENET1K_V1


class DenseNet169_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("densenet169-b2777c0a.pth", 14_149_480, (75.600, 92.806), 29)
    DEFAULT = IMAGENET1K_V1


class DenseNet201_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("densenet201-c1103571.pth", 20_013_928, (76.896, 93.370), 29)
    DEFAULT = IMAGENET1K_V1


# -------------------------------------------------------------------------- small networks


class SqueezeNet1_0_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("squeezenet1_0-b66bff10.pth", 1_248_424, (58.092, 80.420), 21)
    DEFAULT = IMAGENET1K_V1


class SqueezeNet1_1_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("squeezenet1_1-b8a52dc0.pth", 1_235_496, (58.178, 80.624), 17)
    DEFAULT = IMAGENET1K_V1


class MobileNet_V2_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("mobilenet_v2-b0353104.pth", 3_504_872, (71.878, 90.286))
    IMAGENET1K_V2 = published(
        "mobilenet_v2-7ebf99e0.pth", 3_504_872, (72.154, 90.822), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2
