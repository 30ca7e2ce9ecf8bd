"""Embedding: a table of vectors, learned, looked up by numbers."""

from __future__ import annotations

from typing import Any

from ...autograd.modes import no_grad
from ...ops.arguments import as_int
from ...ops.creation import empty
from ...tensor import Tensor, shape_text
from .. import init
from ..functional import embedding, embedding_bag
from ..parameter import Parameter
from .module import Module

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """A table of learned vectors: input (...) of row numbers, integers -> (..., embedding_dim).

    weight: (num_embeddings, embedding_dim), at first standard normal; the row padding_idx starts as
    zeros and gets no gradient. max_norm, norm_type, scale_grad_by_freq: see `functional.embedding`.
    Raises AssertionError for a padding_idx outside the table, NotImplementedError for sparse; when
    called, IndexError for a row outside the table, RuntimeError for numbers that are no integers.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Embedding(10, 3, padding_idx=0)
    >>> layer(mt.tensor([[0, 2], [4, 5]])).shape
    minitorch_cnn.Size([2, 2, 3])
    >>> layer(mt.tensor(0)).detach()
    tensor([0., 0., 0.])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if sparse:
            raise NotImplementedError("Embedding: sparse=True is not supported")
        num_embeddings = as_int("Embedding", "num_embeddings", num_embeddings)
        embedding_dim = as_int("Embedding", "embedding_dim", embedding_dim)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            padding_idx = as_int("Embedding", "padding_idx", padding_idx)
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"Padding_idx must be within num_embeddings ({num_embeddings}), got "
                    f"{padding_idx}"
                )
            padding_idx %= num_embeddings
        self.padding_idx, self.max_norm, self.norm_type = padding_idx, max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            table = empty(shape, device=device, dtype=dtype)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        elif _weight.shape != shape:
            raise AssertionError(
                f"Shape of weight {shape_text(_weight.shape)} does not match num_embeddings and "
                f"embedding_dim {shape}"
            )
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer around a table (rows, columns); freeze: it is not trained.

        The other arguments are the class's. Raises AssertionError for a table that is not 2-D.

        >>> import minitorch_cnn as mt
        >>> table = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> mt.nn.Embedding.from_pretrained(table)(mt.tensor([1, 0]))
        tensor([[3., 4.],
                [1., 2.]])
        """
        if embeddings.ndim != 2:
            raise AssertionError(
                f"Embeddings parameter is expected to be 2-dimensional, got "
                f"{shape_text(embeddings.shape)}"
            )
        rows, columns = embeddings.shape
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            embeddings,
            freeze,
        )

    def reset_parameters(self) -> None:
        """Draws new rows, and sets the padding's to zeros."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return text


class EmbeddingBag(Module):
    """The sum, mean or maximum of the rows of an `Embedding` for each bag of row numbers.

    input (B, L), or (L,) with offsets (B,) -> (B, embedding_dim); the arguments are those of
    `functional.embedding_bag`. weight: (num_embeddings, embedding_dim), at first standard normal.
    Raises AssertionError for a padding_idx outside the table, and when called as
    `functional.embedding_bag`.

    >>> import minitorch_cnn as mt
    >>> bags = mt.nn.EmbeddingBag(10, 3, mode="sum")
    >>> bags(mt.tensor([1, 2, 4, 5]), mt.tensor([0, 3])).shape
    minitorch_cnn.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(
                    f"padding_idx must be within num_embeddings ({num_embeddings}), got "
                    f"{padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.mode, self.sparse = scale_grad_by_freq, mode, sparse
        self.include_last_offset, self.padding_idx = include_last_offset, padding_idx
        if _weight is None:
            self.weight = Parameter(
                empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            )
            self.reset_parameters()
        else:
            self.weight = Parameter(_weight)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, *args: Any, **kwargs: Any
    ) -> EmbeddingBag:
        """A layer around a table (rows, columns); freeze: it is not trained."""
        rows, columns = embeddings.shape
        layer = cls(rows, columns, *args, **{**kwargs, "_weight": embeddings})
        layer.weight.requires_grad = not freeze
        return layer

    def reset_parameters(self) -> None:
        """Draws new rows, and sets the padding's to zeros."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        return embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq,
            self.mode, self.sparse, per_sample_weights, self.include_last_offset,
            self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, default in (
            ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False),
        ):  # fmt: skip
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        text += f", mode={self.mode!r}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
