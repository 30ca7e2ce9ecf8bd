"""Processes with different numbers of batches: who has none left stands in for the others' sake."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .distributed import DistributedDataParallel

# What a process is about to do, together with all that still have batches.
DONE, BUFFERS, AVERAGE = 0, 1, 2


class Joining:
    """The state of one `join` block.

    Before the messages of a step, each process tells all others what comes next. Those that have
    no batches left listen, and call the same collectives, until nobody has any.
    """

    def __init__(self, net: DistributedDataParallel, by_all: bool, raising: bool) -> None:
        self.net, self.by_all, self.raising = net, by_all, raising
        self.active: list[int] = []  # who still had batches at the last message

    def notify(self, what: int) -> int:
        """Says what this process does next; returns what those that still train do."""
        said = [each[0] for each in self.net._gather(bytes([what]))]
        active = [rank for rank, each in enumerate(said) if each != DONE]
        if self.raising and 0 < len(active) < len(said):
            rest = sorted(set(range(len(said))) - set(active))
            raise RuntimeError(
                "Detected at least one rank that exhausted inputs. Throwing across all ranks: "
                f"ranks {rest} have no batches left, ranks {active} do"
            )
        if not active:
            return DONE
        self.active = active
        reducer = self.net._reducer
        reducer.leader = active[0]
        reducer.world = len(said) if self.by_all else len(active)
        return said[active[0]]

    def notify_average(self) -> None:
        self.notify(AVERAGE)

    def stand_in_for_the_others(self) -> None:
        """To be called when there are no batches left; returns when nobody has any."""
        net = self.net
        buffers = list(net.module.buffers())
        while (what := self.notify(DONE)) != DONE:
            if what == BUFFERS:
                net._broadcast(buffers, net._reducer.leader)
            else:
                net._reducer.stand_in()
        net._broadcast([*net.module.parameters(), *buffers], min(self.active, default=0))
        net.require_forward_param_sync = True  # whatever the last forward of each was
