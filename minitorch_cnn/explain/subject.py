"""The subject of an explanation: a network and a picture that goes through it.

With a checkpoint of a training run it is a trained network; without one, a tiny new one, so that
every tool has something to show at once. Without a picture of one's own it is one of Shapes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from .. import datasets, models, nn, transforms
from ..io import UNREADABLE, open_picture
from ..models.classifiers import build_classifier
from ..models.small import build_network
from ..random import get_rng_state, manual_seed, set_rng_state
from ..serialization import load
from ..tensor import Tensor

# Photographs are read with so many times the pixels that they are scaled to, and not all they have.
FINER = 2
# Of Shapes' pictures, for the network that nobody trained.
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


class Trained(NamedTuple):
    """A network from a checkpoint, in evaluation mode, with what it must know of its data."""

    model: nn.Module
    classes: list[str]
    in_channels: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    rows: list[dict]  # the metrics of each epoch
    resize: int  # a picture's short side gets so many pixels, before the middle is cut out
    rates: list[float]  # the learning rate of each step
    config: dict  # the options of the run; {} for the network that nobody trained

    def normalize(self, pictures: np.ndarray) -> Tensor:
        """uint8 pictures (N, H, W, C) -> what the network takes, float32 (N, C, H, W)."""
        return transforms.BatchAugment(self.mean, self.std).eval()(pictures)


class Subject(NamedTuple):
    """A network, a picture, and the picture as the network sees it."""

    trained: Trained
    picture: np.ndarray  # uint8 (H, W, C)
    x: Tensor  # float32 (1, C, H, W), normalised
    name: str  # of the picture

    @property
    def model(self) -> nn.Module:
        return self.trained.model

    @property
    def classes(self) -> list[str]:
        return self.trained.classes


def load_trained(checkpoint: str | os.PathLike | None = None) -> Trained:
    """The network of a checkpoint: a best.npz or last.npz, with or without .npz, or its folder;
    or of an ONNX file that `python -m minitorch_cnn export` wrote.

    None makes a small new ResNet for ten classes with always the same weights. The random numbers
    of the caller stay as they are. Raises FileNotFoundError, or ValueError for another file.
    """
    if checkpoint is None:
        state = get_rng_state()
        manual_seed(0)
        network = models.cifar.CifarResNet([1, 1, 1], [8, 16, 32]).eval()
        set_rng_state(state)
        classes = datasets.Shapes(size=0).classes
        return Trained(network, classes, 3, 32, MEAN, STD, [], 32, [], {})
    path = checkpoint_path(checkpoint)
    if path.suffix == ".onnx":
        return _from_onnx(path)
    saved = load(path)
    if not isinstance(saved, dict) or not {"config", "model", "classes"} <= set(saved):
        raise ValueError(f"{path} is not a checkpoint of a training run")
    config, classes = saved["config"], saved["classes"]
    if "image_size" in config:  # of `train` or transfer_learning.py, a network of `models`
        size = config["image_size"]
        model = build_classifier(config["arch"], len(classes), saved["in_channels"], size)
    else:
        model = build_network(config["arch"], config["dataset"], len(classes), saved["in_channels"])
        size = 28 if config["dataset"].endswith("mnist") else 32
    model.load_state_dict(saved["model"])
    return Trained(
        model.eval(),
        list(classes),
        saved["in_channels"],
        size,
        tuple(saved["mean"]),
        tuple(saved["std"]),
        saved["rows"],
        config.get("resize", size),
        saved.get("rates", []),
        config,
    )


def _from_onnx(path: Path) -> Trained:
    """The network of a file that `export` wrote."""
    from .. import onnx  # here, since it is rare
    from ..onnx.facts import read_facts

    facts = read_facts(path)
    names = ("classes", "in_channels", "image_size", "mean", "std", "resize")
    if not set(names) <= set(facts):
        raise ValueError(f"{path} says {sorted(facts)} of its network; {list(names)} are needed")
    known = {name: facts[name] for name in names}
    return Trained(onnx.load(path).eval(), rows=[], rates=[], config={}, **known)


def checkpoint_path(checkpoint: str | os.PathLike) -> Path:
    """runs/x, runs/x/best and runs/x/best.npz all mean runs/x/best.npz."""
    path = Path(checkpoint)
    if path.is_dir():
        path = path / "best.npz"
    if not path.exists() and path.suffix not in (".npz", ".onnx"):
        path = path.with_name(path.name + ".npz")
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    return path


def read_picture(
    path: str | os.PathLike, size: int, channels: int, resize: int | None = None
) -> np.ndarray:
    """A picture file as uint8 (size, size, channels): scaled to the short side, middle cut out.

    resize: what the short side is scaled to, if not to size. A photograph is turned as the camera
    noted. Raises ValueError for a file that is no picture, or too large a one.
    """
    try:
        enough = FINER * (resize or size)
        picture = open_picture(path, "L" if channels == 1 else "RGB", True, enough)
    except UNREADABLE as error:
        raise ValueError(f"cannot read the picture: {error}") from error
    return np.asarray(middle_of(size, resize or size)(picture)).reshape(size, size, channels)


def middle_of(size: int, resize: int) -> transforms.Compose:
    """Picture -> picture (size, size): the short side gets `resize` pixels, the middle is cut."""
    return transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(size)])


def builtin_picture(size: int, channels: int, index: int = 11) -> tuple[np.ndarray, str]:
    """A test picture of Shapes, uint8 (size, size, channels), and the name of its shape."""
    data = datasets.Shapes(train=False, size=index + 1, image_size=size)
    picture, name = data.data[index], data.classes[data.targets[index]]
    if channels == 1:
        picture = np.asarray(Image.fromarray(picture).convert("L"))[..., np.newaxis]
    return picture, f"{name} (built-in picture {index})"


def load_subject(
    checkpoint: str | os.PathLike | None = None, image: str | os.PathLike | None = None
) -> Subject:
    """A network and a picture to explain; see `load_trained` and `read_picture`.

    >>> subject = load_subject()
    >>> subject.x.shape
    minitorch_cnn.Size([1, 3, 32, 32])
    """
    trained = load_trained(checkpoint)
    if image is None:
        picture, name = builtin_picture(trained.image_size, trained.in_channels)
    else:
        size, resize = trained.image_size, trained.resize
        picture = read_picture(image, size, trained.in_channels, resize)
        name = Path(image).name
    return Subject(trained, picture, trained.normalize(picture[np.newaxis]), name)
