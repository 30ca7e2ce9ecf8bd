"""torch.futures: a result that is set later, and what waits for it."""

import threading

import pytest

import minitorch_cnn as mt

try:
    import torch
except ImportError:
    torch = None
LIBRARIES = [mt, *([torch] if torch else [])]


@pytest.mark.parametrize("lib", LIBRARIES, ids=lambda lib: lib.__name__)
class TestFuture:
    def test_a_value_is_set_once(self, lib):
        later, seen = lib.futures.Future(), []
        later.add_done_callback(lambda known: seen.append(known.value()))
        assert not later.done()
        with pytest.raises(RuntimeError):
            later.value()
        later.set_result(3)
        later.add_done_callback(lambda known: seen.append(10 * known.value()))
        assert later.done() and later.wait() == later.value() == 3 and seen == [3, 30]
        for again in (later.set_result, lambda _: later.set_exception(ValueError())):
            with pytest.raises(RuntimeError, match="completed Future as complete again"):
                again(4)
        assert isinstance(later, lib.Future)

    def test_an_exception_comes_out(self, lib):
        later = lib.futures.Future()
        following = later.then(lambda known: known.value() + 1)
        with pytest.raises(AssertionError, match="not an Exception"):
            later.set_exception(3)
        later.set_exception(KeyError("lost"))
        for each, kind in ((later, KeyError), (following, (KeyError, RuntimeError))):
            with pytest.raises(kind, match="lost"):
                each.wait()

    def test_several(self, lib):
        parts = [lib.futures.Future() for _ in range(3)]
        whole = lib.futures.collect_all(parts).then(lambda all: sum(x.value() for x in all.value()))
        for i, part in enumerate(parts):
            assert not whole.done()
            part.set_result(i)
        assert whole.wait() == 3 and lib.futures.wait_all(parts) == [0, 1, 2]
        assert lib.futures.collect_all([]).wait() == []

    def test_another_thread_sets_it(self, lib):
        later = lib.futures.Future()
        timer = threading.Timer(0.05, later.set_result, [lib.ones(2)])
        timer.start()
        assert later.then(lambda known: known.value().sum()).wait() == 2
        timer.join()
