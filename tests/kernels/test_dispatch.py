"""The table of kernels: what it promises is there, under the same names with the same arguments."""

import importlib
import inspect
import threading

import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels import dispatch

TIERS = ("cpu", "cuda")
LINES = [(row, tier) for row in dispatch.TABLE for tier in row.files]


def name_of(value):
    if isinstance(value, str):
        return value
    return f"{value.definition.__module__.rpartition('.')[2]}.{value.definition.__name__}"


def module(file):
    if file.startswith("cpu."):
        pytest.importorskip("numba", reason="the compiled kernels need Numba")
    return importlib.import_module(f"minitorch_cnn.kernels.{file}")


@pytest.mark.parametrize("row, tier", LINES, ids=name_of)
def test_a_faster_kernel_has_its_definitions_name_and_arguments(row, tier):
    kernel = getattr(module(row.files[tier]), row.definition.__name__)
    ours, theirs = (inspect.signature(each).parameters for each in (kernel, row.definition))
    if any(each.kind is each.VAR_KEYWORD for each in (*ours.values(), *theirs.values())):
        pytest.fail(f"{kernel} takes any arguments: a misspelt one would go unnoticed")
    assert list(ours) == list(theirs)
    assert [each.default for each in ours.values()] == [each.default for each in theirs.values()]
    assert [each.kind for each in ours.values()] == [each.kind for each in theirs.values()]


@pytest.mark.parametrize("tier", TIERS)
def test_every_faster_kernel_is_in_the_table(tier):
    """A kernel that the table forgets would never run, and nobody would notice but by the clock."""
    listed = {
        (row.files[tier], row.definition.__name__) for row in dispatch.TABLE if tier in row.files
    }
    names = {row.definition.__name__ for row in dispatch.TABLE}
    families = {file for file, _ in listed}
    found = {
        (file, name)
        for file in families
        for name, value in vars(module(file)).items()
        if name in names and getattr(value, "__module__", "") == f"minitorch_cnn.kernels.{file}"
    }
    assert found == listed


def test_a_misspelt_name_is_an_error_and_not_a_slow_kernel():
    def rellu(x):
        return x

    pytest.importorskip("numba", reason="the compiled kernels need Numba")
    with pytest.raises(AttributeError, match="rellu"):
        dispatch.Row(rellu, ("cpu.elementwise",)).find("cpu")


def test_what_is_forced_is_forced_for_this_thread_only():
    seen = []

    def look():
        seen.append((dispatch.state.tier, dispatch.state.algorithm, mt.last_conv()))

    with mt.kernel_tier("array"), mt.conv_algorithm("direct"):
        mt.nn.functional.conv2d(mt.ones(1, 1, 3, 3), mt.ones(1, 1, 2, 2))
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert mt.last_conv().algorithm == "direct"
        assert (dispatch.state.tier, dispatch.state.algorithm) == ("array", "direct")
    default = dispatch._State
    assert seen == [(default.tier, default.algorithm, None)]


@pytest.mark.parametrize(
    "choose", [lambda: mt.kernel_tier("array"), lambda: mt.conv_algorithm("direct")]
)
def test_a_choice_ends_also_if_what_was_put_off_cannot_be_computed(choose, monkeypatch):
    before = dispatch.state.tier, dispatch.state.algorithm
    calls = iter([None, ZeroDivisionError("put off")])

    def change():
        if error := next(calls):
            raise error

    monkeypatch.setattr(dispatch, "before_change", [change])
    with pytest.raises(ZeroDivisionError, match="put off"), choose():
        pass
    assert (dispatch.state.tier, dispatch.state.algorithm) == before
