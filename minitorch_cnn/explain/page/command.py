"""python -m minitorch_cnn explain page: the interactive page on the command line."""

from __future__ import annotations

import argparse

from ..commands import Command, add_subject_options
from .writing import write_page


def add_options(parser: argparse.ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument(
        "-o", "--out", metavar="FILE", default="page.html", help="file to write (page.html)"
    )


def run(args: argparse.Namespace) -> None:
    path = write_page(args.out, args.checkpoint, args.image)
    size = path.stat().st_size / 1e6
    print(f"page: {path} ({size:.1f} MB). Open it in a browser; it needs no network.")


COMMANDS = [
    Command("page", "write an interactive page of a network and a picture", add_options, run, False)
]
