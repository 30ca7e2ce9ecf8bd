"""Crops, flips, padding, resizing, rotation: both kinds of image, against NumPy and Pillow."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

import minitorch_cnn as mt
import minitorch_cnn.transforms as T
import minitorch_cnn.transforms.functional as F
from minitorch_cnn.tensor import wrap

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(256, size=(9, 12, 3), dtype=np.uint8)  # H, W, C
PICTURE = Image.fromarray(PIXELS)
TENSOR = wrap(PIXELS.transpose(2, 0, 1))


def pixels(img):
    """Any image as an array (H, W, C)."""
    if isinstance(img, Image.Image):
        array = np.asarray(img)
        return array if array.ndim == 3 else array[:, :, np.newaxis]
    return img.numpy().transpose(1, 2, 0)


both = pytest.mark.parametrize("img", [PICTURE, TENSOR], ids=["PIL", "tensor"])


@both
def test_sizes(img):
    assert F.get_dimensions(img) == [3, 9, 12]
    assert F.get_image_size(img) == [12, 9]


@both
@given(
    top=st.integers(-12, 12), left=st.integers(-15, 15), h=st.integers(1, 12), w=st.integers(1, 15)
)
def test_crop(img, top, left, h, w):
    expected = np.zeros((h, w, 3), np.uint8)
    for y in range(h):
        for x in range(w):
            if 0 <= top + y < 9 and 0 <= left + x < 12:
                expected[y, x] = PIXELS[top + y, left + x]
    assert np.array_equal(pixels(F.crop(img, top, left, h, w)), expected)


@both
def test_center_crop(img):
    assert np.array_equal(pixels(F.center_crop(img, (3, 6))), PIXELS[3:6, 3:9])
    assert np.array_equal(pixels(T.CenterCrop(5)(img)), PIXELS[2:7, 4:9])
    # larger than the image: one row above and two below, none left or right
    expected = np.zeros((12, 12, 3), np.uint8)
    expected[1:10] = PIXELS
    assert np.array_equal(pixels(F.center_crop(img, 12)), expected)


@both
def test_flips(img):
    assert np.array_equal(pixels(F.hflip(img)), PIXELS[:, ::-1])
    assert np.array_equal(pixels(F.vflip(img)), PIXELS[::-1])


def test_results_do_not_share_memory_with_the_image():
    image = wrap(np.arange(12, dtype=np.float32).reshape(1, 3, 4))
    for function in (F.hflip, F.vflip, lambda x: F.crop(x, 0, 0, 2, 2), lambda x: F.pad(x, 0)):
        assert not np.shares_memory(function(image).numpy(), image.numpy())


def test_crops_flips_and_borders_have_gradients():
    x = mt.ones(1, 3, 4, requires_grad=True)
    part = F.pad(F.hflip(F.crop(F.vflip(x), -1, 2, 3, 2)), [1, 0, 2, -1], fill=5)
    assert part.tolist() == [[[5, 0, 0, 5, 5], [5, 1, 1, 5, 5]]]
    (part * mt.arange(10.0).reshape(1, 2, 5)).sum().backward()
    # Of the lowest row the last two pixels are left, exchanged, as the seventh and eighth.
    assert x.grad.tolist() == [[[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 7, 6]]]


@both
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [2, [3], [1, 2], [0, 1, 2, 3]], ids=str)
def test_pad(img, mode, padding):
    left, top, right, bottom = {
        "2": (2, 2, 2, 2),
        "[3]": (3, 3, 3, 3),
        "[1, 2]": (1, 2, 1, 2),
        "[0, 1, 2, 3]": (0, 1, 2, 3),
    }[str(padding)]

    def source(k, n):
        """The row that the k-th row shows, written out from the letters in the docstring."""
        if 0 <= k < n:
            return k
        if mode == "constant":
            return None
        if mode == "edge":
            return 0 if k < 0 else n - 1
        if mode == "reflect":
            return -k if k < 0 else 2 * (n - 1) - k
        return -k - 1 if k < 0 else 2 * n - 1 - k

    expected = np.full((9 + top + bottom, 12 + left + right, 3), 7, np.uint8)
    for y in range(expected.shape[0]):
        for x in range(expected.shape[1]):
            row, column = source(y - top, 9), source(x - left, 12)
            if row is not None and column is not None:
                expected[y, x] = PIXELS[row, column]
    fill = 7 if mode == "constant" else 0
    assert np.array_equal(pixels(F.pad(img, padding, fill, mode)), expected)
    assert np.array_equal(pixels(T.Pad(padding, fill, mode)(img)), expected)


def test_pad_colours_and_errors():
    padded = pixels(F.pad(PICTURE, 1, (10, 20, 30)))
    assert padded[0, 0].tolist() == [10, 20, 30]
    assert pixels(F.pad(Image.new("L", (2, 2)), 1, 9))[0, 0].tolist() == [9]
    with pytest.raises(ValueError, match="2 numbers"):
        F.pad(PICTURE, 1, (10, 20))
    with pytest.raises(TypeError, match=r"fill=\(10, 20, 30\)"):
        F.pad(TENSOR, 1, (10, 20, 30))
    with pytest.raises(RuntimeError, match="fill=300"):
        F.pad(TENSOR, 1, 300)
    for img in (PICTURE, TENSOR):
        assert np.array_equal(pixels(F.pad(img, [-2, -1, 0, -3])), PIXELS[1:6, 2:])
        wider = pixels(F.pad(img, (-1, 2), 7))
        assert np.array_equal(wider[2:-2], PIXELS[:, 1:-1]) and (wider[:2] == 7).all()
    with pytest.raises(ValueError, match=r"padding_mode.*'wrap'"):
        T.Pad(1, padding_mode="wrap")
    with pytest.raises(ValueError, match=r"\[1, 2, 3\]"):
        T.Pad([1, 2, 3])


@pytest.mark.parametrize("size", [(5, 7), (20, 30), 6, [4]], ids=str)
@pytest.mark.parametrize("mode", list(T.InterpolationMode), ids=str)
def test_resize_is_pillows_on_both_kinds(size, mode):
    # the smaller edge of 9 x 12: 6 x 8, 4 x 5
    height, width = {"6": (6, 8), "[4]": (4, 5)}.get(str(size), size)
    filters = {"nearest-exact": "NEAREST"}
    expected = PICTURE.resize(
        (width, height), Image.Resampling[filters.get(mode.value, mode.value.upper())]
    )
    resized = T.Resize(size, mode)(PICTURE)
    assert np.array_equal(pixels(resized), np.asarray(expected))
    if mode is T.InterpolationMode.NEAREST:  # torch's, the pixel at or before the place
        rows, columns = np.arange(height) * 9 // height, np.arange(width) * 12 // width
        expected = PIXELS[rows][:, columns]
    assert np.array_equal(pixels(F.resize(TENSOR, size, mode)), np.asarray(expected))


def test_resize_of_a_float_tensor_as_torch():
    torch = pytest.importorskip("torch")
    x = RNG.standard_normal((2, 3, 13, 10)).astype(np.float32)
    for mode in ("bilinear", "bicubic"):
        for size in ((5, 7), (20, 31)):
            expected = torch.nn.functional.interpolate(
                torch.from_numpy(x), size=size, mode=mode, antialias=True
            ).numpy()
            got = F.resize(wrap(x), size, T.InterpolationMode(mode)).numpy()
            # Pillow's bicubic has a = -0.5, as torch's with antialias.
            assert np.allclose(got, expected, atol=2e-5)


def test_resize_max_size_and_errors():
    long = Image.new("L", (100, 20))
    assert F.resize(long, 10).size == (50, 10)
    assert F.resize(long, 10, max_size=40).size == (40, 8)
    assert F.resize(long.rotate(90, expand=True), 10).size == (10, 50)
    with pytest.raises(ValueError, match="max_size=10"):
        F.resize(long, 10, max_size=10)
    with pytest.raises(ValueError, match="max_size"):
        F.resize(long, (10, 20), max_size=30)
    assert (F.resize(TENSOR, (3, 4), antialias=False) == TENSOR[:, 1::3, 1::3]).all()
    with pytest.raises(ValueError, match="0 x 5"):
        F.resize(Image.new("L", (0, 5)), 3)
    with pytest.raises(RuntimeError, match=r"\(3, 0, 5\)"):
        F.resize(mt.ones(3, 0, 5), (3, 3))
    for size in (2.5, "3", True):
        with pytest.raises(TypeError, match="size"):
            T.Resize(size)
    assert T.Resize(np.int64(3))(PICTURE).size == (4, 3)
    assert F.resize(PICTURE, (4, 4), Image.Resampling.NEAREST).size == (4, 4)


@both
def test_rotate_by_right_angles(img):
    assert np.array_equal(pixels(F.rotate(img, 180)), PIXELS[::-1, ::-1])
    assert np.array_equal(pixels(F.rotate(img, 90, expand=True)), np.rot90(PIXELS))
    assert np.array_equal(pixels(F.rotate(img, -90, expand=True)), np.rot90(PIXELS, -1))


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("expand", [False, True])
def test_rotate_is_pillows(mode, expand):
    resample = Image.Resampling[mode.upper()]
    expected = np.asarray(PICTURE.rotate(30, resample, expand, fillcolor=(5, 6, 7)))
    mode = T.InterpolationMode(mode)
    got = pixels(F.rotate(PICTURE, 30, mode, expand, fill=(5, 6, 7)))
    assert np.array_equal(got, expected)
    with pytest.raises(ValueError, match="2 numbers"):
        F.rotate(PICTURE, 30, mode, fill=(1, 2))
    if mode is T.InterpolationMode.BICUBIC:
        with pytest.raises(ValueError, match="bicubic"):
            F.rotate(TENSOR, 30, mode)
        return
    got = pixels(F.rotate(TENSOR, 30, mode, expand, fill=(5, 6, 7)))
    assert got.shape == expected.shape
    # Of a smooth picture only the border differs: there the tensor's fades out.
    smooth = mt.linspace(0, 1, 12).expand(3, 9, 12)
    inner = F.rotate(smooth, 30, mode)[:, 3:6, 4:8].numpy()
    pil = np.stack([F.rotate(Image.fromarray(x.numpy()), 30, mode) for x in smooth])
    assert np.abs(inner - pil[:, 3:6, 4:8]).max() < 1e-5


def test_rotate_about_a_corner():
    expected = PICTURE.rotate(90, center=(0, 0))
    assert np.array_equal(pixels(F.rotate(TENSOR, 90, center=[0, 0])), np.asarray(expected))


@both
def test_random_crop_stays_inside_and_goes_everywhere(img):
    mt.manual_seed(0)
    crop = T.RandomCrop((7, 10))
    places = set()
    for _ in range(200):
        got = pixels(crop(img))
        places |= {
            (y, x)
            for y in range(3)
            for x in range(3)
            if np.array_equal(got, PIXELS[y : y + 7, x : x + 10])
        }
    assert len(places) == 9


@both
def test_random_crop_pads_first(img):
    mt.manual_seed(0)
    assert pixels(T.RandomCrop(30, padding=[9, 11])(img)).shape == (30, 30, 3)
    assert pixels(T.RandomCrop(30, pad_if_needed=True)(img)).shape == (30, 30, 3)
    mirrored = T.RandomCrop((9, 12), padding=2, padding_mode="reflect")(img)
    assert set(map(bytes, pixels(mirrored).reshape(-1, 3))) <= set(
        map(bytes, PIXELS.reshape(-1, 3))
    )
    with pytest.raises(ValueError, match=r"\(10, 12\) is larger than input image size \(9, 12\)"):
        T.RandomCrop((10, 12))(img)


@both
def test_random_flips(img):
    assert np.array_equal(pixels(T.RandomHorizontalFlip(1.0)(img)), PIXELS[:, ::-1])
    assert np.array_equal(pixels(T.RandomVerticalFlip(1.0)(img)), PIXELS[::-1])
    assert T.RandomHorizontalFlip(0.0)(img) is img
    mt.manual_seed(0)
    flip = T.RandomHorizontalFlip()
    count = sum(flip(img) is not img for _ in range(1000))
    assert 420 < count < 580  # five standard deviations


@both
def test_random_rotation(img):
    turn = T.RandomRotation((180, 180))
    assert np.array_equal(pixels(turn(img)), PIXELS[::-1, ::-1])
    mt.manual_seed(0)
    angles = [T.RandomRotation.get_params(T.RandomRotation(15).degrees) for _ in range(500)]
    assert -15 <= min(angles) < -14
    assert 14 < max(angles) <= 15
    with pytest.raises(ValueError, match="-3"):
        T.RandomRotation(-3)
    with pytest.raises(ValueError, match="degrees"):
        T.RandomRotation((1, 2, 3))


def test_all_random_transforms_follow_manual_seed():
    transform = T.Compose(
        [
            T.RandomCrop(9, padding=3),
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.RandomRotation(30),
            T.ColorJitter(0.3, 0.3, 0.3, 0.1),
            T.ToTensor(),
            T.RandomErasing(value="random"),
        ]
    )

    def ten(seed):
        mt.manual_seed(seed)
        return np.stack([transform(PICTURE).numpy() for _ in range(10)])

    assert np.array_equal(ten(1), ten(1))
    assert not np.array_equal(ten(1), ten(2))


def test_only_images_are_accepted():
    with pytest.raises(TypeError, match="ndarray"):
        F.hflip(PIXELS)
    with pytest.raises(TypeError, match="shape"):
        F.hflip(wrap(np.zeros(3)))


def test_a_gradient_is_not_lost_silently():
    image = wrap(np.zeros((1, 4, 4), np.float32)).requires_grad_()
    with pytest.raises(NotImplementedError, match="detach"):
        F.resize(image, 2)
    with pytest.raises(NotImplementedError, match="detach"):
        F.rotate(image, 45)
