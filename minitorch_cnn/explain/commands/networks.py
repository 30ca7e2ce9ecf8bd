"""Commands about whole networks: what they cost, what they see, what they learned."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from PIL import Image

from ... import datasets, models, nn, optim
from ...autograd.modes import no_grad
from ...random import manual_seed
from ...tensor import Tensor, wrap
from ..attribution import Heatmap, grad_cam, occlusion, saliency
from ..features import Exciting, Images, feature_maps, filters, most_exciting
from ..layers import Summary, summary
from ..receptive_field import ReceptiveFields, receptive_fields
from ..subject import (
    Subject,
    Trained,
    checkpoint_path,
    load_subject,
    load_trained,
    middle_of,
)
from ..tape import Tape, tape
from ..training import ConfusionMatrix, Curves, Histograms, Predictions
from . import Command, add_subject_options


def _layer_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="a layer (default: the first Conv2d)")


def _checkpoint_options(parser: ArgumentParser) -> None:
    parser.add_argument("--checkpoint", metavar="FILE", help="a trained network")


# ------------------------------------------------------------------------------------- cost


def _summary_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--model", metavar="NAME", help="a model of minitorch_cnn.models: resnet18")
    parser.add_argument(
        "--input-size", type=int, nargs="+", metavar="LENGTH",
        help="C H W or N C H W (default: the network's own; 3 224 224 with --model)",
    )  # fmt: skip
    parser.add_argument("--measure", action="store_true", help="time each layer")


def _summary(args: Namespace) -> Summary:
    if args.model is not None:
        make: Any = getattr(models, args.model, None)
        if not callable(make):
            raise ValueError(f"minitorch_cnn.models has no {args.model!r}")
        return summary(make(), args.input_size or (3, 224, 224), args.measure)
    subject = load_subject(args.checkpoint, args.image)  # the picture's size counts, no more
    return summary(subject.model, args.input_size or subject.x.shape, args.measure)


def _tape(args: Namespace) -> Tape:
    """The tape of the network's loss; without a checkpoint, of a network small enough to read."""
    if args.checkpoint is None:
        model: nn.Module = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(4 * 16 * 16, 10),
        )  # fmt: skip
    else:
        model = load_trained(args.checkpoint).model.train()
    subject = load_subject(args.checkpoint, args.image)
    loss = nn.functional.cross_entropy(model(subject.x), wrap(np.zeros(1, np.int64)))
    return tape(loss, model)


def _receptive_field(args: Namespace) -> ReceptiveFields:
    subject = load_subject(args.checkpoint, args.image)
    return receptive_fields(subject.model, subject.x).on(subject.picture)


# ----------------------------------------------------------------------------- what they see


def _filters(args: Namespace) -> Images:
    return filters(load_trained(args.checkpoint).model, args.layer)


def _feature_maps(args: Namespace) -> Images:
    subject = load_subject(args.checkpoint, args.image)
    return feature_maps(subject.model, subject.x, args.layer)


def _heatmap_options(parser: ArgumentParser) -> None:
    add_subject_options(parser)
    parser.add_argument("--target", metavar="CLASS", help="name or number (default: the highest)")


def _cam_options(parser: ArgumentParser) -> None:
    _heatmap_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="default: the last Conv2d")


def _target(subject: Subject, target: str | None) -> int | None:
    if target is None or target.isdecimal():
        return None if target is None else int(target)
    if target not in subject.classes:
        raise ValueError(f"no class {target!r}; there are {', '.join(subject.classes)}")
    return subject.classes.index(target)


def _saliency(args: Namespace) -> Heatmap:
    subject = load_subject(args.checkpoint, args.image)
    heatmap = saliency(subject.model, subject.x, _target(subject, args.target))
    return heatmap.on(subject.picture, subject.classes)


def _grad_cam(args: Namespace) -> Heatmap:
    subject = load_subject(args.checkpoint, args.image)
    heatmap = grad_cam(subject.model, subject.x, args.layer, _target(subject, args.target))
    return heatmap.on(subject.picture, subject.classes)


def _occlusion(args: Namespace) -> Heatmap:
    subject = load_subject(args.checkpoint, args.image)
    heatmap = occlusion(subject.model, subject.x, _target(subject, args.target))
    return heatmap.on(subject.picture, subject.classes)


def _exciting_options(parser: ArgumentParser) -> None:
    _checkpoint_options(parser)
    parser.add_argument("--layer", metavar="NAME", help="default: the last Conv2d")
    parser.add_argument("--channel", type=int, default=0)
    parser.add_argument("--images", type=int, default=500, help="so many pictures to look at")


def _exciting(args: Namespace) -> Exciting:
    trained = load_trained(args.checkpoint)
    pictures, _ = _pictures(args.checkpoint, trained, args.images)
    x = trained.normalize(pictures)
    return most_exciting(trained.model, x, pictures, args.layer, args.channel)


def _shapes(trained: Trained, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Test pictures of Shapes as the network wants them, uint8 (N, H, W, C), and labels (N,)."""
    if count < 1:
        raise ValueError(f"--images must be 1 or more, got {count}")
    data = datasets.Shapes(train=False, size=count, image_size=trained.image_size)
    pictures = data.data
    if trained.in_channels == 1:
        grey = [np.asarray(Image.fromarray(picture).convert("L")) for picture in pictures]
        pictures = np.stack(grey)[..., np.newaxis]
    return pictures, np.array(data.targets)


# -------------------------------------------------------------------------- what they learned


def _predicted(args: Namespace) -> tuple[Trained, np.ndarray, np.ndarray, np.ndarray]:
    """The network, pictures of Shapes, what it says of them, and what they are."""
    trained = load_trained(args.checkpoint)
    if trained.config.get("dataset", "shapes") == "shapes":
        pictures, true = _shapes(trained, args.images)
    else:
        pictures, true = _own_pictures(args.checkpoint, trained, args.images)
    with no_grad():
        parts = [
            trained.model(trained.normalize(pictures[start : start + 250])).argmax(1).numpy()
            for start in range(0, len(pictures), 250)
        ]
    return trained, pictures, np.concatenate(parts), true


def _pictures(
    checkpoint: str | None, trained: Trained, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures to look at, as `_shapes` gives them: the run's own, if it learned a folder."""
    if checkpoint is not None and checkpoint_path(checkpoint).with_name("split.json").exists():
        return _own_pictures(checkpoint, trained, count)
    return _shapes(trained, count)


def _own_pictures(checkpoint: str, trained: Trained, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of the run's own test set, chosen at random, as `_shapes` gives them."""
    from ...training.evaluation import test_set  # here, since most commands need none
    from ...training.photos import Prepared

    middle = middle_of(trained.image_size, trained.resize)
    data = Prepared(test_set(checkpoint_path(checkpoint), trained), trained.in_channels, middle)
    chosen = np.random.default_rng(0).permutation(len(data))[:count]
    pictures, labels = zip(*(data[int(place)] for place in chosen), strict=True)
    return np.stack(pictures).reshape(len(chosen), *pictures[0].shape[:2], -1), np.array(labels)


def _images_options(parser: ArgumentParser) -> None:
    _checkpoint_options(parser)
    parser.add_argument("--images", type=int, default=1000, help="so many test pictures")


def _confusion(args: Namespace) -> ConfusionMatrix:
    trained, _, predicted, true = _predicted(args)
    return ConfusionMatrix(predicted, true, trained.classes)


def _predictions(args: Namespace) -> Predictions:
    trained, pictures, predicted, true = _predicted(args)
    return Predictions(pictures, predicted, true, trained.classes)


def _curves_options(parser: ArgumentParser) -> None:
    parser.add_argument("--checkpoint", metavar="FILE", required=True, help="of a training run")


def _curves(args: Namespace) -> Curves:
    trained = load_trained(args.checkpoint)
    return Curves(trained.rows, trained.rates, trained.config.get("augment", False))


def _histograms_options(parser: ArgumentParser) -> None:
    _checkpoint_options(parser)
    parser.add_argument("--steps", type=int, default=40, help="training steps")
    parser.add_argument("--lr", type=float, default=0.1)


def _histograms(args: Namespace) -> Histograms:
    """Trains for some steps and watches; the checkpoint's file is not changed."""
    if args.steps < 1:
        raise ValueError(f"--steps must be 1 or more, got {args.steps}")
    trained = load_trained(args.checkpoint)
    manual_seed(0)
    model = trained.model.train()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    pictures, labels = _pictures(args.checkpoint, trained, 32 * args.steps)
    histograms = Histograms(model)
    for step in range(args.steps):
        batch = np.arange(32 * step, 32 * (step + 1)) % len(labels)
        optimizer.zero_grad()
        scores: Tensor = model(trained.normalize(pictures[batch]))
        nn.functional.cross_entropy(scores, wrap(labels[batch])).backward()
        if step % max(args.steps // 10, 1) == 0 or step == args.steps - 1:
            histograms.record(step + 1)
        optimizer.step()
    return histograms


COMMANDS = [
    Command("summary", "a table of the layers and their cost", _summary_options, _summary),
    Command("tape", "the graph that autograd records", add_subject_options, _tape, suffix=".svg"),
    Command(
        "receptive-field",
        "how much of the picture each layer sees",
        add_subject_options,
        _receptive_field,
    ),
    Command("filters", "the kernels of a layer", _layer_options, _filters),
    Command("feature-maps", "what a layer gives for the picture", _layer_options, _feature_maps),
    Command("saliency", "which pixels change the score", _heatmap_options, _saliency),
    Command("grad-cam", "which places speak for a class", _cam_options, _grad_cam),
    Command("occlusion", "which places the score needs", _heatmap_options, _occlusion),
    Command(
        "exciting",
        "the pictures that excite a channel most",
        _exciting_options,
        _exciting,
        compiled=True,
    ),
    Command(
        "confusion",
        "which classes are mistaken for which",
        _images_options,
        _confusion,
        compiled=True,
    ),
    Command("predictions", "pictures with the network's answers", _images_options, _predictions),
    Command("curves", "loss and learning rate of a training run", _curves_options, _curves),
    Command(
        "histograms",
        "weights and gradients over some steps of training",
        _histograms_options,
        _histograms,
        compiled=True,
    ),
]
