"""Milliseconds of depthwise convolutions as in MobileNets and EfficientNets, beside torch's.

    python benchmarks/depthwise_layers.py [--batch 32] [--rounds 7]

A depthwise convolution does little with each number that it reads, so what it takes is mostly the
way to memory and back: GB/s count every array once. Ours and torch take turns, and torch is shown
in both of its memory formats; the last column is ours against the quicker one.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from conv_layers import PRODUCTS, our_products, seconds

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.backend import arrays as memory
from minitorch_cnn.kernels import conv_geometry

# (channels, image, kernel, stride)
LAYERS = [
    (32, 112, 3, 1),
    (64, 56, 3, 2),
    (144, 28, 3, 1),
    (144, 28, 5, 1),
    (384, 14, 3, 1),
    (512, 14, 3, 1),
    (960, 7, 3, 1),
]


def torch_products(torch, arrays, geometry, memory_format):
    x, w, gy = (torch.tensor(a).contiguous(memory_format=memory_format) for a in arrays)
    stride, padding, groups = geometry.stride, geometry.before, geometry.groups

    def backward(which):
        options = (None, stride, padding, (1, 1), False, (0, 0), groups, which)
        return lambda: torch.ops.aten.convolution_backward(gy, x, w, *options)

    return (
        lambda: torch.conv2d(x, w, None, stride, padding, groups=groups),
        backward((True, False, False)),
        backward((False, True, False)),
    )


def as_of_a_layer(x):
    """The same numbers as a layer leaves them: channels-last, beginning at a line of the cache."""
    last = x.transpose(0, 2, 3, 1)
    copy = memory.empty(last.shape)
    copy[...] = last
    return copy.transpose(0, 3, 1, 2)


def pause():
    """Until the threads of what ran before have stopped looking for more work."""
    time.sleep(0.02)


def measure(torch, batch, C, size, kernel, stride, rounds):
    """For each product (its name, GB, the seconds of ours, and of torch's two formats)."""
    geometry = conv_geometry((stride, stride), (kernel // 2, kernel // 2), (1, 1), C)
    out = kernels.output_size((size, size), (kernel, kernel), geometry)
    rng = np.random.default_rng(0)
    shapes = (batch, C, size, size), (C, 1, kernel, kernel), (batch, C, *out)
    x, w, gy = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
    x, gy = as_of_a_layer(x), as_of_a_layer(gy)
    ours = our_products(x, w, gy, geometry)
    formats = (torch.contiguous_format, torch.channels_last) if torch else ()
    theirs = [torch_products(torch, (x, w, gy), geometry, each) for each in formats]
    for index, name in enumerate(PRODUCTS):
        taking_turns = [ours[index]] + [each[index] for each in theirs]
        with_pauses = [each for product in taking_turns for each in (pause, product)]
        yield name, (x.nbytes + gy.nbytes) / 1e9, seconds(with_pauses, rounds)[1::2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="images (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="of which the medians are shown")
    options = parser.parse_args()
    try:
        import torch

        torch.set_num_threads(mt.get_num_threads())
    except ImportError:
        torch = None
    mt.show_config()
    print("\nlayer, product, ms, GB/s; torch's ms (NCHW, channels-last); how many times as fast")
    for C, size, kernel, stride in LAYERS:
        layer = f"{C:4d} x {size}px {kernel}x{kernel}/{stride}"
        for name, size_gb, times in measure(
            torch, options.batch, C, size, kernel, stride, options.rounds
        ):
            own, *torchs = times
            text = f"{layer:20s} {name:15s} {own * 1e3:8.2f} {size_gb / own:6.1f}"
            if torchs:
                text += "".join(f"{each * 1e3:9.2f}" for each in torchs)
                text += f"{min(torchs) / own:7.2f}x"
            print(text, flush=True)


if __name__ == "__main__":
    main()
