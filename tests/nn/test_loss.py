"""Losses: formulas number by number, torch's values and gradients, errors that quote."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F

REDUCTIONS = ["mean", "sum", "none"]


def compare_with_torch(run, *arrays, rtol=1e-10):
    """run(lib, *tensors) with both libraries: same value, and same gradients of all floats."""
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        # torch's nll_loss wants rows lying in order in memory; ours gets them as they are
        tensors = [lib.from_numpy(np.array(a, order="K" if lib is mt else "C")) for a in arrays]
        for tensor in tensors:
            if tensor.is_floating_point():
                tensor.requires_grad_()
        loss = run(lib, *tensors)
        cotangent = np.asarray(np.random.default_rng(9).standard_normal(tuple(loss.shape)))
        loss.backward(lib.from_numpy(cotangent))
        grads = [t.grad.numpy() for t in tensors if t.requires_grad and t.grad is not None]
        results.append([loss.detach().numpy(), *grads])
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)


# ------------------------------------------------------------------------- cross entropy


@st.composite
def classifications(draw):
    """Scores, targets and a number that targets may have to be ignored."""
    classes = draw(st.integers(1, 4))
    extra = draw(st.lists(st.integers(1, 3), max_size=2))
    batch = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = (batch, classes, *extra)
    scores = 3 * rng.standard_normal(shape)
    if draw(st.booleans()):  # as an image in channels-last
        scores = np.moveaxis(np.ascontiguousarray(np.moveaxis(scores, 1, -1)), -1, 1)
    targets = rng.integers(0, classes, (batch, *extra))
    ignore = draw(st.sampled_from([-100, 0, classes]))
    if ignore == classes:
        targets[rng.random(targets.shape) < 0.3] = classes
    weight = rng.random(classes) + 0.1 if draw(st.booleans()) else None
    return scores, targets, ignore, weight


def naive_cross_entropy(scores, targets, ignore, weight, smoothing, reduction):
    """By the definition, one row after another."""
    classes = scores.shape[1]
    losses, total = np.zeros(targets.shape), 0.0
    for index in np.ndindex(*targets.shape):
        target = targets[index]
        if target == ignore:
            continue
        row = [scores[(index[0], c, *index[1:])] for c in range(classes)]
        log_sum = math.log(sum(math.exp(s) for s in row))
        for c in range(classes):
            share = smoothing / classes + (1 - smoothing) * (c == target)
            losses[index] += share * (log_sum - row[c]) * (1 if weight is None else weight[c])
        total += 1 if weight is None else weight[target]
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / total if total else math.nan


@settings(max_examples=40)
@given(classifications(), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from(REDUCTIONS))
def test_cross_entropy_by_its_definition(case, smoothing, reduction):
    scores, targets, ignore, weight = case
    loss = F.cross_entropy(
        mt.from_numpy(scores),
        mt.from_numpy(targets),
        None if weight is None else mt.from_numpy(weight),
        ignore_index=ignore,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    expected = naive_cross_entropy(scores, targets, ignore, weight, smoothing, reduction)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-11, atol=1e-12)


@settings(max_examples=30)
@given(classifications(), st.sampled_from([0.0, 0.2]), st.sampled_from(REDUCTIONS))
def test_cross_entropy_and_its_gradients_are_torchs(case, smoothing, reduction):
    scores, targets, ignore, weight = case

    def run(lib, x, t, *w):
        return lib.nn.functional.cross_entropy(
            x,
            t,
            *[each.detach() for each in w],
            ignore_index=ignore,
            reduction=reduction,
            label_smoothing=smoothing,
        )

    if (targets == ignore).all() and reduction == "mean":
        return  # NaN; its own test is below
    compare_with_torch(run, scores, targets, *([] if weight is None else [weight]))


@settings(max_examples=15)
@given(classifications(), st.sampled_from([0.0, 0.2]), st.sampled_from(REDUCTIONS))
def test_cross_entropy_gradients_of_both_orders(case, smoothing, reduction):
    scores, targets, ignore, weight = case
    if (targets == ignore).all():
        return
    x = mt.from_numpy(scores).requires_grad_()

    def function(x):
        return F.cross_entropy(
            x,
            mt.from_numpy(targets),
            None if weight is None else mt.from_numpy(weight),
            ignore_index=ignore,
            reduction=reduction,
            label_smoothing=smoothing,
        )

    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


@settings(max_examples=20)
@given(classifications(), st.sampled_from([0.0, 0.3]), st.sampled_from(REDUCTIONS))
def test_cross_entropy_with_probabilities(case, smoothing, reduction):
    scores, _, _, weight = case
    p = np.exp(scores[:, ::-1]) + 0.1  # any positive numbers: they need not add up to 1

    def run(lib, x, p, *w):
        return lib.nn.functional.cross_entropy(
            x,
            p,
            *[each.detach() for each in w],
            reduction=reduction,
            label_smoothing=smoothing,
        )

    compare_with_torch(run, scores, p, *([] if weight is None else [weight]))
    tensors = [mt.from_numpy(np.array(a)).requires_grad_() for a in (scores, p)]
    assert gradcheck(lambda x, p: run(mt, x, p), tensors)
    assert gradgradcheck(lambda x, p: run(mt, x, p), tensors)


def test_probabilities_of_one_class_are_that_class():
    x = mt.randn(5, 3, dtype=mt.float64)
    t = mt.tensor([0, 2, 1, 1, 0])
    for smoothing in (0.0, 0.1):
        a = F.cross_entropy(x, t, label_smoothing=smoothing)
        b = F.cross_entropy(x, F.one_hot(t, 3).double(), label_smoothing=smoothing)
        assert a.item() == pytest.approx(b.item(), rel=1e-12)


def test_a_sample_without_a_batch():
    x = mt.tensor([1.0, 2.0, 3.0], dtype=mt.float64)
    expected = math.log(sum(math.exp(v) for v in (1, 2, 3))) - 2
    for reduction in REDUCTIONS:
        loss = F.cross_entropy(x, mt.tensor(1), reduction=reduction)
        assert loss.shape == () and loss.item() == pytest.approx(expected, rel=1e-12)
    p = mt.tensor([0.0, 1.0, 0.0], dtype=mt.float64)
    assert F.cross_entropy(x, p).item() == pytest.approx(expected, rel=1e-12)
    assert F.nll_loss(x.log_softmax(0), mt.tensor(1)).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("big", [1e4, 1e30])
def test_huge_scores_do_not_overflow(big):
    x = mt.tensor([[big, 0.0], [0.0, -big]], requires_grad=True)
    loss = F.cross_entropy(x, mt.tensor([0, 1]), reduction="none")
    assert loss.tolist() == [0.0, pytest.approx(big)]
    loss.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [1.0, -1.0]]


def test_no_rows_or_only_ignored_ones_give_nan_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = mt.zeros(2, 3, requires_grad=True)
        loss = F.cross_entropy(x, mt.tensor([-100, -100]))
        assert math.isnan(loss.item())
        loss.backward()
        assert x.grad.tolist() == [[0.0] * 3] * 2
        assert F.cross_entropy(x.detach(), mt.tensor([-100, -100]), reduction="sum").item() == 0
        assert math.isnan(F.cross_entropy(mt.zeros(0, 3), mt.zeros(0, dtype=mt.int64)).item())


def test_the_second_derivative_through_the_probabilities():
    # d2/dx2 of log(e^x + 1) is s (1 - s), s the sigmoid of x
    x = mt.tensor([[0.7, 0.0]], dtype=mt.float64, requires_grad=True)
    (g,) = mt.autograd.grad(F.cross_entropy(x, mt.tensor([1])), x, create_graph=True)
    (gg,) = mt.autograd.grad(g[0, 0], x, create_graph=True)
    (ggg,) = mt.autograd.grad(gg[0, 0], x)
    s = 1 / (1 + math.exp(-0.7))
    assert g[0, 0].item() == pytest.approx(s)
    assert gg[0, 0].item() == pytest.approx(s * (1 - s))
    assert ggg[0, 0].item() == pytest.approx(s * (1 - s) * (1 - 2 * s))


def test_an_out_of_range_target_is_quoted_with_its_place():
    target = mt.tensor([[0, 1], [2, 7]])
    with pytest.raises(IndexError, match=r"Target 7 is out of bounds.*\[1, 1\].*3 classes.*0 to 2"):
        F.cross_entropy(mt.zeros(2, 3, 2), target)
    with pytest.raises(IndexError, match=r"Target -1 is out of bounds.*\[0\]"):
        F.nll_loss(mt.zeros(1, 3), mt.tensor([-1]))


@pytest.mark.parametrize(
    "x, t, options, error, message",
    [
        (mt.zeros(3, 2), mt.zeros(4).long(), {}, ValueError, r"batch_size \(3\) .*\(4\)"),
        (mt.zeros(3, 2, 4), mt.zeros(3, 5).long(), {}, RuntimeError, r"\[3, 2, 4\].*\[3, 5\]"),
        (mt.zeros(3, 2), mt.zeros(3), {}, RuntimeError, r"float32 of shape \[3\]"),
        (mt.zeros(3, 2), mt.zeros(3).bool(), {}, RuntimeError, "minitorch_cnn.bool"),
        (mt.zeros(3, 2), mt.zeros(3, 2).long(), {}, RuntimeError, "Expected floating point"),
        (mt.zeros(()), mt.zeros(()).long(), {}, ValueError, r"1 or more dimensions \(got 0\)"),
        (mt.zeros(3, 2).long(), mt.zeros(3).long(), {}, RuntimeError, "floating-point scores"),
        (mt.zeros(3, 2), mt.zeros(3).long(), {"weight": mt.ones(3)}, RuntimeError, "all 2 classes"),
        (mt.zeros(3, 2), mt.zeros(3).long(), {"reduction": "avg"}, ValueError, "avg is not"),
        (mt.zeros(3, 2), mt.zeros(3).long(), {"label_smoothing": 2}, RuntimeError, "Got: 2"),
    ],
)
def test_what_does_not_fit_is_quoted(x, t, options, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(x, t, **options)


@settings(max_examples=20)
@given(classifications(), st.sampled_from(REDUCTIONS))
def test_nll_loss(case, reduction):
    scores, targets, ignore, weight = case
    if (targets == ignore).all() and reduction == "mean":
        return

    def run(lib, x, t, *w):
        return lib.nn.functional.nll_loss(
            x, t, *[each.detach() for each in w], ignore_index=ignore, reduction=reduction
        )

    compare_with_torch(run, scores, targets, *([] if weight is None else [weight]))
    x, t = mt.from_numpy(np.array(scores)).requires_grad_(), mt.from_numpy(targets)
    assert gradcheck(lambda x: run(mt, x, t), (x,))
    assert gradgradcheck(lambda x: run(mt, x, t), (x,))


# ------------------------------------------------------------------------ losses of numbers


def xlogy(a, b):
    return a * math.log(b) if a else 0.0


# name: (options, the formula for one element, how to draw input and target)
ELEMENTWISE = {
    "mse_loss": ({}, lambda x, t: (x - t) ** 2, "any"),
    "l1_loss": ({}, lambda x, t: abs(x - t), "any"),
    "smooth_l1_loss": (
        {"beta": 0.7},
        lambda x, t: (x - t) ** 2 / 1.4 if abs(x - t) < 0.7 else abs(x - t) - 0.35,
        "any",
    ),
    "huber_loss": (
        {"delta": 0.7},
        lambda x, t: (x - t) ** 2 / 2 if abs(x - t) < 0.7 else 0.7 * (abs(x - t) - 0.35),
        "any",
    ),
    "binary_cross_entropy": (
        {},
        lambda x, t: -t * math.log(x) - (1 - t) * math.log(1 - x),
        "probabilities",
    ),
    "binary_cross_entropy_with_logits": (
        {},
        lambda x, t: t * math.log1p(math.exp(-x)) + (1 - t) * math.log1p(math.exp(x)),
        "logits",
    ),
    "kl_div": ({}, lambda x, t: xlogy(t, t) - t * x, "logits"),
}


@st.composite
def pairs(draw, kind):
    """Input and target of one shape, with differences that are away from the kinks 0 and 0.7."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x, t = rng.standard_normal(shape), rng.random(shape) * 0.9 + 0.05
    if kind == "probabilities":
        x = rng.random(shape) * 0.9 + 0.05
    if kind == "any":
        d = x - t
        for kink in (0, 0.7, -0.7):
            d = np.where(np.abs(d - kink) < 0.02, kink + 0.05, d)
        x = t + d
    return np.asarray(x), np.asarray(t)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
@settings(max_examples=15)
@given(data=st.data())
def test_losses_of_numbers(name, data):
    options, formula, kind = ELEMENTWISE[name]
    x, t = data.draw(pairs(kind))
    reduction = data.draw(st.sampled_from(REDUCTIONS))
    losses = np.vectorize(formula)(x, t)
    expected = losses if reduction == "none" else getattr(losses, reduction)()

    def run(lib, x, t):
        return getattr(lib.nn.functional, name)(x, t, reduction=reduction, **options)

    ours = run(mt, mt.from_numpy(x), mt.from_numpy(t))
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-10, atol=1e-12)
    compare_with_torch(run, x, t)
    tensors = [mt.from_numpy(a).requires_grad_() for a in (x, t)]
    assert gradcheck(lambda x, t: run(mt, x, t), tensors)
    assert gradgradcheck(lambda x, t: run(mt, x, t), tensors)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weighted_mean_of_a_loss(name, reduction):
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((3, 8))
    w = np.abs(w)

    def run(lib, x, t, w):
        return getattr(lib.nn.functional, name)(x, t, reduction=reduction, weight=w.detach())

    compare_with_torch(run, x, t, w)
    with pytest.raises(ValueError, match=r"same size: \[3\] and \[2\]"):
        getattr(F, name)(mt.zeros(2), mt.zeros(2), weight=mt.zeros(3))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropies_with_weights(reduction):
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((4, 3)) * 5, (rng.random((4, 3)) < 0.5).astype(float)
    weight, pos_weight = rng.random((4, 1)), rng.random(3) * 3

    def with_logits(lib, x, t, w, p):
        f = lib.nn.functional.binary_cross_entropy_with_logits
        return f(x, t, weight=w.detach(), pos_weight=p.detach(), reduction=reduction)

    def with_probabilities(lib, x, t, w, p):
        f = lib.nn.functional.binary_cross_entropy
        return f(x.sigmoid(), t.detach(), weight=w.detach(), reduction=reduction)

    compare_with_torch(with_logits, x, t, weight, pos_weight)
    compare_with_torch(with_probabilities, x, t, weight, pos_weight)


def test_binary_cross_entropy_at_its_ends_is_cut_as_torchs():
    def run(lib, x, t):
        return lib.nn.functional.binary_cross_entropy(x, t.detach(), reduction="none")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # torch's smallest divisor is 1e-12 rounded to float32
        inputs, targets = [0.0, 1.0, 0.0, 1.0, 1e-300], [0.0, 1.0, 1.0, 0.0, 1.0]
        compare_with_torch(run, inputs, targets, rtol=1e-8)
        assert F.binary_cross_entropy(mt.zeros(1), mt.ones(1)).item() == 100.0
    with pytest.raises(RuntimeError, match=r"between 0 and 1, but they go from -0.5 to 2.0"):
        F.binary_cross_entropy(mt.tensor([-0.5, 2.0]), mt.zeros(2))
    with pytest.raises(ValueError, match="different to the input size"):
        F.binary_cross_entropy(mt.zeros(2), mt.zeros(2, 1))


def test_binary_cross_entropy_with_logits_of_huge_scores():
    x = mt.tensor([-1000.0, 1000.0, 1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, mt.tensor([1.0, 0.0, 1.0]), reduction="none")
    assert loss.tolist() == [1000.0, 1000.0, 0.0]
    loss.sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="must be the same as input size"):
        F.binary_cross_entropy_with_logits(mt.zeros(2), mt.zeros(3))


def test_kl_div_of_logs_and_zeros():
    rng = np.random.default_rng(2)
    x, t = np.log(rng.dirichlet([1, 1, 1], 4)), rng.dirichlet([1, 1, 1], 4)
    for reduction in ("batchmean", "sum", "none"):

        def run(lib, x, t, reduction=reduction):
            return lib.nn.functional.kl_div(x, t, reduction=reduction)

        def run_log(lib, x, t, reduction=reduction):
            return lib.nn.functional.kl_div(x, t, reduction=reduction, log_target=True)

        compare_with_torch(run, x, t)
        compare_with_torch(run_log, x, np.log(t))
    assert F.kl_div(mt.tensor([[-1.0, -2.0]]), mt.tensor([[0.0, 1.0]]), reduction="sum").item() == 2
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(mt.zeros(1, 2), mt.ones(1, 2))


def test_shapes_that_broadcast_are_warned_about():
    with pytest.warns(UserWarning, match="likely lead to incorrect results due to broadcasting"):
        loss = F.mse_loss(mt.zeros(3, 1), mt.ones(3))
    assert loss.item() == 1.0


def test_smooth_l1_and_huber_limits():
    x, t = mt.tensor([1.0, -2.0]), mt.zeros(2)
    assert F.smooth_l1_loss(x, t, beta=0).item() == F.l1_loss(x, t).item() == 1.5
    with pytest.raises(RuntimeError, match="negative values for beta, got -1"):
        F.smooth_l1_loss(x, t, beta=-1)
    with pytest.raises(RuntimeError, match="non-positive values for delta, got 0"):
        F.huber_loss(x, t, delta=0)


# --------------------------------------------------------------------------------- layers

SCORES = np.random.default_rng(3).standard_normal((4, 3))
LABELS = np.array([0, 2, 1, 1])
LAYERS = [
    ("CrossEntropyLoss", {}, LABELS),
    ("CrossEntropyLoss", {"ignore_index": 1, "label_smoothing": 0.1, "reduction": "sum"}, LABELS),
    ("NLLLoss", {"ignore_index": 2}, LABELS),
    ("MSELoss", {"reduction": "none"}, np.abs(SCORES)),
    ("L1Loss", {}, np.abs(SCORES)),
    ("SmoothL1Loss", {"beta": 0.5}, np.abs(SCORES)),
    ("HuberLoss", {"reduction": "sum", "delta": 0.5}, np.abs(SCORES)),
    ("BCEWithLogitsLoss", {}, (SCORES > 0).astype(float)),
    ("KLDivLoss", {"reduction": "batchmean"}, np.abs(SCORES)),
]


@pytest.mark.parametrize("name, options, target", LAYERS)
def test_layers_are_torchs(name, options, target):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    a = ours(mt.from_numpy(SCORES), mt.from_numpy(target)).numpy()
    b = theirs(torch.from_numpy(SCORES), torch.from_numpy(target)).numpy()
    np.testing.assert_allclose(a, b, rtol=1e-12)


def test_bce_layer_takes_probabilities():
    x, t = mt.tensor([0.25, 0.5]), mt.tensor([1.0, 0.0])
    assert nn.BCELoss(reduction="sum")(x, t).item() == pytest.approx(3 * math.log(2), rel=1e-6)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"])
def test_the_weight_is_a_buffer_that_moves_with_the_layer(name):
    layer = getattr(nn, name)(weight=mt.ones(3))
    assert list(layer.state_dict()) == ["weight"]
    assert layer.double().weight.dtype is mt.float64
    assert getattr(nn, name)().weight is None


LEGACY = [
    "nn.MSELoss(size_average=False)(x, y)",
    "nn.MSELoss(True, True)(x, y)",
    "nn.MSELoss(reduce=False, reduction='sum')(x, y)",
    "nn.CrossEntropyLoss(None, False)(x, i)",
    "nn.BCELoss(None, False)(x, y)",
    "nn.NLLLoss(reduce=False)(x, i)",
    "nn.SmoothL1Loss(True)(x, y)",
    "F.mse_loss(x, y, False)",
    "F.mse_loss(x, y, None, False)",
    "F.cross_entropy(x, i, size_average=False)",
    "F.nll_loss(x, i, reduce=False)",
    "F.binary_cross_entropy(x, y, None, False)",
    "F.kl_div(x, y, False)",
    "F.kl_div(x, y, True, reduction='batchmean')",
    "F.l1_loss(x, y, False, False)",
    "F.multi_margin_loss(x, i, size_average=False)",
    "F.soft_margin_loss(x, y, size_average=False)",
]


def test_the_older_way_to_say_the_reduction():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).uniform(0.1, 0.9, (2, 3, 4))
    for case in LEGACY:
        found = []
        for lib in (mt, torch):
            x, y = (lib.tensor(each) for each in values)
            names = {"nn": lib.nn, "F": lib.nn.functional, "x": x, "y": y}
            with pytest.warns(UserWarning, match="size_average and reduce args will be") as seen:
                loss = eval(case, {**names, "i": lib.tensor([0, 3, 2])})
            found.append((loss.numpy(), [str(each.message) for each in seen]))
        assert found[0][1] == found[1][1], case
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12, err_msg=case)
