"""Gradients of several processes, averaged in buckets while backward goes on.

A message costs a fixed time however small it is, so gradients travel together, in buckets. Backward
makes the last layer's gradients first. As soon as all gradients of the first bucket are there, its
all-reduce begins, and goes on behind the computation of the next ones:

    compute    layer 5 | layer 4 | layer 3 | layer 2 | layer 1 | wait
    network              bucket 0 ..........| bucket 1 ..........|

All processes have to call the same all-reduces in the same order, and their backwards may not go in
the same order. So buckets are sent by their number, bucket 1 never before bucket 0. At first they
are filled from the last parameter to the first, from the second step on in the order in which rank
0's backward made the gradients.

Who moves the data: MPI works only while somebody is in a call of it. So each gradient that is ready
asks the oldest all-reduce whether it is done, and that call moves all of them on. Between two
processes of MPICH 5 on one host, an all-reduce is over after five or six such calls, be it of 1 or
of 25 MB. What is left at the end of backward is waited for: of ResNet-18, 2 % of the bytes. NCCL
works by itself.

Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training" (2020).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import distributed
from ...autograd.modes import state
from ...backend import array_module
from ...tensor import Tensor, shape_text, wrap
from ..parameter import Parameter


class Bucket:
    """The gradients of some parameters, by their places, one behind the other in `flat` (n,)."""

    def __init__(self, places: list[int], parameters: list[Parameter]) -> None:
        self.places = places
        arrays = [parameters[place].array for place in places]
        xp = array_module(arrays[0])
        self.flat = wrap(xp.zeros(sum(array.size for array in arrays), arrays[0].dtype))
        self.views: dict[int, Any] = {}
        start = 0
        for place, array in zip(places, arrays, strict=True):
            self.views[place] = self.flat.array[start : start + array.size].reshape(array.shape)
            start += array.size
        self.missing = len(places)  # gradients that are not there yet
        self.work: Any = None


def in_buckets(order: list[int], parameters: list[Parameter], limits: list[int]) -> list[list[int]]:
    """The places of parameters, in this order, cut where a bucket has reached its bytes.

    limits: those of the first bucket, of the second, ..., of all others. A bucket has one dtype.
    The last bucket is small, for nothing is left to compute while it travels: no larger than the
    first may be, and at most an eighth of all.
    """
    sizes = [parameters[place].array.nbytes for place in order]
    most = min(limits[0], sum(sizes) // 8)
    end = len(order)
    while end and sum(sizes[end - 1 :]) <= most:
        end -= 1
    return _cut(order[:end], parameters, limits) + _cut(order[end:], parameters, limits)


def _cut(order: list[int], parameters: list[Parameter], limits: list[int]) -> list[list[int]]:
    full: list[list[int]] = []
    open_: dict[Any, list[int]] = {}
    for place in order:
        kind = parameters[place].array.dtype
        bucket = open_.setdefault(kind, [])
        bucket.append(place)
        limit = limits[min(len(full), len(limits) - 1)]
        if sum(parameters[each].array.nbytes for each in bucket) >= limit:
            full.append(open_.pop(kind))
    return full + list(open_.values())


class Reducer:
    """Averages the gradients of `parameters`, whose names are for messages, over a group.

    armed: whether the backward that runs is to be averaged. Averaging is of `.grad` as it is then,
    with what backwards before have added. That is right for gradients that were averaged already,
    too: the mean over the processes is linear, and a mean of equal numbers is this number.
    """

    def __init__(
        self,
        parameters: dict[str, Parameter],
        group: Any,
        limits: list[int],
        find_unused: bool,
        as_view: bool,
    ) -> None:
        self.names, self.parameters = list(parameters), list(parameters.values())
        self.group, self.limits = group, limits
        self.find_unused, self.as_view = find_unused, as_view
        self.world = distributed.get_world_size(group)  # what sums are divided by
        self.leader = 0  # the rank whose order counts
        self.begin: Callable[[], None] | None = None  # called before the first bucket is sent
        self.armed = False
        self.ready: dict[int, None] = {}  # in the order of backward
        self.used: set[int] = set()  # since the last averaging
        self.rebuilt = find_unused  # an order with some missing is none
        self.places = {id(parameter): i for i, parameter in enumerate(self.parameters)}
        self._make_buckets(list(range(len(self.parameters)))[::-1])
        # The parameters live longer than the wrapper, so they hold it weakly.
        this = weakref.ref(self)
        handles = [
            parameter.register_post_accumulate_grad_hook(_Told(this, place))
            for place, parameter in enumerate(self.parameters)
        ]
        weakref.finalize(self, _remove, handles)

    def _make_buckets(self, order: list[int]) -> None:
        lists = in_buckets(order, self.parameters, self.limits)
        self.buckets = [Bucket(places, self.parameters) for places in lists]
        self.bucket_of = {place: i for i, places in enumerate(lists) for place in places}
        self.sent = 0  # buckets under way, from the first on

    def arm(self, gradient: Any = None) -> None:
        """Called at the start of a backward from outputs that want their gradients averaged."""
        self.armed = True

    # ------------------------------------------------------------------------ during backward

    def told(self, place: int) -> None:
        """A parameter's `.grad` is complete."""
        self.used.add(place)
        if not self.armed:
            return
        if self.begin is not None and not self.ready:
            self.begin()
        if self.find_unused and not self.ready:
            here = state.awaited
            for i, parameter in enumerate(self.parameters):
                if id(parameter) not in here:
                    self._fill(i)
        self._fill(place)
        self._send()
        for bucket in self.buckets[: self.sent]:
            if not bucket.work.is_completed():
                break  # and that call has moved all of them on
        if len(self.ready) == len(self.parameters):
            self.finish()

    def _fill(self, place: int) -> None:
        if place in self.ready:
            raise RuntimeError(
                f"Expected to mark a variable ready only once: parameter {place}, "
                f"{self.names[place]}, got a gradient for a second time before all the others had "
                "one. Either it is used by several backwards of one forward, or another parameter "
                "is not used at all: pass find_unused_parameters=True."
            )
        self.ready[place] = None
        bucket = self.buckets[self.bucket_of[place]]
        view, gradient = bucket.views[place], self.parameters[place].grad
        if gradient is None:
            view[...] = 0
        else:
            array = gradient.array
            if array.shape != view.shape or array.dtype != view.dtype:
                raise RuntimeError(
                    f"parameter {self.names[place]} was {shape_text(view.shape)} of {view.dtype} "
                    "when DistributedDataParallel was made, and now has a gradient "
                    f"{shape_text(array.shape)} of {array.dtype}: change the network before"
                )
            # Divided here, not after the sum, which float16 might not hold.
            array_module(view).divide(array, self.world, out=view)
        bucket.missing -= 1

    def _send(self) -> None:
        while self.sent < len(self.buckets) and not self.buckets[self.sent].missing:
            bucket = self.buckets[self.sent]
            bucket.work = distributed.all_reduce(bucket.flat, group=self.group, async_op=True)
            self.sent += 1

    def finish(self) -> None:
        """Waits for all averages and puts them in the place of the gradients."""
        used = self._used_anywhere() if self.find_unused else self.bucket_of
        for bucket in self.buckets:
            bucket.work.wait()
            bucket.work = None
            for place, view in bucket.views.items():
                if place in used:
                    self._give_back(self.parameters[place], view)
            bucket.missing = len(bucket.places)
        order, self.ready = list(self.ready), {}
        self.used.clear()
        self.sent, self.armed = 0, False
        if not self.rebuilt:
            self._rebuild(order)

    def stand_in(self) -> None:
        """Takes part in an averaging of the others, with zeros, and keeps its gradients."""
        for bucket in self.buckets:
            bucket.flat.array[...] = 0
            distributed.all_reduce(bucket.flat, group=self.group)
        if self.find_unused:
            self._exchange(np.zeros(len(self.parameters), np.int64))
        if not self.rebuilt:
            self._rebuild([0] * len(self.parameters))

    def _give_back(self, parameter: Parameter, view: Any) -> None:
        gradient = parameter.grad
        if self.as_view:
            if gradient is None or gradient.array is not view:
                parameter.grad = wrap(view)
        elif gradient is None:
            parameter.grad = wrap(view.copy())
        else:
            gradient._before_write()
            gradient.array[...] = view
        if parameter.grad is gradient and gradient is not None:
            gradient._bump_version()

    def _used_anywhere(self) -> set[int]:
        """A parameter that no process has used keeps the `.grad` that it has, often None."""
        used = np.zeros(len(self.parameters), np.int64)
        used[list(self.used)] = 1
        return set(np.flatnonzero(self._exchange(used)).tolist())

    def _rebuild(self, order: list[int]) -> None:
        """Buckets in the order in which the leader's backward made the gradients."""
        self.rebuilt = True
        leads = distributed.get_rank(self.group) == self.leader
        order = self._exchange(np.array(order, np.int64) * leads).tolist()
        if order != [place for bucket in self.buckets for place in bucket.places]:
            self._make_buckets(order)

    def _exchange(self, numbers: np.ndarray) -> np.ndarray:
        """The sum over the processes of a few integers (n,), sent from where the gradients are."""
        tensor = wrap(array_module(self.buckets[0].flat.array).asarray(numbers))
        distributed.all_reduce(tensor, group=self.group)
        return tensor.cpu().numpy()

    # ------------------------------------------------------------------------ between backwards

    def check_finished(self) -> None:
        """Raises RuntimeError if the backward before has not had the gradients of all."""
        if not self.ready:
            return
        left = [name for i, name in enumerate(self.names) if i not in self.ready]
        rank = distributed.get_rank(self.group)
        raise RuntimeError(
            "Expected to have finished reduction in the prior iteration before starting a new one: "
            f"on rank {rank}, these parameters got no gradient: {', '.join(left)}. If they are not "
            "used in every step pass find_unused_parameters=True to DistributedDataParallel; "
            "otherwise make sure that all outputs of forward are used in the loss."
        )


class _Told:
    """The hook of one parameter."""

    def __init__(self, reducer: Any, place: int) -> None:
        self.reducer, self.place = reducer, place

    def __call__(self, parameter: Tensor) -> None:
        reducer = self.reducer()
        if reducer is not None:
            reducer.told(self.place)


def _remove(handles: list[Any]) -> None:
    for handle in handles:
        handle.remove()
