"""Attention: against its definition."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tables import at_the_seams, matrix, numbers, refused_as_by_torch
from torch_oracle import array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEAMS = {
    "attention of a causal square": lambda lib: lib.nn.functional.scaled_dot_product_attention(
        numbers(lib, 2, 4), numbers(lib, 3, 4), numbers(lib, 3, 2), is_causal=True
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "attention of two types": (
        lambda lib: lib.nn.functional.scaled_dot_product_attention(
            matrix(lib), matrix(lib), matrix(lib).double()
        ),
        r"query\.dtype: .*value\.dtype: .*float64",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)


SEEDS = st.integers(0, 2**32 - 1)


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


def test_attention_lies_in_memory_as_its_query():
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(3).standard_normal((2, 5, 3, 4))
    for options in ({}, {"is_causal": True}, {"dropout_p": 0.25}):
        for turned in (False, True):
            strides, values = [], []
            for lib, make in ((torch, torch.tensor), (mt, mt.tensor)):
                x = make(data if turned else data.transpose(0, 2, 1, 3).copy(), requires_grad=True)
                heads = x.transpose(1, 2) if turned else x
                y = lib.nn.functional.scaled_dot_product_attention(heads, heads, heads, **options)
                strides.append(y.stride())
                if turned and not options.get("dropout_p"):
                    y = y.transpose(1, 2).view(2, 5, 12)  # needs the memory of the query
                    y.square().sum().backward()
                    values += [y.detach().numpy(), x.grad.numpy()]
            if not options.get("dropout_p"):
                assert strides[0] == strides[1], (options, turned)
            if values:
                np.testing.assert_allclose(values[2], values[0], rtol=1e-12)
                np.testing.assert_allclose(values[3], values[1], rtol=1e-10, atol=1e-12)


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


def test_a_query_that_sees_nothing_by_numbers_gets_zeros_too():
    q, k, v = mt.ones(2, 3), mt.ones(4, 3), mt.ones(4, 1).requires_grad_()
    mask = mt.tensor([[0.0], [-float("inf")]]).expand(2, 4)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert y.tolist() == [[1.0], [0.0]]
    y.sum().backward()
    assert v.grad.flatten().tolist() == [0.25] * 4


def test_the_bias_of_the_projections_may_be_of_another_type():
    """As in torch, where it is added to a product in memory of another order: batch_first."""
    torch = pytest.importorskip("torch")
    seen = []
    for lib in (mt, torch):
        layer = lib.nn.MultiheadAttention(4, 2, batch_first=True, dtype=lib.float64)
        with lib.no_grad():
            for k, each in enumerate(layer.parameters()):
                values = lib.arange(each.numel(), dtype=lib.float64).reshape(each.shape)
                each.copy_((values * (0.1 + k)).sin())
        layer.in_proj_bias = lib.nn.Parameter(layer.in_proj_bias.half())
        x = (lib.arange(24, dtype=lib.float64) * 0.3).cos().reshape(2, 3, 4)
        y, weights = layer(x, x, x)
        seen.append((y.detach().tolist(), weights.detach().tolist()))
    np.testing.assert_allclose(seen[0][0], seen[1][0], rtol=1e-12)
    np.testing.assert_allclose(seen[0][1], seen[1][1], rtol=1e-12)
