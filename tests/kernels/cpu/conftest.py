"""The compiled kernels are tested where Numba is installed."""

import pytest

pytest.importorskip("numba", reason="the compiled kernels need Numba")
