"""Fits the constants by which kernels/algorithm.py chooses between Winograd and a plain product.

    python benchmarks/cost_model.py [--rounds 5] [--isa avx2]

Times 3x3 layers of many shapes by both algorithms, in turns, and prints for each product which one
was quicker, which one is chosen, and how much slower the choice is than the better one. Then the
constants that fit these times best: least squares of relative errors, for a plain product

    time = unit * N * OH * OW * 9 * (C K + PATCH_COST * channels copied)

and for Winograd's with tiles of 4x4 pixels

    time = unit * 36 * (tiles * (C K + TRANSFORM_COST * (C + K) / 2) + KERNEL_COST / 9 * C K).

The units differ; the constants of the second line are given in units of the first.
"""

from __future__ import annotations

import argparse
import statistics
import time

import isa
import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.kernels import conv_geometry

PRODUCTS = ("forward", "input_grad", "weight_grad")


def cases():
    """(images, channels, filters, size): of CIFAR networks, and of some at 224 pixels."""
    for images, size in ((128, 32), (128, 16), (64, 8), (64, 4), (8, 56), (4, 28), (8, 14)):
        for channels in (8, 16, 32, 64, 128, 256):
            if images * size * size * channels * channels <= 128 * 16 * 16 * 128 * 128:
                yield images, channels, channels, size
    yield from ((128, 16, 64, 32), (128, 64, 16, 32), (64, 128, 256, 8), (64, 256, 128, 8))


def products(images, channels, filters, size):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, size, size, channels)).astype(np.float32)
    gy = rng.standard_normal((images, size, size, filters)).astype(np.float32)
    w = rng.standard_normal((filters, channels, 3, 3)).astype(np.float32)
    x, gy = x.transpose(0, 3, 1, 2), gy.transpose(0, 3, 1, 2)
    border = conv_geometry(padding=1)
    return (
        lambda: kernels.conv2d_forward(x, w, None, border),
        lambda: kernels.conv2d_input_grad(gy, w, (size, size), border),
        lambda: kernels.conv2d_weight_grad(x, gy, (3, 3), border),
    )


def seconds(product, algorithm):
    with mt.conv_algorithm(algorithm):
        began = time.perf_counter()
        product()
        return time.perf_counter() - began


def measure(product, rounds):
    """The algorithm that is chosen, and the seconds of each: {"im2col": ..., "winograd": ...}."""
    product()
    chosen = mt.last_conv().algorithm
    plain = "im2col" if chosen == "winograd" else chosen
    times = {plain: [], "winograd": []}
    repeats = max(1, int(0.02 / seconds(product, "winograd")))
    for algorithm in times:
        seconds(product, algorithm)
    for _ in range(rounds):
        for algorithm, each in times.items():
            each.append(min(seconds(product, algorithm) for _ in range(repeats)))
    return chosen, {algorithm: statistics.median(each) for algorithm, each in times.items()}


def fit(terms, times):
    """The factors of the terms, each 0 or more, for the smallest relative errors."""
    scaled = np.array(terms) / np.array(times)[:, None]
    kept = list(range(scaled.shape[1]))
    while True:
        factors = np.linalg.lstsq(scaled[:, kept], np.ones(len(times)), rcond=None)[0]
        if (factors > 0).all() or len(kept) == 1:
            break
        kept.pop(int(factors.argmin()))
    result = np.zeros(scaled.shape[1])
    result[kept] = factors
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=isa.ISAS, default="native", help="the instruction set")
    args = parser.parse_args()
    isa.restart_with(args.isa)
    print(isa.in_use())
    plain_terms, plain_times, winograd_terms, winograd_times, losses = [], [], [], [], []
    for case in cases():
        images, C, K, size = case
        for name, product in zip(PRODUCTS, products(*case), strict=True):
            chosen, times = measure(product, args.rounds)
            plain = next(algorithm for algorithm in times if algorithm != "winograd")
            best = min(times, key=times.get)
            losses.append(times[chosen] / times[best])
            read = K if name == "input_grad" else C
            tiles = images * (-(-size // 4)) ** 2
            if plain == "im2col":
                pixels = images * size * size * 9
                plain_terms.append((pixels * C * K, pixels * read))
                plain_times.append(times[plain])
            winograd_terms.append((36 * tiles * C * K, 18 * tiles * (C + K), 4 * C * K))
            winograd_times.append(times["winograd"])
            mark = "" if chosen == best else f"   {losses[-1]:.2f}x the better one's time"
            print(
                f"{images:4d} images {C:4d}-{K:<4d}{size:3d}px {name:12s}"
                f" {plain} {1e3 * times[plain]:8.2f} ms  winograd {1e3 * times['winograd']:8.2f} ms"
                f"  chosen: {chosen}{mark}",
                flush=True,
            )
    unit, patch = fit(plain_terms, plain_times)
    multiply, transform, kernel = fit(winograd_terms, winograd_times)
    print(f"chosen against the better: mean {np.mean(losses):.3f}x, worst {max(losses):.2f}x")
    print(
        f"PATCH_COST {patch / unit:.1f}, TRANSFORM_COST {transform / unit:.1f}, "
        f"KERNEL_COST {kernel / unit:.1f}; a multiplication of Winograd's {multiply / unit:.2f}"
    )


if __name__ == "__main__":
    main()
