"""The preparation of images, step by step with Pillow and NumPy."""

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import models

PIXELS = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
MEAN = np.array([0.485, 0.456, 0.406])[:, None, None]
STD = np.array([0.229, 0.224, 0.225])[:, None, None]


def expected(resized, crop):
    """The middle of (H, W, 3) pixels, normalised, (3, crop, crop)."""
    top, left = (round((length - crop) / 2) for length in resized.shape[:2])
    cut = resized[top : top + crop, left : left + crop].transpose(2, 0, 1)
    return (cut / 255 - MEAN) / STD


@pytest.mark.parametrize(
    "weights, short, crop",
    [
        (models.ResNet18_Weights.DEFAULT, 256, 224),
        (models.ResNet50_Weights.DEFAULT, 232, 224),
        (models.Inception_V3_Weights.DEFAULT, 342, 299),
    ],
)
def test_pictures(weights, short, crop):
    picture = Image.fromarray(PIXELS)
    result = weights.transforms()(picture)
    assert result.dtype == mt.float32 and result.shape == (3, crop, crop)
    resized = picture.resize((short * 500 // 300, short), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(result.numpy(), expected(np.asarray(resized), crop), atol=1e-5)


def test_tensors_of_one_picture_or_a_batch():
    preset = models.ResNet18_Weights.DEFAULT.transforms()
    picture = preset(Image.fromarray(PIXELS)).numpy()
    pixels = mt.from_numpy(PIXELS.transpose(2, 0, 1).copy())
    assert np.array_equal(preset(pixels).numpy(), picture)
    batch = preset(mt.stack([pixels, 255 - pixels]))
    assert batch.shape == (2, 3, 224, 224) and np.array_equal(batch[0].numpy(), picture)
    # Pillow rounds after resizing 8 bits, and not for floats.
    floats = preset(pixels.float() / 255).numpy()
    np.testing.assert_allclose(floats, picture, atol=1 / 255 / 0.224)
    with pytest.raises(TypeError, match=r"got minitorch_cnn\.int64"):
        preset(pixels.long())


def test_other_settings_of_one_weights():
    preset = models.VGG16_Weights.IMAGENET1K_FEATURES.transforms(resize_size=64, crop_size=64)
    result = preset(Image.new("RGB", (80, 90), (123, 117, 104))).numpy()
    mean = np.array([0.48235, 0.45882, 0.40784])[:, None, None]
    colour = np.array([123, 117, 104])[:, None, None]
    np.testing.assert_allclose(
        result, np.broadcast_to(colour - 255 * mean, result.shape), atol=1e-3
    )


def test_text():
    preset = models.ResNet18_Weights.DEFAULT.transforms()
    assert "crop_size=[224]" in repr(preset) and "resize_size=[256]" in repr(preset)
    assert "256" in preset.describe() and "0.485" in preset.describe()
