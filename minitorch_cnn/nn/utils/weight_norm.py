"""Weight normalisation: a weight's length and direction as two parameters.

Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training of
deep neural networks", 2016: w = g v / |v|, so that the length g is learned by itself.
"""

from __future__ import annotations

from typing import Any

from ...ops.arguments import as_int
from ...tensor import Tensor
from ..modules.module import Module
from ..parameter import Parameter, is_lazy


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """The length of each slice of dimension dim, or of all of v: broadcasts with v."""
    if dim is None or dim == -1:  # as in torch, -1 is no dimension
        return v.norm()
    dims = tuple(each for each in range(v.ndim) if each != v._dim(dim))
    return v.norm(2, dims, keepdim=True) if dims else v.abs()


class WeightNorm:
    """The hook that puts the weight together before every forward pass."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Module) -> Tensor:
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Replaces a parameter by name_g, its length, and name_v, its direction. Returns the module.

    dim: each slice of this dimension has a length of its own; 0: each filter of (K, C, ...), with g
    (K, 1, ...) and v (K, C, ...); None or -1: one 0-d length for all.
    Raises RuntimeError if the parameter has one already, AttributeError if there is no such
    parameter.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.weight_norm(mt.nn.Linear(20, 40))
    >>> layer.weight_g.shape, layer.weight_v.shape
    (minitorch_cnn.Size([40, 1]), minitorch_cnn.Size([40, 20]))
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and hook.name == name:
            raise RuntimeError(
                f"Cannot register two weight_norm hooks on the same parameter {name}"
            )
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Call it "
            "with input of the right shape first"
        )
    hook = WeightNorm(name, None if dim is None else as_int("weight_norm", "dim", dim))
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(norm_except(weight, dim).detach()))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Makes the weight, g v / |v| in v's shape, one parameter again.

    Returns the module. Raises ValueError if there is no such weight norm.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.weight_norm(mt.nn.Linear(20, 40))
    >>> sorted(mt.nn.utils.remove_weight_norm(layer).state_dict())
    ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            weight = hook.compute_weight(module).detach()
            delattr(module, name)
            del module._parameters[name + "_g"], module._parameters[name + "_v"]
            module.register_parameter(name, Parameter(weight))
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of {name!r} not found in {module}")
