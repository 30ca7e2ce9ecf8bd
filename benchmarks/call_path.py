"""How many steps a reader, and Python, goes through: files, calls and changes of file.

    python benchmarks/call_path.py [--tier array] [--list]

For (a) a forward pass of nn.Conv2d and (b) its backward pass, (c) a training step of a ResNet of
two blocks, and (d) its optimizer's step: the files of the package that Python went through, how
often it called a function of theirs, and how often a call led into another file. Everything has run
before, so that nothing is imported, compiled or looked up for the first time. --list names the
files with their calls.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.models.resnet import BasicBlock

PACKAGE = Path(mt.__file__).parent


def trace(function: Callable[[], Any]) -> tuple[Counter, int]:
    """The calls in each file of the package while the function runs, and the changes of file."""
    calls: Counter = Counter()
    place: list[str] = []
    changes = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal changes
        if event != "call":
            return
        path = frame.f_code.co_filename
        if not path.startswith(str(PACKAGE)):
            return
        file = str(Path(path).relative_to(PACKAGE))
        calls[file] += 1
        if place and place[-1] != file:
            changes += 1
        place[:] = [file]

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls, changes


class TwoBlocks(nn.Module):
    """A convolution, a block that keeps the size, one that halves it, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.first = BasicBlock(8, 8)
        shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, stride=2, bias=False), nn.BatchNorm2d(16))
        self.second = BasicBlock(8, 16, 2, shortcut)
        self.linear = nn.Linear(16, 10)

    def forward(self, x: mt.Tensor) -> mt.Tensor:
        x = nn.functional.relu(self.norm(self.conv(x)))
        x = self.second(self.first(x))
        return self.linear(x.mean(dim=(2, 3)))


def cases() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """For each line of the table: what prepares it, and what is counted."""
    mt.manual_seed(0)
    conv = nn.Conv2d(3, 8, 3, padding=1)
    x = mt.randn(2, 3, 8, 8, requires_grad=True)
    network = TwoBlocks()
    images, labels = mt.randn(4, 3, 16, 16), mt.tensor([1, 2, 3, 4])
    optimizer = mt.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def forward() -> mt.Tensor:
        y = conv(x)
        y.array  # noqa: B018 (what may be put off is computed when somebody looks)
        return y

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    def backward_of_step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()

    return {
        "(a) forward of nn.Conv2d": (lambda: None, lambda _: forward()),
        "(b) its backward, from a sum": (lambda: forward().sum(), lambda loss: loss.backward()),
        "(c) step of a two-block ResNet": (lambda: None, lambda _: step()),
        "(d) optimizer.step() of it": (backward_of_step, lambda _: optimizer.step()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tier", choices=("auto", "array"), help="only this tier (both otherwise)")
    parser.add_argument("--list", action="store_true", help="name the files, with their calls")
    args = parser.parse_args()
    for tier in [args.tier] if args.tier else ["array", "auto"]:
        name = "readable kernels" if tier == "array" else "the fastest kernels"
        print(f"{name:34} files  calls  changes of file")
        with mt.kernel_tier(tier):
            for title, (prepare, run) in cases().items():
                for _ in range(3):
                    run(prepare())
                prepared = prepare()
                calls, changes = trace(lambda run=run, prepared=prepared: run(prepared))
                print(f"  {title:32} {len(calls):5} {calls.total():6} {changes:8}")
                if args.list:
                    for file, count in calls.most_common():
                        print(f"    {count:6} {file}")


if __name__ == "__main__":
    main()
