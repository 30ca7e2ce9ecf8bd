"""Says what is in a picture: the five most probable classes, by a trained checkpoint.

python examples/predict.py runs/resnet cat.jpg dog.png
"""

from __future__ import annotations

import argparse

import numpy as np

import minitorch_cnn as mt
from minitorch_cnn.commandline import announce_compiling, one_sentence
from minitorch_cnn.explain.subject import load_trained, read_picture
from minitorch_cnn.nn import functional as F


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", help="best.npz or last.npz of a run, or its folder")
    parser.add_argument("images", nargs="+", help="picture files")
    args = parser.parse_args(argv)
    announce_compiling()
    with one_sentence():
        predict(args)


def predict(args):
    trained = load_trained(args.checkpoint)
    size, channels, resize = trained.image_size, trained.in_channels, trained.resize
    pictures = np.stack([read_picture(path, size, channels, resize) for path in args.images])
    with mt.no_grad():
        probabilities = F.softmax(trained.model(trained.normalize(pictures)), dim=1)
    values, indices = probabilities.topk(min(5, len(trained.classes)), dim=1)
    for path, row, names in zip(args.images, values.tolist(), indices.tolist(), strict=True):
        print(path)
        for probability, index in zip(row, names, strict=True):
            print(f"  {100 * probability:5.1f} %  {trained.classes[index]}")


if __name__ == "__main__":
    main()
