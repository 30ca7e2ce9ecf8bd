"""The published weights of the networks made for small devices, and ConvNeXt: see weights.py."""

from __future__ import annotations

from ._api import WeightsEnum
from .weights import published


class ConvNeXt_Base_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "convnext_base-6075fbad.pth", 88_591_464, (84.062, 96.870), 32, resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Large_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "convnext_large-ea097f82.pth", 197_767_336, (84.414, 96.976), 32, resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Small_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "convnext_small-0c510722.pth", 50_223_688, (83.616, 96.650), 32, resize_size=230
    )
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Tiny_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "convnext_tiny-983f1562.pth", 28_589_128, (82.520, 96.146), 32, resize_size=236
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B0_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b0_rwightman-7f5810bc.pth",
        5_288_548,
        (77.692, 93.532),
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B1_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b1_rwightman-bac287d4.pth",
        7_794_184,
        (78.642, 94.186),
        crop_size=240,
        interpolation="bicubic",
    )
    IMAGENET1K_V2 = published(
        "efficientnet_b1-c27df63c.pth", 7_794_184, (79.838, 94.934), crop_size=240, resize_size=255
    )
    DEFAULT = IMAGENET1K_V2


class EfficientNet_B2_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b2_rwightman-c35c1473.pth",
        9_109_994,
        (80.608, 95.310),
        crop_size=288,
        resize_size=288,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B3_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b3_rwightman-b3899882.pth",
        12_233_232,
        (82.008, 96.054),
        crop_size=300,
        resize_size=320,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B4_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b4_rwightman-23ab8bcd.pth",
        19_341_616,
        (83.384, 96.594),
        crop_size=380,
        resize_size=384,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B5_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b5_lukemelas-1a07897c.pth",
        30_389_784,
        (83.444, 96.628),
        crop_size=456,
        resize_size=456,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B6_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b6_lukemelas-24a108a5.pth",
        43_040_704,
        (84.008, 96.916),
        crop_size=528,
        resize_size=528,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B7_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_b7_lukemelas-c5b4e57e.pth",
        66_347_960,
        (84.122, 96.908),
        crop_size=600,
        resize_size=600,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_L_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_v2_l-59c71312.pth",
        118_515_272,
        (85.808, 97.788),
        33,
        crop_size=480,
        resize_size=480,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_M_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_v2_m-dc08266a.pth",
        54_139_356,
        (85.112, 97.156),
        33,
        crop_size=480,
        resize_size=480,
    )
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_S_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "efficientnet_v2_s-dd5fe13b.pth",
        21_458_488,
        (84.228, 96.878),
        33,
        crop_size=384,
        resize_size=384,
    )
    DEFAULT = IMAGENET1K_V1


class MNASNet0_5_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("mnasnet0.5_top1_67.823-3ffadce67e.pth", 2_218_512, (67.734, 87.490))
    DEFAULT = IMAGENET1K_V1


class MNASNet0_75_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "mnasnet0_75-7090bc5f.pth", 3_170_208, (71.180, 90.496), resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class MNASNet1_0_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("mnasnet1.0_top1_73.512-f206786ef8.pth", 4_383_312, (73.456, 91.510))
    DEFAULT = IMAGENET1K_V1


class MNASNet1_3_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "mnasnet1_3-a4c69d6f.pth", 6_282_256, (76.506, 93.522), resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class MobileNet_V3_Large_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("mobilenet_v3_large-8738ca79.pth", 5_483_032, (74.042, 91.340))
    IMAGENET1K_V2 = published(
        "mobilenet_v3_large-5c1a4163.pth", 5_483_032, (75.274, 92.566), resize_size=232
    )
    DEFAULT = IMAGENET1K_V2


class MobileNet_V3_Small_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("mobilenet_v3_small-047dcff4.pth", 2_542_856, (67.668, 87.402))
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X0_5_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("shufflenetv2_x0.5-f707e7126e.pth", 1_366_792, (60.552, 81.746))
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_0_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("shufflenetv2_x1-5666bf0f80.pth", 2_278_604, (69.362, 88.316))
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_5_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "shufflenetv2_x1_5-3c479a10.pth", 3_503_624, (72.996, 91.086), resize_size=232
    )
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X2_0_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "shufflenetv2_x2_0-8be3c8ee.pth", 7_393_996, (76.230, 93.006), resize_size=232
    )
    DEFAULT = IMAGENET1K_V1
