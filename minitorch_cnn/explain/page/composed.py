"""Operations that are one to autograd and several layers to the page.

A variance is a mean of squares, `lerp` an addition of a difference; a linear layer or a convolution
whose weights themselves come from the picture is a product of matrices. The steps between have no
tensor of their own, so what goes back to them is computed here from the gradient that arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Tensor, wrap
from .places import Ref, Shape, axes_of, base_places, display, whole_array
from .recording import Recorder, Step


def between(
    recorder: Recorder,
    kind: str,
    inputs: list[Step],
    value: np.ndarray,
    options: dict[str, Any] | None = None,
) -> Step:
    """A layer for numbers that belong to no tensor."""
    step = Step("", kind, [], np.array(value, np.float32), options=options or {}, inputs=inputs)
    recorder.append(step, step.value.shape, (None, 0))
    return step


def when_gradient(recorder: Recorder, node: Any, send: Callable[[np.ndarray], None]) -> None:
    """Calls send(gradient of the node's output), as it arrives on the way back."""
    if recorder.formulas.running:
        return

    def hear(gradient: Tensor) -> None:
        send(whole_array(gradient).astype(np.float32))

    output = wrap(np.empty(0, np.float32))
    output._set_history(node, 0)
    output.register_hook(hear)


def loose(ref: Ref, places: np.ndarray) -> Ref:
    """The numbers of a tensor at other places, which are no tensor."""
    return Ref(ref.layers, places, tuple(places.shape), False, (None, 0), ref.fill)


def in_rows(recorder: Recorder, node: Any, x: Ref, dims: tuple[int, ...]) -> tuple[Step, list[int]]:
    """A layer (1, K, R) in which the R numbers along some axes of a tensor are a row.

    And the order of the tensor's axes in it.
    """
    order = [n for n in range(len(x.shape)) if n not in dims] + sorted(dims)
    count = int(np.prod([x.shape[n] for n in dims]))
    moved = base_places(x).transpose(order)
    start = len(recorder.steps)
    step = recorder.layer(loose(x, moved), (1, moved.size // count, count))
    if step.places is not None and any(step is each for each in recorder.steps[start:]):

        def send(gxs: tuple, gys: tuple) -> None:
            if gxs[0] is not None:
                gradient = whole_array(gxs[0]).transpose(order).astype(np.float32)
                step.gradient = gradient.reshape(step.value.shape)

        if not recorder.formulas.running:
            node.register_hook(send)
    return step, order


def over_rows(
    recorder: Recorder, node: Any, x: Ref, y: Tensor, dims: tuple[int, ...], kind: str, options: Any
) -> bool:
    """What looks at all numbers along some axes, of a tensor that is no layer's (C, H, W)."""
    source, order = in_rows(recorder, node, x, dims)
    _, count, each = source.value.shape
    options = {**options, "axes": [2], "groups": 0}
    if y.numel() != source.value.size:
        if kind in ("sum", "largest", "smallest"):
            options["count"] = each
        recorder.add(kind, [source], node, y, (1, count, 1), options=options)
        return True
    places = np.arange(y.numel()).reshape([x.shape[n] for n in order])
    places = places.transpose(np.argsort(order))
    recorder.add(kind, [source], node, y, source.value.shape, options=options, places=places)
    return True


def extreme_by_index(recorder: Recorder, node: Any, args: list, y: Tensor) -> bool:
    """The largest or smallest number along an axis, taken by its place, as max(dim) does.

    The first of equal ones gets the gradient.
    """
    from .operations import over_axes

    x, dim, index = args
    if not isinstance(x, Ref) or not isinstance(index, Tensor) or index.shape[dim] != 1:
        return False
    numbers = np.concatenate([each.value.ravel() for each in x.layers] + [[x.fill]])
    array = numbers[base_places(x)]
    for kind, find in (("largest", np.argmax), ("smallest", np.argmin)):
        if np.array_equal(np.expand_dims(find(array, dim), dim), whole_array(index)):
            return over_axes(recorder, node, x, y, (dim,), kind, {"first": True})
    return False


def variance(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """The mean, the differences from it, their squares, and the mean of these."""
    x, dims, divisor, _ = args
    dims = tuple(each % len(x.shape) for each in dims)
    source, last = recorder.flat(x)
    found = axes_of(x.shape, dims, source.value.shape, last)
    (y,) = outputs
    if found is None or found[1] or divisor == 0:
        source, _ = in_rows(recorder, node, x, dims)
        axes, last = [2], False
    else:
        axes = found[0]
        last = last and 0 not in axes and y.numel() != y.shape[-1]
    along = tuple(axes)
    options = {"axes": axes, "groups": 0, "count": source.value.size // max(y.numel(), 1)}
    mean = between(
        recorder, "mean", [source], source.value.mean(along, np.float32, keepdims=True), options
    )
    away = between(recorder, "minus", [source, mean], source.value - mean.value)
    square = between(recorder, "times", [away, away], away.value * away.value)
    total = square.value.sum(along, np.float32, keepdims=True)
    added = between(recorder, "sum", [square], total, options)
    by = {"number": float(divisor), "place": 1}
    recorder.add("divide", [added], node, y, total.shape, last, by)
    result = recorder.steps[-1]

    def send(gradient: np.ndarray) -> None:
        # The hook of the result may come later than this one.
        own = gradient.reshape(-1, y.shape[-1]).T if last else gradient
        added.gradient = own.reshape(result.value.shape) / np.float32(divisor)
        square.gradient = np.broadcast_to(added.gradient, square.value.shape).copy()
        away.gradient = 2 * away.value * square.gradient
        # Differences from a mean add up to 0: nothing goes back through the mean.

    when_gradient(recorder, node, send)
    return True


def lerp(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """a + w (b - a), for a number w and two tensors of the same shape."""
    a, b, w = args
    if not (isinstance(a, Ref) and isinstance(b, Ref) and isinstance(w, int | float)):
        return False
    if a.shape != b.shape:
        return False
    first, second = (recorder.layer(each, display(a.shape), exact=True) for each in (a, b))
    weight = np.float32(w)
    way = between(recorder, "minus", [second, first], second.value - first.value)
    part = between(
        recorder, "times", [way], way.value * weight, {"number": float(weight), "place": 1}
    )
    (y,) = outputs
    recorder.add("add", [first, part], node, y, first.value.shape)

    def send(gradient: np.ndarray) -> None:
        part.gradient = gradient.reshape(part.value.shape)
        way.gradient = part.gradient * weight

    when_gradient(recorder, node, send)
    return True


def product(
    recorder: Recorder, node: Any, left: Step, right: Step, y: Tensor, bias: Any, start: int
) -> bool:
    """A product of matrices (B, I, K) and (B, K, J), one of which may be there once for all.

    bias: what is added, (B, I, J) or with an axis of length 1. start: how many steps there were
    before this operation: those since then that only move numbers get their gradients here.
    """
    value = left.value @ right.value
    moved = [each for each in recorder.steps[start:] if each.places is not None]
    if bias is None:
        recorder.add("matmul", [left, right], node, y, value.shape)
        steps = []
    else:
        steps = [between(recorder, "matmul", [left, right], value)]
        recorder.add("plus", [*steps, bias], node, y, value.shape)

    def send(gradient: np.ndarray) -> None:
        own = gradient.reshape(value.shape)
        for step in steps:
            step.gradient = own
        for step, back in (
            (left, lambda: own @ right.value.transpose(0, 2, 1)),
            (right, lambda: left.value.transpose(0, 2, 1) @ own),
            (bias, lambda: own),
        ):
            if any(step is each for each in moved):
                found = back()
                axes = tuple(n for n in range(3) if step.value.shape[n] < found.shape[n])
                total = found.sum(axes, np.float32, keepdims=True)
                step.gradient = total if step.gradient is None else step.gradient + total

    when_gradient(recorder, node, send)
    return True


def computed_linear(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """A linear layer whose weight (N, K) depends on the picture."""
    x, weight, bias = args
    if not isinstance(weight, Ref):
        return False
    start = len(recorder.steps)
    rows = int(np.prod(x.shape[:-1]))
    N, K = weight.shape
    left = _matrices(recorder, x, (1, rows, K))
    right = recorder.layer(loose(weight, base_places(weight).T), (1, K, N), exact=True)
    added = None if bias is None else _matrices(recorder, bias, (1, 1, N))
    return product(recorder, node, left, right, outputs[0], added, start)


def computed_convolution(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """A convolution of a picture (1, C, H, W) with a weight (K, C/G, KH, KW) that depends on it."""
    x, weight, bias, geometry = args
    if not (isinstance(x, Ref) and isinstance(weight, Ref)) or x.shape[0] != 1 or x.fill:
        return False
    (y,) = outputs
    _, C, H, W = x.shape
    K, _, KH, KW = weight.shape
    OH, OW = y.shape[2:]
    start = len(recorder.steps)
    windows = np.full((C, KH, KW, OH, OW), -1, np.int32)
    places = base_places(x)[0]
    for u in range(KH):
        for v in range(KW):
            rows = np.arange(OH) * geometry.stride[0] + u * geometry.dilation[0]
            columns = np.arange(OW) * geometry.stride[1] + v * geometry.dilation[1]
            rows, columns = rows - geometry.before[0], columns - geometry.before[1]
            inside_rows = np.flatnonzero((rows >= 0) & (rows < H))
            inside = np.flatnonzero((columns >= 0) & (columns < W))
            there = places[:, rows[inside_rows]][:, :, columns[inside]]
            windows[:, u, v, inside_rows[:, None], inside] = there
    groups = geometry.groups
    size = C // groups * KH * KW
    right = recorder.layer(loose(x, windows), (groups, size, OH * OW), exact=True)
    left = _matrices(recorder, weight, (groups, K // groups, size))
    added = None
    if bias is not None:
        added = _matrices(recorder, bias, (groups, K // groups, 1))
    return product(recorder, node, left, right, y, added, start)


def _matrices(recorder: Recorder, arg: Any, shape: Shape) -> Step:
    if isinstance(arg, Tensor):
        return recorder.constant(arg, shape)
    return recorder.layer(loose(arg, base_places(arg)), shape, exact=True)


def repeated_matmul(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """Products of batches of matrices, one of which is repeated along some axes."""
    (y,) = outputs
    start = len(recorder.steps)
    lead = tuple(y.shape[:-2])
    steps = []
    for arg in args:
        rows, columns = arg.shape[-2:]
        own = (1,) * (len(lead) + 2 - len(arg.shape)) + tuple(arg.shape)
        shape = (int(np.prod(lead)), rows, columns)
        if isinstance(arg, Ref):
            places = np.broadcast_to(base_places(arg).reshape(own), (*lead, rows, columns))
            steps.append(recorder.layer(loose(arg, places), shape, exact=True))
        else:
            more = recorder.formulas.repeated(arg, own, (*lead, rows, columns))
            steps.append(recorder.constant(more, shape))
    return product(recorder, node, steps[0], steps[1], y, None, start)


def running_sum(recorder: Recorder, node: Any, args: list, outputs: tuple) -> bool:
    """A cumsum: each row times a triangle of ones."""
    x, dim = args
    (y,) = outputs
    source, order = in_rows(recorder, node, x, (dim % len(x.shape),))
    count = source.value.shape[2]
    ones = wrap(np.triu(np.ones((count, count), np.float32)))
    triangle = recorder.constant(ones, (1, count, count))
    places = np.arange(y.numel()).reshape([x.shape[n] for n in order])
    places = places.transpose(np.argsort(order))
    recorder.add("matmul", [source, triangle], node, y, source.value.shape, places=places)
    return True
