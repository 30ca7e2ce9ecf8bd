"""Pictures read and written as tensors, beside Pillow."""

import zlib

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt

PIXELS = np.random.default_rng(0).integers(256, size=(5, 7, 4), dtype=np.uint8)


@pytest.mark.parametrize("mode, channels", [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_reading(tmp_path, mode, channels):
    picture = Image.fromarray(PIXELS, "RGBA").convert(mode)
    picture.save(tmp_path / "a.png")
    x = mt.io.read_image(tmp_path / "a.png")
    assert x.dtype == mt.uint8 and x.shape == (channels, 5, 7)
    expected = np.asarray(picture).reshape(5, 7, channels)
    np.testing.assert_array_equal(x.numpy(), expected.transpose(2, 0, 1))
    for wanted, name in (
        ("L", "gray"),
        ("LA", "GRAY_ALPHA"),
        ("RGB", "RGB"),
        ("RGBA", "rgb_alpha"),
    ):
        other = mt.io.read_image(str(tmp_path / "a.png"), name)
        expected = np.asarray(picture.convert(wanted)).reshape(5, 7, len(wanted))
        np.testing.assert_array_equal(other.numpy(), expected.transpose(2, 0, 1))


def test_a_palette_is_resolved(tmp_path):
    picture = Image.fromarray(PIXELS[..., :3]).quantize(4)
    picture.save(tmp_path / "a.png")
    expected = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
    np.testing.assert_array_equal(mt.io.read_image(tmp_path / "a.png").numpy(), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_writing(tmp_path, channels):
    x = mt.tensor(PIXELS[..., :channels].transpose(2, 0, 1).copy())
    mt.io.write_png(x, tmp_path / "a.png")
    assert (mt.io.read_image(tmp_path / "a.png") == x).all()
    smooth = mt.full((channels, 16, 16), 77, dtype=mt.uint8)
    mt.io.write_jpeg(smooth, tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as file:
        assert file.format == "JPEG"
    back = mt.io.read_image(tmp_path / "a.jpg", mt.io.ImageReadMode.UNCHANGED)
    assert back.shape == smooth.shape and (back.int() - 77).abs().max() <= 2


def test_what_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match=r"a\.png"):
        mt.io.read_image(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match=r"b\.png"):
        mt.io.read_image(tmp_path / "b.png")
    for wrong in (mt.zeros(3, 2, 2), mt.zeros(2, 2, 2, dtype=mt.uint8)):
        with pytest.raises(RuntimeError, match=r"\(1 or 3, H, W\), got"):
            mt.io.write_png(wrong, tmp_path / "c.png")


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(tmp_path):
    """A PNG's head says 100,000 x 100,000; nothing of that size is behind it."""
    Image.new("L", (1, 1)).save(tmp_path / "small.png")
    content = bytearray((tmp_path / "small.png").read_bytes())
    content[16:24] = (100_000).to_bytes(4, "big") * 2  # width and height, in the IHDR chunk
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "large.png").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"large.png cannot be read as a picture: .*10000000000"):
        mt.io.read_image(tmp_path / "large.png")
