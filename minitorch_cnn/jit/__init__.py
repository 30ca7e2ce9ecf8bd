"""torch.jit's and torch.compile's names: a model, or a function, is handed back as it is.

Operations run one by one here, as Python calls them, and give the same results; so there is nothing
to compile, and programs that ask for it run. The first of these calls says so, by a warning.
A script that torch has saved is read by torch alone: `save` and `load` are refused.

>>> import warnings
>>> import minitorch_cnn as mt
>>> with warnings.catch_warnings():
...     warnings.simplefilter("ignore")
...     model = mt.jit.script(mt.nn.ReLU())
>>> model(mt.tensor([-1.0, 1.0]))
tensor([0., 1.])
"""

from __future__ import annotations

import builtins
import contextlib
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from ..missing import refuse_missing
from ..nn.modules.module import Module

__all__ = [
    "Final",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "onednn_fusion_enabled",
    "optimize_for_inference",
    "optimized_execution",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "set_fusion_strategy",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

T = TypeVar("T")
Final = Annotated[T, "jit.Final"]  # Final[int] is int, with a mark that nobody reads

_said = False


class ScriptModule(Module):
    """What torch compiles a module to: nothing is one here, and none can be made.

    Programs ask ``isinstance(model, torch.jit.ScriptModule)`` before they look into a model.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"jit.{type(self).__name__} is not supported: derive from nn.Module; programs run as "
            "they are"
        )


class ScriptFunction:
    """The same of a function."""

    __init__ = ScriptModule.__init__


def _note(name: str) -> None:
    """Says, the first time, that nothing is compiled."""
    global _said
    if not _said:
        _said = True
        warnings.warn(
            f"{name}: nothing is compiled, operations run one by one; the results are the same",
            stacklevel=3,
        )


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The module, function or class itself. Warns once that nothing is compiled."""
    _note("jit.script")
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The module or function itself, which is not run on the examples. Warns once.

    What depends on values (``if x.sum() > 0``) goes on depending on them, where torch would keep
    the way that the examples took.
    """
    _note("jit.trace")
    return func


def trace_module(mod: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself; as `trace`."""
    _note("jit.trace_module")
    return mod


def compile(model: Any = None, **options: Any) -> Any:
    """The model or function itself, or a decorator that hands it back. Warns once.

    options: torch.compile's (mode, backend, fullgraph, dynamic, ...), which change nothing.

    >>> import warnings
    >>> import minitorch_cnn as mt
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     @mt.compile(mode="reduce-overhead")
    ...     def double(x):
    ...         return 2 * x
    >>> double(mt.ones(1))
    tensor([2.])
    """
    if model is None:
        return lambda function: compile(function, **options)
    if not callable(model):
        raise TypeError(f"compile takes a module or a function, got {type(model).__name__}")
    _note("compile")
    return model


def freeze(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself, in evaluation mode as torch demands; else RuntimeError."""
    if mod.training:
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode.")
    return mod


def optimize_for_inference(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself, if it is in evaluation mode; else RuntimeError."""
    return freeze(mod)


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator, with or without arguments, that hands the function back."""
    return drop if callable(drop) else lambda function: function


def unused(fn: T) -> T:
    """The function itself."""
    return fn


export = interface = script_method = script_if_tracing = unused


def is_scripting() -> bool:
    """False: nothing is compiled."""
    return False


def is_tracing() -> bool:
    """False: `trace` does not run the model."""
    return False


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's isinstance, to which list[int] is list."""
    kinds = target_type if type(target_type) is tuple else (target_type,)
    plain: Any = tuple(getattr(kind, "__origin__", kind) for kind in kinds)
    return builtins.isinstance(obj, plain)


def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
    """The function's result, at once; `wait` hands it on."""
    return func(*args, **kwargs)


def wait(future: T) -> T:
    """What `fork` gave."""
    return future


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Changes nothing."""
    yield


def set_fusion_strategy(strategy: Any) -> list:
    """Changes nothing; the strategy before is an empty list."""
    return []


def onednn_fusion_enabled() -> bool:
    """False."""
    return False


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Not supported: a script that torch could read is a program of its own."""
    raise NotImplementedError(
        "jit.save is not supported: save model.state_dict() with mt.save, or write the network "
        "with mt.onnx.export, which other programs can run"
    )


def load(f: Any, map_location: Any = None, _extra_files: Any = None) -> Any:
    """Not supported: torch's compiled programs are not read."""
    raise NotImplementedError(
        "jit.load is not supported: torch's compiled programs are read by torch alone. Save the "
        "state_dict() there, and mt.load reads it"
    )


refuse_missing(globals())
