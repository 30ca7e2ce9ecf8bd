"""Layers, containers and losses: torch.nn's names.

>>> import minitorch_cnn as mt
>>> net = mt.nn.Sequential(mt.nn.Linear(2, 8), mt.nn.ReLU(), mt.nn.Linear(8, 1))
>>> net(mt.zeros(5, 2)).shape
minitorch_cnn.Size([5, 1])
"""

from . import functional, init
from .modules.activation import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softmax2d,
    Softplus,
    Tanh,
    Threshold,
)
from .modules.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .modules.flatten import Flatten, Identity, Unflatten
from .modules.linear import Linear
from .modules.module import Module
from .parameter import Parameter
