"""Training by several processes, by torch.distributed's names, on MPI and NCCL.

    mpiexec -n 4 python train.py
    srun python train.py                                               (Slurm)
    python -m minitorch_cnn.distributed.run --nproc-per-node 4 train.py

MPI (mpi4py over MPICH, Open MPI, ...) starts and connects the processes, and moves tensors on the
CPU; NCCL moves those on GPUs. `pip install 'minitorch_cnn[mpi]'` brings MPI; without it,
`is_available()` is False and `init_process_group` says what is missing. A process that nobody's
mpiexec started is a group of one.

    environment.py  which process am I: the launchers' variables
    groups.py       init_process_group, groups, ranks
    collectives.py  all_reduce and so on, arguments checked
    agreement.py    do all processes call the same? and timeouts
    p2p.py          send and recv
    objects.py      plain Python data instead of tensors
    work.py         Work, and the record of what was called when
    algorithms      Join: processes with different numbers of batches
    mpi.py, nccl.py the backends: collectives on bare arrays
    failure.py      one process fails, all end

Threads: one thread of a process calls collectives at a time; `DataLoader`'s processes call none.
"""

from ..missing import refuse_missing as _refuse_missing
from . import environment as _environment, failure as _failure
from .agreement import (
    DistBackendError,
    DistError,
    DistNetworkError,
    DistStoreError,
    QueueEmptyError,
)
from .collectives import (
    ReduceOp,
    all_gather,
    all_gather_into_tensor,
    all_gather_single,
    all_reduce,
    all_to_all,
    all_to_all_single,
    barrier,
    broadcast,
    gather,
    monitored_barrier,
    reduce,
    reduce_scatter,
    reduce_scatter_single,
    reduce_scatter_tensor,
    scatter,
)
from .groups import (
    Backend,
    GroupMember,
    ProcessGroup,
    default_pg_timeout,
    destroy_process_group,
    get_backend,
    get_default_backend_for_device,
    get_global_rank,
    get_group_rank,
    get_node_local_rank,
    get_pg_count,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    group,
    init_process_group,
    is_available,
    is_backend_available,
    is_gloo_available,
    is_initialized,
    is_nccl_available,
    is_torchelastic_launched,
    is_ucc_available,
    is_xccl_available,
    new_group,
)
from .mpi import is_mpi_available
from .objects import (
    all_gather_object,
    broadcast_object_list,
    gather_object,
    scatter_object_list,
)
from .p2p import P2POp, batch_isend_irecv, irecv, isend, recv, send
from .work import Work, record

reduce_op = ReduceOp  # the older name

__all__ = [
    "Backend",
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "GroupMember",
    "P2POp",
    "ProcessGroup",
    "QueueEmptyError",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_gather_single",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "barrier",
    "batch_isend_irecv",
    "broadcast",
    "broadcast_object_list",
    "default_pg_timeout",
    "destroy_process_group",
    "gather",
    "gather_object",
    "get_backend",
    "get_default_backend_for_device",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_pg_count",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "irecv",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
    "isend",
    "monitored_barrier",
    "new_group",
    "record",
    "recv",
    "reduce",
    "reduce_op",
    "reduce_scatter",
    "reduce_scatter_single",
    "reduce_scatter_tensor",
    "scatter",
    "scatter_object_list",
    "send",
]

_environment.tell_program()
if _told := _environment.from_launcher():
    _failure.watch(int(_told["RANK"]), int(_told["WORLD_SIZE"]))
_refuse_missing(globals())
