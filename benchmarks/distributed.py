"""Images per second by two processes with a thread each, beside one process with two threads.

    python benchmarks/distributed.py [--models lenet resnet20 resnet18] [--rounds 3] [--steps 10]
    python benchmarks/distributed.py --launch "srun -n 2"          (or: "mpiexec -f hosts -n 2")

For each network three programs take turns: one process with one thread and half of the batch, one
process with all threads and the whole batch, and what --launch starts ("mpiexec -n 2"), in which
each process has its share of the batch and of the cores. Medians of the rounds. Of the last:

    bytes      the gradients of a step, and what each process sends of them in a ring
    alone      the same all-reduces one after the other, while nobody computes
    on paper   what alpha + bytes / rate says of them, both fitted to all-reduces of 4 B to 16 MiB
    under way  seconds of a step in which some collective was begun and not over
    waited     of these, the seconds in which the process did nothing else
    hidden     1 - waited / under way
    added      seconds by which a step is longer than one that does not communicate
    number     an all-reduce of a single one, and what that takes without asking whether all
               processes call the same, which distributed/agreement.py does

Nothing else should be running.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

import numpy as np
from train_step import MODELS, our_model

import minitorch_cnn as mt
from minitorch_cnn import distributed, nn
from minitorch_cnn.distributed.agreement import Agreement

SIZES = [4 << 2 * power for power in range(12)]  # bytes, 4 to 16 Mi


# ------------------------------------------------------------------ in each of the processes


def child(name: str, batch: int, steps: int) -> None:
    """Measures this process's steps; the first process prints the result as JSON."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if several:
        distributed.init_process_group("mpi")
    size = distributed.get_world_size() if several else 1
    mt.manual_seed(0)
    network = our_model(name)
    if several:
        network = nn.parallel.DistributedDataParallel(network)
    step = make_step(network, batch // size if several else batch, MODELS[name][4])
    for _ in range(3):
        step()
    result = dict(processes=size, threads=mt.get_num_threads())
    result["step"] = statistics.median(seconds(step) for _ in range(steps))
    if several:
        result |= communication(network, step, steps)
    if not several or distributed.get_rank() == 0:
        print("RESULT " + json.dumps(result), flush=True)
    if several:
        distributed.destroy_process_group()


def make_step(network, batch, shape):
    rng = np.random.default_rng(int(os.environ.get("RANK", "0")))
    images = mt.from_numpy(rng.standard_normal((batch, *shape)).astype(np.float32))
    labels = mt.from_numpy(rng.integers(0, 10, batch))
    criterion = nn.CrossEntropyLoss()
    optimizer = mt.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step():
        optimizer.zero_grad()
        loss = criterion(network(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_turns(function, calls):
    """Seconds of one of so many calls in a row, the least of three times.

    The time of a single call says little: the other process may have sent its part long before.
    """
    times = []
    for _ in range(3):
        distributed.barrier()
        times.append(seconds(lambda: [function() for _ in range(calls)]) / calls)
    return min(times)


def communication(network, step, steps):
    """What a step sends, what that takes, and how much of it is waited for."""
    flats = [bucket.flat for bucket in network._reducer.buckets]
    under_way, waited, with_, without = [], [], [], []
    for _ in range(steps):
        with distributed.record() as events, waits() as spans:
            with_.append(seconds(step))
        # Who asks first whether all call the same waits before the collective itself has begun.
        under_way.append(covered([(event.start, event.end) for event in events] + spans))
        waited.append(covered(spans))
        with network.no_sync():
            without.append(seconds(step))
        distributed.barrier()
    alone = statistics.median(seconds(lambda: all_reduce(flats)) for _ in range(steps))
    points = []
    for size in SIZES:
        flat = [mt.zeros(size // 4)]
        all_reduce(flat)
        points.append((size, in_turns(lambda flat=flat: all_reduce(flat), 10)))
    return dict(
        number=in_turns(lambda: all_reduce([mt.zeros(1)]), 100),
        bare=in_turns(all_reduce_a_number_unasked, 100),
        buckets=[4 * flat.numel() for flat in flats],
        alone=alone,
        under_way=statistics.median(under_way),
        waited=statistics.median(waited),
        added=statistics.median(with_) - statistics.median(without),
        points=points,
    )


def all_reduce(flats):
    for flat in flats:
        distributed.all_reduce(flat)


def all_reduce_a_number_unasked():
    """By the backend alone, without the question whether all processes call the same."""
    world = distributed.group.WORLD
    work = world.backend.all_reduce(np.zeros(1, np.float32), "SUM")
    world.agreement.wait_for(work.is_completed, "a number")


def covered(spans):
    """Seconds that lie in at least one span."""
    total, until = 0.0, -np.inf
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


@contextlib.contextmanager
def waits():
    """A list, to which the spans are added in which this process only waits for others."""
    spans, wait_for = [], Agreement.wait_for

    def timed(self, *args):
        began = time.perf_counter()
        wait_for(self, *args)
        spans.append((began, time.perf_counter()))

    Agreement.wait_for = timed
    try:
        yield spans
    finally:
        Agreement.wait_for = wait_for


# ---------------------------------------------------------------------- in the one that starts them


def start(launch: list[str], threads: int | None, name: str, batch: int, steps: int) -> dict:
    environment = dict(os.environ)
    if threads is not None:
        environment |= {"MINITORCH_CNN_NUM_THREADS": str(threads)}
    command = [*launch, sys.executable, __file__, "--child", name, str(batch), str(steps)]
    printed = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    line = next(each for each in printed.splitlines() if each.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT "))


def fit(points):
    """(alpha in seconds, bytes a second) of t = 2 (alpha + bytes / 2 / rate), by relative errors.

    That is a ring of two processes. Few bytes tell alpha, many the rate.
    """
    sizes, times = np.array(points).T
    rows = np.stack([2 / times, sizes / times], axis=1)
    (alpha, slowness), *_ = np.linalg.lstsq(rows, np.ones(len(times)), rcond=None)
    return float(alpha), float(1 / slowness)


def measure(name: str, launch: list[str], rounds: int, steps: int) -> None:
    batch = MODELS[name][3]
    programs = {
        "one": ([], 1, batch // 2),
        "all": ([], None, batch),
        "several": (launch, None, batch),
    }
    results: dict = {key: [] for key in programs}
    for _ in range(rounds):
        for key, (launcher, threads, images) in programs.items():
            results[key].append(start(launcher, threads, name, images, steps))
    median = {key: statistics.median(each["step"] for each in results[key]) for key in programs}
    count, threads = results["several"][0]["processes"], results["all"][0]["threads"]
    speeds = {key: programs[key][2] / median[key] for key in programs}
    print(
        f"{name}: 1 process, 1 thread, batch {batch // 2}: {speeds['one']:,.0f} images/s; "
        f"1 process, {threads} threads, batch {batch}: {speeds['all']:,.0f}; {count} processes, "
        f"{results['several'][0]['threads']} thread each, batch {batch}: "
        f"{speeds['several']:,.0f} = {speeds['several'] / speeds['all']:.2f}x"
    )
    several = results["several"]
    ms = {
        key: 1e3 * statistics.median(each[key] for each in several)
        for key in ("step", "alone", "under_way", "waited", "added", "number", "bare")
    }
    total = sum(several[0]["buckets"])
    points = [
        (size, statistics.median(each["points"][i][1] for each in several))
        for i, (size, _) in enumerate(several[0]["points"])
    ]
    line = (
        f"    {total / 1e6:.2f} MB of gradients in {len(several[0]['buckets'])} buckets, "
        f"{2 * (count - 1) / count * total / 1e6:.2f} MB sent by each; step {ms['step']:.1f} ms, "
        f"all-reduce alone {ms['alone']:.1f} ms"
    )
    if count == 2:
        alpha, rate = fit(points)
        paper = sum(2 * (alpha + size / 2 / rate) for size in several[0]["buckets"])
        line += (
            f" (on paper {1e3 * paper:.1f} ms: alpha {1e6 * alpha:.0f} us, {rate / 1e9:.2f} GB/s)"
        )
    print(line)
    print(
        f"    under way {ms['under_way']:.1f} ms, waited {ms['waited']:.1f} ms: "
        f"{100 * (1 - ms['waited'] / ms['under_way']):.0f} % hidden; a step without "
        f"communication is {ms['added']:.1f} ms shorter\n"
        f"    one number: {1e3 * ms['number']:.0f} us, without the question whether all call the "
        f"same {1e3 * ms['bare']:.0f} us",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = ["lenet", "resnet20", "resnet18"]
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=usual)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="steps in each round")
    parser.add_argument("--launch", default="mpiexec -n 2", help="what starts the processes")
    args = parser.parse_args()
    print(f"a training step, {args.rounds} rounds of {args.steps} steps, {args.launch}")
    for name in args.models:
        measure(name, shlex.split(args.launch), args.rounds, args.steps)


if __name__ == "__main__":
    main()
