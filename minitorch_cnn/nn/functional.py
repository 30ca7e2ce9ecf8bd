"""The layers as functions, under torch's names: what each one does is in ops/."""

from __future__ import annotations

import warnings
from typing import Any

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
from ..ops.batch_norm import batch_norm
from ..ops.breadth.nn_activation import (
    celu,
    celu_,
    glu,
    gumbel_softmax,
    hardshrink,
    rrelu,
    rrelu_,
    softshrink,
    softsign,
    tanhshrink,
)
from ..ops.breadth.nn_attention import scaled_dot_product_attention
from ..ops.breadth.nn_distance import pairwise_distance, pdist
from ..ops.breadth.nn_dropout import dropout3d, feature_alpha_dropout
from ..ops.breadth.nn_loss_margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from ..ops.breadth.nn_loss_regression import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)
from ..ops.breadth.nn_sparse import embedding
from ..ops.breadth.nn_vision import affine_grid, grid_sample
from ..ops.breadth.shuffle import channel_shuffle, pixel_shuffle, pixel_unshuffle
from ..ops.breadth.vectors import cosine_similarity, normalize, one_hot
from ..ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ..ops.conv3d import conv3d, conv_transpose3d
from ..ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d
from ..ops.elementwise import sigmoid, tanh
from ..ops.exponentials import log_softmax as _log_softmax
from ..ops.exponentials import softmax as _softmax
from ..ops.fold import fold, unfold
from ..ops.fractional_pool import fractional_max_pool2d, fractional_max_pool3d
from ..ops.linear import bilinear, linear
from ..ops.loss import cross_entropy, nll_loss
from ..ops.normalization import (
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from ..ops.out import add_out
from ..ops.pad import pad
from ..ops.pool import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
    max_pool2d_with_indices,
)
from ..ops.pool1d import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    avg_pool1d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
)
from ..ops.pool3d import (
    adaptive_avg_pool3d,
    adaptive_max_pool3d,
    avg_pool3d,
    max_pool3d,
    max_pool3d_with_indices,
)
from ..ops.resize import interpolate, upsample, upsample_bilinear, upsample_nearest
from ..ops.unpool import max_unpool1d, max_unpool2d, max_unpool3d
from ..tensor import Tensor
from .refused import *  # noqa: F403  not in __all__: they only say that they are missing


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """exp(x) / sum of exp(x) along dim.

    dim None is torch's old rule, with a warning: 0 for inputs of 0, 1 or 3 dimensions, else 1.

    >>> import minitorch_cnn as mt
    >>> softmax(mt.zeros(1, 4), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return _softmax(input, _dim_or_guess("softmax", input, dim, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """log(softmax(x)) along dim; see `softmax`."""
    return _log_softmax(input, _dim_or_guess("log_softmax", input, dim, _stacklevel), dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-x): the smallest number gets the most; see `softmax`."""
    return _softmax(-input, _dim_or_guess("softmin", input, dim, _stacklevel), dtype)


def _dim_or_guess(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.ndim in (0, 1, 3) else 1


__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "feature_alpha_dropout",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

# torch has `out=` for these few.
add_out(globals(), "avg_pool2d avg_pool3d gelu hardshrink linear logsigmoid softplus softshrink")
