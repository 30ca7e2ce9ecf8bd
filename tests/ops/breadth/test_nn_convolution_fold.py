"""unfold and fold: torch's values and errors, gradients, and a convolution made of them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tables import matrix, refused_as_by_torch, refused_here

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.ops.breadth.nn_convolution_fold import fold, unfold

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
OPTIONS = st.fixed_dictionaries(
    dict(
        kernel_size=PAIRS,
        dilation=st.integers(1, 2),
        padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
        stride=PAIRS,
    )
)


@given(
    OPTIONS, st.tuples(st.integers(5, 7), st.integers(5, 7)), st.booleans(), st.integers(0, 2**32)
)
def test_values_are_torchs(options, size, batched, seed):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 3, *size) if batched else (3, *size))
    cols = F.unfold(torch.tensor(x), **options)
    np.testing.assert_array_equal(unfold(mt.tensor(x), **options).numpy(), cols.numpy())
    values = rng.standard_normal(cols.shape)
    image = F.fold(torch.tensor(values), size, **options)
    got = fold(mt.tensor(values), size, **options)
    np.testing.assert_allclose(got.numpy(), image.numpy(), atol=1e-12)


@given(OPTIONS, st.integers(0, 2**32))
def test_gradients_and_their_gradients(options, seed):
    rng = np.random.default_rng(seed)
    x = mt.tensor(rng.standard_normal((1, 2, 5, 6))).requires_grad_()
    cols = mt.tensor(rng.standard_normal(unfold(x, **options).shape)).requires_grad_()
    for function, leaf in (
        (lambda a: unfold(a, **options), x),
        (lambda a: fold(a, (5, 6), **options), cols),
    ):
        assert gradcheck(function, leaf)
        assert gradgradcheck(function, leaf)


def test_a_convolution_is_unfold_and_a_matrix_product():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 2, 3))
    cols = unfold(mt.tensor(x), (2, 3), stride=(1, 2)).numpy()  # (2, 18, 8)
    y = np.einsum("kc,ncl->nkl", w.reshape(4, 18), cols).reshape(2, 4, 4, 2)
    for n, k, i, j in np.ndindex(y.shape):
        patch = x[n, :, i : i + 2, 2 * j : 2 * j + 3]
        np.testing.assert_allclose(y[n, k, i, j], (patch * w[k]).sum(), atol=1e-12)


@pytest.mark.parametrize(
    "name, shape, args",
    [
        ("fold", (1, 8, 3), ((4, 4), 2)),
        ("fold", (1, 7, 9), ((4, 4), 2)),
        ("fold", (1, 1, 8, 9), ((4, 4), 2)),
        ("unfold", (1, 2, 2, 2), (3,)),
        ("unfold", (1, 2, 4, 4), (2, 0)),
        ("unfold", (1, 2, 4, 4), (2, 1, 0, 0)),
    ],
)
def test_errors_are_of_torchs_kind(name, shape, args):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        getattr(torch.nn.functional, name)(torch.zeros(shape), *args)
    with pytest.raises(RuntimeError, match=r"\d"):
        {"fold": fold, "unfold": unfold}[name](mt.zeros(shape), *args)


REFUSED = {
    "fold of rows that only the height divides": (
        lambda lib: lib.nn.functional.fold(lib.ones(1, 6, 9), (4, 4), 2),
        "got 6",
    ),
    "fold of too many patches": (
        lambda lib: lib.nn.functional.fold(lib.ones(1, 4, 10), (4, 4), 2),
        "got 10",
    ),
    "unfold by an empty kernel": (
        lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 4, 4), (2, 0)),
        r"kernel_size.*\[2, 0\]",
    ),
    "unfold of no channels": (
        lambda lib: lib.nn.functional.unfold(lib.ones(3, 0, 3, 4), (2, 3)),
        "Expected 3D or 4D",
    ),
    "fold of no patches": (
        lambda lib: lib.nn.functional.fold(lib.ones(1, 4, 0), (3, 3), 2),
        "Expected 2D or 3D",
    ),
    "unfold with negative padding": (
        lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 4, 4), 2, padding=-1),
        r"padding.*\[-1, -1\]",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)

REFUSED_HERE = {
    "unfold of a matrix": (lambda lib: lib.nn.functional.unfold(matrix(lib), 1), r"\[2, 3\]"),
}

test_refused_here = refused_here(REFUSED_HERE)


def test_conv_tbc_is_conv1d_with_the_time_in_front():
    torch = pytest.importorskip("torch")
    rng, found = np.random.default_rng(0), []
    arrays = [rng.normal(size=shape) for shape in ((9, 4, 5), (3, 5, 6), (6,))]
    seed = rng.normal(size=(13, 4, 6))
    for lib in (mt, torch):
        inputs = [lib.tensor(each, requires_grad=True) for each in arrays]
        y = lib.nn.functional.conv_tbc(*inputs, 3)
        grads = lib.autograd.grad((y * lib.tensor(seed)).sum(), inputs)
        found.append([each.detach().numpy() for each in (y, *grads)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)
    with pytest.raises(RuntimeError, match="Input must have 3 dims"):
        mt.conv_tbc(mt.ones(2, 2), mt.ones(2, 2, 2), mt.ones(2))
