"""Tests written for torch run on this package, unedited:

    pytest -p minitorch_cnn.pytest_plugin --torch-is-minitorch

`import torch` and `import torchvision` then give this package in the tests, in every conftest.py,
and in what they import. Without the option the plugin does nothing.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from .run import install
from .run.command import announcement


def pytest_addoption(parser: Any) -> None:
    """The option --torch-is-minitorch."""
    parser.addoption(
        "--torch-is-minitorch",
        action="store_true",
        help="in the tests, `import torch` and `import torchvision` give minitorch_cnn",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """Before any conftest.py can import torch."""
    if early_config.known_args_namespace.torch_is_minitorch:
        install()
        # The workers of pytest-xdist load the plugins of a command line too late for that.
        plugins = os.environ.get("PYTEST_PLUGINS", "")
        if __name__ not in plugins:
            os.environ["PYTEST_PLUGINS"] = ",".join(filter(None, [plugins, __name__]))


def pytest_report_header(config: Any) -> str | None:
    """Says so at the top."""
    return announcement() if config.getoption("torch_is_minitorch") else None
