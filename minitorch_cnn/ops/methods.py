"""Makes the functions of ops/ methods and operators of Tensor.

`x.sum(0)` is `sum(x, 0)`: a function whose first argument is a tensor is a method as it stands.
The tables below say which names become methods; importing this module binds them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..tensor import Tensor
from . import (
    activation,
    arithmetic,
    compare,
    copy,
    creation,
    elementwise,
    exponentials,
    indexing,
    inplace,
    join,
    positions,
    products,
    random,
    reduce,
    shape,
)
from .breadth import (
    comparison,
    indexing_mutating,
    indexing_scatter,
    inverse,
    linalg_decompositions,
    linalg_matrix_functions,
    other_blocks,
    other_cumulative,
    other_rearrange,
    other_statistics,
    other_vectors,
    pointwise,
    running,
)
from .common import is_number

METHODS: dict[ModuleType, str] = {
    arithmetic: """add sub mul div pow neg maximum minimum clamp lerp addcmul addcdiv atan2
        floor ceil trunc round frac floor_divide remainder fmod""",
    elementwise: """exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos
        atan sinh cosh tanh sigmoid erf abs sign square""",
    inverse: """acosh asinh atanh erfc erfinv logit sinc deg2rad rad2deg positive sgn signbit
        isreal""",
    pointwise: """hypot copysign fmax fmin float_power logaddexp logaddexp2 xlogy ldexp heaviside
        nextafter gcd lcm clamp_min clamp_max""",
    activation: "relu relu_ prelu",
    compare: """eq ne lt le gt ge not_equal less less_equal greater greater_equal logical_and
        logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not
        bitwise_left_shift bitwise_right_shift isnan isinf isposinf isneginf isfinite nan_to_num
        isclose allclose equal is_same_size is_nonzero""",
    reduce: """sum nansum mean var std norm amax amin aminmax argmax argmin max min median all any
        count_nonzero""",
    other_cumulative: "prod cumsum cumprod",
    exponentials: "softmax log_softmax logsumexp",
    shape: """reshape view view_as reshape_as flatten ravel unflatten squeeze unsqueeze permute
        transpose swapaxes swapdims t movedim moveaxis expand expand_as broadcast_to repeat tile""",
    other_rearrange: "flip fliplr flipud roll",
    indexing: """select narrow diagonal diag unfold nonzero argwhere index_select index_add""",
    positions: """gather scatter scatter_add take take_along_dim masked_fill masked_select
        index_put""",
    join: "split split_with_sizes chunk tensor_split unbind repeat_interleave",
    other_blocks: """hsplit vsplit dsplit diag_embed diagflat kron rot90 sum_to_size""",
    indexing_mutating: """index_fill index_copy masked_scatter put select_scatter slice_scatter
        diagonal_scatter as_strided""",
    indexing_scatter: "scatter_reduce index_reduce",
    running: "cummax cummin logcumsumexp diff",
    other_statistics: """nanmean nanmedian kthvalue mode quantile nanquantile histc cov corrcoef""",
    linalg_decompositions: "cholesky det slogdet logdet qr",
    linalg_matrix_functions: "matrix_power",
    products: "matmul mm bmm mv dot outer addmm addmv baddbmm trace",
    other_vectors: "cross dist renorm inner vdot addr addbmm",
    comparison: "sort argsort msort topk unique unique_consecutive bincount",
    creation: "new_tensor new_full new_zeros new_ones new_empty tril triu",
    random: """uniform_ normal_ bernoulli bernoulli_ random_ exponential_ multinomial cauchy_
        log_normal_ geometric_""",
    copy: "clone contiguous to cpu cuda type_as pin_memory is_pinned",
    inplace: "copy_ fill_ zero_",
}

# These would give a tensor, and every view of it, another shape after the fact.
REFUSED = """squeeze_ unsqueeze_ t_ transpose_ swapaxes_ swapdims_ as_strided_ resize_ resize_as_
    set_"""

# The methods with an underscore: the same operation, written over the tensor itself.
IN_PLACE: dict[ModuleType, str] = {
    arithmetic: """add sub mul div pow neg clamp lerp addcmul addcdiv atan2 floor ceil trunc round
        frac floor_divide remainder fmod""",
    elementwise: """exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos
        atan sinh cosh tanh sigmoid erf abs sign square""",
    inverse: "acosh asinh atanh erfc erfinv logit sinc deg2rad rad2deg sgn",
    pointwise: """hypot copysign float_power xlogy ldexp heaviside nextafter gcd lcm clamp_min
        clamp_max""",
    compare: """eq ne lt le gt ge not_equal less less_equal greater greater_equal logical_and
        logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not
        bitwise_left_shift bitwise_right_shift nan_to_num""",
    indexing: "index_add",
    positions: "scatter scatter_add masked_fill index_put",
    indexing_mutating: "index_fill index_copy masked_scatter put",
    indexing_scatter: "scatter_reduce index_reduce",
    creation: "tril triu",
    other_cumulative: "cumsum cumprod",
    products: "addmm addmv baddbmm",
    other_vectors: "addr addbmm renorm",
}

ALIASES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "absolute": "abs",
    "clip": "clamp",
    "fix": "trunc",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
}


def _operator(function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    """The function as a binary operator, which leaves operands of unknown kinds to Python."""

    def operator(self: Tensor, other: Any) -> Any:
        if not (isinstance(other, Tensor) or is_number(other) or hasattr(other, "__array__")):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return operator


OPERATORS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "sub": arithmetic.sub,
    "mul": arithmetic.mul,
    "truediv": arithmetic.div,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.remainder,
    "pow": arithmetic.pow,
    "matmul": products.matmul,
    "and": compare.bitwise_and,
    "or": compare.bitwise_or,
    "xor": compare.bitwise_xor,
    "lshift": compare.bitwise_left_shift,
    "rshift": compare.bitwise_right_shift,
}
COMPARISONS = "eq ne lt le gt ge"


def bind() -> None:
    """Sets the methods and operators on Tensor."""
    for module, names in METHODS.items():
        for name in names.split():
            setattr(Tensor, name, getattr(module, name))
    for module, names in IN_PLACE.items():
        for name in names.split():
            setattr(Tensor, name + "_", inplace.make_inplace(getattr(module, name)))
    for alias, name in ALIASES.items():
        setattr(Tensor, alias, getattr(Tensor, name))
        setattr(Tensor, alias + "_", getattr(Tensor, name + "_"))
    for name, function in copy.CONVERSIONS.items():
        setattr(Tensor, name, function)

    for name in REFUSED.split():
        setattr(Tensor, name, _refused(name))

    for name, function in OPERATORS.items():
        setattr(Tensor, f"__{name}__", _operator(function))
        setattr(Tensor, f"__r{name}__", _operator(function, reflected=True))
        if name != "matmul":  # a product has a shape of its own: `x @= y` is `x = x @ y`
            setattr(Tensor, f"__i{name}__", _operator(inplace.make_inplace(function)))
    for name in COMPARISONS.split():
        setattr(Tensor, f"__{name}__", _operator(getattr(compare, name)))

    for name, function in (
        ("__neg__", arithmetic.neg),
        ("__abs__", elementwise.abs),
        ("__invert__", compare.bitwise_not),
        ("__getitem__", indexing.getitem),
        ("__setitem__", inplace.setitem),
        ("ger", products.outer),
        ("inverse", linalg_decompositions.inv),
        ("pinverse", linalg_matrix_functions.pinv),
        ("T", property(shape.T)),
        ("mT", property(shape.mT)),
        ("where", _where),
    ):
        setattr(Tensor, name, function)


def _refused(name: str) -> Callable[..., Any]:
    """A method that torch has and we refuse, with what to write instead."""
    plain = name.removesuffix("_")

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"{name}: a tensor's own shape cannot be changed in place; use what x.{plain}(...) "
            "returns"
        )

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Not supported: raises NotImplementedError. Use ``x = x.{plain}(...)``."
    return method


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where the condition holds, other elsewhere."""
    return arithmetic.where(condition, self, other)


bind()
