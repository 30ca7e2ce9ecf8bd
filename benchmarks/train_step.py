"""Images per second of a training step, ours beside torch's, in alternating runs.

    python benchmarks/train_step.py [--models lenet resnet20] [--rounds 5] [--inference]
                                    [--batch 8] [--isa avx2]

A step is zero_grad, forward, loss, backward, SGD with momentum and weight decay. torch runs the
same model source with the same weights, once in its usual memory format and once in channels_last;
the quicker of the two counts. Both use the same number of threads. The two programs take turns, so
that a change of the machine's speed hits both; the medians and the ratio of the medians are shown,
with the smallest and the largest ratio of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import isa
import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import models

# name -> (our module, constructor, arguments, batch size, image shape)
MODELS = {
    "lenet": ("lenet", "lenet5", {}, 128, (1, 28, 28)),
    "resnet20": ("cifar", "resnet20", {}, 128, (3, 32, 32)),
    "alexnet": ("cifar", "alexnet", {}, 128, (3, 32, 32)),
    "resnet18": ("cifar", "resnet18", {}, 64, (3, 32, 32)),
}


def our_model(name):
    module, constructor, arguments, _, _ = MODELS[name]
    return getattr(getattr(models, module), constructor)(**arguments)


def make_step(lib, model, images, labels, inference):
    """A function that does one step; `lib` is minitorch_cnn or torch: the program is the same."""
    if inference:
        model.eval()

        def run():
            with lib.no_grad():
                return model(images)[0, 0].item()  # a result may be put off until it is looked at

        return run
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def torch_step(name, ours, images, labels, inference, channels_last):
    """The same step by torch, from the same weights."""
    import torch
    import torch_twin

    module, constructor, arguments, _, _ = MODELS[name]
    model = getattr(torch_twin.load(module), constructor)(**arguments)
    torch_twin.copy_weights(ours, model)
    x, t = torch.from_numpy(images), torch.from_numpy(labels)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    return make_step(torch, model, x, t, inference)


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def measure(name, batch, rounds, inference, with_torch):
    _, _, _, usual_batch, shape = MODELS[name]
    batch = batch or usual_batch
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *shape)).astype(np.float32)
    labels = rng.integers(0, 10, batch)
    mt.manual_seed(0)
    model = our_model(name)
    programs = {}
    if with_torch:
        for channels_last in (False, True):
            key = "torch channels_last" if channels_last else "torch"
            programs[key] = torch_step(name, model, images, labels, inference, channels_last)
    x, t = mt.from_numpy(images), mt.from_numpy(labels)
    programs["ours"] = make_step(mt, model, x, t, inference)
    for program in programs.values():
        program()
    times = {key: [] for key in programs}
    repeats = max(1, int(0.5 / seconds(programs["ours"])))
    for _ in range(rounds):
        for key, program in programs.items():
            times[key].append(min(seconds(program) for _ in range(repeats)))
    line = f"{name:9s} {batch:5d}"
    ours = statistics.median(times["ours"])
    line += f" {1e3 * ours:9.1f} ms {batch / ours:8.0f} img/s"
    if with_torch:
        best = min(("torch", "torch channels_last"), key=lambda key: statistics.median(times[key]))
        theirs = statistics.median(times[best])
        ratios = sorted(t / o for t, o in zip(times[best], times["ours"], strict=True))
        line += (
            f" {1e3 * theirs:9.1f} ms {batch / theirs:8.0f} img/s {theirs / ours:8.2f}x"
            f"   ({ratios[0]:.2f} to {ratios[-1]:.2f}; {best})"
        )
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inference", action="store_true", help="only forward, no gradients")
    parser.add_argument("--batch", type=int, help="images (the default: 128, and 64 for ResNet-18)")
    parser.add_argument("--isa", choices=isa.ISAS, default="native", help="restrict both sides")
    args = parser.parse_args()
    isa.restart_with(args.isa)
    try:
        import torch

        torch.set_num_threads(os.cpu_count() or 1)
        with_torch = True
        version = f"torch {torch.__version__} with {torch.get_num_threads()} threads"
    except ImportError:
        with_torch, version = False, "torch is not installed: ours alone"
    what = "inference" if args.inference else "a training step"
    print(f"{what}, NumPy {np.__version__}, {os.cpu_count()} cores; {version}")
    print(isa.in_use())
    columns = f"{'ours':>12s} {'':14s} {'torch':>12s} {'':14s} {'ours as fast':>9s}"
    print(f"{'model':9s} {'batch':>5s} {columns}")
    for name in args.models:
        measure(name, args.batch, args.rounds, args.inference, with_torch)


if __name__ == "__main__":
    main()
