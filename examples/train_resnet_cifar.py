"""Trains a ResNet on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_resnet_cifar.py --dataset shapes
    python examples/train_resnet_cifar.py --backend cupy --arch resnet18 --epochs 30
    mpiexec -n 2 python examples/train_resnet_cifar.py --arch resnet18       # two processes

The run's folder (--out) gets config.json, metrics.csv, last.npz, best.npz and three pictures:
curves.png, confusion_matrix.png and predictions.png. Ctrl-C finishes the step, saves, and prints
the command that goes on from there.

The recipe is that of "Deep Residual Learning", section 4.2: SGD with momentum 0.9, random crops of
the image padded by 4 pixels, and random horizontal flips. What surrounds the training loop (data
sets, the run's folder, pictures) is in harness.py.
"""

from __future__ import annotations

import sys

import harness
from processes import Group

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.commandline import one_sentence


def train_one_epoch(run, model, criterion, optimizer, scheduler, loader):
    """One pass over the training data. Returns the mean loss and the accuracy in percent."""
    model.train()
    for images, labels in run.batches(loader):
        # (N, 3, 32, 32) and (N,); on their way to a GPU while that is at the step before
        images = images.to(run.device, non_blocking=True)
        labels = labels.to(run.device, non_blocking=True)

        optimizer.zero_grad()
        scores = model(images)  # (N, classes)
        loss = criterion(scores, labels)
        loss.backward()
        optimizer.step()
        scheduler.step()

        run.record(loss, scores, labels)
        if run.loss_is_bad():
            run.explain_bad_loss(model, images)
        if run.interrupted:
            run.save_and_exit(model, optimizer, scheduler)
    return run.epoch_result()


@mt.no_grad()
def evaluate(run, model, criterion, loader):
    """Mean loss, accuracy in percent, and all predicted and true classes of the test data."""
    model.eval()
    run.group.agree_on_buffers(model)  # the running averages: each process has its own
    predicted, true = [], []
    loss_sum = mt.zeros((), dtype=mt.float64, device=run.device)
    for images, labels in run.limited(loader):
        scores = model(images.to(run.device, non_blocking=True))
        loss = criterion(scores, labels.to(run.device, non_blocking=True))
        loss_sum += loss.double() * len(labels)
        predicted.append(scores.argmax(1))
        true.append(labels)
    loss_sum, predicted, true = run.of_all_processes(loss_sum, mt.cat(predicted), mt.cat(true))
    accuracy = 100 * (predicted == true).sum().item() / len(true)
    return loss_sum.item() / len(true), accuracy, predicted, true


def train(args):
    group = Group(args.backend)  # of the processes that mpiexec has started: usually this one
    mt.manual_seed(args.seed)
    data = harness.load_data(args, group)
    model = harness.build_model(args, data)
    network = group.parallel(model, args.seed)  # backward averages over all processes
    train_loader, test_loader = data.loaders(args, group)

    criterion = nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
    optimizer = harness.make_optimizer(args, model)
    run = harness.Run(args, data, model, optimizer, train_loader, group)
    scheduler = harness.make_scheduler(args, optimizer, run.steps_per_epoch)
    if args.resume:
        run.restore(model, optimizer, scheduler)

    if not args.eval_only:
        for epoch in run.epochs():
            train_loss, train_accuracy = train_one_epoch(
                run, network, criterion, optimizer, scheduler, train_loader
            )
            test_loss, test_accuracy, _, _ = evaluate(run, model, criterion, test_loader)
            run.finish_epoch(
                epoch,
                dict(
                    lr=optimizer.param_groups[0]["lr"],
                    train_loss=train_loss,
                    train_accuracy=train_accuracy,
                    test_loss=test_loss,
                    test_accuracy=test_accuracy,
                ),
                model,
                optimizer,
                scheduler,
            )

    test_loss, test_accuracy, predicted, true = evaluate(run, model, criterion, test_loader)
    print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2f} %")
    run.draw_pictures(predicted, true)
    return test_accuracy


def main(argv=None, **defaults):
    """`defaults` replaces options' defaults; the other examples train their networks with it."""
    args = harness.parse_arguments(__doc__, argv, defaults)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
