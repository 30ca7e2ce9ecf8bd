"""interpolate: torch's values and errors, gradients of any order."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from tables import at_the_seams, numbers, refused_as_by_torch

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.ops.breadth.nn_vision import pixel_shuffle, pixel_unshuffle
from minitorch_cnn.ops.resize import interpolate, upsample

SEAMS = {
    "interpolate by a factor": lambda lib: lib.nn.functional.interpolate(
        numbers(lib, 1, 1, 5), scale_factor=1.5, mode="linear"
    ),
    "interpolate by the factor of the lengths": lambda lib: lib.nn.functional.interpolate(
        numbers(lib, 1, 1, 5), scale_factor=1.5, mode="linear", recompute_scale_factor=True
    ),
    "upsample_bilinear": lambda lib: lib.nn.functional.upsample_bilinear(
        numbers(lib, 1, 1, 2, 3), size=(3, 5)
    ),
    "upsample_nearest": lambda lib: lib.nn.functional.upsample_nearest(
        numbers(lib, 1, 1, 2, 3), scale_factor=1.5
    ),
    "upsample with aligned corners": lambda lib: lib.nn.functional.upsample(
        numbers(lib, 1, 1, 2, 3), (3, 5), None, "bilinear", True
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "interpolate of integers": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2, 2).long(), size=3, mode="bilinear"
        ),
        "int64",
    ),
    "interpolate to nothing": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 2, 2), size=(2, 0)),
        r"\[2, 0\]",
    ),
    "interpolate of nothing": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 0, 2), size=(2, 2)),
        r"\[0, 2\]",
    ),
    "interpolate a sequence as an image": (
        lambda lib: lib.nn.functional.interpolate(lib.ones(1, 1, 2), size=2, mode="bilinear"),
        "3D",
    ),
    "interpolate the nearest with aligned corners": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2), size=2, mode="nearest", align_corners=False
        ),
        "nearest",
    ),
    "interpolate to a size with new factors": (
        lambda lib: lib.nn.functional.interpolate(
            lib.ones(1, 1, 2), size=2, recompute_scale_factor=True
        ),
        "recompute_scale_factor",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)


ALIGNED = ("bilinear", "bicubic")


@st.composite
def resizings(draw):
    mode = draw(st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]))
    options = dict(mode=mode)
    if mode in ALIGNED:
        options["align_corners"] = draw(st.booleans())
        options["antialias"] = draw(st.booleans())
    if draw(st.booleans()):
        options["size"] = draw(st.one_of(st.integers(1, 8), st.tuples(*[st.integers(1, 8)] * 2)))
    else:
        factors = st.sampled_from([1, 2, 3, 0.5, 1.5, 2.3, 0.75])
        options["scale_factor"] = draw(st.one_of(factors, st.tuples(factors, factors)))
        options["recompute_scale_factor"] = draw(st.sampled_from([None, True, False]))
    return draw(st.tuples(st.integers(0, 2), st.integers(1, 3), *[st.integers(2, 6)] * 2)), options


@given(resizings(), st.integers(0, 2**32))
def test_values_and_gradient_are_torchs(case, seed):
    torch = pytest.importorskip("torch")
    shape, options = case
    shape = (max(shape[0], 1), *shape[1:])
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    ours, theirs = mt.tensor(x).requires_grad_(), torch.tensor(x, requires_grad=True)
    y, expected = interpolate(ours, **options), torch.nn.functional.interpolate(theirs, **options)
    # With antialias, torch 2.13 repeats the first row where the output is one pixel wide.
    assume(not (options.get("antialias") and y.shape[3] == 1))
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-10)
    gy = rng.standard_normal(y.shape)
    (got,) = mt.autograd.grad(y, ours, mt.tensor(gy))
    (want,) = torch.autograd.grad(expected, theirs, torch.tensor(gy))
    np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-10)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("factor", [2.3, 0.7, (1.7, 0.45)])
@pytest.mark.parametrize("recompute", [None, True])
def test_uneven_scale_factors_are_torchs(mode, factor, recompute):
    """7 * 2.3 = 16.1 gives 16 pixels: a step of 1 / 2.3 in the input, or recomputed 7 / 16."""
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((1, 2, 7, 9))
    options = dict(scale_factor=factor, mode=mode, recompute_scale_factor=recompute)
    expected = torch.nn.functional.interpolate(torch.tensor(x), **options)
    got = interpolate(mt.tensor(x), **options)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-10)


@given(resizings(), st.integers(0, 2**32))
def test_gradients_and_their_gradients(case, seed):
    shape, options = case
    x = mt.tensor(np.random.default_rng(seed).standard_normal((1, *shape[1:]))).requires_grad_()
    assert gradcheck(lambda a: interpolate(a, **options), x)
    assert gradgradcheck(lambda a: interpolate(a, **options), x)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["nearest", "nearest-exact"]))
def test_nearest_chooses_torchs_pixel_at_every_length(length, out, mode):
    torch = pytest.importorskip("torch")
    x = np.arange(length, dtype=np.float32).reshape(1, 1, length)
    expected = torch.nn.functional.interpolate(torch.tensor(x), size=out, mode=mode)
    np.testing.assert_array_equal(
        interpolate(mt.tensor(x), size=out, mode=mode).numpy(), expected.numpy()
    )


@pytest.mark.parametrize("align", [False, True])
def test_one_dimension(align):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, 5))
    expected = torch.nn.functional.interpolate(
        torch.tensor(x), size=8, mode="linear", align_corners=align
    )
    got = interpolate(mt.tensor(x), size=8, mode="linear", align_corners=align)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-12)


def test_bilinear_by_hand():
    """Without align_corners the outer pixels of a doubled image are copies of the border."""
    x = mt.tensor([[[[0.0, 4.0]]]])
    y = upsample(x, scale_factor=(1, 2), mode="bilinear")
    assert y.tolist() == [[[[0.0, 1.0, 3.0, 4.0]]]]
    y = upsample(x, size=(1, 3), mode="bilinear", align_corners=True)
    assert y.tolist() == [[[[0.0, 2.0, 4.0]]]]


def test_nearest_copies_integers_and_keeps_infinities_where_they_are():
    x = mt.tensor([[[[1, 2]]]], dtype=mt.uint8)
    assert interpolate(x, scale_factor=2).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]
    x = mt.tensor([[[[float("inf"), 1.0]]]])
    assert interpolate(x, size=(1, 4)).tolist() == [[[[float("inf")] * 2 + [1.0, 1.0]]]]


@pytest.mark.parametrize(
    "shape, options",
    [
        ((1, 1, 3, 3), dict(size=2, scale_factor=2)),
        ((1, 1, 3, 3), dict()),
        ((1, 1, 3, 3), dict(size=2, align_corners=True)),
        ((1, 1, 3, 3), dict(size=2, mode="lanczos9")),
        ((1, 3, 3), dict(size=2, mode="bilinear")),
        ((1, 1, 3, 3), dict(size=(2, 2, 2))),
        ((1, 1, 3, 3), dict(size=2, recompute_scale_factor=True)),
        ((1, 1, 3, 3), dict(size=0)),
        ((1, 1, 3, 3), dict(scale_factor=0.1)),
        ((1, 3), dict(scale_factor=2)),
    ],
)
def test_errors_are_of_torchs_kind(shape, options):
    torch = pytest.importorskip("torch")
    with pytest.raises((ValueError, RuntimeError, NotImplementedError)) as theirs:
        torch.nn.functional.interpolate(torch.zeros(shape), **options)
    with pytest.raises(theirs.type):
        interpolate(mt.zeros(shape), **options)


VOLUMES = ["nearest", "nearest-exact", "trilinear", "area"]


@given(st.sampled_from(VOLUMES), st.tuples(*[st.integers(1, 4)] * 6), st.booleans(), st.integers())
def test_volumes_are_torchs(mode, sizes, align, seed):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(abs(seed)).standard_normal((2, 2, *sizes[:3]))
    options = dict(size=sizes[3:], mode=mode)
    if mode == "trilinear":
        options["align_corners"] = align
    expected = torch.nn.functional.interpolate(torch.tensor(x), **options)
    np.testing.assert_allclose(interpolate(mt.tensor(x), **options).numpy(), expected, atol=1e-12)
    small = mt.tensor(x[:1, :1]).requires_grad_()
    assert gradcheck(lambda a: interpolate(a, **options), small)
    assert gradgradcheck(lambda a: interpolate(a, **options), small)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area"])
@pytest.mark.parametrize("place", [(0, 0), (2, 3), (4, 6)])
@pytest.mark.parametrize("size", [(10, 14), (3, 5)])
def test_a_nan_spreads_no_further_than_torchs(mode, place, size):
    """torch also reads pixels whose weight happens to be 0."""
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((1, 1, 5, 7))
    x[0, 0][place] = np.nan
    expected = torch.nn.functional.interpolate(torch.tensor(x), size=size, mode=mode).numpy()
    got = interpolate(mt.tensor(x), size=size, mode=mode).numpy()
    assert 0 < np.isnan(got).sum() < got.size
    assert not np.isnan(got[~np.isnan(expected)]).any()
    np.testing.assert_allclose(got[~np.isnan(expected)], expected[~np.isnan(expected)])


def test_what_is_not_supported_is_named():
    x = mt.zeros(1, 1, 3, 3)
    with pytest.raises(NotImplementedError, match="int64"):
        interpolate(x.long(), size=2, mode="bilinear")
    with pytest.raises(RuntimeError, match="3"):
        pixel_shuffle(mt.zeros(1, 3, 2, 2), 2)
    with pytest.raises(RuntimeError, match="3"):
        pixel_unshuffle(mt.zeros(1, 1, 3, 2), 2)


def test_antialiasing_to_one_column_averages_every_row_by_itself():
    x = mt.arange(8.0, dtype=mt.float64).reshape(1, 1, 4, 2)
    y = interpolate(x, size=(2, 1), mode="bilinear", antialias=True)
    two = interpolate(x, size=(2, 2), mode="bilinear", antialias=True)
    mt.testing.assert_close(y, two.mean(3, keepdim=True))


@pytest.mark.parametrize("mode", ALIGNED)
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (2, 12), (7, 9)])
def test_antialiasing_is_torchs(mode, align, size):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((1, 2, 7, 9))
    options = dict(size=size, mode=mode, align_corners=align, antialias=True)
    expected = torch.nn.functional.interpolate(torch.tensor(x), **options)
    np.testing.assert_allclose(interpolate(mt.tensor(x), **options).numpy(), expected, atol=1e-12)


def test_bytes_are_torchs_to_the_last_bit():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for trial in range(160):
        mode, antialias = ("bilinear", "bicubic")[trial % 2], trial % 4 < 2
        options = dict(mode=mode, antialias=antialias, align_corners=trial % 8 < 3)
        channels, height, width = rng.integers(1, 6), *rng.integers(1, 40, 2)
        x = rng.integers(0, 256, (2, channels, height, width)).astype(np.uint8)
        if trial % 5:
            # torch itself goes wrong at a single column of five channels: all rows are the first.
            low = 2 if channels > 4 else 1
            options["size"] = tuple(rng.integers(low, 40, 2).tolist())
        else:
            options["scale_factor"] = (1.5, 0.75) if min(height, width) > 2 else 2
        results = []
        for lib in (mt, torch):
            kept = lib.channels_last if trial % 3 else lib.contiguous_format
            given = lib.from_numpy(x).contiguous(memory_format=kept)
            results.append(lib.nn.functional.interpolate(given, **options))
            assert results[-1].is_contiguous(memory_format=kept)
        ours, theirs = (each.cpu().numpy() for each in results)
        assert ours.dtype == np.uint8
        np.testing.assert_array_equal(ours, theirs, err_msg=str((x.shape, options)))


def test_the_memory_format_stays():
    x = mt.rand(2, 3, 4, 5)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        for kept in (mt.contiguous_format, mt.channels_last):
            y = interpolate(x.contiguous(memory_format=kept), (3, 7), mode=mode)
            assert y.is_contiguous(memory_format=kept)
    volume = mt.rand(1, 2, 3, 4, 5)
    assert interpolate(volume, 6, mode="trilinear").is_contiguous()


def test_a_single_picture_made_a_batch_gives_rows():
    """As in torch: the step of the axis of length 1 says that it is no batch of channels-last."""
    torch = pytest.importorskip("torch")
    formats = "channels_last", "contiguous_format"
    for kind, lay, whole in itertools.product(("uint8", "float32"), formats, (0, 1)):
        strides = []
        for lib in (mt, torch):
            x = lib.ones(1, 3, 8, 8, dtype=lib.uint8).contiguous(memory_format=getattr(lib, lay))
            x = (x if whole else x[0][None]).to(getattr(lib, kind))
            strides.append(lib.nn.functional.interpolate(x, size=(5, 6), mode="bilinear").stride())
        assert strides[0] == strides[1], (kind, lay, whole)
