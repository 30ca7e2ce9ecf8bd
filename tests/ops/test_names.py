"""Each public name is written once, in the `__all__` of its file, and reaches its namespace."""

import importlib
import pkgutil
from collections import Counter

import pytest

import minitorch_cnn as mt
from minitorch_cnn import ops
from minitorch_cnn.ops import breadth

FILES = [
    importlib.import_module(f"{package.__name__}.{each.name}")
    for package in (ops, breadth)
    for each in pkgutil.iter_modules(package.__path__)
    if not each.ispkg
]


def own_name(file):
    return file.__name__.rpartition(".")[2]


@pytest.mark.parametrize("prefix, namespace", [("nn_", mt.nn.functional), ("linalg_", mt.linalg)])
def test_the_beginning_of_a_files_name_tells_the_namespace(prefix, namespace):
    files = [each for each in FILES if own_name(each).startswith(prefix)]
    assert len(files) >= 6
    for file in files:
        assert set(file.__all__) <= set(namespace.__all__), file.__name__


@pytest.mark.parametrize(
    "namespace, others",
    [(ops, ("nn_", "linalg_")), (mt.nn.functional, ("linalg_",)), (mt.linalg, ("nn_",))],
)
def test_a_name_is_written_once(namespace, others):
    def is_source(file):
        names = set(getattr(file, "__all__", ()))
        return names <= set(namespace.__all__) and not own_name(file).startswith(others)

    count = Counter(
        name for file in filter(is_source, FILES) for name in getattr(file, "__all__", ())
    )
    assert len(count) >= 25 and set(count.values()) == {1}
