"""The rules of the optimizers in recorded operations: with differentiable=True, backward goes
through a step to the gradients, the parameters before it, the state and the learning rate.

Each rule gets a parameter and its gradient (any shape), puts the new state in the place of the old
one and returns the new parameter. What the letters mean is said in the class's own file, which has
the same rule on bare arrays; that both agree is a test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.modes import set_grad_enabled
from ..tensor import Tensor
from .optimizer import next_step
from .radam import rectifier

Rule = Callable[[Tensor, Tensor, dict[str, Any], dict[str, Any]], Tensor]


def update_group(optimizer: Any, group: dict[str, Any]) -> None:
    """One step of the parameters of a group that have a gradient, each changed in place.

    Raises RuntimeError for a leaf that requires a gradient, which nothing recorded may change:
    train clones. Raises NotImplementedError for an optimizer without a rule here.
    """
    names = [each.__name__ for each in type(optimizer).__mro__ if each.__name__ in RULES]
    if not names:
        raise NotImplementedError(
            f"differentiable=True is not supported by {type(optimizer).__name__}: its rule is "
            "written for bare arrays. Write the step with operations of tensors."
        )
    rule, chosen = RULES[names[0]], {**group}
    for parameter in group["params"]:
        if parameter.grad is None:
            continue
        state = optimizer.remembered(parameter, group)
        with set_grad_enabled(True):
            if isinstance(group["lr"], Tensor):
                chosen["lr"] = group["lr"].reshape(())
            gradient = -parameter.grad if group.get("maximize") else parameter.grad
            parameter.copy_(rule(parameter.clone(), gradient, state, chosen))


def _decayed(p: Tensor, g: Tensor, group: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """The parameter and its gradient with the weight decay in one of them."""
    decay = group["weight_decay"]
    if isinstance(decay, int | float) and decay == 0:
        return p, g
    if group.get("decoupled_weight_decay"):
        return p * (1 - group["lr"] * decay), g
    return p, g + decay * p


def _means(g: Tensor, state: dict[str, Any], betas: tuple) -> tuple[Tensor, Tensor]:
    """Adam's running means of the gradient and its square."""
    m, s = state["exp_avg"], state["exp_avg_sq"]
    state["exp_avg"] = m = m + (1 - betas[0]) * (g - m)
    state["exp_avg_sq"] = s = betas[1] * s + (1 - betas[1]) * g * g
    return m, s


def _sgd(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    p, g = _decayed(p, g, group)
    momentum = group["momentum"]
    if momentum != 0:
        v = state.get("momentum_buffer")
        # the first one begins a history, as torch's does: without that of the gradient
        v = g.detach().clone() if v is None else momentum * v + (1 - group["dampening"]) * g
        state["momentum_buffer"] = v
        g = g + momentum * v if group["nesterov"] else v
    return p - group["lr"] * g


def _adam(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step, betas = next_step(state), group["betas"]
    p, g = _decayed(p, g, group)
    m, s = _means(g, state, betas)
    if group["amsgrad"]:
        state["max_exp_avg_sq"] = s = state["max_exp_avg_sq"].maximum(s)
    root = s.sqrt() / (1 - betas[1] ** step) ** 0.5 + group["eps"]
    return p - group["lr"] / (1 - betas[0] ** step) * (m / root)


def _adamax(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step, (beta1, beta2) = next_step(state), group["betas"]
    p, g = _decayed(p, g, group)
    m, a = state["exp_avg"], state["exp_inf"]
    state["exp_avg"] = m = m + (1 - beta1) * (g - m)
    state["exp_inf"] = a = (beta2 * a).maximum(g.abs() + group["eps"])
    return p - group["lr"] / (1 - beta1**step) * (m / a)


def _nadam(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step, (beta1, beta2), lr = next_step(state), group["betas"], group["lr"]
    momentum, next_momentum = (
        beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
    )
    p, g = _decayed(p, g, group)
    m, s = _means(g, state, group["betas"])
    state["mu_product"] = product = state["mu_product"] * momentum
    root = (s / (1 - beta2**step)).sqrt() + group["eps"]
    p = p - lr * (1 - momentum) / (1 - product) * (g / root)
    return p - lr * next_momentum / (1 - product * next_momentum) * (m / root)


def _radam(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step, (beta1, beta2) = next_step(state), group["betas"]
    p, g = _decayed(p, g, group)
    m, s = _means(g, state, group["betas"])
    update, share = m / (1 - beta1**step), rectifier(step, beta2)
    if share is not None:
        update = update * ((1 - beta2**step) ** 0.5 * share) / (s.sqrt() + group["eps"])
    return p - group["lr"] * update


def _rmsprop(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    next_step(state)
    alpha = group["alpha"]
    p, g = _decayed(p, g, group)
    state["square_avg"] = s = alpha * state["square_avg"] + (1 - alpha) * g * g
    if group["centered"]:
        state["grad_avg"] = m = state["grad_avg"] + (1 - alpha) * (g - state["grad_avg"])
        s = s - m * m
    update = g / (s.sqrt() + group["eps"])
    if group["momentum"] > 0:
        update = group["momentum"] * state["momentum_buffer"] + update
        state["momentum_buffer"] = update
    return p - group["lr"] * update


def _adagrad(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step = next_step(state)
    p, g = _decayed(p, g, group)
    state["sum"] = t = state["sum"] + g * g
    return p - group["lr"] / (1 + (step - 1) * group["lr_decay"]) * (g / (t.sqrt() + group["eps"]))


def _adadelta(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    next_step(state)
    rho, eps = group["rho"], group["eps"]
    p, g = _decayed(p, g, group)
    state["square_avg"] = s = rho * state["square_avg"] + (1 - rho) * g * g
    u = (state["acc_delta"] + eps).sqrt() / (s + eps).sqrt() * g
    state["acc_delta"] = rho * state["acc_delta"] + (1 - rho) * u * u
    return p - group["lr"] * u


def _asgd(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    step, lr, lambd = next_step(state), float(group["lr"]), group["lambd"]
    eta, mu = state["eta"].item(), state["mu"].item()
    p, g = _decayed(p, g, group)
    p = p * (1 - lambd * eta) - eta * g
    state["ax"] = state["ax"] + (p - state["ax"]) * mu if mu != 1 else p
    state["eta"] = state["eta"].new_tensor(lr / (1 + lambd * lr * step) ** group["alpha"])
    state["mu"] = state["mu"].new_tensor(1 / max(1, step - group["t0"]))
    return p


def _rprop(p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    next_step(state)
    (shrink, grow), (least, most) = group["etas"], group["step_sizes"]
    agreement = (g * state["prev"]).sign().detach()
    factor = (agreement > 0) * grow + (agreement < 0) * shrink + (agreement == 0) * 1.0
    state["step_size"] = size = (state["step_size"] * factor.to(p.dtype)).clamp(least, most)
    state["prev"] = g = g.masked_fill(agreement < 0, 0)
    return p - g.sign() * size


# By the name of the class.
RULES: dict[str, Rule] = {
    "ASGD": _asgd,
    "Adadelta": _adadelta,
    "Adagrad": _adagrad,
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "NAdam": _nadam,
    "RAdam": _radam,
    "RMSprop": _rmsprop,
    "Rprop": _rprop,
    "SGD": _sgd,
}
