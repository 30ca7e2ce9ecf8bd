"""The first thing to run on a machine with a GPU: is it right, how fast is it, where goes the time?

    python benchmarks/gpu.py [--batch 128] [--quick | --smoke]

1. Right: losses of a small network on the GPU and on NumPy; the same step replayed as a CUDA
   graph; memory after 1,000 steps.
2. Fast: milliseconds of a ResNet-18 training step (32x32 images) in float32, with TF32 and in
   mixed precision; torch beside it, if torch with CUDA is installed; the floor on paper
   (gpu_estimate.py).
3. Where: the share of each kind of kernel in a step.

It ends with a verdict, and takes less than five minutes. Please send the output to the project.

--smoke shows that the program itself works: a small network, few steps. An emulated device has no
clock; there it counts calls, and says that times are not measured.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import gpu_estimate
import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import models, nn

verdict: list[tuple[str, bool]] = []


def check(what: str, passed: bool, numbers: str) -> None:
    verdict.append((what, passed))
    print(f"  {'ok  ' if passed else 'FAIL'} {what}: {numbers}")


def attempt(what: str, function: Callable, *args: Any, **kwargs: Any) -> None:
    """Runs a part; an error in it is a failed check, and the parts after it still run."""
    try:
        function(*args, **kwargs)
    except Exception as error:
        check(what, False, f"{type(error).__name__}: {error}")


# --------------------------------------------------------------------------------- steps


def small_network() -> nn.Module:
    return models.cifar.CifarResNet([1, 1, 1], [16, 32, 64])


def data(batch: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, 3, 32, 32)).astype(np.float32)
    return images, rng.integers(0, 10, batch)


def make_step(lib: Any, model: Any, x: Any, t: Any, mixed: bool = False) -> Callable[[], Any]:
    """One training step, by minitorch_cnn or by torch: the program is the same."""
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    scaler = lib.amp.GradScaler(enabled=mixed)

    def step() -> Any:
        optimizer.zero_grad()
        with lib.autocast("cuda", enabled=mixed, dtype=lib.float16):
            loss = criterion(model(x), t)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    return step


def our_step(
    model: nn.Module, where: str, batch: int, mixed: bool = False
) -> Callable[[], mt.Tensor]:
    images, labels = data(batch)
    return make_step(
        mt, model.to(where), mt.tensor(images, device=where), mt.tensor(labels, device=where), mixed
    )


# ----------------------------------------------------------------------------- 1. right?


def losses(where: str, batch: int, steps: int, mixed: bool = False) -> list[float]:
    mt.set_backend(where)
    mt.manual_seed(0)
    step = our_step(small_network(), where, batch, mixed)
    return [step().item() for _ in range(steps)]


def check_losses(batch: int, steps: int) -> None:
    host = losses("cpu", batch, steps)
    for name, mixed, tolerance in (("float32", False, 1e-3), ("mixed precision", True, 0.05)):
        there = losses("cuda", batch, steps, mixed)
        worst = max(abs(a - b) / abs(b) for a, b in zip(there, host, strict=True))
        check(
            f"losses of {steps} steps in {name} agree with NumPy",
            worst < tolerance,
            f"{there[0]:.4f} to {there[-1]:.4f}, largest relative difference {worst:.1e}",
        )


def check_graph(batch: int) -> None:
    mt.set_backend("cuda")
    results = []
    for replayed in (False, True):
        mt.manual_seed(0)
        step = our_step(small_network(), "cuda", batch)
        for _ in range(4):
            loss = step()
        if replayed:
            graph = mt.cuda.CUDAGraph()
            with mt.cuda.graph(graph):
                loss = step()
            for _ in range(4):
                graph.replay()
        else:
            for _ in range(4):
                loss = step()
        results.append(loss.item())
    plain, replay = results
    check("a replayed CUDA graph trains", abs(plain - replay) < 1e-4, f"{plain:.6f}, {replay:.6f}")


def check_memory(batch: int, steps: int) -> None:
    mt.set_backend("cuda")
    step = our_step(small_network(), "cuda", batch)
    for _ in range(10):
        step()
    mt.cuda.synchronize()
    allocated, reserved = mt.cuda.memory_allocated(), mt.cuda.memory_reserved()
    for _ in range(steps):
        step()
    mt.cuda.synchronize()
    grown = mt.cuda.memory_allocated() - allocated, mt.cuda.memory_reserved() - reserved
    check(f"memory does not grow in {steps} steps", grown == (0, 0), f"{grown} bytes")


# ------------------------------------------------------------------------------ 2. fast?


def milliseconds(step: Callable[[], Any], synchronize: Callable[[], Any], seconds: float) -> float:
    """Median time of a step; the host waits only at the end of each group of ten."""
    for _ in range(5):
        step()
    synchronize()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 3:
        start = time.perf_counter()
        for _ in range(10):
            step()
        synchronize()
        times.append(100 * (time.perf_counter() - start))
    return statistics.median(times)


def torch_milliseconds(batch: int, kind: str, seconds: float) -> float | None:
    """The same by torch in channels_last, cuDNN's quickest; None without torch and CUDA."""
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    import torch_twin

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = kind == "tf32"
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    model = torch_twin.load("cifar").resnet18().cuda().to(memory_format=torch.channels_last)
    images, labels = data(batch)
    x = torch.tensor(images).cuda().to(memory_format=torch.channels_last)
    step = make_step(torch, model, x, torch.tensor(labels).cuda(), kind == "float16")
    result = milliseconds(step, torch.cuda.synchronize, seconds)
    torch.cuda.empty_cache()
    return result


def measure_speed(network: Callable, batch: int, seconds: float) -> None:
    """A table of milliseconds; torch and the floor stand beside ResNet-18 only."""
    name = mt.cuda.get_device_name().lower()
    on_paper = "h100-sxm" if "h100" in name and "pcie" not in name else None
    on_paper = "h100-pcie" if "h100 pcie" in name else on_paper
    on_paper = "a100-sxm" if "a100" in name else on_paper
    print(f"  {'':10} {'ours':>10} {'graph':>10} {'torch':>10} {'floor':>10}   (ms a step)")
    for kind in ("float32", "tf32", "float16"):
        mt.manual_seed(0)
        mt.backends.cuda.matmul.allow_tf32 = kind == "tf32"
        step = our_step(network(), "cuda", batch, kind == "float16")
        ours: float | None = milliseconds(step, mt.cuda.synchronize, seconds)
        replay = None
        if kind != "float16":  # the scaler asks the GPU in every step: not for a graph
            try:
                graph = mt.cuda.CUDAGraph()
                with mt.cuda.graph(graph):
                    step()
                replay = milliseconds(graph.replay, mt.cuda.synchronize, seconds)
                graph.reset()
            except Exception as error:
                print(f"  graph: {type(error).__name__}: {error}")
        del step
        mt.cuda.empty_cache()
        theirs = floor = None
        if network is models.cifar.resnet18:
            theirs = torch_milliseconds(batch, kind, seconds)
        if network is models.cifar.resnet18 and on_paper:
            floor = gpu_estimate.floor(models.cifar.resnet18().to("cpu"), batch, on_paper, kind)
        cells = [
            f"{each:10.2f}" if each else f"{'-':>10}" for each in (ours, replay, theirs, floor)
        ]
        print(f"  {kind:10} {' '.join(cells)}")
    mt.backends.cuda.matmul.allow_tf32 = False


# ------------------------------------------------------------------------------ 3. where?


def has_clock() -> bool:
    """Do events measure time? Those of an emulated device are 0 ms apart, whatever lies between."""
    start, end = (mt.cuda.Event(enable_timing=True) for _ in range(2))
    x = mt.ones(1 << 20, device="cuda")
    start.record()
    for _ in range(10):
        x = x * 1.5
    end.record()
    end.synchronize()
    return start.elapsed_time(end) > 0


def measure_kernels(network: Callable, batch: int, steps: int) -> None:
    """Time between two events around each call of a kernel function, added up by name."""
    from minitorch_cnn.kernels.dispatch import TABLE

    marks: dict[str, list[tuple]] = defaultdict(list)
    # CuPy's events: ours first compute what was put off, which would be kernels inside of kernels.
    cupy_cuda = mt.backend.import_cupy().cuda
    between = cupy_cuda.get_elapsed_time

    def timed(name: str, function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            start, end = cupy_cuda.Event(), cupy_cuda.Event()
            start.record()
            result = function(*args, **kwargs)
            end.record()
            marks[name].append((start, end))
            return result

        return call

    step = our_step(network(), "cuda", batch)
    step()
    rows = [row for row in TABLE if row.find("cuda")]
    for row in rows:
        name = f"{row.files['cuda'].removeprefix('cuda.')}.{row.definition.__name__}"
        row.found["cuda"] = timed(name, row.find("cuda"))
    start, end = cupy_cuda.Event(), cupy_cuda.Event()
    try:
        step()
        marks.clear()
        start.record()
        for _ in range(steps):
            step()
        end.record()
        end.synchronize()
    finally:
        for row in rows:
            row.find("cuda")
    whole = between(start, end) / steps
    if whole <= 0:
        print("  The time is not measurable: this device's events are 0 ms apart. Calls in a step:")
        for name, pairs in sorted(marks.items()):
            print(f"  {name:24} {len(pairs) // steps:5d}")
        return
    sums = {name: sum(between(a, b) for a, b in pairs) / steps for name, pairs in marks.items()}
    for name, spent in sorted(sums.items(), key=lambda item: -item[1]):
        calls = len(marks[name]) // steps
        print(f"  {name:24} {calls:5d} calls {spent:9.3f} ms {100 * spent / whole:5.1f} %")
    rest = whole - sum(sums.values())
    print(f"  {'everything else':24} {'':11} {rest:9.3f} ms {100 * rest / whole:5.1f} %")


# ----------------------------------------------------------------------------------- main


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=128)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="about a minute, numbers less sure")
    length.add_argument("--smoke", action="store_true", help="a small network and few steps")
    args = parser.parse_args()
    if not mt.cuda.is_available():
        try:
            mt.set_backend("cupy")
        except RuntimeError as error:
            sys.exit(f"error: {error}")
    cupy = mt.backend.import_cupy()
    runtime = cupy.cuda.runtime
    print(
        f"{mt.cuda.get_device_name()}, driver for CUDA {runtime.driverGetVersion()}, runtime "
        f"{runtime.runtimeGetVersion()}, CuPy {cupy.__version__}, minitorch_cnn {mt.__version__}"
    )
    print("\n1. Is it right?")
    batch = args.batch if args.smoke else 32
    attempt("losses", check_losses, batch, steps=4 if args.smoke else 10)
    attempt("CUDA graphs", check_graph, batch)
    attempt("memory", check_memory, batch, steps=3 if args.smoke else 100 if args.quick else 1000)
    network = small_network if args.smoke else models.cifar.resnet18
    name = "a small ResNet" if args.smoke else "ResNet-18"
    print(f"\n2. How fast? {name}, batch {args.batch}")
    if has_clock():
        attempt(
            "speed",
            measure_speed,
            network,
            args.batch,
            seconds=1.0 if args.quick or args.smoke else 5.0,
        )
    else:
        print("  Not measured: this device has no clock. It is emulated.")
    print(f"\n3. Where goes the time? {name}, float32, batch {args.batch}")
    attempt("kernels", measure_kernels, network, args.batch, steps=1 if args.smoke else 5)
    failed = [what for what, passed in verdict if not passed]
    print(f"\nVerdict: {'FAIL: ' + '; '.join(failed) if failed else 'everything is right'}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
