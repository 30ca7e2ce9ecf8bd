"""Trains ResNet-20 on CIFAR-10 twice: with ours and with torch, same start, same batches.

    python benchmarks/cifar_against_torch.py --data-dir data --epochs 3
    python benchmarks/cifar_against_torch.py --data-dir data --float64-steps 20 --lr 0.01

Both networks have the same source (torch_twin.py) and the same initial weights, and get the same
augmented batches: SGD 0.1, momentum 0.9, weight decay 5e-4, batch 128, crop and flip, cosine. The
curves agree within noise, not to the digit: rounding differs, and training amplifies it.
--float64-steps does that many steps in float64 instead. What is then left of the difference is
rounding, and how fast training amplifies it; a second torch network, which differs from the first
only in its memory format, shows how much that is.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
import torch_twin

import minitorch_cnn as mt
from minitorch_cnn import datasets, models, nn, transforms
from minitorch_cnn.utils.data import DataLoader

RECIPE = dict(lr=0.1, momentum=0.9, weight_decay=5e-4)
BATCH = 128


def statistics(images):
    """Mean and standard deviation of each channel, as fractions of 255."""
    channels = [images[..., c].astype(np.float64) / 255 for c in range(3)]
    return [c.mean() for c in channels], [c.std() for c in channels]


def make_pair(dtype):
    """Our network and torch's, with the same weights, and their optimizers."""
    mt.manual_seed(0)
    ours = models.cifar.resnet20().to(dtype)
    theirs = torch_twin.load("cifar").resnet20().to(getattr(torch, dtype.name))
    torch_twin.copy_weights(ours, theirs)
    return (
        (ours, mt.optim.SGD(ours.parameters(), **RECIPE)),
        (theirs, torch.optim.SGD(theirs.parameters(), **RECIPE)),
    )


def accuracy(predict, loader):
    right = total = 0
    for images, labels in loader:
        scores = predict(images)
        right += int((scores.argmax(1) == labels.numpy()).sum())
        total += len(labels)
    return 100 * right / total


def float64_steps(train_loader, steps):
    """Steps of ours, of torch, and of torch with channels-last memory, on the same batches."""
    (ours, our_sgd), (theirs, their_sgd) = make_pair(mt.float64)
    twin = torch_twin.load("cifar").resnet20().double()
    twin.load_state_dict(theirs.state_dict())
    twin = twin.to(memory_format=torch.channels_last)
    twin_sgd = torch.optim.SGD(twin.parameters(), **RECIPE)

    def step(model, optimizer, functional, images, labels):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    print("step  loss: ours         torch   ours and torch   torch and torch channels_last")
    worst = [0.0, 0.0]
    for number, (images, labels) in enumerate(train_loader, start=1):
        x = images.double()
        x_torch = torch.from_numpy(np.ascontiguousarray(x.numpy()))
        labels_torch = torch.from_numpy(labels.numpy())
        a = step(ours, our_sgd, nn.functional, x, labels)
        b = step(theirs, their_sgd, torch.nn.functional, x_torch, labels_torch)
        x_torch = x_torch.to(memory_format=torch.channels_last)
        c = step(twin, twin_sgd, torch.nn.functional, x_torch, labels_torch)
        differences = abs(a - b) / abs(b), abs(c - b) / abs(b)
        worst = [max(pair) for pair in zip(worst, differences, strict=True)]
        print(f"{number:4d} {a:14.10f} {b:14.10f} {differences[0]:13.1e} {differences[1]:20.1e}")
        if number == steps:
            break
    print(f"largest relative difference: {worst[0]:.1e}; of torch from itself: {worst[1]:.1e}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", default="data")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit-batches", type=int)
    parser.add_argument("--float64-steps", type=int)
    parser.add_argument("--lr", type=float, default=RECIPE["lr"])
    args = parser.parse_args()
    RECIPE["lr"] = args.lr

    train_set = datasets.CIFAR10(args.data_dir, train=True)
    test_set = datasets.CIFAR10(args.data_dir, train=False)
    mean, std = statistics(train_set.data)
    augment = transforms.BatchAugment(mean, std, crop_padding=4, flip=True)
    normalize = augment.eval()
    train_loader = DataLoader(
        train_set, batch_size=BATCH, shuffle=True, drop_last=True, collate_fn=augment
    )
    test_loader = DataLoader(test_set, batch_size=500, collate_fn=normalize)
    if args.float64_steps:
        return float64_steps(train_loader, args.float64_steps)

    (ours, our_sgd), (theirs, their_sgd) = make_pair(mt.float32)
    steps = min(len(train_loader), args.limit_batches or len(train_loader)) * args.epochs
    our_schedule = mt.optim.lr_scheduler.CosineAnnealingLR(our_sgd, steps)
    their_schedule = torch.optim.lr_scheduler.CosineAnnealingLR(their_sgd, steps)

    def our_predict(x):
        with mt.no_grad():
            return ours(x).numpy()

    def their_predict(x):
        with torch.no_grad():
            return theirs(torch.from_numpy(x.numpy())).numpy()

    print("epoch  train loss: ours   torch   test accuracy: ours    torch   seconds: ours  torch")
    for epoch in range(1, args.epochs + 1):
        ours.train(), theirs.train()
        losses, clock, count = [0.0, 0.0], [0.0, 0.0], 0
        for x, labels in train_loader:
            began = time.perf_counter()
            our_sgd.zero_grad()
            loss = nn.functional.cross_entropy(ours(x), labels)
            loss.backward()
            our_sgd.step()
            our_schedule.step()
            losses[0] += loss.item()
            between = time.perf_counter()
            their_sgd.zero_grad()
            target = torch.from_numpy(labels.numpy())
            their_loss = torch.nn.functional.cross_entropy(
                theirs(torch.from_numpy(x.numpy())), target
            )
            their_loss.backward()
            their_sgd.step()
            their_schedule.step()
            losses[1] += their_loss.item()
            clock[0] += between - began
            clock[1] += time.perf_counter() - between
            count += 1
            if count == args.limit_batches:
                break
        ours.eval(), theirs.eval()
        tested = [accuracy(p, test_loader) for p in (our_predict, their_predict)]
        print(
            f"{epoch:5d} {losses[0] / count:17.4f} {losses[1] / count:7.4f} {tested[0]:19.2f} "
            f"{tested[1]:9.2f} {clock[0]:14.0f} {clock[1]:6.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
