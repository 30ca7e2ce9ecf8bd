"""Blocks of layers that many networks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..ops import ones, zeros
from ..tensor import Tensor

NormLayer = Callable[..., nn.Module]


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation by statistics and weights that never change: all four are buffers.

    (N, num_features, H, W), of the same shape. A state dict of `BatchNorm2d` fits. Raises
    RuntimeError for other channels.

    >>> import minitorch_cnn as mt
    >>> layer = FrozenBatchNorm2d(1, eps=0.0)
    >>> layer.running_mean.fill_(1.0)
    tensor([1.])
    >>> layer(mt.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[0., 2.]]]])
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", ones(num_features))
        self.register_buffer("bias", zeros(num_features))
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # BatchNorm2d's
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)

    def __repr__(self) -> str:
        return f"FrozenBatchNorm2d({self.weight.shape[0]}, eps={self.eps})"


class ConvNormActivation(nn.Sequential):
    """A convolution whose padding keeps the resolution, a normalisation and an activation.

    See `Conv2dNormActivation` and `Conv3dNormActivation`; conv_layer: `nn.Conv2d`, for instance.

    >>> import minitorch_cnn as mt
    >>> ConvNormActivation(3, 8, conv_layer=nn.Conv1d, norm_layer=None)(mt.zeros(2, 3, 6)).shape
    minitorch_cnn.Size([2, 8, 6])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...] = 3,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str | None = None,
        groups: int = 1,
        norm_layer: NormLayer | None = nn.BatchNorm2d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | tuple[int, ...] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
        conv_layer: Callable[..., nn.Module] = nn.Conv2d,
    ) -> None:
        if padding is None:
            if isinstance(kernel_size, int) and isinstance(dilation, int):
                padding = (kernel_size - 1) // 2 * dilation
            else:
                axes = len(kernel_size if isinstance(kernel_size, Sequence) else dilation)  # type: ignore[arg-type]
                kernel = kernel_size if isinstance(kernel_size, Sequence) else [kernel_size] * axes
                spread = dilation if isinstance(dilation, Sequence) else [dilation] * axes
                padding = tuple((k - 1) // 2 * d for k, d in zip(kernel, spread, strict=True))
        layers = [
            conv_layer(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding,
                dilation=dilation,
                groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


class Conv2dNormActivation(ConvNormActivation):
    """A convolution whose padding keeps the resolution, a normalisation and an activation.

    norm_layer and activation_layer may be None; padding None keeps the resolution. The convolution
    has a bias if there is no normalisation, or as `bias` says. (N, in_channels, H, W) ->
    (N, out_channels, H, W), divided by stride. Raises RuntimeError for other
    channels.

    >>> import minitorch_cnn as mt
    >>> Conv2dNormActivation(3, 8, kernel_size=5)(mt.zeros(2, 3, 6, 6)).shape
    minitorch_cnn.Size([2, 8, 6, 6])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str | None = None,
        groups: int = 1,
        norm_layer: NormLayer | None = nn.BatchNorm2d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | tuple[int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        sizes = in_channels, out_channels, kernel_size, stride, padding, groups
        layers = norm_layer, activation_layer
        super().__init__(*sizes, *layers, dilation, inplace, bias, nn.Conv2d)


class Conv3dNormActivation(ConvNormActivation):
    """`Conv2dNormActivation` of three dimensions: (N, in_channels, D, H, W).

    Errors are those of `Conv2dNormActivation`.

    >>> import minitorch_cnn as mt
    >>> Conv3dNormActivation(3, 8)(mt.zeros(2, 3, 4, 6, 6)).shape
    minitorch_cnn.Size([2, 8, 4, 6, 6])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int] = 3,
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] | str | None = None,
        groups: int = 1,
        norm_layer: NormLayer | None = nn.BatchNorm3d,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        dilation: int | tuple[int, int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        sizes = in_channels, out_channels, kernel_size, stride, padding, groups
        layers = norm_layer, activation_layer
        super().__init__(*sizes, *layers, dilation, inplace, bias, nn.Conv3d)


class SqueezeExcitation(nn.Module):
    """Each channel times a weight that all channels' averages decide (Hu et al., 2018, figure 1).

    (N, input_channels, H, W), of the same shape; squeeze_channels: between the two layers.
    Raises RuntimeError for other channels.

    >>> import minitorch_cnn as mt
    >>> SqueezeExcitation(8, 2)(mt.zeros(2, 8, 4, 4)).shape
    minitorch_cnn.Size([2, 8, 4, 4])
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Callable[..., nn.Module] = nn.ReLU,
        scale_activation: Callable[..., nn.Module] = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        squeezed = self.activation(self.fc1(self.avgpool(input)))
        return self.scale_activation(self.fc2(squeezed)) * input


class MLP(nn.Sequential):
    """Linear layers of the widths hidden_channels, with activations and dropouts between them.

    (..., in_channels) -> (..., hidden_channels[-1]); norm_layer stands before each activation.
    Raises RuntimeError for other features.

    >>> import minitorch_cnn as mt
    >>> MLP(4, [8, 2])(mt.zeros(5, 4)).shape
    minitorch_cnn.Size([5, 2])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: list[int],
        norm_layer: NormLayer | None = None,
        activation_layer: Callable[..., nn.Module] | None = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        settings: dict[str, Any] = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        width = in_channels
        for hidden in hidden_channels[:-1]:
            layers.append(nn.Linear(width, hidden, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(hidden))
            if activation_layer is not None:
                layers.append(activation_layer(**settings))
            layers.append(nn.Dropout(dropout, **settings))
            width = hidden
        layers.append(nn.Linear(width, hidden_channels[-1], bias=bias))
        layers.append(nn.Dropout(dropout, **settings))
        super().__init__(*layers)


class Permute(nn.Module):
    """The dimensions of a tensor in another order, as `permute`; any shape.

    Raises RuntimeError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> Permute([0, 2, 1])(mt.zeros(2, 3, 4)).shape
    minitorch_cnn.Size([2, 4, 3])
    """

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)
