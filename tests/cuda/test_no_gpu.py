"""CuPy installed, but no driver: everything else works, and the message is one clear sentence.

A made-up CuPy raises what the real one raises there; where the real one is installed and finds no
GPU, it is asked too.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parents[2]
MADE_UP = """
from types import SimpleNamespace
__version__ = "14.2.0"
class CUDARuntimeError(RuntimeError):
    pass
def getDeviceCount():
    raise CUDARuntimeError(
        "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
    )
runtime = SimpleNamespace(getDeviceCount=getDeviceCount, CUDARuntimeError=CUDARuntimeError)
cuda = SimpleNamespace(runtime=runtime)
"""


@pytest.fixture(params=["made up", "real"])
def environment(request, tmp_path):
    if request.param == "real":
        if importlib.util.find_spec("cupy") is None:
            pytest.skip("CuPy is not installed")
        if mt.cuda.is_available():
            pytest.skip("there is a GPU")
        return dict(os.environ)
    (tmp_path / "cupy.py").write_text(MADE_UP)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def run(environment, *command):
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_import_works_and_says_that_there_is_no_gpu(environment):
    program = """
import minitorch_cnn as mt
print(mt.cuda.is_available(), mt.cuda.device_count(), mt.cuda.memory_allocated())
print(mt.ones(2).sum().item(), mt.get_backend())
"""
    done = run(environment, "-c", program)
    assert (done.stdout, done.stderr) == ("False 0 0\n2.0 numpy\n", "")


def test_the_examples_end_with_one_sentence(environment, tmp_path):
    environment.pop("MINITORCH_TRACEBACK", None)
    done = run(
        environment,
        "examples/train_resnet_cifar.py",
        *("--backend", "cupy", "--dataset", "shapes", "--out", str(tmp_path / "out")),
    )
    assert done.returncode == 1
    sentence, hint = done.stderr.splitlines()
    assert sentence.startswith("error: CuPy 1") and "no usable NVIDIA GPU or driver" in sentence
    assert "nvidia-smi" in sentence and hint.startswith("(set MINITORCH_TRACEBACK=1")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(mt.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    "call",
    [
        lambda: mt.set_backend("cupy"),
        lambda: mt.ones(2).cuda(),
        lambda: mt.ones(2, device="cuda:1"),
        lambda: mt.ones(2).pin_memory(),
        lambda: mt.cuda.synchronize(),
        lambda: mt.cuda.Stream(),
        lambda: mt.cuda.Event(),
        lambda: mt.cuda.set_device(0),
        lambda: mt.cuda.CUDAGraph().capture_begin(),
        lambda: mt.cuda.reset_peak_memory_stats(),
        lambda: mt.cuda.get_device_properties(),
        lambda: mt.cuda.init(),
        lambda: mt.accelerator.synchronize(),
        lambda: mt.cuda.FloatTensor(2),
    ],
)
def test_what_needs_a_gpu_says_so(call):
    with pytest.raises(RuntimeError, match=r"the cupy backend needs CuPy|no usable NVIDIA GPU"):
        call()


@pytest.mark.skipif(mt.cuda.is_available(), reason="there is a GPU")
def test_a_tensor_on_the_cpu_is_no_cuda_tensor():
    assert not isinstance(mt.ones(1, device="cpu"), mt.cuda.FloatTensor)


@pytest.mark.skipif(mt.cuda.is_available(), reason="there is a GPU")
def test_questions_about_memory_are_answered_with_nothing():
    assert mt.cuda.memory_reserved() == mt.cuda.max_memory_allocated() == 0
    assert mt.cuda.max_memory_reserved() == 0 and not mt.ones(2).is_pinned()
    mt.cuda.empty_cache()


@pytest.mark.skipif(mt.cuda.is_available(), reason="there is a GPU")
def test_what_programs_ask_and_set_does_not_raise(monkeypatch):
    """torch's own answers on a CPU, where it has one."""
    monkeypatch.setattr(mt.config, "_precision", "highest")
    matmul = mt.backends.cuda.matmul
    assert matmul.allow_tf32 is False and matmul.fp32_precision == "ieee"
    matmul.allow_tf32 = True
    assert matmul.allow_tf32 is True and mt.get_float32_matmul_precision() == "high"
    matmul.fp32_precision = "ieee"
    assert matmul.allow_tf32 is False
    with pytest.raises(RuntimeError, match="'tf32', 'ieee' or 'none', got 'bf16'"):
        matmul.fp32_precision = "bf16"
    assert mt.accelerator.current_accelerator() is None and not mt.accelerator.is_available()
    assert mt.accelerator.device_count() == mt.xpu.device_count() == mt.mps.device_count() == 0
    assert not mt.xpu.is_available() and not mt.mps.is_available()
    assert mt.version.cuda is None and mt.version.hip is None
    assert mt.cuda.get_rng_state_all() == [] and dict(mt.cuda.memory_stats()) == {}
    mt.cuda.set_rng_state_all([])
    state = mt.get_rng_state()
    mt.cuda.seed_all()
    assert mt.get_rng_state().equal(state)  # there is no GPU to seed
    assert not mt.cuda.is_initialized() and mt.cuda.get_arch_list() == []
    assert not mt.cuda.is_bf16_supported()
    assert not mt.cuda.is_tf32_supported()
    mt.cuda.ipc_collect()
    assert mt.cuda.memory_summary().startswith("allocated 0.0 MiB")


def test_switches_that_are_only_kept(monkeypatch):
    cudnn, cuda = mt.backends.cudnn, mt.backends.cuda
    with cudnn.flags(enabled=False, benchmark=True):
        assert not cudnn.enabled and cudnn.benchmark
    assert cudnn.enabled and not cudnn.benchmark
    assert cudnn.set_flags(_benchmark=True) == {"benchmark": False}
    assert cudnn.set_flags(_benchmark=False) == {"benchmark": True}
    with pytest.raises(TypeError, match="no switch of cudnn: 'fast'"):
        cudnn.set_flags(fast=True)
    for kind in ("flash", "mem_efficient", "math", "cudnn"):
        getattr(cuda, f"enable_{kind}_sdp")(False)
        assert not getattr(cuda, f"{kind}_sdp_enabled")()
        getattr(cuda, f"enable_{kind}_sdp")(True)
        assert getattr(cuda, f"{kind}_sdp_enabled")()
    with cuda.sdp_kernel(enable_flash=False):
        assert not cuda.flash_sdp_enabled() and cuda.math_sdp_enabled()
    assert cuda.flash_sdp_enabled()
    for name in ("mkl", "mkldnn", "openmp", "opt_einsum", "mps", "cudnn"):
        assert getattr(mt.backends, name).is_available() is False
    with mt.backends.mkldnn.flags(enabled=False):
        pass


@pytest.mark.skipif(mt.cuda.is_available(), reason="there is a GPU")
def test_a_loader_with_pin_memory_warns_and_works():
    with pytest.warns(UserWarning, match="no accelerator is found"):
        loader = mt.utils.data.DataLoader([1, 2, 3], batch_size=2, pin_memory=True)
    assert [batch.tolist() for batch in loader] == [[1, 2], [3]]
