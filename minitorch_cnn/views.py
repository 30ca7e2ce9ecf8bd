"""What a view of a tensor knows of the tensor whose memory it shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


class View:
    """Of which tensor a view is a part, by which steps, and as of which history of it.

    alone: why nothing that is recorded may be written through it, nor to its base; "" if it may.
    """

    __slots__ = ("alone", "base", "history", "steps")

    def __init__(self, base: Tensor, steps: tuple, history: int, alone: str = "") -> None:
        self.base, self.steps, self.history, self.alone = base, steps, history, alone

    def check_in_touch(self) -> None:
        """Raises RuntimeError where a view has to follow a write that it cannot follow."""
        if self.alone:
            raise RuntimeError(
                f"{self.alone} with grad mode enabled, or the tensor that it is a view of is. Use "
                "an operation without the underscore, or take the view by indexing, and with "
                "gradients on."
            )


def view_of_array(array: Any, steps: tuple) -> Any:
    """The part of a bare array that the steps of a view lead to."""
    for function, args in steps:
        array = function.view(array, *args)
    return array


def view_of_tensor(tensor: Tensor, steps: tuple) -> Tensor:
    """The part of a tensor that the steps of a view lead to, recorded if recording is on."""
    for function, args in steps:
        tensor = function.apply(tensor, *args)
    return tensor
