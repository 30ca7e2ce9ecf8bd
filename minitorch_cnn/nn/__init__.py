"""Layers, containers and losses: torch.nn's names.

>>> import minitorch_cnn as mt
>>> net = mt.nn.Sequential(mt.nn.Linear(2, 8), mt.nn.ReLU(), mt.nn.Linear(8, 1))
>>> net(mt.zeros(5, 2)).shape
minitorch_cnn.Size([5, 1])
"""

from . import functional, init, parallel, utils
from .modules import *  # noqa: F403  the layers, listed in modules/__init__.py
from .modules import __all__ as _layers
from .modules.refused import *  # noqa: F403  not in __all__: they only say that they are missing
from .parallel import DataParallel
from .parameter import Parameter

__all__ = ["DataParallel", "Parameter", "functional", "init", "parallel", "utils", *_layers]
