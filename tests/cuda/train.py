"""Trains the ResNet example for some steps on one backend, and prints what it saw as JSON.

    python tests/cuda/train.py numpy | standin | cupy | emulator  [STEPS]

standin, emulator (a folder with the module cupy_on_cpu must be on the path): also proves that no
step waits for the GPU or copies anything besides its batch, and counts launches if it can.
"""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIND = sys.argv[1]
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
BATCH = 16

sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
if KIND == "standin":
    sys.path.insert(0, str(ROOT / "tests" / "standin"))
    os.environ["MINITORCH_CNN_KERNELS"] = "array"
    from cupy._rules import counters, forbid

    def watch():
        return forbid()
elif KIND == "emulator":
    import cupy_on_cpu

    cupy_on_cpu.install()
    counters_now = cupy_on_cpu.counters

    def watch():
        return cupy_on_cpu.forbid(h2d=False)
else:
    watch = contextlib.nullcontext

import train_resnet_cifar  # noqa: E402

import minitorch_cnn as mt  # noqa: E402
from minitorch_cnn import training  # noqa: E402
from minitorch_cnn.models import small  # noqa: E402
from minitorch_cnn.training import data  # noqa: E402


class SmallResNet(mt.models.cifar.CifarResNet):
    def __init__(self, num_classes, in_channels):
        super().__init__([1, 1], [8, 16], num_classes, in_channels)


class WatchedRun(training.Run):
    """A run whose steps are watched, from the moment that they have their batch on the host."""

    losses: list = []
    counts: list = []

    def batches(self, loader):
        for batch in super().batches(loader):
            before = counted()
            with contextlib.ExitStack() as self.watched:
                self.watched.enter_context(watch())
                yield batch
            after = counted()
            self.counts.append({name: after[name] - before[name] for name in after})

    def record(self, loss, scores, labels):
        self.losses.append(loss.detach())
        super().record(loss, scores, labels)

    def look(self):
        """Once in an interval it may wait; on the others' account it must not."""
        self.watched.close()
        super().look()
        self.watched.enter_context(watch())


def counted():
    if KIND == "standin":
        return dict(counters)
    return dict(counters_now()) if KIND == "emulator" else {}


def main():
    data.DATASETS["shapes"] = lambda train: mt.datasets.Shapes(
        train=train, size=BATCH * STEPS if train else BATCH
    )
    small.ARCHITECTURES["resnet20"] = SmallResNet
    training.Run = WatchedRun
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        train_resnet_cifar.main(
            ["--backend", "numpy" if KIND == "numpy" else "cupy", "--dataset", "shapes"]
            + ["--epochs", "1", "--batch-size", str(BATCH), "--out", folder]
        )
    losses = [loss.item() for loss in WatchedRun.losses]
    print(json.dumps({"losses": losses, "counts": WatchedRun.counts}))


if __name__ == "__main__":
    main()
