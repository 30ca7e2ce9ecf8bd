"""How each operation is said in ONNX: a function for each Function of ops/, by its name.

Each gets the writer and the call, and returns the names of the outputs. The operators and their
attributes: https://onnx.ai/onnx/operators/ (opset 18).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend, kernels
from .trace import Call, Value
from .writer import INT64_MAX, Writer

Operation = Callable[[Writer, Call], Any]
OPERATIONS: dict[str, Operation] = {}


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Registers a function under the names of the Functions that it writes."""

    def register(function: Operation) -> Operation:
        for name in names:
            OPERATIONS[name] = function
        return function

    return register


def write_call(writer: Writer, call: Call) -> None:
    """Adds the nodes of one operation. Raises NotImplementedError, naming it, for others."""
    function = OPERATIONS.get(call.name)
    if function is None:
        raise NotImplementedError(f"the operation {call.name} cannot be exported to ONNX")
    names = function(writer, call)
    names = names if isinstance(names, list) else [names]
    for name, value in zip(names, call.outputs, strict=False):
        writer.names[value.key] = name


def _shape(call: Call, index: int) -> tuple[int, ...]:
    return call.args[index].array.shape


# ---------------------------------------------------------------------------- one to one

# Function of ops/ -> operator of ONNX, for those that take the same operands in the same order.
_SAME = {
    **{name: name for name in ("Add", "Sub", "Mul", "Div", "Pow", "MatMul", "Where", "Neg")},
    **{name: name for name in ("Abs", "Sign", "Exp", "Log", "Sqrt", "Sin", "Cos", "Tan")},
    **{name: name for name in ("Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Sigmoid", "Erf")},
    **{name: name for name in ("Reciprocal", "Floor", "Ceil", "Round")},
    "SafeSqrt": "Sqrt",
    "Maximum": "Max",
    "Minimum": "Min",
    "ReLU": "Relu",
    "ReLUInplace": "Relu",
}


def _same(writer: Writer, call: Call) -> str:
    return writer.node(_SAME[call.name], [writer.input(call, i) for i in range(len(call.args))])


for _name in _SAME:
    OPERATIONS[_name] = _same


@operation("Clone", "Contiguous", "ToDevice")
def _nothing(writer: Writer, call: Call) -> str:
    return writer.input(call, 0)


@operation("ToType")
def _to_type(writer: Writer, call: Call) -> str:
    return writer.cast(writer.input(call, 0), call.outputs[0].array.dtype)


@operation("Rsqrt")
def _rsqrt(writer: Writer, call: Call) -> str:
    return writer.node("Reciprocal", [writer.node("Sqrt", [writer.input(call, 0)])])


# ------------------------------------------------------------------------- layers with weights


@operation("Conv2dFunction")
def _conv(writer: Writer, call: Call) -> str:
    geometry = call.same(3)
    inputs = [writer.input(call, 0), writer.input(call, 1)]
    if call.args[2] is not None:
        inputs.append(writer.input(call, 2))
    return writer.node("Conv", inputs, **_windows(call, geometry))


@operation("Conv2dInputGrad")
def _conv_transpose(writer: Writer, call: Call) -> str:
    size, geometry = call.same(2), call.same(3)
    attributes = _windows(call, geometry)
    extra = []
    for axis in range(2):
        kernel = geometry.dilation[axis] * (_shape(call, 1)[2 + axis] - 1) + 1
        steps = (_shape(call, 0)[2 + axis] - 1) * geometry.stride[axis]
        border = geometry.before[axis] + geometry.after[axis]
        extra.append(size[axis] - (steps - border + kernel))
    inputs = [writer.input(call, 0), writer.input(call, 1)]
    return writer.node("ConvTranspose", inputs, output_padding=extra, **attributes)


def _windows(call: Call, geometry: Any) -> dict[str, Any]:
    return {
        "kernel_shape": _shape(call, 1)[2:],
        "strides": geometry.stride,
        "pads": (*geometry.before, *geometry.after),
        "dilations": geometry.dilation,
        "group": geometry.groups,
    }


@operation("Linear")
def _linear(writer: Writer, call: Call) -> str:
    inputs = [writer.input(call, 0), writer.input(call, 1)]
    bias = [] if call.args[2] is None else [writer.input(call, 2)]
    if len(_shape(call, 0)) == 2:
        return writer.node("Gemm", inputs + bias, transB=1)
    product = writer.node("MatMul", [inputs[0], writer.node("Transpose", inputs[1:], perm=(1, 0))])
    return writer.node("Add", [product, *bias]) if bias else product


@operation("BatchNorm")
def _batch_norm(writer: Writer, call: Call) -> str:
    if call.same(6):
        raise NotImplementedError(
            "BatchNorm with the statistics of the batch cannot be exported to ONNX; it needs "
            "running statistics (track_running_stats=True)"
        )
    channels, kind = _shape(call, 3)[0], call.args[3].array.dtype
    inputs = [writer.input(call, 0)]
    for index, neutral in ((1, 1), (2, 0)):
        if call.args[index] is None:
            inputs.append(writer.constant(np.full(channels, neutral), kind))
        else:
            inputs.append(writer.input(call, index))
    inputs += [writer.input(call, 3), writer.input(call, 4)]
    return writer.node("BatchNormalization", inputs, epsilon=call.same(5))


@operation("Standardize")
def _standardize(writer: Writer, call: Call) -> list[str]:
    x, axes = writer.input(call, 0), writer.ints(call.same(1))
    deviation = writer.node("Sub", [x, writer.node("ReduceMean", [x, axes], keepdims=1)])
    squares = writer.node("Mul", [deviation, deviation])
    variance = writer.node("ReduceMean", [squares, axes], keepdims=1)
    eps = writer.constant(call.same(2), call.outputs[0].array.dtype)
    std = writer.node("Sqrt", [writer.node("Add", [variance, eps])])
    return [writer.node("Div", [deviation, std]), writer.node("Reciprocal", [std])]


@operation("PReLU")
def _prelu(writer: Writer, call: Call) -> str:
    (count,) = _shape(call, 1)
    slope = writer.input(call, 1)
    if count > 1:  # one for each channel: (C,) -> (C, 1, 1)
        slope = writer.node("Unsqueeze", [slope, writer.ints(range(1, len(_shape(call, 0)) - 1))])
    return writer.node("PRelu", [writer.input(call, 0), slope])


@operation("TableRows")
def _table_rows(writer: Writer, call: Call) -> str:
    return writer.node("Gather", [writer.input(call, 0), writer.input(call, 1)], axis=0)


# ----------------------------------------------------------------------------------- pooling


def _pool_windows(call: Call, geometry: Any) -> dict[str, Any]:
    """ceil_mode is said by padding: programs do not agree on what the mode means at the edge."""
    (height, width), (ph, pw) = _shape(call, 0)[2:], geometry.padding
    reach_h, reach_w = geometry.reach()
    return {
        "kernel_shape": geometry.kernel_size,
        "strides": geometry.stride,
        "pads": (ph, pw, max(reach_h - height - ph, 0), max(reach_w - width - pw, 0)),
    }


@operation("MaxPool")
def _max_pool(writer: Writer, call: Call) -> str:
    geometry = call.same(1)
    attributes = _pool_windows(call, geometry)
    return writer.node(
        "MaxPool", [writer.input(call, 0)], dilations=geometry.dilation, **attributes
    )


@operation("AvgPool")
def _avg_pool(writer: Writer, call: Call) -> str:
    geometry, divisor = call.same(1), call.same(2)
    attributes = _pool_windows(call, geometry)
    x = writer.input(call, 0)
    height, width = _shape(call, 0)[2:]
    pixels = kernels.window_counts((height, width), geometry, False)
    if np.array_equal(divisor, pixels):
        return writer.node("AveragePool", [x], count_include_pad=0, **attributes)
    # With all of the padding counted, the divisor is that of the whole kernel everywhere.
    y = writer.node("AveragePool", [x], count_include_pad=1, **attributes)
    factor = math.prod(geometry.kernel_size) / np.asarray(divisor)
    if (factor == 1).all():
        return y
    return writer.node("Mul", [y, writer.constant(factor, call.outputs[0].array.dtype)])


@operation("Resize")
def _resize(writer: Writer, call: Call) -> str:
    """A matrix applied to one axis: of the last two, the one by A X, the other by X A^T."""
    axis, matrix = call.same(1), call.same(2)
    from_end = axis - len(_shape(call, 0))
    if from_end not in (-1, -2):
        raise NotImplementedError("interpolate of volumes cannot be exported to ONNX")
    x = writer.input(call, 0)
    kind = call.outputs[0].array.dtype
    if from_end == -1:
        return writer.node("MatMul", [x, writer.constant(matrix.T, kind)])
    return writer.node("MatMul", [writer.constant(matrix, kind), x])


# ------------------------------------------------------------------------------- activations


@operation("LeakyReLU")
def _leaky_relu(writer: Writer, call: Call) -> str:
    return writer.node("LeakyRelu", [writer.input(call, 0)], alpha=float(call.same(1)))


@operation("ELU")
def _elu(writer: Writer, call: Call) -> str:
    alpha, scale = float(call.same(1)), float(call.same(2))
    if scale == 1:
        return writer.node("Elu", [writer.input(call, 0)], alpha=alpha)
    return writer.node("Selu", [writer.input(call, 0)], alpha=alpha, gamma=scale)


def _half_of_x_times(writer: Writer, call: Call, x: str, bend: str) -> str:
    """x (1 + bend) / 2"""
    kind = call.outputs[0].array.dtype
    half = writer.node("Mul", [x, writer.constant(0.5, kind)])
    return writer.node("Mul", [half, writer.node("Add", [bend, writer.constant(1, kind)])])


@operation("GELU")
def _gelu(writer: Writer, call: Call) -> str:
    x, kind = writer.input(call, 0), call.outputs[0].array.dtype
    scaled = writer.node("Mul", [x, writer.constant(math.sqrt(0.5), kind)])
    return _half_of_x_times(writer, call, x, writer.node("Erf", [scaled]))


@operation("GELUTanh")
def _gelu_tanh(writer: Writer, call: Call) -> str:
    x, kind = writer.input(call, 0), call.outputs[0].array.dtype
    cube = writer.node("Mul", [writer.node("Mul", [x, x]), x])
    small = writer.node("Mul", [cube, writer.constant(0.044715, kind)])
    total = writer.node("Add", [x, small])
    scaled = writer.node("Mul", [total, writer.constant(math.sqrt(2 / math.pi), kind)])
    return _half_of_x_times(writer, call, x, writer.node("Tanh", [scaled]))


@operation("SiLU")
def _silu(writer: Writer, call: Call) -> str:
    x = writer.input(call, 0)
    return writer.node("Mul", [x, writer.node("Sigmoid", [x])])


@operation("Mish")
def _mish(writer: Writer, call: Call) -> str:
    x = writer.input(call, 0)
    return writer.node("Mul", [x, writer.node("Tanh", [writer.node("Softplus", [x])])])


@operation("Hardsigmoid")
def _hardsigmoid(writer: Writer, call: Call) -> str:
    return writer.node("HardSigmoid", [writer.input(call, 0)], alpha=1 / 6, beta=0.5)


@operation("Hardswish")
def _hardswish(writer: Writer, call: Call) -> str:
    return writer.node("HardSwish", [writer.input(call, 0)])


@operation("Hardtanh", "Clamp")
def _clip(writer: Writer, call: Call) -> str:
    limits = ["" if call.args[index] is None else writer.input(call, index) for index in (1, 2)]
    return writer.node("Clip", [writer.input(call, 0), *limits])


@operation("Lerp")
def _lerp(writer: Writer, call: Call) -> str:
    a, b, weight = (writer.input(call, index) for index in range(3))
    way = writer.node("Mul", [weight, writer.node("Sub", [b, a])])
    return writer.node("Add", [a, way])


@operation("Softplus")
def _softplus(writer: Writer, call: Call) -> str:
    """Without the threshold, beyond which log(1 + e^x) is x to the last digit but one."""
    x, beta = writer.input(call, 0), call.same(1)
    factor = writer.constant(beta, call.outputs[0].array.dtype)
    if beta == 1:
        return writer.node("Softplus", [x])
    return writer.node("Div", [writer.node("Softplus", [writer.node("Mul", [x, factor])]), factor])


@operation("Softmax", "LogSoftmax")
def _softmax(writer: Writer, call: Call) -> str:
    return writer.node(call.name, [writer.input(call, 0)], axis=call.same(1))


# --------------------------------------------------------------------------------- reductions


def _reduce(writer: Writer, call: Call, kind: str) -> str:
    dims, keepdim = call.same(1), call.same(2)
    if not dims:
        return writer.input(call, 0)  # ONNX would take no axes for all
    return writer.node(kind, [writer.input(call, 0), writer.ints(dims)], keepdims=int(keepdim))


@operation("Sum")
def _sum(writer: Writer, call: Call) -> str:
    return _reduce(writer, call, "ReduceSum")


@operation("Extreme")
def _extreme(writer: Writer, call: Call) -> str:
    return _reduce(writer, call, "ReduceMax" if call.same(3) == "max" else "ReduceMin")


@operation("Var")
def _var(writer: Writer, call: Call) -> str:
    x, axes = writer.input(call, 0), writer.ints(call.same(1))
    deviation = writer.node("Sub", [x, writer.node("ReduceMean", [x, axes], keepdims=1)])
    keepdims = int(call.same(3))
    total = writer.node("ReduceSumSquare", [deviation, axes], keepdims=keepdims)
    return writer.node("Div", [total, writer.constant(call.same(2), call.outputs[0].array.dtype)])


# ------------------------------------------------------------------------ shapes and positions


@operation("Reshape", "ReshapedCopy")
def _reshape(writer: Writer, call: Call) -> str:
    first, second = call.shape, call.outputs_again[0].array.shape
    changed = [a != b for a, b in zip(first, second, strict=True)]
    if sum(changed) == 1 and 0 not in first:  # ONNX infers one length, as torch does
        shape = writer.ints(-1 if c else n for n, c in zip(first, changed, strict=True))
    else:
        shape = writer.lengths(first, second, call.name)
    return writer.node("Reshape", [writer.input(call, 0), shape], allowzero=int(0 in first))


@operation("Permute")
def _permute(writer: Writer, call: Call) -> str:
    return writer.node("Transpose", [writer.input(call, 0)], perm=call.same(1))


@operation("Expand")
def _expand(writer: Writer, call: Call) -> str:
    shape = writer.lengths(call.shape, call.outputs_again[0].array.shape, call.name)
    return writer.node("Expand", [writer.input(call, 0), shape])


@operation("BasicIndex")
def _basic_index(writer: Writer, call: Call) -> str:
    x = writer.input(call, 0)
    slices: list[tuple[int, int, int, int]] = []  # start, stop, axis, step
    dropped, added = [], []
    axis = place = 0  # in the input; in the output
    for each in call.same(1):
        if each is None:
            added.append(place)
            place += 1
            continue
        if isinstance(each, slice):
            if each != slice(None):
                stop = INT64_MAX if each.stop is None else each.stop
                slices.append((each.start or 0, stop, axis, each.step or 1))
            place += 1
        else:
            position = int(each)
            slices.append((position, position + 1 if position != -1 else INT64_MAX, axis, 1))
            dropped.append(axis)
        axis += 1
    if slices:
        starts, stops, axes, steps = (writer.ints(each) for each in zip(*slices, strict=True))
        x = writer.node("Slice", [x, starts, stops, axes, steps])
    if dropped:
        x = writer.node("Squeeze", [x, writer.ints(dropped)])
    return writer.node("Unsqueeze", [x, writer.ints(added)]) if added else x


@operation("Cat")
def _cat(writer: Writer, call: Call) -> str:
    names = [writer.input(call, i) for i in range(1, len(call.args))]
    return writer.node("Concat", names, axis=call.same(0))


@operation("ConstantPad")
def _constant_pad(writer: Writer, call: Call) -> str:
    befores, afters = zip(*call.same(1), strict=True)
    value = writer.constant(call.same(2), call.outputs[0].array.dtype)
    return writer.node("Pad", [writer.input(call, 0), writer.ints((*befores, *afters)), value])


@operation("IndexSelect")
def _index_select(writer: Writer, call: Call) -> str:
    return writer.node("Gather", [writer.input(call, 0), writer.input(call, 2)], axis=call.same(1))


@operation("Pick")
def _pick(writer: Writer, call: Call) -> str:
    index = writer.ints(backend.to_numpy(call.same(2)))
    return writer.node("Gather", [writer.input(call, 0), index], axis=call.same(1))


@operation("Gather")
def _gather(writer: Writer, call: Call) -> str:
    tensors = [i for i, arg in enumerate(call.args) if isinstance(arg, Value)]
    (dim,) = (i for i in range(len(call.args)) if i not in tensors)
    return writer.node(
        "GatherElements", [writer.input(call, i) for i in tensors], axis=call.same(dim)
    )


@operation("Flip")
def _flip(writer: Writer, call: Call) -> str:
    dims = call.same(1)
    ones = [-1] * len(dims)
    inputs = [ones, [-INT64_MAX] * len(dims), dims, ones]
    return writer.node("Slice", [writer.input(call, 0), *(writer.ints(each) for each in inputs)])
