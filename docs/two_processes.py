"""Draws what several processes do in a step: python docs/two_processes.py

docs/images/distributed-ring.png   an all-reduce in a ring, from the messages of a small program
docs/images/distributed-step.png   a real step of two processes, from the events that they recorded

The second trains ResNet-20 for a few steps by `mpiexec -n 2`, with buckets of a quarter of a
megabyte, so that there are several. Nothing else should be running meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
IMAGES = DOCS / "images"
STEPS = 12
COLOURS = {"forward": "#9ecae1", "backward": "#4292c6", "optimizer": "#08519c", "waits": "#fdae6b"}


def record(folder: Path) -> None:
    """In each process: the spans of every step, in seconds, as FOLDER/RANK.json."""
    import minitorch_cnn as mt
    from minitorch_cnn import distributed, nn
    from minitorch_cnn.distributed.agreement import Agreement

    distributed.init_process_group("mpi")
    rank = distributed.get_rank()
    mt.manual_seed(0)
    network = nn.parallel.DistributedDataParallel(
        mt.models.cifar.resnet20(), bucket_cap_mb=0.25, broadcast_buffers=False
    )
    optimizer = mt.optim.SGD(network.parameters(), lr=0.01)
    mt.manual_seed(rank)
    images, labels = mt.randn(64, 3, 32, 32), mt.arange(64) % 10
    spans: list[tuple[str, float, float, int]] = []
    wait_for = Agreement.wait_for

    def timed(self: Any, *args: Any) -> None:
        began = time.perf_counter()
        wait_for(self, *args)
        spans.append(("waits", began, time.perf_counter(), 0))

    def span(name: str, began: float) -> float:
        now = time.perf_counter()
        spans.append((name, began, now, 0))
        return now

    steps = []
    for _ in range(STEPS):
        distributed.barrier()
        spans.clear()
        Agreement.wait_for = timed  # type: ignore[method-assign]
        with distributed.record() as events:
            now = time.perf_counter()
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images), labels)
            loss.item()
            now = span("forward", now)
            loss.backward()
            now = span("backward", now)
            optimizer.step()
            network.module.fc.bias.sum().item()
            span("optimizer", now)
        Agreement.wait_for = wait_for  # type: ignore[method-assign]
        sent = [("sends", event.start, event.end, event.bytes) for event in events]
        steps.append([*spans, *sent])
    (folder / f"{rank}.json").write_text(json.dumps(steps))
    distributed.destroy_process_group()


def recorded() -> list[list]:
    """The spans of the step that took the median time, of both processes."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(ROOT))
        from minitorch_cnn.distributed.run import find_mpiexec

        subprocess.run(
            [find_mpiexec(), "-n", "2", sys.executable, __file__, "--record", folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        both = [json.loads(Path(folder, f"{rank}.json").read_text()) for rank in (0, 1)]
    pairs = list(zip(*both, strict=True))[2:]  # the first make the buckets
    pairs.sort(key=lambda pair: max(s[2] for s in pair[0]) - min(s[1] for s in pair[0]))
    return list(pairs[len(pairs) // 2])


def draw_step(processes: list[list]) -> Any:
    """Two lanes for each process: what it computes, and what is under way."""
    from matplotlib.figure import Figure  # extra: plot

    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    axes = figure.subplots()
    begin = min(span[1] for spans in processes for span in spans)
    labels = {}
    for rank, spans in enumerate(processes):
        bucket = 0
        for name, start, end, size in spans:
            left, width = 1e3 * (start - begin), 1e3 * (end - start)
            if name != "sends":
                lane = 3.5 * rank
                above = 2 if name == "waits" else 1  # it is a part of backward
                patch = axes.barh(
                    lane, width, left=left, height=0.8, color=COLOURS[name], zorder=above
                )
                labels[name] = patch
                continue
            lane = 3.5 * rank + 1 + bucket % 2 * 0.8
            axes.barh(lane, width, left=left, height=0.7, color="#a1d99b", edgecolor="#238b45")
            text = f"{bucket}: {size / 1e6:.2f} MB"
            axes.text(left + width / 2, lane, text, ha="center", va="center", fontsize=7)
            bucket += 1
    axes.set_yticks(
        [0, 1.4, 3.5, 4.9],
        ["rank 0 computes", "all-reduces under way", "rank 1 computes", "all-reduces under way"],
    )
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds since the begin of the step")
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=4, fontsize=8)
    return figure


def messages(hosts: int) -> list[list[tuple[int, int, bool]]]:
    """Of each step of a ring: (host, part that it sends to the next host, is it added there)."""
    steps = range(2 * (hosts - 1))
    return [
        [(host, (host - step) % hosts, step < hosts - 1) for host in range(hosts)] for step in steps
    ]


def draw_ring(hosts: int = 3) -> Any:
    """Step by step: a column for each host, a box for each part, arrows for the messages."""
    from matplotlib.figure import Figure

    steps = messages(hosts)
    figure = Figure(figsize=(9.5, 2.9), layout="constrained")
    panels = figure.subplots(1, len(steps) + 1)
    held = [[{host} for _ in range(hosts)] for host in range(hosts)]  # whose numbers are in it
    for step, axes in enumerate(panels):
        for host in range(hosts):
            for part in range(hosts):
                whose = held[host][part]
                colour = "#a1d99b" if len(whose) == hosts else "#deebf7"
                axes.barh(part, 0.7, left=host - 0.35, height=0.7, color=colour)
                text = "+".join("abcdefgh"[each] for each in sorted(whose))
                axes.text(host, part, text, ha="center", va="center", fontsize=8)
        title = "the sums" if step == len(steps) else "add" if step < hosts - 1 else "pass on"
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(hosts), [f"host {host}" for host in range(hosts)], fontsize=7)
        axes.set_yticks([])
        axes.set_ylim(hosts - 0.4, -0.6)
        axes.set_xlim(-0.6, hosts - 0.4)
        if step == len(steps):
            break
        before = [[set(each) for each in row] for row in held]
        for host, part, adds in steps[step]:
            after = (host + 1) % hosts
            start, end = (host + 0.3, part), (after - 0.3, part)
            bend = "arc3,rad=0" if after else "arc3,rad=-0.25"
            arrow = dict(arrowstyle="->", color="#d94801", connectionstyle=bend)
            axes.annotate("", end, start, arrowprops=arrow)
            held[after][part] = before[host][part] | (before[after][part] if adds else set())
    return figure


def main() -> None:
    if sys.argv[1:2] == ["--record"]:
        record(Path(sys.argv[2]))
        return
    draw_ring().savefig(IMAGES / "distributed-ring.png", dpi=100)
    draw_step(recorded()).savefig(IMAGES / "distributed-step.png", dpi=100)


if __name__ == "__main__":
    main()
