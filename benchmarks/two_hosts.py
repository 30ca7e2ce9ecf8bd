"""Starts a program's processes on several hosts that are none: network namespaces of this machine.

    python benchmarks/two_hosts.py [--hosts 2] [--rate 1gbit] python train.py
    python benchmarks/distributed.py --launch "python benchmarks/two_hosts.py --rate 1gbit"

Each host has a name, an address (10.x.y.1, ...) and a network card of its own, joined by a bridge,
and mpiexec reaches it by a host file, as it does by ssh on a cluster. MPI is told to use TCP, since
it would find out that the memory is the same. --rate slows the cards down (`tc`, a token bucket).
Needs Linux, root, MPICH's mpiexec, and `ip` and `tc` (iproute2). What it makes is gone afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from minitorch_cnn.distributed.run import find_mpiexec

# Called by mpiexec in the place of ssh: options, a host, a command for its shell.
LAUNCHER = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=${1##*.}
shift
exec ip netns exec {prefix}$host unshare --uts sh -c "hostname host$host; exec $*"
"""


def run(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def network(hosts: int, rate: str | None) -> Iterator[tuple[str, str]]:
    """Namespaces on a bridge. Gives the begin of their names, and that of their addresses, which
    are of this process: so two programs get in nobody's way."""
    prefix = f"mt{os.getpid()}n"
    subnet = f"10.{64 + os.getpid() // 256 % 64}.{os.getpid() % 256}"
    bridge = f"{prefix}b"
    try:
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "addr", "add", f"{subnet}.254/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        for host in range(1, hosts + 1):
            space, card = f"{prefix}{host}", f"{prefix}v{host}"
            run("ip", "netns", "add", space)
            run(*f"ip link add {card} type veth peer name veth0 netns {space}".split())
            run("ip", "link", "set", card, "master", bridge, "up")
            inside = ["ip", "-n", space]
            run(*inside, "addr", "add", f"{subnet}.{host}/24", "dev", "veth0")
            run(*inside, "link", "set", "veth0", "up")
            run(*inside, "link", "set", "lo", "up")
            if rate is not None:
                shaped = f"tc -n {space} qdisc add dev veth0 root tbf rate {rate}"
                run(*shaped.split(), "burst", "256kb", "latency", "100ms")
        yield prefix, subnet
    finally:
        for host in range(1, hosts + 1):
            for made in (["link", "del", f"{prefix}v{host}"], ["netns", "del", f"{prefix}{host}"]):
                subprocess.run(["ip", *made], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", bridge], stderr=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--rate", help="of each card, in tc's words: 1gbit, 100mbit")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    made = network(args.hosts, args.rate)
    with made as (prefix, subnet), tempfile.TemporaryDirectory() as folder:
        launcher, hosts = Path(folder, "launcher"), Path(folder, "hosts")
        launcher.write_text(LAUNCHER.replace("{prefix}", prefix))
        launcher.chmod(0o755)
        hosts.write_text("".join(f"{subnet}.{host}:1\n" for host in range(1, args.hosts + 1)))
        command = [
            find_mpiexec(), "-f", str(hosts), "-launcher", "ssh", "-launcher-exec", str(launcher),
            "-iface", f"{prefix}b", "-n", str(args.hosts), *args.program,
        ]  # fmt: skip
        tcp = {"UCX_TLS": "tcp,self", "UCX_NET_DEVICES": "veth0", "FI_PROVIDER": "tcp"}
        # Each would take all cores, not knowing that the other hosts have the same ones.
        threads = max(1, len(os.sched_getaffinity(0)) // args.hosts)
        environment = {"MINITORCH_CNN_NUM_THREADS": str(threads), **os.environ, **tcp}
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
