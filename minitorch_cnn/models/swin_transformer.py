"""Swin: attention inside of small windows, which move by half a window from block to block.

Ze Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", 2021
(https://arxiv.org/abs/2103.14030), and "Swin Transformer V2: Scaling Up Capacity and Resolution",
2022 (https://arxiv.org/abs/2111.09883).

Images are (N, H, W, C) between the first layer and the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import nn
from ..nn import functional as F
from ..ops import cat, empty, log, ones, roll, sigmoid, tensor
from ..tensor import Tensor
from ..vision_ops import MLP, Permute, StochasticDepth
from . import weights_transformer as published
from ._api import build, register_model

Layer = Callable[..., nn.Module]


class PatchMerging(nn.Module):
    """Four neighbouring pixels become one, with twice the channels.

    (N, H, W, dim) -> (N, ceil(H / 2), ceil(W / 2), 2 dim).

    >>> import minitorch_cnn as mt
    >>> PatchMerging(4)(mt.zeros(2, 5, 6, 4)).shape
    minitorch_cnn.Size([2, 3, 3, 8])
    """

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(_neighbours(x)))


class PatchMergingV2(nn.Module):
    """`PatchMerging` that normalises what comes out and not what goes in.

    >>> import minitorch_cnn as mt
    >>> PatchMergingV2(4)(mt.zeros(2, 5, 6, 4)).shape
    minitorch_cnn.Size([2, 3, 3, 8])
    """

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(_neighbours(x)))


def _neighbours(x: Tensor) -> Tensor:
    """(N, H, W, C) -> (N, H / 2, W / 2, 4 C): of each 2x2 pixels, column by column."""
    height, width = x.shape[1:3]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    return cat([x[:, v::2, u::2] for u in (0, 1) for v in (0, 1)], dim=-1)


class ShiftedWindowAttention(nn.Module):
    """Attention between the pixels of each window, all windows shifted by shift_size.

        window_size, shift_size  heights and widths; no shift along an axis with one window only
        qkv_bias, proj_bias      whether the layers before and after have a bias
        attention_dropout        of how much a pixel looks at another; dropout, of the result

    A bias is learned for each way to go from one pixel of a window to another. (N, H, W, dim), of
    the same shape; sides that are not filled by windows are filled with zeros for the time.

    >>> import minitorch_cnn as mt
    >>> ShiftedWindowAttention(8, [3, 3], [1, 1], num_heads=2)(mt.zeros(2, 7, 6, 8)).shape
    minitorch_cnn.Size([2, 7, 6, 8])
    """

    relative_position_index: Tensor

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError(
                "window_size and shift_size must be of length 2, got "
                f"{window_size} and {shift_size}"
            )
        self.window_size, self.shift_size = window_size, shift_size
        self.num_heads = num_heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self) -> None:
        """The bias of each way, (2 height - 1) (2 width - 1) of them, for each head."""
        height, width = self.window_size
        table = empty((2 * height - 1) * (2 * width - 1), self.num_heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))

    def define_relative_position_index(self) -> None:
        """The number of the way between any two pixels of a window, one row after the other."""
        height, width = self.window_size
        y, x = np.divmod(np.arange(height * width), width)
        down = y[:, None] - y + height - 1
        right = x[:, None] - x + width - 1
        self.register_buffer(
            "relative_position_index", tensor((down * (2 * width - 1) + right).reshape(-1))
        )

    def get_relative_position_bias(self) -> Tensor:
        """The bias between any two pixels of a window, (1, heads, L, L)."""
        return self._biases(self.relative_position_bias_table)

    def _biases(self, table: Tensor) -> Tensor:
        count = self.window_size[0] * self.window_size[1]
        rows = table[self.relative_position_index].reshape(count, count, -1)
        return rows.permute(2, 0, 1).unsqueeze(0)

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        """How much each pixel looks at each other one, before the biases."""
        return (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)

    def _project(self, x: Tensor) -> Tensor:
        return self.qkv(x)

    def forward(self, x: Tensor) -> Tensor:
        count, height, width, channels = x.shape
        high, wide = self.window_size
        x = F.pad(x, (0, 0, 0, -width % wide, 0, -height % high))
        whole = x.shape[1:3]
        # One window looks at everything, wherever it is.
        shift = [
            0 if window >= length else step
            for window, length, step in zip(self.window_size, whole, self.shift_size, strict=True)
        ]
        if any(shift):
            x = roll(x, (-shift[0], -shift[1]), (1, 2))
        rows, columns = whole[0] // high, whole[1] // wide
        x = x.reshape(count, rows, high, columns, wide, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(count * rows * columns, high * wide, channels)

        split = (len(x), high * wide, 3, self.num_heads, channels // self.num_heads)
        q, k, v = self._project(x).reshape(*split).permute(2, 0, 3, 1, 4).unbind(0)
        scores = self._scores(q, k) + self.get_relative_position_bias()
        if any(shift):
            mask = _strangers(tuple(whole), (high, wide), tuple(shift))
            added = x.new_tensor(np.where(mask, -100.0, 0.0)).unsqueeze(1)
            scores = scores.reshape(count, -1, *scores.shape[1:]) + added
            scores = scores.reshape(-1, *scores.shape[2:])
        chances = F.dropout(scores.softmax(-1), self.attention_dropout, self.training)
        x = (chances @ v).transpose(1, 2).reshape(len(x), high * wide, channels)
        x = F.dropout(self.proj(x), self.dropout, self.training)

        x = x.reshape(count, rows, columns, high, wide, channels).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(count, *whole, channels)
        if any(shift):
            x = roll(x, (shift[0], shift[1]), (1, 2))
        return x[:, :height, :width]


def _strangers(
    size: tuple[int, ...], window: tuple[int, int], shift: tuple[int, ...]
) -> np.ndarray:
    """Which pixels of a window came from opposite sides of the image, (windows, L, L).

    >>> _strangers((1, 4), (1, 2), (0, 1)).astype(int).tolist()
    [[[0, 0], [0, 0]], [[0, 1], [1, 0]]]
    """
    sides = []
    for length, high, step in zip(size, window, shift, strict=True):
        # The last window holds the last pixels and, from `step` before its end, the first.
        place = np.arange(length)
        sides.append((place >= length - high).astype(int) + (place >= length - step))
    part = sides[0][:, None] * 3 + sides[1]
    high, wide = window
    part = part.reshape(size[0] // high, high, size[1] // wide, wide).swapaxes(1, 2)
    part = part.reshape(-1, high * wide)
    return part[:, :, None] != part[:, None]


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """`ShiftedWindowAttention` by cosines, with biases that a small network makes.

    >>> import minitorch_cnn as mt
    >>> ShiftedWindowAttentionV2(8, [3, 3], [1, 1], num_heads=2)(mt.zeros(2, 7, 6, 8)).shape
    minitorch_cnn.Size([2, 7, 6, 8])
    """

    relative_coords_table: Tensor

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim,
            window_size,
            shift_size,
            num_heads,
            qkv_bias=qkv_bias,
            proj_bias=proj_bias,
            attention_dropout=attention_dropout,
            dropout=dropout,
        )
        self.logit_scale = nn.Parameter(log(10 * ones(num_heads, 1, 1)))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 512), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False)
        )

    def define_relative_position_bias_table(self) -> None:
        """Each way, by the logarithms of its steps down and to the right."""
        steps = [8 * np.linspace(-1, 1, 2 * length - 1) for length in self.window_size]
        grid = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)[None]
        table = np.sign(grid) * np.log2(np.abs(grid) + 1) / 3
        self.register_buffer("relative_coords_table", tensor(table.astype(np.float32)))

    def get_relative_position_bias(self) -> Tensor:
        """The bias between any two pixels of a window, (1, heads, L, L)."""
        table = self.cpb_mlp(self.relative_coords_table).reshape(-1, self.num_heads)
        return 16 * sigmoid(self._biases(table))

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        cosines = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        return cosines * self.logit_scale.clamp(max=math.log(100.0)).exp()

    def _project(self, x: Tensor) -> Tensor:
        """Keys have no bias."""
        if self.qkv.bias is None:
            return self.qkv(x)
        q, k, v = self.qkv.bias.chunk(3)
        return F.linear(x, self.qkv.weight, cat([q, k * 0, v]))


class SwinTransformerBlock(nn.Module):
    """Attention in windows, then an `MLP`; each is added to its input and normalises before.

    mlp_ratio: width inside of the MLP, as a multiple of dim. Other arguments: see
    `ShiftedWindowAttention` and `StochasticDepth`. (N, H, W, dim), of the same shape.

    >>> import minitorch_cnn as mt
    >>> SwinTransformerBlock(8, 2, [4, 4], [2, 2])(mt.zeros(2, 8, 8, 8)).shape
    minitorch_cnn.Size([2, 8, 8, 8])
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm,
        attn_layer: Layer = ShiftedWindowAttention,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim,
            window_size,
            shift_size,
            num_heads,
            attention_dropout=attention_dropout,
            dropout=dropout,
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """`SwinTransformerBlock` that normalises after, with `ShiftedWindowAttentionV2`.

    >>> import minitorch_cnn as mt
    >>> SwinTransformerBlockV2(8, 2, [4, 4], [2, 2])(mt.zeros(2, 8, 8, 8)).shape
    minitorch_cnn.Size([2, 8, 8, 8])
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        *args: Any,
        attn_layer: Layer = ShiftedWindowAttentionV2,
        **kwargs: Any,
    ) -> None:
        kwargs["attn_layer"] = attn_layer
        super().__init__(dim, num_heads, window_size, shift_size, *args, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """A layer of patches, stages of blocks with `PatchMerging` between them, and a linear layer.

        patch_size             height and width of a patch
        embed_dim              channels of the first stage; each next one has twice as many
        depths, num_heads      blocks and heads of each stage
        window_size            height and width of a window
        stochastic_depth_prob  of the last block; it rises from 0 at the first

    Input (N, 3, H, W), output (N, num_classes) scores.

    >>> import minitorch_cnn as mt
    >>> network = SwinTransformer([2, 2], 8, [2, 1], [2, 4], [4, 4], num_classes=5)
    >>> network(mt.zeros(2, 3, 20, 16)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        patch_size: Sequence[int],
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        block: Layer | None = None,
        downsample_layer: Layer = PatchMerging,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        block = block or SwinTransformerBlock
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-5)
        patch = (patch_size[0], patch_size[1])
        layers: list[nn.Module] = [
            nn.Sequential(
                nn.Conv2d(3, embed_dim, patch, stride=patch),
                Permute([0, 2, 3, 1]),
                norm_layer(embed_dim),
            )
        ]
        done = 0
        for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
            width = embed_dim * 2**stage
            if stage:
                layers.append(downsample_layer(width // 2, norm_layer))
            blocks = []
            for number in range(depth):
                blocks.append(
                    block(
                        width,
                        heads,
                        window_size=window_size,
                        shift_size=[number % 2 * (window // 2) for window in window_size],
                        mlp_ratio=mlp_ratio,
                        dropout=dropout,
                        attention_dropout=attention_dropout,
                        stochastic_depth_prob=stochastic_depth_prob * done / (sum(depths) - 1),
                        norm_layer=norm_layer,
                    )
                )
                done += 1
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers)
        self.norm = norm_layer(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _swin(
    size: str, window: int, weights: Any, progress: bool, kwargs: dict[str, Any], **parts: Any
) -> SwinTransformer:
    """size: "t", "s" or "b"."""
    width, third, heads, chance = {
        "t": (96, 6, 3, 0.2),
        "s": (96, 18, 3, 0.3),
        "b": (128, 18, 4, 0.5),
    }[size]
    network = partial(
        SwinTransformer,
        [4, 4],
        width,
        [2, 2, third, 2],
        [heads * 2**stage for stage in range(4)],
        [window, window],
        stochastic_depth_prob=kwargs.pop("stochastic_depth_prob", chance),
        **parts,
    )
    return build(network, weights, progress, **kwargs)


_V2 = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}


@register_model(published.Swin_T_Weights)
def swin_t(
    *,
    weights: published.Swin_T_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-T: 28.3 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2021).
    """
    return _swin("t", 7, weights, progress, kwargs)


@register_model(published.Swin_S_Weights)
def swin_s(
    *,
    weights: published.Swin_S_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-S: 49.6 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2021).
    """
    return _swin("s", 7, weights, progress, kwargs)


@register_model(published.Swin_B_Weights)
def swin_b(
    *,
    weights: published.Swin_B_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-B: 87.8 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2021).
    """
    return _swin("b", 7, weights, progress, kwargs)


@register_model(published.Swin_V2_T_Weights)
def swin_v2_t(
    *,
    weights: published.Swin_V2_T_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-T of the second version: 28.4 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2022).
    """
    return _swin("t", 8, weights, progress, kwargs, **_V2)


@register_model(published.Swin_V2_S_Weights)
def swin_v2_s(
    *,
    weights: published.Swin_V2_S_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-S of the second version: 49.7 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2022).
    """
    return _swin("s", 8, weights, progress, kwargs, **_V2)


@register_model(published.Swin_V2_B_Weights)
def swin_v2_b(
    *,
    weights: published.Swin_V2_B_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> SwinTransformer:
    """Swin-B of the second version: 87.9 million parameters.

    (N, 3, H, W) -> (N, num_classes), 1000 if not given: a `SwinTransformer` (Liu et al., 2022).
    """
    return _swin("b", 8, weights, progress, kwargs, **_V2)
