"""The layers as functions, under torch's names: what each one does is in ops/."""

from __future__ import annotations

from ..ops.activation import (
    elu,
    elu_,
    gelu,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    selu_,
    silu,
    softplus,
    threshold,
    threshold_,
)
from ..ops.linear import linear
