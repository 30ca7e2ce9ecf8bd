"""Makes the functions of ops/ methods and operators of Tensor.

`x.sum(0)` is `sum(x, 0)`: a function whose first argument is a tensor is a method as it stands.
So every function in ops/__init__.py is a method if its first argument is a tensor, by its name, but
for those listed here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ..tensor import Tensor
from . import (
    arithmetic,
    compare,
    copy,
    creation,
    division,
    elementwise,
    indexing,
    inplace,
    products,
    shape,
)
from .arguments import HOT, checked
from .breadth import (
    creation_strided,
    other_matrices,
    other_names,
    pointwise_unary,
    random_sampling,
    shape_in_place,
    tensor_attributes,
    tensor_elements,
    tensor_memory,
)
from .common import is_number
from .overloads import accept

TENSOR = ("input", "A", "tensor")  # what a first argument is called that is a tensor

# torch has these as functions only.
FUNCTIONS_ONLY = """alias_copy as_strided_copy bucketize combinations constant_pad_nd detach_copy
    diagonal_copy empty_like expand_copy fill full_like gradient histogramdd lobpcg matrix_rank
    nuclear_norm ones_like pca_lowrank permute_copy poisson rand_like randint_like randn_like rsub
    select_copy selu slice_copy split_copy split_with_sizes_copy squeeze_copy std_mean svd_lowrank
    t_copy threshold transpose_copy unbind_copy unfold_copy unsqueeze_copy var_mean view_as_complex
    view_as_real view_copy zeros_like"""

# And these as methods only.
METHODS_ONLY: dict[ModuleType, str] = {
    copy: "contiguous to cpu cuda type_as pin_memory is_pinned",
    creation_strided: "new_empty_strided",
    creation: "new_tensor new_full new_zeros new_ones new_empty",
    indexing: "unfold",
    inplace: "copy_ fill_ zero_",
    other_matrices: "sum_to_size",
    other_names: "dim_order is_distributed polygamma to_dense",
    random_sampling: """uniform_ normal_ bernoulli_ random_ exponential_ cauchy_ log_normal_
        geometric_""",
    shape: "view view_as reshape_as expand expand_as repeat",
    shape_in_place: """unsqueeze_ squeeze_ t_ transpose_ swapaxes_ swapdims_ as_strided_ resize_
        resize_as_ set_""",
    tensor_elements: "apply_ map_ map2_ fill_diagonal_",
    tensor_memory: """storage storage_type untyped_storage storage_offset share_memory_ is_shared
        is_set_to new""",
}

# The methods with an underscore: the same operation, written over the tensor itself.
IN_PLACE = """
    abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr arccos arccosh arcsin
    arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh baddbmm bitwise_and
    bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp
    clamp_max clamp_min clip copysign cos cosh cumprod cumsum deg2rad digamma div divide eq
    erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmod frac gcd ge greater
    greater_equal gt heaviside hypot i0 igamma igammac
    index_add index_copy index_fill index_put index_reduce lcm
    ldexp le lerp less less_equal lgamma log log10 log1p log2 logical_and logical_not logical_or
    logical_xor logit lt masked_fill masked_scatter mul multiply nan_to_num ne neg negative
    nextafter not_equal pow put rad2deg reciprocal remainder renorm round rsqrt scatter
    scatter_add scatter_reduce sgn sigmoid sign sin sinc sinh sqrt square sub subtract tan tanh
    tril triu true_divide trunc xlogy
"""

# Of those, torch has these as functions too: mt.exp_(x).
IN_PLACE_FUNCTIONS = """
    abs acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil clamp
    clamp_max clamp_min clip cos cosh deg2rad digamma erf erfc exp exp2 expm1 fill fix floor frac
    gcd i0 index_put lcm ldexp lgamma log log10 log1p log2 logit nan_to_num neg negative rad2deg
    reciprocal round rsqrt sigmoid sin sinc sinh sqrt square tan tanh trunc xlogy zero detach
"""


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
    "truediv": division.div,
    "floordiv": division.floor_divide,
    "mod": division.remainder,
    "pow": arithmetic.pow,
    "matmul": products.matmul,
    "and": compare.bitwise_and,
    "or": compare.bitwise_or,
    "xor": compare.bitwise_xor,
    "lshift": compare.bitwise_left_shift,
    "rshift": compare.bitwise_right_shift,
}
COMPARISONS = "eq ne lt le gt ge"


def bind(namespace: dict[str, Any]) -> None:
    """Sets the methods and operators on Tensor; namespace: the functions at the top, by name."""
    for name, value in namespace.items():
        if _takes_tensor(value) and name not in FUNCTIONS_ONLY.split():
            setattr(Tensor, name, inspect.unwrap(value) if name in HOT else value)
    for module, names in METHODS_ONLY.items():
        for name in names.split():
            function = accept(checked(getattr(module, name), module.__name__))
            setattr(Tensor, name, function)
    for name in IN_PLACE.split():
        function = namespace[name]
        function = inspect.unwrap(function) if name in HOT else function
        setattr(Tensor, name + "_", inplace.make_inplace(function))
    for name, function in copy.CONVERSIONS.items():
        setattr(Tensor, name, function)

    for name, value in tensor_attributes.ATTRIBUTES.items():
        setattr(Tensor, name, value)
    for name, getter in tensor_attributes.PROPERTIES.items():
        setattr(Tensor, name, property(getter))

    for name, function in OPERATORS.items():
        setattr(Tensor, f"__{name}__", _operator(function))
        setattr(Tensor, f"__r{name}__", _operator(function, reflected=True))
        if name != "matmul":  # a product has a shape of its own: `x @= y` is `x = x @ y`
            setattr(Tensor, f"__i{name}__", _operator(inplace.make_inplace(function)))
    for name in COMPARISONS.split():
        setattr(Tensor, f"__{name}__", _operator(getattr(compare, name)))

    operators: tuple[tuple[str, Any], ...] = (
        ("__neg__", arithmetic.neg),
        ("__pos__", pointwise_unary.positive),
        ("__array_wrap__", _of_ufunc),
        ("__abs__", elementwise.abs),
        ("__invert__", compare.bitwise_not),
        ("__contains__", _contains),
        ("__delitem__", _not_deleted),
        ("__reversed__", _reversed),
        ("__getitem__", indexing.getitem),
        ("__setitem__", inplace.setitem),
        ("T", property(shape.T)),
        ("mT", property(shape.mT)),
        ("where", _where),
    )
    for name, function in operators:
        setattr(Tensor, name, function)


def in_place_functions(namespace: dict[str, Any]) -> list[str]:
    """Puts the in-place methods that are functions too into a public namespace; their names."""
    names = [name + "_" for name in IN_PLACE_FUNCTIONS.split()]
    for name in names:
        namespace[name] = getattr(Tensor, name)
    return names


def _takes_tensor(value: Any) -> bool:
    """True for a function whose first argument is a tensor."""
    code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    return code is not None and code.co_varnames[0] in TENSOR


def _of_ufunc(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    """What NumPy's own functions give: `np.sqrt(x)` is a tensor. As in torch, bools are uint8."""
    return creation.from_numpy(np.asarray(array, np.uint8 if array.dtype == bool else array.dtype))


def _contains(self: Tensor, value: Any) -> bool:
    """Whether an element equals the value."""
    if not (isinstance(value, Tensor) or is_number(value)):
        raise RuntimeError(
            "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
            f"{type(value)}."
        )
    return bool((self == value).any())


def _not_deleted(self: Tensor, index: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


def _reversed(self: Tensor) -> Tensor:
    """What Python's reversed gives: the tensor with its first dimension the other way round."""
    return self.flip(0) if self.ndim else self


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where the condition holds, other elsewhere."""
    return arithmetic.where(condition, self, other)
