"""What the processes that train one network together have to agree on; see docs/distributed.md.

    mpiexec -n 4 python examples/train_resnet_cifar.py

Each takes its share of every batch, and the gradients are averaged. Started without mpiexec, a
program is a group of one, in which nothing here does anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .. import cuda, distributed, nn
from ..backend import default_device, device, get_backend, set_backend
from ..dtypes import int64, uint8
from ..ops import cat, tensor, zeros
from ..random import manual_seed
from ..tensor import Tensor
from ..utils.data import DistributedSampler


class Group:
    """The processes of this run: `size` of them, of which this is number `rank`."""

    def __init__(self, backend: str) -> None:
        """Chooses the backend, on a GPU that no other process of the host uses."""
        self.rank, self.size, local = 0, 1, 0
        several = int(os.environ.get("WORLD_SIZE", "1")) > 1  # set by minitorch_cnn.distributed
        if several:
            local = int(os.environ.get("LOCAL_RANK", "0"))
            if device(backend).type == "cuda":
                backend = f"cuda:{local % cuda.device_count()}"
        set_backend(backend)
        if several:
            gpu = None if get_backend() == "numpy" else default_device()
            distributed.init_process_group(device_id=gpu)
            self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
            local = int(os.environ["LOCAL_RANK"])  # no longer the launcher's word alone
            # An exception ends all processes, and says on which one and where it was.
            os.environ.setdefault("MINITORCH_TRACEBACK", "1")
        self.is_first, self.is_first_on_host = self.rank == 0, local == 0
        if not self.is_first:  # what all would print, one prints
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115

    @contextmanager
    def first_on_host_first(self) -> Iterator[None]:
        """Inside, one process of each host goes first: it downloads, and the others read."""
        if self.size > 1 and not self.is_first_on_host:
            distributed.barrier()
        yield
        if self.size > 1 and self.is_first_on_host:
            distributed.barrier()

    def share(self, batch_size: int) -> int:
        """How many images of a batch are this process's. Raises ValueError for an uneven share."""
        if batch_size % self.size:
            raise ValueError(
                f"--batch-size {batch_size} is for all processes together: it must be a multiple "
                f"of their number, {self.size}"
            )
        return batch_size // self.size

    def sampler(self, dataset: Any, seed: int) -> DistributedSampler | None:
        """This process's part of the training set, in an order that all agree on."""
        if self.size == 1:
            return None
        return DistributedSampler(dataset, self.size, self.rank, seed=seed, drop_last=True)

    def part(self, count: int) -> range | None:
        """Every n-th of `count` test images: no image twice, and none left out."""
        return None if self.size == 1 else range(self.rank, count, self.size)

    def parallel(self, model: nn.Module, seed: int) -> nn.Module:
        """The network that averages all processes' gradients in backward.

        From here on each process draws random numbers of its own, for crops and for dropout.
        """
        if self.size == 1:
            return model
        self.draw_differently(seed)
        return nn.parallel.DistributedDataParallel(model)

    def draw_differently(self, *seed: int) -> None:
        manual_seed(hash((*seed, self.rank)) % 2**63)

    def begin_epoch(self, loader: Any, epoch: int) -> None:
        """Another order in each epoch, the same for all."""
        if self.size > 1:
            loader.sampler.set_epoch(epoch)

    def agree_on_buffers(self, model: nn.Module) -> None:
        """Each process has running averages of its own images: rank 0's are those that count."""
        if self.size > 1:
            for buffer in model.buffers():
                distributed.broadcast(buffer, 0)

    def look(self, sums: Tensor, stop: bool) -> tuple[float, float, bool]:
        """(loss, right answers) of all processes, and whether one of them was told to stop."""
        if self.size == 1:
            return (*sums.tolist(), stop)
        told = tensor([float(stop)], dtype=sums.dtype, device=sums.device)
        loss, right, stops = self.total(cat([sums, told])).tolist()
        return loss, right, stops > 0

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def join(self, values: Tensor, count: int) -> Tensor:
        """What each has for its `part` of `count` images, in the order of the images, for all."""
        if self.size == 1:
            return values
        joined = zeros(count, dtype=values.dtype, device=default_device())
        joined[self.rank :: self.size] = values.to(joined.device)
        return self.total(joined).to(values.device)

    def states(self, state: dict) -> list[dict]:
        """What is in `state`, a loader's, in all processes, in the order of their ranks."""
        states = [dict(state) for _ in range(self.size)]
        for name in ("epoch_start", "generator"):
            if state[name] is not None:
                every = zeros(self.size, len(state[name]), dtype=int64)
                every[self.rank] = state[name].long()
                every = self.total(every.to(default_device())).cpu()
                for rank in range(self.size):
                    states[rank][name] = every[rank].to(uint8)
        return states

    def wait_for_all(self) -> None:
        if self.size > 1:
            distributed.barrier()

    @contextmanager
    def first_decides(self) -> Iterator[None]:
        """Inside, only rank 0 does something. Where that fails, all others end, too."""
        failed = 1.0
        try:
            yield
            failed = 0.0
        finally:
            if self.size > 1:
                flag = tensor([failed], device=default_device())
                if self.total(flag).item() and not failed:
                    sys.exit(1)  # rank 0 says why

    @property
    def launcher(self) -> str:
        return f"mpiexec -n {self.size} " if self.size > 1 else ""
