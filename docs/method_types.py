"""Writes the types of Tensor's methods into minitorch_cnn/methods.pyi: python docs/method_types.py

Most methods are functions of ops/, set on the class when the package is imported (ops/methods.py).
An editor or a type checker runs nothing and would not know them. This file asks the class itself
and writes down each method's signature as the function has it. A test says when it is out of date.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minitorch_cnn as mt
from minitorch_cnn import Tensor
from minitorch_cnn.ops import methods
from minitorch_cnn.ops.breadth import tensor_attributes

PATH = Path(methods.__file__).parents[1] / "methods.pyi"
HEAD = '''"""Types of the methods that ops/methods.py sets on Tensor; by docs/method_types.py."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from . import backend, dtypes
from .ops.breadth.tensor_attributes import layout
from .ops.copy import memory_format as Layout
from .random import Generator
from .storage import TypedStorage, UntypedStorage
from .tensor import Size, Tensor

# Inside of the class, x.int, x.dtype, ... are meant by these names.
Bool: TypeAlias = bool
Float: TypeAlias = float
Int: TypeAlias = int
Type: TypeAlias = dtypes.dtype

class Methods:
    T: Tensor
    mT: Tensor
    H: Tensor
    mH: Tensor
    real: Tensor
    imag: Tensor
    layout: layout
    name: str | None
    volatile: Bool
    is_cpu: Bool
'''
RENAMED = {
    "bool": "Bool", "float": "Float", "int": "Int", "dtype": "Type", "memory_format": "Layout",
}  # fmt: skip


def stub() -> str:
    """The text of methods.pyi."""
    bound = {
        name: value
        for name, value in vars(Tensor).items()
        if inspect.isfunction(value) and value.__module__ != Tensor.__module__
    }
    for name in methods.IN_PLACE.split():
        bound[name + "_"] = getattr(mt, name)
    lines = [f"{name}: Bool" for name in tensor_attributes.NEVER.split()]
    lines += [line for name in sorted(bound) for line in definition(name, bound[name])]
    return HEAD + "".join(f"    {line}\n" for line in lines)


def definition(name: str, function: Callable[..., Any]) -> list[str]:
    """One method, in as few lines as fit."""
    found = inspect.signature(function)
    given = list(found.parameters.values())
    shown, keyword_only = ["self"], False
    for each in given[1:]:
        if each.kind is each.KEYWORD_ONLY and not keyword_only:
            shown.append("*")
        keyword_only |= each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        default = "" if each.default is each.empty else " = ..."
        shown.append(f"{stars}{each.name}: {annotation(each.annotation)}{default}")
    returned = annotation(found.return_annotation)
    if name.startswith("__") and returned == "Any":  # or NotImplemented, as checkers know
        returned = "Tensor"
    ending = f") -> {returned}: ..."
    if name in ("__eq__", "__ne__"):  # Python's own give a bool
        ending += "  # type: ignore[override]"
    line = f"def {name}({', '.join(shown)}{ending}"
    if len(line) <= 96:
        return [line]
    return [f"def {name}(", *(f"    {each}," for each in shown), ending]


def annotation(text: Any) -> str:
    """An annotation, which is text in every file of the package, as it reads inside of the stub."""
    if text is inspect.Parameter.empty:
        return "Any"
    return re.sub(r"(?<![.\w])\w+", lambda word: RENAMED.get(word[0], word[0]), str(text))


def main() -> None:
    PATH.write_text(stub(), "utf-8")
    print(f"{PATH.relative_to(PATH.parents[1])}: {len(stub().splitlines())} lines")


if __name__ == "__main__":
    main()
