"""What each operation that autograd notes is to the page: its kind, its options, its parameters.

`note` is called with the node of an operation and its arguments, in which a tensor that depends on
the picture is a `Ref`. The names are those of the Functions in minitorch_cnn/ops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import backend, nn
from ...autograd.function import Node, ViewFunction
from ...autograd.modes import no_grad
from ...tensor import Tensor, wrap
from . import composed, volumes
from .known import BINARY, CURVES, MOVES, SAME_NUMBERS
from .places import (
    Ref,
    Shape,
    axes_of,
    base_places,
    display,
    is_volume,
    simplest,
    three,
    together,
    turned,
    whole_array,
    without_batch,
)
from .recording import Recorder, Step

Handler = Callable[[Recorder, Any, list, tuple], Any]


def note(recorder: Recorder, node: Any, args: list, outputs: tuple) -> None:
    """Remembers an operation: as a layer, or as other places of numbers that are in layers."""
    name = node._function.__name__
    y = outputs[0]
    if name in SAME_NUMBERS and isinstance(args[0], Ref):
        ref = args[0]
        if ref.places is None and not ref.last:
            recorder.alias(ref, node, y.shape)
        else:
            places = base_places(ref).reshape(y.shape)
            recorder.set_ref((node, 0), simplest(ref.layers, places, (node, 0), ref.fill))
    elif name == "Replace" and isinstance(args[1], Ref):
        recorder.alias(args[1], node, y.shape)
    elif name in MOVES and _moved(recorder, node, args, y):
        pass
    elif name in CURVES and isinstance(args[0], Ref) and not _has_ref(args[1:]):
        kind, names = CURVES[name]
        options = {each: value for each, value in zip(names, args[1:], strict=False)}
        _by_number(recorder, node, args[0], y, _named(kind, options), options)
    elif name in BINARY:
        _binary(recorder, node, args, y)
    else:
        handler = HANDLERS.get(name)
        if handler is None or not handler(recorder, node, args, outputs):
            _other(recorder, node, args, outputs)


def _has_ref(args: Any) -> bool:
    return any(isinstance(each, Ref) for each in args)


def _named(kind: str, options: dict[str, Any]) -> str:
    return "relu6" if kind == "hardtanh" and options == {"low": 0, "high": 6} else kind


def _by_number(
    recorder: Recorder, node: Any, ref: Ref, y: Tensor, kind: str, options: dict[str, Any]
) -> bool:
    """A layer of the shape of its only source."""
    source, last = recorder.flat(ref)
    recorder.add(kind, [source], node, y, source.value.shape, last, options)
    return True


def _other(recorder: Recorder, node: Any, args: list, outputs: tuple) -> None:
    """What the page has no rule for: it names it, and shows what comes out."""
    inputs: list[Step] = []
    for arg in args:
        if isinstance(arg, Ref):
            step, _ = recorder.flat(arg)
            inputs += [step] if all(step is not each for each in inputs) else []
    options = {"operation": node._function.__name__.removesuffix("Function")}
    for index, output in enumerate(outputs):
        if not isinstance(output, Tensor) or not output.is_floating_point():
            continue
        if output.requires_grad or recorder.formulas.running:
            if not index:
                recorder.add("other", inputs, node, output, options=options)
                continue
            value = whole_array(output).reshape(display(output.shape)).astype(np.float32)
            step = Step("", "other", [], value, options=options, inputs=inputs)
            recorder.append(step, output.shape, (node, index))


# ------------------------------------------------------------------------------------ moves


def _moved(recorder: Recorder, node: Any, args: list, y: Tensor) -> bool:
    """Runs the operation on places instead of numbers."""
    function = node._function
    name = function.__name__
    if name == "Gather" and composed.extreme_by_index(recorder, node, args, y):
        return True
    if name == "ConstantPad":
        fill = float(args[2])
        args = [*args[:2], -1]
    elif name == "Where":
        numbers = [each for each in args[1:] if isinstance(each, int | float)]
        fill = float(numbers[0]) if numbers else 0.0
        args = [each if not isinstance(each, int | float) else -1 for each in args]
    else:
        fill = 0.0
    refs = []
    indices = []
    for index, arg in enumerate(args):
        if isinstance(arg, Ref):
            refs.append(arg)
            indices.append(index)
        elif isinstance(arg, Tensor) and arg.is_floating_point():
            step = recorder.constant(arg, display(arg.shape))
            refs.append(Ref((step,), None, tuple(arg.shape), False, (None, 0)))
            indices.append(index)
        else:
            args[index] = _on_the_host(arg)
    if any(each.fill not in (0.0, fill) for each in refs):
        refs = [_plain(recorder, each) if each.fill not in (0.0, fill) else each for each in refs]
    layers, places, old_fill = together(refs)
    zeros = int(name in ("Triangle", "Unfold"))  # what they put there is -1 in the end
    for index, each in zip(indices, places, strict=True):
        args[index] = wrap(np.array(each + zeros, order="C"))
    if name == "Cat":
        moved = np.concatenate([each.array for each in args[1:]], args[0])
    elif issubclass(function, ViewFunction):
        moved = function.view(args[0].array, *args[1:])
    else:
        with no_grad():
            moved = function.forward(Node(function, (False,) * len(args)), *args).array
    moved = np.array(moved - zeros, np.int32, order="C")
    recorder.set_ref((node, 0), simplest(layers, moved, (node, 0), fill or old_fill))
    return True


def _on_the_host(arg: Any) -> Any:
    """Positions and masks, which may be on a GPU."""
    if isinstance(arg, Tensor):
        return wrap(whole_array(arg))
    if isinstance(arg, tuple):
        return tuple(_on_the_host(each) for each in arg)
    return backend.to_numpy(arg) if hasattr(arg, "get") and hasattr(arg, "shape") else arg


def _plain(recorder: Recorder, ref: Ref) -> Ref:
    recorder.layer(ref)
    return recorder.refs[id(ref.edge[0]), ref.edge[1]]


# ------------------------------------------------------------------- two operands, number by number


def _binary(recorder: Recorder, node: Any, args: list, y: Tensor) -> None:
    kind = BINARY[node._function.__name__]
    a, b = args
    if not isinstance(a, Ref | Tensor) or not isinstance(b, Ref | Tensor):
        number = float(b if isinstance(a, Ref) else a)
        place = 1 if isinstance(a, Ref) else 0
        options = {"number": number, "place": place}
        _by_number(recorder, node, a if place else b, y, kind, options)
        return
    both = isinstance(a, Ref) and isinstance(b, Ref)
    if isinstance(a, Ref) and isinstance(b, Ref) and a.shape == b.shape:
        (first, last), (second, second_last) = recorder.flat(a), recorder.flat(b)
        if last == second_last and first.value.shape == second.value.shape:
            name = "add" if kind == "plus" else kind
            recorder.add(name, [first, second], node, y, first.value.shape, last)
            return
    refs = [each for each in args if isinstance(each, Ref)]
    last = any(each.last for each in refs)
    if not last and y.ndim == 3 and y.shape[0] == 1:  # tokens
        last = all(each.places is not None for each in refs)
    full = tuple(y.shape)
    whole = [each for each in refs if each.places is None and each.shape == full]
    whole = [each for each in whole if each.last == last]
    shape = turned(full) if last else display(full)
    if whole:
        shape = whole[0].layers[0].value.shape
    steps = [_operand(recorder, each, full, shape, last) for each in args]
    name = "add" if kind == "plus" and both and a.shape == b.shape else kind
    recorder.add(name, steps, node, y, shape, last)


def _operand(recorder: Recorder, arg: Any, full: Shape, target: Shape, last: bool) -> Step:
    """An operand as (C, H, W), with 1 where it is repeated along an axis of the result (target)."""
    shape = (1,) * (len(full) - len(arg.shape)) + tuple(arg.shape)
    skip = len(full) - len(without_batch(full))
    if last:
        lead = shape[:-1]
        if set(lead) == {1}:
            shown: Shape | None = (shape[-1], 1, 1)
        else:
            shown = target if lead == full[:-1] and shape[-1] == full[-1] else None
    elif shape == full:
        shown = target
    else:
        lead = shape[skip:-2]
        fits = set(lead) <= {1} or lead == full[skip:-2]
        shown = three(shape[skip:]) if fits and target == three(full[skip:]) else None
    if shown is None:  # repeated along some of several axes that are shown as one
        more = full
        if not last and target == three(full[skip:]):
            more = (*full[:-2], *shape[-2:])
        if isinstance(arg, Tensor):
            arg = recorder.formulas.repeated(arg, shape, more)
        else:
            places = np.broadcast_to(base_places(arg).reshape(shape), more)
            arg = Ref(arg.layers, places, more, False, (None, 0), arg.fill)
        return _operand(recorder, arg, full, target, last)
    if isinstance(arg, Tensor):
        return recorder.constant(arg, shown, last)
    if shape != tuple(arg.shape) and (last or arg.last):
        arg = Ref(arg.layers, base_places(arg).reshape(shape), shape, False, arg.edge, arg.fill)
    return recorder.layer(arg, shown, last, exact=True)


# ------------------------------------------------------------------------------- sums of products


def _picture(ref: Any) -> bool:
    """Whether it is a tensor (1, C, H, W)."""
    return isinstance(ref, Ref) and len(ref.shape) == 4 and ref.shape[0] == 1


def _conv(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, weight, bias, geometry = args
    if not isinstance(x, Ref) or _has_ref(args[1:]):
        return composed.computed_convolution(recorder, node, args, outputs)
    if volumes.add_convolution(recorder, node, args, outputs[0]):
        return True
    if not _picture(x):
        return False
    (top, left), (bottom, right) = geometry.before, geometry.after
    mode = "zeros"
    _, module, _, edge = recorder.running[-1]
    border = isinstance(module, nn.Conv2d) and module.padding_mode != "zeros" and edge is not None
    own = recorder.refs.get((id(edge[0]), edge[1])) if border else None
    if own is not None and own.places is None and own.layers[0].places is None:
        # The border that the module has put around is part of the layer.
        assert isinstance(module, nn.Conv2d)
        x = own
        left, right, top, bottom = module._padding_for_pad()
        mode = module.padding_mode
    options = {
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": [top, bottom, left, right],
        "mode": mode,
        "groups": geometry.groups,
    }
    parameters = _weights(weight, bias)
    source = recorder.layer(x, x.shape[1:], exact=True)
    recorder.add("conv", [source], node, outputs[0], options=options, parameters=parameters)
    return True


def _weights(weight: Tensor, bias: Tensor | None) -> dict[str, np.ndarray]:
    parameters = {"weight": _numbers(weight)}
    if bias is not None:
        parameters["bias"] = _numbers(bias)
    return parameters


def _numbers(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(whole_array(tensor), np.float32)


def _transposed(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, weight, _, geometry = args
    if not _picture(x) or _has_ref(args[1:]):
        return False
    options = {
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": [geometry.before[0], geometry.after[0], geometry.before[1], geometry.after[1]],
        "groups": geometry.groups,
    }
    source = recorder.layer(x, x.shape[1:], exact=True)
    parameters = _weights(weight, None)
    recorder.add("transposed", [source], node, outputs[0], options=options, parameters=parameters)
    return True


def _linear(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, weight, bias = args
    if not isinstance(x, Ref) or _has_ref(args[1:]):
        return composed.computed_linear(recorder, node, args, outputs)
    parameters = _weights(weight, bias)
    (y,) = outputs
    if len(x.shape) == 2 and x.shape[0] == 1:
        source = recorder.layer(x, (x.shape[1], 1, 1), exact=True)
        recorder.add("linear", [source], node, y, (y.shape[1], 1, 1), parameters=parameters)
    else:  # at every pixel, or for every token, the same: a convolution with a kernel of one pixel
        source = recorder.layer(x, last=True)
        parameters["weight"] = parameters["weight"][:, :, None, None]
        options: dict[str, Any] = {"stride": (1, 1), "dilation": (1, 1), "padding": [0] * 4}
        options |= {"mode": "zeros", "groups": 1}
        shape = (y.shape[-1], *source.value.shape[1:])
        recorder.add("conv", [source], node, y, shape, True, options, parameters)
    return True


def _matrices(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A tensor (..., I, K) as (B, I, K)."""
    return int(np.prod(shape[:-2])), *shape[-2:]


def _matmul(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    (y,) = outputs
    steps = []
    for arg in args:
        shape = _matrices(tuple(arg.shape))
        lead = tuple(arg.shape[:-2])
        full = tuple(y.shape[:-2])
        if shape[0] != 1 and lead != full:
            return composed.repeated_matmul(recorder, node, args, outputs)
        if isinstance(arg, Ref):
            steps.append(recorder.layer(arg, shape, exact=True))
        else:
            steps.append(recorder.constant(arg, shape))
    recorder.add("matmul", steps, node, y, _matrices(tuple(y.shape)))
    return True


# ------------------------------------------------------------------------------ normalisation


def _batch_norm(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """In evaluation mode batch norm is a straight line for each channel: scale x + shift."""
    x, weight, bias, mean, var, eps, batch_statistics = args
    if not isinstance(x, Ref) or _has_ref(args[1:]) or x.shape[0] != 1:
        return False
    shape = display(x.shape)
    if len(x.shape) == 3:
        shape = x.shape[1], 1, x.shape[2]
    source = recorder.layer(x, shape, exact=True)
    count = x.shape[1]
    mean, variance = _numbers(mean), _numbers(var)
    invstd = 1 / np.sqrt(variance + np.float32(eps))
    scale = np.ones(count, np.float32) if weight is None else _numbers(weight)
    shift = np.zeros(count, np.float32) if bias is None else _numbers(bias)
    slices = x.shape[2] if is_volume(x.shape) else 1  # the same for all slices of a channel
    mean, invstd, scale, shift = (np.repeat(each, slices) for each in (mean, invstd, scale, shift))
    parameters: dict[str, np.ndarray]
    if batch_statistics:
        axes: tuple = ([0, 1, 2], count) if slices > 1 else ([1, 2], 0)
        options = {"axes": axes[0], "groups": axes[1], "eps": eps}
        parameters = {"weight": scale.reshape(-1, 1, 1), "bias": shift.reshape(-1, 1, 1)}
        recorder.add(
            "norm", [source], node, outputs[0], shape, options=options, parameters=parameters
        )
        return True
    parameters = {"mean": mean, "invstd": invstd, "weight": scale, "bias": shift}
    scale = scale * invstd
    parameters |= {"scale": scale, "shift": shift - mean * scale}
    recorder.add("affine", [source], node, outputs[0], source.value.shape, parameters=parameters)
    return True


def _standardize(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, dims, eps = args
    return over_axes(recorder, node, x, outputs[0], dims, "norm", {"eps": eps})


def _softmax(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    kind = node._function.__name__.lower()
    return over_axes(recorder, node, args[0], outputs[0], (args[1],), kind, {})


def over_axes(
    recorder: Recorder, node: Any, x: Ref, y: Tensor, dims: Any, kind: str, options: dict[str, Any]
) -> bool:
    """What looks at all numbers along some axes, and gives one of them or as many."""
    dims = tuple(each % len(x.shape) for each in dims)
    if x.places is not None and dims == (len(x.shape) - 1,) and kind == "norm":
        source, last = recorder.layer(x, last=True), True
    else:
        source, last = recorder.flat(x)
    shape = source.value.shape
    found = axes_of(x.shape, dims, shape, last)
    if found is None:
        return composed.over_rows(recorder, node, x, y, dims, kind, options)
    axes, groups = found
    options = {**options, "axes": axes, "groups": groups}
    if kind in ("sum", "largest", "smallest"):
        options["count"] = source.value.size // max(y.numel(), 1)
    if y.numel() != source.value.size:
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
        if groups:
            shape = groups, 1, 1
        last = last and 0 not in axes and y.numel() != y.shape[-1]
    recorder.add(kind, [source], node, y, shape, last, options)
    return True


def _sum(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    return over_axes(recorder, node, args[0], outputs[0], args[1], "sum", {})


def _extreme(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, dims, _, choose, _ = args
    kind = {"max": "largest", "min": "smallest"}[choose]
    return over_axes(recorder, node, x, outputs[0], dims, kind, {})


# ----------------------------------------------------------------------- windows and pictures


def _max_pool(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, geometry, _ = args
    if not _picture(x):
        return False
    if volumes.add_pooling(recorder, node, "maxpool3d", args, outputs[0]):
        return True
    names = ("kernel_size", "stride", "padding", "dilation")
    options = {name: tuple(getattr(geometry, name)) for name in names}
    source = recorder.layer(x, x.shape[1:], exact=True)
    recorder.add("maxpool", [source], node, outputs[0], options=options)
    return True


def _avg_pool(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, geometry, divisor = args
    if not _picture(x):
        return False
    if volumes.add_pooling(recorder, node, "avgpool3d", args, outputs[0], divisor):
        return True
    names = ("kernel_size", "stride", "padding")
    options = {name: tuple(getattr(geometry, name)) for name in names}
    plain = (np.asarray(divisor) == geometry.kernel_size[0] * geometry.kernel_size[1]).all()
    parameters = {} if plain else {"divisor": np.asarray(divisor, np.float32)}
    source = recorder.layer(x, x.shape[1:], exact=True)
    recorder.add("avgpool", [source], node, outputs[0], options=options, parameters=parameters)
    return True


def _resize(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, axis, matrix = args
    if len(x.shape) not in (3, 4, 5) or x.shape[0] != 1:
        return False

    def shown(shape: Any) -> Shape:
        if len(shape) == 3:
            return shape[1], 1, shape[2]
        if axis == 2 and len(shape) == 5:  # along the depth: the pixels of a slice as one row
            return shape[1], shape[2], shape[3] * shape[4]
        return display(shape)

    source = recorder.layer(x, shown(x.shape), exact=True)
    name = "columns" if axis == len(x.shape) - 1 else "rows"
    (y,) = outputs
    size = shown(y.shape)
    parameters = {name: np.asarray(matrix, np.float32)}
    recorder.add("resize", [source], node, y, size, parameters=parameters)
    return True


def _prelu(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    x, slope = args
    if not isinstance(x, Ref) or isinstance(slope, Ref):
        return False
    source, last = recorder.flat(x)
    numbers = _numbers(slope).reshape(-1)
    if len(numbers) not in (1, source.value.shape[0]):
        return False
    parameters = {"slope": numbers}
    shape = source.value.shape
    recorder.add("prelu", [source], node, outputs[0], shape, last, parameters=parameters)
    return True


HANDLERS: dict[str, Handler] = {
    "Conv2dFunction": _conv,
    "Conv2dInputGrad": _transposed,
    "SliceSums": volumes.add_transposed,
    "Linear": _linear,
    "MatMul": _matmul,
    "BatchNorm": _batch_norm,
    "Standardize": _standardize,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Sum": _sum,
    "Extreme": _extreme,
    "MaxPool": _max_pool,
    "AvgPool": _avg_pool,
    "Resize": _resize,
    "PReLU": _prelu,
    "Var": composed.variance,
    "Lerp": composed.lerp,
    "CumSum": composed.running_sum,
}
