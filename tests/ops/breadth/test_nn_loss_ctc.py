"""CTC loss: beside torch's, beside a sum over all alignments, and differentiated twice."""

import itertools

import numpy as np
import pytest

import minitorch_cnn as mt

F = mt.nn.functional


def of_all_alignments(log_p, target, blank):
    """-log of the sum over every sequence of classes that reads as the target."""
    T, C = log_p.shape
    total = 0.0
    for path in itertools.product(range(C), repeat=T):
        labels = [c for c, _ in itertools.groupby(path) if c != blank]
        if labels == list(target):
            total += np.exp(sum(log_p[t, c] for t, c in enumerate(path)))
    return -np.log(total) if total else np.inf


@pytest.mark.parametrize("blank", [0, 2])
def test_it_is_the_sum_over_all_alignments(blank):
    rng = np.random.default_rng(blank)
    log_p = mt.tensor(rng.normal(size=(5, 4, 3))).log_softmax(2)
    one, other = [c for c in range(3) if c != blank]
    targets, sizes = [[one, other], [one, one], [other], []], [2, 2, 1, 0]
    steps = [5, 3, 2, 4]
    flat = mt.tensor(list(itertools.chain(*targets)))
    found = F.ctc_loss(log_p, flat, steps, sizes, blank=blank, reduction="none")
    wanted = [
        of_all_alignments(log_p[:T, n].numpy(), target, blank)
        for n, (T, target) in enumerate(zip(steps, targets, strict=True))
    ]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def call(lib, seed, layer=False, one=False, flat=False, dtype="float64", **options):
    rng = np.random.default_rng(seed)
    T, N, C, S = 9, 4, 6, 4
    scores = lib.tensor(rng.normal(size=(T, N, C)), dtype=getattr(lib, dtype), requires_grad=True)
    targets = rng.integers(1, C, size=(N, S))
    targets[:, 1] = targets[:, 0]  # a repetition
    steps, sizes = [9, 7, 5, 2], [4, 3, 0, 4]  # the last one does not fit
    log_p = scores.log_softmax(2)
    log_p.retain_grad()
    if one:
        log_p, targets, steps, sizes = log_p[:, 0], targets[0], steps[:1], sizes[:1]
    elif flat:
        targets = np.concatenate([row[:n] for row, n in zip(targets, sizes, strict=True)])
    lengths = lib.tensor(steps), lib.tensor(sizes)
    if one:
        lengths = [each[0] for each in lengths]
    if layer:
        loss = lib.nn.CTCLoss(**options)(log_p, lib.tensor(targets), *lengths)
    else:
        loss = lib.nn.functional.ctc_loss(log_p, lib.tensor(targets), *lengths, **options)
    cotangent = lib.tensor(rng.normal(size=tuple(loss.shape)), dtype=loss.dtype)
    (grad,) = lib.autograd.grad(loss, scores, cotangent, retain_graph=True)
    (inner,) = lib.autograd.grad(loss, log_p, cotangent) if not one else (grad,)
    return [each.detach().numpy() for each in (loss, grad, inner)]


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_values_and_gradients_are_torchs(reduction):
    torch = pytest.importorskip("torch")
    cases = itertools.product([False, True], [{}, {"one": True}, {"flat": True}], [False, True])
    for zero, form, layer in cases:
        options = {**form, "reduction": reduction, "zero_infinity": zero, "layer": layer}
        for dtype, rtol in (("float64", 1e-10), ("float32", 2e-5)):
            ours, theirs = (call(lib, 3, dtype=dtype, **options) for lib in (mt, torch))
            for mine, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol / 10, strict=True)


def test_gradients_of_gradients():
    rng = np.random.default_rng(0)
    scores = mt.tensor(rng.normal(size=(4, 2, 3)), requires_grad=True)
    targets = mt.tensor([[1, 1], [2, 0]])

    def loss(x):
        return F.ctc_loss(x.log_softmax(2), targets, [4, 3], [2, 1], reduction="none")

    assert mt.autograd.gradcheck(loss, scores) and mt.autograd.gradgradcheck(loss, scores)


def test_refusals():
    log_p, target = mt.zeros(4, 2, 3), mt.tensor([[1, 2], [2, 1]])
    for arguments, text in (
        ((log_p, target, [5, 4], [2, 2]), "at most 4, but got value 5"),
        ((log_p, target, [4], [2, 2]), "input_lengths must be of size batch_size"),
        ((log_p, target, [4, 4], [2, -1]), "target_lengths to have value at least 0"),
        ((log_p, target, [4, 4], [2, 3]), "size at least 3 at dimension 1"),
        ((log_p, target[0], [4, 4], [2, 1]), "size 3 at dimension 0"),
        ((log_p, target + 1, [4, 4], [2, 2]), "a target is 3, but there are 3 classes"),
        ((log_p, target, [4, 4], [2, 2], 3), "blank must be in label range"),
        ((log_p, target.double(), [4, 4], [2, 2]), "targets must be integral"),
        ((log_p.long(), target, [4, 4], [2, 2]), "float32 or float64"),
        ((log_p, target, [4.5, 4.0], [2, 2]), "input_lengths must be integral"),
    ):
        with pytest.raises(RuntimeError, match=text):
            F.ctc_loss(*arguments)
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        F.ctc_loss(log_p, target, [4, 4], [2, 2], reduction="no")
