"""Teaches two networks against each other to draw pictures like those of Shapes: a DCGAN.

    python examples/dcgan.py

The generator makes a picture of random numbers; the discriminator says whether a picture is real or
made. Each step the discriminator learns to tell them apart, and the generator to be taken for real.
Both kinds are shown to it with noise over them. After each epoch the folder (--out) gets another
picture of what the generator makes of always the same numbers, samples_01.png and so on, beside
metrics.csv and generator.npz.

How good the pictures are is said by the inception score, with the ResNet-20 that comes with the
package in the place of Inception v3: it grows if each picture is surely of one class, and if all
classes occur; 1 is the worst, 10 the best; real pictures have 9.8.

A. Radford et al., "Unsupervised representation learning with deep convolutional generative
adversarial networks", 2015; T. Miyato et al., "Spectral normalization for generative adversarial
networks", 2018; A. Odena et al., "Deconvolution and checkerboard artifacts", 2016; T. Salimans et
al., "Improved techniques for training GANs", 2016.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from pathlib import Path

import minitorch_cnn as mt
from minitorch_cnn import datasets, models, nn
from minitorch_cnn.commandline import HelpFormatter, announce_compiling, one_sentence
from minitorch_cnn.nn import functional as F
from minitorch_cnn.nn.utils.parametrizations import spectral_norm
from minitorch_cnn.training import positive
from minitorch_cnn.utils.data import DataLoader, TensorDataset

NOISE = 0.2  # deviation, of pictures in -1..1
JUDGED = 1000  # pictures made for the inception score


def make_generator(latent, width):
    """Numbers (N, latent, 1, 1) -> pictures (N, 3, 32, 32) in -1..1, twice as large each time.

    Where the paper has transposed convolutions, pixels are repeated and a convolution follows: the
    windows of the former overlap, which leaves a pattern of squares for long.
    """
    widths = (4 * width, 2 * width, width)
    layers = [nn.ConvTranspose2d(latent, widths[0], 4, bias=False)]  # 1x1 -> 4x4
    for inputs, outputs in zip(widths, (*widths[1:], 3)):  # -> 8x8 -> 16x16 -> 32x32
        layers += [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2)]
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1)]
    return nn.Sequential(*layers, nn.Tanh())


def make_discriminator(width):
    """Pictures (N, 3, 32, 32) -> scores (N, 1, 1, 1): above 0 for real, below for made.

    The spectral norm keeps each layer from making differences larger, so the scores stay a slope on
    which the generator finds its way, instead of a cliff.
    """
    layers = []
    widths = (width, 2 * width, 4 * width)
    for inputs, outputs in zip((3, *widths), widths):  # 16x16 -> 8x8 -> 4x4
        layers.append(spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)))
        layers.append(nn.LeakyReLU(0.1, inplace=True))
    return nn.Sequential(*layers, spectral_norm(nn.Conv2d(4 * width, 1, 4)))


def initialize(module):
    """The paper's first weights of the generator."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def with_noise(pictures):
    """What the discriminator sees: noise hides the fine grain by which it would know at once."""
    return pictures + NOISE * mt.randn_like(pictures)


def inception_score(probabilities):
    """exp of the mean of KL(p(class | picture) || p(class)), of probabilities (N, classes)."""
    p = probabilities.clamp(min=1e-12)
    return (p * (p.log() - p.mean(0).log())).sum(1).mean().exp().item()


@mt.no_grad()
def judge(generator, judge_network, prepare, noise):
    """The inception score of pictures made of noise (N, latent, 1, 1)."""
    generator.eval()
    found = []
    for part in noise.split(250):
        pictures = (generator(part) + 1) / 2  # 0..1
        found.append(judge_network(prepare(pictures)).softmax(1))
    return inception_score(mt.cat(found))


@mt.no_grad()
def draw(generator, noise, path):
    generator.eval()
    mt.utils.save_image((generator(noise) + 1) / 2, path, nrow=10)


def train(args):
    mt.set_backend(args.backend)
    mt.manual_seed(args.seed)
    device = mt.backend.default_device()
    print("drawing pictures ...", flush=True)
    data = datasets.Shapes(size=args.images)
    pictures = mt.from_numpy(data.data).permute(0, 3, 1, 2).float() / 127.5 - 1
    loader = DataLoader(
        TensorDataset(pictures), batch_size=args.batch_size, shuffle=True, drop_last=True
    )
    generator = make_generator(args.latent, args.width).apply(initialize).to(device)
    discriminator = make_discriminator(args.width).to(device)
    settings = dict(lr=args.lr, betas=(0.5, 0.999))
    generator_optimizer = mt.optim.Adam(generator.parameters(), **settings)
    discriminator_optimizer = mt.optim.Adam(discriminator.parameters(), **settings)
    weights = models.get_model_weights("cifar_resnet20").SHAPES
    judge_network = models.get_model("cifar_resnet20", weights=weights).eval().to(device)
    fixed = mt.randn(JUDGED, args.latent, 1, 1, device=device)  # the same after each epoch
    steps = min(len(loader), args.steps or len(loader))
    if steps == 0:
        count = len(loader.dataset)
        raise ValueError(f"--batch-size {args.batch_size} is more than the {count} pictures")
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    announce_compiling()

    def loss_for(scores, real):
        """How far the scores are from saying real, or made."""
        return F.binary_cross_entropy_with_logits(scores, mt.full_like(scores, float(real)))

    with open(out / "metrics.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["epoch", "discriminator_loss", "generator_loss", "inception_score"])
        for epoch in range(1, args.epochs + 1):
            generator.train()
            sums = [0.0, 0.0]
            for (real,) in itertools.islice(loader, steps):
                real = with_noise(real.to(device))
                made = generator(mt.randn(len(real), args.latent, 1, 1, device=device))
                made = with_noise(made)

                # The discriminator learns; made.detach() keeps its gradient from the generator.
                discriminator_loss = loss_for(discriminator(real), real=True)
                discriminator_loss += loss_for(discriminator(made.detach()), real=False)
                discriminator_optimizer.zero_grad()
                discriminator_loss.backward()
                discriminator_optimizer.step()

                # The generator learns to be taken for real, through the discriminator.
                generator_loss = loss_for(discriminator(made), real=True)
                generator_optimizer.zero_grad()
                generator_loss.backward()
                generator_optimizer.step()

                sums[0] += discriminator_loss.item()
                sums[1] += generator_loss.item()
            score = judge(generator, judge_network, weights.transforms(), fixed)
            means = [each / steps for each in sums]
            table.writerow([epoch, *means, score])
            file.flush()
            draw(generator, fixed[:60], out / f"samples_{epoch:02d}.png")
            print(
                f"epoch {epoch}/{args.epochs}  loss of discriminator {means[0]:.3f}, generator "
                f"{means[1]:.3f}  inception score {score:.2f}",
                flush=True,
            )
    mt.save(generator.state_dict(), out / "generator.npz")
    print(f"saved: generator.npz, samples_01.png to samples_{args.epochs:02d}.png in {out}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    add = parser.add_argument
    add("--backend", choices=["numpy", "cupy", "cpu", "cuda"], default="numpy")
    add("--epochs", type=positive(int), default=10)
    add("--steps", type=positive(int), help="at most so many batches in each epoch")
    add("--images", type=positive(int), default=20_000, help="real pictures to learn from")
    add("--batch-size", type=positive(int), default=32)
    add("--lr", type=positive(float), default=2e-4)
    add("--latent", type=positive(int), default=64, help="random numbers that become a picture")
    add("--width", type=positive(int), default=32, help="channels at 16x16, fewest of all")
    add("--seed", type=int, default=0)
    add("--out", default="runs/dcgan", help="folder for metrics, weights and pictures")
    args = parser.parse_args(argv)
    with one_sentence():
        train(args)


if __name__ == "__main__":
    sys.exit(main())
