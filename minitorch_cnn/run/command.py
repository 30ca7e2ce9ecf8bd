"""The command line: python -m minitorch_cnn run PROGRAM ARGUMENTS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import minitorch_cnn

from .. import version
from ..commandline import one_sentence
from . import program, standin
from .names import missing_names


def announcement() -> str:
    """What is said once, before the program's own output."""
    return (
        f"minitorch_cnn {minitorch_cnn.__version__} runs in the place of torch "
        f"{version.__version__.partition('+')[0]} and torchvision "
        f"{standin.TORCHVISION_VERSION.partition('+')[0]}"
    )


def list_missing(target: str, named: bool) -> int:
    """Prints the names that a program needs and that are not here; returns the exit status."""
    with one_sentence():
        found, files = missing_names(target, named=named)
        for each in found:
            print(each)
        count = sum(not each.optional for each in found)
        files_read = f"{len(files)} file{'s' * (len(files) != 1)} read"
        print(f"{files_read}, {count or 'no'} name{'s' * (count != 1)} missing")
    return int(count > 0)


def main(argv: Sequence[str] | None = None) -> None:
    """``python -m minitorch_cnn run``: exits as the program does."""
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn run",
        description="Run a program written for torch and torchvision, as it is: in this process "
        "`import torch` gives minitorch_cnn.",
    )
    parser.add_argument(
        "--list-missing",
        action="store_true",
        help="do not run it: read it, and the files beside it that it imports, and list the names "
        "that are not here",
    )
    parser.add_argument(
        "-m", dest="named", action="store_true", help="PROGRAM is the name of a module"
    )
    parser.add_argument("program", metavar="PROGRAM", help="a Python file, or a module with -m")
    parser.add_argument(
        "arguments", metavar="...", nargs=argparse.REMAINDER, help="the program's arguments"
    )
    args = parser.parse_args(argv)
    if args.list_missing:
        sys.exit(list_missing(args.program, args.named))
    print(announcement(), file=sys.stderr, flush=True)
    standin.install()
    try:
        program.execute(args.program, args.arguments, named=args.named)
    except Exception as error:
        traceback = program.own_traceback(error)
        if traceback is None and isinstance(error, OSError | ImportError):
            sys.exit(f"{parser.prog}: {error}")
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        if (text := program.explanation(error)) is not None:
            print(f"\n{text}", file=sys.stderr)
        sys.exit(1)
