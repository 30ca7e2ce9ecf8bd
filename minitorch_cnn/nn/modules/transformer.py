"""The transformer: attention and a small network for each element, in layers with shortcuts.

Vaswani et al., "Attention is all you need", 2017, section 3.1.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from ...ops.breadth.other_matrices import triu
from ...ops.creation import full
from ...tensor import Tensor
from .. import init
from ..functional import gelu, relu
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]


def _function(activation: str | Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return relu if activation == "relu" else gelu


class TransformerEncoderLayer(Module):
    """x + attention(x), then x + network(x), each normalised: (L, N, E), E = d_model.

    nhead: heads of the attention. The network is Linear(d_model, dim_feedforward), activation, and
    back. norm_first: normalises what goes in, not the sums. batch_first: (N, L, E). bias:
    of all linear layers and norms. Raises RuntimeError for an activation other than "relu",
    "gelu" or a function, and as `MultiheadAttention`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    >>> layer(mt.zeros(3, 5, 8)).shape
    minitorch_cnn.Size([3, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        o: dict[str, Any] = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **o
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, **o)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **o)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **o)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **o)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _function(activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            y, _ = self.self_attn(
                x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal
            )
            return self.dropout1(y)

        x = _add(src, attend, self.norm1, self.norm_first)
        return _add(x, self._network, self.norm2, self.norm_first)

    def _network(self, x: Tensor) -> Tensor:
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout2(x)


def _add(
    x: Tensor, function: Callable[[Tensor], Tensor], norm: Callable, norm_first: bool
) -> Tensor:
    """The shortcut around a function, and where its norm is."""
    return x + function(norm(x)) if norm_first else norm(x + function(x))


class TransformerDecoderLayer(Module):
    """An encoder's layer with a second attention, to the encoder's output `memory`.

    tgt (L, N, E), memory (S, N, E) -> (L, N, E), E = d_model. Arguments and errors as
    `TransformerEncoderLayer`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.TransformerDecoderLayer(8, 2, dim_feedforward=16)
    >>> layer(mt.zeros(5, 3, 8), mt.zeros(7, 3, 8)).shape
    minitorch_cnn.Size([5, 3, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        o: dict[str, Any] = {"device": device, "dtype": dtype}
        for name in ("self_attn", "multihead_attn"):
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **o
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **o)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **o)
        self.norm_first = norm_first
        for name in ("norm1", "norm2", "norm3"):
            setattr(self, name, LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **o))
        for name in ("dropout1", "dropout2", "dropout3"):
            setattr(self, name, Dropout(dropout))
        self.activation = _function(activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        part: Any = self

        def attend(x: Tensor) -> Tensor:
            y, _ = part.self_attn(
                x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal
            )
            return part.dropout1(y)

        def look(x: Tensor) -> Tensor:
            y, _ = part.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask,
                is_causal=memory_is_causal,
            )  # fmt: skip
            return part.dropout2(y)

        def network(x: Tensor) -> Tensor:
            x = part.linear2(part.dropout(part.activation(part.linear1(x))))
            return part.dropout3(x)

        x = _add(tgt, attend, part.norm1, part.norm_first)
        x = _add(x, look, part.norm2, part.norm_first)
        return _add(x, network, part.norm3, part.norm_first)


class TransformerEncoder(Module):
    """num_layers copies of an encoder's layer, one after the other, and a norm: (L, N, E).

    enable_nested_tensor and mask_check are ignored. Raises as `TransformerEncoderLayer` does.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)
    >>> mt.nn.TransformerEncoder(layer, num_layers=2)(mt.zeros(5, 3, 8)).shape
    minitorch_cnn.Size([5, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal=bool(is_causal))
        return src if self.norm is None else self.norm(src)  # type: ignore[operator]


class TransformerDecoder(Module):
    """num_layers copies of a decoder's layer, one after the other, and a norm: (L, N, E).

    Raises as `TransformerEncoderLayer` does.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.TransformerDecoderLayer(8, 2, dim_feedforward=16)
    >>> mt.nn.TransformerDecoder(layer, 2)(mt.zeros(5, 3, 8), mt.zeros(7, 3, 8)).shape
    minitorch_cnn.Size([5, 3, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
                bool(tgt_is_causal), memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)  # type: ignore[operator]


class Transformer(Module):
    """An encoder of src (S, N, E) and a decoder of tgt (L, N, E) that looks at it.

    E is d_model. Returns (L, N, E). custom_encoder, custom_decoder take their places. The other
    arguments and errors as `TransformerEncoderLayer`; RuntimeError when called for another last
    dimension.

    >>> import minitorch_cnn as mt
    >>> model = mt.nn.Transformer(8, 2, 1, 1, dim_feedforward=16)
    >>> model(mt.zeros(7, 3, 8), mt.zeros(5, 3, 8)).shape
    minitorch_cnn.Size([5, 3, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer: Any = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps,
                      batch_first, norm_first, bias, device, dtype)  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder
        if custom_encoder is None:
            one = TransformerEncoderLayer(*layer)
            self.encoder = TransformerEncoder(one, num_encoder_layers, norm())
        self.decoder = custom_decoder
        if custom_decoder is None:
            other = TransformerDecoderLayer(*layer)
            self.decoder = TransformerDecoder(other, num_decoder_layers, norm())
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                "the feature number of src and tgt must be equal to d_model, got "
                f"{src.shape[-1]}, {tgt.shape[-1]} and {self.d_model}"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """A mask (sz, sz) to add: -inf above the diagonal, so that nobody looks ahead."""
        return triu(full((sz, sz), -math.inf, device=device, dtype=dtype), 1)
