"""Are the gradients right? A comparison with finite differences, in a random direction.

For y = f(x) with Jacobian J, backward computes u J for a cotangent u (what the gradient of the
loss with respect to y would be), and central differences approximate J v for a direction v:

    J v  ~  (f(x + eps v) - f(x - eps v)) / (2 eps)

So both know the number u J v, by different ways. u and v must be random: with u all ones, wrong
gradients of softmax or batch norm pass, because their true gradient is then 0. One random pair
finds an error with certainty but for bad luck of measure zero, at the cost of two evaluations;
only when it has found one, the element to blame is looked for, one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend, dtypes
from ..tensor import Tensor, wrap
from .engine import grad
from .modes import enable_grad


class GradcheckError(RuntimeError):
    """The gradient of a function does not agree with its values (raised by `gradcheck`)."""


# torch's other options: checks that are not here, and those that gradients here pass by nature.
ABSENT = (
    "check_forward_ad", "check_batched_forward_grad", "check_fwd_over_rev",
    "gen_non_contig_grad_outputs", "masked",
)  # fmt: skip
# (A batch of gradients goes backward one by one, in the way that is checked anyway.)
OTHERS = (
    "check_undefined_grad", "check_grad_dtypes", "check_backward_ad", "check_rev_over_rev",
    "check_batched_grad",
)  # fmt: skip


def _check_options(function: str, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in ABSENT + OTHERS:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
        if name in ABSENT and value:
            raise NotImplementedError(
                f"{function}: {name}={value!r} is not supported: gradients go backward"
            )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = True,
    **options: Any,
) -> bool:
    """Compares the gradients of func(*inputs) with central differences of its values.

    inputs: tensors and other values; those tensors that require a gradient are checked, and must
    be float64 (TypeError otherwise). func may return one tensor or several, those without a
    gradient are left alone. It must be smooth within eps of the inputs: move away from kinks.
    eps: the step of the differences; atol, rtol: agreement is |a - n| <= atol + rtol |n|;
    nondet_tol: how much two backward passes may differ; fast_mode: False checks every element
    of the Jacobian instead of one random direction. options: torch's others. What they would check
    besides (forward mode, masks) is not here: True raises NotImplementedError.

    Returns True, or raises `GradcheckError` that names the input, the index and both numbers
    (returns False if raise_exception is false).

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.autograd.gradcheck import gradcheck
    >>> x = mt.rand(3, dtype=mt.float64, requires_grad=True)
    >>> gradcheck(mt.sin, (x,))
    True
    """
    _check_options("gradcheck", options)
    arguments = _as_list(inputs)
    checked = _checked_positions(arguments)
    problem = _first_problem(func, arguments, checked, eps, atol, rtol, nondet_tol, fast_mode)
    if problem is None:
        return True
    if raise_exception:
        raise GradcheckError(problem)
    return False


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = True,
    **options: Any,
) -> bool:
    """`gradcheck` of backward itself: are the gradients of the gradients right?

    Checks the function (inputs, grad_outputs) -> gradients. grad_outputs: what backward starts
    from, checked themselves if they require a gradient; random if None.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.autograd.gradcheck import gradgradcheck
    >>> x = mt.rand(3, dtype=mt.float64, requires_grad=True)
    >>> gradgradcheck(mt.exp, (x,))
    True
    """
    _check_options("gradgradcheck", options)
    arguments = _as_list(inputs)
    checked = _checked_positions(arguments)
    rng = np.random.default_rng(21)
    with enable_grad():
        outputs = _differentiable(func(*arguments))
    if grad_outputs is None:
        cotangents = [_random_like(each, rng).requires_grad_() for each in outputs]
    else:
        cotangents = _as_list(grad_outputs)

    def backward_of_func(*values: Any) -> tuple[Tensor | None, ...]:
        leaves, gys = list(values[: len(arguments)]), values[len(arguments) :]
        targets = [leaves[position] for position in checked]
        with enable_grad():
            # Numerical differences pass plain numbers, which must be followed here all the same.
            targets = [t if t.requires_grad else t.detach().requires_grad_() for t in targets]
            for position, target in zip(checked, targets, strict=True):
                leaves[position] = target
            ys = _differentiable(func(*leaves))
            return grad(ys, targets, gys, create_graph=True, materialize_grads=True)

    every_argument = (*arguments, *cotangents)
    return gradcheck(
        backward_of_func, every_argument, eps, atol, rtol, raise_exception, nondet_tol, fast_mode
    )


def _as_list(values: Any) -> list[Any]:
    return [values] if isinstance(values, Tensor) else list(values)


def _checked_positions(arguments: list[Any]) -> list[int]:
    """Where the inputs that require a gradient stand."""
    positions = []
    for position, value in enumerate(arguments):
        if not isinstance(value, Tensor) or not value.requires_grad:
            continue
        if value.dtype is not dtypes.float64:
            warnings.warn(
                f"Input #{position} of shape {list(value.shape)} requires gradient and is not a "
                f"double precision floating point, but {value.dtype}. This check will likely fail: "
                "make it with dtype=mt.float64.",
                stacklevel=3,
            )
        positions.append(position)
    if not positions:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the "
            "them have requires_grad=True."
        )
    return positions


def _differentiable(result: Any) -> list[Tensor]:
    """The outputs that have a gradient."""
    return [each for each in _as_list(result) if _has_gradient(each)]


def _has_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _random(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random signs and sizes from 0.5 to 1.5: no element is weighted so little that it hides."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def _random_like(tensor: Tensor, rng: np.random.Generator) -> Tensor:
    values = _random(tensor.array.shape, rng).astype(tensor.array.dtype)
    return wrap(backend.to_device(values, tensor.device))


def _is_writable(array: Any) -> bool:
    """Whether each element has memory of its own, which may be written."""
    steps = zip(array.shape, array.strides, strict=True)
    shared = any(stride == 0 and length > 1 for length, stride in steps)
    return not shared and getattr(array.flags, "writeable", True)


class _Problem:
    """func at the given arguments: its values nearby, and its gradients by backward."""

    def __init__(self, func: Callable[..., Any], arguments: list[Any], checked: list[int]) -> None:
        self.func, self.arguments, self.checked = func, arguments, checked
        with enable_grad():
            every = _as_list(func(*arguments))
        # Compare what has a gradient; if nothing has, what could have one.
        self.positions = [i for i, y in enumerate(every) if _has_gradient(y)]
        self.outputs = [every[i] for i in self.positions]
        if not self.outputs:
            self.positions = [
                i
                for i, y in enumerate(every)
                if isinstance(y, Tensor) and y.dtype.is_floating_point
            ]

    def gradients(self, cotangents: list[Tensor]) -> list[np.ndarray]:
        """u J for each checked input."""
        inputs = [self.arguments[position] for position in self.checked]
        found = grad(self.outputs, inputs, cotangents, retain_graph=True, materialize_grads=True)
        return [backend.to_numpy(each.array) for each in found if each is not None]

    def outputs_at(self, which: int, shift: np.ndarray) -> list[np.ndarray]:
        """The outputs with `shift` added to one checked input.

        The input itself is changed, and changed back: func may find it elsewhere, too, as a module
        does its parameters.
        """
        arguments, position = list(self.arguments), self.checked[which]
        x = self.arguments[position]
        before = x.array.copy()
        moved = wrap(before + backend.to_device(np.asarray(shift), x.device))
        in_place = _is_writable(x.array)
        if in_place:
            x.data.copy_(moved)
        else:
            arguments[position] = moved
        try:
            with enable_grad():  # func may register hooks on what it computes
                every = _as_list(self.func(*arguments))
            found = [every[i] for i in self.positions]
            for what in ("shape", "dtype"):
                of = [[getattr(y, what) for y in ys] for ys in (self.outputs or found, found)]
                if of[0] != of[1]:
                    raise AssertionError(
                        f"gradcheck expects func to return outputs with the same {what} when "
                        f"inputs are perturbed up to eps, but got {of[0]} and {of[1]}"
                    )
            return [np.array(backend.to_numpy(y.array)) for y in found]
        finally:
            if in_place:
                x.data.copy_(wrap(before))

    def slopes(self, which: int, v: np.ndarray, eps: float) -> list[np.ndarray]:
        """J v by central differences, for each output."""
        ahead, behind = self.outputs_at(which, eps * v), self.outputs_at(which, -eps * v)
        return [(a - b) / (2 * eps) for a, b in zip(ahead, behind, strict=True)]

    def wrong(
        self, which: int, weights: list[np.ndarray], eps: float, atol: float, rtol: float
    ) -> int:
        """The number of the first output whose gradient of that input does not agree."""
        shape = self.arguments[self.checked[which]].array.shape
        for number in range(len(self.outputs)):
            alone = [w if i == number else w * 0 for i, w in enumerate(weights)]
            gys = [
                wrap(backend.to_device(w, y.device))
                for w, y in zip(alone, self.outputs, strict=True)
            ]
            gap = np.abs(
                self.gradients(gys)[which] - _numerical_gradient(self, alone, which, shape, eps)
            )
            if not (gap <= atol + rtol * np.abs(self.gradients(gys)[which])).all():
                return number
        return 0

    def slope(self, which: int, v: np.ndarray, weights: list[np.ndarray], eps: float) -> float:
        """u J v by central differences."""
        slopes = self.slopes(which, v, eps)
        return sum(float(np.sum(u * s)) for u, s in zip(weights, slopes, strict=True))


def _first_problem(
    func: Callable[..., Any],
    arguments: list[Any],
    checked: list[int],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    fast_mode: bool,
) -> str | None:
    """What is wrong, in words, or None."""
    rng = np.random.default_rng(20)  # of its own: checking does not disturb mt.manual_seed
    problem = _Problem(func, arguments, checked)
    if not problem.outputs:
        return _changes_without_gradient(problem, rng, eps, atol)
    cotangents = [_random_like(each, rng) for each in problem.outputs]
    weights = [backend.to_numpy(each.array) for each in cotangents]
    analytic = problem.gradients(cotangents)
    again = problem.gradients(cotangents)

    for which, position in enumerate(checked):
        gradient = analytic[which]
        gap = float(np.max(np.abs(gradient - again[which]), initial=0))
        if gap > nondet_tol:
            return (
                f"Backward is not reentrant: two passes give gradients of input {position} that "
                f"differ by {gap:.3g}, more than nondet_tol={nondet_tol}"
            )
        if fast_mode:
            # Along one input at a time, so that a large gradient does not hide a small one.
            v = _random(gradient.shape, rng)
            numbers = float(np.sum(gradient * v)), problem.slope(which, v, weights, eps)
            # The errors of many elements add up as the steps of a random walk do.
            allowed = atol * max(gradient.size, 1) ** 0.5 + rtol * abs(numbers[1])
            if abs(numbers[0] - numbers[1]) <= allowed:
                continue
        numerical = _numerical_gradient(problem, weights, which, gradient.shape, eps)
        gap_of_each = np.abs(gradient - numerical)
        agrees = gap_of_each <= atol + rtol * np.abs(numerical)
        if fast_mode or not agrees.all():
            worst = np.where(np.isnan(gap_of_each), np.inf, gap_of_each).argmax()
            index = tuple(int(i) for i in np.unravel_index(worst, gradient.shape))
            return (
                f"Jacobian mismatch for output {problem.wrong(which, weights, eps, atol, rtol)} "
                f"with respect to input {position} of {getattr(func, '__name__', 'func')}, shape "
                f"{list(gradient.shape)}, worst at index {index}:\n"
                f"  analytic  (backward):    {gradient[index]:.10g}\n"
                f"  numerical (differences): {numerical[index]:.10g}\n"
                "Both are weighted by a random cotangent. If the function has a kink (as relu at "
                f"0) within eps={eps} of the input, move the input away from it."
            )
    return None


def _changes_without_gradient(
    problem: _Problem, rng: np.random.Generator, eps: float, atol: float
) -> str | None:
    """For a function without differentiable outputs: they must not depend on the inputs."""
    for which, position in enumerate(problem.checked):
        v = _random(problem.arguments[position].array.shape, rng)
        for slope in problem.slopes(which, v, eps):
            if np.abs(slope).max(initial=0) > atol:
                return (
                    f"Numerical gradient for function expected to be zero: no output of "
                    f"{getattr(problem.func, '__name__', 'func')} requires a gradient, but its "
                    f"values change with input {position}, by {np.abs(slope).max():.6g} (a detach?)"
                )
    return None


def _numerical_gradient(
    problem: _Problem, weights: list[np.ndarray], which: int, shape: tuple[int, ...], eps: float
) -> np.ndarray:
    """u J for one input by differences, one element after the other."""
    numerical = np.zeros(shape)
    for index in np.ndindex(*shape):
        v = np.zeros(shape)
        v[index] = 1
        numerical[index] = problem.slope(which, v, weights, eps)
    return numerical


def _warn_of_old(name: str, grad_out: float) -> None:
    warnings.warn(
        f"`{name}` was part of PyTorch's private API and not meant to be exposed. "
        "autograd.functional.jacobian gives whole Jacobians.",
        FutureWarning,
        stacklevel=3,
    )
    if grad_out != 1.0:
        raise ValueError(f"Expected grad_out to be 1.0: {name} does not support {grad_out}")


def get_numerical_jacobian(
    fn: Callable[..., Any],
    inputs: Any,
    target: Any = None,
    eps: float = 1e-3,
    grad_out: float = 1.0,
) -> tuple[Tensor, ...]:
    """The Jacobian of the first output of fn(inputs) by central differences: torch's older name.

    For each tensor of target (None: of inputs) that requires a gradient a matrix (elements of the
    tensor, elements of the output). Warns; raises ValueError for another grad_out.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.autograd.gradcheck import get_numerical_jacobian
    >>> x = mt.ones(2, dtype=mt.float64, requires_grad=True)
    >>> get_numerical_jacobian(lambda inputs: inputs[0] * 3, (x,))[0].round().tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    _warn_of_old("get_numerical_jacobian", grad_out)

    def moved(x: Tensor, index: tuple, step: float) -> np.ndarray:
        before = x.data[index].clone()
        x.data[index] = before + step
        try:
            return np.array(backend.to_numpy(_as_list(fn(inputs))[0].array)).ravel()
        finally:
            x.data[index] = before

    jacobians = []
    for x in filter(_has_gradient, _as_list(inputs if target is None else target)):
        rows = [
            (moved(x, index, eps) - moved(x, index, -eps)) / (2 * eps)
            for index in np.ndindex(*x.shape)
        ]
        jacobians.append(wrap(backend.to_device(np.array(rows), x.device)))
    return tuple(jacobians)


def get_analytical_jacobian(
    inputs: Any, output: Tensor, nondet_tol: float = 0.0, grad_out: float = 1.0
) -> tuple[tuple[Tensor, ...], bool, bool, bool]:
    """(Jacobians by backward, whether two passes agree, True, True): torch's older name.

    For each tensor of inputs that requires a gradient a matrix (elements of the tensor, elements of
    the output). The last two are said of shapes and dtypes, which a backward here cannot get wrong.
    Warns; raises ValueError for another grad_out.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.autograd.gradcheck import get_analytical_jacobian
    >>> x = mt.ones(2, dtype=mt.float64, requires_grad=True)
    >>> get_analytical_jacobian((x,), x * 3)[0][0].tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    _warn_of_old("get_analytical_jacobian", grad_out)
    leaves = [each for each in _as_list(inputs) if _has_gradient(each)]
    twice: list[list[np.ndarray]] = []
    for _ in range(2):
        found = [np.zeros((x.numel(), output.numel())) for x in leaves]
        for column, index in enumerate(np.ndindex(*output.shape)):
            gy = output.new_zeros(output.shape)
            gy[index] = 1
            gradients = grad(output, leaves, gy, retain_graph=True, materialize_grads=True)
            for jacobian, gradient in zip(found, gradients, strict=True):
                jacobian[:, column] = backend.to_numpy(gradient.array).ravel()  # type: ignore[union-attr]
        twice.append(found)
    agree = all(np.allclose(a, b, rtol=0, atol=nondet_tol) for a, b in zip(*twice, strict=True))
    jacobians = [
        wrap(backend.to_device(each.astype(x.array.dtype), x.device))
        for each, x in zip(twice[0], leaves, strict=True)
    ]
    return tuple(jacobians), agree, True, True
