"""Volumes (1, C, D, H, W), shown as C * D maps: slice z of channel c is map c * D + z.

To autograd a convolution of volumes is one of many images whose channels are neighbouring slices,
and a pooling is two, one in the slices and one along the depth. Here each becomes one layer again.

options["slices"]: how many slices a layer's channels have. options["depth"], of a layer with
windows: what stride, dilation and padding are along the depth, and the slices of input and output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...tensor import Tensor
from .known import SAME_NUMBERS
from .places import Ref, display, simplest, whole_array

if TYPE_CHECKING:
    from .recording import Recorder, Step

POOLS = {"maxpool3d": "maxpool", "avgpool3d": "avgpool"}


def came_from(node: Any, through: set[str]) -> tuple[Any, int] | None:
    """The edge behind all operations named in `through` that a node's first argument went through.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2, requires_grad=True).exp()
    >>> y = x.reshape(1, 2).clone() * 2
    >>> came_from(y.edge()[0], {"Clone", "Reshape"})[0] is x.edge()[0]
    True
    """
    edge = next(iter(node._edges), None)
    while edge is not None and _name(edge[0]) in through:
        edge = edge[0]._edges[0]
    return edge


def _name(node: Any) -> str:
    return node._function.__name__ if hasattr(node, "_function") else ""


def add_convolution(recorder: Recorder, node: Any, args: list, y: Tensor) -> bool:
    """A layer for the images of windows of slices that conv3d makes; False if it is none."""
    _, weight, bias, geometry = args
    edge = came_from(node, SAME_NUMBERS)
    if edge is None or _name(edge[0]) != "SliceWindows":
        return False
    windows = edge[0]
    start = windows._edges[0]
    padded = recorder.refs[id(start[0]), start[1]]
    if padded.shape[0] != 1:
        return False
    volume, before = _without_border(padded)
    source = recorder.layer(volume, display(volume.shape), exact=True)
    C, D = volume.shape[1:3]
    (OD, K, OH, OW), channels = y.shape, C // geometry.groups
    kernel = weight.shape[1] // channels
    _, stride, dilation = windows.args
    options = {
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": [geometry.before[0], geometry.after[0], geometry.before[1], geometry.after[1]],
        "mode": "zeros",
        "groups": geometry.groups,
        "slices": OD,
        "depth": _depth(kernel, stride, dilation, before, D, OD),
    }
    array = np.ascontiguousarray(whole_array(weight), np.float32)
    parameters = {"weight": array.reshape(K, channels, kernel, *array.shape[2:])}
    if bias is not None:
        parameters["bias"] = np.ascontiguousarray(whole_array(bias), np.float32)
    # The images come slice by slice, each with all its filters.
    places = np.arange(OD * K * OH * OW, dtype=np.int32).reshape(K, OD, OH, OW)
    step = recorder.add(
        "conv3d", [source], node, y, (K * OD, OH, OW), options=options, parameters=parameters,
        places=places.transpose(1, 0, 2, 3),
    )  # fmt: skip
    recorder.watch_uses(windows, [padded], [step])
    return True


def _depth(
    kernel: int, stride: int, dilation: int, before: int, slices: int, outputs: int
) -> dict[str, int]:
    return {
        "kernel": kernel, "stride": stride, "dilation": dilation, "before": before,
        "input": slices, "output": outputs,
    }  # fmt: skip


def _without_border(ref: Ref) -> tuple[Ref, int]:
    """A volume without the slices of zeros before and behind it, and how many are before it.

    As it is, if what is left is no layer with numbers of its own.
    """
    if ref.places is None or ref.fill:
        return ref, 0
    (filled,) = np.nonzero((ref.places >= 0).any((0, 1, 3, 4)))
    if len(filled) == 0:
        return ref, 0
    inner = np.ascontiguousarray(ref.places[:, :, filled[0] : filled[-1] + 1])
    volume = simplest(ref.layers, inner, (None, 0), 0.0)
    if volume.places is not None or volume.layers[0].places is not None:
        return ref, 0
    return volume, int(filled[0])


def add_transposed(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """A layer for SliceSums, the end of conv_transpose3d; False if it is of something else."""
    windows, _, stride, dilation = args
    edge = came_from(node, SAME_NUMBERS)
    if edge is None or _name(edge[0]) != "Conv2dInputGrad" or windows.shape[0] != 1:
        return False
    images = edge[0]
    turned = came_from(images, SAME_NUMBERS)
    if turned is None or _name(turned[0]) != "Permute":
        return False
    start = turned[0]._edges[0]
    volume = recorder.refs[id(start[0]), start[1]]
    weight = recorder.weights[id(images)]
    _, D, C, kernel = windows.shape[:4]
    K = weight.shape[0]
    if len(volume.shape) != 5 or tuple(volume.shape[:3]) != (1, K, D):
        return False
    geometry = images.geometry
    (y,) = outputs
    options = {
        "stride": geometry.stride,
        "dilation": geometry.dilation,
        "padding": [geometry.before[0], geometry.after[0], geometry.before[1], geometry.after[1]],
        "groups": geometry.groups,
        "slices": y.shape[2],
        "depth": _depth(kernel, stride, dilation, 0, D, y.shape[2]),
    }
    array = np.ascontiguousarray(whole_array(weight), np.float32)
    parameters = {"weight": array.reshape(K, C // geometry.groups, kernel, *array.shape[2:])}
    source = recorder.layer(volume, display(volume.shape), exact=True)
    step = recorder.add("transposed3d", [source], node, y, options=options, parameters=parameters)
    recorder.formulas.link(step, "weight", weight)
    recorder.watch_uses(turned[0], [volume], [step])
    return True


def add_pooling(
    recorder: Recorder, node: Any, kind: str, args: list, y: Tensor, divisor: Any = None
) -> bool:
    """A layer for a pooling along the depth, of (1, C, D, pixels); False if it is of pictures."""
    x, geometry = args[:2]
    (layer, *others), shape = x.layers, tuple(x.shape[1:])
    own = layer.value.shape
    along = geometry.kernel_size[1] == 1 and geometry.stride[1] == 1 and not geometry.padding[1]
    slices = own != shape and own[0] == shape[0] * shape[1] and own[1] * own[2] == shape[2]
    if x.places is not None or others or not along or not slices:
        return False
    OD, kernel = y.shape[2], geometry.kernel_size[0]
    moves = geometry.stride[0], geometry.dilation[0], geometry.padding[0]
    options = {
        "kernel_size": (1, 1), "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1),
        "slices": OD,
        "depth": _depth(kernel, *moves, shape[1], OD),
    }  # fmt: skip
    parameters = {}
    if divisor is not None and not (np.asarray(divisor) == kernel).all():
        full = np.broadcast_to(np.asarray(divisor, np.float32), (OD, own[1] * own[2]))
        parameters["divisor"] = full.reshape(OD, *own[1:])
    recorder.add(
        kind, [layer], node, y, (shape[0] * OD, *own[1:]), options=options, parameters=parameters
    )
    return True


# ------------------------------------------------------------- neighbours that become one layer


def merge_pooling(step: Step, readers_of: Any) -> None:
    """A pooling in the slices and one along the depth."""
    first = step.inputs[0] if step.inputs else None
    if first is None or POOLS.get(step.kind) != first.kind or readers_of(first) > 1:
        return
    names = ("kernel_size", "stride", "padding", "dilation")
    step.options = {**step.options, **{n: first.options[n] for n in names if n in first.options}}
    if step.kind == "avgpool3d":
        _divide_by(step, _divisor(step, (1, 1)) * _divisor(first, first.options["kernel_size"]))
    step.inputs = first.inputs


def merge_division(step: Step, readers_of: Any) -> None:
    """The sum of a window's numbers, and the division by how many they are."""
    first = step.inputs[0] if step.inputs else None
    if step.kind != "divide" or first is None or first.kind != "avgpool3d":
        return
    if readers_of(first) > 1 or step.value.shape != first.value.shape:
        return
    if "number" in step.options:
        if step.options["place"] != 1:
            return
        by = np.float32(step.options["number"])
    elif step.inputs[1].kind == "parameter":
        slices = first.options["slices"]
        full = np.broadcast_to(step.inputs[1].value, step.value.shape)
        by = full[:slices]
        if not (full.reshape(-1, *by.shape) == by).all():
            return
    else:
        return
    divisor = _divisor(first, first.options["kernel_size"]) * by
    step.kind, step.inputs, step.options = first.kind, first.inputs, first.options
    _divide_by(step, divisor)


def _divisor(step: Step, kernel: tuple[int, int]) -> Any:
    """What the sums of a mean-pooling's windows are divided by."""
    area = kernel[0] * kernel[1] * step.options.get("depth", {"kernel": 1})["kernel"]
    return step.parameters.get("divisor", np.float32(area))


def _divide_by(step: Step, divisor: Any) -> None:
    step.parameters = {}
    kernel = step.options["kernel_size"]
    if not (divisor == kernel[0] * kernel[1] * step.options["depth"]["kernel"]).all():
        full = (step.options["slices"], *step.value.shape[1:])
        step.parameters = {"divisor": np.array(np.broadcast_to(divisor, full), np.float32)}


def merge_border(step: Step, readers_of: Any) -> None:
    """A transposed convolution of volumes, and the border that is cut off its first slices."""
    first = step.inputs[0] if step.inputs else None
    if step.kind != "slice" or first is None or first.kind != "transposed3d":
        return
    depth = first.options["depth"]
    size = first.value[0].size
    channels = len(first.value) // depth["output"]
    if readers_of(first) > 1 or step.value.size % (channels * size):
        return
    assert step.places is not None
    count, before = step.value.size // (channels * size), int(step.places[0]) // size
    there = np.arange(first.value.size).reshape(channels, depth["output"], size)
    if not np.array_equal(there[:, before : before + count].ravel(), step.places):
        return
    step.options = {
        **first.options, "slices": count,
        "depth": {**depth, "before": before, "output": count},
    }  # fmt: skip
    step.kind, step.inputs, step.places = first.kind, first.inputs, None
    step.parameters, step.computed = first.parameters, first.computed


MERGES = (merge_pooling, merge_division, merge_border)
