"""A run as TensorBoard shows it, beside metrics.csv: ``tensorboard --logdir runs``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import nn
from ..tensor import Tensor

NAMES = {"lr": "learning rate"}


class Board:
    """Curves, the weights' histograms, the network's graph, and settings with what they reached.

    folder: gets the event files. image: (1, C, H, W), any image that the network takes. Raises
    NotImplementedError without the package tensorboard (extra: tensorboard).
    """

    def __init__(self, folder: str | os.PathLike, image: Tensor) -> None:
        from ..utils.tensorboard import SummaryWriter

        self.kind, self.folder, self.image = SummaryWriter, Path(folder), image
        self.writer: Any = None

    def epoch(self, number: int, metrics: Mapping[str, float], model: nn.Module) -> None:
        """Adds an epoch. What an earlier try of the run wrote of it, and of later ones, is hidden.

        metrics: of a line of metrics.csv; "train_loss" and "test_loss" share a group.
        """
        if self.writer is None:
            is_new = not any(self.folder.glob("events.out.tfevents.*"))
            self.writer = self.kind(self.folder, purge_step=number)
            if is_new:
                self.writer.add_graph(model, self.image)
        for name, value in metrics.items():
            part, _, what = name.partition("_")
            self.writer.add_scalar(
                f"{what}/{part}" if what else NAMES.get(name, name), value, number
            )
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                self.writer.add_histogram(name.replace(".", "/"), parameter, number)
        self.writer.flush()

    def end(self, options: Mapping[str, Any], accuracy: float) -> None:
        """Adds the options of the run with its best test accuracy, in percent, and closes."""
        if self.writer is None:
            return
        plain = {
            name: each
            for name, each in options.items()
            if isinstance(each, bool | int | float | str)
        }
        self.writer.add_hparams(plain, {"best test accuracy": accuracy}, run_name="settings")
        self.writer.close()
