"""What a model does with its input, as a list of operations.

A model is a Python program; ONNX wants a list of operations. So the model is run once on an
example, and an observer notes every operation that goes through `Function.apply`. This list is
true for other inputs only if the program does the same for them: no branch on a value, no
number taken out of a tensor and used again, nothing computed outside of Functions. That is why
`export` traces twice, with other values and, where the batch may vary, another batch size, and
compares: `Call.same` and `Writer.value` are where a difference is found.

How a value is recognised where it is used: by the node that made it, or, where autograd recorded
none (integers, parameters), by the tensor object itself. The node is right also for tensors that
were written to in place, since these take over the history of what was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd.modes import enable_grad, state
from ..nn import Module, PReLU
from ..tensor import Tensor

# Made of comparisons, which are no Functions; ONNX has an operator for the whole.
WHOLE_MODULES = (PReLU,)


class Value:
    """A tensor as an operation sees it: what it is recognised by, and its values then."""

    def __init__(self, tensor: Tensor, key: tuple) -> None:
        self.tensor, self.key = tensor, key  # holding the tensor keeps its id its own
        self.array = tensor.array

    def __repr__(self) -> str:
        return f"<{self.array.dtype} tensor of shape {list(self.array.shape)}>"


class Call:
    """One operation in both traces: args and again have Values in the place of tensors."""

    def __init__(self, name: str, args: tuple, outputs: list[Value]) -> None:
        self.name, self.args, self.outputs = name, args, outputs
        self.again: tuple = ()
        self.outputs_again: list[Value] = []

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first output."""
        return self.outputs[0].array.shape

    def same(self, index: int) -> Any:
        """Argument `index`, which must not depend on the input: raises NotImplementedError."""
        first, second = self.args[index], self.again[index]
        if not np.array_equal(first, second) if isinstance(first, np.ndarray) else first != second:
            raise NotImplementedError(
                f"{self.name} cannot be exported: its argument {index} is {first!r:.100} for one "
                f"input and {second!r:.100} for another. If only the batch size may not vary, "
                "export with dynamic_axes={}."
            )
        return first


class Trace:
    """The operations of one run of a model, in order, and its inputs and outputs."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.nodes: list[Any] = []  # kept, so that their ids stay their own
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []

    def observe(self, node: Any, args: tuple, outputs: tuple[Tensor, ...]) -> None:
        """Called by every Function.apply, also by those inside of a forward, without grad."""
        if not state.grad_enabled:
            return
        self.nodes.append(node)
        edges = node._edges or [None] * len(args)
        values = []
        for arg, edge in zip(args, edges, strict=True):
            if isinstance(arg, Tensor):
                # The edge was taken before an operation in place gave the tensor a new one.
                recorded = edge is not None and not isinstance(edge[0], Tensor)
                arg = Value(arg, _node_key(*edge) if recorded else _tensor_key(arg))
            values.append(arg)
        name = node._function.__name__
        if not node._function.__module__.startswith("minitorch_cnn.ops."):
            name = f"{node._function.__module__}.{name}"
        self.calls.append(Call(name, tuple(values), [value_of(each) for each in outputs]))

    def observe_module(self, module: Module, args: tuple, output: Tensor) -> None:
        """Called after a module of WHOLE_MODULES; takes the place of the operations inside."""
        values = [value_of(each) for each in (*args, *module.parameters(recurse=False))]
        self.calls.append(Call(type(module).__name__, tuple(values), [value_of(output)]))


def _node_key(node: Any, output: int) -> tuple:
    return "node", id(node), output


def _tensor_key(tensor: Tensor) -> tuple:
    return "tensor", id(tensor), 0


def value_of(tensor: Tensor) -> Value:
    """The tensor as it is now."""
    recorded = tensor.grad_fn is not None
    return Value(tensor, _node_key(*tensor.edge()) if recorded else _tensor_key(tensor))


def trace(model: Module, inputs: list[Tensor], result: Trace | None = None) -> Trace:
    """Runs the model in evaluation mode and notes what it does, in `result` if one is given."""
    result = Trace() if result is None else result
    own = []
    for x in inputs:
        x = x.detach().clone()
        # Not a leaf: a model may write to its input in place.
        own.append(x.requires_grad_().clone() if x.is_floating_point() else x)
    result.inputs = [value_of(x) for x in own]
    with enable_grad(), evaluation_mode(model), _observed(model, result):
        output = model(*own)
    result.outputs = [value_of(each) for each in _tensors(output)]
    return result


@contextmanager
def _observed(model: Module, result: Trace) -> Iterator[None]:
    whole = [module for module in model.modules() if type(module) in WHOLE_MODULES]
    handles = [module.register_forward_hook(result.observe_module) for module in whole]
    before = state.observer
    state.observer = result.observe
    try:
        yield
    finally:
        state.observer = before
        for handle in handles:
            handle.remove()


@contextmanager
def evaluation_mode(model: Module) -> Iterator[None]:
    """The network in evaluation mode, and then in whatever mode each module was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [tensor for each in output for tensor in _tensors(each)]
    raise TypeError(
        f"a model to export must return tensors, alone or in tuples, lists and dicts; it returned "
        f"a {type(output).__name__}"
    )


def pair_up(first: Trace, second: Trace) -> list[Call]:
    """The calls of the first trace, each with the arguments that it had in the second."""
    names, other = ([call.name for call in each.calls] for each in (first, second))
    if names != other:
        place = next((i for i, (a, b) in enumerate(zip(names, other)) if a != b), -1)
        raise NotImplementedError(
            f"the model does different things with different inputs ({len(names)} and "
            f"{len(other)} operations, different from number {place} on), which a list of "
            "operations cannot express"
        )
    for call, again in zip(first.calls, second.calls, strict=True):
        call.again, call.outputs_again = again.args, again.outputs
    return first.calls


def needed_calls(calls: list[Call], outputs: list[Value]) -> list[Call]:
    """The calls on which the outputs depend, in order."""
    maker = {value.key: call for call in calls for value in call.outputs}
    needed: set[int] = set()
    waiting = [value.key for value in outputs]
    while waiting:
        call = maker.get(waiting.pop())
        if call is not None and id(call) not in needed:
            needed.add(id(call))
            waiting += [arg.key for arg in call.args if isinstance(arg, Value)]
    return [call for call in calls if id(call) in needed]
