"""The gradients of the convolutions' weights, as autograd finds them, beside which the page can
put its own sums.

They follow from what is recorded: a layer's input and the gradient that arrives at its output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import tensor
from ...kernels import ConvGeometry
from ...nn import functional as F
from ...ops.conv import Conv2dWeightGrad
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
            filters = max(1, STORED // layer.parameters["weight"][0].size)
            value = layers[layer.sources[0]].value
            layer.parameters["weight_gradient"] = weight_gradient(layer, value, filters)


def weight_gradient(layer: Layer, value: np.ndarray, filters: int) -> np.ndarray:
    """The gradient of a convolution's first filters, (K', C/G, KH, KW), for the input `value`
    (C, H, W)."""
    options, weight = layer.options, layer.parameters["weight"]
    assert layer.gradient is not None
    in_group = len(weight) // options["groups"]
    groups = min(-(-filters // in_group), options["groups"])  # those that these filters are in
    wanted = filters if groups == 1 else groups * in_group
    x = tensor(value[np.newaxis, : groups * weight.shape[1]])
    gy = tensor(layer.gradient[np.newaxis, :wanted])
    top, bottom, left, right = options["padding"]
    before, after = (top, left), (bottom, right)
    if options["mode"] != "zeros":
        x = F.pad(x, (left, right, top, bottom), mode=options["mode"])
        before = after = (0, 0)
    geometry = ConvGeometry(options["stride"], before, after, options["dilation"], groups)
    gradient = Conv2dWeightGrad.apply(x, gy, weight.shape[2:], geometry)
    return gradient.numpy()[:filters]
