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
}


def test_the_table_is_what_was_measured():
    rows = re.findall(r"^\| (.+) \|$", (DOCS / "results.md").read_text("utf-8"), re.M)[2:]
    table = [row.split(" | ") for row in rows]
    assert len(table) == len(list((DOCS / "results").glob("*.csv")))
    for network, data, command, epochs, _, reached in table:
        with open(DOCS / "results" / f"{FILES[network, data]}.csv", newline="") as file:
            metrics = list(csv.DictReader(file))
        assert len(metrics) == int(metrics[-1]["epoch"]) == int(epochs)
        assert f"--epochs {epochs}" in command
        assert f"{float(metrics[-1]['test_accuracy']):.2f} %" == reached
