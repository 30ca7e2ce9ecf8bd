"""cupy.cuda without a GPU: one device, streams that do their work at once, empty pools."""

from contextlib import contextmanager
from types import SimpleNamespace

from . import _rules


class CUDARuntimeError(RuntimeError):
    pass


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDeviceProperties=lambda device: {"name": b"stand-in"},
)


class Device:
    """cupy.cuda.Device: the only one there is."""

    def __init__(self, device=None):
        self.id = 0 if device is None else int(device)
        if self.id != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return self.id

    def __int__(self):
        return self.id

    compute_capability = "90"
    mem_info = (0, 0)

    def use(self):
        pass

    def synchronize(self):
        _rules.count("syncs", "Device.synchronize")


class Event:
    def __init__(self, *args, **kwargs):
        _rules.check_arguments("cupy.cuda.Event.__init__", (self, *args), kwargs)
        self.done = True

    def record(self, stream=None):
        pass

    def synchronize(self):
        _rules.count("syncs", "Event.synchronize")


class Stream:
    null: "Stream"

    def __init__(self, *args, **kwargs):
        _rules.check_arguments("cupy.cuda.Stream.__init__", (self, *args), kwargs)
        self.ptr, self.done = 0 if kwargs.get("null") else id(self), True

    def __enter__(self):
        _current.append(self)
        return self

    def __exit__(self, *exc):
        _current.pop()

    def use(self):
        _current[-1] = self
        return self

    def synchronize(self):
        _rules.count("syncs", "Stream.synchronize")

    def record(self, event=None):
        return event or Event()

    def wait_event(self, event):
        pass


Stream.null = Stream(null=True)
_current = [Stream.null]


def get_current_stream(device_id=-1):
    return _current[-1]


def get_elapsed_time(start_event, end_event):
    return 0.0


class PinnedMemoryPointer(bytearray):
    """Ordinary memory under the name of pinned memory."""


def alloc_pinned_memory(size):
    return PinnedMemoryPointer(size)


class MemoryHook:
    """Would be told of allocations, but there are none."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass


@contextmanager
def using_allocator(allocator=None):
    yield


class MemoryPool:
    """An account of memory that is always empty."""

    def malloc(self, size):
        raise NotImplementedError("stand-in: MemoryPool.malloc")

    def used_bytes(self):
        return 0

    def total_bytes(self):
        return 0

    def free_all_blocks(self, stream=None):
        pass


class PinnedMemoryPool:
    def free_all_blocks(self):
        pass


default_pool = MemoryPool()
default_pinned_pool = PinnedMemoryPool()
