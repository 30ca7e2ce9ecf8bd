"""A training step on many hosts, on paper: python docs/scaling.py

Draws docs/images/distributed-scaling.png and writes the tables into the chapter on distributed
training, in both languages. With --measure it also runs benchmarks/distributed.py, for which
nothing else should be running, and puts what that printed into its place.

The model. A message of m bytes takes alpha + m / rate seconds: alpha to get going, the rest on the
wire. An all-reduce of m bytes between n hosts takes

    ring   2 (n - 1) (alpha + m / n / rate)     each host passes n-th parts on, round and round
    tree   2 log2(n) (alpha + m / rate)         summed up pairwise to a root, and back the same way

Backward makes the gradients of the last layers first. What is ready travels while backward goes
on; a step ends when both have ended.
"""

from __future__ import annotations

import datetime
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PICTURE = DOCS / "images/distributed-scaling.png"

# name: (alpha in seconds, bytes a second). The rates are what is left of the name by Ethernet's,
# IP's and TCP's headers (94 %). The latencies are assumptions: kernels' TCP for the first two,
# an adapter that writes into the other host's memory for the last.
NETWORKS = {
    "1 Gbit/s": (50e-6, 0.94e9 / 8),
    "10 Gbit/s": (30e-6, 9.4e9 / 8),
    "100 Gbit/s": (3e-6, 94e9 / 8),
}
HOSTS = [2**power for power in range(11)]

# ResNet-18 for 32x32 images. A step of 64 images takes 522 ms on two cores (README, AVX-512), of
# which backward is about two thirds; its four stages take about the same time each. So after a
# quarter of backward the gradients of the last stage are there, three quarters of all bytes.
IMAGES, SECONDS, BACKWARD = 64, 0.522, 2 / 3
PARAMETERS = {"layer4, fc": 8_398_858, "layer3": 2_099_712, "layer2": 525_568, "the rest": 149_824}


def ring(hosts: int, size: float, alpha: float, rate: float) -> float:
    """Seconds of an all-reduce of `size` bytes in a ring."""
    return 2 * (hosts - 1) * (alpha + size / hosts / rate)


def tree(hosts: int, size: float, alpha: float, rate: float) -> float:
    """Seconds of an all-reduce of `size` bytes in a tree."""
    return 2 * math.log2(hosts) * (alpha + size / rate)


def step(hosts: int, images: float, network: str, algorithm: str) -> float:
    """Seconds of a step with `images` images on each host. algorithm: "ring", "tree" or the
    quicker of the two, "best", as NCCL and MPI choose for themselves."""
    cost = {
        "ring": ring,
        "tree": tree,
        "best": lambda *arguments: min(ring(*arguments), tree(*arguments)),
    }[algorithm]
    compute = SECONDS * images / IMAGES
    forward, backward = compute * (1 - BACKWARD), compute * BACKWARD
    sent = 0.0  # when the gradients up to here are on all hosts, from the begin of backward
    for stage, parameters in enumerate(PARAMETERS.values(), 1):
        ready = backward * stage / len(PARAMETERS)
        sent = max(sent, ready) + cost(hosts, 4 * parameters, *NETWORKS[network])
    return forward + max(backward, sent)


def weak_table() -> str:
    """A step of 64 images on each host: more hosts take more images."""
    return _table(
        "ms a step, 64 images on each host",
        lambda hosts, network, algorithm: step(hosts, IMAGES, network, algorithm),
    )


def strong_table(batch: int = 1024) -> str:
    """A step of 1,024 images in all: more hosts take fewer images each."""
    return _table(
        f"ms a step, {batch:,} images on all hosts together",
        lambda hosts, network, algorithm: step(hosts, batch / hosts, network, algorithm),
    )


def _table(title: str, seconds: Callable[[int, str, str], float]) -> str:
    lines = [
        title,
        "".join([" hosts", *(f"{name:>18}" for name in NETWORKS)]),
        "".join(["      ", *(f"{'ring':>9}{'tree':>9}" for _ in NETWORKS)]),
    ]
    for hosts in HOSTS:
        cells = [
            f"{1000 * seconds(hosts, network, algorithm):9,.0f}"
            for network in NETWORKS
            for algorithm in ("ring", "tree")
        ]
        lines.append(f"{hosts:6,}" + "".join(cells))
    return "".join(f"    {line}\n" for line in lines)


def limits(batch: int = 1024) -> str:
    """Where it stops scaling, network by network, with the quicker of ring and tree."""
    lines = []
    for network in NETWORKS:
        efficient = [n for n in HOSTS if SECONDS / step(n, IMAGES, network, "best") >= 0.9]
        times = {n: step(n, batch / n, network, "best") for n in HOSTS}
        best = min(times, key=times.__getitem__)
        lines.append(
            f"{network:>10}: 64 images each: 90 % efficient up to {max(efficient):5,} hosts; "
            f"1,024 in all: fastest on {best:4,}, {times[1] / times[best]:5.1f}x one host"
        )
    return "".join(f"    {line}\n" for line in lines)


def draw() -> None:
    from matplotlib.figure import Figure  # extra: plot

    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    weak, strong = figure.subplots(1, 2)
    for colour, network in zip(("tab:red", "tab:blue", "tab:green"), NETWORKS, strict=True):
        for algorithm, style in (("ring", "-"), ("tree", "--")):
            each = [step(n, IMAGES, network, algorithm) for n in HOSTS]
            label = f"{network}, {algorithm}"
            weak.plot(HOSTS, each, style, color=colour, label=label)
            each = [step(n, 1024 / n, network, algorithm) for n in HOSTS]
            strong.plot(HOSTS, each, style, color=colour, label=label)
    weak.axhline(SECONDS, color="gray", linewidth=0.8)
    strong.plot(HOSTS, [SECONDS * 16 / n for n in HOSTS], color="gray", linewidth=0.8)
    for axes, title in ((weak, "64 images on each host"), (strong, "1,024 images in all")):
        axes.set(title=title, xlabel="hosts", ylabel="seconds a step (gray: a free network)")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
    strong.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=100)


def filled(text: str, place: str, content: str) -> str:
    """The chapter with `content` between the marks of a place."""
    pattern = rf"(?<=<!-- {place} -->\n).*?(?=<!-- end of {place} -->)"
    changed, count = re.subn(pattern, lambda _: content, text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the chapter has {count} places for {place!r}")
    return changed


def processor() -> str:
    """The model's name, and how many cores this process may use."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"model name\s*: (.+)", text)
    return f"{found[1] if found else 'a processor'}, {len(os.sched_getaffinity(0))} cores"


def measured() -> str:
    """What the benchmark prints on this machine; as root, also with a network card of 1 Gbit/s."""
    command = [sys.executable, str(ROOT / "benchmarks/distributed.py")]
    hosts = f"{sys.executable} {ROOT / 'benchmarks/two_hosts.py'} --rate 1gbit"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    lines = [f"{processor()}, {datetime.date.today()}"]
    for launch in ([], ["--launch", hosts]) if os.geteuid() == 0 else ([],):
        printed = subprocess.run(
            [*command, *launch], env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        for path, short in ((str(ROOT) + os.sep, ""), (sys.executable, "python")):
            printed = printed.replace(path, short)
        lines += ["", *printed.splitlines()]
    return "".join(f"    {line}".rstrip() + "\n" for line in lines) + "\n"


def main() -> None:
    draw()
    places = {"on paper": f"{weak_table()}\n{strong_table()}", "limits": limits()}
    if "--measure" in sys.argv[1:]:
        places["measured"] = measured()
    for name in ("distributed.md", "distributed.ko.md"):
        text = (DOCS / name).read_text("utf-8")
        for place, content in places.items():
            text = filled(text, place, content)
        (DOCS / name).write_text(text, "utf-8")
    print("".join(places.values()), end="")


if __name__ == "__main__":
    main()
