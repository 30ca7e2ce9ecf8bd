"""Teaches a U-Net which pixels belong to which shape, in pictures that are drawn here.

    python examples/segment_shapes.py
    python examples/segment_shapes.py --epochs 12 --train-images 4000

Each picture of 64x64 pixels has two to four shapes of six kinds, which may hide one another, before
a background of two colours with noise; its mask says for each pixel which shape is seen there. Each
epoch prints the mean IoU: of each class, the pixels where prediction and mask agree, divided by
those where one of them has the class; then the mean over the classes. The folder (--out) gets
metrics.csv, model.npz and segmentation.png: rows of picture, mask and prediction.

O. Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.commandline import HelpFormatter, announce_compiling, one_sentence
from minitorch_cnn.datasets.shapes import OUTLINES
from minitorch_cnn.training import positive
from minitorch_cnn.utils.data import DataLoader, TensorDataset

SIZE = 64
KINDS = ["ring", "heart", "square", "triangle", "star", "cross"]
CLASSES = ["background", *KINDS]
# One colour for each class, in which masks are shown.
PALETTE = mt.tensor(
    [[0.1, 0.1, 0.1], [0.9, 0.2, 0.2], [0.2, 0.7, 0.2], [0.3, 0.4, 1.0], [1.0, 0.8, 0.1],
     [0.7, 0.3, 0.9], [0.1, 0.8, 0.8]]
)  # fmt: skip


# ---------------------------------------------------------------------------------- data
def draw(rng):
    """A picture, uint8 (64, 64, 3), and its mask, uint8 (64, 64): the number of the class."""
    y, x = np.mgrid[0 : 1 : SIZE * 1j, 0 : 1 : SIZE * 1j]
    ramp = (x * rng.random() + y * rng.random())[..., None]  # the background goes from one colour
    # ... to another; shapes are lighter.
    picture = (1 - ramp / 2) * rng.uniform(0, 120, 3) + ramp / 2 * rng.uniform(0, 120, 3)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    for _ in range(rng.integers(2, 5)):
        number = rng.integers(len(KINDS))
        cover = stamp(OUTLINES[KINDS[number]], rng)  # 0..1 (64, 64)
        colour = rng.uniform(120, 255, 3)
        picture += (colour - picture) * cover[..., None]
        mask[cover > 0.5] = number + 1
    picture += rng.normal(0, 8, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), mask


def stamp(outline, rng):
    """How much of each pixel the shape covers, at some place, in some size and direction."""
    scale = 4  # drawn larger and reduced, which smooths the edges
    radius = rng.uniform(8, 15) * scale
    centre_x, centre_y = rng.uniform(radius, SIZE * scale - radius, 2)
    angle = rng.uniform(-0.5, 0.5)
    cos, sin = radius * math.cos(angle), radius * math.sin(angle)
    canvas = Image.new("L", (SIZE * scale, SIZE * scale))
    pen = ImageDraw.Draw(canvas)
    for fill, polygon in zip((255, 0), outline):  # the second one, if any, is a hole
        turned = [(centre_x + cos * x - sin * y, centre_y + sin * x + cos * y) for x, y in polygon]
        pen.polygon(turned, fill=fill)
    return np.asarray(canvas.reduce(scale)) / 255


def make_data(count, seed):
    """A data set of pictures, float32 (3, 64, 64) in -1..1, and masks, int64 (64, 64)."""
    rng = np.random.default_rng(seed)
    pictures, masks = zip(*(draw(rng) for _ in range(count)))
    x = mt.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return TensorDataset(x, mt.from_numpy(np.stack(masks)).long())


# ------------------------------------------------------------------------------- network
def double_convolution(channels, width):
    layers = []
    for inputs in (channels, width):
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Down to an eighth of the size, where what is seen is known, and up again to where it is.

    On the way up, each level gets what the way down had there: (N, 3, H, W) -> (N, classes, H, W),
    H and W divisible by 8.
    """

    def __init__(self, classes, widths=(16, 32, 64, 128)):
        super().__init__()
        self.down = nn.ModuleList(map(double_convolution, (3, *widths), widths))
        self.pool = nn.MaxPool2d(2)
        self.enlarge, self.up = nn.ModuleList(), nn.ModuleList()
        for wide, narrow in itertools.pairwise(reversed(widths)):
            self.enlarge.append(nn.ConvTranspose2d(wide, narrow, 2, stride=2))
            self.up.append(double_convolution(2 * narrow, narrow))
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        levels = []
        for number, convolutions in enumerate(self.down):
            x = convolutions(self.pool(x) if number else x)
            levels.append(x)
        levels.pop()  # the deepest one is x
        for enlarge, convolutions in zip(self.enlarge, self.up):
            x = convolutions(mt.cat([levels.pop(), enlarge(x)], dim=1))
        return self.head(x)


# ------------------------------------------------------------------------ train and test
def intersections_and_unions(predicted, true):
    """Pixels of each class that both have, and that one of them has: (classes,) twice."""
    pairs = mt.bincount((len(CLASSES) * true + predicted).flatten(), minlength=len(CLASSES) ** 2)
    pairs = pairs.view(len(CLASSES), len(CLASSES))  # [true, predicted]
    both = pairs.diagonal()
    return both, pairs.sum(0) + pairs.sum(1) - both


@mt.no_grad()
def mean_iou(model, loader, device):
    """In percent; the classes that occur count alike."""
    model.eval()
    both = either = 0
    for images, masks in loader:
        sums = intersections_and_unions(model(images.to(device)).argmax(1), masks.to(device))
        both, either = both + sums[0], either + sums[1]
    there = either > 0
    return 100 * (both[there] / either[there]).mean().item()


@mt.no_grad()
def draw_results(model, data, device, path, count=8):
    """Rows of eight pictures, their masks, and what the network says."""
    model.eval()
    images, masks = (part[:count] for part in data.tensors)
    predicted = model(images.to(device)).argmax(1).cpu()
    colours = [PALETTE[each].permute(0, 3, 1, 2) for each in (masks, predicted)]
    mt.utils.save_image(mt.cat([(images + 1) / 2, *colours]), path, nrow=count)


def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    device = mt.backend.default_device()
    print("drawing pictures ...", flush=True)
    train_set, test_set = make_data(args.train_images, seed=0), make_data(args.test_images, seed=1)
    loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=50)
    model = UNet(len(CLASSES)).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = mt.optim.Adam(model.parameters(), lr=args.lr)
    steps = min(len(loader), args.steps or len(loader))
    if steps == 0:
        count = len(loader.dataset)
        raise ValueError(f"--batch-size {args.batch_size} is more than the {count} pictures")
    scheduler = mt.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * steps)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    announce_compiling()
    with open(out / "metrics.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["epoch", "train_loss", "mean_iou"])
        for epoch in range(1, args.epochs + 1):
            model.train()
            loss_sum = 0.0
            for images, masks in itertools.islice(loader, steps):
                scores = model(images.to(device))  # (N, classes, 64, 64)
                loss = criterion(scores, masks.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                loss_sum += loss.item()
            iou = mean_iou(model, test_loader, device)
            table.writerow([epoch, loss_sum / steps, iou])
            file.flush()
            print(
                f"epoch {epoch}/{args.epochs}  train loss {loss_sum / steps:.4f}  "
                f"test mean IoU {iou:.2f} %",
                flush=True,
            )
    mt.save(model.state_dict(), out / "model.npz")
    draw_results(model, test_set, device, out / "segmentation.png")
    print(f"saved: {out / 'model.npz'}, {out / 'segmentation.png'}")
    return iou


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--epochs", type=positive(int), default=10)
    add("--steps", type=positive(int), help="at most so many batches in each epoch")
    add("--batch-size", type=positive(int), default=8)
    add("--lr", type=positive(float), default=2e-3)
    add("--train-images", type=positive(int), default=2000)
    add("--test-images", type=positive(int), default=400)
    add("--seed", type=int, default=0)
    add("--out", default="runs/segmentation", help="folder for metrics, weights and picture")
    args = parser.parse_args(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
