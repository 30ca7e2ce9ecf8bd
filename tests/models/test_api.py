"""Models by name, and every way to ask for weights."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import hub, models
from minitorch_cnn.models import _api
from tests.models.make_newer import NAMES as NEWER

# fmt: off
ZOO = [
    "alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "googlenet",
    "inception_v3", "mobilenet_v2", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "resnext50_32x4d", "squeezenet1_0", "squeezenet1_1", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn",
    "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "wide_resnet50_2",
]
CIFAR = [
    "cifar_alexnet", "cifar_resnet14", "cifar_resnet18", "cifar_resnet20", "cifar_resnet32",
    "cifar_resnet34", "cifar_resnet44", "cifar_resnet56",
]
# fmt: on


@pytest.fixture
def published(monkeypatch):
    """Weights come from this dict, url -> state dict, instead of the network."""
    files = {}
    monkeypatch.setattr(hub, "load_state_dict_from_url", lambda url, **options: files[url])
    return files


def random_state(model):
    """Other values for everything in the model's state dict."""
    return {
        name: mt.rand(value.shape) if value.is_floating_point() else value + 5
        for name, value in model.state_dict().items()
    }


def assert_holds(model, state):
    for name, value in model.state_dict().items():
        assert np.array_equal(value.numpy(), state[name].numpy()), name


# ------------------------------------------------------------------------------- by name


def test_all_models_are_listed():
    assert models.list_models() == sorted([*ZOO, *NEWER, *CIFAR, "lenet5"])
    assert models.list_models(module=models.cifar) == CIFAR
    assert models.list_models(include="*resnet50*", exclude="*v3*") == [
        "fcn_resnet50", "resnet50", "wide_resnet50_2",
    ]  # fmt: skip
    assert models.list_models(include=["alex*", "vgg1?"], exclude=["vgg13", "vgg19"]) == [
        "alexnet", "vgg11", "vgg16",
    ]  # fmt: skip
    assert models.list_models(exclude="*") == []


@pytest.mark.parametrize("name", CIFAR)
def test_cifar_forms_by_name(name):
    model = models.get_model(name, num_classes=7, in_channels=1)
    plain = getattr(models.cifar, name.removeprefix("cifar_"))
    assert models.get_model_builder(name) is plain
    assert model.eval()(mt.zeros(2, 1, 32, 32)).shape == (2, 7)


def test_get_model():
    model = models.get_model("LeNet5", num_classes=3)
    assert isinstance(model, models.LeNet5) and model(mt.zeros(1, 1, 28, 28)).shape == (1, 3)
    with pytest.raises(ValueError, match="Unknown model resnet19"):
        models.get_model("ResNet19")
    with pytest.raises(ValueError, match="Unknown model resnet19"):
        models.get_model_weights("resnet19")


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="already registered under the name 'resnet18'"):
        _api.register_model(name="resnet18")(lambda: None)


def test_weights_of_a_model():
    enum = models.ResNet50_Weights
    assert models.get_model_weights("resnet50") is enum
    assert models.get_model_weights(models.resnet50) is enum
    assert models.get_weight("ResNet50_Weights.IMAGENET1K_V1") is enum.IMAGENET1K_V1
    assert models.get_weight("ResNet50_Weights.DEFAULT") is enum.IMAGENET1K_V2
    for name in ("ResNet50_Weights", "ResNet51_Weights.DEFAULT", "DEFAULT", "."):
        with pytest.raises(ValueError, match="Invalid weight name"):
            models.get_weight(name)
    with pytest.raises(KeyError, match=r"IMAGENET1K_V1.*IMAGENET1K_V2"):
        models.get_weight("ResNet50_Weights.IMAGENET1K_V3")
    with pytest.raises(ValueError, match="no published weights for cifar_alexnet"):
        models.get_model_weights("cifar_alexnet")
    assert all(models.get_model_weights(name).DEFAULT.url for name in ZOO)


def test_members_of_an_enum():
    enum = models.ResNet18_Weights
    member = enum.IMAGENET1K_V1
    assert repr(member) == "ResNet18_Weights.IMAGENET1K_V1"
    assert enum.verify(None) is None
    for form in (member, "IMAGENET1K_V1", "DEFAULT", "ResNet18_Weights.IMAGENET1K_V1"):
        assert enum.verify(form) is member
    assert copy.deepcopy(member) is member and pickle.loads(pickle.dumps(member)) is member
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet34_Weights"):
        enum.verify(models.ResNet34_Weights.DEFAULT)
    with pytest.raises(TypeError, match="received dict"):
        enum.verify({})
    with pytest.raises(NotImplementedError, match="categories"):
        member.meta["categories"]
    with pytest.raises(KeyError, match="nothing"):
        member.meta["nothing"]


# ------------------------------------------------------------------------------- weights


def test_weights_in_every_form_of_asking(published, tmp_path):
    url = models.SqueezeNet1_1_Weights.IMAGENET1K_V1.url
    published[url] = random_state(models.squeezenet1_1())
    for weights in (
        "DEFAULT",
        "IMAGENET1K_V1",
        "SqueezeNet1_1_Weights.IMAGENET1K_V1",
        models.SqueezeNet1_1_Weights.DEFAULT,
    ):
        assert_holds(models.squeezenet1_1(weights=weights), published[url])
    assert_holds(models.get_model("squeezenet1_1", weights="DEFAULT"), published[url])
    model = models.squeezenet1_1(weights="DEFAULT", num_classes=1000, dropout=0.25)
    assert model.classifier[0].p == 0.25
    with pytest.raises(ValueError, match="'num_classes' expected value 1000 but got 10"):
        models.squeezenet1_1(weights="DEFAULT", num_classes=10)
    with pytest.raises(KeyError, match="IMAGENET1K_V9"):
        models.squeezenet1_1(weights="IMAGENET1K_V9")
    with pytest.raises(TypeError, match="received int"):
        models.squeezenet1_1(weights=3)
    with pytest.raises(TypeError, match="received dict"):
        models.squeezenet1_1(weights=published[url])


@pytest.mark.parametrize("ending", [".pth", ".npz"])
def test_a_file_of_your_own(tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    state = random_state(models.squeezenet1_1(num_classes=3))
    mt.save(state, path)
    assert_holds(models.squeezenet1_1(weights=path, num_classes=3), state)
    assert_holds(models.squeezenet1_1(weights=str(path), num_classes=3), state)
    with pytest.raises(RuntimeError, match=r"size mismatch for classifier\.1\.weight"):
        models.squeezenet1_1(weights=path)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        models.resnet18(weights=path)
    with pytest.raises(FileNotFoundError):
        models.squeezenet1_1(weights=tmp_path / "absent.pth")
    mt.save([1, 2], tmp_path / "list.npz")
    with pytest.raises(ValueError, match="holds a list, not a state dict"):
        models.squeezenet1_1(weights=tmp_path / "list.npz")


def collect_warnings(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function()
    line = function.__code__.co_firstlineno
    for each in caught:  # the warning shows the line that the caller wrote
        assert (each.filename, each.lineno) == (__file__, line)
    return result, " ".join(str(each.message) for each in caught)


def test_pretrained_as_it_was_said_before(published):
    enum = models.MobileNet_V2_Weights
    old, new = random_state(models.mobilenet_v2()), random_state(models.mobilenet_v2())
    published[enum.IMAGENET1K_V1.url], published[enum.IMAGENET1K_V2.url] = old, new
    for build in (
        lambda: models.mobilenet_v2(pretrained=True),
        lambda: models.mobilenet_v2(True),
        lambda: models.mobilenet_v2(True, False),
        lambda: models.mobilenet_v2(weights=True),
    ):
        model, text = collect_warnings(build)
        assert_holds(model, old)
        assert "equivalent to weights=MobileNet_V2_Weights.IMAGENET1K_V1" in text
        assert "weights=MobileNet_V2_Weights.DEFAULT" in text
    for build in (
        lambda: models.mobilenet_v2(pretrained=False, num_classes=4),
        lambda: models.mobilenet_v2(False, num_classes=4),
    ):
        model, text = collect_warnings(build)
        assert model.classifier[1].out_features == 4 and "equivalent to weights=None" in text
    model, text = collect_warnings(lambda: models.mobilenet_v2(enum.IMAGENET1K_V2))
    assert_holds(model, new)
    assert "'weights' as a positional parameter is deprecated" in text
    model, text = collect_warnings(lambda: models.mobilenet_v2(weights="DEFAULT"))
    assert_holds(model, new)
    assert text == ""
    with pytest.raises(TypeError, match="multiple values for argument 'weights'"):
        collect_warnings(lambda: models.mobilenet_v2(True, weights=None))
    with pytest.raises(TypeError, match="at most 2 positional arguments, got 3"):
        collect_warnings(lambda: models.mobilenet_v2(True, True, True))
    with pytest.raises(TypeError, match="pretrained"):
        models.mobilenet_v2(weights=None, pretrained=True)


@pytest.mark.parametrize("name, by_default", [("googlenet", False), ("inception_v3", True)])
def test_auxiliary_classifiers_with_published_weights(published, monkeypatch, name, by_default):
    for function in ("uniform_", "normal_", "trunc_normal_"):  # initial values take seconds here
        monkeypatch.setattr(mt.nn.init, function, lambda tensor, *args, **kwargs: tensor)
    state = random_state(models.get_model(name))
    published[models.get_model_weights(name).DEFAULT.url] = state
    for arguments, has_aux in (
        ({}, by_default),
        ({"aux_logits": True}, True),
        ({"aux_logits": False}, False),
    ):
        model = models.get_model(name, weights="DEFAULT", **arguments)
        assert model.transform_input and model.aux_logits is has_aux
        assert_holds(model, state)
        assert any("aux" in key.lower() for key in model.state_dict()) is has_aux
    assert not models.get_model(name, weights="DEFAULT", transform_input=False).transform_input
    with pytest.raises(ValueError, match="'init_weights' expected value False"):
        models.get_model(name, weights="DEFAULT", init_weights=True)


def test_files_from_before_batch_norm_counted_its_batches(published):
    state = random_state(models.mobilenet_v2())
    published[models.MobileNet_V2_Weights.DEFAULT.url] = {
        key: value for key, value in state.items() if "num_batches_tracked" not in key
    }
    model = models.mobilenet_v2(weights="DEFAULT")
    for key, value in model.state_dict().items():
        expected = 0 if "num_batches_tracked" in key else state[key].numpy()
        assert np.array_equal(value.numpy(), expected), key


def test_weights_published_in_half_precision(published):
    state = {
        key: value.half() if value.is_floating_point() else value
        for key, value in random_state(models.squeezenet1_0()).items()
    }
    published[models.SqueezeNet1_0_Weights.DEFAULT.url] = state
    model = models.squeezenet1_0(weights="DEFAULT")
    assert_holds(model, state)
    assert model.features[0].weight.dtype == mt.float32


def test_densenet_takes_the_older_names_of_the_published_files(published):
    state = random_state(models.densenet121())
    older = {}
    for key, value in state.items():
        for layer in ("norm1", "norm2", "conv1", "conv2"):
            key = key.replace(f".{layer}.", f".{layer[:-1]}.{layer[-1]}.")
        older[key] = value
    assert "features.denseblock4.denselayer16.conv.2.weight" in older
    published[models.DenseNet121_Weights.DEFAULT.url] = older
    names = list(older)
    assert_holds(models.densenet121(weights="DEFAULT"), state)
    model = models.densenet121()
    model.load_state_dict(older)
    assert_holds(model, state)
    assert list(older) == names  # the caller's dict is left alone


# ---------------------------------------------------------------- arguments that are refused


@pytest.mark.parametrize(
    "build, error, words",
    [
        (lambda: models.SqueezeNet("1_2"), ValueError, "version 1_2: 1_0 or 1_1"),
        (
            lambda: models.densenet121(memory_efficient=True),
            NotImplementedError,
            "memory_efficient",
        ),
        (lambda: models.GoogLeNet(blocks=[1]), ValueError, "should be 3 instead of 1"),
        (lambda: models.Inception3(inception_blocks=[1]), ValueError, "7 instead of 1"),
        (lambda: models.mobilenet_v2(inverted_residual_setting=[]), ValueError, "non-empty"),
        (
            lambda: models.mobilenet_v2(inverted_residual_setting=[[1, 16, 1, 3]]),
            ValueError,
            "stride should be 1 or 2 instead of 3",
        ),
        (lambda: models.resnet18(groups=2), ValueError, "groups=2"),
        (lambda: models.resnet18(width_per_group=128), ValueError, "base_width=128"),
        (
            lambda: models.resnet18(replace_stride_with_dilation=[False, False, True]),
            NotImplementedError,
            "dilation=2",
        ),
        (
            lambda: models.resnet50(replace_stride_with_dilation=[True]),
            ValueError,
            r"3-element tuple, got \[True\]",
        ),
        (lambda: models.resnext50_32x4d(groups=16), ValueError, "expected value 32 but got 16"),
        (lambda: models.resnet18(5, 6, 7), TypeError, "positional"),
        (lambda: models.resnet18(classes=5), TypeError, "classes"),
    ],
)
def test_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()
