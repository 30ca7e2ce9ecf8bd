"""A run and its folder: progress, metrics, checkpoints, pictures, interruption, continuation.

Nothing here is needed to understand training; everything here is needed to train in earnest:
an interrupted run continues exactly where it stopped, a run that diverges says where, and a
checkpoint is never half written.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, nn
from ..autograd.modes import no_grad
from ..backend import default_device, get_backend
from ..commandline import announce_compiling
from ..dtypes import float64
from ..explain.training import Curves
from ..ops import isfinite, stack, zeros
from ..random import get_rng_state
from ..serialization import save
from ..serialization.checkpoint import write_atomically
from ..tensor import Tensor
from ..utils.data import DataLoader
from . import pictures
from .board import Board
from .data import Data
from .options import read_checkpoint, to_toml
from .processes import Group
from .progress import progress_bar
from .recipe import Step
from .report import report_of_run

# A line for each epoch, below this one; both fit into 80 columns.
HEADLINE = (
    f"{'':13}{'lr':>8}{'train loss':>11}{'accuracy':>9}{'test loss':>10}{'accuracy':>9}"
    f"{'time':>6}{'images/s':>9}"
)


class Run:
    """A run and its folder: progress, metrics, checkpoints, interruption, exact continuation."""

    def __init__(
        self,
        args: Any,
        data: Data,
        model: nn.Module,
        optimizer: Any,
        train_loader: DataLoader,
        group: Group,
    ) -> None:
        self.args, self.data, self.group = args, data, group
        self.device = default_device()
        self.folder = Path(args.out)
        self.steps_per_epoch = min(len(train_loader), args.limit_batches or len(train_loader))
        self.rows: list[dict] = []  # metrics.csv, a row for each epoch
        self.optimizer = optimizer
        self.rates: list[float] = []  # the learning rate of each step
        self.best = -1.0
        self.also: Step | None = None  # has a state too, with --ema or --amp
        self.board: Board | None = None
        self.first_epoch = 1
        self.loader = train_loader
        self.resumed: dict | None = None  # sums of the epoch in which the run was interrupted
        self.interrupted = self.signalled = False  # all processes; this one
        # Numbers stay on the device until they are shown; on a GPU each look would wait for it.
        self.look_every = 1 if self.device.type == "cpu" else 50
        parameters = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"{args.arch} with {parameters:,} parameters, backend {get_backend()}"
            + (f", {group.size} processes" if group.size > 1 else "")
            + f"\n{args.dataset}: {len(data.train_set):,} training and {len(data.test_set):,} test "
            f"images of {len(data.classes)} classes",
            flush=True,
        )
        announce_compiling()
        with group.first_decides():
            if not args.eval_only and group.is_first:
                self._make_folder()
                if args.tensorboard:
                    size = np.shape(data.test_pictures()[0])[:2]
                    self.board = Board(self.folder, zeros(1, data.in_channels, *size))

    def _make_folder(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--out {self.folder} is a file; name a folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own_the_folder()
        versions = {"minitorch_cnn": __version__, "processes": self.group.size}
        config = {**vars(self.args), **versions, "classes": self.data.classes}
        self._write("config.json", json.dumps(config, indent=2) + "\n")
        self._write("run.toml", to_toml(vars(self.args)))
        if self.data.split is not None:
            self._write("split.json", self.data.split.to_json())

    def _own_the_folder(self) -> None:
        """Two runs would overwrite each other's files. The lock ends with this process, also when
        it is killed; its workers do not inherit it."""
        try:
            import fcntl
        except ImportError:  # there are no such locks
            return
        self._lock = open(self.folder / ".lock", "w")  # noqa: SIM115
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(
                f"another run is writing to {self.folder}: wait for its end, or give another --out"
            ) from None

    def epochs(self) -> Iterator[int]:
        """The epochs that are left, 1 to --epochs. Ctrl-C is caught while it goes on."""
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            if self.first_epoch <= self.args.epochs:
                print(HEADLINE)
            for epoch in range(self.first_epoch, self.args.epochs + 1):
                if self._stops_early():
                    return
                self.epoch, self.step = epoch, 0
                self._start_sums()
                yield epoch
        finally:
            signal.signal(signal.SIGINT, before)

    def _stops_early(self) -> bool:
        """Whether the best epoch is --patience epochs ago."""
        accuracies = [row["test_accuracy"] for row in self.rows]
        patience = self.args.patience
        if not patience or len(accuracies) <= patience:
            return False
        best = accuracies.index(max(accuracies))
        if len(accuracies) - 1 - best < patience:
            return False
        print(f"stopped early: no epoch was better than epoch {best + 1} ({max(accuracies):.2f} %)")
        return True

    def batches(self, loader: DataLoader) -> Iterator[tuple]:
        """The batches of one epoch, behind a progress bar, from where a resumed run stopped."""
        self.began = time.perf_counter()
        self.group.begin_epoch(loader, self.epoch)
        if self.resumed:
            self.step, self.loss_sum = self.resumed["step"], self.resumed["loss_sum"]
            self.correct, self.count = self.resumed["correct"], self.resumed["count"]
            self.resumed = None
        before, total = self.count, self.steps_per_epoch * self.args.batch_size
        self.bar = progress_bar(total, self.count, f"epoch {self.epoch}")
        with self.bar:
            for images, labels in itertools.islice(loader, self.steps_per_epoch - self.step):
                self.rates.append(self.optimizer.param_groups[0]["lr"])
                yield images, labels
                self.bar.update(len(labels) * self.group.size)
        self.speed = (self.count - before) / (time.perf_counter() - self.began)

    def limited(self, loader: DataLoader) -> Iterator[tuple]:
        """At most --limit-batches batches."""
        return itertools.islice(loader, self.args.limit_batches)

    # ---- sums over an epoch

    def _start_sums(self) -> None:
        self.loss_sum, self.correct, self.count = 0.0, 0, 0
        # (loss, right answers) of this process since the last look, where they are computed
        self.sums = zeros(2, dtype=float64, device=self.device)

    def record(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Adds one step to the sums of the epoch; fetches them once in `look_every` steps.

        labels: (N,), or of mixed images probabilities (N, classes), of which the largest counts.
        """
        with no_grad():
            labels = labels.argmax(1) if labels.ndim == 2 else labels
            right = (scores.argmax(1) == labels).sum()
            self.sums += stack([loss.detach().double() * len(labels), right.double()])
        self.step += 1
        self.count += len(labels) * self.group.size  # all have as many: batches are full
        if self.step % self.look_every == 0 or self.step == self.steps_per_epoch:
            self.look()
            self.bar.show(*self.epoch_result())

    def look(self) -> None:
        """Fetches what was summed up on the devices of all processes: the host waits for it."""
        loss, right, self.interrupted = self.group.look(self.sums, self.signalled)
        self.loss_sum, self.correct = self.loss_sum + loss, self.correct + int(right)
        self.sums.zero_()

    def epoch_result(self) -> tuple[float, float]:
        """Mean loss and accuracy in percent of the epoch, as of the last look."""
        return self.loss_sum / self.count, 100 * self.correct / self.count

    def of_all_processes(
        self, loss_sum: Tensor, predicted: Tensor, true: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The sum over the test set, and its predicted and true classes in their order."""
        count = self.data.test_images(self.args)
        join = self.group.join
        return self.group.total(loss_sum), join(predicted.cpu(), count), join(true, count)

    # ---- when something goes wrong

    def loss_is_bad(self) -> bool:
        return not math.isfinite(self.loss_sum)

    def explain_bad_loss(self, model: nn.Module, images: Tensor) -> None:
        """Ends the run, naming the step and the first layer that gives a non-finite value."""
        where = first_non_finite_layer(without_wrapper(model), images)
        if self.group.size > 1:
            where += f" (rank {self.group.rank})"
        raise RuntimeError(
            f"the loss is not finite at epoch {self.epoch}, step {self.step} (of "
            f"{self.steps_per_epoch}). The first non-finite value is {where}. Try a smaller --lr "
            f"(it is {self.args.lr}), or look at the training images of this batch."
        )

    def _on_interrupt(self, *signal_info: Any) -> None:
        if self.signalled:  # a second Ctrl-C does not wait
            raise KeyboardInterrupt
        self.signalled = True
        self.interrupted = self.group.size == 1  # several find out together, see `look`

    def save_and_exit(self, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
        self.look()
        path = self.save("last.npz", model, optimizer, scheduler, finished=False)
        print(f"\ninterrupted after step {self.step} of epoch {self.epoch}. To go on:")
        print(f"    {self.group.launcher}{program()} --resume {shlex.quote(str(path))}")
        sys.exit(130)

    # ---- files

    def finish_epoch(
        self, epoch: int, metrics: dict, model: nn.Module, optimizer: Any, scheduler: Any
    ) -> None:
        """Writes metrics and checkpoints, and prints the epoch's line, with images a second of
        all processes in training."""
        seconds = time.perf_counter() - self.began
        self.rows.append({"epoch": epoch, **metrics})
        table = io.StringIO()
        writer = csv.DictWriter(table, self.rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        self._write("metrics.csv", table.getvalue())
        note = ""
        if metrics["test_accuracy"] > self.best:
            self.best = metrics["test_accuracy"]
            self.save("best.npz", model, optimizer, scheduler, finished=True)
            note = " best"
        self.save("last.npz", model, optimizer, scheduler, finished=True)
        if self.board is not None:
            tested = model if self.also is None else self.also.evaluated
            self.board.epoch(epoch, metrics, without_wrapper(tested))
        place = f"epoch {epoch:3d}/{self.args.epochs}"
        print(
            f"{place:13}{metrics['lr']:8.2g}"
            f"{metrics['train_loss']:11.4f}{metrics['train_accuracy']:7.2f} %"
            f"{metrics['test_loss']:10.4f}{metrics['test_accuracy']:7.2f} %"
            f"{seconds:4.0f} s{self.speed:9,.0f}{note}",
            flush=True,
        )

    def save(
        self, name: str, model: nn.Module, optimizer: Any, scheduler: Any, finished: bool
    ) -> Path:
        """A checkpoint from which the run goes on as if it had never stopped.

        All processes call it, and rank 0 writes.
        """
        path = self.folder / name
        tested = model if self.also is None else self.also.evaluated
        loader = self.loader.state_dict()  # with the random generator's state
        if finished:  # also where --limit-batches left the loader in the middle of its data
            loader = {**loader, "epoch_start": None, "batches_done": 0}
        loaders = self.group.states(loader)
        state = {
            "config": {**vars(self.args), "resume": None, "eval_only": False},
            "program": program(),
            "classes": self.data.classes,
            "in_channels": self.data.in_channels,
            "mean": self.data.mean,
            "std": self.data.std,
            "model": without_wrapper(tested).state_dict(),
            "also": {} if self.also is None else self.also.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "loader": loader,
            "loaders": loaders,  # of all processes
            "rows": self.rows,
            "rates": self.rates,
            "best": self.best,
            "epoch": self.epoch,
            "epoch_finished": finished,
            "step": self.step,
            "loss_sum": self.loss_sum,
            "correct": self.correct,
            "count": self.count,
        }
        if self.group.is_first:
            save(state, path)
        self.group.wait_for_all()
        return path

    def restore(self, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
        """Goes back to the state of the checkpoint given by --resume."""
        saved = read_checkpoint(self.args.resume)
        model.load_state_dict(saved["model"])
        if self.also is not None:
            self.also.load_state_dict(saved.get("also", {}))
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        loaders = saved.get("loaders", [saved["loader"]])
        if len(loaders) == self.group.size:
            self.loader.load_state_dict(loaders[self.group.rank])
        else:  # other crops from here on, and another order between one process and several
            self.group.draw_differently(self.args.seed, saved["epoch"], saved["step"])
            self.loader.load_state_dict({**saved["loader"], "generator": get_rng_state()})
        self.rows, self.best, self.rates = saved["rows"], saved["best"], saved.get("rates", [])
        self.first_epoch = saved["epoch"] + saved["epoch_finished"]
        self.resumed = None if saved["epoch_finished"] else saved

    def _write(self, name: str, text: str) -> None:
        if self.group.is_first:
            write_atomically(self.folder / name, lambda file: file.write(text.encode()))

    def draw_pictures(self, predicted: Tensor, true: Tensor) -> None:
        """report.html, curves.png, confusion_matrix.png, predictions.png in the run's folder."""
        if not self.group.is_first:
            return
        augmented = self.data.augment is not self.data.normalize
        curves = Curves(self.rows, self.rates, augmented) if self.rows else None
        drawn = pictures.draw_all(
            self.folder,
            curves,
            self.data.test_pictures(),
            predicted.numpy(),
            true.numpy(),
            self.data.classes,
        )
        names = ", ".join(path.name for path in drawn)
        print(f"pictures in {self.folder}:\n  {names}" if drawn else pictures.MISSING)
        if self.board is not None:
            self.board.end(vars(self.args), self.best)
        if self.args.eval_only or not self.rows:
            return
        try:
            report = report_of_run(self.folder, (self.data.test_pictures(), true.numpy()))
        except (ValueError, RuntimeError) as error:  # the run is saved, and pictures are drawn
            print(f"no report: {error}")
        else:
            print(f"report: {report}")


def program() -> str:
    """How this program was started, without its options."""
    if Path(sys.argv[0]).name == "__main__.py":
        return "python -m minitorch_cnn train"
    return f"python {shlex.quote(sys.argv[0])}"


def without_wrapper(model: nn.Module) -> nn.Module:
    """The network itself, also where DistributedDataParallel is around it."""
    return model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model


def first_non_finite_layer(model: nn.Module, images: Tensor) -> str:
    """Where NaN or infinity appears first: the images, a parameter, or a layer's output."""
    if not bool(isfinite(images).all()):
        return "in the input images"
    for name, parameter in model.named_parameters():
        if not bool(isfinite(parameter).all()):
            return f"in the parameter {name}, written by the update of an earlier step"
    found: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue  # look at the layers, not at what holds them

        def look(module: nn.Module, inputs: Any, output: Tensor, name: str = name) -> None:
            if not found and not bool(isfinite(output).all()):
                found.append(f"in the output of {name} ({module})")

        handles.append(module.register_forward_hook(look))
    with no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return found[0] if found else "in the loss itself"
