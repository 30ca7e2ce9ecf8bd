"""python -m minitorch_cnn evaluate: how many pictures a trained network has right, by class.

    python -m minitorch_cnn evaluate runs/train
    python -m minitorch_cnn evaluate runs/train --data others

The first one takes the run's own test pictures, the second one another folder of class folders.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import nn, transforms
from ..autograd.modes import no_grad
from ..backend import set_backend
from ..commandline import HelpFormatter, announce_compiling, one_sentence
from ..explain.subject import Trained, checkpoint_path, load_trained, middle_of
from ..explain.training import ConfusionMatrix
from ..utils.data import DataLoader
from .data import DATASETS, builtin_set
from .options import positive
from .photos import PictureFiles, Prepared, pictures_by_class, read_split


class ClassResult(NamedTuple):
    """Of one class: its pictures, how many were right, in percent; how many that were called so
    are so; and what it was most often called instead, with how often."""

    name: str
    pictures: int
    right: float
    precision: float
    confused_with: str
    times: int


class Evaluation:
    """What a network said of test pictures.

    predicted, true: (N,) class numbers; loss: the mean cross entropy.
    """

    def __init__(
        self, predicted: np.ndarray, true: np.ndarray, classes: Sequence[str], loss: float
    ) -> None:
        self.confusion = ConfusionMatrix(predicted, true, classes)
        self.loss = loss

    def rows(self) -> Iterator[ClassResult]:
        """The classes that have pictures."""
        matrix, classes = self.confusion.matrix, self.confusion.classes
        for number, name in enumerate(classes):
            count, right, called = (
                matrix[number].sum(),
                matrix[number, number],
                matrix[:, number].sum(),
            )
            if not count:
                continue
            wrong = np.where(np.arange(len(classes)) == number, 0, matrix[number])
            other = int(wrong.argmax())
            yield ClassResult(
                name, int(count), 100 * int(right) / int(count),
                100 * int(right) / int(called) if called else float("nan"),
                classes[other] if wrong[other] else "", int(wrong[other]),
            )  # fmt: skip

    def print(self, form: str) -> None:
        """As a table, as CSV or as JSON."""
        rows = list(self.rows())
        if form == "csv":
            table = csv.writer(sys.stdout, lineterminator="\n")
            table.writerow(ClassResult._fields)
            table.writerows(rows)
        elif form == "json":
            whole = {"accuracy": self.confusion.accuracy, "loss": self.loss}
            # A class that nothing was called has no precision: null, since JSON has no NaN.
            each = [{k: None if v != v else v for k, v in row._asdict().items()} for row in rows]
            print(json.dumps({**whole, "classes": each}, indent=1, ensure_ascii=False))
        else:
            width = min(max(len("class"), *(len(row.name) for row in rows)), 26)
            print(f"{'class':<{width}}  pictures  right  precision  most often taken for")
            for row in rows:
                other = f"{row.confused_with} ({row.times})" if row.times else "-"
                precision = "-" if row.precision != row.precision else f"{row.precision:.1f} %"
                print(
                    f"{row.name:<{width}}{row.pictures:10,}{row.right:6.1f} %{precision:>10}  "
                    f"{other}"
                )
            print(
                f"test loss {self.loss:.4f}, test accuracy {self.confusion.accuracy:.2f} % of "
                f"{self.confusion.matrix.sum():,} pictures"
            )


def test_set(
    checkpoint: Path, trained: Trained, data: str | None = None, data_dir: str | None = None
) -> Any:
    """The pictures to test on: (PIL image, class number). data: a folder, or a built-in set.

    Without data, the run's own: those that it remembered, or those of its built-in set; so also if
    data is the folder that was learned, moved elsewhere. Of another folder all pictures. Raises
    FileNotFoundError for pictures that are gone, ValueError for classes that the network lacks.
    """
    remembered = checkpoint.with_name("split.json")
    known = str(trained.config.get("dataset", ""))
    name = data or known
    if name in DATASETS:
        dataset = builtin_set(name, data_dir or trained.config.get("data_dir", "data"), False)
        if list(dataset.classes) != trained.classes:
            raise ValueError(
                f"{name} has the classes {list(dataset.classes)[:5]}, ..., and the network knows "
                f"{trained.classes[:5]}, ..."
            )
        return dataset
    if data is None and not remembered.exists():
        raise ValueError(f"{checkpoint} does not say what to test on: give a folder by --data")
    if remembered.exists():
        try:
            split = read_split(remembered, data)
        except FileNotFoundError:
            if data is None or Path(data) == Path(known):
                raise  # else it is another folder than the one that was learned
        else:
            print(f"the test pictures of {remembered} in {split.folder}")
            return PictureFiles(split.folder, split.test, trained.resize)
    assert data is not None
    files = pictures_by_class(data, trained.classes)
    every = {name: files.get(name, []) for name in trained.classes}
    return PictureFiles(data, every, trained.resize)


@no_grad()
def evaluate(trained: Trained, dataset: Any, batch_size: int, workers: int) -> Evaluation:
    """Tests the network on a data set of (PIL image, class number)."""
    middle = middle_of(trained.image_size, trained.resize)
    pictures = Prepared(dataset, trained.in_channels, middle)
    normalize = transforms.BatchAugment(trained.mean, trained.std).eval()
    loader = DataLoader(pictures, batch_size, num_workers=workers, collate_fn=normalize)
    device = next(trained.model.parameters()).device
    predicted, true, loss = [], [], 0.0
    for images, labels in loader:
        scores = trained.model(images.to(device)).cpu()
        loss += nn.functional.cross_entropy(scores, labels, reduction="sum").item()
        predicted.append(scores.argmax(1).numpy())
        true.append(labels.numpy())
    said, really = np.concatenate(predicted), np.concatenate(true)
    return Evaluation(said, really, trained.classes, loss / len(really))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn evaluate",
        description=__doc__.partition(": ")[2] if __doc__ else None,
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("run", help="a run's folder, or its best.npz or last.npz")
    add("--data", metavar="FOLDER", help="class folders, or a built-in set; default: the run's")
    add("--data-dir", help="where built-in sets lie or are downloaded to")
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--batch-size", type=positive(int), default=64)
    add("--workers", type=int, default=0, help="processes that load pictures")
    add("--format", choices=("text", "csv", "json"), default="text")
    args = parser.parse_args(argv)
    to_stderr: Any = contextlib.redirect_stdout(sys.stderr)
    with one_sentence():
        set_backend(args.backend)
        announce_compiling()
        path = checkpoint_path(args.run)
        trained = load_trained(path)
        words = contextlib.nullcontext() if args.format == "text" else to_stderr
        with words:
            dataset = test_set(path, trained, args.data, args.data_dir)
        evaluate(trained, dataset, args.batch_size, args.workers).print(args.format)
