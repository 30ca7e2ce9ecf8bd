"""NumPy's names of arguments, which torch's functions take too: axis, keepdims, x, x1, x2."""

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
    return [np.asarray(each) for each in (result if isinstance(result, tuple | list) else [result])]


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
