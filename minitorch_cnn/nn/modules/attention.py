"""Attention of several heads: each looks for other things in a sequence."""

from __future__ import annotations

import math
from typing import Any

from ...ops.arithmetic import where
from ...ops.creation import empty, zeros, zeros_like
from ...ops.join import cat
from ...tensor import Tensor, shape_text
from .. import init
from ..functional import dropout, linear, softmax
from ..parameter import Parameter
from .linear import Linear
from .module import Module

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` that torch prints by this name."""


def added_mask(mask: Tensor, like: Tensor) -> Tensor:
    """A mask as numbers to add to the scores. A bool mask is True where looking is forbidden."""
    if mask.is_floating_point():
        return mask
    return where(mask, -math.inf, zeros_like(mask, dtype=like.dtype))


class MultiheadAttention(Module):
    """softmax(Q K^T / sqrt(head_dim)) V for each of num_heads heads, put together by a matrix.

    query (L, N, embed_dim), key (S, N, kdim), value (S, N, vdim), all (N, L, ...) with batch_first,
    or without a batch -> (output (L, N, embed_dim), weights (N, L, S), the mean of all heads; of
    each head (N, num_heads, L, S) with average_attn_weights=False; None with need_weights=False).

    attn_mask, (L, S) or (N * num_heads, L, S), and key_padding_mask, (N, S): numbers to add, or a
    bool that is True where a query may not look. is_causal only says what attn_mask is.
    add_bias_kv, add_zero_attn: one more key and value, learned or 0. Raises AssertionError for
    num_heads that do not divide embed_dim, ValueError for sizes that are not positive; when called,
    RuntimeError for a mask of another shape, or is_causal without attn_mask, and AssertionError
    for other shapes. Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    >>> import minitorch_cnn as mt
    >>> attention, x = mt.nn.MultiheadAttention(8, 2, batch_first=True), mt.zeros(3, 5, 8)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    (minitorch_cnn.Size([3, 5, 8]), minitorch_cnn.Size([3, 5, 5]))
    """

    in_proj_weight: Any
    in_proj_bias: Any
    q_proj_weight: Any
    k_proj_weight: Any
    v_proj_weight: Any
    bias_k: Any
    bias_v: Any

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}"
            )
        options = {"device": device, "dtype": dtype}
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.head_dim, self.batch_first = embed_dim // num_heads, batch_first
        self.add_zero_attn = add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim == self.vdim
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty(3 * embed_dim, embed_dim, **options))
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = Parameter(empty(embed_dim, embed_dim, **options))
            self.k_proj_weight = Parameter(empty(embed_dim, self.kdim, **options))
            self.v_proj_weight = Parameter(empty(embed_dim, self.vdim, **options))
            self.register_parameter("in_proj_weight", None)
        values = Parameter(empty(3 * embed_dim, **options)) if bias else None
        self.register_parameter("in_proj_bias", values)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, **options)
        for name in ("bias_k", "bias_v"):
            values = Parameter(empty(1, 1, embed_dim, **options)) if add_bias_kv else None
            self.register_parameter(name, values)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            for weight in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        if query.ndim not in (2, 3) or key.ndim != query.ndim or value.ndim != query.ndim:
            raise AssertionError(
                "query should be unbatched 2D or batched 3D tensor, and key and value too, but got "
                f"{query.ndim}-D, {key.ndim}-D and {value.ndim}-D tensors"
            )
        if is_causal and attn_mask is None:
            raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
        batched = query.ndim == 3
        if not batched:
            query, key, value = (each.unsqueeze(1) for each in (query, key, value))
            if key_padding_mask is not None:
                key_padding_mask = key_padding_mask.unsqueeze(0)
        elif self.batch_first:
            query, key, value = (each.transpose(0, 1) for each in (query, key, value))
        if query.shape[-1] != self.embed_dim:
            raise AssertionError(
                f"was expecting embedding dimension of {self.embed_dim}, but got {query.shape[-1]}"
            )
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {shape_text(key.shape[:2])} do not match value's "
                f"{shape_text(value.shape[:2])}"
            )
        L, N, _ = query.shape
        q, k, v = self._projected(query, key, value)
        mask = self._mask(attn_mask, key_padding_mask, N, L, key.shape[0], q)
        if self.bias_k is not None:
            k = cat([k, self.bias_k.expand(1, N, -1)])
            v = cat([v, self.bias_v.expand(1, N, -1)])
        if self.add_zero_attn:
            nothing = zeros(1, N, self.embed_dim, dtype=k.dtype, device=k.device)
            k, v = cat([k, nothing]), cat([v, nothing])
        S = k.shape[0]
        if mask is not None and mask.shape[-1] < S:  # the keys that were added are free to look at
            more = zeros(*mask.shape[:-1], S - mask.shape[-1], dtype=mask.dtype, device=mask.device)
            mask = cat([mask, more], -1)

        def heads(x: Tensor, length: int) -> Tensor:  # (N, num_heads, length, head_dim)
            return x.reshape(length, N, self.num_heads, self.head_dim).permute(1, 2, 0, 3)

        scores = heads(q, L) / math.sqrt(self.head_dim) @ heads(k, S).transpose(-2, -1)
        weights = softmax(scores if mask is None else scores + mask, -1)  # (N, num_heads, L, S)
        weights = dropout(weights, self.dropout, self.training)
        y = (weights @ heads(v, S)).permute(2, 0, 1, 3).reshape(L, N, self.embed_dim)
        y = self.out_proj(y)
        if not batched:
            y = y.squeeze(1)
        elif self.batch_first:
            y = y.transpose(0, 1)
        if not need_weights:
            return y, None
        if average_attn_weights:
            weights = weights.mean(1)
        return y, weights if batched else weights.squeeze(0)

    def _projected(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q, k, v: (length, N, embed_dim) each."""
        if self.in_proj_weight is not None:
            matrices = self.in_proj_weight.chunk(3)
        else:
            matrices = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        q, k, v = (
            linear(x, matrix, bias)
            for x, matrix, bias in zip(inputs, matrices, biases, strict=True)
        )
        return q, k, v

    def _mask(
        self,
        attn_mask: Tensor | None,
        padding: Tensor | None,
        N: int,
        L: int,
        S: int,
        like: Tensor,
    ) -> Tensor | None:
        """Both masks as numbers to add: they broadcast to (N, num_heads, L, S)."""
        if attn_mask is not None:
            wanted = (L, S) if attn_mask.ndim == 2 else (N * self.num_heads, L, S)
            if attn_mask.shape != wanted:
                raise RuntimeError(
                    f"The shape of the {attn_mask.ndim}D attn_mask is "
                    f"{shape_text(attn_mask.shape)}, but should be {wanted}."
                )
            attn_mask = added_mask(attn_mask, like)
            if len(wanted) == 3:
                attn_mask = attn_mask.reshape(N, self.num_heads, L, S)
        if padding is None:
            return attn_mask
        if padding.shape != (N, S):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(N, S)}, but got {shape_text(padding.shape)}"
            )
        padding = added_mask(padding, like).reshape(N, 1, 1, S)
        return padding if attn_mask is None else attn_mask + padding
