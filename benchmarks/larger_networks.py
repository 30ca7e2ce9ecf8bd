"""Milliseconds of a training step of networks for 224x224 pixels, ours or torchvision's.

    python benchmarks/larger_networks.py ours densenet121
    python benchmarks/larger_networks.py torch densenet121  # with a Python that has torchvision
    env $(python benchmarks/isa.py avx2) python benchmarks/larger_networks.py ours

Without a name all networks. Run both in turns, a network at a time: a machine's clock changes. With
all cores, or as many threads as OMP_NUM_THREADS says. torch runs in both of its memory formats, and
the quicker one is shown. The median of five steps.
"""

import statistics
import sys
import time

IMAGES = {"resnet50": 8, "mobilenet_v2": 16, "densenet121": 8, "vgg11": 8, "googlenet": 8}


def milliseconds(lib, model, batch, memory_format):
    """The median of five steps; before them one that compiles."""
    x, t = lib.randn(batch, 3, 224, 224), lib.randint(0, 1000, (batch,))
    if memory_format is not None:
        model, x = model.to(memory_format=memory_format), x.contiguous(memory_format=memory_format)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        loss.item()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[1:])


def main():
    which, *names = sys.argv[1:] or ["?"]
    if which not in ("ours", "torch") or not IMAGES.keys() >= set(names):
        sys.exit(f"say whose, and which: larger_networks.py ours|torch [{' '.join(IMAGES)}]")
    if which == "ours":
        import minitorch_cnn as lib
        from minitorch_cnn import models

        formats = [None]
    else:
        import torch as lib
        from torchvision import models

        formats = [lib.contiguous_format, lib.channels_last]
    for name in names or IMAGES:
        batch = IMAGES[name]
        options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        best = min(
            milliseconds(lib, getattr(models, name)(**options), batch, memory_format)
            for memory_format in formats
        )
        print(f"{name:14s} {batch:3d} images {best:7.0f} ms", flush=True)


if __name__ == "__main__":
    main()
