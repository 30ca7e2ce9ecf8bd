"""The vision transformer: patches of an image are words, and every word may look at every other.

Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021 (https://arxiv.org/abs/2010.11929).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from .. import nn
from ..ops import cat, empty, zeros
from ..tensor import Tensor
from ..vision_ops import MLP, Conv2dNormActivation
from . import weights_transformer as published
from ._api import build, register_model, require

Norm = Callable[..., nn.Module]
_norm: Norm = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """A convolution of a stem, which may stand before the patches (Xiao et al., 2021)."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Norm = nn.BatchNorm2d
    activation_layer: Norm = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers with GELU between them; (..., in_dim), of the same shape.

    >>> import minitorch_cnn as mt
    >>> MLPBlock(4, 8, dropout=0.0)(mt.zeros(2, 4)).shape
    minitorch_cnn.Size([2, 4])
    """

    _version = 2

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *args: Any
    ) -> None:
        # In the published files the layers have names: linear_1, linear_2.
        for number, name in ((0, "linear_1"), (3, "linear_2")):
            for kind in ("weight", "bias"):
                if (old := f"{prefix}{name}.{kind}") in state_dict:
                    state_dict[f"{prefix}{number}.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


class EncoderBlock(nn.Module):
    """Attention, then an `MLPBlock`; each is added to its input and normalises before (figure 1).

    (N, L, hidden_dim), of the same shape; AssertionError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> EncoderBlock(2, 8, 16, 0.0, 0.0)(mt.zeros(3, 5, 8)).shape
    minitorch_cnn.Size([3, 5, 8])
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Norm = _norm,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(
            hidden_dim, num_heads, dropout=attention_dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        _check_words(input)
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Adds what each place learned to be known by, and runs the blocks.

    (N, seq_length, hidden_dim), of the same shape; AssertionError for other dimensions.

    >>> import minitorch_cnn as mt
    >>> Encoder(5, 1, 2, 8, 16, 0.0, 0.0)(mt.zeros(3, 5, 8)).shape
    minitorch_cnn.Size([3, 5, 8])
    """

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Norm = _norm,
    ) -> None:
        super().__init__()
        places = empty(1, seq_length, hidden_dim)
        self.pos_embedding = nn.Parameter(nn.init.normal_(places, std=0.02))
        self.dropout = nn.Dropout(dropout)
        blocks = OrderedDict(
            (
                f"encoder_layer_{number}",
                EncoderBlock(
                    num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
                ),
            )
            for number in range(num_layers)
        )
        self.layers = nn.Sequential(blocks)
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        _check_words(input)
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


def _check_words(input: Tensor) -> None:
    if input.dim() != 3:
        raise AssertionError(f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")


class VisionTransformer(nn.Module):
    """Patches become words, one more word is put before them, and the classes are read from it.

        image_size           height and width of the images, a multiple of patch_size
        hidden_dim           numbers in a word; mlp_dim, inside of an `MLPBlock`
        dropout              of words; attention_dropout, of how much a word looks at another
        representation_size  width of a layer before the last one; None for no such layer
        conv_stem_configs    convolutions that make the words, instead of one for each patch

    Input (N, 3, image_size, image_size), output (N, num_classes) scores. Raises AssertionError for
    images of another size, and for an image_size that patch_size does not divide.

    >>> import minitorch_cnn as mt
    >>> network = VisionTransformer(16, 8, 1, 2, hidden_dim=8, mlp_dim=16, num_classes=5)
    >>> network(mt.zeros(2, 3, 16, 16)).shape
    minitorch_cnn.Size([2, 5])
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Norm = _norm,
        conv_stem_configs: Sequence[ConvStemConfig] | None = None,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise AssertionError(
                f"Input shape indivisible by patch size! image_size={image_size}, "
                f"patch_size={patch_size}"
            )
        self.image_size, self.patch_size = image_size, patch_size
        self.hidden_dim, self.mlp_dim = hidden_dim, mlp_dim
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.num_classes, self.representation_size = num_classes, representation_size
        self.norm_layer = norm_layer

        if conv_stem_configs is None:
            self.conv_proj: Any = nn.Conv2d(3, hidden_dim, patch_size, stride=patch_size)
        else:
            self.conv_proj = _conv_stem(conv_stem_configs, hidden_dim)
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(
            self.seq_length,
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            dropout,
            attention_dropout,
            norm_layer,
        )
        heads: OrderedDict[str, nn.Module] = OrderedDict()
        if representation_size is not None:
            heads["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            heads["act"] = nn.Tanh()
        heads["head"] = nn.Linear(representation_size or hidden_dim, num_classes)
        self.heads = nn.Sequential(heads)
        self._set_initial_values()

    def _set_initial_values(self) -> None:
        if isinstance(self.conv_proj, nn.Conv2d):
            projection: Any = self.conv_proj
            fan_in = 3 * self.patch_size**2
            nn.init.trunc_normal_(projection.weight, std=math.sqrt(1 / fan_in))
        else:
            projection = self.conv_proj.conv_last
            nn.init.normal_(projection.weight, std=math.sqrt(2 / self.hidden_dim))
        nn.init.zeros_(projection.bias)
        if self.representation_size is not None:
            before: Any = self.heads.pre_logits
            nn.init.trunc_normal_(before.weight, std=math.sqrt(1 / self.hidden_dim))
            nn.init.zeros_(before.bias)
        head: Any = self.heads.head
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)

    def forward(self, x: Tensor) -> Tensor:
        for name, found in (("height", x.shape[2]), ("width", x.shape[3])):
            if found != self.image_size:
                raise AssertionError(
                    f"Wrong image {name}! Expected {self.image_size} but got {found}!"
                )
        count = x.shape[0]
        words = self.conv_proj(x).flatten(2).permute(0, 2, 1)  # (N, L, hidden_dim)
        words = cat([self.class_token.expand(count, -1, -1), words], dim=1)
        return self.heads(self.encoder(words)[:, 0])


def _conv_stem(configs: Sequence[ConvStemConfig], hidden_dim: int) -> nn.Sequential:
    stem: OrderedDict[str, nn.Module] = OrderedDict()
    width = 3
    for number, config in enumerate(configs):
        stem[f"conv_bn_relu_{number}"] = Conv2dNormActivation(
            width,
            config.out_channels,
            kernel_size=config.kernel_size,
            stride=config.stride,
            norm_layer=config.norm_layer,
            activation_layer=config.activation_layer,
        )
        width = config.out_channels
    stem["conv_last"] = nn.Conv2d(width, hidden_dim, kernel_size=1)
    return nn.Sequential(stem)


def _vit(
    patch_size: int,
    layers: int,
    heads: int,
    width: int,
    weights: Any,
    progress: bool,
    kwargs: dict[str, Any],
) -> VisionTransformer:
    if weights is not None and "min_size" in weights.meta:
        require(kwargs, "image_size", weights.meta["min_size"][0])
    image_size = kwargs.pop("image_size", 224)
    network = partial(VisionTransformer, image_size, patch_size, layers, heads, width, 4 * width)
    return build(network, weights, progress, **kwargs)


@register_model(published.ViT_B_16_Weights)
def vit_b_16(
    *,
    weights: published.ViT_B_16_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> VisionTransformer:
    """ViT-Base, patches of 16x16: 86.6 million parameters.

    (N, 3, 224, 224), or another image_size, -> (N, num_classes), 1000 if not given: a
    `VisionTransformer` (Dosovitskiy et al., 2021).
    """
    return _vit(16, 12, 12, 768, weights, progress, kwargs)


@register_model(published.ViT_B_32_Weights)
def vit_b_32(
    *,
    weights: published.ViT_B_32_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> VisionTransformer:
    """ViT-Base, patches of 32x32: 88.2 million parameters.

    (N, 3, 224, 224), or another image_size, -> (N, num_classes), 1000 if not given: a
    `VisionTransformer` (Dosovitskiy et al., 2021).
    """
    return _vit(32, 12, 12, 768, weights, progress, kwargs)


@register_model(published.ViT_L_16_Weights)
def vit_l_16(
    *,
    weights: published.ViT_L_16_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> VisionTransformer:
    """ViT-Large, patches of 16x16: 304.3 million parameters.

    (N, 3, 224, 224), or another image_size, -> (N, num_classes), 1000 if not given: a
    `VisionTransformer` (Dosovitskiy et al., 2021).
    """
    return _vit(16, 24, 16, 1024, weights, progress, kwargs)


@register_model(published.ViT_L_32_Weights)
def vit_l_32(
    *,
    weights: published.ViT_L_32_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> VisionTransformer:
    """ViT-Large, patches of 32x32: 306.5 million parameters.

    (N, 3, 224, 224), or another image_size, -> (N, num_classes), 1000 if not given: a
    `VisionTransformer` (Dosovitskiy et al., 2021).
    """
    return _vit(32, 24, 16, 1024, weights, progress, kwargs)


@register_model(published.ViT_H_14_Weights)
def vit_h_14(
    *,
    weights: published.ViT_H_14_Weights | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> VisionTransformer:
    """ViT-Huge, patches of 14x14: 632.0 million parameters.

    (N, 3, 224, 224), or another image_size, -> (N, num_classes), 1000 if not given: a
    `VisionTransformer` (Dosovitskiy et al., 2021).
    """
    return _vit(14, 32, 16, 1280, weights, progress, kwargs)
