"""Where gradients vanish: a deep plain network against one with residual blocks, really run.

The default initialisation of a convolution has variance 1 / (3 fan_in). After a ReLU half of the
second moment is left, so each layer multiplies the gradient's variance by about 1/6, its length by
0.41: after 20 layers by 1e-8. He's initialisation, variance 2 / fan_in, is made so that the factor
is 1. A residual block y = x + F(x) has the gradient gy + (what comes through F): the first part
arrives whatever F does.

Kaiming He et al., "Delving Deep into Rectifiers" (2015) and "Deep Residual Learning" (2015).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import datasets, nn, transforms
from ..ops.activation import relu
from ..random import get_rng_state, manual_seed, set_rng_state
from ..tensor import Tensor, wrap
from .drawing import ACCENT, RESULT, WEIGHTS, new_figure
from .explanation import Explanation
from .subject import MEAN, STD

NETWORKS = {
    "plain": {"residual": False, "he": False},
    "plain, He's initialisation": {"residual": False, "he": True},
    "residual": {"residual": True, "he": False},
}
COLOURS = (ACCENT, WEIGHTS, RESULT)


class DeepNetwork(nn.Module):
    """`depth` 3x3 convolutions of one width between a stem and a classifier; no batch norm.

    residual: x + relu(conv(x)) instead of relu(conv(x)).
    """

    def __init__(self, depth: int, width: int, residual: bool, he: bool) -> None:
        super().__init__()
        self.residual = residual
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.layers = nn.Sequential(*[nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)])
        self.head = nn.Linear(width, 10)
        if he:
            for layer in self.layers:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            y = relu(layer(x))
            x = x + y if self.residual else y
        return self.head(x.mean(dim=(2, 3)))


def gradient_flow(
    depth: int = 24, width: int = 16, images: int = 32, seed: int = 0
) -> GradientFlow:
    """One forward and backward pass through each of NETWORKS, on pictures of Shapes.

    The random numbers of the caller stay as they are. Raises ValueError for a depth below 1.
    """
    if depth < 1:
        raise ValueError(f"gradient_flow: depth must be 1 or more, got {depth}")
    data = datasets.Shapes(train=False, size=images)
    normalize = transforms.BatchAugment(MEAN, STD).eval()
    x = normalize(data.data)
    labels = wrap(np.array(data.targets, np.int64))
    norms = {}
    state = get_rng_state()
    for name, options in NETWORKS.items():
        manual_seed(seed)
        network = DeepNetwork(depth, width, **options)
        nn.functional.cross_entropy(network(x), labels).backward()
        gradients = [layer.weight.grad for layer in network.layers]
        norms[name] = np.array([float(each.double().norm().item()) for each in gradients])
    set_rng_state(state)
    return GradientFlow(norms)


class GradientFlow(Explanation):
    """norms: for each network the length of the gradient of each layer's weight, first to last."""

    def __init__(self, norms: dict[str, np.ndarray]) -> None:
        self.norms = norms

    def factor(self, name: str) -> float:
        """By what each layer multiplies the gradient on its way back, on average."""
        values = self.norms[name]
        return float((values[0] / values[-1]) ** (1 / max(len(values) - 1, 1)))

    def text(self) -> str:
        depth = len(next(iter(self.norms.values())))
        lines = [f"length of the weights' gradients in networks of {depth} convolutions"]
        lines.append(f"{'':28} last layer  first layer  a layer multiplies by")
        for name, values in self.norms.items():
            lines.append(
                f"{name:28} {values[-1]:10.2e}  {values[0]:11.2e}  {self.factor(name):10.2f}"
            )
        return "\n".join(lines)

    def figure(self) -> Any:
        figure = new_figure(8, 4.6)
        axes = figure.subplots()
        for (name, values), colour in zip(self.norms.items(), COLOURS, strict=False):
            label = f"{name} (x {self.factor(name):.2f} a layer)"
            axes.semilogy(range(1, len(values) + 1), values, "o-", ms=4, color=colour, label=label)
        axes.set(xlabel="layer: 1 is next to the image", ylabel="length of the weight's gradient")
        axes.set_title("gradients on their way back (from right to left)")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure
