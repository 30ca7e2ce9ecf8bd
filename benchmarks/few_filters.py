"""Where an implicit product of few filters is faster than im2col: the choice of algorithm.py.

    python benchmarks/few_filters.py [--isa avx2] [--rounds 5]

Times both on one thread, in turns, and prints the time of im2col divided by that of the implicit
product, for forward, weight gradient and input gradient; the smallest time of all rounds counts, by
the processor's clock of this process. A star: the implicit product is what is chosen.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import isa
import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.commandline import HelpFormatter
from minitorch_cnn.kernels import conv_geometry

KERNELS = (
    ((5, 5), 1),
    ((9, 9), 1),
    ((7, 1), 1),
    ((1, 7), 1),
    ((1, 1), 1),
    ((3, 3), 2),
    ((5, 5), 2),
)
SIZES, CHANNELS, FILTERS = (32, 14, 8, 7), (16, 64), (1, 3, 8, 16, 32, 64)
MULTIPLICATIONS = 2e8  # of a product, about


def seconds(product, algorithm):
    with mt.conv_algorithm(algorithm):
        began = time.process_time()
        product()
        return time.process_time() - began


def ratio(product, rounds):
    """im2col's time over the implicit product's, and a star if the latter is chosen."""
    product()
    star = "*" if mt.last_conv().algorithm == "implicit_gemm" else " "
    best = {"im2col": float("inf"), "implicit_gemm": float("inf")}
    for _ in range(rounds + 1):
        for algorithm in best:
            best[algorithm] = min(best[algorithm], seconds(product, algorithm))
    return f"{best['im2col'] / best['implicit_gemm']:5.2f}{star}"


def in_memory(rng, images, channels, size):
    """Random images, channels last."""
    shape = images, size, size, channels
    return rng.standard_normal(shape, dtype=np.float32).transpose(0, 3, 1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--isa", choices=isa.ISAS, default="native", help="the instruction set")
    args = parser.parse_args()
    isa.restart_with(args.isa)
    print(isa.in_use())
    mt.set_num_threads(1)
    rng = np.random.default_rng(0)
    print(
        f"{'kernel, stride, outputs, channels':>34s}" + "".join(f"{K:13d} filters" for K in FILTERS)
    )
    for kernel, stride in KERNELS:
        geometry = conv_geometry((stride, stride), tuple(k // 2 for k in kernel))
        for size in SIZES:
            for C in CHANNELS:
                row = f"{kernel[0]}x{kernel[1]} / {stride}, {size}, {C}"
                print(f"{row:>34s}", end="", flush=True)
                for K in FILTERS:
                    work = C * K * kernel[0] * kernel[1] * size * size
                    images = min(max(int(MULTIPLICATIONS / work), 1), 64)
                    x, gy = (
                        in_memory(rng, images, n, s) for n, s in ((C, size * stride), (K, size))
                    )
                    w = rng.standard_normal((K, C, *kernel), dtype=np.float32)
                    products = [
                        partial(kernels.conv2d_forward, x, w, None, geometry),
                        partial(kernels.conv2d_weight_grad, x, gy, kernel, geometry),
                    ]
                    if stride == 1:
                        products.append(
                            partial(kernels.conv2d_input_grad, gy, w, (size, size), geometry)
                        )
                    print(" ", *(ratio(product, args.rounds) for product in products), end="")
                print(flush=True)


if __name__ == "__main__":
    main()
