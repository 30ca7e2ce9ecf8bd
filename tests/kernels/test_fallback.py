"""Compiled kernels that cannot be imported or compiled cost speed and a warning, no program."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels import dispatch, fallback

PACKAGE = Path(mt.__file__).parent

PROGRAM = """
import minitorch_cnn as mt
x = mt.ones(2, 1, 4, 4, requires_grad=True)
for _ in range(2):
    mt.nn.functional.relu(mt.nn.functional.conv2d(x, mt.ones(1, 1, 3, 3))).sum().backward()
print(x.grad.sum().item())
mt.show_config()
"""
GRADIENT = "144.0"  # two passes of 2 x 2 windows of nine ones, in two images


def run(program, *path, **environment):
    """What a new process prints, and what it says in warnings; `path` is searched first."""
    path = [str(folder) for folder in (*path, PACKAGE.parent)]
    environment = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(path)}
    environment.pop("MINITORCH_CNN_KERNELS", None)
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, cwd=path[0], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout, result.stderr


def check_it_works_without(reason, output, warnings):
    assert output.splitlines()[0] == GRADIENT
    assert warnings.count("RuntimeWarning") == 1, warnings
    assert reason in warnings and "minitorch_cnn[fast]" in warnings
    assert f"readable array code; compiled ones fail: {reason}" in output
    assert "threads        1 of" in output


def stub(folder, name, error):
    """A package of this name that cannot be imported."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(f"raise {error}\n")


def test_a_numba_that_cannot_be_imported(tmp_path):
    stub(tmp_path, "numba", "ImportError('Numba needs NumPy 2.1 or less. Got NumPy 2.4.')")
    reason = "ImportError: Numba needs NumPy 2.1 or less. Got NumPy 2.4."
    check_it_works_without(reason, *run(PROGRAM, tmp_path))


def test_a_broken_llvm(tmp_path):
    pytest.importorskip("numba")
    stub(tmp_path, "llvmlite", "OSError('Could not find/load shared object file')")
    reason = "OSError: Could not find/load shared object file"
    check_it_works_without(reason, *run(PROGRAM, tmp_path))


def test_a_numba_without_one_of_its_private_names():
    pytest.importorskip("numba")
    program = "from numba.core import ccallback\ndel ccallback.CFunc\n" + PROGRAM
    check_it_works_without("ImportError: cannot import name 'CFunc'", *run(program))


def test_a_numba_that_may_not_compile():
    pytest.importorskip("numba")
    reason = "ImportError: NUMBA_DISABLE_JIT is set, so Numba compiles nothing"
    check_it_works_without(reason, *run(PROGRAM, NUMBA_DISABLE_JIT="1"))


def test_a_numba_without_code_for_this_processor():
    pytest.importorskip("numba")
    program = """
import llvmlite.binding as llvm

def none(triple):
    raise RuntimeError(f"No available targets are compatible with triple {triple}")

llvm.Target.from_triple = none
"""
    check_it_works_without("RuntimeError: No available targets", *run(program + PROGRAM))


def test_a_processor_that_shows_no_features():
    """As some virtual machines do: the kernels use registers of 128 bits, which all processors
    have, and load what is less than a register number by number."""
    pytest.importorskip("numba")
    program = """
import numpy as np
import minitorch_cnn as mt
from minitorch_cnn.kernels.cpu import elementwise, linear
from minitorch_cnn.kernels.cpu.jit import vector

rng = np.random.default_rng(0)
for n in range(1, 19):
    a, b = rng.standard_normal((n, 5), np.float32), rng.standard_normal((5, n), np.float32)
    for right in (b, np.asfortranarray(b)):  # as it is, and in panels
        got = linear.matmul(a, right)
        np.testing.assert_allclose(got, np.float64(a) @ b, rtol=1e-5, atol=1e-5)
    x = rng.standard_normal(40, np.float32)
    wanted = np.where(np.arange(40) < n, np.maximum(x, 0), x)
    elementwise.relu_(x[:n])
    np.testing.assert_array_equal(x, wanted)
print(vector.LANES)
mt.show_config()
"""
    output, warnings = run(program, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert output.startswith("4\n") and "128-bit vectors, 4 float32 at a time" in output
    assert not warnings


def test_no_folder_for_compiled_code(tmp_path):
    """The kernels work, and are compiled in every process."""
    pytest.importorskip("numba")
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("cpu", "cpu/jit"):
        (copy / "kernels" / folder / "__pycache__").touch()  # where the folder would be
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), os.devnull)
    program = "import minitorch_cnn as mt\nprint(mt.tensor([-1.0, 2.0]).relu_())\nmt.show_config()"
    output, warnings = run(program, tmp_path, **nowhere, NUMBA_CACHE_DIR="")
    assert output.startswith("tensor([0., 2.])\n") and "CPU kernels    Numba" in output
    assert warnings.count("RuntimeWarning") == 1 and "NUMBA_CACHE_DIR" in warnings, warnings


def test_a_full_disk(monkeypatch):
    """A kernel that has been compiled and cannot be kept works."""
    pytest.importorskip("numba")
    from numba.core.caching import FunctionCache

    from minitorch_cnn.kernels.cpu.jit import threads

    def is_full(self, signature, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    def count(part, parts, counts):
        counts[part] += 1

    monkeypatch.setattr(FunctionCache, "save_overload", is_full)
    counts = np.zeros(1, np.int64)
    threads.run(threads.kernel(count), counts, parts=1)
    assert counts == 1


DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "a changed bit": lambda content: content[:-50] + bytes([content[-50] ^ 8]) + content[-49:],
    "zeros": lambda content: bytes(len(content)),  # after a loss of power
}


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_compiled_code_is_made_again(kind, damage, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    import numba

    from minitorch_cnn.kernels.cpu.jit import threads

    def count(part, parts, counts):
        counts[part] += 1

    def run_as_a_new_process_would():
        counts = np.zeros(1, np.int64)
        threads.run(threads.kernel(count), counts, parts=1)
        assert counts == 1

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    run_as_a_new_process_would()
    (path,) = tmp_path.rglob(f"*.{kind}")
    good = path.read_bytes()
    run_as_a_new_process_would()
    assert path.read_bytes() == good
    path.write_bytes(damage(good))
    run_as_a_new_process_would()
    assert path.read_bytes() != damage(good), "it was not written again"


# ------------------------------------------------------------------ a kernel that is not compiled


def untypable():
    def kernel(part, parts, work, x, stream, y):
        x.no_such_name()

    return kernel, "TypingError"


def refused_by_llvm():
    from llvmlite import ir
    from numba import types
    from numba.extending import intrinsic

    @intrinsic
    def nonsense(typingctx):
        def code(context, builder, signature, args):
            return ir.Constant(ir.IntType(64), "nonsense")

        return types.int64(), code

    def kernel(part, parts, work, x, stream, y):
        if nonsense() > 0:
            raise ValueError

    return kernel, "LLVM IR parsing error"


@pytest.fixture(params=[untypable, refused_by_llvm])
def failing(request, monkeypatch):
    """(kernel, why it is not compiled); what is noted about it is forgotten after the test."""
    pytest.importorskip("numba")
    from minitorch_cnn.kernels.cpu.jit import threads

    function, reason = request.param()
    with mt.kernel_tier("auto"), monkeypatch.context() as patch:
        assert dispatch.has_cpu_tier()
        patch.setattr(fallback, "_reason", None)
        yield threads.kernel(function), reason
    dispatch.has_cpu_tier.cache_clear()
    for row in dispatch.TABLE:
        row.found.clear()


def test_a_kernel_that_is_not_compiled_says_so(failing):
    from minitorch_cnn.kernels.cpu.jit import threads

    kernel, reason = failing
    x = np.zeros(3, np.float32)
    for parts in (1, 2, 2):  # and the workers are free again
        with pytest.raises(fallback.CannotCompile, match="kernel") as caught:
            threads.run(kernel, threads.counter(), x, False, x, parts=parts)
        assert reason in repr(caught.value.__cause__)


def test_the_readable_kernels_take_over(failing, monkeypatch):
    from minitorch_cnn.kernels.cpu import elementwise

    kernel, reason = failing
    monkeypatch.setattr(elementwise, "relu_flat", kernel)
    x = mt.tensor([-1.0, 2.0])
    with pytest.warns(RuntimeWarning, match="compiled kernels cannot be used") as warnings:
        x.relu_()  # in place: nothing of it has been done twice
        assert mt.nn.functional.relu(x - 1).tolist() == [0, 1]
    assert x.tolist() == [0, 2]
    assert len(warnings) == 1 and reason in str(warnings[0].message)
    assert not dispatch.has_cpu_tier() and mt.get_num_threads() == 1
    assert reason in mt.config.config_text()


def test_the_compiled_kernels_have_not_failed_here():
    """Otherwise the other tests would pass without them."""
    pytest.importorskip("numba")
    assert dispatch.has_cpu_tier(), fallback.reason()
