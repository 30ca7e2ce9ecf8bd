"""Hostile calls: what an operation read is exchanged or written to before its backward.

    python tests/autograd/test_hostile.py --calls 100000 --seed 0 [--backend cupy]

Each call runs an operation, does something to one of its inputs (`.data =` of any shape or dtype,
writing through NumPy, a grad or an optimizer's state of another size), and goes backward. The calls
run in processes of their own, so that a signal or a hang of one is seen and counted. An error is an
answer; a gradient of another shape than its tensor's is none.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from typing import Any
from unittest import mock

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd.function import Function
from minitorch_cnn.autograd.modes import state
from minitorch_cnn.nn import functional as F
from minitorch_cnn.utils.checkpoint import checkpoint


def gradient_of(y: mt.Tensor, x: mt.Tensor) -> mt.Tensor:
    (found,) = mt.autograd.grad(y, x, create_graph=True)
    return found


# What the inputs are: x images (2, 4, 6, 6); f4,5 floats of that shape; p4,5 positive ones; i6
# positions below 4; b6 booleans.
OPERATIONS: dict[str, tuple[str, Any]] = {
    # convolution, pooling, normalisation
    "conv2d": ("x f4,4,3,3 f4", F.conv2d),
    "conv2d 1x1": ("x f8,4,1,1", F.conv2d),
    "conv2d stride": ("x f3,4,3,3", lambda x, w: F.conv2d(x, w, stride=2, padding=1)),
    "depthwise": ("x f4,1,3,3", lambda x, w: F.conv2d(x, w, groups=4, padding=1)),
    "conv_transpose2d": ("x f4,3,2,2", F.conv_transpose2d),
    "conv1d": ("f2,4,9 f3,4,3", F.conv1d),
    "conv3d": ("f1,2,4,4,4 f3,2,2,2,2 f3", F.conv3d),
    "conv_transpose3d": ("f1,2,3,3,3 f2,2,2,2,2", F.conv_transpose3d),
    "conv relu": ("x f4,4,3,3 f4", lambda x, w, b: F.relu(F.conv2d(x, w, b))),
    "max_pool1d": ("f2,4,9", lambda x: F.max_pool1d(x, 2)),
    "max_pool2d": ("x", lambda x: F.max_pool2d(x, 2)),
    "max_pool2d indices": ("x", lambda x: F.max_pool2d(x, 2, return_indices=True)),
    "max_pool2d gradient": ("x", lambda x: gradient_of(F.max_pool2d(x, 2).square().sum(), x)),
    "max_pool3d": ("f1,2,4,4,4", lambda x: F.max_pool3d(x, 2)),
    "max_pool3d indices": ("f1,2,4,4,4", lambda x: F.max_pool3d(x, 2, return_indices=True)),
    "max_unpool2d": ("f1,1,2,2 i1,1,2,2", lambda x, i: F.max_unpool2d(x, i, 2)),
    "fractional": ("x", lambda x: F.fractional_max_pool2d(x, 2, output_size=3)),
    "adaptive_max": ("x", lambda x: F.adaptive_max_pool2d(x, 3)),
    "avg_pool2d": ("x", lambda x: F.avg_pool2d(x, 2)),
    "avg_pool3d": ("f1,2,4,4,4", lambda x: F.avg_pool3d(x, 2)),
    "adaptive_avg": ("x", lambda x: F.adaptive_avg_pool2d(x, 3)),
    "lp_pool": ("x", lambda x: F.lp_pool2d(x, 2, 2)),
    "unfold": ("x", lambda x: F.unfold(x, 2)),
    "fold": ("f1,8,9", lambda x: F.fold(x, (4, 4), 2)),
    "batch_norm": ("x f4 f4", lambda x, w, b: F.batch_norm(x, None, None, w, b, True)),
    "batch_norm eval": (
        "x f4 p4 f4 f4",
        lambda x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b),
    ),
    "batch_norm relu": ("x f4 f4", lambda x, w, b: F.relu(F.batch_norm(x, None, None, w, b, True))),
    "group_norm": ("x f4 f4", lambda x, w, b: F.group_norm(x, 2, w, b)),
    "instance_norm": ("x", F.instance_norm),
    "layer_norm": ("x f6", lambda x, w: F.layer_norm(x, (6,), w)),
    "rms_norm": ("x f6", lambda x, w: F.rms_norm(x, (6,), w)),
    "local_response_norm": ("x", lambda x: F.local_response_norm(x, 3)),
    "linear": ("f5,4 f3,4 f3", F.linear),
    "bilinear": ("f5,2 f5,3 f4,2,3", F.bilinear),
    "matmul": ("f2,3,4 f4,5", mt.matmul),
    "einsum": ("f3,4 f4,5", lambda a, b: mt.einsum("ij,jk->ki", a, b)),
    "attention": ("f2,3,4 f2,3,4 f2,3,4", F.scaled_dot_product_attention),
    "interpolate": ("x", lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "nearest": ("x", lambda x: F.interpolate(x, scale_factor=2)),
    "grid_sample": ("x f2,3,3,2", lambda x, g: F.grid_sample(x, g, align_corners=False)),
    "pad": ("x", lambda x: F.pad(x, (1, 2))),
    "pad reflect": ("x", lambda x: F.pad(x, (1, 2, 1, 1), mode="reflect")),
    "pixel_shuffle": ("x", lambda x: F.pixel_shuffle(x, 2)),
    # losses
    "cross_entropy": ("f6,4 i6", F.cross_entropy),
    "cross_entropy 2d": ("x i2,6,6", F.cross_entropy),
    "cross_entropy smooth": ("f6,4 i6", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1)),
    "cross_entropy weight": ("f6,4 i6 p4", lambda x, t, w: F.cross_entropy(x, t, w.detach())),
    "ctc_loss": (
        "f6,2,4",
        lambda x: F.ctc_loss(x.log_softmax(2), mt.tensor([[1, 2], [3, 1]]), [6, 6], [2, 2]),
    ),
    "nll_loss": ("f6,4 i6", F.nll_loss),
    "nll_loss 2d": ("x i2,6,6", F.nll_loss),
    "multi_margin": ("f6,4 i6", F.multi_margin_loss),
    "multilabel_margin": ("f6,4 i6,4", F.multilabel_margin_loss),
    "binary": ("f6 p6", lambda x, t: F.binary_cross_entropy(x.sigmoid(), t.clamp(0, 1))),
    "with_logits": ("f6 p6", F.binary_cross_entropy_with_logits),
    "mse": ("f6,4 f6,4", F.mse_loss),
    "huber": ("f6,4 f6,4", F.huber_loss),
    "smooth_l1": ("f6,4 f6,4", F.smooth_l1_loss),
    "kl_div": ("f6,4 p6,4", lambda x, t: F.kl_div(x, t, reduction="batchmean")),
    "cosine": ("f6,4 f6,4", F.cosine_similarity),
    "cdist": ("f6,4 f3,4", mt.cdist),
    # positions
    "embedding": ("i7 f4,3", F.embedding),
    "one_hot": ("i5 f4,3", lambda i, w: F.one_hot(i, 4).float() @ w),
    "gather": ("f4,5 i2,5", lambda x, i: mt.gather(x, 0, i)),
    "take_along_dim": ("f4,5 i2,5", lambda x, i: mt.take_along_dim(x, i, 0)),
    "take": ("f4,5 i2,5", mt.take),
    "put": ("f4,5 i3 f3", lambda x, i, v: x.put(i, v)),
    "scatter": ("f4,5 i2,5 f2,5", lambda x, i, s: mt.scatter(x, 0, i, s)),
    "scatter nothing": ("f4,5 i0,5 f2,5", lambda x, i, s: mt.scatter(x, 0, i, s)),
    "scatter_add": ("f4,5 i2,5 f2,5", lambda x, i, s: mt.scatter_add(x, 0, i, s)),
    "scatter amax": (
        "f4,5 i2,5 f2,5",
        lambda x, i, s: mt.scatter_reduce(x, 0, i, s, "amax"),
    ),
    "scatter prod": (
        "f4,5 i2,5 f2,5",
        lambda x, i, s: mt.scatter_reduce(x, 0, i, s, "prod"),
    ),
    "index_select": ("f4,5 i6", lambda x, i: mt.index_select(x, 0, i)),
    "index_add": ("f4,5 i3 f3,5", lambda x, i, v: mt.index_add(x, 0, i, v)),
    "index_copy": ("f4,5 i3 f3,5", lambda x, i, v: mt.index_copy(x, 0, i, v)),
    "index_fill": ("f4,5 i3", lambda x, i: mt.index_fill(x, 0, i, 2.0)),
    "index": ("f4,5 i6", lambda x, i: x[i]),
    "index pair": ("f4,5 i6 i6", lambda x, i, j: x[i, j]),
    "mask": ("f4,5 b4", lambda x, m: x[m]),
    "masked_fill": ("f4,5 b4,5", lambda x, m: x.masked_fill(m, 2.0)),
    "masked_select": ("f4,5 b4,5", mt.masked_select),
    "masked_scatter": ("f4,5 b4,5 f20", lambda x, m, s: x.masked_scatter(m, s)),
    "index_put": ("f4,5 i2 f2,5", lambda x, i, v: x.index_put((i,), v)),
    "setitem": ("f4,5 i2 f2,5", lambda x, i, v: _written(x, i, v)),
    "setitem slice": ("f4,5 f5", lambda x, v: _written(x, 1, v)),
    "copy_ into a view": ("f4,5 f4", lambda x, v: _copied_into(x, v)),
    "slice": ("f4,5", lambda x: x[1:3, ::2]),
    "diagonal": ("f4,5", lambda x: x.diagonal()),
    "unfold windows": ("f4,5", lambda x: x.unfold(1, 2, 1)),
    "as_strided": ("f4,5", lambda x: x.contiguous().as_strided((3, 3), (5, 1))),
    "sort": ("f4,5", lambda x: x.sort(1).values),
    "topk": ("f4,5", lambda x: x.topk(2, 1).values),
    "median": ("f4,5", lambda x: x.median(1).values),
    "quantile": ("f4,5", lambda x: x.quantile(0.3, 1)),
    "middle": ("f4,5", lambda x: x.median()),
    "cummax": ("f4,5", lambda x: x.cummax(1).values),
    # elementwise
    "relu": ("x", F.relu),
    "relu_": ("x", lambda x: x.clone().relu_()),
    "leaky_relu": ("x", F.leaky_relu),
    "prelu": ("x f4", F.prelu),
    "elu": ("x", F.elu),
    "gelu": ("x", F.gelu),
    "gelu tanh": ("x", lambda x: F.gelu(x, approximate="tanh")),
    "silu": ("x", F.silu),
    "hardtanh": ("x", F.hardtanh),
    "hardsigmoid": ("x", F.hardsigmoid),
    "hardswish": ("x", F.hardswish),
    "mish": ("x", F.mish),
    "softplus": ("x", F.softplus),
    "glu": ("x", lambda x: F.glu(x, 1)),
    "softmax": ("f4,5", lambda x: F.softmax(x, 1)),
    "log_softmax": ("f4,5", lambda x: F.log_softmax(x, 1)),
    "add": ("f4,5 f5", mt.add),
    "sub": ("f4,5 f5", mt.sub),
    "mul": ("f4,5 f5", mt.mul),
    "div": ("f4,5 f4,1", mt.div),
    "fmod": ("f4,5 p5", mt.fmod),
    "remainder": ("f4,5 p5", mt.remainder),
    "pow": ("f4,5", lambda x: x**3),
    "pow tensors": ("p4,5 f5", mt.pow),
    "maximum": ("f4,5 f5", mt.maximum),
    "clamp": ("f4,5", lambda x: x.clamp(-1, 1)),
    "clamp tensors": ("f4,5 f5 p5", mt.clamp),
    "where": ("b4 f4 f4", mt.where),
    "lerp": ("f4,5 f4,5 f5", mt.lerp),
    "addcmul": ("f4,5 f4,5 f5", mt.addcmul),
    "dropout": ("x", lambda x: F.dropout(x, 0.5)),
    "checkpoint": ("f4,5 f5,3", lambda x, w: checkpoint(_two_steps, x, w, use_reentrant=False)),
    **{
        name: ("f4,5 p5", getattr(mt, name))
        for name in ("hypot", "copysign", "logaddexp", "xlogy", "atan2")
    },
    **{
        name: ("p4,5", lambda x, name=name: getattr(mt, name)(x / 10 + 0.1))
        for name in (
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "neg"),
            *("reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
            *("sigmoid", "erf", "erfc", "erfinv", "abs", "asinh", "square"),
        )
    },
    **{
        name: ("p4,5", getattr(mt.special, name))
        for name in ("gammaln", "digamma", "i0", "i0e", "i1", "i1e")
    },
    **{
        name: ("p4,5", getattr(mt.special, name))
        for name in (
            *("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "erfcx", "log_ndtr"),
            *("scaled_modified_bessel_k0", "scaled_modified_bessel_k1"),
        )
    },
    "igamma": ("p4,5", lambda x: mt.igamma(mt.full_like(x, 2.0), x)),
    "zeta": ("p4,5", lambda x: mt.special.zeta(mt.full_like(x, 3.0), x)),
    "frexp": ("p4,5", lambda x: mt.frexp(x).mantissa),
    "rfft and back": ("f4,6", lambda x: mt.fft.irfft(mt.fft.rfft(x))),
    "absolute of complex": ("f4,5", lambda x: mt.fft.fft(x).abs()),
    "complex product": ("f4,5 f4,5", lambda a, b: (mt.fft.fft(a) * mt.fft.fft(b)).real),
    "logit": ("p4,5", lambda x: mt.logit(x / 20)),
    "sinc": ("x", mt.sinc),
    "acosh": ("p4,5", lambda x: mt.acosh(x + 1.5)),
    "atanh": ("p4,5", lambda x: mt.atanh(x / 20)),
    # sums, shapes, matrices
    "sum": ("f4,5", lambda x: x.sum(1)),
    "mean": ("f4,5", lambda x: x.mean(0)),
    "max": ("f4,5", lambda x: x.max(1).values),
    "amax": ("f4,5", lambda x: x.amax(1)),
    "std": ("f4,5", lambda x: x.std(1)),
    "var": ("f4,5", lambda x: x.var(0)),
    "var_mean": ("f4,5", lambda x: mt.var_mean(x, 0)),
    "norm": ("f4,5", lambda x: x.norm(dim=1)),
    "prod": ("f4,5", lambda x: x.prod(1)),
    "logsumexp": ("f4,5", lambda x: x.logsumexp(1)),
    "cumsum": ("f4,5", lambda x: x.cumsum(1)),
    "cumprod": ("f4,5", lambda x: x.cumprod(1)),
    "logcumsumexp": ("f4,5", lambda x: x.logcumsumexp(1)),
    "cat": ("f4,5 f2,5", lambda a, b: mt.cat((a, b))),
    "stack": ("f4,5 f4,5", lambda a, b: mt.stack((a, b))),
    "reshape": ("f4,5", lambda x: x.reshape(10, 2)),
    "transposed": ("f4,5", lambda x: x.T.reshape(10, 2) * 2),
    "expand": ("f4,1", lambda x: x.expand(4, 5)),
    "repeat": ("f4,5", lambda x: x.repeat(2, 1)),
    "permute": ("x", lambda x: x.permute(0, 2, 3, 1).contiguous()),
    "flip": ("f4,5", lambda x: x.flip(1)),
    "roll": ("f4,5", lambda x: x.roll(1, 0)),
    "tril": ("f4,5", lambda x: x.tril()),
    "double": ("f4,5", lambda x: x.double()),
    "cholesky": ("f4,4", lambda x: mt.linalg.cholesky(x @ x.T + 4 * mt.eye(4))),
    "qr": ("f4,4", lambda x: mt.linalg.qr(x + 4 * mt.eye(4))[1]),
    "eigh": ("f4,4", lambda x: mt.linalg.eigh(x + x.T)[0]),
    "svd": ("f4,3", mt.linalg.svdvals),
    "pinv": ("f4,3", mt.linalg.pinv),
    "lu": ("f4,4", lambda x: mt.linalg.lu(x + 4 * mt.eye(4))[2]),
    "inv": ("f4,4", lambda x: mt.linalg.inv(x + 4 * mt.eye(4))),
    "solve": ("f4,4 f4,2", lambda a, b: mt.linalg.solve(a + 4 * mt.eye(4), b)),
    "det": ("f4,4", mt.linalg.det),
    "slogdet": ("f4,4", lambda x: mt.linalg.slogdet(x)[1]),
}


def _written(x: Any, place: Any, value: Any) -> Any:
    y = x * 2
    y[place] = value
    return y


def _copied_into(x: Any, value: Any) -> Any:
    y = x * 2
    y[:, 1].copy_(value)
    return y


def _two_steps(x: Any, w: Any) -> Any:
    return F.relu(x @ w) * 2


def make(rng: Any, kinds: str) -> list:
    """The inputs of an operation; see OPERATIONS. Some share their memory with a NumPy array; what
    is computed from the others may be put off."""
    inputs = []
    for kind in kinds.split():
        shape = tuple(map(int, kind[1:].split(","))) if kind != "x" else (2, 4, 6, 6)
        if kind[0] in "ib":
            values = rng.integers(0, 4 if kind[0] == "i" else 2, shape)
            values = values.astype(bool) if kind[0] == "b" else values
        else:
            values = rng.standard_normal(shape).astype(np.float32)
            values = abs(values) + 0.1 if kind[0] == "p" else values
        way = rng.integers(12)
        if way == 0:
            values = np.asfortranarray(values)
        elif way == 1:
            values = np.flip(np.flip(values).copy())  # negative steps
        elif way == 2:
            values = np.repeat(values, 2, axis=-1)[..., ::2]
        shared = rng.random() < 0.5 and mt.get_backend() == "numpy"
        tensor = mt.from_numpy(values) if shared else mt.tensor(values)
        inputs.append(tensor.requires_grad_(kind[0] not in "ib"))
    return inputs


OPTIMIZERS = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"]
OPTIMIZERS += ["LBFGS"]
ERRORS = RuntimeError, TypeError, ValueError, IndexError, NotImplementedError


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
    """Writes to the array, behind the version counter's back, what is no position anywhere."""
    array = tensor.detach()
    array = array.array if array.is_cuda else array.numpy()
    if array.size:
        value = rng.choice([10**12, -(10**12), -1, 5, 1, 2])
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


def gradients(operation: Any, inputs: list) -> list:
    """What backward gives if nobody is hostile."""
    inputs = [each.detach().clone().requires_grad_(each.requires_grad) for each in inputs]
    y = operation(*inputs)
    y = y[0] if isinstance(y, tuple) else y
    y.backward(mt.ones_like(y))
    return [each.grad for each in inputs]


def one_call(rng: Any) -> str:
    """Runs one hostile call; says what came of it.

    Backward reads what was saved: with another array in place of an input, and with other
    positions, its gradients stay what they were. Other numbers are taken as they are.
    """
    name = str(rng.choice(list(OPERATIONS)))
    kinds, operation = OPERATIONS[name]
    inputs = make(rng, kinds)
    known = None if name in ("dropout", "fractional") else gradients(operation, inputs)
    y = operation(*inputs)
    results = y if isinstance(y, tuple) else (y,)
    hostile = rng.choice([swap, swap, write_unseen, resize])
    victim = (*inputs, *results)[rng.integers(len(inputs) + len(results))]
    if hostile is write_unseen and victim.dtype is not mt.int64:
        known = None
    leaves = [each for each in inputs if each.requires_grad]
    try:
        hostile(rng, victim)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results[0].backward(mt.ones(*results[0].shape, dtype=results[0].dtype))
    except ERRORS:
        return "refused"
    for each in leaves:
        if each.grad is not None and each.grad.shape != each.shape:
            return f"wrong gradient: {name}"
    for each, right in zip(inputs, known or (), strict=bool(known)):
        there = each.grad is not None
        if there != (right is not None) or (
            there and not np.allclose(each.grad.cpu(), right.cpu(), 1e-3, 1e-3, equal_nan=True)
        ):
            return f"other values: {name}, {hostile.__name__} of input {victim is each}"
    return step(rng, leaves) if leaves and rng.random() < 0.5 else "done"


def step(rng: Any, leaves: list) -> str:
    """A step of any optimizer, with grads or states that were exchanged before it."""
    optimizer = getattr(mt.optim, str(rng.choice(OPTIMIZERS)))(leaves, lr=0.01)
    parameter = leaves[rng.integers(len(leaves))]
    kind = rng.integers(5)
    try:
        optimizer.step(lambda: 0.0)
        if kind == 0:
            swap(rng, parameter)
        elif kind == 1 and parameter.grad is not None:
            swap(rng, parameter.grad)
        elif kind == 2:
            parameter.grad = mt.ones(*other_shape(rng, parameter.shape))
        elif kind == 3:
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
        optimizer.step(lambda: 0.0)
    except ERRORS:
        return "refused"
    for each in leaves:
        shape: tuple = each.shape
        if type(optimizer) is mt.optim.LBFGS:  # all parameters, one after the other
            shape = (sum(parameter.numel() for parameter in leaves),)
        for other in optimizer.state[each].values() if each.grad is not None else ():
            if isinstance(other, mt.Tensor) and other.ndim and other.shape != shape:
                return f"a step with wrong shapes: {type(optimizer).__name__}, way {kind}"
    return "done"


def run_here(calls: int, seed: int) -> Counter:
    """`calls` hostile calls in this process."""
    rng = np.random.default_rng(seed)
    return Counter(one_call(rng) for _ in range(calls))


def run(calls: int, seed: int, backend: str = "numpy", together: int = 5000) -> Counter:
    """The same in processes of `together` calls each; those that end badly are counted."""
    found: Counter = Counter()
    for start in range(0, calls, together):
        count = min(together, calls - start)
        options = ["--here", f"--calls={count}", f"--seed={seed + start}", f"--backend={backend}"]
        command = [sys.executable, __file__, *options]
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


@pytest.mark.parametrize("tier", ["auto", "array"])
def test_positions_that_are_written_to_after_the_call_change_no_gradient(tier):
    """Other positions that are right too, so that no check of a range can notice."""
    tried = 0
    for name, (kinds, operation) in OPERATIONS.items():
        inputs = make(np.random.default_rng(0), kinds)
        positions = [each for each in inputs if each.dtype is mt.int64]
        if not positions:
            continue
        tried += 1
        with mt.kernel_tier(tier):
            known = gradients(operation, inputs)
            y = operation(*inputs)
            for each in positions:
                each.array[...] = (each.array + 1) % 4  # as through NumPy: nobody sees it
            y.backward(mt.ones_like(y))
        for each, right in zip(inputs, known, strict=True):
            if right is not None:
                np.testing.assert_allclose(each.grad.cpu(), right.cpu(), 1e-4, 1e-4, err_msg=name)
    assert tried == 28


def test_threads_that_swap_and_write_while_another_trains():
    """What they meet is refused or computed; when they are done all is as ever."""
    layer, x = mt.nn.Conv2d(4, 8, 3), mt.randn(4, 4, 12, 12, requires_grad=True)
    target, found, stop = np.zeros(4, np.int64), Counter(), threading.Event()
    optimizer = mt.optim.Adam(layer.parameters(), lr=1e-6)

    def make_right():
        layer.weight.data, layer.bias.data = mt.ones(8, 4, 3, 3), mt.ones(8)
        x.data, target[:] = mt.ones(4, 4, 12, 12), 1
        optimizer.state.clear()

    def be_hostile(seed):
        pick = random.Random(seed)
        while not stop.wait(1e-3):
            way = pick.randrange(10)
            if way == 0:
                layer.weight.data = mt.ones(pick.choice([3, 8, 100]), 4, 3, 3)
            elif way == 1:
                layer.bias.data = mt.ones(pick.choice([1, 8, 500]))
            elif way == 2:
                x.data = mt.ones(4, 4, pick.choice([5, 12, 40]), 12)
            elif way == 3:
                target[pick.randrange(4)] = pick.choice([10**12, -5])
            elif way == 4:
                for known in list(optimizer.state.values()):
                    known["exp_avg"] = mt.zeros(pick.choice([8, 288]))
            else:
                make_right()

    def train():
        optimizer.zero_grad()
        x.grad = None
        scores = F.max_pool2d(F.relu(layer(x)), 2).mean((2, 3))
        F.cross_entropy(scores, mt.from_numpy(target).to(x.device)).backward()
        optimizer.step()

    train()
    threads = [threading.Thread(target=be_hostile, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while min(found["done"], found["refused"]) < 50 and time.monotonic() < end:
        try:
            train()
            found["done"] += 1
        except (*ERRORS, KeyError):  # a state without its other names
            found["refused"] += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert min(found["done"], found["refused"]) == 50, found
    make_right()
    train()
    assert layer.weight.grad.shape == (8, 4, 3, 3) and x.grad.shape == x.shape


def test_nearly_all_operations_are_tried():
    """Backward of backward included."""
    tried = set()
    with mock.patch.object(state, "observer", lambda node, *_: tried.add(node._function)):
        for kinds, operation in OPERATIONS.values():
            inputs = make(np.random.default_rng(0), kinds)
            y = operation(*inputs)
            y = y[0] if isinstance(y, tuple) else y
            leaves = [each for each in inputs if each.requires_grad]
            ones = mt.ones_like(y).requires_grad_()
            found = mt.autograd.grad(y, leaves, ones, create_graph=True, allow_unused=True)
            again = [each.sum() for each in found if each is not None and each.requires_grad]
            if again:
                mt.autograd.grad(again, leaves, allow_unused=True)
    kinds, left = [Function], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("minitorch_cnn.ops") and kind not in tried:
            left.add(kind.__name__)
    without_gradient = {"Rint", "NextAfter", "WithoutGradient", "_WithoutGradient"}
    without_gradient |= {"FactorLDL", "SolveLDL"}
    samples = {"StandardGamma", "StandardDirichlet", "Slope"}  # other values at each call
    assert left == without_gradient | samples | {
        "BinaryWithOperands",
        "Cofactors",
        "Replace",
        "ToDevice",
    }


def test_hostile_calls_are_refused_or_give_gradients_of_the_right_shape():
    found = run(1500, seed=0)
    assert set(found) <= {"done", "refused"}, found
    assert sum(found.values()) == 1500
    assert min(found["done"], found["refused"]) > 150  # both kinds of answers were tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--here", action="store_true", help="in this process")
    args = parser.parse_args()
    if args.here:
        mt.set_backend(args.backend)
        found = run_here(args.calls, args.seed)
    else:
        found = run(args.calls, args.seed, args.backend)
    for what, number in sorted(found.items()):
        print(number, what)


if __name__ == "__main__":
    main()
