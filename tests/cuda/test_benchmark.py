"""benchmarks/gpu.py on an emulated device: it ends, and claims nothing that it cannot know."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMULATOR = os.environ.get("MINITORCH_CNN_CUPY_ON_CPU", "")
PROGRAM = """
import runpy, sys
import cupy_on_cpu
cupy_on_cpu.install()
sys.argv[:1] = ["benchmarks/gpu.py"]
runpy.run_path("benchmarks/gpu.py", run_name="__main__")
"""


@pytest.mark.skipif(not EMULATOR, reason="MINITORCH_CNN_CUPY_ON_CPU names no emulated device")
def test_without_a_clock_it_counts_calls():
    path = os.pathsep.join([EMULATOR, str(ROOT), str(ROOT / "benchmarks")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--smoke", "--batch", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    printed = done.stdout
    assert printed, done.stderr
    for right in ("in float32 agree", "in mixed precision agree", "memory does not grow"):
        assert re.search(f"ok .*{right}", printed), printed
    # The one thing that an emulated device cannot do is said to fail, and nothing else.
    assert printed.endswith("\nVerdict: FAIL: CUDA graphs.\n"), printed
    assert done.returncode == 1
    assert "Not measured: this device has no clock." in printed and "The time is not" in printed
    assert not re.search(r"\d ms| %", printed.partition("3. Where")[2].replace("0 ms apart", ""))
    # a stem, three blocks of two convolutions, and two shortcuts; images need no gradient
    # by whichever algorithm
    for product, expected in (("weight_grad", 9), ("input_grad", 8)):
        calls = re.findall(rf"\w+\.{product} +(\d+)\n", printed)
        assert sum(map(int, calls)) == expected, printed
