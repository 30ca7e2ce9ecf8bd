"""Arguments as torch takes them: what is an int, a float, a bool, a tensor, said once.

    int      Python's and NumPy's integers and integer tensors without dimensions; no bool, no float
    ints     one such int, or a tuple or list of them
    float    every real number, a bool too, and a tensor without dimensions
    bool     True and False, nothing else

`checked` puts these rules around a public function: its annotations say which argument has which.
Where an annotation is Any the argument's name decides, since torch calls the same thing by the same
name everywhere. The few functions that every training step calls check for themselves.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .common import brief
from .overloads import ComplexGiven, Pairs, accept

# What a parameter is that is annotated with Any.
BY_NAME = {
    "dim": "ints | None",
    "kernel_size": "ints",
    "dilation": "ints",
    "output_padding": "ints",
    "stride": "ints | None",
    "padding": "padding",
}

# As methods of Tensor these are called in every step of a training, and check for themselves.
HOT = ("add", "sub", "mul", "div", "relu", "relu_", "reshape", "permute", "clone", "contiguous")

# What NumPy calls these arguments, and torch therefore too in all but nn.functional and nn.init.
NUMPYS = {
    "axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"
}  # fmt: skip

# Further names, of functions whose own say more.
OTHER_NAMES = {
    "random_": {"from": "low", "to": "high"},
    "uniform_": {"from": "a", "to": "b"},
    "split": {"split_size": "split_size_or_sections"},
}
for _name in ("tensor_split", "hsplit", "vsplit", "dsplit"):
    OTHER_NAMES[_name] = dict.fromkeys(("indices", "sections"), "indices_or_sections")
for _name in ("cholesky", "det", "inv", "matrix_power", "pinv", "qr", "slogdet"):
    OTHER_NAMES[_name] = {"input": "A"}

# torch looks whether these are true, of whatever type they are.
TRUTH = ("inplace", "antialias", "recompute_scale_factor", "return_indices", "hard")


def as_int(function: str, name: str, value: Any) -> int:
    """The int that `value` is. Raises TypeError for a bool, a float, a string, ...

    And RuntimeError for more than 64 bits.

    >>> import numpy as np
    >>> as_int("sum", "dim", np.int64(1))
    1
    """
    if type(value) is int:
        if not -(2**63) <= value < 2**63:
            raise RuntimeError(
                f"{function}(): argument '{name}' must fit into 64 bits, got {value:.3g}"
            )
        return value
    if isinstance(value, Tensor) and value.numel() == 1 and value.dtype.category == 1:
        return int(value.item())
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu":
        return int(value)
    raise TypeError(_message(function, name, "int", value))


def as_ints(function: str, name: str, value: Any) -> Any:
    """One int, or a tuple of them from a tuple or list. Raises TypeError for anything else.

    >>> as_ints("conv2d", "stride", [1, 2])
    (1, 2)
    """
    if isinstance(value, tuple | list):
        return tuple([as_int(function, name, each) for each in value])
    return as_int(function, name, value)


def as_padding(function: str, name: str, value: Any) -> Any:
    """As `as_ints`; a convolution takes "same" and "valid" too, and says which words it knows.

    >>> as_padding("conv2d", "padding", "same")
    'same'
    """
    if isinstance(value, str) and function.startswith("conv"):
        return value
    return as_ints(function, name, value)


def as_number(function: str, name: str, value: Any) -> Any:
    """A Python number from a real number or a 0-d tensor. Raises TypeError for anything else.

    So a tensor that requires a gradient is refused, which a number would lose.

    >>> as_number("dropout", "p", 0.5)
    0.5
    """
    if isinstance(value, Tensor) and value.ndim == 0 and not value.requires_grad:
        return value.item()
    if isinstance(value, numbers.Real | np.bool_):
        item = getattr(value, "item", None)  # of NumPy's numbers
        return value if item is None else item()
    raise TypeError(_message(function, name, "float", value))


def as_bool(function: str, name: str, value: Any) -> bool:
    """True or False as they are. Raises TypeError for anything else, as torch does.

    >>> as_bool("sum", "keepdim", True)
    True
    """
    if isinstance(value, bool):
        return value
    raise TypeError(_message(function, name, "bool", value))


def as_tensor(function: str, name: str, value: Any) -> Tensor:
    """A tensor as it is. Raises TypeError for arrays, lists, None.

    >>> import minitorch_cnn as mt
    >>> as_tensor("relu", "input", mt.ones(1))
    tensor([1.])
    """
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Pairs):
        raise ComplexGiven(value)
    raise TypeError(_message(function, name, "Tensor", value))


def as_tensors(function: str, name: str, value: Any) -> Any:
    """A tuple or list of tensors as it is. Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> as_tensors("cat", "tensors", [mt.ones(1)])
    [tensor([1.])]
    """
    if not isinstance(value, Tensor | tuple | list):
        raise TypeError(_message(function, name, "tuple of Tensors", value))
    for position, each in enumerate(value):
        as_tensor(function, f"{name}[{position}]", each)
    return value


def _message(function: str, name: str, wanted: str, value: Any) -> str:
    shown = "" if value is None else f": {brief(value)}"
    advice = "; make one with mt.tensor(...)" if wanted == "Tensor" and value is not None else ""
    return (
        f"{function}(): argument '{name}' must be {wanted}, not {type(value).__name__}"
        f"{shown}{advice}"
    )


def legacy_reduction(size_average: Any, reduce: Any) -> str:
    """What torch's two old arguments of losses mean: "mean", "sum" or "none". Warns, as torch does.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True):
    ...     legacy_reduction(False, None)
    'sum'
    """
    mean = size_average is None or size_average
    reduction = "none" if reduce is not None and not reduce else "mean" if mean else "sum"
    warnings.warn(
        "size_average and reduce args will be deprecated, please use "
        f"reduction='{reduction}' instead.",
        UserWarning,
        stacklevel=4,
    )
    return reduction


# How a kind of argument is converted, and the types that need no look.
KINDS: dict[str, tuple[Callable[[str, str, Any], Any], tuple[type, ...]]] = {
    "int": (as_int, (int,)),
    "ints": (as_ints, (int,)),
    "padding": (as_padding, (int,)),
    "float": (as_number, (float, int, bool)),
    "bool": (as_bool, (bool,)),
    "Tensor": (as_tensor, (Tensor,)),
    "Sequence[int]": (as_ints, ()),
    "Sequence[Tensor]": (as_tensors, ()),
}


def _rules(function: Callable[..., Any]) -> dict[str, Any]:
    """For each parameter: how to convert it and the types to let pass, or None."""
    rules: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        text = str(parameter.annotation)
        if text == "Any":
            text = BY_NAME.get(name, "")
        kind, _, rest = text.partition(" | ")
        single = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if kind not in KINDS or rest not in ("", "None") or not single or name in TRUTH:
            rules[name] = None
            continue
        convert, types = KINDS[kind]
        optional = (type(None),) if rest or parameter.default is None else ()
        rules[name] = convert, frozenset((*types, *optional))
    return rules


def _takes_tensors(parameter: inspect.Parameter) -> bool:
    """True for ``*tensors: Tensor``."""
    return parameter.kind is parameter.VAR_POSITIONAL and str(parameter.annotation) == "Tensor"


def checked(function: Callable[..., Any], module: str) -> Callable[..., Any]:
    """The function, whose arguments are looked at first; module: where it is public.

    >>> import minitorch_cnn as mt
    >>> mt.eye(True)
    Traceback (most recent call last):
        ...
    TypeError: eye(): argument 'n' must be int, not bool: True
    """
    rules = _rules(function)
    parameters = inspect.signature(function).parameters.values()
    if not any(rules.values()) and not any(map(_takes_tensors, parameters)):
        return function
    ordered = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    several = [each.name for each in parameters if _takes_tensors(each)]  # *tensors, or nothing
    name, in_order = function.__name__, [rules[each] and rules[each][1] for each in ordered]
    others = {} if ".nn." in module else {k: v for k, v in NUMPYS.items() if v in rules}
    others |= OTHER_NAMES.get(name, {})

    def convert(key: str, value: Any) -> Any:
        rule = rules.get(key)
        if rule is None or (value is None and type(None) in rule[1]):
            return value
        return rule[0](name, key, value)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for value, types in zip(args, in_order, strict=False):
            if types is not None and type(value) not in types:
                try:
                    args = (*map(convert, ordered, args), *args[len(ordered) :])
                except ComplexGiven as given:
                    return given.value.of_function(name, args, kwargs)
                break
        if several:
            as_tensors(name, several[0], args[len(ordered) :])
        if kwargs:
            if not others.keys().isdisjoint(kwargs):
                kwargs = {
                    key if others.get(key) in kwargs else others.get(key, key): value
                    for key, value in kwargs.items()
                }
            kwargs = {key: convert(key, value) for key, value in kwargs.items()}
        return function(*args, **kwargs)

    call.__module__ = module
    return call


def check_arguments(namespace: dict[str, Any]) -> None:
    """Puts `checked` around the functions of a public namespace."""
    for name, value in list(namespace.items()):
        if inspect.isfunction(value) and not name.startswith("_"):
            namespace[name] = accept(checked(value, namespace["__name__"]))
