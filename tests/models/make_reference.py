"""Writes reference.npz: what torchvision's models have and compute, for tests without torchvision.

    pip install torch==2.14.1 torchvision==0.29.1
    python tests/models/make_reference.py

Weights and images are made by `values` from their names and shapes, here and in the tests alike, so
none of them has to be stored. Stored are, for each model NAME:

    keys/NAME    the state dict: one line "name shape" each, compressed
    text/NAME    the model's repr, with all settings of all layers, compressed
    eval/NAME    scores of the model in evaluation mode
    train/NAME   scores in training mode without dropout, those of auxiliary classifiers after them
    grads/NAME   for each parameter, of the gradient G of sum(scores * R), R random: |G|, sum(G * R)
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np

PATH = Path(__file__).parent / "reference.npz"
CLASSES = 10
PERIOD = 10_007  # a prime, so that rows of a matrix do not begin alike

# name: (height and width of the images, dtype) of the comparison in evaluation mode; float32 where
# float64 would take a gigabyte. Sizes are such that poolings do not come out even.
EVAL = {
    "alexnet": (255, "float32"),
    "vgg11_bn": (32, "float32"),
    "resnet18": (48, "float64"),
    "resnet34": (40, "float64"),
    "resnet50": (48, "float64"),
    "resnet101": (33, "float32"),
    "resnet152": (33, "float32"),
    "resnext50_32x4d": (40, "float64"),
    "wide_resnet50_2": (33, "float32"),
    "googlenet": (64, "float64"),
    "inception_v3": (96, "float64"),
    "densenet121": (48, "float64"),
    "densenet161": (32, "float32"),
    "densenet169": (32, "float64"),
    "densenet201": (32, "float64"),
    "squeezenet1_0": (61, "float64"),
    "squeezenet1_1": (66, "float64"),
    "mobilenet_v2": (64, "float64"),
}

# name: (arguments, height and width), in float64. No dropout: it is random.
TRAIN = {
    "resnet18": ({}, 48),
    "resnet50": ({"replace_stride_with_dilation": [False, True, True]}, 33),
    "resnext50_32x4d": ({}, 40),
    "googlenet": ({"dropout": 0.0, "dropout_aux": 0.0, "transform_input": True}, 50),
    "inception_v3": ({"dropout": 0.0, "aux_logits": False, "transform_input": True}, 107),
    "densenet121": ({}, 64),
    "squeezenet1_0": ({"dropout": 0.0}, 40),
    "squeezenet1_1": ({"dropout": 0.0}, 40),
    "mobilenet_v2": ({"dropout": 0.0, "width_mult": 0.75}, 64),
}

# Models whose linear part is too large for gradients: only `features` is compared in training mode.
FEATURES = {
    "alexnet": 63,
    "vgg11": 32,
    "vgg13_bn": 32,
    "vgg16": 32,
    "vgg19_bn": 32,
}

KEYS = [
    *EVAL,
    *("vgg11", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
]


def values(name: str, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    """Deterministic values that keep the size of activations, for a parameter or buffer.

    Uniform numbers from a counter-based generator whose raw output NumPy guarantees to stay.
    """
    if name.endswith("num_batches_tracked"):
        return np.array(3, np.int64)
    count = math.prod(shape)
    raw = np.random.Philox(key=zlib.crc32(name.encode())).random_raw(min(count, PERIOD))
    uniform = raw / 2.0**64
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        numbers = uniform + 0.5
    elif name.endswith(("running_mean", "bias")):
        numbers = 0.2 * (uniform - 0.5)
    else:
        variance = 2 / math.prod(shape[1:]) if name.endswith("weight") else 1
        numbers = math.sqrt(12 * variance) * (uniform - 0.5)
    return np.resize(numbers.astype(dtype), shape)


def main() -> None:
    import torch
    import torchvision

    def filled(name: str, dtype: str, **arguments: object) -> torch.nn.Module:
        model = torchvision.models.get_model(name, num_classes=CLASSES, **arguments)
        state = {
            key: torch.from_numpy(values(key, tuple(value.shape), dtype))
            for key, value in model.state_dict().items()
        }
        model.load_state_dict(state, assign=True)
        return model

    def images(size: int, dtype: str, count: int) -> torch.Tensor:
        return torch.from_numpy(values("images", (count, 3, size, size), dtype))

    def trained(module: torch.nn.Module, size: int) -> tuple[np.ndarray, np.ndarray]:
        outputs = module.train()(images(size, "float64", 4))
        scores = torch.cat(list(outputs)) if isinstance(outputs, tuple) else outputs
        (scores * torch.from_numpy(values("cotangent", tuple(scores.shape)))).sum().backward()
        gradients = []
        for key, parameter in module.named_parameters():
            gradient = parameter.grad.numpy()
            direction = values(key + ".direction", gradient.shape)
            gradients.append((np.linalg.norm(gradient), (gradient * direction).sum()))
        return scores.detach().numpy(), np.array(gradients)

    torch.manual_seed(0)
    stored: dict[str, np.ndarray] = {}
    for name in KEYS:
        model = torchvision.models.get_model(name)
        state = model.state_dict()
        lines = "".join(f"{key} {list(value.shape)}\n" for key, value in state.items())
        stored[f"keys/{name}"] = np.frombuffer(zlib.compress(lines.encode(), 9), np.uint8)
        stored[f"text/{name}"] = np.frombuffer(zlib.compress(repr(model).encode(), 9), np.uint8)
    for name, (size, dtype) in EVAL.items():
        model = filled(name, dtype).eval()
        with torch.no_grad():
            stored[f"eval/{name}"] = model(images(size, dtype, 2)).numpy()
    for name, (arguments, size) in TRAIN.items():
        model = filled(name, "float64", **arguments)
        stored[f"train/{name}"], stored[f"grads/{name}"] = trained(model, size)
    for name, size in FEATURES.items():
        model = filled(name, "float64").features
        stored[f"train/{name}"], stored[f"grads/{name}"] = trained(model, size)
    # Inception's auxiliary classifier needs images of 289x289; here it gets its input alone.
    aux = filled("inception_v3", "float64").AuxLogits.train()
    features = torch.from_numpy(values("images", (2, 768, 17, 17)))
    stored["train/inception_v3.AuxLogits"] = aux(features).detach().numpy()
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
