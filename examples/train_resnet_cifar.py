"""Trains a ResNet on CIFAR-10, CIFAR-100 or the built-in shapes.

    python examples/train_resnet_cifar.py --dataset shapes
    python examples/train_resnet_cifar.py --backend cupy --arch resnet18
    mpiexec -n 2 python examples/train_resnet_cifar.py       # two processes

The run's folder (--out) gets config.json, run.toml, metrics.csv, last.npz, best.npz and three
pictures: curves.png, confusion_matrix.png and predictions.png. Ctrl-C finishes the step, saves, and
prints the command that goes on from there.

The recipe is that of "Deep Residual Learning", section 4.2: SGD with momentum 0.9, random crops of
the image padded by 4 pixels, and random horizontal flips. What surrounds the training loop (data
sets, the run's folder, testing, pictures) is in minitorch_cnn/training/, and so is the loop of
`python -m minitorch_cnn train`, which can do more: your own pictures, averaged weights, float16.
"""

from __future__ import annotations

import argparse
import sys

import minitorch_cnn as mt
from minitorch_cnn import nn, training
from minitorch_cnn.commandline import HelpFormatter, one_sentence
from minitorch_cnn.models.small import ARCHITECTURES
from minitorch_cnn.training.data import DATASETS


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


def train(args):
    group = training.Group(args.backend)  # the processes mpiexec has started: usually this one
    mt.manual_seed(args.seed)
    data = training.load_data(args, group)
    model = training.build_small(args, data)
    network = group.parallel(model, args.seed)  # backward averages over all processes
    train_loader, test_loader = data.loaders(args, group)

    criterion = nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
    optimizer = training.make_optimizer(args, model)
    run = training.Run(args, data, model, optimizer, train_loader, group)
    scheduler = training.make_scheduler(args, optimizer, run.steps_per_epoch)
    if args.resume:
        run.restore(model, optimizer, scheduler)

    if not args.eval_only:
        for epoch in run.epochs():
            train_loss, train_accuracy = train_one_epoch(
                run, network, criterion, optimizer, scheduler, train_loader
            )
            test_loss, test_accuracy, _, _ = training.evaluate(run, model, criterion, test_loader)
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

    test_loss, test_accuracy, predicted, true = training.evaluate(
        run, model, criterion, test_loader
    )
    print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2f} %")
    run.draw_pictures(predicted, true)
    return test_accuracy


def parse_arguments(argv, description, defaults):
    parser = argparse.ArgumentParser(description=description, formatter_class=HelpFormatter)
    for option, names, default in (
        ("--dataset", DATASETS, "cifar10"),
        ("--arch", ARCHITECTURES, "resnet20"),
    ):
        listed = f"one of {', '.join(names)}"
        parser.add_argument(option, choices=names, metavar="NAME", default=default, help=listed)
    parser.add_argument(
        "--eval-only", action="store_true", help="only test the checkpoint given by --resume"
    )
    training.add_options(parser)
    parser.set_defaults(**defaults)
    return training.parse(parser, argv)


def main(argv=None, description=__doc__, **defaults):
    """`defaults` replaces options' defaults; the other examples train their networks with it."""
    args = parse_arguments(argv, description, defaults)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
