"""python -m minitorch_cnn predict: says what is in pictures.

python -m minitorch_cnn predict                          the pictures that come along
python -m minitorch_cnn predict cat.jpg photos/          by ResNet-20 for CIFAR-10's classes
python -m minitorch_cnn predict --checkpoint runs/x cat.jpg        by a network of your own
python -m minitorch_cnn predict --model resnet18 cat.jpg           with torchvision's weights
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import models, nn
from .autograd import no_grad
from .commandline import announce_compiling, one_sentence
from .explain.subject import load_trained, read_picture
from .io import UNREADABLE, open_picture
from .kernels import kernel_tier
from .models.packaged import FOLDER
from .ops import stack
from .tensor import Tensor

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
AT_ONCE = 64  # pictures


class Network(NamedTuple):
    """Who predicts. prepare: a picture's file -> (C, H, W)."""

    title: str
    model: nn.Module
    classes: list[str]
    prepare: Callable[[Path], Tensor]


class Prediction(NamedTuple):
    """path: the picture. classes: (name, probability), the most probable first."""

    path: Path
    classes: list[tuple[str, float]]


def from_checkpoint(checkpoint: str) -> Network:
    """The network of a run's folder or file. Raises FileNotFoundError, ValueError."""
    trained = load_trained(checkpoint)
    size, channels, resize = trained.image_size, trained.in_channels, trained.resize

    def prepare(path: Path) -> Tensor:
        return trained.normalize(read_picture(path, size, channels, resize)[None])[0]

    return Network(str(checkpoint), trained.model, trained.classes, prepare)


def from_weights(name: str, weights: str = "DEFAULT") -> Network:
    """A network of `models` with weights that come along or are downloaded once.

    Raises ValueError for an unknown name or a network without weights.

    >>> from_weights("lenet5").classes[:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    """
    known = models.get_model_weights(name)
    try:
        member = known.verify(weights)
    except KeyError as error:
        raise ValueError(error.args[0]) from None
    model = models.get_model(name, weights=member).eval()
    classes = member.meta.get("categories")
    if classes is None:
        classes = [f"class {number}" for number in range(member.meta["num_classes"])]
    transform = member.transforms()

    def prepare(path: Path) -> Tensor:
        try:
            return transform(open_picture(path, "RGB", upright=True))
        except UNREADABLE as error:
            raise ValueError(f"cannot read the picture: {error}") from error

    (data, figures), *_ = member.meta["_metrics"].items()
    title = f"{name} ({data}, {figures['acc@1']} % of its test images right)"
    return Network(title, model, classes, prepare)


def pictures_in(paths: Iterable[str]) -> list[Path]:
    """Files as they are, and all pictures in folders, sorted. Raises FileNotFoundError."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS)
            if not inside:
                raise FileNotFoundError(f"there are no pictures in {path}")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(f"there is no picture {path}")
    return found


def predict(
    network: Network, paths: Iterable[Path], top: int = 5, damaged: list[str] | None = None
) -> Any:
    """Yields a `Prediction` for each picture; AT_ONCE of them go through the network together.

    damaged: gets a sentence about each picture that cannot be read, which is left out then. Without
    such a list it raises ValueError.

    >>> network = from_weights("lenet5")
    >>> (boot,) = predict(network, [FOLDER / "fashion_mnist_ankle_boot.png"], top=1)
    >>> boot.classes[0][0]
    'Ankle boot'
    """
    remaining = list(paths)
    while remaining:
        batch, remaining = remaining[:AT_ONCE], remaining[AT_ONCE:]
        read, images = [], []
        for path in batch:
            try:
                images.append(network.prepare(path))
                read.append(path)
            except ValueError as error:
                if damaged is None:
                    raise
                damaged.append(str(error))
        if not images:
            continue
        device = next(network.model.parameters()).device
        with no_grad():
            scores = network.model(stack(images).to(device))
            values, indices = scores.softmax(1).topk(min(top, len(network.classes)), dim=1)
        for path, row, places in zip(read, values.tolist(), indices.tolist(), strict=True):
            names = [network.classes[place] for place in places]
            yield Prediction(path, list(zip(names, row, strict=True)))


def write(predictions: Iterable[Prediction], form: str) -> None:
    """Prints them as text, as CSV (a line for each class of each picture), or as JSON."""
    if form == "csv":
        table = csv.writer(sys.stdout)
        table.writerow(["picture", "rank", "class", "probability"])
        for path, classes in predictions:
            for rank, (name, probability) in enumerate(classes, 1):
                table.writerow([path, rank, name, f"{probability:.6f}"])
    elif form == "json":
        rows = [
            {"picture": str(path), "classes": [{"class": n, "probability": p} for n, p in classes]}
            for path, classes in predictions
        ]
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        for path, classes in predictions:
            print(path)
            for name, probability in classes:
                print(f"  {100 * probability:5.1f} %  {name}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn predict",
        description=__doc__.partition("\n")[0].partition(": ")[2].capitalize(),
    )
    parser.add_argument(
        "pictures", nargs="*", help="files or folders; without any, the pictures that come along"
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--checkpoint", metavar="RUN", help="a run's folder, or its best.npz")
    who.add_argument(
        "--model",
        metavar="NAME",
        help="a network of minitorch_cnn.models that has weights (default: cifar_resnet20, which "
        "comes along; for the pictures that come along, lenet5)",
    )
    parser.add_argument("--weights", metavar="NAME", default="DEFAULT", help="of --model")
    parser.add_argument("--top", type=int, default=5, help="so many classes each (default 5)")
    parser.add_argument("--format", choices=("text", "csv", "json"), default="text")
    args = parser.parse_args(argv)
    if args.top < 1:
        parser.error(f"--top must be 1 or more, got {args.top}")
    with one_sentence():
        paths = pictures_in(args.pictures or [str(FOLDER)])
        few = len(paths) <= AT_ONCE  # are there before fast kernels are compiled
        announce_compiling()
        if args.checkpoint:
            network = from_checkpoint(args.checkpoint)
        else:
            default = "cifar_resnet20" if args.pictures else "lenet5"
            network = from_weights(args.model or default, args.weights)
        if args.format == "text":
            print(f"by {network.title}")
        with kernel_tier("array" if few else "auto"):
            damaged: list[str] = []
            write(predict(network, paths, args.top, damaged), args.format)
        if damaged:
            raise ValueError("\n".join(damaged))
