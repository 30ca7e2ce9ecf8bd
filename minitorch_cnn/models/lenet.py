"""LeNet-5, the network that read handwritten digits.

Yann LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998. The layers and
sizes are the paper's; ReLU and max-pooling stand where it had tanh and trainable subsampling, and
every feature map of the second convolution sees all maps of the first.
"""

from __future__ import annotations

from .. import nn
from ..tensor import Tensor
from ._api import build, register_model
from .packaged import LeNet5_Weights


class LeNet5(nn.Module):
    """Two convolutions with pooling, three linear layers.

        (N, 1, 28, 28) -conv 5x5, pad 2-> (N, 6, 28, 28) -pool-> (N, 6, 14, 14)
                       -conv 5x5--------> (N, 16, 10, 10) -pool-> (N, 16, 5, 5)
                       -flatten--> 400 --> 120 --> 84 --> num_classes

    Images of 32x32 are taken with padding=0, as the paper had them; in_channels=3 for colour.

    >>> import minitorch_cnn as mt
    >>> LeNet5()(mt.zeros(2, 1, 28, 28)).shape
    minitorch_cnn.Size([2, 10])
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, padding: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


@register_model(LeNet5_Weights)
def lenet5(
    num_classes: int = 10,
    in_channels: int = 1,
    padding: int = 2,
    *,
    weights: LeNet5_Weights | None = None,
    progress: bool = True,
) -> LeNet5:
    """LeNet-5 with 61,706 parameters for 28x28 grey images and 10 classes.

    (N, in_channels, 28, 28) -> (N, num_classes): a `LeNet5` (LeCun et al., 1998).
    """
    arguments = dict(num_classes=num_classes, in_channels=in_channels, padding=padding)
    return build(LeNet5, weights, progress, **arguments)
