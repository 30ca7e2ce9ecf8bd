"""What networks are made of by manual_seed(0): the same code for both libraries.

python tests/models/initial_weights.py     (with torchvision: writes initial_weights.json)
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
# One of each way to initialise.
MODELS = {
    "densenet121": {}, "googlenet": {"init_weights": True}, "mobilenet_v2": {}, "resnet18": {},
    "squeezenet1_1": {},
    "VisionTransformer": {
        "image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16,
        "mlp_dim": 32, "representation_size": 12,
    },
    "SwinTransformer": {
        "patch_size": [4, 4], "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4],
        "window_size": [4, 3],
    },
}  # fmt: skip


def sums(lib, models, name):
    """[sum of all parameters, sum of their absolute values, the next random number]."""
    lib.manual_seed(0)
    model = getattr(models, name)(**MODELS[name])
    values = [p.detach().numpy().astype(np.float64) for p in model.parameters()]
    total = sum(each.sum() * (i % 7 + 1) for i, each in enumerate(values))
    return [float(total), float(sum(np.abs(each).sum() for each in values)), lib.rand(1).item()]


if __name__ == "__main__":
    import torch
    from torchvision import models

    STORED.write_text(json.dumps({name: sums(torch, models, name) for name in MODELS}) + "\n")
