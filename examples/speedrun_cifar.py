"""Teaches a network CIFAR-10 in ten epochs, by the ideas of airbench94, here for a CPU.

    python examples/speedrun_cifar.py
    python examples/speedrun_cifar.py --optimizer muon --epochs 8
    python examples/speedrun_cifar.py --dataset shapes --widths 16 32 32 \\
        --epochs 3 --limit 4000
    python examples/speedrun_cifar.py --resume runs/speedrun

Most programs need a hundred epochs. What saves the others, in the order of this file:

- images are moved by up to two pixels, and mirrored in turns: an image that was mirrored in one
  epoch is not in the next, so two epochs show it both ways
- the first layer is computed, not learned: 2x2 patches come out of it uncorrelated and equally
  large (whitened). Only its bias is learned, more and more slowly, for three epochs
- the other convolutions begin as the identity for as many channels as come in (Dirac), so that the
  image and the gradient reach every layer from the first step on
- batch norm without a scale of its own, whose bias learns 64 times as fast; scores divided by 9;
  labels smoothed by 0.2
- lookahead: every five steps the weights go back to an average of what they were, later ever more
- a test image is seen six times, mirrored and moved by a pixel, and the scores are averaged (--tta)

With --optimizer muon the filters are changed by Muon, which needs no lookahead and fewer epochs: a
narrow network (--widths 32 64 64 --batch-size 128 --limit 6000 --epochs 6) knew 73.3 % of 6,000
test images with it, 66.0 % with SGD.

A forward pass takes 0.236 GFLOP an image with the default widths, and training three times that:
35 TFLOP an epoch of 50,000 images, 0.35 PFLOP in all, and 14 for the test that looks six times.

Keller Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU", 2024, and "Muon: an optimizer
for hidden layers in neural networks", 2024; after programs by David Page (2018) and Tysam& (2023).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import time
from pathlib import Path

import minitorch_cnn as mt
from minitorch_cnn import datasets, nn
from minitorch_cnn.commandline import HelpFormatter, announce_compiling, one_sentence
from minitorch_cnn.nn import functional as F
from minitorch_cnn.training import positive

TRANSLATE = 2  # pixels by which an image is moved at most
LOOK_EVERY = 5  # steps between two averages of lookahead
WHITENING_EPOCHS = 3  # in which the first layer's bias learns
TEST_BATCH = 500


# ---------------------------------------------------------------------------------- data
def load_data(args):
    """Training and test images, uint8 (N, 3, 32, 32), each with labels (N,); and the classes."""
    if args.dataset == "shapes":
        sets = [datasets.Shapes(train=train) for train in (True, False)]
    else:
        sets = [datasets.CIFAR10(args.data_dir, train=t, download=True) for t in (True, False)]
    device = mt.backend.default_device()
    parts = []
    for each in sets:
        images = mt.from_numpy(each.data[: args.limit]).permute(0, 3, 1, 2)  # (N, 3, 32, 32)
        labels = mt.tensor(each.targets[: args.limit])
        parts.append((images.to(device), labels.to(device)))
    return *parts, sets[0].classes


class Normalize:
    """uint8 -> float32 of mean 0 and deviation 1 in each channel of the training images."""

    def __init__(self, images):
        pixels = images[:10_000].float() / 255
        self.mean = pixels.mean((0, 2, 3)).view(1, 3, 1, 1)
        self.std = pixels.std((0, 2, 3)).view(1, 3, 1, 1)

    def __call__(self, images):
        return (images.float() / 255 - self.mean) / self.std


def flip_in_turns(images, coins, epoch):
    """Mirrors each image in every other epoch. coins (N,), 0 or 1: in the even ones or the odd."""
    turned = ((coins + epoch) % 2 == 1).view(-1, 1, 1, 1)
    return mt.where(turned, images.flip(-1), images)


def crop(images, corners, size):
    """A square out of each image, at its own place: (N, C, H, W), (N, 2) -> (N, C, size, size)."""
    cut = mt.empty(*images.shape[:2], size, size, device=images.device)
    places = range(images.shape[2] - size + 1)
    for y, x in itertools.product(places, places):  # all images of one place at once
        here = (corners[:, 0] == y) & (corners[:, 1] == x)
        cut[here] = images[here][:, :, y : y + size, x : x + size]
    return cut


def augment(images, coins, epoch):
    """(N, 3, 32, 32): mirrored in turns and moved, what is missing at the edge reflected."""
    images = F.pad(flip_in_turns(images, coins, epoch), (TRANSLATE,) * 4, mode="reflect")
    corners = mt.randint(2 * TRANSLATE + 1, (len(images), 2), device=images.device)
    return crop(images, corners, images.shape[-1] - 2 * TRANSLATE)


# ------------------------------------------------------------------------------- network
def whitening_filters(images, size=2, eps=5e-4):
    """Filters (2 C size^2, C, size, size) that make the patches of the images uncorrelated.

    Patches p with E[p p'] = V diag(s) V' have E[q q'] = 1 for q = diag(s)^-1/2 V' p: the filters
    are eigenvectors, divided by the deviation along them. The second half is the first with another
    sign, since the activation after it lets only one sign through.
    """
    channels = images.shape[1]
    patches = F.unfold(images, size).transpose(0, 1).flatten(1)  # (C size^2, N OH OW)
    moments = patches @ patches.T / patches.shape[1]
    values, vectors = mt.linalg.eigh(moments)  # from small to large, vectors in columns
    filters = (vectors / (values + eps).sqrt()).T.flip(0)
    return mt.cat([filters, -filters]).view(-1, channels, size, size)


class Network(nn.Module):
    """A whitening layer, three groups of two convolutions, a linear layer: 32x32 -> classes.

    In 32x32: 31x31x24 -> 15x15 -> 7x7 -> 3x3 with the given widths -> 1x1 -> classes.
    """

    def __init__(self, widths, classes, activation):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        nn.init.zeros_(self.whiten.bias)

        def convolution(channels, width):
            layer = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            nn.init.dirac_(layer.weight.data[:channels])  # the other filters stay random
            return layer

        def norm(width):
            layer = nn.BatchNorm2d(width, momentum=0.4)  # follows fast: there are few steps
            layer.weight.requires_grad_(False)
            return layer

        layers = [activation()]
        for channels, width in zip((24, *widths), widths):
            layers += [convolution(channels, width), nn.MaxPool2d(2), norm(width), activation()]
            layers += [convolution(width, width), norm(width), activation()]
        self.groups = nn.Sequential(*layers, nn.MaxPool2d(3))
        self.head = nn.Linear(widths[-1], classes, bias=False)

    def forward(self, x):
        x = self.groups(self.whiten(x))  # (N, widths[-1], 1, 1)
        return self.head(x.flatten(1)) / 9


ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "gelu": lambda: nn.GELU(approximate="tanh"),
}


# -------------------------------------------------------------------------- optimization
def triangle(start, peak, end):
    """The factor of the learning rate after a share 0..1 of the run: start .. 1 .. end."""

    def factor(share):
        if share < peak:
            return start + (1 - start) * share / peak
        return 1 + (end - 1) * (share - peak) / (1 - peak)

    return factor


def make_optimizers(args, model, steps_per_epoch):
    """Optimizers with a scheduler for each, and for Muon pairs (filters, the same as a matrix)."""
    total, first_epochs = args.epochs * steps_per_epoch, WHITENING_EPOCHS * steps_per_epoch
    shape = triangle(0.2, 0.23, 0.07) if args.optimizer == "sgd" else triangle(1, 0, 0)

    def main(step):
        return shape(step / total)

    def fading(step):
        return main(step) * max(0.0, 1 - step / first_epochs)

    lr = args.lr * args.batch_size / 1024
    decay = 0.002 / args.lr  # published is what a step takes away, lr * decay
    filters = [each.weight for each in model.groups if isinstance(each, nn.Conv2d)]
    biases = [each.bias for each in model.groups if isinstance(each, nn.BatchNorm2d)]
    groups = [
        dict(params=[model.whiten.bias], lr=lr, weight_decay=decay),
        dict(params=biases, lr=64 * lr, weight_decay=decay / 64),
        dict(params=[model.head.weight], lr=lr, weight_decay=decay),
    ]
    if args.optimizer == "sgd":
        groups.append(dict(params=filters, lr=lr, weight_decay=decay))
    sgd = mt.optim.SGD(groups, lr=lr, momentum=0.85, nesterov=True)
    factors = [fading] + [main] * (len(groups) - 1)
    schedulers = [mt.optim.lr_scheduler.LambdaLR(sgd, factors)]
    if args.optimizer == "sgd":
        return [sgd], schedulers, []
    # Muon changes matrices: a row for each filter, in the memory of the filters themselves.
    matrices = [nn.Parameter(each.detach().flatten(1)) for each in filters]
    muon = mt.optim.Muon(matrices, lr=0.24, momentum=0.6, weight_decay=0.0, ns_steps=3)
    schedulers.append(mt.optim.lr_scheduler.LambdaLR(muon, main))
    return [sgd, muon], schedulers, list(zip(filters, matrices))


@mt.no_grad()
def hand_over(filters, matrix):
    """Gives Muon's matrix the gradient of the filters, and a root mean square of 1 a filter.

    Batch norm follows, so the filters' size changes nothing but how far a step turns them.
    """
    matrix.grad = filters.grad.flatten(1)
    matrix *= len(matrix) ** 0.5 / matrix.norm()


class Lookahead:
    """slow = decay * slow + (1 - decay) * fast; and fast goes on from there.

    Of all numbers of a network, the averages in batch norms too. M. Zhang et al., "Lookahead
    optimizer: k steps forward, 1 step back", 2019.
    """

    def __init__(self, model):
        self.slow = {name: value.clone() for name, value in self.fast(model).items()}

    @staticmethod
    def fast(model):
        state = model.state_dict()
        return {name: value for name, value in state.items() if value.is_floating_point()}

    @mt.no_grad()
    def update(self, model, decay):
        for name, value in self.fast(model).items():
            self.slow[name].lerp_(value, 1 - decay)
            value.copy_(self.slow[name])


# ---------------------------------------------------------------------------------- test
def scores(model, images, tta):
    """Scores of images. tta 0: as they are; 1: and mirrored; 2: and moved by a pixel, both ways.

    The unmoved images count as much as the moved ones together.
    """

    def both(x):
        return (model(x) + model(x.flip(-1))) / 2

    if tta == 0:
        return model(images)
    if tta == 1:
        return both(images)
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    moved = (both(padded[:, :, :-2, :-2]) + both(padded[:, :, 2:, 2:])) / 2
    return (both(images) + moved) / 2


@mt.no_grad()
def accuracy(model, normalize, images, labels, tta):
    """In percent."""
    model.eval()
    right = 0
    for start in range(0, len(labels), TEST_BATCH):
        part = slice(start, start + TEST_BATCH)
        found = scores(model, normalize(images[part]), tta).argmax(1)
        right += (found == labels[part]).sum().item()
    return 100 * right / len(labels)


# ------------------------------------------------------------------------------ training
def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    (images, labels), (test_images, test_labels), classes = load_data(args)
    device, steps_per_epoch = images.device, len(images) // args.batch_size
    if steps_per_epoch == 0:
        raise ValueError(f"--batch-size {args.batch_size} is more than the {len(images)} images")
    normalize = Normalize(images)
    model = Network(args.widths, len(classes), ACTIVATIONS[args.activation]).to(device)
    with mt.no_grad():
        model.whiten.weight.copy_(whitening_filters(normalize(images[:5000])))
    optimizers, schedulers, pairs = make_optimizers(args, model, steps_per_epoch)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.2)
    lookahead = Lookahead(model)
    coins = mt.randint(2, (len(images),), device=device)
    rows, total = [], args.epochs * steps_per_epoch
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    if args.resume:
        saved = mt.load(args.resume, map_location=device)
        model.load_state_dict(saved["model"])
        lookahead.slow, coins, rows = saved["slow"], saved["coins"], saved["rows"]
        for each, state in zip(optimizers + schedulers, saved["optimizers"]):
            each.load_state_dict(state)
        mt.set_rng_state(saved["rng"].cpu())
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{parameters:,} parameters, {len(images):,} images of {args.dataset}", flush=True)
    announce_compiling()

    for epoch in range(len(rows), args.epochs):
        model.train()
        model.whiten.bias.requires_grad_(epoch < WHITENING_EPOCHS)
        began, loss_sum, right = time.perf_counter(), 0.0, 0
        order = mt.randperm(len(images), device=device)
        for step in range(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch):
            start = step % steps_per_epoch * args.batch_size
            chosen = order[start : start + args.batch_size]
            x = augment(normalize(images[chosen]), coins[chosen], epoch)

            model.zero_grad()
            y = model(x)  # (N, classes)
            loss = criterion(y, labels[chosen])
            loss.backward()
            for filters, matrix in pairs:
                hand_over(filters, matrix)
            for each in optimizers + schedulers:
                each.step()
            if args.optimizer == "sgd" and (step + 1) % LOOK_EVERY == 0:
                lookahead.update(model, 0.95**LOOK_EVERY * ((step + 1) / total) ** 3)

            loss_sum += loss.item()
            right += (y.argmax(1) == labels[chosen]).sum().item()
            if not loss_sum < float("inf"):
                raise RuntimeError(f"the loss is not finite at step {step}; try a smaller --lr")
        last = epoch + 1 == args.epochs
        if last and args.optimizer == "sgd":  # end with the average
            lookahead.update(model, 1.0)
        seconds = time.perf_counter() - began

        plain = accuracy(model, normalize, test_images, test_labels, tta=0)
        final = last and args.tta
        seen = accuracy(model, normalize, test_images, test_labels, args.tta) if final else plain
        rows.append(
            {
                "epoch": epoch + 1,
                "train_loss": loss_sum / steps_per_epoch,
                "train_accuracy": 100 * right / (steps_per_epoch * args.batch_size),
                "seconds": round(seconds, 1),
                "test_accuracy_plain": plain,
                "test_accuracy": seen,
            }
        )
        with open(out / "metrics.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        state = {
            "config": {**vars(args), "resume": None},
            "model": model.state_dict(),
            "slow": lookahead.slow,
            "coins": coins,
            "optimizers": [each.state_dict() for each in optimizers + schedulers],
            "rows": rows,
            "rng": mt.get_rng_state(),
        }
        mt.save(state, out / "last.npz")
        print(
            f"epoch {epoch + 1:2d}/{args.epochs}  train loss {rows[-1]['train_loss']:.3f} "
            f"accuracy {rows[-1]['train_accuracy']:.2f} %  test accuracy {plain:.2f} %  "
            f"{seconds:.0f} s",
            flush=True,
        )
    looks = (1, 2, 6)[args.tta]
    print(f"test accuracy {rows[-1]['test_accuracy']:.2f} %, each image seen {looks} times")
    return rows[-1]["test_accuracy"]


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--dataset", choices=["cifar10", "shapes"], default="cifar10")
    add("--data-dir", default="data", help="where CIFAR-10 lies or is downloaded to")
    add("--limit", type=positive(int), help="only so many training and test images")
    add("--epochs", type=positive(int), default=10)
    add("--batch-size", type=positive(int), default=1024)
    add("--optimizer", choices=["sgd", "muon"], default="sgd")
    add("--lr", type=positive(float), default=1.5, help="SGD's highest, for 1024 images")
    add("--widths", type=positive(int), nargs=3, default=[64, 256, 256], help="channels")
    add("--activation", choices=list(ACTIVATIONS), default="relu")
    add("--tta", type=int, choices=[0, 1, 2], default=2, help="looks at test images: 1, 2 or 6")
    add("--seed", type=int, default=0)
    add("--out", default="runs/speedrun", help="folder for metrics.csv and last.npz")
    add("--resume", metavar="FOLDER", help="go on from its last.npz, with its options")
    args = parser.parse_args(argv)
    if args.resume:
        args.resume = str(Path(args.resume, "last.npz"))
        with one_sentence():
            saved = mt.load(args.resume)
            if not isinstance(saved, dict) or "coins" not in saved:
                raise ValueError(f"{args.resume} is not a checkpoint of this program")
        parser.set_defaults(**saved["config"])
        args, resume = parser.parse_args(argv), args.resume
        args.resume = resume
    return args


def main(argv=None):
    args = parse_arguments(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
