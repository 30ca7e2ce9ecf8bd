"""No two threads of a kernel touch the same place without a barrier, says ThreadSanitizer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.cuda.host_device import all_kernels, kernel_names

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sanitizer():
    """The path of ThreadSanitizer's library, if it runs here."""
    command = ["g++", "-print-file-name=libtsan.so"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.isabs(path):
        pytest.skip("g++ has no ThreadSanitizer here")
    start = run_with(path, "-c", "print('started')")
    if "started" not in start.stdout:
        pytest.skip(f"ThreadSanitizer does not start here: {start.stderr[:200]}")
    return path


def run_with(sanitizer, *arguments):
    environment = {
        **os.environ,
        "LD_PRELOAD": sanitizer,
        "OPENBLAS_NUM_THREADS": "1",  # what NumPy's library does with threads is not our matter
        "TSAN_OPTIONS": "exitcode=0 report_bugs=1",
        "PYTHONPATH": str(HERE.parents[2]),
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True
    )


def check(sanitizer, folder, *replacement):
    return run_with(sanitizer, str(HERE / "race_check.py"), str(folder), *replacement)


def test_no_kernel_has_a_data_race(kernel_folder, sanitizer):
    result = check(sanitizer, kernel_folder)
    assert "ThreadSanitizer" not in result.stderr, result.stderr
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) == set(kernel_names(all_kernels()))  # all of them ran


def test_mistakes_are_reported(kernel_folder, sanitizer):
    barrier = "rows = half;\n        __syncthreads();"
    result = check(
        sanitizer,
        kernel_folder,
        *(barrier, "rows = half;"),
        *("gx[i] = T(sum);", "gx[i / 2] = T(sum);"),  # two threads for a place
    )
    reports = result.stderr.split("WARNING: ThreadSanitizer: data race")[1:]
    for place in ("merge_rows", "max_pool_scatter"):
        assert any(place in report for report in reports), result.stderr
