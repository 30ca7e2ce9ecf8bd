"""docs/results.md says what the stored metrics say."""

import csv
import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
FILES = {
    ("LeNet-5", "Fashion-MNIST"): "lenet5_fashion_mnist",
    ("CNN with Dropout2d", "Fashion-MNIST"): "fashionnet_fashion_mnist",
    ("LeNet-5", "Shapes"): "lenet5_shapes",
    ("ResNet-20", "Shapes"): "cifar_resnet20_shapes",
    ("ResNet-20", "CIFAR-10"): "cifar_resnet20_cifar10",
    ("VGG for 32x32", "CIFAR-10"): "vgg_cifar10",
    ("AlexNet for 32x32", "CIFAR-10"): "alexnet_cifar10",
    ("ResNet-18 for 32x32", "CIFAR-10"): "resnet18_cifar10",
    ("three blocks, three linear layers", "CIFAR-10"): "threeblock_cifar10",
    ("ResNet-14", "CIFAR-10"): "resnet14_cifar10_steplr",
    ("network of the speedrun", "CIFAR-10"): "speedrun_cifar10",
    ("U-Net", "drawn by the program"): "segment_shapes",
    ("variational autoencoder", "Fashion-MNIST"): "autoencoder_fashion_mnist",
    ("DCGAN", "Shapes"): "dcgan_shapes",
    ("ESPCN", "CIFAR-10"): "super_resolution_cifar10",
}
# What is measured: the column of the metrics, and how it is printed.
MEASURES = {
    "mean IoU": ("mean_iou", "{:.2f} %"),
    "PSNR": ("test_psnr", "{:.2f} dB"),
    "inception score": ("inception_score", "{:.2f}"),
}


def test_the_tables_are_what_was_measured():
    text = (DOCS / "results.md").read_text("utf-8")
    tables = [block.splitlines()[2:] for block in re.findall(r"(?:^\|.+\|\n)+", text, re.M)]
    accuracies, others = [[row[2:-2].split(" | ") for row in table] for table in tables]
    assert len(accuracies) + len(others) == len(list((DOCS / "results").glob("*.csv")))
    for row in accuracies + others:
        network, data, command, epochs, measure, reached = row
        column, form = ("test_accuracy", "{:.2f} %") if row in accuracies else MEASURES[measure]
        with open(DOCS / "results" / f"{FILES[network, data]}.csv", newline="") as file:
            metrics = list(csv.DictReader(file))
        assert len(metrics) == int(metrics[-1]["epoch"]) == int(epochs)
        assert f"--epochs {epochs}" in command
        assert form.format(float(metrics[-1][column])) == reached
