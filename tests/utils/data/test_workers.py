"""Worker processes that raise, die, hang or are left alone: an error or an end, never a hang."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import minitorch_cnn as mt
from minitorch_cnn import mersenne
from minitorch_cnn.autograd import deferred
from minitorch_cnn.utils.data import DataLoader, Dataset, IterableDataset

# A pytest run that waits for ever says nothing; this many seconds are an hour for these tests.
TOO_LONG = 60


class Acting(Dataset):
    """Sample 5 does what it is told, the others are their index."""

    def __init__(self, act):
        self.act = act

    def __getitem__(self, index):
        if index == 5:
            self.act()
        return index

    def __len__(self):
        return 12


class NeedsTwo(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def raiser(error):
    def act():
        raise error

    return act


def killed_by(number):
    # Whoever started this program may ignore the signal, and its processes inherit that.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def run(act, **options):
    loader = DataLoader(Acting(act), 2, num_workers=2, timeout=TOO_LONG, **options)
    return [batch.tolist() for batch in loader]


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    gc.collect()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "error", [ValueError("unlucky"), KeyError("unlucky"), ZeroDivisionError("unlucky")]
)
def test_an_exception_keeps_its_type_and_traceback(error):
    with pytest.raises(type(error)) as caught:
        run(raiser(error))
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 0" in text
    assert "Original Traceback (most recent call last):\n" in text
    assert "raise error\n" in text
    assert "unlucky" in text


def test_exceptions_that_cannot_travel_become_runtime_errors():
    class Local(Exception):
        pass

    for error in (NeedsTwo(1, 2), Local("here"), StopIteration("stop")):
        with pytest.raises(RuntimeError, match=type(error).__name__):
            run(raiser(error))


def test_exception_in_collate_and_init():
    with pytest.raises(ZeroDivisionError, match="worker process"):
        run(lambda: None, collate_fn=lambda batch: 1 / 0)
    with pytest.raises(ValueError, match="at the start"):
        run(lambda: None, worker_init_fn=lambda worker: raiser(ValueError("at the start"))())


def test_a_batch_that_cannot_be_pickled():
    with pytest.raises((AttributeError, TypeError, RuntimeError), match="worker process"):
        run(lambda: None, collate_fn=lambda batch: lambda: batch)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: os._exit(7), "exit code 7"),
        (lambda: sys.exit(3), "exit code 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "exit code -9, killed by signal SIGKILL"),
        (lambda: killed_by(signal.SIGUSR1), "SIGUSR1"),
    ],
)
def test_a_dead_worker_is_named(act, message):
    with pytest.raises(RuntimeError, match=rf"worker 0 \(pid \d+\) exited unexpectedly.*{message}"):
        run(act)


def test_killed_from_outside_while_it_waits():
    # More batches than worker 0 can have finished before it is killed.
    order = [0] * 1000
    loader = DataLoader(Acting(None), 2, sampler=order, num_workers=2, timeout=TOO_LONG)
    iterator = iter(loader)
    next(iterator)
    victim = min(multiprocessing.active_children(), key=lambda process: process.name)
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=rf"pid {victim.pid}\) exited unexpectedly"):
        list(iterator)


def test_timeout():
    loader = DataLoader(Acting(lambda: time.sleep(1000)), 2, num_workers=1, timeout=0.5)
    with pytest.raises(RuntimeError, match=r"timed out after 0.5 seconds waiting for worker 0"):
        list(loader)


def test_leaving_the_loop_ends_the_workers():
    loader = DataLoader(Acting(lambda: time.sleep(1000)), 2, num_workers=2, timeout=TOO_LONG)
    for _ in loader:
        break
    assert multiprocessing.active_children() == []
    iterator = iter(loader)
    next(iterator)
    assert len(multiprocessing.active_children()) == 2
    del iterator
    assert multiprocessing.active_children() == []


def test_persistent_workers_stay_and_forget_an_epoch_that_was_left():
    loader = DataLoader(
        Acting(lambda: None), 2, num_workers=2, persistent_workers=True, timeout=TOO_LONG
    )
    for _ in loader:
        break
    pids = sorted(process.pid for process in multiprocessing.active_children())
    expected = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == expected
    assert sorted(process.pid for process in multiprocessing.active_children()) == pids
    del loader
    assert multiprocessing.active_children() == []


class Drawing(Dataset):
    def __getitem__(self, index):
        return index, mt.rand(1).item(), random.random(), mt.initial_seed()

    def __len__(self):
        return 9


PERSISTENT = {"batch_size": 2, "shuffle": True, "num_workers": 2, "persistent_workers": True}


def drawn(loader, epochs=1):
    return [[[each.tolist() for each in batch] for batch in loader] for _ in range(epochs)]


def test_persistent_workers_go_on_with_their_random_numbers():
    """They are not seeded again, so that all epochs have torch's numbers and torch's order."""
    torch = pytest.importorskip("torch")

    class Theirs(Drawing):
        def __getitem__(self, index):
            return index, torch.rand(1).item(), random.random(), torch.initial_seed()

    mt.manual_seed(7)
    torch.manual_seed(7)
    theirs = torch.utils.data.DataLoader(Theirs(), **PERSISTENT)
    assert drawn(DataLoader(Drawing(), **PERSISTENT), 3) == drawn(theirs, 3)
    assert mt.rand(2).tolist() == torch.rand(2).tolist()


def test_a_run_resumed_between_epochs_has_the_persistent_workers_numbers():
    mt.manual_seed(7)
    loader = DataLoader(Drawing(), **PERSISTENT)
    drawn(loader, 2)
    state, rng = loader.state_dict(), mt.get_rng_state()
    expected = [batch[:2] for batch in drawn(loader)[0]]
    resumed = DataLoader(Drawing(), **PERSISTENT)
    resumed.load_state_dict(state)
    mt.set_rng_state(rng)
    assert [batch[:2] for batch in drawn(resumed)[0]] == expected  # random.random() starts anew


def test_persistent_workers_are_replaced_after_an_error():
    loader = DataLoader(
        Acting(raiser(ValueError("now"))),
        2,
        num_workers=1,
        persistent_workers=True,
        timeout=TOO_LONG,
    )
    for _ in range(2):
        with pytest.raises(ValueError, match="now"):
            list(loader)


def test_batches_larger_than_the_pipe_are_prefetched():
    """Both workers finish all they may prefetch while the main process takes only one batch."""
    counter = multiprocessing.get_context("fork").Value("i", 0)

    class Large(Dataset):
        def __getitem__(self, index):
            with counter.get_lock():
                counter.value += 1
            return bytes(1 << 20)

        def __len__(self):
            return 40

    loader = DataLoader(Large(), 1, num_workers=2, prefetch_factor=4, timeout=TOO_LONG)
    iterator = iter(loader)
    next(iterator)
    for _ in range(500):
        if counter.value == 9:
            break
        time.sleep(0.02)
    assert counter.value == 9  # 2 workers x 4, and one for the batch that was taken
    del iterator


def test_several_loaders_at_once():
    loaders = [DataLoader(Acting(lambda: None), 4, num_workers=1, timeout=TOO_LONG) for _ in "ab"]
    pairs = [(a.tolist(), b.tolist()) for a, b in zip(*loaders, strict=True)]
    assert pairs == [(list(range(k, k + 4)),) * 2 for k in (0, 4, 8)]


class Forever(IterableDataset):
    def __iter__(self):
        while True:
            yield 1


SCRIPT = """
    import itertools, signal, sys, time
    from minitorch_cnn.utils.data import DataLoader, IterableDataset
    import multiprocessing

    # A program started in the background by a shell script has Ctrl-C switched off.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Forever(IterableDataset):
        def __iter__(self):
            while True:
                time.sleep(0.01)
                yield 1

    if __name__ == "__main__":
        iterator = iter(DataLoader(Forever(), 2, num_workers=2))
        next(iterator)
        print(*[process.pid for process in multiprocessing.active_children()], flush=True)
        {then}
"""


def start_script(then):
    code = textwrap.dedent(SCRIPT.format(then=then))
    # In a process group of its own, so that a signal can be sent to it as a terminal does.
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 2
    return process, pids


def assert_gone(pids):
    for _ in range(500):
        left = [pid for pid in pids if os.path.exists(f"/proc/{pid}") and not is_zombie(pid)]
        if not left:
            return
        time.sleep(0.02)
    raise AssertionError(f"worker processes {left} are still running")


def is_zombie(pid):
    """True for a process that has ended; in a container nobody may collect orphans."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux_only
def test_ctrl_c_is_quiet_and_ends_the_workers():
    process, pids = start_script("for _ in iterator: pass")
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=TOO_LONG)
    assert errors.count("Traceback") == 1  # the main process's own KeyboardInterrupt
    assert "DataLoader worker" not in errors
    assert_gone(pids)


@linux_only
def test_the_end_of_the_program_ends_the_workers():
    process, pids = start_script("pass")
    _, errors = process.communicate(timeout=TOO_LONG)
    assert errors == ""
    assert process.returncode == 0
    assert_gone(pids)


@linux_only
def test_workers_do_not_outlive_a_killed_main_process():
    process, pids = start_script("time.sleep(1000)")
    process.kill()
    process.communicate(timeout=TOO_LONG)
    assert_gone(pids)


INTERRUPTED = """
import gc, multiprocessing, os, signal, subprocess, time
from minitorch_cnn.utils.data import DataLoader

here = os.getpid()
interrupts = []


def interrupt(number, frame):
    interrupts.append(attempt)
    raise KeyboardInterrupt  # in an object's end, as that of a pipe, Python only reports it


signal.signal(signal.SIGINT, interrupt)
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
for attempt in range(50):
    try:
        signal.setitimer(signal.ITIMER_REAL, attempt * 4e-4 + 1e-4)  # may be over at once
        for _ in DataLoader(range(40), num_workers=4, batch_size=2):
            pass
        time.sleep(0.5)  # the signal comes here at the latest
    except KeyboardInterrupt:
        pass
    if os.getpid() != here:
        print("a worker goes on as the main program")
        os._exit(1)
    gc.collect()
    assert multiprocessing.active_children() == [], attempt
print(interrupts == list(range(50)))
print(subprocess.run(["ps", "-o", "args=", "--ppid", str(here)], stdout=-1).stdout.decode())
"""


def test_ctrl_c_while_the_workers_start_leaves_none():
    """Fifty times, at another moment each; nobody is left, and nothing runs twice."""
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOO_LONG * 10)
    all_came, *children = done.stdout.split("\n")
    assert all_came == "True", done.stderr
    assert [line for line in children if line and not line.startswith("ps -o")] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("what", ["random numbers", "results put off"])
def test_a_fork_while_another_thread_holds_a_lock_leaves_none(what):
    state = mt.get_rng_state()
    expected = mt.rand(3)
    mt.set_rng_state(state)
    locked, done = threading.Event(), threading.Event()

    lock = mersenne.lock if what == "random numbers" else deferred._lock

    def hold():
        with lock:
            locked.set()
            done.wait(0.5)  # a fork may wait for that

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(60)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)  # ends a process that waits for the lock
        put_off = mt.nn.BatchNorm2d(2)(mt.ones(1, 2, 3, 3))
        os._exit(0 if mt.equal(mt.rand(3), expected) and not put_off.any() else 1)
    done.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert mt.equal(mt.rand(3), expected)
