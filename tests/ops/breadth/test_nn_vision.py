"""grid_sample and affine_grid: definitions by hand, torch, gradients of any order."""

import importlib.util
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from torch_oracle import array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck
from minitorch_cnn.nn import functional as F
from minitorch_cnn.ops.breadth.nn_vision import pixel_shuffle, pixel_unshuffle

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def samplings(draw):
    """Sizes of image and grid, and the options."""
    dims = draw(st.sampled_from([2, 2, 3]))
    modes = ["bilinear", "nearest", "bicubic"][: 3 if dims == 2 else 2]
    options = dict(
        mode=draw(st.sampled_from(modes)),
        padding_mode=draw(st.sampled_from(["zeros", "border", "reflection"])),
        align_corners=draw(st.booleans()),
    )
    sizes = [draw(st.tuples(*[st.integers(1, 4)] * dims)) for _ in range(2)]
    return *sizes, options


@given(samplings(), SEEDS)
def test_values_and_gradients_are_torchs(case, seed):
    torch = pytest.importorskip("torch")
    size, out, options = case
    x, grid = array(seed, (2, 2, *size)), array(seed + 1, (2, *out, len(size)))
    gy = array(seed + 2, (2, 2, *out))
    results = []
    for lib in (mt, torch):
        leaves = [lib.from_numpy(each.copy()).requires_grad_() for each in (x, grid)]
        y = lib.nn.functional.grid_sample(*leaves, **options)
        y.backward(lib.from_numpy(gy))
        results.append([each.detach().numpy() for each in (y, leaves[0].grad, leaves[1].grad)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@settings(max_examples=15)
@given(samplings(), SEEDS)
def test_gradients_of_gradients(case, seed):
    size, _, options = case
    # Odd multiples of 1/34 of a pixel from a pixel or the middle of two: on neither, ever.
    steps = np.random.default_rng(seed).integers(-8, 8, (1, *[1] * (len(size) - 1), 2, len(size)))
    position = (2 * steps + 1) / 17
    lengths = np.array(size[::-1])
    scale = np.maximum(lengths - 1, 1) if options["align_corners"] else lengths
    check_gradients(
        lambda a, b: F.grid_sample(a, b, **options), array(seed, (1, 1, *size)), position / scale
    )


def test_pixels_by_hand():
    image = mt.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    corners = mt.tensor([[[[-1.0, -1.0], [1.0, -1.0]], [[-1.0, 1.0], [1.0, 1.0]]]])
    assert F.grid_sample(image, corners, align_corners=True).tolist() == image.tolist()
    # Half a pixel outside of the centres: a quarter of the corner pixel, the rest is padding.
    y = F.grid_sample(image, corners, align_corners=False)
    assert y.tolist() == [[[[0.25, 0.5], [0.75, 1.0]]]]
    for padding in ("border", "reflection"):
        y = F.grid_sample(image, corners, padding_mode=padding, align_corners=False)
        assert y.tolist() == image.tolist()
    middle = F.grid_sample(image, mt.zeros(1, 1, 1, 2), align_corners=False)
    assert middle.item() == 2.5
    far = mt.full((1, 1, 1, 2), 1e30)
    assert F.grid_sample(image, far, align_corners=False).item() == 0.0
    assert F.grid_sample(image, far, padding_mode="border", align_corners=False).item() == 4.0


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_a_place_that_is_nan_gives_nan(padding_mode):
    grid = mt.full((1, 1, 1, 2), float("nan"))
    y = F.grid_sample(mt.ones(1, 1, 2, 2), grid, padding_mode=padding_mode, align_corners=False)
    assert bool(y.isnan().all())


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 1), (2, 1, 3, 2, 4)])
def test_affine_grid_is_torchs(size, align_corners):
    torch = pytest.importorskip("torch")
    dims = len(size) - 2
    theta = array(0, (2, dims, dims + 1))
    got = F.affine_grid(mt.from_numpy(theta), size, align_corners=align_corners)
    expected = torch.nn.functional.affine_grid(torch.tensor(theta), size, align_corners)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-14)
    check_gradients(lambda a: F.affine_grid(a, size, align_corners=align_corners), theta)


def test_the_identity_leaves_an_image_as_it_is():
    theta = mt.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    x = mt.randn(1, 2, 5, 6)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    mt.testing.assert_close(F.grid_sample(x, grid, align_corners=False), x)


def test_the_default_of_align_corners_is_announced():
    with pytest.warns(UserWarning, match="align_corners=False"):
        F.grid_sample(mt.zeros(1, 1, 2, 2), mt.zeros(1, 1, 1, 2))
    with pytest.warns(UserWarning, match="align_corners=False"):
        F.affine_grid(mt.zeros(1, 2, 3), (1, 1, 2, 2))
    with pytest.warns(UserWarning, match=r"See the documentation of affine_grid for details\."):
        F.affine_grid(mt.zeros(1, 2, 3), (1, 1, 2, 1), align_corners=True)


@pytest.mark.parametrize(
    "image, grid, options, error",
    [
        ((1, 1, 2, 2), (2, 1, 1, 2), {}, RuntimeError),
        ((1, 1, 2, 2), (1, 1, 1, 3), {}, RuntimeError),
        ((1, 1, 2, 2), (1, 1, 2), {}, RuntimeError),
        ((1, 1, 0, 2), (1, 1, 1, 2), {}, RuntimeError),
        ((1, 1, 2, 2), (1, 1, 1, 2), dict(mode="linear"), ValueError),
        ((1, 1, 2, 2), (1, 1, 1, 2), dict(padding_mode="circular"), ValueError),
        ((1, 1, 2, 2, 2), (1, 1, 1, 1, 3), dict(mode="bicubic"), RuntimeError),
    ],
)
def test_what_does_not_fit_is_refused_as_by_torch(image, grid, options, error):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        with pytest.raises(error):
            lib.nn.functional.grid_sample(
                lib.zeros(image), lib.zeros(grid), align_corners=False, **options
            )


def test_affine_grid_refuses_what_does_not_fit():
    for theta, size, error in [
        ((1, 2, 3), (2, 1, 3, 3), RuntimeError),
        ((1, 2, 2), (1, 1, 3, 3), ValueError),
        ((1, 2, 3), (1, 1, 3), NotImplementedError),
        ((1, 2, 3), (1, 1, 0, 3), ValueError),
    ]:
        with pytest.raises(error, match=r"\d"):
            F.affine_grid(mt.zeros(theta), size, align_corners=False)


GRID_ERRORS = [
    ((1, 1, 2, 2), (1, 1, 1, 3), "expected grid to have size 2 in last dimension"),
    ((1, 1, 2, 2), (2, 1, 1, 2), "expected grid and input to have same batch size"),
    ((1, 1, 2, 2), (1, 1, 1, 1, 2), "same number of dimensions"),
    ((1, 2, 2), (1, 1, 1, 2), "expected grid to have size 1 in last dimension"),
    ((1, 1, 0, 2), (1, 1, 1, 2), "with dimension 2 being empty"),
]


@pytest.mark.parametrize("image, grid, message", GRID_ERRORS)
def test_grid_sample_says_what_does_not_fit_as_torch_does(image, grid, message):
    libs = [mt]
    if importlib.util.find_spec("torch"):
        libs.append(importlib.import_module("torch"))
    for lib in libs:
        with pytest.raises(RuntimeError, match=message):
            sample = lib.nn.functional.grid_sample
            sample(lib.zeros(image), lib.zeros(grid), align_corners=False)


def test_an_image_and_a_grid_of_different_types():
    image, grid = mt.ones(1, 1, 3, 3), mt.zeros(1, 2, 2, 2)
    assert mt.nn.functional.grid_sample(image, grid, align_corners=False).shape == (1, 1, 2, 2)
    for a, b in ((image, grid.double()), (image.double(), grid), (image.long(), grid.long())):
        with pytest.raises(RuntimeError, match="same dtype"):
            mt.nn.functional.grid_sample(a, b, align_corners=False)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_channel_shuffle_takes_one_of_each_group_in_turn(groups, per_group, length, seed):
    x = array(seed, (2, groups * per_group, length))
    order = [g * per_group + i for i in range(per_group) for g in range(groups)]
    np.testing.assert_array_equal(F.channel_shuffle(mt.from_numpy(x), groups).numpy(), x[:, order])
    check_gradients(lambda a: F.channel_shuffle(a, groups), x)


def test_channel_shuffle_refuses_what_does_not_fit():
    for shape, groups in (((1, 4), 2), ((1, 5, 2), 2), ((1, 4, 2), 0)):
        with pytest.raises(RuntimeError, match=r"\d"):
            F.channel_shuffle(mt.zeros(shape), groups)


@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 3), st.integers(0, 2**32))
def test_pixel_shuffle_by_definition(r, batch, channels, seed):
    shape = (*[2] * batch, channels * r * r, 2, 3)
    x = np.random.default_rng(seed).standard_normal(shape)
    y = pixel_shuffle(mt.tensor(x), r).numpy()
    assert y.shape == (*shape[:-3], channels, 2 * r, 3 * r)
    for c, i, j in np.ndindex(channels, 2 * r, 3 * r):
        expected = x[..., (c * r + i % r) * r + j % r, i // r, j // r]
        np.testing.assert_array_equal(y[..., c, i, j], expected)
    np.testing.assert_array_equal(pixel_unshuffle(mt.tensor(y), r).numpy(), x)


@pytest.mark.parametrize("shape", [(2, 18, 4, 6), (1, 9, 3, 3), (2, 1, 18, 4, 6), (18, 4, 6)])
def test_pixel_shuffle_keeps_the_memory_format(shape):
    """By pixels as by rows; the values are those of memory by rows, which the definition tested."""
    rows = mt.rand(shape)
    assert (
        pixel_shuffle(rows, 3).is_contiguous()
        and pixel_unshuffle(rows[..., :3, :3], 3).is_contiguous()
    )
    if len(shape) != 4:
        return
    pixels = rows.contiguous(memory_format=mt.channels_last)
    for function, x in ((pixel_shuffle, pixels), (pixel_unshuffle, pixels[:, :, :3, :3])):
        y = function(x, 3)
        assert y.is_contiguous(memory_format=mt.channels_last)
        assert y.equal(function(x.contiguous(), 3))
    x = mt.rand(2, 4, 3, 3, dtype=mt.float64).contiguous(memory_format=mt.channels_last)
    assert gradcheck(lambda a: pixel_unshuffle(pixel_shuffle(a, 2), 3), x.requires_grad_())


def test_pixel_shuffle_gradient():
    x = mt.tensor(np.random.default_rng(0).standard_normal((1, 8, 2, 2))).requires_grad_()
    assert gradcheck(lambda a: pixel_shuffle(a, 2), x)
    assert gradcheck(lambda a: pixel_unshuffle(a, 2), x)


def test_points_of_the_identity_are_torchs_to_the_last_bit():
    """There grid_sample's gradient jumps, and a spatial transformer begins there."""
    torch = pytest.importorskip("torch")
    for n in (1, 2, 7, 16, 28):
        for corners in (False, True):
            theta = np.array([[[1, 0, 0], [0, 1, 0]]], np.float32)
            ours = F.affine_grid(mt.tensor(theta), (1, 1, n, n + 1), corners).numpy()
            expected = torch.nn.functional.affine_grid(
                torch.from_numpy(theta), (1, 1, n, n + 1), corners
            )
            np.testing.assert_array_equal(ours, expected.numpy())


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
def test_nearest_at_places_that_are_none(padding_mode):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.zeros(1, 1, 3, 3, requires_grad=True)
        grid = lib.tensor([[[[math.nan, 0.0], [0.0, math.inf]]]])
        options = {"mode": "nearest", "padding_mode": padding_mode, "align_corners": False}
        y = lib.nn.functional.grid_sample(x, grid, **options)
        assert y.tolist() == [[[[0.0, 0.0]]]]
