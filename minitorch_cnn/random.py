"""Random numbers: torch.random's names.

They are always drawn on the host, by a counter-based generator (Philox), and copied to the device:
the same seed gives the same weights and the same dropout masks on both backends.
"""

from __future__ import annotations

import numbers
import os

import numpy as np

from .backend import CPU, device, refuse_in_graph
from .tensor import Tensor, wrap


class Generator:
    """A stream of random numbers with a state that can be saved and restored.

    Behind it is NumPy's Philox, a counter-based generator (Salmon et al., "Parallel random
    numbers: as easy as 1, 2, 3", 2011). It is not to be used while a CUDA graph is recorded:
    RuntimeError.

    >>> import minitorch_cnn as mt
    >>> g = mt.Generator().manual_seed(7)
    >>> state = g.get_state()
    >>> a = mt.rand(3, generator=g)
    >>> g.set_state(state)
    >>> bool((mt.rand(3, generator=g) == a).all())
    True
    """

    _seed: int
    _rng: np.random.Generator

    def __init__(self, device: str | device = "cpu") -> None:
        self.device = CPU  # all numbers are drawn on the host, whatever the backend
        self.manual_seed(0)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to `seed` (any int) and returns the generator.

        Raises RuntimeError for anything else, as torch does.
        """
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
            raise RuntimeError(
                f"manual_seed expected an int, but got {type(seed).__name__}: {seed!r:.60}"
            )
        self._seed = int(seed)
        self._rng = np.random.Generator(np.random.Philox(self._seed % 2**64))
        return self

    @property
    def rng(self) -> np.random.Generator:
        """The NumPy generator that draws the numbers."""
        refuse_in_graph("random numbers (of dropout, for instance)")
        return self._rng

    def initial_seed(self) -> int:
        return self._seed

    def seed(self) -> int:
        """Seeds from the operating system's entropy, and returns that seed."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 1))
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor, for `set_state` and for checkpoints."""
        state = self._rng.bit_generator.state
        words = [self._seed % 2**64, *state["state"]["counter"], *state["state"]["key"]]
        words += [*state["buffer"], state["buffer_pos"], state["has_uint32"], state["uinteger"]]
        return wrap(np.array([int(word) for word in words], np.uint64).view(np.uint8))

    def set_state(self, new_state: Tensor) -> None:
        """Goes back to a state from `get_state`."""
        data = np.asarray(new_state)
        if data.dtype != np.uint8 or data.shape != (14 * 8,):
            raise RuntimeError(
                f"not the state of a Generator: need 112 bytes of uint8, got shape {data.shape} "
                f"of {data.dtype}"
            )
        words = np.ascontiguousarray(data).view(np.uint64)
        self.manual_seed(int(words[0]))
        self._rng.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": words[1:5], "key": words[5:7]},
            "buffer": words[7:11],
            "buffer_pos": int(words[11]),
            "has_uint32": int(words[12]),
            "uinteger": int(words[13]),
        }


default_generator = Generator()


def rng_of(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator behind an argument `generator`; None: the one `manual_seed` seeds.

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
    """Seeds the default generator, from which all random functions draw, and returns it."""
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


# NumPy locks a generator while it draws. In a process that is forked meanwhile, as DataLoader's
# workers may be, nobody would ever unlock it: so the fork waits until no other thread draws.
_held: list = []


def _hold() -> None:
    lock = default_generator._rng.bit_generator.lock
    lock.acquire()
    _held.append(lock)


def _release() -> None:
    _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)
