"""Commands about one convolution: pixel, columns, variations, gradients."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np

from ... import nn
from ..backward import ConvolutionGradients
from ..capture import Capture, capture, find_layer
from ..columns import Columns, ColumnsBack
from ..convolution import Convolution, conv2d
from ..pixel import Pixel
from ..subject import load_subject
from ..variations import Variations, variations
from . import Command, add_subject_options


def _layer_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="a Conv2d (default: the first one)")


def _pixel_options(parser: ArgumentParser) -> None:
    _layer_options(parser)
    parser.add_argument("--filter", type=int, default=0, metavar="K", help="default 0")
    parser.add_argument(
        "--at",
        type=int,
        nargs=2,
        metavar=("I", "J"),
        help="output pixel (default: one with contrast)",
    )


def _captured(args: Namespace) -> tuple[Convolution, Capture]:
    """The layer of the options, with what the network feeds it."""
    subject = load_subject(args.checkpoint, args.image)
    name = find_layer(subject.model, args.layer, nn.Conv2d)
    captured = capture(subject.model, subject.x, name)
    layer: Any = captured.layer
    return conv2d(captured.x, layer), captured


def _pixel(args: Namespace) -> Pixel:
    convolution, _ = _captured(args)
    convolution.check_index((0, args.filter, 0, 0), convolution.output.shape, "n k i j")
    i, j = args.at or most_contrast(convolution, args.filter)
    return convolution.pixel(0, args.filter, i, j)


def most_contrast(convolution: Convolution, k: int) -> tuple[int, int]:
    """The output pixel of filter k under whose window the input varies most: something to see."""
    windows = convolution.patches()[0, convolution.channels_of(k)]  # (Cg, OH, OW, KH, KW)
    spread = windows.std(axis=(3, 4)).sum(axis=0)
    row, column = np.unravel_index(np.argmax(spread), spread.shape)
    return int(row), int(column)


def _columns(args: Namespace) -> Columns:
    convolution, _ = _captured(args)
    convolution.check_index((0, args.filter, 0, 0), convolution.output.shape, "n k i j")
    i, j = args.at or most_contrast(convolution, args.filter)
    return convolution.columns(0, args.filter, i, j)


def _col2im(args: Namespace) -> ColumnsBack:
    convolution, captured = _captured(args)
    return convolution.columns().back(captured.gy)


def _gradients(args: Namespace) -> ConvolutionGradients:
    convolution, captured = _captured(args)
    return convolution.gradients(captured.gy)


def _variations(args: Namespace) -> Variations:
    subject = load_subject(args.checkpoint, args.image)
    H, W = subject.x.shape[2:]
    # An excerpt of twelve pixels: windows can be seen in it.
    channel = subject.x[:, :1, H // 2 - 10 : H // 2 + 2, W // 2 - 10 : W // 2 + 2]
    return variations(channel.expand(-1, 2, -1, -1))


COMMANDS = [
    Command("pixel", "trace one output pixel: window * kernel, summed", _pixel_options, _pixel),
    Command("columns", "im2col: a convolution as one matrix product", _pixel_options, _columns),
    Command("col2im", "the gradient's way back out of the columns", _layer_options, _col2im),
    Command(
        "variations",
        "what stride, padding, dilation, groups and padding_mode do",
        add_subject_options,
        _variations,
    ),
    Command("gradients", "a convolution's gradients, as convolutions", _layer_options, _gradients),
]
