"""The same models of torchvision, live, where it is installed.

It needs a torch of its own kind, so it is not among the packages that the tests install:

    pip install torch==2.14.1 torchvision==0.29.1
"""

import functools
import importlib
import inspect
import math

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.models import _utils, feature_extraction

torchvision = pytest.importorskip("torchvision")
torch = pytest.importorskip("torch")
theirs = torchvision.models

NAMES = [name for name in models.list_models(module=models) if name in theirs.list_models()]
PAPERS = ["alexnet", "vgg", "resnet", "googlenet", "inception"]
PAPERS += ["densenet", "squeezenet", "mobilenetv2", "feature_extraction"]


def test_nothing_has_a_name_of_its_own_in_the_zoo():
    assert len(NAMES) == 68
    own = set(models.list_models()) - set(NAMES)
    others = [*models.list_models(module=models.cifar)]
    others += models.list_models(module=models.segmentation)
    assert own == {"lenet5", *others}


def arguments_of(function):
    """Names, kinds and defaults of the arguments."""
    parameters = inspect.signature(function).parameters.values()
    # A default that is a layer counts as the same by its name.
    return [(p.name, p.kind, getattr(p.default, "__name__", p.default)) for p in parameters]


@pytest.mark.parametrize("paper", PAPERS)
def test_arguments_are_the_same(paper):
    ours_module = importlib.import_module(f"minitorch_cnn.models.{paper}")
    their_module = importlib.import_module(f"torchvision.models.{paper}")
    compared = 0
    for name, value in vars(ours_module).items():
        is_ours = getattr(value, "__module__", None) == ours_module.__name__
        if not is_ours or not callable(getattr(their_module, name, None)):
            continue
        if isinstance(value, type) and issubclass(value, tuple):
            assert value._fields == getattr(their_module, name)._fields
        elif not name.startswith(("_densenet", "_resnet", "_vgg")):
            assert arguments_of(value) == arguments_of(getattr(their_module, name)), name
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("name", NAMES)
def test_published_weights_are_the_same(name):
    ours, published = models.get_model_weights(name), theirs.get_model_weights(name)
    assert ours.__name__ == published.__name__
    assert list(ours.__members__) == list(published.__members__)
    assert ours.DEFAULT.name == published.DEFAULT.name
    for mine, their in zip(ours, published, strict=True):
        assert mine.url == their.url
        assert mine.meta["num_params"] == their.meta["num_params"]
        assert mine.meta["min_size"] == their.meta["min_size"]
        categories = their.meta["categories"]
        assert mine.meta["num_classes"] == (len(categories) if categories else None)
        our_metrics, their_metrics = mine.meta["_metrics"], their.meta["_metrics"]
        assert list(our_metrics) == list(their_metrics)
        for key, value in their_metrics["ImageNet-1K"].items():
            assert math.isnan(value) or our_metrics["ImageNet-1K"][key] == value
        mine, their = mine.transforms(), their.transforms()
        for setting in ("crop_size", "resize_size", "mean", "std", "antialias"):
            assert getattr(mine, setting) == getattr(their, setting)
        assert mine.interpolation.value == their.interpolation.value


def test_pictures_are_prepared_alike():
    pixels = np.random.default_rng(0).integers(0, 256, (400, 311, 3), np.uint8)
    for name in ("ResNet18_Weights", "ResNet50_Weights", "Inception_V3_Weights"):
        ours = getattr(models, name).DEFAULT.transforms()
        their = getattr(theirs, name).DEFAULT.transforms()
        picture = Image.fromarray(pixels)
        np.testing.assert_allclose(ours(picture).numpy(), their(picture).numpy(), atol=1e-6)
        floats = pixels.transpose(2, 0, 1).astype(np.float32) / 255
        a, b = ours(mt.from_numpy(floats)), their(torch.from_numpy(floats))
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-4)


def pair(name, **arguments):
    """Our model and torchvision's with the same random weights, in float64."""
    torch.manual_seed(0)
    twin = theirs.get_model(name, **arguments).double()
    model = models.get_model(name, **arguments).double()
    model.load_state_dict({k: mt.from_numpy(v.numpy()) for k, v in twin.state_dict().items()})
    return model, twin


def small_group_norm(library):
    return functools.partial(library.nn.GroupNorm, 8)


@pytest.mark.parametrize(
    "name, arguments, size",
    [
        ("resnet18", {"zero_init_residual": True}, 40),
        ("resnet50", {"replace_stride_with_dilation": [False, False, True]}, 40),
        ("resnet50", {"replace_stride_with_dilation": [True, True, True], "groups": 2}, 33),
        ("wide_resnet50_2", {}, 32),
        ("mobilenet_v2", {"width_mult": 0.35, "round_nearest": 4}, 48),
        ("mobilenet_v2", {"inverted_residual_setting": [[2, 24, 2, 2], [1, 24, 1, 1]]}, 48),
        ("densenet121", {"bn_size": 2}, 40),
        ("googlenet", {"aux_logits": False, "init_weights": True}, 50),
        ("squeezenet1_1", {}, 50),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_outputs_with_other_arguments(name, arguments, size, training):
    model, twin = pair(name, num_classes=11, **arguments)
    for module in [*model.modules(), *twin.modules()]:
        if isinstance(module, nn.Dropout | torch.nn.Dropout):
            module.p = 0.0  # random otherwise
    images = np.random.default_rng(1).standard_normal((3, 3, size, size))
    ours = model.train(training)(mt.from_numpy(images)).detach().numpy()
    their = twin.train(training)(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(ours, their, rtol=1e-8, atol=1e-9 * abs(their).max())


def test_a_convolution_with_normalisation_and_activation():
    for arguments in (
        {},
        {"kernel_size": 5, "stride": 2, "groups": 2, "dilation": 2},
        {"kernel_size": (3, 5), "dilation": (1, 2), "padding": None},
        {"padding": (0, 1), "norm_layer": None, "inplace": None},
        {"activation_layer": None, "bias": True},
    ):
        ours = models.mobilenetv2.Conv2dNormActivation(4, 6, **arguments)
        assert repr(ours) == repr(torchvision.ops.Conv2dNormActivation(4, 6, **arguments))


def test_inception_with_its_auxiliary_classifier():
    model, twin = pair("inception_v3", num_classes=4, dropout=0.0, init_weights=True)
    images = np.random.default_rng(1).standard_normal((2, 3, 299, 299))
    with mt.no_grad(), torch.no_grad():
        ours = model.train()(mt.from_numpy(images))
        their = twin.train()(torch.from_numpy(images))
    assert type(ours).__name__ == type(their).__name__ and ours._fields == their._fields
    for a, b in zip(ours, their, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-7, atol=1e-8)


def test_other_normalisation():
    torch.manual_seed(0)
    twin = theirs.resnet18(num_classes=5, norm_layer=small_group_norm(torch)).double()
    model = models.resnet18(num_classes=5, norm_layer=small_group_norm(mt)).double()
    model.load_state_dict({k: mt.from_numpy(v.numpy()) for k, v in twin.state_dict().items()})
    images = np.random.default_rng(1).standard_normal((2, 3, 40, 40))
    ours = model(mt.from_numpy(images)).detach().numpy()
    their = twin(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(ours, their, rtol=1e-8)


def check_same_law(a, b, key):
    """Two samples of 20,000 at most: constants are equal, else Kolmogorov and Smirnov decide."""
    a, b = np.sort(a.ravel()[:20_000]), np.sort(b.ravel()[:20_000])
    if b[0] == b[-1]:
        assert np.array_equal(a, b), key
        return
    both = np.concatenate([a, b])
    ranks_a = np.searchsorted(a, both, side="right") / len(a)
    ranks_b = np.searchsorted(b, both, side="right") / len(b)
    # Passed by all but one pair in 10^7 of equal laws.
    assert abs(ranks_a - ranks_b).max() < 2.9 * math.sqrt(2 / len(a)), key


@pytest.mark.parametrize(
    "name",
    ["alexnet", "resnet18", "googlenet", "inception_v3", "densenet121"]
    + ["squeezenet1_0", "squeezenet1_1", "mobilenet_v2"],
)
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_initial_values_follow_the_same_laws(name):
    torch.manual_seed(0)
    ours = models.get_model(name, num_classes=100).state_dict()
    for key, value in theirs.get_model(name, num_classes=100).state_dict().items():
        check_same_law(ours[key].numpy(), value.numpy(), key)


@pytest.mark.parametrize("new_format", [True, False])
def test_files_that_torch_wrote(tmp_path, new_format):
    twin = theirs.squeezenet1_1(num_classes=6)
    path = tmp_path / "weights.pth"
    torch.save(twin.state_dict(), path, _use_new_zipfile_serialization=new_format)
    model = models.squeezenet1_1(weights=path, num_classes=6)
    for key, value in twin.state_dict().items():
        assert np.array_equal(model.state_dict()[key].numpy(), value.numpy()), key


def test_features_inside_a_model():
    from torchvision.models import _utils as their_utils, feature_extraction as their_extraction

    model, twin = pair("resnet18", num_classes=3)
    images = np.random.default_rng(1).standard_normal((2, 3, 40, 40))
    nodes = {
        "layer1": "a",
        "layer1.0.bn1": "in place",  # what it gives is overwritten by the ReLU after it
        "layer1.0.relu": "first",
        "layer1.0.relu_1": "second",
        "layer3.0": "deep",
    }
    getters = {"layer2": "x", "layer4": "y"}
    for ours, their in (
        (
            feature_extraction.create_feature_extractor(model, nodes),
            their_extraction.create_feature_extractor(twin, nodes),
        ),
        (
            _utils.IntermediateLayerGetter(model, getters),
            their_utils.IntermediateLayerGetter(twin, getters),
        ),
    ):
        a, b = ours.eval()(mt.from_numpy(images)), their.eval()(torch.from_numpy(images))
        assert list(a) == list(b)
        for key in a:
            np.testing.assert_allclose(a[key].detach().numpy(), b[key].detach().numpy(), rtol=1e-8)


def test_names_inside_a_model():
    from torchvision.models.feature_extraction import get_graph_node_names

    ours, _ = feature_extraction.get_graph_node_names(models.alexnet(num_classes=2))
    their, _ = get_graph_node_names(theirs.alexnet(num_classes=2))
    assert ours == [name for name in their if name != "flatten"]
