"""Layers that learn the number of their inputs from the first batch.

Until then their parameters are `UninitializedParameter`s, and the layer is of a class Lazy...;
the first call makes it an ordinary layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import dtypes
from ...ops.creation import empty, zeros
from ...tensor import Tensor, shape_text
from ..parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .linear import Linear
from .module import Module

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip


class LazyModuleMixin(Module):
    """What lazy layers have in common: a subclass defines `initialize_parameters(input)`."""

    cls_to_become: type | None = None

    def _wait(self) -> None:
        """To be called at the end of the constructor."""
        self._waiting = self.register_forward_pre_hook(_infer, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Gives the parameters their shapes, by the first input."""
        raise NotImplementedError(f"{self._get_name()} does not define initialize_parameters")

    def has_uninitialized_params(self) -> bool:
        """Whether the layer still waits for its first input."""
        return bool(self._uninitialized())

    def _uninitialized(self) -> dict[str, Any]:
        return {
            name: value
            for registry in (self._parameters, self._buffers)
            for name, value in registry.items()
            if is_lazy(value)
        }

    def _apart(self, function: Callable[[], Any]) -> Any:
        """Calls a function while the registries lack what has no shape."""
        registries: list[dict] = [self._parameters, self._buffers]
        before = [dict(registry) for registry in registries]
        for name in self._uninitialized():
            for registry in registries:
                registry.pop(name, None)
        try:
            return function()
        finally:
            for registry, values in zip(registries, before, strict=True):
                now = dict(registry)
                registry.clear()  # in the order in which they were
                registry.update({name: now.get(name, value) for name, value in values.items()})

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self._apart(lambda: super(LazyModuleMixin, self)._apply(fn, recurse))
        for value in self._uninitialized().values():
            like = fn(empty(0, dtype=value.dtype, device=value.device))
            value._kind, value._place = like.dtype, like.device
        return self

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for name, value in self._uninitialized().items():
            given = state_dict.get(prefix + name)
            if isinstance(given, Tensor) and not is_lazy(given):
                value.materialize(given.shape)
        waiting = self._uninitialized()
        given = {k: v for k, v in state_dict.items() if k[len(prefix) :] not in waiting}
        self._apart(
            lambda: super(LazyModuleMixin, self)._load_from_state_dict(given, prefix, *args)
        )

    def reset_parameters(self) -> None:
        """Draws new initial values, once there are shapes."""
        if not self.has_uninitialized_params() and self._width() != 0:
            super().reset_parameters()  # type: ignore[misc]

    def _width(self) -> int:
        raise NotImplementedError


def _infer(module: Any, args: tuple, kwargs: dict) -> None:
    """The hook that runs before the first forward pass."""
    module.initialize_parameters(*args, **kwargs)
    module._waiting.remove()
    del module._waiting
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` that learns in_features from its first input, (..., in_features).

    The other arguments and errors as `Linear`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyLinear(4)
    >>> layer.weight
    <UninitializedParameter>
    >>> _ = layer(mt.zeros(1, 3))
    >>> layer
    Linear(in_features=3, out_features=4, bias=True)
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, bias=False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        self._wait()

    def _width(self) -> int:
        return self.in_features

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            _materialize(self.weight, self.out_features, self.in_features)
            _materialize(self.bias, self.out_features)
            self.reset_parameters()
        self.in_features = input.shape[-1] if self.in_features == 0 else self.in_features


def _materialize(value: Any, *shape: int) -> None:
    if is_lazy(value):
        value.materialize(shape)


class _LazyConvNd(LazyModuleMixin):
    weight: Any
    bias: Any
    dimensions: int
    groups: int
    transposed: bool
    kernel_size: tuple

    def _prepare(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        self._wait()

    def _width(self) -> int:
        return self.in_channels

    def initialize_parameters(  # type: ignore[override]
        self, input: Tensor, output_size: Any = None
    ) -> None:
        dims = self.dimensions
        if input.ndim not in (dims + 1, dims + 2):
            raise RuntimeError(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to "
                f"{self._get_name()}, but got input of size: {shape_text(input.shape)}"
            )
        channels = input.shape[-dims - 1]
        if self.has_uninitialized_params():
            if channels % self.groups:
                raise ValueError("in_channels must be divisible by groups")
            self.in_channels, out = channels, self.out_channels
            pair = (
                (channels, out // self.groups)
                if self.transposed
                else (out, channels // self.groups)
            )
            _materialize(self.weight, *pair, *self.kernel_size)
            _materialize(self.bias, out)
            self.reset_parameters()
        self.in_channels = channels if self.in_channels == 0 else self.in_channels


class _LazyConv(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        more = dilation, groups, False, padding_mode
        super().__init__(0, 0, kernel_size, stride, padding, *more)  # type: ignore[call-arg]
        self._prepare(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvNd):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        more = output_padding, groups, False, dilation, padding_mode
        super().__init__(0, 0, kernel_size, stride, padding, *more)  # type: ignore[call-arg]
        self._prepare(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` that learns in_channels from its first input, (N, in_channels, L).

    The other arguments and errors as `Conv1d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConv1d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2))
    >>> layer
    Conv1d(3, 4, kernel_size=(1,), stride=(1,))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` that learns in_channels from its first input, (N, in_channels, H, W).

    The other arguments and errors as `Conv2d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConv2d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2, 2))
    >>> layer
    Conv2d(3, 4, kernel_size=(1, 1), stride=(1, 1))
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` that learns in_channels from its first input, (N, in_channels, D, H, W).

    The other arguments and errors as `Conv3d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConv3d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2, 2, 2))
    >>> layer
    Conv3d(3, 4, kernel_size=(1, 1, 1), stride=(1, 1, 1))
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` that learns in_channels from its first input, (N, in_channels, L).

    The other arguments and errors as `ConvTranspose1d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConvTranspose1d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2))
    >>> layer
    ConvTranspose1d(3, 4, kernel_size=(1,), stride=(1,))
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` that learns in_channels from its first input, (N, in_channels, H, W).

    The other arguments and errors as `ConvTranspose2d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConvTranspose2d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2, 2))
    >>> layer
    ConvTranspose2d(3, 4, kernel_size=(1, 1), stride=(1, 1))
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` that learns in_channels from its first input, (N, in_channels, D, H, W).

    The other arguments and errors as `ConvTranspose3d`.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyConvTranspose3d(4, 1)
    >>> _ = layer(mt.zeros(1, 3, 2, 2, 2))
    >>> layer
    ConvTranspose3d(3, 4, kernel_size=(1, 1, 1), stride=(1, 1, 1))
    """

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)  # type: ignore[call-arg]
        self.affine, self.track_running_stats = affine, track_running_stats
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = zeros((), dtype=dtypes.int64, device=device)
        self._wait()

    def _width(self) -> int:
        return self.num_features

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        features = input.shape[1 if self._batched(input) else 0]
        if self.has_uninitialized_params():
            self.num_features = features
            for value in (self.weight, self.bias, self.running_mean, self.running_var):
                _materialize(value, features)
            self.reset_parameters()
        self.num_features = features if self.num_features == 0 else self.num_features

    def _batched(self, input: Tensor) -> bool:
        return True


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d` that learns num_features from its first input, (N, num_features, L).

    The other arguments and errors as `BatchNorm1d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyBatchNorm1d()
    >>> _ = layer(mt.zeros(2, 3, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = BatchNorm1d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """`InstanceNorm1d` that learns num_features from its first input, (N, num_features, L).

    The other arguments and errors as `InstanceNorm1d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyInstanceNorm1d()
    >>> _ = layer(mt.zeros(2, 3, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = InstanceNorm1d

    def _batched(self, input: Tensor) -> bool:
        return input.ndim == 1 + 2


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d` that learns num_features from its first input, (N, num_features, H, W).

    The other arguments and errors as `BatchNorm2d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyBatchNorm2d()
    >>> _ = layer(mt.zeros(2, 3, 2, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = BatchNorm2d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """`InstanceNorm2d` that learns num_features from its first input, (N, num_features, H, W).

    The other arguments and errors as `InstanceNorm2d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyInstanceNorm2d()
    >>> _ = layer(mt.zeros(2, 3, 2, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = InstanceNorm2d

    def _batched(self, input: Tensor) -> bool:
        return input.ndim == 2 + 2


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d` that learns num_features from its first input, (N, num_features, D, H, W).

    The other arguments and errors as `BatchNorm3d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyBatchNorm3d()
    >>> _ = layer(mt.zeros(2, 3, 2, 2, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """`InstanceNorm3d` that learns num_features from its first input, (N, num_features, D, H, W).

    The other arguments and errors as `InstanceNorm3d`; affine and track_running_stats are on.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LazyInstanceNorm3d()
    >>> _ = layer(mt.zeros(2, 3, 2, 2, 2))
    >>> layer.num_features
    3
    """

    cls_to_become = InstanceNorm3d

    def _batched(self, input: Tensor) -> bool:
        return input.ndim == 3 + 2
