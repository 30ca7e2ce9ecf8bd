"""Layers, containers and losses: torch.nn's names.

>>> import minitorch_cnn as mt
>>> net = mt.nn.Sequential(mt.nn.Linear(2, 8), mt.nn.ReLU(), mt.nn.Linear(8, 1))
>>> net(mt.zeros(5, 2)).shape
minitorch_cnn.Size([5, 1])
"""

import typing as _typing

from ..missing import refuse_missing as _refuse_missing
from . import attention, common_types, functional, grad, init, parallel, utils
from .modules import *
from .modules.refused import *  # not in __all__: they only say that they are missing
from .parallel import DataParallel as DataParallel
from .parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)

if not _typing.TYPE_CHECKING:  # type checkers take the imports with * as they stand
    from .modules import __all__ as _layers

    __all__ = [
        "Buffer",
        "DataParallel",
        "Parameter",
        "attention",
        "common_types",
        "functional",
        "grad",
        "init",
        "parallel",
        "utils",
        *_layers,
    ]

_refuse_missing(globals())
