"""Parameters, gradients that change, and the values after each step, in any of two libraries."""

import numpy as np

SHAPES = [(3, 4), (5,), (), (2, 1, 3)]


def start(lib, seed=0):
    rng = np.random.default_rng(seed)
    values = [np.asarray(rng.standard_normal(shape)) for shape in SHAPES]
    return [lib.nn.Parameter(lib.from_numpy(v.copy())) for v in values]


def set_gradients(lib, params, step):
    """Gradients that change from step to step; some parameter has none at every third step."""
    rng = np.random.default_rng(1000 + step)
    for i, p in enumerate(params):
        g = np.asarray(rng.standard_normal(tuple(p.shape)))
        p.grad = None if (step + i) % 3 == 2 else lib.from_numpy(g) + 0.1 * p.detach()


def train(lib, optimizer, params, steps):
    history = []
    for step in steps:
        set_gradients(lib, params, step)
        optimizer.step()
        history.append([p.detach().numpy().copy() for p in params])
    return history


def assert_same(ours, theirs, rtol=1e-12):
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-13, err_msg=f"step {step}")
