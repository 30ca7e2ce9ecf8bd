"""Groups of processes: how they come to be, and who is in them.

The first call of `init_process_group` starts MPI. All processes that one `mpiexec` started are the
world; a process that was started by hand is a world of one, and the same program runs there.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
import uuid
import warnings
from datetime import timedelta
from typing import Any

from .. import backend as arrays, config
from . import environment, failure
from .agreement import Agreement
from .environment import NAMES
from .mpi import MpiBackend, import_mpi, is_mpi_available

default_pg_timeout = timedelta(minutes=30)


class Backend(str):
    """Names of backends, in small letters; an instance is one of them.

    >>> Backend("MPI")
    'mpi'
    """

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    MPI = "mpi"
    UCC = "ucc"

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish: {name!r}")
        return super().__new__(cls, name.lower())


class ProcessGroup:
    """Some of the processes. `rank()` is this one's number among them.

    ranks: their numbers in the world, by their numbers here. backend: what moves their tensors.
    """

    def __init__(
        self, ranks: list[int], backend: Any, agreement: Agreement, name: str, comm: Any
    ) -> None:
        self.ranks, self.backend, self.agreement = ranks, backend, agreement
        self.group_name, self.comm = name, comm

    def rank(self) -> int:
        return self.agreement.rank

    def size(self) -> int:
        return len(self.ranks)

    def name(self) -> str:
        """The backend's name."""
        return self.backend.name

    def __repr__(self) -> str:
        return f"<ProcessGroup {self.group_name} {self.name()} of {self.size()}>"


class _World:
    """What there is once: the group of all processes, and all groups with it."""

    default: ProcessGroup | None = None
    groups: list[ProcessGroup] = []
    count = 0  # groups made so far


class _GroupMeta(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes; None before `init_process_group`."""
        return _World.default


class group(metaclass=_GroupMeta):
    """`group.WORLD` is the group of all processes."""


class GroupMember(metaclass=_GroupMeta):
    """What `new_group` returns to a process that is not in it."""

    NON_GROUP_MEMBER = -100


def is_available() -> bool:
    """True if mpi4py is installed.

    >>> import minitorch_cnn.distributed as dist
    >>> dist.is_available() in (True, False)
    True
    """
    return is_mpi_available()


def is_nccl_available() -> bool:
    """True if CuPy sees a GPU and finds NCCL."""
    if not arrays.is_cupy_available():
        return False
    from .nccl import import_nccl

    try:
        import_nccl()
    except (RuntimeError, ImportError):
        return False
    return True


def is_gloo_available() -> bool:
    """False: "gloo" is a name for MPI here."""
    return False


def is_ucc_available() -> bool:
    """False: there are MPI and NCCL."""
    return False


def is_xccl_available() -> bool:
    """False: there are MPI and NCCL."""
    return False


def is_torchelastic_launched() -> bool:
    """False: processes are started by mpiexec or srun."""
    return False


def is_backend_available(backend: str) -> bool:
    """True if `init_process_group` takes this name here."""
    available = {"mpi": is_mpi_available, "gloo": is_mpi_available, "nccl": is_nccl_available}
    return backend.lower() in available and available[backend.lower()]()


def get_default_backend_for_device(device: Any) -> str:
    """The backend for tensors on a device: "nccl" for a GPU, else "mpi"."""
    return "nccl" if arrays.device(device).type == "cuda" else "mpi"


def is_initialized() -> bool:
    """True between `init_process_group` and `destroy_process_group`."""
    return _World.default is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Joins the processes that were started together. All of them have to call it.

    backend: "mpi", for tensors on the CPU; "nccl", for those on GPUs, one GPU a process; None
    takes "nccl" if the default device is a GPU. "gloo" is served by MPI.
    init_method: mpiexec has connected the processes, so nothing else than "env://" needs to be
    named; addresses are not used.
    timeout: how long a process waits for the others in a collective, 30 minutes if None.
    world_size, rank: checked against MPI's, if given.
    device_id: the GPU of this process for "nccl"; else the LOCAL_RANK-th.

    The environment variables RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE are set. The
    processes of one host share its cores: unless `set_num_threads`, MINITORCH_CNN_NUM_THREADS or
    OMP_NUM_THREADS said otherwise, each takes its part of them. From now on, an exception that
    nobody catches ends all processes.

    Raises RuntimeError if mpi4py is missing, ValueError if there is a group already, or if
    world_size or rank, or the variables of another launcher, are not MPI's.

    >>> import minitorch_cnn.distributed as dist
    >>> dist.init_process_group("mpi")  # doctest: +SKIP
    """
    if _World.default is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if store is not None:
        raise NotImplementedError("store is not supported: mpiexec connects the processes")
    if timeout is not None and not isinstance(timeout, timedelta):
        raise TypeError(f"timeout must be a datetime.timedelta, got {timeout!r}")
    name = _chosen(backend)
    if init_method is not None and init_method.partition("://")[0] not in ("env", "tcp", "file"):
        raise ValueError(f"init_method {init_method!r} is none of env://, tcp:// and file://")
    seconds = default_pg_timeout if timeout is None else timeout
    mpi = _start_mpi(seconds)
    world = mpi.COMM_WORLD
    failure.watch(world.Get_rank(), world.Get_size(), world)
    _check_world("rank", rank, world)
    _check_world("world_size", world_size, world)
    _check_environment(world)
    ranks = list(range(world.Get_size()))
    # What follows waits without a timeout, so all have to be here, and for the same purpose.
    line = f"init_process_group({name})"
    together = Agreement(world, mpi, ranks, seconds)
    together.wait_until_agreed(together.announce(line), line)
    comm = world.Dup()
    comm.Set_errhandler(mpi.ERRORS_RETURN)
    local = comm.Split_type(mpi.COMM_TYPE_SHARED)
    told = (comm.Get_rank(), comm.Get_size(), local.Get_rank(), local.Get_size())
    for variable, value in zip(NAMES, told, strict=True):
        os.environ.setdefault(variable, str(value))
    _share_threads(local)
    mark = os.path.join(tempfile.gettempdir(), f"minitorch-{uuid.uuid4().hex}")
    failure.call_witness(local.bcast(mark, root=0))
    local.Free()
    _World.default = _make_group(comm, ranks, name, seconds, device_id)
    failure.watch_exit(_World.default.agreement)


def _start_mpi(timeout: timedelta) -> Any:
    """The module mpi4py.MPI. MPI's start waits for all processes, and nothing but this ends it."""
    several = int(environment.from_launcher().get("WORLD_SIZE", "1")) > 1
    if several and "mpi4py.MPI" not in sys.modules:
        faulthandler.dump_traceback_later(timeout.total_seconds(), exit=True)
        try:
            return import_mpi()
        finally:
            faulthandler.cancel_dump_traceback_later()
    return import_mpi()


def _chosen(backend: str | None) -> str:
    """ "mpi" or "nccl"."""
    if backend is None:
        return "nccl" if arrays.default_device().type == "cuda" else "mpi"
    name = Backend(backend)
    if name in ("gloo", "cpu:gloo", "cpu:gloo,cuda:nccl"):
        if os.environ.get("RANK", "0") == "0":
            warnings.warn(f"the backend {name} is served by MPI", stacklevel=3)
        return "mpi"
    if name not in ("mpi", "nccl"):
        raise ValueError(
            f"Unknown backend {backend!r}: use 'mpi' for CPUs or 'nccl' for GPUs ('gloo' is MPI)"
        )
    return str(name)


def _check_world(name: str, given: int, world: Any) -> None:
    actual = world.Get_rank() if name == "rank" else world.Get_size()
    if given not in (-1, actual):
        raise ValueError(
            f"{name}={given}, but MPI's is {actual}: start the program by "
            "`mpiexec -n N python program.py`, which starts all processes and counts them"
        )


def _check_environment(world: Any) -> None:
    """Whoever set RANK and WORLD_SIZE meant that many processes."""
    for variable, actual in (("WORLD_SIZE", world.Get_size()), ("RANK", world.Get_rank())):
        text = os.environ.get(variable, "")
        if text.isdigit() and int(text) != actual:
            raise ValueError(
                f"the environment says {variable}={text}, but MPI's is {actual}: start the "
                "program by `mpiexec -n N python program.py` or `python -m "
                "minitorch_cnn.distributed.run`, not by torchrun or several calls of python"
            )


def _share_threads(local: Any) -> None:
    """The processes of one host divide its cores, those that may use the same ones equally."""
    if not hasattr(os, "sched_getaffinity"):
        mine = set(range(os.cpu_count() or 1))
    else:
        mine = os.sched_getaffinity(0)
    rivals = sum(bool(mine & theirs) for theirs in local.allgather(mine))
    chosen = os.environ.get("MINITORCH_CNN_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
    if not chosen and config.get_num_threads() == len(mine):  # the default, so nobody has set it
        config.set_num_threads(max(1, len(mine) // rivals))


def _make_group(
    comm: Any, ranks: list[int], name: str, timeout: timedelta, device_id: Any = None
) -> ProcessGroup:
    """The group of a communicator, which becomes its own."""
    agreement = Agreement(comm.Dup(), import_mpi(), ranks, timeout)
    if name == "mpi":
        backend: Any = MpiBackend(comm.Dup())
    else:
        from .nccl import NcclBackend

        if device_id is None:
            device = int(os.environ["LOCAL_RANK"])
        else:
            device = arrays.gpu_number(device_id)
        backend = NcclBackend(comm, device, timeout.total_seconds(), failure.end_all)
    made = ProcessGroup(ranks, backend, agreement, str(_World.count), comm)
    _World.count += 1
    _World.groups.append(made)
    return made


def new_group(
    ranks: list[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """A group of some of the processes; all have to call it, also those that are not in it.

    ranks: their numbers in the world, all if None. timeout, backend: the world's, if None.
    Processes that are not in it get `GroupMember.NON_GROUP_MEMBER`, and collectives with that do
    nothing. Raises ValueError for ranks that are not there or twice there.
    """
    world = of(None)
    members = list(range(world.size())) if ranks is None else [int(each) for each in ranks]
    if len(set(members)) < len(members):
        raise ValueError(f"a rank is there twice in {members}")
    if len(members) > world.size() or not all(0 <= each < world.size() for each in members):
        raise ValueError(f"the new group's ranks {members} are not all of the {world.size()} ranks")
    if sort_ranks:
        members.sort()
    name = world.name() if backend is None else _chosen(backend)
    agreed(f"new_group({members})")
    mine = get_rank()
    color = 0 if mine in members else import_mpi().UNDEFINED
    comm = world.comm.Split(color, members.index(mine) if mine in members else 0)
    if mine not in members:
        return GroupMember.NON_GROUP_MEMBER
    seconds = world.agreement.timeout if timeout is None else timeout
    return _make_group(comm, members, name, seconds, device_id)


def agreed(line: str, of_group: Any = None) -> None:
    """Waits until all processes of the group are here. Raises RuntimeError if one is elsewhere."""
    agreement = of(of_group).agreement
    agreement.wait_until_agreed(agreement.announce(line), line)


def destroy_process_group(group: Any = None) -> None:
    """Ends a group, or all of them if it is the world's. All its processes have to call it."""
    ended = of(group)
    agreed("destroy_process_group()", ended)
    for each in list(_World.groups) if ended is _World.default else [ended]:
        each.backend.close()
        each.agreement.close()
        each.comm.Free()
        _World.groups.remove(each)
    if ended is _World.default:
        _World.default = None
        failure.unwatch()


def of(group: Any) -> ProcessGroup:
    """The group meant by an argument `group`: None is the world."""
    if group is None:
        if _World.default is None:
            raise ValueError(
                "Default process group has not been initialized, please make sure to call "
                "init_process_group."
            )
        return _World.default
    if not isinstance(group, ProcessGroup) or group not in _World.groups:
        raise ValueError(f"Invalid process group specified: {group!r}")
    return group


def get_rank(group: Any = None) -> int:
    """This process's number in the group, -1 if it is not in it."""
    return -1 if group == GroupMember.NON_GROUP_MEMBER else of(group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes are in the group, -1 if this one is not in it."""
    return -1 if group == GroupMember.NON_GROUP_MEMBER else of(group).size()


def get_backend(group: Any = None) -> Backend:
    """The name of what moves the tensors of the group: "mpi" or "nccl"."""
    return Backend(of(group).name())


def get_process_group_ranks(group: Any) -> list[int]:
    """The numbers in the world of the processes of a group."""
    return list(of(group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """The number in the world of one process of a group. Raises ValueError if it is not there."""
    ranks = of(group).ranks
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group!r}")
    return ranks[group_rank]


def get_group_rank(group: Any, global_rank: int) -> int:
    """The number in a group of a process of the world. Raises ValueError if it is not in it."""
    ranks = of(group).ranks
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group!r}")
    return ranks.index(global_rank)


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """This process's number on its host. Raises RuntimeError if nobody told it."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError("LOCAL_RANK is not in the environment. Call init_process_group first.")


def get_pg_count() -> int:
    """How many groups there are."""
    return len(_World.groups)
