"""Who started this process, and which of how many it is: read from the environment.

mpiexec and srun tell each process its number in variables of their own. Programs look for RANK,
WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE; `tell_program` sets them, before MPI is started.
"""

from __future__ import annotations

import os

# What each launcher calls (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE). Those of srun come
# last: mpiexec inside of a Slurm job sets its own, and Slurm's then are of the batch script.
LAUNCHERS = (
    ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),  # MPICH, Intel MPI
    (
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
    ),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE"),
)
NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def from_launcher() -> dict[str, str]:
    """RANK, WORLD_SIZE and, where it is told, the local ones; {} for a process started by hand."""
    for names in LAUNCHERS:
        values = [os.environ.get(name, "") for name in names]
        if values[0].isdigit() and values[1].isdigit():
            return {name: value for name, value in zip(NAMES, values) if value.isdigit()}
    return {}


def tell_program() -> None:
    """Sets RANK and so on, where a launcher tells them: what was there is of who called it."""
    os.environ.update(from_launcher())
