"""What a program may ask a node, and tell it: its name, its neighbours, hooks.

Nothing of this is part of a training step. A node gets its class, named as torch's, when somebody
looks at it for the first time (`y.grad_fn`).
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

from .handle import RemovableHandle
from .modes import state
from .names import OF_TWO, PACKAGE, torchs_name

_classes: dict[tuple[type, str], type] = {}
# One for each leaf, as long as somebody holds it: programs that draw graphs compare them.
_accumulators: weakref.WeakValueDictionary[int, AccumulateGrad] = weakref.WeakValueDictionary()


class Node:
    """Any node of a graph: a recorded operation, or what stands for a leaf."""


class GradientEdge(NamedTuple):
    """The output of a node, or a leaf: what `get_gradient_edge` gives."""

    node: Any
    output_nr: int


class Looking(Node):
    """The part of a Node that a program looks at."""

    _function: Any
    _edges: Sequence
    _pre_hooks: dict[int, Any] | None = None
    _post_hooks: dict[int, Any] | None = None

    def _as_named(self) -> Any:
        """The node itself, whose class has torch's name from now on: `MulBackward0`."""
        base = type(self)
        if "_named" not in base.__dict__:
            key = base, torchs_name(self)
            if key not in _classes:
                namespace: dict[str, Any] = {"_named": True, "__module__": __name__}
                if self._function.__module__.partition(".")[0] == PACKAGE:
                    namespace["saved_tensors"] = property(_in_backward_only)
                _classes[key] = type(key[1], (base,), namespace)
            self.__class__ = _classes[key]
        return self

    # A program may keep `ctx.name` for itself, so messages ask for this one.
    def _title(self) -> str:
        return torchs_name(self)

    def __call__(self, *gys: Any) -> Any:
        """The gradients of the inputs from those of the outputs: backward of this node alone.

        One, or a tuple of several. Raises TypeError for another number of gradients.
        """
        from .engine import _backward_of  # which is made of nodes

        outputs = self._outputs_meta  # type: ignore[attr-defined]
        if len(gys) != len(outputs):
            raise TypeError(
                f"{self._title()} expected {len(outputs)} arguments, got {len(gys)} arguments "
                "instead"
            )
        before, state.running = state.running, (object(), (), None, set())
        try:
            found = _backward_of(self, list(gys))  # type: ignore[arg-type]
        finally:
            state.running = before
        of_tensors = tuple(
            gx
            for gx, edge, meta in zip(found, self._edges, self._inputs_meta, strict=True)  # type: ignore[attr-defined]
            if edge is not None or meta is None
        )
        return of_tensors[0] if len(of_tensors) == 1 else of_tensors

    def __getattr__(self, name: str) -> Any:
        """What the node saved, by torch's names: `_saved_self`; see saved.py."""
        if name.startswith(("_saved_", "_raw_saved_")):
            from .saved import attribute  # only needed when somebody looks

            return attribute(self, name)
        if name in ("saved_tensors", "saved_variables"):  # what a hook there could not find
            return type(self).saved_tensors.fget(self)  # type: ignore[attr-defined]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        from .saved import names

        return [*object.__dir__(self), *names(self)]

    def name(self) -> str:
        """What torch calls the operation.

        >>> import minitorch_cnn as mt
        >>> x = mt.ones(2, requires_grad=True)
        >>> (x * 2).grad_fn.name(), type(x.relu().grad_fn).__name__
        ('MulBackward0', 'ReluBackward0')
        """
        return torchs_name(self)

    @property
    def saved_variables(self) -> tuple:
        """`saved_tensors`, as it was called once."""
        warnings.warn(
            "'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2
        )
        return self.saved_tensors  # type: ignore[attr-defined]

    @property
    def metadata(self) -> dict:
        """A dict for a program's own notes."""
        return self.__dict__.setdefault("_notes", {})

    @property
    def next_functions(self) -> tuple:
        """The edges towards the inputs: ((node, output number), ...), of leaves `AccumulateGrad`.

        (None, 0) stands for a tensor that needs no gradient; settings and most numbers are left
        out.
        """
        edges = zip(self._edges, self._inputs_meta, strict=True)  # type: ignore[attr-defined]
        found = tuple(
            (None, 0) if edge is None else (seen(edge[0]), edge[1])
            for edge, meta in edges
            if edge is not None or meta is None
        )
        # In torch the number of `x + 1` is a tensor, too, and the second one, also in `1 + x`.
        return found + ((None, 0),) * (len(found) == 1 and torchs_name(self) in OF_TWO)

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(grad_outputs)``, a tuple, before backward; it may return another tuple."""
        if self._pre_hooks is None:
            self._pre_hooks = {}
        return RemovableHandle(self._pre_hooks, hook)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook(grad_inputs, grad_outputs)``, tuples, after backward.

        It may return other gradients of the inputs.

        >>> import minitorch_cnn as mt
        >>> x = mt.ones(1, requires_grad=True)
        >>> y = x * 2
        >>> handle = y.grad_fn.register_hook(lambda gx, gy: print(gx, gy))
        >>> y.backward()
        (tensor([2.]), None) (tensor([1.]),)
        """
        if self._post_hooks is None:
            self._post_hooks = {}
        return RemovableHandle(self._post_hooks, hook)

    def call_post_hooks(self, gxs: list, gys: list) -> list:
        """The gradients of the inputs as the hooks of `register_hook` want them."""
        for hook in list((self._post_hooks or {}).values()):
            changed = hook(tuple(gxs), tuple(gys))
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if not any(each is not None for each in gxs[len(changed) :]):
                changed += tuple(gxs[len(changed) :])  # of arguments that are no tensors
            if len(changed) != len(gxs):
                raise RuntimeError(
                    f"hook of {self._title()} returned an incorrect number of gradients: got "
                    f"{len(changed)}, but expected {len(gxs)}"
                )
            gxs = list(changed)
        return gxs

    def call_pre_hooks(self, gys: list) -> None:
        """Replaces the gradients of the outputs by what the hooks of `register_prehook` return."""
        for hook in list((self._pre_hooks or {}).values()):
            changed = hook(tuple(gys))
            if changed is not None:
                changed = changed if isinstance(changed, tuple) else (changed,)
                if len(changed) != len(gys):
                    raise RuntimeError(
                        f"pre hook of {self._title()} returned {len(changed)} gradients for "
                        f"{len(gys)} outputs"
                    )
                gys[:] = changed

    def __repr__(self) -> str:
        return f"<{self._title()}>"


def _in_backward_only(node: Any) -> tuple:
    """`saved_tensors` of an operation of this library: to others it shows `_saved_self` and such.

    Programs that draw graphs take who has `saved_tensors` for an operation of a user's own.
    """
    if state.running is None:
        raise AttributeError(f"{type(node).__name__!r} object has no attribute 'saved_tensors'")
    return type(node).__mro__[1].saved_tensors.fget(node)  # type: ignore[attr-defined]


class OfTheNode:
    """A hook of a leaf's AccumulateGrad: its turn comes after those of the leaf itself."""

    def __init__(self, hook: Any, last: bool) -> None:
        self.hook, self.turn = hook, 2 if last else 1

    def __call__(self, gradient: Any) -> Any:
        return self.hook(gradient)


def in_turn(hooks: dict[int, Any], of_the_node: bool = True) -> list[Any]:
    """The hooks of a leaf in the order in which they are called; with those of the node or not."""
    ordered = sorted(hooks.values(), key=lambda hook: getattr(hook, "turn", 0))
    return [hook for hook in ordered if of_the_node or not isinstance(hook, OfTheNode)]


def warn_of_no_grad() -> None:
    """Says why `.grad` of a tensor that an operation made is None."""
    warnings.warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. It is not "
        "kept in backward. Call .retain_grad() before, or look at the leaf that you meant.",
        stacklevel=3,
    )


class AccumulateGrad(Node):
    """Stands for a leaf in `next_functions`: where its `.grad` is added to. variable: the leaf."""

    next_functions = ()

    def __init__(self, variable: Any) -> None:
        self.variable = variable
        self.metadata: dict = {}

    def name(self) -> str:
        """torch::autograd::AccumulateGrad"""
        return "torch::autograd::AccumulateGrad"

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook((), (grad,))`` when the leaf's `.grad` has been added to.

        grad: what was added, as all hooks of the leaf and `register_prehook` have left it.
        """
        arrived: list[Any] = [None, False]

        def note(gradient: Any) -> None:
            arrived[:] = gradient, self.variable._grad is None

        def afterwards(leaf: Any) -> None:
            gradient, first = arrived
            arrived[:] = None, False
            # In torch the first one becomes .grad as it is, if it lies in memory as the leaf does:
            # other hooks may have written to it.
            alike = leaf._grad is not None and gradient.stride() == leaf.stride()
            shared = first and alike and not gradient.requires_grad
            hook((), (leaf._grad.detach() if shared else gradient,))

        last = OfTheNode(afterwards, last=True)
        handle = self.variable.register_post_accumulate_grad_hook(last)
        if self.variable._hooks is None:
            self.variable._hooks = {}
        self.variable._hooks[handle.id] = OfTheNode(note, last=True)
        handle.flags = (self.variable._hooks,)
        return handle

    def register_prehook(self, hook: Any) -> RemovableHandle:
        """Calls ``hook((grad,))`` before, after the hooks of the leaf itself; it may return another
        gradient in a tuple."""

        def of_the_tensor(gradient: Any) -> Any:
            changed = hook((gradient,))
            return changed[0] if isinstance(changed, tuple) else changed

        return self.variable.register_hook(OfTheNode(of_the_tensor, last=False))

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


def seen(target: Any) -> Any:
    """What a program sees in the place of a node or a leaf: a named node or an AccumulateGrad."""
    if isinstance(target, Looking):
        return target._as_named()
    found = _accumulators.get(id(target))
    if found is None:
        _accumulators[id(target)] = found = AccumulateGrad(target)
    return found
