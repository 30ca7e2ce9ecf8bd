"""What a type checker and an editor see: methods, layers, and a user's program."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs"))
method_types = importlib.import_module("method_types")

PROGRAM = """
import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn import functional as F


class Net(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 16 * 16, classes)

    def forward(self, x: mt.Tensor) -> mt.Tensor:
        return self.fc(F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1))


model = Net(10)
optimizer = mt.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
images, labels = mt.randn(4, 3, 32, 32).to("cpu"), mt.tensor([0, 1, 2, 3])
loss = nn.CrossEntropyLoss()(model(images), labels)
loss.backward()
optimizer.step()
scores: mt.Tensor = model(images).reshape(4, -1).view(-1).sum(0, keepdim=True).mean() + 2
mt.cat([scores.add_(1), 2 * scores]).argmax(0)
"""
WRONG = [
    ("model.trian()", '"Tensor" not callable'),  # what a module lacks may be a buffer
    ("model(images).reshpae(2)", '"Tensor" has no attribute "reshpae"'),
    ("mt.zeroes(2)", 'Module has no attribute "zeroes"'),
    ("nn.Linaer(2, 2)", 'Module has no attribute "Linaer"'),
    ("mt.optim.SGDD", 'Module has no attribute "SGDD"'),
    ("model(images).reshape(4, -1).sum(axes=0)", 'Unexpected keyword argument "axes"'),
    ("number: int = model(images)", 'expression has type "Tensor", variable has type "int"'),
]


def test_the_stub_is_up_to_date():
    assert method_types.PATH.read_text("utf-8") == method_types.stub(), (
        "the methods of Tensor have changed: run python docs/method_types.py"
    )


def test_a_users_program_is_checked(tmp_path):
    """Types are known through the whole program, all methods too; a misspelt name is an error."""
    pytest.importorskip("mypy")
    names = [name for name in dir(mt.Tensor) if not name.startswith("_")]
    known = PROGRAM + "".join(f"scores.{name}\n" for name in names)
    wrong = "\n".join(line for line, _ in WRONG)
    (tmp_path / "program.py").write_text(f"{known}{wrong}\n")
    options = [
        "--config-file=",
        "--ignore-missing-imports",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--no-color-output",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "program.py"],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    errors = [line for line in done.stdout.splitlines() if line.startswith("program.py")]
    errors = [line for line in errors if ": error: " in line]
    first = known.count("\n") + 1
    assert len(errors) == len(WRONG), done.stdout + done.stderr
    for number, (error, (_, words)) in enumerate(zip(errors, WRONG, strict=True), first):
        assert error.startswith(f"program.py:{number}: ") and words in error, error


def test_torchs_names_for_annotations():
    t = mt.types
    assert isinstance(1.5, t.Number) and isinstance(True, t.Number)
    assert isinstance("cpu", t.Device) and isinstance(mt.device("cpu"), t.Device)
    assert t.Tensor is mt.Tensor and t._dtype is mt.dtype
