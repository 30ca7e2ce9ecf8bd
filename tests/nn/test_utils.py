"""nn.utils: gradient clipping and parameters as one vector."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    parameters_to_vector,
    vector_to_parameters,
)


def parameters(lib, arrays):
    result = []
    for array in arrays:
        p = lib.nn.Parameter(lib.zeros(array.shape, dtype=lib.float64))
        p.grad = lib.from_numpy(array.copy())
        result.append(p)
    return result


@settings(max_examples=25)
@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=4),
    st.sampled_from([1.0, 2, 3.5, math.inf]),
    st.floats(0.1, 20),
    st.integers(0, 10**6),
)
def test_clip_grad_norm(shapes, kind, limit, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    everything = np.concatenate([np.abs(a).ravel() for a in arrays])
    norm = everything.max() if kind == math.inf else (everything**kind).sum() ** (1 / kind)
    ours = parameters(mt, arrays)
    bare = [p.grad.array for p in ours]
    total = clip_grad_norm_(ours, limit, norm_type=kind)
    assert total.item() == pytest.approx(norm, rel=1e-12)
    scale = min(1.0, limit / (norm + 1e-6))
    for p, before, array in zip(ours, arrays, bare, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), before * scale, rtol=1e-12)
        assert p.grad.array is array  # in place

    torch = pytest.importorskip("torch")
    theirs = parameters(torch, arrays)
    torch.nn.utils.clip_grad_norm_(theirs, limit, norm_type=kind)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10)


def test_the_older_name_of_clip_grad_norm_warns():
    p = mt.nn.Parameter(mt.zeros(2))
    p.grad = mt.tensor([3.0, 4.0])
    with pytest.warns(FutureWarning, match="clip_grad_norm` is now deprecated in favor of"):
        assert mt.nn.utils.clip_grad_norm([p], 2.5).item() == 5.0
    np.testing.assert_allclose(p.grad.numpy(), [1.5, 2.0], rtol=1e-6)


def test_clip_grad_norm_of_one_tensor_of_none_and_of_infinities():
    p = mt.nn.Parameter(mt.zeros(2))
    assert clip_grad_norm_(p, 1.0).item() == 0.0
    p.grad = mt.tensor([3.0, 4.0])
    assert clip_grad_norm_((q for q in [p]), 10.0).item() == 5.0
    assert p.grad.tolist() == [3.0, 4.0]
    assert clip_grad_norm_(p, 2.5).item() == 5.0
    assert p.grad.tolist() == pytest.approx([1.5, 2.0], rel=1e-6)
    p.grad = mt.tensor([math.inf, 1.0])
    with pytest.raises(RuntimeError, match=r"order 2\.0 .* is non-finite"):
        clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def test_clip_grad_value():
    p, q = parameters(mt, [np.array([-3.0, 0.5]), np.array([[2.0]])])
    q.requires_grad_(False)
    assert clip_grad_value_([p, q, mt.nn.Parameter(mt.ones(1))], 1) is None
    assert p.grad.tolist() == [-1.0, 0.5] and q.grad.tolist() == [[1.0]]


def test_parameters_to_vector_and_back():
    net = mt.nn.Sequential(mt.nn.Linear(3, 2), mt.nn.Linear(2, 1))
    vector = parameters_to_vector(net.parameters())
    flat = np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
    assert vector.tolist() == flat.tolist() and vector.requires_grad
    identities = [id(p) for p in net.parameters()]
    vector_to_parameters(mt.arange(11).float(), net.parameters())
    assert net[0].weight.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert net[1].bias.tolist() == [10.0]
    assert [id(p) for p in net.parameters()] == identities
    with pytest.raises(TypeError, match="expected a Tensor, but got: list"):
        vector_to_parameters([1.0], net.parameters())
