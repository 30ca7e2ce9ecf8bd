"""What decides how a network learns: loss, optimizer, learning rate, and the step itself."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from .. import nn, optim
from ..amp import GradScaler, autocast
from ..backend import default_device
from ..optim.swa_utils import AveragedModel
from ..tensor import Tensor, wrap
from .options import LR_BATCH, WARM_UP_EPOCHS

COLD = 0.01  # with --warmup-epochs, the part of --lr that the run begins with


def make_criterion(args: Any, counts: np.ndarray) -> nn.Module:
    """Cross entropy with --label-smoothing and --class-weights, for classes of so many images."""
    weight = None
    if args.class_weights == "balanced":
        weight = wrap(balanced(counts)).to(default_device())
    return nn.CrossEntropyLoss(weight, label_smoothing=args.label_smoothing)


def balanced(counts: np.ndarray) -> np.ndarray:
    """Weights with which all classes count as much, float32 (classes,); 1 on average of images.

    >>> balanced(np.array([30, 10])).tolist()
    [0.6666666865348816, 2.0]
    """
    return (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype(np.float32)


def make_optimizer(args: Any, model: nn.Module) -> Any:
    """--optimizer with --lr, scaled, and --weight-decay; --momentum is SGD's."""
    settings = dict(lr=args.lr * lr_factor(args), weight_decay=args.weight_decay)
    if args.optimizer == "sgd":
        return optim.SGD(model.parameters(), momentum=args.momentum, **settings)
    kind = {"adam": optim.Adam, "adamw": optim.AdamW}[args.optimizer]
    return kind(model.parameters(), **settings)


def lr_factor(args: Any) -> float:
    """What --lr is multiplied by, see --lr-scale."""
    return args.batch_size / LR_BATCH if args.lr_scale == "linear" else 1.0


def make_scheduler(args: Any, optimizer: Any, steps_per_epoch: int) -> Any:
    """The learning rate over the run. All of them count steps of the optimizer, not epochs."""
    steps = args.epochs * steps_per_epoch
    factor = lr_factor(args)
    begin, warm_up = 1 / factor, min(WARM_UP_EPOCHS * steps_per_epoch, steps // 5)
    if args.warmup_epochs:
        begin, warm_up = COLD, round(args.warmup_epochs * steps_per_epoch)
        if warm_up >= steps:
            raise ValueError(
                f"--warmup-epochs {args.warmup_epochs:g} must be fewer than --epochs {args.epochs}"
            )
        if args.scheduler == "onecycle":
            raise ValueError("--scheduler onecycle warms up by itself: leave out --warmup-epochs")
    if begin >= 1 or args.scheduler == "onecycle" or not warm_up:  # one cycle warms up by itself
        return _main_scheduler(args, optimizer, steps, args.lr * factor)
    warm = optim.lr_scheduler.LinearLR(optimizer, begin, total_iters=warm_up)
    main = _main_scheduler(args, optimizer, steps - warm_up, args.lr * factor)
    return optim.lr_scheduler.SequentialLR(optimizer, [warm, main], [warm_up])


def _main_scheduler(args: Any, optimizer: Any, steps: int, highest: float) -> Any:
    schedulers = optim.lr_scheduler
    if args.scheduler == "step":
        milestones = sorted({max(1, steps // 2), max(1, steps * 3 // 4)})
        return schedulers.MultiStepLR(optimizer, milestones, gamma=0.1)
    if args.scheduler == "steplr":
        return schedulers.StepLR(optimizer, step_size=max(1, math.ceil(steps / 3)), gamma=0.1)
    if args.scheduler == "cosine":
        return schedulers.CosineAnnealingLR(optimizer, T_max=steps)
    return schedulers.OneCycleLR(optimizer, max_lr=highest, total_steps=steps + 1)


class Step:
    """From losses to new weights: --amp, --accumulate, --clip-grad-norm, --ema.

        with step.precision():
            loss = criterion(model(images), labels)
        made = step(loss, number)     # of the batch in its epoch, from 0 on

    batches: of an epoch. The gradients of --accumulate batches (at an epoch's end of those that are
    left) are averaged, and make one step. averaged: the moving average of the weights, with --ema.
    """

    averaged: AveragedModel | None = None

    def __init__(
        self, args: Any, model: nn.Module, optimizer: Any, scheduler: Any, batches: int
    ) -> None:
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.batches, self.accumulate, self.clip = batches, args.accumulate, args.clip_grad_norm
        self.device = default_device().type
        if args.amp and self.device == "cpu":
            raise ValueError(
                "--amp needs a GPU, --backend cupy: it computes in float16, for which a CPU has no "
                "arithmetic (and bfloat16 is not there), so it would be slower"
            )
        self.scaler = GradScaler() if args.amp else None
        if args.ema:
            self.averaged = AveragedModel(model, multi_avg_fn=_moving(args.ema), use_buffers=True)
            self.averaged.n_averaged = self.averaged.n_averaged.cpu()  # looked at in each step

    def precision(self) -> Any:
        """Around forward and loss: with --amp, float16 where it is fast."""
        return contextlib.nullcontext() if self.scaler is None else autocast(self.device)

    def __call__(self, loss: Tensor, number: int) -> bool:
        """Goes backward. True if the gradients of enough batches were there, and made a step."""
        place = number % self.accumulate
        together = min(self.accumulate, self.batches - number + place)
        if place == 0:
            self.optimizer.zero_grad()
        if together > 1:
            loss = loss / together
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        if place + 1 < together:
            return False
        if self.clip:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.scheduler.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        return True

    @property
    def evaluated(self) -> nn.Module:
        """The network that is tested and asked: the average, if there is one."""
        return self.model if self.averaged is None else self.averaged.module

    def state_dict(self) -> dict[str, Any]:
        """What a run needs to go on, besides the network that is tested."""
        state: dict[str, Any] = {}
        if self.averaged is not None:
            state["trained"] = self.model.state_dict()
            state["averaged"] = int(self.averaged.n_averaged.item())
        if self.scaler is not None:
            state["scaler"] = self.scaler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """After the model has got the weights that were tested.

        Raises ValueError if --ema or --amp are not what they were.
        """
        for option, name, own in (
            ("--ema", "averaged", self.averaged),
            ("--amp", "scaler", self.scaler),
        ):
            if (name in state) != (own is not None):
                was = "with" if name in state else "without"
                raise ValueError(f"the run was trained {was} {option}, and can only go on so")
        if self.averaged is not None:
            self.averaged.module.load_state_dict(self.model.state_dict())
            self.averaged.n_averaged.fill_(state["averaged"])
            self.model.load_state_dict(state["trained"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])


def _moving(decay: float) -> Any:
    """An exponential moving average that forgets faster while there are few values.

    Of the n-th step the decay is (1 + n) / (10 + n), if that is less: the first weights, which are
    random, would stay in it for thousands of steps.
    """

    def update(averaged: list[Tensor], current: list[Tensor], count: int) -> None:
        part = 1 - min(decay, (1 + count) / (10 + count))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean += (value - mean) * part
            else:  # a count of batches
                mean.copy_(value)

    return update
