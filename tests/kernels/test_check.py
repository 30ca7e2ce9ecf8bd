"""Arrays that do not belong together are refused; in a process of its own, because of signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels import dispatch
from minitorch_cnn.kernels.geometry import conv_geometry

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def fast_kernels_may_answer():
    """Also where the environment asks for the readable ones, before which nothing is checked."""
    with mt.kernel_tier("auto"):
        yield


def run(*args, check="1"):
    environment = {**os.environ, "MINITORCH_CNN_CHECK": check, "MINITORCH_CNN_KERNELS": "auto"}
    return subprocess.run(
        [sys.executable, *args], env=environment, capture_output=True, text=True, timeout=600
    )


def test_spoiled_calls_end_in_an_error_or_in_what_the_definition_gives():
    pytest.importorskip("numba", reason="the compiled kernels need Numba")
    done = run(str(HERE / "fuzz.py"), "--calls", "1000")
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    assert "'right'" in done.stdout and "'refused'" in done.stdout


WRONG_KERNEL = """
import numpy as np
from minitorch_cnn.kernels.cpu.jit import threads, vector

@threads.kernel
def too_far(part, parts, x, offset):
    vector.fill_zeros(threads.address(x) + offset, 1)

x = np.ones(8, np.float32)
threads.run(too_far, x, 28, parts=1)
assert x.tolist() == [1.0] * 7 + [0.0]
for offset in (32, -4):
    try:
        threads.run(too_far, x, offset, parts=1)
    except RuntimeError as error:
        print(error)
"""


def test_guard_zones_show_a_kernel_that_writes_outside_of_its_array(tmp_path):
    pytest.importorskip("numba", reason="the compiled kernels need Numba")
    (tmp_path / "wrong.py").write_text(WRONG_KERNEL)
    done = run(str(tmp_path / "wrong.py"))
    assert done.returncode == 0, done.stderr
    assert "kernel too_far: it wrote after an array (8,) float32" in done.stdout
    assert "kernel too_far: it wrote before an array (8,) float32" in done.stdout


READS_TOO_FAR = """
import sys
import numpy as np
from minitorch_cnn.kernels.cpu.jit import threads, vector

@threads.kernel
def read(part, parts, x, offset, y):
    vector.store(threads.address(y), vector.load(threads.address(x) + offset))

x, y = np.ones(vector.LANES + 1, np.float32), np.empty(vector.LANES, np.float32)
for offset in (4, 8):
    threads.run(read, x, offset, y, parts=1)
    print(offset, y[-2], flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mprotect")
def test_fences_show_a_kernel_that_reads_beyond_its_array(tmp_path):
    pytest.importorskip("numba", reason="the compiled kernels need Numba")
    (tmp_path / "wrong.py").write_text(READS_TOO_FAR)
    assert run(str(tmp_path / "wrong.py"), check="1").stdout == "4 1.0\n8 1.0\n"
    done = run(str(tmp_path / "wrong.py"), check="2")
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done
    assert done.stdout == "4 1.0\n"  # the last number is not beyond


def test_shapes_are_quoted():
    x, w = np.ones((2, 3, 5, 5), np.float32), np.ones((4, 2, 3, 3), np.float32)
    with pytest.raises(RuntimeError, match=r"x \(2, 3, 5, 5\), weight \(4, 2, 3, 3\)"):
        dispatch.conv2d_forward(x, w, None, conv_geometry())


@pytest.mark.parametrize("label", [-1, 3, 10**12])
def test_a_target_that_is_no_class_is_an_error_in_both_passes(label):
    pytest.importorskip("numba", reason="the readable kernels count from the end")
    x, target = np.ones((2, 3), np.float32), np.array([0, 1])
    _, softmax = dispatch.cross_entropy(x, target)
    target[1] = label  # after it was checked
    with pytest.raises(IndexError, match=f"target {label} is out of bounds for 3 classes"):
        dispatch.cross_entropy(x, target)
    with pytest.raises(IndexError, match=f"target {label} is out of bounds for 3 classes"):
        dispatch.cross_entropy_backward(np.ones(2, np.float32), softmax, target)


def test_every_kernel_of_several_arrays_has_a_check():
    alone = {"channel_mean_var", "channel_sum", "dropout", "relu", "relu_"}
    left_to_numpy = {"add", "matmul"}  # the faster ones decline shapes that do not fit
    without = {row.definition.__name__ for row in dispatch.TABLE if row.check is None}
    assert without == alone | left_to_numpy
