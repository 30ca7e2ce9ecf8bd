"""What the operators of ONNX do, in our operations: arithmetic, activations, layers, pooling.

Each function gets its step (attributes, and the version of the operators) and its inputs, None
for those left out, and returns one tensor or several. https://onnx.ai/onnx/operators/ defines
them; where versions differ, the change is noted with the opset that made it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from ..nn import functional as F
from ..tensor import Tensor


class Step:
    """One node: its operator, the names of inputs and outputs, and its attributes."""

    def __init__(
        self,
        kind: str,
        inputs: list[str],
        outputs: list[str],
        attributes: dict[str, Any],
        opset: int,
    ) -> None:
        self.kind, self.inputs, self.outputs = kind, inputs, outputs
        self.attributes, self.opset = attributes, opset
        self.last_use: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or the default."""
        return self.attributes.get(name, default)

    def refuse(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"ONNX operator {self.kind} with {what} is not supported")


Operator = Callable[..., Any]
OPERATORS: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Registers a function under the names of the operators that it runs."""

    def register(function: Operator) -> Operator:
        for name in names:
            OPERATORS[name] = function
        return function

    return register


def _simple(names: dict[str, Callable[..., Any]]) -> None:
    """Operators without attributes, whose inputs are our function's arguments."""

    def without_step(function: Callable[..., Any]) -> Operator:
        return lambda step, *inputs: function(*inputs)

    for name, function in names.items():
        OPERATORS[name] = without_step(function)


_simple(
    {
        "Add": ops.add,
        "Sub": ops.sub,
        "Mul": ops.mul,
        "Pow": lambda a, b: ops.pow(a, b).to(a.dtype),
        "MatMul": ops.matmul,
        "Neg": ops.neg,
        "Abs": ops.abs,
        "Sign": ops.sign,
        "Exp": ops.exp,
        "Log": ops.log,
        "Sqrt": ops.sqrt,
        "Reciprocal": ops.reciprocal,
        "Floor": ops.floor,
        "Ceil": ops.ceil,
        "Round": ops.round,
        "Sin": ops.sin,
        "Cos": ops.cos,
        "Tan": ops.tan,
        "Asin": ops.asin,
        "Acos": ops.acos,
        "Atan": ops.atan,
        "Sinh": ops.sinh,
        "Cosh": ops.cosh,
        "Tanh": ops.tanh,
        "Sigmoid": ops.sigmoid,
        "Erf": ops.erf,
        "Relu": F.relu,
        "HardSwish": F.hardswish,
        "Mish": F.mish,
        "Softplus": F.softplus,
        "Softsign": F.softsign,
        "Identity": lambda x: x,
        "Where": ops.where,
        "Equal": ops.eq,
        "Greater": ops.gt,
        "GreaterOrEqual": ops.ge,
        "Less": ops.lt,
        "LessOrEqual": ops.le,
        "And": ops.logical_and,
        "Or": ops.logical_or,
        "Not": ops.logical_not,
        "GlobalAveragePool": lambda x: x.mean(dim=tuple(range(2, x.ndim)), keepdim=True),
        "GlobalMaxPool": lambda x: x.amax(dim=tuple(range(2, x.ndim)), keepdim=True),
    }
)


@operator("Div")
def _div(step: Step, a: Tensor, b: Tensor) -> Tensor:
    integers = not a.is_floating_point()
    return ops.div(a, b, rounding_mode="trunc" if integers else None)


@operator("Max", "Min", "Sum", "Mean")
def _variadic(step: Step, *inputs: Tensor) -> Tensor:
    function = {"Max": ops.maximum, "Min": ops.minimum}.get(step.kind, ops.add)
    total = inputs[0]
    for each in inputs[1:]:
        total = function(total, each)
    return total / len(inputs) if step.kind == "Mean" else total


@operator("Flatten")
def flatten(step: Step, x: Tensor) -> Tensor:
    axis = step.get("axis", 1)
    rows = math.prod(x.shape[: axis % x.ndim if axis < 0 else axis])
    return x.reshape(rows, x.numel() // rows if rows else 0)


# ------------------------------------------------------------------------------- activations


@operator("LeakyRelu")
def _leaky_relu(step: Step, x: Tensor) -> Tensor:
    return F.leaky_relu(x, step.get("alpha", 0.01))


@operator("PRelu")
def _prelu(step: Step, x: Tensor, slope: Tensor) -> Tensor:
    return ops.where(x > 0, x, slope * x)


@operator("Elu")
def _elu(step: Step, x: Tensor) -> Tensor:
    return F.elu(x, step.get("alpha", 1.0))


@operator("Selu")
def _selu(step: Step, x: Tensor) -> Tensor:
    gamma = step.get("gamma", 1.05070102214813232421875)
    return F.elu(x, step.get("alpha", 1.67326319217681884765625)) * gamma


@operator("Gelu")
def _gelu(step: Step, x: Tensor) -> Tensor:
    return F.gelu(x, approximate=step.get("approximate", "none"))


@operator("HardSigmoid")
def _hard_sigmoid(step: Step, x: Tensor) -> Tensor:
    return (x * step.get("alpha", 0.2) + step.get("beta", 0.5)).clamp(0, 1)


@operator("Softmax", "LogSoftmax")
def _softmax(step: Step, x: Tensor) -> Tensor:
    function = ops.softmax if step.kind == "Softmax" else ops.log_softmax
    if step.opset >= 13:
        return function(x, step.get("axis", -1))
    # Before opset 13, over all axes from `axis` on together.
    rows = flatten(step, x)
    return function(rows, 1).reshape(x.shape)


@operator("Clip")
def _clip(step: Step, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    if step.opset < 11:
        return x.clamp(step.get("min"), step.get("max"))
    if low is None and high is None:
        return x
    return x.clamp(None if low is None else low.item(), None if high is None else high.item())


@operator("Dropout")
def _dropout(step: Step, x: Tensor, ratio: Any = None, training: Tensor | None = None) -> Tensor:
    if training is not None and training.item():
        raise step.refuse("training_mode")
    return x


# ------------------------------------------------------------------------- layers with weights


def _pads(step: Step, x: Tensor, reach: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Pixels before each axis, then after each. reach: how many pixels each window spans."""
    mode = step.get("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return list(step.get("pads", [0] * (2 * len(reach))))
    if mode == "VALID":
        return [0] * (2 * len(reach))
    befores, afters = [], []
    for length, span, stride in zip(x.shape[2:], reach, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + span - length, 0)
        small, large = total // 2, total - total // 2
        befores.append(small if mode == "SAME_UPPER" else large)
        afters.append(large if mode == "SAME_UPPER" else small)
    return befores + afters


def _border(x: Tensor, pads: Sequence[int], value: float = 0.0) -> Tensor:
    """x with the border that `pads` says (befores, then afters, of the last axes)."""
    count = len(pads) // 2
    pairs = [n for axis in reversed(range(count)) for n in (pads[axis], pads[count + axis])]
    return F.pad(x, pairs, value=value) if any(pairs) else x


def _windows(step: Step, kernel: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Strides, dilations, and how many pixels each window spans."""
    ones = [1] * len(kernel)
    strides, dilations = step.get("strides", ones), step.get("dilations", ones)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    return list(strides), list(dilations), reach


def _by_axes(step: Step, count: int, *functions: Callable[..., Any]) -> Callable[..., Any]:
    """The function for one, two, ... spatial axes."""
    if not 1 <= count <= len(functions):
        raise step.refuse(f"{count} spatial axes")
    return functions[count - 1]


@operator("Conv")
def _conv(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    kernel = weight.shape[2:]
    strides, dilations, reach = _windows(step, kernel)
    pads, half = _pads(step, x, reach, strides), len(kernel)
    padding = pads[:half]
    if padding != pads[half:]:
        x, padding = _border(x, pads), [0] * half
    function = _by_axes(step, half, F.conv1d, F.conv2d, F.conv3d)
    return function(x, weight, bias, strides, padding, dilations, step.get("group", 1))


@operator("ConvTranspose")
def _conv_transpose(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    kernel = weight.shape[2:]
    half = len(kernel)
    if step.get("auto_pad", "NOTSET") != "NOTSET" or step.get("output_shape"):
        raise step.refuse("auto_pad or output_shape")
    strides, dilations, _ = _windows(step, kernel)
    extra = list(step.get("output_padding", [0] * half))
    pads = list(step.get("pads", [0] * (2 * half)))
    function = _by_axes(step, half, F.conv_transpose1d, F.conv_transpose2d)
    if pads[:half] != pads[half:]:
        raise step.refuse(f"the pads {pads}, different on the two sides")
    groups = step.get("group", 1)
    return function(x, weight, bias, strides, pads[:half], extra, groups, dilations)


@operator("Gemm")
def _gemm(step: Step, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.t() if step.get("transA") else a
    b = b.t() if step.get("transB") else b
    alpha, beta = step.get("alpha", 1.0), step.get("beta", 1.0)
    y = a @ b
    y = y if alpha == 1 else y * alpha
    if c is None:
        return y
    return y + (c if beta == 1 else c * beta)


@operator("BatchNormalization")
def _batch_norm(
    step: Step, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor
) -> Tensor:
    if step.get("training_mode"):
        raise step.refuse("training_mode")
    return F.batch_norm(x, mean, var, scale, bias, eps=step.get("epsilon", 1e-5))


@operator("InstanceNormalization")
def _instance_norm(step: Step, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return F.instance_norm(x, weight=scale, bias=bias, eps=step.get("epsilon", 1e-5))


@operator("LayerNormalization")
def _layer_norm(step: Step, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> list[Tensor]:
    dims = tuple(range(step.get("axis", -1) % x.ndim, x.ndim))
    mean = x.mean(dim=dims, keepdim=True)
    deviation = x - mean
    variance = (deviation * deviation).mean(dim=dims, keepdim=True)
    inverse = (variance + step.get("epsilon", 1e-5)).rsqrt()
    y = deviation * inverse * scale
    return [y if bias is None else y + bias, mean, inverse]


@operator("GroupNormalization")
def _group_norm(step: Step, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    groups, eps = step.get("num_groups"), step.get("epsilon", 1e-5)
    if step.opset < 21:  # one scale for each group, not each channel
        scale, bias = (each.repeat_interleave(x.shape[1] // groups) for each in (scale, bias))
    return F.group_norm(x, groups, scale, bias, eps)


@operator("LRN")
def _lrn(step: Step, x: Tensor) -> Tensor:
    alpha, beta, bias = (step.get(*each) for each in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1)))
    return F.local_response_norm(x, step.get("size"), alpha, beta, bias)


# ----------------------------------------------------------------------------------- pooling


@operator("MaxPool")
def _max_pool(step: Step, x: Tensor) -> Tensor:
    kernel = step.get("kernel_shape")
    strides, dilations, reach = _windows(step, kernel)
    pads, half = _pads(step, x, reach, strides), len(kernel)
    padding = pads[:half]
    if padding != pads[half:] or any(p > span // 2 for p, span in zip(padding, reach)):
        x, padding = _border(x, pads, -math.inf), [0] * half
    function = _by_axes(step, half, F.max_pool1d, F.max_pool2d, F.max_pool3d)
    return function(x, kernel, strides, padding, dilations, bool(step.get("ceil_mode")))


@operator("AveragePool")
def _average_pool(step: Step, x: Tensor) -> Tensor:
    kernel = step.get("kernel_shape")
    strides, dilations, reach = _windows(step, kernel)
    if set(dilations) != {1}:
        raise step.refuse(f"the dilations {dilations}")
    pads, half = _pads(step, x, reach, strides), len(kernel)
    function = _by_axes(step, half, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
    count_pad, ceil = bool(step.get("count_include_pad")), bool(step.get("ceil_mode"))
    symmetric = pads[:half] == pads[half:]
    if symmetric and all(p <= k // 2 for p, k in zip(pads, kernel)):
        return function(x, kernel, strides, pads[:half], ceil, count_pad)
    if ceil:
        raise step.refuse(f"ceil_mode and the pads {pads}")
    y = function(_border(x, pads), kernel, strides)
    if count_pad:
        return y
    # The mean over all pixels of a window, divided by the share of those that are inside.
    inside = function(_border(ops.ones_like(x[:1, :1].detach()), pads), kernel, strides)
    return y / inside
