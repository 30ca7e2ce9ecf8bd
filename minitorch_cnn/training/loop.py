"""The training loop of `python -m minitorch_cnn train`."""

from __future__ import annotations

import shlex
from typing import Any

from .. import nn
from ..autograd.modes import no_grad
from ..backend import default_device
from ..dtypes import float64
from ..models.classifiers import build_classifier, check_size
from ..models.small import build_network
from ..ops import cat, zeros
from ..random import manual_seed
from ..tensor import Tensor
from ..utils.data import DataLoader
from . import lr_finder
from .data import Data, load_for_network
from .processes import Group
from .recipe import Step, make_criterion, make_optimizer, make_scheduler
from .run import Run


def train(args: Any) -> float:
    """The whole run. Returns the accuracy on the test images in percent."""
    group = Group(args.backend)  # of the processes that mpiexec has started: usually this one
    manual_seed(args.seed)
    data = load_for_network(args, group)
    model = build_classifier(
        args.arch, len(data.classes), data.in_channels, args.image_size,
        None if args.resume else args.weights,
    )  # fmt: skip
    check_size(args.arch, model, data.in_channels, args.image_size)
    model = on_device(args, model)
    network = group.parallel(model, args.seed)  # backward averages over all processes
    train_loader, test_loader = data.loaders(args, group)

    criterion = make_criterion(args, data.class_counts())
    optimizer = make_optimizer(args, model)
    if args.find_lr:
        lr_finder.find(args, model, criterion, optimizer, train_loader)
        return float("nan")
    run = Run(args, data, model, optimizer, train_loader, group)
    steps_per_epoch = -(-run.steps_per_epoch // args.accumulate)
    scheduler = make_scheduler(args, optimizer, steps_per_epoch)
    step = Step(args, model, optimizer, scheduler, run.steps_per_epoch)
    run.also = step
    if args.resume:
        run.restore(model, optimizer, scheduler)

    test_criterion = nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
    for epoch in run.epochs():
        train_loss, train_accuracy = train_one_epoch(run, network, criterion, step, train_loader)
        test_loss, test_accuracy, _, _ = evaluate(run, step.evaluated, test_criterion, test_loader)
        metrics = dict(
            lr=optimizer.param_groups[0]["lr"],
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )
        run.finish_epoch(epoch, metrics, model, optimizer, scheduler)

    test_loss, accuracy, predicted, true = evaluate(
        run, step.evaluated, test_criterion, test_loader
    )
    print(f"test loss {test_loss:.4f}, test accuracy {accuracy:.2f} %")
    run.draw_pictures(predicted, true)
    best = max(run.rows, key=lambda row: row["test_accuracy"])
    print(f"best: epoch {best['epoch']}, {best['test_accuracy']:.2f} %. Ask that network:")
    print(f"  python -m minitorch_cnn predict --checkpoint {shlex.quote(args.out)} picture.png")
    return accuracy


def train_one_epoch(
    run: Run, model: nn.Module, criterion: nn.Module, step: Step, loader: DataLoader
) -> tuple[float, float]:
    """One pass over the training data. Returns the mean loss and the accuracy in percent."""
    model.train()
    for images, labels in run.batches(loader):
        # (N, C, H, W) and (N,); on their way to a GPU while that is at the step before
        images = images.to(run.device, non_blocking=True)
        labels = labels.to(run.device, non_blocking=True)

        with step.precision():
            scores = model(images)  # (N, classes)
            loss = criterion(scores, labels)
        stepped = step(loss, run.step)  # backward, and in most cases new weights

        run.record(loss, scores, labels)
        if run.loss_is_bad():
            run.explain_bad_loss(model, images)
        if run.interrupted and stepped:
            run.save_and_exit(step.model, step.optimizer, step.scheduler)
    return run.epoch_result()


@no_grad()
def evaluate(
    run: Run, model: nn.Module, criterion: nn.Module, loader: DataLoader
) -> tuple[float, float, Tensor, Tensor]:
    """Mean loss, accuracy in percent, and all predicted and true classes of the test data."""
    model.eval()
    run.group.agree_on_buffers(model)  # the running averages: each process has its own
    predicted, true = [], []
    loss_sum = zeros((), dtype=float64, device=run.device)
    for images, labels in run.limited(loader):
        scores = model(images.to(run.device, non_blocking=True))
        loss = criterion(scores, labels.to(run.device, non_blocking=True))
        loss_sum += loss.double() * len(labels)
        predicted.append(scores.argmax(1))
        true.append(labels)
    loss_sum, said, really = run.of_all_processes(loss_sum, cat(predicted), cat(true))
    accuracy = 100 * (said == really).sum().item() / len(really)
    return loss_sum.item() / len(really), accuracy, said, really


def build_small(args: Any, data: Data) -> nn.Module:
    """--arch of the examples, for their small images."""
    model = build_network(args.arch, args.dataset, len(data.classes), data.in_channels)
    return on_device(args, model)


def on_device(args: Any, model: nn.Module) -> nn.Module:
    """The network where it is trained, with --sync-batchnorm."""
    if args.sync_batchnorm:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model.to(default_device())
