"""Kernels: the arithmetic, on bare NumPy or CuPy arrays, without autograd.

A kernel knows nothing of tensors and graphs: arrays go in, arrays come out. Image arrays
are (N, C, H, W) by shape, as everywhere. In memory the kernels work channels-last, (N, H, W, C):
the channels of one pixel lie side by side, so that what is done for every channel (and that is
nearly everything in a CNN) runs over consecutive numbers. Results are views with the axes turned
back; the next kernel turns them again and finds the memory as it likes it, without a copy.

Families of kernels are rows, tiers are columns of one matrix: array/conv.py is the definition of
what cpu/conv.py and cuda/conv.py do faster. dispatch.py is the table.
"""

from ..backend.arrays import compute_type
from .algorithm import Choice
from .array.activation import leaky_relu, sigmoid, silu, softplus
from .array.conv import col2im, im2col
from .array.loss import binary_cross_entropy
from .array.norm import move_towards
from .array.pool import adaptive_max_indices, max_pool2d_indices
from .array.resize import (
    antialias_matrix,
    averaging_matrix,
    nearest_indices,
    resize_axis,
    resize_bytes,
    resize_matrix,
    selection_matrix,
)
from .dispatch import (
    adam,
    add,
    augment,
    avg_pool2d_backward,
    avg_pool2d_forward,
    batch_norm_backward,
    batch_norm_forward,
    cat,
    channel_mean_var,
    channel_sum,
    contiguous,
    conv2d_forward,
    conv2d_input_grad,
    conv2d_weight_grad,
    conv_algorithm,
    cross_entropy,
    cross_entropy_backward,
    dropout,
    hardtanh,
    hardtanh_backward,
    kernel_tier,
    last_conv,
    matmul,
    max_pool2d_forward,
    max_pool2d_gather,
    max_pool2d_scatter,
    note_conv,
    relu,
    relu_,
    relu_backward,
    scale_and_shift,
    sgd,
    tier_of,
    twister_words,
)
from .geometry import (
    ConvGeometry,
    PoolGeometry,
    adaptive_bins,
    conv_geometry,
    output_size,
    window_counts,
)

__all__ = [
    "Choice",
    "ConvGeometry",
    "PoolGeometry",
    "adam",
    "adaptive_bins",
    "adaptive_max_indices",
    "add",
    "antialias_matrix",
    "augment",
    "averaging_matrix",
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "binary_cross_entropy",
    "cat",
    "channel_mean_var",
    "channel_sum",
    "col2im",
    "compute_type",
    "contiguous",
    "conv2d_forward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "conv_algorithm",
    "conv_geometry",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "im2col",
    "hardtanh",
    "hardtanh_backward",
    "kernel_tier",
    "last_conv",
    "leaky_relu",
    "matmul",
    "max_pool2d_forward",
    "max_pool2d_gather",
    "max_pool2d_indices",
    "max_pool2d_scatter",
    "move_towards",
    "nearest_indices",
    "note_conv",
    "output_size",
    "relu",
    "relu_",
    "relu_backward",
    "scale_and_shift",
    "resize_axis",
    "resize_bytes",
    "resize_matrix",
    "selection_matrix",
    "sgd",
    "tier_of",
    "sigmoid",
    "silu",
    "softplus",
    "twister_words",
    "window_counts",
]
