"""The tests of operations and layers on a stand-in for CuPy, and proof that it is strict."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Array rules depend neither on two of the four memory layouts nor on the depth of a graph. The
# stand-in has no cupy.fft; the emulated GPU has.
FEWER = "not columns and not sliced and not deep_chain and not test_fourier"


def run(*command, **options):
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, **options
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow  # a minute and a half: the suite for the third time
@pytest.mark.parametrize(
    "paths",
    [
        ["tests/ops"],
        ["tests/nn", "tests/autograd"],
        ["tests/optim", "tests/cuda/on_device", "tests/test_tensor.py"]
        + ["tests/test_reference.py"],
    ],
    ids=lambda paths: paths[0],
)
def test_the_suite_passes_on_the_standin(paths):
    options = ["-p", "no:cacheprovider", "--backend", "standin", "-k", FEWER]
    code, printed = run("-m", "pytest", *options, *paths)
    assert code == 0, printed[-5000:]
    assert "on the stand-in" in printed


# A body for MatMul.forward that NumPy computes without complaint -> CuPy's complaint.
MUTANTS = {
    "xp.stack(xp.unstack(a @ b))": "has no cupy.unstack",
    "xp.matmul(a, b) * xp.sum(b, where=True)": "where",
    "xp.add(a @ b, np.zeros(1))": "Unsupported type <class 'numpy.ndarray'>",
    "xp.asarray(np.asarray(a) @ np.asarray(b))": "Implicit conversion to a NumPy array",
    "np.negative(-(a @ b))": "numpy.negative with a cupy.ndarray",
    "a @ b - xp.trapezoid(b * 0)": "CuPy 13.6.0 has no cupy.trapezoid",
    "xp.maximum.reduce([a @ b])": "is not supported yet",
    "(a.astype('f') @ b.astype('f')) * np.float64(1)": "CuPy 14 float64",
    "a @ b if (a >= 0).all() else -(a @ -b)": "within forbid()",
    "a @ b + a[a > 5].sum()": "within forbid()",
    "a @ b + xp.asarray([0.0])": "within forbid()",
}

PROGRAM = """
import sys
sys.path[:0] = ["tests/standin", "."]
import numpy as np
import minitorch_cnn as mt
from minitorch_cnn.backend import array_module
from minitorch_cnn.ops.products import MatMul
from minitorch_cnn.tensor import wrap
from cupy._rules import forbid

mutants = eval(sys.argv[1])
for body in ("a @ b", *mutants):
    def forward(ctx, x, y, body=body):
        a, b = x.array, y.array
        return wrap(eval(body, {"a": a, "b": b, "np": np, "xp": array_module(a)}))
    MatMul.forward = staticmethod(forward)
    mt.set_backend("numpy")
    mt.eye(2) @ mt.eye(2)  # NumPy takes it
    mt.set_backend("cupy")
    x = mt.eye(2)
    try:
        with forbid():
            x @ x
    except Exception as error:
        print(body, "->", type(error).__name__, error)
    else:
        print(body, "-> passes")
"""


def test_what_cupy_refuses_is_refused():
    code, printed = run("-c", PROGRAM, repr(list(MUTANTS)))
    assert code == 0, printed
    lines = dict(line.split(" -> ", 1) for line in printed.splitlines() if " -> " in line)
    assert lines.pop("a @ b") == "passes"
    assert set(lines) == set(MUTANTS), printed
    for body, complaint in MUTANTS.items():
        assert complaint in lines[body], (body, lines[body])


CHECK = """
import sys
sys.path[:0] = ["tests/standin"]
import cupy
from cupy import _rules, cuda

def public(thing):
    return [name for name in vars(thing) if not name.startswith("_")]

for name in public(cuda):
    if name in ("SimpleNamespace", "contextmanager", "default_pool", "default_pinned_pool"):
        continue
    if name not in ("CUDARuntimeError", "runtime"):
        assert not _rules.lacking(f"cupy.cuda.{name}"), name
    thing = getattr(cuda, name)
    if isinstance(thing, type) and not issubclass(thing, (Exception, bytearray)):
        for method in public(thing):
            assert not _rules.lacking(f"cupy.cuda.{name}.{method}"), (name, method)
for name in public(cupy.ndarray):
    assert not _rules.lacking(f"cupy.ndarray.{name}"), name
for name in public(cuda.runtime):
    assert not _rules.lacking(f"cupy.cuda.runtime.{name}"), name
try:
    cuda.Stream(non_blocking=True, priority=1)
except TypeError as error:
    assert "CuPy 13" in str(error)
else:
    raise AssertionError("CuPy 13's streams have no priority")
"""


def test_the_standin_offers_nothing_that_cupy_has_not():
    code, printed = run("-c", CHECK)
    assert code == 0, printed
