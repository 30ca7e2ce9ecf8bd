"""What autograd records: a node for each operation, with what its backward will need.

    y = Mul.apply(a, b)

runs `Mul.forward` on the tensors and, if one of them requires a gradient, leaves this behind:

    y --> Node(Mul) --> node or leaf of a
           saved: a, b --> node or leaf of b

A tensor points to the node that made it, a node to the nodes that made its inputs, and never the
other way round. So nothing is circular, and dropping the loss frees the whole graph at once.
"""

from __future__ import annotations

import itertools
import traceback
from typing import Any

import numpy as np

from ..tensor import Tensor, shape_text, wrap
from .modes import state

_numbers = itertools.count()

BACKWARD_TWICE = (
    "Trying to backward through the graph a second time: the values that {name} saved were freed "
    "by the first backward. Call backward(retain_graph=True) or autograd.grad(retain_graph=True) "
    "the first time if you need to go through the graph again."
)


class SavedTensor:
    """A tensor kept for backward, which notices if it was changed in place meanwhile.

    It keeps the array and the edge, not the Tensor: the tensor may be the output of the very node
    that saves it (exp saves its result), and holding it would close a circle of references.
    """

    __slots__ = ("array", "counter", "is_own_output", "leaf", "node", "output", "version")

    def __init__(self, tensor: Tensor, is_own_output: bool) -> None:
        if tensor.is_inference() and state.grad_enabled:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Make a normal tensor of it "
                "outside inference_mode with clone()."
            )
        self.array = tensor.array
        self.counter, self.version = tensor._counter, tensor._counter[0]
        self.is_own_output = is_own_output
        self.leaf = self.node = None
        self.output = 0
        if is_own_output or not tensor.requires_grad:
            return
        edge, self.output = tensor.edge()
        if isinstance(edge, Node):
            self.node = edge
        else:
            self.leaf = edge

    def unpack(self, owner: Node) -> Tensor:
        if self.counter[0] != self.version:
            maker = "a leaf" if self.leaf is not None else "an input"
            if self.is_own_output or self.node is not None:
                maker = f"output {self.output} of {(self.node or owner).name}"
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: a tensor of shape {shape_text(self.array.shape)}, {maker}, "
                f"needed by {owner.name}, is at version {self.counter[0]}; expected version "
                f"{self.version} instead. Hint: use the operation without the underscore, or "
                "clone() the tensor before changing it."
            )
        if self.leaf is not None:
            return self.leaf
        tensor = wrap(self.array)
        tensor._counter = self.counter
        node = owner if self.is_own_output else self.node
        if node is not None:
            tensor._set_history(node, self.output)
        return tensor


class Node:
    """One recorded operation. It is the `ctx` of forward and backward.

    Plain values for backward may be set as attributes: ``ctx.stride = stride``.
    """

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.name = function.__name__ + "Backward"
        # Inputs are numbered before what is computed from them: the engine's order.
        self.number = next(_numbers)
        self.needs_input_grad: tuple[bool, ...] = ()
        self.edges: list[tuple[Node | Tensor, int] | None] = []
        self.inputs_meta: list[tuple | None] = []  # (shape, dtype, array) of each edge
        self.outputs_meta: list[tuple] = []
        self.hooks: dict[int, dict[int, Any]] = {}  # of output i: called with its gradient
        self.traceback: list[str] | None = None
        self._to_save: tuple[Tensor | None, ...] = ()
        self._saved: list[SavedTensor | None] | None = []
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self.materialize_grads = True

    # ---- what a forward calls

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors (inputs, outputs or others; None is allowed) for `saved_tensors`."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save tensors, got {type(tensor).__name__}; "
                    "set plain values as attributes of ctx"
                )
        self._to_save = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Says that these outputs have no gradient (an argmax, for instance)."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says that forward changed these inputs in place; they must be returned as outputs."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """True (default): outputs without a gradient arrive in backward as zeros, not as None."""
        self.materialize_grads = value

    # ---- what a backward calls

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What `save_for_backward` kept. Raises RuntimeError if it was changed or freed."""
        if self._saved is None:
            raise RuntimeError(BACKWARD_TWICE.format(name=self.name))
        return tuple(s.unpack(self) if s is not None else None for s in self._saved)  # type: ignore[misc]

    # ---- what the engine calls

    def record(self, args: tuple, outputs: tuple[Tensor, ...]) -> None:
        """Makes this node the maker of `outputs`."""
        for arg, needed in zip(args, self.needs_input_grad, strict=True):
            self.edges.append(arg.edge() if needed else None)
            self.inputs_meta.append(arg._signature()[:2] if needed else None)
        if state.anomaly:
            self.traceback = traceback.format_stack()[:-3]
        for index, output in enumerate(outputs):
            meta = output._signature()
            self.outputs_meta.append(meta)
            if meta[1].kind == "f" and not _is_one_of(output, self._non_differentiable):
                output._set_history(self, index)
        self._saved, places = [], [id(output) for output in outputs]
        for tensor in self._to_save:
            if tensor is None:
                self._saved.append(None)
                continue
            saved = SavedTensor(tensor, id(tensor) in places)
            if saved.is_own_output:
                saved.output = places.index(id(tensor))
            self._saved.append(saved)

    def become(self, function: type[Function], edges: list, saved: list) -> None:
        """Goes on as the node of another function with the same result; see ops/batch_norm.py."""
        self.function, self.name = function, function.__name__ + "Backward"
        self.edges, self._saved = edges, saved
        self.inputs_meta = [self.outputs_meta[0][:2]]
        self.needs_input_grad = (True,)

    def release(self) -> None:
        """Frees what was saved, after backward."""
        if self._saved:
            self._saved = None

    @property
    def next_functions(self) -> tuple:
        """The edges towards the inputs: ((node or leaf tensor, output number), ...)."""
        return tuple(edge for edge in self.edges if edge is not None)

    def __repr__(self) -> str:
        return f"<{self.name}>"


def _is_one_of(tensor: Tensor, values: tuple) -> bool:
    """Whether the tensor itself, not one of equal values, is there."""
    return id(tensor) in map(id, values)


class Function:
    """An operation with its gradient: subclass it, and call it by `apply`.

    `forward(ctx, *args)` gets tensors and plain values and computes without recording.
    `backward(ctx, *grads)` gets the gradient of a loss with respect to each output, and returns
    the one with respect to each argument of forward, None where there is none. Write backward in
    tensor operations and it can be differentiated again.

    >>> import minitorch_cnn as mt
    >>> class Cube(mt.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, gy):
    ...         (x,) = ctx.saved_tensors
    ...         return gy * 3 * x * x
    >>> x = mt.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    # Whether backward returns new arrays only, which nobody else holds: a leaf then keeps its
    # gradient without a copy.
    fresh_gradients = False

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        raise NotImplementedError("a Function must define a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("this Function defines no static method backward(ctx, *grads)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs forward and records it if an input requires a gradient."""
        recording = state.grad_enabled
        # First of all, because it may record views anew: their nodes must have lower numbers.
        needed = [False] * len(args)
        if recording:
            needed = [isinstance(arg, Tensor) and arg.requires_grad for arg in args]
        node = Node(cls)
        node.needs_input_grad = tuple(needed)
        state.grad_enabled = False
        try:
            # 0/0 is NaN and 1/0 is infinity, without NumPy's warnings: as in torch.
            with np.errstate(all="ignore"):
                result = cls.forward(node, *args)
        finally:
            state.grad_enabled = recording

        outputs = result if isinstance(result, tuple) else (result,)
        outputs = cls._own_outputs(node, args, outputs)
        if True in needed:
            node.record(args, outputs)
        node._to_save = node._non_differentiable = node._dirty = ()
        if state.observer is not None:
            state.observer(node, args, outputs)
        if state.inference:
            for output in outputs:
                output._inference = True
        return outputs if isinstance(result, tuple) else outputs[0]

    @staticmethod
    def _own_outputs(node: Node, args: tuple, outputs: tuple) -> tuple:
        """An input returned as it is gets a tensor of its own, unless it was changed in place."""
        own = []
        for output in outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"{node.function.__name__}.forward must return tensors, "
                    f"got {type(output).__name__}"
                )
            if _is_one_of(output, node._dirty):
                output._bump_version()
            elif _is_one_of(output, args):
                output = output.detach()
            own.append(output)
        return tuple(own)


class ViewFunction(Function):
    """A Function whose result shares the memory of its input.

    A subclass defines ``view(array, *args)`` on the bare array, and a backward that finds the
    input's shape in ctx.shape and the arguments in ctx.args. The result remembers how to take the
    same view of another array, so that writing into a view can be differentiated (ops/inplace.py).
    """

    @staticmethod
    def view(array: Any, *args: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def forward(cls, ctx: Any, x: Tensor, *args: Any) -> Tensor:  # type: ignore[override]
        ctx.shape, ctx.args = x.shape, args
        return wrap(cls.view(x.array, *args))

    @classmethod
    def apply(cls, x: Tensor, *args: Any) -> Any:
        y = super().apply(x, *args)
        y._mark_view_of(x, (cls, args))
        return y
