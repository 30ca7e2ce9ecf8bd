"""Commands about gradients: pooling, batchnorm, gradient-flow."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from ... import datasets, nn
from ..capture import capture, find_layer, layer_names
from ..gradient_flow import GradientFlow, gradient_flow
from ..normalization import BatchNorm, batch_norm
from ..pooling import Pooling, pool2d
from ..subject import load_subject, load_trained
from . import Command, add_subject_options


def _pooling_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--kind", choices=["max", "avg"], default="max")
    parser.add_argument("--kernel-size", type=int, default=2)
    parser.add_argument("--stride", type=int, help="default: the kernel size")
    parser.add_argument("--padding", type=int, default=0)


def _pooling(args: Namespace) -> Pooling:
    kind: Any = nn.MaxPool2d if args.kind == "max" else nn.AvgPool2d
    layer = kind(args.kernel_size, args.stride, args.padding)
    x = load_subject(args.checkpoint, args.image).x
    H, W = x.shape[2:]
    # An excerpt of eight pixels: numbers can be read in it.
    return pool2d(x[:, :1, H // 2 - 6 : H // 2 + 2, W // 2 - 6 : W // 2 + 2], layer)


def _batchnorm_options(parser: ArgumentParser) -> None:
    parser.add_argument("--checkpoint", metavar="FILE", help="a trained network")
    parser.add_argument("--layer", metavar="NAME", help="a BatchNorm2d (default: the middle one)")


def _batchnorm(args: Namespace) -> BatchNorm:
    trained = load_trained(args.checkpoint)
    names = layer_names(trained.model, nn.BatchNorm2d)
    wanted = names[len(names) // 2] if names and args.layer is None else args.layer
    name = find_layer(trained.model, wanted, nn.BatchNorm2d)
    pictures = datasets.Shapes(train=False, size=16, image_size=trained.image_size).data
    if trained.in_channels == 1:
        pictures = pictures.mean(axis=3, keepdims=True).astype(pictures.dtype)
    captured = capture(trained.model, trained.normalize(pictures), name, target=0)
    layer: Any = captured.layer
    return batch_norm(captured.x, layer, captured.gy)


def _flow_options(parser: ArgumentParser) -> None:
    parser.add_argument("--depth", type=int, default=24, help="convolutions (default 24)")
    parser.add_argument("--seed", type=int, default=0)


def _flow(args: Namespace) -> GradientFlow:
    return gradient_flow(args.depth, seed=args.seed)


COMMANDS = [
    Command("pooling", "which pixels a pooling's gradient goes to", _pooling_options, _pooling),
    Command("batchnorm", "the two terms of batch norm's gradient", _batchnorm_options, _batchnorm),
    Command(
        "gradient-flow",
        "gradients along a deep network, plain and residual",
        _flow_options,
        _flow,
    ),
]
