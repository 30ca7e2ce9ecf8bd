"""GPUs and NCCL as they are documented, without either: work is queued, done late, and watched.

Several processes, each with one GPU, are played in turn by one thread (`World.process`). What is
given to a stream is not done before somebody waits for it or `World.run` is called, in an order
that the test chooses. Two accesses to the same bytes, one of them a write, must be ordered: by a
stream, by an event that one waits for, or by the host that waited. Otherwise Race is raised. To
free memory counts as a write by the stream that made it, since CuPy's pool gives it to that
stream's next array.

NCCL's rules that are checked: addresses lie in memory that is allocated, with the whole count;
type, operation and rank exist; sent and received memory are the same or (by the call's own rule)
the process's part, or do not overlap; all processes call the same with the same count, type,
operation and root, in one order; sends and receives meet, and several at once are in a group;
nothing after destroy, and no destroy before the end.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

ITEM_SIZES = {0: 1, 1: 1, 2: 4, 3: 4, 4: 8, 5: 8, 6: 2, 7: 4, 8: 8}
TYPES = dict(zip(ITEM_SIZES, ("i1", "u1", "i4", "u4", "i8", "u8", "f2", "f4", "f8"), strict=True))
REDUCTIONS = {
    0: lambda parts: sum(parts[1:], parts[0]),
    1: lambda parts: np.multiply.reduce(parts),
    2: lambda parts: np.maximum.reduce(parts),
    3: lambda parts: np.minimum.reduce(parts),
    4: lambda parts: sum(parts[1:], parts[0]) / len(parts),
}


class Race(AssertionError):
    pass


class NcclError(RuntimeError):
    pass


class Memory:
    """Some bytes of a GPU. Nobody but arrays refers to it, so that it is freed with the last."""

    def __init__(self, gpu, nbytes):
        self.gpu, self.nbytes, self.stream = gpu, nbytes, gpu.current[-1]
        self.address, gpu.next_address = gpu.next_address, gpu.next_address + nbytes + 512
        self.bytes = np.full(nbytes, 0xAB, np.uint8)
        gpu.memory[self.address] = (nbytes, self.bytes)
        gpu.accesses[self.address] = []

    def __del__(self):
        try:
            self.gpu.access(self.stream, self.address, self.nbytes, True, "free")
        except Race as race:  # raising here would be lost
            self.gpu.world.problems.append(str(race))
        del self.gpu.memory[self.address], self.gpu.accesses[self.address]


class Array:
    """cupy.ndarray, as far as it is needed."""

    def __init__(self, memory, view):
        self.memory, self.view = memory, view
        self.device = SimpleNamespace(id=memory.gpu.number)
        start = view.__array_interface__["data"][0] - memory.bytes.__array_interface__["data"][0]
        self.data = SimpleNamespace(ptr=memory.address + start)

    def __getattr__(self, name):
        if name not in ("dtype", "size", "nbytes", "shape", "flags", "T"):
            raise AttributeError(name)
        value = getattr(self.view, name)
        return Array(self.memory, value) if name == "T" else value

    def _touch(self, write, what):
        gpu = self.memory.gpu
        low, high = np.lib.array_utils.byte_bounds(self.view)
        base = self.memory.bytes.__array_interface__["data"][0]
        gpu.access(gpu.current[-1], self.memory.address + low - base, high - low, write, what)

    def __getitem__(self, index):
        return Array(self.memory, self.view[index])

    def __setitem__(self, index, value):
        target = self[index]
        source = value.view if isinstance(value, Array) else np.asarray(value)
        if isinstance(value, Array):
            value._touch(False, "copy")
        target._touch(True, "copy")
        view = target.view
        self.memory.gpu.current[-1].queue.append(("do", lambda: np.copyto(view, source)))

    def get(self):
        """The host waits for the current stream only, as CuPy's does."""
        gpu = self.memory.gpu
        self._touch(False, "get")
        gpu.current[-1].synchronize()
        return self.view.copy()


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.gpu, self.passed, self.clock = None, True, {}

    def record(self, stream=None):
        self.gpu = (stream or current()).gpu
        stream = stream or self.gpu.current[-1]
        self.passed, self.clock = False, self.gpu.tick(stream)
        stream.queue.append(("mark", self))

    @property
    def done(self):
        if self.passed and self.gpu is not None:
            self.gpu.host_saw(self.clock)
        return self.passed

    def synchronize(self):
        self.gpu.world.run()
        assert self.passed, "the host waits for what cannot come"
        self.gpu.host_saw(self.clock)


class Stream:
    def __init__(self, non_blocking=False, gpu=None):
        self.gpu = gpu or World.running.now
        self.queue, self.clock = [], {}
        self.gpu.streams.append(self)
        self.ptr = 0 if gpu else 0x5000 + 0x10 * len(self.gpu.streams)

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        for stream, time in event.clock.items():
            self.clock[stream] = max(time, self.clock.get(stream, 0))
        self.queue.append(("wait", event))

    def synchronize(self):
        self.record().synchronize()

    def __enter__(self):
        self.gpu.current.append(self)
        return self

    def __exit__(self, *exc):
        self.gpu.current.pop()


class Gpu:
    """The GPU of a process, and what its host knows."""

    def __init__(self, world, rank):
        self.world, self.rank, self.number = world, rank, rank
        self.next_address = (rank + 1) << 40
        self.memory, self.accesses, self.streams, self.host = {}, {}, [], {}
        self.current = [Stream(gpu=self)]

    def tick(self, stream):
        """The stream's next moment, and all moments that are before it."""
        for other, time in self.host.items():
            stream.clock[other] = max(time, stream.clock.get(other, 0))
        stream.clock[stream] = stream.clock.get(stream, 0) + 1
        return dict(stream.clock)

    def host_saw(self, clock):
        for stream, time in clock.items():
            self.host[stream] = max(time, self.host.get(stream, 0))

    def access(self, stream, address, nbytes, write, what):
        """Notes an access. Raises Race where it is not ordered with an earlier one."""
        start = self.allocation(address, nbytes)
        clock = self.tick(stream)
        for other, moment, low, high, wrote, before in self.accesses[start]:
            overlaps = low < address + nbytes and address < high
            if overlaps and (write or wrote) and moment > clock.get(other, 0):
                raise Race(f"{what} is not ordered with {before} of the same memory")
        entry = (stream, clock[stream], address, address + nbytes, write, what)
        self.accesses[start].append(entry)

    def allocation(self, address, nbytes):
        for start, (length, _) in self.memory.items():
            if start <= address and address + nbytes <= start + length:
                return start
        raise NcclError(f"{nbytes} bytes at {address:#x} are not allocated on GPU {self.number}")

    def bytes_at(self, address, nbytes):
        start = self.allocation(address, nbytes)
        return self.memory[start][1][address - start : address - start + nbytes]


class World:
    """`size` processes with a GPU each; `process(rank)` says whose code runs now."""

    running: "World"

    def __init__(self, size):
        World.running = self
        self.problems, self.calls, self.group, self.error = [], [], None, None
        self.gpus = [Gpu(self, rank) for rank in range(size)]
        self.now = self.gpus[0]
        self.order = lambda streams: streams
        self.nccl = SimpleNamespace(
            NcclError=NcclError,
            NcclCommunicator=NcclCommunicator,
            get_unique_id=lambda: bytes(range(128)),
            groupStart=self.group_start,
            groupEnd=self.group_end,
        )

    @contextmanager
    def process(self, rank):
        before, self.now = self.now, self.gpus[rank]
        yield
        self.now = before

    def array(self, values, dtype="float32"):
        """An array of the process that runs now, written by its current stream."""
        values = np.asarray(values, dtype)
        memory = Memory(self.now, values.nbytes)
        array = Array(memory, memory.bytes.view(values.dtype).reshape(values.shape))
        array[...] = values
        return array

    def contiguous(self, array):
        if array.flags.c_contiguous:
            return array
        packed = self.array(np.zeros(array.shape), array.dtype)
        packed[...] = array
        return packed

    def run(self):
        """Does what can be done, stream by stream in the order of `self.order`."""
        streams = [stream for gpu in self.gpus for stream in gpu.streams]
        moved = True
        while moved:
            moved = False
            for stream in self.order(streams):
                moved |= self._one(stream)
            moved |= self._meet(streams)

    def _one(self, stream):
        kind, what = stream.queue[0] if stream.queue else ("", None)
        if kind == "do":
            what()
        elif kind == "mark":
            what.passed = True
        elif kind != "wait" or not what.passed:
            return False
        stream.queue.pop(0)
        return True

    def _meet(self, streams):
        """Runs the calls to NCCL that have found their partners."""
        heads = {s.gpu.rank: s for s in streams if s.queue and s.queue[0][0] == "nccl"}
        calls = {rank: stream.queue[0][1] for rank, stream in heads.items()}
        if any(call.name in ("send", "recv") for each in calls.values() for call in each):
            return self._pass_on(heads, calls)
        if len(calls) < len(self.gpus):
            return False
        first = calls[0][0]
        for rank, (call,) in calls.items():
            if call.agreed != first.agreed:
                raise NcclError(f"rank 0 calls {first.agreed}, rank {rank} {call.agreed}")
        collective([calls[rank][0] for rank in sorted(calls)])
        for stream in heads.values():
            stream.queue.pop(0)
        return True

    def _pass_on(self, heads, calls):
        pairs: dict = {}
        for rank, each in calls.items():
            for call in each:
                key = (rank, call.root) if call.name == "send" else (call.root, rank)
                pairs.setdefault(key, {})[call.name] = call
        complete = {pair for pair, two in pairs.items() if len(two) == 2}
        ready = [r for r in heads if all(p in complete for p in pairs if r in p and p in pairs)]
        if not ready:
            return False
        for pair in complete:
            if pair[0] in ready and pair[1] in ready:
                sent, got = pairs[pair]["send"], pairs[pair]["recv"]
                if (sent.count, sent.kind) != (got.count, got.kind):
                    raise NcclError(f"{sent.count} elements are sent, {got.count} awaited")
                got.into[:] = sent.data
        for rank in ready:
            heads[rank].queue.pop(0)
        return True

    def group_start(self):
        assert self.group is None, "a group in a group"
        self.group = []

    def group_end(self):
        calls, self.group = self.group, None
        self.enqueue(calls)

    def enqueue(self, calls):
        assert calls and all(call.stream is calls[0].stream for call in calls)
        calls[0].stream.queue.append(("nccl", calls))


def current():
    return World.running.now.current[-1]


class Call:
    def __init__(self, communicator, name, send, into, count, kind, op=None, root=None, stream=0):
        gpu, world = communicator.gpu, World.running
        assert world.now is gpu, "another process's communicator"
        if communicator.destroyed:
            raise NcclError(f"{name} after destroy")
        if kind not in ITEM_SIZES or (op is not None and op not in REDUCTIONS):
            raise NcclError(f"invalid type {kind} or operation {op}")
        if root is not None and not 0 <= root < communicator.size:
            raise NcclError(f"there is no rank {root}")
        found = [each for each in gpu.streams if each.ptr == stream and each.ptr]
        assert found, f"{name} in stream {stream:#x}, which is none of this process's own"
        self.name, self.kind, self.count, self.root, self.op = name, kind, count, root, op
        self.stream, self.rank = found[0], gpu.rank
        self.agreed = (name, count, kind, op, root if name not in ("send", "recv") else None)
        size, ranks = count * ITEM_SIZES[kind], communicator.size
        sends = size * (ranks if name == "reduceScatter" else 1)
        receives = size * (ranks if name == "allGather" else 1)
        if send is not None and into is not None and send != into:
            part = {"allGather": into + gpu.rank * size, "reduceScatter": into}.get(name)
            whole = send - (gpu.rank * size if name == "reduceScatter" else 0)
            own = send == part or (name == "reduceScatter" and whole == into)
            if not own and send < into + receives and into < send + sends:
                raise NcclError(f"{name}: what is sent and received overlaps")
        self.data = self.into = None
        if send is not None:
            gpu.access(self.stream, send, sends, False, name)
            self.data = gpu.bytes_at(send, sends).view(TYPES[kind])
        if into is not None and not (name == "reduce" and gpu.rank != root):
            gpu.access(self.stream, into, receives, True, name)
            self.into = gpu.bytes_at(into, receives).view(TYPES[kind])
        world.calls.append((gpu.rank, name, count, kind, op, root))
        if world.group is None:
            world.enqueue([self])
        else:
            world.group.append(self)


def collective(calls):
    """What NCCL's kernels would do, on the memory of all processes."""
    name, data = calls[0].name, [call.data for call in calls]
    if name in ("allReduce", "reduce", "reduceScatter"):
        kind = data[0].dtype
        total = np.asarray(REDUCTIONS[calls[0].op](data)).astype(kind)
    elif name == "broadcast":
        total = data[calls[0].root].copy()
    else:
        total = np.concatenate(data)
    for call in calls:
        if call.into is not None:
            part = slice(call.rank * call.count, (call.rank + 1) * call.count)
            call.into[:] = total[part] if name == "reduceScatter" else total


class NcclCommunicator:
    """cupy.cuda.nccl.NcclCommunicator: the names and the order of arguments of CuPy 14.2."""

    def __init__(self, ndev, commId, rank):
        assert len(commId) == 128 and rank == World.running.now.rank
        self.size, self.gpu, self.destroyed = ndev, World.running.now, False

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):
        Call(self, "allReduce", sendbuf, recvbuf, count, datatype, op, stream=stream)

    def reduce(self, sendbuf, recvbuf, count, datatype, op, root, stream):
        Call(self, "reduce", sendbuf, recvbuf, count, datatype, op, root, stream)

    def broadcast(self, sendbuff, recvbuff, count, datatype, root, stream):
        Call(self, "broadcast", sendbuff, recvbuff, count, datatype, root=root, stream=stream)

    def reduceScatter(self, sendbuf, recvbuf, recvcount, datatype, op, stream):
        Call(self, "reduceScatter", sendbuf, recvbuf, recvcount, datatype, op, stream=stream)

    def allGather(self, sendbuf, recvbuf, count, datatype, stream):
        Call(self, "allGather", sendbuf, recvbuf, count, datatype, stream=stream)

    def send(self, sendbuf, count, datatype, peer, stream):
        Call(self, "send", sendbuf, None, count, datatype, root=peer, stream=stream)

    def recv(self, recvbuf, count, datatype, peer, stream):
        Call(self, "recv", None, recvbuf, count, datatype, root=peer, stream=stream)

    def check_async_error(self):
        if World.running.error:
            raise NcclError(World.running.error)

    def destroy(self):
        assert not any(stream.queue for stream in self.gpu.streams), "destroyed before the end"
        self.destroyed = True


def fake_cupy(world):
    """The module cupy for the process that runs now."""

    class Device:
        def __init__(self, number):
            self.number, self.pci_bus_id = number, f"0000:0{number}:00.0"

        def use(self):
            assert self.number == world.now.number

    cuda = SimpleNamespace(
        Stream=Stream, Event=Event, Device=Device, get_current_stream=current, nccl=world.nccl
    )
    return SimpleNamespace(
        cuda=cuda,
        ascontiguousarray=world.contiguous,
        zeros=lambda shape, dtype: world.array(np.zeros(shape), dtype),
    )


class Exchange:
    """mpi4py's communicator for processes that are played in turn: rank 0 comes first."""

    def __init__(self, size, rank, shared):
        self.size, self.rank, self.shared = size, rank, shared

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.size

    def bcast(self, value, root):
        return self.shared.setdefault("value", value)

    def allgather(self, value):
        names = self.shared.setdefault("names", [])
        names.append(value)
        return names
