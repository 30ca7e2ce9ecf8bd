"""Names of torch that are not here are refused with a reason, and hasattr still works.

reference/names.json holds the public names of torch and torchvision; make_names.py writes it.
"""

import importlib
import json
import sys

import make_names
import pytest

import minitorch_cnn as mt

STORED = json.loads(make_names.FILE.read_text())
NAMES = {path: names.split() for path, names in STORED["names"].items()}


def ours(path):
    """The name of our module for torch.nn, torchvision.models, ..."""
    return "minitorch_cnn" + path.removeprefix("torchvision").removeprefix("torch")


def import_from(module, name):
    exec(f"from {module} import {name}", {})


def check(module, name):
    """True if the module has the name; else it must be refused with a reason, in every way."""
    owner = importlib.import_module(module)
    if hasattr(owner, name):
        import_from(module, name)
        return True
    assert getattr(owner, name, None) is None
    sentence = f"^{module}.{name} is not supported: .+"
    with pytest.raises(NotImplementedError, match=sentence) as error:
        getattr(owner, name)
    assert isinstance(error.value, AttributeError)
    with pytest.raises(NotImplementedError, match=sentence) as error:
        import_from(module, name)
    assert isinstance(error.value, ImportError)
    return False


@pytest.mark.parametrize("path", sorted(NAMES.keys() - {"torch.Tensor"}))
def test_every_public_name_is_there_or_refused(path):
    module = ours(path)
    there = sum([check(module, name) for name in NAMES[path]])
    assert there


def test_methods_of_a_tensor():
    x = mt.zeros(1)
    there = 0
    for name in NAMES["torch.Tensor"]:
        if hasattr(mt.Tensor, name):
            there += 1
            continue
        assert not hasattr(x, name)
        with pytest.raises(NotImplementedError, match=f"Tensor.{name} is not supported: .+"):
            getattr(x, name)
    assert there > 300


def test_the_stored_names_are_torchs():
    torch = pytest.importorskip("torch")
    if torch.__version__.partition("+")[0] != STORED["versions"]["torch"]:
        pytest.skip(f"the stored names are those of torch {STORED['versions']['torch']}")
    for path in make_names.NAMESPACES["torch"]:
        owner = make_names.find(path)
        assert all(make_names.is_public(owner, name) for name in NAMES[path]), path
    assert len(NAMES["torch"]) > 900 and len(NAMES["torchvision.models"]) > 200


@pytest.mark.parametrize(
    "module, reason",
    [
        ("distributed.fsdp", "DistributedDataParallel averages"),
        ("distributed.launch", "distributed.run"),
        ("distributed.elastic", "same command"),
        ("distributed.optim.PostLocalSGDOptimizer", "whole state"),
        ("fx.GraphModule", "feature_extraction"),
        ("models.detection", "classify"),
        ("nn.functional.relu", "dir|functions"),
        ("autograd.forward_ad", "grad"),
        ("linalg.zeros", "use minitorch_cnn.zeros"),
        ("optim.lr_scheduler.Adam", "use minitorch_cnn.optim.Adam"),
    ],
)
def test_modules_that_are_missing(module, reason):
    sentence = rf"^minitorch_cnn\.{module} is not supported: .*({reason})"
    with pytest.raises(NotImplementedError, match=sentence) as error:
        importlib.import_module(f"minitorch_cnn.{module}")
    assert isinstance(error.value, ModuleNotFoundError)
    with pytest.raises(ModuleNotFoundError, match=sentence):  # what programs catch
        import_from(f"minitorch_cnn.{module}", "anything")
    assert f"minitorch_cnn.{module}" not in sys.modules


def test_other_modules_are_none_of_its_business():
    with pytest.raises(ModuleNotFoundError) as error:
        importlib.import_module("minitorch_cnn_nothing")
    assert not isinstance(error.value, NotImplementedError)
    with pytest.raises(ModuleNotFoundError) as error:
        importlib.import_module("minitorch_cnn._nothing")
    assert not isinstance(error.value, NotImplementedError)


def test_private_names_are_only_absent():
    with pytest.raises(AttributeError) as error:
        _ = mt.nn._nothing
    assert not isinstance(error.value, NotImplementedError)


def test_a_misspelled_name():
    for owner, name, meant in (
        (mt.nn, "Conv2D", "Conv2d"),
        (mt.nn.functional, "softmx", "softmax"),
        (mt.zeros(1), "reshpe", "reshape"),
    ):
        with pytest.raises(NotImplementedError, match=rf"\(did you mean {meant}\?\)$"):
            getattr(owner, name)
    for owner, name in ((mt.nn, "Zzz"), (mt, "bfloat16_"), (mt.fft, "zzfft")):
        with pytest.raises(NotImplementedError) as error:
            getattr(owner, name)
        assert "did you mean" not in str(error.value)


def test_a_refused_optimizer_can_be_asked_for():
    kind = mt.distributed.optim.ZeroRedundancyOptimizer
    assert not isinstance(mt.optim.SGD([mt.ones(1)], 0.1), kind)
    with pytest.raises(NotImplementedError, match="ZeroRedundancyOptimizer is not supported: each"):
        kind([mt.ones(1)], optimizer_class=mt.optim.SGD, lr=0.1)


def test_names_of_serialization_are_refused():
    with pytest.raises(NotImplementedError, match="skip_data is not supported: files are read"):
        mt.serialization.skip_data  # noqa: B018
    assert not hasattr(mt.serialization, "skip_data")
    with pytest.raises(AttributeError, match="no attribute '_is_zipfile'"):
        mt.serialization._is_zipfile  # noqa: B018
