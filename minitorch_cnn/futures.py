"""Results that are not known yet, for programs whose model answers later (torch.futures)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .missing import refuse_missing as _refuse_missing

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A value that somebody sets later, once: `set_result` or `set_exception`.

    devices: ignored. Several threads may use it.

    >>> import minitorch_cnn as mt
    >>> later = mt.futures.Future()
    >>> twice = later.then(lambda known: 2 * known.value())
    >>> later.set_result(21)
    >>> twice.done(), twice.wait()
    (True, 42)
    """

    def __init__(self, *, devices: Any = None) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()  # between setting the value and adding a callback
        self._callbacks: list[Callable[[Future], Any]] = []
        self._value: Any = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Whether a value or an exception was set."""
        return self._set.is_set()

    def wait(self) -> T:
        """Waits until it is done; returns the value, or raises the exception that was set."""
        self._set.wait()
        return self.value()

    def value(self) -> T:
        """The value, or raises the exception that was set; RuntimeError if it is not done."""
        if not self.done():
            raise RuntimeError("Future: value() was called before it is done: wait() waits for it")
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, result: T) -> None:
        """Sets the value and calls who waits for it. Raises RuntimeError if it is done."""
        self._finish(result, None)

    def set_exception(self, result: Exception) -> None:
        """Sets what `wait` and `value` raise. Raises RuntimeError if it is done."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if self.done():
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future "
                    "can only be marked completed once."
                )
            self._value, self._error = value, error
            self._set.set()
        for callback in self._callbacks:
            callback(self)

    def add_done_callback(self, callback: Callable[[Future[T]], Any]) -> None:
        """Calls callback(self) once it is done, at once if it is. What callback returns is lost."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback: Callable[[Future[T]], Any]) -> Future:
        """A Future of what callback(self) returns once this one is done, or of what it raises."""
        following: Future = Future()

        def call(known: Future[T]) -> None:
            try:
                result = callback(known)
            except Exception as error:
                following.set_exception(error)
            else:
                following.set_result(result)

        self.add_done_callback(call)
        return following


def collect_all(futures: list[Future]) -> Future[list[Future]]:
    """A Future of the list itself, done once all in it are.

    >>> import minitorch_cnn as mt
    >>> parts = [mt.futures.Future() for _ in range(2)]
    >>> whole = mt.futures.collect_all(parts)
    >>> for i, part in enumerate(parts):
    ...     part.set_result(i)
    >>> [part.value() for part in whole.wait()]
    [0, 1]
    """
    whole: Future[list[Future]] = Future()
    lock, missing = threading.Lock(), len(futures)

    def count(_: Any) -> None:
        nonlocal missing
        with lock:
            missing -= 1
            last = missing == 0
        if last:
            whole.set_result(futures)

    for each in futures:
        each.add_done_callback(count)
    if not futures:
        whole.set_result(futures)
    return whole


def wait_all(futures: list[Future]) -> list:
    """Waits for all and returns their values; raises what the first one that failed has.

    >>> import minitorch_cnn as mt
    >>> later = mt.futures.Future()
    >>> later.set_result("here")
    >>> mt.futures.wait_all([later])
    ['here']
    """
    return [each.wait() for each in collect_all(futures).wait()]


_refuse_missing(globals())
