"""The command line: python -m minitorch_cnn explain COMMAND.

A command is a name, a sentence, a function that adds its options to a parser, and a function that
runs it. Each module in `MODULES` has a list `COMMANDS` of them. To add a command, write such a
module and add it here.

What a command returns is printed, and its picture is saved; one that returns None has done all
that itself.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...commandline import announce_compiling, one_sentence
from ...kernels import kernel_tier
from ..explanation import Explanation
from ..languages import LANGUAGES, in_language, translated

MODULES: tuple[str, ...] = (
    "minitorch_cnn.explain.commands.convolution",
    "minitorch_cnn.explain.commands.backward",
    "minitorch_cnn.explain.commands.algorithms",
    "minitorch_cnn.explain.commands.networks",
    "minitorch_cnn.explain.page.command",
)


class Command(NamedTuple):
    name: str
    help: str
    add_options: Callable[[argparse.ArgumentParser], Any]
    run: Callable[[argparse.Namespace], Explanation | None]
    picture: bool = True  # False: the command has no --out, or its own
    suffix: str = ".png"  # of the picture's name where no --out is given
    compiled: bool = False  # True: it measures or trains. To look once, readable kernels do.


def add_parser(subparsers: Any) -> None:
    """Adds `explain` with all its commands to the program's parser."""
    parser = subparsers.add_parser("explain", help="see how a convolutional network works")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in MODULES:
        for command in importlib.import_module(module).COMMANDS:
            own = commands.add_parser(
                command.name, help=command.help, description=command.help + "."
            )
            command.add_options(own)
            if command.picture:
                default = f"explain-{command.name}{command.suffix}"
                own.add_argument(
                    "--out",
                    metavar="FILE",
                    default=default,
                    help=f"picture to write: .png, .svg or .pdf (default {default})",
                )
            own.add_argument(
                "--lang", choices=LANGUAGES, default="en", help="language of texts and pictures"
            )
            own.set_defaults(run=_runner(command))


def _runner(command: Command) -> Callable[[argparse.Namespace], None]:
    def run(args: argparse.Namespace) -> None:
        with one_sentence():
            show(args)

    def show(args: argparse.Namespace) -> None:
        announce_compiling()
        with contextlib.nullcontext() if command.compiled else kernel_tier("array"):
            explanation = command.run(args)
        if explanation is None:
            return
        explanation = in_language(explanation, args.lang)
        print(explanation)
        if not command.picture:
            return
        try:
            explanation.save(args.out)
        except (ImportError, LookupError) as error:
            print(translated(f"no picture: {error}", args.lang))
        else:
            print(translated(f"picture: {args.out}", args.lang))

    return run


def main(argv: Sequence[str] | None = None) -> None:
    """The whole command line of the package: ``python -m minitorch_cnn``."""
    parser = argparse.ArgumentParser(prog="python -m minitorch_cnn")
    parts = parser.add_subparsers(metavar="PART", required=True)
    add_parser(parts)
    # Those below have main functions of their own; __main__.py goes there.
    parts.add_parser("predict", help="say what is in pictures")
    parts.add_parser("train", help="teach a network to tell pictures apart")
    parts.add_parser("evaluate", help="test a trained network, class by class")
    parts.add_parser("export", help="write a trained network as an ONNX file")
    parts.add_parser("report", help="write the report of a training run")
    parts.add_parser("run", help="run a program written for torch")
    args = parser.parse_args(argv)
    args.run(args)


def add_subject_options(parser: argparse.ArgumentParser) -> None:
    """--checkpoint and --image: the network and the picture to look at."""
    parser.add_argument(
        "--checkpoint", metavar="FILE", help="a trained network: runs/x/best(.npz), or runs/x"
    )
    parser.add_argument("--image", metavar="FILE", help="a picture (default: one of Shapes)")
