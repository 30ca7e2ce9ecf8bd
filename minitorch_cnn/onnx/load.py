"""Running an ONNX file as a module."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from .. import dtypes
from ..nn import Module, Parameter
from ..tensor import Tensor, wrap
from .operators import Step
from .operators_shape import OPERATORS
from .writer import import_onnx

OLDEST_OPSET = 7  # before, elementwise operators broadcast by attributes

# Which inputs of an operator are trained. Other floating constants are buffers.
_TRAINED = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (1, 2),
    "MatMul": (0, 1),
    "Add": (0, 1),
    "Mul": (0, 1),
    "PRelu": (1,),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "GroupNormalization": (1, 2),
}

# What operators raise whose attributes or inputs make no sense together.
_NONSENSE = (LookupError, TypeError, AttributeError, ArithmeticError)

_SEVERAL_OUTPUTS = ("Split", "LayerNormalization")


class Graph(Module):
    """The network of an ONNX file: call it with its inputs, in the order of `input_names`.

    Its weights are parameters under the names of the file (what exported models have as
    "layer1.0.conv1.weight" is in `state_dict` under that name again), so it can be trained
    further; layers such as dropout and batch norm stay as they were in evaluation.
    It returns a tensor, or a tuple of several in the order of `output_names`.
    """

    def __init__(self, proto: Any) -> None:
        super().__init__()
        graph = proto.graph
        opset = {each.domain or "ai.onnx": each.version for each in proto.opset_import}["ai.onnx"]
        if opset < OLDEST_OPSET:
            raise NotImplementedError(f"ONNX opset {opset}: files from {OLDEST_OPSET} on are read")
        constants = dict(_constants(graph, proto))
        self.input_names = [each.name for each in graph.input if each.name not in constants]
        self.output_names = [each.name for each in graph.output]
        self.steps = _steps(graph, opset, constants)
        self._places: dict[str, tuple[Module, str]] = {}
        trained = {
            step.inputs[index]
            for step in self.steps
            for index in _TRAINED.get(step.kind, ())
            if index < len(step.inputs)
        }
        # Other constants of a program `export` names so, and torch writes them as Constant nodes.
        trained &= {each.name for each in graph.initializer}
        trained = {name for name in trained if not name.startswith("constant_")}
        used = {name for step in self.steps for name in step.inputs} | set(self.output_names)
        for name, array in constants.items():
            if name in used:
                self._keep(name, array, name in trained)

    def _keep(self, name: str, array: np.ndarray, trained: bool) -> None:
        """Registers a constant as parameter or buffer."""
        module, last = self._home(name)
        tensor = wrap(array)
        if trained and array.ndim and tensor.is_floating_point():
            module.register_parameter(last, Parameter(tensor))
        else:
            module.register_buffer(last, tensor)
        self._places[name] = module, last

    def _home(self, name: str) -> tuple[Module, str]:
        """The module and attribute for a constant: "a.b" is b of the module a, if that is free."""
        module: Module = self
        *path, last = name.split(".")
        for part in path:
            if part not in module._modules:
                if not part or hasattr(module, part):
                    break
                module.add_module(part, Module())
            module = getattr(module, part)
        else:
            if last and not hasattr(module, last):
                return module, last
        last = name.replace(".", "_")
        while not last or hasattr(self, last):
            last += "_"
        return self, last

    def forward(self, *inputs: Tensor) -> Any:
        """Runs the operators in the order of the file.

        Raises RuntimeError or ValueError, of which most name the operator, where they do not fit
        the inputs or each other.
        """
        if len(inputs) != len(self.input_names):
            raise TypeError(
                f"the graph has the inputs {self.input_names}, but {len(inputs)} were given"
            )
        values: dict[str, Any] = dict(zip(self.input_names, inputs, strict=True))
        for name, (module, last) in self._places.items():
            values[name] = getattr(module, last)
        for step in self.steps:
            arguments = [values[name] if name else None for name in step.inputs]
            try:
                results = OPERATORS[step.kind](step, *arguments)
            except _NONSENSE as error:
                raise RuntimeError(
                    f"ONNX operator {step.kind}, which makes {step.outputs}: {error}"
                ) from error
            results = results if isinstance(results, list | tuple) else [results]
            values.update(zip(step.outputs, results, strict=False))
            for name in step.last_use:
                values.pop(name, None)
        outputs = tuple(values[name] for name in self.output_names)
        return outputs[0] if len(outputs) == 1 else outputs

    def extra_repr(self) -> str:
        return f"inputs={self.input_names}, outputs={self.output_names}, {len(self.steps)} nodes"


def load(f: str | os.PathLike | IO[bytes]) -> Graph:
    """Reads an ONNX file, and returns a module that computes what it says.

    f: a path, or an open binary file. Weights in files beside it are found if f is a path.
    Made for convolutional networks as this package and torch export them, opset 7 and newer.
    Raises ValueError for a damaged file, and NotImplementedError, naming them, for operators
    and types that we do not have.

    >>> import minitorch_cnn as mt
    >>> model = mt.onnx.load("model.onnx")  # doctest: +SKIP
    >>> model(mt.ones(1, 3))  # doctest: +SKIP
    """
    onnx = import_onnx()
    from google.protobuf.message import DecodeError  # comes with onnx

    name = os.fspath(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", "the file")
    try:
        proto = onnx.load(f)
        onnx.checker.check_model(proto)
        if proto.functions:
            proto = onnx.inliner.inline_local_functions(proto)
        return Graph(proto)
    except (FileNotFoundError, NotImplementedError):
        raise
    except (DecodeError, onnx.checker.ValidationError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{name} is not a readable ONNX file: {error}") from error


def _constants(graph: Any, proto: Any) -> Any:
    """The names and values of initializers and of Constant nodes."""
    import onnx

    for tensor in graph.initializer:
        yield tensor.name, _array(onnx, tensor, tensor.name)
    if graph.sparse_initializer:
        raise NotImplementedError("sparse initializers in ONNX files are not supported")
    for node in graph.node:
        if node.op_type != "Constant":
            continue
        (attribute,) = node.attribute
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.name == "value":
            yield node.output[0], _array(onnx, value, node.output[0])
        elif attribute.name in ("value_float", "value_floats"):
            yield node.output[0], np.array(value, np.float32)
        elif attribute.name in ("value_int", "value_ints"):
            yield node.output[0], np.array(value, np.int64)
        else:
            raise NotImplementedError(f"the constant {node.output[0]!r} is a {attribute.name}")


def _array(onnx: Any, tensor: Any, name: str) -> np.ndarray:
    array = np.array(onnx.numpy_helper.to_array(tensor))
    if array.dtype not in [kind.numpy for kind in dtypes.ALL_DTYPES]:
        raise NotImplementedError(f"the constant {name!r} has elements of type {array.dtype}")
    return array


def _steps(graph: Any, opset: int, constants: dict[str, np.ndarray]) -> list[Step]:
    import onnx

    nodes = [node for node in graph.node if node.op_type != "Constant"]
    unknown = sorted(
        {
            f"{node.domain}.{node.op_type}".lstrip(".")
            for node in nodes
            if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx")
        }
    )
    if unknown:
        raise NotImplementedError(f"ONNX operators that are not supported: {', '.join(unknown)}")
    used = {name for node in nodes for name in node.input} | {each.name for each in graph.output}
    steps = []
    for node in nodes:
        if node.op_type not in _SEVERAL_OUTPUTS and used & set(node.output[1:]):
            raise NotImplementedError(
                f"ONNX operator {node.op_type} with a second output, such as indices or a mask, is "
                "not supported"
            )
        attributes = {}
        for attribute in node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            attributes[attribute.name] = value.decode() if isinstance(value, bytes) else value
        steps.append(Step(node.op_type, list(node.input), list(node.output), attributes, opset))
    _free_early(steps, {each.name for each in graph.output})
    return steps


def _free_early(steps: Sequence[Step], outputs: set[str]) -> None:
    """Says at each step which values nobody needs afterwards."""
    seen = set(outputs) | {""}
    for step in reversed(steps):
        names = {*step.inputs, *step.outputs}
        step.last_use = sorted(names - seen)
        seen |= names
