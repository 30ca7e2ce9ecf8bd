"""Colours: tensors against the formulas written per pixel, PIL images against Pillow."""

import colorsys

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageEnhance

import minitorch_cnn as mt
import minitorch_cnn.transforms as T
import minitorch_cnn.transforms.functional as F
from minitorch_cnn.tensor import wrap

RNG = np.random.default_rng(0)
FLOATS = RNG.random((3, 6, 5)).astype(np.float32)
BYTES = RNG.integers(256, size=(3, 6, 5), dtype=np.uint8)
PICTURE = Image.fromarray(BYTES.transpose(1, 2, 0).copy())


def grey(x):
    return 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]


factors = st.floats(0, 3)
# A byte loses the fraction of its number, which has been rounded to float32 before.
LOST = 1 + 255 * 2.0**-22


@given(factor=factors)
def test_brightness(factor):
    assert np.allclose(
        F.adjust_brightness(wrap(FLOATS), factor).numpy(), np.minimum(FLOATS * factor, 1), atol=1e-6
    )
    got = F.adjust_brightness(wrap(BYTES), factor).numpy()
    expected = np.minimum(BYTES.astype(float) * factor, 255)
    assert got.dtype == np.uint8
    assert np.all(np.abs(got - expected) <= LOST)


@given(factor=factors)
def test_contrast(factor):
    mean = grey(FLOATS).mean()
    expected = np.clip(mean + factor * (FLOATS - mean), 0, 1)
    assert np.allclose(F.adjust_contrast(wrap(FLOATS), factor).numpy(), expected, atol=1e-5)
    mean = np.floor(grey(BYTES.astype(float))).mean()
    expected = np.clip(mean + factor * (BYTES.astype(float) - mean), 0, 255)
    assert np.all(np.abs(F.adjust_contrast(wrap(BYTES), factor).numpy() - expected) <= LOST)


@given(factor=factors)
def test_saturation(factor):
    level = grey(FLOATS)
    expected = np.clip(level + factor * (FLOATS - level), 0, 1)
    assert np.allclose(F.adjust_saturation(wrap(FLOATS), factor).numpy(), expected, atol=1e-5)
    level = np.floor(grey(BYTES.astype(float)))
    expected = np.clip(level + factor * (BYTES.astype(float) - level), 0, 255)
    assert np.all(np.abs(F.adjust_saturation(wrap(BYTES), factor).numpy() - expected) <= LOST)


def test_contrast_is_per_image():
    batch = np.stack([FLOATS, FLOATS / 2])
    got = F.adjust_contrast(wrap(batch), 0.5).numpy()
    for image, result in zip(batch, got, strict=True):
        assert np.allclose(result, F.adjust_contrast(wrap(image), 0.5).numpy())


@given(turns=st.floats(-0.5, 0.5))
def test_hue(turns):
    expected = np.empty_like(FLOATS)
    for y in range(6):
        for x in range(5):
            hue, saturation, value = colorsys.rgb_to_hsv(*FLOATS[:, y, x].tolist())
            expected[:, y, x] = colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value)
    assert np.allclose(F.adjust_hue(wrap(FLOATS), turns).numpy(), expected, atol=1e-5)


def test_hue_of_bytes_and_grey():
    assert np.abs(F.adjust_hue(wrap(BYTES), 0.0).numpy().astype(int) - BYTES).max() <= 1
    red = wrap(np.array([255, 0, 0], np.uint8).reshape(3, 1, 1))
    assert F.adjust_hue(red, 1 / 3).numpy().ravel().tolist() == [0, 255, 0]
    assert F.adjust_hue(red, -1 / 3).numpy().ravel().tolist() == [0, 0, 255]
    level = wrap(np.full((3, 2, 2), 0.3, np.float32))
    assert np.array_equal(F.adjust_hue(level, 0.2).numpy(), level.numpy())
    one = wrap(FLOATS[:1])
    assert F.adjust_hue(one, 0.2) is one
    assert F.adjust_saturation(one, 0.2) is one
    # A PIL image goes round the circle too: a whole turn in two halves.
    halves = F.adjust_hue(F.adjust_hue(Image.new("RGB", (1, 1), (255, 0, 0)), 0.5), 0.5)
    assert np.abs(np.array(halves.getpixel((0, 0))) - [255, 0, 0]).max() < 8
    assert F.adjust_hue(Image.new("L", (1, 1), 9), 0.2).getpixel((0, 0)) == 9


@pytest.mark.parametrize(
    ("function", "enhancer"),
    [
        (F.adjust_brightness, ImageEnhance.Brightness),
        (F.adjust_contrast, ImageEnhance.Contrast),
        (F.adjust_saturation, ImageEnhance.Color),
    ],
)
def test_pil_images_go_to_pillow(function, enhancer):
    for factor in (0, 0.5, 1, 1.7):
        expected = np.asarray(enhancer(PICTURE).enhance(factor))
        assert np.array_equal(np.asarray(function(PICTURE, factor)), expected)
        # and the formula for tensors means the same thing
        tensor = function(wrap(BYTES), factor).numpy().transpose(1, 2, 0).astype(int)
        assert np.abs(tensor - expected).max() <= 2


def test_hue_of_pil_images_is_near_that_of_tensors():
    smooth = Image.linear_gradient("L").resize((16, 16))
    picture = Image.merge("RGB", [smooth, smooth.rotate(90), Image.new("L", (16, 16), 90)])
    for turns in (-0.4, 0.1, 0.5):
        got = np.asarray(F.adjust_hue(picture, turns)).astype(int)
        tensor = F.adjust_hue(F.pil_to_tensor(picture), turns).numpy().transpose(1, 2, 0)
        assert np.abs(got - tensor).max() <= 12  # Pillow's hue has 8 bits


def test_grayscale():
    assert np.allclose(F.to_grayscale(wrap(FLOATS)).numpy(), grey(FLOATS)[np.newaxis], atol=1e-6)
    three = T.Grayscale(3)(wrap(BYTES)).numpy()
    assert three.shape == (3, 6, 5)
    assert np.array_equal(three[0], three[2])
    assert np.array_equal(np.asarray(T.Grayscale()(PICTURE)), np.asarray(PICTURE.convert("L")))
    assert T.Grayscale(3)(PICTURE).mode == "RGB"
    with pytest.raises(ValueError, match="2"):
        F.to_grayscale(PICTURE, 2)
    with pytest.raises(TypeError, match=r"\(2, 6, 5\)"):
        F.to_grayscale(wrap(FLOATS[:2]))


def test_color_jitter_ranges():
    jitter = T.ColorJitter(brightness=0.4, contrast=(0.5, 0.6), saturation=2, hue=0.1)
    assert jitter.brightness == (0.6, 1.4)
    assert jitter.contrast == (0.5, 0.6)
    assert jitter.saturation == (0.0, 3.0)
    assert jitter.hue == (-0.1, 0.1)
    mt.manual_seed(0)
    orders = set()
    for _ in range(300):
        order, b, c, s, h = T.ColorJitter.get_params(
            jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue
        )
        orders.add(tuple(order))
        assert 0.6 <= b <= 1.4
        assert 0.5 <= c <= 0.6
        assert 0 <= s <= 3
        assert -0.1 <= h <= 0.1
    assert len(orders) == 24
    assert T.ColorJitter.get_params(None, None, None, None)[1:] == (None,) * 4


@pytest.mark.parametrize("img", [PICTURE, wrap(FLOATS), wrap(BYTES)], ids=["PIL", "float", "uint8"])
def test_color_jitter_applies_the_drawn_changes(img):
    def array(image):
        return np.asarray(image) if isinstance(image, Image.Image) else image.numpy()

    assert T.ColorJitter()(img) is img
    jitter = T.ColorJitter(0.4, 0.4, 0.4, 0.1)
    mt.manual_seed(3)
    order, b, c, s, h = jitter.get_params(
        jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue
    )
    expected = img
    for which in order:
        if which == 0:
            expected = F.adjust_brightness(expected, b)
        elif which == 1:
            expected = F.adjust_contrast(expected, c)
        elif which == 2:
            expected = F.adjust_saturation(expected, s)
        else:
            expected = F.adjust_hue(expected, h)
    mt.manual_seed(3)
    assert np.array_equal(array(jitter(img)), array(expected))
    assert not np.array_equal(array(expected), array(img))


def test_errors():
    for function in (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation):
        with pytest.raises(ValueError, match=r"-0\.5"):
            function(mt.ones(3, 2, 2), -0.5)
        with pytest.raises(TypeError, match=r"\(4, 2, 2\)"):
            function(mt.ones(4, 2, 2), 0.5)
    with pytest.raises(ValueError, match=r"0\.6"):
        F.adjust_hue(PICTURE, 0.6)
    for options in ({"brightness": -1}, {"contrast": (2, 1)}, {"hue": 0.7}, {"hue": (-1, 0)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            T.ColorJitter(**options)
    with pytest.raises(TypeError, match="length 2"):
        T.ColorJitter(saturation=(1, 2, 3))
