"""The published weights of the networks with attention: see weights.py."""

from __future__ import annotations

from ._api import WeightsEnum
from .weights import published


class ViT_B_16_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vit_b_16-c867db91.pth", 86_567_656, (81.072, 95.318), 224)
    IMAGENET1K_SWAG_E2E_V1 = published(
        "vit_b_16_swag-9ac1b537.pth",
        86_859_496,
        (85.304, 97.650),
        384,
        crop_size=384,
        resize_size=384,
        interpolation="bicubic",
    )
    IMAGENET1K_SWAG_LINEAR_V1 = published(
        "vit_b_16_lc_swag-4e70ced5.pth",
        86_567_656,
        (81.886, 96.180),
        224,
        resize_size=224,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class ViT_B_32_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vit_b_32-d86f8d99.pth", 88_224_232, (75.912, 92.466), 224)
    DEFAULT = IMAGENET1K_V1


class ViT_H_14_Weights(WeightsEnum):
    IMAGENET1K_SWAG_E2E_V1 = published(
        "vit_h_14_swag-80465313.pth",
        633_470_440,
        (88.552, 98.694),
        518,
        crop_size=518,
        resize_size=518,
        interpolation="bicubic",
    )
    IMAGENET1K_SWAG_LINEAR_V1 = published(
        "vit_h_14_lc_swag-c1eb923e.pth",
        632_045_800,
        (85.708, 97.730),
        224,
        resize_size=224,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_SWAG_E2E_V1


class ViT_L_16_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "vit_l_16-852ce7e3.pth", 304_326_632, (79.662, 94.638), 224, resize_size=242
    )
    IMAGENET1K_SWAG_E2E_V1 = published(
        "vit_l_16_swag-4f3808c9.pth",
        305_174_504,
        (88.064, 98.512),
        512,
        crop_size=512,
        resize_size=512,
        interpolation="bicubic",
    )
    IMAGENET1K_SWAG_LINEAR_V1 = published(
        "vit_l_16_lc_swag-4d563306.pth",
        304_326_632,
        (85.146, 97.422),
        224,
        resize_size=224,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class ViT_L_32_Weights(WeightsEnum):
    IMAGENET1K_V1 = published("vit_l_32-c7638314.pth", 306_535_400, (76.972, 93.070), 224)
    DEFAULT = IMAGENET1K_V1


class Swin_B_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_b-68c6b09e.pth",
        87_768_224,
        (83.582, 96.640),
        224,
        resize_size=238,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_S_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_s-5e29d889.pth",
        49_606_258,
        (83.196, 96.360),
        224,
        resize_size=246,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_T_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_t-704ceda3.pth",
        28_288_354,
        (81.474, 95.776),
        224,
        resize_size=232,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_B_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_v2_b-781e5279.pth",
        87_930_848,
        (84.112, 96.864),
        256,
        crop_size=256,
        resize_size=272,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_S_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_v2_s-637d8ceb.pth",
        49_737_442,
        (83.712, 96.816),
        256,
        crop_size=256,
        resize_size=260,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1


class Swin_V2_T_Weights(WeightsEnum):
    IMAGENET1K_V1 = published(
        "swin_v2_t-b137f0e2.pth",
        28_351_570,
        (82.072, 96.132),
        256,
        crop_size=256,
        resize_size=260,
        interpolation="bicubic",
    )
    DEFAULT = IMAGENET1K_V1
