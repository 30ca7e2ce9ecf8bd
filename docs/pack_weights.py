"""Puts a trained network into the package: minitorch_cnn/models/trained/NAME.safetensors and .json.

    python docs/pack_weights.py runs/lenet/last lenet5_fashion_mnist --license "MIT (Zalando SE)" \\
        --data-dir /usr/share/datasets/fashion-mnist

The weights are rounded to float16; the accuracy on the test images is measured before and after.
"""

from __future__ import annotations

import argparse
import json
import shlex

import minitorch_cnn as mt
import numpy as np
from minitorch_cnn import datasets
from minitorch_cnn.explain.subject import Trained, load_trained
from minitorch_cnn.models.packaged import FOLDER
from minitorch_cnn.serialization import save_safetensors

# What a run's folder says of the data, and how the data sets are called in print.
DATASETS = {
    "fashionmnist": ("Fashion-MNIST", datasets.FashionMNIST),
    "cifar10": ("CIFAR-10", datasets.CIFAR10),
    "shapes": ("Shapes", datasets.Shapes),
}


def accuracy(trained: Trained, pictures: np.ndarray, labels: np.ndarray) -> float:
    """Of the test images, in percent. pictures: uint8 (N, H, W, C)."""
    right = 0
    for start in range(0, len(labels), 500):
        with mt.no_grad():
            scores = trained.model(trained.normalize(pictures[start : start + 500]))
        right += int((scores.argmax(1).numpy() == labels[start : start + 500]).sum())
    return round(100 * right / len(labels), 2)


def command(config: dict) -> str:
    """The line that trains the same network again."""
    left_out = ("backend", "data_dir", "out", "resume", "eval_only", "minitorch_cnn", "classes")
    words = ["python", "examples/train_resnet_cifar.py"]
    for name, value in config.items():
        option = "--" + name.replace("_", "-")
        if name in left_out or value is None:
            continue
        if isinstance(value, bool):
            words += [option] if value else ["--no-augment"] if name == "augment" else []
        else:
            words += [option, str(value)]
    return shlex.join(words)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "run", help="the checkpoint, runs/x/last: not best, which the test images chose"
    )
    parser.add_argument("name", help="of the two files")
    parser.add_argument("--license", required=True, help="of the data")
    parser.add_argument("--data-dir", default="data")
    args = parser.parse_args()

    trained = load_trained(args.run)
    config = trained.config
    title, dataset = DATASETS[config["dataset"]]
    data = dataset(train=False) if title == "Shapes" else dataset(args.data_dir, train=False)
    pictures = np.asarray(data.data).reshape(len(data), *np.shape(data.data)[1:3], -1)
    labels = np.asarray(data.targets)

    before = accuracy(trained, pictures, labels)
    state = trained.model.state_dict()
    parameters = sum(parameter.numel() for parameter in trained.model.parameters())
    half = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    trained.model.load_state_dict(half)
    after = accuracy(trained, pictures, labels)
    print(f"{args.name}: {before} %, in float16 {after} % of {len(labels)} test images")

    arguments = {"num_classes": len(trained.classes), "in_channels": trained.in_channels}
    if config["arch"] == "lenet5":
        arguments["padding"] = 2 if trained.image_size == 28 else 0
    meta = {
        "categories": trained.classes,
        "num_classes": len(trained.classes),
        "num_params": parameters,
        "min_size": [trained.image_size] * 2,
        "image_size": trained.image_size,
        "arguments": arguments,
        "mean": list(trained.mean),
        "std": list(trained.std),
        "_metrics": {title: {"acc@1": after, "acc@1 before rounding": before}},
        "recipe": command(config),
        "license": args.license,
    }
    FOLDER.mkdir(exist_ok=True)
    save_safetensors(half, FOLDER / f"{args.name}.safetensors")
    text = json.dumps(meta, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / f"{args.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
