"""utils.benchmark: what is run, how often, and the words around the times."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.utils.benchmark import Compare, Timer


class Clock:
    """Every look at it is a millisecond later."""

    now = 0.0

    def __call__(self):
        self.now += 1e-3
        return self.now


def test_timeit():
    calls = []
    timer = Timer("add(x)", "x = 3", timer=Clock(), globals={"add": calls.append}, label="a list")
    found = timer.timeit(100)
    assert calls == [3] * 102 and found.number_per_run == 100
    assert found.median == found.mean == pytest.approx(1e-5) and found.iqr == 0
    assert "a list" in repr(found) and "10.00 us" in repr(found) and "1 thread" in repr(found)
    with pytest.raises(NotImplementedError, match="blocked_autorange"):
        timer.repeat()


def test_autorange():
    timer = Timer("pass", timer=Clock(), num_threads=1)
    seen = []
    found = timer.blocked_autorange(lambda number, time: seen.append(number), min_run_time=0.02)
    assert len(found.times) == len(seen) == 20 and set(seen) == {found.number_per_run}
    assert len(timer.adaptive_autorange(min_run_time=0.001).times) == 4
    assert "Median" in repr(found)


def test_threads_are_set_meanwhile():
    before = mt.get_num_threads()
    seen = []
    Timer("see(mt.get_num_threads())", globals={"see": seen.append, "mt": mt}).timeit(1)
    assert set(seen) == {1} and mt.get_num_threads() == before
    with pytest.raises(ZeroDivisionError):
        Timer("1 / 0").timeit(1)
    assert mt.get_num_threads() == before


def test_a_table(capsys):
    results = [
        Timer("pass", timer=Clock(), label="nothing", sub_label=row, description=column).timeit(10)
        for row in ("short", "a longer one")
        for column in ("one", "two")
    ]
    Compare(results).print()
    assert capsys.readouterr().out == (
        "[nothing]\n"
        "                 |   one |   two\n"
        "short (1)        | 100.0 | 100.0\n"
        "a longer one (1) | 100.0 | 100.0\n"
        "Times are in us, medians; threads in brackets.\n"
    )


def test_a_table_keeps_environments_apart(capsys):
    results = [
        Timer("pass", timer=Clock(), env=env, label="a", num_threads=1).timeit(number)
        for env, number in (("old", 3), ("new", 1), ("old", 900))
    ]
    table = Compare(results[:2])
    table.extend_results(results[2:])  # of two in one place the last counts
    table.trim_significant_figures()
    table.colorize()
    table.highlight_warnings()
    table.print()
    assert capsys.readouterr().out == (
        "[a]\n"
        "               |\n"
        "(old) pass (1) | 1.11\n"
        "(new) pass (1) | 1000\n"
        "Times are in us, medians; threads in brackets.\n"
    )


def test_refusals():
    with pytest.raises(ValueError, match="only Python"):
        Timer("x;", language="c++")
    with pytest.raises(ValueError, match="C\\+\\+"):
        Timer(global_setup="#include <x>")
