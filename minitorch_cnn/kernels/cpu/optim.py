"""Steps of optimizers on flat arrays, everything in one pass; see kernels/optim.py."""

from __future__ import annotations

from .threads import kernel, share


@kernel
def sgd(part, parts, p, g, v, has_velocity, first, lr, momentum, dampened, weight_decay, nesterov):
    """dampened: 1 - dampening"""
    start, stop = share(p.size, part, parts)
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    for i in range(p.size):
        change = g[i] + weight_decay * p[i]
        if has_velocity:
            v[i] = change if first else momentum * v[i] + dampened * change
            change = change + momentum * v[i] if nesterov else v[i]
        p[i] -= lr * change


@kernel
def adam(
    part, parts, p, g, m, s, top, has_top,
    step_size, rest1, beta2, rest2, eps, shrink, decay, root_correction,
):  # fmt: skip
    """rest1, rest2: 1 - beta1, 1 - beta2. shrink: decoupled weight decay, decay: the other one."""
    start, stop = share(p.size, part, parts)
    p, g, m = p[start:stop], g[start:stop], m[start:stop]
    s, top = s[start:stop], top[start:stop]
    for i in range(p.size):
        value = p[i] * shrink
        gradient = g[i] + decay * value
        m[i] += rest1 * (gradient - m[i])
        s[i] = beta2 * s[i] + rest2 * gradient * gradient
        square = s[i]
        if has_top:
            square = max(top[i], square)
            top[i] = square
        p[i] = value - step_size * (m[i] / (square**0.5 / root_correction + eps))
