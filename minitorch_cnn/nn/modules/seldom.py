"""The part of `Module` that few programs call: exchanging a module below, memory without values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ... import backend
from ...ops.creation import empty_like
from ..parameter import is_lazy

if TYPE_CHECKING:
    from .module import Module

T_destination = TypeVar("T_destination", bound=dict[str, Any])


class WithSeldom:
    """Exchanging a module below, memory without values, and what torch has for other devices."""

    T_destination = T_destination
    call_super_init = False
    dump_patches = False

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Puts a module at a dotted path, where there may be one already.

        strict: there must be one. Raises ValueError for an empty path or what is no module,
        AttributeError if the module above is not there.

        >>> import minitorch_cnn as mt
        >>> net = mt.nn.Sequential(mt.nn.Sequential(mt.nn.Linear(2, 2)))
        >>> net.set_submodule("0.0", mt.nn.Identity())
        >>> net[0][0]
        Identity()
        """
        from .module import Module

        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)  # type: ignore[attr-defined]
        if strict and not hasattr(owner, name):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if hasattr(owner, name) and not isinstance(getattr(owner, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(owner, name, module)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Gives all values new memory on a device, without filling it. Returns the module."""
        place = None if device is None else backend.device(device)
        return self._apply(  # type: ignore[attr-defined]
            lambda values: empty_like(values, device=place), recurse
        )

    def share_memory(self) -> Any:
        """Moves all values to memory that processes share which are forked later; the module.

        As `Tensor.share_memory_` does; processes that are started by spawn get copies. Raises
        RuntimeError for a lazy module before its first input.

        >>> import minitorch_cnn as mt
        >>> mt.nn.Linear(2, 2).share_memory().weight.is_shared()
        True
        """
        values = (*self.parameters(), *self.buffers())  # type: ignore[attr-defined]
        if any(is_lazy(each) for each in values):
            raise RuntimeError(
                "Can't share memory on an uninitialized parameter or buffer. Call the lazy module "
                "with input of the right shape first"
            )
        for each in values:
            each.share_memory_()
        return self

    def bfloat16(self) -> NoReturn:
        """Not supported: raises NotImplementedError."""
        raise NotImplementedError("Module.bfloat16 is not supported: use half()")

    def compile(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: raises NotImplementedError."""
        raise NotImplementedError("Module.compile is not supported: call the network as it is")

    def xpu(self, device: Any = None) -> NoReturn:
        """Not supported: raises NotImplementedError."""
        raise NotImplementedError("Module.xpu is not supported: there are cpu() and cuda()")

    ipu = mtia = xpu
