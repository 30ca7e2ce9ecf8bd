"""What surrounds the training loop of the examples: options, data, the run's folder, pictures.

Nothing here is needed to understand training; everything here is needed to train in earnest:
an interrupted run continues exactly where it stopped, a run that diverges says where, and a
checkpoint is never half written.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import math
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pictures
from processes import Group
from progress import progress_bar

import minitorch_cnn as mt
from minitorch_cnn import datasets, nn, transforms
from minitorch_cnn.commandline import announce_compiling, one_sentence
from minitorch_cnn.explain import Curves
from minitorch_cnn.models.small import ARCHITECTURES, build_network
from minitorch_cnn.serialization.checkpoint import write_atomically
from minitorch_cnn.utils.data import DataLoader

DATASETS = {
    "cifar10": datasets.CIFAR10,
    "cifar100": datasets.CIFAR100,
    "mnist": datasets.MNIST,
    "fashionmnist": datasets.FashionMNIST,
    "shapes": datasets.Shapes,
}

# ------------------------------------------------------------------------------- options

LR_BATCH, WARM_UP_EPOCHS = 128, 5
LR_SCALE_HELP = f"""linear: --lr is that of batches of {LR_BATCH} images, and grows in proportion to
--batch-size; if it grows, it begins with --lr and gets there within {WARM_UP_EPOCHS} epochs, or a
fifth of the run (Goyal et al. 2017, sections 2.1 and 2.2). none: --lr as it is"""


def positive(kind: type) -> Any:
    """An argparse type: a number above 0."""

    def parse(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
        return value

    parse.__name__ = kind.__name__
    return parse


def parse_arguments(doc: str | None, argv: list[str] | None, defaults: dict) -> Any:
    """The options. With --resume, options that are not given are those of the saved run."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--dataset", choices=list(DATASETS), default="cifar10")
    add("--data-dir", default="data", help="where the data sets lie or are downloaded to")
    add("--arch", choices=list(ARCHITECTURES), default="resnet20")
    add("--epochs", type=positive(int), default=10)
    add("--batch-size", type=positive(int), default=128, help="of all processes together")
    add("--optimizer", choices=["sgd", "adam", "adamw"], default="sgd")
    add("--lr", type=positive(float), default=0.1, help="highest learning rate")
    add("--lr-scale", choices=["none", "linear"], default="none", help=LR_SCALE_HELP)
    add("--momentum", type=float, default=0.9)
    add("--weight-decay", type=float, default=5e-4)
    add("--scheduler", choices=["step", "steplr", "cosine", "onecycle"], default="cosine")
    add("--label-smoothing", type=float, default=0.0)
    add("--augment", action=argparse.BooleanOptionalAction, default=True, help="crop and flip")
    add("--seed", type=int, default=0)
    add("--workers", type=int, default=0, help="processes that load data")
    add("--limit-batches", type=positive(int), help="use only so many batches of each epoch")
    add("--out", default="runs/resnet", help="folder for checkpoints, metrics and pictures")
    add("--resume", metavar="CHECKPOINT", help="go on from a last.npz, or its folder")
    add("--continue", action="store_true", dest="go_on", help="go on from --out, if a run is there")
    add("--sync-batchnorm", action="store_true", help="statistics of the batches of all processes")
    add("--eval-only", action="store_true", help="only test the checkpoint given by --resume")
    parser.set_defaults(**defaults)
    args = parser.parse_args(argv)
    if args.go_on and (Path(args.out) / "last.npz").exists():
        args.resume = args.out
    if args.resume:
        path = Path(args.resume)
        args.resume = str(path / "last.npz" if path.is_dir() else path)
        if not Path(args.resume).exists():
            parser.error(f"--resume: there is no {args.resume}")
        with one_sentence():
            saved = read_checkpoint(args.resume)["config"]
        parser.set_defaults(**saved)
        resume = args.resume
        args = parser.parse_args(argv)
        args.resume = resume
    elif args.eval_only:
        parser.error("--eval-only needs --resume CHECKPOINT")
    return args


def read_checkpoint(path: str | os.PathLike) -> dict:
    """A checkpoint written by Run.save. Raises ValueError for any other file."""
    checkpoint = mt.load(path)
    if not isinstance(checkpoint, dict) or "config" not in checkpoint:
        raise ValueError(f"{path} is not a checkpoint of these examples")
    return checkpoint


# ---------------------------------------------------------------------------------- data


class Data:
    """Train and test set with what the network must know about them."""

    def __init__(self, train_set: Any, test_set: Any, augment: bool, flip: bool) -> None:
        self.train_set, self.test_set = train_set, test_set
        self.classes = list(train_set.classes)
        images = np.asarray(train_set.data)
        if images.ndim == 3:  # grey images have no channel axis yet
            images = images[..., None]
        self.in_channels = images.shape[-1]
        # Statistics of the training images, for each channel, as fractions of the range 0..255.
        self.mean = [float(images[..., c].mean(dtype=np.float64)) / 255 for c in self.channels]
        self.std = [float(images[..., c].std(dtype=np.float64)) / 255 for c in self.channels]
        augmented = transforms.BatchAugment(self.mean, self.std, crop_padding=4, flip=flip)
        self.normalize = augmented.eval()
        self.augment = augmented if augment else self.normalize

    @property
    def channels(self) -> range:
        return range(self.in_channels)

    def loaders(self, args: Any, group: Group) -> tuple[DataLoader, DataLoader]:
        """Batches of normalised float32 images (N, C, H, W) and labels (N,): of this process."""
        common: dict = dict(
            batch_size=group.share(args.batch_size),
            num_workers=args.workers,
            pin_memory=mt.get_backend() == "cupy",
        )
        sampler = group.sampler(self.train_set, args.seed)
        order: dict = dict(shuffle=True) if sampler is None else dict(sampler=sampler)
        train = DataLoader(
            self.train_set, drop_last=True, collate_fn=self.augment, **order, **common
        )
        if len(train) == 0:
            raise ValueError(
                f"--batch-size {args.batch_size} is more than the {len(self.train_set)} images"
            )
        part = group.part(self.test_images(args))
        return train, DataLoader(self.test_set, sampler=part, collate_fn=self.normalize, **common)

    def test_images(self, args: Any) -> int:
        """How many images are tested: all, or those of --limit-batches batches."""
        limit = args.batch_size * (args.limit_batches or len(self.test_set))
        return min(len(self.test_set), limit)


def load_data(args: Any, group: Group) -> Data:
    """The data set named by --dataset; CIFAR and MNIST are downloaded if they are missing."""
    print(f"loading {args.dataset} ...", flush=True)
    kind = DATASETS[args.dataset]
    if args.dataset == "shapes":
        train_set, test_set = kind(train=True), kind(train=False)
    else:
        with group.first_on_host_first():
            train_set = kind(args.data_dir, train=True, download=True)
            test_set = kind(args.data_dir, train=False, download=True)
    return Data(train_set, test_set, args.augment, flip="mnist" not in args.dataset)


def build_model(args: Any, data: Data) -> nn.Module:
    model = build_network(args.arch, args.dataset, len(data.classes), data.in_channels)
    if args.sync_batchnorm:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model.to(mt.backend.default_device())


def make_optimizer(args: Any, model: nn.Module) -> Any:
    """--optimizer with --lr, scaled, and --weight-decay; --momentum is SGD's."""
    settings = dict(lr=args.lr * lr_factor(args), weight_decay=args.weight_decay)
    if args.optimizer == "sgd":
        return mt.optim.SGD(model.parameters(), momentum=args.momentum, **settings)
    kind = {"adam": mt.optim.Adam, "adamw": mt.optim.AdamW}[args.optimizer]
    return kind(model.parameters(), **settings)


def lr_factor(args: Any) -> float:
    """What --lr is multiplied by, see --lr-scale."""
    return args.batch_size / LR_BATCH if args.lr_scale == "linear" else 1.0


def make_scheduler(args: Any, optimizer: Any, steps_per_epoch: int) -> Any:
    """The learning rate over the run. All of them count steps (batches), not epochs."""
    steps = args.epochs * steps_per_epoch
    factor = lr_factor(args)
    warm_up = min(WARM_UP_EPOCHS * steps_per_epoch, steps // 5)
    if factor <= 1 or args.scheduler == "onecycle" or not warm_up:  # one cycle warms up by itself
        return _main_scheduler(args, optimizer, steps, args.lr * factor)
    warm = mt.optim.lr_scheduler.LinearLR(optimizer, 1 / factor, total_iters=warm_up)
    main = _main_scheduler(args, optimizer, steps - warm_up, args.lr * factor)
    return mt.optim.lr_scheduler.SequentialLR(optimizer, [warm, main], [warm_up])


def _main_scheduler(args: Any, optimizer: Any, steps: int, highest: float) -> Any:
    schedulers = mt.optim.lr_scheduler
    if args.scheduler == "step":
        milestones = sorted({max(1, steps // 2), max(1, steps * 3 // 4)})
        return schedulers.MultiStepLR(optimizer, milestones, gamma=0.1)
    if args.scheduler == "steplr":
        return schedulers.StepLR(optimizer, step_size=max(1, math.ceil(steps / 3)), gamma=0.1)
    if args.scheduler == "cosine":
        return schedulers.CosineAnnealingLR(optimizer, T_max=steps)
    return schedulers.OneCycleLR(optimizer, max_lr=highest, total_steps=steps + 1)


# ----------------------------------------------------------------------------- the run


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
        self.device = mt.backend.default_device()
        self.folder = Path(args.out)
        self.steps_per_epoch = min(len(train_loader), args.limit_batches or len(train_loader))
        self.rows: list[dict] = []  # metrics.csv, a row for each epoch
        self.optimizer = optimizer
        self.rates: list[float] = []  # the learning rate of each step
        self.best = -1.0
        self.first_epoch = 1
        self.loader = train_loader
        self.resumed: dict | None = None  # sums of the epoch in which the run was interrupted
        self.interrupted = self.signalled = False  # all processes; this one
        # Numbers stay on the device until they are shown; on a GPU each look would wait for it.
        self.look_every = 1 if self.device.type == "cpu" else 50
        parameters = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"{args.arch} with {parameters:,} parameters on {args.dataset} "
            f"({len(data.train_set):,} training and {len(data.test_set):,} test images, "
            f"{len(data.classes)} classes), backend {mt.get_backend()}"
            + (f", {group.size} processes" if group.size > 1 else ""),
            flush=True,
        )
        announce_compiling()
        with group.first_decides():
            if not args.eval_only and group.is_first:
                self._make_folder()

    def _make_folder(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"--out {self.folder} is a file; name a folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own_the_folder()
        versions = {"minitorch_cnn": mt.__version__, "processes": self.group.size}
        config = {**vars(self.args), **versions, "classes": self.data.classes}
        self._write("config.json", json.dumps(config, indent=2) + "\n")

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
            for epoch in range(self.first_epoch, self.args.epochs + 1):
                self.epoch, self.step = epoch, 0
                self._start_sums()
                yield epoch
        finally:
            signal.signal(signal.SIGINT, before)

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
        self.sums = mt.zeros(2, dtype=mt.float64, device=self.device)

    def record(self, loss: mt.Tensor, scores: mt.Tensor, labels: mt.Tensor) -> None:
        """Adds one step to the sums of the epoch; fetches them once in `look_every` steps."""
        with mt.no_grad():
            right = (scores.argmax(1) == labels).sum()
            self.sums += mt.stack([loss.detach().double() * len(labels), right.double()])
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
        self, loss_sum: mt.Tensor, predicted: mt.Tensor, true: mt.Tensor
    ) -> tuple[mt.Tensor, mt.Tensor, mt.Tensor]:
        """The sum over the test set, and its predicted and true classes in their order."""
        count = self.data.test_images(self.args)
        join = self.group.join
        return self.group.total(loss_sum), join(predicted.cpu(), count), join(true, count)

    # ---- when something goes wrong

    def loss_is_bad(self) -> bool:
        return not math.isfinite(self.loss_sum)

    def explain_bad_loss(self, model: nn.Module, images: mt.Tensor) -> None:
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
        command = ["python", sys.argv[0], "--resume", str(path)]
        print(f"\ninterrupted after step {self.step} of epoch {self.epoch}. To go on:")
        print(f"    {self.group.launcher}{shlex.join(command)}")
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
            note = "  best so far"
        self.save("last.npz", model, optimizer, scheduler, finished=True)
        print(
            f"epoch {epoch:3d}/{self.args.epochs}  lr {metrics['lr']:.4f}  "
            f"train loss {metrics['train_loss']:.4f} accuracy {metrics['train_accuracy']:5.2f} %  "
            f"test loss {metrics['test_loss']:.4f} accuracy {metrics['test_accuracy']:5.2f} %  "
            f"{seconds:.0f} s, {self.speed:,.0f} images/s{note}",
            flush=True,
        )

    def save(
        self, name: str, model: nn.Module, optimizer: Any, scheduler: Any, finished: bool
    ) -> Path:
        """A checkpoint from which the run goes on as if it had never stopped.

        All processes call it, and rank 0 writes.
        """
        path = self.folder / name
        loader = self.loader.state_dict()  # with the random generator's state
        if finished:  # also where --limit-batches left the loader in the middle of its data
            loader = {**loader, "epoch_start": None, "batches_done": 0}
        loaders = self.group.states(loader)
        state = {
            "config": {**vars(self.args), "resume": None, "eval_only": False},
            "classes": self.data.classes,
            "in_channels": self.data.in_channels,
            "mean": self.data.mean,
            "std": self.data.std,
            "model": without_wrapper(model).state_dict(),
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
            mt.save(state, path)
        self.group.wait_for_all()
        return path

    def restore(self, model: nn.Module, optimizer: Any, scheduler: Any) -> None:
        """Goes back to the state of the checkpoint given by --resume."""
        saved = read_checkpoint(self.args.resume)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        loaders = saved.get("loaders", [saved["loader"]])
        if len(loaders) == self.group.size:
            self.loader.load_state_dict(loaders[self.group.rank])
        else:  # other crops from here on, and another order between one process and several
            self.group.draw_differently(self.args.seed, saved["epoch"], saved["step"])
            self.loader.load_state_dict({**saved["loader"], "generator": mt.get_rng_state()})
        self.rows, self.best, self.rates = saved["rows"], saved["best"], saved.get("rates", [])
        self.first_epoch = saved["epoch"] + saved["epoch_finished"]
        self.resumed = None if saved["epoch_finished"] else saved

    def _write(self, name: str, text: str) -> None:
        if self.group.is_first:
            write_atomically(self.folder / name, lambda file: file.write(text.encode()))

    def draw_pictures(self, predicted: mt.Tensor, true: mt.Tensor) -> None:
        """curves.png, confusion_matrix.png and predictions.png in the run's folder."""
        if not self.group.is_first:
            return
        images = np.asarray(self.data.test_set.data)[: len(true)]
        augmented = self.data.augment is not self.data.normalize
        curves = Curves(self.rows, self.rates, augmented) if self.rows else None
        drawn = pictures.draw_all(
            self.folder, curves, images, predicted.numpy(), true.numpy(), self.data.classes
        )
        print(f"pictures: {', '.join(str(path) for path in drawn)}" if drawn else pictures.MISSING)


def without_wrapper(model: nn.Module) -> nn.Module:
    """The network itself, also where DistributedDataParallel is around it."""
    return model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model


def first_non_finite_layer(model: nn.Module, images: mt.Tensor) -> str:
    """Where NaN or infinity appears first: the images, a parameter, or a layer's output."""
    if not bool(mt.isfinite(images).all()):
        return "in the input images"
    for name, parameter in model.named_parameters():
        if not bool(mt.isfinite(parameter).all()):
            return f"in the parameter {name}, written by the update of an earlier step"
    found: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue  # look at the layers, not at what holds them

        def look(module: nn.Module, inputs: Any, output: mt.Tensor, name: str = name) -> None:
            if not found and not bool(mt.isfinite(output).all()):
                found.append(f"in the output of {name} ({module})")

        handles.append(module.register_forward_hook(look))
    with mt.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return found[0] if found else "in the loss itself"
