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
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend import ahead
from ..tensor import Tensor, may_run_ahead, running, shape_text
from .custom import (
    OfUsers,
    in_order,
    once_differentiable,
    unusual_outputs,
    write_through_views,
)
from .looking import Looking
from .modes import state

__all__ = [
    "Function", "InplaceFunction", "Node", "SavedTensor", "ViewFunction", "once_differentiable",
]  # fmt: skip

_numbers = itertools.count()

BACKWARD_TWICE = (
    "Trying to backward through the graph a second time: the values that {name} saved were freed "
    "by the first backward. Specify retain_graph=True when calling backward() or autograd.grad() "
    "the first time if you need to go through the graph again."
)


class SavedTensor:
    """A tensor kept for backward, which notices if it was changed in place meanwhile.

    It keeps the array and the edge, not the Tensor: the tensor may be the output of the very node
    that saves it (exp saves its result), and holding it would close a circle of references. As long
    as somebody else holds it, backward gets the tensor itself, with what a program hung on to it.
    """

    __slots__ = (
        "array", "is_own_output", "leaf", "memory", "node", "original", "output", "version",
    )  # fmt: skip

    def __init__(self, tensor: Tensor, place: int | None, args: tuple) -> None:
        """place: which output of the node that saves it the tensor is; None if it is another's.

        args: what the node's forward was called with.
        """
        if tensor._inference and state.grad_enabled:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Make a normal tensor of it "
                "outside inference_mode with clone()."
            )
        self.array = array = tensor.arriving
        if array.dtype.kind in "iu" and (place is not None or any(tensor is x for x in args)):
            # Positions were checked, and could be changed unseen by who else has the array.
            self.array = tensor.array.copy()
        self.memory, self.version = tensor._memory, tensor._memory.version
        self.is_own_output = place is not None
        self.leaf = self.node = self.original = None
        self.output = place or 0
        if not self.is_own_output:
            self.original = weakref.ref(tensor)
        if self.is_own_output or not tensor.requires_grad:
            return
        self.node, self.output = tensor._node, tensor._output
        if self.node is None:
            self.leaf = tensor

    def unpack(self, owner: Node) -> Tensor:
        if self.memory.version != self.version:
            maker = "a leaf" if self.leaf is not None else "an input"
            if self.is_own_output or self.node is not None:
                maker = f"output {self.output} of {(self.node or owner)._title()}"
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: a tensor of shape {shape_text(self.array.shape)}, {maker}, "
                f"needed by {owner._title()}, is at version {self.memory.version}; expected "
                f"version {self.version} instead. Hint: use the operation without the underscore, "
                "or clone() the tensor before changing it."
            )
        original = None if self.original is None else self.original()
        if original is not None and original.arriving is self.array and original._node is self.node:
            return original
        tensor = running(self.array)
        tensor._memory = self.memory
        if self.leaf is not None:  # it was given other values by `leaf.data = ...` meanwhile
            tensor._set_history(self.leaf, 0)  # its edge leads to the leaf all the same
        node = owner if self.is_own_output else self.node
        if node is not None:
            tensor._set_history(node, self.output)
        return tensor


class Node(Looking):
    """One recorded operation. It is the `ctx` of forward and backward.

    Plain values for backward may be set as attributes: ``ctx.stride = stride``.
    """

    # Most nodes are made in a backward that nobody records: what only some set is here.
    _edges: Sequence[tuple[Node | Tensor, int] | None] = ()
    _inputs_meta: Sequence[tuple | None] = ()  # (shape, dtype) of each edge, () of a number
    _outputs_meta: Sequence[Any] = ()  # the same of each output, None for what is no tensor
    _traceback: list[str] | None = None
    _inducer: Node | None = None  # in whose backward it was recorded
    _to_save: tuple[Tensor | None, ...] = ()
    _saved: Sequence[SavedTensor | None] | None = ()
    _non_differentiable: tuple[Tensor, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    materialize_grads = True

    def __init__(self, function: type[Function], needs_input_grad: tuple[bool, ...] = ()) -> None:
        self._function = function
        # Inputs are numbered before what is computed from them: the engine's order.
        self._number = next(_numbers)
        self.needs_input_grad = needs_input_grad

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
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise RuntimeError(f"mark_non_differentiable takes tensors, not {tensor!r:.60}")
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says that forward changed these inputs in place; they must be returned as outputs."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """True (default): outputs without a gradient arrive in backward as zeros, not as None."""
        if not isinstance(value, bool):
            raise TypeError(f"set_materialize_grads takes a bool, not {value!r:.60}")
        self.materialize_grads = value

    # ---- what a backward calls

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What `save_for_backward` kept. Raises RuntimeError if it was changed or freed."""
        if self._saved is None:
            raise RuntimeError(BACKWARD_TWICE.format(name=self._title()))
        found = [saved if saved is None else saved.unpack(self) for saved in self._saved]
        return tuple(found)  # type: ignore[arg-type]  # torch's type says so too

    # ---- what the engine calls

    def record(self, args: tuple, needed: list[bool], outputs: tuple) -> None:
        """Makes this node the maker of the tensors among `outputs`."""
        self._hooks: dict[int, dict[int, Any]] = {}  # of output i: called with its gradient
        self._retained: dict[int, Any] = {}  # of output i: a weak reference to who keeps .grad
        edges: list[tuple[Node | Tensor, int] | None] = []
        metas: list[tuple | None] = []
        for arg, need in zip(args, needed, strict=True):
            if not need:
                edges.append(None)
                metas.append(None if isinstance(arg, Tensor) else ())
                continue
            edges.append((arg, 0) if arg._node is None else (arg._node, arg._output))
            values = arg._deferred or arg.arriving  # both have a shape and a dtype
            metas.append((values.shape, values.dtype))
        self._edges, self._inputs_meta = edges, tuple(metas)  # which the garbage collector skips
        if state.anomaly:
            self._traceback, self._inducer = traceback.format_stack()[:-2], state.inducer
        places, constant, metas = {}, tuple(map(id, self._non_differentiable)), []
        for index, output in enumerate(outputs):
            if not isinstance(output, Tensor):
                metas.append(None)
                continue
            places[id(output)] = index
            values = output._deferred or output.arriving
            metas.append((values.shape, values.dtype))
            if values.dtype.kind == "f" and id(output) not in constant:
                output._set_history(self, index)
        self._outputs_meta, tensors = tuple(metas), self._to_save
        if tensors:
            keep = state.keep or SavedTensor
            self._saved = [t if t is None else keep(t, places.get(id(t)), args) for t in tensors]

    def release(self) -> None:
        """Frees what was saved, after backward."""
        if self._saved:
            self._saved = None


class Function(OfUsers):
    """An operation with its gradient: subclass it, and call it by `apply`.

    `forward(ctx, *args)` gets tensors and plain values and computes without recording. (Or it is
    `forward(*args)`, beside a `setup_context(ctx, inputs, output)`, as in torch's newer form.)
    `backward(ctx, *grads)` gets the gradient of a loss with respect to each output, and returns
    the one with respect to each argument of forward, None where there is none. Write backward in
    tensor operations and it can be differentiated again. What forward returns beside tensors is
    handed on as it is, a list of tensors too.

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
    # Whether forward looks at arrays through kernels alone, which may run ahead (backend/ahead.py).
    runs_ahead = False

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        raise NotImplementedError("a Function must implement the forward(ctx, *args), static")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        """If a subclass defines it, it fills ctx after ``forward(*args)``, which gets no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward(ctx, *grads) or the vjp of a Function, static"
        )

    @classmethod
    def apply(cls, *args: Any, **named: Any) -> Any:
        """Runs forward and records it if an input requires a gradient."""
        newer = cls.setup_context is not Function.setup_context
        if named or newer:
            args = in_order(cls.forward, args, named, newer)
        recording = state.grad_enabled
        needed = [False] * len(args)
        if recording:
            for index, arg in enumerate(args):
                if isinstance(arg, Tensor):
                    if arg._view is not None:
                        # First of all: its node, if it is made anew, must have a lower number.
                        arg._refresh_view()
                    needed[index] = arg._requires_grad
        node = Node(cls, tuple(needed))
        before, runs_ahead = ahead.mode.on, cls.runs_ahead and may_run_ahead(*args)
        try:
            state.grad_enabled, ahead.mode.on = False, runs_ahead
            if (state.quiet or cls.runs_ahead) and not newer:
                # in a backward, which has said so once for all; or by kernels (dispatch.py)
                result = cls.forward(node, *args)
            else:
                # 0/0 is NaN and 1/0 is infinity, without NumPy's warnings: as in torch.
                with np.errstate(all="ignore"):
                    result = cls.forward(*args) if newer else cls.forward(node, *args)
                    if newer:
                        cls.setup_context(node, args, result)
        finally:
            state.grad_enabled = recording
            ahead.mode.on = before

        outputs = result if isinstance(result, tuple) else (result,)
        new = not node._dirty
        for y in outputs:
            new = new and isinstance(y, Tensor) and y._view is None and id(y) not in map(id, args)
        if not new:
            outputs = unusual_outputs(node, args, outputs, recording)
        if True in needed:
            node.record(args, needed, outputs)
            if node._dirty:
                write_through_views(node._dirty)
        node._to_save = node._non_differentiable = node._dirty = ()
        if state.observer is not None:
            state.observer(node, args, outputs)
        if state.inference:
            for y in outputs:
                if isinstance(y, Tensor):
                    y._inference = True
        return outputs if isinstance(result, tuple) else outputs[0]


InplaceFunction = Function  # what programs derive from that write in place


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
        return running(cls.view(x.arriving, *args))

    @classmethod
    def apply(cls, x: Tensor, *args: Any) -> Any:
        y = super().apply(x, *args)
        y._mark_view_of(x, (cls, args))
        return y
