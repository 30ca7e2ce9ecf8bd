"""The published weights, trained on those of COCO's pictures that show things of Pascal VOC."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._api import Meta, Weights, WeightsEnum
from ..weights import URL

VOC = [
    "__background__",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]


def preset(**settings: Any) -> Any:
    """The preparation of images, a `SemanticSegmentation`."""
    from ..presets import SemanticSegmentation  # here, since a network needs no image library

    return SemanticSegmentation(**settings)


def segmented(file: str, num_params: int, accuracy: tuple[float, float]) -> Weights:
    """An entry of the table below. accuracy: mean IoU, and pixels that are right, in percent."""
    miou, pixel_acc = accuracy
    metrics = {"COCO-val2017-VOC-labels": {"miou": miou, "pixel_acc": pixel_acc}}
    meta: dict[str, Any] = {
        "num_params": num_params,
        "categories": VOC,
        "num_classes": len(VOC),
        "min_size": (1, 1),
        "_metrics": metrics,
    }
    return Weights(URL + file, partial(preset, resize_size=520), Meta(meta))


class DeepLabV3_MobileNet_V3_Large_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented(
        "deeplabv3_mobilenet_v3_large-fc3c493d.pth", 11_029_328, (60.3, 91.2)
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class DeepLabV3_ResNet50_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented(
        "deeplabv3_resnet50_coco-cd0a2569.pth", 42_004_074, (66.4, 92.4)
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class DeepLabV3_ResNet101_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented(
        "deeplabv3_resnet101_coco-586e9e4e.pth", 60_996_202, (67.4, 92.4)
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class FCN_ResNet50_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented("fcn_resnet50_coco-1167a1af.pth", 35_322_218, (60.5, 91.4))
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class FCN_ResNet101_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented("fcn_resnet101_coco-7ecb50ca.pth", 54_314_346, (63.7, 91.9))
    DEFAULT = COCO_WITH_VOC_LABELS_V1


class LRASPP_MobileNet_V3_Large_Weights(WeightsEnum):
    COCO_WITH_VOC_LABELS_V1 = segmented(
        "lraspp_mobilenet_v3_large-d234d4ea.pth", 3_221_538, (57.9, 91.2)
    )
    DEFAULT = COCO_WITH_VOC_LABELS_V1
