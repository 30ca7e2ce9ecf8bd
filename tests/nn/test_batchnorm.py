"""Batch and instance norm layers: running statistics step for step as torch's."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn


def compare_states(ours, theirs):
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(state[name].numpy(), value.numpy(), atol=1e-12)


@given(
    st.sampled_from([(4, 3), (3, 3, 5), (2, 3, 4, 4)]),
    st.sampled_from([0.1, 0.7, None]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_several_steps_and_eval_are_torchs(shape, momentum, affine, track, seed):
    torch = pytest.importorskip("torch")
    name = "BatchNorm2d" if len(shape) == 4 else "BatchNorm1d"
    options = dict(momentum=momentum, affine=affine, track_running_stats=track, eps=1e-3)
    ours = getattr(nn, name)(3, **options, dtype=mt.float64)
    theirs = getattr(torch.nn, name)(3, **options, dtype=torch.float64)
    assert repr(ours) == repr(theirs)
    rng = np.random.default_rng(seed)
    for step in range(5):
        if step == 3:
            ours.eval(), theirs.eval()
        x = rng.standard_normal(shape) * (step + 1) + step
        y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-10)
        compare_states(ours, theirs)
    if track:
        assert ours.num_batches_tracked.dtype is mt.int64
        assert ours.num_batches_tracked.item() == 3
        ours.reset_running_stats(), theirs.reset_running_stats()
        compare_states(ours, theirs)


def test_tracking_switched_off_later_keeps_the_averages_as_they_are():
    torch = pytest.importorskip("torch")
    ours, theirs = nn.BatchNorm1d(3, dtype=mt.float64), torch.nn.BatchNorm1d(3, dtype=torch.float64)
    rng = np.random.default_rng(0)
    for track in (True, False):
        ours.track_running_stats = theirs.track_running_stats = track
        x = rng.standard_normal((5, 3)) + 2
        y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)
        compare_states(ours, theirs)


def test_training_step_through_the_layer_is_torchs():
    torch = pytest.importorskip("torch")
    ours, theirs = nn.BatchNorm2d(3, dtype=mt.float64), torch.nn.BatchNorm2d(3, dtype=torch.float64)
    rng = np.random.default_rng(0)
    x, gy = rng.standard_normal((2, 2, 3, 4, 4))
    a, b = mt.tensor(x).requires_grad_(), torch.tensor(x, requires_grad=True)
    ours(a).backward(mt.tensor(gy))
    theirs(b).backward(torch.tensor(gy))
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-12)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), atol=1e-12)


@given(st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_instance_norm_is_torchs(affine, track, seed):
    torch = pytest.importorskip("torch")
    options = dict(affine=affine, track_running_stats=track, momentum=0.3)
    ours = nn.InstanceNorm2d(3, **options, dtype=mt.float64)
    theirs = torch.nn.InstanceNorm2d(3, **options, dtype=torch.float64)
    assert repr(ours) == repr(theirs)
    rng = np.random.default_rng(seed)
    for step in range(4):
        if step == 2:
            ours.eval(), theirs.eval()
        x = rng.standard_normal((2, 3, 4, 5)) + step
        x = x[0] if step % 2 else x
        y, expected = ours(mt.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-10)
        for name in ("running_mean", "running_var") if track else ():
            got, want = getattr(ours, name), getattr(theirs, name)
            np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-12)


def test_half_precision_images_with_float32_statistics():
    layer = nn.BatchNorm2d(2)
    y = layer(mt.randn(4, 2, 8, 8).half() + 5)
    assert y.dtype is mt.float16 and layer.running_mean.dtype is mt.float32
    assert layer.running_mean.tolist() == pytest.approx([0.5, 0.5], abs=0.1)


@pytest.mark.parametrize(
    "layer, shape, text",
    [
        (nn.BatchNorm2d(3), (2, 3), "expected 4D input"),
        (nn.BatchNorm1d(3), (2, 3, 2, 2), "expected 2D or 3D input"),
        (nn.InstanceNorm2d(3), (2, 3), "expected 3D or 4D input"),
        (nn.BatchNorm2d(3), (1, 3, 1, 1), r"more than 1 value.*\[1, 3, 1, 1\]"),
        (nn.InstanceNorm2d(3, affine=True), (1, 2, 4, 4), r"num_features \(3\).*2"),
    ],
)
def test_errors(layer, shape, text):
    with pytest.raises(ValueError, match=text):
        layer(mt.zeros(shape))


@pytest.mark.parametrize("shape", [(2, 5, 4), (5, 4)])
def test_instance_norm_of_other_channels_warns_where_they_do_not_count(shape):
    x = mt.randn(shape)
    with pytest.warns(UserWarning, match=f"at dim={len(shape) - 2} does not match num_features"):
        y = nn.InstanceNorm1d(3)(x)
    assert y.equal(nn.InstanceNorm1d(5)(x))
    with pytest.raises(ValueError, match=f"dim={len(shape) - 2} to match num_features"):
        nn.InstanceNorm1d(3, affine=True)(x)


def test_a_class_derived_from_instance_norm_as_for_torch():
    class Anywhere(nn.modules.instancenorm._InstanceNorm):
        def _get_no_batch_dim(self):
            return 3

        def _check_input_dim(self, input):
            pass

    x = mt.randn(2, 3, 4, 5)
    assert Anywhere(3)(x).equal(nn.InstanceNorm2d(3)(x))
    assert Anywhere(3)(x[0]).equal(nn.InstanceNorm2d(3)(x[0]))
    with pytest.raises(NotImplementedError, match="_get_no_batch_dim"):
        nn.modules.instancenorm._InstanceNorm(3)(x)


@pytest.mark.parametrize("tier", ["auto", "array"])
def test_eps_may_be_a_tensor_of_one_number(tier):
    x = mt.randn(2, 3, 4, 4)
    with mt.kernel_tier(tier):
        y = nn.BatchNorm2d(3, eps=mt.tensor(0.5))(x)
        assert mt.equal(y, nn.BatchNorm2d(3, eps=0.5)(x))
