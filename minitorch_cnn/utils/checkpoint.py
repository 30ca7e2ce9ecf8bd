"""Less memory for more time: a part of a network whose forward pass is repeated by backward.

Backward needs what every operation has saved, and for a deep network that is most of the memory.
A checkpointed part keeps its inputs alone. When backward comes to it, the part runs once more up to
the last value that is needed, and what its operations would save then is what backward gets. So at
any time only one part has its intermediate values in memory.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

from __future__ import annotations

import contextlib
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..autograd.engine import backward
from ..autograd.function import Function, Node, SavedTensor, once_differentiable
from ..autograd.modes import enable_grad, is_grad_enabled, state
from ..backend import device_of
from ..missing import refuse_missing
from ..ops import precision
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "get_device_states",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

_early_stop: bool | None = None  # what set_checkpoint_early_stop says
_debug: bool | None = None  # what set_checkpoint_debug_enabled says
_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


class CheckpointError(RuntimeError):
    """The second call of a checkpointed function was not like the first."""


class _Enough(Exception):
    """The second call has computed all that backward needs."""


class Dropped(SavedTensor):
    """The place of a value that the second call computes again. A leaf's values are kept."""

    __slots__ = ("number", "part")

    def __init__(self, part: Part, tensor: Tensor, place: int | None, args: tuple) -> None:
        super().__init__(tensor, place, args)
        self.part, self.number = part, len(part.known)
        part.known.append(_description(self.array))
        if self.leaf is None:
            del self.array

    def unpack(self, owner: Node) -> Tensor:
        if self.leaf is not None:
            return super().unpack(owner)
        self.array = self.part.value(self.number)
        try:
            return super().unpack(owner)
        finally:
            del self.array


class Part:
    """One call of a checkpointed function: how to repeat it, and what it saved."""

    def __init__(
        self, call_again: Callable[[], Any], checked: bool, early_stop: bool, debug: bool
    ) -> None:
        self.call_again, self.checked, self.early_stop = call_again, checked, early_stop
        self.operations: list[list[str]] | None = [[], []] if debug else None  # of both calls
        self.known: list[tuple] = []  # shape, dtype and device of each value that was saved
        self.leaves: dict[int, tuple[Tensor, int]] = {}  # that it uses, and their versions then
        self.complete = False
        self.backward: Any = None  # the one that the values are for
        self.values: list[Any] = []

    def keep(self, tensor: Tensor, place: int | None, args: tuple) -> Dropped:
        """In the place of SavedTensor in the first call."""
        return Dropped(self, tensor, place, args)

    def watch(self, node: Node, args: tuple, outputs: tuple) -> None:
        """Told of every operation of the first call: notes the parameters that it uses."""
        for each in args:
            if isinstance(each, Tensor) and each._requires_grad and each._node is None:
                self.leaves[id(each)] = each, each._version
        if self.operations:
            self.operations[0].append(_operation(node))

    def watch_again(self, node: Node, args: tuple, outputs: tuple) -> None:
        """Told of every operation of the second call, if the checkpoint is debugged."""
        if self.operations:
            self.operations[1].append(_operation(node))

    def collect(self, tensor: Tensor, place: int | None, args: tuple) -> SavedTensor:
        """In the place of SavedTensor in the second call."""
        saved = SavedTensor(tensor, place, args)
        number = len(self.values)
        if self.complete and number >= len(self.known):
            raise CheckpointError(
                "checkpoint: trying to save more tensors during recomputation than during the "
                "original forward pass: the function must do the same both times"
            )
        self.values.append(saved.array)
        if self.complete and self.early_stop and number + 1 == len(self.known):
            raise _Enough
        return saved

    def value(self, number: int) -> Any:
        """The array that was saved with that number: once in each backward."""
        backward = state.running[0] if state.running else object()
        if backward is not self.backward:
            for leaf, version in self.leaves.values():
                if leaf._version != version:
                    raise RuntimeError(
                        "one of the variables needed for gradient computation has been modified "
                        f"by an inplace operation: a leaf of shape {list(leaf.shape)} that a "
                        f"checkpoint uses is at version {leaf._version}; expected {version}"
                    )
            self.backward, self.values = backward, []
            watch = self.watch_again if self.operations else None
            try:
                with _during(self.collect, watch), contextlib.suppress(_Enough):
                    self.call_again()
                self._check()
            except CheckpointError as error:
                if self.operations:
                    raise CheckpointError(f"{error}\n\n{self._both_calls()}") from None
                raise
        array, self.values[number] = self.values[number], None
        if array is None:
            raise CheckpointError(
                "checkpoint: Unpack is being triggered for a tensor that was already unpacked "
                "once. A backward may look at ctx.saved_tensors once only."
            )
        return array

    def _check(self) -> None:
        found = [_description(each) for each in self.values]
        if self.complete and len(found) != len(self.known):
            raise CheckpointError(
                "checkpoint: A different number of tensors was saved during the original forward "
                "and recomputation: the function must do the same both times.\n"
                f"Number of tensors saved during forward: {len(self.known)}\n"
                f"Number of tensors saved during recomputation: {len(found)}"
            )
        for number, (before, now) in enumerate(zip(self.known, found, strict=False)):
            if self.checked and before != now:
                raise CheckpointError(
                    "checkpoint: Recomputed values for the following tensors have different "
                    "metadata than during the forward pass.\n"
                    f"tensor at position {number}: saved {before}, recomputed {now}"
                )

    def _both_calls(self) -> str:
        """What both calls did, one operation a line."""
        first, second = ("\n".join(each) for each in self.operations or ([], []))
        return (
            "You are seeing this error because you passed `debug=True` to checkpoint.\n"
            f"Operations executed during the original forward:\n{first}\n"
            f"Operations executed during recomputation:\n{second}"
        )


def _operation(node: Node) -> str:
    """An operation and the line of the program that called it."""
    line = next(
        (each for each in reversed(traceback.extract_stack()) if _PACKAGE not in each.filename),
        None,
    )
    where = "" if line is None else f" at {line.filename}:{line.lineno}"
    return f"  {node._function.__name__}{where}"


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), which keeps nothing for backward but the arguments.

    Backward calls the function a second time, with the same random numbers (preserve_rng_state)
    and under the same autocast, so it must do the same again. What it does besides, it does twice:
    batch normalization moves its running statistics in both calls, in torch too. early_stop: the
    second call ends with the last value that is needed.

    context_fn: gives two context managers, for the first call and for the second.
    determinism_check: "default" compares shapes, dtypes and devices of the values of both calls,
    "none" does not. use_reentrant: True is torch's older way (see `Reentrant`), which is taken with
    a warning if nothing is said. Raises CheckpointError, a RuntimeError, in backward if the second
    call differs, RuntimeError if an argument was changed in place, ValueError for what the older
    way does not take. debug: the error lists the operations of both calls.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0], requires_grad=True)
    >>> y = mt.utils.checkpoint.checkpoint(lambda x: x.exp() * x, x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([ 5.4366, 22.1672])
    """
    if use_reentrant is None:
        _warn("checkpoint")
        use_reentrant = True
    if use_reentrant and debug:
        raise ValueError("checkpoint: debug is only supported when use_reentrant=False")
    if use_reentrant and context_fn is not None:
        raise ValueError("checkpoint: context_fn is only supported when use_reentrant=False")
    if use_reentrant and kwargs:
        raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
    # Arguments by their position or name. Who is checkpointed around this keeps the tensors.
    given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    tensors = {place: each for place, each in given.items() if isinstance(each, Tensor)}
    if use_reentrant and not any(each.requires_grad for each in tensors.values()):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )
    first, second = (contextlib.nullcontext(),) * 2 if context_fn is None else context_fn()
    if not is_grad_enabled():
        with first:
            return function(*args, **kwargs)
    required = {place: each.requires_grad for place, each in tensors.items()}
    plain = {place: each for place, each in given.items() if place not in tensors}
    random_state = get_rng_state() if preserve_rng_state else None
    fast = precision.state.fast

    def call_again(found: dict[Any, Tensor]) -> tuple[Any, dict[Any, Tensor]]:
        """The result for these tensors, and the leaves that stand for them in it."""
        leaves = {place: each.detach() for place, each in found.items()}
        for place, each in leaves.items():
            each.requires_grad_(required[place])
        full = plain | leaves
        now = get_rng_state(), precision.state.fast
        precision.state.fast = fast
        if random_state is not None:
            set_rng_state(random_state)
        try:
            with enable_grad(), second:
                return function(*[full.pop(i) for i in range(len(args))], **full), leaves
        finally:
            precision.state.fast = now[1]
            if random_state is not None:
                set_rng_state(now[0])

    if use_reentrant:
        return Reentrant.apply(function, call_again, *args)
    keep = state.keep or SavedTensor
    saved = {place: keep(each, None, (each,)) for place, each in tensors.items()}
    stops = early_stop if _early_stop is None else _early_stop
    part = Part(
        lambda: call_again({place: each.unpack(_OWNER) for place, each in saved.items()}),
        determinism_check != "none",
        stops,
        debug if _debug is None else _debug,
    )
    with first, _during(part.keep, part.watch):
        result = function(*args, **kwargs)
    part.complete = True
    return result


class Reentrant(Function):
    """A checkpoint in torch's older way: one node, which runs a backward inside of backward.

    The first call records nothing, so its results require a gradient if an argument does, whatever
    the parameters that it uses do. Only `backward` without `inputs` can go through it, as the
    parameters get their gradients in the inner backward, and no gradient of a gradient comes out.
    """

    @staticmethod
    def forward(ctx: Any, function: Callable, call_again: Callable, *args: Any) -> Any:
        ctx.call_again = call_again
        ctx.places = [place for place, each in enumerate(args) if isinstance(each, Tensor)]
        ctx.save_for_backward(*[args[place] for place in ctx.places])
        return function(*args)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gys: Tensor) -> tuple:
        if state.running is None or state.running[2] is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        result, leaves = ctx.call_again(dict(zip(ctx.places, ctx.saved_tensors, strict=True)))
        outputs = result if isinstance(result, tuple) else (result,)
        pairs = [
            (y, gy)
            for y, gy in zip(outputs, gys, strict=True)
            if isinstance(y, Tensor) and y.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        ys, gradients = zip(*pairs, strict=True)
        backward(ys, gradients)
        count = len(ctx.needs_input_grad) - 2
        return (None, None, *[leaves[i].grad if i in leaves else None for i in range(count)])


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The layers of a Sequential (or a list of functions), one after the other, in checkpoints.

    segments: how many parts of equal length they are divided into. The last one has the rest, and
    no checkpoint: its backward comes first, while its values are still there. Warns if
    use_reentrant is not given, as `checkpoint`. Raises ValueError for a number of segments that
    cannot be.

    >>> import minitorch_cnn as mt
    >>> net = mt.nn.Sequential(mt.nn.Linear(2, 3), mt.nn.ReLU(), mt.nn.Linear(3, 1))
    >>> y = mt.utils.checkpoint.checkpoint_sequential(net, 2, mt.ones(4, 2), use_reentrant=False)
    >>> y.shape
    minitorch_cnn.Size([4, 1])
    """
    if use_reentrant is None:
        _warn("checkpoint_sequential")
        use_reentrant = True
    layers = list(functions)
    if not 1 <= segments <= len(layers):
        raise ValueError(
            f"checkpoint_sequential: {len(layers)} functions cannot make {segments} segments"
        )

    def segment(start: int, end: int) -> Callable[[Any], Any]:
        def call(x: Any) -> Any:
            for layer in layers[start:end]:
                x = layer(x)
            return x

        return call

    length = len(layers) // segments
    last = length * (segments - 1)
    for start in range(0, last, length):
        part = segment(start, start + length)
        input = checkpoint(part, input, use_reentrant=use_reentrant, **kwargs)
    return segment(last, len(layers))(input)


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The numbers of the GPUs that the tensors among the arguments are on, and a random state each.

    For reversible networks, which repeat a part by themselves. Tensors on the CPU are left out, as
    torch does: `random.get_rng_state` has their state.

    >>> import minitorch_cnn as mt
    >>> get_device_states(mt.ones(1), 2)
    ([], [])
    """
    places = {x.device for x in args if isinstance(x, Tensor) and x.device.type == "cuda"}
    devices = sorted(place.index or 0 for place in places)
    return devices, [get_rng_state() for _ in devices]


def set_device_states(
    devices: Sequence[int], states: Sequence[Tensor], *, device_type: str | None = None
) -> None:
    """Puts the generator, which all GPUs share, into the states that `get_device_states` gave."""
    for _, each in zip(devices, states, strict=True):
        set_rng_state(each)


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """In the block, whether the second calls of checkpoints end with the last value needed.

    >>> import minitorch_cnn as mt
    >>> with mt.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     y = mt.utils.checkpoint.checkpoint(mt.exp, mt.ones(1), use_reentrant=False)
    """
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """In the block, whether checkpoints are debugged, whatever their own `debug` is; None: as it.

    >>> import minitorch_cnn as mt
    >>> with mt.utils.checkpoint.set_checkpoint_debug_enabled(True):
    ...     y = mt.utils.checkpoint.checkpoint(mt.exp, mt.ones(1), use_reentrant=False)
    """
    global _debug
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


@contextlib.contextmanager
def _during(keep: Callable[..., Any], watch: Callable[..., Any] | None) -> Iterator[None]:
    """In the block, what nodes save is given to keep, and watch is told of every operation."""
    before = state.keep, state.observer

    def observer(*operation: Any) -> None:
        for each in (watch, before[1]):
            if each is not None:
                each(*operation)

    state.keep, state.observer = keep, observer if watch else before[1]
    try:
        yield
    finally:
        state.keep, state.observer = before


class _Owner:
    """Who needs a checkpoint's arguments, for messages."""

    def _title(self) -> str:
        return "checkpoint"


_OWNER: Any = _Owner()


def _description(array: Any) -> tuple:
    return array.shape, array.dtype, device_of(array)


def _warn(name: str) -> None:
    warnings.warn(
        f"torch.utils.checkpoint: {name}: the use_reentrant parameter should be passed explicitly. "
        "use_reentrant=False is recommended; True is taken now",
        stacklevel=3,
    )


refuse_missing(globals())
