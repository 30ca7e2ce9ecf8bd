"""What a second process compiles during the first step of training, from its end to its beginning.

See jit/helper.py, which starts that process. It runs each kernel of a step of a ResNet once, on few
and small images of nothing but zeros, with shapes for which the same algorithms are chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...backend import Array
from .. import dispatch as kernels
from ..geometry import conv_geometry

# (channels, filters, size of the window, stride, size of the images)
CONVOLUTIONS = [(3, 64, 3, 1, 32), (64, 64, 3, 1, 32), (64, 128, 3, 2, 32), (64, 128, 1, 2, 32),
                (512, 512, 3, 1, 4)]  # fmt: skip


def _zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def _images(C: int, size: int) -> Array:
    return _zeros(8, size, size, C).transpose(0, 3, 1, 2)


def calls_of_a_step() -> list[Callable[[], Any]]:
    """Calls of a step's kernels, of each kind one, in the order in which a step needs them."""
    forward: list[Callable[[], Any]] = []
    backward: list[Callable[[], Any]] = []
    for C, K, width, stride, size in CONVOLUTIONS:
        geometry = conv_geometry(stride, width // 2, kernel_size=(width, width))
        x = _images(C, size) if C > 3 else _zeros(8, C, size, size)  # as a user gives them
        w, gy = _zeros(K, C, width, width), _images(K, size // stride)
        forward.append(partial(kernels.conv2d_forward, x, w, None, geometry))
        backward.append(partial(kernels.conv2d_input_grad, gy, w, (size, size), geometry))
        backward.append(partial(kernels.conv2d_weight_grad, x, gy, (width, width), geometry))
    x, c, logits, labels = _images(64, 32), _zeros(64), _zeros(8, 10), np.zeros(8, np.int64)
    sgd: dict[str, Any] = {
        "first": True,
        "lr": 0.1,
        "momentum": 0.9,
        "dampening": 0.0,
        "weight_decay": 0.0,
    }
    return [
        *forward[:2],
        partial(kernels.channel_mean_var, x, _zeros(64), _zeros(64), 0.1),
        partial(kernels.scale_and_shift, c, c, c, c, 1e-5),
        partial(kernels.batch_norm_forward, x, c, c, x, True),
        partial(kernels.add, x, x),
        *forward[2:],
        partial(kernels.matmul, _zeros(64, 512), _zeros(10, 512).T, _zeros(10)),
        partial(kernels.cross_entropy, logits, labels),
        partial(kernels.cross_entropy_backward, _zeros(8), logits, labels),
        partial(kernels.channel_sum, x),
        partial(kernels.batch_norm_backward, x, x, c, c, c, True, x, True),
        *reversed(backward),
        partial(kernels.sgd, [_zeros(64)], [_zeros(64)], [_zeros(64)], nesterov=False, **sgd),
    ]


def compile_kernels() -> None:
    """Compiles what is not in the cache on the disk, and leaves it there."""
    for call in reversed(calls_of_a_step()):
        call()
