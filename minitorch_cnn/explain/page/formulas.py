"""What is computed of a network's parameters alone, before a layer uses it.

Most weights are parameters as they are. Others come out of a formula: a weight norm, a transposed
weight that another layer has too, an embedding of positions, a penalty, the first step of an LSTM.
These operations are noted like the layers' own, but stand beside them: a layer's `computed` says
which of its arrays is the result of which formula. The page runs them to hand gradients on to the
parameters, and to compute the arrays again when the parameters have changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ...tensor import Tensor, wrap
from .places import Ref, base_places, display, whole_array

if TYPE_CHECKING:
    from .recording import Layer, Recorder, Step

# What the arguments of operations with weights are called.
LEARNED = {
    "ConvFunction": ("", "weight", "bias"),
    "ConvInputGrad": ("", "weight"),
    "Linear": ("", "weight", "bias"),
    "BatchNorm": ("", "weight", "bias"),
    "PReLU": ("", "slope"),
}


def arguments_of(node: Any) -> tuple[str, ...]:
    """What the arguments of an operation are called that are its layer's parameters."""
    return LEARNED.get(re.sub(r"\dd", "", node._function.__name__), ())  # Conv2dFunction, say


class Formulas:
    """The steps so far, and where among them the numbers of each tensor are.

    learned: name and tensor of each parameter that a training changes.
    """

    def __init__(self, recorder: Recorder, learned: Mapping[str, Tensor]) -> None:
        self.recorder = recorder
        self.learned = {id(each): (name, each) for name, each in learned.items()}
        self.refs: dict[int, Ref] = {}  # id of a tensor -> its numbers
        self.alive: list[Any] = []  # an id is unique while its object lives
        self.steps: list[Step] = []
        self.constants: dict[Any, Step] = {}
        self.running = False

    def ref_of(self, tensor: Any) -> Ref | None:
        """Where a tensor's numbers are; None if they do not depend on what is learned."""
        ref = self.refs.get(id(tensor))
        if ref is None and id(tensor) in self.learned:
            from .recording import Step

            name, _ = self.learned[id(tensor)]
            value = np.ascontiguousarray(whole_array(tensor), np.float32)
            leaf = Step(name, "parameter", [], value.reshape(display(tensor.shape)))
            leaf.names["value"] = name
            self.steps.append(leaf)
            ref = self._set(tensor, Ref((leaf,), None, tuple(tensor.shape), False, (None, 0)))
        return ref

    def _set(self, tensor: Tensor, ref: Ref) -> Ref:
        self.alive.append(tensor)
        self.refs[id(tensor)] = ref
        return ref

    @contextmanager
    def noted(self) -> Iterator[list[Step]]:
        """Inside, the recorder notes formulas and not layers; they are appended to the list."""
        recorder = self.recorder
        before = recorder.steps, recorder.constants, self.running
        recorder.steps, recorder.constants, self.running = self.steps, self.constants, True
        try:
            yield self.steps
        finally:
            recorder.steps, recorder.constants, self.running = before

    def observe(self, node: Any, args: tuple, outputs: tuple) -> None:
        """Called by every operation on numbers that do not depend on the picture."""
        from .operations import note

        refs = [self.ref_of(arg) if isinstance(arg, Tensor) else None for arg in args]
        if not any(refs):
            return
        operands = [arg if ref is None else ref for arg, ref in zip(args, refs, strict=True)]
        names = arguments_of(node)
        with self.noted() as steps:
            if names:  # its weights are parameters of the step, as they are of a layer
                operands[1 : len(names)] = args[1 : len(names)]
                if refs[0] is None:
                    known = self.recorder.constant(args[0], display(args[0].shape))
                    operands[0] = Ref((known,), None, tuple(args[0].shape), False, (None, 0))
            count = len(steps)
            note(self.recorder, node, operands, outputs)
            self.recorder.name_learned(steps[count:], node, args)
        for index, output in enumerate(outputs):
            ref = self.recorder.refs.get((id(node), index))
            if ref is not None and isinstance(output, Tensor):
                self._set(output, ref)

    def repeated(self, tensor: Tensor, shape: tuple[int, ...], more: tuple[int, ...]) -> Tensor:
        """The tensor as `shape`, and repeated to the shape `more`."""
        array = np.array(np.broadcast_to(whole_array(tensor).reshape(shape), more))
        result = wrap(array)
        ref = self.ref_of(tensor)
        if ref is not None:
            places = np.broadcast_to(base_places(ref).reshape(shape), more)
            self._set(result, Ref(ref.layers, places, more, False, (None, 0), ref.fill))
        return result

    def link(
        self,
        step: Step,
        name: str,
        tensor: Tensor,
        shape: tuple[int, ...] | None = None,
        last: bool = False,
    ) -> None:
        """Says which formula makes a step's parameter, or its "value": the one of `tensor`.

        shape, last: how the tensor's numbers are arranged there, see `Recorder.layer`. Where there
        are more than the tensor has, each is there several times: for all slices of a volume.
        """
        ref = self.ref_of(tensor)
        if ref is None or not tensor.numel():
            return
        numbers = step.value if name == "value" else step.parameters[name]
        each = numbers.size // tensor.numel()
        if each > 1:
            places = np.repeat(base_places(ref).ravel(), each)
            ref = Ref(ref.layers, places, places.shape, False, (None, 0), ref.fill)
        with self.noted():
            exact = shape is not None
            source = self.recorder.layer(ref, shape or display(ref.shape), last, exact=exact)
        source = _simplest(source)
        if not np.array_equal(source.value.ravel(), numbers.ravel(), equal_nan=True):
            # Something has changed the numbers behind the recorder's back.
            from .recording import Step

            source = Step("", "other", [], numbers, inputs=[source])
        step.computed[name] = source


def _simplest(step: Step) -> Step:
    """What a step reads, if it has the same numbers in the same order."""
    while step.places is not None and len(step.inputs) == 1:
        (source,) = step.inputs
        if not np.array_equal(step.places, np.arange(source.value.size)):
            break
        step = source
    return step


def part_of(step: Step, places: np.ndarray) -> Step:
    """Some numbers of a formula's result, as a formula."""
    from .recording import Step

    value = step.value.ravel()[places].reshape(-1, 1, 1)
    inputs = [step]
    if step.places is not None:
        places, inputs = step.places[places], step.inputs
    part = Step("", "slice", [], value, inputs=inputs, places=places.astype(np.int32))
    return _simplest(part)


def settle(layers: Sequence[Step]) -> None:
    """Names the arrays that are parameters as they are, and forgets what no page can compute.

    What is learned of a parameter that an unknown operation uses would be a part of it only: so it
    is not learned in the page.
    """
    lost: set[str] = set()
    every = [*layers, *formulas_of(layers)]
    for step in every:
        for name, source in list(step.computed.items()):
            if "value" in source.names:
                step.names[name] = source.names["value"]
                del step.computed[name]
                continue
            behind = formulas_of([step], [name])
            if any(each.kind == "other" for each in behind):
                lost |= {own for each in behind for own in each.names.values()}
                del step.computed[name]
    for step in every:
        step.names = {name: each for name, each in step.names.items() if each not in lost}


def formulas_of(layers: Sequence[Layer], names: Sequence[str] | None = None) -> list[Layer]:
    """The steps behind the computed arrays of layers, each after those that it reads.

    names: of the arrays; None: all.
    """
    found: dict[int, Layer] = {}
    waiting = [
        source
        for layer in layers
        for name, source in layer.computed.items()
        if names is None or name in names
    ]
    while waiting:
        step = waiting[-1]
        missing = [each for each in read_by(step) if id(each) not in found]
        waiting += missing
        if not missing:
            found.setdefault(id(step), waiting.pop())
    return list(found.values())


def read_by(step: Any) -> list[Any]:
    """What a formula reads: other formulas, also those of its own parameters."""
    return [*step.inputs, *step.computed.values()]
