"""Derivatives of a function: products of its Jacobian or Hessian with vectors, and both in full.

Everything here is made of `grad`. A Jacobian's row is the gradient of one output. A product J v
needs no other way than backward either: u -> J' u, the gradient, is linear in u, so that its own
gradient with respect to u, from v, is J v.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .engine import grad
from .modes import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

CONSTANT = "The output of the user-provided function is independent of input {}"
OF_INPUT = (
    "The jacobian of the user-provided function with respect to input {} is independent of it"
)
LINEAR = "The jacobian of the user-provided function is independent of input {}"
OF_THE_FUNCTION = "outputs of the user-provided function"


def _as_tuple(values: Any, what: str, function: str) -> tuple[tuple, bool]:
    """The tensors as a tuple, and whether they were one."""
    several = isinstance(values, tuple)
    each = tuple(values) if several else (values,)
    for value in each:
        if not isinstance(value, Tensor):
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but "
                f"the given {what} has type {type(value)}."
            )
    return each, several


def _leaves(inputs: tuple, create_graph: bool) -> tuple:
    """The inputs as new tensors to differentiate by, joined to the old ones with create_graph."""
    return tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
        for x in inputs
    )


def _call(func: Callable, inputs: tuple, function: str, strict: bool) -> tuple[tuple, bool]:
    outputs, several = _as_tuple(func(*inputs), OF_THE_FUNCTION, function)
    for index, y in enumerate(outputs):
        if strict and not y.requires_grad:
            raise RuntimeError(
                f"Output {index} of the user-provided function does not require gradients. The "
                "outputs must be computed in a differentiable manner from the input when running "
                "in strict mode."
            )
    return outputs, several


def _vectors(v: Any, like: tuple, function: str, which: str) -> tuple:
    """v as a tuple of tensors of the shapes of `like`; None is allowed for a single number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {which} a single Tensor with a single element."
            )
        return (like[0].new_ones(like[0].shape),)
    vectors, _ = _as_tuple(v, "v", function)
    if len(vectors) != len(like) == 1:
        raise RuntimeError(f"The given v should contain a single Tensor. It has {len(vectors)}.")
    if len(vectors) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got "
                           f"{len(vectors)}.")  # fmt: skip
    for vector, x in zip(vectors, like, strict=True):
        if vector.shape != x.shape:
            raise RuntimeError(f"v has invalid size: should be {x.shape} but got {vector.shape}.")
    return vectors


def _gradients(
    outputs: tuple, inputs: tuple, vectors: tuple | None, create_graph: bool, strict: str = "",
    checked: bool = False,
) -> tuple:  # fmt: skip
    """`grad`, with zeros where nothing depends on an input.

    strict: what must depend on input {}; checked: its slope must, too.
    """
    pairs = [
        (y, None if vectors is None else vectors[index])
        for index, y in enumerate(outputs)
        if y.requires_grad
    ]
    found: tuple = (None,) * len(inputs)
    if pairs:
        ys, vs = zip(*pairs, strict=True)
        found = grad(
            ys, inputs, vs, create_graph=create_graph, retain_graph=True, allow_unused=True
        )
    for index, g in enumerate(found):
        if strict and g is None:
            raise RuntimeError(f"{strict.format(index)}. This is not allowed in strict mode.")
        if strict and checked and g is not None and not g.requires_grad:
            raise RuntimeError(
                f"{LINEAR.format(index)}. This is not allowed in strict mode when "
                "create_graph=True."
            )
    return tuple(
        x.new_zeros(x.shape) if g is None else g for g, x in zip(found, inputs, strict=True)
    )


def _check_options(function: str, strict: bool, vectorize: bool, strategy: str) -> None:
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}'
        )
    if strict and vectorize:
        raise RuntimeError(
            f"{function}: `strict=True` and `vectorize=True` are not supported together. Please "
            "either set `strict=False` or `vectorize=False`."
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            f'{function}: strategy="forward-mode" is only supported if `vectorize=True`'
        )


def _done(values: tuple, several: bool, create_graph: bool) -> Any:
    """What goes back to the caller: without its graph, unless that was asked for."""
    values = values if create_graph else tuple(each.detach() for each in values)
    return values if several else values[0]


@enable_grad()
def vjp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v' J): the gradient of the outputs times v. inputs: one tensor or several.

    v: of the outputs' shapes; None for one number. create_graph: both can be differentiated.
    strict: RuntimeError where an output does not depend on an input, instead of zeros. Raises
    RuntimeError for a v of another shape, TypeError for what are no tensors.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0])
    >>> mt.autograd.functional.vjp(lambda x: x**2, x, mt.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    given, several = _as_tuple(inputs, "inputs", "vjp")
    xs = _leaves(given, create_graph)
    ys, many = _call(func, xs, "vjp", strict)
    vectors = _vectors(v, ys, "vjp", "the user-provided function returns")
    found = _gradients(ys, xs, vectors, create_graph, CONSTANT if strict else "", create_graph)
    return _done(ys, many, create_graph), _done(found, several, create_graph)


@enable_grad()
def jvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), J v): how the outputs change when the inputs go in direction v.

    v: of the inputs' shapes; else as `vjp`.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0])
    >>> mt.autograd.functional.jvp(lambda x: x.sum() * x, x, mt.tensor([1.0, 0.0]))
    (tensor([3., 6.]), tensor([4., 2.]))
    """
    given, _ = _as_tuple(inputs, "inputs", "jvp")
    xs = _leaves(given, create_graph)
    vectors = _vectors(v, xs, "jvp", "the input to the user-provided function is")
    ys, many = _call(func, xs, "jvp", strict)
    us = tuple(y.new_zeros(y.shape).requires_grad_() for y in ys)
    rows = _gradients(ys, xs, us, True, CONSTANT if strict else "")
    found = _gradients(rows, us, vectors, create_graph, LINEAR if strict else "", create_graph)
    return _done(ys, many, create_graph), _done(found, many, create_graph)


@enable_grad()
def jacobian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives: for an output of shape (...) and an input (L,), a tensor (..., L).

    For several inputs or outputs, which come as tuples, a tuple for each output with a tensor for
    each input. vectorize and strategy, "reverse-mode" or "forward-mode", say how torch computes
    it, and change nothing here. strict, create_graph and errors as `vjp`; RuntimeError for strict
    and vectorize together, NotImplementedError for "forward-mode" without vectorize, as in torch.

    >>> import minitorch_cnn as mt
    >>> mt.autograd.functional.jacobian(lambda x: x**2, mt.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from ..ops.join import stack  # ops is above autograd

    _check_options("jacobian", strict, vectorize, strategy)
    given, several = _as_tuple(inputs, "inputs", "jacobian")
    xs = _leaves(given, create_graph)
    ys, many = _call(func, xs, "jacobian", strict)
    result = []
    for index, y in enumerate(ys):
        blame = f"Output {index} of the user-provided function is independent of input {{}}"
        rows = [
            _gradients((element,), xs, None, create_graph, blame if strict else "", create_graph)
            for element in y.reshape(-1).unbind()
        ]
        columns = tuple(
            stack([row[i] for row in rows]).reshape(*y.shape, *x.shape)
            if rows
            else x.new_zeros((*y.shape, *x.shape))
            for i, x in enumerate(xs)
        )
        result.append(_done(columns, several, create_graph))
    return tuple(result) if many else result[0]


@enable_grad()
def hessian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function with one number as its value: (L,) gives (L, L).

    For several inputs, a tuple of tuples of tensors. Arguments and errors as `jacobian`; raises
    RuntimeError for a function of more than one element.

    >>> import minitorch_cnn as mt
    >>> mt.autograd.functional.hessian(lambda x: (x**3).sum(), mt.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    given, several = _as_tuple(inputs, "inputs", "hessian")

    _check_options("hessian", strict, vectorize, outer_jacobian_strategy)

    def gradient(*xs: Tensor) -> tuple:
        found = _gradient_of_a_number(func, xs, "hessian", strict, OF_INPUT)[1]
        for index, each in enumerate(found):
            if strict and not each.requires_grad:
                raise RuntimeError(f"{OF_INPUT.format(index)}. This is not allowed in strict mode.")
        return found

    rows = jacobian(gradient, given, create_graph, strict)
    return rows if several else rows[0][0]


def _gradient_of_a_number(
    func: Callable, xs: tuple, function: str, strict: bool, blame: str
) -> tuple[Tensor, tuple]:
    ys, many = _call(func, xs, function, strict)
    if many:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if ys[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {function} should contain a single "
            "element"
        )
    return ys[0], _gradients(ys, xs, None, True, blame if strict else "")


@enable_grad()
def vhp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), v' H), H the second derivatives. Errors as `hessian`; v as in `jvp`.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([1.0, 2.0])
    >>> mt.autograd.functional.vhp(lambda x: (x**3).sum(), x, mt.tensor([1.0, 10.0]))[1]
    tensor([  6., 120.])
    """
    return _second(func, inputs, v, create_graph, strict, "vhp")


@enable_grad()
def hvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), H v): the same numbers as `vhp`, as H is symmetric. Errors as there."""
    return _second(func, inputs, v, create_graph, strict, "hvp")


def _second(
    func: Callable, inputs: Any, v: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Any, Any]:
    given, several = _as_tuple(inputs, "inputs", name)
    xs = _leaves(given, create_graph)
    vectors = _vectors(v, xs, name, "the input to the user-provided function is")
    y, gradient = _gradient_of_a_number(func, xs, name, strict, CONSTANT)
    found = _gradients(gradient, xs, vectors, create_graph, OF_INPUT if strict else "")
    return _done((y,), False, create_graph), _done(found, several, create_graph)
