"""Layers of sequences, volumes and rarer kinds: torch's repr, parameters and results."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

SEQUENCE, IMAGE, VOLUME, ROW = (2, 4, 8), (2, 4, 8, 7), (2, 4, 5, 6, 7), (3, 6)

LAYERS = [
    (lambda nn: nn.Conv3d(4, 6, (1, 2, 3), stride=2, padding=1, groups=2), VOLUME),
    (lambda nn: nn.Conv3d(4, 2, 3, padding=2, padding_mode="replicate", bias=False), VOLUME),
    (lambda nn: nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1, groups=2), SEQUENCE),
    (lambda nn: nn.ConvTranspose3d(4, 3, (2, 3, 1), stride=(1, 2, 1), dilation=2), VOLUME),
    (lambda nn: nn.MaxPool1d(3, 2, 1), SEQUENCE),
    (lambda nn: nn.MaxPool1d(2, ceil_mode=True), SEQUENCE[1:]),
    (lambda nn: nn.MaxPool3d((2, 3, 2), dilation=2), VOLUME),
    (lambda nn: nn.AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False), SEQUENCE),
    (lambda nn: nn.AvgPool3d(2, (1, 2, 3), divisor_override=3), VOLUME),
    (lambda nn: nn.LPPool1d(2, 3), SEQUENCE),
    (lambda nn: nn.LPPool2d(3, (2, 3), stride=2, ceil_mode=True), IMAGE),
    (lambda nn: nn.LPPool3d(2, 2), VOLUME),
    (lambda nn: nn.AdaptiveAvgPool1d(3), SEQUENCE),
    (lambda nn: nn.AdaptiveAvgPool3d((3, None, 2)), VOLUME),
    (lambda nn: nn.AdaptiveMaxPool1d(3), SEQUENCE),
    (lambda nn: nn.AdaptiveMaxPool3d((2, 3, 4)), VOLUME),
    (lambda nn: nn.BatchNorm3d(4), VOLUME),
    (lambda nn: nn.BatchNorm3d(4, affine=False, momentum=None), VOLUME),
    (lambda nn: nn.InstanceNorm1d(4, affine=True), SEQUENCE),
    (lambda nn: nn.InstanceNorm1d(4), SEQUENCE[1:]),
    (lambda nn: nn.InstanceNorm3d(4, affine=True, track_running_stats=True), VOLUME),
    (lambda nn: nn.ReflectionPad1d((1, 2)), SEQUENCE),
    (lambda nn: nn.ReflectionPad3d(1), VOLUME),
    (lambda nn: nn.ReplicationPad1d(2), SEQUENCE),
    (lambda nn: nn.ReplicationPad3d((1, 0, 2, 1, 0, 3)), VOLUME),
    (lambda nn: nn.CircularPad1d(2), SEQUENCE),
    (lambda nn: nn.CircularPad3d(1), VOLUME),
    (lambda nn: nn.ConstantPad1d((1, 2), 3.5), SEQUENCE),
    (lambda nn: nn.ConstantPad3d(1, -1.0), VOLUME),
    (lambda nn: nn.ZeroPad1d(2), SEQUENCE),
    (lambda nn: nn.ZeroPad3d((1, 0, 2, 1, 0, 3)), VOLUME),
    (lambda nn: nn.ChannelShuffle(2), IMAGE),
    (lambda nn: nn.CELU(0.5), ROW),
    (lambda nn: nn.CELU(inplace=True), ROW),
    (lambda nn: nn.GLU(1), ROW),
    (lambda nn: nn.Softsign(), ROW),
    (lambda nn: nn.Tanhshrink(), ROW),
    (lambda nn: nn.Softshrink(0.25), ROW),
    (lambda nn: nn.Hardshrink(), ROW),
    (lambda nn: nn.Softmin(dim=1), ROW),
    (lambda nn: nn.RReLU(0.1, 0.3).eval(), ROW),
    (lambda nn: nn.Dropout3d(0.3).eval(), VOLUME),
    (lambda nn: nn.FeatureAlphaDropout(0.3).eval(), VOLUME),
]


@pytest.mark.parametrize("make, shape", LAYERS)
def test_layers_are_torchs(make, shape):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nn).double(), make(torch.nn).double()
    assert repr(ours) == repr(theirs)
    state = {name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x = np.random.default_rng(0).standard_normal(shape)
    got, expected = ours(mt.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(got, expected, atol=1e-12)
    for (name, value), other in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        np.testing.assert_allclose(value.numpy(), other.numpy(), atol=1e-12, err_msg=name)


def signs(*shape):
    return np.sign(np.random.default_rng(9).standard_normal(shape))


def values(seed, *shape):
    return np.random.default_rng(seed).uniform(0.1, 2.0, shape)


LOSSES = [
    (lambda nn: nn.MarginRankingLoss(0.5), (values(0, 4), values(1, 4), signs(4))),
    (lambda nn: nn.HingeEmbeddingLoss(0.7), (values(0, 4), signs(4))),
    (lambda nn: nn.CosineEmbeddingLoss(0.1), (values(0, 4, 3), values(1, 4, 3), signs(4))),
    (lambda nn: nn.SoftMarginLoss(reduction="sum"), (values(0, 4), signs(4))),
    (lambda nn: nn.MultiMarginLoss(2, 0.5), (values(0, 3, 4), np.array([0, 3, 1]))),
    (lambda nn: nn.MultiLabelMarginLoss(), (values(0, 1, 3), np.array([[2, -1, 0]]))),
    (lambda nn: nn.MultiLabelSoftMarginLoss(), (values(0, 2, 3), (signs(2, 3) + 1) / 2)),
    (lambda nn: nn.TripletMarginLoss(0.4, p=1.0, swap=True), [values(i, 3, 2) for i in range(3)]),
    (lambda nn: nn.TripletMarginWithDistanceLoss(margin=0.4), [values(i, 3, 2) for i in range(3)]),
    (lambda nn: nn.PoissonNLLLoss(full=True), (values(0, 4), np.array([0.0, 1.0, 2.0, 5.0]))),
    (lambda nn: nn.PoissonNLLLoss(False, eps=0.1), (values(0, 4), values(1, 4))),
    (lambda nn: nn.GaussianNLLLoss(full=True), [values(i, 3, 2) for i in range(3)]),
    (lambda nn: nn.CosineSimilarity(0), (values(0, 4, 3), values(1, 4, 3))),
    (lambda nn: nn.PairwiseDistance(3.0, keepdim=True), (values(0, 4, 3), values(1, 4, 3))),
]


@pytest.mark.parametrize("make, inputs", LOSSES)
def test_losses_and_distances_are_torchs(make, inputs):
    torch = pytest.importorskip("torch")
    got = make(nn)(*(mt.tensor(each) for each in inputs))
    expected = make(torch.nn)(*(torch.tensor(each) for each in inputs))
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "layer, shape, error",
    [
        (lambda: nn.BatchNorm3d(2), (1, 2, 3, 3), ValueError),
        (lambda: nn.InstanceNorm1d(2), (1, 2, 3, 3), ValueError),
        (lambda: nn.InstanceNorm3d(2, affine=True), (1, 3, 2, 2, 2), ValueError),
        (lambda: nn.ReflectionPad1d((1, 2, 3)), None, ValueError),
        (lambda: nn.ZeroPad3d((1, 2)), None, ValueError),
        (lambda: nn.TripletMarginLoss(-1.0), None, ValueError),
        (lambda: nn.TripletMarginWithDistanceLoss(margin=0.0), None, ValueError),
        (lambda: nn.MultiMarginLoss(p=3), None, ValueError),
        (lambda: nn.MultiMarginLoss(weight=mt.ones(2, 2)), None, ValueError),
    ],
)
def test_what_does_not_fit_is_refused(layer, shape, error):
    with pytest.raises(error, match=r"\d"):
        layer()(mt.zeros(shape))
