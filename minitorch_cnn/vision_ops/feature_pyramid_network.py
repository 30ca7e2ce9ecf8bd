"""Feature pyramids: what a network sees at each resolution, told of what it sees at the coarser.

Tsung-Yi Lin et al., "Feature Pyramid Networks for Object Detection", 2017.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from .. import nn
from ..nn import functional as F
from ..tensor import Tensor
from .misc import Conv2dNormActivation


class ExtraFPNBlock(nn.Module):
    """What adds further, coarser levels to a pyramid; for subclasses to write."""

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:
        """(results, names) with more levels; results: the pyramid (N, C, H, W), x: its inputs."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")


class FeaturePyramidNetwork(nn.Module):
    """Feature maps of several resolutions -> as many of out_channels each.

        in_channels_list  the channels of each map, from the finest to the coarsest
        extra_blocks      an `ExtraFPNBlock`, for more levels

    Called with {name: (N, channels, H, W)}, each half as large as the one before; returns an
    OrderedDict of the same names. Raises ValueError for a map of 0 channels.

    >>> import minitorch_cnn as mt
    >>> pyramid = FeaturePyramidNetwork([4, 8], out_channels=5)
    >>> maps = pyramid({"fine": mt.zeros(1, 4, 6, 6), "coarse": mt.zeros(1, 8, 3, 3)})
    >>> {name: tuple(x.shape) for name, x in maps.items()}
    {'fine': (1, 5, 6, 6), 'coarse': (1, 5, 3, 3)}
    """

    def __init__(
        self,
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if 0 in in_channels_list:
            raise ValueError(f"in_channels=0 is currently not supported, got {in_channels_list}")

        def conv(channels: int, kernel: int, padding: int) -> Conv2dNormActivation:
            sizes = channels, out_channels, kernel, 1, padding
            return Conv2dNormActivation(*sizes, norm_layer=norm_layer, activation_layer=None)

        self.inner_blocks = nn.ModuleList([conv(each, 1, 0) for each in in_channels_list])
        self.layer_blocks = nn.ModuleList([conv(out_channels, 3, 1) for _ in in_channels_list])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self.extra_blocks = extra_blocks

    def forward(self, x: Mapping[str, Tensor]) -> OrderedDict[str, Tensor]:
        names: list[str] = list(x)
        maps: list[Tensor] = list(x.values())
        above: Tensor | None = None
        results: list[Tensor] = []
        for inner, layer, each in reversed([*zip(self.inner_blocks, self.layer_blocks, maps)]):
            here = inner(each)
            if above is not None:
                here = here + F.interpolate(above, size=here.shape[-2:], mode="nearest")
            results.insert(0, layer(here))
            above = here
        if self.extra_blocks is not None:
            more: Any = self.extra_blocks(results, maps, names)
            results, names = more
        return OrderedDict(zip(names, results, strict=True))


class LastLevelMaxPool(ExtraFPNBlock):
    """One more level, "pool": every second pixel of the coarsest (N, C, H, W).

    >>> import minitorch_cnn as mt
    >>> results, names = LastLevelMaxPool()([mt.zeros(1, 2, 4, 4)], [], ["0"])
    >>> names, results[1].shape
    (['0', 'pool'], minitorch_cnn.Size([1, 2, 2, 2]))
    """

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:
        return [*results, results[-1][..., ::2, ::2]], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Two more levels, "p6" and "p7", each by a convolution of stride 2, as in RetinaNet.

    The first is made of the coarsest result (N, in_channels, H, W), if in_channels and
    out_channels are the same, else of the coarsest input.

    >>> import minitorch_cnn as mt
    >>> results, names = LastLevelP6P7(2, 2)([mt.zeros(1, 2, 4, 4)], [], ["0"])
    >>> names, results[2].shape
    (['0', 'p6', 'p7'], minitorch_cnn.Size([1, 2, 1, 1]))
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        for module in (self.p6, self.p7):
            nn.init.kaiming_uniform_(module.weight, a=1)
            nn.init.zeros_(module.get_parameter("bias"))
        self.use_P5 = in_channels == out_channels

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:
        p6 = self.p6(results[-1] if self.use_P5 else x[-1])
        p7 = self.p7(F.relu(p6))
        return [*results, p6, p7], [*names, "p6", "p7"]
