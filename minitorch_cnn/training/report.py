"""report.html: all that can be said of a run, in one file that opens from disk.

python -m minitorch_cnn report runs/x                 makes it again, from the run's checkpoint

How good the network is and how it came to be so; which classes it confuses, and of which mistakes
it is most sure; what its first layer and its answers look at; what its layers cost; and with which
command the run can be repeated.
"""

from __future__ import annotations

import argparse
import copy
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..autograd.modes import no_grad
from ..commandline import announce_compiling, one_sentence
from ..explain import Trained, load_trained, probabilities_of
from ..explain.subject import checkpoint_path, middle_of
from ..serialization import load
from ..serialization.files import write
from .data import Pictures
from .evaluation import test_set
from .photos import Prepared
from .report_page import Results, report_html, with_channels

AT_ONCE = 64  # images that go through the network together


def write_report(
    path: str | os.PathLike,
    trained: Trained,
    pictures: Any,
    scores: Any,
    true: Any,
    epoch: int | None = None,
    command: str = "",
) -> Path:
    """Writes the report of a trained network to an HTML file, and returns its path.

        trained    the network with its classes, metrics (rows), learning rates and options
                   (config), see `explain.Trained`
        pictures   the test images: pictures[n] is uint8 (H, W) or (H, W, C), an array or anything
                   else that has an index; only those that are shown are asked for
        scores     what the network says of them, (N, classes)
        true       their classes, (N,)
        epoch      after which the network is as it is, if that is known
        command    that repeats the run, if there is one

    Raises ValueError if these do not fit together.

    >>> import os, tempfile
    >>> from minitorch_cnn import datasets
    >>> trained = load_trained()
    >>> images = datasets.Shapes(train=False, size=6)
    >>> scores = scores_of(trained, images.data, len(images))
    >>> path = os.path.join(tempfile.mkdtemp(), "report.html")
    >>> write_report(path, trained, images.data, scores, images.targets).stat().st_size > 10_000
    True
    """
    scores, true = np.asarray(scores), np.asarray(true)
    if scores.shape != (len(true), len(trained.classes)) or len(pictures) < len(true):
        raise ValueError(
            f"{len(pictures)} pictures, scores {list(scores.shape)} and {len(true)} labels of "
            f"{len(trained.classes)} classes do not fit together"
        )
    first = next(trained.model.parameters(), None)
    if first is not None and first.device.type != "cpu":  # a few images, looked at from all sides
        trained = trained._replace(model=copy.deepcopy(trained.model).cpu())
    results = Results(trained, pictures, probabilities_of(scores), true)
    text = report_html(results, epoch, command)
    path = Path(path)
    write(path, lambda file: file.write(text.encode()))
    return path


def report_of_run(
    run: str | os.PathLike,
    test_images: tuple[Any, Any] | None = None,
    out: str | os.PathLike | None = None,
) -> Path:
    """Writes the report of a finished run, and returns its path: report.html in the run's folder.

    run: the folder, or a checkpoint in it; test_images: (pictures, labels) as in `write_report`,
    if they are at hand; out: another path. Raises FileNotFoundError or ValueError where there is
    no checkpoint, RuntimeError without the data set's files.
    """
    checkpoint = checkpoint_path(run)
    trained = load_trained(checkpoint)
    epoch = trained.rows[-1]["epoch"] if trained.rows else None
    last, command = checkpoint.with_name("last.npz"), ""
    if last.exists():  # best.npz ends with the epoch that was the best one
        saved = load(last)
        trained = trained._replace(rows=saved["rows"], rates=saved.get("rates", []))
        command = repeating(checkpoint.parent, saved.get("program", ""))
    pictures, true = test_images or load_test_images(checkpoint, trained)
    scores = scores_of(trained, pictures, len(true))
    path = out or checkpoint.with_name("report.html")
    return write_report(path, trained, pictures, scores, true, epoch, command)


def repeating(folder: Path, program: str) -> str:
    """The command that repeats the run in the folder, by the options that are kept there.

    >>> repeating(Path("runs/x"), "python -m minitorch_cnn train")
    'python -m minitorch_cnn train --config runs/x/run.toml --out runs/x-again'
    """
    options = ["--config", str(folder / "run.toml"), "--out", f"{folder}-again"]
    return f"{program} {shlex.join(options)}" if program else ""


def load_test_images(checkpoint: Path, trained: Trained) -> tuple[Pictures, np.ndarray]:
    """The run's own test images as the network takes them, and their classes (N,).

    Raises as `test_set` does, RuntimeError if a data set's files are not there.
    """
    middle = middle_of(trained.image_size, trained.resize)
    images = Prepared(test_set(checkpoint, trained), trained.in_channels, middle)
    count, config = len(images), trained.config
    if config.get("limit_batches"):
        count = min(count, config["limit_batches"] * config["batch_size"])
    return Pictures(images), np.asarray(images.targets)[:count]


def scores_of(trained: Trained, pictures: Any, count: int) -> np.ndarray:
    """What the network says of the first `count` pictures, uint8 (H, W[, C]): (count, classes).

    >>> from minitorch_cnn import datasets
    >>> trained = load_trained()
    >>> scores_of(trained, datasets.Shapes(train=False, size=3).data, 3).shape
    (3, 10)
    """
    device = next(trained.model.parameters()).device
    parts = []
    with no_grad():
        for start in range(0, count, AT_ONCE):
            places = range(start, min(start + AT_ONCE, count))
            batch = np.stack([with_channels(pictures[place]) for place in places])
            parts.append(trained.model(trained.normalize(batch).to(device)).cpu().numpy())
    return np.concatenate(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """``python -m minitorch_cnn report``."""
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn report",
        description="Write the report of a training run, one HTML file.",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder, or a checkpoint in it")
    parser.add_argument("--out", metavar="FILE", help="default: report.html beside the checkpoint")
    args = parser.parse_args(argv)
    with one_sentence():
        announce_compiling()
        print(f"report: {report_of_run(args.run, out=args.out)}")
