"""benchmarks/distributed.py: what it works out, and that it ends."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from minitorch_cnn.distributed.agreement import Agreement

FILE = Path(__file__).parents[2] / "benchmarks" / "distributed.py"


@pytest.fixture(scope="module")
def benchmark():
    """Under another name than the package's `distributed`."""
    spec = importlib.util.spec_from_file_location("benchmark_distributed", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_alpha_and_rate_are_found_again(benchmark):
    sizes = np.array(benchmark.SIZES, float)
    alpha, rate = 30e-6, 1.2e9
    found = benchmark.fit(list(zip(sizes, 2 * (alpha + sizes / 2 / rate), strict=True)))
    assert found == pytest.approx((alpha, rate))


def test_time_is_not_counted_twice(benchmark):
    assert benchmark.covered([]) == 0
    assert benchmark.covered([(5, 6), (0, 2), (1, 3), (1.5, 1.7)]) == pytest.approx(4)


def test_only_waiting_is_counted(benchmark):
    def wait_for(self, seconds):
        benchmark.time.sleep(seconds)

    before = Agreement.wait_for
    Agreement.wait_for = wait_for
    try:
        with benchmark.waits() as spans:
            Agreement.wait_for(None, 0.01)
        assert len(spans) == 1 and benchmark.covered(spans) >= 0.01
        assert Agreement.wait_for is wait_for
    finally:
        Agreement.wait_for = before


def test_two_processes_are_measured(benchmark, mpiexec):
    result = benchmark.start([mpiexec, "-n", "2"], 1, "lenet", 8, 2)
    assert result["processes"] == 2 and result["threads"] == 1
    assert sum(result["buckets"]) == 4 * 61_706  # LeNet-5's parameters
    assert 0 < result["waited"] <= result["under_way"]
    assert [size for size, _ in result["points"]] == benchmark.SIZES


def test_the_command_prints_what_it_measured(benchmark, monkeypatch, capsys):
    several = dict(
        processes=2, threads=1, step=0.5, buckets=[1_000_000, 3_000_000], alone=0.02,
        under_way=0.1, waited=0.01, added=0.015, number=50e-6, bare=20e-6,
        points=[(size, 2 * (1e-5 + size / 2 / 1e9)) for size in benchmark.SIZES],
    )  # fmt: skip
    one = dict(processes=1, threads=2, step=0.4)
    monkeypatch.setattr(benchmark, "start", lambda launch, *rest: several if launch else one)
    monkeypatch.setattr(sys, "argv", ["distributed.py", "--models", "resnet18", "--rounds", "1"])
    benchmark.main()
    printed = capsys.readouterr().out
    for words in (
        "1 process, 2 threads, batch 64: 160;", "batch 64: 128 = 0.80x", "4.00 MB of gradients",
        "4.00 MB sent by each", "on paper 4.0 ms: alpha 10 us, 1.00 GB/s", "90 % hidden",
        "15.0 ms shorter", "one number: 50 us", "the same 20 us",
    ):  # fmt: skip
        assert words in printed, (words, printed)
