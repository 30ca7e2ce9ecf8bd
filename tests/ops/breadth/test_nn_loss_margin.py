"""Losses with a margin: formulas as loops, torch, gradients of any order."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def reduced(losses, reduction):
    losses = np.asarray(losses)
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def length(x, p=2.0, eps=1e-6):
    return (abs(x + eps) ** p).sum(-1) ** (1 / p)


def check(name, expected, arrays, rest=(), **options):
    """The loss's value against `expected`, and its gradients in the arrays."""
    function = getattr(F, name)
    rest = [mt.from_numpy(np.asarray(each)) for each in rest]
    got = function(*map(mt.from_numpy, arrays), *rest, **options)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-10, atol=1e-12)
    check_gradients(lambda *inputs: function(*inputs, *rest, **options), *arrays)


@given(st.integers(1, 5), st.floats(0, 1.5), REDUCTIONS, SEEDS)
def test_margin_ranking(n, margin, reduction, seed):
    a, b = array(seed, (n,)), array(seed + 1, (n,))
    target = np.sign(array(seed + 2, (n,)))
    losses = [max(0.0, margin - t * (x - y)) for x, y, t in zip(a, b, target, strict=True)]
    check(
        "margin_ranking_loss", reduced(losses, reduction), (a, b), [target],
        margin=margin, reduction=reduction,
    )  # fmt: skip


@given(st.integers(1, 5), st.floats(0.1, 1.5), REDUCTIONS, SEEDS)
def test_hinge_embedding(n, margin, reduction, seed):
    x, target = array(seed, (n,)), np.sign(array(seed + 2, (n,)))
    losses = [v if t == 1 else max(0.0, margin - v) for v, t in zip(x, target, strict=True)]
    check(
        "hinge_embedding_loss", reduced(losses, reduction), (x,), [target],
        margin=margin, reduction=reduction,
    )  # fmt: skip


@given(st.integers(1, 4), st.floats(-0.5, 0.5), REDUCTIONS, SEEDS)
def test_cosine_embedding(n, margin, reduction, seed):
    a, b = array(seed, (n, 3)), array(seed + 1, (n, 3))
    target = np.sign(array(seed + 2, (n,))).astype(int)
    squares = [(each * each).sum(1) + 1e-12 for each in (a, b)]  # torch's guard against 0 / 0
    cosines = (a * b).sum(1) / np.sqrt(squares[0] * squares[1])
    losses = [1 - c if t == 1 else max(0.0, c - margin) for c, t in zip(cosines, target)]
    check(
        "cosine_embedding_loss", reduced(losses, reduction), (a, b), [target],
        margin=margin, reduction=reduction,
    )  # fmt: skip


@given(st.integers(1, 4), REDUCTIONS, SEEDS)
def test_soft_margin(n, reduction, seed):
    x, target = array(seed, (n, 2)), np.sign(array(seed + 2, (n, 2)))
    expected = reduced(np.log(1 + np.exp(-target * x)), reduction)
    check("soft_margin_loss", expected, (x,), [target], reduction=reduction)
    far = F.soft_margin_loss(mt.tensor([-1000.0]), mt.tensor([1.0]))
    assert far.item() == 1000.0  # where exp(1000) is infinite


@given(
    st.integers(1, 3), st.integers(1, 4), st.sampled_from([1, 2]), st.booleans(), REDUCTIONS, SEEDS
)
def test_multi_margin(n, classes, p, weighted, reduction, seed):
    x = array(seed, (n, classes))
    target = np.random.default_rng(seed).integers(0, classes, n)
    weight = array(seed + 1, (classes,), 0.5, 2.0)
    losses = [
        sum(
            max(0.0, 1.3 - x[r, t] + x[r, i]) ** p * (weight[t] if weighted else 1.0)
            for i in range(classes)
            if i != t
        )
        / classes
        for r, t in enumerate(target)
    ]
    options = dict(p=p, margin=1.3, reduction=reduction)
    if weighted:
        options["weight"] = mt.from_numpy(weight)
    check("multi_margin_loss", reduced(losses, reduction), (x,), [target], **options)
    one = F.multi_margin_loss(mt.from_numpy(x[0]), mt.tensor(int(target[0])), **options)
    assert one.item() == pytest.approx(losses[0])


@given(st.integers(1, 3), st.integers(1, 4), REDUCTIONS, SEEDS)
def test_multilabel_margin(n, classes, reduction, seed):
    rng = np.random.default_rng(seed)
    x = array(seed, (n, classes))
    target = np.stack([rng.permutation(classes) for _ in range(n)])
    for row in target:
        row[rng.integers(0, classes + 1) :][:1] = -1  # what follows must count for nothing
    losses = []
    for row, labels in zip(x, target, strict=True):
        right = []
        for label in labels:
            if label < 0:
                break
            right.append(label)
        wrong = [i for i in range(classes) if i not in right]
        losses.append(sum(max(0.0, 1 - row[y] + row[i]) for y in right for i in wrong) / classes)
    check("multilabel_margin_loss", reduced(losses, reduction), (x,), [target], reduction=reduction)


@given(st.integers(1, 3), st.integers(1, 4), st.booleans(), REDUCTIONS, SEEDS)
def test_multilabel_soft_margin(n, classes, weighted, reduction, seed):
    x, target = array(seed, (n, classes)), array(seed + 1, (n, classes), 0.0, 1.0)
    weight = array(seed + 2, (classes,), 0.5, 2.0) if weighted else np.ones(classes)
    probability = 1 / (1 + np.exp(-x))
    losses = -weight * (target * np.log(probability) + (1 - target) * np.log(1 - probability))
    options = dict(weight=mt.from_numpy(weight)) if weighted else {}
    expected = reduced(losses.mean(1), reduction)
    check("multilabel_soft_margin_loss", expected, (x, target), reduction=reduction, **options)


@given(st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.0]), st.booleans(), REDUCTIONS, SEEDS)
def test_triplet_margin(n, p, swap, reduction, seed):
    a, b, c = (array(seed + i, (n, 3)) for i in range(3))
    far = np.minimum(length(a - c, p), length(b - c, p)) if swap else length(a - c, p)
    losses = np.maximum(0.7 + length(a - b, p) - far, 0)
    options = dict(margin=0.7, p=p, swap=swap, reduction=reduction)
    check("triplet_margin_loss", reduced(losses, reduction), (a, b, c), **options)


def test_triplet_with_a_distance_of_ones_own():
    a, b, c = (mt.tensor(v) for v in ([0.0, 0.0], [1.0, 2.0], [2.0, 0.5]))

    def city_blocks(x, y):
        return (x - y).abs().sum(-1)

    loss = F.triplet_margin_with_distance_loss(a, b, c, distance_function=city_blocks)
    assert loss.item() == pytest.approx(1 + 3 - 2.5)
    euclid = F.triplet_margin_with_distance_loss(a, b, c)
    assert euclid.item() == pytest.approx(1 + math.sqrt(5) - math.sqrt(4.25), abs=1e-5)


CLASSES = mt.tensor([0, 3])


ERRORS = [
    ("margin_ranking_loss", [(2,), (2,), (2, 1)], {}, RuntimeError),
    ("cosine_embedding_loss", [(2, 3), (2, 3), (2, 1)], {}, RuntimeError),
    ("cosine_embedding_loss", [(3,), (3,), (2,)], {}, RuntimeError),
    ("multi_margin_loss", [(2, 3), CLASSES], {}, RuntimeError),
    ("multi_margin_loss", [(2, 4), CLASSES], dict(p=3), ValueError),
    ("multi_margin_loss", [(3, 4), CLASSES], {}, RuntimeError),
    ("multi_margin_loss", [(2, 2, 2), CLASSES], {}, RuntimeError),
    ("multilabel_margin_loss", [(2,), CLASSES], {}, RuntimeError),
    ("multilabel_margin_loss", [(3,), CLASSES], {}, RuntimeError),
    ("triplet_margin_loss", [(2, 3), (2, 3), (3,)], {}, RuntimeError),
    ("triplet_margin_loss", [(2, 3)] * 3, dict(margin=-1.0), ValueError),
    ("triplet_margin_with_distance_loss", [(2, 3)] * 3, dict(margin=0.0), ValueError),
    ("gaussian_nll_loss", [(2, 3), (2, 3), (3,)], {}, ValueError),
    ("poisson_nll_loss", [(2,), (2,)], dict(reduction="average"), ValueError),
    ("soft_margin_loss", [(2,), (2,)], dict(reduction="average"), ValueError),
]


@pytest.mark.parametrize("name, inputs, options, error", ERRORS)
def test_what_does_not_fit_is_refused_as_by_torch(name, inputs, options, error):
    torch = pytest.importorskip("torch")
    theirs = [torch.zeros(i) if isinstance(i, tuple) else torch.tensor(i.tolist()) for i in inputs]
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        getattr(torch.nn.functional, name)(*theirs, **options)
    with pytest.raises(error):
        getattr(F, name)(*(mt.zeros(i) if isinstance(i, tuple) else i for i in inputs), **options)


def test_multi_margin_has_the_targets_dimensions():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        loss = lib.nn.MultiMarginLoss(reduction="none")
        shapes = [loss(lib.ones(5), lib.tensor(target)).shape for target in (1, [1])]
        assert [tuple(each) for each in shapes] == [(), (1,)]
