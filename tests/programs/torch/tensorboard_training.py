"""Curves for TensorBoard where it is installed, printed otherwise."""

import argparse
import tempfile

import torch
import torch.nn as nn
import torchvision

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:

    class SummaryWriter:
        def __init__(self, log_dir=None):
            self.count = 0

        def add_scalar(self, tag, value, step):
            self.count += 1

        add_image = add_scalar

        def add_histogram(self, tag, values, step):
            self.count += 1

        def close(self):
            pass


parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--no-cuda", action="store_true")
args = parser.parse_args()
torch.manual_seed(1)

with tempfile.TemporaryDirectory() as folder:
    writer = SummaryWriter(folder)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(216, 10)
    )
    optimizer = torch.optim.Adagrad(net.parameters(), lr=0.02)
    images = torch.rand(8, 1, 28, 28)
    labels = torch.arange(8) % 10
    writer.add_image("batch", torchvision.utils.make_grid(images), 0)
    for step in range(args.steps):
        optimizer.zero_grad()
        scores = net(images)
        loss = nn.CrossEntropyLoss(label_smoothing=0.1)(scores, labels)
        loss.backward()
        optimizer.step()
        writer.add_scalar("training loss", loss.item(), step)
        writer.add_histogram("conv", net[0].weight.detach().flatten(), step)
        probabilities = [
            nn.functional.softmax(el, dim=0)[i].item() for i, el in zip(labels, scores)
        ]
        print(f"{step} loss {loss.item():.6f} probability {max(probabilities):.6f}")
    writer.close()
