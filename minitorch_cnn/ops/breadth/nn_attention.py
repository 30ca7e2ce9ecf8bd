"""Torch's "Attention mechanisms": each query takes a weighted mean of all values.

Vaswani et al., "Attention is all you need", 2017, section 3.2.
"""

from __future__ import annotations

import math
from typing import Any

from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..creation import zeros, zeros_like
from ..dropout import dropout
from ..exponentials import softmax
from ..join import cat
from ..linear import linear

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


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
        scores = scores + attn_mask
        blocked = (scores.detach() == -math.inf).all(dim=-1, keepdim=True)
        # Where a query sees no key the softmax is 0 / 0, its gradient too: other scores for it.
        weights = where(blocked, 0.0, softmax(where(blocked, 0.0, scores), -1))
    result = dropout(weights, dropout_p, training=dropout_p > 0) @ value
    if result.ndim == 4 and dropout_p == 0 and query.stride(1) < query.stride(2):
        # As in torch it lies in memory as the query does, which programs rely on that go on with
        # transpose(1, 2).view(N, L, -1).
        result = result.transpose(1, 2).contiguous().transpose(1, 2)
    return result


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention` computes, with the weights as arguments.

    query (L, N, E), key (S, N, K), value (S, N, V), or without N -> (output (L, N, E), weights
    (N, L, S) or, of each head, (N, num_heads, L, S), or None). in_proj_weight (3 E, E), or
    use_separate_proj_weight and q_, k_ and v_proj_weight; in_proj_bias (3 E,); bias_k, bias_v
    (1, 1, E); out_proj_weight (E, E). static_k, static_v (N * num_heads, S, E / num_heads): used
    in the place of what key and value give. Masks as in the layer. Raises AssertionError for
    shapes that do not fit, RuntimeError for an attn_mask of another shape or is_causal without it.

    >>> import minitorch_cnn as mt
    >>> x, w = mt.zeros(5, 1, 4), mt.ones(12, 4)
    >>> y, weights = mt.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, None, None, None, False, 0.0, mt.eye(4), None
    ... )
    >>> y.shape, weights.shape
    (minitorch_cnn.Size([5, 1, 4]), minitorch_cnn.Size([1, 5, 5]))
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask)
    if not batched and attn_mask is not None and attn_mask.ndim == 3:
        wanted = (num_heads, query.shape[0], key.shape[0])
        if attn_mask.shape != wanted:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {wanted} but got {tuple(attn_mask.shape)}"
            )
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if not batched:
        query, key, value = (each.unsqueeze(1) for each in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    (L, N, E), S = query.shape, key.shape[0]
    if embed_dim_to_check != E:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {E}"
        )
    if E % num_heads:
        raise AssertionError(f"embed_dim {E} not divisible by num_heads {num_heads}")
    if key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {shape_text(key.shape[:2])} do not match value's "
            f"{shape_text(value.shape[:2])}"
        )
    matrices: Any = q_proj_weight, k_proj_weight, v_proj_weight
    if not use_separate_proj_weight:
        matrices = in_proj_weight.chunk(3)  # type: ignore[union-attr]
    biases: Any = (None,) * 3
    if in_proj_bias is not None:  # of another type it may be, as in torch, since it is only added
        biases = in_proj_bias.to(matrices[0].dtype).chunk(3)
    q, k, v = map(linear, (query, key, value), matrices, biases)
    if bias_k is not None and bias_v is not None:
        for given, what in ((static_k, "key"), (static_v, "value")):
            if given is not None:
                raise AssertionError(f"bias cannot be added to static {what}.")
        k, v = cat([k, bias_k.expand(1, N, -1)]), cat([v, bias_v.expand(1, N, -1)])
    head_dim = E // num_heads

    def heads(x: Tensor) -> Tensor:  # (N, num_heads, length, head_dim)
        return x.reshape(x.shape[0], N, num_heads, head_dim).permute(1, 2, 0, 3)

    def ready(x: Tensor, name: str) -> Tensor:
        if (x.ndim, x.shape[0], x.shape[-1]) != (3, N * num_heads, head_dim):
            raise AssertionError(
                f"expecting {name} of shape ({N * num_heads}, S, {head_dim}), but got "
                f"{shape_text(x.shape)}"
            )
        return x.reshape(N, num_heads, -1, head_dim)

    q = heads(q)
    k = heads(k) if static_k is None else ready(static_k, "static_k")
    v = heads(v) if static_v is None else ready(static_v, "static_v")
    S = S if static_k is None else k.shape[2]
    if add_zero_attn:
        nothing = zeros(N, num_heads, 1, head_dim, dtype=k.dtype, device=k.device)
        k, v = cat([k, nothing], 2), cat([v, nothing], 2)
    mask = _both_masks(attn_mask, key_padding_mask, q, S)
    if mask is not None and k.shape[2] > S:  # the keys that were added are free to look at
        more = zeros(*mask.shape[:-1], k.shape[2] - S, dtype=mask.dtype, device=mask.device)
        mask = cat([mask, more], -1)

    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        scores = q / math.sqrt(head_dim) @ k.transpose(-2, -1)
        weights = softmax(scores if mask is None else scores + mask, -1)  # (N, num_heads, L, S)
        weights = dropout(weights, dropout_p, training=dropout_p > 0)
        y = weights @ v
        if average_attn_weights:
            weights = weights.mean(1)
        weights = weights if batched else weights.squeeze(0)
    else:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p)
    y = linear(y.permute(2, 0, 1, 3).reshape(L, N, E), out_proj_weight, out_proj_bias)
    return y if batched else y.squeeze(1), weights


def _is_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> bool:
    """Whether the inputs have a dimension N. Raises AssertionError if their numbers differ."""
    if query.ndim not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.ndim}-D query tensor"
        )
    wanted = f"For {'batched' if query.ndim == 3 else 'unbatched'} ({query.ndim}-D) `query`, "
    if not query.ndim == key.ndim == value.ndim:
        raise AssertionError(
            f"{wanted}expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
            f"{value.ndim}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.ndim != query.ndim - 1:
        raise AssertionError(
            f"{wanted}expected `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
            f"{key_padding_mask.ndim}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.ndim not in (2, 3):
        raise AssertionError(
            f"{wanted}expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{attn_mask.ndim}-D tensor instead"
        )
    return query.ndim == 3


def _both_masks(
    attn_mask: Tensor | None, padding: Tensor | None, q: Tensor, S: int
) -> Tensor | None:
    """Both masks as numbers to add: they broadcast to (N, num_heads, L, S). q: of all heads."""
    N, num_heads, L, _ = q.shape
    if attn_mask is not None:
        wanted = (L, S) if attn_mask.ndim == 2 else (N * num_heads, L, S)
        if attn_mask.shape != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.ndim}D attn_mask is "
                f"{shape_text(attn_mask.shape)}, but should be {wanted}."
            )
        attn_mask = added_mask(attn_mask, q)
        if len(wanted) == 3:
            attn_mask = attn_mask.reshape(N, num_heads, L, S)
    if padding is None:
        return attn_mask
    if padding.shape != (N, S):
        raise AssertionError(
            f"expecting key_padding_mask shape of {(N, S)}, but got {shape_text(padding.shape)}"
        )
    padding = added_mask(padding, q).reshape(N, 1, 1, S)
    return padding if attn_mask is None else attn_mask + padding


def added_mask(mask: Tensor, like: Tensor) -> Tensor:
    """A mask as numbers to add to the scores. A bool mask is True where looking is forbidden."""
    if mask.is_floating_point():
        return mask
    if mask.dtype.category != 0:
        raise AssertionError(
            f"only bool and floating types of masks are supported, but got {mask.dtype}"
        )
    return where(mask, -math.inf, zeros_like(mask, dtype=like.dtype))
