"""Hostile calls: what an operation read is exchanged or written to before its backward.

    python tests/autograd/test_hostile.py --calls 100000 --seed 0

Each call runs an operation, does something to one of its inputs (`.data =` of any shape or dtype,
writing through NumPy, a grad or an optimizer's state of another size), and goes backward. The calls
run in processes of their own, so that a signal or a hang of one is seen and counted. An error is an
answer; a gradient of another shape than its tensor's is none.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F


def positions(rng: Any, *shape: int, high: int = 4) -> Any:
    return mt.from_numpy(rng.integers(0, high, shape))


def images(rng: Any) -> Any:
    return mt.from_numpy(rng.standard_normal((2, 4, 6, 6)).astype(np.float32)).requires_grad_()


def floats(rng: Any, *shape: int) -> Any:
    return mt.from_numpy(rng.standard_normal(shape).astype(np.float32)).requires_grad_()


# name: (how to make the inputs, the operation)
OPERATIONS: dict[str, tuple[Any, Any]] = {
    "conv2d": (lambda r: (images(r), floats(r, 4, 4, 3, 3), floats(r, 4)), F.conv2d),
    "conv2d 1x1": (lambda r: (images(r), floats(r, 8, 4, 1, 1)), F.conv2d),
    "depthwise": (
        lambda r: (images(r), floats(r, 4, 1, 3, 3)),
        lambda x, w: F.conv2d(x, w, groups=4, padding=1),
    ),
    "conv_transpose2d": (lambda r: (images(r), floats(r, 4, 3, 2, 2)), F.conv_transpose2d),
    "conv1d": (lambda r: (floats(r, 2, 4, 9), floats(r, 3, 4, 3)), F.conv1d),
    "max_pool2d": (lambda r: (images(r),), lambda x: F.max_pool2d(x, 2)),
    "max_pool2d indices": (
        lambda r: (images(r),),
        lambda x: F.max_pool2d(x, 2, return_indices=True),
    ),
    "avg_pool2d": (lambda r: (images(r),), lambda x: F.avg_pool2d(x, 2)),
    "adaptive_avg": (lambda r: (images(r),), lambda x: F.adaptive_avg_pool2d(x, 3)),
    "batch_norm": (
        lambda r: (images(r), floats(r, 4), floats(r, 4)),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    ),
    "batch_norm relu": (
        lambda r: (images(r), floats(r, 4), floats(r, 4)),
        lambda x, w, b: F.relu(F.batch_norm(x, None, None, w, b, True)),
    ),
    "group_norm": (
        lambda r: (images(r), floats(r, 4), floats(r, 4)),
        lambda x, w, b: F.group_norm(x, 2, w, b),
    ),
    "instance_norm": (lambda r: (images(r),), F.instance_norm),
    "layer_norm": (lambda r: (images(r), floats(r, 6)), lambda x, w: F.layer_norm(x, (6,), w)),
    "linear": (lambda r: (floats(r, 5, 4), floats(r, 3, 4), floats(r, 3)), F.linear),
    "matmul": (lambda r: (floats(r, 2, 3, 4), floats(r, 4, 5)), mt.matmul),
    "cross_entropy": (lambda r: (floats(r, 6, 4), positions(r, 6)), F.cross_entropy),
    "cross_entropy 2d": (lambda r: (images(r), positions(r, 2, 6, 6)), F.cross_entropy),
    "cross_entropy smooth": (
        lambda r: (floats(r, 6, 4), positions(r, 6)),
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    ),
    "nll_loss": (lambda r: (floats(r, 6, 4), positions(r, 6)), F.nll_loss),
    "embedding": (lambda r: (positions(r, 7), floats(r, 4, 3)), F.embedding),
    "gather": (
        lambda r: (floats(r, 4, 5), positions(r, 2, 5)),
        lambda x, i: mt.gather(x, 0, i),
    ),
    "scatter": (
        lambda r: (floats(r, 4, 5), positions(r, 2, 5), floats(r, 2, 5)),
        lambda x, i, s: mt.scatter(x, 0, i, s),
    ),
    "scatter_add": (
        lambda r: (floats(r, 4, 5), positions(r, 2, 5), floats(r, 2, 5)),
        lambda x, i, s: mt.scatter_add(x, 0, i, s),
    ),
    "index_select": (
        lambda r: (floats(r, 4, 5), positions(r, 6)),
        lambda x, i: mt.index_select(x, 0, i),
    ),
    "index": (lambda r: (floats(r, 4, 5), positions(r, 6)), lambda x, i: x[i]),
    "mask": (lambda r: (floats(r, 4, 5), positions(r, 4, high=2)), lambda x, i: x[i.bool()]),
    "index_put": (
        lambda r: (floats(r, 4, 5), positions(r, 2), floats(r, 2, 5)),
        lambda x, i, v: x.index_put((i,), v),
    ),
    "relu": (lambda r: (images(r),), F.relu),
    "gelu": (lambda r: (images(r),), F.gelu),
    "sigmoid": (lambda r: (images(r),), mt.sigmoid),
    "softmax": (lambda r: (floats(r, 4, 5),), lambda x: F.softmax(x, 1)),
    "log_softmax": (lambda r: (floats(r, 4, 5),), lambda x: F.log_softmax(x, 1)),
    "mul": (lambda r: (floats(r, 4, 5), floats(r, 5)), mt.mul),
    "div": (lambda r: (floats(r, 4, 5), floats(r, 4, 1)), mt.div),
    "pow": (lambda r: (floats(r, 4, 5),), lambda x: x**3),
    "where": (
        lambda r: (positions(r, 4, high=2), floats(r, 4), floats(r, 4)),
        lambda c, a, b: mt.where(c.bool(), a, b),
    ),
    "max": (lambda r: (floats(r, 4, 5),), lambda x: x.max(1).values),
    "std": (lambda r: (floats(r, 4, 5),), lambda x: x.std(1)),
    "cat": (lambda r: (floats(r, 4, 5), floats(r, 2, 5)), lambda a, b: mt.cat((a, b))),
    "interpolate": (
        lambda r: (images(r),),
        lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    ),
    "dropout": (lambda r: (images(r),), lambda x: F.dropout(x, 0.5)),
}
OPTIMIZERS = [
    "SGD",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Adagrad",
    "Adadelta",
]  # LBFGS needs a closure


def other_shape(rng: Any, shape: Any) -> tuple:
    """One that is near the given one: longer, shorter, turned around, empty."""
    shape = list(shape)
    kind = rng.integers(6)
    if kind == 0:
        return tuple(reversed(shape))
    if kind == 1 or not shape:
        return (*shape, int(rng.integers(1, 4)))
    if kind == 2:
        return tuple(shape[1:])
    place = int(rng.integers(len(shape)))
    shape[place] = int(rng.choice([0, 1, shape[place] + 1, shape[place] * 40]))
    return tuple(shape)


def swap(rng: Any, tensor: Any) -> None:
    """Gives the tensor other values: of another shape, or dtype, or both."""
    shape = other_shape(rng, tensor.shape) if rng.random() < 0.8 else tensor.shape
    kind = tensor.dtype if rng.random() < 0.8 else rng.choice([mt.float64, mt.float16, mt.int64])
    tensor.data = mt.ones(*shape).to(kind)


def write_unseen(rng: Any, tensor: Any) -> None:
    """Writes through NumPy, behind the version counter's back, what is no position anywhere."""
    array = tensor.detach().numpy()
    if array.size:
        value = rng.choice([10**12, -(10**12), -1, 5])
        array.reshape(-1)[rng.integers(array.size)] = value


def resize(rng: Any, tensor: Any) -> None:
    shape = other_shape(rng, tensor.shape)
    kind = rng.integers(4)
    if kind == 0:
        tensor.resize_(*shape)
    elif kind == 1:
        tensor.set_(mt.ones(*shape))
    elif kind == 2:
        tensor.detach().numpy().resize(shape, refcheck=False)
    else:
        with contextlib.suppress(AttributeError):  # NumPy's answer for rows with gaps
            tensor.detach().numpy().shape = (-1,)


def one_call(rng: Any) -> str:
    """Runs one hostile call; says what came of it."""
    name = str(rng.choice(list(OPERATIONS)))
    make, operation = OPERATIONS[name]
    inputs = make(rng)
    y = operation(*inputs)
    results = y if isinstance(y, tuple) else (y,)
    hostile = rng.choice([swap, swap, write_unseen, resize])
    try:
        hostile(rng, (*inputs, *results)[rng.integers(len(inputs) + len(results))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results[0].backward(mt.ones(*results[0].shape, dtype=results[0].dtype))
        leaves = [each for each in inputs if each.requires_grad]
        if rng.random() < 0.5:
            step(rng, leaves)
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return "refused"
    for each in leaves:
        if each.grad is not None and each.grad.shape != each.shape:
            return f"wrong gradient: {name}"
    return "done"


def step(rng: Any, leaves: list) -> None:
    """A step of any optimizer, with grads or states that were exchanged before it."""
    optimizer = getattr(mt.optim, str(rng.choice(OPTIMIZERS)))(leaves, lr=0.01)
    optimizer.step()
    parameter = leaves[rng.integers(len(leaves))]
    kind = rng.integers(4)
    if kind == 0:
        swap(rng, parameter)
    elif kind == 1 and parameter.grad is not None:
        swap(rng, parameter.grad)
    elif kind == 2:
        for name, value in optimizer.state[parameter].items():
            if isinstance(value, mt.Tensor):
                optimizer.state[parameter][name] = mt.ones(*other_shape(rng, value.shape))
    else:
        saved = optimizer.state_dict()
        for values in saved["state"].values():
            for name, value in values.items():
                if isinstance(value, mt.Tensor) and name != "step":
                    values[name] = mt.ones(*other_shape(rng, value.shape))
        optimizer.load_state_dict(saved)
    optimizer.step()


def run_here(calls: int, seed: int) -> Counter:
    """`calls` hostile calls in this process."""
    rng = np.random.default_rng(seed)
    return Counter(one_call(rng) for _ in range(calls))


def run(calls: int, seed: int, together: int = 5000) -> Counter:
    """The same in processes of `together` calls each; those that end badly are counted."""
    found: Counter = Counter()
    for start in range(0, calls, together):
        count = min(together, calls - start)
        command = [sys.executable, __file__, "--here", f"--calls={count}", f"--seed={seed + start}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            found[f"hang, seed {seed + start}"] += 1
            continue
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            found[f"exit status {done.returncode}, seed {seed + start}: {last}"] += 1
            continue
        for line in done.stdout.splitlines():
            number, what = line.split(" ", 1)
            found[what] += int(number)
    return found


def test_hostile_calls_are_refused_or_give_gradients_of_the_right_shape():
    found = run(1500, seed=0)
    assert set(found) <= {"done", "refused"}, found
    assert sum(found.values()) == 1500
    assert min(found["done"], found["refused"]) > 150  # both kinds of answers were tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", action="store_true", help="in this process")
    args = parser.parse_args()
    for what, number in sorted((run_here if args.here else run)(args.calls, args.seed).items()):
        print(number, what)


if __name__ == "__main__":
    main()
