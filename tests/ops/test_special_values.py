"""Elementwise operations at zeros, joints, limits, infinities and NaN: torch's, with gradients.

Each runs at every number, or pair, of a grid, in half, single and double precision. Torch's vectors
and its scalar code differ at some of them: what either says will do.
"""

import numpy as np
import pytest
from special import TIERS, close, exempt, inf, lines, nan, results

import minitorch_cnn as mt

COTANGENTS = [1.0, -2.0, 0.0, inf]

UNARY = """
    lib.exp(x)
    lib.exp2(x)
    lib.expm1(x)
    lib.log(x)
    lib.log2(x)
    lib.log10(x)
    lib.log1p(x)
    lib.sqrt(x)
    lib.rsqrt(x)
    lib.reciprocal(x)
    lib.sin(x)
    lib.cos(x)
    lib.tan(x)
    lib.asin(x)
    lib.acos(x)
    lib.atan(x)
    lib.sinh(x)
    lib.cosh(x)
    lib.tanh(x)
    lib.sigmoid(x)
    lib.erf(x)
    lib.abs(x)
    lib.sign(x)
    lib.square(x)
    lib.floor(x)
    lib.ceil(x)
    lib.trunc(x)
    lib.fix(x)
    lib.acosh(x)
    lib.asinh(x)
    lib.atanh(x)
    lib.erfc(x)
    lib.erfinv(x)
    lib.logit(x)
    lib.sinc(x)
    lib.deg2rad(x)
    lib.rad2deg(x)
    lib.positive(x)
    lib.sgn(x)
    lib.signbit(x)
    lib.neg(x)
    lib.frac(x)
    lib.round(x)
    lib.isfinite(x)
    lib.isinf(x)
    lib.isnan(x)
    lib.isneginf(x)
    lib.isposinf(x)
    lib.isreal(x)
    lib.logical_not(x)
    lib.relu(x)
    lib.selu(x)
    lib.celu(x)
    lib.nan_to_num(x)
    F.relu6(x)
    F.hardtanh(x)
    F.hardtanh(x, -2, 0.5)
    F.hardtanh(x, 0, 0)
    F.elu(x)
    F.elu(x, 0.5)
    F.elu(x, 0.0)
    F.leaky_relu(x)
    F.leaky_relu(x, 0.0)
    F.leaky_relu(x, -1.0)
    F.gelu(x)
    F.gelu(x, approximate='tanh')
    F.silu(x)
    F.mish(x)
    F.hardsigmoid(x)
    F.hardswish(x)
    F.softplus(x)
    F.softplus(x, 2, 3)
    F.logsigmoid(x)
    F.threshold(x, 1, 5)
    F.threshold(x, 0.5, -1)
    F.hardshrink(x)
    F.softshrink(x)
    F.softshrink(x, 0)
    F.hardshrink(x, 0)
    F.hardshrink(x, 1)
    F.softshrink(x, 1)
    F.softsign(x)
    F.tanhshrink(x)
    F.celu(x, 2.0)
    lib.logit(x, eps=0.25)
    lib.logit(x, eps=0.0)
    lib.logit(x, eps=0.6)
    lib.clamp(x, -1, 1)
    lib.clamp(x, min=0.5)
    lib.clamp(x, max=0.5)
    lib.clamp(x, 1, -1)
    lib.clamp(x, nan, 1)
    lib.clamp(x, -1, nan)
    lib.clamp(x, -inf, inf)
    lib.clamp_min(x, 1)
    lib.clamp_max(x, 1)
    lib.nan_to_num(x, 1.0, 2.0, 3.0)
    lib.round(x, decimals=1)
    lib.round(x, decimals=-1)
    x ** 0
    x ** 1
    x ** 2
    x ** 3
    x ** 0.5
    x ** -0.5
    x ** -1
    x ** -2
    x ** 1.5
    x ** 2.5
    x ** 0.0
    x ** inf
    x ** -inf
    x ** nan
    2 ** x
    0 ** x
    1 ** x
    (-1) ** x
    (-2.0) ** x
    0.0 ** x
    inf ** x
    -inf ** x
    nan ** x
    x / 0
    x / 2
    x / inf
    0 / x
    1 / x
    -1 / x
    inf / x
    x * 0
    x * inf
    x + inf
    x - inf
    inf - x
    x % 2
    x % -2
    x % 0
    x % inf
    x % -inf
    lib.fmod(x, 2)
    lib.fmod(x, 0)
    lib.fmod(x, inf)
    lib.remainder(x, 1.5)
    lib.div(x, 2, rounding_mode='floor')
    lib.div(x, 2, rounding_mode='trunc')
    lib.div(x, 0, rounding_mode='trunc')
    lib.copysign(x, -1)
    lib.copysign(x, -0.0)
    lib.xlogy(x, 2)
    lib.xlogy(x, 0)
    lib.xlogy(0, x)
    lib.xlogy(1, x)
    lib.float_power(x, 2)
    lib.float_power(x, 0.5)
    lib.float_power(2, x)
    lib.ldexp(x, lib.tensor(2))
    x.square()
    x == x
    x > 0
    x.bool()
"""

BINARY = """
    x + y
    x - y
    x * y
    x / y
    x % y
    x ** y
    lib.maximum(x, y)
    lib.minimum(x, y)
    lib.fmax(x, y)
    lib.fmin(x, y)
    lib.fmod(x, y)
    lib.remainder(x, y)
    lib.div(x, y, rounding_mode='floor')
    lib.div(x, y, rounding_mode='trunc')
    lib.atan2(x, y)
    lib.hypot(x, y)
    lib.copysign(x, y)
    lib.xlogy(x, y)
    lib.logaddexp(x, y)
    lib.logaddexp2(x, y)
    lib.nextafter(x, y)
    lib.float_power(x, y)
    lib.max(x, y)
    lib.min(x, y)
    lib.clamp(x, y, y)
    lib.clamp(x, min=y)
    lib.clamp(x, max=y)
    lib.clamp(x, y, lib.ones_like(y))
    lib.clamp(x, -lib.ones_like(y), y)
    lib.eq(x, y)
    lib.ne(x, y)
    lib.lt(x, y)
    lib.ge(x, y)
    lib.isclose(x, y)
    lib.isclose(x, y, equal_nan=True)
    lib.logical_and(x, y)
    lib.logical_xor(x, y)
    lib.where(x > y, x, y)
    lib.where(x < y, 1.0, y)
    lib.lerp(x, y, 0.25)
    lib.lerp(x, y, 0.75)
    lib.lerp(x, y, 0.5)
    lib.lerp(x, y, lib.full_like(x, 0.75))
    lib.addcmul(x, y, y, value=2)
    lib.addcdiv(x, y, y, value=2)
    lib.addcmul(x, y, y, value=0)
    lib.rsub(x, y)
    lib.add(x, y, alpha=2)
    lib.sub(x, y, alpha=2.5)
    lib.ldexp(x, y)
    F.mse_loss(x, y, reduction='none')
    F.l1_loss(x, y, reduction='none')
    F.smooth_l1_loss(x, y, reduction='none')
    F.smooth_l1_loss(x, y, reduction='none', beta=0.5)
    F.smooth_l1_loss(x, y, reduction='none', beta=0)
    F.huber_loss(x, y, reduction='none')
    F.huber_loss(x, y, reduction='none', delta=0.5)
    F.huber_loss(x, y, reduction='none', delta=2.0)
    F.binary_cross_entropy_with_logits(x, y, reduction='none')
    F.binary_cross_entropy_with_logits(x, y, reduction='none', pos_weight=lib.full_like(x, 3.0))
    F.binary_cross_entropy_with_logits(x, y, reduction='none', weight=lib.full_like(x, 0.0))
    F.kl_div(x, y, reduction='none')
    F.kl_div(x, y, reduction='none', log_target=True)
    F.poisson_nll_loss(x, y, reduction='none')
    F.poisson_nll_loss(x, y, reduction='none', full=True)
    F.poisson_nll_loss(x, y, reduction='none', log_input=False)
    F.gaussian_nll_loss(x, y, lib.ones_like(x), reduction='none')
    F.gaussian_nll_loss(x, lib.ones_like(x), y, reduction='none')
    F.hinge_embedding_loss(x, y, reduction='none')
    F.hinge_embedding_loss(x, lib.ones_like(x), reduction='none')
    F.hinge_embedding_loss(x, -lib.ones_like(x), reduction='none')
    F.margin_ranking_loss(x, y, lib.ones_like(x), reduction='none')
    F.margin_ranking_loss(x, y, -lib.ones_like(x), margin=1.0, reduction='none')
"""


def points(kind):
    limits = np.finfo(kind)
    named = {
        "tiny": limits.tiny,
        "-tiny": -limits.tiny,
        "smallest": limits.smallest_subnormal,
        "largest": limits.max,
        "-largest": -limits.max,
        "eps": limits.eps,
    }
    plain = [
        "0.",
        "-0.",
        "1",
        "-1",
        ".5",
        "-.5",
        ".25",
        ".75",
        "2",
        "-2",
        "3",
        "-3",
        "6",
        "1.5",
        "9",
        "-9",
        "20",
        "-20",
        "100",
        "-100",
        "inf",
        "-inf",
        "nan",
    ]
    return {**{name: kind(name) for name in plain}, **named}


def pairs(kind):
    limits = np.finfo(kind)
    each = {
        name: kind(name) for name in ["0.", "-0.", "1", "-1", ".5", "-2", "3", "inf", "-inf", "nan"]
    }
    each["tiny"] = limits.tiny
    return [((m, n), (x, y)) for m, x in each.items() for n, y in each.items()]


def elementwise_differences(torch, expression, kind, tier, names, arrays):
    """What differs, in words: all numbers at once, then torch once more at each that differs."""
    arguments = ", ".join(["x", "y"][: len(arrays)])
    call = eval(f"lambda lib, F, {arguments}: {expression}", {"inf": inf, "nan": nan})
    with mt.kernel_tier(tier):
        mine = results(mt, call, arrays, COTANGENTS)
    other = results(torch, call, arrays, COTANGENTS)
    if isinstance(mine, type) or isinstance(other, type):
        refused = isinstance(other, type) and mt.get_backend() != "numpy"  # a GPU checks no values
        return (
            []
            if mine is other or refused
            else [f"{expression} {kind.__name__}: {mine} torch {other}"]
        )
    assert len(mine) == len(other), f"{expression}: {len(mine)} results, torch {len(other)}"
    found, singles = [], {}
    for index, ((what, a), (_, b)) in enumerate(zip(mine, other, strict=True)):
        for place in np.flatnonzero(~close(a, b, kind)):
            if place not in singles:
                alone = [each[place : place + 1] for each in arrays]
                singles[place] = results(torch, call, alone, COTANGENTS)
            alone = singles[place][index][1]
            at = [each.lstrip("-") for each in names[place]]
            words = {kind.__name__, *what.split(), *at}
            if close(a[place : place + 1], alone, kind).all() or exempt(expression, words):
                continue
            found.append(f"{expression} {sorted(words)}: {a[place]} torch {alone[0]}")
    return found


@pytest.mark.parametrize("kind, tier", TIERS)
def test_elementwise(kind, tier):
    torch = pytest.importorskip("torch")
    found = []
    alone = points(kind)
    names, x = [(name,) for name in alone], np.array(list(alone.values()), kind)
    for expression in lines(UNARY):
        found += elementwise_differences(torch, expression, kind, tier, names, [x])
    names = [name for name, _ in pairs(kind)]
    x, y = (np.array(each, kind) for each in zip(*(pair for _, pair in pairs(kind)), strict=True))
    for expression in lines(BINARY) if kind != np.float16 else ():
        found += elementwise_differences(torch, expression, kind, tier, names, [x, y])
    assert not found, "\n".join(found)
