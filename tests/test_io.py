"""Pictures read and written as tensors, beside Pillow."""

import zlib

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.datasets.folder import pil_loader
from minitorch_cnn.explain.subject import read_picture
from minitorch_cnn.io import UNREADABLE

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


DEEP = np.array([[0, 0x12FF], [0x8000, 0xFFFF]], np.uint16)


def png_of_16_bits(path, pixels):
    """Written by hand: Pillow writes no colours of 16 bits."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]
    head = b"".join(n.to_bytes(4, "big") for n in pixels.shape[1::-1]) + bytes([16, kind, 0, 0, 0])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += len(data).to_bytes(4, "big") + name + data
        content += zlib.crc32(name + data).to_bytes(4, "big")
    path.write_bytes(content)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_of_16_bits_the_upper_8_are_kept(tmp_path, channels):
    pixels = np.repeat(DEEP[:, :, None], channels, 2)
    png_of_16_bits(tmp_path / "a.png", pixels)
    wanted = ["GRAY", "GRAY_ALPHA", "RGB", "RGB_ALPHA"][channels - 1]
    x = mt.io.read_image(tmp_path / "a.png", wanted)
    np.testing.assert_array_equal(x.numpy(), (pixels >> 8).transpose(2, 0, 1))
    grey = np.asarray(pil_loader(tmp_path / "a.png"))
    np.testing.assert_array_equal(grey, np.repeat(DEEP[:, :, None] >> 8, 3, 2))


@pytest.mark.parametrize("ending", ["tif", "pgm"])
def test_other_files_of_16_bits(tmp_path, ending):
    if ending == "tif":
        Image.fromarray(DEEP).save(tmp_path / "a.tif")
    else:  # Pillow 10 reads it, but does not write it
        height, width = DEEP.shape
        header = f"P5 {width} {height} 65535\n".encode()
        (tmp_path / "a.pgm").write_bytes(header + DEEP.astype(">u2").tobytes())
    x = mt.io.read_image(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(x.numpy(), DEEP[None] >> 8)


def test_numbers_that_are_no_colours_are_refused(tmp_path):
    for name, numbers in (("wide", DEEP.astype(np.int32)), ("unit", DEEP / np.float32(0xFFFF))):
        Image.fromarray(numbers).save(tmp_path / f"{name}.tif")
        with pytest.raises(RuntimeError, match=rf"{name}\.tif: holds numbers from 0 to"):
            mt.io.read_image(tmp_path / f"{name}.tif")
        with pytest.raises(ValueError, match=rf"{name}\.tif: holds numbers from 0 to"):
            pil_loader(tmp_path / f"{name}.tif")
    Image.fromarray((DEEP >> 8).astype(np.int32)).save(tmp_path / "bytes.tif")
    assert mt.io.read_image(tmp_path / "bytes.tif", "GRAY").flatten().tolist() == [0, 18, 128, 255]


def test_one_colour_that_is_transparent(tmp_path):
    """Also where the file has no alpha channel, only says which colour nobody sees."""
    grey = Image.fromarray(np.array([[10, 200]], np.uint8))
    grey.save(tmp_path / "l.png", transparency=10)
    grey.convert("RGB").save(tmp_path / "rgb.png", transparency=(10, 10, 10))
    palette = grey.convert("P")
    palette.save(tmp_path / "p.png", transparency=palette.getpixel((0, 0)))
    Image.new("RGB", (1, 1), (10, 200, 90)).save(tmp_path / "c.png", transparency=(10, 200, 90))
    luma = round(0.299 * 10 + 0.587 * 200 + 0.114 * 90)
    assert mt.io.read_image(tmp_path / "c.png", "GRAY_ALPHA").tolist() == [[[luma]], [[0]]]
    for name in ("l", "rgb", "p"):
        x = mt.io.read_image(tmp_path / f"{name}.png", "GRAY_ALPHA")
        assert x.tolist() == [[[10, 200]], [[0, 255]]]
        assert mt.io.read_image(tmp_path / f"{name}.png", "GRAY").tolist() == [[[10, 200]]]
        assert pil_loader(tmp_path / f"{name}.png").mode == "RGB"


def test_kinds_of_files(tmp_path):
    """Two colours, four inks, several pictures, a photograph that lies on its side."""
    Image.fromarray(PIXELS[..., 0] > 128).save(tmp_path / "1.png")
    assert (mt.io.read_image(tmp_path / "1.png").numpy() == 255 * (PIXELS[..., 0] > 128)).all()
    red = Image.new("RGB", (16, 8), (250, 10, 10))
    red.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    x = mt.io.read_image(tmp_path / "cmyk.jpg")
    assert x.shape == (3, 8, 16) and np.allclose(x[:, 4, 4].tolist(), [250, 10, 10], atol=9)
    red.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (16, 8), "blue")])
    assert mt.io.read_image(tmp_path / "a.gif", "RGB")[:, 0, 0].tolist() == [250, 10, 10]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    half = Image.new("L", (16, 8))
    half.paste(255, (0, 0, 8, 8))
    half.save(tmp_path / "side.jpg", quality=95, exif=exif.tobytes())
    assert mt.io.read_image(tmp_path / "side.jpg").shape == (1, 8, 16)
    upright = mt.io.read_image(tmp_path / "side.jpg", apply_exif_orientation=True)
    assert (
        upright.shape == (1, 16, 8) and (upright[:, 0] > 200).all() and (upright[:, -1] < 50).all()
    )
    assert (read_picture(tmp_path / "side.jpg", 8, 1, 8)[:, :, 0] == upright[0, 4:12].numpy()).all()
    content = mt.io.read_file(tmp_path / "side.jpg")
    assert bytes(content.tolist()) == (tmp_path / "side.jpg").read_bytes()
    assert (mt.io.decode_image(content, apply_exif_orientation=True) == upright).all()
    with pytest.raises(RuntimeError, match=r"uint8 of one dimension, got .*float32"):
        mt.io.decode_image(content.float())


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it noticed, before it gives up
def test_damaged_files_are_refused_with_their_name(tmp_path):
    rng = np.random.default_rng(0)
    picture = Image.fromarray(PIXELS[..., :3])
    endings = ("png", "jpg", "gif", "tif", "bmp", "webp", "ppm")
    for ending in endings:
        picture.save(tmp_path / f"whole.{ending}")
    refused = 0
    for number in range(105):
        path = tmp_path / f"broken.{endings[number % 7]}"
        content = bytearray((tmp_path / f"whole{path.suffix}").read_bytes())
        if number % 3:
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        else:
            del content[int(rng.integers(len(content))) :]
        path.write_bytes(content)
        for read, error in ((mt.io.read_image, RuntimeError), (pil_loader, UNREADABLE)):
            try:
                read(path)
            except error as caught:
                assert str(path) in str(caught)
                refused += 1
    assert 40 < refused < 200


def test_what_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match=r"a\.png"):
        mt.io.read_image(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match=r"b\.png"):
        mt.io.read_image(tmp_path / "b.png")
    for wrong in (mt.zeros(3, 2, 2), mt.zeros(2, 2, 2, dtype=mt.uint8)):
        with pytest.raises(RuntimeError, match=r"\(1 or 3, H, W\), got"):
            mt.io.write_png(wrong, tmp_path / "c.png")


def test_bytes_of_pictures(tmp_path):
    x = mt.tensor(PIXELS[..., :3].transpose(2, 0, 1).copy())
    content = mt.io.encode_png(x, 9)
    assert content.dtype is mt.uint8 and content.ndim == 1
    assert mt.io.decode_png(content).equal(x) and mt.io.decode_image(content).equal(x)
    assert mt.io.decode_png(content, mt.io.ImageReadMode.GRAY).shape == (1, 5, 7)
    mt.io.write_file(tmp_path / "a.png", content)
    assert mt.io.read_image(tmp_path / "a.png").equal(x)
    assert mt.io.read_file(tmp_path / "a.png").equal(content)
    low, high = mt.io.encode_jpeg(x, 5), mt.io.encode_jpeg(x, quality=95)
    assert len(low) < len(high)
    mt.io.write_jpeg(x, tmp_path / "a.jpg", 95)
    assert mt.io.read_file(tmp_path / "a.jpg").equal(high)
    assert mt.io.decode_jpeg(high).equal(mt.io.read_image(tmp_path / "a.jpg"))
    assert all(each.equal(high) for each in mt.io.encode_jpeg([x, x], 95))
    for call, error, words in (
        (lambda: mt.io.encode_png(x, 12), RuntimeError, "between 0 and 9, got 12"),
        (lambda: mt.io.encode_jpeg(x, 0), ValueError, "between 1 and 100, got 0"),
        (lambda: mt.io.encode_jpeg(x[:2]), RuntimeError, r"\(1 or 3, H, W\), got"),
        (lambda: mt.io.write_file(tmp_path / "b", x), RuntimeError, "one dimension"),
        (lambda: mt.io.decode_png(content[:9]), RuntimeError, "no picture"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_read(tmp_path):
    """A PNG's head says 100,000 x 100,000; nothing of that size is behind it."""
    Image.new("L", (1, 1)).save(tmp_path / "small.png")
    content = bytearray((tmp_path / "small.png").read_bytes())
    content[16:24] = (100_000).to_bytes(4, "big") * 2  # width and height, in the IHDR chunk
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "large.png").write_bytes(content)
    with pytest.raises(RuntimeError, match=r"no picture can be read: .*large.png: .*10000000000"):
        mt.io.read_image(tmp_path / "large.png")


def test_a_picture_is_decoded_from_its_path_too(tmp_path):
    mt.io.write_png(mt.arange(24, dtype=mt.uint8).reshape(3, 2, 4), tmp_path / "x.png")
    expected = mt.io.read_image(tmp_path / "x.png")
    for path in (tmp_path / "x.png", str(tmp_path / "x.png")):
        assert mt.io.decode_image(path).equal(expected)
    with pytest.raises(FileNotFoundError):
        mt.io.decode_image(str(tmp_path / "y.png"))
