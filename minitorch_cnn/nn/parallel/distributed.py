"""DistributedDataParallel: each process takes its part of the batch."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ... import backend, distributed
from ...autograd.modes import state
from ...distributed.algorithms.join import Joinable
from ...tensor import Tensor, shape_text, wrap
from ..modules.module import Module
from ..modules.syncbatchnorm import SyncBatchNorm
from .join import BUFFERS, Joining
from .reducer import Reducer

MEGABYTE = 1024 * 1024


class DistributedDataParallel(Module, Joinable):
    """Trains `module` on all processes of a group: each takes its part of every batch.

    Backward leaves in every `.grad` the mean over the processes, so all of them make the same step.
    If the loss is a mean and the parts are equally large, it is the gradient of the whole batch.
    The names in its state dict begin with "module.", as in torch.

    At the start all have to have the same parameters and buffers (names, shapes, dtypes), else a
    RuntimeError says which differ; their values become rank 0's. The gradients are sent in buckets
    of bucket_cap_mb (default 25, the first and the last 1) while backward goes on with the layers
    before.

    broadcast_buffers: forward gives all processes rank 0's buffers (running means), as in torch.
    find_unused_parameters: let parameters have no gradient in some steps, which is an error
    otherwise; static_graph: likewise. gradient_as_bucket_view: `.grad` is a part of the bucket,
    which saves memory and a copy. process_group: default all processes. device_ids: one device, for
    a module on a GPU. init_sync: False leaves the values as they are.

    A batch may have a different size on each process, but the number of batches has to be the same,
    or use `join`. The mean is then of the processes' gradients, not of the samples'.
    Raises RuntimeError for a module without parameters to train or one that is wrapped already,
    ValueError for device_ids that do not fit, NotImplementedError for what torch adds to these.

    >>> import minitorch_cnn as mt
    >>> mt.distributed.init_process_group()  # doctest: +SKIP
    >>> net = mt.nn.parallel.DistributedDataParallel(mt.nn.Linear(2, 1))  # doctest: +SKIP
    >>> net(mt.ones(4, 2)).mean().backward()  # doctest: +SKIP
    """

    module: Module

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        **more: Any,
    ) -> None:
        super().__init__()
        for name, value in more.items():
            if value not in (None, False):
                raise NotImplementedError(f"DistributedDataParallel: {name}= is not supported")
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters "
                "that require a gradient."
            )
        for name, part in module.named_modules():
            if isinstance(part, DistributedDataParallel):
                where = f"its part {name!r} is one" if name else "it is one"
                raise RuntimeError(
                    f"this module is in a DistributedDataParallel already ({where}): its gradients "
                    "would be sent twice. Wrap the whole network, once."
                )
        self.module = module
        self.dim, self.process_group = dim, process_group
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters, self.static_graph = find_unused_parameters, static_graph
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.require_backward_grad_sync = self.require_forward_param_sync = True
        self._joining: Joining | None = None
        self.device_ids: list[Any] | None = None
        self.output_device: Any = None
        self._check_devices(device_ids, output_device)
        # Small at first: backward should not wait long until there is something to send.
        self._limits = [MEGABYTE, 25 * MEGABYTE]
        if bucket_cap_mb is not None:
            self._limits = [int(bucket_cap_mb * MEGABYTE)]
        self._check_alike()
        if init_sync:
            self._broadcast([*module.parameters(), *module.buffers()])
        self._make_reducer()

    def _make_reducer(self) -> None:
        named = dict(self.module.named_parameters())
        self._frozen = {name: p for name, p in named.items() if not p.requires_grad}
        self._reducer = Reducer(
            {name: p for name, p in named.items() if p.requires_grad},
            self.process_group,
            self._limits,
            self.find_unused_parameters or self.static_graph,
            self.gradient_as_bucket_view,
        )

    # ------------------------------------------------------------------------- at the start

    def _check_devices(self, device_ids: Sequence[Any] | None, output_device: Any) -> None:
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("device_ids can only be None or contain a single element.")
        devices = {parameter.device for parameter in self.module.parameters()}
        if len({device.type for device in devices}) > 1:
            raise ValueError(
                "DistributedDataParallel's input module must be on the same type of devices, but "
                f"input module parameters locate in {sorted(map(str, devices))}."
            )
        if not device_ids and output_device is None:
            return
        if len(devices) > 1 or not device_ids or next(iter(devices)).type == "cpu":
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with "
                f"modules on one GPU, but got device_ids {device_ids}, output_device "
                f"{output_device}, and module parameters {sorted(map(str, devices))}."
            )
        self.device_ids = list(device_ids)
        self.output_device = device_ids[0] if output_device is None else output_device

    def _check_alike(self) -> None:
        """All processes compare what they want to train before they send any of it.

        Later, a parameter more or less would be a process that waits for a message forever.
        """
        lines = [
            f"bucket sizes {self._limits}",
            f"find_unused_parameters {self.find_unused_parameters or self.static_graph}",
            f"broadcast_buffers {self.broadcast_buffers}",
        ]
        values = hashlib.sha256()
        for name, parameter in self.module.named_parameters():
            frozen = "" if parameter.requires_grad else ", frozen"
            shape = shape_text(parameter.shape)
            lines.append(f"parameter {name} {shape} of {parameter.dtype}{frozen}")
            values.update(backend.to_numpy(parameter.array).tobytes())
        for name, buffer in self.module.named_buffers():
            lines.append(f"buffer {name} {shape_text(buffer.shape)} of {buffer.dtype}")
        text = "\n".join(lines).encode()
        digests = self._gather(hashlib.sha256(text).digest() + values.digest())
        other = [rank for rank, each in enumerate(digests) if each[:32] != digests[0][:32]]
        if other:
            self._refuse(other, lines, text)
        other = [rank for rank, each in enumerate(digests) if each != digests[0]]
        if other and distributed.get_rank(self.process_group) == 0:
            warnings.warn(
                f"DistributedDataParallel: the parameters of ranks {other} have other values than "
                "those of rank 0, which they get now. Was another seed set there? All processes "
                "should call manual_seed with one number before they make the network.",
                stacklevel=3,
            )

    def _refuse(self, other: list[int], lines: list[str], text: bytes) -> None:
        """Raises RuntimeError on all ranks. Those in `other` say what first differs from rank 0."""
        rank = distributed.get_rank(self.process_group)
        length = self._like(np.array([len(text)], np.int64))
        self._from_first(length)
        first = self._like(np.zeros(int(length.item()), np.uint8))
        if rank == 0:
            first = self._like(np.frombuffer(text, np.uint8).copy())
        self._from_first(first)
        theirs = first.cpu().numpy().tobytes().decode().split("\n")
        message = f"DistributedDataParallel: ranks {other} have another network than rank 0."
        if rank in other:
            pairs = [*zip(theirs, lines, strict=False)]
            place = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
            there = theirs[place] if place < len(theirs) else "nothing more"
            here = lines[place] if place < len(lines) else "nothing more"
            message += f" Rank 0 has {there!r} where rank {rank} has {here!r}."
        raise RuntimeError(message + " All processes have to run the same program.")

    # ---------------------------------------------------------------------------- messages

    def _like(self, array: np.ndarray) -> Tensor:
        """A small array where the parameters are, which is where messages come from."""
        device = next(self.module.parameters()).device
        return wrap(backend.to_device(array, device))

    def _gather(self, data: bytes) -> list[bytes]:
        """The same number of bytes from every rank."""
        mine = self._like(np.frombuffer(data, np.uint8).copy())
        all_ = [mine.new_zeros(len(data)) for _ in range(self._world())]
        distributed.all_gather(all_, mine, group=self.process_group)
        return [each.cpu().numpy().tobytes() for each in all_]

    def _world(self) -> int:
        return distributed.get_world_size(self.process_group)

    def _from_first(self, tensor: Tensor, source: int = 0) -> None:
        """The tensor of one rank of the group, by default the first, into those of the others."""
        distributed.broadcast(tensor, group_src=source, group=self.process_group)

    def _broadcast(self, tensors: list[Tensor], source: int = 0) -> None:
        """Gives all ranks the values of one: in a single message, whatever the dtypes."""
        if not tensors or self._world() == 1:
            return
        xp = backend.array_module(tensors[0].array)
        # From large elements to small ones: so all lie at multiples of their size.
        tensors = sorted(tensors, key=lambda each: -each.itemsize)
        parts = [xp.ascontiguousarray(each.array).reshape(-1).view(np.uint8) for each in tensors]
        message = wrap(xp.concatenate(parts))
        self._from_first(message, source)
        if distributed.get_rank(self.process_group) == source:
            return
        ends = np.cumsum([part.size for part in parts])[:-1].tolist()
        news = xp.split(message.array, ends)
        # Written only if it changes: a forward before may need it as it was.
        changed = xp.stack([(new != old).any() for new, old in zip(news, parts, strict=True)])
        for tensor, new, write in zip(tensors, news, changed.tolist(), strict=True):
            if write:
                tensor._before_write()
                tensor.array[...] = new.view(tensor.array.dtype).reshape(tensor.array.shape)
                tensor._bump_version()

    # ------------------------------------------------------------------------------ training

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        averaged = state.grad_enabled and self.require_backward_grad_sync
        if averaged:
            self._reducer.check_finished()
            self._check_frozen()
        if self.require_forward_param_sync and self.broadcast_buffers:
            if self._joining is not None:
                self._joining.notify(BUFFERS)
            self._broadcast(list(self.module.buffers()), self._reducer.leader)
        if self.device_ids:
            device = f"cuda:{backend.device(self.device_ids[0]).index or 0}"
            inputs, kwargs = moved(inputs, device), moved(kwargs, device)
        output = self.module(*inputs, **kwargs)
        # As in torch: forwards without gradients, or within no_sync, leave buffers alone.
        self.require_forward_param_sync = averaged
        if averaged:
            # A backward that comes from here is to be averaged; one that goes around the wrapper,
            # such as a picture of saliency that rank 0 makes with net.module, is not.
            parts = list(parts_of(output))
            made = [each for each in parts if isinstance(each, Tensor) and each.grad_fn is not None]
            for each in made:
                each.register_hook(self._reducer.arm)
            known = Tensor | int | float | str | None
            if not made or not all(isinstance(each, known) for each in parts):
                self._reducer.arm()  # the output hides its tensors: any backward, then
        return output

    def _check_frozen(self) -> None:
        for name, parameter in self._frozen.items():
            if parameter.requires_grad:
                raise RuntimeError(
                    f"parameter {name} required no gradient when DistributedDataParallel was made, "
                    "so nobody averages it: wrap the module again after unfreezing"
                )

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Forwards inside add to `.grad` without averaging; the next one outside averages it all.

        For steps that are put together from several batches: only the last has to be sent.

        >>> with net.no_sync():  # doctest: +SKIP
        ...     loss(net(first_half)).backward()
        >>> loss(net(second_half)).backward()  # doctest: +SKIP
        """
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Iterator[None]:
        """Inside, processes may have different numbers of batches.

        Who comes to the end earlier takes part in the averages of the others with zeros, and at
        the end of the block all get the parameters and buffers of one that was the last to train.
        The state of optimizers is not sent: it stays as it was when a process ran out of batches.

        divide_by_initial_world_size: False divides the sums of gradients by the number of processes
        that still have batches. enable: False does nothing. throw_on_early_termination: raises
        RuntimeError on all processes as soon as one of them has come to the end. Otherwise raises
        NotImplementedError for a network with SyncBatchNorm, whose forward waits for the others.

        >>> with net.join():  # doctest: +SKIP
        ...     for x, labels in batches:
        ...         loss(net(x), labels).backward()
        ...         optimizer.step()
        """
        if not enable:
            yield
            return
        if not throw_on_early_termination and self._world() > 1:
            for part in self.module.modules():
                if isinstance(part, SyncBatchNorm):
                    raise NotImplementedError(
                        "join: a network with SyncBatchNorm is not supported, as its forward waits "
                        "for all processes. Use throw_on_early_termination=True, or give all of "
                        "them equally many batches (DistributedSampler does)."
                    )
        reducer = self._reducer
        self._joining = Joining(self, divide_by_initial_world_size, throw_on_early_termination)
        reducer.begin = self._joining.notify_average
        try:
            yield
            self._joining.stand_in_for_the_others()
        finally:
            self._joining = reducer.begin = None
            reducer.leader, reducer.world = 0, self._world()

    def register_comm_hook(self, state: object, hook: Any) -> None:
        raise NotImplementedError(
            "DistributedDataParallel.register_comm_hook is not supported: gradients are averaged "
            "as they are"
        )

    def __getstate__(self) -> dict[str, Any]:
        """A copy has parameters, and so buckets, of its own, in the group of all processes."""
        left_out = ("_reducer", "_frozen", "process_group")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.process_group = None
        self._make_reducer()


def parts_of(value: Any) -> Iterator[Any]:
    """What an output consists of: the elements of tuples, lists, dicts and dataclasses."""
    if isinstance(value, dict):
        value = list(value.values())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if not isinstance(value, list | tuple):
        yield value
        return
    for each in value:
        yield from parts_of(each)


def moved(value: Any, device: str) -> Any:
    """Arguments of forward with their tensors on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[moved(each, device) for each in value])
    if isinstance(value, list | tuple):
        return type(value)([moved(each, device) for each in value])
    if isinstance(value, dict):
        return {name: moved(each, device) for name, each in value.items()}
    return value
