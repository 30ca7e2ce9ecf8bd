"""What happened to one picture in a network: every layer's numbers, and the gradients back.

Modules say what they compute, so hooks on them record most of it. What a network does between its
modules (the addition of a residual block, a flatten) has no hook. But autograd knows: the tensor
that enters a module remembers which operation made it, and from there the way leads back to the
modules before. So nothing has to be known about the network beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import backend, nn
from ...tensor import Tensor


@dataclass
class Layer:
    """One step of the network: where its numbers come from, what they are, their gradient.

    kind: what the page knows to explain ("conv", "affine", "relu", "maxpool", "avgpool", "add",
    "flatten", "linear", "identity"), "input", or "other" for what it only shows.
    """

    name: str
    kind: str
    sources: list[int]  # numbers of the layers that it reads
    value: np.ndarray  # (C, H, W); features are (C, 1, 1)
    gradient: np.ndarray | None = None  # of the explained score, same shape as value
    options: dict[str, Any] = field(default_factory=dict)  # strides and the like, for JSON
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    text: str = ""  # the module as it prints itself


def record(model: nn.Module, x: Tensor) -> list[Layer]:
    """Sends one picture x (1, C, H, W) through a network in evaluation mode, and back.

    Returns the layers in the order of computation, the picture itself first and the scores last.
    The gradients are those of the largest score. The network stays as it was, and so do the
    gradients of its parameters.

    Raises ValueError for more than one picture, a network in training mode (its batch norm and
    dropout depend on the other pictures and on chance) or one that does not end in scores (1, K).

    >>> import minitorch_cnn as mt
    >>> network = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.ReLU(), mt.nn.Flatten())
    >>> layers = record(network.eval(), mt.zeros(1, 1, 4, 4))
    >>> [(layer.name, layer.kind, layer.value.shape) for layer in layers]
    [('input', 'input', (1, 4, 4)), ('0', 'conv', (2, 2, 2)), ('1', 'relu', (2, 2, 2)),
     ('2', 'flatten', (8, 1, 1))]
    """
    if x.ndim != 4 or x.shape[0] != 1:
        raise ValueError(f"record takes one picture (1, C, H, W), got shape {tuple(x.shape)}")
    if model.training:
        raise ValueError("record takes a network in evaluation mode: call model.eval() first")
    recorder = _Recorder(x)
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue  # look at the layers, not at what holds them
        before, after = recorder.hooks(name or "layer", module)
        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        scores = model(recorder.x)
        if not isinstance(scores, Tensor) or scores.ndim != 2:
            raise ValueError(f"record takes a network that ends in scores (1, K), got {scores!r}")
        recorder.layer_of(scores, "scores")
        best = scores[0, int(np.argmax(backend.to_numpy(scores.array)))]
        # Only asks for the picture's gradient, so the parameters' stay as they are; what comes by
        # on its way is seen by the hooks on the tensors.
        from ...autograd import grad

        grad(best, recorder.x)
    finally:
        for handle in handles:
            handle.remove()
    return recorder.layers


class _Recorder:
    """The layers so far, and which operation of the autograd graph made which of them."""

    def __init__(self, x: Tensor) -> None:
        self.x = x.detach().clone().requires_grad_()
        self.layers: list[Layer] = []
        self.made_by: dict[int, int] = {}  # id of a graph node -> number of its layer
        self.alive: list[Any] = []  # the nodes; an id is only unique while its object lives
        self.add(Layer("input", "input", [], _copy(self.x)), self.x)

    def hooks(self, name: str, module: nn.Module) -> tuple[Any, Any]:
        """What to call before and after the module."""
        sources: list[int] = []

        def before(_: Any, inputs: tuple) -> None:
            # Before, because an in-place layer such as ReLU(inplace=True) overwrites its input.
            tensors = [each for each in inputs if isinstance(each, Tensor)]
            sources[:] = [self.layer_of(each, name) for each in tensors]

        def after(_: Any, inputs: tuple, output: Any) -> None:
            if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
                raise NotImplementedError(
                    f"the page shows layers with one output (1, C), (1, C, L) or (1, C, H, W); "
                    f"{name} ({type(module).__name__}) gives {output!r}"
                )
            kind, options, parameters = describe(module)
            layer = Layer(self.unused(name), kind, list(sources), _copy(output))
            layer.options, layer.parameters, layer.text = options, parameters, repr(module)
            self.add(layer, output)

        return before, after

    def add(self, layer: Layer, tensor: Tensor) -> int:
        """Appends a layer, whose gradient is filled in when it is known. Returns its number."""

        def keep(gradient: Tensor) -> None:
            layer.gradient = _copy(gradient)

        if tensor.requires_grad:
            tensor.register_hook(keep)
        self.layers.append(layer)
        node = tensor.edge()[0]
        self.alive.append(node)
        self.made_by[id(node)] = len(self.layers) - 1
        return len(self.layers) - 1

    def layer_of(self, tensor: Tensor, reader: str) -> int:
        """The number of the layer that made a tensor; one that no module made becomes a layer."""
        node = tensor.edge()[0]
        if id(node) in self.made_by:
            return self.made_by[id(node)]
        sources = sorted(self.nearest(node))
        value, values = _copy(tensor), [self.layers[each].value for each in sources]
        kind = "other"
        if len(values) == 1 and np.array_equal(value.ravel(), values[0].ravel()):
            kind = "flatten" if value.shape != values[0].shape else "identity"
        elif len(values) == 2 and values[0].shape == values[1].shape == value.shape:
            kind = "add" if np.allclose(value, values[0] + values[1]) else "other"
        prefix = reader.rpartition(".")[0]
        name = f"{prefix}.{kind}" if prefix else kind
        return self.add(Layer(self.unused(name), kind, sources, value), tensor)

    def nearest(self, node: Any) -> set[int]:
        """The layers from which an operation computes, without another layer in between."""
        if id(node) in self.made_by:
            return {self.made_by[id(node)]}
        edges = [edge[0] for edge in getattr(node, "_edges", []) if edge is not None]
        return set().union(*(self.nearest(each) for each in edges))

    def unused(self, name: str) -> str:
        """The name, with a number if the module has been called before."""
        names = {layer.name for layer in self.layers}
        calls = 1
        while (candidate := name if calls == 1 else f"{name} ({calls})") in names:
            calls += 1
        return candidate


def _copy(tensor: Tensor) -> np.ndarray:
    """The numbers of (1, C), (1, C, L) or (1, C, H, W) as a new float32 array (C, H, W)."""
    array = backend.to_numpy(tensor.array)[0]
    if array.ndim == 2:
        array = array[:, np.newaxis]
    return np.array(array.reshape(array.shape + (1,) * (3 - array.ndim)), np.float32, order="C")


# ------------------------------------------------------------------------- what a module does


def describe(module: nn.Module) -> tuple[str, dict[str, Any], dict[str, np.ndarray]]:
    """Its kind, its options (all geometry as pairs: vertical, horizontal), its parameters."""
    for types, describer in DESCRIBERS:
        if isinstance(module, types):
            return describer(module)
    return "other", {}, {}


def _conv(module: nn.Conv2d) -> tuple:
    left, right, top, bottom = module._padding_for_pad()
    options = {
        "stride": module.stride,
        "dilation": module.dilation,
        "padding": [top, bottom, left, right],
        "mode": module.padding_mode,
        "groups": module.groups,
    }
    parameters = {"weight": _numbers(module.weight)}
    if module.bias is not None:
        parameters["bias"] = _numbers(module.bias)
    return "conv", options, parameters


def _batch_norm(module: nn.BatchNorm2d) -> tuple:
    """In evaluation mode batch norm is a straight line for each channel: scale x + shift."""
    if module.running_mean is None or module.running_var is None:
        return "other", {}, {}
    mean, variance = _numbers(module.running_mean), _numbers(module.running_var)
    invstd = 1 / np.sqrt(variance + np.float32(module.eps))
    weight = np.ones_like(mean) if module.weight is None else _numbers(module.weight)
    bias = np.zeros_like(mean) if module.bias is None else _numbers(module.bias)
    scale = weight * invstd
    parameters = {"mean": mean, "invstd": invstd, "weight": weight, "bias": bias}
    return "affine", {}, {**parameters, "scale": scale, "shift": bias - mean * scale}


def _max_pool(module: nn.MaxPool2d) -> tuple:
    options = {
        name: _pair(getattr(module, name))
        for name in ("kernel_size", "stride", "padding", "dilation")
    }
    return "maxpool", options, {}


def _avg_pool(module: nn.AvgPool2d) -> tuple:
    plain = module.count_include_pad and not module.ceil_mode and not module.divisor_override
    if not plain and _pair(module.padding) != (0, 0):
        return "other", {}, {}
    if module.ceil_mode or module.divisor_override:
        return "other", {}, {}
    options = {name: _pair(getattr(module, name)) for name in ("kernel_size", "stride", "padding")}
    return "avgpool", options, {}


def _linear(module: nn.Linear) -> tuple:
    parameters = {"weight": _numbers(module.weight)}
    if module.bias is not None:
        parameters["bias"] = _numbers(module.bias)
    return "linear", {}, parameters


DESCRIBERS: list[tuple[Any, Any]] = [
    (nn.Conv2d, _conv),
    (nn.BatchNorm2d, _batch_norm),
    (nn.ReLU, lambda module: ("relu", {}, {})),
    (nn.MaxPool2d, _max_pool),
    (nn.AvgPool2d, _avg_pool),
    (nn.AdaptiveAvgPool2d, lambda module: ("adaptive", {}, {})),
    (nn.Flatten, lambda module: ("flatten", {}, {})),
    (nn.Linear, _linear),
    ((nn.Dropout, nn.Identity), lambda module: ("identity", {}, {})),
]


def _numbers(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(backend.to_numpy(tensor.array), np.float32)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
