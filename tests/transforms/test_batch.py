"""BatchAugment against cropping, flipping and normalising image by image."""

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.datasets import Shapes
from minitorch_cnn.tensor import wrap
from minitorch_cnn.transforms import BatchAugment
from minitorch_cnn.utils.data import DataLoader, ImageBatch, Subset

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
IMAGES = np.random.default_rng(0).integers(256, size=(200, 8, 10, 3), dtype=np.uint8)


def normalized(images):
    return ((images / 255 - np.array(MEAN)) / np.array(STD)).transpose(0, 3, 1, 2)


def find(result, image, padding, mode):
    """(top, left, flipped) of every crop of the padded image that looks like `result`."""
    border = ((padding, padding), (padding, padding), (0, 0))
    padded = np.pad(image, border, mode=mode)
    h, w, _ = image.shape
    return [
        (top, left, flipped)
        for top in range(2 * padding + 1)
        for left in range(2 * padding + 1)
        for flipped in (False, True)
        if np.allclose(
            result,
            normalized(padded[None, top : top + h, left : left + w][:, :, :: -1 if flipped else 1]),
            atol=1e-5,
        )
    ]


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_each_result_is_one_of_the_possible_crops(mode):
    mt.manual_seed(0)
    results = BatchAugment(MEAN, STD, crop_padding=2, padding_mode=mode)(IMAGES)
    assert results.shape == (200, 3, 8, 10)
    assert results.dtype is mt.float32
    found = []
    for result, image in zip(results.numpy(), IMAGES, strict=True):
        places = find(result[None], image, 2, mode)
        assert len(places) == 1
        found += places
    tops, lefts, flips = zip(*found, strict=True)
    # every offset comes up (40 expected of each), and about half are flipped
    assert min(np.bincount(tops, minlength=5)) > 15
    assert min(np.bincount(lefts, minlength=5)) > 15
    assert 65 < sum(flips) < 135


def test_a_palette_is_looked_up():
    pictures = [Image.fromarray(image).quantize(16) for image in IMAGES[:3]]
    got, _ = BatchAugment(MEAN, STD).eval()([(picture, 0) for picture in pictures])
    looked_up = np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])
    np.testing.assert_allclose(got.numpy(), normalized(looked_up), atol=1e-5)
    with pytest.raises(TypeError, match=r"\(N, H, W, 1\)"):
        BatchAugment([0.5], [0.5])([(picture, 0) for picture in pictures])


def test_crop_or_flip_alone():
    mt.manual_seed(0)
    flipped = BatchAugment(MEAN, STD, crop_padding=0)(IMAGES).numpy()
    plain, mirrored = normalized(IMAGES), normalized(IMAGES[:, :, ::-1])
    is_plain = [np.allclose(a, b, atol=1e-5) for a, b in zip(flipped, plain, strict=True)]
    is_mirrored = [np.allclose(a, b, atol=1e-5) for a, b in zip(flipped, mirrored, strict=True)]
    assert np.array_equal(is_plain, np.logical_not(is_mirrored))
    cropped = BatchAugment(MEAN, STD, crop_padding=1, flip=False)(IMAGES[:20]).numpy()
    for result, image in zip(cropped, IMAGES, strict=False):
        assert [place[2] for place in find(result[None], image, 1, "constant")] == [False]


def test_eval_only_normalises():
    mt.manual_seed(0)
    state = mt.get_rng_state().numpy()
    augment = BatchAugment(MEAN, STD)
    assert np.allclose(augment.eval()(IMAGES).numpy(), normalized(IMAGES), atol=1e-5)
    assert np.array_equal(mt.get_rng_state().numpy(), state)  # and draws no random numbers
    assert augment.crop_padding == 4


def test_memory_is_channels_last_and_the_input_untouched():
    before = IMAGES.copy()
    result = BatchAugment(MEAN, STD)(IMAGES)
    assert result.array.transpose(0, 2, 3, 1).flags.c_contiguous
    assert np.array_equal(IMAGES, before)


def test_layouts_and_kinds_agree():
    results = []
    for images in (
        IMAGES,
        wrap(IMAGES),
        IMAGES.transpose(0, 3, 1, 2),
        wrap(np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2))),
    ):
        mt.manual_seed(4)
        results.append(BatchAugment(MEAN, STD)(images).numpy())
    assert all(np.array_equal(result, results[0]) for result in results)
    mt.manual_seed(5)
    assert not np.array_equal(BatchAugment(MEAN, STD)(IMAGES).numpy(), results[0])


def test_collates_samples():
    labels = np.arange(4)
    pictures = [(Image.fromarray(image), label) for image, label in zip(IMAGES[:4], labels)]
    arrays = list(zip(IMAGES[:4], labels))
    for samples in (ImageBatch(IMAGES[:4], labels), pictures, arrays):
        images, got = BatchAugment(MEAN, STD).eval()(samples)
        assert np.allclose(images.numpy(), normalized(IMAGES[:4]), atol=1e-5)
        assert got.dtype is mt.int64
        assert got.tolist() == [0, 1, 2, 3]


def test_grey_images():
    grey = BatchAugment([0.5], [0.5]).eval()
    pictures = [(Image.new("L", (4, 3), 255), 1), (Image.new("L", (4, 3), 0), 2)]
    images, _ = grey(pictures)
    assert images.shape == (2, 1, 3, 4)
    assert images.numpy()[:, 0, 0, 0].tolist() == [1.0, -1.0]


@pytest.mark.parametrize("workers", [0, 2])
def test_in_a_data_loader(workers):
    data = Shapes(size=24)
    augment = BatchAugment(MEAN, STD)
    subset = Subset(data, list(range(4, 24)))
    mt.manual_seed(0)
    loader = DataLoader(
        subset, 8, shuffle=True, drop_last=True, collate_fn=augment, num_workers=workers
    )
    batches = list(loader)
    assert len(batches) == 2
    for images, labels in batches:
        assert images.shape == (8, 3, 32, 32)
        assert labels.shape == (8,)
    mt.manual_seed(0)
    for (images, labels), (images_2, labels_2) in zip(batches, loader, strict=True):
        assert np.array_equal(images.numpy(), images_2.numpy())
        assert np.array_equal(labels.numpy(), labels_2.numpy())


def test_errors():
    augment = BatchAugment(MEAN, STD)
    with pytest.raises(TypeError, match="float64"):
        augment(IMAGES / 255)
    with pytest.raises(TypeError, match=r"\(200, 8, 10, 2\)"):
        augment(IMAGES[..., :2])
    with pytest.raises(TypeError, match=r"\(8, 10, 3\)"):
        augment(IMAGES[0])
    for options in (
        {"mean": (1, 2)},
        {"std": (1, 0, 1)},
        {"crop_padding": -1},
        {"padding_mode": "edge"},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            BatchAugment(**{"mean": MEAN, "std": STD, **options})
