"""Bools, small and negative integers, nothing at all, NaN: torch's value, dtype or error.

Every line is one expression, evaluated with both libraries.
"""

import warnings

import numpy as np
import pytest

import minitorch_cnn as mt

EXPRESSIONS = """
    f - True
    True - f
    i - True
    i - b
    b - i
    b - b
    b - 1
    1 - b
    1.5 - b
    f - b
    -b
    +b
    b + b
    b * b
    b + True
    b + 1
    b * 2.5
    b / b
    b // b
    b % b
    b ** b
    b ** 2
    2 ** i
    2 ** lib.tensor([-1])
    (-2) ** lib.tensor([-1, -3])
    1 ** lib.tensor([-1])
    (-1) ** lib.tensor([-1, -2])
    0 ** lib.tensor([-1])
    2.0 ** i
    i ** 2
    i ** -1
    i ** -1.0
    i ** 0.5
    i ** lib.tensor([-1, 1, 2])
    lib.tensor([2,3]) ** lib.tensor([-1, 2])
    lib.pow(2, i)
    lib.pow(2, lib.tensor(-1))
    u ** -1
    2 ** u
    i.pow(-1)
    lib.float_power(i, -1)
    lib.add(i, i, alpha=1.5)
    lib.add(i, 2, alpha=1.5)
    lib.add(f, i, alpha=1.5)
    lib.add(i, f, alpha=1.5)
    lib.sub(i, i, alpha=1.5)
    lib.sub(i, i, alpha=2)
    lib.add(b, b, alpha=True)
    lib.add(b, b, alpha=2)
    lib.add(b, b, alpha=1.5)
    lib.add(i, i, alpha=True)
    lib.add(f, f, alpha=True)
    lib.rsub(i, i, alpha=1.5)
    lib.rsub(f, True)
    lib.addcmul(i, i, i, value=1.5)
    lib.addcmul(i, i, i, value=2)
    lib.addcdiv(i, i, lib.tensor([1,2,3]), value=2)
    lib.addcdiv(f, i, lib.tensor([1,2,3]))
    i.add_(1.5)
    i.sub_(i, alpha=1.5)
    i.add_(i, alpha=0.5)
    np.sqrt(f)
    np.exp(f)
    np.abs(f)
    np.add(f, 1)
    np.add(np.ones(3), f)
    np.float32(2) * f
    f * np.float32(2)
    np.maximum(f, 0)
    np.isnan(f)
    np.sqrt(i)
    np.floor(f)
    np.sign(f)
    np.square(f)
    np.negative(f)
    np.sin(f)
    np.log1p(f)
    np.clip(f, 0, 1)
    np.multiply(f, f)
    np.greater(f, 0)
    np.concatenate([f, f])
    np.stack([f, f])
    np.asarray(f)
    np.array(f)
    f[lib.tensor(0, dtype=lib.uint8)]
    f[lib.tensor(1, dtype=lib.uint8)]
    f[lib.tensor(True)]
    f[lib.tensor(False)]
    f[lib.tensor(1)]
    f[lib.tensor([1,0,1], dtype=lib.uint8)]
    f.norm(p='nuc')
    lib.ones(2,3).norm(p='nuc')
    lib.ones(2,3).norm(p='nuc', dim=(0,1))
    lib.ones(2,2,3).norm(p='nuc', dim=(1,2), keepdim=True)
    lib.ones(2,3).norm('nuc', keepdim=True)
    lib.norm(lib.ones(2,3), 'fro', dim=(0,1))
    lib.norm(lib.ones(2,3), 'foo')
    lib.nn.LayerNorm(())(lib.tensor(2.0))
    F.layer_norm(lib.tensor(2.0), ())
    F.layer_norm(lib.ones(2), ())
    lib.nn.RMSNorm(())(lib.tensor(2.0))
    lib.layer_norm(lib.ones(2), [])
    lib.sqrt(i)
    lib.sqrt(b)
    lib.abs(b)
    lib.sign(b)
    lib.sign(f)
    lib.sgn(f)
    lib.floor(i)
    lib.floor(b)
    lib.round(i)
    lib.round(i, decimals=1)
    lib.round(b)
    lib.trunc(b)
    lib.frac(i)
    lib.frac(b)
    lib.reciprocal(i)
    lib.rsqrt(i)
    lib.square(b)
    lib.square(u)
    lib.nan_to_num(i)
    lib.nan_to_num(b)
    lib.isnan(i)
    lib.isinf(b)
    lib.isposinf(i)
    lib.isposinf(b)
    lib.isneginf(b)
    lib.isneginf(u)
    lib.signbit(i)
    lib.signbit(b)
    lib.logical_not(i)
    lib.relu(i)
    lib.relu(b)
    F.relu6(i)
    F.hardtanh(i)
    F.elu(i)
    F.leaky_relu(i)
    F.gelu(i)
    F.silu(i)
    F.mish(i)
    F.hardsigmoid(i)
    F.hardswish(i)
    F.softplus(i)
    F.logsigmoid(i)
    F.threshold(i, 1, 5)
    F.threshold(b, 1, 5)
    F.threshold(u, 1, 5)
    F.threshold(i, 1.5, 5)
    F.hardshrink(i)
    F.softshrink(i)
    F.softsign(i)
    F.softsign(b)
    F.tanhshrink(i)
    F.celu(i)
    F.selu(i)
    F.rrelu(i)
    F.prelu(i, lib.tensor([0.5]))
    F.sigmoid(i)
    F.softmax(i, 0)
    F.log_softmax(i, 0)
    F.softmin(i, 0)
    lib.softmax(b, 0)
    lib.logsumexp(i, 0)
    lib.logsumexp(b, 0)
    lib.clamp(i, 0.5)
    lib.clamp(i, 0, 2)
    lib.clamp(b, 0, 1)
    lib.clamp(i, nan)
    lib.clamp(i, 0.5, nan)
    lib.clamp(u, -1, 300)
    lib.clamp(u, -1)
    lib.clamp(i, inf)
    lib.clamp(f, lib.tensor(nan), lib.tensor(1.0))
    lib.maximum(b, b)
    lib.minimum(b, b)
    lib.minimum(i, f)
    lib.maximum(i, u)
    lib.fmax(b, b)
    lib.fmax(i, f)
    lib.fmod(b, b)
    lib.remainder(b, b)
    lib.fmod(i, 2)
    lib.fmod(i, -2)
    lib.remainder(i, -2)
    lib.remainder(i, 0)
    lib.fmod(i, 0)
    i // 0
    i % 0
    i / 0
    lib.div(i, 2, rounding_mode='trunc')
    lib.div(i, 0, rounding_mode='trunc')
    lib.div(i, 2.0, rounding_mode='floor')
    lib.div(b, 2, rounding_mode='floor')
    u - 300
    u // -1
    u // 2
    -u
    lib.abs(lib.tensor(-128, dtype=lib.int8))
    lib.neg(lib.tensor(-128, dtype=lib.int8))
    lib.tensor(-128, dtype=lib.int8) // -1
    lib.atan2(i, i)
    lib.hypot(i, i)
    lib.copysign(i, -1)
    lib.xlogy(i, 2)
    lib.xlogy(b, b)
    lib.xlogy(f.half(), 2)
    lib.xlogy(2, f.double())
    lib.logaddexp(i, i)
    lib.logaddexp2(i, i)
    lib.nextafter(i, i)
    lib.heaviside(i, i)
    lib.heaviside(b, b)
    lib.heaviside(f, f)
    lib.lerp(i, i, 0.5)
    lib.lerp(i, i, 1)
    lib.lerp(f, f, lib.tensor(0.5))
    lib.lerp(f, f.double(), 0.5)
    lib.lerp(f, f, lib.tensor(0.5, dtype=lib.float64))
    lib.lerp(f, i, 0.5)
    lib.ldexp(i, i)
    lib.gcd(b, b)
    lib.gcd(f, f)
    lib.sum(b)
    lib.mean(i)
    lib.mean(b)
    lib.prod(b)
    lib.prod(i)
    lib.prod(u)
    lib.std(i)
    lib.var(lib.tensor([1.0]))
    lib.var(lib.tensor(1.0))
    lib.std(lib.tensor([]))
    lib.mean(lib.tensor([]))
    lib.sum(lib.tensor([]))
    lib.prod(lib.tensor([]))
    lib.max(lib.tensor([]))
    lib.min(lib.tensor([]))
    lib.amax(lib.tensor([]))
    lib.amax(lib.zeros(0,3), 0)
    lib.amax(lib.zeros(0,3), 1)
    lib.max(lib.zeros(0,3), 0)
    lib.max(lib.zeros(0,3), 1)
    lib.argmax(lib.tensor([]))
    lib.argmax(lib.zeros(0,3), 1)
    lib.argmax(lib.zeros(0,3), 0)
    lib.median(lib.tensor([]))
    lib.nanmedian(lib.tensor([]))
    lib.median(lib.zeros(0,3), 0)
    lib.median(lib.zeros(0,3), 1)
    lib.mode(lib.tensor([]))
    lib.mode(lib.zeros(0,3), 0)
    lib.mode(lib.zeros(0,3), 1)
    lib.kthvalue(lib.tensor([]), 1)
    lib.quantile(lib.tensor([]), 0.5)
    lib.logsumexp(lib.tensor([]), 0)
    lib.norm(lib.tensor([]))
    lib.norm(lib.tensor([]), inf)
    lib.norm(lib.tensor([]), -inf)
    lib.norm(lib.tensor([]), 0)
    lib.norm(lib.tensor([]), -1)
    lib.linalg.vector_norm(lib.tensor([]))
    lib.linalg.vector_norm(lib.tensor([]), inf)
    lib.linalg.vector_norm(lib.tensor([]), -inf)
    lib.linalg.vector_norm(lib.tensor([]), -1)
    lib.linalg.vector_norm(lib.zeros(3,0), inf, 0)
    lib.softmax(lib.tensor([]), 0)
    lib.cumsum(lib.tensor([]), 0)
    lib.cumprod(lib.tensor([]), 0)
    lib.cummax(lib.tensor([]), 0)
    lib.logcumsumexp(lib.tensor([]), 0)
    lib.all(lib.tensor([]))
    lib.any(lib.tensor([]))
    lib.count_nonzero(lib.tensor([]))
    lib.unique(lib.tensor([]))
    lib.sort(lib.tensor([]))
    lib.topk(lib.tensor([]), 0)
    lib.nansum(b)
    lib.nansum(i)
    lib.nanmean(i)
    lib.nanmedian(i)
    lib.median(i)
    lib.median(b)
    lib.mode(b)
    lib.max(b)
    lib.max(b, 0)
    lib.min(b, 0)
    lib.amax(b)
    lib.aminmax(b)
    lib.argmax(b)
    lib.argmin(f)
    lib.argmax(f)
    lib.max(f)
    lib.max(f, 0)
    lib.min(f, 0)
    lib.sort(f)
    lib.sort(f, descending=True)
    lib.argsort(f)
    lib.topk(f, 2)
    lib.topk(f, 2, largest=False)
    lib.kthvalue(f, 2)
    lib.msort(f)
    lib.sort(b)
    lib.topk(b, 2)
    lib.cumsum(b, 0)
    lib.cumprod(b, 0)
    lib.cummax(b, 0)
    lib.cummax(f, 0)
    lib.cummin(f, 0)
    lib.cummax(lib.tensor([nan, 1.0, nan, 2.0]), 0)
    lib.cummin(lib.tensor([2.0, nan, 1.0, nan, 0.0]), 0)
    lib.cummax(lib.tensor([1.0, 1.0, 0.0, 1.0]), 0)
    lib.cummax(lib.tensor(nan), 0)
    lib.mode(f)
    lib.mode(lib.tensor([nan, 1.0, 1.0, nan, nan]))
    lib.mode(lib.tensor([2.0, 1.0, 2.0, 1.0]))
    lib.median(f)
    lib.median(f, 0)
    lib.nanmedian(f)
    lib.nanmedian(f, 0)
    lib.nanmedian(lib.tensor([nan, nan]))
    lib.nanmedian(lib.tensor([nan, nan]), 0)
    lib.median(lib.tensor([nan, nan, 1.0]), 0)
    lib.quantile(f, 0.5)
    lib.nanquantile(f, 0.5)
    lib.nanquantile(lib.tensor([nan, nan]), 0.5)
    lib.quantile(lib.tensor([inf, 1.0, -inf]), lib.tensor([0.0, 0.25, 0.5, 1.0]))
    lib.unique(lib.tensor([nan, nan, 1.0]))
    lib.unique_consecutive(lib.tensor([nan, nan, 1.0]))
    lib.unique(lib.tensor([0.0, -0.0]))
    lib.isin(f, f)
    lib.bucketize(f, lib.tensor([0.0, 1.0]))
    lib.searchsorted(lib.tensor([0.0, 1.0, nan]), f)
    lib.searchsorted(lib.tensor([0.0, 1.0, nan]), f, right=True)
    lib.histc(lib.tensor([1.0, 2.0, 1.0]), 4)
    lib.histc(f, 4)
    lib.histc(lib.tensor([inf, 1.0]), 4)
    lib.histc(lib.tensor([nan, 1.0]), 4, 0, 2)
    lib.bincount(i)
    lib.renorm(lib.tensor([[nan, 1.0],[inf, 1.0],[3.0,4.0],[0.0,0.0]]), 2, 0, 1.0)
    lib.logcumsumexp(lib.tensor([-inf, -inf, 0.0, inf, inf, 1.0]), 0)
    lib.logcumsumexp(lib.tensor([nan, 0.0]), 0)
    lib.logsumexp(lib.tensor([-inf, -inf]), 0)
    lib.logsumexp(lib.tensor([inf, inf]), 0)
    lib.logsumexp(lib.tensor([inf, -inf]), 0)
    lib.softmax(lib.tensor([inf, 0.0]), 0)
    lib.softmax(lib.tensor([-inf, -inf]), 0)
    lib.softmax(lib.tensor([-inf, 0.0]), 0)
    lib.log_softmax(lib.tensor([inf, 0.0]), 0)
    lib.log_softmax(lib.tensor([-inf, -inf]), 0)
    lib.log_softmax(lib.tensor([-inf, 0.0]), 0)
    F.normalize(lib.zeros(2,3).half())
    F.normalize(lib.zeros(2,3))
    F.normalize(lib.tensor([[nan,1.0],[inf,1.0]]))
    F.cosine_similarity(lib.zeros(1,3), lib.ones(1,3))
    F.cosine_similarity(lib.tensor([[inf,1.0]]), lib.ones(1,2))
    F.pairwise_distance(lib.tensor([[inf,1.0]]), lib.tensor([[inf,1.0]]))
    F.pairwise_distance(lib.zeros(1,3).half(), lib.zeros(1,3).half())
    lib.cdist(lib.tensor([[nan,1.0]]), lib.tensor([[inf,1.0]]))
    lib.dist(lib.tensor([inf]), lib.tensor([inf]))
    lib.where(b, 1, 2)
    lib.where(b, 1.0, 2)
    lib.where(b, True, 2)
    lib.full((2,), True)
    lib.full((2,), nan, dtype=lib.int64)
    lib.tensor(nan, dtype=lib.int64)
    lib.tensor(inf, dtype=lib.uint8)
    lib.full((2,), inf, dtype=lib.int32)
    i.fill_(nan)
    i.masked_fill(b, nan)
    i.masked_fill(b, 1.5)
    b.masked_fill(b, 2)
    lib.tensor([2, 0], dtype=lib.bool)
    lib.tensor([nan], dtype=lib.bool)
    f.to(lib.bool)
    bool(lib.tensor(nan))
    lib.tensor(True) + lib.tensor(True)
    lib.eq(f, nan)
    lib.isclose(lib.tensor([inf, nan, 1.0]), lib.tensor([inf, nan, 1.0]))
    lib.allclose(f, f)
    lib.allclose(f, f, equal_nan=True)
    lib.equal(f, f)
    lib.isclose(i, i)
    lib.isclose(b, b)
    lib.isclose(i, i, rtol=-1)
    ~f
    ~i
    ~b
    i & b
    f & 1
    i << 1
    i >> 70
    i << -1
    b << 1
    u >> 1
    lib.bitwise_left_shift(i, 64)
"""


def outcome(lib, expression):
    """[(dtype, values), ...], or the type of the error."""
    names = {
        "lib": lib,
        "F": lib.nn.functional,
        "np": np,
        "i": lib.tensor([-2, 0, 3]),
        "b": lib.tensor([True, False, True]),
        "u": lib.tensor([1, 2, 255], dtype=lib.uint8),
        "f": lib.tensor([0.5, -1.5, float("nan")]),
        "nan": float("nan"),
        "inf": float("inf"),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = eval(expression, names)
    except Exception as error:
        return type(error)
    results = results if isinstance(results, list | tuple) else [results]
    return [
        (
            str(getattr(each, "dtype", type(each))).split(".")[-1],
            np.array(getattr(each, "array", each)),
        )
        for each in results
    ]


def same(mine, other):
    if isinstance(mine, type) or isinstance(other, type):
        # torch's NotImplementedError is a RuntimeError: either will do for the other
        return isinstance(mine, type) and isinstance(other, type) and issubclass(mine, other)
    return len(mine) == len(other) and all(
        a == b and x.shape == y.shape and np.allclose(x, y, rtol=1e-5, equal_nan=True)
        for (a, x), (b, y) in zip(mine, other, strict=True)
    )


def test_odd_operands():
    torch = pytest.importorskip("torch")
    differences = []
    for expression in EXPRESSIONS.strip().splitlines():
        mine, other = outcome(mt, expression.strip()), outcome(torch, expression.strip())
        if not same(mine, other):
            differences.append(f"{expression.strip()}: {mine} torch {other}")
    assert not differences, "\n".join(differences)
