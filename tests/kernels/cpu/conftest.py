"""The compiled kernels are tested where Numba is installed."""

import pytest

import minitorch_cnn as mt

pytest.importorskip("numba", reason="the compiled kernels need Numba")


@pytest.fixture(autouse=True)
def compiled_tier():
    """Also where the environment asks for the readable kernels."""
    with mt.kernel_tier("auto"):
        yield
