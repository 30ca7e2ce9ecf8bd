"""Every conversion and transform x kinds of image, against what torchvision made of it once."""

import gzip
import json
from pathlib import Path

import PIL
import pytest

import minitorch_cnn as mt
from tests.transforms.pictures import CALLS, library, outcome, stored

CONTENT = json.loads(
    gzip.decompress((Path(__file__).parent / "reference.json.gz").read_bytes()).decode()
)
REFERENCE = CONTENT["outcomes"]
LIBRARY = library(mt.transforms, mt.utils, mt.tensor, mt)
# What Pillow does with rare modes and empty pictures changes between its versions.
SAME_PILLOW = PIL.__version__.split(".")[0] == CONTENT["versions"]["pillow"].split(".")[0]
pytestmark = pytest.mark.skipif(not SAME_PILLOW, reason="the outcomes are those of another Pillow")
# Where torchvision breaks down by accident, an error that says what is wrong is right.
ACCIDENTS = ("AttributeError", "IndexError", "UnboundLocalError", "ZeroDivisionError")


def agree(expected, got, kind=""):
    if isinstance(expected, str) and isinstance(got, str):
        if expected in ACCIDENTS:
            return got in ("TypeError", "ValueError", "RuntimeError")
        return got == expected
    if isinstance(expected, list) and isinstance(got, list):
        kind = expected[0] if expected and isinstance(expected[0], str) else kind
        return len(got) == len(expected) and all(
            agree(x, y, kind) for x, y in zip(expected, got, strict=True)
        )
    if kind.startswith("float") or kind == "F":
        tolerance = 1e-2 if kind == "float16" else 2e-5
        return abs(got - expected) <= tolerance * max(1, abs(expected))
    return got == expected


def near(expected, got):
    """As `agree`, where integers may be rounded otherwise by one (bicubic clips twice: by two)."""
    if isinstance(expected, list) and isinstance(got, list) and expected[:2] == got[:2]:
        pairs = zip(expected[2], got[2], strict=True)
        return all(abs(x - y) <= (2 if expected[0] == "uint8" else 1) for x, y in pairs)
    return agree(expected, got)


@pytest.mark.parametrize("name", CALLS)
def test_call(name):
    wrong = {}
    images = [each for each in CALLS[name][1] if stored(name, each)]
    assert images and set(REFERENCE[name]) == set(images)
    for each in images:
        expected, got = REFERENCE[name][each], outcome(name, LIBRARY, each)
        same = near if name.startswith("resize") and "tensor uint8" in each else agree
        if not same(expected, got):
            wrong[each] = f"{expected} in torchvision, {got} here"
    assert not wrong


def test_every_stored_call_is_tested():
    assert list(REFERENCE) == list(CALLS)
    refused = [x for each in REFERENCE.values() for x in each.values() if isinstance(x, str)]
    assert 1500 < len(refused) < 3500  # both kinds of outcome are among them
