"""The CUDA kernels, built by g++ for the processor once per session."""

import shutil

import numpy as np
import pytest

from minitorch_cnn.kernels.cuda import loader
from tests.kernels.cuda.host_device import HostDevice


@pytest.fixture(scope="session")
def kernel_folder(tmp_path_factory):
    """Where libraries are built: shared by all processes of one test run."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to build the CUDA kernels with")
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):  # a worker of pytest-xdist
        folder = folder.parent
    folder = folder / "cuda_kernels"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def _host_device(kernel_folder):
    return HostDevice(kernel_folder)


@pytest.fixture
def device(_host_device, monkeypatch):
    """minitorch_cnn.kernels.cuda works on NumPy arrays, by kernels that run on the processor."""
    _host_device.launches.clear()
    monkeypatch.setattr(loader, "kernel", _host_device.kernel)
    monkeypatch.setattr(loader, "address", lambda array: array.ctypes.data)
    # What a kernel does not write must show, whatever memory an array got.
    monkeypatch.setattr(np, "empty", _poisoned(np.empty))
    monkeypatch.setattr(np, "empty_like", _poisoned(np.empty_like))
    return _host_device


def _poisoned(make_empty):
    def make(*args, **kwargs):
        array = make_empty(*args, **kwargs)
        if array.dtype.kind in "fiu":
            array.fill(np.nan if array.dtype.kind == "f" else np.iinfo(array.dtype).max)
        return array

    return make
