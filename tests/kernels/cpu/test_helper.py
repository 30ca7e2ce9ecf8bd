"""The second process that compiles: what it compiles, when it is started, and when it ends."""

import json
import os
import subprocess
import sys
import time

import pytest

from minitorch_cnn.kernels.cpu.jit import helper

SIGNATURES = """
import gc, json
from minitorch_cnn.kernels.cpu.jit.threads import Kernel
kernels = [each for each in gc.get_objects() if type(each) is Kernel]
print(json.dumps([[each.name, str(s)] for each in kernels for s in each.compiled.signatures]))
"""

A_STEP = """
import minitorch_cnn as mt
from minitorch_cnn import models
net, x, t = models.resnet18(num_classes=10), mt.zeros(8, 3, 64, 64), mt.zeros(8, dtype=mt.int64)
optimizer = mt.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
mt.nn.functional.cross_entropy(net(x), t).backward()
optimizer.step()
"""

THE_HELPERS = """
from minitorch_cnn.kernels.cpu import first_step
first_step.compile_kernels()
"""


def run(program, **environment):
    environment = {**os.environ, "MINITORCH_CNN_KERNELS": "auto", **environment}
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, timeout=300, check=True, env=environment,
    ).stdout  # fmt: skip


def test_it_compiles_what_a_step_of_resnet_needs():
    needed, compiled = (
        {tuple(each) for each in json.loads(run(program + SIGNATURES))}
        for program in (A_STEP, THE_HELPERS)
    )
    missing = {name for name, _ in needed - compiled}
    # random weights, before the step; the pooling of networks for larger images
    assert missing <= {"twist", "max_forward", "max_scatter", "relu_backward_flat"}
    assert len(needed) > 25


@pytest.fixture
def started(monkeypatch):
    """The processes that would have been started, in a process that starts none of its own."""
    calls = []
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(helper, "_started", False)
    monkeypatch.setattr(helper, "default_count", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/somewhere/bin/python3.13")
    monkeypatch.setattr(helper.subprocess, "Popen", lambda *args, **named: calls.append(named))
    monkeypatch.setattr(helper.atexit, "register", lambda *args: None)
    return calls


def test_it_is_started_once_and_starts_none_itself(started):
    helper.start_once()
    helper.start_once()
    assert [each["env"]["MINITORCH_CNN_NUM_THREADS"] for each in started] == ["1"]
    assert {started[0][name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}


@pytest.mark.parametrize("program", ["/opt/app/blender", "", None, "C:\\app\\app.exe"])
def test_only_python_is_started(started, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    helper.start_once()
    assert started == []


@pytest.mark.parametrize(
    "where, name, value",
    [
        (helper, "default_count", lambda: 1),
        (sys, "frozen", True),
        (helper.multiprocessing, "parent_process", lambda: "somebody"),
    ],
)
def test_where_it_is_not_wanted(started, monkeypatch, where, name, value):
    monkeypatch.setattr(where, name, value, raising=False)
    helper.start_once()
    assert started == []


def test_none_beside_one_of_several_processes(started, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    helper.start_once()
    assert started == []


def test_without_more_processes_one_compiles_alone(started, monkeypatch):
    def refuse(*args, **named):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(helper.subprocess, "Popen", refuse)
    helper.start_once()


A_PROGRAM = """
import subprocess
made = []
class Popen(subprocess.Popen):
    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        made.append(self.pid)
subprocess.Popen = Popen
import minitorch_cnn as mt
(mt.randn(300, 300) @ mt.randn(300, 300)).tolist()
print(made)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks /proc which processes there are")
def test_it_ends_with_the_program(tmp_path):
    cold = {"NUMBA_CACHE_DIR": str(tmp_path), "MINITORCH_CNN_NUM_THREADS": "2"}
    (pid,) = json.loads(run(A_PROGRAM, **cold))
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(run(A_PROGRAM, **cold)) == []  # nothing was compiled
    cold["NUMBA_CACHE_DIR"] = str(tmp_path / "another")
    assert json.loads(run(A_PROGRAM, **{**cold, "MINITORCH_CNN_NUM_THREADS": "1"})) == []
