"""GFLOP/s of each convolution of ResNet-18, ours beside torch's and beside a plain matrix product.

    python benchmarks/conv_layers.py [--batch 64] [--rounds 7] [--out conv_layers]

For each layer (the CIFAR form: 32x32 images) the three products are timed: y from x, the gradient
of x, the gradient of w. GFLOP/s count the operations of the definition, 2 N OH OW KH KW C K; an
algorithm that needs fewer can be above what a matrix product reaches. Ours and torch (in the
quicker of its two memory formats) take turns. Writes OUT.csv and, with matplotlib, OUT.png.
The last rows show how the time of one layer grows with batch, channels and image size.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time

import isa
import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.kernels import conv_geometry

# (channels, filters, image, kernel, stride) of the different convolutions of ResNet-18
RESNET18 = [
    (3, 64, 32, 3, 1),
    (64, 64, 32, 3, 1),
    (64, 128, 32, 3, 2),
    (64, 128, 32, 1, 2),
    (128, 128, 16, 3, 1),
    (128, 256, 16, 3, 2),
    (128, 256, 16, 1, 2),
    (256, 256, 8, 3, 1),
    (256, 512, 8, 3, 2),
    (256, 512, 8, 1, 2),
    (512, 512, 4, 3, 1),
]
WARM_UP = 0.03  # seconds
PRODUCTS = ("forward", "input gradient", "weight gradient")


def growth(batch: int) -> list[tuple]:
    """One layer with one thing changed at a time: (batch, channels, filters, image, ...)."""
    base = (64, 64, 32, 3, 1)
    rows = [(n, *base) for n in (1, 4, 16, batch)]
    rows += [(batch, c, c, 32, 3, 1) for c in (8, 16, 32, 128)]
    return rows + [(batch, 64, 64, size, 3, 1) for size in (4, 8, 16, 64)]


def our_products(x, w, gy, geometry):
    size = x.shape[2:]
    return (
        lambda: kernels.conv2d_forward(x, w, None, geometry),
        lambda: kernels.conv2d_input_grad(gy, w, size, geometry),
        lambda: kernels.conv2d_weight_grad(x, gy, w.shape[2:], geometry),
    )


def torch_products(torch, arrays, geometry, memory_format):
    x, w, gy = (torch.tensor(a).contiguous(memory_format=memory_format) for a in arrays)
    stride, padding = geometry.stride, geometry.before

    def backward(which):
        options = (None, stride, padding, (1, 1), False, (0, 0), 1, which)
        return lambda: torch.ops.aten.convolution_backward(gy, x, w, *options)

    return (
        lambda: torch.conv2d(x, w, None, stride, padding),
        backward((True, False, False)),
        backward((False, True, False)),
    )


def seconds(functions, rounds: int) -> list[float]:
    """The median over the rounds of each function's time; they take turns.

    The threads of the one before may go on spinning for milliseconds, and with as many threads as
    cores they take one from a function of a millisecond. So a function's turn begins with calls
    that do not count. Of three calls that do the best one is taken.
    """
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, measured in zip(functions, times, strict=True):
            began = time.perf_counter()
            while time.perf_counter() - began < WARM_UP:
                function()
            calls = []
            for _ in range(3):
                start = time.perf_counter()
                function()
                calls.append(time.perf_counter() - start)
            measured.append(min(calls))
    return [statistics.median(each) for each in times]


def sgemm_gflops(rounds: int) -> float:
    """What a large matrix product of NumPy's reaches on this machine."""
    a = np.random.default_rng(0).standard_normal((2048, 2048)).astype(np.float32)
    (best,) = seconds([lambda: a @ a], rounds)
    return 2 * 2048**3 / best / 1e9


def measure(torch, batch, C, K, size, kernel, stride, rounds):
    """A row for each product: a dict of what the table shows."""
    geometry = conv_geometry((stride, stride), (kernel // 2, kernel // 2))
    rng = np.random.default_rng(0)
    out = (size + 2 * (kernel // 2) - kernel) // stride + 1
    shapes = (batch, C, size, size), (K, C, kernel, kernel), (batch, K, out, out)
    x, w, gy = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    x, gy = (a.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2) for a in (x, gy))
    ours = our_products(x, w, gy, geometry)
    formats = (torch.contiguous_format, torch.channels_last) if torch else ()
    theirs = [torch_products(torch, (x, w, gy), geometry, each) for each in formats]
    flops = 2 * batch * out * out * kernel * kernel * C * K
    for index, name in enumerate(PRODUCTS):
        ours[index]()
        algorithm = kernels.last_conv().algorithm
        own, *torchs = seconds([ours[index]] + [each[index] for each in theirs], rounds)
        row = dict(batch=batch, channels=C, filters=K, image=size, kernel=kernel, stride=stride)
        row.update(product=name, algorithm=algorithm, ms=own * 1e3, gflops=flops / own / 1e9)
        if torchs:
            row.update(torch_ms=min(torchs) * 1e3, torch_gflops=flops / min(torchs) / 1e9)
            row.update(as_fast=min(torchs) / own)
        yield row


def draw(rows, gemm: float, path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(10, 9), sharex=True, layout="constrained")
    for axis, product in zip(axes, PRODUCTS, strict=True):
        chosen = [row for row in rows if row["product"] == product]
        places = np.arange(len(chosen))
        axis.bar(places - 0.2, [row["gflops"] for row in chosen], 0.4, label="minitorch_cnn")
        if "torch_gflops" in chosen[0]:
            axis.bar(places + 0.2, [row["torch_gflops"] for row in chosen], 0.4, label="torch")
        axis.axhline(gemm, color="black", linewidth=1, label="NumPy's sgemm")
        axis.set_title(product)
        axis.set_ylabel("GFLOP/s")
        name = "{channels}-{filters}\n{kernel}x{kernel}, stride {stride}\n{image} px"
        axis.set_xticks(places, [name.format(**row) for row in chosen], fontsize=8)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="images (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="of which the medians are shown")
    parser.add_argument("--out", default="conv_layers", help="path of the files without ending")
    parser.add_argument("--isa", choices=isa.ISAS, default="native", help="restrict both sides")
    options = parser.parse_args()
    isa.restart_with(options.isa)
    try:
        import torch

        torch.set_num_threads(mt.get_num_threads())
    except ImportError:
        torch = None
    mt.show_config()
    print(isa.in_use())
    gemm = sgemm_gflops(options.rounds)
    print(f"NumPy's sgemm of 2048 x 2048: {gemm:.0f} GFLOP/s")
    layers = [(options.batch, *layer) for layer in RESNET18]
    rows = []
    for title, cases in (("ResNet-18", layers), ("growth", growth(options.batch))):
        print(f"\n{title}: layer, product, algorithm, ms, GFLOP/s; torch's ms and GFLOP/s; ratio")
        for case in cases:
            for row in measure(torch, *case, options.rounds):
                rows.append(row | {"table": title})
                text = (
                    "{batch:4d} {channels:4d}-{filters:<4d}{image:3d}px {kernel}x{kernel}/{stride}"
                )
                text += "  {product:15s} {algorithm:9s}{ms:9.2f} {gflops:6.0f}"
                if torch:
                    text += "  {torch_ms:9.2f} {torch_gflops:6.0f} {as_fast:6.2f}x"
                print(text.format(**row), flush=True)
    with open(options.out + ".csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    draw([row for row in rows if row["table"] == "ResNet-18"], gemm, options.out + ".png")
    print(f"\nwritten: {options.out}.csv, {options.out}.png")


if __name__ == "__main__":
    main()
