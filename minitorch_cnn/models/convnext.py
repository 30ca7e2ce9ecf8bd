"""ConvNeXt: what a ResNet becomes with the habits of vision transformers.

Zhuang Liu et al., "A ConvNet for the 2020s", 2022 (https://arxiv.org/abs/2201.03545).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..ops import ones
from ..tensor import Tensor
from ..vision_ops import Conv2dNormActivation, Permute, StochasticDepth
from . import weights_mobile as published
from ._api import build, register_model


class LayerNorm2d(nn.LayerNorm):
    """`nn.LayerNorm` over the channels of each pixel of (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> LayerNorm2d(2)(mt.tensor([[[[1.0]], [[3.0]]]])).detach().flatten().round()
    tensor([-1.,  1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A depthwise 7x7 convolution, a normalisation and two linear layers (figure 4).

    (N, dim, H, W), of the same shape. layer_scale: what the branch is multiplied by at first.

    >>> import minitorch_cnn as mt
    >>> CNBlock(4, layer_scale=1e-6, stochastic_depth_prob=0.0)(mt.zeros(2, 4, 8, 8)).shape
    minitorch_cnn.Size([2, 4, 8, 8])
    """

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            norm_layer(dim),
            nn.Linear(in_features=dim, out_features=4 * dim, bias=True),
            nn.GELU(),
            nn.Linear(in_features=4 * dim, out_features=dim, bias=True),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        return self.stochastic_depth(self.layer_scale * self.block(input)) + input


class CNBlockConfig:
    """A stage: its width, that of the next one (None for the last), and its number of blocks.

    >>> CNBlockConfig(96, 192, 3).num_layers
    3
    """

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        return (
            f"CNBlockConfig(input_channels={self.input_channels}, "
            f"out_channels={self.out_channels}, num_layers={self.num_layers})"
        )


class ConvNeXt(nn.Module):
    """A stem of 4x4 patches, stages with downsampling between them, and a linear layer.

        block_setting          the stages, `CNBlockConfig`
        stochastic_depth_prob  of the last block; it rises from 0 at the first
        layer_scale            see `CNBlock`

    Input (N, 3, H, W), at least 32x32; output (N, num_classes) scores. Raises ValueError for no
    stages, TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> stages = [CNBlockConfig(4, 8, 1), CNBlockConfig(8, None, 1)]
    >>> ConvNeXt(stages, num_classes=5)(mt.zeros(2, 3, 32, 32)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(stage, CNBlockConfig) for stage in block_setting):
            raise TypeError(f"The block_setting should be List[CNBlockConfig], got {block_setting}")
        block = block or CNBlock
        norm_layer = norm_layer or partial(LayerNorm2d, eps=1e-6)
        layers: list[nn.Module] = [
            Conv2dNormActivation(
                3,
                block_setting[0].input_channels,
                kernel_size=4,
                stride=4,
                padding=0,
                norm_layer=norm_layer,
                activation_layer=None,
                bias=True,
            )
        ]
        total = sum(stage.num_layers for stage in block_setting)
        done = 0
        for stage in block_setting:
            blocks = []
            for _ in range(stage.num_layers):
                chance = stochastic_depth_prob * done / max(total - 1.0, 1.0)
                blocks.append(block(stage.input_channels, layer_scale, chance))
                done += 1
            layers.append(nn.Sequential(*blocks))
            if stage.out_channels is not None:
                down = nn.Conv2d(stage.input_channels, stage.out_channels, 2, stride=2)
                layers.append(nn.Sequential(norm_layer(stage.input_channels), down))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = block_setting[-1]
        width = last.input_channels if last.out_channels is None else last.out_channels
        self.classifier = nn.Sequential(
            norm_layer(width), nn.Flatten(1), nn.Linear(width, num_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(
    widths: Sequence[int],
    third: int,
    chance: float,
    weights: Any,
    progress: bool,
    kwargs: dict[str, Any],
) -> ConvNeXt:
    """third: blocks in the third stage; the others have 3."""
    nexts = [*widths[1:], None]
    stages = [CNBlockConfig(*each) for each in zip(widths, nexts, (3, 3, third, 3), strict=True)]
    kwargs = {"stochastic_depth_prob": chance} | kwargs
    return build(partial(ConvNeXt, stages), weights, progress, **kwargs)


@register_model(published.ConvNeXt_Tiny_Weights)
def convnext_tiny(
    *,
    weights: published.ConvNeXt_Tiny_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ConvNeXt:
    """ConvNeXt-Tiny: 28.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ConvNeXt` (Liu et al., 2022).
    """
    return _convnext((96, 192, 384, 768), 9, 0.1, weights, progress, kwargs)


@register_model(published.ConvNeXt_Small_Weights)
def convnext_small(
    *,
    weights: published.ConvNeXt_Small_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ConvNeXt:
    """ConvNeXt-Small: 50.2 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ConvNeXt` (Liu et al., 2022).
    """
    return _convnext((96, 192, 384, 768), 27, 0.4, weights, progress, kwargs)


@register_model(published.ConvNeXt_Base_Weights)
def convnext_base(
    *,
    weights: published.ConvNeXt_Base_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ConvNeXt:
    """ConvNeXt-Base: 88.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ConvNeXt` (Liu et al., 2022).
    """
    return _convnext((128, 256, 512, 1024), 27, 0.5, weights, progress, kwargs)


@register_model(published.ConvNeXt_Large_Weights)
def convnext_large(
    *,
    weights: published.ConvNeXt_Large_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> ConvNeXt:
    """ConvNeXt-Large: 197.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `ConvNeXt` (Liu et al., 2022).
    """
    return _convnext((192, 384, 768, 1536), 27, 0.5, weights, progress, kwargs)
