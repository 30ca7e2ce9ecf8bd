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


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_is_torchs(bias):
    torch = pytest.importorskip("torch")
    ours, theirs = (lib.nn.Bilinear(3, 4, 5, bias=bias, dtype=lib.float64) for lib in (mt, torch))
    assert repr(ours) == repr(theirs)
    assert float(abs(ours.weight).max()) <= 3**-0.5
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x, y = values(0, 2, 3), values(1, 2, 4)
    got = ours(mt.tensor(x), mt.tensor(y)).detach().numpy()
    expected = theirs(torch.tensor(x), torch.tensor(y)).detach().numpy()
    np.testing.assert_allclose(got, expected, atol=1e-12)
    with pytest.raises(ValueError, match="0"):
        nn.Bilinear(0, 4, 5)


@pytest.mark.parametrize("dims", [1, 3])
def test_pooling_with_places_and_back(dims):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, *(7, 6, 5)[:dims]))
    results = []
    for lib in (mt, torch):
        pool = getattr(lib.nn, f"MaxPool{dims}d")(2, return_indices=True)
        unpool = getattr(lib.nn, f"MaxUnpool{dims}d")(2)
        y, places = pool(lib.tensor(x))
        results.append([y, places, unpool(y, places, output_size=x.shape), repr(unpool)])
    for ours, theirs in zip(results[0][:3], results[1][:3], strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert results[0][3] == results[1][3]


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_pooling_layers(dims):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, *(7, 6, 8)[:dims]))
    draws = np.random.default_rng(1).random((2, 3, dims))
    results = [
        getattr(lib.nn, f"FractionalMaxPool{dims}d")(
            2, output_ratio=(0.5,) * dims, _random_samples=lib.tensor(draws)
        )(lib.tensor(x)).numpy()
        for lib in (mt, torch)
    ]
    np.testing.assert_array_equal(*results)
    for options in ({}, dict(output_size=2, output_ratio=0.5), dict(output_ratio=1.5)):
        with pytest.raises(ValueError, match="output"):
            getattr(nn, f"FractionalMaxPool{dims}d")(2, **options)


@pytest.mark.parametrize("dims", [1, 3])
def test_transposed_layers_reach_the_size_that_is_asked_for(dims):
    layer = getattr(nn, f"ConvTranspose{dims}d")(2, 3, 3, stride=2, padding=1)
    x = mt.zeros(1, 2, *[4] * dims)
    assert layer(x, output_size=[8] * dims).shape == (1, 3, *[8] * dims)
    assert layer(x, output_size=(1, 3, *[7] * dims)).shape == (1, 3, *[7] * dims)
    for wrong in ([9] * dims, [8] * (dims + 1)):
        with pytest.raises(ValueError, match=str(wrong[0]) if len(wrong) == dims else "elements"):
            layer(x, output_size=wrong)


def test_convolutions_take_torchs_arguments_and_no_others():
    for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
        with pytest.raises(TypeError, match="output_padding"):
            kind(2, 3, 1, output_padding=0)
    with pytest.raises(ValueError, match="reflect"):
        nn.ConvTranspose3d(2, 3, 1, padding_mode="reflect")
    with pytest.raises(TypeError, match="same"):
        nn.ConvTranspose1d(2, 3, 1, padding="same")


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


@pytest.mark.parametrize("name", nn.refused.__all__)
def test_functions_that_are_missing_say_so(name):
    torch = pytest.importorskip("torch")
    assert hasattr(torch.nn.functional, name) and name not in nn.functional.__all__
    with pytest.raises(NotImplementedError, match=f"{name} is not supported: use|{name}.*no loss"):
        getattr(nn.functional, name)(1, option=2)


@pytest.mark.parametrize("name", nn.modules.refused.__all__)
def test_layers_that_are_missing_say_so(name):
    torch = pytest.importorskip("torch")
    assert hasattr(torch.nn, name) and name not in nn.__all__
    with pytest.raises(NotImplementedError, match=f"nn.{name} is not supported"):
        getattr(nn, name)(3, 4)
