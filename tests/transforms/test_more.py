"""Affine maps, crops, blur, histogram operations and choices, against NumPy and Pillow."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageOps

import minitorch_cnn as mt
import minitorch_cnn.transforms as T
import minitorch_cnn.transforms.functional as F
from minitorch_cnn.tensor import wrap
from minitorch_cnn.transforms.autoaugment import ALL, distort, space

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(256, size=(9, 12, 3), dtype=np.uint8)  # H, W, C
PICTURE = Image.fromarray(PIXELS)
TENSOR = wrap(PIXELS.transpose(2, 0, 1))
both = pytest.mark.parametrize("img", [PICTURE, TENSOR], ids=["PIL", "tensor"])
# More pixels than values, and not the whole range: no operation leaves this as it is.
LARGE = np.tile(PIXELS // 2 + 20, (3, 3, 1))
both_large = pytest.mark.parametrize(
    "img", [Image.fromarray(LARGE), wrap(LARGE.transpose(2, 0, 1))], ids=["PIL", "tensor"]
)


def pixels(img):
    """Any image as an array (H, W, C)."""
    if isinstance(img, Image.Image):
        array = np.asarray(img)
        return array if array.ndim == 3 else array[:, :, np.newaxis]
    return img.numpy().transpose(1, 2, 0)


# ------------------------------------------------------------------------------- geometry


@both
@given(
    st.floats(-180, 180),
    st.tuples(st.integers(-4, 4), st.integers(-3, 3)),
    st.floats(0.5, 2),
    st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    st.sampled_from([None, (2.0, 3.0)]),
)
def test_affine_moves_each_point_as_it_says(img, angle, translate, scale, shear, center):
    """A pixel of the result is that of the image whose place is mapped nearest to it."""
    got = pixels(F.affine(img, angle, translate, scale, shear, fill=7, center=center))
    cx, cy = (6.0, 4.5) if center is None else center
    turn, sx, sy = (math.radians(each) for each in (angle, *shear))
    for y in range(9):
        for x in range(12):
            # Back: unmove, unturn, unscale, unshear along y, then along x.
            u, v = x + 0.5 - cx - translate[0], y + 0.5 - cy - translate[1]
            u, v = u * math.cos(turn) + v * math.sin(turn), v * math.cos(turn) - u * math.sin(turn)
            u, v = u / scale, v / scale
            v = v + u * math.tan(sy)
            u = u + v * math.tan(sx)
            u, v = u + cx, v + cy
            if min(abs(u - round(u)), abs(v - round(v))) < 1e-3:
                continue  # on the border between two pixels
            inside = 0 <= u < 12 and 0 <= v < 9
            expected = PIXELS[int(v), int(u)] if inside else [7, 7, 7]
            assert got[y, x].tolist() == list(expected), (x, y)


@both
def test_crops(img):
    part = F.resized_crop(img, 2, 3, 6, 8, (3, 4))
    expected = F.resize(F.crop(img, 2, 3, 6, 8), (3, 4))
    assert np.array_equal(pixels(part), pixels(expected))
    five = [pixels(each) for each in T.FiveCrop((4, 6))(img)]
    places = [(0, 0), (0, 6), (5, 0), (5, 6), (2, 3)]
    for got, (y, x) in zip(five, places, strict=True):
        assert np.array_equal(got, PIXELS[y : y + 4, x : x + 6])
    ten = [pixels(each) for each in T.TenCrop((4, 6))(img)]
    for got, (y, x) in zip(ten[5:], places, strict=True):
        assert np.array_equal(got, PIXELS[:, ::-1][y : y + 4, x : x + 6])
    upside_down = pixels(T.TenCrop((4, 6), vertical_flip=True)(img)[5])
    assert np.array_equal(upside_down, PIXELS[::-1][:4, :6])
    with pytest.raises(ValueError, match=r"\(10, 6\)"):
        F.five_crop(img, (10, 6))


@both
def test_random_resized_crop(img):
    mt.manual_seed(0)
    shares, ratios = [], []
    for _ in range(300):
        top, left, h, w = T.RandomResizedCrop.get_params(img, (0.2, 0.6), (0.5, 2.0))
        assert 0 <= top <= 9 - h and 0 <= left <= 12 - w
        shares.append(h * w / 108)
        ratios.append(w / h)
    assert 0.12 < min(shares) < 0.25 and 0.5 < max(shares) < 0.7
    assert min(ratios) < 0.8 and max(ratios) > 1.6
    assert F.get_image_size(T.RandomResizedCrop((5, 7))(img)) == [7, 5]
    # Nothing fits: the middle, of the ratio that comes nearest.
    assert T.RandomResizedCrop.get_params(img, (0.99, 1.0), (0.5, 0.5)) == (0, 4, 9, 4)
    assert T.RandomResizedCrop.get_params(img, (0.99, 1.0), (4.0, 4.0)) == (3, 0, 3, 12)
    whole = T.RandomResizedCrop((9, 12), scale=(1, 1), ratio=(4 / 3, 4 / 3))
    assert np.array_equal(pixels(whole(img)), PIXELS)
    for wrong in ({"scale": (1, 0.5)}, {"ratio": (1, 0.5)}):
        with pytest.raises(ValueError, match="min, max"):
            T.RandomResizedCrop(5, **wrong)


@both
def test_random_affine(img):
    mt.manual_seed(0)
    transform = T.RandomAffine(20, (0.25, 0.5), (0.5, 2.0), (-10, 10, 5, 6))
    drawn = [
        T.RandomAffine.get_params(
            transform.degrees, transform.translate, transform.scale, transform.shear, (12, 9)
        )
        for _ in range(300)
    ]
    angles, moves, scales, shears = zip(*drawn, strict=True)
    assert min(angles) < -18 and max(angles) > 18
    assert {x for x, _ in moves} == set(range(-3, 4)) and max(y for _, y in moves) == 4
    assert 0.5 < min(scales) < 0.6 and 1.8 < max(scales) < 2
    assert max(x for x, _ in shears) > 9 and all(5 <= y <= 6 for _, y in shears)
    still = T.RandomAffine.get_params((0.0, 0.0), None, None, None, (12, 9))
    assert still == (0, (0, 0), 1, (0, 0))
    assert np.array_equal(pixels(T.RandomAffine(0)(img)), PIXELS)
    assert not np.array_equal(pixels(transform(img)), PIXELS)
    for wrong in ({"degrees": -1}, {"translate": (2, 0)}, {"scale": (0, 1)}, {"shear": (1, 2, 3)}):
        with pytest.raises(ValueError, match=r"-1|\(2, 0\)|\(0, 1\)|\(1, 2, 3\)"):
            T.RandomAffine(**{"degrees": 1, **wrong})


# ----------------------------------------------------------------------- values of pixels


@both
@pytest.mark.parametrize("size, sigma", [(3, None), ((3, 5), (0.7, 1.9)), (5, 1.0)])
def test_gaussian_blur(img, size, sigma):
    got = pixels(F.gaussian_blur(img, size, sigma)).astype(float)
    width, height = (size, size) if isinstance(size, int) else size
    sx, sy = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    sx, sy = sx or 0.3 * ((width - 1) * 0.5 - 1) + 0.8, sy or 0.3 * ((height - 1) * 0.5 - 1) + 0.8
    padded = np.pad(
        PIXELS.astype(float), [(height // 2,) * 2, (width // 2,) * 2, (0, 0)], mode="reflect"
    )
    expected, total = np.zeros((9, 12, 3)), 0.0
    for y in range(height):
        for x in range(width):
            dx, dy = (x - width // 2) / sx, (y - height // 2) / sy
            weight = math.exp(-(dx * dx + dy * dy) / 2)
            total += weight
            expected += weight * padded[y : y + 9, x : x + 12]
    assert np.abs(got - expected / total).max() <= 0.51


def test_gaussian_blur_of_floats_and_its_settings():
    x = mt.tensor(RNG.random((2, 1, 6, 7)))
    y = F.gaussian_blur(x, [3, 3], [1.0])
    assert y.dtype == mt.float64 and y.shape == x.shape
    mt.testing.assert_close(F.gaussian_blur(mt.ones(1, 5, 5), 5, 2.0), mt.ones(1, 5, 5))
    assert "sigma=(0.5, 0.5)" in repr(T.GaussianBlur(3, 0.5))
    assert 1.0 <= T.GaussianBlur.get_params(1.0, 1.5) <= 1.5
    for arguments in ((4,), (3, (2.0, 1.0)), (3, 0.0)):
        with pytest.raises(ValueError, match=r"4|2\.0|0\.0"):
            T.GaussianBlur(*arguments)
    assert (T.GaussianBlur(1)(x) == x).all()
    for size in (4, 0, -3):
        with pytest.raises(ValueError, match=f"Got {size}"):
            F.gaussian_blur(x, size)
    with pytest.raises(RuntimeError, match="mirrors more"):
        F.gaussian_blur(mt.ones(1, 2, 9), 5)


@both
def test_operations_on_histograms_are_pillows(img):
    for name, arguments, expected in (
        ("invert", (), ImageOps.invert(PICTURE)),
        ("posterize", (3,), ImageOps.posterize(PICTURE, 3)),
        ("solarize", (100,), ImageOps.solarize(PICTURE, 100)),
        ("autocontrast", (), ImageOps.autocontrast(PICTURE)),
        ("equalize", (), ImageOps.equalize(PICTURE)),
    ):
        got = getattr(F, name)(img, *arguments)
        assert np.array_equal(pixels(got), np.asarray(expected)), name
    assert np.array_equal(pixels(F.adjust_sharpness(img, 1.0)), PIXELS)
    inner = pixels(F.adjust_sharpness(img, 0.0))[1:-1, 1:-1].astype(float)
    around = [PIXELS[1 + y : 8 + y, 1 + x : 11 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)]
    smooth = (np.sum(around, 0, dtype=float) + 4.0 * PIXELS[1:-1, 1:-1]) / 13
    assert np.abs(inner - smooth).max() < 1
    assert np.array_equal(pixels(F.posterize(img, 1)), PIXELS & 128)
    assert np.array_equal(pixels(F.posterize(img, 8)), PIXELS)
    assert not F.posterize(TENSOR, 0).any()
    for bits in (-1, 9):
        with pytest.raises(ValueError, match=str(bits)):
            F.posterize(img, bits)
    with pytest.raises(ValueError, match="-1"):
        F.adjust_sharpness(mt.ones(3, 4, 4), -1)


def test_operations_on_tensors_of_floats():
    x = mt.tensor([[[0.0, 0.25, 0.75]]])
    assert F.invert(x).tolist() == [[[1.0, 0.75, 0.25]]]
    assert F.solarize(x, 0.5).tolist() == [[[0.0, 0.25, 0.25]]]
    assert F.solarize(x, 0.75).tolist() == [[[0.0, 0.25, 0.25]]]
    with pytest.raises(TypeError, match=r"equalize .*float32"):
        F.equalize(x)
    with pytest.raises(TypeError, match=r"invert .*\(4, 2, 2\)"):
        F.invert(mt.ones(4, 2, 2))
    with pytest.raises(TypeError, match=r"threshold=1\.5"):
        F.solarize(x, 1.5)
    batch = wrap(np.stack([PIXELS, 255 - PIXELS]).transpose(0, 3, 1, 2))
    assert np.array_equal(F.equalize(batch).numpy()[0], F.equalize(TENSOR).numpy())
    grey = F.equalize(TENSOR[:1])
    assert np.array_equal(grey.numpy()[0], np.asarray(ImageOps.equalize(PICTURE.getchannel(0))))


@both
def test_gamma(img):
    got = pixels(F.adjust_gamma(img, 1.7, gain=0.9)).astype(float)
    assert np.abs(got - 255 * 0.9 * (PIXELS / 255) ** 1.7).max() < 1.01
    with pytest.raises(ValueError, match="non-negative"):
        F.adjust_gamma(img, -1)


def test_gamma_of_floats_stays_in_range():
    assert F.adjust_gamma(mt.tensor([[[0.25, 1.0]]]), 0.5, gain=2).tolist() == [[[1.0, 1.0]]]


@pytest.mark.parametrize("source", ["float32", "float64", "uint8", "int16", "int32"])
@pytest.mark.parametrize("target", ["float32", "float64", "uint8", "int16"])
def test_image_types_keep_their_range(source, target):
    source, target = getattr(mt, source), getattr(mt, target)
    top = 1 if source.is_floating_point else np.iinfo(source.numpy).max
    x = mt.tensor([[[0, top // 2, top]]], dtype=source)
    y = T.ConvertImageDtype(target)(x)
    full = 1 if target.is_floating_point else np.iinfo(target.numpy).max
    assert y.dtype == target
    # Integers of more bits are multiples: their largest is not reached from fewer bits.
    widened = not source.is_floating_point and top < full and full != 1
    assert y[0, 0, 2].item() == pytest.approx(full, abs=full / 128 if widened else 0)
    assert y[0, 0, 0].item() == 0
    assert y[0, 0, 1].item() == pytest.approx(full * (top // 2) / top, abs=max(full / 128, 1e-6))


# -------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    "transform, change",
    [
        (T.RandomGrayscale, lambda img: F.rgb_to_grayscale(img, 3)),
        (T.RandomInvert, F.invert),
        (T.RandomAutocontrast, F.autocontrast),
        (T.RandomEqualize, F.equalize),
        (lambda p: T.RandomPosterize(2, p), lambda img: F.posterize(img, 2)),
        (lambda p: T.RandomSolarize(90, p), lambda img: F.solarize(img, 90)),
        (lambda p: T.RandomAdjustSharpness(3, p), lambda img: F.adjust_sharpness(img, 3)),
        (lambda p: T.RandomApply([F.invert, F.hflip], p), lambda img: F.hflip(F.invert(img))),
    ],
)
@both_large
def test_what_happens_with_a_probability(img, transform, change):
    changed = pixels(change(img))
    assert not np.array_equal(changed, LARGE)
    assert np.array_equal(pixels(transform(p=0.0)(img)), LARGE)
    assert np.array_equal(pixels(transform(p=1.0)(img)), changed)
    mt.manual_seed(0)
    half = transform(p=0.3)
    count = sum(np.array_equal(pixels(half(img)), changed) for _ in range(200))
    assert 40 < count < 80
    assert "p=0.3" in repr(half)


def test_one_of_several_or_all_in_any_order():
    mt.manual_seed(0)
    words = [lambda text: text + "a", lambda text: text + "b"]
    drawn = collections.Counter(T.RandomChoice(words, p=[3, 1])("") for _ in range(400))
    assert 270 < drawn["a"] < 330 and drawn["b"] == 400 - drawn["a"]
    drawn = collections.Counter(T.RandomOrder(words)("") for _ in range(400))
    assert set(drawn) == {"ab", "ba"} and 160 < drawn["ab"] < 240
    assert "Pad" in repr(T.RandomOrder([T.Pad(1)])) and "Pad" in repr(T.RandomChoice([T.Pad(1)]))
    for kind in (T.RandomApply, T.RandomChoice, T.RandomOrder):
        with pytest.raises(TypeError, match="function"):
            kind(lambda img: img)
    with pytest.raises(ValueError, match=r"\[1\]"):
        T.RandomChoice(words, p=[1])


@pytest.mark.parametrize(
    "name, strength, expected",
    [
        ("Identity", 0.0, lambda img: img),
        ("ShearX", 0.5, lambda img: img.transform(img.size, 0, (1, 0.5, 0, 0, 1, 0))),
        ("ShearY", -0.5, lambda img: img.transform(img.size, 0, (1, 0, 0, -0.5, 1, 0))),
        ("TranslateX", 3.4, lambda img: img.transform(img.size, 0, (1, 0, -3, 0, 1, 0))),
        ("TranslateY", -2.0, lambda img: img.transform(img.size, 0, (1, 0, 0, 0, 1, 2))),
        ("Rotate", 30.0, lambda img: img.rotate(30)),
        ("Brightness", 0.5, lambda img: F.adjust_brightness(img, 1.5)),
        ("Color", -0.5, lambda img: F.adjust_saturation(img, 0.5)),
        ("Contrast", 0.2, lambda img: F.adjust_contrast(img, 1.2)),
        ("Sharpness", 0.9, lambda img: F.adjust_sharpness(img, 1.9)),
        ("Posterize", 3.0, lambda img: ImageOps.posterize(img, 3)),
        ("Solarize", 100.0, lambda img: ImageOps.solarize(img, 100)),
        ("AutoContrast", 0.0, ImageOps.autocontrast),
        ("Equalize", 0.0, ImageOps.equalize),
    ],
)
def test_distortions(name, strength, expected):
    large = Image.fromarray(LARGE)
    got = pixels(distort(large, name, strength))
    assert np.array_equal(got, np.asarray(expected(large)))
    assert np.array_equal(got, LARGE) == (name == "Identity")


def test_strengths_are_the_papers():
    wide = space(31, (32, 32), 0.99, 135.0, 0.99, (8, 2))
    assert {*wide} == {*ALL, "Invert"} and len(ALL) == 14
    unsigned = {"Identity", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert"}
    assert {name for name, each in wide.items() if not each.signed} == unsigned
    assert wide["Rotate"].strengths[[0, -1]].tolist() == [0, 135] and wide["Rotate"].signed
    assert wide["Posterize"].strengths[[0, -1]].tolist() == [8, 2]
    narrow = space(31, (150, 300))
    assert narrow["TranslateX"].strengths[-1] == pytest.approx(150)
    assert narrow["TranslateY"].strengths[-1] == pytest.approx(300)
    assert narrow["ShearX"].strengths[9] == pytest.approx(0.09)
    assert narrow["Rotate"].strengths[-1] == 30 and wide["ShearY"].strengths[-1] == np.float32(0.99)
    assert (
        narrow["Color"].strengths[-1] == np.float32(0.9) and wide["TranslateY"].strengths[-1] == 32
    )
    assert narrow["Posterize"].strengths[[0, -1]].tolist() == [8, 4]
    assert narrow["Solarize"].strengths[[0, -1]].tolist() == [255, 0]


@both_large
@pytest.mark.parametrize("transform", [T.TrivialAugmentWide(), T.RandAugment(2, 9)])
def test_automatic_augmentation_varies_and_follows_manual_seed(img, transform):
    mt.manual_seed(3)
    first = [pixels(transform(img)) for _ in range(30)]
    mt.manual_seed(3)
    again = [pixels(transform(img)) for _ in range(30)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(each.shape == LARGE.shape and each.dtype == np.uint8 for each in first)
    assert len({each.tobytes() for each in first}) > 15
    assert "num_magnitude_bins=31" in repr(transform)


def test_a_strength_that_there_is_not():
    assert np.array_equal(pixels(distort(PICTURE, "ShearX", 0.0)), PIXELS)
    T.RandAugment(magnitude=0)(PICTURE)
    for magnitude in (-1, 31):
        with pytest.raises(ValueError, match=f"magnitude={magnitude}"):
            T.RandAugment(magnitude=magnitude)


@both
def test_a_single_shear_is_along_x(img):
    expected = pixels(F.affine(img, 0, [0, 0], 1.0, (25.0, 0.0)))
    for shear in (25.0, [25.0]):
        assert np.array_equal(pixels(F.affine(img, 0, [0, 0], 1.0, shear)), expected)
    with pytest.raises(ValueError, match="scale should be positive, got 0"):
        F.affine(img, 0, [0, 0], 0, 1.0)


class TestArguments:
    """What torchvision 0.29 takes and refuses, by its source."""

    IMAGE = Image.new("RGB", (8, 8), (7, 8, 9))

    @pytest.mark.parametrize("size", [np.int64(4), np.int32(4), (np.int64(4), 4), [4]])
    def test_numpy_integers_are_sizes(self, size):
        for make in (T.Resize, T.CenterCrop, T.RandomCrop, T.RandomResizedCrop):
            assert make(size)(self.IMAGE).size == (4, 4), make
        assert T.Pad(np.int64(1))(self.IMAGE).size == (10, 10)
        assert T.ColorJitter(np.float32(0.0))(self.IMAGE).size == (8, 8)
        assert T.RandomRotation(np.int64(10), fill=np.int64(1))(self.IMAGE).size == (8, 8)

    @pytest.mark.parametrize("size", ["4", None, {}, object()])
    def test_others_are_not(self, size):
        for make in (T.Resize, T.CenterCrop, T.RandomCrop, T.RandomResizedCrop, T.FiveCrop):
            with pytest.raises(TypeError, match="size should be"):
                make(size)(self.IMAGE)

    def test_lists_of_another_length(self):
        three = (1, 1, 1)
        for call in (
            lambda: T.RandomRotation(10, center=three),
            lambda: T.RandomAffine(0, translate=three),
            lambda: T.RandomAffine(0, scale=three),
            lambda: F.affine(self.IMAGE, 0, three, 1.0, 0.0),
            lambda: F.affine(self.IMAGE, 0, (0, 0), 1.0, three),
        ):
            with pytest.raises(ValueError, match=r"\(1, 1, 1\)"):
                call()
        for wrong in (1, None, "ab"):
            with pytest.raises(TypeError, match="translate should be"):
                F.affine(self.IMAGE, 0, wrong, 1.0, 0.0)

    def test_what_gave_other_pixels_silently(self):
        x = mt.ones(3, 8, 8)
        for wrong in (None, "1", (None, 1, 1)):
            with pytest.raises(TypeError, match="mean should be numbers"):
                T.Normalize(wrong, 0.5)(x)
        for fill in (300, float("nan"), float("inf")):
            with pytest.raises(RuntimeError, match=f"{fill} cannot be converted"):
                T.Pad(1, fill=fill)(x.to(mt.uint8))
        with pytest.raises(TypeError, match="sigma should be"):
            F.gaussian_blur(self.IMAGE, 3, "1")


def test_transforms_of_images_are_modules():
    flips = mt.nn.Sequential(T.RandomHorizontalFlip(p=1.0), T.RandomVerticalFlip(p=1.0))
    x = mt.arange(4.0).reshape(1, 2, 2)
    assert flips(x).tolist() == [[[3.0, 2.0], [1.0, 0.0]]]
    assert flips.state_dict() == {} and not flips.eval()[0].training
    for apply in (T.RandomApply, T.v2.RandomApply):
        both = apply(mt.nn.ModuleList([T.RandomInvert(1.0), T.Normalize([0.5], [0.5])]), p=1.0)
        assert len(list(both.children())) == 1
        assert both(mt.zeros(1, 1, 1)).item() == 1.0
