"""Reading pickled NumPy arrays without trusting the pickle: in torch files, and as CIFAR comes.

NumPy pickles an array as a call that makes an empty one, and a state that is put into it:

    _reconstruct(ndarray, (0,), b"b")    state (1, shape, dtype, column by column?, bytes)
    dtype("u1", False, True)             state (3, byte order, ...)

NumPy's own functions believe the state. A crafted one makes arrays of addresses, or arrays that are
longer than their bytes. Here the parts are compared with each other first, and there are only
numbers.
"""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np

from .files import Source, as_elements, check_counts
from .unpickle import PLAIN_NAMES, Callee, Unpickler

_NUMBERS = re.compile(r"[<>|=]?([biuf][1248])")
_NDARRAY = object()  # what the name numpy.ndarray means: an argument of _reconstruct, and no more


class _ElementType:
    """A NumPy dtype whose byte order may still come, as a state."""

    def __init__(self, code: Any, *flags: Any) -> None:
        match = _NUMBERS.fullmatch(code) if type(code) is str else None
        if match is None:
            raise ValueError(f"its pickle has an array of {code!r}; only numbers are read")
        self.kind = np.dtype(match[1] if match[1] != "b1" else "?")
        self.order: Any = code[0] if code[0] in "<>" else "="

    def decode(self, content: bytes | str, shape: Any, by_columns: Any) -> np.ndarray:
        """The array in these bytes, which Python 2 and protocol 2 write as text."""
        data = content.encode("latin1") if isinstance(content, str) else content
        if type(data) is not bytes or type(shape) is not tuple:
            raise ValueError(f"its pickle makes an array of a {type(content).__name__}")
        check_counts(shape)
        if math.prod(shape) * self.kind.itemsize != len(data):
            raise ValueError(f"it has an array {self.kind} {shape} in {len(data)} bytes")
        raw = np.frombuffer(bytearray(data), np.uint8)  # a copy that may be written to
        elements = as_elements(raw, self.kind.newbyteorder(self.order))
        return elements.reshape(shape, order="F" if by_columns else "C")


def _reconstruct(kind: Any, *shape_and_type: Any) -> np.ndarray:
    """An array without elements, whose state is still to come."""
    if kind is not _NDARRAY:
        raise ValueError("its pickle makes an array of another class than numpy.ndarray")
    return np.empty(0, np.uint8)


def _from_buffer(data: Any, element: Any, shape: Any, order: Any) -> np.ndarray:
    """How protocol 5 writes an array."""
    return _element_type(element).decode(data, shape, order == "F")


def _scalar(element: Any, data: Any) -> Any:
    """How one number of NumPy's is written."""
    return _element_type(element).decode(data, (), False)[()]


def _element_type(element: Any) -> _ElementType:
    if not isinstance(element, _ElementType):
        raise ValueError("its pickle has an array without an element type")
    return element


ARRAY_NAMES: dict[str, Any] = {
    "numpy ndarray": _NDARRAY,
    "__builtin__ bytes": Callee("bytes", lambda: b""),  # how protocol 2 writes none
    "numpy dtype": Callee("dtype", _ElementType),
    # The modules of NumPy 1 (the official files) and of NumPy 2.
    "numpy.core.multiarray _reconstruct": Callee("_reconstruct", _reconstruct),
    "numpy._core.multiarray _reconstruct": Callee("_reconstruct", _reconstruct),
    "numpy.core.numeric _frombuffer": Callee("_frombuffer", _from_buffer),
    "numpy._core.numeric _frombuffer": Callee("_frombuffer", _from_buffer),
    "numpy.core.multiarray scalar": Callee("scalar", _scalar),
    "numpy._core.multiarray scalar": Callee("scalar", _scalar),
}


class ArrayUnpickler(Unpickler):
    """An unpickler that puts states into arrays and element types, too."""

    def build(self) -> None:
        target = self.stack[-2]
        if isinstance(target, np.ndarray):
            _, shape, element, by_columns, content = self.pop()
            self.count_copies((content,))
            array = _element_type(element).decode(content, shape, by_columns)
            # NumPy's own function, but of a state that was made here.
            state = 1, array.shape, array.dtype, False, array.tobytes()
            target.__setstate__(state)  # type: ignore[arg-type]  # NumPy's stubs want np.bool
        elif isinstance(target, _ElementType):
            order = self.pop()[1]
            target.order = order if order in ("<", ">") else "="
        else:
            super().build()


class _NumpyUnpickler(ArrayUnpickler):
    encoding = "latin1"
    advice = "Only arrays of numbers, numbers, text, lists, tuples, dicts and sets are read."


def read_pickled_dict(content: bytes, name: str) -> dict[Any, Any]:
    """The dict in a pickle; its values that are arrays of numbers come as NumPy arrays.

    Takes time and memory in proportion to the length, whatever the pickle says. Raises
    RefusedGlobal for anything but plain data, and for a damaged pickle what the reading ran into.
    """
    result = _NumpyUnpickler(
        Source(io.BytesIO(content), name), {**PLAIN_NAMES, **ARRAY_NAMES}
    ).load()
    if not isinstance(result, dict):
        raise ValueError(f"it holds a {type(result).__name__}, not a dict")
    return result
