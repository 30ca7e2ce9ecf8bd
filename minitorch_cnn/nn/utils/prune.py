"""Pruning: weights that are set to 0 and stay so.

A pruned parameter `weight` becomes `weight_orig`, beside a buffer `weight_mask` of zeros and ones.
Before every forward pass a hook puts their product in its place, so that gradients go to the
weights that are left. `remove` makes it a parameter again, with its zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...autograd.modes import no_grad
from ...ops import cat, kthvalue, ones_like, rand, rand_like, topk
from ...tensor import Tensor, shape_text
from ..modules.module import Module

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


class BasePruningMethod:
    """A way to choose what is set to 0: a subclass defines `compute_mask` and PRUNING_TYPE.

    PRUNING_TYPE says what of a tensor that is pruned already it is asked about: "unstructured" the
    numbers that are left, "structured" the channels that are left, "global" everything.
    """

    _tensor_name: str
    PRUNING_TYPE = "global"

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for values t, of t's shape. default_mask: what is pruned already."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_mask")

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask. Raises AssertionError before `apply`."""
        if not hasattr(self, "_tensor_name"):
            raise AssertionError(f"Module {module} has to be pruned")
        mask: Any = getattr(module, self._tensor_name + "_mask")
        original: Any = getattr(module, self._tensor_name + "_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> Any:
        """Prunes a parameter of a module, once more if it is pruned. Returns the hook."""
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        old = _hook(module, name)
        original: Any = getattr(module, name)
        if importance_scores is None:
            scores = original
        else:
            scores = importance_scores
            if scores.shape != original.shape:
                raise AssertionError(
                    f"importance_scores should have the same shape as parameter {name} of "
                    f"{module}, got {shape_text(scores.shape)} and {shape_text(original.shape)}"
                )
        if old is None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
            default = ones_like(original.detach())
            hook = method
        else:
            key, first = old
            del module._forward_pre_hooks[key]
            default = getattr(module, name + "_mask").detach().clone()
            hook = first if isinstance(first, PruningContainer) else PruningContainer(first)
            hook.add_pruning_method(method)
        try:
            mask = hook.compute_mask(scores.detach(), default)
        except Exception:
            if old is None:  # as before
                del module._parameters[name + "_orig"]
                module.register_parameter(name, original)
            raise
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, hook.apply_mask(module))
        module.register_forward_pre_hook(hook)
        return hook

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Any = None
    ) -> Tensor:
        """A tensor of t's shape with zeros where this method sets them, of no module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default)

    def remove(self, module: Module) -> None:
        """Makes the pruned values the parameter."""
        name = self._tensor_name
        values = self.apply_mask(module)
        original: Any = module._parameters.pop(name + "_orig")
        del module._buffers[name + "_mask"]
        if hasattr(module, name):
            delattr(module, name)
        with no_grad():
            original.copy_(values)
        module.register_parameter(name, original)


def _hook(module: Module, name: str) -> Any:
    """(key, hook) of what prunes a parameter, or None."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter, one after the other."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple = ()
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        methods = tuple(methods)
        if methods:
            self._tensor_name = methods[0]._tensor_name
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Appends a method for the same parameter. TypeError for none, ValueError for another."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and method._tensor_name != self._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, for what the others have left."""
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype, copy=True)
        if method.PRUNING_TYPE == "global":
            return method.compute_mask(t, default_mask)
        if method.PRUNING_TYPE == "unstructured":
            left: Any = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = t._dim(method.dim)
            other = [d for d in range(t.ndim) if d != dim]
            left = (slice(None),) * dim + (default_mask.sum(other) != 0,)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask[left] = method.compute_mask(t[left], default_mask[left]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _WithAmount(BasePruningMethod):
    """amount: how many are set to 0, as an int, or which share of all, as a float from 0 to 1."""

    def __init__(self, amount: float) -> None:
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (isinstance(amount, float) and amount > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
                "integer"
            )
        self.amount = amount

    def _count(self, size: int) -> int:
        if isinstance(self.amount, float):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return self.amount


class RandomUnstructured(_WithAmount):
    """Numbers drawn at random."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without(default_mask, rand_like(t), self._count(t.numel()), largest=True)


class L1Unstructured(_WithAmount):
    """The numbers of the smallest size."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without(default_mask, t.abs(), self._count(t.numel()), largest=False)


def _without(mask: Tensor, scores: Tensor, count: int, largest: bool) -> Tensor:
    """The mask with zeros where the `count` largest or smallest scores are."""
    mask = mask.clone()
    if count:
        chosen = topk(scores.reshape(-1), count, largest=largest).indices
        flat = mask.reshape(-1).index_fill(0, chosen, 0)
        return flat.reshape(mask.shape)
    return mask


class _Structured(_WithAmount):
    """Whole channels of dimension dim."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _without_channels(self, t: Tensor, mask: Tensor, scores: Any) -> Tensor:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        dim, channels = t._dim(self.dim), t.shape[self.dim]
        count = self._count(channels)
        if count == 0:
            return mask
        kept = scores(channels, count).to(mask.dtype)
        shape = [channels if d == dim else 1 for d in range(t.ndim)]
        return mask * kept.reshape(shape)


class RandomStructured(_Structured):
    """Channels drawn at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        def kept(channels: int, count: int) -> Tensor:
            numbers = rand(channels)
            return numbers > kthvalue(numbers, count).values

        return self._without_channels(t, default_mask, kept)


class LnStructured(_Structured):
    """The channels with the smallest norm."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        def kept(channels: int, count: int) -> Tensor:
            rows = t.movedim(self.dim, 0).flatten(1)
            norms = rows.norm(p=self.n, dim=1)
            # by rank, so that of equal norms no more than wanted are kept
            best = topk(norms, channels - count, largest=True).indices
            return norms.new_zeros(channels).index_fill(0, best, 1)

        return self._without_channels(t, default_mask, kept)


class CustomFromMask(BasePruningMethod):
    """A mask of the user's."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape "
                f"{self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Prunes nothing, but makes the mask. Returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Sets a share (or number) of a parameter, of any shape, to 0 at random. Returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Sets the smallest numbers of a parameter, of any shape, to 0. Returns the module.

    amount: the share of them from 0 to 1, or their number as an int. importance_scores: what to
    compare in the parameter's place, of its shape. Raises ValueError or TypeError for another
    amount, AttributeError if there is no such parameter.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Linear(4, 1)
    >>> _ = layer.load_state_dict({"weight": mt.tensor([[1.0, -3.0, 2.0, 0.5]])}, strict=False)
    >>> mt.nn.utils.prune.l1_unstructured(layer, "weight", 0.5).weight.detach()
    tensor([[ 0., -3.,  2.,  0.]])
    >>> sorted(layer.state_dict())
    ['bias', 'weight_mask', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Sets channels of dimension dim to 0 at random. Returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Sets the channels of dimension dim with the smallest n-norm to 0. Returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Any, pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prunes several parameters as if they were one: [(module, name), ...].

    pruning_method: `L1Unstructured` or `RandomUnstructured`, made with kwargs. importance_scores:
    {(module, name): tensor} to compare in their place. Raises TypeError for other methods.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs, given = list(parameters), importance_scores or {}
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    scores = [given.get((m, n), getattr(m, n)).detach() for m, n in pairs]
    masks = [getattr(m, n + "_mask", ones_like(getattr(m, n).detach())) for m, n in pairs]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container = PruningContainer()
    container._tensor_name = method._tensor_name = "temp"
    container.add_pruning_method(method)
    flat = cat([each.reshape(-1) for each in masks])
    mask = container.compute_mask(cat([each.reshape(-1) for each in scores]), flat)
    start = 0
    for module, name in pairs:
        values = getattr(module, name)
        part = mask[start : start + values.numel()].reshape(values.shape)
        custom_from_mask(module, name, part)
        start += values.numel()


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes by a mask of the parameter's shape. Returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Makes a pruned parameter a plain one, with its zeros. Returns the module.

    Raises ValueError if it is not pruned.
    """
    found = _hook(module, name)
    if found is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    key, hook = found
    hook.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for part in module.modules()
        for hook in part._forward_pre_hooks.values()
    )
