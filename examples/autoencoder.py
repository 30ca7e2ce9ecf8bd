"""Teaches a variational autoencoder to draw: pictures to a few numbers, and back.

    python examples/autoencoder.py
    python examples/autoencoder.py --dataset fashionmnist

An encoder makes of each picture a normal distribution over a few numbers (--latent), a decoder
makes a picture again of numbers drawn from it. Since all these distributions are kept close to the
standard one, numbers drawn from that give new pictures, and between the numbers of two pictures lie
those of pictures between them. The folder (--out) gets metrics.csv, model.npz and

    reconstructions.png   test pictures, and below each what came back
    samples.png           pictures made of random numbers
    interpolation.png     each row leads from one test picture to another

D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", 2013.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from pathlib import Path

import minitorch_cnn as mt
from minitorch_cnn import datasets, nn
from minitorch_cnn.commandline import HelpFormatter, announce_compiling, one_sentence
from minitorch_cnn.nn import functional as F
from minitorch_cnn.training import positive
from minitorch_cnn.utils.data import DataLoader, TensorDataset


def load_data(args):
    """Training and test pictures, float32 (N, C, H, W) in 0..1."""
    if args.dataset == "shapes":
        sets = [datasets.Shapes(train=train) for train in (True, False)]
    else:
        kind = datasets.FashionMNIST
        sets = [kind(args.data_dir, train=train, download=True) for train in (True, False)]
    pictures = [mt.as_tensor(each.data) for each in sets]  # uint8 (N, H, W, 3) or (N, H, W)
    pictures = [x.permute(0, 3, 1, 2) if x.ndim == 4 else x.unsqueeze(1) for x in pictures]
    return [x.float() / 255 for x in pictures]


class Autoencoder(nn.Module):
    """(N, channels, size, size) -> latent numbers -> the same shape; size divisible by 4."""

    def __init__(self, channels, size, latent):
        super().__init__()
        small = size // 4
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(64 * small * small, 256),
            nn.ReLU(inplace=True),
            nn.Linear(256, 2 * latent),  # mean and log variance of each number
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, 256),
            nn.ReLU(inplace=True),
            nn.Linear(256, 64 * small * small),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (64, small, small)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),  # before the sigmoid
        )

    def encode(self, x):
        """Mean and log variance, (N, latent) each."""
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        """Numbers (N, latent) -> pictures in 0..1."""
        return self.decoder(z).sigmoid()

    def forward(self, x):
        mean, log_variance = self.encode(x)
        # Drawn so that the gradient finds the way back to mean and variance.
        z = mean + (log_variance / 2).exp() * mt.randn_like(mean)
        return self.decoder(z), mean, log_variance


def kl_divergence(mean, log_variance):
    """From N(mean, variance) to N(0, 1), summed over all numbers: 0 where they are equal."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()


def loss_of(model, x):
    """Per picture: how badly it comes back, and how far its distribution is from the standard."""
    scores, mean, log_variance = model(x)
    likeness = F.binary_cross_entropy_with_logits(scores, x, reduction="sum")
    return (likeness + kl_divergence(mean, log_variance)) / len(x)


@mt.no_grad()
def test(model, pictures, device):
    """Mean loss, and the peak signal-to-noise ratio of what comes back, in dB."""
    model.eval()
    loss, squares = 0.0, 0.0
    for x in pictures.split(200):
        x = x.to(device)
        loss += loss_of(model, x).item() * len(x)
        mean, _ = model.encode(x)
        squares += ((model.decode(mean) - x) ** 2).sum().item()
    mean_square = mt.tensor(squares / pictures.numel())
    return loss / len(pictures), -10 * mean_square.log10().item()


@mt.no_grad()
def draw(model, pictures, noise, folder):
    model.eval()
    shown = pictures[:16].to(noise.device)
    mean, _ = model.encode(shown)
    save = mt.utils.save_image
    save(mt.cat([shown, model.decode(mean)]), folder / "reconstructions.png", nrow=16)
    save(model.decode(noise), folder / "samples.png", nrow=10)
    steps = mt.linspace(0, 1, 10, device=noise.device).view(1, -1, 1)
    start, end = mean[:8, None], mean[8:, None]  # (8, 1, latent)
    between = (start + (end - start) * steps).flatten(0, 1)  # (80, latent)
    save(model.decode(between), folder / "interpolation.png", nrow=10)


def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    device = mt.backend.default_device()
    print(f"loading {args.dataset} ...", flush=True)
    train_pictures, test_pictures = load_data(args)
    _, channels, _, size = train_pictures.shape
    model = Autoencoder(channels, size, args.latent).to(device)
    optimizer = mt.optim.Adam(model.parameters(), lr=args.lr)
    loader = DataLoader(
        TensorDataset(train_pictures), batch_size=args.batch_size, shuffle=True, drop_last=True
    )
    steps = min(len(loader), args.steps or len(loader))
    if steps == 0:
        count = len(loader.dataset)
        raise ValueError(f"--batch-size {args.batch_size} is more than the {count} pictures")
    noise = mt.randn(100, args.latent, device=device)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    announce_compiling()
    with open(out / "metrics.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["epoch", "train_loss", "test_loss", "test_psnr"])
        for epoch in range(1, args.epochs + 1):
            model.train()
            loss_sum = 0.0
            for (x,) in itertools.islice(loader, steps):
                loss = loss_of(model, x.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss_sum += loss.item()
            test_loss, psnr = test(model, test_pictures, device)
            table.writerow([epoch, loss_sum / steps, test_loss, psnr])
            file.flush()
            draw(model, test_pictures, noise, out)
            print(
                f"epoch {epoch}/{args.epochs}  train loss {loss_sum / steps:.2f}  "
                f"test loss {test_loss:.2f}, {psnr:.2f} dB",
                flush=True,
            )
    mt.save(model.state_dict(), out / "model.npz")
    print(f"saved: model.npz, reconstructions.png, samples.png, interpolation.png in {out}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--dataset", choices=["shapes", "fashionmnist"], default="shapes")
    add("--data-dir", default="data", help="where Fashion-MNIST lies or is downloaded to")
    add("--epochs", type=positive(int), default=10)
    add("--steps", type=positive(int), help="at most so many batches in each epoch")
    add("--batch-size", type=positive(int), default=100)
    add("--lr", type=positive(float), default=1e-3)
    add("--latent", type=positive(int), default=20, help="numbers that a picture becomes")
    add("--seed", type=int, default=0)
    add("--out", default="runs/autoencoder", help="folder for metrics, weights and pictures")
    args = parser.parse_args(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
