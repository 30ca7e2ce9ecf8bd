"""The gradients of the convolutions' weights, as autograd finds them, beside which the page can
put its own sums.

They follow from what is recorded: a layer's input and the gradient that arrives at its output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import tensor
from ...autograd import grad
from ...nn import functional as F
from .recording import Layer

# Numbers of one layer that are stored: the first filters whose weights are no more than these.
STORED = 2400


def add_weight_gradients(layers: Sequence[Layer]) -> None:
    """Gives each convolution its parameter "weight_gradient", (K', C, KH, KW): the first filters.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.explain.page import record
    >>> network = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.Flatten())
    >>> layers = record(network.eval(), mt.ones(1, 1, 3, 3))
    >>> add_weight_gradients(layers)
    >>> sums = layers[1].parameters["weight_gradient"].sum(axis=(1, 2, 3))
    >>> sorted(sums.tolist())  # only one filter makes the largest score
    [0.0, 9.0]
    """
    for layer in layers:
        if layer.kind == "conv" and layer.gradient is not None:
            weight = layer.parameters["weight"]
            filters = max(1, STORED // weight[0].size)
            gradient = weight_gradient(layer, layers[layer.sources[0]].value)
            layer.parameters["weight_gradient"] = gradient[:filters]


def weight_gradient(layer: Layer, value: np.ndarray) -> np.ndarray:
    """The gradient of a convolution's weights for the input `value` (C, H, W): (K, C/G, KH, KW)."""
    options = layer.options
    top, bottom, left, right = options["padding"]
    mode = "constant" if options["mode"] == "zeros" else options["mode"]
    x = F.pad(tensor(value[np.newaxis]), (left, right, top, bottom), mode=mode)
    weight = tensor(layer.parameters["weight"], requires_grad=True)
    y = F.conv2d(x, weight, None, options["stride"], 0, options["dilation"], options["groups"])
    assert layer.gradient is not None
    (gradient,) = grad(y, weight, tensor(layer.gradient[np.newaxis]))
    return gradient.numpy()
