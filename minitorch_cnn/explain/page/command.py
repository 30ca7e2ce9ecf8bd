"""python -m minitorch_cnn explain page: the interactive page on the command line.

python -m minitorch_cnn explain page                     a trained network that comes along
python -m minitorch_cnn explain page --image cat.jpg     and a picture of your own
python -m minitorch_cnn explain page --checkpoint runs/x
python -m minitorch_cnn explain page --model resnet18 --weights DEFAULT --image cat.jpg
python -m minitorch_cnn explain page --model mymodule:build --weights w.pth --size 64
"""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from ..commands import Command, add_subject_options
from ..languages import translated
from ..subject import checkpoint_path
from .writing import MEGABYTES, write_page


def add_options(parser: argparse.ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="a network of minitorch_cnn.models, or module:function for one of your own",
    )
    parser.add_argument(
        "--weights", metavar="NAME", help="of --model: DEFAULT, another published name, or a file"
    )
    parser.add_argument(
        "--classes", metavar="NAMES", help="names of the scores: a file with one a line, or a,b,c"
    )
    numbers = {"nargs": "+", "type": float, "metavar": "X"}
    parser.add_argument("--mean", help="of the pixels in 0..1, one or one a channel", **numbers)  # type: ignore[arg-type]
    parser.add_argument("--std", help="their standard deviation", **numbers)  # type: ignore[arg-type]
    parser.add_argument(
        "--size", type=int, metavar="PIXELS", help="height and width to cut the picture to"
    )
    parser.add_argument(
        "--megabytes",
        type=float,
        default=MEGABYTES,
        metavar="MB",
        help="largest size of the page (5); a large network runs in it only if its weights fit",
    )
    parser.add_argument(
        "--tour",
        metavar="FILE",
        action="append",
        default=[],
        help="a guided tour of your own, a JSON file; may be given several times",
    )
    parser.add_argument(
        "-o", "--out", metavar="FILE", default="page.html", help="file to write (page.html)"
    )
    parser.add_argument(
        "--no-open", action="store_true", help="do not open the page in the browser"
    )


def run(args: argparse.Namespace) -> None:
    if args.checkpoint and args.model:
        raise ValueError("give --checkpoint or --model, not both")
    if args.weights and not args.model:
        raise ValueError("--weights are those of --model: say which network it is")
    folder = Path(args.out).absolute().parent  # known before, since a large page takes a while
    if not folder.is_dir():
        raise FileNotFoundError(f"--out {args.out}: there is no folder {folder}")
    if Path(args.out).is_dir():
        raise IsADirectoryError(f"--out {args.out} is a folder: name a file in it")
    path = write_page(
        args.out,
        checkpoint_path(args.checkpoint) if args.checkpoint else args.model,
        args.image,
        classes=_classes(args.classes),
        mean=args.mean,
        std=args.std,
        size=args.size,
        weights=args.weights,
        megabytes=args.megabytes,
        tours=args.tour,
    )
    size = path.stat().st_size / 1e6
    said = f"page: {path} ({size:.1f} MB). Open it in a browser; it needs no network."
    print(translated(said, args.lang))
    if not args.no_open and has_screen():
        webbrowser.open(path.resolve().as_uri() + ("" if args.lang == "en" else "#?lang=ko"))


def _classes(names: str | None) -> list[str] | None:
    if names is None:
        return None
    if Path(names).is_file():
        return Path(names).read_text("utf-8").rstrip().split("\n")
    return names.split(",")


def has_screen() -> bool:
    """Whether somebody sits before a screen on which a browser can open."""
    if not sys.stdout.isatty() or os.environ.get("CI"):
        return False
    if sys.platform.startswith(("win", "darwin")):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


COMMANDS = [
    Command("page", "write an interactive page of a network and a picture", add_options, run, False)
]
