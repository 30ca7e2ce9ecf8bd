"""Means of a network's weights over its training, which often do better than the last weights.

Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018 (SWA: the
plain mean, at a learning rate that `SWALR` keeps up); Polyak and Juditsky, "Acceleration of
stochastic approximation by averaging", 1992. An exponential moving average (EMA) forgets:

    averaged = AveragedModel(model, avg_fn=get_ema_avg_fn(0.999))
    for images, labels in loader:
        ...
        optimizer.step()
        averaged.update_parameters(model)
    update_bn(loader, averaged)
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

from .. import ops
from ..autograd.modes import no_grad
from ..dtypes import int64
from ..nn import Module
from ..nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..tensor import Tensor
from .lr_scheduler import LRScheduler
from .optimizer import Optimizer

AvgFn = Callable[[Tensor, Tensor, Any], Any]


def get_swa_avg_fn() -> AvgFn:
    """(averaged, current, count) -> the mean with one more value; tensors of any shape, the same.

    count: of how many values averaged is the mean. Never raises; what it returns raises
    RuntimeError for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.optim.swa_utils.get_swa_avg_fn()(mt.tensor(1.0), mt.tensor(4.0), 2)  # (1 + 1 + 4) / 3
    tensor(2.)
    """
    return _mean


# At the top of the file, so that an averaged model can be pickled.


def _mean(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
    return averaged + (current - averaged) / (count + 1)


def _decaying_mean(decay: float, averaged: Tensor, current: Tensor, count: Any) -> Tensor:
    return decay * averaged + (1 - decay) * current


def _each_mean(average: AvgFn, averaged: list[Tensor], current: list[Tensor], count: Any) -> None:
    for mean, value in zip(averaged, current, strict=True):
        mean.copy_(average(mean, value, count))


def get_ema_avg_fn(decay: float = 0.999) -> AvgFn:
    """(averaged, current, count) -> decay * averaged + (1 - decay) * current.

    Tensors of any shape, the same; count is ignored. Raises ValueError for a decay outside [0, 1];
    what it returns raises RuntimeError for shapes that do not broadcast.

    >>> import minitorch_cnn as mt
    >>> mt.optim.swa_utils.get_ema_avg_fn(0.75)(mt.tensor([1.0]), mt.tensor([5.0]), 2)
    tensor([2.])
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1].")
    return functools.partial(_decaying_mean, decay)


def get_swa_multi_avg_fn() -> Callable[[list[Tensor], list[Tensor], Any], None]:
    """`get_swa_avg_fn` for lists of tensors: it writes the new means over the old ones.

    Shapes as `get_swa_avg_fn`. Never raises; what it returns raises RuntimeError for shapes that do
    not fit, ValueError for lists of different lengths.

    >>> import minitorch_cnn as mt
    >>> means = [mt.tensor([1.0]), mt.tensor(0.0)]
    >>> mt.optim.swa_utils.get_swa_multi_avg_fn()(means, [mt.tensor([3.0]), mt.tensor(1.0)], 1)
    >>> means
    [tensor([2.]), tensor(0.5000)]
    """
    return functools.partial(_each_mean, get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[list[Tensor], list[Tensor], Any], None]:
    """`get_ema_avg_fn` for lists of tensors: it writes the new means over the old ones.

    Shapes and errors as `get_ema_avg_fn`; lists of different lengths raise ValueError.

    >>> import minitorch_cnn as mt
    >>> means = [mt.tensor([1.0])]
    >>> mt.optim.swa_utils.get_ema_multi_avg_fn(0.75)(means, [mt.tensor([5.0])], 1)
    >>> means
    [tensor([2.])]
    """
    return functools.partial(_each_mean, get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a network whose parameters are means of those that `update_parameters` saw.

    device       where the copy is kept
    avg_fn       (averaged, current, count) -> the new mean of one parameter; by default SWA's
    multi_avg_fn the same for lists of them, written in place
    use_buffers  average the buffers too (running means of batch norms); else they are copied

    Its parameters have the model's shapes; n_averaged, a 0-d int64 buffer, counts the updates.
    Raises AssertionError for both avg_fn and multi_avg_fn; `update_parameters` raises RuntimeError
    for a model with parameters of other shapes, ValueError for one with more or fewer.

    >>> import minitorch_cnn as mt
    >>> model = mt.nn.Linear(1, 1, bias=False)
    >>> averaged = mt.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = mt.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: AvgFn | None = None,
        multi_avg_fn: Callable[[list[Tensor], list[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", ops.tensor(0, dtype=int64, device=device))
        self.multi_avg_fn = multi_avg_fn or functools.partial(
            _each_mean, avg_fn or get_swa_avg_fn()
        )
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the parameters of `model` into the means. The first ones are copied."""
        averaged: list[Tensor] = list(self.module.parameters())
        current: list[Tensor] = list(model.parameters())
        copied, buffers = list(self.module.buffers()), list(model.buffers())
        if self.use_buffers:
            averaged, current, copied, buffers = averaged + copied, current + buffers, [], []
        current = [value.detach().to(mean.device) for mean, value in zip(averaged, current)]
        with no_grad():
            if self.n_averaged.item() == 0:
                copied, buffers = averaged + copied, current + buffers
            else:
                self.multi_avg_fn(averaged, current, self.n_averaged.item())
            for mine, value in zip(copied, buffers, strict=True):
                mine.copy_(value.to(mine.device))
        self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running means and variances of all batch norms anew, over the images of loader.

    Those of averaged weights are no average of those of the weights. A batch may be the images, or
    a list or tuple that begins with them; shapes are the model's, (N, C, H, W) for `BatchNorm2d`.
    Without a batch norm nothing is done. Errors as `BatchNorm2d`, raised by the forward pass.

    >>> import minitorch_cnn as mt
    >>> norm = mt.nn.BatchNorm1d(1)
    >>> loader = [mt.tensor([[1.0], [3.0]]), mt.tensor([[5.0], [7.0]])]
    >>> mt.optim.swa_utils.update_bn(loader, norm)
    >>> norm.running_mean
    tensor([4.])
    """
    kinds = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
    momenta = {layer: layer.momentum for layer in model.modules() if isinstance(layer, kinds)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for layer in momenta:
        layer.reset_running_stats()
        layer.momentum = None  # a plain mean over all batches
    try:
        with no_grad():
            for batch in loader:
                images = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(images if device is None else images.to(device))
    finally:  # a batch that does not fit leaves the model as it was, but for the averages
        for layer, momentum in momenta.items():
            layer.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Goes from each group's learning rate to swa_lr in anneal_epochs steps, and stays there.

    swa_lr: one number, or one for each group. anneal_strategy: "cos" or "linear". Raises ValueError
    for another number of rates than of groups, another strategy, and anneal_epochs that are no
    whole number from 0 on.

    >>> import minitorch_cnn as mt
    >>> optimizer = mt.optim.SGD([mt.nn.Parameter(mt.ones(1))], lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for epoch in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(scheduler.get_last_lr())
    [0.75]
    [0.5]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(groups)
        if len(rates) != len(groups):
            raise ValueError(
                f"swa_lr must have the same length as optimizer.param_groups: swa_lr has "
                f"{len(rates)}, optimizer.param_groups has {len(groups)}"
            )
        for rate, group in zip(rates, groups, strict=True):
            group["swa_lr"] = rate.clone() if isinstance(rate, Tensor) else rate
        self.anneal_epochs = anneal_epochs
        self.anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way to swa_lr is gone after so many steps: 0 to 1."""
        way = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * way)) / 2 if self.anneal_strategy == "cos" else way

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            last, goal = group["lr"], group["swa_lr"]
            # From the last rate back to the one at the start, since others may have changed it.
            start = goal if before == 1 else (last - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
