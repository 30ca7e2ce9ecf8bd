"""Names of arguments that torch's functions take too: NumPy's axis, keepdims, x, x1, x2; others."""

import numpy as np
import pytest

import minitorch_cnn as mt

WITH_KEEPDIMS = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max",
    "mean", "median", "min", "mode", "nanmean", "nanmedian", "nansum", "prod", "std",
    "std_mean", "sum", "var", "var_mean"
]  # fmt: skip
WITH_AXIS = [
    "argsort", "cummax", "cummin", "cumprod", "cumsum", "diff", "log_softmax", "logcumsumexp",
    "softmax", "sort", "squeeze", "trapezoid", "unbind", "unsqueeze"
]  # fmt: skip
AFTER_A_NUMBER = [
    "chunk", "kthvalue", "quantile", "repeat_interleave", "tensor_split", "topk"
]  # fmt: skip
X = np.random.default_rng(0).standard_normal((4, 3))


def parts(result):
    return [
        np.asarray(each.cpu())
        for each in (result if isinstance(result, tuple | list) else [result])
    ]


def check(library, call):
    for ours, theirs in zip(parts(call(mt)), parts(call(library)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_axis_and_keepdims_are_dim_and_keepdim():
    torch = pytest.importorskip("torch")
    for name in WITH_KEEPDIMS + WITH_AXIS:
        options = [dict(axis=1)]
        if name in WITH_KEEPDIMS and name != "count_nonzero":
            options.append(dict(axis=0, keepdims=True))
        for each in options:
            check(torch, lambda of: getattr(of, name)(of.tensor(X), **each))  # noqa: B023
            if hasattr(torch.Tensor, name):
                check(torch, lambda of: getattr(of.tensor(X), name)(**each))  # noqa: B023
    for name in AFTER_A_NUMBER:
        number = 1.0 if name == "quantile" else 2
        check(torch, lambda of: getattr(of, name)(of.tensor(X), number, axis=1))  # noqa: B023
    for name in ("cat", "stack"):
        check(torch, lambda of: getattr(of, name)([of.tensor(X)] * 2, axis=1))  # noqa: B023
    check(torch, lambda of: of.maximum(x1=of.tensor(X), x2=of.tensor(X[::-1].copy())))
    check(torch, lambda of: of.exp(x=of.tensor(X)))


def test_the_same_argument_by_both_names_is_refused():
    x = mt.from_numpy(X)
    with pytest.raises(TypeError, match="axis"):
        x.sum(dim=0, axis=1)
    with pytest.raises(TypeError, match="dim"):
        mt.sum(x, 0, axis=1)
    with pytest.raises(TypeError, match="axis"):  # nor does torch
        mt.nn.functional.softmax(x, axis=1)
    with pytest.raises(TypeError, match="must be int"):
        x.sum(axis=1.5)


def test_shapes_by_name_and_other_names():
    torch = pytest.importorskip("torch")
    square = X[:3] @ X[:3].T + np.eye(3)
    for call in (
        lambda of, x, a: of.reshape(x, shape=(2, 6)),
        lambda of, x, a: x.reshape(shape=(3, -1)),
        lambda of, x, a: x.view(size=(12,)),
        lambda of, x, a: x.view(dtype=of.int64),
        lambda of, x, a: x.expand(size=(2, 4, 3)),
        lambda of, x, a: of.broadcast_to(x, size=(2, 4, 3)),
        lambda of, x, a: x.repeat(repeats=(2, 1)),
        lambda of, x, a: of.swapaxes(x, axis0=0, axis1=1),
        lambda of, x, a: of.tensor_split(x, sections=2),
        lambda of, x, a: of.tensor_split(x, indices=(1, 2)),
        lambda of, x, a: of.hsplit(x, sections=3),
        lambda of, x, a: x.split(split_size=3),
        lambda of, x, a: of.inverse(input=a),
        lambda of, x, a: of.det(input=a),
        lambda of, x, a: of.slogdet(input=a),
        lambda of, x, a: of.cholesky(input=a),
        lambda of, x, a: of.pinverse(input=a),
        lambda of, x, a: of.matrix_power(input=a, n=3),
        lambda of, x, a: of.zeros(3).random_(**{"from": 4, "to": 5}),
        lambda of, x, a: of.zeros(3).uniform_(**{"from": 1, "to": 1}),
    ):
        check(torch, lambda of: call(of, of.tensor(X), of.tensor(square)))  # noqa: B023
    assert mt.promote_types(type1=mt.int64, type2=mt.float16) is mt.float16


def test_cuda_takes_non_blocking():
    if mt.cuda.is_available():
        assert mt.ones(2).cuda(non_blocking=True).is_cuda
    else:
        with pytest.raises(RuntimeError, match=r"CuPy|GPU"):
            mt.ones(2).cuda(0, non_blocking=True)
