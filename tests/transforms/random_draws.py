"""What random transforms make of an image after a seed: the same code for both libraries.

python tests/transforms/random_draws.py     (with torchvision: writes random_draws.json)
"""

import json
import random
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
SEEDS = range(4)

CASES = {
    "crop": lambda T: T.RandomCrop(20),
    "crop of a padded image": lambda T: T.RandomCrop(32, padding=4),
    "crop of the whole image": lambda T: T.RandomCrop((37, 53)),
    "horizontal flip": lambda T: T.RandomHorizontalFlip(),
    "vertical flip": lambda T: T.RandomVerticalFlip(0.3),
    "resized crop": lambda T: T.RandomResizedCrop(16, antialias=True),
    "resized crop in the middle": lambda T: T.RandomResizedCrop(16, (0.9, 1), (3.0, 3.5)),
    "rotation": lambda T: T.RandomRotation(30),
    "affine": lambda T: T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), (-5, 5, -3, 3)),
    "affine with one shear": lambda T: T.RandomAffine(20, shear=7),
    "colours": lambda T: T.ColorJitter(0.4, 0.3, 0.2, 0.1),
    "brightness": lambda T: T.ColorJitter(brightness=0.4),
    "erasing": lambda T: T.RandomErasing(0.7),
    "erasing in random colours": lambda T: T.RandomErasing(0.9, value="random"),
    "grey": lambda T: T.RandomGrayscale(0.5),
    "blur": lambda T: T.GaussianBlur(3),
    "negative": lambda T: T.RandomInvert(),
    "solarize": lambda T: T.RandomSolarize(0.5),
    "sharpness": lambda T: T.RandomAdjustSharpness(2.0),
    "autocontrast": lambda T: T.RandomAutocontrast(),
    "perhaps": lambda T: T.RandomApply([T.RandomCrop(20)], 0.5),
    "one of three": lambda T: T.RandomChoice(
        [T.RandomCrop(20), T.RandomCrop(22), T.RandomCrop(24)]
    ),
    "any order": lambda T: T.RandomOrder(
        [T.RandomCrop(20, pad_if_needed=True), T.RandomHorizontalFlip(), T.RandomVerticalFlip()]
    ),
}


def results(lib, transforms, kind="float32"):
    """{case: [shape, two sums over the result, the next random number of both generators]}.

    kind: the default dtype, of which the transforms draw their numbers.
    """
    before = lib.get_default_dtype()
    lib.set_default_dtype(getattr(lib, kind))
    try:
        return _results(lib, transforms)
    finally:
        lib.set_default_dtype(before)


def _results(lib, transforms):
    image = lib.arange(3 * 37 * 53).reshape(3, 37, 53).float() / (3 * 37 * 53)
    found = {}
    for name, make in CASES.items():
        found[name] = []
        for seed in SEEDS:
            lib.manual_seed(seed)
            random.seed(seed)
            y = np.asarray(make(transforms)(image).numpy(), np.float64)
            weights = np.arange(y.size) % 997
            sums = [float(y.sum()), float((y.ravel() * weights).sum() / weights.sum())]
            found[name].append([list(y.shape), *sums, lib.rand(1).item(), random.random()])
    return found


if __name__ == "__main__":
    import torch
    from torchvision import transforms

    kinds = ("float32", "float64")
    found = {kind: results(torch, transforms, kind) for kind in kinds}
    STORED.write_text(json.dumps(found) + "\n")
