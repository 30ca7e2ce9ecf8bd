"""Convolution layers: torch's parameters, initial law, repr and results."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn


def twin(ours, theirs, torch):
    """Copies our parameters into torch's layer of the same kind, checking names and shapes."""
    state = {name: torch.tensor(value.numpy()) for name, value in ours.state_dict().items()}
    theirs.load_state_dict(state)
    return theirs


@given(
    st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    st.sampled_from([0, 1, (2, 1), "same", "valid"]),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.booleans(),
    st.integers(0, 2**32),
)
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_conv2d_is_torchs(mode, padding, kernel, bias, seed):
    torch = pytest.importorskip("torch")
    options = dict(padding=padding, padding_mode=mode, bias=bias, groups=2)
    ours = nn.Conv2d(4, 6, kernel, **options, dtype=mt.float64)
    theirs = twin(ours, torch.nn.Conv2d(4, 6, kernel, **options, dtype=torch.float64), torch)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(seed).standard_normal((2, 4, 5, 6))
    y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(
        ours(mt.tensor(x[0])).detach().numpy(), expected[0].detach().numpy(), atol=1e-12
    )


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_same_with_even_kernels_is_torchs_in_every_mode(mode):
    torch = pytest.importorskip("torch")
    options = dict(kernel_size=(2, 4), padding="same", padding_mode=mode)
    ours = nn.Conv2d(2, 3, **options, dtype=mt.float64)
    theirs = twin(ours, torch.nn.Conv2d(2, 3, **options, dtype=torch.float64), torch)
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 6))
    y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("output_size", [None, (9, 10), (2, 6, 9, 10)])
def test_conv_transpose2d_is_torchs(output_size):
    torch = pytest.importorskip("torch")
    options = dict(stride=2, padding=1, groups=2, dilation=(1, 2))
    ours = nn.ConvTranspose2d(4, 6, 3, **options, dtype=mt.float64)
    theirs = twin(ours, torch.nn.ConvTranspose2d(4, 6, 3, **options, dtype=torch.float64), torch)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 4))
    y = ours(mt.tensor(x), output_size)
    expected = theirs(torch.tensor(x), output_size)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)


def test_conv1d_is_torchs():
    torch = pytest.importorskip("torch")
    for mode in ("zeros", "reflect", "circular"):
        options = dict(stride=2, padding=2, dilation=2, padding_mode=mode)
        ours = nn.Conv1d(3, 4, 3, **options, dtype=mt.float64)
        theirs = twin(ours, torch.nn.Conv1d(3, 4, 3, **options, dtype=torch.float64), torch)
        assert repr(ours) == repr(theirs)
        x = np.random.default_rng(0).standard_normal((2, 3, 9))
        y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.Conv2d(4, 8, 3, stride=2, padding=1, dilation=2, groups=2, bias=False),
        lambda nn: nn.Conv2d(3, 4, (3, 1), padding="same", padding_mode="reflect"),
        lambda nn: nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1),
        lambda nn: nn.Conv1d(2, 3, 3),
    ],
)
def test_repr_is_torchs(make):
    torch = pytest.importorskip("torch")
    assert repr(make(nn)) == repr(make(torch.nn))


@pytest.mark.parametrize(
    "layer, fan_in",
    [
        (nn.Conv2d(32, 64, 3), 32 * 9),
        (nn.Conv2d(32, 64, (5, 1), groups=4), 8 * 5),
        (nn.ConvTranspose2d(32, 64, 3), 64 * 9),
        (nn.Conv1d(32, 64, 9), 32 * 9),
    ],
)
def test_initial_values_are_uniform_within_one_over_root_fan_in(layer, fan_in):
    mt.manual_seed(1)
    layer.reset_parameters()
    bound = 1 / math.sqrt(fan_in)
    for values, error in ((layer.weight, 0.05), (layer.bias, 0.5)):
        values = values.detach().numpy() / bound
        assert np.abs(values).max() <= 1
        assert abs(values.std() - 1 / math.sqrt(3)) < error
        assert abs(values.mean()) < error
        assert np.abs(values).max() > 0.9


@pytest.mark.parametrize(
    "arguments, options",
    [
        ((3, 4, 3), dict(groups=2)),
        ((4, 3, 3), dict(groups=2)),
        ((4, 3, 3), dict(groups=0)),
        ((4, 3, 3), dict(padding="some")),
        ((4, 3, 3), dict(padding="same", stride=2)),
        ((4, 3, 3), dict(padding_mode="mirror")),
    ],
)
def test_errors_are_torchs(arguments, options):
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError):
        torch.nn.Conv2d(*arguments, **options)
    with pytest.raises(ValueError):
        nn.Conv2d(*arguments, **options)


def test_errors_of_transposed_layers():
    with pytest.raises(ValueError, match="zeros"):
        nn.ConvTranspose2d(4, 3, 3, padding_mode="reflect")
    with pytest.raises(ValueError, match=r"\(20, 20\).*\[11, 11\] to \[12, 12\]"):
        nn.ConvTranspose2d(4, 3, 3, stride=2)(mt.zeros(1, 4, 5, 5), output_size=(20, 20))
    with pytest.raises(RuntimeError, match=r"\[2, 2\]"):
        nn.Conv2d(4, 3, 3)(mt.zeros(2, 2))


def test_a_step_of_gradient_descent_lowers_the_loss():
    """Backward through the layer, by hand: the loss after a small step is the predicted one."""
    layer = nn.Conv2d(2, 3, 3, dtype=mt.float64)
    rng = np.random.default_rng(0)
    x, target = (
        mt.tensor(rng.standard_normal((4, 2, 6, 6))),
        mt.tensor(rng.standard_normal((4, 3, 4, 4))),
    )
    before = ((layer(x) - target) ** 2).sum()
    before.backward()
    slope = sum((p.grad**2).sum().item() for p in layer.parameters())
    with mt.no_grad():
        for p in layer.parameters():
            p -= 1e-7 * p.grad
    after = ((layer(x) - target) ** 2).sum()
    assert (before - after).item() == pytest.approx(1e-7 * slope, rel=1e-3)


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
