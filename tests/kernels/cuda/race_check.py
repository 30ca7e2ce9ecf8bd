"""Runs every CUDA kernel under ThreadSanitizer: called by test_races.py, in a process of its own.

    python race_check.py FOLDER [OLD NEW ...]

FOLDER is where libraries are built; OLD, NEW: pieces of source text to be replaced first, to see
that mistakes are reported. The sanitizer has to be loaded before Python itself (LD_PRELOAD).
Prints the names of the kernels that ran.
"""

import sys
from pathlib import Path

import numpy as np

from minitorch_cnn.kernels import PoolGeometry, conv_algorithm, conv_geometry, window_counts
from minitorch_cnn.kernels.cuda import loader
from tests.kernels.cuda import host_device
from tests.kernels.tiers import tier

cuda = tier("cuda")


def run_everything(rng):
    """Each kernel on shapes that need several blocks, and loops within a thread."""

    def numbers(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    x, gy = numbers(3, 6, 7, 9), numbers(3, 6, 7, 9)
    y = cuda.relu(x)
    cuda.relu_(y)
    cuda.relu_backward(gy, y)

    scale, shift = numbers(2, 6)
    cuda.batch_norm_forward(x, scale, shift, gy, relu=True)
    for images in (x, numbers(40, 3, 5, 5), numbers(4, 70)):
        mean, variance = cuda.channel_mean_var(images)
        cuda.batch_norm_backward(images, images, None, mean, variance, True, images)

    pooling = PoolGeometry((3, 2), (2, 1), (1, 1), (1, 1), (4, 10))
    divisor = window_counts((7, 9), pooling, True)
    pooled, position = cuda.max_pool2d_forward(x, pooling)
    cuda.max_pool2d_scatter(pooled, position, (7, 9), pooling)
    cuda.max_pool2d_gather(x, position, pooling)
    cuda.avg_pool2d_forward(x, pooling, divisor)
    cuda.avg_pool2d_backward(pooled, (7, 9), pooling, divisor)

    w = numbers(8, 3, 3, 3)
    geometry = conv_geometry(stride=(2, 1), padding=(1, 1), groups=2)
    z = cuda.conv2d_forward(x, w, None, geometry)
    cuda.conv2d_input_grad(z, w, (7, 9), geometry)
    cuda.conv2d_weight_grad(x, z, (3, 3), geometry)

    w, geometry = numbers(12, 1, 3, 3), conv_geometry(stride=(2, 1), groups=6)
    z = cuda.conv2d_forward(x, w, None, geometry)
    cuda.conv2d_input_grad(z, w, (7, 9), geometry)
    cuda.conv2d_weight_grad(x, z, (3, 3), geometry)

    w, geometry = numbers(8, 6, 3, 3), conv_geometry(padding=(1, 1))
    with conv_algorithm("winograd"):
        z = cuda.conv2d_forward(x, w, None, geometry)
        cuda.conv2d_input_grad(z, w, (7, 9), geometry)
        cuda.conv2d_weight_grad(x, z, (3, 3), geometry)

    scores, target = numbers(5, 70), rng.integers(70, size=5)
    losses, softmax = cuda.cross_entropy(scores, target)
    cuda.cross_entropy_backward(losses, softmax, target)
    cuda.dropout(scores, 123, 0.5)

    pictures = rng.integers(256, size=(3, 5, 6, 3), dtype=np.uint8)
    cuda.augment(pictures, 5, 2, True, "reflect", np.ones(3), np.zeros(3))

    many = [[numbers(n) for n in (5, 3000, 40)] for _ in range(5)]
    rates = dict(lr=0.1, weight_decay=0.1)
    cuda.sgd(*many[:3], first=False, momentum=0.9, dampening=0, nesterov=True, **rates)
    beta = dict(beta1=0.9, beta2=0.9, eps=0.1)
    cuda.adam(*many, step=1, decoupled=True, **beta, **rates)


def main(folder, *replacements):
    text = host_device.all_kernels()
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    host_device.all_kernels = lambda: text
    host_device.THREADS = (5, 20, 33)  # fewer than on a GPU, but enough to work together
    device = host_device.HostDevice(Path(folder), ("-fsanitize=thread",), together=True)
    loader.kernel = device.kernel
    loader.address = lambda array: array.ctypes.data
    for seed in range(2):
        device.rng = np.random.default_rng(seed)  # other numbers of blocks and threads
        run_everything(device.rng)
    print(*sorted(set(device.launches)))


if __name__ == "__main__":
    main(*sys.argv[1:])
