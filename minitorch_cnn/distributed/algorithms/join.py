"""Join: `DistributedDataParallel.join` by the name that torch has for all kinds of joinables."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


class Joinable:
    """What `Join` takes: `nn.parallel.DistributedDataParallel`, and nothing else here."""

    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> AbstractContextManager[None]:
        """A block in which processes may have different numbers of batches."""
        raise NotImplementedError(
            f"{type(self).__name__} in Join is not supported: "
            "only DistributedDataParallel can stand in for processes that still have batches"
        )


class Join:
    """A block in which processes may have different numbers of batches.

    joinables: a list with one `DistributedDataParallel`. enable, throw_on_early_termination and
    divide_by_initial_world_size (in kwargs) are explained at `DistributedDataParallel.join`.
    Raises ValueError for no joinable, TypeError for what is none, NotImplementedError for several
    and for classes of one's own.

    >>> with Join([net]):  # doctest: +SKIP
    ...     for x, labels in batches:
    ...         loss(net(x), labels).backward()
    ...         optimizer.step()
    """

    def __init__(
        self,
        joinables: list[Joinable],
        enable: bool = True,
        throw_on_early_termination: bool = False,
        **kwargs: Any,
    ) -> None:
        if not joinables:
            raise ValueError("The join context manager requires at least one joinable")
        for each in joinables:
            if not isinstance(each, Joinable):
                raise TypeError(
                    "The join context manager requires joinables, such as "
                    f"DistributedDataParallel, got {type(each)}"
                )
        if len(joinables) > 1:
            # Each would tell the others by messages of its own, and nobody knows their order.
            raise NotImplementedError(
                f"Join of {len(joinables)} joinables is not supported: give one, "
                "and as many batches to all processes where several networks are trained"
            )
        self._block = joinables[0].join(
            enable=enable, throw_on_early_termination=throw_on_early_termination, **kwargs
        )

    def __enter__(self) -> None:
        self._block.__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._block.__exit__(*error)
