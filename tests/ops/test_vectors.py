"""Distances, bilinear forms, attention, channel shuffle: definitions, torch, any gradients."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch_oracle import array, check_gradients, compare_with_torch

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


@given(st.integers(1, 4), st.sampled_from([0.5, 1.0, 2.0, 3.0, math.inf]), SEEDS)
def test_distances_are_norms(n, p, seed):
    # No two numbers within 0.2: the slope of |d|**0.5 near 0 is too steep to be measured.
    rng = np.random.default_rng(seed)
    x, y = (rng.permutation(6 * n) * 0.3 + rng.uniform(0, 0.1, 6 * n)).reshape(2, n, 3)
    expected = np.array([np.linalg.norm(a - b + 1e-6, p) for a, b in zip(x, y, strict=True)])
    got = F.pairwise_distance(mt.from_numpy(x), mt.from_numpy(y), p)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)
    check_gradients(lambda a, b: F.pairwise_distance(a, b, p, keepdim=True), x, y)
    pairs = [np.linalg.norm(x[i] - x[j], p) for i in range(n) for j in range(i + 1, n)]
    np.testing.assert_allclose(F.pdist(mt.from_numpy(x), p).numpy(), pairs, rtol=1e-12)
    check_gradients(lambda a: F.pdist(a, p), x)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, math.inf])
def test_pdist_of_equal_rows_has_gradient_0(p):
    x = mt.ones(3, 2, dtype=mt.float64, requires_grad=True)
    F.pdist(x, p).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]] * 3
    for bad, words in ((mt.zeros(3), "1D"), (mt.tensor([[1]]), "int64")):
        with pytest.raises(RuntimeError, match=words):
            F.pdist(bad)
    with pytest.raises(RuntimeError, match="-1"):
        F.pdist(mt.zeros(2, 2), p=-1)


BATCHES = st.lists(st.integers(1, 3), max_size=2).map(tuple)


@given(BATCHES, st.tuples(*[st.integers(1, 3)] * 3), SEEDS)
def test_bilinear_is_a_sum_over_pairs(batch, sizes, seed):
    I, J, O = sizes
    x, y = array(seed, (*batch, I)), array(seed + 1, (*batch, J))
    w, b = array(seed + 2, (O, I, J)), array(seed + 3, (O,))
    expected = np.einsum("...i,oij,...j->...o", x, w, y)
    got = F.bilinear(*map(mt.from_numpy, (x, y, w)))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(
        F.bilinear(*map(mt.from_numpy, (x, y, w, b))).numpy(), expected + b, atol=1e-12
    )
    check_gradients(F.bilinear, x, y, w, b)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (1, 4), (5, 3, 4)],
        [(2, 3), (2, 4), (5, 4, 3)],
        [(2, 3), (2, 4), (3, 4)],
        [(2, 3), (2, 4), (5, 3, 4), (4,)],
    ],
)
def test_bilinear_refuses_shapes_that_do_not_fit(shapes):
    with pytest.raises(RuntimeError, match=r"\d"):
        F.bilinear(*(mt.zeros(shape) for shape in shapes))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_channel_shuffle_takes_one_of_each_group_in_turn(groups, per_group, length, seed):
    x = array(seed, (2, groups * per_group, length))
    order = [g * per_group + i for i in range(per_group) for g in range(groups)]
    np.testing.assert_array_equal(F.channel_shuffle(mt.from_numpy(x), groups).numpy(), x[:, order])
    check_gradients(lambda a: F.channel_shuffle(a, groups), x)


def test_channel_shuffle_refuses_what_does_not_fit():
    for shape, groups in (((1, 4), 2), ((1, 5, 2), 2), ((1, 4, 2), 0)):
        with pytest.raises(RuntimeError, match=r"\d"):
            F.channel_shuffle(mt.zeros(shape), groups)


@given(st.sampled_from(["none", "causal", "bool", "numbers"]), st.booleans(), SEEDS)
def test_attention_is_its_definition(mask, scaled, seed):
    rng = np.random.default_rng(seed)
    q, k, v = array(seed, (2, 3, 4)), array(seed + 1, (2, 5, 4)), array(seed + 2, (2, 5, 2))
    options = dict(scale=0.3) if scaled else {}
    scores = q @ k.transpose(0, 2, 1) * (0.3 if scaled else 0.5)
    if mask == "causal":
        options["is_causal"] = True
        scores = np.where(np.tril(np.ones((3, 5), bool)), scores, -np.inf)
    elif mask == "bool":
        allowed = rng.random((2, 3, 5)) < 0.7
        allowed[:, :, 0] = True
        scores = np.where(allowed, scores, -np.inf)
        options["attn_mask"] = mt.from_numpy(allowed)
    elif mask == "numbers":
        bias = rng.standard_normal((3, 5))
        scores = scores + bias
        options["attn_mask"] = mt.from_numpy(bias)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    got = F.scaled_dot_product_attention(*map(mt.from_numpy, (q, k, v)), **options)
    np.testing.assert_allclose(got.numpy(), weights @ v, atol=1e-12)
    check_gradients(lambda *a: F.scaled_dot_product_attention(*a, **options), q, k, v)


def test_attention_with_grouped_heads_repeats_keys_and_values():
    q, k, v = (mt.from_numpy(array(0, (1, heads, 3, 2))) for heads in (4, 2, 2))
    grouped = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    for head in range(4):
        alone = F.scaled_dot_product_attention(q[:, head], k[:, head // 2], v[:, head // 2])
        mt.testing.assert_close(grouped[:, head], alone)


def test_attention_drops_weights():
    q, k = mt.zeros(1, 1000, 1), mt.zeros(1, 4, 1)
    y = F.scaled_dot_product_attention(q, k, mt.ones(1, 4, 1), dropout_p=0.5)
    assert set(y.flatten().tolist()) == {0.0, 0.5, 1.0, 1.5, 2.0}


def test_a_query_that_sees_nothing_gets_zeros():
    q, k, v = mt.ones(2, 3), mt.ones(4, 3), mt.ones(4, 1).requires_grad_()
    allowed = mt.tensor([[True], [False]]).expand(2, 4)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    assert y.tolist() == [[1.0], [0.0]]
    y.sum().backward()
    assert v.grad.flatten().tolist() == [0.25] * 4


@pytest.mark.parametrize(
    "shapes, options",
    [
        ([(3,), (5, 4), (5, 2)], {}),
        ([(3, 3), (5, 4), (5, 2)], {}),
        ([(3, 4), (5, 4), (6, 2)], {}),
    ],
)
def test_attention_refuses_shapes_that_do_not_fit(shapes, options):
    with pytest.raises(RuntimeError, match=r"\d"):
        F.scaled_dot_product_attention(*(mt.zeros(shape) for shape in shapes), **options)
    with pytest.raises(RuntimeError, match="is_causal"):
        x = mt.zeros(2, 2)
        F.scaled_dot_product_attention(x, x, x, attn_mask=x, is_causal=True)


@pytest.mark.parametrize("name", ["dropout3d", "feature_alpha_dropout"])
def test_channels_are_dropped_as_a_whole(name):
    x = mt.randn(40, 25, 2, 3, 2) + 5
    y = getattr(F, name)(x, 0.25, training=True)
    kept = y / x if name == "dropout3d" else (y - y.mean((2, 3, 4), keepdim=True)).abs()
    whole = kept.flatten(2)
    dropped = (whole.amax(2) < 1e-6).float().mean().item()
    assert 0.2 < dropped < 0.3
    assert getattr(F, name)(x, 0.25, training=False) is x
    with pytest.raises(ValueError, match="2"):
        getattr(F, name)(x, 2.0, training=True)
    with pytest.raises(RuntimeError, match="3"):
        getattr(F, name)(mt.zeros(3), 0.5, training=True)
    z = x.clone()
    assert getattr(F, name)(z, 0.5, True, True) is z and not bool((z == x).all())


def test_feature_alpha_dropout_keeps_mean_and_variance():
    x = mt.randn(200, 200, 4, dtype=mt.float64)
    y = F.feature_alpha_dropout(x, 0.3, training=True)
    assert abs(y.mean().item()) < 0.03 and abs(y.std().item() - 1) < 0.03


def test_cosine_similarity_broadcasts_before_it_takes_a_dimension():
    pytest.importorskip("torch")
    compare_with_torch(
        lambda lib, x, y: lib.nn.functional.cosine_similarity(x, y, dim=-2),
        [array(0, (1, 2, 3)), array(1, (2, 1, 3))],
    )
