"""`import torch` and `import torchvision` give this package: the import hook.

torch and torchvision are two namespaces, this package is one. Of the two, only the tops are modules
of their own, which hand on the names that torch has there: `torch.nn` exists, `torch.models` does
not. Everything below is this package's own module under a second name, so that what a program
assigns (`torch.backends.cudnn.benchmark = True`, a function replaced in a test) has its effect.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import multiprocessing.spawn
import os
import sys
from collections.abc import Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import minitorch_cnn

from .. import dtypes, serialization, version
from ..config import get_image_backend, set_image_backend
from ..missing import MissingModule, MissingName
from ..nn.parameter import Parameter
from ..tensor import Tensor

PACKAGE = minitorch_cnn.__name__
TORCHVISION_VERSION = version.TorchVersion("0.28.0+minitorch")

# What torchvision has at its top. torch has everything else but what is only ours.
_VISION = """
    datasets io models ops transforms tv_tensors utils
    get_image_backend set_image_backend get_video_backend set_video_backend
    disable_beta_transforms_warning
"""
_OURS = """
    accumulate backend commandline config conv_algorithm copying dtypes explain formatting
    get_backend kernel_tier kernels last_conv missing pytest_plugin run set_backend show_config
    summary vision_ops
"""
VISION, OURS = frozenset(_VISION.split()), frozenset(_OURS.split())
BESIDE = {"functorch": f"{PACKAGE}.run.functorch", "torch._C": f"{PACKAGE}.run.private"}
# What torchvision's own programs use of torch, and what reports of errors show.
PRIVATE = ("_assert", "_sample_dirichlet", "__config__")


def real_name(name: str) -> str | None:
    """The name here of what is "torch.nn.Linear" there; None where torch has no such thing.

    >>> real_name("torch.nn.Linear"), real_name("torchvision.models"), real_name("torch.models")
    ('minitorch_cnn.nn.Linear', 'minitorch_cnn.models', None)
    """
    top, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    if top == "torch":
        there = first not in OURS and (first == "utils" or first not in VISION)
    else:
        there = top == "torchvision" and (not first or first in VISION)
    if top == "torchvision" and first == "ops":
        rest = f"vision_{rest}"  # minitorch_cnn.ops are the operations on tensors
    return f"{PACKAGE}.{rest}".rstrip(".") if there else None


def aliases(name: str) -> list[str]:
    """What a module of this package is called there: one name, two for `utils`, or none.

    >>> aliases("minitorch_cnn.vision_ops.boxes"), aliases("minitorch_cnn.kernels")
    (['torchvision.ops.boxes'], [])
    """
    rest = name.removeprefix(f"{PACKAGE}.").removeprefix("vision_")
    found = [f"torch.{rest}", f"torchvision.{rest}"]
    return [alias for alias in found if real_name(alias) == name]


def torch_name(name: str) -> str:
    """The same for an error's text: torch's name or torchvision's.

    >>> torch_name("minitorch_cnn.nn.Linear"), torch_name("minitorch_cnn.models.vit_b_16")
    ('torch.nn.Linear', 'torchvision.models.vit_b_16')
    """
    if not name.startswith(f"{PACKAGE}."):
        return name  # "Tensor.storage"
    picture = name.startswith((f"{PACKAGE}.utils.draw_", f"{PACKAGE}.utils.flow_"))
    return (aliases(name) or [name])[-1 if picture else 0]


def disable_beta_transforms_warning() -> None:
    """torchvision's: nothing here warns about transforms.v2."""


BACKENDS = {
    each.__name__: each
    for each in (get_image_backend, set_image_backend, disable_beta_transforms_warning)
}


def _top(name: str, version: str) -> ModuleType:
    """The module `torch` or `torchvision`."""
    module = ModuleType(name, f"{PACKAGE} {minitorch_cnn.__version__}, by the name of {name}")
    names = [] if name == "torch" else list(BACKENDS)
    for each in sorted(VISION) if name == "torchvision" else dir(minitorch_cnn):
        own = (real_name(f"{name}.{each}") or "").rpartition(".")[2]
        if each[0] != "_" and own in dir(minitorch_cnn):
            names.append(each)

    def __getattr__(attribute: str) -> Any:
        if f"{name}.{attribute}" == "torch._C":
            return importlib.import_module("torch._C")
        real = real_name(f"{name}.{attribute}")
        if real is None or (attribute.startswith("_") and attribute not in PRIVATE):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        try:
            value = getattr(minitorch_cnn, real.rpartition(".")[2])
        except MissingName as error:
            text = str(error).replace(f"{real} ", f"{name}.{attribute} ", 1)
            raise MissingName(text) from None
        setattr(module, attribute, value)  # found at once from now on
        return value

    module.__dict__.update({"save": _save} if name == "torch" else BACKENDS)
    module.__dict__.update(
        __version__=version,
        __file__=minitorch_cnn.__file__,
        __path__=[],
        __all__=names,
        __getattr__=__getattr__,
        __dir__=lambda: sorted({*module.__dict__, *names}),
    )
    return module


def _save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """torch.save: torch's format whatever the file is called, so that torch reads it too.

    What torch's files do not hold here (NumPy's arrays) is written as `minitorch_cnn.save` does.
    """
    try:
        serialization.save_torch(obj, f)
    except TypeError:
        serialization.save(obj, f)


class _Loader(Loader):
    """Puts a module that is there already into sys.modules, as import allows a module to do."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        if self.module.__spec__ is None:  # torch, torchvision
            self.module.__spec__ = module.__spec__
        sys.modules[module.__spec__.name] = self.module
        # With it came others, and functions may have replaced them in their packages since. Import
        # would put the module there once more, unless it is known already.
        for name, other in list(sys.modules.items()):
            if name.startswith(f"{PACKAGE}.") and name != f"{PACKAGE}.tensor":
                for alias in aliases(name):
                    sys.modules.setdefault(alias, other)


class StandIn(MetaPathFinder):
    """Asked first, for torch, torchvision and all below them, and functorch, a part of torch."""

    def __init__(self) -> None:
        self.tops = {
            "torch": _top("torch", version.__version__),
            "torchvision": _top("torchvision", TORCHVISION_VERSION),
        }

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """None for other modules, and for those that torch has not or that are private.

        Raises MissingModule for one that is not supported.
        """
        if fullname in BESIDE:
            return ModuleSpec(fullname, _Loader(importlib.import_module(BESIDE[fullname])))
        if fullname.partition(".")[0] not in self.tops:
            return None
        module = self.tops.get(fullname) or self._module(fullname)
        if module is None:
            return None
        return ModuleSpec(fullname, _Loader(module), is_package=hasattr(module, "__path__"))

    def _module(self, fullname: str) -> ModuleType | None:
        real = real_name(fullname)
        if real is None or real == f"{PACKAGE}.tensor":  # a function there
            return None
        try:
            module = importlib.import_module(real)
        except MissingModule as error:
            text = str(error).replace(f"{real} ", f"{fullname} ", 1)
            raise MissingModule(text) from None
        except ModuleNotFoundError as error:
            if error.name != real:
                raise  # what it needs is missing
            return None
        return module


def _is_torchs(name: str) -> bool:
    return name.partition(".")[0] in ("torch", "torchvision", "functorch")


def _show_as(namespace: str) -> None:
    """Whose name printed dtypes, sizes and types of tensors carry: torch's or ours."""
    dtypes.namespace = namespace
    Tensor.__module__ = namespace if namespace == "torch" else f"{PACKAGE}.tensor"
    Parameter.__module__ = f"{namespace}.nn.parameter"


def installed() -> bool:
    """Whether `import torch` gives this package in this process."""
    return any(isinstance(finder, StandIn) for finder in sys.meta_path)


def install() -> None:
    """From now on `import torch` and `import torchvision` give this package, in this process and in
    those that Python's multiprocessing starts from it.

    Raises RuntimeError if the real torch or torchvision is loaded already.
    """
    if installed():
        return
    loaded = sorted(name for name in sys.modules if name in ("torch", "torchvision"))
    if loaded:
        raise RuntimeError(
            f"{' and '.join(loaded)} is loaded already in this process: install the stand-in "
            "before anything imports it"
        )
    sys.meta_path.insert(0, StandIn())
    _show_as("torch")
    _in_children()
    # A fork server would run the main program once more before it is told anything.
    multiprocessing.set_forkserver_preload([])


@contextlib.contextmanager
def stand_in() -> Iterator[None]:
    """Inside the block `import torch` gives this package; what was loaded before comes back after.

    >>> with stand_in():
    ...     import torch
    >>> torch.__version__, torch.nn.Linear.__module__
    ('2.13.0+minitorch', 'minitorch_cnn.nn.modules.linear')
    """
    if installed():
        yield
        return
    before = {name: module for name, module in sys.modules.items() if _is_torchs(name)}
    for name in before:
        del sys.modules[name]
    finder = StandIn()
    sys.meta_path.insert(0, finder)
    _show_as("torch")
    try:
        with _in_children():
            yield
    finally:
        sys.meta_path.remove(finder)
        _show_as(PACKAGE)
        for name in [name for name in sys.modules if _is_torchs(name)]:
            del sys.modules[name]
        sys.modules.update(before)


class _Install:
    """Unpickled in a new process before anything else there, it installs the stand-in."""

    def __reduce__(self) -> tuple:
        # As text, since nothing is known in that process yet, not even where this package is.
        paths = [*sys.path, os.path.dirname(os.path.dirname(minitorch_cnn.__file__))]
        text = f"import sys; sys.path[:] = {paths!r}; import {__name__} as s; s.install()"
        return exec, (text, {})


def _in_children() -> contextlib.ExitStack:
    """New processes that are not forked are told to install the stand-in; closing ends that."""
    before: Any = multiprocessing.spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {PACKAGE: _Install(), **before(name)}

    spawn: Any = multiprocessing.spawn
    spawn.get_preparation_data = get_preparation_data
    stack = contextlib.ExitStack()
    stack.callback(setattr, spawn, "get_preparation_data", before)
    return stack
