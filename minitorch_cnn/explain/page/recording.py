"""What happened to one picture in a network: every layer's numbers, and the gradients back.

The network runs once, and every operation that autograd notes is looked at (operations.py): what
it is, what it reads, what comes out. So it makes no difference whether a network is written with
modules or with functions. Modules only give the names. An operation that moves numbers without
changing them (a reshape, a permutation, a slice) is remembered as a table of places and becomes a
layer when something computes with its result; `merging.py` makes one layer of what belongs
together.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import backend, nn
from ...autograd import enable_grad, grad
from ...autograd.modes import state
from ...tensor import Tensor, wrap
from .formulas import Formulas, arguments_of
from .places import (
    Ref,
    alike,
    base_places,
    display,
    is_volume,
    kind_of_move,
    turn,
    turned,
    whole_array,
)


@dataclass
class Layer:
    """One step of the network: where its numbers come from, what they are, their gradient.

    kind: what the page knows to explain, see operations.py; "input" is the picture, "parameter"
    numbers that do not depend on it, "other" is an operation that the page only shows.
    """

    name: str
    kind: str
    sources: list[int]  # numbers of the layers that it reads
    value: np.ndarray  # (C, H, W); features are (C, 1, 1), T tokens of D numbers (D, 1, T)
    gradient: np.ndarray | None = None  # of the explained score, same shape as value
    options: dict[str, Any] = field(default_factory=dict)  # strides and the like, for JSON
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    text: str = ""  # the module as it prints itself
    # Of a layer that only moves numbers: for each of its own, the place among those of all its
    # sources, one source after the other; -1 for options["fill"].
    places: np.ndarray | None = None
    # What is learned of its parameters (or of its "value"): their names in the network.
    names: dict[str, str] = field(default_factory=dict)
    # Those that follow from what is learned: the step that computes them, see formulas.py.
    computed: dict[str, Step] = field(default_factory=dict)


@dataclass
class Step(Layer):
    """A layer while the network runs."""

    inputs: list[Step] = field(default_factory=list)  # what `sources` will number
    path: str = ""  # of the innermost module
    call: int = 0  # which call of a module without children it belongs to; 0: none


def record(model: nn.Module, x: Tensor, learns: bool = True, back: bool = True) -> list[Layer]:
    """Sends one picture x (1, C, H, W) through a network in evaluation mode, and back.

    learns: whether to find out which of a layer's numbers are parameters, or come from them. back:
    whether to find gradients.

    It may be a signal (1, C, L), shown as C maps of one row, or a volume (1, C, D, H, W), shown as
    C * D maps, those of channel 0 first.
    Returns the layers in the order of computation, the picture itself first and the scores last.
    The gradients are those of the largest score. If the network has several outputs, the first
    one's numbers are the scores. The network stays as it was, and so do the gradients of its
    parameters.

    Raises ValueError for more than one picture, a network in training mode (its batch norm and
    dropout depend on the other pictures and on chance) or one whose output does not depend on the
    picture by differentiable operations.

    >>> import minitorch_cnn as mt
    >>> network = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.ReLU(), mt.nn.Flatten())
    >>> layers = record(network.eval(), mt.zeros(1, 1, 4, 4))
    >>> [(layer.name, layer.kind, layer.value.shape) for layer in layers]
    [('input', 'input', (1, 4, 4)), ('0', 'conv', (2, 2, 2)), ('1', 'relu', (2, 2, 2)),
     ('2', 'flatten', (8, 1, 1))]
    """
    from .merging import finish

    if x.ndim not in (3, 4, 5) or x.shape[0] != 1:
        raise ValueError(
            "record takes one picture (1, C, H, W), signal (1, C, L) or volume (1, C, D, H, W), "
            f"got shape {tuple(x.shape)}"
        )
    if model.training:
        raise ValueError("record takes a network in evaluation mode: call model.eval() first")
    recorder = Recorder(model, x, learns)
    learned = [each for each in model.parameters() if each.requires_grad]
    try:
        for parameter in learned:  # no gradient of theirs is computed: that would take long
            parameter.requires_grad_(False)
        last, ends = recorder.run(model, back)
    finally:
        for parameter in learned:
            parameter.requires_grad_(True)
    return finish(recorder.steps, last, ends)


def _gradients_of_moves(steps: list[Step], last: Step, best: int) -> None:
    """Adds what moving layers get from each other, and from the score that is explained."""
    if last.places is not None:
        gradient = np.zeros(last.value.size, np.float32)
        gradient[best] = 1
        last.gradient = gradient.reshape(last.value.shape)
    for step in steps:
        for source in step.inputs if step.kind in SLOPES and len(step.inputs) == 2 else ():
            if source.places is not None and source.gradient is None and step.gradient is not None:
                source.gradient = _gradient_of_operand(step, source)
    for step in reversed(steps):
        if step.places is None or step.gradient is None:
            continue
        starts = np.cumsum([0, *(each.value.size for each in step.inputs)])
        for start, source in zip(starts, step.inputs, strict=False):
            if source.places is None:
                continue
            here = (step.places >= start) & (step.places < start + source.value.size)
            own = np.zeros(source.value.size) if source.gradient is None else source.gradient
            own = np.array(own, np.float32).ravel()
            np.add.at(own, step.places[here] - start, step.gradient.ravel()[here])
            source.gradient = own.reshape(source.value.shape)


# What a change of the first and of the second operand changes.
SLOPES: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "add": lambda a, b: (1, 1),
    "plus": lambda a, b: (1, 1),
    "minus": lambda a, b: (1, -1),
    "times": lambda a, b: (b, a),
    "divide": lambda a, b: (1 / b, -a / (b * b)),
}


def _gradient_of_operand(step: Step, source: Step) -> np.ndarray:
    """Of numbers that were repeated for one operation, and belong to no tensor."""
    a, b = (each.value for each in step.inputs)
    total = np.zeros(step.value.shape, np.float32)
    for each, slope in zip(step.inputs, SLOPES[step.kind](a, b), strict=True):
        if each is source:
            total = total + step.gradient * slope
    axes = tuple(n for n in range(3) if source.value.shape[n] < total.shape[n])
    return total.sum(axes, np.float32, keepdims=True)


def arranged(
    array: np.ndarray, shape: tuple[int, ...], last: bool, places: np.ndarray | None = None
) -> np.ndarray:
    """A tensor's numbers as those of a layer, see `Recorder.add`; a new array."""
    if places is None:
        return np.array((turn(array) if last else array).reshape(shape), np.float32, order="C")
    result = np.empty(array.size, np.float32)
    result[places.ravel()] = array.ravel()
    return result.reshape(shape)


def _tensors(output: Any) -> Iterator[Tensor]:
    """All tensors in what a network returns."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        yield from _tensors(list(output.values()))
    elif isinstance(output, list | tuple):
        for each in output:
            yield from _tensors(each)


class Recorder:
    """The layers so far, and where the numbers of each tensor are among them."""

    def __init__(self, model: nn.Module, x: Tensor, learns: bool) -> None:
        self.leaf = x.detach().clone().requires_grad_()
        with enable_grad():
            self.x = self.leaf.clone()  # a model may write to its input in place
        self.steps: list[Step] = []
        self.refs: dict[tuple[int, int], Ref] = {}  # (id of node, output) -> the tensor's numbers
        self.alive: list[Any] = []  # nodes and constants; an id is unique while its object lives
        self.names = {id(each): name for name, each in model.named_parameters()}
        self.names.update({id(each): name for name, each in model.named_buffers()})
        learned = ((name, each) for name, each in model.named_parameters() if each.requires_grad)
        self.formulas = Formulas(self, dict(learned) if learns else {})
        self.constants: dict[Any, Step] = {}
        self.weights: dict[int, Tensor] = {}  # of transposed convolutions, by the id of their node
        # The modules that are running: name, module, number of the call, what it was called with.
        self.running: list[tuple[str, nn.Module, int, Any]] = [("", model, 0, None)]
        self.calls = 0
        array = whole_array(self.x).astype(np.float32)
        # A signal (1, C, L) is C maps of one row.
        shape = (x.shape[1], 1, x.shape[2]) if x.ndim == 3 else display(x.shape)
        step = Step("input", "input", [], array.reshape(shape))
        if is_volume(x.shape):
            step.options = {"slices": x.shape[2]}
        self.append(step, self.x.shape, self.x.edge())

    def run(self, model: nn.Module, back: bool) -> tuple[Step, list[Step]]:
        """Forward and, if wanted, backward. Returns the scores, and all outputs of the network."""
        with enable_grad():
            with self.listening(model):
                try:
                    inspect.signature(model.forward).bind(self.x)
                except TypeError as error:
                    raise ValueError(
                        "a page shows what happens to one picture, but "
                        f"{type(model).__name__} takes other inputs ({error}): wrap it in a Module "
                        "whose forward(self, x) takes the picture and gives it the rest"
                    ) from error
                try:
                    output = model(self.x)
                except AssertionError as error:  # as networks refuse a picture of another size
                    raise ValueError(f"the network refuses this picture: {error}") from error
            scores = next(iter(_tensors(output)), None)
            if scores is None or not scores.is_floating_point() or self.ref_of(scores) is None:
                got = output if scores is None else f"{scores.dtype} {tuple(scores.shape)}"
                raise ValueError(
                    "a page needs scores that are computed from the picture by differentiable "
                    "operations: let the network return its logits, not their argmax, and compute "
                    f"them without no_grad, detach, NumPy or integers; it returned {got!s:.100}"
                )
            if not np.isfinite(backend.to_numpy(scores.array).max()):  # NaN, too
                raise ValueError(
                    f"the largest score is {backend.to_numpy(scores.array).max()}: a page explains "
                    "a number. Look for a log of 0 or a division by 0, or load other weights"
                )
            one_each = scores.numel() == scores.shape[-1] if scores.ndim else True
            shape = (scores.numel(), 1, 1) if one_each else None  # a score for each class
            last = self.layer(self.ref_of(scores), shape, exact=one_each)
            best = int(np.argmax(backend.to_numpy(scores.array)))
            if back:  # what comes by on the way to the picture is seen by the tensors' hooks
                grad(scores.reshape(-1)[best], self.leaf)
                _gradients_of_moves(self.steps, last, best)
        refs = [self.ref_of(each) for each in _tensors(output)]
        return last, [self.layer(each) for each in refs if each is not None]

    # ---- listening to modules and operations

    @contextmanager
    def listening(self, model: nn.Module) -> Iterator[None]:
        handles = []
        for name, module in model.named_modules():
            before, after = self._hooks(name, module)
            handles += [
                module.register_forward_pre_hook(before),
                module.register_forward_hook(after),
            ]
        observer, state.observer = state.observer, self.observe
        try:
            yield
        finally:
            state.observer = observer
            for handle in handles:
                handle.remove()

    def _hooks(self, name: str, module: nn.Module) -> tuple[Any, Any]:
        """What to call before and after the module."""
        # The formula of a parameter, of weight_norm say, does not make a layer a container.
        leaf = all(child == "parametrizations" for child, _ in module.named_children())

        def before(_: Any, inputs: tuple) -> None:
            self.calls += 1
            first = inputs[0] if inputs and isinstance(inputs[0], Tensor) else None
            edge = None if first is None or not leaf else first.edge()
            self.running.append((name, module, self.calls if leaf else 0, edge))

        def after(_: Any, inputs: tuple, output: Any) -> Tensor | None:
            edge = self.running[-1][3]
            unchanged = leaf and isinstance(output, Tensor) and edge is not None
            unchanged = unchanged and output.edge()[0] is edge[0] and output.edge()[1] == edge[1]
            ref = self.ref_of(output) if unchanged else None
            if ref is not None:  # a dropout that does nothing, say: a layer all the same
                source, last = self.flat(ref)
                output = output.clone()
                step = Step("", "identity", [], source.value, inputs=[source])
                self.append(step, ref.shape, output.edge(), last)
                self.watch_uses(output.edge()[0], [ref], [step])
            self.running.pop()
            return output if ref is not None else None

        return before, after

    def observe(self, node: Any, args: tuple, outputs: tuple) -> None:
        """Called by every operation; also by those inside of another one, then without grad."""
        if not state.grad_enabled:
            return
        if not node._edges:
            self.formulas.observe(node, args, outputs)
            return
        from .operations import note

        if node._function.__name__ == "Conv2dInputGrad":
            self.weights[id(node)] = args[1]
        operands = []
        for arg, edge in zip(args, node._edges, strict=True):
            ref = None if edge is None else self.refs.get((id(edge[0]), edge[1]))
            operands.append(arg if ref is None else ref)
        if any(isinstance(each, Ref) for each in operands):
            before = len(self.steps)
            note(self, node, list(operands), outputs)
            self.name_learned(self.steps[before:], node, args)
            self.watch_uses(node, operands, self.steps[before:])

    def name_learned(self, made: list[Step], node: Any, args: tuple) -> None:
        """Which arrays of the operation's layer are parameters of the network, or made of them."""
        for name, arg in zip(arguments_of(node), args, strict=False):
            if made and name in made[-1].parameters and isinstance(arg, Tensor):
                self.formulas.link(made[-1], name, arg)

    def watch_uses(self, node: Any, operands: list, made: list[Step]) -> None:
        """Adds what an operation sends back to the gradients of the moving layers that it reads.

        The gradient of the moved tensor itself is not theirs: what was made of that tensor by
        moving it again reads from other layers.
        """
        for index, operand in enumerate(operands):
            if not isinstance(operand, Ref):
                continue
            ref = self.refs[id(operand.edge[0]), operand.edge[1]]
            moved = ref.layers[0]
            if ref.places is not None or moved.places is None:
                continue
            # What moves them again hands its own gradient on.
            reading = [step for step in made if step.places is None]
            if not any(moved is each for step in reading for each in step.inputs):
                continue

            def add(
                gxs: tuple, gys: tuple, index: int = index, moved: Step = moved, ref: Ref = ref
            ) -> None:
                if gxs[index] is not None:
                    array = whole_array(gxs[index])
                    array = (turn(array) if ref.last else array).reshape(moved.value.shape)
                    moved.gradient = np.float32(0 if moved.gradient is None else moved.gradient)
                    moved.gradient = moved.gradient + array.astype(np.float32)

            node.register_hook(add)

    # ---- layers and tensors

    def ref_of(self, tensor: Tensor) -> Ref | None:
        """Where a tensor's numbers are; None if they do not depend on the picture."""
        node, output = tensor.edge()
        return self.refs.get((id(node), output))

    def add(
        self,
        kind: str,
        inputs: list[Step],
        node: Any,
        output: Tensor,
        shape: tuple[int, ...] | None = None,
        last: bool = False,
        options: dict[str, Any] | None = None,
        parameters: dict[str, np.ndarray] | None = None,
        places: np.ndarray | None = None,
    ) -> Step:
        """A layer for the first output of an operation.

        shape: (C, H, W) to show it as, in the tensor's own order. last: with its last axis first.
        places: where each of the tensor's numbers is in the layer, if they are in another order.
        """
        if shape is None:
            shape = turned(output.shape) if last else display(output.shape)
        value = arranged(whole_array(output), shape, last, places)
        step = Step("", kind, [], value, inputs=inputs)
        step.options, step.parameters = options or {}, parameters or {}
        if is_volume(output.shape) and shape == display(output.shape) and not last:
            step.options["slices"] = output.shape[2]
        self.append(step, output.shape, (node, 0), last, places)
        return step

    def append(
        self,
        step: Step,
        shape: Any,
        edge: tuple[Any, int],
        last: bool = False,
        places: np.ndarray | None = None,
    ) -> None:
        """Appends a layer that is the tensor to which the edge leads, if there is one."""
        if step.places is None:
            step.path, step.call, step.text = self.here()
        self.steps.append(step)
        node, output = edge
        if node is None:
            return
        self.set_ref(edge, Ref((step,), places, tuple(shape), last, edge))
        if step.places is not None or self.formulas.running:
            return  # see watch_uses
        tensor = wrap(np.empty(0, np.float32))
        tensor._set_history(node, output)
        if node is self.leaf:
            tensor = self.leaf

        def keep(gradient: Tensor) -> None:
            step.gradient = arranged(whole_array(gradient), step.value.shape, last, places)

        tensor.register_hook(keep)

    def here(self) -> tuple[str, int, str]:
        """The innermost module that runs: its path, the number of its call, its text."""
        name, module, call, _ = self.running[-1]
        return name, call, repr(module) if call else ""

    def set_ref(self, edge: tuple[Any, int], ref: Ref) -> None:
        self.alive.append(edge[0])
        self.refs[id(edge[0]), edge[1]] = ref._replace(where=self.here())

    def alias(self, ref: Ref, node: Any, shape: Any) -> None:
        """The node's first output has the same numbers in the same order."""
        self.set_ref((node, 0), ref._replace(shape=tuple(shape), edge=(node, 0)))

    def constant(self, tensor: Tensor, shape: tuple[int, ...], last: bool = False) -> Step:
        """A layer of numbers that do not depend on the picture, as (C, H, W)."""
        key = id(tensor), tensor._version, shape, last
        if key in self.constants:
            return self.constants[key]
        array = whole_array(tensor)
        array = (turn(array) if last else array).reshape(shape)
        step = Step(self.names.get(id(tensor), ""), "parameter", [], np.array(array, np.float32))
        step.path = self.running[-1][0]
        self.formulas.link(step, "value", tensor, shape, last)
        self.alive.append(tensor)
        self.constants[key] = step
        self.steps.append(step)
        return step

    # ---- what an operation reads

    def layer(
        self,
        ref: Ref | None,
        shape: tuple[int, ...] | None = None,
        last: bool = False,
        exact: bool = False,
    ) -> Step:
        """The layer with a tensor's numbers, one after the other as the tensor has them.

        shape: as (C, H, W), or, if not exact, with axes of length 1 elsewhere. last: with the
        tensor's last axis first. A tensor whose numbers are spread over layers becomes one.
        """
        assert ref is not None
        ref = self.newest(ref)
        (step, *others) = ref.layers
        whole = ref.places is None and not others and ref.last == last
        if shape is None:
            if whole and last and len(step.value) == ref.shape[-1]:
                return step
            shape = turned(ref.shape) if last else display(ref.shape)
        same = step.value.shape == shape or (not exact and alike(step.value.shape, shape))
        if whole and same:
            return step
        places = base_places(ref)
        flat = np.ascontiguousarray(turn(places) if last else places, np.int32).reshape(-1)
        numbers = np.concatenate([each.value.ravel() for each in ref.layers] + [[ref.fill]])
        moved = Step("", "move", [], numbers[flat].astype(np.float32).reshape(shape))
        moved.inputs, moved.places = list(ref.layers), flat
        moved.kind = kind_of_move(flat, shape, [each.value.shape for each in ref.layers])
        if ref.fill:
            moved.options = {"fill": ref.fill}
        moved.path, moved.call, moved.text = ref.where
        self.append(moved, ref.shape, ref.edge, last)
        return moved

    def newest(self, ref: Ref) -> Ref:
        """The same tensor, if it has become a layer since: x * x reads one layer twice."""
        known = self.refs.get((id(ref.edge[0]), ref.edge[1]), ref)
        return known if known.places is None and known.shape == ref.shape else ref

    def flat(self, ref: Ref) -> tuple[Step, bool]:
        """The layer with a tensor's numbers in whatever shape, for what is done number by number.

        And whether it has the tensor's last axis first.
        """
        ref = self.newest(ref)
        if ref.places is None and len(ref.layers) == 1:
            return ref.layers[0], ref.last
        last = len(ref.shape) == 3 and ref.shape[0] == 1  # tokens
        return self.layer(ref, last=last), last
