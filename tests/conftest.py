"""What all tests share: Hypothesis's profile, and a fixed seed before each test."""

import os
import re

import hypothesis
import pytest

import minitorch_cnn as mt
from tests import backends

# A hidden CuPy, and programs.
collect_ignore = ["standin", "cuda/train.py", "distributed/ddp_on_standin.py"]

# No deadline: a test must not fail because the machine is busy. Where CI is set, the same examples
# are drawn in every run; at home every run tries others, and a failure prints how to repeat it.
hypothesis.settings.register_profile(
    "minitorch",
    deadline=None,
    max_examples=20,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("minitorch")


def pytest_addoption(parser):
    backends.add_option(parser)


def pytest_configure(config):
    backends.use(config)


def pytest_collection_modifyitems(config, items):
    backends.skip_host_only(config, items)


def needs_torch(report):
    """Whether a test was skipped because torch is missing."""
    reason = str(report.longrepr)
    return report.skipped and re.search(r"could not import 'torch['.]", reason) is not None


def pytest_report_teststatus(report):
    """No letter for these: half of the tests compare with torch, and a line at the end says so."""
    return ("skipped", "", "SKIPPED") if needs_torch(report) else None


def pytest_terminal_summary(terminalreporter, config):
    backends.report(config, terminalreporter.write_line)
    if count := sum(needs_torch(report) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(
            f"{count} tests or files compare with torch live and were left out: it is not installed"
            " (pip install torch). The others compare with stored values, formulas and plain loops."
        )


@pytest.fixture(autouse=True)
def seeded():
    """Random numbers are the same for a test whether it runs alone or after others."""
    mt.manual_seed(1234)
