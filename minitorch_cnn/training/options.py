"""The options of a training run: from the command line, a file, or the run that goes on.

The command line counts more than the file of --config, and that more than what a resumed run was
started with. Each run's folder gets a run.toml with all options, so that --config run.toml repeats
the run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..commandline import one_sentence
from ..serialization import load

LR_BATCH, WARM_UP_EPOCHS = 128, 5
LR_SCALE_HELP = f"""linear: --lr is that of batches of {LR_BATCH} images, and grows in proportion to
--batch-size; if it grows, it begins with --lr and gets there within {WARM_UP_EPOCHS} epochs, or a
fifth of the run (Goyal et al. 2017, sections 2.1 and 2.2). none: --lr as it is"""

# Not in run.toml: how a run is started, and what follows from other options.
STARTING = ("help", "config", "resume", "go_on", "eval_only", "find_lr", "resize")


def positive(kind: type) -> Any:
    """An argparse type: a number above 0.

    >>> positive(int)("3")
    3
    """

    def parse(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
        return value

    parse.__name__ = kind.__name__
    return parse


def share(text: str) -> float:
    """An argparse type: a number above 0 and below 1.

    >>> share("0.2")
    0.2
    """
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1, got {text}")
    return value


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that all training programs have."""
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--data-dir", default="data", help="where the data sets lie or are downloaded to")
    add("--epochs", type=positive(int), default=10, help="passes over the training images")
    add("--batch-size", type=positive(int), default=128, help="of all processes together")
    add("--optimizer", choices=["sgd", "adam", "adamw"], default="sgd")
    add("--lr", type=positive(float), default=0.1, help="highest learning rate")
    add("--lr-scale", choices=["none", "linear"], default="none", help=LR_SCALE_HELP)
    add("--momentum", type=float, default=0.9, help="of sgd")
    add("--weight-decay", type=float, default=5e-4, help="how much weights are drawn to 0")
    add("--scheduler", choices=["step", "steplr", "cosine", "onecycle"], default="cosine")
    add(
        "--warmup-epochs", type=positive(float), metavar="N",
        help="begin with a hundredth of --lr and get there within N epochs",
    )  # fmt: skip
    add("--patience", type=positive(int), metavar="N", help="stop N epochs after the best one")
    add("--label-smoothing", type=float, default=0.0, help="share of all classes in each label")
    add("--augment", action=argparse.BooleanOptionalAction, default=True, help="crop and flip")
    add(
        "--mixup", type=positive(float), metavar="ALPHA",
        help="mix pairs of training images and their labels, by a share of Beta(ALPHA, ALPHA)",
    )  # fmt: skip
    add(
        "--cutmix", type=positive(float), metavar="ALPHA",
        help="put rectangles of other images into training images; with --mixup, one of both",
    )  # fmt: skip
    add("--seed", type=int, default=0)
    add("--workers", type=int, default=0, help="processes that load data")
    add("--limit-batches", type=positive(int), help="use only so many batches of each epoch")
    add("--tensorboard", action="store_true", help="write what TensorBoard shows into --out")
    add("--out", default="runs/resnet", help="folder for checkpoints, metrics and pictures")
    add("--config", metavar="FILE", help="options from a TOML file, such as a run's run.toml")
    add("--resume", metavar="CHECKPOINT", help="go on from a last.npz, or its folder")
    add("--continue", action="store_true", dest="go_on", help="go on from --out, if a run is there")
    add("--sync-batchnorm", action="store_true", help="statistics of the batches of all processes")


def parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> Any:
    """The options. With --resume, options that are not given are those of the saved run."""
    argv = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args(argv)
    if args.config:
        with one_sentence():
            argv = [*words_of(parser, args.config), *argv]
        args = parser.parse_args(argv)
    if args.go_on and (Path(args.out) / "last.npz").exists():
        args.resume = args.out
    if args.resume:
        path = Path(args.resume)
        resume = str(path / "last.npz" if path.is_dir() else path)
        if not Path(resume).exists():
            parser.error(f"--resume: there is no {resume}")
        with one_sentence():
            saved = read_checkpoint(resume)["config"]
        parser.set_defaults(**saved)
        args = parser.parse_args(argv)
        args.resume = resume
    elif getattr(args, "eval_only", False):
        parser.error("--eval-only needs --resume CHECKPOINT")
    return args


def read_checkpoint(path: str | Path) -> dict:
    """A checkpoint written by Run.save. Raises ValueError for any other file."""
    checkpoint = load(path)
    if not isinstance(checkpoint, dict) or "config" not in checkpoint:
        raise ValueError(f"{path} is not a checkpoint of a training run")
    return checkpoint


# ------------------------------------------------------------------------------- run.toml


def to_toml(options: dict[str, Any]) -> str:
    """Options as the text of a run.toml: those that are set.

    >>> print(to_toml({"lr": 0.1, "augment": True, "out": "runs/a", "resume": None}), end="")
    lr = 0.1
    augment = true
    out = "runs/a"
    """
    lines = []
    for name, value in options.items():
        if value is None or name in STARTING:
            continue
        lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)


def words_of(parser: argparse.ArgumentParser, path: str) -> list[str]:
    """The file's options as words of a command line: ["--lr=0.1", "--augment"].

    Raises ValueError for a file that is not TOML, a name that is no option, and what is no value.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        table = _toml().loads(text)
    except ValueError as error:  # of TOML, and of bytes that are no text
        raise ValueError(f"{path} is not a TOML file: {error}") from error
    known = {}
    for action in parser._actions:
        for option in action.option_strings:
            if action.dest not in STARTING:
                known[option.lstrip("-").replace("-", "_")] = action
    words = []
    for name, value in table.items():
        key = name.replace("-", "_")
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{path}: there is no option {name!r}{hint}")
        words += _words(path, name, value, known[key])
    return words


def _words(path: str, name: str, value: Any, action: argparse.Action) -> list[str]:
    option = max(action.option_strings, key=len)
    if action.nargs == 0:  # a switch: --name, and perhaps --no-name
        option = next(each for each in action.option_strings if not each.startswith("--no-"))
        if not isinstance(value, bool):
            raise ValueError(f"{path}: {name} is true or false, got {value!r}")
        if value:
            return [option]
        off = f"--no-{option[2:]}"
        return [off] if off in action.option_strings else []
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{path}: {name} is a number or a text, got {value!r}")
    return [f"{option}={value}"]


def _toml() -> Any:
    """The standard library's reader, from Python 3.11 on; before, the package tomli."""
    try:
        import tomllib
    except ImportError:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise RuntimeError(
                "--config needs Python 3.11 or newer, or the package tomli: pip install tomli"
            ) from error
    return tomllib
