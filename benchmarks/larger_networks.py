"""Processor time of a training step of networks for 224x224 pixels, ours or torchvision's.

    python benchmarks/larger_networks.py ours
    python benchmarks/larger_networks.py torch      # with a Python that has torchvision
    env $(python benchmarks/isa.py avx2) python benchmarks/larger_networks.py ours

One thread, and the time that it computes: other programs on the machine matter little. torch runs
in both of its memory formats, and the quicker one is shown. Best of three steps.
"""

import sys
import time

IMAGES = {"resnet50": 8, "mobilenet_v2": 16, "densenet121": 8, "vgg11": 8, "googlenet": 8}


def milliseconds(lib, model, batch, memory_format):
    """The best of three steps; before them one that compiles."""
    x, t = lib.randn(batch, 3, 224, 224), lib.randint(0, 1000, (batch,))
    if memory_format is not None:
        model, x = model.to(memory_format=memory_format), x.contiguous(memory_format=memory_format)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    times = []
    for _ in range(4):
        began = time.thread_time()
        optimizer.zero_grad()
        lib.nn.functional.cross_entropy(model(x), t).backward()
        optimizer.step()
        times.append(1e3 * (time.thread_time() - began))
    return min(times[1:])


def main():
    if sys.argv[1:] not in (["ours"], ["torch"]):
        sys.exit("say which: larger_networks.py ours, or larger_networks.py torch")
    if sys.argv[1] == "ours":
        import minitorch_cnn as lib
        from minitorch_cnn import models

        formats = [None]
    else:
        import torch as lib
        from torchvision import models

        formats = [lib.contiguous_format, lib.channels_last]
    lib.set_num_threads(1)
    for name, batch in IMAGES.items():
        options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        best = min(
            milliseconds(lib, getattr(models, name)(**options), batch, memory_format)
            for memory_format in formats
        )
        print(f"{name:14s} {batch:3d} images {best:7.0f} ms", flush=True)


if __name__ == "__main__":
    main()
