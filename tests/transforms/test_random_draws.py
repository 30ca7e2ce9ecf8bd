"""Random transforms draw as torchvision's: the same seed, the same images (stored: CI has none)."""

import json

import numpy as np
import pytest

import minitorch_cnn as mt
from tests.transforms import random_draws

EXPECTED = json.loads(random_draws.STORED.read_text())


@pytest.mark.parametrize("kind", list(EXPECTED))
def test_the_same_seed_gives_torchvisions_images(kind):
    found = random_draws.results(mt, mt.transforms, kind)
    assert found.keys() == EXPECTED[kind].keys()
    for name, rows in EXPECTED[kind].items():
        for ours, theirs in zip(found[name], rows, strict=True):
            assert ours[0] == theirs[0] and ours[3:] == theirs[3:], name
            np.testing.assert_allclose(ours[1:3], theirs[1:3], rtol=2e-5, err_msg=name)


def test_the_whole_image_is_erased_in_its_own_colours_if_nothing_fits():
    image = mt.rand(3, 4, 4)
    params = mt.transforms.RandomErasing.get_params(image, (1.0, 1.0), (1.0, 1.0), [0.0])
    assert params[:4] == (0, 0, 4, 4) and params[4] is image
    with pytest.raises(ValueError, match="3, one per channel"):
        mt.transforms.RandomErasing(1.0, value=(1, 2))(image)
