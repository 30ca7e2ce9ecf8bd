"""embedding_bag beside torch's in float64: values and gradients, and what is refused."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

FLAT, TABLE = [1, 3, 0, 3, 2, 5, 1], (6, 4)
CASES = [
    (FLAT, [0, 2, 2, 5], {}),
    (FLAT, [0, 2, 2, 5], {"mode": "sum", "padding_idx": 3}),
    (FLAT, [0, 2, 2, 5], {"mode": "max", "padding_idx": -1}),
    (FLAT, [0, 2, 2, 5], {"mode": "mean", "padding_idx": 1}),
    (FLAT, [0, 3, 7], {"include_last_offset": True, "mode": "sum"}),
    (FLAT, [0, 3, 3], {"include_last_offset": True, "padding_idx": 1}),
    (FLAT, [0, 3, 7], {"include_last_offset": True, "mode": "max"}),
    (FLAT, [0, 4], {"mode": "sum", "factors": True}),
    ([[1, 2, 3], [5, 5, 0]], None, {}),
    ([[1, 2, 3], [5, 4, 0]], None, {"mode": "max"}),
    ([[1, 2, 3], [5, 5, 0]], None, {"mode": "sum", "factors": True, "padding_idx": 5}),
    ([[1, 2, 3], [5, 5, 0]], None, {"mode": "sum", "max_norm": 1.0}),
]


@pytest.mark.parametrize("numbers, offsets, options", CASES, ids=str)
def test_values_and_gradients(numbers, offsets, options):
    found = []
    for lib in (mt, torch):
        rng, more = np.random.default_rng(0), dict(options)
        table = lib.tensor(rng.standard_normal(TABLE)).requires_grad_()
        leaves = [table]
        if more.pop("factors", False):
            factors = lib.tensor(rng.standard_normal(np.shape(numbers))).requires_grad_()
            leaves.append(factors)
            more["per_sample_weights"] = factors
        weight = table if "max_norm" not in more else table.detach()
        offset = None if offsets is None else lib.tensor(offsets)
        y = lib.nn.functional.embedding_bag(lib.tensor(numbers), weight, offset, **more)
        arrays = [y.detach().numpy()]
        if weight is table:
            (y * lib.tensor(rng.standard_normal(tuple(y.shape)))).sum().backward()
            arrays += [leaf.grad.numpy() for leaf in leaves]
        found.append(arrays)
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


def test_the_layer():
    seen = []
    for lib in (mt, torch):
        layer = lib.nn.EmbeddingBag(6, 4, mode="max", padding_idx=-2, max_norm=3.0)
        assert layer.weight[4].tolist() == [0] * 4
        table = lib.tensor(np.random.default_rng(0).standard_normal(TABLE))
        made = lib.nn.EmbeddingBag.from_pretrained(table, mode="sum")
        y = made(lib.tensor(FLAT), lib.tensor([0, 2]))
        seen.append([repr(layer), repr(made), list(made.state_dict()), made.weight.requires_grad])
        seen.append(y.numpy())
    assert seen[0] == seen[2]
    np.testing.assert_allclose(seen[1], seen[3], rtol=1e-12)


WRONG = [
    "embedding_bag(i, w, o, mode='x')",
    "embedding_bag(i, w, o, per_sample_weights=w[:3, 0])",
    "embedding_bag(i, w, o, mode='sum', per_sample_weights=w[:2, 0])",
    "embedding_bag(i, w)",
    "embedding_bag(i[None], w, o)",
    "embedding_bag(i[None, None], w)",
]


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    for lib in (mt, torch):
        names = {"i": lib.tensor([0, 1, 2]), "w": lib.ones(4, 2), "o": lib.tensor([0])}
        with pytest.raises((ValueError, NotImplementedError)):
            eval(f"F.{call}", {**names, "F": lib.nn.functional})
    with pytest.raises(ValueError, match=r"rise.*\[0, 5\]"):
        mt.nn.functional.embedding_bag(mt.tensor([0]), mt.ones(2, 2), mt.tensor([0, 5]))


def test_bags_of_nothing_but_padding():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        bag = lib.nn.functional.embedding_bag
        for mode in ("sum", "mean", "max"):
            weight = lib.ones(3, 2, requires_grad=True)
            y = bag(lib.tensor([[1, 1]]), weight, padding_idx=1, mode=mode)
            y.sum().backward()
            assert y.tolist() == [[0, 0]] and not weight.grad.any()
            for index in (-1, 3):
                with pytest.raises(RuntimeError, match=r"idx >= 0|not in the valid range"):
                    bag(lib.tensor([[index, 1]]), weight, mode=mode)
