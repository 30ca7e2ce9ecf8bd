"""Small folders of pictures, drawn by code, and a network that is small enough for them."""

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn.models import _api

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (40, 40, 210)}


def tiny_network(num_classes=10, in_channels=3):
    return mt.models.cifar.CifarResNet([1, 1], [4, 8], num_classes, in_channels)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A network by the name of "tiny"."""
    monkeypatch.setitem(_api.BUILDERS, "tiny", tiny_network)


def draw(path, colour, number):
    noise = np.random.default_rng(number).integers(-25, 25, (20, 24, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path):
    """photos/red/0.png, ...: 10, 8 and 6 pictures of three classes."""
    for name, count in zip(COLOURS, (10, 8, 6), strict=True):
        for number in range(count):
            draw(tmp_path / "photos" / name / f"{number}.png", COLOURS[name], number)
    return tmp_path / "photos"
