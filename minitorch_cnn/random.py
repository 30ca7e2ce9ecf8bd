"""Random numbers: torch.random's names, and torch's numbers.

They are always drawn on the host, by the generator that torch has there, and copied to the device:
the same seed gives the same weights on both backends, and the same as torch.
"""

from __future__ import annotations

import contextlib
import numbers
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import mersenne
from .backend import CPU, device, refuse_in_graph
from .mersenne import MersenneTwister
from .tensor import Tensor, wrap

# The bytes of a state, as torch's: the seed, how much of the 624 words is left and used up, the
# words (in 64 bits each), and the second normal number of a pair, if `valid`.
STATE = np.dtype(
    [
        ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("key", "<u8", 624),
        ("unused", "<f8"), ("next_normal", "<f8"), ("unused2", "<f8"), ("valid", "<i4"),
        ("padding", "<i4", 3),
    ]
)  # fmt: skip
OLD_BYTES = 112  # the state of Philox, from which earlier versions drew
DEFAULT_SEED = 67280421310721  # torch.Generator()'s


class Generator:
    """A stream of random numbers with a state that can be saved and restored: torch's on a CPU.

    Behind it is the Mersenne Twister (mersenne.py), of whose seed only the low 32 bits count. It is
    not to be used while a CUDA graph is recorded: RuntimeError.

    >>> import minitorch_cnn as mt
    >>> g = mt.Generator().manual_seed(7)
    >>> state = g.get_state()
    >>> a = mt.rand(3, generator=g)
    >>> g.set_state(state)
    >>> bool((mt.rand(3, generator=g) == a).all())
    True
    """

    _seed: int
    _rng: MersenneTwister

    def __init__(self, device: str | device = "cpu") -> None:
        if str(device).partition(":")[0] not in ("cpu", "cuda"):
            raise RuntimeError(f"Generator: no numbers are drawn on {device!r}; use 'cpu'")
        self.device = CPU  # all numbers are drawn on the host, whatever the backend
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to `seed` and returns the generator.

        Raises RuntimeError for anything but an int, ValueError for one outside [-2^63, 2^64).
        """
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
            raise RuntimeError(
                f"manual_seed expected an int, but got {type(seed).__name__}: {seed!r:.60}"
            )
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed expected a number of 64 bits, but got {seed}")
        self._seed = int(seed) % 2**64
        self._rng = MersenneTwister(self._seed)
        return self

    @property
    def rng(self) -> MersenneTwister:
        """What draws the numbers."""
        refuse_in_graph("random numbers (of dropout, for instance)")
        return self._rng

    def initial_seed(self) -> int:
        return self._seed

    def seed(self) -> int:
        """Seeds from the operating system's entropy, and returns that seed."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 bytes, for `set_state`, for checkpoints, for torch.

        torch.set_rng_state takes it, and goes on with the same numbers.
        """
        state = np.zeros((), STATE)
        with mersenne.lock:
            rng = self._rng
            # torch makes the first words only when it needs them.
            fresh = rng.place == 624 and rng.key[0] == self._seed % 2**32
            state["seed"], state["left"], state["seeded"] = self._seed, 625 - rng.place, 1
            state["next"], state["key"] = 0 if fresh else rng.place, rng.key
            if rng.next_normal is not None:
                state["next_normal"], state["valid"] = rng.next_normal, 1
        return wrap(np.frombuffer(state.tobytes(), np.uint8).copy())

    def set_state(self, new_state: Tensor) -> None:
        """Goes back to a state from `get_state`, also torch's.

        Raises TypeError for anything but uint8, RuntimeError for bytes that are no state.
        UserWarning for the state of an earlier version, whose numbers are gone: then the stream
        goes on from a seed made of it.
        """
        data = np.ascontiguousarray(np.asarray(new_state))
        if data.dtype != np.uint8:
            raise TypeError(f"the state of a Generator is a uint8 tensor, got {data.dtype}")
        if data.shape == (OLD_BYTES,):
            warnings.warn(
                "this random state was saved by an earlier version of minitorch_cnn, whose random "
                "numbers were others: from here on they are drawn from a new seed",
                stacklevel=2,
            )
            words = np.random.SeedSequence(data.view(np.uint32).tolist())
            self.manual_seed(int(words.generate_state(1)[0]))
            return
        if data.shape != (STATE.itemsize,):
            raise RuntimeError(
                f"not the state of a Generator: need {STATE.itemsize} bytes, got shape {data.shape}"
            )
        state = data.view(STATE)[0]
        if state["seeded"] != 1 or not 1 <= state["left"] <= 624 or state["next"] > 624:
            raise RuntimeError("not the state of a Generator: its bytes are invalid")
        self._seed = int(state["seed"])
        next_normal = float(state["next_normal"]) if state["valid"] else None
        key = state["key"].astype(np.uint32)
        self._rng.restore(key, 625 - int(state["left"]), next_normal)

    def clone_state(self) -> Generator:
        """Another generator that draws the same numbers from here on."""
        clone = Generator()
        clone.set_state(self.get_state())
        return clone


default_generator = Generator()


def rng_of(generator: Generator | None) -> MersenneTwister:
    """What draws the numbers of an argument `generator`; None: the one `manual_seed` seeds.

    Raises TypeError for anything else.
    """
    if generator is None:
        return default_generator.rng
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be mt.Generator, not {type(generator).__name__}: "
            f"{generator!r:.60}"
        )
    return generator.rng


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator, from which all random functions draw, and returns it.

    What is drawn from then on is what torch draws on a CPU: initial weights, the order of a
    DataLoader, the choices of transforms, dropout, `rand`, `randn` and the other random functions.
    Integers and uniform numbers are equal bit by bit, normal ones and what is made by logarithms to
    rounding. Three things differ: masks of dropout that are drawn on a GPU; dropout where torch
    runs on an Intel processor, since Intel's library draws it there; dropout of tensors that are
    channels-last in torch, since here the order in memory does not count for images.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> mt.rand(3)  # torch.manual_seed(0); torch.rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator from the operating system, and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Restores the default generator's state."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:
    """What is drawn inside changes nothing outside: the state is put back at the end.

    devices, device_type: taken as in torch; there is one generator for all devices.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> with mt.random.fork_rng():
    ...     _ = mt.rand(100)
    >>> mt.rand(1)
    tensor([0.4963])
    """
    before = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if before is not None:
            set_rng_state(before)


# In a process that is forked while another thread draws, as DataLoader's workers may be, nobody
# would ever unlock the lock: so the fork waits until no other thread draws.
def _hold() -> None:
    mersenne.lock.acquire()


def _release() -> None:
    mersenne.lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)
