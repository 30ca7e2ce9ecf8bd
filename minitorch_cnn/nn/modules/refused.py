"""Layers of torch that are not here. Their names are, so that an error says what is missing."""

from __future__ import annotations

from typing import Any

from .module import Module


class _Refused(Module):
    """Raises NotImplementedError, naming the layer and what to use instead."""

    advice: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        raise NotImplementedError(f"nn.{name} is not supported: {self.advice}")


def _refuse(name: str, advice: str) -> type[Module]:
    text = f"Not supported, raises NotImplementedError: {advice}."
    return type(name, (_Refused,), {"advice": advice, "__doc__": text, "__module__": __name__})


_LAZY = "give the number of input channels or features to the layer without Lazy in its name"
LazyBatchNorm1d = _refuse("LazyBatchNorm1d", _LAZY)
LazyBatchNorm2d = _refuse("LazyBatchNorm2d", _LAZY)
LazyBatchNorm3d = _refuse("LazyBatchNorm3d", _LAZY)
LazyConv1d = _refuse("LazyConv1d", _LAZY)
LazyConv2d = _refuse("LazyConv2d", _LAZY)
LazyConv3d = _refuse("LazyConv3d", _LAZY)
LazyConvTranspose1d = _refuse("LazyConvTranspose1d", _LAZY)
LazyConvTranspose2d = _refuse("LazyConvTranspose2d", _LAZY)
LazyConvTranspose3d = _refuse("LazyConvTranspose3d", _LAZY)
LazyInstanceNorm1d = _refuse("LazyInstanceNorm1d", _LAZY)
LazyInstanceNorm2d = _refuse("LazyInstanceNorm2d", _LAZY)
LazyInstanceNorm3d = _refuse("LazyInstanceNorm3d", _LAZY)
LazyLinear = _refuse("LazyLinear", _LAZY)

EmbeddingBag = _refuse("EmbeddingBag", "use nn.Embedding, and sum or mean over the bag")
CTCLoss = _refuse("CTCLoss", "there is no loss for sequences without alignment")

__all__ = [
    "CTCLoss",
    "EmbeddingBag",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]
