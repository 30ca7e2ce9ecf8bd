"""The switches of autograd: is it recording, and is it looking for trouble?

They are per thread, as torch's are: a worker thread starts with gradients on.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Collection
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


# Why a view may not be written to later; by whether it was made in inference mode.
UNRECORDED_VIEW = {
    False: "A view was created in no_grad mode and is being modified inplace",
    True: "A view was created in inference mode and is being modified inplace",
}


class _State(threading.local):
    grad_enabled = True
    inference = False
    quiet = False  # NumPy's warnings are off, for a whole backward
    anomaly = False
    anomaly_check_nan = True
    awaited: Collection[int] = ()  # leaves (ids) with post hooks that the last backward leads to
    keep: Callable[..., Any] | None = None  # in the place of SavedTensor; see graph.py
    saving: tuple = ()  # the hooks of saved_tensors_hooks, the innermost last
    saving_refused: str | None = None  # why there may be none
    depth = 0  # how many backwards run inside of each other
    running: tuple | None = None  # the backward that runs: see `_run` in engine.py
    observer: Callable[..., None] | None = None  # told of every operation, for onnx/trace.py
    inducer: Any = None  # the node whose backward runs, while anomalies are looked for


state = _State()


class _Mode:
    """A context manager that is a decorator as well.

    Subclasses say in `_enter` what to switch; leaving restores what was before.
    """

    def _enter(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> None:
        self._before = dict(
            grad_enabled=state.grad_enabled,
            inference=state.inference,
            anomaly=state.anomaly,
            anomaly_check_nan=state.anomaly_check_nan,
        )
        self._enter()

    def __exit__(self, *exc: object) -> None:
        state.__dict__.update(self._before)

    def _clone(self) -> _Mode:
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generating(*args: Any, **kwargs: Any) -> Any:
                return _each_step(self._clone, function(*args, **kwargs))

            return generating  # type: ignore[return-value]
        if inspect.isclass(function):
            warnings.warn(
                "Decorating classes is deprecated: what makes an object of it is called in this "
                "mode, its methods are not. Decorate the __init__ method instead.",
                FutureWarning,
                stacklevel=3,
            )

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._clone():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


def _each_step(mode: Callable[[], _Mode], generator: Any) -> Any:
    """The generator, each step of which is taken in a mode. In between, its caller's own is on."""
    step, value = generator.send, None
    while True:
        try:
            with mode():
                produced = step(value)
        except StopIteration as stop:
            return stop.value
        try:
            step, value = generator.send, (yield produced)
        except GeneratorExit:
            with mode():
                generator.close()
            raise
        except BaseException as error:
            step, value = generator.throw, error


class no_grad(_Mode):
    """Operations inside are not recorded: their results do not require gradients.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(2, requires_grad=True)
    >>> with mt.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False

    Also a decorator: ``@mt.no_grad()`` (or, as in torch, ``@mt.no_grad``).
    """

    def __new__(cls, function: Callable | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def _enter(self) -> None:
        state.grad_enabled = False


class enable_grad(_Mode):
    """Switches recording on again inside a `no_grad` block."""

    def __new__(cls, function: Callable | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)

    def _enter(self) -> None:
        state.grad_enabled = True


class set_grad_enabled(_Mode):
    """Recording on or off by a bool, at once or for a block: ``set_grad_enabled(train)``."""

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._previous = state.grad_enabled
        state.grad_enabled = self.mode

    def __enter__(self) -> None:
        state.grad_enabled = self._previous
        super().__enter__()

    def _enter(self) -> None:
        state.grad_enabled = self.mode

    def __call__(self, function: F) -> F:
        state.grad_enabled = self._previous  # as a decorator it acts when the function is called
        return super().__call__(function)

    def _clone(self) -> _Mode:
        return set_grad_enabled(self.mode)


class inference_mode(_Mode):
    """Like `no_grad`, for good: what is made inside can never be recorded later.

    >>> import minitorch_cnn as mt
    >>> with mt.inference_mode():
    ...     y = mt.ones(2) * 2
    >>> y.is_inference()
    True
    """

    def __new__(cls, mode: bool | Callable = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def _enter(self) -> None:
        state.inference = self.mode
        if self.mode:
            state.grad_enabled = False

    def _clone(self) -> _Mode:
        return inference_mode(self.mode)


class set_detect_anomaly(_Mode):
    """Finds the operation to blame for a NaN gradient or an error in backward.

    While on, every operation remembers where it was called, and backward stops at the first
    gradient that holds a NaN. A warning says which forward call made it. Slow: for debugging only.

    >>> import warnings, minitorch_cnn as mt
    >>> x = mt.zeros(1, requires_grad=True)
    >>> with mt.autograd.set_detect_anomaly(True), warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     try:
    ...         (x.sqrt() * 0).backward()
    ...     except RuntimeError as error:
    ...         print(str(error).splitlines()[0])
    Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.mode, self.check_nan = mode, check_nan
        self._previous = (state.anomaly, state.anomaly_check_nan)
        self._enter()

    def __enter__(self) -> None:
        state.anomaly, state.anomaly_check_nan = self._previous
        super().__enter__()

    def _enter(self) -> None:
        state.anomaly, state.anomaly_check_nan = self.mode, self.check_nan

    def _clone(self) -> _Mode:
        return set_detect_anomaly(self.mode, self.check_nan)


class detect_anomaly(_Mode):
    """`set_detect_anomaly(True)` for a block. It warns that it is on."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def _enter(self) -> None:
        state.anomaly, state.anomaly_check_nan = True, self.check_nan

    def _clone(self) -> _Mode:
        return detect_anomaly(self.check_nan)


def is_grad_enabled() -> bool:
    """True while operations are recorded in this thread."""
    return state.grad_enabled


def is_inference_mode_enabled() -> bool:
    """True inside an `inference_mode` block."""
    return state.inference


def is_anomaly_enabled() -> bool:
    """True while anomalies are looked for."""
    return state.anomaly
