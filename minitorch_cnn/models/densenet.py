"""DenseNet: every layer reads the outputs of all layers before it.

Gao Huang, Zhuang Liu, Laurens van der Maaten and Kilian Weinberger, "Densely Connected
Convolutional Networks", 2016 (https://arxiv.org/abs/1608.06993); the form "DenseNet-BC" with
bottlenecks and compression, table 1.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from .. import nn
from ..nn import functional as F
from ..ops import cat
from ..tensor import Tensor
from ._api import build, register_model
from .weights import (
    DenseNet121_Weights,
    DenseNet161_Weights,
    DenseNet169_Weights,
    DenseNet201_Weights,
)


class _DenseLayer(nn.Module):
    """Makes `growth_rate` new feature maps from all that exist.

        cat(all) --> norm, relu --> conv 1x1 --> norm, relu --> conv 3x3 --> growth_rate maps

    The 1x1 convolution reduces the many maps to bn_size * growth_rate before the expensive 3x3.
    Input: a list of (N, c, H, W) with num_input_features channels together, or one tensor.
    """

    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        if memory_efficient:
            raise NotImplementedError(
                "memory_efficient=True needs checkpointing (computing features again in backward)"
            )
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        x = input if isinstance(input, Tensor) else cat(input, 1)
        x = self.conv1(self.relu1(self.norm1(x)))
        x = self.conv2(self.relu2(self.norm2(x)))
        if self.drop_rate > 0:
            x = F.dropout(x, p=self.drop_rate, training=self.training)
        return x

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # The published files are older than the rule that a module's name has no dot in it.
        for key in list(state_dict):
            if re.match(r"(norm|relu|conv)\.[12]\.", key.removeprefix(prefix)):
                first, second = key.removeprefix(prefix).split(".", 1)
                state_dict[prefix + first + second] = state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )


class _DenseBlock(nn.ModuleDict):
    """`num_layers` dense layers, each reading the input and all outputs before it (figure 1).

    Input (N, C, H, W), output (N, C + num_layers * growth_rate, H, W).
    """

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            features = num_input_features + i * growth_rate
            layer = _DenseLayer(features, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    """Between two blocks: fewer feature maps (compression), and half the resolution."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, 1, bias=False)
        self.pool = nn.AvgPool2d(2, stride=2)


class DenseNet(nn.Module):
    """A stem, four dense blocks with transitions between them, and a linear layer.

        growth_rate        feature maps that each layer adds, "k" in the paper
        block_config       layers in each block
        num_init_features  feature maps of the stem
        bn_size            width of a bottleneck, as a multiple of growth_rate
        drop_rate          dropout after each layer
        memory_efficient   NotImplementedError if True

    Input (N, 3, H, W), at least 29x29, usually 224x224; output (N, num_classes) scores.

        224x224 -conv 7x7 / 2, pool-> 56x56 -block-> 56x56 -transition, block-> 28x28
                -transition, block-> 14x14 -transition, block-> 7x7 -average-> 1x1

    >>> import minitorch_cnn as mt
    >>> net = DenseNet(growth_rate=4, block_config=(1, 1), num_init_features=8, num_classes=5)
    >>> net(mt.zeros(1, 3, 32, 32)).shape
    minitorch_cnn.Size([1, 5])
    >>> net.classifier.in_features  # (8 + 4) / 2 + 4
    10
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        width = num_init_features
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv0"] = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        layers["norm0"] = nn.BatchNorm2d(width)
        layers["relu0"] = nn.ReLU(inplace=True)
        layers["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)
        for number, num_layers in enumerate(block_config, start=1):
            layers[f"denseblock{number}"] = _DenseBlock(
                num_layers, width, bn_size, growth_rate, drop_rate, memory_efficient
            )
            width += num_layers * growth_rate
            if number != len(block_config):
                layers[f"transition{number}"] = _Transition(width, width // 2)
                width //= 2
        layers["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(width, num_classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.classifier(x.flatten(1))


def _densenet(
    growth_rate: int,
    block_config: tuple[int, int, int, int],
    num_init_features: int,
    weights: Any,
    progress: bool,
    **kwargs: Any,
) -> DenseNet:
    return build(
        DenseNet,
        weights,
        progress,
        growth_rate=growth_rate,
        block_config=block_config,
        num_init_features=num_init_features,
        **kwargs,
    )


@register_model(DenseNet121_Weights)
def densenet121(
    *, weights: DenseNet121_Weights | None = None, progress: bool = True, **kwargs: Any
) -> DenseNet:
    """DenseNet-121: 8.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `DenseNet` (Huang et al., 2016).
    """
    return _densenet(32, (6, 12, 24, 16), 64, weights, progress, **kwargs)


@register_model(DenseNet161_Weights)
def densenet161(
    *, weights: DenseNet161_Weights | None = None, progress: bool = True, **kwargs: Any
) -> DenseNet:
    """DenseNet-161, with a growth rate of 48: 28.7 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `DenseNet` (Huang et al., 2016).
    """
    return _densenet(48, (6, 12, 36, 24), 96, weights, progress, **kwargs)


@register_model(DenseNet169_Weights)
def densenet169(
    *, weights: DenseNet169_Weights | None = None, progress: bool = True, **kwargs: Any
) -> DenseNet:
    """DenseNet-169: 14.1 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `DenseNet` (Huang et al., 2016).
    """
    return _densenet(32, (6, 12, 32, 32), 64, weights, progress, **kwargs)


@register_model(DenseNet201_Weights)
def densenet201(
    *, weights: DenseNet201_Weights | None = None, progress: bool = True, **kwargs: Any
) -> DenseNet:
    """DenseNet-201: 20.0 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `DenseNet` (Huang et al., 2016).
    """
    return _densenet(32, (6, 12, 48, 32), 64, weights, progress, **kwargs)
