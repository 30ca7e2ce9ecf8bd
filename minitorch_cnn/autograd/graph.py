"""The graph under a program's own hands: edges of it, hooks of several tensors, of what is saved.

>>> import minitorch_cnn as mt
>>> x = mt.tensor([2.0], requires_grad=True)
>>> with mt.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda t: t.float()):
...     y = x * x  # keeps half of the memory, and of the digits
>>> y.backward()
>>> x.grad
tensor([4.])
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..missing import refuse_missing
from ..tensor import Memory, Tensor, wrap
from .deferred import Deferred
from .function import Node as Recorded, SavedTensor
from .handle import RemovableHandle
from .looking import GradientEdge, Node, seen
from .modes import no_grad, state

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor (any shape) goes: a node and the number of its output.

    `grad` and `backward` take it in the place of the tensor, which need not be kept for it.
    Raises RuntimeError for a tensor that requires no gradient.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([3.0], requires_grad=True)
    >>> y = x * 2
    >>> edge = mt.autograd.graph.get_gradient_edge(y)
    >>> mt.autograd.grad(y**2, edge)
    (tensor([12.]),)
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            f"gradients; this one has shape {list(tensor.shape)}"
        )
    target, output = tensor.edge()
    return GradientEdge(seen(target), output)


class Packed(SavedTensor):
    """What a pack hook made of a saved tensor. A write in place goes unseen, as in torch."""

    __slots__ = ("packed", "unpack_hook")

    def __init__(self, tensor: Tensor, place: int | None, args: tuple) -> None:
        super().__init__(tensor, place, args)
        self._pack(*state.saving[-1][:2])

    @classmethod
    def of(cls, saved: SavedTensor, pack_hook: Any, unpack_hook: Any) -> Packed:
        """What is in the place of a tensor that was saved already."""
        packed = object.__new__(cls)
        for name in SavedTensor.__slots__:
            setattr(packed, name, getattr(saved, name))
        packed._pack(pack_hook, unpack_hook)
        return packed

    def _pack(self, pack: Any, unpack_hook: Any) -> None:
        self.unpack_hook = unpack_hook
        given = wrap(self.array)
        with no_grad():
            self.packed = pack(given)
        if given._version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook can not be modified by in-place operations as this can lead "
                "to unexpected side-effects: clone() the tensor first."
            )
        del self.array  # the hook's result is all that is kept

    def unpack(self, owner: Recorded) -> Tensor:
        found = self.unpack_hook(self.packed)
        if not isinstance(found, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(found).__name__}"
            )
        tensor = wrap(found.array)
        node = self.leaf if self.leaf is not None else owner if self.is_own_output else self.node
        if node is not None:
            tensor._set_history(node, self.output)
        return tensor


class saved_tensors_hooks:
    """In the block, pack_hook(tensor) is kept of each tensor that backward will need.

    Backward calls unpack_hook with what it returned, which must give a tensor of the same shape
    and dtype. Blocks may be nested: the innermost counts. Write into saved tensors and nobody
    notices. Raises RuntimeError inside of `disable_saved_tensors_hooks`, and where a pack hook
    changes its argument; TypeError where an unpack hook gives no tensor.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([2.0], requires_grad=True)
    >>> with mt.autograd.graph.saved_tensors_hooks(lambda t: print("saved", t) or t, lambda t: t):
    ...     y = x.exp()
    saved tensor([7.3891])
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if state.saving_refused is not None:
            raise RuntimeError(state.saving_refused)
        state.saving = (*state.saving, (self.pack_hook, self.unpack_hook, state.keep))
        state.keep = Packed

    def __exit__(self, *exc: object) -> None:
        if state.saving:
            *others, (_, _, state.keep) = state.saving
            state.saving = tuple(others)


class save_on_cpu(saved_tensors_hooks):
    """In the block, what backward will need is kept in the host's memory and fetched from there.

    For a network whose values do not fit into a GPU's memory; pin_memory: in page-locked memory.
    Raises as `saved_tensors_hooks` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2, requires_grad=True)
    >>> with mt.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> tuple[Any, Tensor]:
            there: Any = tensor.cpu()
            return tensor.device, there.pin_memory() if pin_memory and tensor.is_cuda else there

        def unpack(kept: tuple[Any, Any]) -> Tensor:
            device, tensor = kept
            return tensor.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """In the block, `saved_tensors_hooks` raises a RuntimeError with that message.

    Raises RuntimeError where such hooks are in force already.

    >>> import minitorch_cnn as mt
    >>> with mt.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     y = mt.ones(2, requires_grad=True) * 2
    """
    if state.saving:
        raise RuntimeError(error_message)
    before, state.saving_refused = state.saving_refused, error_message
    try:
        yield
    finally:
        state.saving_refused = before


class _Copy(Deferred):
    """A copy of an array, put off until somebody is about to write to that memory."""

    __slots__ = ("context",)

    def __init__(self, context: _Mutable, array: Any) -> None:
        super().__init__(lambda relu: array.copy(), array.shape, (array,))
        self.context = context

    def finish(self, result: Any) -> None:
        super().finish(result)
        self.context.cloned[id(self)] = self


class Copied(SavedTensor):
    """A saved tensor that may be written to: before that happens, it is copied."""

    __slots__ = ("context", "copy")

    def __init__(self, context: _Mutable, tensor: Tensor, place: int | None, args: tuple) -> None:
        super().__init__(tensor, place, args)
        self.context, self.copy = context, context.copy_of(self.array, self.version)
        self.memory, self.version = Memory(), 0
        if tensor._memory.outside:  # may be written to unseen
            self.copy.values()

    def unpack(self, owner: Recorded) -> Tensor:
        if not self.context.active:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in "
                "which the graph was originally recorded."
            )
        if self.copy.result is not None:
            self.array = self.copy.result
        return super().unpack(owner)


class _Mutable:
    """What `allow_mutation_on_saved_tensors` gives. Both dicts forget what no graph needs.

    tid_to_weakhandle: what is saved, by its array and the version of that; cloned: those copied.
    """

    def __init__(self) -> None:
        self.active = True
        self.tid_to_weakhandle: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self.cloned: weakref.WeakValueDictionary = weakref.WeakValueDictionary()

    def copy_of(self, array: Any, version: int) -> _Copy:
        """One for all who save the same array before it is written to."""
        known = self.tid_to_weakhandle.get((id(array), version))
        if known is None or not any(
            source is array for source in known.sources
        ):  # copied, and the array gone since
            known = self.tid_to_weakhandle[id(array), version] = _Copy(self, array)
        return known

    def clear(self) -> None:
        self.cloned.clear()


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[Any]:
    """In the block, tensors that backward needs may be written to: backward gets the old values.

    A tensor is copied when it is about to be written to, once. Backward has to run in the block
    too, or raises AssertionError; RuntimeError for one block in another.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([2.0], requires_grad=True)
    >>> with mt.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x.clone()
    ...     z = y**2
    ...     _ = y.zero_()
    ...     z.backward()
    >>> x.grad
    tensor([4.])
    """
    if isinstance(getattr(state.keep, "args", (None,))[0], _Mutable):
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context, before = _Mutable(), state.keep
    state.keep = functools.partial(Copied, context)
    try:
        yield context
    finally:
        state.keep, context.active = before, False
        context.clear()


class _Handles(RemovableHandle):
    """Of the hooks of several tensors."""

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for each in self.handles:
            each.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all"
) -> RemovableHandle:
    """Calls fn once a backward, when the gradients of several tensors (any shape) are known.

    mode "all": fn(gradients), a list in the order of the tensors, when all are known that this
    backward computes; None stands for the others. "any": fn(gradient), when the first one is.
    Raises ValueError for another mode, RuntimeError for a tensor that requires no gradient.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.ones(1, requires_grad=True), mt.ones(1, requires_grad=True)
    >>> handle = mt.autograd.graph.register_multi_grad_hook((x, y), print)
    >>> (x * 2 + y * 3).backward()
    [tensor([2.]), tensor([3.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    targets = [tensor.edge()[0] for tensor in tensors]
    backward: Any = None  # the one that the following is about
    missing = 0  # gradients that fn still waits for
    gradients: list[Tensor | None] = []

    def hook_of(index: int) -> Callable[[Tensor], None]:
        def known(gradient: Tensor) -> None:
            nonlocal backward, missing, gradients
            running: Any = state.running
            if backward is not running[0]:
                backward, gradients = running[0], [None] * len(targets)
                reached = _reached(*running[1:])
                missing = sum(each in reached for each in targets) if mode == "all" else 1
            if missing and gradients[index] is None:
                gradients[index] = gradient
                missing -= 1
                if not missing:
                    fn(gradients if mode == "all" else gradient)
                    gradients = [None] * len(targets)

        return known

    return _Handles([each.register_hook(hook_of(i)) for i, each in enumerate(tensors)])


def _reached(roots: tuple, useful: set | None, wanted: set) -> set[Any]:
    """The nodes and leaves whose turn comes in a backward; see `_run` in engine.py."""
    found: set[Any] = set()
    left = [root.edge() for root in roots]
    while left:
        target, output = left.pop()
        is_useful = useful is None or target in useful
        if target in found or not (is_useful or (id(target), output) in wanted):
            continue
        found.add(target)
        if is_useful and isinstance(target, Recorded):
            left += [edge for edge in target._edges if edge is not None]
    return found


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Says that a tensor, or each of several, was written to in a way that autograd cannot see.

    Any shape. Never raises; backward does, where it needs the values from before.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2)
    >>> mt.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        each._bump_version()


refuse_missing(globals())
