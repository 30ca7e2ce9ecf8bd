"""Torch's "Attention mechanisms": each query takes a weighted mean of all values.

Vaswani et al., "Attention is all you need", 2017, section 3.2.
"""

from __future__ import annotations

import math

from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..dropout import dropout
from ..exponentials import softmax

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query key^T scale + mask) value: (..., L, V).

    query: (..., L, E); key: (..., S, E); value: (..., S, V). attn_mask: broadcasts to (..., L, S):
    numbers to add, or a bool that is True where attention is allowed. is_causal: query i sees keys
    0 to i only (without attn_mask). scale: 1 / sqrt(E) if None. dropout_p: always applied, so give
    0.0 in evaluation. A query that sees no key gets zeros. enable_gqa (fewer heads of keys than of
    queries) repeats those of the keys. The result lies in memory as a query (N, heads, L, E) does
    that was made by transpose(1, 2). Raises RuntimeError for fewer than two dimensions, dtypes
    that differ, shapes that do not fit, or both a mask and is_causal.

    >>> import minitorch_cnn as mt
    >>> q, k, v = mt.zeros(1, 2), mt.zeros(4, 2), mt.arange(4.0).reshape(4, 1)
    >>> mt.nn.functional.scaled_dot_product_attention(q, k, v)  # equal scores: the plain mean
    tensor([[1.5000]])
    """
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be at least 2 "
            f"dimensional, but got {query.ndim}, {key.ndim} and {value.ndim}"
        )
    if not query.dtype is key.dtype is value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype}"
        )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: query and key need the same last dimension, key and "
            f"value the same last but one; got {shape_text(query.shape)}, {shape_text(key.shape)} "
            f"and {shape_text(value.shape)}"
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set "
            "when is_causal=True"
        )
    if enable_gqa:
        heads = query.shape[-3]
        key = key.repeat_interleave(heads // key.shape[-3], -3)
        value = value.repeat_interleave(heads // value.shape[-3], -3)
    L, S, E = query.shape[-2], key.shape[-2], query.shape[-1]
    factor = 1 / math.sqrt(max(E, 1)) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor  # (..., L, S)
    if is_causal:
        xp = array_module(scores.array)
        attn_mask = wrap(xp.tril(xp.ones((L, S), bool)))
    if attn_mask is None:
        weights = softmax(scores, -1)
    elif attn_mask.dtype.category == 0:
        weights = softmax(where(attn_mask, scores, -math.inf), -1)
        # Without any key the softmax is 0 / 0.
        weights = where(attn_mask.any(dim=-1, keepdim=True), weights, 0.0)
    else:
        weights = softmax(scores + attn_mask, -1)
    result = dropout(weights, dropout_p, training=dropout_p > 0) @ value
    if result.ndim == 4 and dropout_p == 0 and query.stride(1) < query.stride(2):
        # As in torch it lies in memory as the query does, which programs rely on that go on with
        # transpose(1, 2).view(N, L, -1).
        result = result.transpose(1, 2).contiguous().transpose(1, 2)
    return result
