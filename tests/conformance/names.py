"""Which of our functions answers to which of torch's operators, and what is left out and why."""

import functools
import re
import zlib

import numpy as np
import samples as S
import torch

import minitorch_cnn as mt


def find(root, name):
    """root.a.b.c for "a.b.c", None if there is no such thing."""
    for part in name.split("."):
        root = getattr(root, part, None)
    return root


# Named or there, but with complex results, which this harness does not compare.
COMPLEX_RESULTS = re.compile(
    r"fft\..*|complex|polar|view_as_.*|cdouble|cfloat|conj.*|imag|real|angle|resolve_.*|bfloat16"
)


def ours(operation):
    """Our function for an operator, or None. What torch has as a method only, we call as one."""
    label = f"{operation.name} {operation.variant_test_name}".strip()
    special = SPECIAL.get(label) or SPECIAL.get(operation.name)
    if COMPLEX_RESULTS.fullmatch(operation.name):
        return None
    found = special or find(mt, operation.name) or find(mt.Tensor, operation.name)
    return None if getattr(found, "__module__", "").endswith("nn.refused") else found


def forms(operation):
    """(name of the form, our callable or None, torch's) for every way to call an operator."""
    yield "function", ours(operation), operation.op
    name = operation.name
    if isinstance(find(torch, name), type(None)) or "." in name:
        pass  # the method is the function, or there is none
    elif hasattr(torch.Tensor, name):
        yield "method", find(mt.Tensor, name), getattr(torch.Tensor, name)
    if operation.inplace_variant is not None and not name.endswith("_"):
        written = operation.inplace_variant
        if "." in name:  # torch's layers as functions take inplace=True
            mine = functools.partial(ours(operation) or find(mt, name), inplace=True)
        else:
            mine = find(mt.Tensor, name + "_")
        yield "in-place", mine and on_clone(mine), on_clone(written)
    if operation.supports_out:
        yield "out=", mt_out(operation), into_out(operation.op, torch)


def aliases(operation):
    """Other names of the same operator that we lack."""
    names = [operation.name, *(alias.name for alias in operation.aliases)]
    return [name for name in names if find(torch, name) and not find(mt, name)]


def mt_out(operation):
    mine = find(mt, operation.name) if operation.name != "where" else _where_out
    return mine and into_out(mine, mt)


def _where_out(input, condition, other, **out):
    return mt.where(condition, input, other, **out)


def on_clone(method):
    """An in-place method on a copy, because a leaf must not be written."""

    def call(input, *args, **kwargs):
        return method(input.clone(), *args, **kwargs)

    return call


def into_out(function, library):
    """The call with `out=`; what comes back must be what was given."""

    def call(*args, **kwargs):
        with library.no_grad():
            result = function(*args, **kwargs)
            single = isinstance(result, library.Tensor)
            given = [each.new_empty(each.shape) for each in ([result] if single else result)]
            returned = function(*args, **kwargs, out=given[0] if single else tuple(given))
        for mine, theirs in zip(given, [returned] if single else returned):
            if mine is not theirs and library is mt:
                raise AssertionError("out= does not return the tensor that was given")
        return returned

    return call


# ------------------------------------------------------------------------------- called otherwise


def _in_place(name):
    """What torch has as a method that fills a tensor (x.uniform_(), ...)."""

    def call(input, *args, **kwargs):
        return getattr(input.clone(), name)(*args, **kwargs)

    return call


def _item(name):
    return lambda input, *args, **kwargs: getattr(input, name)(*args, **kwargs)


def _property(name):
    return lambda input: getattr(input, name)


SPECIAL = {
    "linalg.lstsq grad_oriented": lambda *args, **kwargs: mt.linalg.lstsq(*args, **kwargs)[:2],
    "nn.functional.embedding_bag": lambda weight, rows, **kwargs: mt.nn.functional.embedding_bag(
        rows, weight, **kwargs
    ),
    "polygamma": lambda x, n: mt.polygamma(n, x),
    "special.polygamma": lambda x, n: mt.special.polygamma(n, x),
    **{name: _property(name) for name in ("T", "mT", "H", "mH")},
    **{
        name: _in_place(name + "_")
        for name in ("uniform", "exponential", "cauchy", "geometric", "log_normal", "fill")
        if hasattr(mt.Tensor, name + "_")
    },
    "zero_": _in_place("zero_"),
    **{
        name: _item(name)
        for name in ("bool", "char", "double", "float", "half", "int", "long", "short")
    },
    "byte": _item("byte"),
    # torch's samples begin with the table, not with the row numbers
    "nn.functional.embedding": lambda weight, index, **options: mt.nn.functional.embedding(
        index, weight, **options
    ),
    "normal in_place": _in_place("normal_"),
    "where": mt.Tensor.where,  # torch's samples begin with the first value, not the condition
    "einsum": lambda tensors, equation: mt.einsum(equation, tensors),
    "linalg.pinv singular": lambda a, b: mt.linalg.pinv(a @ b.mT),
    # The matrices of these samples come as two factors.
    "svd_lowrank": lambda a, b, **options: mt.svd_lowrank(a @ b.mT, **options),
    "pca_lowrank": lambda a, b, **options: mt.pca_lowrank(a @ b.mT, **options),
}

# Results that are random: their properties are compared, see `check_random`.
RANDOM = re.compile(
    r"""(normal|bernoulli|multinomial|rand|randn|randint|rand_like|randn_like|randint_like
    |uniform|exponential|cauchy|geometric|log_normal|empty|empty_like|new_empty|empty_strided
    |new_empty_strided|empty_permuted|svd_lowrank|pca_lowrank
    |nn\.functional\.(alpha_dropout|dropout|dropout1d|dropout2d|dropout3d|feature_alpha_dropout
    |rrelu|fractional_max_pool2d|fractional_max_pool3d|multi_head_attention_forward))(\ .*)?""",
    re.VERBOSE,
)


# torch's own float32 gradient is off by 3e-3 from its float64 one; ours is closer.
LOOSE = {
    "logcumsumexp": 100,
    # torch's own are 2e-7 from the integrals that define them, ours 1e-15
    **{f"special.bessel_{kind}": 1e6 for kind in ("j0", "j1", "y0", "y1")},
}


def has_gauge(operation):
    return operation.name in ("linalg.svd", "linalg.eigh", "svd")


def is_random(label):
    return RANDOM.fullmatch(label) is not None


def is_random_sample(sample):
    return sample.kwargs.get("dropout_p", 0) > 0


def check_random(name, mine, theirs, args, kwargs):
    """Random results have torch's shapes and dtypes, and values from the right set."""
    from compare import Different

    for a, b in zip(S.tensors_in(mine, mt), S.tensors_in(theirs, torch), strict=True):
        if tuple(a.shape) != tuple(b.shape) or a.dtype.name != str(b.dtype).split(".")[-1]:
            raise Different(f"random output: {S.describe(a)}, torch {S.describe(b)}")
        values = a.detach().numpy()
        if name in VALUES and not VALUES[name](values, args, kwargs).all():
            raise Different(f"random output: a value that cannot be: {values.ravel()[:5]} ...")


def _dropped(y, args, kwargs):
    """An element is 0 or the input's, scaled up by what was dropped beside it."""
    x, p = args[0].detach().numpy(), kwargs.get("p", 0.5)
    scaled = x / (1 - p) if p < 1 else 0 * x
    return (y == 0) | np.isclose(y, scaled if kwargs.get("training", True) else x)


VALUES = {
    **{f"nn.functional.dropout{end}": _dropped for end in ("", "1d", "2d", "3d")},
    "bernoulli": lambda y, args, kwargs: (y == 0) | (y == 1),
    "rand_like": lambda y, args, kwargs: (y >= 0) & (y < 1),
    "exponential": lambda y, args, kwargs: y >= 0,
    "geometric": lambda y, args, kwargs: y == y.round(),
    "log_normal": lambda y, args, kwargs: y > 0,
    "randint_like": lambda y, args, kwargs: y == y.round(),
    "multinomial": lambda y, args, kwargs: (y >= 0) & (y < args[0].shape[-1]),
}


def seed_of(label, index):
    """A seed for cotangents that stays the same from run to run."""
    return zlib.crc32(f"{label} {index}".encode())


# --------------------------------------------------------------------------- left out, and why

COMPLEX = "complex numbers: only results on the way (tests/ops/breadth/test_complex_numbers.py)"
SPARSE = "sparse tensors: out of scope"
QUANTISED = "quantised or 8-bit floating types: out of scope"
INTERNAL = "an internal name of torch, not for users"
FFT = "Fourier transforms: in mt.fft, compared in tests/ops/breadth/test_fourier.py; no stft"
SPECIAL_FUNCTIONS = "special functions: use scipy.special on numpy() of a tensor"
FOLLOWS = "no CNN needs it; not planned"

REASONS = [
    (
        r"nn\.functional\.(linear_cross_entropy)",
        "refused by name, with a word on what to use instead",
    ),
    (r"(fft\..*|stft|istft)", FFT),
    (
        r"(complex|polar|view_as_complex|view_as_real|cdouble|cfloat|chalf|conj.*|resolve_.*|imag|real"
        r"|angle|H|mH|sgn|isreal|linalg\.eig|linalg\.eigvals)",
        COMPLEX,
    ),
    (r"(sparse\..*|to_sparse|.*sparse.*)", SPARSE),
    (r"(bfloat16|torch\._scaled.*)", QUANTISED),
    (
        r"(_.*|torch\.ops\..*|jiterator.*|native_.*|unsafe_.*|.*_copy|hash_tensor|max_pool2d_with_.*"
        r"|grid_sampler_.*|constant_pad_nd|nonzero_static|.*triton.*|nn\.functional\.linear_cross.*)",
        INTERNAL,
    ),
    (r"(special\..*|igamma.*|mvlgamma.*|polygamma.*|digamma|lgamma|i0)", SPECIAL_FUNCTIONS),
    (r"signal\..*", "windows for Fourier transforms: out of scope"),
    (r"masked\..*", "masked reductions (torch.masked, a prototype): write where(mask, x, 0)"),
]


@functools.cache
def reason_for(name):
    """Why an operator of torch is not there."""
    for pattern, reason in REASONS:
        if re.fullmatch(pattern, name):
            return reason
    return FOLLOWS
