"""Trained networks that come with the package: small ones, without a download.

The folder `trained` holds two files for each: the weights, rounded to float16, in NAME.safetensors,
and in NAME.json what there is to know about them: the classes, how images are prepared, the command
that trained them, the accuracy before and after rounding, the licence of the data. They are written
by docs/pack_weights.py.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..tensor import Tensor
from ._api import Meta, WeightsEnum

FOLDER = Path(__file__).with_name("trained")


class PackagedWeights(WeightsEnum):
    """Like the `WeightsEnum` of published weights, but the values are names of files in `trained`.

    `meta` has "categories" (the classes' names), "num_classes", "num_params", "min_size",
    "arguments" (of the network), "mean", "std", "image_size", "_metrics", "recipe" and "license".

    >>> LeNet5_Weights.DEFAULT.meta["categories"][:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    """

    @property
    def url(self) -> str:
        return (FOLDER / f"{self.value}.safetensors").as_uri()

    @property
    def meta(self) -> dict[str, Any]:
        return _read_meta(self.value)

    @property
    def transforms(self) -> Callable[..., Any]:
        return functools.partial(_preparation, self.meta)

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The state dict, in float32."""
        from .. import hub  # here, since models without weights need no files

        state = hub.read_state_dict(FOLDER / f"{self.value}.safetensors")
        return {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in state.items()
        }


@functools.cache
def _read_meta(name: str) -> Meta:
    return Meta(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def _preparation(meta: dict[str, Any]) -> Callable[[Any], Tensor]:
    """What makes the network's input (C, H, W) of a PIL image or a tensor."""
    size = meta["image_size"]
    from .presets import ImageClassification  # here, since a network needs no image library

    prepare = ImageClassification(
        crop_size=size, resize_size=size, mean=meta["mean"], std=meta["std"]
    )
    if meta["arguments"]["in_channels"] != 1:
        return prepare
    from ..transforms import Compose, Grayscale

    return Compose([Grayscale(), prepare])


class LeNet5_Weights(PackagedWeights):
    FASHION_MNIST = "lenet5_fashion_mnist"
    SHAPES = "lenet5_shapes"
    DEFAULT = FASHION_MNIST


class Cifar_ResNet20_Weights(PackagedWeights):
    CIFAR10 = "cifar_resnet20_cifar10"
    SHAPES = "cifar_resnet20_shapes"
    DEFAULT = CIFAR10
