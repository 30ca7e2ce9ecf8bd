"""For machines with a GPU: ``pytest -m gpu``. The whole suite there, memory, the benchmark."""

import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not mt.cuda.is_available(), reason="needs CuPy and a GPU"),
]


@pytest.fixture(autouse=True)
def on_the_gpu():
    before = mt.backend.default_device()
    mt.set_backend("cuda")
    yield
    mt.set_backend(before)


@pytest.mark.parametrize(
    "paths",
    [
        ["tests/ops"],
        ["tests/nn", "tests/autograd"],
        ["tests/amp", "tests/models"],
        ["tests/serialization", "tests/onnx"],
        ["tests/optim", "tests/cuda/on_device", "tests/test_tensor.py"],
        ["tests/test_reference.py", "tests/test_trajectories.py"],
    ],
    ids=lambda paths: paths[0],
)
def test_the_suite_passes_on_the_gpu(paths):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--backend", "cupy", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]


def training_step():
    net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
    net = net.append(nn.Flatten()).append(nn.Dropout(0.2)).append(nn.Linear(144, 10)).to("cuda")
    optimizer = mt.optim.Adam(net.parameters())
    images = mt.randn(32, 3, 8, 8, device="cpu").pin_memory()
    labels = mt.randint(10, (32,), device="cpu").pin_memory()

    def step():
        optimizer.zero_grad()
        scores = net(images.to("cuda", non_blocking=True))
        nn.functional.cross_entropy(scores, labels.to("cuda", non_blocking=True)).backward()
        optimizer.step()

    return step


def test_memory_does_not_grow_in_1000_steps():
    step = training_step()
    for _ in range(20):
        step()
    mt.cuda.synchronize()
    before = mt.cuda.memory_allocated(), mt.cuda.memory_reserved()
    for _ in range(1000):
        step()
    mt.cuda.synchronize()
    assert (mt.cuda.memory_allocated(), mt.cuda.memory_reserved()) == before
    assert len(mt.backend.transfer._in_flight) < 1000  # host memory is given back as well


def test_the_benchmark_finds_everything_right():
    """Speed beside torch with CUDA, if installed, is in its output; only right is asserted."""
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--quick"], cwd=ROOT, capture_output=True, text=True
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: everything is right." in done.stdout
