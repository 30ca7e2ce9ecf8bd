"""Functions in, functions out: torch.func, as far as backward alone can do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import random
from .autograd.engine import grad as _gradients
from .autograd.modes import enable_grad
from .missing import refuse_missing as _refuse_missing
from .nn.modules.module import Module
from .nn.utils.stateless import call_with
from .ops.creation import zeros, zeros_like
from .ops.join import stack
from .tensor import Tensor
from .utils._pytree import (
    TreeSpec,
    _broadcast_to_and_flatten,
    tree_flatten,
    tree_leaves,
    tree_structure,
)

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "stack_module_state",
    "vjp",
    "vmap",
]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other tensors in the place of its parameters and buffers.

    parameter_and_buffer_dicts: tensors by dotted name, or several such dicts. args: a tuple, or
    one argument. strict: names must match exactly. The module is as before afterwards. Raises
    ValueError for a name that is in two dicts, RuntimeError for names that do not match.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Linear(1, 1)
    >>> values = {"weight": mt.tensor([[2.0]]), "bias": mt.tensor([1.0])}
    >>> mt.func.functional_call(layer, values, mt.tensor([[5.0]]))
    tensor([[11.]])
    """
    dicts = parameter_and_buffer_dicts
    if isinstance(dicts, dict):
        dicts = [dicts]
    if not isinstance(dicts, list | tuple) or not all(isinstance(each, dict) for each in dicts):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    values: dict[str, Tensor] = {}
    for each in dicts:
        twice = sorted(values.keys() & each.keys())
        if twice:
            raise ValueError(
                f"{twice} appeared in multiple dictionaries; behavior of functional call is "
                "ambiguous"
            )
        values.update(each)
    return call_with(module, values, args, kwargs, tie_weights, strict)


def _flat(tree: Any) -> list[Tensor]:
    """What is in nested tuples, lists and dicts, which must be tensors."""
    found = tree_leaves(tree)
    for leaf in found:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")
    return found


def _like(tree: Any, leaves: Iterable[Any]) -> Any:
    """The same nesting with other leaves."""
    return tree_structure(tree).unflatten(leaves)


def _map(function: Callable, tree: Any) -> Any:
    return _like(tree, map(function, _flat(tree)))


def _chosen(argnums: int | tuple[int, ...], args: tuple) -> Any:
    for number in argnums if isinstance(argnums, tuple) else (argnums,):
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"Got argnum={number}, but only {len(args)} positional inputs")
    return tuple(args[i] for i in argnums) if isinstance(argnums, tuple) else args[argnums]


def _replaced(argnums: int | tuple[int, ...], args: tuple, values: Any) -> tuple:
    new = list(args)
    if isinstance(argnums, tuple):
        for number, value in zip(argnums, values, strict=True):
            new[number] = value
    else:
        new[argnums] = values
    return tuple(new)


class _Inputs:
    """The tensors to differentiate by: new ones, joined to those that are being differentiated."""

    def __init__(self, tree: Any) -> None:
        given = _flat(tree)
        self.outer = any(x.requires_grad for x in given)  # somebody may go on from the result
        self.leaves = [
            x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in given
        ]
        self.tree = _like(tree, iter(self.leaves))

    def gradients(self, outputs: list, vectors: list | None = None) -> list:
        pairs = [
            (y, None if vectors is None else vectors[i])
            for i, y in enumerate(outputs)
            if y.requires_grad
        ]
        found: Any = [None] * len(self.leaves)
        if pairs:
            ys, vs = zip(*pairs, strict=True)
            found = _gradients(
                ys, self.leaves, vs, retain_graph=True, create_graph=self.outer, allow_unused=True
            )
        pairs_found = zip(found, self.leaves, strict=True)
        return [zeros_like(x) if g is None else g for g, x in pairs_found]

    def finished(self, tree: Any) -> Any:
        """A result, without its graph if nobody can go on from it."""
        return tree if self.outer else _map(lambda y: y.detach(), tree)


def grad_and_value(
    func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable:
    """A function like func that returns (gradient, value). func's value is a 0-d tensor.

    argnums: by which arguments; they may be nested dicts, lists and tuples of tensors. has_aux:
    func returns (value, anything), and the result is (gradient, (value, anything)). Calling it
    raises RuntimeError for a value that is no number.

    >>> import minitorch_cnn as mt
    >>> mt.func.grad_and_value(lambda x: (x**2).sum())(mt.tensor([1.0, 2.0]))
    (tensor([2., 4.]), tensor(5.))
    """

    @enable_grad()
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        inputs = _Inputs(_chosen(argnums, args))
        value = func(*_replaced(argnums, args, inputs.tree), **kwargs)
        value, aux = value if has_aux else (value, None)
        who = "grad_and_value(f)(*args): Expected f(*args) to return a"
        if not isinstance(value, Tensor):
            raise RuntimeError(f"{who} Tensor, got {type(value)}")
        if value.ndim:
            raise RuntimeError(
                f"{who} scalar Tensor, got tensor with {value.ndim} dims. Maybe you wanted to use "
                "the vjp or jacrev APIs instead?"
            )
        found = _like(inputs.tree, iter(inputs.gradients([value])))
        value = inputs.finished(value)
        return inputs.finished(found), (value, inputs.finished(aux)) if has_aux else value

    return wrapped


def grad(func: Callable, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable:
    """A function like func that returns its gradient. Arguments and errors as `grad_and_value`.

    >>> import minitorch_cnn as mt
    >>> mt.func.grad(mt.func.grad(lambda x: x**3))(mt.tensor(2.0))
    tensor(12.)
    """

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapped


@enable_grad()
def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), a function of v that returns v' J as a tuple). has_aux: as `grad`.

    >>> import minitorch_cnn as mt
    >>> y, pull = mt.func.vjp(lambda x: x**2, mt.tensor([1.0, 2.0]))
    >>> y, pull(mt.tensor([1.0, 10.0]))
    (tensor([1., 4.]), (tensor([ 2., 40.]),))
    """
    inputs = _Inputs(primals)
    result = func(*inputs.tree)
    y, aux = result if has_aux else (result, None)

    def pull(*cotangents: Any) -> Any:
        vectors = _flat(cotangents[0] if len(cotangents) == 1 else cotangents)
        found = inputs.gradients(_flat(y), vectors)
        return inputs.finished(_like(primals, iter(found)))

    if has_aux:
        return inputs.finished(y), pull, inputs.finished(aux)
    return inputs.finished(y), pull


@enable_grad()
def jvp(
    func: Callable, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """(func(*primals), J v), v the tangents, of the shapes of primals, both tuples.

    Raises RuntimeError if they are none, or tangents has another shape. strict is ignored.

    >>> import minitorch_cnn as mt
    >>> x, v = mt.tensor([1.0, 2.0]), mt.tensor([1.0, 0.0])
    >>> mt.func.jvp(lambda x: x.sum() * x, (x,), (v,))
    (tensor([3., 6.]), tensor([4., 2.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp: Expected primals and tangents to be tuples")
    inputs, vectors = _Inputs(primals), _flat(tangents)
    if [x.shape for x in inputs.leaves] != [v.shape for v in vectors]:
        raise RuntimeError("jvp: Expected primals and tangents to have the same shapes")
    result = func(*inputs.tree)
    y, aux = result if has_aux else (result, None)
    us = [zeros_like(each).requires_grad_() for each in _flat(y)]
    outer, inputs.outer = inputs.outer, True  # the rows are differentiated once more, by us
    rows = inputs.gradients(_flat(y), us)
    inputs.outer = outer
    found: Any = [None] * len(us)
    if any(row.requires_grad for row in rows):
        pairs = [(row, v) for row, v in zip(rows, vectors, strict=True) if row.requires_grad]
        chosen, along = zip(*pairs, strict=True)
        found = _gradients(chosen, us, along, create_graph=outer, allow_unused=True)
    found = [zeros_like(u) if g is None else g for g, u in zip(found, us, strict=True)]
    moved = inputs.finished(_like(y, iter(found)))
    return (inputs.finished(y), moved, aux) if has_aux else (inputs.finished(y), moved)


def jacrev(
    func: Callable,
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable:
    """A function like func that returns all derivatives: (...) by (L,) gives (..., L).

    With several outputs or arguments, nested as they are: outputs first. chunk_size is ignored.
    Arguments and errors as `grad_and_value`.

    >>> import minitorch_cnn as mt
    >>> mt.func.jacrev(lambda x: x**2)(mt.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @enable_grad()
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        inputs = _Inputs(_chosen(argnums, args))
        result = func(*_replaced(argnums, args, inputs.tree), **kwargs)
        y, aux = result if has_aux else (result, None)

        def derivatives(output: Tensor) -> Any:
            rows = [inputs.gradients([each]) for each in output.reshape(-1).unbind()]
            columns = [
                stack([row[i] for row in rows]).reshape(*output.shape, *x.shape)
                if rows
                else zeros(*output.shape, *x.shape, dtype=x.dtype, device=x.device)
                for i, x in enumerate(inputs.leaves)
            ]
            return inputs.finished(_like(inputs.tree, iter(columns)))

        found = _map(derivatives, y)
        return (found, inputs.finished(aux)) if has_aux else found

    return wrapped


def jacfwd(
    func: Callable,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable:
    """The same as `jacrev`: it goes backward all the same. randomness is ignored.

    >>> import minitorch_cnn as mt
    >>> mt.func.jacfwd(mt.sin)(mt.tensor(0.0))
    tensor(1.)
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable, argnums: int | tuple[int, ...] = 0) -> Callable:
    """A function like func that returns all second derivatives. Arguments and errors as `jacrev`.

    >>> import minitorch_cnn as mt
    >>> mt.func.hessian(lambda x: (x**3).sum())(mt.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


def vmap(
    func: Callable,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable:
    """A function like func for many inputs at once: func of one of them after the other.

    in_dims: the dimension of each argument along which the inputs lie, None for one that all
    share; a tuple, nested as the arguments are, or one for all. Keyword arguments are shared.
    out_dims: where they lie in the results, None for a result that is the same for all.
    randomness: "error" if func must not draw random numbers, "same" if each draws the same ones,
    or "different". Right as torch's, but no faster than a loop; chunk_size, 1 or more, changes
    nothing.

    Calling it raises ValueError for inputs of different numbers, for dims that do not fit the
    arguments or results, and for results that are no tensors; RuntimeError for randomness, and
    for writing into what all inputs share.

    >>> import minitorch_cnn as mt
    >>> gradient = mt.func.grad(lambda w, x: (w * x).sum() ** 2)
    >>> mt.func.vmap(gradient, in_dims=(None, 0))(mt.ones(2), mt.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[ 6., 12.],
            [42., 56.]])
    """
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = tree_flatten(args)
        dims, count = _mapped(name, in_dims, leaves, spec)
        pairs = list(zip(leaves, dims, strict=True))
        shared = [leaf for leaf, dim in pairs if dim is None] + tree_leaves(kwargs)
        versions = [(leaf, leaf._version) for leaf in shared if isinstance(leaf, Tensor)]
        before, results = random.get_rng_state(), []
        for i in range(max(count, 1)):
            if randomness == "same":
                random.set_rng_state(before)
            one = [leaf if dim is None else _select(leaf, dim, i) for leaf, dim in pairs]
            results.append(func(*spec.unflatten(one), **kwargs))
            if any(leaf._version != version for leaf, version in versions):
                raise RuntimeError(
                    f"vmap: inplace arithmetic is not possible on an argument of {name} that all "
                    "inputs share: use an operation without the underscore"
                )
        if randomness == "error" and not random.get_rng_state().equal(before):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
        return _joined(name, results, out_dims, count)

    return wrapped


def _mapped(name: str, in_dims: Any, leaves: list, spec: TreeSpec) -> tuple[list, int]:
    """The dim of each leaf of the arguments, and how many inputs lie along them."""
    who = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, int | tuple):
        raise ValueError(
            f"{who}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not leaves:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    dims = _broadcast_to_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{who}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {tree_structure(in_dims)} but inputs has structure {spec}."
        )
    for leaf, dim in zip(leaves, dims, strict=True):
        if not isinstance(dim, int | None):
            raise ValueError(
                f"{who}: Got in_dim={dim} for an input but in_dim must be either an integer "
                "dimension or None."
            )
        if dim is not None and not isinstance(leaf, Tensor):
            raise ValueError(
                f"{who}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
                "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        if dim is not None and not -leaf.ndim <= dim < leaf.ndim:
            raise ValueError(
                f"{who}: Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {leaf.ndim} so expected in_dim to satisfy "
                f"-{leaf.ndim} <= in_dim < {leaf.ndim}."
            )
    sizes = [leaf.shape[dim] for leaf, dim in zip(leaves, dims, strict=True) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return dims, sizes[0]


def _select(leaf: Tensor, dim: int, i: int) -> Tensor:
    """The i-th input; of none, zeros, which show what func gives."""
    if leaf.shape[dim]:
        return leaf.select(dim, i)
    return leaf.new_zeros(leaf.movedim(dim, 0).shape[1:])


def _joined(name: str, results: list, out_dims: Any, count: int) -> Any:
    """The results of all inputs as one, each tensor of them with a new dimension."""
    who = f"vmap({name}, ..., out_dims={out_dims})"
    if not all(isinstance(each, int | None) for each in tree_leaves(out_dims)):
        raise ValueError(
            f"{who}: `out_dims` must be an int, None or a python collection of ints representing "
            "where in the outputs the vmapped dimension should appear."
        )
    spec = tree_structure(results[0])
    if spec.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
        out_dims = out_dims[0]
    dims = _broadcast_to_and_flatten(out_dims, spec)
    if dims is None:
        raise ValueError(
            f"{who}(<inputs>): out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {tree_structure(out_dims)} but outputs has structure {spec}."
        )
    joined = []
    for column, dim in zip(zip(*map(tree_leaves, results), strict=True), dims, strict=True):
        first = column[0]
        if dim is not None and not isinstance(first, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(first)}. "
                "Did you mean to set out_dims= to None for output?"
            )
        if dim is None and isinstance(first, Tensor) and not all(map(first.equal, column)):
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        if dim is None:
            joined.append(first)
        else:
            joined.append(stack(column, dim).narrow(dim, 0, count))
    return spec.unflatten(joined)


def stack_module_state(
    models: Sequence[Module],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of modules of one kind, each name's tensors stacked in front.

    For `vmap` over `functional_call`. The parameters are new leaves. Raises RuntimeError for no
    modules, for modules of different classes, and if some are in training and others are not.

    >>> import minitorch_cnn as mt
    >>> parameters, buffers = mt.func.stack_module_state([mt.nn.Linear(3, 2) for _ in range(5)])
    >>> {name: tuple(each.shape) for name, each in parameters.items()}
    {'weight': (5, 2, 3), 'bias': (5, 2)}
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({each.training for each in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    kinds = {type(each).__name__ for each in models}
    if len({type(each) for each in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to be of the same class, got "
            f"{', '.join(sorted(kinds))}"
        )

    def joined(dicts: list[dict[str, Any]]) -> dict[str, Tensor]:
        return {
            key: stack([each[key] for each in dicts]).detach().requires_grad_(first.requires_grad)
            for key, first in dicts[0].items()
        }

    return (
        joined([dict(each.named_parameters()) for each in models]),
        joined([dict(each.named_buffers()) for each in models]),
    )


_refuse_missing(globals())
