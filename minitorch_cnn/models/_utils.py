"""Helpers that torchvision.models has under the same names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from .. import nn
from ..tensor import Tensor


class IntermediateLayerGetter(nn.ModuleDict):
    """The first children of a model, called one after the other; returns the outputs asked for.

    return_layers: {name of a child: its name in the result}. Only for models whose forward calls
    their children in the order of their registration, each once, with nothing between; for others
    see `feature_extraction`. What comes after the last child asked for is left out.

    Raises ValueError if there is no child of such a name.

    >>> import minitorch_cnn as mt
    >>> body = IntermediateLayerGetter(mt.models.resnet18(), {"layer1": "a", "layer3": "b"})
    >>> [(name, tuple(y.shape)) for name, y in body(mt.zeros(1, 3, 64, 64)).items()]
    [('a', (1, 64, 16, 16)), ('b', (1, 256, 4, 4))]
    """

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        children = dict(model.named_children())
        absent = [name for name in return_layers if name not in children]
        if absent:
            raise ValueError(
                f"return_layers are not present in model: {absent}; it has {list(children)}"
            )
        last = max((list(children).index(name) for name in return_layers), default=-1)
        super().__init__(OrderedDict(list(children.items())[: last + 1]))
        self.return_layers = dict(return_layers)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        outputs = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                outputs[self.return_layers[name]] = x
        return outputs


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` nearest to v, but never below min_value nor 0.9 v.

    >>> _make_divisible(33, 8), _make_divisible(11, 8), _make_divisible(3, 8)
    (32, 16, 8)
    """
    nearest = int(v + divisor / 2) // divisor * divisor
    nearest = max(divisor if min_value is None else min_value, nearest)
    return nearest + divisor if nearest < 0.9 * v else nearest
