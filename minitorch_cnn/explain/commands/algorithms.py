"""Commands about how convolutions are computed: algorithms, winograd, roofline, ladder."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from ... import nn
from ...ops.creation import zeros
from ..algorithms import Algorithms, algorithms
from ..capture import find_layer, layer_inputs
from ..convolution import Convolution, conv2d
from ..ladder import FILTERS, SHAPE, Ladder, ladder
from ..roofline import Roofline, roofline
from ..subject import load_subject
from ..winograd import WinogradTile, winograd_tile
from . import Command, add_subject_options


def _convolution(args: Namespace, name: str | None) -> Convolution:
    subject = load_subject(args.checkpoint, args.image)
    name = find_layer(subject.model, name, nn.Conv2d)
    for found, layer, x, _ in layer_inputs(subject.model, subject.x, nn.Conv2d):
        if found == name:
            chosen: Any = layer
            return conv2d(x, chosen)
    raise ValueError(f"the network did not call its layer {name}")


def _algorithms_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="a Conv2d (default: see --shape)")
    parser.add_argument(
        "--shape", type=int, nargs=4, metavar=("N", "C", "H", "W"), default=(2, 32, 32, 32),
        help="without --layer: a 3x3 convolution of random images of this shape, with C filters",
    )  # fmt: skip


def _algorithms(args: Namespace) -> Algorithms:
    if args.layer is not None:
        return algorithms(_convolution(args, args.layer))
    x = zeros(*args.shape).uniform_(-1, 1)
    return algorithms(conv2d(x, nn.Conv2d(args.shape[1], args.shape[1], 3, padding=1)))


def _winograd_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="a 3x3 Conv2d with stride 1")
    parser.add_argument("--filter", type=int, default=0, metavar="K")
    parser.add_argument("--tile", type=int, nargs=2, metavar=("ROW", "COLUMN"))
    parser.add_argument("--m", type=int, choices=[2, 4], default=2, help="outputs: 2x2 or 4x4")


def _winograd(args: Namespace) -> WinogradTile:
    convolution = _convolution(args, args.layer)
    OH, OW = convolution.output.shape[2:]
    row, column = args.tile or (OH // (2 * args.m), OW // (2 * args.m))
    return winograd_tile(convolution, 0, args.filter, row, column, args.m)


def _roofline_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--batch-size", type=int, default=8)


def _roofline(args: Namespace) -> Roofline:
    subject = load_subject(args.checkpoint, args.image)
    if args.batch_size < 1:
        raise ValueError(f"--batch-size must be 1 or more, got {args.batch_size}")
    x = subject.x.expand(args.batch_size, -1, -1, -1).contiguous()
    return roofline(subject.model, x)


def _ladder_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--size", type=int, nargs=4, metavar=("N", "C", "H", "W"), default=SHAPE,
        help="of the images; a 3x3 convolution without padding (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--filters", type=int, default=FILTERS, metavar="K", help="a multiple of 32"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="of the compiled rungs")


def _ladder(args: Namespace) -> Ladder:
    terminal = sys.stderr.isatty()

    def progress(text: str) -> None:
        if terminal:  # one line, written over again and again
            print(f"\r{text:<60}\r", end="", file=sys.stderr, flush=True)

    found = ladder(tuple(args.size), args.filters, args.threads, progress=progress)
    progress("")
    return found


COMMANDS = [
    Command(
        "algorithms",
        "direct, im2col, Winograd and FFT: operations, bytes and time",
        _algorithms_options,
        _algorithms,
        compiled=True,
    ),
    Command("winograd", "Winograd's convolution, step by step", _winograd_options, _winograd),
    Command(
        "roofline",
        "what limits each layer: arithmetic or memory",
        _roofline_options,
        _roofline,
        compiled=True,
    ),
    Command(
        "ladder", "one convolution from loops up to the fastest kernel", _ladder_options, _ladder
    ),
]
