"""Kernels: the arithmetic, on bare NumPy or CuPy arrays, without autograd.

A kernel knows nothing of tensors and graphs: arrays go in, arrays come out. Image arrays
are (N, C, H, W) by shape, as everywhere. In memory the kernels work channels-last, (N, H, W, C):
the channels of one pixel lie side by side, so that what is done for every channel (and that is
nearly everything in a CNN) runs over consecutive numbers. Results are views with the axes turned
back; the next kernel turns them again and finds the memory as it likes it, without a copy.
"""

from .algorithm import Choice, conv_algorithm, last_conv
from .conv import (
    ConvGeometry,
    col2im,
    conv2d_direct,
    conv2d_forward,
    conv2d_input_grad,
    conv2d_relu_forward,
    conv2d_weight_grad,
    im2col,
    output_size,
)
from .norm import batch_norm_backward, batch_norm_forward, channel_mean_var, channel_sum
from .pool import (
    PoolGeometry,
    adaptive_max_indices,
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_forward,
    max_pool2d_gather,
    max_pool2d_indices,
    max_pool2d_scatter,
    window_counts,
)
from .resize import (
    adaptive_bins,
    antialias_matrix,
    averaging_matrix,
    nearest_indices,
    resize_axis,
    resize_matrix,
    selection_matrix,
)

__all__ = [
    "Choice",
    "ConvGeometry",
    "PoolGeometry",
    "adaptive_bins",
    "adaptive_max_indices",
    "antialias_matrix",
    "averaging_matrix",
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "channel_mean_var",
    "channel_sum",
    "col2im",
    "conv_algorithm",
    "conv2d_direct",
    "conv2d_forward",
    "conv2d_relu_forward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "im2col",
    "last_conv",
    "max_pool2d_forward",
    "max_pool2d_gather",
    "max_pool2d_indices",
    "max_pool2d_scatter",
    "nearest_indices",
    "output_size",
    "resize_axis",
    "resize_matrix",
    "selection_matrix",
    "window_counts",
]
