"""torch.multiprocessing's names: the standard library's, and spawn with its errors."""

import multiprocessing
import os

import pytest

import minitorch_cnn as mt
from minitorch_cnn import multiprocessing as mp


def work(index, queue):
    queue.put((index, mt.ones(2) * index))


def fail(index):
    if index == 1:
        raise ValueError("number one is ill")


def leave(index):
    os._exit(3)


def test_names_are_the_standard_librarys():
    torch = pytest.importorskip("torch")
    assert mp.Process is multiprocessing.Process and mp.cpu_count is multiprocessing.cpu_count
    for name in mp.__all__:
        assert hasattr(torch.multiprocessing, name), name
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(AssertionError, match="strategy"):
        mp.set_sharing_strategy("by post")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_and_their_tensors():
    queue = multiprocessing.get_context("fork").Queue()
    context = mp.start_processes(work, (queue,), nprocs=2, join=False, start_method="fork")
    found = dict(queue.get() for _ in range(2))
    while not context.join():
        pass
    assert found[0].tolist() == [0, 0] and found[1].tolist() == [1, 1]
    assert len(context.pids()) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_errors_come_back():
    with pytest.raises(mp.ProcessRaisedException, match="number one is ill") as error:
        mp.spawn(fail, nprocs=2, start_method="fork")
    assert error.value.error_index == 1
    with pytest.raises(mp.ProcessExitedException, match="exit code 3") as error:
        mp.spawn(leave, start_method="fork")
    assert error.value.exit_code == 3
