"""Arrays that do not belong together are refused; in a process of its own, because of signals."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels import check, dispatch
from minitorch_cnn.kernels.geometry import ConvGeometry, PoolGeometry, conv_geometry

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


def z(*shape):
    return np.zeros(shape, np.float32)


PLAIN = ConvGeometry((1, 1), (0, 0), (0, 0), (1, 1), 1)
GROUPS = PLAIN._replace(groups=2)
X, W, GY = z(2, 4, 5, 5), z(6, 4, 3, 3), z(2, 6, 3, 3)
POOL = PoolGeometry((2, 2), (2, 2), (0, 0), (1, 1), (2, 2))
SMALL, COUNTS = z(2, 4, 2, 2), np.ones((2, 2))
C, SHORT, LONG = z(4), z(3), z(5)
MOVES = [
    PLAIN._replace(**{name: value})
    for name, low in (("stride", 0), ("dilation", 0), ("before", -1), ("after", -1))
    for value in ((low, 1), (1, low))
] + [PLAIN._replace(groups=0)]
WINDOWS = [
    POOL._replace(**{name: value})
    for name, low in (
        *(("kernel_size", 0), ("stride", 0), ("dilation", 0), ("padding", -1), ("out_size", -1)),
        *(("out_size", 4), ("stride", 5)),
    )
    for value in ((low, 2), (2, low))
]
ROWS, LOSS = np.zeros(3, np.int64), z(3)
# Each differs in one thing from a call that is right: see `RIGHT`.
WRONG = [
    ("forward", (z(2, 4, 5), W, None, PLAIN)),
    ("forward", (X, z(6, 4, 3), None, PLAIN)),
    ("forward", (X, z(6, 3, 3, 3), None, PLAIN)),
    ("forward", (X, z(6, 2, 3, 3), None, PLAIN)),
    ("forward", (X, z(5, 2, 3, 3), None, GROUPS)),
    ("forward", (X, W, LONG, PLAIN)),
    ("forward", (X, W, z(6, 1), PLAIN)),
    *(("forward", (X, W, None, move)) for move in MOVES),
    ("input_grad", (z(2, 6, 3), W, (5, 5), PLAIN)),
    ("input_grad", (GY, z(6, 4, 3), (5, 5), PLAIN)),
    ("input_grad", (GY, z(5, 4, 3, 3), (5, 5), PLAIN)),
    ("input_grad", (z(2, 5, 3, 3), z(5, 2, 3, 3), (5, 5), GROUPS)),
    *(("input_grad", (GY, W, size, PLAIN)) for size in ((4, 5), (5, 4), (6, 5), (5, 6))),
    *(("input_grad", (GY, W, (5, 5), move)) for move in MOVES),
    ("weight_grad", (z(2, 4, 5), GY, (3, 3), PLAIN)),
    ("weight_grad", (X, z(2, 6, 3), (3, 3), PLAIN)),
    ("weight_grad", (X, z(3, 6, 3, 3), (3, 3), PLAIN)),
    ("weight_grad", (z(2, 3, 5, 5), GY, (3, 3), GROUPS)),
    ("weight_grad", (X, z(2, 5, 3, 3), (3, 3), GROUPS)),
    *(("weight_grad", (X, GY, size, PLAIN)) for size in ((4, 3), (3, 4), (2, 3), (3, 2))),
    *(("weight_grad", (X, GY, (3, 3), move)) for move in MOVES),
    ("max_pool2d_forward", (z(2, 4, 5), POOL)),
    *(("max_pool2d_forward", (X, windows)) for windows in WINDOWS),
    ("max_pool2d_scatter", (SMALL[0], SMALL[0], (5, 5), POOL)),
    ("max_pool2d_scatter", (SMALL, SMALL[:1], (5, 5), POOL)),
    ("max_pool2d_scatter", (X, X, (5, 5), POOL)),
    *(("max_pool2d_scatter", (SMALL, SMALL, (5, 5), windows)) for windows in WINDOWS),
    ("max_pool2d_gather", (X[0], z(4, 5, 2, 2), POOL)),
    ("max_pool2d_gather", (X, SMALL[:, :3], POOL)),
    ("max_pool2d_gather", (X, X, POOL)),
    *(("max_pool2d_gather", (X, SMALL, windows)) for windows in WINDOWS),
    ("avg_pool2d_forward", (X[0], POOL, COUNTS)),
    ("avg_pool2d_forward", (X, POOL, COUNTS[:1])),
    *(("avg_pool2d_forward", (X, windows, COUNTS)) for windows in WINDOWS),
    ("avg_pool2d_backward", (SMALL[0], (5, 5), POOL, COUNTS)),
    ("avg_pool2d_backward", (X, (5, 5), POOL, COUNTS)),
    ("avg_pool2d_backward", (SMALL, (5, 5), POOL, COUNTS[:1])),
    *(("avg_pool2d_backward", (SMALL, (5, 5), windows, COUNTS)) for windows in WINDOWS),
    ("channel_mean_var", (X, SHORT, C, 0.1)),
    ("channel_mean_var", (X, C, LONG, 0.1)),
    ("channel_mean_var", (X, None, SHORT, 0.1)),
    ("scale_and_shift", (C, SHORT, C, C, 1e-5)),
    ("scale_and_shift", (C, C, LONG, C, 1e-5)),
    ("scale_and_shift", (C, C, None, SHORT, 1e-5)),
    ("scale_and_shift", (X, X, None, None, 1e-5)),
    ("batch_norm_forward", (X, SHORT, C)),
    ("batch_norm_forward", (X, C, LONG)),
    ("batch_norm_forward", (z(2, 5, 5, 5), C, C)),
    ("batch_norm_forward", (X, C, C, X[:1])),
    ("batch_norm_backward", (X[:1], X, C, C, C, True)),
    ("batch_norm_backward", (X, X, C, SHORT, C, True)),
    ("batch_norm_backward", (X, X, C, C, LONG, True)),
    ("batch_norm_backward", (X, X, SHORT, C, C, True)),
    ("batch_norm_backward", (X, X, C, C, C, True, X[:1])),
    ("relu_backward", (X, X[:1])),
    ("cat", ([X, X[:1]], 1)),
    ("cat", ([X, X[:, :, 1:]], 1)),
    ("cat", ([X, X, z(2, 4, 5)], 1)),
    ("cross_entropy", (z(3, 4, 1), ROWS)),
    ("cross_entropy", (z(3, 4), ROWS[:2])),
    ("cross_entropy", (z(3, 4), LOSS)),
    ("cross_entropy_backward", (LOSS, z(3, 4, 1), ROWS)),
    ("cross_entropy_backward", (LOSS[:2], z(3, 4), ROWS)),
    ("cross_entropy_backward", (LOSS, z(3, 4), ROWS[:2])),
    *(("sgd", tuple([C, X if i == k else C] for i in range(3))) for k in range(3)),
    *(("adam", tuple([C, z(2, 2) if i == k else C] for i in range(5))) for k in range(5)),
    ("augment", (z(2, 4, 5, 3, 3), 0, 1, True, "zeros", z(3, 3), z(3, 3))),
    ("augment", (z(2, 4, 5, 3), 0, 1, True, "zeros", z(2), z(3))),
    ("augment", (z(2, 4, 5, 3), 0, 1, True, "zeros", z(3), z(2))),
]
RIGHT = [
    ("forward", (X, W, z(6), PLAIN)),
    ("forward", (X, W, None, PLAIN)),
    ("input_grad", (GY, W, (5, 5), PLAIN)),
    ("weight_grad", (X, GY, (3, 3), PLAIN)),
    ("max_pool2d_forward", (X, POOL)),
    ("max_pool2d_scatter", (SMALL, SMALL, (5, 5), POOL)),
    ("max_pool2d_gather", (X, SMALL, POOL)),
    ("avg_pool2d_forward", (X, POOL, COUNTS)),
    ("avg_pool2d_backward", (SMALL, (5, 5), POOL, COUNTS)),
    ("channel_mean_var", (X, C, None, 0.1)),
    ("scale_and_shift", (C, C, None, C, 1e-5)),
    ("batch_norm_forward", (X, C, C, X)),
    ("batch_norm_forward", (X, C, C, None)),
    ("batch_norm_backward", (X, X, C, C, C, True, X)),
    ("batch_norm_backward", (X, X, None, C, C, True, None)),
    ("relu_backward", (X, X)),
    ("cat", ([X, X[:, 1:], X], 1)),
    ("cat", ([X, X[:1]], 0)),
    ("cross_entropy", (z(3, 4), ROWS)),
    ("cross_entropy_backward", (LOSS, z(3, 4), ROWS)),
    ("sgd", ([C, X], [C, X], [C, None])),
    ("adam", ([C, X], [C, X], [C, X], [C, X], [None, None])),
    ("augment", (z(2, 4, 5, 3), 0, 1, True, "zeros", z(3), z(3))),
]


def test_each_way_not_to_belong_together_is_refused():
    """No clause of kernels/check.py can be left out."""
    for name, args in RIGHT:
        getattr(check, name)(*args)
    for name, args in WRONG:
        with pytest.raises(RuntimeError, match=r"belong together|windows"):
            getattr(check, name)(*args)
    for lists in ([C], [C, C], [C, C]), ([C, C], [C], [C, C]), ([C, C], [C, C], [C]):
        with pytest.raises(ValueError, match="zip"):
            check.sgd(*lists)


def test_every_kernel_of_several_arrays_has_a_check():
    alone = {"channel_sum", "contiguous", "dropout", "hardtanh", "relu", "relu_"}
    alone.add("twister_words")
    left_to_numpy = {"add", "matmul"}  # the faster ones decline shapes that do not fit
    without = {row.definition.__name__ for row in dispatch.TABLE if row.check is None}
    assert without == alone | left_to_numpy
