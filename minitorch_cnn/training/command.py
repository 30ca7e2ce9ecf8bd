"""python -m minitorch_cnn train: teaches a network to tell pictures apart.

    python -m minitorch_cnn train --data photos --model resnet18 \\
        --weights DEFAULT
    python -m minitorch_cnn train --data cifar10 --model cifar_resnet20
    python -m minitorch_cnn train --config runs/train/run.toml --out runs/again
    python -m minitorch_cnn train --resume runs/train     # after Ctrl-C

--data is a folder of class folders (photos/cat/1.jpg), or has them in train/
and val/ or test/; or it is the name of a built-in set. The run's folder gets
config.json, run.toml, split.json, metrics.csv, last.npz, best.npz and pictures;
docs/training.md describes them and all options.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..commandline import HelpFormatter, one_sentence
from . import loop
from .data import DATASETS
from .options import add_options, parse, positive, share

LR, FINE_LR = 1e-3, 1e-4  # of new networks; of those that know something already
EMA = 0.999


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn train",
        usage="%(prog)s --data FOLDER --model NAME [options]",
        description=(__doc__ or "").partition(": ")[2],
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add(
        "--data", "--dataset", dest="dataset", metavar="FOLDER",
        help=f"a folder of class folders, or one of {', '.join(DATASETS)}",
    )  # fmt: skip
    add("--model", "--arch", dest="arch", metavar="NAME", help="a network of minitorch_cnn.models")
    add("--weights", help="to begin with: DEFAULT, a file, or another run's folder")
    add("--image-size", type=positive(int), metavar="PIXELS", help="default: the network's own")
    add("--test-share", type=share, default=0.2, help="kept for testing, where no part is given")
    add("--skip-damaged", action="store_true", help="leave out pictures that cannot be read")
    add_options(parser)
    add("--accumulate", type=positive(int), default=1, metavar="N", help="batches for each step")
    add("--clip-grad-norm", type=positive(float), metavar="NORM", help="of all gradients together")
    add(
        "--ema", type=share, nargs="?", const=EMA, metavar="DECAY",
        help=f"test and keep a moving average of the weights (DECAY: {EMA})",
    )  # fmt: skip
    add("--amp", action="store_true", help="mixed precision, on a GPU")
    add("--class-weights", choices=["none", "balanced"], default="none", help="rare classes count")
    add("--find-lr", action="store_true", help="try learning rates, suggest one, and do no more")
    parser.set_defaults(
        optimizer="adamw", lr=None, weight_decay=0.01, batch_size=32, out="runs/train",
        eval_only=False,
    )  # fmt: skip
    return parser


def options(argv: Sequence[str] | None = None) -> Any:
    """The options of the command line, with what follows from them."""
    parser = make_parser()
    args = parse(parser, argv)
    if args.dataset is None or args.arch is None:
        parser.error("--data FOLDER and --model NAME say what to learn, and which network")
    if args.lr is None:
        args.lr = LR if args.weights is None else FINE_LR
        args.lr = 0.1 if args.optimizer == "sgd" and args.weights is None else args.lr
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = options(argv)
    with one_sentence():
        loop.train(args)
