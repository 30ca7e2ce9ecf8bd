"""Files of TensorBoard's projector: points in many dimensions, with labels and pictures."""

from __future__ import annotations

import math
import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...serialization.files import write_atomically
from ...tensor import wrap
from ..images import make_grid
from .values import as_picture, png


def write(
    folder: str | os.PathLike,
    place: tuple[str, int],
    points: np.ndarray,
    labels: Sequence[Any] | None,
    pictures: np.ndarray | None,
    header: Sequence[str] | None,
) -> None:
    """Writes points (N, D) to folder/<step>/<tag>, and adds them to projector_config.pbtxt.

    place: tag and step. labels: one for each point, or with a header one for each of its columns.
    pictures: (N, C, H, W), floats of 0 to 1. Raises AssertionError if these are not as many.
    """
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    assert points.ndim == 2, f"mat should be 2D, a row for each point, got {points.shape}"
    tag, step = place
    inside = Path(f"{step:05d}") / urllib.parse.quote(tag, safe="")
    target = Path(folder) / inside
    target.mkdir(parents=True, exist_ok=True)
    info = {"tensor_name": f"{tag}:{step:05d}", "tensor_path": (inside / "tensors.tsv").as_posix()}
    _write_lines(target / "tensors.tsv", (map(repr, row) for row in points.astype(float).tolist()))
    if labels is not None:
        assert len(labels) == len(points), "#labels should equal with #data points"
        rows = [header, *labels] if header else [[label] for label in labels]
        _write_lines(target / "metadata.tsv", (map(str, row) for row in rows))
        info["metadata_path"] = (inside / "metadata.tsv").as_posix()
    config = Path(folder) / "projector_config.pbtxt"
    known = ProjectorConfig()
    if config.exists():
        text_format.Parse(config.read_text("utf-8"), known)
    entry = known.embeddings.add(**info)
    if pictures is not None:
        assert len(pictures) == len(points), "#images should equal with #data points"
        _write_sprite(target / "sprite.png", pictures)
        entry.sprite.image_path = (inside / "sprite.png").as_posix()
        entry.sprite.single_image_dim.extend([pictures.shape[3], pictures.shape[2]])
    text = text_format.MessageToString(known).encode()
    write_atomically(config, lambda file: file.write(text))


def _write_lines(path: Path, rows: Any) -> None:
    text = "".join("\t".join(row) + "\n" for row in rows)
    write_atomically(path, lambda file: file.write(text.encode()))


def _write_sprite(path: Path, pictures: np.ndarray) -> None:
    """All pictures in one, as many rows as columns: TensorBoard counts on that."""
    side = math.ceil(math.sqrt(len(pictures)))
    empty = np.zeros((side * side - len(pictures), *pictures.shape[1:]), pictures.dtype)
    grid = make_grid(wrap(np.concatenate([pictures, empty])), nrow=side, padding=0)
    content = png(as_picture(grid, "CHW"))
    write_atomically(path, lambda file: file.write(content))
