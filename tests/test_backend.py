"""Uploads beside the computation, on a simulated GPU whose streams run as unluckily as allowed."""

import weakref
from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import backend
from minitorch_cnn.backend import transfer


class Gpu:
    """Streams are queues; nothing runs before `run`. Freed memory is handed out again at once."""

    def __init__(self):
        self.streams, self.free = [], []
        self.computing = self.stream()
        self.cuda = SimpleNamespace(
            get_current_stream=lambda: self.computing, Stream=lambda non_blocking: self.stream()
        )

    def stream(self):
        stream = SimpleNamespace(ptr=len(self.streams), work=[], done=0)
        stream.record = lambda: SimpleNamespace(stream=stream, at=len(stream.work), done=False)
        stream.wait_event = lambda event: stream.work.append(event)
        self.streams.append(stream)
        return stream

    def empty(self, shape, dtype):
        memory = self.free.pop() if self.free else np.full(shape, np.nan, dtype)
        array = Array(memory)
        weakref.finalize(array, self.free.append, memory)
        return array

    def run(self, favourite):
        """Does all work, that of one stream as soon as it may be done."""
        order = sorted(self.streams, key=lambda stream: stream is not favourite)
        while any(stream.done < len(stream.work) for stream in order):
            for stream in order:
                if stream.done == len(stream.work):
                    continue
                item = stream.work[stream.done]
                if callable(item):
                    item()
                elif item.stream.done < item.at:
                    continue  # it waits; another stream has its turn
                stream.done += 1
                break
            else:
                raise AssertionError("deadlock")


class Array:
    def __init__(self, memory):
        self.memory = memory

    def set(self, host, stream):
        memory = self.memory  # the queue holds neither the array nor, as far as it knows, host
        values = host.copy()
        stream.work.append(lambda: memory.__setitem__(..., values))


@pytest.fixture
def gpu(monkeypatch):
    simulated = Gpu()
    monkeypatch.setattr(transfer, "import_cupy", lambda: simulated)
    for name in ("_copy_streams", "_spares"):
        monkeypatch.setattr(transfer, name, {})
    return simulated


@pytest.mark.parametrize("keep", [0, 1, 3])
@pytest.mark.parametrize("favourite", ["computing", "copying"])
def test_every_kernel_sees_its_own_batch(gpu, keep, favourite):
    seen, kept = [], []
    for step in range(8):
        batch = backend.upload(np.full(3, float(step)), 0)
        memory = batch.memory

        def kernel(memory=memory):
            seen.append(memory.tolist())

        gpu.computing.work += [kernel, kernel]
        kept = [*kept, batch][-keep:] if keep else []
        del batch
    gpu.run(gpu.computing if favourite == "computing" else transfer._copy_streams[0])
    assert seen == [[float(step)] * 3 for step in range(8) for _ in range(2)]


def test_the_next_copy_runs_while_the_step_before_it_computes(gpu):
    done = []
    for step in range(4):
        batch = backend.upload(np.full(3, float(step)), 0)
        gpu.computing.work.append(lambda step=step: done.append(f"step {step}"))
        copying = transfer._copy_streams[0]
        copying.work.append(lambda step=step: done.append(f"copy {step}"))
        del batch
    gpu.run(copying)
    for step in range(2, 4):  # the copy of a batch does not wait for the step before it
        assert done.index(f"copy {step}") < done.index(f"step {step - 1}")


def test_memory_for_shapes_that_do_not_come_again_is_given_up(gpu):
    for size in range(1, 30):
        backend.upload(np.zeros(size), 0)
    assert len(transfer._spares) <= 4


def test_host_arrays_live_until_the_gpu_has_read_them(gpu):
    transfer._in_flight.clear()
    host = np.zeros(3)
    reference = weakref.ref(host)
    backend.upload(host, 0)
    del host
    assert reference() is not None
    transfer._in_flight[0][0].done = True
    backend.upload(np.zeros(3), 0)
    assert reference() is None
    transfer._in_flight.clear()


def test_a_device_is_a_block():
    """With "cpu" only, for tests without a GPU: what was before comes back, also after an error."""
    before = mt.get_default_device()
    with mt.device("cpu") as outer, mt.device("cpu"):
        assert outer == mt.zeros(1).device == mt.device("cpu")
    assert mt.get_default_device() == before
    with pytest.raises(ValueError), mt.device("cpu"):
        raise ValueError
    assert mt.get_default_device() == before
