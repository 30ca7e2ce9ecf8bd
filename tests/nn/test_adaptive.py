"""AdaptiveLogSoftmaxWithLoss beside torch's, with its weights."""

import numpy as np
import pytest

import minitorch_cnn as mt

OPTIONS = [{}, {"head_bias": True}, {"div_value": 2.0}]


def outcome(lib, options):
    lib.manual_seed(0)
    layer = lib.nn.AdaptiveLogSoftmaxWithLoss(64, 20, [4, 10, 15], **options).double()
    rng = np.random.default_rng(0)
    x = lib.tensor(rng.normal(size=(8, 64)), requires_grad=True)
    target = lib.tensor([0, 3, 4, 9, 10, 0, 19, 1])
    found = layer(x, target)
    found.loss.backward()
    single = layer(x[0], target[0])
    values = [found.output, found.loss, layer.log_prob(x), layer.predict(x), x.grad, *single]
    values += [p.grad for p in layer.parameters()]
    return [repr(layer), list(layer.state_dict())], [each.detach().numpy() for each in values]


@pytest.mark.parametrize("options", OPTIONS)
def test_it_is_torchs(options):
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(mt, options), outcome(torch, options)
    assert ours[0] == theirs[0]
    for mine, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-9, strict=True)


def test_probabilities():
    layer = mt.nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 6], div_value=1.0)
    x = mt.randn(5, 8)
    log_p = layer.log_prob(x)
    np.testing.assert_allclose(log_p.exp().sum(1).detach().numpy(), 1, rtol=1e-5)
    target = mt.tensor([0, 3, 11, 6, 2])
    wanted = log_p.gather(1, target[:, None]).squeeze(1)
    np.testing.assert_allclose(layer(x, target).output.tolist(), wanted.tolist(), rtol=1e-5)
    before = layer.head.weight.clone()
    layer.reset_parameters()
    assert not layer.head.weight.equal(before)


def test_refusals():
    for cutoffs in ([], [0, 2], [3, 2], [2, 2], [5, 10], [2.5]):
        with pytest.raises(ValueError, match="cutoffs should be"):
            mt.nn.AdaptiveLogSoftmaxWithLoss(16, 10, cutoffs)
    layer = mt.nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 5])
    for x, target, text in (
        (mt.zeros(3, 16), mt.tensor([0, 1]), "batch dimension"),
        (mt.zeros(2, 16), mt.tensor([0, 10]), r"range \[0, 10\]"),
        (mt.zeros(2, 16), mt.tensor(0), "one dimension less"),
    ):
        with pytest.raises(RuntimeError, match=text):
            layer(x, target)
