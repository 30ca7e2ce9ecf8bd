"""Linear, the fully connected layer, and Bilinear."""

from __future__ import annotations

import math
from typing import Any

from ...ops.arguments import as_int, as_tensor
from ...ops.creation import empty
from ...ops.linear import linear
from ...tensor import Tensor
from .. import init
from ..functional import bilinear
from ..parameter import Parameter
from .module import Module

__all__ = ["Linear", "Bilinear"]


class Linear(Module):
    """y = x weight^T + bias, on the last dimension: (..., in_features) -> (..., out_features).

    weight: (out_features, in_features), bias: (out_features,); both start uniform in
    +-1/sqrt(in_features), as torch's.
    Raises RuntimeError when called for another last dimension or another dtype than the weight's.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Linear(4, 2)
    >>> layer(mt.zeros(3, 4)).shape
    minitorch_cnn.Size([3, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features = as_int("Linear", "in_features", in_features)
        self.out_features = out_features = as_int("Linear", "out_features", out_features)
        self.weight = Parameter(empty(out_features, in_features, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial values."""
        # With a = sqrt(5), Kaiming's bound sqrt(6 / ((1 + a^2) fan_in)) is 1 / sqrt(fan_in).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return linear(as_tensor("linear", "input", input), self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """y_o = x1 weight_o x2 + bias_o: (..., in1), (..., in2) -> (..., out_features).

    weight: (out_features, in1_features, in2_features), bias: (out_features,); both start uniform in
    +-1/sqrt(in1_features). Raises ValueError for in1_features <= 0; when called, RuntimeError for
    leading dimensions that differ and last ones that do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Bilinear(3, 4, 5)(mt.zeros(2, 3), mt.zeros(2, 4)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = in1_features = as_int("Bilinear", "in1_features", in1_features)
        self.in2_features = in2_features = as_int("Bilinear", "in2_features", in2_features)
        self.out_features = out_features = as_int("Bilinear", "out_features", out_features)
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values, uniform in +-1/sqrt(in1_features)."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
