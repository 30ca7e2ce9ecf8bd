"""GradScaler: keeps small gradients from becoming 0 in float16.

Gradients below 6e-8 are 0 in float16. Backward is linear, so a loss 65536 times as large gives
gradients 65536 times as large, which fit; before the step they are divided again. If one of them
is infinite, the factor was too large: the step is left out and the factor halved. If all went
well for 2000 steps, it is doubled.
"""

from __future__ import annotations

import warnings
from typing import Any

from .. import backend
from ..autograd.modes import no_grad
from ..tensor import Tensor

READY, UNSCALED, STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """Scales losses, unscales gradients, and leaves out steps with infinite ones.

    init_scale, growth_factor, backoff_factor, growth_interval: the factor, by what it grows and
    shrinks, and after how many good steps it grows. Without a GPU, or with enabled=False, it does
    nothing, so that one program serves both.

    The factor lives on the device. `step` has to know on the host whether a gradient is infinite:
    it is the one place where a training step in mixed precision waits for the GPU.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = backend.device(device)
        if enabled and self._device.type == "cuda" and not backend.is_cupy_available():
            warnings.warn(
                "GradScaler is enabled, but CUDA is not available. Disabling.", stacklevel=2
            )
            enabled = False
        if enabled and not (growth_factor > 1.0 and 0.0 < backoff_factor < 1.0):
            raise ValueError(
                "growth_factor must be above 1 and backoff_factor between 0 and 1, got "
                f"{growth_factor} and {backoff_factor}"
            )
        self._enabled = enabled
        self._scale = float(init_scale)
        self._growth_factor, self._backoff_factor = growth_factor, backoff_factor
        self._growth_interval, self._growth_tracker = growth_interval, 0
        self._stages: dict[int, str] = {}  # of each optimizer in this iteration
        self._found: dict[int, list] = {}  # of each: bools, one a device: an infinite gradient?

    def scale(self, outputs: Any) -> Any:
        """A loss (or a list or tuple of them) times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, list | tuple):
            return type(outputs)(self.scale(each) for each in outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of an optimizer now, for clipping; `step` does it otherwise."""
        if not self._enabled:
            return
        stage = self._stages.get(id(optimizer), READY)
        if stage == UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage == STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        found: dict[backend.device, Any] = {}
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is None:
                        continue
                    parameter.grad._before_write()
                    gradient, device = parameter.grad.array, parameter.device
                    if gradient.dtype == "float16":
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    gradient *= 1 / self._scale
                    parameter.grad._bump_version()
                    bad = ~backend.array_module(gradient).isfinite(gradient).all()
                    found[device] = bad | found[device] if device in found else bad
        self._found[id(optimizer)] = list(found.values())  # still on their devices
        self._stages[id(optimizer)] = UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(...)``, left out if a gradient is infinite or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if self._stages.get(id(optimizer)) == STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if self._stages.get(id(optimizer), READY) == READY:
            self.unscale_(optimizer)
        found = self._found[id(optimizer)]
        if not found:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        self._stages[id(optimizer)] = STEPPED
        bad = any([bool(each) for each in found])  # here the host waits for backward
        self._found[id(optimizer)] = [bad]
        return None if bad else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapts the factor to what happened since the last update, or sets it."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        else:
            if not self._found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any([bool(bad) for found in self._found.values() for bad in found]):
                self._scale *= self._backoff_factor
                self._growth_tracker = 0
            else:
                self._growth_tracker += 1
                if self._growth_tracker == self._growth_interval:
                    self._scale *= self._growth_factor
                    self._growth_tracker = 0
        self._stages, self._found = {}, {}

    def get_scale(self) -> float:
        """The factor; 1 where the scaler is not enabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        return self._enabled

    def get_growth_factor(self) -> float:
        return self._growth_factor

    def get_backoff_factor(self) -> float:
        return self._backoff_factor

    def get_growth_interval(self) -> int:
        return self._growth_interval

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs; empty where the scaler is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a saved state. Raises RuntimeError if it is empty."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
