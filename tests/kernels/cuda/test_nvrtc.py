"""Every kernel compiles with NVIDIA's own compiler, for three GPU generations."""

import ctypes
import importlib.util
from pathlib import Path

import pytest

from minitorch_cnn.kernels.cuda import loader
from tests.kernels.cuda.host_device import all_kernels, kernel_names


def _nvidia_folders() -> list[Path]:
    """Where pip puts NVIDIA's libraries: site-packages/nvidia/*."""
    spec = importlib.util.find_spec("nvidia")
    if spec is None:
        return []
    return [each for root in spec.submodule_search_locations for each in Path(root).iterdir()]


@pytest.fixture(scope="module")
def nvrtc():
    libraries = [path for each in _nvidia_folders() for path in each.glob("lib/libnvrtc.so*")]
    if not libraries:
        pytest.skip("NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12")
    return ctypes.CDLL(str(libraries[0]))


@pytest.fixture(scope="module")
def include():
    headers = [path for each in _nvidia_folders() for path in each.glob("include/cuda_fp16.h")]
    if not headers:
        pytest.skip("CUDA's headers are not installed: pip install nvidia-cuda-runtime-cu12")
    return f"-I{headers[0].parent}"


def compile_with_nvrtc(nvrtc, text: str, options: list[str]) -> tuple[bool, str, bytes]:
    """(success, messages, machine code)"""
    program = ctypes.c_void_p()
    created = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None
    )
    assert created == 0
    encoded = (ctypes.c_char_p * len(options))(*(each.encode() for each in options))
    success = nvrtc.nvrtcCompileProgram(program, len(options), encoded) == 0
    log = _result(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
    code = b""
    if success:
        code = _result(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return success, log.decode(errors="replace"), code


def _result(get_size, get, program) -> bytes:
    size = ctypes.c_size_t()
    assert get_size(program, ctypes.byref(size)) == 0
    buffer = ctypes.create_string_buffer(size.value)
    assert get(program, buffer) == 0
    return buffer.raw


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
@pytest.mark.parametrize("index", ["int", "long long"])
@pytest.mark.parametrize("dtype", loader.TYPES)
def test_every_kernel_compiles(nvrtc, include, dtype, index, architecture):
    text = all_kernels()
    options = [*loader.options(dtype, index), f"--gpu-architecture={architecture}", include]
    success, log, code = compile_with_nvrtc(nvrtc, text, options)
    assert success, log
    assert "warning" not in log, log
    assert kernel_names(text)
    for name in kernel_names(text):
        assert name.encode() in code


def test_a_mistake_is_found(nvrtc, include):
    text = loader.source_text("elementwise.cu").replace("value < A(0)", "valu < A(0)")
    options = [*loader.options("float32", "int"), "--gpu-architecture=sm_80", include]
    success, log, _ = compile_with_nvrtc(nvrtc, text, options)
    assert not success
    assert 'identifier "valu" is undefined' in log
