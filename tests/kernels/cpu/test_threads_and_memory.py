"""Sharing work, handing errors on, surviving a fork; and memory that is used again."""

import gc
import multiprocessing
import re
import sys
import threading
import time
from functools import partial
from pathlib import Path
from unittest import mock

import numba
import numpy as np
import pytest
from numba.core.compiler_lock import global_compiler_lock

import minitorch_cnn as mt
from minitorch_cnn.backend import ahead, arrays as memory
from minitorch_cnn.kernels.cpu.jit import threads
from minitorch_cnn.kernels.cpu.jit.calls import PARTS_BASE


@threads.kernel
def mark(part, parts, counts):
    start, stop = threads.share(counts.size, part, parts)
    for i in range(start, stop):
        counts[i] += 1


@threads.kernel
def mark_taken(part, parts, work, counts):
    i = threads.take(work, 1)
    while i < counts.size:
        counts[i] += 1
        i = threads.take(work, 1)


@pytest.fixture
def thread_count():
    before = threads.get_num_threads()
    yield threads.set_num_threads
    threads.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_every_piece_is_done_once(count, size, thread_count):
    thread_count(count)
    counts = np.zeros(size, np.int64)
    threads.run(mark, counts)
    threads.run(mark_taken, threads.counter(), counts)
    assert (counts == 2).all()


@threads.kernel
def fail(part, parts, bad):
    if part == bad:
        raise ZeroDivisionError


def test_an_error_in_any_thread_reaches_the_caller(thread_count):
    thread_count(3)
    for bad in (2, 0, 1):
        with pytest.raises(RuntimeError, match="kernel fail"):
            threads.run(fail, bad)
    counts = np.zeros(10, np.int64)
    threads.run(mark, counts)  # the workers are ready for the next call
    assert (counts == 1).all()


def test_an_error_of_a_kernel_that_runs_ahead_reaches_who_waits(thread_count):
    thread_count(2)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="kernel"):
            ahead.start(threads.run, fail, 1)
            ahead.wait()
        counts = np.zeros(10, np.int64)
        ahead.start(threads.run, mark, counts)
        ahead.wait()
        assert (counts == 1).all()


def test_a_kernel_that_runs_ahead_takes_as_many_arguments_as_any(thread_count):
    """They lie in a slot of the queue, which has an end."""
    thread_count(2)
    arrays = [np.full((1, 2, 3, 4, 5), number, np.float32) for number in range(12)]
    total = np.zeros(1, np.float32)
    ahead.start(partial(threads.run, parts=1), add_all, *arrays, total)
    ahead.wait()
    assert total == sum(range(12))


@threads.kernel
def add_all(part, parts, a, b, c, d, e, f, g, h, i, j, k, l, total):
    for x in (a, b, c, d, e, f, g, h, i, j, k, l):
        total[0] += x[0, 0, 0, 0, 0]


@threads.kernel
def work_and_wait(part, parts, slow, counts):
    """Each part counts itself, and one of them takes some milliseconds."""
    counts[part] += 1
    number = 1.0
    if part == slow:
        for _ in range(5_000_000):
            number = number * 0.999 + 1
    counts[part] += number < 0


def test_sleeping_and_waking_workers_do_every_part_once(thread_count):
    """Workers fall asleep in the breaks, or just when work comes, or are late."""
    thread_count(3)
    for number in range(300):
        counts = np.zeros(1000, np.int64)
        threads.run(mark, counts)
        assert (counts == 1).all()
        if number % 10 == 0:  # the others fall asleep meanwhile, or come late
            counts = np.zeros(3, np.int64)
            threads.run(work_and_wait, number // 10 % 3, counts)
            assert (counts == 1).all()
        time.sleep(number % 5 * 7e-4)


def test_more_threads_than_there_can_be_workers(thread_count):
    thread_count(1000)
    counts = np.zeros(100_000, np.int64)
    with mock.patch.object(threads, "MOST_WORKERS", 5):
        threads.run(mark, counts)
    assert (counts == 1).all()


def test_several_python_threads_may_call_at_once(thread_count):
    thread_count(2)
    results = []

    def work(number):
        for _ in range(50):
            counts = np.zeros(1000, np.int64)
            threads.run(mark, counts)
            results.append((counts == 1).all())

    callers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 200 and all(results)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_a_wrong_number_of_threads_is_refused(count):
    with pytest.raises(ValueError, match="number of threads"):
        mt.set_num_threads(count)


def _train_in_child(queue):
    x = mt.ones(4, 3, 8, 8)
    layer = mt.nn.Conv2d(3, 16, 3)
    layer(x).sum().backward()
    queue.put(bool(mt.isfinite(layer.weight.grad).all()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_kernels_work_after_a_fork(thread_count):
    thread_count(2)
    threads.run(mark, np.zeros(10, np.int64))  # the worker is running
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_train_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=120)
    child.join(timeout=60)
    assert child.exitcode == 0


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_process_that_is_forked_while_another_thread_compiles():
    """It has no such thread, which alone could unlock the compiler."""
    compiles, context = threading.Event(), multiprocessing.get_context("fork")
    done = threading.Event()

    def compile():
        with global_compiler_lock:
            compiles.set()
            done.wait(0.3)

    thread = threading.Thread(target=compile)
    thread.start()
    compiles.wait()
    child = context.Process(target=_compile_in_child)
    child.start()
    done.set()
    thread.join()
    child.join(timeout=60)
    code = child.exitcode
    child.kill()
    assert code == 0


def _compile_in_child():
    numba.njit(lambda x: x + 1)(1)


def test_an_error_is_not_lost_with_the_arguments_of_its_call(thread_count, monkeypatch):
    """A worker may be done with a call before it is noted down as unfinished."""
    thread_count(2)
    with pytest.raises(RuntimeError, match="kernel fail"):
        threads.run(fail, 1)  # compiled from here on
    forget = threads._forget_done

    def late():
        deadline = time.monotonic() + 60
        while threads._words[threads._TURN] // PARTS_BASE < threads._words[threads._POSTED]:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return forget()

    monkeypatch.setattr(threads, "_forget_done", late)
    with pytest.raises(RuntimeError, match="kernel fail"):
        ahead.start(threads.run, fail, 1)
        ahead.wait()  # between guards it does not begin before


def _write_in_child(array, queue):
    array.fill(2)
    queue.put(float(array.sum()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_process_has_memory_of_its_own():
    array = memory.empty((100, 1000))
    array.fill(1)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_write_in_child, args=(array, queue))
    child.start()
    assert queue.get(timeout=120) == 200_000
    child.join(timeout=60)
    assert (array == 1).all()


def test_memory_is_used_again_only_when_nobody_refers_to_it():
    memory.release()
    shape = (301, 307)  # of a size that nothing else uses
    first = memory.empty(shape)
    place = first.ctypes.data
    assert place % 64 == 0
    view = first[3:, ::2].T
    del first
    second = memory.empty(shape)
    assert second.ctypes.data != place  # the view still looks there
    del view
    third = memory.empty((300, 307))  # a bit smaller: the same class of sizes
    assert third.ctypes.data == place


def test_large_memory_is_used_again_for_less_down_to_half():
    memory.release()
    large = memory.empty((3 << 20,))
    place, held = large.ctypes.data, memory.held_bytes()
    del large
    less = memory.empty((2 << 20,))
    assert (less.ctypes.data, memory.held_bytes()) == (place, held)
    more = memory.empty((2 << 20,))
    assert more.ctypes.data != place and memory.held_bytes() > held
    del less, more
    exact = memory.empty((2 << 20,))
    assert exact.ctypes.data != place  # one that fits is taken first
    half = memory.empty((1 << 20,))
    assert half.ctypes.data != place  # the larger one would be three times as large


def test_a_network_of_many_sizes_keeps_little_more_than_it_needs():
    """Widths that shrink step by step, as DenseNet's: a buffer for each would be far more."""
    memory.release()
    before = memory.held_bytes()
    sizes = [(1 << 20) + step * (1 << 18) for step in range(24)]
    for size in reversed(sizes):
        pair = memory.empty((size,)), memory.empty((size,))
        del pair
    assert memory.held_bytes() - before < 4 * sum(sizes)
    memory.release()


def test_small_arrays_lie_side_by_side_and_in_large_pages():
    shapes = [(1 << 20,), (150, 151), (300, 401), (151, 150), (600, 800)]  # 4 MiB, 90 KB to 1.9 MB
    arrays = [memory.empty(shape) for shape in shapes]
    for number, array in enumerate(arrays):
        array.fill(number)
    assert all((array == number).all() for number, array in enumerate(arrays))
    assert all(array.ctypes.data % 4096 == 0 for array in arrays)
    maps = Path("/proc/self/smaps")
    if not maps.exists() or not Path("/sys/kernel/mm/transparent_hugepage").exists():
        pytest.skip("only Linux tells which pages it gives, if it has large ones")
    areas = re.findall(
        r"^([0-9a-f]+)-([0-9a-f]+) .*?^VmFlags:(.*?)$", maps.read_text(), re.M | re.S
    )
    for array in arrays:
        start, stop = array.ctypes.data, array.ctypes.data + array.nbytes
        flags = [flags for a, b, flags in areas if int(a, 16) < stop and start < int(b, 16)]
        assert flags and all(" hg" in each for each in flags)


def test_release_gives_free_memory_back():
    array = memory.empty((1000, 1000))
    memory.release()
    held = memory.held_bytes()
    assert held >= array.nbytes
    del array
    memory.release()
    assert memory.held_bytes() <= held - 4_000_000


def test_steady_training_maps_no_new_memory():
    """After a few steps every large array of a step is a buffer of an earlier one."""
    from minitorch_cnn.models import cifar

    net = cifar.resnet20()
    optimizer = mt.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    images, labels = mt.randn(16, 3, 32, 32), mt.randint(0, 10, (16,))
    held = []
    for _ in range(5):
        optimizer.zero_grad()
        mt.nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
        held.append(memory.held_bytes())
    assert held[-1] == held[2]


def test_threads_never_get_the_same_memory():
    """Each writes its number into what it got, and looks again when the others had their turn."""
    errors = []

    def work(number):
        try:
            for _ in range(300):
                arrays = [memory.empty((130, 129 + number % 2)) for _ in range(3)]
                for array in arrays:
                    array.fill(number)
                if number == 0:
                    memory.release()
                    memory.held_bytes()
                time.sleep(0)
                errors.extend(number for array in arrays if (array != number).any())
        except Exception as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    memory.release()
    held = memory.held_bytes()
    memory.release()
    assert memory.held_bytes() == held  # nothing is left that is in nobody's hands


def test_without_memory_the_free_buffers_are_given_back_first():
    memory.release()
    memory.empty((1 << 20,))  # at once free
    real, asked = memory.mmap.mmap, []

    def mmap(*args, **options):
        asked.append(memory.held_bytes())
        if len(asked) == 1:
            raise OSError(12, "Cannot allocate memory")
        return real(*args, **options)

    with mock.patch.object(memory.mmap, "mmap", mmap):
        assert memory.empty((3 << 20,)).shape == (3 << 20,)
    assert asked[1] <= asked[0] - (4 << 20)


def test_out_of_memory_says_how_much_was_asked_for():
    with pytest.raises(MemoryError, match=r"GiB asked for.*shape \(1048576, 1073741824\).*float32"):
        memory.empty((1 << 20, 1 << 30))
    with pytest.raises(MemoryError, match="GiB asked for"):
        memory.empty((1 << 40, 1 << 40))


def collections():
    """How often Python has looked for garbage."""
    return sum(generation["collections"] for generation in gc.get_stats())


def test_no_garbage_is_collected_while_a_kernel_is_compiled(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # it has not been compiled yet

    def count(part, parts, counts):
        counts[part] += 1

    counts, kernel = np.zeros(1, np.int64), threads.kernel(count)
    before = collections()
    threads.run(kernel, counts, parts=1)
    assert collections() - before <= 2 and gc.isenabled()  # just before, and just after
    gc.disable()
    try:
        threads.run(threads.kernel(count), counts, parts=1)
        assert counts == 2 and not gc.isenabled()
    finally:
        gc.enable()
