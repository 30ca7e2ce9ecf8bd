"""Names for annotations: torch.types'.

>>> from minitorch_cnn.types import Number
>>> isinstance(3.0, Number)
True
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from .autograd.function import Node as Node
from .backend import device as _device
from .dtypes import dtype
from .missing import refuse_missing
from .storage import TypedStorage, UntypedStorage
from .tensor import Size as Size, Tensor as Tensor

Number: TypeAlias = builtins.int | builtins.float | builtins.bool
Device: TypeAlias = _device | str | builtins.int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
_int, _float, _bool = builtins.int, builtins.float, builtins.bool
_dtype: TypeAlias = dtype
_size: TypeAlias = Size | list[builtins.int] | tuple[builtins.int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_symint: Any = builtins.int
Storage: TypeAlias = TypedStorage | UntypedStorage

__all__ = ["Device", "FileLike", "Number", "Storage"]

refuse_missing(globals())
