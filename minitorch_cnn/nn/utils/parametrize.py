"""Parametrizations: a weight that is computed from other parameters each time it is looked at.

    register_parametrization(layer, "weight", p)    makes layer.weight = p(original)

The original parameter moves to `layer.parametrizations.weight.original`, where optimizers and
state dicts find it, and the layer gets a class of its own in which `weight` is a property.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...autograd.modes import no_grad
from ...tensor import Tensor
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Tensor] = {}
_cached_blocks = 0


@contextmanager
def cached() -> Iterator[None]:
    """Inside of it a parametrized weight is computed once, however often it is used.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.parametrizations.weight_norm(mt.nn.Linear(2, 2))
    >>> with mt.nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    global _cached_blocks
    _cached_blocks += 1
    try:
        yield
    finally:
        _cached_blocks -= 1
        if not _cached_blocks:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The functions that one weight goes through, and what they start from: original, or several.

    Made by `register_parametrization`.
    """

    def __init__(self, modules: Any, original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        values = original
        with no_grad():
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                with contextlib.suppress(NotImplementedError):  # it cannot be assigned to
                    values = values if inverse is None else inverse(values)
        if not isinstance(values, Tensor | tuple | list):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(values)}"
            )
        parts: Any = () if isinstance(values, Tensor) else values
        for index, each in enumerate(parts):
            if not isinstance(each, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {index} of the sequence with type {type(each)}."
                )
        self.is_tensor = isinstance(values, Tensor)
        if isinstance(values, Tensor) and values.dtype is not original.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype: "
                f"{original.dtype} became {values.dtype}"
            )
        if self.is_tensor:
            self._keep("original", original, values)
        else:
            self.ntensors = len(values)
            for index, each in enumerate(values):
                self._keep(f"original{index}", original, each)
        if not unsafe:
            self._check(original)

    def _keep(self, name: str, like: Tensor, values: Tensor) -> None:
        if isinstance(like, Parameter):
            if values is not like and self.is_tensor and values.shape == like.shape:
                with no_grad():
                    like.copy_(values)  # the parameter that an optimizer may have already
                values = like
            elif not isinstance(values, Parameter):
                values = Parameter(values, requires_grad=like.requires_grad)
            self.register_parameter(name, values)
        else:
            self.register_buffer(name, values)

    def _check(self, original: Tensor) -> None:
        with no_grad():
            value = self()
        _check_kept(original, value)

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]  # type: ignore[list-item]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Any:
        first, *others = self
        value = first(*self._originals())  # type: ignore[operator]
        for module in others:
            value = module(value)  # type: ignore[operator]
        return value

    def right_inverse(self, value: Any) -> None:
        """Changes the originals so that the weight becomes this. Raises RuntimeError if it cannot.

        That is if a parametrization does not define `right_inverse`.
        """
        with no_grad():
            for module in reversed(list(self)):
                inverse = getattr(module, "right_inverse", None)
                if inverse is None:
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = inverse(value)
            values = [value] if self.is_tensor else list(value)
            for original, each in zip(self._originals(), values, strict=True):
                if each.dtype is not original.dtype:
                    raise ValueError(
                        f"The tensor has dtype {each.dtype} while the original one has dtype "
                        f"{original.dtype}"
                    )
                original.data = each


def _changes(before: Tensor, after: Tensor) -> list[tuple[str, Any, Any]]:
    """Which of dtype and shape differ, with both values."""
    found = [(what, getattr(before, what), getattr(after, what)) for what in ("dtype", "shape")]
    return [each for each in found if each[1] != each[2]]


def _check_kept(before: Tensor, after: Any) -> None:
    """Raises ValueError if a parametrization made something else of a tensor than one like it."""
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after)}.")
    for what, was, became in _changes(before, after):
        raise ValueError(
            f"Registering a parametrization may not change the {what} of the tensor, "
            f"unless the `unsafe` flag is enabled: {was} became {became}"
        )


def _check_inverse(parametrization: Any, value: Tensor) -> None:
    """Raises ValueError if the right_inverse of a second parametrization gives no such tensor."""
    inverse = getattr(parametrization, "right_inverse", None)
    if inverse is None:
        return
    try:
        with no_grad():
            found = inverse(value)
    except NotImplementedError:  # it cannot be assigned to
        return
    if not isinstance(found, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(found)}")
    for what, given, got in _changes(value, found):
        raise ValueError(
            f"The tensor returned by parametrization.right_inverse must have the same {what} as "
            f"what it was given, unless the `unsafe` flag is enabled: got {got} for {given}"
        )


def _property(name: str) -> property:
    def get(self: Any) -> Tensor:
        functions = self._modules["parametrizations"]._modules[name]
        if not _cached_blocks:
            return functions()
        key = id(self), name
        if key not in _cache:
            _cache[key] = functions()
        return _cache[key]

    def change(self: Any, value: Tensor) -> None:
        self._modules["parametrizations"]._modules[name].right_inverse(value)

    return property(get, change)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Makes a parameter or buffer of a module a function of what it was. Returns the module.

    parametrization: a module; with a method ``right_inverse(value)``, which finds the original for
    a value, the weight keeps its values and can be assigned. It may return several tensors, which
    forward gets then. A second one is applied to the result of the first, which does not change so
    that the weight would keep its values. unsafe: it may change
    the dtype and the shape. Raises ValueError if there is no such parameter or buffer, or if
    something other than a tensor like it comes out.

    >>> import minitorch_cnn as mt
    >>> class Symmetric(mt.nn.Module):
    ...     def forward(self, X):
    ...         return X.triu() + X.triu(1).mT
    >>> layer = mt.nn.Linear(3, 3)
    >>> _ = mt.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> layer.weight.equal(layer.weight.mT), sorted(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        functions: Any = module.parametrizations[tensor_name]  # type: ignore[index]
        if not unsafe:
            with no_grad():
                before = functions()
                after = parametrization(before)
            _check_kept(before, after)
            _check_inverse(parametrization, after)
        functions.append(parametrization)
        functions.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    original: Any = getattr(module, tensor_name)
    functions = ParametrizationList([parametrization], original, unsafe=unsafe)
    functions.train(module.training)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        kind = type(module)
        name = f"Parametrized{kind.__name__}"
        module.__class__ = type(name, (kind,), {"__module__": __name__, **_METHODS})
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = functions  # type: ignore[index, operator]
    return module


def _copied(module: Any) -> Any:
    twin = object.__new__(type(module))
    twin.__dict__.update(module.__dict__)
    return twin


def _deeply_copied(module: Any, memo: dict) -> Any:
    twin = memo[id(module)] = object.__new__(type(module))
    twin.__dict__.update(copy.deepcopy(module.__dict__, memo))
    return twin


def _refuse_pickle(module: Any, protocol: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): the class "
        f"{type(module).__name__} was made for this one"
    )


_METHODS = {
    "__copy__": _copied, "__deepcopy__": _deeply_copied, "__reduce_ex__": _refuse_pickle,
}  # fmt: skip


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module, or this tensor of it, is parametrized.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.parametrize.is_parametrized(mt.nn.Linear(1, 1))
    False
    """
    functions = module._modules.get("parametrizations")
    if not isinstance(functions, ModuleDict):
        return False
    return len(functions) > 0 if tensor_name is None else tensor_name in functions


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Makes the weight a plain parameter: with its values now, or with the original ones.

    Returns the module. Raises ValueError if it is not parametrized, or if there are several
    originals, with leave_parametrized=False.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions: Any = module.parametrizations[tensor_name]  # type: ignore[index]
    if leave_parametrized:
        with no_grad():
            values = getattr(module, tensor_name)
        if functions.is_tensor:
            original = functions.original
            with no_grad():
                original.data = values.detach()
        else:
            trained = any(each.requires_grad for each in functions.parameters(recurse=False))
            original = Parameter(values.detach(), requires_grad=trained)
    elif functions.is_tensor:
        original = functions.original
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]  # type: ignore[union-attr, operator]
    if not is_parametrized(module):
        del module._modules["parametrizations"]
        module.__class__ = type(module).__bases__[0]
    if isinstance(original, Parameter):
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had: `Linear` of a ParametrizedLinear."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Gives a module the parametrizations of another one, and the originals. Returns to_module.

    tensor_name: which; None: all. A parameter that to_module does not have is made. Both share the
    parametrizations and the originals afterwards. Raises as `register_parametrization` does.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.nn.Linear(2, 2), mt.nn.Linear(2, 2)
    >>> _ = mt.nn.utils.parametrizations.weight_norm(a)
    >>> mt.nn.utils.parametrize.transfer_parametrizations_and_params(a, b).weight.equal(a.weight)
    True
    """
    if not is_parametrized(from_module):
        return to_module
    given: Any = from_module.parametrizations
    for name in list(given) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for function in given[name]:
            register_parametrization(to_module, name, function)
        taken: Any = to_module.parametrizations
        for original in (*given[name]._parameters, *given[name]._buffers):
            setattr(taken[name], original, getattr(given[name], original))
    return to_module
