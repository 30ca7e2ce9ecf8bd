"""Building an ONNX graph: names for values, nodes, and constants."""

from __future__ import annotations

from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np

from .. import backend
from .trace import Call, Value

INT64_MAX = 2**63 - 1


def import_onnx() -> ModuleType:
    """The package onnx, or an ImportError that says how to get it."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "ONNX files need the package onnx: pip install 'minitorch-cnn[interop]'"
        ) from error
    return onnx


class Writer:
    """The graph so far. Operations find their inputs by `input`, and write nodes by `node`."""

    def __init__(self, parameters: dict[int, str]) -> None:
        self.onnx = import_onnx()
        self.parameters = parameters  # id of a parameter or buffer -> its name in the model
        self.names: dict[tuple, str] = {}  # what a value is recognised by -> its name in the file
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self._counts: Counter[str] = Counter()
        self.batch: tuple[int, int] = (0, 0)  # the batch size of each trace, and
        self.batch_input = ""  # the input that says it at run time

    def new_name(self, hint: str) -> str:
        """A name that nothing else has: hint_0, hint_1, ..."""
        self._counts[hint] += 1
        return f"{hint}_{self._counts[hint] - 1}"

    def node(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> str:
        """Adds a node, and returns the name of its first output."""
        names = [self.new_name(kind) for _ in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, names, names[0], **attributes))
        return names[0]

    def constant(self, value: Any, dtype: Any) -> str:
        """A constant, from numbers or an array."""
        name = self.new_name("constant")
        self.constants[name] = np.array(value, dtype)
        return name

    def ints(self, values: Any) -> str:
        """A constant vector of int64, as shapes and axes are."""
        return self.constant(list(values), np.int64)

    def input(self, call: Call, index: int) -> str:
        """The name of argument `index` of an operation: a tensor or a number."""
        first = call.args[index]
        if not isinstance(first, Value):
            return self.constant(call.same(index), call.outputs[0].array.dtype)
        return self.value(first, call.again[index], call.name)

    def value(self, first: Value, second: Value, user: str) -> str:
        """The name of a tensor, from what it was in both traces."""
        if first.key in self.names:
            return self.names[first.key]
        array = backend.to_numpy(first.array)
        if first.tensor is not second.tensor:
            other = backend.to_numpy(second.array)
            if array.shape != other.shape or not np.array_equal(array, other, equal_nan=True):
                raise NotImplementedError(
                    f"{user} cannot be exported: it uses {first!r} that depends on the input, but "
                    "was computed by operations that leave no trace, such as comparisons, "
                    "detach() or NumPy"
                )
        name = self.parameters.get(id(first.tensor)) or self.new_name("constant")
        self.constants[name] = np.ascontiguousarray(array).reshape(array.shape)
        self.names[first.key] = name
        return name

    def lengths(self, first: tuple[int, ...], second: tuple[int, ...], user: str) -> str:
        """A shape as a value: lengths that grow with the batch are computed when it runs."""
        if first == second:
            return self.ints(first)
        parts = []
        for a, b in zip(first, second, strict=True):
            if a == b:
                parts.append(self.ints([a]))
                continue
            factor, rest = divmod(a, self.batch[0])
            if rest or b != factor * self.batch[1]:
                raise NotImplementedError(
                    f"{user} cannot be exported: a length of {a} becomes {b} when the batch grows "
                    f"from {self.batch[0]} to {self.batch[1]}; export with dynamic_axes={{}}"
                )
            batch = self.node("Shape", [self.batch_input], start=0, end=1)
            parts.append(batch if factor == 1 else self.node("Mul", [batch, self.ints([factor])]))
        return self.node("Concat", parts, axis=0)

    def cast(self, name: str, dtype: Any) -> str:
        """The value in another type."""
        return self.node("Cast", [name], to=self.element_type(dtype))

    def element_type(self, dtype: Any) -> int:
        """ONNX's number of a NumPy type."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
