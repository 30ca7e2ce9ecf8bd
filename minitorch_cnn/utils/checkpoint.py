"""Less memory for more time: a part of a network whose forward pass is repeated by backward.

Backward needs what every operation has saved, and for a deep network that is most of the memory.
A checkpointed part keeps its inputs alone. When backward comes to it, the part runs once more,
and its gradients are taken from that second run. So at any time only one part has its intermediate
values in memory.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.engine import grad
from ..autograd.function import Function, Node
from ..autograd.modes import enable_grad, is_grad_enabled
from ..ops import precision
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor

__all__ = ["checkpoint", "checkpoint_sequential", "get_device_states", "set_device_states"]


class Repeat(Function):
    """The outputs of a part that has run already; backward runs it again for its gradients.

    inputs: the tensors among the part's arguments, `count` of them, and then the parameters that
    it uses.
    """

    @staticmethod
    def forward(
        ctx: Any, run: Callable[..., Any], outputs: list[Tensor], count: int, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.run, ctx.count = run, count
        ctx.save_for_backward(*inputs)
        ctx.set_materialize_grads(False)
        own = [y.detach() for y in outputs]
        ctx.mark_non_differentiable(
            *(mine for mine, y in zip(own, outputs, strict=True) if not y.requires_grad)
        )
        return tuple(own)

    @staticmethod
    def backward(ctx: Any, *gys: Tensor | None) -> tuple[Tensor | None, ...]:
        if is_grad_enabled():
            raise NotImplementedError(
                "checkpoint: gradients of gradients (create_graph=True) are not supported"
            )
        saved = ctx.saved_tensors
        arguments = _as_leaves(saved[: ctx.count])
        outputs = _tensors_in(ctx.run(arguments))
        if len(outputs) != len(gys):
            raise RuntimeError(
                f"checkpoint: the function returned {len(gys)} tensors, but {len(outputs)} when "
                "backward called it again: it must do the same both times"
            )
        reached = [(y, gy) for y, gy in zip(outputs, gys, strict=True) if gy is not None]
        inputs = [*arguments, *saved[ctx.count :]]
        wanted = [x for x in inputs if x.requires_grad]
        found = iter(
            grad([y for y, _ in reached], wanted, [gy for _, gy in reached], allow_unused=True)
        )
        return None, None, None, *(next(found) if x.requires_grad else None for x in inputs)


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
    batch normalization moves its running statistics in both calls, in torch too.

    The function takes and returns tensors, one or a tuple, and others. It may use parameters, but
    other tensors with a history must be arguments, and it must not change its arguments in place.
    use_reentrant, determinism_check and early_stop choose between torch's implementations and
    change nothing here. Raises NotImplementedError for a context_fn or debug, and where a gradient
    of a gradient is asked for.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0], requires_grad=True)
    >>> y = mt.utils.checkpoint.checkpoint(lambda x: x.exp() * x, x, use_reentrant=False)
    >>> y.sum().backward()
    >>> x.grad
    tensor([ 5.4366, 22.1672])
    """
    if context_fn is not None or debug:
        raise NotImplementedError("checkpoint: context_fn and debug=True are not supported")
    if not is_grad_enabled():
        return function(*args, **kwargs)
    number = len(args)
    # arguments by their position or name
    given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    places = [place for place, each in given.items() if isinstance(each, Tensor)]
    tensors = [given.pop(place) for place in places]
    random_state = get_rng_state() if preserve_rng_state else None
    fast = precision.state.fast

    def call(arguments: list[Tensor]) -> Any:
        full = given | dict(zip(places, arguments, strict=True))
        return function(*[full.pop(i) for i in range(number)], **full)

    def call_again(arguments: list[Tensor]) -> Any:
        now = get_rng_state(), precision.state.fast
        precision.state.fast = fast
        if random_state is not None:
            set_rng_state(random_state)
        try:
            with enable_grad():
                return call(arguments)
        finally:
            precision.state.fast = now[1]
            if random_state is not None:
                set_rng_state(now[0])

    arguments = _as_leaves(tensors)
    versions = [each._version for each in tensors]
    start = Node(Repeat)._number  # nodes that the call records have higher numbers
    result = call(arguments)
    outputs = _tensors_in(result)
    if [each._version for each in tensors] != versions:
        raise RuntimeError(
            "checkpoint: the function changed one of its arguments in place, so backward could not "
            "call it again; let it begin with an operation that is not in place"
        )
    parameters = _parameters(outputs, arguments, start)
    if not any(each.requires_grad for each in outputs):
        return result
    made = iter(Repeat.apply(call_again, outputs, len(tensors), *tensors, *parameters))
    if isinstance(result, Tensor):
        return next(made)
    return type(result)(next(made) if isinstance(each, Tensor) else each for each in result)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The layers of a Sequential (or a list of functions), one after the other, in checkpoints.

    segments: how many parts of equal length they are divided into. The last one has the rest, and
    no checkpoint: its backward comes first, while its values are still there.

    >>> import minitorch_cnn as mt
    >>> net = mt.nn.Sequential(mt.nn.Linear(2, 3), mt.nn.ReLU(), mt.nn.Linear(3, 1))
    >>> mt.utils.checkpoint.checkpoint_sequential(net, 2, mt.ones(4, 2)).shape
    minitorch_cnn.Size([4, 1])
    """
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
    for _, state in zip(devices, states, strict=True):
        set_rng_state(state)


def _as_leaves(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors without their history: what a call records ends there."""
    return [each.detach().requires_grad_(each.requires_grad) for each in tensors]


def _tensors_in(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if type(result) not in (tuple, list):
        raise NotImplementedError(
            "checkpoint: the function must return a tensor, or a tuple or list of them, but it "
            f"returned {type(result).__name__}"
        )
    return [each for each in result if isinstance(each, Tensor)]


def _parameters(outputs: list[Tensor], arguments: list[Tensor], start: int) -> list[Tensor]:
    """The leaves besides the arguments that the outputs were computed from.

    start: the number from which on the nodes belong to the call.
    """
    known = {id(each) for each in arguments}
    parameters = []
    left = [y.edge()[0] for y in outputs if y.requires_grad]
    while left:
        source = left.pop()
        if id(source) in known:
            continue
        known.add(id(source))
        if isinstance(source, Tensor):
            parameters.append(source)
        elif source._number < start:
            raise NotImplementedError(
                "checkpoint: the function uses a tensor that is none of its arguments, and whose "
                f"gradient goes on to {source._title()}: pass that tensor as an argument"
            )
        else:
            left += [edge[0] for edge in source._edges if edge is not None]
    return parameters
