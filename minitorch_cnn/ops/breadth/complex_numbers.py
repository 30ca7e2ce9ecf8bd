"""Complex numbers, as results on the way: of Fourier transforms, to absolute values and back.

A complex tensor is a real one with a last axis of two, the real and the imaginary part, and so all
its gradients are those of real numbers: dL/dRe + i dL/dIm, as in torch. What can be done with it is
listed here; it is no Tensor, and everything else refuses it.

>>> import minitorch_cnn as mt
>>> z = mt.complex(mt.tensor([3.0]), mt.tensor([4.0], requires_grad=True))
>>> z.abs(), (z * z).real
(tensor([5.], grad_fn=<AbsoluteBackward0>), tensor([-7.], grad_fn=<SelectBackward0>))
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import dtypes
from ...autograd.function import Function
from ...backend import array_module
from ...missing import MissingName
from ...tensor import Size, Tensor, wrap
from ..arithmetic import where
from ..join import cat, stack
from ..overloads import Pairs
from .pointwise_binary import atan2

__all__ = [
    "angle", "complex", "conj", "imag", "is_complex", "polar", "real", "view_as_complex",
    "view_as_real",
]  # fmt: skip


def as_complex_array(pairs: Any) -> Any:
    """An array (...,) of complex numbers that shares the memory of one (..., 2), or of a copy."""
    kind = np.complex128 if pairs.dtype == np.float64 else np.complex64
    return array_module(pairs).ascontiguousarray(pairs).view(kind)[..., 0]


def as_pairs(array: Any) -> Any:
    """An array (..., 2) of real numbers out of one (...,) of complex ones."""
    kind = np.float64 if array.dtype == np.complex128 else np.float32
    return array_module(array).ascontiguousarray(array)[..., None].view(kind)


class Absolute(Function):
    """y = |z|; gz = gy z / |z|, and 0 at 0"""

    @staticmethod
    def forward(ctx: Any, pairs: Tensor) -> Tensor:
        xp = array_module(pairs.array)
        y = wrap(xp.hypot(pairs.array[..., 0], pairs.array[..., 1]))
        ctx.save_for_backward(pairs, y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        pairs, y = ctx.saved_tensors
        size = y.unsqueeze(-1)
        return gy.unsqueeze(-1) * where(size == 0, 0.0, pairs / where(size == 0, 1.0, size))


class Product(Function):
    """y = a b of complex numbers; ga = gy conj(b)"""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return wrap(as_pairs(as_complex_array(a.array) * as_complex_array(b.array)))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        a, b = ctx.saved_tensors
        return Product.apply(gy, _conjugated(b)), Product.apply(gy, _conjugated(a))


def _conjugated(pairs: Tensor) -> Tensor:
    return stack([pairs[..., 0], -pairs[..., 1]], -1)


class ComplexTensor(Pairs):
    """Complex numbers of a shape (...,): ``pairs`` is the real tensor (..., 2) behind them.

    Made by `mt.complex`, `mt.polar`, `mt.view_as_complex` and `mt.fft`. Arithmetic (+ - * /) with
    others, tensors and numbers; real, imag, abs, angle, conj; views and copies of another shape,
    sum, mean; assignment to parts. Everything else raises NotImplementedError.
    """

    __slots__ = ("pairs",)
    __array_ufunc__ = None  # numpy_array * z asks z

    def __init__(self, pairs: Tensor) -> None:
        self.pairs = pairs

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingName(
            f"{name} of complex tensors is not supported: take z.real, z.imag, z.abs() or "
            "mt.view_as_real(z), which are real tensors"
        )

    def of_function(self, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """mt.name(*args): the method of that name, or `cat`, `stack`, or arithmetic."""
        if name in ("cat", "stack"):
            return stacked(name, *args, **kwargs)
        if args[0] is self:
            return getattr(self, name)(*args[1:], **kwargs)
        turned = {"add": "__radd__", "sub": "__rsub__", "mul": "__rmul__", "div": "__rtruediv__"}
        if name in turned and args[1] is self and not kwargs:
            return getattr(self, turned[name])(args[0])
        raise NotImplementedError(f"{name} of complex tensors is not supported: use z.real, z.imag")

    # ------------------------------------------------------------------------ what it looks like

    @property
    def shape(self) -> Size:
        return self.pairs.shape[:-1]

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        return self.shape if dim is None else self.shape[dim]

    @property
    def ndim(self) -> int:
        return self.pairs.ndim - 1

    def dim(self) -> int:
        return self.ndim

    def numel(self) -> int:
        return self.shape.numel()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def dtype(self) -> dtypes.NamedType:
        return dtypes.complex128 if self.pairs.dtype is dtypes.float64 else dtypes.complex64

    @property
    def device(self) -> Any:
        return self.pairs.device

    @property
    def requires_grad(self) -> bool:
        return self.pairs.requires_grad

    @property
    def grad_fn(self) -> Any:
        return self.pairs.grad_fn

    def is_complex(self) -> bool:
        return True

    def is_floating_point(self) -> bool:
        return False

    def numpy(self) -> Any:
        """A NumPy array of complex numbers; raises as `Tensor.numpy` does."""
        return as_complex_array(self.pairs.numpy())

    def tolist(self) -> Any:
        return as_complex_array(self.pairs.detach().cpu().array).tolist()

    def item(self) -> Any:
        """The single number."""
        real, imag = self.real.item(), self.imag.item()
        return real + 1j * imag

    def __repr__(self) -> str:
        from ...formatting import format_tensor  # only needed when somebody looks

        parts = format_tensor(self.real.detach()), format_tensor(self.imag.detach())
        return f"complex(real={parts[0]}, imag={parts[1]})"

    # ------------------------------------------------------------------------ parts and polar form

    @property
    def real(self) -> Tensor:
        return self.pairs[..., 0]

    @property
    def imag(self) -> Tensor:
        return self.pairs[..., 1]

    def abs(self) -> Tensor:
        """The absolute values; their gradient is 0 at 0."""
        return Absolute.apply(self.pairs)

    __abs__ = absolute = abs

    def angle(self) -> Tensor:
        """The angles to the real axis, from -pi to pi."""
        return atan2(self.imag, self.real)

    def conj(self) -> ComplexTensor:
        """With the other sign of the imaginary part."""
        return ComplexTensor(_conjugated(self.pairs))

    conj_physical = conj

    def resolve_conj(self) -> ComplexTensor:
        return self

    def is_conj(self) -> bool:
        return False

    # ------------------------------------------------------------------------ the same, elsewhere

    def _like(self, pairs: Tensor) -> ComplexTensor:
        return ComplexTensor(pairs)

    def detach(self) -> ComplexTensor:
        return self._like(self.pairs.detach())

    def clone(self) -> ComplexTensor:
        return self._like(self.pairs.clone())

    def contiguous(self) -> ComplexTensor:
        return self._like(self.pairs.contiguous())

    def cpu(self) -> ComplexTensor:
        return self._like(self.pairs.cpu())

    def cuda(self, device: Any = None) -> ComplexTensor:
        return self._like(self.pairs.cuda(device))

    def to(self, target: Any) -> ComplexTensor:
        """Another device, or mt.complex64, mt.complex128."""
        kinds = {dtypes.complex64: dtypes.float32, dtypes.complex128: dtypes.float64}
        if isinstance(target, dtypes.dtype):
            raise NotImplementedError(f"complex to {target} is not supported: take z.real")
        return self._like(self.pairs.to(kinds.get(target, target)))

    # ------------------------------------------------------------------------ another shape

    def _dims(self, dims: Any) -> Any:
        """Dimensions counted from the front, for there is one more at the end of the pairs."""
        if isinstance(dims, tuple | list):
            return tuple(self._dims(each) for each in dims)
        if not -self.ndim <= dims < self.ndim:
            raise IndexError(f"dimension {dims} of a complex tensor with {self.ndim} dimensions")
        return dims % self.ndim

    def reshape(self, *shape: Any) -> ComplexTensor:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self._like(self.pairs.reshape(*_whole(sizes, self.numel()), 2))

    view = reshape

    def expand(self, *shape: Any) -> ComplexTensor:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self._like(self.pairs.expand(*sizes, 2))

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> ComplexTensor:
        start, end = self._dims((start_dim, end_dim))
        return self._like(self.pairs.flatten(start, end))

    def permute(self, *dims: Any) -> ComplexTensor:
        given = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
        return self._like(self.pairs.permute(*self._dims(given), self.ndim))

    def transpose(self, dim0: int, dim1: int) -> ComplexTensor:
        return self._like(self.pairs.transpose(*self._dims((dim0, dim1))))

    def unsqueeze(self, dim: int) -> ComplexTensor:
        return self._like(self.pairs.unsqueeze(dim % (self.ndim + 1)))

    def squeeze(self, dim: int) -> ComplexTensor:
        return self._like(self.pairs.squeeze(self._dims(dim)))

    def flip(self, *dims: Any) -> ComplexTensor:
        given = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
        return self._like(self.pairs.flip(self._dims(given)))

    def roll(self, shifts: Any, dims: Any) -> ComplexTensor:
        return self._like(self.pairs.roll(shifts, self._dims(dims)))

    def sum(self, dim: Any = None, keepdim: bool = False) -> ComplexTensor:
        dims = tuple(range(self.ndim)) if dim is None else self._dims(dim)
        return self._like(self.pairs.sum(dims, keepdim=keepdim) if dims != () else self.pairs)

    def mean(self, dim: Any = None, keepdim: bool = False) -> ComplexTensor:
        total = self.sum(dim, keepdim)
        return total / (self.numel() / total.numel())

    def __getitem__(self, index: Any) -> ComplexTensor:
        return self._like(self.pairs[self._index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.pairs[self._index(index)] = _pairs_of(value, self.pairs)

    def _index(self, index: Any) -> tuple:
        given = index if isinstance(index, tuple) else (index,)
        return (*given, slice(None)) if any(each is ... for each in given) else (*given, ..., ALL)

    # ------------------------------------------------------------------------ arithmetic

    def __neg__(self) -> ComplexTensor:
        return self._like(-self.pairs)

    neg = __neg__

    def __add__(self, other: Any) -> ComplexTensor:
        return self._like(self.pairs + _pairs_of(other, self.pairs))

    def __sub__(self, other: Any) -> ComplexTensor:
        return self._like(self.pairs - _pairs_of(other, self.pairs))

    def __rsub__(self, other: Any) -> ComplexTensor:
        return self._like(_pairs_of(other, self.pairs) - self.pairs)

    def __mul__(self, other: Any) -> ComplexTensor:
        if isinstance(other, Tensor):
            return self._like(self.pairs * other.unsqueeze(-1))
        if isinstance(other, int | float):
            return self._like(self.pairs * other)
        a, b = _broadcast(self.pairs, _pairs_of(other, self.pairs))
        return self._like(Product.apply(a, b))

    def __truediv__(self, other: Any) -> ComplexTensor:
        if isinstance(other, Tensor):
            return self._like(self.pairs / other.unsqueeze(-1))
        if isinstance(other, int | float):
            return self._like(self.pairs / other)
        divisor = ComplexTensor(_pairs_of(other, self.pairs))
        return self * divisor.conj() / (divisor.real**2 + divisor.imag**2)

    def __rtruediv__(self, other: Any) -> ComplexTensor:
        return ComplexTensor(_pairs_of(other, self.pairs)) / self

    __radd__ = add = __add__
    __rmul__ = mul = __mul__
    sub, div = __sub__, __truediv__


ALL = slice(None)


def _whole(sizes: Any, numel: int) -> list[int]:
    """Lengths of a reshape, without a -1."""
    known = math.prod(each for each in sizes if each != -1)
    return [numel // known if each == -1 else each for each in sizes]


def _pairs_of(value: Any, like: Tensor) -> Tensor:
    """The pairs of a complex or real tensor, or of a number."""
    if isinstance(value, ComplexTensor):
        return value.pairs
    if isinstance(value, Tensor):
        return stack([value, value.new_zeros(()).expand(value.shape)], -1)
    if isinstance(value, int | float | np.number) or type(value).__name__ == "complex":
        return like.new_tensor([value.real, value.imag])
    raise TypeError(f"expected a tensor or a number beside a complex tensor, got {value!r:.60}")


def _broadcast(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both with one shape and dtype: the product looks at neither."""
    kind = dtypes.promote_types(a.dtype, b.dtype)
    shape = np.broadcast_shapes(a.shape, b.shape)
    return a.to(kind).expand(shape), b.to(kind).expand(shape)


def complex(real: Tensor, imag: Tensor) -> ComplexTensor:
    """The complex numbers real + i imag: of two tensors of any shape, which broadcast.

    Both are float32, or float64. Gradients reach both. Raises RuntimeError for other dtypes.

    >>> import minitorch_cnn as mt
    >>> mt.complex(mt.tensor([1.0]), mt.tensor([2.0])).tolist()
    [(1+2j)]
    """
    if real.dtype is not imag.dtype or real.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            f"Expected both inputs to be float32, or float64 tensors but got {real.dtype} and "
            f"{imag.dtype}"
        )
    shape = np.broadcast_shapes(real.shape, imag.shape)
    return ComplexTensor(stack([real.expand(shape), imag.expand(shape)], -1))


def polar(abs: Tensor, angle: Tensor) -> ComplexTensor:
    """The complex numbers of these absolute values and angles, of any shape, which broadcast.

    Raises as `complex` does.

    >>> import minitorch_cnn as mt
    >>> mt.polar(mt.tensor([2.0]), mt.tensor([0.0])).tolist()
    [(2+0j)]
    """
    return complex(abs * angle.cos(), abs * angle.sin())


def view_as_complex(input: Tensor) -> ComplexTensor:
    """The complex numbers (...,) of which input (..., 2) holds the parts.

    Raises RuntimeError for another length of the last axis, and another dtype than float32 and
    float64.

    >>> import minitorch_cnn as mt
    >>> mt.view_as_complex(mt.tensor([[3.0, 4.0]])).abs()
    tensor([5.])
    """
    if input.ndim == 0 or input.shape[-1] != 2:
        raise RuntimeError(f"Tensor must have a last dimension of size 2, got {input.shape}")
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"view_as_complex is only supported for floats, got {input.dtype}")
    return ComplexTensor(input)


def view_as_real(input: Any) -> Tensor:
    """The parts of complex numbers (...,) as a real tensor (..., 2).

    Raises RuntimeError for a tensor that is real already.

    >>> import minitorch_cnn as mt
    >>> mt.view_as_real(mt.complex(mt.tensor([1.0]), mt.tensor([2.0])))
    tensor([[1., 2.]])
    """
    if not isinstance(input, ComplexTensor):
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return input.pairs


def real(input: Any) -> Tensor:
    """The real part of a complex tensor of any shape; a real tensor itself. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.real(mt.tensor([1.0]))
    tensor([1.])
    """
    return input.real


def imag(input: Any) -> Tensor:
    """The imaginary part of a complex tensor, of any shape. Raises RuntimeError for a real one.

    >>> import minitorch_cnn as mt
    >>> mt.imag(mt.complex(mt.tensor([1.0]), mt.tensor([2.0])))
    tensor([2.])
    """
    if not isinstance(input, ComplexTensor):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return input.imag


def conj(input: Any) -> Any:
    """The complex conjugate, of any shape; a real tensor itself. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.conj(mt.tensor([1.0]))
    tensor([1.])
    """
    return input.conj() if isinstance(input, ComplexTensor) else input


def angle(input: Any) -> Tensor:
    """The angles to the real axis, of any shape: of a real tensor 0, and pi below 0.

    NaN stays NaN. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.angle(mt.tensor([-1.0, 2.0]))
    tensor([3.1416, 0.0000])
    """
    if isinstance(input, ComplexTensor):
        return input.angle()
    x = input if input.dtype.is_floating_point else input.float()
    return where(x != x, x, where(x < 0, math.pi, x * 0))


def is_complex(input: Any) -> bool:
    """True for complex tensors, of any shape, False for others. Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.is_complex(mt.zeros(1)), mt.is_complex(mt.complex(mt.zeros(1), mt.ones(1)))
    (False, True)
    """
    return isinstance(input, ComplexTensor)


def stacked(name: str, tensors: Any, dim: int = 0) -> ComplexTensor:
    """`cat` or `stack` of complex tensors."""
    first = next(each for each in tensors if isinstance(each, ComplexTensor))
    pairs = [_pairs_of(each, first.pairs) for each in tensors]
    dim %= first.ndim + (name == "stack")
    return ComplexTensor((stack if name == "stack" else cat)(pairs, dim))
