"""The ResNet example with a small network on a few pictures, as test_example.py starts it.

    mpiexec -n 2 python tests/distributed/run_example.py OPTIONS OF THE EXAMPLE

RAISE=epoch,step,rank in the environment: there that process raises an error. INTERRUPT: there it
gets the signal of Ctrl-C. ONE_ORDER: a single process takes the images in the order of several.
"""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import train_resnet_cifar  # noqa: E402

import minitorch_cnn as mt  # noqa: E402
from minitorch_cnn import training  # noqa: E402
from minitorch_cnn.models import small  # noqa: E402
from minitorch_cnn.training import data, pictures, processes, run  # noqa: E402


class TinyResNet(mt.models.cifar.CifarResNet):
    def __init__(self, num_classes, in_channels):
        super().__init__([1, 1], [4, 8], num_classes, in_channels)


class WatchedRun(training.Run):
    def record(self, *args):
        here = f"{self.epoch},{self.step + 1},{self.group.rank}"
        if os.environ.get("RAISE") == here:
            raise RuntimeError("the test's own error")
        if os.environ.get("INTERRUPT") == here:
            signal.raise_signal(signal.SIGINT)
        super().record(*args)


def main(arguments):
    data.DATASETS["shapes"] = lambda train: mt.datasets.Shapes(
        train=train, size=50 if train else 41
    )
    small.ARCHITECTURES["resnet20"] = TinyResNet
    training.Run = WatchedRun
    pictures.draw_all = lambda *args: []
    run.report_of_run = lambda *args: "none"
    if os.environ.get("ONE_ORDER"):
        processes.Group.sampler = lambda group, dataset, seed: mt.utils.data.DistributedSampler(
            dataset, group.size, group.rank, seed=seed, drop_last=True
        )
        processes.Group.begin_epoch = lambda group, loader, epoch: loader.sampler.set_epoch(epoch)
    train_resnet_cifar.main(["--dataset", "shapes", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
