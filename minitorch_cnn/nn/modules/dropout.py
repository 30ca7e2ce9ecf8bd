"""Dropout layers: active while training, the identity in evaluation mode."""

from __future__ import annotations

from ...tensor import Tensor
from .. import functional as ops
from ..functional import dropout3d, feature_alpha_dropout
from .module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """The settings that all dropout layers have."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """Sets each element to 0 with probability p and divides the others by 1 - p; any shape.

    So the mean stays what it was. In evaluation mode the input comes back as it is.
    inplace: overwrite the input. Raises ValueError for p outside [0, 1], RuntimeError for integers
    while training. Srivastava et al., "Dropout: a simple way to prevent neural networks from
    overfitting", 2014.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> layer = mt.nn.Dropout(0.5)
    >>> layer(mt.ones(6))
    tensor([0., 0., 2., 0., 0., 0.])
    >>> layer.eval()(mt.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return ops.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """`Dropout2d` for sequences: whole channels of (N, C, L) or (C, L) are set to 0.

    Raises ValueError for p outside [0, 1], RuntimeError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.Dropout1d(0.5)(mt.ones(1, 8, 3))
    >>> bool((y.min(dim=2)[0] == y.max(dim=2)[0]).all())  # a channel is dropped or kept as one
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        return ops.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Sets whole channels of (N, C, H, W) to 0 with probability p, divides the others by 1 - p.

    Neighbouring pixels are so alike that dropping single ones would hide little. In evaluation mode
    the input comes back as it is. Raises ValueError for p outside [0, 1], RuntimeError for less
    than 2 dimensions. Tompson et al., "Efficient object localization using convolutional networks",
    2015.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> y = mt.nn.Dropout2d(0.5)(mt.ones(2, 8, 3, 3))
    >>> sorted(set(y.sum(dim=(2, 3)).flatten().tolist()))  # nothing, or 9 pixels of 1 / 0.5
    [0.0, 18.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return ops.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout that keeps mean and variance, for networks with SELU; any shape.

    Sets elements not to 0 but to SELU's lowest value, -1.7581, with probability p; then a x + b, a
    and b such that mean 0 and variance 1 stay. Raises ValueError for p outside [0, 1].
    Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.AlphaDropout(0.5)(mt.zeros(100))
    >>> sorted({round(each, 4) for each in y.tolist()})
    [-0.7792, 0.7792]
    """

    def forward(self, input: Tensor) -> Tensor:
        return ops.alpha_dropout(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """`Dropout2d` for volumes: whole channels of (N, C, D, H, W) are set to 0.

    Raises ValueError for p outside [0, 1], RuntimeError for less than 2 dimensions.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> y = mt.nn.Dropout3d(0.5)(mt.ones(2, 8, 1, 2, 2))
    >>> sorted(set(y.sum(dim=(2, 3, 4)).flatten().tolist()))  # nothing, or 4 voxels of 1 / 0.5
    [0.0, 8.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return dropout3d(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """`AlphaDropout` of whole channels of (N, C, ...), as `Dropout2d` takes them.

    Raises ValueError for p outside [0, 1], RuntimeError while training for less than 2 dimensions.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.FeatureAlphaDropout(0.5)(mt.zeros(1, 100, 2))
    >>> sorted({round(each, 4) for each in y.flatten().tolist()})
    [-0.7792, 0.7792]
    """

    def forward(self, input: Tensor) -> Tensor:
        return feature_alpha_dropout(input, self.p, self.training, self.inplace)
