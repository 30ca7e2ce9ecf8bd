"""AlexNet, whose victory on ImageNet in 2012 made convolutional networks the field's standard.

Alex Krizhevsky, Ilya Sutskever and Geoffrey Hinton, "ImageNet Classification with Deep
Convolutional Neural Networks", 2012. The widths are those of Krizhevsky's "One weird trick for
parallelizing convolutional neural networks", 2014 (https://arxiv.org/abs/1404.5997), made for one
GPU, without the local response normalisation of the first paper; torchvision has the same.
"""

from __future__ import annotations

from typing import Any

from .. import nn
from ..tensor import Tensor
from ._api import build, register_model
from .weights import AlexNet_Weights


class AlexNet(nn.Module):
    """Five convolutions and three linear layers.

    Input (N, 3, H, W), at least 63x63, usually 224x224; output (N, num_classes) scores.

        224x224 -conv 11x11 / 4-> 55x55 -pool-> 27x27 -conv 5x5, pool-> 13x13
                -3 x conv 3x3, pool-> 6x6 --> 9216 --> 4096 --> 4096 --> num_classes

    >>> import minitorch_cnn as mt
    >>> AlexNet(num_classes=10)(mt.zeros(1, 3, 63, 63)).shape
    minitorch_cnn.Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),  # 55x55
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),  # 27x27
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),  # 13x13
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # 6x6
        )
        # Brings images of other sizes to what the first linear layer reads.
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))


@register_model(AlexNet_Weights)
def alexnet(
    *, weights: AlexNet_Weights | None = None, progress: bool = True, **kwargs: Any
) -> AlexNet:
    """AlexNet: 61.1 million parameters, 58.6 million of them in the linear layers.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: an `AlexNet` (Krizhevsky et al., 2014).
    """
    return build(AlexNet, weights, progress, **kwargs)
