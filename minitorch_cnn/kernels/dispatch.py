"""Which kernel answers: one table of all kernels, and the three tiers that they may come from.

    array/   array code that NumPy and CuPy both run: to be read. It is the definition.
    cpu/     Numba, for NumPy arrays, if Numba is installed.
    cuda/    CUDA C++, for CuPy arrays.

A family of kernels (conv, pool, norm, ...) is a file of the same name in each of them. The table at
the end of this file says for every kernel what defines it, and which files hold a faster one of the
same name and with the same arguments; a test reads it and finds a name that is misspelt. A faster
kernel may decline (a dtype or a shape that it is not made for) by returning NotImplemented; then
the definition does the work.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..backend import Array, ahead
from . import check, fallback
from .algorithm import (
    ALGORITHMS,
    TRANSFORM_COST,
    TRANSFORM_COST_WITHOUT_AVX512,
    Choice,
    Tier,
    choose,
)
from .array import (
    activation as _activation,
    augment as _augment,
    conv as _conv,
    depthwise as _depthwise,
    direct as _direct,
    dropout as _dropout,
    elementwise as _elementwise,
    join as _join,
    linear as _linear,
    loss as _loss,
    norm as _norm,
    optim as _optim,
    pool as _pool,
    random as _random,
    winograd as _winograd,
)
from .garbage import not_collected
from .geometry import ConvGeometry, Pair, output_size, turned_geometry

F = TypeVar("F", bound=Callable[..., Any])

_TIERS = ("auto", "array")


def _from_environment(name: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(name, "auto")
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
    return value


class _State(threading.local):
    """What is forced in this thread, and which algorithm its last convolution took."""

    tier = _from_environment("MINITORCH_CNN_KERNELS", _TIERS)
    algorithm = _from_environment("MINITORCH_CNN_CONV_ALGORITHM", ALGORITHMS)
    last: Choice | Callable[[], Any] | None = None  # or what computes it, if it was put off


state = _State()

# Called before the choice of kernels changes: what was put off until then (autograd/deferred.py)
# is computed as things are.
before_change: list[Callable[[], None]] = []


def _announce_change() -> None:
    for call in before_change:
        call()


# ------------------------------------------------------------------------------------- the tiers


@functools.cache
def has_cpu_tier() -> bool:
    """Whether the Numba kernels can be used; the first call imports what all of them need."""
    if fallback.reason() is not None or importlib.util.find_spec("numba") is None:
        return False
    try:
        _import("cpu.arrays")
    except Exception as error:
        _give_up(error)
        return False
    return True


def _give_up(error: Exception) -> None:
    """From now on the definitions do what the Numba kernels cannot."""
    fallback.give_up(error)
    has_cpu_tier.cache_clear()
    for row in TABLE:
        row.found["cpu"] = None


def _import(file: str) -> Any:
    """A file of a faster tier, imported when a kernel of it is first needed."""
    with not_collected():
        return importlib.import_module(f".{file}", __package__)


class Row:
    """A line of the table: a definition, and the files of faster tiers that have it too."""

    def __init__(
        self, definition: Callable[..., Any], files: tuple[str, ...], runs_ahead: bool = False
    ) -> None:
        self.definition = definition
        self.files = {file.partition(".")[0]: file for file in files}  # {"cpu": "cpu.conv", ...}
        self.found: dict[str, Callable[..., Any] | None] = {}
        self.ahead = runs_ahead  # whether the compiled kernel takes arrays that are not complete
        # What refuses arrays that do not belong together; None where there is one array only.
        self.check: Callable[..., None] | None = getattr(check, definition.__name__, None)

    def find(self, tier: str) -> Callable[..., Any] | None:
        """The kernel of a tier, None if it has none. Raises AttributeError for a wrong name."""
        file = self.files.get(tier)
        self.found[tier] = None
        if file is None or (tier == "cpu" and not has_cpu_tier()):
            return None
        try:
            module = _import(file)
        except Exception as error:
            if tier == "cuda":
                raise
            _give_up(error)
            return None
        self.found[tier] = getattr(module, self.definition.__name__)
        return self.found[tier]


TABLE: list[Row] = []


def tiered(definition: F, *files: str, runs_ahead: bool = False) -> F:
    """The kernel that the table's line stands for; `files` as in "cpu.conv", "cuda.conv".

    runs_ahead: the compiled kernel takes arrays that are not complete yet (ahead.py).
    """
    row = Row(definition, files, runs_ahead)
    TABLE.append(row)

    @functools.wraps(definition)
    def kernel(array: Any, *args: Any, **kwargs: Any) -> Any:
        if state.tier == "auto":
            if row.check is not None:
                row.check(array, *args, **kwargs)
            first = array[0] if isinstance(array, list) else array
            tier = "cpu" if isinstance(first, np.ndarray) else "cuda"
            fast = row.found[tier] if tier in row.found else row.find(tier)
            if fast is not None:
                try:
                    if row.ahead:
                        result = fast(array, *args, **kwargs)
                    else:
                        result = ahead.completed(fast, array, *args, **kwargs)
                except fallback.CannotCompile as error:
                    _give_up(error)
                    result = NotImplemented
                if result is not NotImplemented:
                    return result
        ahead.wait()
        with np.errstate(all="ignore"):
            return definition(array, *args, **kwargs)

    kernel.row = row  # type: ignore[attr-defined]
    return kernel  # type: ignore[return-value]


@contextmanager
def kernel_tier(choice: str) -> Iterator[None]:
    """Inside, kernels come from: "auto", the fastest tier there is; "array", the readable one.

    It holds for this thread, as `no_grad` does. The environment variable MINITORCH_CNN_KERNELS sets
    the same for a whole process. Raises ValueError for other names.

    >>> import minitorch_cnn as mt
    >>> with mt.kernel_tier("array"):
    ...     mt.nn.functional.relu(mt.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if choice not in _TIERS:
        raise ValueError(f"kernel_tier must be one of {_TIERS}, got {choice!r}")
    _announce_change()
    before, state.tier = state.tier, choice
    try:
        yield
    finally:
        try:
            _announce_change()
        finally:  # also if what was put off cannot be computed
            state.tier = before


# --------------------------------------------------------------- convolution: which algorithm
#
# Each algorithm is a family of its own with the three products; here they get one name.


class Products(NamedTuple):
    """The three products of a convolution by one algorithm."""

    forward: Callable[..., Array]
    input_grad: Callable[..., Array]
    weight_grad: Callable[..., Array]


def conv2d_forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    """y (N, K, OH, OW) from x (N, C, H, W), w (K, C/G, KH, KW) and b (K) or None.

    relu: max(y, 0) instead, in the same pass.
    """
    N, C, H, W = x.shape
    K, _, KH, KW = w.shape
    out = output_size((H, W), (KH, KW), geometry)
    choice = choose("forward", tier_of(x, w), state.algorithm, N, C, K, (KH, KW), out, geometry)
    state.last = choice
    return ALGORITHM[choice.algorithm].forward(x, w, b, geometry, relu)


def conv2d_input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w. Also what a transposed convolution computes.

    input_size: (H, W), which gy does not tell: with stride 2, images of 7 and of 8 pixels give
    outputs of the same size.
    """
    K, Cg, KH, KW = w.shape
    turned = turned_geometry((KH, KW), geometry)
    sizes = len(gy), K, Cg * geometry.groups, (KH, KW), tuple(input_size)
    choice = choose("input_grad", tier_of(gy, w), state.algorithm, *sizes, turned)
    state.last = choice
    return ALGORITHM[choice.algorithm].input_grad(gy, w, tuple(input_size), geometry)


def conv2d_weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)."""
    N, K, OH, OW = gy.shape
    sizes = N, x.shape[1], K, tuple(kernel_size), (OH, OW)
    choice = choose("weight_grad", tier_of(x, gy), state.algorithm, *sizes, geometry)
    state.last = choice
    return ALGORITHM[choice.algorithm].weight_grad(x, gy, tuple(kernel_size), geometry)


ARRAY, CUDA, CUDA_HALF = Tier("array"), Tier("cuda"), Tier("cuda", half=True)


def tier_of(a: Array, b: Array) -> Tier:
    """Which tier multiplies these two arrays."""
    if state.tier == "array" or a.dtype != b.dtype or a.dtype.kind != "f":
        return ARRAY
    if not isinstance(a, np.ndarray):
        return CUDA_HALF if a.dtype == np.float16 else CUDA
    if a.dtype == np.float32 and a.size and b.size and has_cpu_tier():
        return _cpu()
    return ARRAY


@functools.cache
def _cpu() -> Tier:
    with_avx512 = _import("cpu.jit.vector").AVX512
    cost = TRANSFORM_COST if with_avx512 else TRANSFORM_COST_WITHOUT_AVX512
    return Tier("cpu", short_row=56, transform_cost=cost)


@contextmanager
def conv_algorithm(name: str) -> Iterator[None]:
    """Inside, convolutions use this algorithm where it can be used; "auto" (the default): by cost.

    "direct": the definition as loops, slow; "im2col": a matrix of patches; "implicit_gemm": the
    same product without the matrix, for few channels (compiled CPU kernels only); "depthwise": for
    a group to each channel; "winograd": for 3x3 kernels with stride 1, dilation 1 and one group.
    Where one cannot be used im2col is, and `last_conv` says why. It holds for this thread; the
    environment variable MINITORCH_CNN_CONV_ALGORITHM sets the same for a whole process. Raises
    ValueError for other names.

    >>> import minitorch_cnn as mt
    >>> image, kernel = mt.ones(1, 1, 4, 4), mt.ones(1, 1, 3, 3)
    >>> with mt.conv_algorithm("direct"):
    ...     y = mt.nn.functional.conv2d(image, kernel)
    >>> mt.last_conv().algorithm
    'direct'
    """
    if name not in ALGORITHMS:
        raise ValueError(f"conv_algorithm must be one of {ALGORITHMS}, got {name!r}")
    _announce_change()
    before, state.algorithm = state.algorithm, name
    try:
        yield
    finally:
        try:
            _announce_change()
        finally:  # also if what was put off cannot be computed
            state.algorithm = before


def last_conv() -> Choice | None:
    """The algorithm of this thread's last convolution or gradient of one, and the reason.

    None before the first one. A convolution that was put off is computed now.
    """
    if callable(state.last):
        state.last()  # its kernel notes what it does
    return None if callable(state.last) else state.last


def note_conv(compute: Callable[[], Any]) -> None:
    """Says that this thread's last convolution was put off, and what computes it."""
    state.last = compute


# ------------------------------------------------------------------------------------- the table

adam = tiered(_optim.adam, "cpu.optim", "cuda.optim")
add = tiered(_elementwise.add, "cpu.elementwise", runs_ahead=True)
augment = tiered(_augment.augment, "cuda.augment")
avg_pool2d_backward = tiered(_pool.avg_pool2d_backward, "cpu.pool", "cuda.pool", runs_ahead=True)
avg_pool2d_forward = tiered(_pool.avg_pool2d_forward, "cpu.pool", "cuda.pool", runs_ahead=True)
batch_norm_backward = tiered(_norm.batch_norm_backward, "cpu.norm", "cuda.norm", runs_ahead=True)
batch_norm_forward = tiered(_norm.batch_norm_forward, "cpu.norm", "cuda.norm", runs_ahead=True)
cat = tiered(_join.cat, "cpu.join", runs_ahead=True)
channel_mean_var = tiered(_norm.channel_mean_var, "cpu.norm", "cuda.norm", runs_ahead=True)
channel_sum = tiered(_norm.channel_sum, "cpu.norm", runs_ahead=True)
contiguous = tiered(_join.contiguous, "cpu.arrays", runs_ahead=True)
cross_entropy = tiered(_loss.cross_entropy, "cpu.loss", "cuda.loss")
cross_entropy_backward = tiered(_loss.cross_entropy_backward, "cpu.loss", "cuda.loss")
dropout = tiered(_dropout.dropout, "cuda.dropout")
hardtanh = tiered(_activation.hardtanh, "cpu.elementwise", runs_ahead=True)
hardtanh_backward = tiered(_activation.hardtanh_backward, "cpu.elementwise", runs_ahead=True)
matmul = tiered(_linear.matmul, "cpu.linear", runs_ahead=True)
max_pool2d_forward = tiered(_pool.max_pool2d_forward, "cpu.pool", "cuda.pool", runs_ahead=True)
max_pool2d_gather = tiered(_pool.max_pool2d_gather, "cuda.pool")
max_pool2d_scatter = tiered(_pool.max_pool2d_scatter, "cpu.pool", "cuda.pool", runs_ahead=True)
relu = tiered(_elementwise.relu, "cpu.elementwise", "cuda.elementwise", runs_ahead=True)
relu_ = tiered(_elementwise.relu_, "cpu.elementwise", "cuda.elementwise")
relu_backward = tiered(
    _elementwise.relu_backward, "cpu.elementwise", "cuda.elementwise", runs_ahead=True
)
scale_and_shift = tiered(_norm.scale_and_shift, "cpu.norm", runs_ahead=True)
sgd = tiered(_optim.sgd, "cpu.optim", "cuda.optim")
twister_words = tiered(_random.twister_words, "cpu.random")

_im2col = Products(
    tiered(_conv.forward, "cpu.conv", "cuda.conv", runs_ahead=True),
    tiered(_conv.input_grad, "cpu.conv", "cuda.conv", runs_ahead=True),
    tiered(_conv.weight_grad, "cpu.conv", "cuda.conv", runs_ahead=True),
)
ALGORITHM = {
    # One tier for all; in the table for the sake of its checks.
    "direct": Products(
        tiered(_direct.forward), tiered(_direct.input_grad), tiered(_direct.weight_grad)
    ),
    "im2col": _im2col,
    # The same sums as im2col's, hence the same definition.
    "implicit_gemm": Products(
        tiered(_conv.forward, "cpu.few_filters", runs_ahead=True),
        tiered(_conv.input_grad, "cpu.few_filters", runs_ahead=True),
        tiered(_conv.weight_grad, "cpu.few_filters", runs_ahead=True),
    ),
    "depthwise": Products(
        tiered(_depthwise.forward, "cpu.depthwise", "cuda.depthwise"),
        tiered(_depthwise.input_grad, "cpu.depthwise", "cuda.depthwise"),
        tiered(_depthwise.weight_grad, "cpu.depthwise", "cuda.depthwise"),
    ),
    "winograd": Products(
        tiered(_winograd.forward, "cpu.winograd", "cuda.winograd", runs_ahead=True),
        tiered(_winograd.input_grad, "cpu.winograd", "cuda.winograd", runs_ahead=True),
        tiered(_winograd.weight_grad, "cpu.winograd", "cuda.winograd", runs_ahead=True),
    ),
}
