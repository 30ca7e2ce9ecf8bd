"""python -m minitorch_cnn.distributed.run: starts a program several times on this host.

    python -m minitorch_cnn.distributed.run --nproc-per-node 4 train.py --lr 0.1

It prints the call of mpiexec that it makes, and becomes it. That is all: for several hosts, or to
say where processes run, call mpiexec (or srun) yourself.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path


def find_mpiexec() -> str:
    """The mpiexec beside this Python (pip puts it there), else the first in PATH.

    Raises SystemExit, naming the extra, where there is none.
    """
    beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("mpiexec")
    if found is None:
        sys.exit("mpiexec was not found: pip install 'minitorch_cnn[mpi]', or load your MPI")
    return found


def command(arguments: list[str]) -> tuple[list[str], int]:
    """(the arguments of mpiexec, how many processes) for these arguments, which are torchrun's.

    >>> call, processes = command(["--nproc-per-node", "2", "train.py", "--lr", "1"])
    >>> call[:2], call[-3:], processes
    (['-n', '2'], ['train.py', '--lr', '1'], 2)
    """
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn.distributed.run",
        description="Starts a program several times on this host, by mpiexec.",
    )
    parser.add_argument(
        "--nproc-per-node",
        "--nproc_per_node",
        type=int,
        default=1,
        metavar="N",
        help="how many processes (default: 1)",
    )
    parser.add_argument("--nnodes", default="1", help="1; for more hosts, call mpiexec or srun")
    parser.add_argument("--standalone", action="store_true", help="changes nothing")
    parser.add_argument("-m", "--module", action="store_true", help="the program is a module")
    parser.add_argument("program")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if options.nproc_per_node < 1:
        parser.error(f"--nproc-per-node {options.nproc_per_node}: it takes 1 or more")
    if options.nnodes != "1":
        parser.error(
            f"--nnodes {options.nnodes}: for several hosts call `mpiexec -f hosts -n N python "
            f"{options.program}`, or srun"
        )
    count = options.nproc_per_node
    program = ["-m", options.program] if options.module else [options.program]
    return ["-n", str(count), sys.executable, *program, *options.args], count


def main() -> None:
    """Becomes mpiexec. NumPy's own threads are divided among the processes, too."""
    arguments, count = command(sys.argv[1:])
    call = [find_mpiexec(), *arguments]
    shared = {"OPENBLAS_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // count))}
    words = [f"{name}={value}" for name, value in shared.items() if name not in os.environ]
    print(shlex.join([*words, *call]), file=sys.stderr, flush=True)
    os.execve(call[0], call, {**shared, **os.environ})


if __name__ == "__main__":
    main()
