"""Teaches a network to double the resolution of pictures: sub-pixel convolution (ESPCN).

    python examples/super_resolution.py
    python examples/super_resolution.py --dataset cifar10 --epochs 5

The network sees pictures that were reduced to half their size. Its convolutions work at that size;
the last one makes four numbers of each pixel and colour, which PixelShuffle lays out as 2x2 pixels.
They are added to the picture enlarged by bicubic interpolation, so only what that lacks is learned.
Each epoch prints the peak signal-to-noise ratio of test pictures (PSNR: 10 log10 of 1 / mean square
error, in dB, for values 0..1), beside that of bicubic interpolation alone. The folder (--out) gets
metrics.csv, model.npz and enlarged.png: rows of the small picture, bicubic, network, original.

W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
convolutional neural network", 2016; adding to the interpolated picture is from J. Kim et al.,
"Accurate image super-resolution using very deep convolutional networks", 2016.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
from pathlib import Path

import minitorch_cnn as mt
from minitorch_cnn import datasets, nn
from minitorch_cnn.commandline import HelpFormatter, announce_compiling, one_sentence
from minitorch_cnn.nn import functional as F
from minitorch_cnn.training import positive
from minitorch_cnn.utils.data import DataLoader, TensorDataset


def load_data(args):
    """Training and test pictures, float32 (N, 3, H, W) in 0..1."""
    if args.dataset == "shapes":
        sets = [datasets.Shapes(train, size) for train, size in ((True, 8000), (False, 1000))]
    else:
        sets = [datasets.CIFAR10(args.data_dir, train=t, download=True) for t in (True, False)]
    return [mt.from_numpy(each.data).permute(0, 3, 1, 2).float() / 255 for each in sets]


def reduce(pictures):
    """Half as high and wide; each pixel looks at all those that it stands for."""
    return F.interpolate(pictures, scale_factor=0.5, mode="bicubic", antialias=True).clamp(0, 1)


def enlarge(pictures):
    """Twice as high and wide, by bicubic interpolation."""
    return F.interpolate(pictures, scale_factor=2, mode="bicubic").clamp(0, 1)


class Enlarger(nn.Module):
    """(N, 3, H, W) -> (N, 3, 2 H, 2 W)"""

    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 3 * 2 * 2, 3, padding=1),
            nn.PixelShuffle(2),  # (N, 12, H, W) -> (N, 3, 2 H, 2 W)
        )

    def forward(self, x):
        return enlarge(x) + self.layers(x - 0.5)


def psnr(squares):
    """Of the mean of squared errors, in dB."""
    return -10 * math.log10(squares)


@mt.no_grad()
def test(model, pictures, device):
    """PSNR over all test pictures together: of the network, and of bicubic interpolation."""
    ours = bicubic = 0.0
    for whole in pictures.split(250):
        whole = whole.to(device)
        small = reduce(whole)
        ours += ((model(small).clamp(0, 1) - whole) ** 2).sum().item()
        bicubic += ((enlarge(small) - whole) ** 2).sum().item()
    return psnr(ours / pictures.numel()), psnr(bicubic / pictures.numel())


@mt.no_grad()
def draw(model, pictures, device, path, count=8):
    """Rows: what the network sees, bicubic, network, original; each pixel four times as large."""
    whole = pictures[:count].to(device)
    small = reduce(whole)
    seen = F.interpolate(small, scale_factor=2, mode="nearest")
    rows = mt.cat([seen, enlarge(small), model(small).clamp(0, 1), whole])
    mt.utils.save_image(F.interpolate(rows, scale_factor=4, mode="nearest"), path, nrow=count)


def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    device = mt.backend.default_device()
    print(f"loading {args.dataset} ...", flush=True)
    train_pictures, test_pictures = load_data(args)
    loader = DataLoader(
        TensorDataset(train_pictures), batch_size=args.batch_size, shuffle=True, drop_last=True
    )
    model = Enlarger(args.width).to(device)
    criterion = nn.MSELoss()
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
        table.writerow(["epoch", "train_psnr", "bicubic_psnr", "test_psnr"])
        for epoch in range(1, args.epochs + 1):
            loss_sum = 0.0
            for (whole,) in itertools.islice(loader, steps):
                whole = whole.to(device)
                loss = criterion(model(reduce(whole)), whole)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                loss_sum += loss.item()
            ours, bicubic = test(model, test_pictures, device)
            table.writerow([epoch, psnr(loss_sum / steps), bicubic, ours])
            file.flush()
            print(
                f"epoch {epoch}/{args.epochs}  training {psnr(loss_sum / steps):.2f} dB  test "
                f"{ours:.2f} dB, bicubic interpolation {bicubic:.2f} dB",
                flush=True,
            )
    mt.save(model.state_dict(), out / "model.npz")
    draw(model, test_pictures, device, out / "enlarged.png")
    print(f"saved: {out / 'model.npz'}, {out / 'enlarged.png'}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--dataset", choices=["shapes", "cifar10"], default="shapes")
    add("--data-dir", default="data", help="where CIFAR-10 lies or is downloaded to")
    add("--epochs", type=positive(int), default=5)
    add("--steps", type=positive(int), help="at most so many batches in each epoch")
    add("--batch-size", type=positive(int), default=32)
    add("--lr", type=positive(float), default=2e-3)
    add("--width", type=positive(int), default=32, help="channels of the convolutions")
    add("--seed", type=int, default=0)
    add("--out", default="runs/super_resolution", help="folder for metrics, weights and picture")
    args = parser.parse_args(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
