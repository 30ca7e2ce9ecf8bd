"""Listening to one layer of a network: what went in, what came out, what gradient came back."""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import autograd, nn
from ..autograd.modes import enable_grad, no_grad
from ..tensor import Tensor


class Capture(NamedTuple):
    """One layer during one forward and backward pass of its network, in evaluation mode."""

    name: str
    layer: nn.Module
    x: Tensor  # what the layer got
    y: Tensor  # what it gave
    gy: Tensor  # the gradient of the target's score with respect to y, added over the images
    scores: Tensor  # (N, classes): what the network said
    target: int


def layer_names(model: nn.Module, kind: Any) -> list[str]:
    """The dotted names of all layers of this kind, in the order of the network's tree."""
    return [name for name, module in model.named_modules() if isinstance(module, kind)]


def find_layer(model: nn.Module, name: str | None, kind: Any, last: bool = False) -> str:
    """`name`, or without one the first (or last) layer of this kind.

    Raises ValueError, with the names that there are, if it is none of them.
    """
    names = layer_names(model, kind)
    if name is None and names:
        return names[-1 if last else 0]
    if name not in names:
        what = getattr(kind, "__name__", "such")
        raise ValueError(
            f"there is no {what} layer {name!r} in this {type(model).__name__}; there are: "
            f"{', '.join(names) or 'none'}"
        )
    return name


def capture(model: nn.Module, x: Tensor, name: str, target: int | None = None) -> Capture:
    """Sends images through the network and back, and records the layer called `name`.

    target: the class whose score goes back; None: the one with the highest score for the first
    image. The network's mode (training or evaluation) and its gradients stay as they were.

    >>> import minitorch_cnn as mt
    >>> model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.Flatten(), mt.nn.Linear(8, 3))
    >>> captured = capture(model, mt.ones(1, 1, 4, 4), "0")
    >>> captured.y.shape, captured.gy.shape
    (minitorch_cnn.Size([1, 2, 2, 2]), minitorch_cnn.Size([1, 2, 2, 2]))
    """
    layer = model.get_submodule(name)
    seen: dict[str, Tensor] = {}

    def listen(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        seen["x"], seen["y"] = inputs[0].detach().clone(), output
        # What follows gets a copy: an operation in place must not change what was recorded.
        return output.clone()

    training = model.training
    handle = layer.register_forward_hook(listen)
    try:
        model.eval()
        with enable_grad():
            scores = model(x.detach().requires_grad_())
            if target is None:
                target = int(scores[0].argmax().item())
            if not 0 <= target < scores.shape[1]:
                raise ValueError(f"class {target} is not one of the {scores.shape[1]} classes")
            (gy,) = autograd.grad(scores[:, target].sum(), [seen["y"]])
    finally:
        handle.remove()
        model.train(training)
    return Capture(name, layer, seen["x"], seen["y"].detach(), gy, scores.detach(), target)


def layer_inputs(
    model: nn.Module, x: Tensor, kind: Any = nn.Module
) -> list[tuple[str, nn.Module, Tensor, Tensor]]:
    """(name, layer, input, output) of each layer of this kind, in the order of the calls.

    One forward pass in evaluation mode, without recording gradients. Only layers without children
    are listed; one that is called twice comes twice. Inputs and outputs are copies.
    """
    found = []
    handles = []
    training = model.training
    for name, module in model.named_modules():
        if not isinstance(module, kind) or any(True for _ in module.children()):
            continue

        def listen(module: nn.Module, inputs: tuple, name: str = name) -> None:
            found.append([name, module, inputs[0].clone(), None])

        def finish(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            # The call that ends now is the last one that has begun: layers are not nested.
            found[-1][3] = output.clone()

        handles += [
            module.register_forward_pre_hook(listen),
            module.register_forward_hook(finish),
        ]
    try:
        model.eval()
        with no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)
    return [tuple(entry) for entry in found]
