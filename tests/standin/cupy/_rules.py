"""What CuPy has and what it refuses: its names, its arguments, no mixing with the host."""

import contextlib
import functools
import inspect
import pathlib

import numpy as np

NAMES = pathlib.Path(__file__).parents[1] / "names"


def read_names(path):
    """{"cupy.sum": "(a, axis=None, ...)", ...}; {"cupy.exp", ...} of ufuncs."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    bare = [line.removeprefix("ufunc ") for line in lines]
    names = {name: paren + rest for name, paren, rest in (each.partition("(") for each in bare)}
    ufuncs = {line[6:].partition("(")[0] for line in lines if line.startswith("ufunc ")}
    return names, ufuncs


VERSIONS = {path.stem: read_names(path) for path in sorted(NAMES.glob("*.txt"))}


def lacking(name):
    """The versions of CuPy that do not have this name."""
    return [version for version, (names, _) in VERSIONS.items() if name not in names]


def is_ufunc(name):
    return all(name in ufuncs for _, ufuncs in VERSIONS.values())


def require(name):
    """Raises AttributeError for what a version of CuPy does not have."""
    missing = lacking(name)
    if missing:
        raise AttributeError(f"CuPy {' and '.join(missing)} has no {name}")


@functools.cache
def signatures(name):
    """{version: the function's signature}, where it is known."""
    found = {}
    for version, (names, _) in VERSIONS.items():
        if names[name]:
            found[version] = inspect.signature(eval(f"lambda {names[name][1:-1]}: None"))
    return found


def check_arguments(name, args, kwargs):
    """Raises TypeError if a version of CuPy does not take these arguments."""
    for version, signature in signatures(name).items():
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}{signature} of CuPy {version}: {error}") from None


def refuse_host_arrays(value):
    """Raises TypeError for a NumPy array, also inside a tuple or list. Scalars may pass."""
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {np.ndarray}")
    if isinstance(value, tuple | list):
        for each in value:
            refuse_host_arrays(each)


# ---- what a training step must not do

# "uploads" are copies to the GPU on a stream that was named: made beside the computation.
counters = {"syncs": 0, "h2d": 0, "d2h": 0, "uploads": 0}
_forbidden: set = set()


class ForbiddenOperation(AssertionError):
    """Inside forbid(): the host waited for the GPU, or something was copied between them."""


def count(kind, what):
    counters[kind] += 1
    if kind in _forbidden:
        raise ForbiddenOperation(f"{what} within forbid()")


@contextlib.contextmanager
def forbid(*, syncs=True, h2d=True, d2h=True):
    before = set(_forbidden)
    _forbidden.update(k for k, on in dict(syncs=syncs, h2d=h2d, d2h=d2h).items() if on)
    try:
        yield
    finally:
        _forbidden.clear()
        _forbidden.update(before)
