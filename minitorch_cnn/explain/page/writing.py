"""One HTML file from a template, a style sheet, a program, and the numbers of a network."""

from __future__ import annotations

import base64
import html
import importlib.resources
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...serialization.files import write
from ..subject import Subject, load_subject
from .packing import pack
from .recording import record
from .weights import add_weight_gradients

# Whole pages stay under 5 MB: this much for the numbers, the rest for program and manifest.
NUMBERS_BUDGET = 4_800_000
SCRIPTS = (
    "arithmetic", "gradients", "network", "text", "draw", "strip", "trace", "backward", "columns",
    "lab", "page",
)  # fmt: skip
SCORES = 5  # most probable classes that are shown


def write_page(
    path: str | os.PathLike,
    checkpoint: str | os.PathLike | None = None,
    image: str | os.PathLike | None = None,
) -> Path:
    """Writes the page of a trained network and a picture to an HTML file, and returns its path.

    checkpoint: runs/x/best.npz, runs/x/best or runs/x; None makes a small network that nobody
    trained, and the page says so. image: a picture file; None takes a built-in one.

    The file needs no network and opens from disk. Raises FileNotFoundError or ValueError for a
    checkpoint or picture that cannot be read, NotImplementedError for a network whose layers are
    no images or features.

    >>> import os, tempfile
    >>> path = write_page(os.path.join(tempfile.mkdtemp(), "page.html"))
    >>> path.stat().st_size < 5_000_000
    True
    """
    subject = load_subject(checkpoint, image)
    text = page_html(subject, builtin=image is None)
    path = Path(path)
    write(path, lambda file: file.write(text.encode()))
    return path


def page_html(subject: Subject, builtin: bool = False) -> str:
    """The page as text. builtin: whether the picture is one of the package, which the page says."""
    layers = record(subject.model, subject.x)
    add_weight_gradients(layers)
    manifest, numbers = pack(layers, NUMBERS_BUDGET)
    manifest["page"] = describe(subject, layers[-1].value.ravel(), builtin)
    assets = importlib.resources.files(__package__) / "assets"
    read = {name: (assets / name).read_text("utf-8") for name in ("page.html", "page.css")}
    values = {
        "title": html.escape("Inside a convolutional network"),
        "style": read["page.css"],
        "picture": "data:image/png;base64," + _png(subject.picture),
        # In a script element only "</script" and "<!--" could end the data: no "<" at all is safe.
        "manifest": json.dumps(manifest, allow_nan=False).replace("<", "\\u003c"),
        "numbers": numbers,
        "script": "\n".join((assets / f"{name}.js").read_text("utf-8") for name in SCRIPTS),
    }
    # One pass, so that a name with "{{script}}" in it stays a name.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], read["page.html"])


def describe(subject: Subject, scores: np.ndarray, builtin: bool) -> dict[str, Any]:
    """What the page says about network and picture besides the layers."""
    from ... import __version__

    trained = subject.trained
    exponentials = np.exp(scores.astype(np.float64) - scores.max())
    probabilities = exponentials / exponentials.sum()
    best = np.argsort(-probabilities, kind="stable")[:SCORES]
    return {
        "version": __version__,
        "network": trained.config.get("arch", type(subject.model).__name__),
        "name": subject.name,
        "trained": bool(trained.config),
        "builtin": builtin,
        "answer": subject.classes[best[0]],
        "scores": [
            {"name": subject.classes[each], "probability": float(probabilities[each])}
            for each in best
        ],
        "classes": list(subject.classes),
        "pixels": subject.picture.ravel().tolist(),
        "mean": list(trained.mean),
        "std": list(trained.std),
    }


def _png(picture: np.ndarray) -> str:
    """A picture (H, W, 3) or (H, W, 1) as PNG in base64."""
    buffer = io.BytesIO()
    grey = picture.shape[2] == 1
    Image.fromarray(picture[..., 0] if grey else picture).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
