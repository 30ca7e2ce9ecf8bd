"""make_grid and save_image, by places of pixels; and FakeData."""

import io

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.utils import make_grid, save_image


def test_each_image_has_its_place():
    images = mt.arange(5.0).reshape(5, 1, 1, 1).expand(5, 3, 2, 4)
    grid = make_grid(images, nrow=3, padding=1, pad_value=9.0).numpy()
    expected = np.full((3, 2 * 3 + 1, 3 * 5 + 1), 9.0)
    for index in range(5):
        row, column = divmod(index, 3)
        expected[:, 1 + 3 * row : 3 + 3 * row, 1 + 5 * column : 5 + 5 * column] = index
    np.testing.assert_array_equal(grid, expected)
    of_list = make_grid(list(images), nrow=3, padding=1, pad_value=9.0)
    np.testing.assert_array_equal(of_list.numpy(), expected)


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (1, 1, 4, 5)])
def test_a_single_grey_image_becomes_three_channels(shape):
    x = mt.rand(*shape)
    grid = make_grid(x).numpy()
    np.testing.assert_array_equal(grid, np.broadcast_to(x.numpy().reshape(1, 4, 5), (3, 4, 5)))


def test_values_are_mapped_to_0_to_1():
    images = mt.tensor([-2.0, 0.0, 2.0, 6.0]).reshape(2, 1, 1, 2)
    x = images.clone()
    whole = make_grid(x, padding=0, normalize=True)[0]
    assert whole.tolist() == [[0.0, 0.25, 0.5, 1.0]]
    assert make_grid(x, padding=0, normalize=True, scale_each=True)[0].tolist() == [[0, 1, 0, 1]]
    limited = make_grid(x, padding=0, normalize=True, value_range=(0, 4))[0]
    assert limited.tolist() == [[0.0, 0.0, 0.5, 1.0]]
    assert (x == images).all()
    small = make_grid(x / 16, padding=0, normalize=True)[0]
    assert small.tolist() == [[0.0, 0.25, 0.5, 1.0]]
    assert make_grid(mt.ones(2, 1, 1, 1), padding=0, normalize=True).sum() == 0
    with pytest.raises(ValueError, match="normalize=True"):
        make_grid(x, value_range=(0, 4))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        make_grid(mt.zeros(2))


def test_what_is_no_grid_is_refused():
    x = mt.rand(3, 1, 2, 2)
    for options, error in (
        ({"nrow": 0}, ValueError),
        ({"padding": -1}, ValueError),
        ({"nrow": 2.5}, TypeError),
        ({"padding": "1"}, TypeError),
    ):
        with pytest.raises(error, match=next(iter(options))):
            make_grid(x, **options)
    assert make_grid(x, nrow=np.int64(2)).shape == (3, 10, 10)
    for wrong in (x.numpy(), [x.numpy()], "picture", None):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            make_grid(wrong)
    with pytest.raises(ValueError, match="empty list"):
        make_grid([])
    # uint8 would run over, beside the range of 0 to 1 that is expected.
    whole = (255 * x).to(mt.uint8)
    with pytest.raises(RuntimeError, match=r"0\.\.1, got uint8"):
        save_image(whole, io.BytesIO(), format="png")
    with pytest.raises(RuntimeError, match="uint8"):
        make_grid(whole, normalize=True)
    assert make_grid(whole).dtype == mt.uint8


def test_a_written_picture_has_the_grids_values():
    file = io.BytesIO()
    images = mt.rand(3, 3, 4, 4) * 1.4 - 0.2
    save_image(images, file, format="png", nrow=2)
    read = np.asarray(Image.open(file)).transpose(2, 0, 1)
    expected = np.clip(make_grid(images, nrow=2).numpy() * 255, 0, 255)
    assert read.dtype == np.uint8
    assert np.abs(read - expected).max() <= 0.5 + 1e-4


def test_fake_data_is_the_same_every_time():
    options = dict(size=6, image_size=(1, 5, 4), num_classes=3)
    data = mt.datasets.FakeData(**options, transform=mt.transforms.ToTensor())
    images = [image for image, _ in data]
    assert len(data) == len(images) == 6
    assert images[0].shape == (1, 5, 4)
    assert {type(label) for _, label in data} == {int}
    assert {label for _, label in data} <= {0, 1, 2}
    mt.testing.assert_close(data[2][0], images[2])
    assert not (images[2] == images[3]).all()
    moved = mt.datasets.FakeData(**options, random_offset=1)
    assert np.array_equal(
        np.asarray(moved[1][0]), np.asarray(mt.datasets.FakeData(**options)[2][0])
    )
    with pytest.raises(IndexError, match="6"):
        data[6]
