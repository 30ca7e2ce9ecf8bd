"""What programs ask a tensor that is only ever one way here: is it sparse, quantized, on a TPU?"""

from __future__ import annotations

from typing import Any

from ... import dtypes
from ...tensor import Tensor

__all__ = [
    "layout", "strided", "is_signed", "is_conj", "is_neg",
    "resolve_conj", "resolve_neg",
]  # fmt: skip


class layout:
    """How a tensor keeps its elements: `strided`, all of them, is the only way here.

    Of tensors of any shape. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2).layout == mt.strided
    True
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{dtypes.namespace}.{self.name}"


strided = layout("strided")

# Attributes that are the same for every tensor; and a method that torch's own tests ask.
ATTRIBUTES: dict[str, Any] = {"layout": strided, "name": None, "volatile": False}
ATTRIBUTES["_is_view"] = lambda self: self._base is not None
NEVER = """is_sparse is_sparse_csr is_quantized is_meta is_mkldnn is_mps is_xpu is_xla is_vulkan
    is_maia is_mtia is_ipu is_nested"""
ATTRIBUTES.update(dict.fromkeys(NEVER.split(), False))


def _is_cpu(self: Tensor) -> bool:
    """True for a tensor in the computer's own memory."""
    return not self.is_cuda


def _real(self: Tensor) -> Tensor:
    """The tensor itself, which is real."""
    return self


def _imag(self: Tensor) -> Tensor:
    """RuntimeError: the tensor is real."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


def _h(self: Tensor) -> Tensor:
    """The transposed matrix: conjugated, it would be the same, for it is real."""
    if self.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors), got {self.ndim}-D"
        )
    return self.mT if self.ndim else self


PROPERTIES = {"is_cpu": _is_cpu, "real": _real, "imag": _imag, "H": _h, "mH": lambda self: self.mT}


def is_signed(input: Tensor) -> bool:
    """True if the dtype of the tensor, of any shape, has negative numbers. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2).is_signed(), mt.zeros(2, dtype=mt.uint8).is_signed()
    (True, False)
    """
    return input.dtype.is_signed


def is_conj(input: Tensor) -> bool:
    """False: no tensor, of any shape, waits to be conjugated. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(1).is_conj()
    False
    """
    return False


def is_neg(input: Tensor) -> bool:
    """False: no tensor, of any shape, waits to be negated. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(1).is_neg()
    False
    """
    return False


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself, of any shape: it does not wait to be conjugated. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(1).resolve_conj()
    tensor([1.])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself, of any shape: it does not wait to be negated. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.ones(1).resolve_neg()
    tensor([1.])
    """
    return input
