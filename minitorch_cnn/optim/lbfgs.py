"""L-BFGS: Newton's method with what the last gradients tell of the curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.modes import enable_grad, no_grad
from ..ops import cat
from ..tensor import Tensor, shape_text
from .line_search import Place, strong_wolfe
from .optimizer import Optimizer


class LBFGS(Optimizer):
    """Steps p += t d, d the direction -H g, H an estimate of the inverse of the second derivatives.

    H is never written down: it is the identity, corrected by the last `history_size` changes of
    the parameters and of the gradient. Nocedal, "Updating quasi-Newton matrices with limited
    storage", 1980. It wants the loss of the same data each time, so it suits few parameters and no
    batches: an image that is optimised, as in style transfer. One group of parameters.

        lr                length t of the steps; the first is at most that long in all
        max_iter          steps in one `step()`
        max_eval          calls of closure in one `step()`, by default max_iter * 5 / 4
        tolerance_grad    ends `step()` when no element of the gradient is larger
        tolerance_change  ends it when no parameter, or the loss, changes more
        line_search_fn    "strong_wolfe" tries several lengths for each step (line_search.py)

    State, kept for the first parameter: numbers, and vectors (total_length,) of the elements of
    all. Raises ValueError for a negative lr and for several groups, and as `Optimizer` does; `step`
    raises TypeError without a closure, RuntimeError for another line_search_fn.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([3.0, -4.0]))
    >>> optimizer = mt.optim.LBFGS([p])
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1) ** 2 * mt.tensor([1.0, 10.0])).sum()
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> p.detach().round(decimals=3)
    tensor([1., 1.])
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        defaults = dict(
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _parameters(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Tensor:
        """The gradients of all parameters, one after the other."""
        for p in self._parameters:
            if p.grad is not None and p.grad.shape != p.shape:
                raise RuntimeError(
                    f"the grad of a parameter has shape {shape_text(p.grad.shape)}, but the "
                    f"parameter has shape {shape_text(p.shape)}: call zero_grad() first"
                )
        gradients = [p.new_zeros(p.shape) if p.grad is None else p.grad for p in self._parameters]
        return cat([each.reshape(-1) for each in gradients])

    def _move(self, change: Tensor) -> None:
        """Adds each parameter's part of a vector."""
        start = 0
        for parameter in self._parameters:
            stop = start + parameter.numel()
            parameter.add_(change[start:stop].reshape(parameter.shape))
            start = stop

    def _lengths(self, closure: Callable[[], Any], direction: Tensor) -> Callable:
        """For a line search: the loss, its gradient and its slope after a step of length t."""
        start = [parameter.clone() for parameter in self._parameters]

        def at(t: float) -> tuple[float, Tensor, float]:
            self._move(direction * t)
            loss, gradient = float(closure()), self._gradient()
            for parameter, value in zip(self._parameters, start, strict=True):
                parameter.copy_(value)
            return loss, gradient, float(gradient.dot(direction))

        return at

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter steps. closure: computes the loss anew, with backward.

        Returns the loss before the first step. Raises TypeError without a closure.
        """
        if closure is None:
            raise TypeError("LBFGS.step() needs a closure that computes the loss anew")
        with no_grad():
            return self._step(enable_grad()(closure))

    def _step(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        state = self.state[self._parameters[0]]  # where torch keeps it
        if not state:
            state.update(func_evals=0, n_iter=0)
        first_loss = closure()
        loss, gradient, calls = float(first_loss), self._gradient(), 1
        for step in range(1, group["max_iter"] + 1):
            if gradient.abs().max() <= group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            direction = self._direction(state, gradient, group["history_size"])
            length = float(group["lr"])
            if state["n_iter"] == 1:  # nothing is known of the curvature yet
                length *= min(1.0, 1.0 / gradient.abs().sum().item())
            state.update(d=direction, t=length, prev_flat_grad=gradient, prev_loss=loss)
            slope = float(gradient.dot(direction))
            if slope > -group["tolerance_change"]:
                break
            previous = loss
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                place, more = strong_wolfe(
                    self._lengths(closure, direction),
                    length,
                    Place(0.0, loss, gradient, slope),
                    float(direction.abs().max()),
                    1e-9,
                    group["max_eval"] - calls,
                )
                state["t"] = length = place.t
                loss, gradient, calls = place.loss, place.gradient, calls + more
            change = direction * length
            self._move(change)
            if step == group["max_iter"]:
                break  # the loss after the last step is nobody's concern
            if group["line_search_fn"] is None:
                loss, gradient, calls = float(closure()), self._gradient(), calls + 1
            elif gradient.abs().max() <= group["tolerance_grad"]:
                break
            too_small = change.abs().max() <= group["tolerance_change"]
            if (
                calls >= group["max_eval"]
                or too_small
                or abs(loss - previous) < group["tolerance_change"]
            ):
                break
        state["func_evals"] += calls
        return first_loss

    def _direction(self, state: dict[str, Any], gradient: Tensor, history_size: int) -> Tensor:
        """-H g, by the pairs (s, y): the last changes of the parameters and of the gradient."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -gradient
        changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        for each in (state["prev_flat_grad"], state["d"], *changes, *steps):
            if each.shape != gradient.shape:
                raise RuntimeError(
                    f"a vector in the state of LBFGS has shape {shape_text(each.shape)}, but the "
                    f"parameters have {gradient.numel()} elements together. Load the state of the "
                    "same model, or make a new optimizer."
                )
        y, s = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = y.dot(s)
        if curvature > 1e-10:  # otherwise H would not stay positive
            if len(changes) == history_size:
                for each in (changes, steps, inverses):
                    each.pop(0)
            changes.append(y)
            steps.append(s)
            inverses.append(1.0 / curvature)
            state["H_diag"] = curvature / y.dot(y)

        direction, shares = -gradient, []
        for y, s, inverse in zip(changes[::-1], steps[::-1], inverses[::-1], strict=True):
            shares.append(s.dot(direction) * inverse)
            direction = direction - shares[-1] * y
        direction = direction * state["H_diag"]
        for y, s, inverse, share in zip(changes, steps, inverses, shares[::-1], strict=True):
            direction = direction + s * (share - y.dot(direction) * inverse)
        return direction
