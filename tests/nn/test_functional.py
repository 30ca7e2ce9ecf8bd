"""nn.functional and nn: the names that are there, and the small functions of vectors."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F


def test_all_names_exist_in_torch_too():
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch.nn.utils.prune")  # an attribute of torch.nn.utils from then on
    for ours, theirs in ((F, torch.nn.functional), (nn, torch.nn), (nn.utils, torch.nn.utils)):
        missing = [name for name in ours.__all__ if not hasattr(theirs, name)]
        assert not missing
        assert all(hasattr(ours, name) for name in ours.__all__)


def signature(function):
    """Names, order and defaults of the arguments; None where Python cannot tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None  # a builtin of torch
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    # A default that is a function is as good as torch's of the same name.
    return [
        (p.name, getattr(p.default, "__name__", p.default)) for p in parameters if p.name != "out"
    ]


# Where ours differ from torch's on purpose.
DIFFERENT = {
    "max_pool1d_with_indices": "returns the indices without being asked by an argument",
    "max_pool2d_with_indices": "returns the indices without being asked by an argument",
    "max_pool3d_with_indices": "returns the indices without being asked by an argument",
    "Hardtanh": "has not the two old names of its limits",
}


@pytest.mark.parametrize("ours, path", [(F, "nn.functional"), (nn, "nn"), (nn.utils, "nn.utils")])
def test_arguments_have_torchs_names_order_and_defaults(ours, path):
    torch = pytest.importorskip("torch")
    theirs = torch
    for part in path.split("."):
        theirs = getattr(theirs, part)
    compared = 0
    for name in ours.__all__:
        expected = None
        if callable(getattr(ours, name)) and name not in DIFFERENT:
            expected = signature(getattr(theirs, name))
        if expected is not None:
            assert signature(getattr(ours, name)) == expected, name
            compared += 1
    assert compared >= len(ours.__all__) / 2


@settings(max_examples=20)
@given(st.lists(st.integers(0, 3), max_size=3), st.integers(0, 3), st.integers(0, 10**6))
def test_one_hot(shape, extra, seed):
    classes = np.asarray(np.random.default_rng(seed).integers(0, 4, shape))
    if classes.size == 0:
        with pytest.raises(RuntimeError, match="Can not infer total number of classes"):
            F.one_hot(mt.from_numpy(classes))
    number = 4 + extra
    y = F.one_hot(mt.from_numpy(classes), number)
    assert y.dtype is mt.int64 and y.shape == (*shape, number)
    for index in np.ndindex(*shape):
        assert y.numpy()[index].tolist() == [int(c == classes[index]) for c in range(number)]


def test_one_hot_infers_and_refuses():
    assert F.one_hot(mt.tensor([1, 0])).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(RuntimeError, match="smaller than num_classes, got 5 and num_classes=3"):
        F.one_hot(mt.tensor([0, 5]), 3)
    with pytest.raises(RuntimeError, match="non-negative, got -2"):
        F.one_hot(mt.tensor([0, -2]))
    with pytest.raises(RuntimeError, match="float32"):
        F.one_hot(mt.tensor([1.0]))


@st.composite
def vectors(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x, y = rng.standard_normal((2, *shape)) + 0.2
    return np.where(np.abs(x) < 0.05, 0.1, x), y, draw(st.integers(-len(shape), len(shape) - 1))


@settings(max_examples=20)
@given(vectors(), st.sampled_from([1.0, 2.0, 3.0]))
def test_normalize(case, p):
    x, _, dim = case
    norm = (np.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p)
    y = F.normalize(mt.from_numpy(x), p, dim)
    np.testing.assert_allclose(y.numpy(), x / norm, rtol=1e-12)
    t = mt.from_numpy(x).requires_grad_()
    assert gradcheck(lambda t: F.normalize(t, p, dim), (t,))
    assert gradgradcheck(lambda t: F.normalize(t, p, dim), (t,), atol=1e-4)


@settings(max_examples=20)
@given(vectors())
def test_cosine_similarity(case):
    x, y, dim = case
    expected = (x * y).sum(dim) / np.sqrt((x * x).sum(dim) * (y * y).sum(dim))
    pair = [mt.from_numpy(np.asarray(v)).requires_grad_() for v in (x, y)]
    result = F.cosine_similarity(*pair, dim=dim)
    np.testing.assert_allclose(result.numpy(force=True), expected, rtol=1e-10, atol=1e-12)
    assert gradcheck(lambda x, y: F.cosine_similarity(x, y, dim), pair)
    assert gradgradcheck(lambda x, y: F.cosine_similarity(x, y, dim), pair, atol=1e-4)


def test_vectors_of_length_zero_give_zero():
    assert F.normalize(mt.zeros(1, 3)).tolist() == [[0.0] * 3]
    assert F.cosine_similarity(mt.zeros(1, 3), mt.ones(1, 3)).tolist() == [0.0]
