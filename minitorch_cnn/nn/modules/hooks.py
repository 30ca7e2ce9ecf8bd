"""Hooks of a module: functions of the user that run before and after its forward and backward.

Forward hooks are plain calls around `forward`. Backward hooks need the gradients at the module's
two borders, which autograd only knows inside the graph. So both borders get an identity operation
that does nothing forward, and backward meets the gradients that pass by:

    inputs --> Border --> forward --> Border --> outputs
               |                      |
               grad_input             grad_output
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...autograd.function import Function
from ...autograd.modes import state
from ...tensor import RemovableHandle, Tensor

if TYPE_CHECKING:
    from .module import Module


class Border(Function):
    """The identity on all tensors that cross a border; their gradients go through `watch`."""

    @staticmethod
    def forward(ctx: Any, watch: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.watch = watch
        outputs = tuple(tensor.detach() for tensor in tensors)
        pairs = zip(tensors, outputs, strict=True)
        ctx.mark_non_differentiable(*[y for x, y in pairs if not x.requires_grad])
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, *ctx.watch(grads)


class WithHooks:
    """The part of `Module` that registers hooks. All return a handle to remove the hook."""

    _forward_pre_hooks: OrderedDict
    _forward_hooks: OrderedDict
    _backward_pre_hooks: OrderedDict
    _backward_hooks: OrderedDict

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before forward; it may return other args.

        prepend: before the hooks that are there. with_kwargs: ``hook(module, args, kwargs)``, which
        may return (args, kwargs); calling the module raises RuntimeError if it returns anything
        else.

        >>> import minitorch_cnn as mt
        >>> layer = mt.nn.ReLU()
        >>> handle = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
        >>> layer(mt.tensor([1.0]))
        tensor([2.])
        >>> handle.remove()
        >>> layer(mt.tensor([1.0]))
        tensor([1.])
        """
        return _register(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after forward; it may return another output.

        with_kwargs: ``hook(module, args, kwargs, output)``. Raises NotImplementedError for
        always_call.

        >>> import minitorch_cnn as mt
        >>> layer, seen = mt.nn.Flatten(), []
        >>> _ = layer.register_forward_hook(lambda module, args, y: seen.append(tuple(y.shape)))
        >>> _ = layer(mt.zeros(2, 3, 4))
        >>> seen
        [(2, 12)]
        """
        if always_call:
            raise NotImplementedError("register_forward_hook(always_call=True) is not supported")
        return _register(self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` when the gradients of the outputs are known.

        grad_output is a tuple; what the hook returns instead, if anything, goes on backward.

        >>> import minitorch_cnn as mt
        >>> layer, x = mt.nn.ReLU(), mt.tensor([5.0], requires_grad=True)
        >>> _ = layer.register_full_backward_pre_hook(lambda module, gy: (gy[0] * 10,))
        >>> layer(x).sum().backward()
        >>> x.grad
        tensor([10.])
        """
        return _register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` when those of the inputs are known too.

        Both are tuples, with None where there is no gradient. The hook may return other
        gradients of the inputs; backward raises RuntimeError for another number of them.

        >>> import minitorch_cnn as mt
        >>> layer, x = mt.nn.Hardtanh(), mt.tensor([5.0], requires_grad=True)
        >>> _ = layer.register_full_backward_hook(lambda module, gx, gy: print(gx, gy))
        >>> layer(x).sum().backward()  # flat at 5: nothing comes through
        (tensor([0.]),) (tensor([1.]),)
        """
        return _register(self._backward_hooks, hook, prepend)


def _register(hooks: OrderedDict, hook: Any, prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def call_with_hooks(module: Module, args: tuple, kwargs: dict) -> Any:
    """``module.forward(*args, **kwargs)`` with all the hooks of the module around it."""
    for hook, with_kwargs in list(module._forward_pre_hooks.values()):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {changed}."
                )
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)

    borders = None
    if state.grad_enabled and (module._backward_hooks or module._backward_pre_hooks):
        borders = BackwardBorders(module)
        args = borders.around_inputs(args)

    result = module.forward(*args, **kwargs)

    for hook, with_kwargs in list(module._forward_hooks.values()):
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result if borders is None else borders.around_outputs(result)


class BackwardBorders:
    """The two borders of one call of a module, and the gradients seen there."""

    def __init__(self, module: Module) -> None:
        self.module = module
        # Backward goes from outputs to inputs, so the output border tells the input border.
        self.grad_output: tuple = ()
        self.inputs: list[int] = []  # positions of the tensors among the arguments
        self.arguments = 0
        self.has_input_gradient = False

    def around_inputs(self, args: tuple) -> tuple:
        self.arguments = len(args)
        self.inputs = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        self.has_input_gradient = any(args[i].requires_grad for i in self.inputs)
        if not self.has_input_gradient:
            return args
        crossed = Border.apply(self.input_gradients, *[args[i] for i in self.inputs])
        wrapped = list(args)
        for i, tensor in zip(self.inputs, crossed, strict=True):
            wrapped[i] = tensor
        return tuple(wrapped)

    def around_outputs(self, result: Any) -> Any:
        outputs = result if isinstance(result, tuple | list) else (result,)
        places = [i for i, each in enumerate(outputs) if isinstance(each, Tensor)]
        count = len(outputs)  # the closure below must not hold the tensors themselves
        if not any(outputs[i].requires_grad for i in places):
            return result

        def watch(grads: tuple) -> tuple:
            full: list[Any] = [None] * count
            for i, gradient in zip(places, grads, strict=True):
                full[i] = gradient
            changed = self.output_gradients(tuple(full))
            return tuple(changed[i] for i in places)

        crossed = Border.apply(watch, *[outputs[i] for i in places])
        wrapped = list(outputs)
        for i, tensor in zip(places, crossed, strict=True):
            wrapped[i] = tensor
        if isinstance(result, Tensor):
            return wrapped[0]
        return wrapped if isinstance(result, list) else tuple(wrapped)

    def output_gradients(self, grads: tuple) -> tuple:
        for hook in list(self.module._backward_pre_hooks.values()):
            changed = hook(self.module, grads)
            if changed is not None:
                grads = _as_gradients(changed, len(grads), "Backward pre hook", "output")
        self.grad_output = grads
        if not self.has_input_gradient:
            # There will be no input border to pass, so this is the time to call the hooks.
            self._call_hooks((None,) * self.arguments)
        return grads

    def input_gradients(self, grads: tuple) -> tuple:
        full: list[Any] = [None] * self.arguments
        for i, gradient in zip(self.inputs, grads, strict=True):
            full[i] = gradient
        changed = self._call_hooks(tuple(full))
        return tuple(changed[i] for i in self.inputs)

    def _call_hooks(self, grad_input: tuple) -> tuple:
        for hook in list(self.module._backward_hooks.values()):
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = _as_gradients(changed, len(grad_input), "Backward hook", "input")
        self.grad_output = ()
        return grad_input


def _as_gradients(changed: Any, count: int, who: str, which: str) -> tuple:
    grads = changed if isinstance(changed, tuple) else (changed,)
    if len(grads) != count:
        raise RuntimeError(
            f"{who} returned an invalid number of grad_{which}, got {len(grads)}, "
            f"but expected {count}"
        )
    return grads
