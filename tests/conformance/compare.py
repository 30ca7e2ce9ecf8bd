"""One sample run by both libraries, and the verdict."""

import math
import warnings
from typing import NamedTuple

import numpy as np
import samples as S
import torch

import minitorch_cnn as mt

# How far numbers may be apart, as a part of the largest number in the tensor (or of 1): outputs,
# gradients, gradients of gradients. The last bits of sums depend on the order of the summands.
TOLERANCE = {"float64": (1e-9, 1e-8, 1e-7), "float32": (3e-5, 3e-4, 3e-3), "float16": (2e-3, 0, 0)}

# An ordinary exception says what is wrong. Others (AttributeError, AssertionError, ...) are bugs.
ORDINARY = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)


class Verdict(NamedTuple):
    kind: str  # passed; unsupported, refused; wrong, crash, accepted; skipped
    text: str = ""

    @property
    def is_failure(self):
        return self.kind in ("wrong", "crash", "accepted")


class Different(Exception):
    """The two results differ."""


def verdict_of_good(function, form, sample, dtype, seed, check=None, has_gauge=False, loose=1):
    """Compares `function` (ours) with `form` (torch's) on a sample that torch accepts.

    check(ours, theirs, args, kwargs) replaces the comparison where results are random. has_gauge:
    results are only determined up to a sign or a rotation (singular vectors); torch's samples say
    what of them is unique. loose: by how much the numbers may be further apart than usual.
    """
    try:
        our_args, our_kwargs = S.ours(S.arguments(sample))
    except S.OutOfScope as reason:
        return Verdict("skipped", f"{reason} is out of scope")
    args, kwargs = S.copied(S.arguments(sample))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = form(*args, **kwargs)
        except Exception as error:  # torch cannot do it either: nothing to compare
            return Verdict("skipped", f"torch: {_first_line(error)}")
        if any(each.dtype.is_complex for each in S.tensors_in(theirs, torch)):
            return Verdict("skipped", "complex results are out of scope")
        try:
            mine = function(*our_args, **our_kwargs)
            if check is not None:
                check(mine, theirs, args, kwargs)
                return Verdict("passed")
            if not has_gauge:
                _compare(mine, theirs, "output", 0, loose)
            leaves = S.tensors_in([our_args, our_kwargs], mt)
            their_leaves = S.tensors_in([args, kwargs], torch)
            mine = sample.output_process_fn_grad(mine)
            theirs = sample.output_process_fn_grad(theirs)
            _compare(mine, theirs, "output", 0, loose)
            _compare_gradients(mine, theirs, leaves, their_leaves, dtype, seed, loose)
        except Different as difference:
            return Verdict("wrong", str(difference))
        except NotImplementedError as error:
            return Verdict("unsupported", _first_line(error))
        except ORDINARY as error:
            return Verdict("refused", f"{type(error).__name__}: {_first_line(error)}")
        except Exception as error:
            return Verdict("crash", f"{type(error).__name__}: {_first_line(error)}")
    return Verdict("passed")


def verdict_of_bad(function, form, sample):
    """What torch refuses, we must refuse."""
    try:
        our_args, our_kwargs = S.ours(S.arguments(sample))
    except S.OutOfScope as reason:
        return Verdict("skipped", f"{reason} is out of scope")
    args, kwargs = S.copied(S.arguments(sample))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            form(*args, **kwargs)
            return Verdict("skipped", "torch accepts it")
        except Exception as error:
            refusal = _first_line(error)
        try:
            function(*our_args, **our_kwargs)
        except ORDINARY as error:
            return Verdict("passed", _first_line(error))
        except Exception as error:
            return Verdict("crash", f"{type(error).__name__}: {_first_line(error)}")
    return Verdict("accepted", f"torch: {refusal}")


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


# ----------------------------------------------------------------------------------- comparison


def _compare(mine, theirs, what, order=0, loose=1):
    """Raises Different unless results of any kind are equal (nearly, for floating ones)."""
    if isinstance(theirs, torch.Tensor):
        if not isinstance(mine, mt.Tensor):
            raise Different(f"{what}: {type(mine).__name__} instead of a Tensor")
        kinds = [str(each.dtype).split(".")[-1] for each in (mine, theirs)]
        if kinds[0] != kinds[1]:
            raise Different(f"{what}: dtype {kinds[0]}, torch {kinds[1]}")
        if tuple(mine.shape) != tuple(theirs.shape):
            raise Different(f"{what}: shape {tuple(mine.shape)}, torch {tuple(theirs.shape)}")
        _compare_values(mine.detach().numpy(), theirs.numpy(force=True), what, order, loose)
    elif isinstance(theirs, torch.Size):
        if tuple(mine) != tuple(theirs):
            raise Different(f"{what}: {mine}, torch {theirs}")
    elif isinstance(theirs, list | tuple):
        if not isinstance(mine, list | tuple) or len(mine) != len(theirs):
            raise Different(f"{what}: {mine!r:.60}, torch has {len(theirs)} results")
        for index, (a, b) in enumerate(zip(mine, theirs)):
            _compare(a, b, f"{what} {index}", order)
    elif isinstance(theirs, float):
        if not (math.isclose(mine, theirs, rel_tol=1e-6) or (mine != mine and theirs != theirs)):
            raise Different(f"{what}: {mine!r}, torch {theirs!r}")
    elif isinstance(theirs, torch.dtype):
        if str(mine).split(".")[-1] != str(theirs).split(".")[-1]:
            raise Different(f"{what}: {mine}, torch {theirs}")
    elif mine != theirs:
        raise Different(f"{what}: {mine!r:.60}, torch {theirs!r:.60}")


def _compare_values(mine, theirs, what, order, loose):
    if theirs.dtype.kind != "f":
        same = mine == theirs
        if not same.all():
            raise Different(_where(what, mine, theirs, same))
        return
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    atol = TOLERANCE[theirs.dtype.name][order] * scale * loose
    close = np.isclose(mine.astype(np.float64), theirs.astype(np.float64), 0, atol, equal_nan=True)
    if order == 2:  # torch's second gradients are NaN at some kinks: no reference there
        close |= np.isnan(theirs)
    if not close.all():
        raise Different(_where(what, mine, theirs, close))


def _where(what, mine, theirs, close):
    index = tuple(int(i) for i in np.unravel_index(int(np.argmin(close)), close.shape))
    return (
        f"{what}: {(~close).sum()} of {close.size} elements differ, first at {index}: "
        f"{mine[index]!r}, torch {theirs[index]!r}"
    )


def _compare_gradients(mine, theirs, leaves, their_leaves, dtype, seed, loose):
    """Gradients for random cotangents; in float64 their gradients too."""
    outputs = _differentiable(S.tensors_in(theirs, torch))
    inputs = _differentiable(their_leaves)
    if not outputs or not inputs:
        return
    our_inputs = [a for a, b in zip(leaves, their_leaves, strict=True) if b.requires_grad]
    # Where torch has a gradient and we have none, zeros would be compared: an error all the same.
    pairs = zip(S.tensors_in(mine, mt), S.tensors_in(theirs, torch), strict=True)
    our_outputs = [a for a, b in pairs if b.requires_grad]

    us = _random(outputs, seed)
    our_us = [_as_ours(u) for u in us]
    try:
        first = torch.autograd.grad(outputs, inputs, us, create_graph=True, allow_unused=True)
    except RuntimeError:
        return  # torch has no gradient here
    kept = [i for i, each in enumerate(our_outputs) if each.requires_grad]
    our_first = (
        mt.autograd.grad(
            [our_outputs[i] for i in kept],
            our_inputs,
            [our_us[i] for i in kept],
            create_graph=True,
            allow_unused=True,
        )
        if kept
        else [None] * len(our_inputs)
    )
    _compare_all(our_first, first, "gradient", 1, loose)
    if dtype != "float64":
        return

    pairs = [(a, b) for a, b in zip(our_first, first) if b is not None and b.requires_grad]
    vs = _random([b for _, b in pairs], seed + 1)
    if not pairs:
        return
    try:
        second = torch.autograd.grad([b for _, b in pairs], [*inputs, *us], vs, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return  # torch has no second gradient here
    recorded = [(a, _as_ours(v)) for (a, _), v in zip(pairs, vs) if a is not None]
    recorded = [(a, v) for a, v in recorded if a.requires_grad]
    targets = [*our_inputs, *our_us]
    our_second = [None] * len(targets)
    if recorded:
        our_second = mt.autograd.grad(
            [a for a, _ in recorded], targets, [v for _, v in recorded], allow_unused=True
        )
    _compare_all(our_second, second, "second gradient", 2)


def _compare_all(mine, theirs, what, order, loose=1):
    """None (no gradient) counts as zeros."""
    for index, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        if a is None and b is None:
            continue
        a = mt.from_numpy(np.zeros_like(b.numpy(force=True))) if a is None else a
        b = torch.zeros(tuple(a.shape), dtype=_torch_dtype(a)) if b is None else b
        _compare(a, b, f"{what} {index}", order, loose)


def _torch_dtype(tensor):
    return getattr(torch, tensor.dtype.name)


def _differentiable(tensors):
    return [each for each in tensors if each.requires_grad]


def _random(tensors, seed):
    rng = np.random.default_rng(seed)
    return [
        torch.tensor(rng.standard_normal(tuple(each.shape)), dtype=each.dtype, requires_grad=True)
        for each in tensors
    ]


def _as_ours(tensor):
    return mt.from_numpy(tensor.detach().clone().numpy()).requires_grad_()
