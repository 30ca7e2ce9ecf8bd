"""The ladder: every rung computes the same convolution, and is described as what it is."""

import importlib
import importlib.util
import re
import sys

import numpy as np
import pytest

from minitorch_cnn import explain, get_num_threads, kernels
from minitorch_cnn.explain import commands, ladder_rungs
from minitorch_cnn.kernels import dispatch

# The function of that name stands in front of the file.
module = importlib.import_module("minitorch_cnn.explain.ladder")
SMALL = (2, 3, 9, 10)  # OW = 8 is no multiple of the tile's height
MACHINE = explain.Machine(peak=50e9, bandwidth=10e9)

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="half of the rungs are compiled by Numba"
)


def naive(x, w):
    """y[n, k, i, j] as the sum of its products, in float64."""
    (N, _, H, W), K = x.shape, len(w)
    y = np.zeros((N, K, H - 2, W - 2))
    for n, k, i, j in np.ndindex(*y.shape):
        y[n, k, i, j] = (x[n, :, i : i + 3, j : j + 3].astype(np.float64) * w[k]).sum()
    return y


@pytest.fixture(scope="module")
def small():
    """The ladder of a small convolution, whose corner in Python is the whole of two filters."""
    return explain.ladder(SMALL, 64, threads=2, machine=MACHINE, budget=0.0)


@needs_numba
def test_every_rung_computes_the_same_convolution():
    problem = ladder_rungs.make_problem(SMALL, 64, 2)
    y = naive(problem.x, problem.w)
    after = np.maximum(y * problem.scale[:, None, None] + problem.shift[:, None, None], 0)
    np.testing.assert_allclose(ladder_rungs.exact(problem), y, atol=1e-12)
    for rung in ladder_rungs.rungs():
        got = rung.compute(problem)
        expected = (after if rung.normalized else y)[tuple(map(slice, got.shape))]
        np.testing.assert_allclose(got, expected, atol=1e-4, err_msg=rung.name)
        assert got.dtype == np.float32
        assert got.shape == ((1, 4, 6, 8) if rung.compute is ladder_rungs.in_python else y.shape)


@needs_numba
def test_the_librarys_rungs_are_the_librarys_kernels(monkeypatch):
    """They run what they are named after, whatever was chosen outside of them."""
    problem = ladder_rungs.make_problem(SMALL, 32, 1)
    with kernels.kernel_tier("array"):
        ladder_rungs.product(problem)
        assert kernels.last_conv() == ("im2col", "forced")
        ladder_rungs.fused(problem)
        assert kernels.last_conv() == ("winograd", "forced")
        seen = []
        monkeypatch.setattr(
            kernels, "conv2d_forward", lambda *args: seen.append(dispatch.state.tier)
        )
        ladder_rungs.in_blocks(problem)
        ladder_rungs.product(problem)
    assert seen == ["array", "auto"]


@needs_numba
def test_what_was_measured(small):
    threads = get_num_threads()
    names = [step.rung.name for step in small.steps]
    assert len(set(names)) == 13
    for step in small.steps:
        assert step.seconds > 0 and 0 < step.error < 1e-5, step.rung.name
        assert step.threads == (1 if names.index(step.rung.name) < 3 else 2)
    assert get_num_threads() == threads
    # Two for each of 27 products, of all outputs; in Python, of a corner.
    flops = 2 * 27 * 2 * 64 * 7 * 8
    assert {step.flops for step in small.steps[1:]} == {flops} == {small.problem.flops}
    assert small.steps[0].flops == 2 * 27 * 4 * 6 * 8
    # Images, weights and outputs; the columns are written and read; y is read and written twice.
    once = 4 * (2 * 3 * 9 * 10 + 64 * 27 + 2 * 64 * 7 * 8)
    assert [step.bytes - once for step in small.steps] == [
        *[0] * 4, 2 * 4 * 2 * 7 * 8 * 27, *[0] * 6, 4 * 4 * 2 * 64 * 7 * 8, 2 * 4 * 2 * 64 * 7 * 8
    ]  # fmt: skip
    assert small.times_faster(0) is None and small.times_faster(11) is None
    assert small.times_faster(12) == pytest.approx(
        small.steps[11].seconds / small.steps[12].seconds
    )


@needs_numba
def test_the_table(small):
    lines = small.text().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(
        "3 x 3 convolution of 2 x 3 x 9 x 10 by 64 filters, float32: 0.3871 MFLOP"
    )
    rows = [line for line in lines if re.match(r" ?\d+  ", line)]
    assert [int(row[:2]) for row in rows] == list(range(1, 14))
    for row, step in zip(rows, small.steps, strict=True):
        threads, ms, speed = row[36:].split()[:3]
        assert step.rung.name in row[:36]
        assert threads == ("BLAS" if step.rung.kind == "BLAS" else str(step.threads))
        assert float(ms) == pytest.approx(1e3 * step.seconds, abs=0.006)
        assert float(speed) == pytest.approx(step.speed / 1e9, rel=0.01)
    assert "roof: 50 GFLOP/s in NumPy's matrix product, 10.0 GB/s copying" in lines


@needs_numba
def test_masks_spill_where_they_take_registers_of_the_sums(small):
    """Two vectors and twelve sums: without masks they fit into 16 registers, with masks not."""
    from minitorch_cnn.explain import ladder_compiled
    from minitorch_cnn.kernels.cpu.jit.vector import AVX512, LANES

    masked, whole = ladder_compiled.tile_loops()
    assert masked.multiply_adds >= 12 and whole.multiply_adds % 12 == 0
    assert whole.stack == 0
    if AVX512:
        assert masked.stack == 0
    elif LANES == 8:
        assert masked.stack > 0
    last = small.text().splitlines()[-1]
    assert last == (
        f"inner loop of step 8: {whole.instructions} instructions, {whole.multiply_adds} of them "
        "multiply-adds, 0 on the stack"
    )


@needs_numba
def test_instructions_of_the_innermost_loop_are_counted():
    from minitorch_cnn.explain.ladder_compiled import InnerLoop, inner_loop

    class Kernel:
        def __init__(self, assembly):
            self.assembly = assembly

        def inspect_asm(self):
            return {"signature": self.assembly}

    assert inner_loop(Kernel(ASSEMBLY)) == InnerLoop(instructions=6, multiply_adds=2, stack=2)
    assert inner_loop(Kernel(ASSEMBLY.replace("\tvfmadd231ps", "\tvmulps"))) is None
    assert inner_loop(Kernel("entry:\n\tret\n")) is None


ASSEMBLY = """
\t.text
entry:
\tpushq\t%rbp
.LBB0_1:
\tvfmadd231ps\t%ymm0, %ymm1, %ymm2
\tjne\t.LBB0_1
.LBB0_2:
\tvmovups\t16(%rsp), %ymm1
\tvfmadd231ps\t%ymm0, %ymm1, %ymm2
\tvfmadd231ps\t(%rax), %ymm1, %ymm3
\tvmovups\t%ymm3, 32(%rsp)
\tdecq\t%rdi
\tjne\t.LBB0_2
\tmovq\t8(%rsp), %rax
\tjmp\t.LBB0_4
"""


@needs_numba
def test_the_picture(small):
    """That it becomes a file is tried with all commands."""
    pytest.importorskip("matplotlib")
    bars, roof = small.figure().axes
    drawn = {round(-(bar.get_y() + bar.get_height() / 2)): bar.get_width() for bar in bars.patches}
    assert [drawn[n] for n in range(13)] == [step.speed / 1e9 for step in small.steps]
    assert {text.get_text() for text in roof.texts} == {str(n) for n in range(1, 14)}


def test_without_numba_the_other_rungs_are_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ladder_rungs, "has_cpu_tier", lambda: False)
    monkeypatch.setattr(module, "has_cpu_tier", lambda: False)
    monkeypatch.setattr(module, "probe_machine", lambda: MACHINE)
    monkeypatch.delitem(sys.modules, "minitorch_cnn.explain.ladder_compiled", raising=False)
    out = str(tmp_path / "a.png")
    commands.main(["explain", "ladder", "--size", "1", "2", "8", "8", "--filters", "32",
                   "--out", out])  # fmt: skip
    printed = capsys.readouterr().out
    assert "minitorch_cnn.explain.ladder_compiled" not in sys.modules
    rows = [line for line in printed.splitlines() if re.match(r" ?\d+  ", line)]
    ran = [int(row[:2]) for row in rows if "e-0" in row]
    assert ran == [1, 5, 6] and len(rows) == 13
    assert "pip install 'minitorch-cnn[fast]'" in " ".join(printed.split())


@pytest.mark.parametrize("arguments, message", [
    (["--size", "1", "2", "7", "8"], "needs images of 8x8 or more, got (1, 2, 7, 8)"),
    (["--size", "0", "2", "8", "8"], "got (0, 2, 8, 8)"),
    (["--filters", "48"], "must be a multiple of 32, got 48"),
    (["--filters", "0"], "must be a multiple of 32, got 0"),
    (["--threads", "0"], "must be a positive integer, got 0"),
])  # fmt: skip
def test_sizes_that_the_tile_cannot_do(arguments, message, tmp_path):
    with pytest.raises(SystemExit) as exit:
        commands.main(["explain", "ladder", *arguments, "--out", str(tmp_path / "a.png")])
    assert str(exit.value).startswith("error: ") and message in str(exit.value)
