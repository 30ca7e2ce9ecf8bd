"""CUDA C++ kernels for CuPy arrays: the names of the readable tier.

The kernels are in source/*.cu, to be read beside the definitions. Here each of them gets its
arrays ready (channels-last in memory), is launched, and its result named as (N, C, H, W) again.
A function returns NotImplemented for what its kernels are not made for; the definition does it.

float16, float32 and float64 are taken, and float16 is calculated in float32. All kernels are
deterministic, and none of these functions waits for the GPU.
"""

from .activation import relu, relu_, relu_backward
from .augment import augment
from .conv import conv2d_forward, conv2d_input_grad, conv2d_weight_grad
from .dropout import dropout
from .loss import cross_entropy, cross_entropy_backward
from .norm import batch_norm_backward, batch_norm_forward, channel_mean_var
from .optim import adam, sgd
from .pool import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_forward,
    max_pool2d_gather,
    max_pool2d_scatter,
)

__all__ = [
    "adam",
    "augment",
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "channel_mean_var",
    "conv2d_forward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "max_pool2d_forward",
    "max_pool2d_gather",
    "max_pool2d_scatter",
    "relu",
    "relu_",
    "relu_backward",
    "sgd",
]
