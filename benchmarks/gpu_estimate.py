"""The least time that a training step can take on a GPU, on paper: the tables of docs/gpu.md.

    python benchmarks/gpu_estimate.py [--model resnet18] [--batch 128] [--gpu h100-sxm]

For each kind of kernel: the bytes that it must read and write, the floating-point operations, and
what both take at the GPU's peak rates. A kernel cannot be quicker than the longer of the two. Real
kernels reach perhaps two thirds of the bandwidth and half of the arithmetic of large products, and
launching costs time too; none of that is in here. Nothing is measured.

A convolution is counted as kernels/cuda does it: patches written to memory (im2col), a matrix
product, and for the input's gradient a product and its patches added up (col2im).
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.models.resnet import BasicBlock

# Bytes and operations a second, from NVIDIA's data sheets (dense, without sparsity).
GPUS = {
    "h100-sxm": dict(bandwidth=3.35e12, float32=67e12, tf32=494.7e12, float16=989.4e12),
    "h100-pcie": dict(bandwidth=2.0e12, float32=51e12, tf32=378e12, float16=756e12),
    "a100-sxm": dict(bandwidth=2.04e12, float32=19.5e12, tf32=156e12, float16=312e12),
    "rtx4090": dict(bandwidth=1.01e12, float32=82.6e12, tf32=82.6e12, float16=165.2e12),
}
ROWS = [
    "im2col",
    "products, forward",
    "products, gradient of inputs",
    "col2im",
    "products, gradient of weights",
    "batch norm + ReLU, forward",
    "batch norm + ReLU, backward",
    "pool, linear, loss",
    "SGD with momentum",
]


def shapes_of_layers(model: nn.Module, size: int) -> list[tuple]:
    """(layer, shape of its input, shape of its output) in the order of their calls, for 1 image."""
    found: list[tuple] = []

    def note(layer, inputs, y):
        found.append((layer, inputs[0].shape, y.shape))

    handles = [module.register_forward_hook(note) for module in model.modules()]
    with mt.no_grad():
        model.eval()(mt.zeros(1, 3, size, size))
    for handle in handles:
        handle.remove()
    return found


def work(model: nn.Module, batch: int, itemsize: int, size: int = 32) -> dict[str, list[float]]:
    """{kind of kernel: [bytes, operations]} of one training step."""
    total: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(kind: str, numbers: float, operations: float = 0.0, width: int = itemsize) -> None:
        total[kind][0] += numbers * width
        total[kind][1] += operations

    for layer, x_shape, y_shape in shapes_of_layers(model, size):
        x, y = batch * math.prod(x_shape[1:]), batch * math.prod(y_shape[1:])
        if isinstance(layer, nn.Conv2d):
            KH, KW = layer.kernel_size
            patches = layer.stride == (1, 1) == (KH, KW)
            cols = y // y_shape[1] * x_shape[1] // layer.groups * KH * KW
            w, operations = layer.weight.numel(), 2.0 * cols * y_shape[1]
            if not patches:  # forward, and again for the gradient of the weights
                add("im2col", 2 * (x + cols))
            add("products, forward", cols + w + y, operations)
            if x_shape[1] > 3:  # the images need no gradient
                add("products, gradient of inputs", y + w + cols, operations)
                if not patches:
                    add("col2im", cols + x)
            add("products, gradient of weights", cols + y + w, operations)
        elif isinstance(layer, nn.BatchNorm2d):
            # statistics read x; normalising reads x, writes y
            add("batch norm + ReLU, forward", 3 * x, 6.0 * x)
            # two passes over gy, x and y (for the mask of the ReLU), one of which writes gx
            add("batch norm + ReLU, backward", 7 * x, 10.0 * x)
        elif isinstance(layer, BasicBlock):  # the other branch: read and added, both ways
            add("batch norm + ReLU, forward", y, y)
            add("batch norm + ReLU, backward", 2 * y, y)
        elif isinstance(layer, nn.AdaptiveAvgPool2d | nn.Linear):
            add("pool, linear, loss", 3 * (x + y), 6.0 * x)
    parameters = sum(each.numel() for each in model.parameters())
    add("SGD with momentum", 5 * parameters, 6.0 * parameters, 4)  # float32 in any case
    return total


def rows(model: nn.Module, batch: int, gpu: str, kind: str) -> dict[str, list[float]]:
    """{kind of kernel: [GB, GFLOP, ms by bandwidth, ms by arithmetic, the longer of the two]}

    kind: how products are calculated: "float32", "tf32" or "float16".
    """
    rates, total = GPUS[gpu], work(model, batch, 2 if kind == "float16" else 4)
    result = {}
    for row in ROWS:
        moved, operations = total[row]
        rate = rates[kind] if row.startswith("products") else rates["float32"]
        times = 1e3 * moved / rates["bandwidth"], 1e3 * operations / rate
        result[row] = [moved / 1e9, operations / 1e9, *times, max(times)]
    return result


def floor(model: nn.Module, batch: int, gpu: str, kind: str) -> float:
    """Milliseconds that a step takes at least."""
    return sum(numbers[4] for numbers in rows(model, batch, gpu, kind).values())


def table(model: nn.Module, batch: int, gpu: str, kind: str) -> str:
    """The rows and their sum in Markdown."""
    every = rows(model, batch, gpu, kind)
    sums = [sum(column) for column in zip(*every.values(), strict=True)]
    without = sums[4] - every["im2col"][4] - every["col2im"][4]
    return "\n".join(
        [
            "| kernels | GB | GFLOP | ms by bandwidth | ms by arithmetic | floor, ms |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *[line(name, numbers) for name, numbers in every.items()],
            line("**step**", sums),
            "",
            f"Floor: {sums[4]:.2f} ms a step, {batch / sums[4] * 1e3:,.0f} images a second. "
            f"With im2col and col2im done inside the products: {without:.2f} ms.",
        ]
    )


def line(name: str, numbers: list[float]) -> str:
    moved, operations, *times = numbers
    cells = [f"{moved:.2f}", f"{operations:,.0f}", *(f"{each:.2f}" for each in times)]
    return f"| {name} | {' | '.join(cells)} |"


def report(name: str, batch: int, gpu: str) -> str:
    """The tables for float32, TF32 and float16 products."""
    mt.manual_seed(0)
    model = getattr(models.cifar, name)()
    titles = {"float32": "float32", "tf32": "float32 with TF32 products", "float16": "float16"}
    parts = [
        f"### {name}, batch {batch}, {gpu}, {titles[kind]}\n\n{table(model, batch, gpu, kind)}"
        for kind in titles
    ]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="resnet18", help="a network for 32x32 images")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--gpu", choices=list(GPUS), default="h100-sxm")
    args = parser.parse_args()
    print(report(args.model, args.batch, args.gpu))


if __name__ == "__main__":
    main()
