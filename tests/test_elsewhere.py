"""Names of torch's files that are no files here, found by import and by attribute."""

import importlib
import subprocess
import sys

import pytest

import minitorch_cnn as mt
from minitorch_cnn.elsewhere import FILES
from minitorch_cnn.missing import MissingModule


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_torch_hands_on_what_its_package_has(name):
    torch = pytest.importorskip("torch")
    del torch
    theirs = importlib.import_module(name.replace("minitorch_cnn", "torch", 1))
    ours = importlib.import_module(name)
    package = importlib.import_module(name.rpartition(".")[0])
    public = getattr(theirs, "__all__", None) or [
        each
        for each, value in vars(theirs).items()
        if getattr(value, "__module__", None) == theirs.__name__ and each[0] != "_"
    ]
    found = [each for each in public if hasattr(ours, each)]
    assert found, public  # not a name for nothing
    assert all(getattr(ours, each) is getattr(package, each) for each in found)


def test_they_are_attributes_too():
    assert mt.distributions.normal.Normal is mt.distributions.Normal
    assert mt.autograd.grad_mode.no_grad is mt.no_grad
    assert mt.nn.modules.pixelshuffle.PixelShuffle is mt.nn.PixelShuffle
    assert mt.functional.einsum is mt.einsum
    with pytest.raises(AttributeError, match=r"distributions\.nothing is not supported"):
        _ = mt.distributions.nothing
    with pytest.raises(MissingModule, match=r"distributions\.nothing is not supported"):
        importlib.import_module("minitorch_cnn.distributions.nothing")


def test_a_star_brings_the_packages_names():
    names = {}
    exec("from minitorch_cnn.distributions.categorical import *", names)
    assert names["Categorical"] is mt.distributions.Categorical


def test_nothing_is_loaded_before_it_is_asked_for():
    code = "import sys, minitorch_cnn; print('minitorch_cnn.distributions' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_types_of_arguments():
    common = pytest.importorskip("torch").nn.common_types
    for name, theirs in vars(common).items():
        if not name.startswith("_size") and not name.startswith("_ratio"):
            continue
        assert getattr(mt.nn.common_types, name) == theirs, name
