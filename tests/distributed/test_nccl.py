"""NCCL's calls, held against its rules by a stand-in: nothing here has run on a GPU.

The stand-in (nccl_standin.py) queues all work, does it late and in an order of the test's choice,
and finds accesses that no stream and no event puts in order.
"""

import inspect
import random
from types import SimpleNamespace

import numpy as np
import pytest

from minitorch_cnn.backend.devices import recording
from minitorch_cnn.distributed import nccl
from minitorch_cnn.distributed.work import Work
from tests.distributed import nccl_standin as standin

# What `help(cupy.cuda.nccl.NcclCommunicator)` says in CuPy 14.2.0.
SIGNATURES = """
allReduce(self, intptr_t sendbuf, intptr_t recvbuf, size_t count, int datatype, int op, intptr_t stream)
reduce(self, intptr_t sendbuf, intptr_t recvbuf, size_t count, int datatype, int op, int root, intptr_t stream)
broadcast(self, intptr_t sendbuff, intptr_t recvbuff, size_t count, int datatype, int root, intptr_t stream)
reduceScatter(self, intptr_t sendbuf, intptr_t recvbuf, size_t recvcount, int datatype, int op, intptr_t stream)
allGather(self, intptr_t sendbuf, intptr_t recvbuf, size_t count, int datatype, intptr_t stream)
send(self, intptr_t sendbuf, size_t count, int datatype, int peer, intptr_t stream)
recv(self, intptr_t recvbuf, size_t count, int datatype, int peer, intptr_t stream)
check_async_error(self)
destroy(self)
"""  # noqa: E501

ORDERS = {
    "first to last": lambda streams: streams,
    "last to first": lambda streams: streams[::-1],
    "shuffled": lambda streams: random.Random(len(streams)).sample(streams, len(streams)),
}


@pytest.fixture
def start(monkeypatch):
    """start(size): a world, and the backend of each of its processes."""
    backends, failures = [], []

    def begin(size):
        world = standin.World(size)
        world.failures = failures
        cupy = standin.fake_cupy(world)
        monkeypatch.setattr(nccl, "import_cupy", lambda: cupy)
        monkeypatch.setattr(nccl, "import_nccl", lambda: world.nccl)
        monkeypatch.setattr(nccl.socket, "gethostname", lambda: "host")
        shared: dict = {}
        for rank in range(size):
            with world.process(rank):
                exchange = standin.Exchange(size, rank, shared)
                backends.append(nccl.NcclBackend(exchange, rank, 600.0, failures.append))
        return world, list(backends)

    yield begin
    for rank, backend in enumerate(backends):
        with standin.World.running.process(rank):
            backend.close()
    assert standin.World.running.problems == [] and failures == []


def on_all(world, backends, call):
    """What call(backend) gives in each process."""
    results = []
    for backend in backends:
        with world.process(backend.rank):
            results.append(call(backend))
    return results


def values(rank, count=6, dtype="float32"):
    drawn = np.random.default_rng(rank).integers(0, 9, count)
    return drawn.astype(dtype)


def test_the_standin_has_cupys_methods():
    for line in SIGNATURES.strip().splitlines():
        name, _, rest = line.partition("(")
        expected = [each.split()[-1] for each in rest.rstrip(")").split(", ")]
        own = inspect.signature(getattr(standin.NcclCommunicator, name)).parameters
        assert list(own) == expected, name


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_values_of_all_collectives(start, size, order):
    world, backends = start(size)
    world.order = ORDERS[order]
    root = size - 1
    each = [values(rank) for rank in range(size)]
    parts = np.concatenate([values(10 + rank, 2 * size) for rank in range(size)])
    parts = parts.reshape(size, 2 * size)

    def work(backend):
        rank = backend.rank
        reduced = {op: world.array(each[rank]) for op in nccl.OPERATIONS}
        one, other = world.array(each[rank]), world.array(each[rank])
        gathered = world.array(np.zeros(6 * size))
        scattered = world.array(np.zeros(2))
        collected = world.array(np.zeros(6 * size)) if rank == root else None
        part = world.array(np.zeros(2))
        works = [backend.all_reduce(array, op) for op, array in reduced.items()]
        works += [backend.reduce(one, root, "SUM"), backend.broadcast(other, root)]
        works += [backend.all_gather(gathered, world.array(each[rank]))]
        works += [backend.reduce_scatter(scattered, world.array(parts[rank]), "MAX")]
        works += [backend.gather(collected, world.array(each[rank]), root)]
        turned, turns = world.array(np.zeros(2 * size)), world.array(parts[rank])
        works += [backend.all_to_all(turned, turns)]
        whole = world.array(parts[0]) if rank == root else None
        works += [backend.scatter(part, whole, root)]
        for handed_over in works:
            assert not handed_over.is_completed() and handed_over.wait()
        return reduced, one, other, gathered, scattered, collected, part, turned

    results = on_all(world, backends, work)
    world.run()
    formulas = {
        "SUM": np.sum, "PRODUCT": np.prod, "MAX": np.max, "MIN": np.min, "AVG": np.mean,
    }  # fmt: skip
    for rank, result in enumerate(results):
        with world.process(rank):
            reduced, one, other, gathered, scattered, collected, part, turned = result
            for op, array in reduced.items():
                np.testing.assert_allclose(array.get(), formulas[op](each, axis=0), rtol=1e-6)
            expected = np.sum(each, axis=0) if rank == root else each[rank]
            np.testing.assert_array_equal(one.get(), expected)
            np.testing.assert_array_equal(other.get(), each[root])
            np.testing.assert_array_equal(gathered.get(), np.concatenate(each))
            own = slice(2 * rank, 2 * rank + 2)
            np.testing.assert_array_equal(scattered.get(), parts.max(axis=0)[own])
            np.testing.assert_array_equal(part.get(), parts[0][own])
            np.testing.assert_array_equal(turned.get(), parts[:, own].ravel())
            if rank == root:
                np.testing.assert_array_equal(collected.get(), np.concatenate(each))


def test_nccl_is_told_type_count_and_operation(start):
    world, backends = start(2)
    kinds = {
        "int8": 0, "uint8": 1, "int32": 2, "uint32": 3, "int64": 4, "uint64": 5,
        "float16": 6, "float32": 7, "float64": 8,
    }  # fmt: skip
    for dtype, code in kinds.items():
        on_all(world, backends, lambda b, t=dtype: b.all_reduce(world.array([1, 2, 3], t), "MIN"))
        assert world.calls[-2:] == [(rank, "allReduce", 3, code, 3, None) for rank in (0, 1)]
    flags = on_all(world, backends, lambda b: world.array([b.rank == 0, True, False], "bool"))
    for op, code, expected in [("SUM", 2, [1, 1, 0]), ("PRODUCT", 3, [1, 1, 0])]:
        on_all(world, backends, lambda b, o=op: b.all_reduce(flags[b.rank], o).wait())
        assert world.calls[-1] == (1, "allReduce", 3, 1, code, None)
        world.run()
        with world.process(1):
            assert flags[1].get().tolist() == [bool(each) for each in expected]
    on_all(world, backends, lambda b: b.broadcast(world.array(np.zeros((2, 5)), "int64"), 1))
    assert world.calls[-1] == (1, "broadcast", 10, 4, None, 1)


def test_what_is_not_waited_for_is_a_race(start):
    """Of the stand-in as much as of the backend: without `wait` the result may not be read."""
    world, backends = start(2)
    arrays = on_all(world, backends, lambda b: world.array(values(b.rank)))
    works = on_all(world, backends, lambda b: b.all_reduce(arrays[b.rank], "SUM"))
    with world.process(0):
        with pytest.raises(standin.Race, match="get is not ordered with allReduce"):
            arrays[0].get()
        with pytest.raises(standin.Race, match="copy is not ordered with allReduce"):
            arrays[0][...] = 1.0
        works[0].wait()
        arrays[0].get()


@pytest.mark.parametrize("ask", [False, True])
def test_the_programs_work_waits_by_the_stream(start, ask):
    """What `all_reduce(async_op=True)` returns: its `wait` does not hold up the host."""
    world, backends = start(2)
    arrays = on_all(world, backends, lambda b: world.array(values(b.rank)))
    agreement = SimpleNamespace(look=lambda: None, is_agreed=lambda number: True)

    def begin(backend):
        group = SimpleNamespace(backend=backend, agreement=agreement)
        inner = backend.all_reduce(arrays[backend.rank], "SUM")
        return Work(group, "all_reduce", inner, 24, 0)

    works = on_all(world, backends, begin)
    if ask:  # who has seen the end may go on without waiting
        assert not works[0].is_completed()
        world.run()
        with world.process(0):
            assert works[0].is_completed()
    with world.process(0):
        assert works[0].wait()
        assert backends[0].works[0].event.passed == ask
        np.testing.assert_array_equal(arrays[0].get(), values(0) + values(1))


def test_only_the_stream_that_waits_is_held_up(start):
    """Backward goes on while a bucket travels, and a later bucket does not hold up the first."""
    world, backends = start(2)
    buckets = on_all(world, backends, lambda b: [world.array(values(b.rank + i)) for i in (0, 5)])
    works = on_all(world, backends, lambda b: [b.all_reduce(buckets[b.rank][0], "AVG")])
    for rank in (0, 1):
        with world.process(rank):
            later = world.now.current[-1].record()  # backward of the other layers
            works[rank].append(backends[rank].all_reduce(buckets[rank][1], "AVG"))
            assert backends[rank].stream not in later.clock
            mine = world.now.current[-1]
            first, second = (work.event.clock[mine] for work in works[rank])
            assert first < later.clock[mine] <= second
            for work in works[rank]:
                work.wait()
    for rank in (0, 1):
        with world.process(rank):
            for i, bucket in zip((0, 5), buckets[rank], strict=True):
                expected = (values(i) + values(i + 1)) / 2
                np.testing.assert_allclose(bucket.get(), expected)


def test_data_of_another_stream(start):
    world, backends = start(2)

    def work(backend):
        side = standin.Stream()
        with side:
            array = world.array(values(backend.rank))
            backend.all_reduce(array, "SUM").wait()
            array[...] = array[...]
            backend.all_reduce(array, "SUM").wait()
            return array.get() if backend.rank else side

    on_all(world, backends, work)


@pytest.mark.parametrize("hold", ["both", "work", "array", "none"])
def test_memory_lives_until_the_gpu_is_done(start, hold):
    """Whatever the program keeps; the fixture looks for races with freed memory."""
    world, backends = start(2)

    def work(backend):
        array = world.array(values(backend.rank))
        handed_over = backend.all_reduce(array, "SUM")
        return [array] * (hold in ("both", "array")) + [handed_over] * (hold in ("both", "work"))

    for _ in range(3):
        kept = on_all(world, backends, work)
        del kept
    assert all(len(backend.works) == 3 for backend in backends)  # the GPU has not begun
    world.run()
    on_all(world, backends, work)
    assert all(len(backend.works) == 1 for backend in backends)  # the others are let go


def test_memory_that_is_freed_too_early_is_found():
    """Of the stand-in: the program drops an array that the communication stream still reads."""
    world = standin.World(1)
    communicator = standin.NcclCommunicator(1, bytes(128), 0)
    array, stream = world.array([1.0, 2.0]), standin.Stream()
    stream.wait_event(standin.current().record())
    communicator.allReduce(array.data.ptr, array.data.ptr, 2, 7, 0, stream.ptr)
    del array
    assert world.problems == ["free is not ordered with allReduce of the same memory"]


def test_arrays_with_gaps_or_turned_axes(start):
    world, backends = start(3)
    shape = (4, 6)
    whole = [values(rank, 24).reshape(shape) for rank in range(3)]

    def work(backend):
        arrays = [world.array(whole[backend.rank]) for _ in range(2)]
        backend.all_reduce(arrays[0].T, "SUM").wait()
        backend.all_reduce(arrays[1][:, ::2], "SUM").wait()
        return arrays

    results = on_all(world, backends, work)
    world.run()
    for rank, (turned, gaps) in enumerate(results):
        with world.process(rank):
            np.testing.assert_array_equal(turned.get(), sum(whole))
            expected = whole[rank].copy()
            expected[:, ::2] = sum(whole)[:, ::2]
            np.testing.assert_array_equal(gaps.get(), expected)


def test_send_and_receive(start):
    world, backends = start(3)
    arrays = on_all(world, backends, lambda b: world.array(values(b.rank)))
    on_all(world, backends[:1], lambda b: b.send(arrays[0], 2).wait())
    on_all(world, backends[2:], lambda b: b.recv(arrays[2], 0).wait())
    with world.process(2):
        np.testing.assert_array_equal(arrays[2].get(), values(0))


def test_a_barrier_makes_the_host_wait(start):
    world, backends = start(1)
    array = world.array([1.0])
    work = backends[0].all_reduce(array, "SUM")
    backends[0].barrier()
    assert work.is_completed() and world.calls[-1] == (0, "allReduce", 1, 7, 0, None)


def test_processes_that_differ_are_found(start):
    """Of the stand-in: NCCL itself would hang or mix memory up; then the timeout answers."""
    world, backends = start(2)
    arrays = on_all(world, backends, lambda b: world.array(values(b.rank)))
    on_all(world, backends[:1], lambda b: b.all_reduce(arrays[0], "SUM"))
    world.run()  # nothing to do before the other process has called, too
    assert backends[0].problem() is None
    backends[0].works[0].began -= 601
    assert backends[0].problem() == (
        "rank 0: all_reduce has not ended for 601 s (timeout 600 s). Another process has died, or "
        "calls in another order."
    )
    assert backends[1].problem() is None
    backends[0].works[0].began += 601
    on_all(world, backends[1:], lambda b: b.broadcast(arrays[1], 0))
    with pytest.raises(standin.NcclError, match=r"rank 0 calls .*allReduce.*, rank 1 .*broadcast"):
        world.run()
    for gpu in world.gpus:  # so that they can be closed
        for stream in gpu.streams:
            stream.queue.clear()
    arrays.clear()
    for backend in backends:
        backend.works.clear()
    world.problems.clear()


def test_the_watcher_reports_once_and_ends(start):
    world, backends = start(1)
    world.error = "NCCL_ERROR_SYSTEM_ERROR"
    backends[0].watcher.join(5)
    assert not backends[0].watcher.is_alive()
    assert world.failures == ["rank 0: NCCL reports NCCL_ERROR_SYSTEM_ERROR"]
    world.failures.clear()


def test_what_is_refused(start, monkeypatch):
    world, (backend, _) = start(2)
    with world.process(0):
        array = world.array([1.0, 2.0, 3.0])
        for error, message, call in [
            (TypeError, "all_reduce: got int16; NCCL takes one of int8, ",
             lambda: backend.all_reduce(world.array([1], "int16"), "SUM")),
            (TypeError, "all_gather: got float32, int8",
             lambda: backend.all_gather(world.array([0] * 6, "int8"), array)),
            (ValueError, "reduce_scatter: 5 elements are not 2 times 3",
             lambda: backend.reduce_scatter(array, world.array([0] * 5), "SUM")),
            (ValueError, "gather: 7 elements are not 2 times 3",
             lambda: backend.gather(world.array([0] * 7), array, 0)),
            (TypeError, "Cannot use ReduceOp.AVG with bool",
             lambda: backend.all_reduce(world.array([True], "bool"), "AVG")),
            (NotImplementedError, "NCCL has no BXOR", lambda: backend.all_reduce(array, "BXOR")),
            (NotImplementedError, "tag=3", lambda: backend.send(array, 1, 3)),
            (NotImplementedError, "name src", lambda: backend.recv(array, None)),
            (ValueError, "3 elements do not go in 2 parts into 3",
             lambda: backend.all_to_all(array, array)),
        ]:  # fmt: skip
            with pytest.raises(error, match=message):
                call()
        elsewhere = world.array([1.0])
        elsewhere.device.id = 3
        with pytest.raises(RuntimeError, match="lies on cuda:3, but rank 0 communicates from cuda"):
            backend.broadcast(elsewhere, 0)
        monkeypatch.setattr(recording, "on", True)
        with pytest.raises(RuntimeError, match="out of a CUDA graph"):
            backend.broadcast(array, 0)
        monkeypatch.setattr(recording, "on", False)
    assert world.calls == []


def test_two_processes_on_one_gpu_are_refused(start):
    world, _ = start(1)
    names = [("host", "0000:00:00.0"), ("elsewhere", "0000:00:00.0")]
    shared = {"names": [*names, ("host", "0000:00:00.0")]}
    with pytest.raises(RuntimeError, match=r"ranks \[0, 2\] of host would share GPU 0 \(0000:00"):
        nccl.NcclBackend(standin.Exchange(3, 0, shared), 0, 600.0, world.failures.append)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(nccl, "import_cupy", lambda: None)
    monkeypatch.setattr(nccl, "cupy_nccl", lambda: SimpleNamespace(available=False))
    with pytest.raises(RuntimeError, match="pip install nvidia-nccl-cu13"):
        nccl.import_nccl()
    found = SimpleNamespace(available=True)
    monkeypatch.setattr(nccl, "cupy_nccl", lambda: found)
    assert nccl.import_nccl() is found


def test_after_destroy(start):
    world, backends = start(1)
    backends[0].close()
    with pytest.raises(RuntimeError, match="broadcast: this process group was destroyed"):
        backends[0].broadcast(world.array([1.0]), 0)
