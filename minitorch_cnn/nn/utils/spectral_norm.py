"""Spectral normalisation: a weight divided by its largest singular value.

Miyato et al., "Spectral normalization for generative adversarial networks", 2018: so no layer makes
a difference between two inputs larger. The singular value is not computed but followed: a step of
the power iteration in each forward pass, from where the last one stopped.
"""

from __future__ import annotations

from typing import Any

from ...autograd.modes import no_grad
from ...ops.arguments import as_int
from ...ops.normalization import normalize
from ...tensor import Tensor
from .. import init
from ..modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module
from ..parameter import Parameter, is_lazy


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a matrix whose rows are the slices of dimension dim, the outputs."""
    return weight.movedim(dim, 0).flatten(1)


def dim_of_outputs(module: Module) -> int:
    """Which dimension of its weight counts outputs."""
    transposed = ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
    return 1 if isinstance(module, transposed) else 0


def check_iterations(n_power_iterations: int) -> None:
    if n_power_iterations <= 0:
        raise ValueError(
            "Expected n_power_iterations to be positive, but got "
            f"n_power_iterations={n_power_iterations}"
        )


class SpectralNorm:
    """The hook that divides the weight before every forward pass."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.dim, self.eps = name, dim, eps
        self.n_power_iterations = n_power_iterations

    def compute_weight(self, module: Module, train: bool) -> Tensor:
        """The weight over its largest singular value u' W v. train: improve u and v first."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if train:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matrix.mT @ u, dim=0, eps=self.eps))
                    u.copy_(normalize(matrix @ v, dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # the next pass writes over them; backward needs these
        return weight / u.dot(matrix @ v)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def note_version(
        self, module: Module, state_dict: Any, prefix: str, metadata: dict[str, Any]
    ) -> None:
        """Says in a state_dict that v is among its values."""
        metadata.setdefault("spectral_norm", {})[self.name + ".version"] = 1

    def read_old(
        self,
        state_dict: Any,
        prefix: str,
        metadata: dict[str, Any],
        strict: bool,
        missing: list[str],
        *others: Any,
    ) -> None:
        """In a state_dict of torch 0.4 is the divided weight and no v, which follows from it."""
        weight, versions = prefix + self.name, metadata.get("spectral_norm", {})
        complete = all(weight + end in state_dict for end in ("_orig", "_u", "_v"))
        if versions.get(self.name + ".version") or (complete and weight not in state_dict):
            return
        lacking = [weight + end for end in ("_orig", "", "_u") if weight + end not in state_dict]
        if lacking:
            missing.extend(lacking if strict else [])
            return
        with no_grad():
            original, u = state_dict[weight + "_orig"], state_dict[weight + "_u"]
            largest = (original / state_dict.pop(weight)).mean()
            matrix = as_matrix(original, self.dim)
            v = matrix.pinverse() @ u
            state_dict[weight + "_v"] = v * (largest / u.dot(matrix @ v))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a parameter by its largest singular value before every forward pass.

    The parameter, as a matrix (K, n) with one row for each output, becomes name_orig; the buffers
    name_u (K,) and name_v (n,) are the singular vectors so far, improved by n_power_iterations
    steps in each pass of training mode.
    dim: which dimension of the weight counts outputs: 0, in transposed convolutions 1.
    Returns the module. Raises RuntimeError if the parameter has one already, ValueError for
    n_power_iterations below 1, AttributeError if there is no such parameter.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.spectral_norm(mt.nn.Linear(20, 40))
    >>> sorted(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            raise RuntimeError(
                f"Cannot register two spectral_norm hooks on the same parameter {name}"
            )
    check_iterations(n_power_iterations)
    dim = as_int("spectral_norm", "dim", dim_of_outputs(module) if dim is None else dim)
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError(
            "The module passed to `SpectralNorm` can't have uninitialized parameters. Call it "
            "with input of the right shape first"
        )
    with no_grad():
        rows, columns = as_matrix(weight, dim).shape
        u, v = (
            normalize(init.normal_(weight.new_empty(n)), dim=0, eps=eps) for n in (rows, columns)
        )
    del module._parameters[name]
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    module.register_state_dict_post_hook(hook.note_version)
    module._register_load_state_dict_pre_hook(hook.read_old)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Makes the divided weight, (K, C, ...) as before, a parameter again.

    Returns the module. Raises ValueError if there is no such spectral norm.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.spectral_norm(mt.nn.Linear(20, 40))
    >>> sorted(mt.nn.utils.remove_spectral_norm(layer).state_dict())
    ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            weight = hook.compute_weight(module, train=False).detach()
            delattr(module, name)
            del module._parameters[name + "_orig"]
            del module._buffers[name + "_u"], module._buffers[name + "_v"]
            module.register_parameter(name, Parameter(weight))
            del module._forward_pre_hooks[key]
            for hooks in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
                for other, (function, _) in list(hooks.items()):
                    if getattr(function, "__self__", None) is hook:
                        del hooks[other]
            return module
    raise ValueError(f"spectral_norm of {name!r} not found in {module}")
