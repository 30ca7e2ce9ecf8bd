"""Writing a model to an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from typing import IO, Any

import numpy as np

from .. import backend
from ..nn import Module
from ..random import get_rng_state, set_rng_state
from ..serialization.files import write
from ..tensor import Tensor, wrap
from .operations import write_call
from .trace import Value, needed_calls, pair_up, trace
from .writer import Writer, import_onnx

OPSETS = range(18, 24)  # all operators that are written mean the same in these


_exporting: ContextVar[bool] = ContextVar("exporting", default=False)


def is_in_onnx_export() -> bool:
    """Whether `export` is running the model, for a model that does something else then.

    >>> is_in_onnx_export()
    False
    """
    return _exporting.get()


def export(
    model: Module,
    args: Tensor | Sequence[Tensor],
    f: str | os.PathLike | IO[bytes],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    opset_version: int = 18,
    dynamic_axes: Any = None,
) -> None:
    """Writes the model to an ONNX file, for onnxruntime and other programs.

    args: an example input, or a tuple of them; only its shapes and types matter.
    input_names, output_names: what the file calls them ("input", "output" by default, or
    "input_0", "input_1", ...). Parameters keep their names.
    opset_version: 18 to 23.
    dynamic_axes: by default the batch size (axis 0) of all inputs may vary. {} fixes it, and
    {"input": {0: "n"}} gives it a name of its own; other axes must be fixed.

    The model is run twice, in evaluation mode, on different values and (if it may vary) different
    batch sizes, and what it does is written down. Raises NotImplementedError, with its name, for
    an operation that ONNX files cannot hold, or if the model does something else for other
    inputs. The model, its mode and the random numbers stay as they were.

    >>> import minitorch_cnn as mt, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> model = mt.nn.Sequential(mt.nn.Linear(3, 2), mt.nn.ReLU())
    >>> mt.onnx.export(model, mt.ones(1, 3), path)  # doctest: +SKIP
    """
    onnx = import_onnx()
    if opset_version not in OPSETS:
        raise ValueError(f"opset_version must be in {OPSETS[0]} to {OPSETS[-1]}: {opset_version}")
    examples = [args] if isinstance(args, Tensor) else list(args)
    for each in examples:
        if not isinstance(each, Tensor):
            raise TypeError(f"args must be tensors, got a {type(each).__name__}")
    names = _names("input", input_names, len(examples))
    label = _batch_label(dynamic_axes, names, examples)

    rng_state = get_rng_state()
    token = _exporting.set(True)
    try:
        first = trace(model, examples)
        second = trace(model, _other_examples(examples, label is not None))
    finally:
        _exporting.reset(token)
        set_rng_state(rng_state)
    output_names = _names("output", output_names, len(first.outputs))
    calls = needed_calls(pair_up(first, second), first.outputs)

    writer = Writer({id(tensor): name for name, tensor in _named_tensors(model).items()})
    writer.batch = _batch(first.inputs), _batch(second.inputs)
    writer.batch_input = names[0]
    for name, value in zip(names, first.inputs, strict=True):
        writer.names[value.key] = name
    for call in calls:
        write_call(writer, call)
    outputs = []
    for name, value, again in zip(output_names, first.outputs, second.outputs, strict=True):
        source = writer.value(value, again, "the model's output")
        writer.nodes.append(onnx.helper.make_node("Identity", [source], [name], name))
        outputs.append(_value_info(writer, name, value, again, label))

    inputs = [
        _value_info(writer, name, value, again, label)
        for name, value, again in zip(names, first.inputs, second.inputs, strict=True)
    ]
    constants = [onnx.numpy_helper.from_array(a, name) for name, a in writer.constants.items()]
    graph = onnx.helper.make_graph(writer.nodes, type(model).__name__, inputs, outputs, constants)
    opset = onnx.helper.make_opsetid("", opset_version)
    proto = onnx.helper.make_model(graph, opset_imports=[opset], producer_name="minitorch_cnn")
    proto.ir_version = onnx.helper.find_min_ir_version_for([opset])
    content = proto.SerializeToString()
    onnx.checker.check_model(content)
    write(f, lambda file: file.write(content))


def _names(kind: str, given: Sequence[str] | None, count: int) -> list[str]:
    if given is None:
        return [kind] if count == 1 else [f"{kind}_{i}" for i in range(count)]
    if len(given) != count or len(set(given)) != count:
        raise ValueError(f"{kind}_names must be {count} different names, got {list(given)}")
    return list(given)


def _batch_label(dynamic_axes: Any, names: list[str], examples: list[Tensor]) -> str | None:
    """The name of the batch size that may vary, or None if it may not."""
    if dynamic_axes is None:
        return "batch" if all(x.ndim > 0 for x in examples) else None
    label = None
    for name, axes in dict(dynamic_axes).items():
        axes = axes if isinstance(axes, dict) else dict.fromkeys(axes, "batch")
        if set(axes) != {0}:
            raise NotImplementedError(
                f"dynamic_axes: only axis 0 may vary, got {sorted(axes)} for {name!r}"
            )
        label = axes[0]
    missing = set(names) - set(dynamic_axes)
    if label is not None and missing:
        raise NotImplementedError(
            f"dynamic_axes: the batch varies for all inputs or for none; {sorted(missing)} missing"
        )
    return label


def _other_examples(examples: list[Tensor], longer: bool) -> list[Tensor]:
    """Inputs like the examples with other values, and one more in the batch if it may vary."""
    rng = np.random.default_rng(0)
    others = []
    for x in examples:
        array = backend.to_numpy(x.array)
        if longer:
            array = np.concatenate([array, array[:1]])
        if x.is_floating_point():
            # Of the other sign, too: a program that asks for the sign does something else then.
            array = rng.standard_normal(array.shape).astype(array.dtype) - array
        elif array.ndim:
            array = np.roll(array, 1)
        others.append(wrap(backend.to_device(array, x.device)))
    return others


def _batch(inputs: list[Value]) -> int:
    shape = inputs[0].array.shape if inputs else ()
    return shape[0] if shape else 1


def _named_tensors(model: Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _value_info(writer: Writer, name: str, first: Value, second: Value, label: str | None) -> Any:
    """The type and shape of an input or output; a length that varied has no number."""
    shape: list[Any] = []
    for a, b in zip(first.array.shape, second.array.shape, strict=True):
        varied_as_batch = (a, b) == writer.batch
        shape.append(a if a == b else label if varied_as_batch else None)
    kind = writer.element_type(first.array.dtype)
    return writer.onnx.helper.make_tensor_value_info(name, kind, shape)
