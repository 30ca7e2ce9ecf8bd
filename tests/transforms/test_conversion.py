"""Conversions, normalisation, erasing, Compose: against plain NumPy."""

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
import minitorch_cnn.transforms as T
import minitorch_cnn.transforms.functional as F
from minitorch_cnn.tensor import wrap

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(256, size=(5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "HSV"])
def test_to_tensor_and_back(mode):
    picture = Image.fromarray(PIXELS).convert(mode)
    array = np.asarray(picture).reshape(5, 7, -1)
    tensor = T.ToTensor()(picture)
    assert tensor.dtype is mt.float32
    assert np.array_equal(tensor.numpy(), (array / np.float32(255)).transpose(2, 0, 1))
    assert tensor.is_contiguous()
    back = T.ToPILImage(mode)(T.PILToTensor()(picture))
    assert back.mode == mode
    assert np.array_equal(np.asarray(back), np.asarray(picture))
    bytes_again = np.asarray(F.to_pil_image(tensor, mode)).astype(int)
    assert np.abs(bytes_again - np.asarray(picture)).max() <= 1  # rounded down, as torchvision


def test_to_tensor_of_other_kinds():
    assert F.to_tensor(Image.new("1", (2, 1), 1)).tolist() == [[[1.0, 1.0]]]
    large = F.to_tensor(Image.new("I", (2, 1), 70000))
    assert (large.dtype, large.tolist()) == (mt.int32, [[[70000, 70000]]])
    assert F.to_tensor(Image.new("F", (2, 1), 2.5)).tolist() == [[[2.5, 2.5]]]
    assert np.array_equal(F.to_tensor(PIXELS).numpy() * 255, PIXELS.transpose(2, 0, 1))
    floats = RNG.standard_normal((4, 5))
    assert np.array_equal(F.to_tensor(floats).numpy(), floats[np.newaxis])
    assert F.to_tensor(floats).dtype is mt.float64
    with pytest.raises(TypeError, match="list"):
        F.to_tensor([1, 2])
    with pytest.raises(ValueError, match="4 dimensions"):
        F.to_tensor(np.zeros((1, 2, 3, 4)))


def test_to_tensor_does_not_share_memory():
    array = np.zeros((2, 3, 1), np.float32)
    tensor = F.to_tensor(array)
    array += 1
    assert not tensor.numpy().any()


def test_to_pil_image_of_other_kinds():
    assert F.to_pil_image(PIXELS).mode == "RGB"
    assert np.array_equal(np.asarray(F.to_pil_image(PIXELS)), PIXELS)
    floats = np.full((2, 3, 1), 0.5, np.float32)
    assert F.to_pil_image(floats).getpixel((2, 1)) == 127
    assert F.to_pil_image(floats, "F").getpixel((2, 1)) == 0.5
    assert np.array_equal(np.asarray(F.to_pil_image(PIXELS / 255)), PIXELS)
    deep = F.to_pil_image(np.array([[[300], [-1]]], np.int16))
    assert (deep.mode, deep.getpixel((0, 0)), deep.getpixel((1, 0))) == ("I;16", 300, 65535)
    assert F.to_tensor(deep).tolist() == [[[300, -1]]]
    grey = F.to_pil_image(wrap(np.full((1, 2, 3), 0.5, np.float32)))
    assert (grey.mode, grey.size, grey.getpixel((0, 0))) == ("L", (3, 2), 127)
    seen = F.to_pil_image(mt.full((1, 2, 2), 0.5, requires_grad=True))
    assert seen.getpixel((0, 0)) == 127  # what is drawn needs no gradient
    for wrong in (np.zeros((2, 2, 5), np.uint8), np.zeros(3), wrap(np.zeros((1, 1, 2, 2)))):
        with pytest.raises(ValueError, match="pic should"):
            F.to_pil_image(wrong)
    with pytest.raises(ValueError, match="mode 'L'"):
        F.to_pil_image(PIXELS, "L")
    for kind, mode in ((np.int64, None), (bool, None), (np.int16, "RGB")):
        with pytest.raises(TypeError, match=np.dtype(kind).name):
            F.to_pil_image(PIXELS.astype(kind), mode)
    with pytest.raises(NotImplementedError, match=r'convert\("I"\)'):
        F.pil_to_tensor(deep)
    with pytest.raises(TypeError, match="str"):
        F.to_pil_image("picture")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_normalize(dtype, shape):
    x = RNG.standard_normal(shape).astype(dtype)
    mean, std = np.array([0.1, 0.2, 0.3]), np.array([1.0, 0.5, 0.25])
    expected = np.empty_like(x)
    for c in range(3):
        expected[..., c, :, :] = (x[..., c, :, :] - mean[c]) / std[c]
    tensor = wrap(x.copy())
    result = T.Normalize(mean.tolist(), std.tolist())(tensor)
    assert result.array.dtype == dtype
    assert np.allclose(result.numpy(), expected, rtol=1e-6, atol=1e-6)
    assert np.array_equal(tensor.numpy(), x)
    same = T.Normalize(mean.tolist(), std.tolist(), inplace=True)(tensor)
    assert same is tensor
    assert np.allclose(tensor.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_normalize_has_a_gradient():
    x = wrap(np.ones((1, 2, 2), np.float64)).requires_grad_()
    F.normalize(x, [0.5], [0.25]).sum().backward()
    assert np.array_equal(x.grad.numpy(), np.full((1, 2, 2), 4.0))


def test_normalize_errors():
    with pytest.raises(ValueError, match=r"std=\[1, 0, 1\]"):
        F.normalize(wrap(np.zeros((3, 2, 2), np.float32)), [0, 0, 0], [1, 0, 1])
    with pytest.raises(TypeError, match="uint8"):
        F.normalize(wrap(PIXELS), [0], [1])
    with pytest.raises(TypeError, match="ndarray"):
        F.normalize(PIXELS, [0], [1])
    with pytest.raises(ValueError, match="tensor image"):
        F.normalize(wrap(np.zeros((2, 2), np.float32)), [0], [1])


def test_erase():
    x = wrap(np.ones((3, 6, 8), np.float32))
    expected = np.ones((3, 6, 8), np.float32)
    expected[:, 2:5, 1:3] = 0.25
    assert np.array_equal(F.erase(x, 2, 1, 3, 2, 0.25).numpy(), expected)
    assert x.numpy().all()
    assert F.erase(x, 2, 1, 3, 2, 0.25, inplace=True) is x
    assert np.array_equal(x.numpy(), expected)
    with pytest.raises(TypeError, match="ndarray"):
        F.erase(PIXELS, 0, 0, 1, 1, 0)


def test_random_erasing_sizes_and_values():
    mt.manual_seed(0)
    blank = wrap(np.zeros((3, 40, 30), np.float32))
    erase = T.RandomErasing(p=1.0, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=(1, 2, 3))
    for _ in range(50):
        got = erase(blank).numpy()
        rows, columns = np.nonzero(got[0])
        h, w = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert h * w == len(rows)  # one rectangle
        # rounding height and width moves area and ratio a little
        assert 0.08 < h * w / 1200 < 0.22
        assert 0.4 < h / w < 2.4
        assert np.array_equal(got[1], 2 * got[0])
        assert np.array_equal(got[2], 3 * got[0])
    assert not blank.numpy().any()
    noise = T.RandomErasing(p=1.0, scale=(0.5, 0.5), ratio=(1, 1), value="random")(blank).numpy()
    drawn = noise[noise != 0]
    assert abs(drawn.mean()) < 0.15
    assert abs(drawn.std() - 1) < 0.15


def test_random_erasing_probability_and_errors():
    mt.manual_seed(0)
    blank = wrap(np.zeros((1, 10, 10), np.float32))
    count = sum(T.RandomErasing(p=0.3, value=1)(blank) is not blank for _ in range(1000))
    assert 225 < count < 375
    assert T.RandomErasing(p=1.0, scale=(1, 1), ratio=(9, 9))(blank) is blank  # never fits
    for options in ({"p": 2}, {"scale": (0.5, 2)}, {"ratio": (0, 1)}, {"value": "red"}):
        with pytest.raises(ValueError, match=str(next(iter(options.values()))).strip("(")[0]):
            T.RandomErasing(**options)
    with pytest.raises(ValueError, match="one per channel"):
        T.RandomErasing(p=1.0, value=(1, 2))(blank)


def test_compose_lambda_and_reprs():
    transform = T.Compose([T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x * 10)])
    assert transform(1) == 20
    with pytest.raises(TypeError, match="int"):
        T.Lambda(3)
    transform = T.Compose([T.RandomCrop(32, padding=4), T.ToTensor()])
    assert repr(transform) == (
        "Compose(\n    RandomCrop(size=(32, 32), padding=4)\n    ToTensor()\n)"
    )


KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("start", KINDS)
@pytest.mark.parametrize("end", KINDS)
def test_convert_image_dtype_of_all_types(start, end):
    """Black and white stay black and white, or the conversion is refused as not exact."""

    def white(kind):
        return np.iinfo(kind).max if "int" in kind else 1

    x = mt.tensor([0, white(start)], dtype=getattr(mt, start))
    if (start, end) in {("float32", "int32"), ("float32", "int64"), ("float64", "int64")}:
        with pytest.raises(RuntimeError, match="cannot be performed safely"):
            F.convert_image_dtype(x, getattr(mt, end))
        return
    y = F.convert_image_dtype(x, getattr(mt, end))
    assert y.dtype is getattr(mt, end)
    if "int" not in end:
        assert y.tolist() == [0, 1]
    elif ("int" in start and white(start) > white(end)) or start == end or "float" in start:
        assert y.tolist() == [0, white(end)]
    else:  # times a power of two
        factor = (white(end) + 1) // (white(start) + 1)
        assert y.tolist() == [0, white(start) * factor]
