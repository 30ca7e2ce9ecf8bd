"""The rarer operations against torch: values, gradients, second gradients, in every memory layout.

The same table and harness as in test_against_torch.py, for random shapes too.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_oracle import LAYOUTS, compare_with_torch, lay_out

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

torch = pytest.importorskip("torch")

INDEX = [2, 0, 2]


def spd(lib, x):
    """A symmetric positive-definite matrix made of x (..., n, n)."""
    return x @ x.mT + 2 * lib.eye(x.shape[-1], dtype=x.dtype)


def threes(lib, x):
    """(n, 3): two columns of x and their product."""
    return lib.stack((x[:, 0], x[:, 1], x[:, 0] * x[:, 1]), 1)


# name: (call, number of tensors, lowest and highest value)
CASES = {
    "acosh": (lambda lib, a: lib.acosh(a), 1, 1.1, 3.0),
    "asinh": (lambda lib, a: lib.asinh(a), 1, -3.0, 3.0),
    "atanh": (lambda lib, a: lib.atanh(a), 1, -0.9, 0.9),
    "erfc": (lambda lib, a: lib.erfc(a), 1, -3.0, 3.0),
    "erfinv": (lambda lib, a: lib.erfinv(a), 1, -0.99, 0.99),
    "logit": (lambda lib, a: lib.logit(a), 1, 0.05, 0.95),
    "logit_eps": (lambda lib, a: lib.logit(a, eps=0.2), 1, 0.05, 0.95),
    "sinc": (lambda lib, a: lib.sinc(a), 1, 0.1, 3.0),
    "deg2rad": (lambda lib, a: lib.deg2rad(a) ** 2, 1, -3.0, 3.0),
    "rad2deg": (lambda lib, a: lib.rad2deg(a) ** 2, 1, -3.0, 3.0),
    "hypot": (lambda lib, a, b: lib.hypot(a, b), 2, 0.2, 3.0),
    "copysign": (lambda lib, a, b: lib.copysign(a, b) ** 2, 2, -3.0, 3.0),
    "fmax": (lambda lib, a, b: lib.fmax(a, b) ** 2, 2, -3.0, 3.0),
    "fmin": (lambda lib, a, b: lib.fmin(a, b) ** 2, 2, -3.0, 3.0),
    "float_power": (lambda lib, a, b: lib.float_power(a, b), 2, 0.3, 2.0),
    "logaddexp": (lambda lib, a, b: lib.logaddexp(a, b), 2, -3.0, 3.0),
    "logaddexp2": (lambda lib, a, b: lib.logaddexp2(a, b), 2, -3.0, 3.0),
    "xlogy": (lambda lib, a, b: lib.xlogy(a, b), 2, 0.2, 3.0),
    "ldexp": (lambda lib, a, b: lib.ldexp(a, b), 2, -2.0, 2.0),
    "rsub": (lambda lib, a, b: lib.rsub(a, b, alpha=2) ** 2, 2, -2.0, 2.0),
    "cummax": (lambda lib, a: lib.cummax(a, 0)[0] ** 2, 1, -3.0, 3.0),
    "cummin": (lambda lib, a: lib.cummin(a, -1)[0] ** 2, 1, -3.0, 3.0),
    "logcumsumexp": (lambda lib, a: lib.logcumsumexp(a, 0), 1, -3.0, 3.0),
    "diff": (lambda lib, a: lib.diff(a, dim=0) ** 2, 1, -3.0, 3.0),
    "diff_2": (lambda lib, a: lib.diff(a, 2, 1, prepend=a) ** 2, 1, -3.0, 3.0),
    "trapezoid": (lambda lib, a, b: lib.trapezoid(a, b, dim=0) ** 2, 2, -3.0, 3.0),
    "cumulative_trapezoid": (lambda lib, a: lib.cumulative_trapezoid(a) ** 2, 1, -3.0, 3.0),
    "kthvalue": (lambda lib, a: tuple(lib.kthvalue(a, 2, 0)), 1, -3.0, 3.0),
    "nanmedian": (lambda lib, a: lib.nanmedian(a, 1)[0] ** 2, 1, -3.0, 3.0),
    "nanmean": (lambda lib, a: lib.nanmean(a, 1) ** 2, 1, -3.0, 3.0),
    "quantile": (lambda lib, a: lib.quantile(a, 0.3, 1) ** 2, 1, -3.0, 3.0),
    "nanquantile": (lambda lib, a: lib.nanquantile(a, 0.6) ** 2, 1, -3.0, 3.0),
    "cov": (lambda lib, a: lib.cov(a), 1, -3.0, 3.0),
    "corrcoef": (lambda lib, a: lib.corrcoef(a), 1, -3.0, 3.0),
    "index_fill": (lambda lib, a: a.index_fill(0, lib.tensor([0]), 2.0) ** 2, 1, -3.0, 3.0),
    "index_copy": (lambda lib, a, b: a.index_copy(0, lib.tensor([1, 0]), b[:2]) ** 2, 2, -3.0, 3.0),
    "masked_scatter": (lambda lib, a, b: a.masked_scatter(a.detach() > 0, b) ** 2, 2, -3.0, 3.0),
    "put": (lambda lib, a, b: a.put(lib.tensor([1, 1]), b.ravel()[:2], True) ** 2, 2, -3.0, 3.0),
    "select_scatter": (lambda lib, a, b: lib.select_scatter(a, b[0], 0, 1) ** 2, 2, -3.0, 3.0),
    "slice_scatter": (lambda lib, a, b: lib.slice_scatter(a, b[:1], 0, 1, 2) ** 2, 2, -3.0, 3.0),
    "diagonal_scatter": (
        lambda lib, a, b: lib.diagonal_scatter(a, b.diagonal() * 1) ** 2,
        2,
        -3.0,
        3.0,
    ),
    "as_strided": (
        lambda lib, a: lib.as_strided((a * 1).contiguous(), (2, 2), (1, 1), 1) ** 2,
        1,
        -3.0,
        3.0,
    ),
    "rot90": (lambda lib, a: lib.rot90(a, 3) ** 2, 1, -3.0, 3.0),
    "kron": (lambda lib, a, b: lib.kron(a, b), 2, -3.0, 3.0),
    "block_diag": (lambda lib, a, b: lib.block_diag(a, b[0]) ** 2, 2, -3.0, 3.0),
    "diag_embed": (lambda lib, a: lib.diag_embed(a, 1) ** 2, 1, -3.0, 3.0),
    "combinations": (lambda lib, a: lib.combinations(a[0]) ** 2, 1, -3.0, 3.0),
    "cartesian_prod": (lambda lib, a, b: lib.cartesian_prod(a[0], b[0]) ** 2, 2, -3.0, 3.0),
    "column_stack": (lambda lib, a, b: lib.column_stack((a, b)) ** 2, 2, -3.0, 3.0),
    "dstack": (lambda lib, a, b: lib.dstack((a, b)) ** 2, 2, -3.0, 3.0),
    "hsplit": (lambda lib, a: lib.hsplit(a * a, [1]), 1, -3.0, 3.0),
    "sum_to_size": (lambda lib, a: a.sum_to_size(1, a.shape[1]) ** 2, 1, -3.0, 3.0),
    "cross": (lambda lib, a, b: lib.cross(threes(lib, a), threes(lib, b), 1), 2, -3.0, 3.0),
    "dist": (lambda lib, a, b: lib.dist(a, b, 3), 2, -3.0, 3.0),
    "renorm": (lambda lib, a: lib.renorm(a, 2, 0, 1.5), 1, 0.3, 3.0),
    "inner": (lambda lib, a, b: lib.inner(a, b), 2, -3.0, 3.0),
    "addr": (lambda lib, a: lib.addr(a, a[:, 0], a[0], alpha=2), 1, -3.0, 3.0),
    "einsum_lists": (lambda lib, a, b: lib.einsum(a, [0, 1], b, [2, 1], [2, 0]), 2, -3.0, 3.0),
    "vector_norm": (lambda lib, a: lib.linalg.vector_norm(a, 3, 1), 1, 0.2, 3.0),
    "pinv": (lambda lib, a: lib.linalg.pinv(a + 3 * lib.eye(*a.shape, dtype=a.dtype)), 1, 0.0, 1.0),
}

SQUARE = {
    "inv": lambda lib, a: lib.linalg.inv(spd(lib, a)),
    "det": lambda lib, a: lib.linalg.det(a),
    "slogdet": lambda lib, a: lib.linalg.slogdet(a)[1],
    "logdet": lambda lib, a: lib.logdet(spd(lib, a)),
    "solve": lambda lib, a: lib.linalg.solve(spd(lib, a), a),
    "solve_right": lambda lib, a: lib.linalg.solve(spd(lib, a), a, left=False),
    "solve_triangular": lambda lib, a: lib.linalg.solve_triangular(spd(lib, a), a, upper=True),
    "cholesky": lambda lib, a: lib.linalg.cholesky(spd(lib, a)),
    "qr": lambda lib, a: lib.linalg.qr(spd(lib, a)[..., :2, :])[1] ** 2,
    "eigvalsh": lambda lib, a: lib.linalg.eigvalsh(spd(lib, a)),
    "eigh": lambda lib, a: lib.linalg.eigh(spd(lib, a))[1] ** 2,  # up to the sign
    "svdvals": lambda lib, a: lib.linalg.svdvals(a),
    "svd": lambda lib, a: lib.linalg.svd(a[..., :2], full_matrices=False)[0] ** 2,
    "matrix_power": lambda lib, a: lib.linalg.matrix_power(a, 3),
    "matrix_norm": lambda lib, a: lib.linalg.matrix_norm(a, "nuc"),
    "cond": lambda lib, a: lib.linalg.cond(spd(lib, a)),
}

layouts = st.sampled_from(LAYOUTS)
seeds = st.integers(0, 2**31)


def spread(rng, shape, low, high):
    """Numbers in [low, high] of which no two are close: no ties, no kinks."""
    count = int(np.prod(shape))
    steps = (np.arange(count) + 0.5 + rng.uniform(-0.2, 0.2, count)) / count
    return rng.permutation(low + steps * (high - low)).reshape(shape)


@pytest.mark.parametrize("name", CASES)
@given(rows=st.integers(2, 4), columns=st.integers(2, 4), layout=layouts, seed=seeds)
def test_operation(name, rows, columns, layout, seed):
    call, count, low, high = CASES[name]
    rng = np.random.default_rng(seed)
    arrays = [lay_out(spread(rng, (rows, columns), low, high), layout) for _ in range(count)]
    compare_with_torch(call, arrays)


@pytest.mark.parametrize("name", SQUARE)
@given(batch=st.sampled_from([(), (2,), (2, 1)]), layout=layouts, seed=seeds)
def test_matrix_operation(name, batch, layout, seed):
    n = 3
    rng = np.random.default_rng(seed)
    # Far from singular, and with singular values apart: otherwise rounding errors are amplified.
    rotation = np.linalg.qr(rng.standard_normal((*batch, n, n)))[0]
    other = np.linalg.qr(rng.standard_normal((*batch, n, n)))[0]
    array = lay_out(rotation * np.array([0.7, 1.6, 2.9]) @ other, layout)
    compare_with_torch(SQUARE[name], [array])


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@given(include_self=st.booleans(), layout=layouts, seed=seeds)
def test_scatter_reduce(reduce, include_self, layout, seed):
    rng = np.random.default_rng(seed)
    x, src = (lay_out(spread(rng, (3, 4), 0.5, 3.0), layout) for _ in range(2))
    index = rng.integers(0, 3, (3, 4))

    def call(lib, a, b):
        where = lib.tensor(index)
        return a.scatter_reduce(0, where, b, reduce, include_self=include_self) ** 2

    compare_with_torch(call, [x, src])


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@given(include_self=st.booleans(), layout=layouts, seed=seeds)
def test_index_reduce(reduce, include_self, layout, seed):
    rng = np.random.default_rng(seed)
    x, source = (lay_out(spread(rng, (3, 3), 0.5, 3.0), layout) for _ in range(2))

    def call(lib, a, b):
        index = lib.tensor(INDEX)
        return a.index_reduce(1, index, b, reduce, include_self=include_self) ** 2

    compare_with_torch(call, [x, source])


@pytest.mark.parametrize(
    "function",
    [
        mt.erfinv,
        lambda a: mt.cdist(a, a * 2 + 1),  # torch has no second gradient of it
        lambda a: mt.cdist(a, a * 2 + 1.3, 1.5),
        lambda a: mt.vander(a[0], 3),  # torch's writes over what its backward needs
        lambda a: mt.linalg.inv(a),
        lambda a: mt.linalg.det(a),
        lambda a: mt.linalg.qr(a)[0] ** 2,
        lambda a: mt.logcumsumexp(a, 1),
        lambda a: mt.linalg.pinv(a[:2]),
    ],
)
def test_gradients_by_differences(function):
    a = mt.tensor([[0.9, 0.1, -0.2], [0.3, -0.7, 0.4], [0.05, 0.2, 0.6]], dtype=mt.float64)
    assert gradcheck(function, (a.requires_grad_(),))
    assert gradgradcheck(function, (a,))
