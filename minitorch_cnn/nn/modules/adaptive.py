"""Adaptive softmax: classification into very many classes, most of them rare."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...ops import cat
from ...tensor import Tensor, shape_text
from ..functional import log_softmax
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log_softmax of a linear layer whose rare classes cost little, and the loss with it.

    Grave et al., "Efficient softmax approximation for GPUs", 2017. The classes are sorted from the
    most to the least frequent. The head knows the first cutoffs[0] of them and, as one class each,
    the clusters of the rest; cluster i begins at class cutoffs[i], and is told apart by two layers
    with only in_features / div_value**(i + 1) numbers between.

    forward(input, target): (N, in_features) and class numbers (N,), or (in_features,) and a number
    without dimensions, give (output, loss): the log probability of each target, and minus their
    mean. log_prob(input): (N, n_classes), of all classes. predict(input): (N,), the most probable.

    Raises ValueError for cutoffs that do not rise between 1 and n_classes - 1; forward raises
    RuntimeError for other shapes or a class that does not exist.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> layer.log_prob(mt.zeros(2, 16)).exp().sum(dim=1).round().tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        rising = all(a < b for a, b in itertools.pairwise(cutoffs))
        whole = all(int(each) == each for each in cutoffs)
        if not cutoffs or not whole or not rising or cutoffs[0] < 1 or cutoffs[-1] > n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1, {n_classes - 1}; got "
                f"{cutoffs}"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        place: Any = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **place)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            between = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, between, bias=False, **place),
                    Linear(between, size, bias=False, **place),
                )
            )

    def reset_parameters(self) -> None:
        """Draws all weights anew."""
        self.head.reset_parameters()
        for pair in self.tail:
            for layer in pair:  # type: ignore[attr-defined]
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> _ASMoutput:
        if (target.ndim, input.ndim) not in ((0, 1), (1, 2)):
            raise RuntimeError(
                "target must have one dimension less than input, (N,) and (N, in_features) or () "
                f"and (in_features,); got {shape_text(target.shape)} and {shape_text(input.shape)}"
            )
        if target.ndim and input.shape[0] != target.shape[0]:
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension, got "
                f"{input.shape[0]} and {target.shape[0]}"
            )
        rows = input if target.ndim else input.unsqueeze(0)
        classes = target if target.ndim else target.unsqueeze(0)
        if not bool(((classes >= 0) & (classes < self.n_classes)).all()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{classes.min().item()}, {classes.max().item()}] were found. "
            )
        in_head = classes.clone()  # the class, or that of its cluster
        beyond = rows.new_zeros(rows.shape[0])  # log probability within the cluster
        for i, layers in enumerate(self.tail):
            low, high = self.cutoffs[i : i + 2]
            where = ((classes >= low) & (classes < high)).nonzero().squeeze(1)
            if where.numel() == 0:
                continue
            in_head.index_fill_(0, where, self.shortlist_size + i)
            log_p = log_softmax(layers(rows.index_select(0, where)), dim=1)
            own = log_p.gather(1, (classes.index_select(0, where) - low).unsqueeze(1)).squeeze(1)
            beyond = beyond.index_copy(0, where, own)
        log_p = log_softmax(self.head(rows), dim=1)
        output = beyond + log_p.gather(1, in_head.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if target.ndim else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log probabilities of all classes, (N, n_classes), for an input (N, in_features)."""
        head = log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, layers in enumerate(self.tail):
            cluster = self.shortlist_size + i
            parts.append(log_softmax(layers(input), dim=1) + head[:, cluster : cluster + 1])
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row of an input (N, in_features), (N,)."""
        return self.log_prob(input).argmax(dim=1)
