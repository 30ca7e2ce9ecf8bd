"""From what a network did, operation by operation, to the layers that one speaks of.

A mean is a sum and a division to autograd, a layer norm three operations, an adaptive pooling a
resizing of rows and one of columns. Here such neighbours become one layer, what leads nowhere is
dropped, and every layer gets its name.
"""

from __future__ import annotations

import numpy as np

from ... import kernels
from .formulas import part_of, settle
from .recording import Layer, Step
from .volumes import MERGES

TRANSPOSED = ("transposed", "transposed3d")


def finish(steps: list[Step], last: Step, ends: list[Step]) -> list[Layer]:
    """The layers in order, the scores (`last`) at the end.

    ends: the network's outputs. What leads to none of them is left out.
    """
    for step in steps:
        for merge in (_mean, _affine_of_norm, _both_axes):
            merge(step, steps)
        for merge_volume in MERGES:
            merge_volume(step, lambda first: _readers(first, steps))
    needed: set[int] = set()
    waiting = [steps[0], last, *ends]
    while waiting:
        step = waiting.pop()
        if id(step) not in needed:
            needed.add(id(step))
            waiting += step.inputs
    steps = [each for each in steps if id(each) in needed]
    if not any(last is each for step in steps for each in step.inputs):
        steps = [*(each for each in steps if each is not last), last]
    elif steps[-1] is not last:  # another output was made of the scores
        copy = Step("", "identity", [], last.value, last.gradient, inputs=[last])
        copy.path, last = last.path, copy
        steps.append(last)
    numbers = {id(each): number for number, each in enumerate(steps)}
    _name(steps)
    for step in steps:
        step.sources = [numbers[id(each)] for each in step.inputs]
    settle(steps)
    return list(steps)


def _readers(step: Step, steps: list[Step]) -> int:
    return sum(each is step for other in steps for each in other.inputs)


def _mean(step: Step, steps: list[Step]) -> None:
    """A sum divided by how many numbers were added."""
    if step.kind != "divide" or step.options.get("place") != 1 or step.inputs[0].kind != "sum":
        return
    total = step.inputs[0]
    if total.options.get("count") != step.options["number"] or _readers(total, steps) > 1:
        return
    step.inputs, step.options = total.inputs, total.options
    step.kind = "adaptive" if total.options["axes"] == [1, 2] else "mean"


def _affine_of_norm(step: Step, steps: list[Step]) -> None:
    """The weight and the bias of a normalisation, and the bias of a transposed convolution."""
    if step.kind not in ("times", "plus") or len(step.inputs) != 2:
        return
    first, second = step.inputs
    if second.kind != "parameter":
        first, second = second, first
    name = {"times": "weight", "plus": "bias"}[step.kind]
    fits = first.kind == "norm" or (first.kind in TRANSPOSED and name == "bias")
    fits = fits and second.kind == "parameter" and first.value.shape == step.value.shape
    if not fits or "bias" in first.parameters or _readers(first, steps) > 1:
        return
    if first.kind == "norm" and name in first.parameters:
        return
    value, computed = second.value, second.computed.get("value")
    if first.kind in TRANSPOSED:
        rows = value.reshape(len(value), -1)
        if len(rows) != len(first.value) or (rows != rows[:, :1]).any():
            return
        value = rows[:, 0].copy()
        if computed is not None and rows.shape[1] > 1:
            computed = part_of(computed, np.arange(len(rows)) * rows.shape[1])
    step.kind, step.inputs, step.options = first.kind, first.inputs, first.options
    step.parameters = {**first.parameters, name: value}
    step.computed = dict(first.computed)
    if computed is not None:
        step.computed[name] = computed


def _both_axes(step: Step, steps: list[Step]) -> None:
    """A resizing of rows and then of columns; with equal weights it is an adaptive mean."""
    first = step.inputs[0] if step.inputs else None
    if step.kind != "resize" or first is None or first.kind != "resize":
        return
    if set(step.parameters) & set(first.parameters) or _readers(first, steps) > 1:
        return
    step.inputs, step.parameters = first.inputs, {**first.parameters, **step.parameters}
    means = [kernels.averaging_matrix(*each.shape[::-1]) for each in step.parameters.values()]
    pairs = zip(step.parameters.values(), means, strict=True)
    if all(np.array_equal(own, np.asarray(mean, np.float32)) for own, mean in pairs):
        step.kind, step.parameters = "adaptive", {}


def _name(steps: list[Step]) -> None:
    """The module's path; where a module does several things, or is not a layer, with the kind."""
    last_of_call = {step.call: step for step in steps if step.call and step.kind != "parameter"}
    taken: set[str] = set()
    for step in steps:
        name = step.name
        if not name:
            whole = step.call and last_of_call[step.call] is step
            kind = step.options.get("operation", step.kind).lower()
            parts = [step.path] if step.path else []
            if whole:
                name = step.path or "layer"
            else:
                step.text = ""
                name = ".".join([*parts, kind])
        calls = 1
        while (candidate := name if calls == 1 else f"{name} ({calls})") in taken:
            calls += 1
        step.name = candidate
        taken.add(candidate)
