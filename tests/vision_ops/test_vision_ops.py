"""torchvision.ops' names: values and gradients that torchvision computed, loops, and errors."""

from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn, vision_ops as ops
from minitorch_cnn.vision_ops import feature_pyramid_network
from tests.vision_ops import make_reference as reference

STORED = np.load(reference.PATH)
OURS = SimpleNamespace(ops=ops, pyramids=feature_pyramid_network, tensor=mt.from_numpy)


@pytest.mark.parametrize("name", reference.CASES)
def test_values_and_gradients_are_torchvisions(name):
    found = reference.outcome(OURS, name)
    expected = [STORED[key] for key in STORED.files if key.rpartition("/")[0] == name]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


def test_roi_align_and_pool_have_second_gradients():
    boxes = mt.from_numpy(reference.regions(3, 4, 2, 5.0))
    for function in (
        lambda x: ops.roi_align(x, boxes, 2, 0.8, 2) ** 2,
        lambda x: ops.roi_pool(x, boxes, (2, 1)) ** 2,
        lambda x: ops.ps_roi_align(x, boxes, (2, 1), 0.8) ** 2,
        lambda x: ops.ps_roi_pool(x, boxes, (1, 2)) ** 2,
    ):
        x = mt.from_numpy(reference.numbers(2, 2, 2, 5, 6)).requires_grad_()
        assert mt.autograd.gradcheck(function, (x,))
        assert mt.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize(
    "loss", ["generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"]
)
def test_losses_of_boxes_in_half_precision(loss):
    a, b = (mt.from_numpy(reference.boxes(seed, 5)) for seed in (1, 3))
    half = getattr(ops, loss)(a.half(), b.half())
    assert half.dtype is mt.float32
    assert (half - getattr(ops, loss)(a, b)).abs().max() < 0.01
    assert getattr(ops, loss)(a[:0], b[:0], "mean").item() == 0


def test_nms_against_its_definition():
    boxes = mt.from_numpy(reference.boxes(31, 40))
    scores = mt.from_numpy(reference.numbers(33, 40))
    iou = ops.box_iou(boxes, boxes).numpy()
    kept = []
    for each in np.argsort(-scores.numpy()):
        if all(iou[each, better] <= 0.3 for better in kept):
            kept.append(each)
    assert ops.nms(boxes, scores, 0.3).tolist() == kept and 1 < len(kept) < 40


def test_integers_do_not_overflow():
    big = mt.tensor([[0, 0, 200, 200]], dtype=mt.uint8)
    assert ops.box_area(big).tolist() == [40000]
    assert ops.box_iou(big, big).tolist() == [[1.0]]


def test_stochastic_depth_keeps_the_mean():
    mt.manual_seed(0)
    x = mt.ones(20_000, 1)
    y = ops.stochastic_depth(x, 0.2, "row")
    assert set(y.flatten().tolist()) == {0.0, 1.25}
    assert abs(y.mean().item() - 1) < 0.02
    assert set(ops.stochastic_depth(x, 0.5, "batch").flatten().tolist()) in ({0.0}, {2.0})
    layer = ops.StochasticDepth(0.25, "row")
    assert repr(layer) == "StochasticDepth(p=0.25, mode=row)" and layer.eval()(x) is x


@pytest.mark.parametrize("side", [1, 3, 4])
def test_drop_block_drops_squares(side):
    mt.manual_seed(0)
    x = mt.ones(40, 5, 20, 17)
    y = ops.DropBlock2d(0.1, side)(x).numpy()
    gone = y == 0
    assert 0.07 < gone.mean() < 0.11 and abs(y.mean() - 1) < 1e-4
    # Every pixel that is gone lies in a square of them.
    windows = np.lib.stride_tricks.sliding_window_view(gone, (side, side), axis=(2, 3))
    whole = windows.all(axis=(4, 5))
    covered = np.zeros_like(gone)
    for n, c, i, j in zip(*np.nonzero(whole), strict=True):
        covered[n, c, i : i + side, j : j + side] = True
    assert (covered == gone).all()
    z = x.clone()
    assert ops.drop_block2d(z, 0.1, side, inplace=True) is z and (z == 0).any()
    assert ops.DropBlock3d(0.1, side)(mt.ones(2, 2, 6, 6, 6)).shape == (2, 2, 6, 6, 6)


def test_a_frozen_batch_norm_takes_a_batch_norms_state():
    norm = nn.BatchNorm2d(3)
    norm(mt.from_numpy(reference.numbers(1, 4, 3, 5, 5)).float())
    frozen = ops.FrozenBatchNorm2d(3)
    frozen.load_state_dict(norm.state_dict())
    x = mt.from_numpy(reference.numbers(2, 4, 3, 5, 5)).float()
    assert (frozen(x) - norm.eval()(x)).abs().max() < 1e-5
    assert list(frozen.parameters()) == [] and len(frozen.state_dict()) == 4


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda x: ops.box_convert(x, "xyxy", "cxcywhr"), ValueError, "cxcywhr"),
        (lambda x: ops.box_area(x, "xyxyxyxy"), ValueError, "xyxyxyxy"),
        (lambda x: ops.box_iou(x[:, :3], x), ValueError, r"\(2, 3\)"),
        (lambda x: ops.nms(x, x, 0.5), RuntimeError, r"\(2, 4\) and \(2, 4\)"),
        (lambda x: ops.masks_to_boxes(mt.zeros(1, 2, 2)), RuntimeError, "no pixel"),
        (lambda x: ops.roi_align(mt.zeros(1, 1, 4, 4), x, 2), ValueError, r"\(2, 4\)"),
        (lambda x: ops.roi_align(mt.zeros(1, 1, 4, 4), [x, x], 2), IndexError, "batch of 1"),
        (lambda x: ops.roi_pool(mt.zeros(1, 4, 4), [x], 2), ValueError, r"\(1, 4, 4\)"),
        (lambda x: ops.sigmoid_focal_loss(x, x, alpha=2), ValueError, "alpha"),
        (lambda x: ops.sigmoid_focal_loss(x, x, reduction="avg"), ValueError, "avg"),
        (lambda x: ops.generalized_box_iou_loss(x, x, "avg"), ValueError, "avg"),
        (lambda x: ops.stochastic_depth(x, 1.5, "row"), ValueError, "1.5"),
        (lambda x: ops.stochastic_depth(x, 0.5, "column"), ValueError, "column"),
        (lambda x: ops.drop_block2d(x, 0.5, 3), ValueError, r"\(2, 4\)"),
        (lambda x: ops.drop_block3d(mt.zeros(1, 1, 1, 1, 1), -1, 3), ValueError, "-1"),
        (lambda x: ops.FeaturePyramidNetwork([0], 3), ValueError, r"\[0\]"),
        (lambda x: ops.MultiScaleRoIAlign(["a"], 2, 2)({}, [x], [(2, 2)]), ValueError, "a"),
        (lambda x: ops.ps_roi_align(mt.zeros(1, 6, 4, 4), [x], 2), RuntimeError, "got 6 channels"),
        (lambda x: ops.ps_roi_pool(mt.zeros(1, 1, 4, 4), [x, x], 1), IndexError, "batch of 1"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(mt.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 2.0]]))


def test_the_operations_have_these_names_too():
    from minitorch_cnn.ops import box_iou

    assert box_iou is ops.box_iou
    assert mt.ops.misc.SqueezeExcitation is ops.SqueezeExcitation
    assert not hasattr(mt.ops, "giou_loss") and not hasattr(mt.ops, "__wrapped__")


def deformed(x, offset, weight, bias, mask, stride, padding, dilation):
    """deform_conv2d by its definition: one tap after the other, one pixel after the other."""
    (N, C, H, W), (K, part, KH, KW), (_, _, OH, OW) = x.shape, weight.shape, offset.shape
    D = offset.shape[1] // (2 * KH * KW)

    def pixel(n, c, i, j):
        return x[n, c, i, j] if 0 <= i < H and 0 <= j < W else 0.0

    y = np.zeros((N, K, OH, OW))
    for n, k, oh, ow in np.ndindex(y.shape):
        total = bias[k]
        for c, kh, kw in np.ndindex(part, KH, KW):
            channel = k // (K // (C // part)) * part + c
            tap = (channel // (C // D) * KH + kh) * KW + kw
            py = oh * stride[0] - padding[0] + kh * dilation[0] + offset[n, 2 * tap, oh, ow]
            px = ow * stride[1] - padding[1] + kw * dilation[1] + offset[n, 2 * tap + 1, oh, ow]
            i, j = int(np.floor(py)), int(np.floor(px))
            above = pixel(n, channel, i, j) * (j + 1 - px) + pixel(n, channel, i, j + 1) * (px - j)
            below = pixel(n, channel, i + 1, j) * (j + 1 - px)
            below += pixel(n, channel, i + 1, j + 1) * (px - j)
            value = above * (i + 1 - py) + below * (py - i)
            total += weight[k, c, kh, kw] * value * mask[n, tap, oh, ow]
        y[n, k, oh, ow] = total
    return y


@pytest.mark.parametrize(("groups", "D"), [(1, 1), (2, 1), (1, 2), (2, 4)])
def test_deform_conv2d_by_its_definition(groups, D):
    settings = (2, 1), (1, 2), (1, 2)
    numbers = reference.numbers
    x, weight = numbers(40, 2, 4, 5, 6), numbers(41, 6, 4 // groups, 3, 2)
    offset, mask = 3 * numbers(42, 2, D * 12, 3, 8), numbers(43, 2, D * 6, 3, 8)
    bias = numbers(44, 6)
    expected = deformed(x, offset, weight, bias, mask, *settings)
    arrays = [mt.from_numpy(each).requires_grad_() for each in (x, offset, weight, bias, mask)]

    def run(x, offset, weight, bias, mask):
        return ops.deform_conv2d(x, offset, weight, bias, *settings, mask)

    np.testing.assert_allclose(run(*arrays).detach().numpy(), expected, rtol=1e-12, atol=1e-13)
    assert mt.autograd.gradcheck(run, arrays, fast_mode=True)


def test_deform_conv2d_without_offsets_is_conv2d():
    layer = ops.DeformConv2d(4, 6, 3, 2, 1, groups=2)
    conv = nn.Conv2d(4, 6, 3, 2, 1, groups=2)
    conv.load_state_dict(layer.state_dict())
    x = mt.from_numpy(reference.numbers(45, 2, 4, 7, 9).astype(np.float32))
    x = x[:, :, ::2].transpose(2, 3)  # not contiguous
    expected = conv(x)
    offset = mt.zeros(2, 18, *expected.shape[2:])
    mt.testing.assert_close(layer(x, offset), expected, rtol=1e-5, atol=1e-5)
    half = layer(x, offset, mt.full((2, 9, *expected.shape[2:]), 0.5)) - layer.bias.view(-1, 1, 1)
    assert (2 * half - (expected - layer.bias.view(-1, 1, 1))).abs().max() < 1e-5
    assert layer(x[:0], offset[:0]).shape == (0, *expected.shape[1:])
    for away in (1e9, float("inf"), float("nan")):  # outside of the image
        far = layer(x, offset + away) - layer.bias.view(-1, 1, 1)
        assert far.abs().max() == 0


def test_the_layer_begins_as_conv2d():
    mt.manual_seed(3)
    layer = ops.DeformConv2d(2, 4, 3)
    mt.manual_seed(3)
    conv = nn.Conv2d(2, 4, 3)
    assert mt.equal(layer.weight, conv.weight) and mt.equal(layer.bias, conv.bias)
    assert repr(layer) == "DeformConv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))"
    text = repr(ops.DeformConv2d(2, 4, (3, 1), 2, (1, 0), 2, 2, bias=False))
    assert text == (
        "DeformConv2d(2, 4, kernel_size=(3, 1), stride=(2, 2), padding=(1, 0), dilation=(2, 2), "
        "groups=2, bias=False)"
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"offset": (1, 17, 3, 3)},
            r"(?s)multiple of 2 \* weight.size\[2\] .*shape\[1\]=17, .*=18",
        ),
        ({"offset": (1, 20, 3, 3)}, r"offset.shape should be \(1, 18, 3, 3\)"),
        ({"offset": (1, 18, 3, 4)}, r"got \(1, 18, 3, 4\)"),
        ({"offset": (2, 18, 3, 3)}, r"got \(2, 18, 3, 3\)"),
        ({"offset": (1, 72, 3, 3)}, "2 channels does not divide into 4 groups"),
        ({"input": (2, 5, 5)}, r"input should have 4 dimensions, got \(2, 5, 5\)"),
        ({"weight": (4, 3, 3, 3)}, r"\(4, 3, 3, 3\) does not fit an input of 2 channels"),
        ({"weight": (3, 1, 3, 3)}, r"\(3, 1, 3, 3\) does not fit"),
        ({"bias": (3,)}, r"bias.shape should be \(4,\), got \(3,\)"),
        ({"mask": (1, 8, 3, 3)}, r"mask.shape should be \(1, 9, 3, 3\)"),
        ({"stride": 0}, r"stride should be at least 1, got \(0, 0\)"),
        ({"dilation": 0}, "dilation should be at least 1"),
        ({"padding": -1}, "padding should be at least 0"),
    ],
)
def test_deform_conv2d_refuses(changed, words):
    arguments = {"input": (1, 2, 5, 5), "offset": (1, 18, 3, 3), "weight": (4, 2, 3, 3), **changed}
    values = {
        name: mt.zeros(value) if isinstance(value, tuple) else value
        for name, value in arguments.items()
    }
    with pytest.raises(RuntimeError, match=words):
        ops.deform_conv2d(**values)


def test_deform_conv2d_takes_one_dtype():
    x, offset, weight = mt.zeros(1, 1, 2, 2), mt.zeros(1, 2, 2, 2), mt.zeros(1, 1, 1, 1)
    with pytest.raises(RuntimeError, match=r"weight should be of the input's .*float64"):
        ops.deform_conv2d(x, offset, weight.double())
    with pytest.raises(RuntimeError, match=r"floating dtype .*int64"):
        ops.deform_conv2d(x.long(), offset.long(), weight.long())
    with pytest.raises(ValueError, match="in_channels must be divisible"):
        ops.DeformConv2d(3, 4, 1, groups=2)
