"""CONTRIBUTING.md as it is written: its steps add one of each to a copy of the package.

What is added stands here. Where it goes, and the lines that make it known, are read from the text:
a path or a line there that is wrong, or a step that is missing, fails.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PATH = r"(?:[\w<>]+/)*[\w<>]+\.(?:py|cu)"  # of a file; <...> stands for a name that one chooses
SECTIONS = dict(re.findall(r"(?ms)^### (.+?)\n(.+?)(?=^##|\Z)", TEXT))


class Steps:
    """A section of the text, followed in a copy of the package; `names` is what <...> stands for.

    At the end, everything that the section names has to have been used.
    """

    def __init__(self, title, folder, **names):
        self.text, self.folder, self.names = " ".join(SECTIONS[title].split()), folder, names
        package = Path(minitorch_cnn.__file__).parent
        shutil.copytree(
            package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__")
        )
        self.left = {
            path for path in re.findall(f"`({PATH})`", self.text) if not path.startswith("tests/")
        }

    def filled(self, text):
        for name, value in self.names.items():
            text = text.replace(f"<{name}>", value)
        assert "<" not in text, text
        return text

    def _file(self, path):
        assert f"`{path}`" in self.text, f"the text does not name {path}"
        self.left.discard(path)
        return self.folder / "minitorch_cnn" / self.filled(path)

    def new_file(self, path, content):
        file = self._file(path)
        assert file.parent.is_dir() and not file.exists(), file
        file.write_text(content, "utf-8")

    def append(self, path, content):
        file = self._file(path)
        file.write_text(file.read_text("utf-8") + content, "utf-8")

    def insert(self, path, content, after=None, before=None):
        """Before or after the first line that begins so."""
        file = self._file(path)
        lines = file.read_text("utf-8").splitlines(keepends=True)
        place = next(i for i, line in enumerate(lines) if line.startswith(after or before))
        lines.insert(place + (after is not None), content)
        file.write_text("".join(lines), "utf-8")

    def line_for(self, path):
        """The line of code of which the text says that it goes into this file."""
        found = re.search(rf"`([^`]+)`,? in `{re.escape(path)}`", self.text)
        assert found, f"the text has no line for {path}"
        return self.filled(found[1]) + "\n"

    def leave_alone(self, path):
        """A file in which nothing is to be done in this case."""
        assert self._file(path).is_file()

    def run(self, code):
        assert not self.left, f"named in the text, but not by this test: {self.left}"
        copied = f"assert mt.__file__.startswith({str(self.folder)!r})\n"
        result = subprocess.run(
            [sys.executable, "-c", "import minitorch_cnn as mt\n" + copied + code],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "title", ["An operation", "A kernel in three tiers", "A layer", "An optimizer"]
)
def test_the_files_of_tests_that_it_names_are_there(title):
    paths = re.findall(f"`(tests/{PATH})`", SECTIONS[title])
    assert paths
    for path in paths:
        assert list(ROOT.glob(re.sub("<.+?>", "*", path))), path


OPERATION = """
from __future__ import annotations

from typing import Any

from ..autograd.function import Function
from ..backend import array_module
from ..tensor import Tensor, wrap

__all__ = ["log_cosh"]


class LogCosh(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        xp = array_module(x.array)
        ctx.save_for_backward(x)
        return wrap(xp.log(xp.cosh(x.array)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gy * x.tanh()


def log_cosh(input: Tensor) -> Tensor:
    return LogCosh.apply(input)
"""


def test_an_operation(tmp_path):
    steps = Steps("An operation", tmp_path, file="hyperbolic")
    steps.new_file("ops/<file>.py", OPERATION)
    for namespace in ("ops/__init__.py", "nn/functional.py", "linalg.py"):
        steps.insert(namespace, steps.line_for(namespace), before="if not _typing")
    for path, names in (("ops/methods.py", "IN_PLACE"), ("ops/out.py", "NAMES")):
        assert f"`{names}`" in steps.text
        steps.insert(path, "    log_cosh\n", after=f'{names} = """')
    steps.run(
        """
import math
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F
x = mt.tensor([-1.0, 0.0, 2.0], dtype=mt.float64, requires_grad=True)
expected = [math.log(math.cosh(each)) for each in x.tolist()]
for function in (mt.log_cosh, F.log_cosh, mt.linalg.log_cosh, lambda x: x.log_cosh()):
    assert mt.allclose(function(x), mt.tensor(expected, dtype=mt.float64))
    assert gradcheck(function, x) and gradgradcheck(function, x)
assert "log_cosh" in F.__all__
y, out = x.detach().clone(), mt.empty(3, dtype=mt.float64)
assert y.log_cosh_() is y and y.tolist() == mt.log_cosh(x.detach(), out=out).tolist()
assert out.tolist() == y.tolist()
"""
    )


DEFINITION = '''

def cube(x: Array) -> Array:
    """x * x * x"""
    return x * x * x
'''
NUMBA = """

@kernel
def cube_flat(part: int, parts: int, x: Array, y: Array) -> None:
    start, stop = share(x.size, part, parts)
    for i in range(start, stop):
        y[i] = x[i] * x[i] * x[i]


def cube(x: Array) -> Any:
    order = memory_order(x)
    if order is None or not takes(x):
        return NotImplemented
    y = empty((x.size,))
    run(cube_flat, *flat(order, x), y, parts=parts_for(x.size))
    return unflat(y, order, x)
"""
CUDA = """

def cube(x: Array) -> Array:
    if not takes(x):
        return NotImplemented
    x = dense(x)
    y = array_module(x).empty_like(x)
    launch_elementwise("elementwise.cu", "cube", x.dtype, x.size, x, y)
    return y
"""
SOURCE = """
extern "C" __global__ void cube(const T *x, T *y, long long count) {
    GRID_STRIDE(i, count) y[i] = T(A(x[i]) * A(x[i]) * A(x[i]));
}
"""


def test_a_kernel_in_three_tiers(tmp_path):
    steps = Steps("A kernel in three tiers", tmp_path, family="elementwise", kernel="cube")
    steps.append("kernels/array/<family>.py", DEFINITION)
    steps.append("kernels/dispatch.py", steps.line_for("kernels/dispatch.py"))
    init = "kernels/__init__.py"
    steps.insert(init, steps.line_for(init), before="__all__")
    steps.insert(init, '    "cube",\n', after="__all__")
    steps.append("kernels/cpu/<family>.py", NUMBA)
    steps.append("kernels/cuda/<family>.py", CUDA)
    steps.append("kernels/cuda/source/<family>.cu", SOURCE)
    steps.leave_alone("kernels/check.py")  # cube takes one array
    steps.run(
        """
import importlib, importlib.util, inspect
import numpy as np
from minitorch_cnn import kernels
from minitorch_cnn.kernels import dispatch
from minitorch_cnn.kernels.cuda import loader
assert "cube" in kernels.__all__
(row,) = [each for each in dispatch.TABLE if each.definition.__name__ == "cube"]
assert row.files == {"cpu": "cpu.elementwise", "cuda": "cuda.elementwise"}
x = np.array([[-1, 0, 2], [3, -4, 0.5]], np.float32).T
with mt.kernel_tier("array"):
    np.testing.assert_array_equal(kernels.cube(x), x**3)
gpu = importlib.import_module("minitorch_cnn.kernels.cuda.elementwise").cube
assert inspect.signature(gpu).parameters == inspect.signature(row.definition).parameters
assert "void cube(" in loader.source_text("elementwise.cu")
if importlib.util.find_spec("numba") is not None:
    fast = row.find("cpu")
    assert fast.__module__ == "minitorch_cnn.kernels.cpu.elementwise"
    np.testing.assert_array_equal(fast(x), x**3)
    assert fast(x.astype(np.float64)) is NotImplemented
np.testing.assert_array_equal(kernels.cube(x), x**3)
np.testing.assert_array_equal(kernels.cube(x.astype(np.float64)), x.astype(np.float64) ** 3)
"""
    )


LAYER = '''
from __future__ import annotations

from ...ops.creation import ones
from ...tensor import Tensor
from ..parameter import Parameter
from .module import Module

__all__ = ["Scale"]


class Scale(Module):
    """(N, C, H, W) times a learned number for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = Parameter(ones(channels))

    def forward(self, input: Tensor) -> Tensor:
        return input * self.weight.view(-1, 1, 1)

    def extra_repr(self) -> str:
        return str(len(self.weight))
'''


def test_a_layer(tmp_path):
    steps = Steps("A layer", tmp_path, file="scale")
    steps.new_file("nn/modules/<file>.py", LAYER)
    namespace = "nn/modules/__init__.py"
    steps.insert(namespace, steps.line_for(namespace), before="if not _typing")
    steps.leave_alone("nn/modules/refused.py")
    steps.run(
        """
net = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 1), mt.nn.Scale(2))
assert "Scale" in mt.nn.__all__ and repr(net[1]) == "Scale(2)"
assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight"]
x = mt.ones(1, 1, 2, 2)
before = net(x)
net.load_state_dict({**net.state_dict(), "1.weight": mt.tensor([2.0, 3.0])})
after = net(x)
assert mt.allclose(after, before * mt.tensor([2.0, 3.0]).view(-1, 1, 1))
after.sum().backward()
assert mt.allclose(net[1].weight.grad, before.sum((0, 2, 3)))
"""
    )


OPTIMIZER = '''
from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .optimizer import Optimizer, zeros_like


class Signum(Optimizer):
    """p -= lr sign(v), with v = momentum v + g"""

    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0.9) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum))

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["momentum_buffer"] = zeros_like(parameter)
        v = state["momentum_buffer"].array
        v *= group["momentum"]
        v += gradient
        parameter.array -= group["lr"] * np.sign(v)
'''


def test_an_optimizer(tmp_path):
    steps = Steps("An optimizer", tmp_path, file="signum", Name="Signum")
    steps.new_file("optim/<file>.py", OPTIMIZER)
    namespace = "optim/__init__.py"
    steps.insert(namespace, steps.line_for(namespace), before="__all__")
    steps.insert(namespace, '    "Signum",\n', after="__all__")
    steps.leave_alone("optim/refused.py")
    steps.run(
        """
p = mt.nn.Parameter(mt.tensor([1.0, -1.0]))
optimizer = mt.optim.Signum([p], lr=0.25)
assert "Signum" in mt.optim.__all__
(p * p).sum().backward()
optimizer.step()
assert p.tolist() == [0.75, -0.75]
assert optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == [2.0, -2.0]
"""
    )
