"""`out=`: results written into tensors that the caller gives, as torch's functions allow.

    mt.add(a, b, out=c)          c gets the values; it must have the shape, or be empty
    mt.sort(x, out=(v, i))       two results, two tensors

The functions themselves know nothing of it: `with_out` is put around each one on its way into the
public namespace (ops/__init__.py). The methods of Tensor have no `out=`, in torch neither.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..autograd.modes import state
from ..dtypes import as_dtype
from ..tensor import Tensor, shape_text
from .inplace import write
from .overlap import check_overlap

NAMES = """
    abs acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax any arange
    argmax argmin argsort asin asinh atan atan2 atanh baddbmm bernoulli bitwise_and
    bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor bmm bucketize cat
    ceil cholesky clamp clamp_max clamp_min column_stack concat concatenate copysign cos cosh
    cross cummax cummin cumprod cumsum deg2rad diag diff div dot dstack empty eq erf erfc erfinv
    exp exp2 expm1 eye float_power floor floor_divide fmax fmin fmod frac full gather gcd ge
    geqrf ger greater greater_equal gt heaviside histc hstack hypot index_add index_copy
    index_reduce
    index_select inner inverse isin isneginf isposinf kron kthvalue lcm ldexp le lerp less
    less_equal linspace log log10 log1p log2 log_softmax logaddexp logaddexp2 logcumsumexp
    logical_and logical_not logical_or logical_xor logit logspace logsumexp lt masked_select
    matmul matrix_power max maximum mean median min minimum mm mode msort mul multinomial
    multiply mv nan_to_num nanmean nanmedian nanquantile nansum ne neg negative nextafter
    nonzero norm normal not_equal ones outer pow prod qr quantile rad2deg rand range randint randn
    randperm reciprocal remainder renorm round rsqrt scatter scatter_add scatter_reduce
    searchsorted sgn sigmoid sign signbit sin sinc sinh slice_scatter softmax sort sqrt square
    stack std sub subtract sum take take_along_dim tan tanh tensordot topk tril triu true_divide
    trunc var vdot vstack where xlogy zeros
    alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy
    select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy
    unbind_copy unfold_copy unsqueeze_copy view_copy
    igamma igammac lu lu_solve lu_unpack nuclear_norm ormqr
"""

# torch does not look where out of these lies, and writes over what it has still to read. Here all
# is read first, so the result is right, and a program that does it goes on.
READ_FIRST = """
    alias_copy all amax amin aminmax any argmax argmin as_strided_copy bmm cholesky detach_copy diag
    diagonal_copy diff dot expand_copy histc inner inverse kthvalue log_softmax logsumexp matmul
    matrix_power max mean median min mm mode mv nanmean nanmedian nanquantile nansum narrow_copy
    norm nuclear_norm permute_copy prod qr quantile select_copy slice_copy slice_scatter softmax
    sort split_copy split_with_sizes_copy squeeze_copy std sum t_copy tensordot topk transpose_copy
    tril triu unbind_copy unfold_copy unsqueeze_copy var vdot view_copy
"""

# These make something of nothing: in out's own dtype and on its device.
NEW = "arange empty eye full linspace logspace ones rand randint randn randperm range zeros"

# torch demands of these that out has the very dtype of the result,
EXACT = [
    "abs", "amax", "amin", "aminmax", "argmax", "argmin", "bitwise_not", "ceil", "diag", "floor",
    "frac", "gather", "msort", "multinomial", "nan_to_num", "neg", "negative", "nonzero", "round",
    "sgn", "sign", "trunc",
]  # fmt: skip
# of these the same, in other words; of the indices, too,
EXACT_RUNNING = ["cummax", "cummin", "logcumsumexp"]
# of these if they give values and indices,
EXACT_PAIRS = ["max", "min", "mode"]
# and of these bools, or uint8.
TRUTH = ("all", "any")


def with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a keyword `out`: a tensor, or a tuple of them, to write the result into.

    Raises RuntimeError where a gradient would be lost, and where shape or dtype do not fit.

    >>> import minitorch_cnn as mt
    >>> y = mt.empty(2)
    >>> mt.add(mt.tensor([1.0, 2.0]), 1, out=y) is y, y
    (True, tensor([2., 3.]))
    """

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return function(*args, **kwargs)
        if function.__name__ in NEW.split() and isinstance(out, Tensor):
            kind = kwargs.get("dtype") or out.dtype
            if as_dtype(kind) is not out.dtype:
                raise RuntimeError(
                    f"{function.__name__}(): dtype {kind} does not match dtype of out parameter "
                    f"({out.dtype})"
                )
            kwargs.update(dtype=kind, device=out.device)
            wanted = kwargs.pop("requires_grad", False)
            return write_out(function.__name__, function(*args, **kwargs), out).requires_grad_(
                wanted or out.requires_grad
            )
        if isinstance(out, Tensor) and function.__name__ not in READ_FIRST.split():
            check_overlap(out, (*args, *kwargs.values()), function.__name__)
        return write_out(function.__name__, function(*args, **kwargs), out)

    return call


def write_out(name: str, result: Any, out: Any) -> Any:
    """Writes a result, or a tuple of them, into the given tensors and returns these."""
    if isinstance(result, Tensor):
        out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
        return _write_one(name, result, out, name in EXACT)
    if name == "nonzero":
        raise RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
    if not isinstance(out, list | tuple) or len(out) != len(result):
        raise TypeError(f"{name}(): out must be a tuple of {len(result)} tensors, got {out!r:.60}")
    exact = name in EXACT + EXACT_PAIRS
    written = [_write_one(name, r, target, exact) for r, target in zip(result, out, strict=True)]
    return type(result)(*written) if hasattr(result, "_fields") else tuple(written)


def _write_one(name: str, result: Tensor, out: Any, exact: bool) -> Tensor:
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if state.grad_enabled and (result.requires_grad or out.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad. Call it under mt.no_grad()."
        )
    if (exact or name in EXACT_RUNNING) and out.dtype is not result.dtype:
        kind, other = (
            str(each.type()).rpartition(".")[2].removesuffix("Tensor") for each in (result, out)
        )
        if name in EXACT_RUNNING:
            raise RuntimeError(f"{name}(): expected scalar_type {kind} but found {other}")
        raise RuntimeError(
            f"{name}(): Expected out tensor to have dtype {result.dtype} (scalar type {kind}), but "
            f"got {out.dtype}"
        )
    if name in TRUTH and out.dtype.name not in ("bool", "uint8"):
        raise RuntimeError(f"{name} only supports bool tensor for result, got: {out.dtype}")
    steps = name in ("arange", "linspace", "logspace", "range")
    if steps and out.numel() == result.numel():
        result = result.reshape(out.shape)  # as many numbers fill a tensor of any shape
    if out.shape != result.shape:
        if out.numel():
            warnings.warn(
                f"The number of elements in the out tensor of shape {shape_text(out.shape)} is "
                f"{out.numel()} which does not match the computed number of elements "
                f"{result.numel()}. The out tensor will be resized to {shape_text(result.shape)}."
                if steps
                else "An output with one or more elements was resized since it had shape "
                f"{shape_text(out.shape)}, which does not match the required output shape "
                f"{shape_text(result.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements.",
                stacklevel=4,
            )
        if out._view is not None:
            out.resize_(result.shape)
        else:
            out.data = out.new_empty(result.shape)
    return write(out, result.detach())


def add_out(namespace: dict[str, Any], names: str = NAMES) -> None:
    """Gives the functions of a namespace that are listed their `out=`."""
    for name in names.split():
        namespace[name] = with_out(namespace[name])
