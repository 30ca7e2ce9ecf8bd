"""The pages of the site that docs/site.py puts together; CI builds them and follows their links."""

import importlib.util
import re
from pathlib import Path

import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parents[1]


def load(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


site = load("site")


def test_every_public_name_is_on_a_page():
    on_pages = {}
    for _, spaces in site.parts():
        for space, names in spaces.items():
            assert not set(names) & on_pages.setdefault(space, set())
            on_pages[space] |= set(names)
    for space in on_pages:
        module = site.module_of(space)
        if space:
            expected = [name for name in getattr(module, "__all__", []) if name[0] != "_"]
        else:  # what a program writes as mt.NAME
            expected = [*mt.ops.__all__, "Tensor", "no_grad", "manual_seed", "float32", "conv2d"]
        values = {name: getattr(module, name) for name in expected}
        missing = {name for name, value in values.items() if not site.inspect.ismodule(value)}
        assert not missing - on_pages[space], space
