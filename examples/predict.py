"""Says what is in a picture: the five most probable classes, by a trained checkpoint.

python examples/predict.py runs/resnet/best.npz cat.jpg dog.png
"""

from __future__ import annotations

import argparse
import sys
from types import SimpleNamespace

import harness
import numpy as np
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import transforms
from minitorch_cnn.nn import functional as F


def load_network(path):
    """The trained network in evaluation mode, and the checkpoint it came from."""
    checkpoint = harness.read_checkpoint(path)
    config = SimpleNamespace(**checkpoint["config"])
    data = SimpleNamespace(classes=checkpoint["classes"], in_channels=checkpoint["in_channels"])
    model = harness.build_model(config, data)
    model.load_state_dict(checkpoint["model"])
    return model.eval(), checkpoint


def read_image(path, size, channels):
    """A picture file as uint8 (size, size, channels): scaled to the short side, middle cut out."""
    try:
        with Image.open(path) as picture:
            picture = picture.convert("L" if channels == 1 else "RGB")
    except OSError as error:
        sys.exit(f"error: cannot read the picture {path}: {error}")
    picture = transforms.CenterCrop(size)(transforms.Resize(size)(picture))
    return np.asarray(picture).reshape(size, size, channels)


@mt.no_grad()
def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", help="best.npz or last.npz of a run")
    parser.add_argument("images", nargs="+", help="picture files")
    args = parser.parse_args(argv)
    try:
        model, checkpoint = load_network(args.checkpoint)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")

    classes, channels = checkpoint["classes"], checkpoint["in_channels"]
    size = 28 if checkpoint["config"]["dataset"].endswith("mnist") else 32
    pictures = np.stack([read_image(path, size, channels) for path in args.images])
    normalize = transforms.BatchAugment(checkpoint["mean"], checkpoint["std"]).eval()
    probabilities = F.softmax(model(normalize(mt.from_numpy(pictures))), dim=1)
    values, indices = probabilities.topk(min(5, len(classes)), dim=1)
    for path, row, names in zip(args.images, values.tolist(), indices.tolist(), strict=True):
        print(path)
        for probability, index in zip(row, names, strict=True):
            print(f"  {100 * probability:5.1f} %  {classes[index]}")


if __name__ == "__main__":
    main()
