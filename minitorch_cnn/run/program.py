"""Running a program as `python train.py` does, with `import torch` giving this package."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import minitorch_cnn

from ..missing import REASONS, MissingModule, MissingName
from .standin import stand_in, torch_name

ROOT = str(Path(minitorch_cnn.__file__).parent) + os.sep


def _main_module(path: str) -> tuple[ModuleType, Any]:
    """The module `__main__` of a file, and its code."""
    path = os.path.abspath(path)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    module = ModuleType("__main__")
    module.__dict__.update(__file__=path, __loader__=SourceFileLoader("__main__", path))
    return module, code


def _named_module(name: str) -> tuple[ModuleType, Any]:
    """The same of `-m name`: the module of that name, or the `__main__` of a package."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        return _named_module(f"{name}.__main__")
    code = getattr(spec.loader, "get_code", lambda name: None)(name) if spec else None
    if spec is None or code is None:
        raise ImportError(f"No module named {name}", name=name)
    module = ModuleType("__main__")
    module.__dict__.update(
        __spec__=spec, __file__=spec.origin, __loader__=spec.loader, __package__=spec.parent
    )
    return module, code


def execute(target: str, arguments: Sequence[str] = (), named: bool = False) -> dict[str, Any]:
    """Runs a file, or the module of that name, as the main program of this process.

    What Python sets for it is set: `sys.argv`, `sys.path[0]`, `sys.modules["__main__"]`.
    """
    if named:
        sys.argv = ["-m", *arguments]
        module, code = _named_module(target)
        sys.argv = [str(module.__file__), *arguments]
    else:
        module, code = _main_module(target)
        sys.argv = [target, *arguments]
        if not getattr(sys.flags, "safe_path", False):
            sys.path[0] = os.path.dirname(os.path.realpath(target))
    sys.modules["__main__"] = module
    exec(code, module.__dict__)
    return module.__dict__


def run_program(path: str | os.PathLike[str], *arguments: str) -> dict[str, Any]:
    """Runs a torch program within this process, and returns its global variables.

    path: a Python file. arguments: `sys.argv[1:]` of the program. `import torch` and `import
    torchvision` give this package in it, even if the real ones are loaded; afterwards everything is
    as it was, except the modules that the program imported besides these.

    Raises what the program raises, SystemExit included, OSError if there is no such file, and
    SyntaxError if it is no Python.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "square.py")
    ...     with open(path, "w") as file:
    ...         _ = file.write("import sys, torch; y = torch.tensor(float(sys.argv[1])) ** 2")
    ...     run_program(path, "3")["y"]
    tensor(9.)
    """
    argv, path0, main = sys.argv, sys.path[0], sys.modules["__main__"]
    try:
        with stand_in():
            return execute(os.fspath(path), arguments)
    finally:
        sys.argv, sys.path[0], sys.modules["__main__"] = argv, path0, main


def _frames(error: BaseException) -> list[TracebackType]:
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _file(frame: TracebackType) -> str:
    return frame.tb_frame.f_code.co_filename


def own_traceback(error: BaseException) -> TracebackType | None:
    """An error's traceback from the program's first line on, without what ran the program."""
    for frame in _frames(error):
        if not _file(frame).startswith((f"{ROOT}run{os.sep}", f"{ROOT}__main__", "<frozen runpy>")):
            return frame
    return None  # the file itself could not be read or compiled


def verdict(name: str, reason: str) -> str:
    """One sentence on a missing name and whether it will stay out.

    >>> verdict("minitorch_cnn.fx", REASONS["fx"]).partition(":")[0]
    'torch.fx is refused'
    """
    refused = reason in REASONS.values()
    return f"{torch_name(name)} is {'refused' if refused else 'not here yet'}: {reason}"


def explanation(error: BaseException) -> str | None:
    """What to say of an error that says that something is missing; None for all others.

    It names the line of the program that asked, the thing, and whether it is refused or may come.

    >>> try:
    ...     _ = minitorch_cnn.sparse_coo_tensor
    ... except NotImplementedError as error:
    ...     print(explanation(error).partition(": ")[2])
    torch.sparse_coo_tensor is refused: there are no sparse tensors
    """
    frames = _frames(error)
    if not isinstance(error, NotImplementedError) or not _file(frames[-1]).startswith(ROOT):
        return None  # a NotImplementedError of the program's own
    askers = [frame for frame in frames if not _file(frame).startswith((ROOT, "<frozen"))]
    where = f"{_file(askers[-1])}:{askers[-1].tb_lineno}" if askers else "the program"
    name, _, reason = str(error).partition(" is not supported: ")
    if isinstance(error, MissingName | MissingModule):
        return f"{where}: {verdict(name, reason)}"
    return f"{where}: refused: {error}"
