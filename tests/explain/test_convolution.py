"""Traces of convolutions against naive loops, torch and numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import explain
from minitorch_cnn.explain.convolution import padding_sources
from minitorch_cnn.explain.variations import VARIATIONS, variations


@st.composite
def cases(draw, modes=("zeros", "reflect", "replicate", "circular")):
    """(x, layer) in float64, any geometry that fits."""
    groups = draw(st.sampled_from([1, 2, 4]))
    channels = groups * draw(st.integers(1, 2))
    filters = groups * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    if stride == (1, 1) and draw(st.booleans()):
        padding = "same"
    H, W = draw(st.tuples(st.integers(5, 8), st.integers(5, 8)))
    layer = mt.nn.Conv2d(
        channels, filters, kernel, stride, padding, dilation, groups,
        bias=draw(st.booleans()), padding_mode=draw(st.sampled_from(modes)), dtype=mt.float64,
    )  # fmt: skip
    return mt.randn(2, channels, H, W, dtype=mt.float64), layer


def pad_by_hand(x, layer):
    """numpy's pad, with its names of the modes, and the uneven side of 'same' at the far end."""
    names = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    sides = []
    for axis in range(2):
        total = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        if layer.padding == "same":
            sides.append((total // 2, total - total // 2))
        else:
            sides.append((layer.padding[axis], layer.padding[axis]))
    return np.pad(x, ((0, 0), (0, 0), *sides), mode=names[layer.padding_mode])


def convolve_by_hand(x, layer):
    """The definition as loops: y (N, K, OH, OW)."""
    padded = pad_by_hand(x, layer)
    weight = layer.weight.detach().numpy()
    K, Cg, KH, KW = weight.shape
    (sh, sw), (dh, dw) = layer.stride, layer.dilation
    OH = (padded.shape[2] - dh * (KH - 1) - 1) // sh + 1
    OW = (padded.shape[3] - dw * (KW - 1) - 1) // sw + 1
    y = np.zeros((len(x), K, OH, OW))
    for n, k, i, j in np.ndindex(y.shape):
        first = (k * layer.groups // K) * Cg
        total = 0.0 if layer.bias is None else layer.bias.detach().numpy()[k]
        for c, u, v in np.ndindex(Cg, KH, KW):
            total += weight[k, c, u, v] * padded[n, first + c, i * sh + u * dh, j * sw + v * dw]
        y[n, k, i, j] = total
    return y


@given(cases())
def test_every_pixel_is_what_loops_give(case):
    x, layer = case
    expected = convolve_by_hand(x.numpy(), layer)
    explanation = explain.conv2d(x, layer)
    assert explanation.output.shape == expected.shape
    for n, k, i, j in np.ndindex(expected.shape):
        pixel = explanation.pixel(n, k, i, j)
        assert pixel.value == pytest.approx(expected[n, k, i, j], abs=1e-12)
        assert pixel.output == pytest.approx(expected[n, k, i, j], abs=1e-12)
        assert pixel.products.sum() + pixel.bias == pixel.value


@given(cases())
def test_rows_and_columns_name_the_pixels_of_the_window(case):
    x, layer = case
    explanation = explain.conv2d(x, layer)
    shape = explanation.output.shape
    pixel = explanation.pixel(1, shape[1] - 1, shape[2] - 1, shape[3] - 1)
    for c, u, v in np.ndindex(pixel.window.shape):
        row, column = pixel.rows[u], pixel.columns[v]
        if row < 0 or column < 0:
            assert layer.padding_mode == "zeros" and pixel.window[c, u, v] == 0
        else:
            value = x.numpy()[1, pixel.channels[c], row, column]
            assert pixel.window[c, u, v] == value


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
@pytest.mark.parametrize("before, after", [(0, 0), (2, 1), (3, 3)])
def test_padding_shows_the_pixels_that_numpy_shows(mode, before, after):
    name = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    expected = np.pad(np.arange(5), (before, after), mode=mode)
    np.testing.assert_array_equal(padding_sources(5, before, after, name), expected)


@given(cases())
def test_columns_times_weights_is_the_convolution(case):
    x, layer = case
    for n in range(2):
        columns = explain.conv2d(x, layer).columns(n)
        expected = convolve_by_hand(x.numpy(), layer)[n]
        np.testing.assert_allclose(columns.output(), expected, atol=1e-12)
        assert columns.cols.shape[0] == layer.groups
        assert (
            columns.cols.shape[2] * layer.groups == np.prod(layer.weight.shape[1:]) * layer.groups
        )


def test_columns_are_those_of_torch_unfold():
    torch = pytest.importorskip("torch")
    layer = mt.nn.Conv2d(3, 4, (3, 2), stride=2, padding=1, dilation=(1, 2))
    x = mt.randn(1, 3, 7, 8)
    columns = explain.conv2d(x, layer).columns()
    unfolded = torch.nn.functional.unfold(
        torch.tensor(x.numpy()), (3, 2), dilation=(1, 2), padding=1, stride=2
    )[0]  # (C*KH*KW, OH*OW)
    np.testing.assert_array_equal(columns.cols[0], unfolded.numpy().T)
    row = columns.row_of(2, 1)
    pixel = explain.conv2d(x, layer).pixel(0, 0, 2, 1)
    np.testing.assert_array_equal(columns.cols[0, row], pixel.window.ravel())


def test_memory_of_the_columns():
    layer = mt.nn.Conv2d(16, 16, 3, padding=1)
    memory = explain.conv2d(mt.zeros(32, 16, 32, 32), layer).columns().memory()
    assert memory["input"] == 32 * 16 * 32 * 32 * 4
    assert memory["all columns"] == 9 * memory["input"]
    assert memory["a block"] < memory["all columns"] / 2


@given(cases())
def test_gradients_are_those_of_loops_and_of_autograd(case):
    x, layer = case
    explanation = explain.conv2d(x, layer)
    gy = mt.randn(*explanation.output.shape, dtype=mt.float64)
    gradients = explanation.gradients(gy)
    np.testing.assert_allclose(gradients.gx, gradients.library_gx, atol=1e-12)
    np.testing.assert_allclose(gradients.gw, gradients.library_gw, atol=1e-12)
    np.testing.assert_allclose(gradients.gb, gy.numpy().sum((0, 2, 3)), atol=1e-12)
    # The convolution is linear in x: <gx, d> must be <gy, conv(x + d) - conv(x)> for every d.
    d = np.random.default_rng(0).standard_normal(x.shape)
    change = convolve_by_hand(x.numpy() + d, layer) - convolve_by_hand(x.numpy(), layer)
    assert (gradients.gx * d).sum() == pytest.approx((gy.numpy() * change).sum(), abs=1e-10)
    terms = gradients.terms(1, x.shape[1] - 1, 2, 3)
    total = sum(term.product for term in terms)
    assert total == pytest.approx(gradients.gx[1, x.shape[1] - 1, 2, 3], abs=1e-12)


@given(cases())
def test_col2im_gives_the_input_gradient(case):
    x, layer = case
    explanation = explain.conv2d(x, layer)
    gy = mt.randn(*explanation.output.shape, dtype=mt.float64)
    back = explanation.columns(1).back(gy)
    np.testing.assert_allclose(back.gx, explanation.gradients(gy).library_gx[1], atol=1e-12)
    # Every window covers as many pixels as it has places.
    assert back.counts.sum() == np.prod(explanation.output.shape[2:]) * np.prod(layer.kernel_size)


def test_framed_and_turned_are_what_the_words_say():
    layer = mt.nn.Conv2d(1, 1, 2, stride=2, bias=False)
    layer.weight.data = mt.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    gradients = explain.conv2d(mt.zeros(1, 1, 5, 5), layer).gradients(
        mt.tensor([[[[5.0, 6.0], [7.0, 8.0]]]])
    )
    np.testing.assert_array_equal(gradients.spread[0, 0], [[5, 0, 6], [0, 0, 0], [7, 0, 8]])
    np.testing.assert_array_equal(gradients.turned[0, 0], [[4, 3], [2, 1]])
    assert gradients.framed.shape == (1, 1, 6, 6)
    np.testing.assert_array_equal(gradients.gx[0, 0, 4], 0)  # in no window
    np.testing.assert_array_equal(gradients.gx[0, 0, 0], [5, 10, 6, 12, 0])


def test_one_image_without_a_batch():
    layer = mt.nn.Conv2d(2, 3, 3)
    x = mt.randn(2, 5, 5)
    explanation = explain.conv2d(x, layer)
    y = layer(x)
    assert explanation.pixel(0, 2, 1, 2).value == pytest.approx(y[2, 1, 2].item(), abs=1e-6)
    gradients = explanation.gradients(mt.ones(3, 3, 3))
    assert gradients.gx.shape == gradients.library_gx.shape == (1, 2, 5, 5)


def test_text_gives_the_numbers():
    layer = mt.nn.Conv2d(8, 2, 3, padding=1)
    pixel = explain.conv2d(mt.randn(1, 8, 4, 4), layer).pixel(0, 1, 0, 0)
    text = str(pixel)
    assert "rows padding, 0, 1" in text and "the other 5 channels" in text
    assert f"= {pixel.value:.6g}" in text
    html = pixel._repr_html_()
    assert html.count("<table") == html.count("</table>") == 12
    assert f"{pixel.products[pixel.shown()[0]][1, 1]:.3f}" in html


def test_a_wrong_index_says_how_far_it_goes():
    explanation = explain.conv2d(mt.zeros(1, 1, 4, 4), mt.nn.Conv2d(1, 2, 3))
    with pytest.raises(IndexError, match="k=2 is out of range: it goes from 0 to 1"):
        explanation.pixel(0, 2, 0, 0)
    with pytest.raises(IndexError, match="j=-1"):
        explanation.pixel(0, 0, 0, -1)
    with pytest.raises(ValueError, match=r"shape \[1, 2, 2, 2\]"):
        explanation.gradients(mt.zeros(1, 2, 3, 3))


def test_other_layers_are_refused():
    with pytest.raises(NotImplementedError, match="ConvTranspose2d"):
        explain.conv2d(mt.zeros(1, 1, 4, 4), mt.nn.ConvTranspose2d(1, 1, 2))


def test_variations_differ_as_their_names_say():
    result = variations(mt.randn(1, 2, 6, 6))
    sizes = {name: each.output.shape[2] for name, each in result.convolutions.items()}
    assert sizes == {
        "plain": 4, "padding=1": 6, "stride=2": 3, "dilation=2": 6, "groups=2": 6,
        "reflect": 8, "replicate": 8, "circular": 8,
    }  # fmt: skip
    assert all(name in str(result) for name in VARIATIONS)
    with pytest.raises(ValueError, match="even number of channels"):
        variations(mt.zeros(1, 3, 6, 6))


@pytest.mark.parametrize("make", [
    lambda c, gy: c, lambda c, gy: c.pixel(0, 1, 2, 2), lambda c, gy: c.columns(),
    lambda c, gy: c.columns().back(gy), lambda c, gy: c.gradients(gy),
])  # fmt: skip
def test_pictures_are_png_files_with_something_in_them(make, tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    convolution = explain.conv2d(mt.randn(1, 12, 6, 6), mt.nn.Conv2d(12, 4, 3, groups=2))
    made = make(convolution, mt.randn(1, 4, 4, 4))
    made.save(tmp_path / "a.png")
    with image.open(tmp_path / "a.png") as picture:
        assert picture.width > 500 and len(picture.convert("L").getcolors(256)) > 20
    assert made._repr_png_()[:4] == b"\x89PNG"
