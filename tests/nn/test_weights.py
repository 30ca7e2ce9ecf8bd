"""nn.utils that change weights: fusing batch norm into the layer before it, weight norm."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn import utils


def trained_batch_norm(kind, channels):
    """A batch norm in eval mode whose four vectors are all different from where they start."""
    bn = kind(channels).double()
    for tensor in (bn.weight, bn.bias, bn.running_mean):
        tensor.data = mt.randn(channels, dtype=mt.float64)
    bn.running_var.data = mt.rand(channels, dtype=mt.float64) + 0.5
    return bn.eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "layer, bn, shape, transpose",
    [
        (lambda b: nn.Conv1d(3, 4, 3, bias=b), nn.BatchNorm1d, (2, 3, 7), False),
        (lambda b: nn.Conv2d(3, 4, 3, bias=b), nn.BatchNorm2d, (2, 3, 6, 5), False),
        (lambda b: nn.Conv3d(3, 4, 2, bias=b), nn.BatchNorm3d, (2, 3, 4, 3, 3), False),
        (lambda b: nn.ConvTranspose2d(3, 4, 2, bias=b), nn.BatchNorm2d, (2, 3, 4, 3), True),
    ],
)
def test_a_fused_convolution_does_what_both_layers_did(layer, bn, shape, transpose, bias):
    layer, bn = layer(bias).double().eval(), trained_batch_norm(bn, 4)
    x = mt.randn(*shape, dtype=mt.float64)
    fused = utils.fuse_conv_bn_eval(layer, bn, transpose)
    mt.testing.assert_close(fused(x), bn(layer(x)))
    assert type(fused) is type(layer) and fused is not layer
    assert fused.weight.requires_grad


def test_a_fused_linear_layer_does_what_both_layers_did():
    layer, bn = nn.Linear(3, 4, bias=False).double().eval(), trained_batch_norm(nn.BatchNorm1d, 4)
    x = mt.randn(5, 3, dtype=mt.float64)
    mt.testing.assert_close(utils.fuse_linear_bn_eval(layer, bn)(x), bn(layer(x)))
    with pytest.raises(AssertionError, match="5"):
        utils.fuse_linear_bn_eval(nn.Linear(3, 5).eval(), bn)


def test_fusing_needs_evaluation_mode_and_averages():
    with pytest.raises(AssertionError, match="eval"):
        utils.fuse_conv_bn_eval(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4).eval())
    with pytest.raises(AssertionError, match="running_mean"):
        bn = nn.BatchNorm2d(4, track_running_stats=False).eval()
        utils.fuse_conv_bn_eval(nn.Conv2d(3, 4, 3).eval(), bn)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_trains_as_torchs(dim):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
    results = []
    start = nn.Conv2d(3, 4, 3).double().state_dict()
    for lib in (mt, torch):
        layer = lib.nn.Conv2d(3, 4, 3).double()
        layer.load_state_dict({k: lib.from_numpy(v.numpy().copy()) for k, v in start.items()})
        layer = lib.nn.utils.weight_norm(layer, dim=dim)
        optimizer = lib.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (layer(lib.from_numpy(x)) ** 2).mean().backward()
            optimizer.step()
        state = {k: v.detach().numpy().copy() for k, v in layer.state_dict().items()}
        lib.nn.utils.remove_weight_norm(layer)
        state["weight"] = layer.weight.detach().numpy()
        results.append(state)
    assert list(results[0]) == list(results[1])
    for name, ours in results[0].items():
        np.testing.assert_allclose(ours, results[1][name], rtol=1e-12, err_msg=name)


def test_weight_norm_is_put_on_once_and_taken_off_once():
    layer = utils.weight_norm(nn.Linear(3, 2))
    before = layer.weight.detach().clone()
    with pytest.raises(RuntimeError, match="weight"):
        utils.weight_norm(layer)
    utils.remove_weight_norm(layer)
    assert set(layer.state_dict()) == {"weight", "bias"}
    mt.testing.assert_close(layer.weight.detach(), before)
    with pytest.raises(ValueError, match="weight"):
        utils.remove_weight_norm(layer)


def test_total_norm_and_clipping_with_it():
    parameters = [nn.Parameter(mt.zeros(2)), nn.Parameter(mt.zeros(1)), nn.Parameter(mt.zeros(1))]
    parameters[0].grad, parameters[1].grad = mt.tensor([3.0, 0.0]), mt.tensor([-4.0])
    total = utils.get_total_norm([p.grad for p in parameters[:2]])
    assert total.item() == 5.0
    assert utils.get_total_norm([p.grad for p in parameters[:2]], float("inf")).item() == 4.0
    utils.clip_grads_with_norm_(parameters, 10.0, total)
    assert parameters[0].grad.tolist() == [3.0, 0.0]
    utils.clip_grads_with_norm_(parameters, 1.0, total)
    assert parameters[1].grad.item() == pytest.approx(-0.8)
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.get_total_norm(mt.tensor([float("nan")]), error_if_nonfinite=True)
