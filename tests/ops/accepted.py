"""Tries calls with every kind of value, here and in torch, and says where the two differ.

A call is an expression in which V stands for the value; the other names are those of `MADE` and
T (torch or minitorch_cnn), F, nn, init, S (the schedulers), data and swa of either library.
"""

import builtins
import importlib
import warnings

import numpy as np

import minitorch_cnn as mt

VALUES = {
    "int": 1, "int64": np.int64(1), "int32": np.int32(1), "bool": True, "float": 1.0,
    "numpy float": np.float64(1.0), "nan": float("nan"), "inf": float("inf"), "str": "1",
    "bytes": b"1", "None": None, "empty": [], "list": [1], "bools": [True], "floats": [1.0],
    "ints": (np.int64(1), 1), "long": (1,) * 9, "negative": -1, "zero": 0, "huge": 10**30,
    "half": 0.5, "dict": {}, "object": object(), "array": np.ones((2, 2), np.float32),
    "numpy bool": np.bool_(True), "complex": 1j,
    "0-d": "t(1)", "0-d float": "t(1.0)", "1 element": "t([1])", "in a list": "[t(1)]",
}  # fmt: skip
FEW = """int int64 bool float nan inf str None empty list floats negative zero half object
complex numpy-bool 0-d""".replace("numpy-bool", "numpy_bool").split()


def _with_gradient(T):
    parameter = T.nn.Parameter(T.ones(3))
    parameter.grad = T.ones(3)
    return parameter


MADE = {
    "x": lambda T: T.ones(2, 3, 4, 4),
    "x1": lambda T: T.ones(2, 3, 8),
    "x3": lambda T: T.ones(1, 2, 4, 4, 4),
    "s": lambda T: T.ones(2, 3),
    "b": lambda T: T.ones(2, 3) * 0.5,
    "m": lambda T: T.nn.Parameter(T.ones(3)),
    "trained": lambda T: _with_gradient(T),
    "g": lambda T: T.ones(3),
    "w": lambda T: T.ones(3, 4),
    "k": lambda T: T.ones(3, 3, 3, 4),
    "k1": lambda T: T.ones(3, 3, 1, 1),
    "k3": lambda T: T.ones(3, 3, 2),
    "c": lambda T: T.ones(1, 4, 2, 2),
    "i": lambda T: T.tensor([0, 1]),
    "z": lambda T: T.tensor([0]),
    "z4": lambda T: T.tensor([[[[0]]]]),
    "hinge": lambda T: T.tensor([1.0, -1.0]),
    "t": lambda T: T.tensor,
    "T": lambda T: T,
    "F": lambda T: T.nn.functional,
    "nn": lambda T: T.nn,
    "init": lambda T: T.nn.init,
    "S": lambda T: T.optim.lr_scheduler,
    "data": lambda T: T.utils.data,
    "swa": lambda T: importlib.import_module(f"{T.__name__}.optim.swa_utils"),
    "ds": lambda T: T.utils.data.TensorDataset(T.ones(4, 2)),
    "sgd": lambda T: T.optim.SGD([T.nn.Parameter(T.ones(3))], lr=0.1, momentum=0.9),
    "lin": lambda T: T.nn.Linear(3, 2),
    "bn": lambda T: T.nn.Sequential(T.nn.BatchNorm1d(3)),
}

# Values that differ everywhere, with the reason.
ANYWHERE = {
    "huge": "a number of any size is a float here",
    "1 element": "torch takes such a tensor for a size, but not for a dim: here it is an int",
}
# What no call should end in, unless torch does too.
UNCLEAR = ("AttributeError", "KeyError", "UnboundLocalError", "ZeroDivisionError", "SystemError")


class Names(dict):
    """The names of an expression, each made when it is asked for."""

    def __init__(self, library, value):
        super().__init__()
        self.library = library
        in_tensors = isinstance(value, str) and "t(" in value
        self["V"] = eval(value, {"t": library.tensor}) if in_tensors else value

    def __missing__(self, name):
        if name not in MADE:
            return getattr(builtins, name)
        self[name] = MADE[name](self.library)
        return self[name]


def outcome(library, code, value):
    """ "accepted", or the name of the exception's type."""
    try:
        eval(code, {}, Names(library, value))
    except Exception as error:
        return type(error).__name__
    return "accepted"


def differences(torch, expressions, expected, values=tuple(VALUES)):
    """One line for each call in which the two differ, and for each exemption that is not needed.

    expressions: one a line. expected: lines ``expression | names of values | reason``.
    """
    exempt = {}
    for line in filter(None, expected.strip().splitlines()):
        expression, names, reason = line.split(" | ")
        assert reason
        exempt.setdefault(expression.strip(), set()).update(names.split(", "))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for expression in expressions.strip().splitlines():
            code = compile(expression, expression, "eval")
            allowed = exempt.pop(expression, set())
            for name in values:
                name = name.replace("_", " ")
                theirs, ours = (outcome(each, code, VALUES[name]) for each in (torch, mt))
                differ = (theirs == "accepted") != (ours == "accepted")
                if differ == (name in allowed) or name in ANYWHERE:
                    differ = False
                elif name in allowed:
                    found.append(f"{expression}, {name}: the exemption is not needed")
                    continue
                if differ or (ours in UNCLEAR and ours != theirs):
                    found.append(f"{expression}, {name}: torch {theirs}, here {ours}")
    found += [f"{expression}: no such expression" for expression in exempt]
    return found
