"""What users' own code may do wrong: hooks and Functions that return something else.

Nothing here is called in a training step of layers from this library.
"""

from __future__ import annotations

import functools
from typing import Any

from ..tensor import Tensor, shape_text
from .modes import state


def call_hook(hook: Any, gradient: Tensor) -> Tensor:
    """The gradient as a tensor's hook wants it. Raises as torch does if that is none for it."""
    replaced = hook(gradient)
    if replaced is None:
        return gradient
    name = getattr(hook, "__name__", repr(hook))
    if not isinstance(replaced, Tensor):
        raise TypeError(f"hook {name!r} returned {replaced!r:.60}: expected a Tensor or None")
    for what in ("shape", "dtype", "device"):
        was, now = getattr(gradient, what), getattr(replaced, what)
        if was != now:
            raise RuntimeError(
                f"hook {name!r} has changed the {what} of the gradient from {was} to {now}"
            )
    return replaced


def retain(node: Any, gys: list[Tensor | None]) -> None:
    """Keeps the gradients that `Tensor.retain_grad` asked for: as they are after all hooks."""
    for index, reference in node.retained.items():
        tensor, gradient = reference(), gys[index]
        # Written in place since then, the tensor has another node, which keeps its gradient.
        if tensor is None or gradient is None or tensor.edge() != (node, index):
            continue
        tensor._grad = gradient.clone() if tensor._grad is None else tensor._grad + gradient


def misfit(got: Any, shape: Any, known: Any) -> RuntimeError:
    """What to raise for a gradient that cannot be added to a leaf's .grad, whose shape is known."""
    return RuntimeError(
        f"AccumulateGrad got an invalid gradient - got {shape_text(got)} but expected shape "
        f"compatible with {shape_text(shape)}, the tensor's, and {shape_text(known)}, that of its "
        "grad so far. Did `.data = ...` change one of them?"
    )


def mismatch(gradient: Tensor, shape: Any) -> RuntimeError:
    """What to raise for a gradient to start from that has not the shape of what was computed."""
    return RuntimeError(
        f"Mismatch in shape: the gradient has {shape_text(gradient.shape)} and the output has "
        f"{shape_text(shape)}"
    )


def summed_to(shape: tuple[int, ...], gradient: Tensor, name: str, index: int) -> Tensor:
    """A gradient of a shape that the tensor's own broadcasts to, summed to the tensor's shape."""
    given = gradient.array.shape
    fitting = zip(reversed(shape), reversed(given), strict=False)
    if len(given) < len(shape) or any(n != m and n != 1 for n, m in fitting):
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {index} - got "
            f"{shape_text(given)} but expected shape compatible with {shape_text(shape)}"
        )
    more = len(given) - len(shape)
    dims = [d for d, n in enumerate(given) if d < more or shape[d - more] != n]
    return gradient.sum(dim=dims).reshape(shape)


def check_dirty(changed: Tensor, outputs: tuple, recording: bool) -> None:
    """Raises RuntimeError where a forward may not say mark_dirty(changed)."""
    if id(changed) not in map(id, outputs):
        raise RuntimeError(
            "Some elements marked as dirty during the forward method were not returned as output. "
            "The inputs that are modified inplace must all be outputs of the Function."
        )
    if recording and changed.requires_grad and changed.is_leaf:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation "
            f"(mark_dirty of a tensor of shape {shape_text(changed.shape)})."
        )
    if recording and changed._view is not None:
        raise NotImplementedError("mark_dirty of a view is not supported: clone() it first")


def once_differentiable(backward: Any) -> Any:
    """Decorates a backward that computes on bare arrays: a second derivative is refused.

    >>> import minitorch_cnn as mt
    >>> class Double(mt.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return x * 2
    ...     @staticmethod
    ...     @mt.autograd.function.once_differentiable
    ...     def backward(ctx, gy):
    ...         return mt.tensor(gy.numpy() * 2)
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        from .function import Function

        class RefuseSecond(Function):
            """The same values, which refuse to be differentiated"""

            @staticmethod
            def forward(ctx: Any, x: Tensor, *grads: Tensor | None) -> Tensor:
                return x

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                raise RuntimeError(
                    "trying to differentiate twice a function that was marked with "
                    "@once_differentiable"
                )

        recording, state.grad_enabled = state.grad_enabled, False
        try:
            result = backward(ctx, *grads)
        finally:
            state.grad_enabled = recording
        if not recording:
            return result
        parts = result if isinstance(result, tuple) else (result,)
        return tuple(
            RefuseSecond.apply(part, *grads) if isinstance(part, Tensor) else part for part in parts
        )

    return wrapper
