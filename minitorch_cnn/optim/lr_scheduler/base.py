"""LRScheduler: changes the learning rates of an optimizer from epoch to epoch.

A scheduler writes into ``optimizer.param_groups[i]["lr"]``. Most compute the next rate from the
current one, as torch does, so that several schedulers can be chained and the user may change a
rate in between.
"""

from __future__ import annotations

import warnings
from typing import Any

from ...autograd.modes import no_grad
from ...tensor import Tensor
from ..optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` is deprecated where it is not needed: call "
    "`scheduler.step()` without it. With it, the schedule's formula gives the rate, if it has "
    "one, instead of the rate before."
)


class LRScheduler:
    """The base class of schedulers: a subclass defines `get_lr`.

    last_epoch: -1 to start, or the epoch after which to resume (then every group needs an
    "initial_lr", which the optimizer's state dict holds).
    Raises TypeError if optimizer is none, KeyError for a missing "initial_lr".

    >>> import minitorch_cnn as mt
    >>> class Halve(mt.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base / 2**self.last_epoch for base in self.base_lrs]
    >>> optimizer = mt.optim.SGD([mt.nn.Parameter(mt.ones(1))], lr=0.8)
    >>> scheduler = Halve(optimizer)
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.1]
    """

    _is_initial = False  # true while the constructor takes the first step
    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _value(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming "
                    "scheduler with last_epoch >= 0: load the optimizer's state dict first, or "
                    "leave out last_epoch for a fresh run"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._get_lr_called_within_step = False  # a get_lr written for torch may ask
        self._initial_step()

    def _initial_step(self) -> None:
        """Sets the rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rate of each group for `last_epoch`, usually from the current one."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rates that the last step set, one for each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Goes on by one epoch (or batch). Call it after ``optimizer.step()``.

        epoch: jump to that epoch, where the schedule has a formula for it. It is deprecated, as in
        torch: a UserWarning says so.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order: `optimizer.step()` before `lr_scheduler.step()`. Otherwise "
                "the first value of the learning rate schedule is skipped. See "
                "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        if epoch is None:
            self.last_epoch += 1
            self._get_lr_called_within_step = True
            try:
                rates = self.get_lr()
            finally:
                self._get_lr_called_within_step = False
        else:
            self.last_epoch = epoch
            rates = self._get_closed_form_lr()
        self._set_lr(rates)

    def _get_closed_form_lr(self) -> list[float]:
        """The rates from `last_epoch` alone, whatever the current ones are, if there is a way."""
        return self.get_lr()

    def _set_lr(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = self._current_lr()

    def _current_lr(self) -> list[float]:
        return [_value(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled_lr(self, factor: float) -> list[float]:
        """The current rates times a factor."""
        return [rate * factor for rate in self._current_lr()]

    def _scaled_base_lr(self, factor: float) -> list[float]:
        """The rates of the start times a factor."""
        return [rate * factor for rate in self.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """Everything the scheduler knows but the optimizer, to continue later."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from a state dict."""
        self.__dict__.update(state_dict)


def _value(rate: Any) -> Any:
    """A learning rate to keep: of a tensor, which changes, a copy."""
    return rate.detach().clone() if isinstance(rate, Tensor) else rate


def set_rate(group: dict[str, Any], rate: Any) -> None:
    """Gives a group another learning rate; one that is a tensor is written into."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"].fill_(rate)
    else:
        group["lr"] = float(rate) if isinstance(rate, Tensor) else rate


def one_for_each_group(name: str, optimizer: Optimizer, value: Any) -> list:
    """A list with a value for each parameter group, from one value for all or a list of them."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [_value(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {count}."
        )
    return [_value(each) for each in value]
