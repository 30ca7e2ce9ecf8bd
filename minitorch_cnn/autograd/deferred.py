"""What is put off: results that are computed together with what comes after them.

Nearly all the time of a batch norm, of a ReLU and of a sum goes into reading and writing memory,
not into arithmetic. ``relu(bn(x) + shortcut)`` as three passes reads and writes it three times;
one pass that does all of it takes a third. But `bn` is called before anybody can know that a sum
and a relu will follow. So a convolution and a batch norm put their result off: the tensor that they
return knows its shape, type and device, and instead of the array it has a `Deferred`: a kernel that
has not run yet. (A fully connected layer's result is small: to put it off gained nothing; nor does
a convolution's with the readable kernels, which take a relu as a pass of its own.) Then

- adding a tensor of the same shape gives a result that is put off as well (`add`),
- relu runs the kernel with ``relu=True``, in one pass (`Deferred.with_relu`),
- anything else looks at ``tensor.array``, and there (Tensor.__getattr__) the kernel runs.

The graph knows nothing of it. Every operation records the node that it always records, with the
same name; hooks, retained gradients and gradients of gradients are there because nothing was left
out. What is put off are arrays alone.

Backward does the same, the other way round. The gradient that a ReLU sends on, gy where y > 0, is
a pass over memory that a batch norm's backward can take along (`MaskedGradient`). If it does, it
has the masked gradient as well, for the shortcut (`MaskedGradient.shared`). If something else comes
in between, a hook, a convolution, a second gradient to be added, it looks at the array, and the
mask is applied there.

Nobody can tell the difference but by the clock (and by memory: until it is computed, a result
keeps the inputs of its kernel alive instead of itself). What makes this true:

- All arguments are checked before anything is put off, so errors come at the call.
- The arrays that a kernel will read must stay as they are. Before a tensor is written to in
  place, by whatever name it has (a view, detach(), .data), all results that read the same memory
  are computed: `before_write`. Memory that an array outside of all tensors shares (numpy(),
  from_numpy(), DLPack) may be written to unseen; where it is read nothing is put off (`later`).
- A result is computed with the kernels, and in the CUDA stream or graph, that its thread had chosen
  when it asked for it: whatever changes them first calls `settle`. `last_conv` computes the last
  convolution, so that one is kept until the next even if its result was dropped.

What it costs: a result that relu has taken along and that somebody looks at afterwards is computed
a second time. To measure what it is worth, let one of the operations call something that computes
at once in the place of `later`: `keep_apart` in tests/autograd/test_deferred.py.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from sys import getrefcount
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import kernels
from ..backend import Array, ahead, array_module, device, device_of
from ..kernels import dispatch
from .modes import state

# All that is put off and still wanted by somebody. A set of weak references: what was dropped, or
# computed and fetched, is gone from here by itself.
waiting: set[weakref.ref[Deferred]] = set()
_lock = threading.Lock()


def _new_lock() -> None:
    """In a process that was forked while another thread held the old one."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


class Deferred:
    """An array that is still to be computed, by ``kernel(relu)``.

    shape, dtype: of the array. sources: the arrays that the kernel reads.
    takes_relu: kernel(True) gives max(array, 0) in the same pass.
    takes_residual: kernel(relu, residual) adds an array of the same shape, before the relu.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "kernel",
        "result",
        "shape",
        "sources",
        "takes_relu",
        "takes_residual",
        "thread",
    )

    def __init__(
        self,
        kernel: Callable[..., Array],
        shape: tuple[int, ...],
        sources: tuple[Array, ...],
        takes_relu: bool = False,
        takes_residual: bool = False,
    ) -> None:
        self.kernel: Callable[..., Array] | None = kernel
        self.shape, self.dtype, self.sources = shape, sources[0].dtype, sources
        self.takes_relu, self.takes_residual = takes_relu, takes_residual
        self.result: Array | None = None
        self.thread = threading.get_ident()
        waiting.add(weakref.ref(self, waiting.discard))

    @property
    def device(self) -> device:
        """Where the array will be."""
        sources = self.sources
        return device_of(sources[0] if sources else self.result)

    def values(self) -> Array:
        """The array, computed now if it was not yet."""
        array = self.arriving()
        ahead.wait()
        return array

    def arriving(self) -> Array:
        """The array, which kernels may still be writing: for other kernels alone."""
        kernel = self.kernel
        if kernel is not None and state.quiet:  # in a backward
            self.finish(ahead.start(kernel, False))
        elif kernel is not None:
            with np.errstate(all="ignore"):
                self.finish(ahead.start(kernel, False))
        return self.result

    def finish(self, result: Array) -> None:
        """Sets the array, and lets go of what it was to be computed from."""
        with _lock:  # of two threads the first one's array counts: both get the same
            if self.result is None:
                self.result = result
        self.kernel, self.sources = None, ()
        waiting.discard(weakref.ref(self))

    def with_relu(self) -> Array:
        """max(array, 0), in one pass if it was not computed yet."""
        kernel = self.kernel
        if kernel is None or not self.takes_relu:
            return kernels.relu(self.arriving())
        return kernel(True)


class MaskedGradient(Deferred):
    """gy where y > 0, 0 elsewhere: the gradient of a ReLU whose output was y.

    shared: two operations will get it. Who computes it on the way hands it in then (`finish`).
    """

    __slots__ = ("shared",)

    def __init__(self, gy: Array, y: Array) -> None:
        super().__init__(lambda relu: kernels.relu_backward(gy, y), y.shape, (gy, y))
        self.shared = False


class ScatteredGradient(Deferred):
    """scatter(gy): the gradient of a max pooling, gy at the places of the maxima.

    of_relu: (x, y), the pooling's input and output, if x came out of a ReLU. The ReLU's mask is at
    these places y > 0, as a maximum is one of the numbers of x. So it is laid upon gy, which has a
    quarter of the numbers of x where windows are 2 x 2 (`masked`).
    """

    __slots__ = ("gy", "of_relu", "scatter")

    def __init__(
        self, scatter: Callable[[Array], Array], shape: tuple[int, ...], gy: Array, position: Array
    ) -> None:
        super().__init__(lambda relu: scatter(gy), shape, (gy, position))
        self.scatter, self.gy = scatter, gy
        self.of_relu: tuple[Array, Array] | None = None

    def masked(self, x: Array) -> Deferred | None:
        """The gradient of the ReLU that gave x; None if this pooling was one of something else."""
        if self.kernel is None or self.of_relu is None or self.of_relu[0] is not x:
            return None
        scatter, gy, y = self.scatter, self.gy, self.of_relu[1]
        return Deferred(
            lambda relu: scatter(kernels.relu_backward(gy, y)), self.shape, (*self.sources, y)
        )


def add(summand: Any, other: Any) -> Deferred | None:
    """The sum of two tensors, put off as the first one is; None if that cannot be."""
    first = summand._deferred
    if first is None or not first.takes_residual or other.shape != first.shape:
        return None
    residual = other.arriving  # which may be computed here, and be the summand itself
    kernel, sources = first.kernel, first.sources
    if kernel is None:
        return None
    together = partial(kernel, residual=residual)
    return Deferred(together, first.shape, (*sources, residual), takes_relu=True)


def before_write(array: Array) -> None:
    """Computes all that reads the memory of this array, which is about to be written to."""
    for reference in waiting.copy():
        deferred = reference()
        if deferred is None:
            continue
        for source in deferred.sources:
            if type(source) is type(array) and array_module(array).may_share_memory(source, array):
                deferred.values()
                break


def _references(holder: Any) -> int:
    """How many refer to a tensor's Memory: more than `_alone` if it has aliases."""
    return getrefcount(holder._memory)


_alone = _references(SimpleNamespace(_memory=object()))


def written_by_kernel(tensor: Any) -> None:
    """To be called after a kernel was started that writes to the memory of a tensor."""
    tensor._bump_version()
    apart = not tensor._memory.outside and not tensor._memory.behind
    if not apart or _references(tensor) > _alone:
        ahead.wait()  # there are other ways to look at it than by this tensor
    elif ahead.unfinished:
        with contextlib.suppress(AttributeError):  # it is there no more
            del tensor.array  # nobody may look at it before the kernel is done


def in_use(memories: tuple[Any, ...]) -> list[Any]:
    """Those that a tensor still has, or an array outside of all tensors."""
    return [each for each in memories if each.outside or getrefcount(each) > _in_a_tuple]


(_in_a_tuple,) = [getrefcount(each) for each in (object(),)]


def settle() -> None:
    """Computes all that this thread has put off, and waits for what runs."""
    own = threading.get_ident()
    for reference in waiting.copy():
        deferred = reference()
        if deferred is not None and deferred.thread == own:
            deferred.values()
    ahead.wait()


dispatch.before_change.append(settle)
