"""One HTML file from a template, a style sheet, a program, and the numbers of a network."""

from __future__ import annotations

import base64
import html
import importlib.resources
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ... import nn
from ...onnx.trace import evaluation_mode
from ...serialization.files import write
from ..subject import Subject
from .frozen import frozen_layers
from .guiding import read_tours
from .packing import may_run, pack
from .recording import Layer, record
from .subjects import subject_of
from .weights import add_weight_gradients

MEGABYTES = 5.0  # Whole pages stay below, unless somebody wants more.
# What computes, in the page and once more in its worker; and what shows.
ENGINE = (
    "arithmetic", "gradients", "kinds", "kinds_gradient", "volumes",
    "engine_forward", "engine_backward", "engine_volumes", "engine_formulas", "engine",
)  # fmt: skip
SCRIPTS = (
    "network", "text", "kinds_text", "alive_text", "draw", "strip", "links_text",
    "trace", "backward", "columns", "lab", "alive", "alive_picture", "alive_training",
    "links", "predict", "tours", "page",
)  # fmt: skip
SCORES = 5  # most probable classes that are shown


class Page:
    """A page as text. In a notebook it shows itself; `save` writes the file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: str | os.PathLike) -> Path:
        """Writes the page to a file, and returns its path."""
        path = Path(path)
        write(path, lambda file: file.write(self.text.encode()))
        return path

    def _repr_html_(self) -> str:
        frame = "width:100%;height:900px;border:1px solid #ccc;box-sizing:border-box"
        return f'<iframe style="{frame}" srcdoc="{html.escape(self.text)}"></iframe>'


def make_page(
    model: nn.Module | str | os.PathLike | None = None,
    image: Any = None,
    *,
    classes: Sequence[str] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: int | None = None,
    weights: Any = None,
    megabytes: float = MEGABYTES,
    tours: Sequence[Any] = (),
) -> Page:
    """The page of a network and a picture; the last line of a notebook's cell shows it.

    model: any Module (its mode stays as it was); a checkpoint of the training examples (runs/x,
    runs/x/best or runs/x/best.npz); the name of a network of `models` or "module:function";
    None: a small trained one that comes with the package.
    image: a picture file, a PIL image, an array (H, W, C) of uint8, a tensor (C, H, W) of uint8; or
    a tensor of floats (C, H, W), as the network takes it, or a .npy file with one. For a network
    whose first convolution is a Conv1d or Conv3d a signal (C, L) or a volume (C, D, H, W) of
    floats. None takes a built-in one.
    classes: names for the scores, one for each. mean, std: of a channel's pixels in 0..1, which the
    network's input is normalised with; known of checkpoints and published weights, else 0 and 1.
    size: height and width that the picture is cut to, at most 1024; without it a picture of up to
    512 pixels keeps its own.
    weights: of a network given by name: "DEFAULT", another published name, or a file. Without it
    the network has always the same random weights.
    megabytes: what the page may have. A large network runs in the page only if its weights fit.
    tours: guided tours of your own, JSON files or what they hold (docs/page.md); they come first.

    Raises FileNotFoundError, ValueError or TypeError for what cannot be read, and what the network
    raises for such a picture.

    >>> import minitorch_cnn as mt
    >>> network = mt.nn.Sequential(mt.nn.Conv2d(3, 4, 3), mt.nn.Flatten(), mt.nn.Linear(144, 2))
    >>> page = make_page(network, mt.zeros(3, 8, 8), classes=["cat", "dog"])
    >>> page._repr_html_()[:7]
    '<iframe'
    """
    subject = subject_of(model, image, classes, mean, std, size, weights)
    html = page_html(subject, builtin=image is None, megabytes=megabytes, tours=tours)
    return Page(html)


def write_page(
    path: str | os.PathLike,
    model: nn.Module | str | os.PathLike | None = None,
    image: Any = None,
    **options: Any,
) -> Path:
    """Writes the page of a network and a picture to an HTML file, and returns its path.

    model, image, options: as `make_page`. The file needs no network and opens from disk.

    >>> import os, tempfile
    >>> path = write_page(os.path.join(tempfile.mkdtemp(), "page.html"))
    >>> path.stat().st_size < 5_000_000
    True
    """
    return make_page(model, image, **options).save(path)


def page_html(
    subject: Subject,
    builtin: bool = False,
    megabytes: float = MEGABYTES,
    tours: Sequence[Any] = (),
) -> str:
    """The page as text. builtin: whether the picture is one of the package, which the page says."""
    if not megabytes >= 1:
        raise ValueError(f"a page needs at least 1 megabyte, got megabytes={megabytes}")
    guided = read_tours(tours)
    count = sum(each.numel() for each in subject.model.parameters())
    # Of what is so large that it cannot run nobody asks which numbers are learned.
    learns = may_run(count // 2, int(990_000 * megabytes))
    with evaluation_mode(subject.model):
        layers = _recorded(subject, learns)
        frozen = frozen_layers(subject.model, subject.x, layers) if learns else []
    add_weight_gradients(layers)
    assets = importlib.resources.files(__package__) / "assets"
    read = {name: (assets / name).read_text("utf-8") for name in ("page.html", "page.css")}

    def joined(names: Sequence[str]) -> str:
        return "\n".join((assets / f"{name}.js").read_text("utf-8") for name in names)

    values = {
        "title": html.escape("Inside a convolutional network"),
        "style": read["page.css"],
        "picture": "data:image/png;base64," + _png(subject.picture),
        "engine": joined(ENGINE),
        "script": joined(SCRIPTS),
    }
    about = describe(subject, layers[-1].value, builtin) | {"tours": guided, "frozen": frozen}
    rest = sum(len(each.encode()) for each in (*values.values(), read["page.html"]))
    manifest, numbers, places = pack(
        layers, int(990_000 * megabytes) - rest - len(json.dumps(about))
    )
    manifest["page"] = about
    # In a script element only "</script" and "<!--" could end the data: no "<" at all is safe.
    values["manifest"] = json.dumps(manifest, allow_nan=False).replace("<", "\\u003c")
    values |= {"numbers": numbers, "places": places}
    # One pass, so that a name with "{{script}}" in it stays a name.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], read["page.html"])


def _recorded(subject: Subject, learns: bool) -> list[Layer]:
    try:
        return record(subject.model, subject.x, learns)
    except NotImplementedError:
        raise
    except (RuntimeError, ValueError) as error:
        kind = RuntimeError if isinstance(error, RuntimeError) else ValueError
        raise kind(
            f"the network does not take an input of shape {tuple(subject.x.shape)}: {error} "
            "(--size, or size= in Python, cuts the picture to another size)"
        ) from error


def describe(subject: Subject, scores: np.ndarray, builtin: bool) -> dict[str, Any]:
    """What the page says about network and picture besides the layers.

    scores: (K, H, W), the last layer; if they are maps, the answer is at the largest number.
    """
    from ... import __version__

    trained = subject.trained
    best, row, column = (int(n) for n in np.unravel_index(scores.argmax(), scores.shape))
    own = scores[:, row, column].astype(np.float64)
    if len(subject.classes) not in (0, len(own)):
        raise ValueError(
            f"classes has {len(subject.classes)} names, and the network gives {len(own)} scores"
        )
    exponentials = np.exp(own - own.max())
    probabilities = exponentials / exponentials.sum()
    order = np.argsort(-probabilities, kind="stable")[: SCORES if len(own) > 1 else 0]

    def name(number: int) -> str:
        return subject.classes[number] if number < len(subject.classes) else f"class {number}"

    return {
        "version": __version__,
        "network": trained.config.get("arch", type(subject.model).__name__),
        "name": subject.name,
        "trained": bool(trained.config),
        "builtin": builtin,
        "answer": name(best),
        "place": [row, column] if scores[0].size > 1 else None,
        "scores": [
            {"name": name(each), "probability": float(probabilities[each])} for each in order
        ],
        "classes": [name(each) for each in range(len(own))],
        "learned": sum(each.numel() for each in subject.model.parameters() if each.requires_grad),
        "mean": list(trained.mean),
        "std": list(trained.std),
    }


def _png(picture: np.ndarray) -> str:
    """A picture (H, W, 3) or (H, W, 1) as PNG in base64."""
    buffer = io.BytesIO()
    grey = picture.shape[2] == 1
    Image.fromarray(picture[..., 0] if grey else picture).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
