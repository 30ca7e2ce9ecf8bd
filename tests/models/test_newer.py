"""The networks after MobileNetV2 against stored values of torchvision's."""

import functools

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from tests.models import make_newer as reference

STORED = np.load(reference.PATH)


@pytest.fixture(autouse=True)
def no_initial_values(monkeypatch):
    """Big networks are made in no time: memory that nobody writes to is not even allocated."""
    for name in ("uniform_", "normal_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


@pytest.mark.parametrize("name", reference.NAMES)
def test_keys_shapes_settings_and_counts_are_torchvisions(name):
    arguments = {"weights_backbone": None} if name in reference.SEGMENTATION else {}
    model = models.get_model(name, **arguments)
    assert reference.checksums(model).tolist() == STORED[f"sums/{name}"].tolist()
    counted = sum(parameter.numel() for parameter in model.parameters())
    for weights in models.get_model_weights(name):
        # The published networks for segmentation have a second classifier.
        second = 0
        if "fcn_" in name or "deeplab" in name:
            width = 40 if "mobilenet" in name else 1024
            head = models.segmentation.fcn.FCNHead(width, 21)
            second = sum(parameter.numel() for parameter in head.parameters())
        if name.startswith("vit_"):  # a place for every patch of larger images
            grid = [side // model.patch_size for side in (weights.meta["min_size"][0], 224)]
            second = (grid[0] ** 2 - grid[1] ** 2) * model.hidden_dim
        assert counted + second == weights.meta["num_params"]


@pytest.mark.parametrize("name", reference.CASES)
def test_scores_in_evaluation_mode(name):
    size = reference.CASES[name][1]
    model = reference.filled(name, models, mt.from_numpy).eval()
    with mt.no_grad():
        found = reference.scores(
            model(mt.from_numpy(reference.values("images", (1, 3, size, size))))
        )
    stored = [key for key in STORED.files if key.startswith(f"eval/{name}/")]
    for ours, key in zip(found, stored, strict=True):
        expected = STORED[key]
        tolerance = 1e-6 * abs(expected).max()
        np.testing.assert_allclose(ours.numpy(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [name for name, (*_, train) in reference.CASES.items() if train])
def test_scores_and_gradients_in_training_mode(name):
    model = reference.filled(name, models, mt.from_numpy)
    out, gradients = reference.trained(name, model, mt.from_numpy)
    expected, stored = STORED[f"train/{name}"], STORED[f"grads/{name}"]
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6 * abs(expected).max())
    # A bias before a batch norm has no influence: its gradient is rounding errors.
    np.testing.assert_allclose(gradients, stored, rtol=1e-6, atol=1e-6 * stored[:, 0].max())


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: models.MobileNetV3([], 8), ValueError, "empty"),
        (lambda: models.MobileNetV3([3], 8), TypeError, "3"),
        (lambda: models.EfficientNet([], 0.1), ValueError, "empty"),
        (lambda: models.EfficientNet([3], 0.1), TypeError, "3"),
        (lambda: models.ConvNeXt([]), ValueError, "empty"),
        (lambda: models.ConvNeXt([3]), TypeError, "3"),
        (lambda: models.ShuffleNetV2([1], [1] * 5), ValueError, "3 positive"),
        (lambda: models.ShuffleNetV2([1] * 3, [1]), ValueError, "5 positive"),
        (lambda: models.MNASNet(0.0), ValueError, "alpha"),
        (
            lambda: models.regnet.BlockParams.from_init_params(4, 7, 1.0, 2.0, 8),
            ValueError,
            "w_0=7",
        ),
        (lambda: models.shufflenetv2.InvertedResidual(4, 8, 1), ValueError, "stride 1"),
        (lambda: models.resnext101_32x8d(groups=3), ValueError, "groups"),
        (lambda: models.VisionTransformer(20, 8, 1, 1, 8, 8), AssertionError, "20.*8"),
        (
            lambda: models.VisionTransformer(8, 8, 1, 1, 8, 8)(mt.zeros(1, 3, 9, 8)),
            AssertionError,
            "height! Expected 8 but got 9",
        ),
        (
            lambda: models.vision_transformer.Encoder(4, 1, 1, 8, 8, 0.0, 0.0)(mt.zeros(4, 8)),
            AssertionError,
            "batch_size",
        ),
        (
            lambda: models.swin_transformer.ShiftedWindowAttention(8, [7], [3, 3], 2),
            ValueError,
            "length 2",
        ),
        (
            lambda: models.segmentation.lraspp_mobilenet_v3_large(aux_loss=True),
            NotImplementedError,
            "auxiliary",
        ),
        (lambda: models.segmentation.fcn_resnet50(width=3), TypeError, "width"),
        (lambda: models.maxvit_t(), NotImplementedError, "maxvit_t is not supported"),
        (
            lambda: models.detection.fasterrcnn_resnet50_fpn(),
            NotImplementedError,
            "detection is not supported",
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_weights_for_segmentation(monkeypatch):
    enum = models.get_model_weights("fcn_resnet50")
    weights = enum.DEFAULT
    assert weights.meta["categories"][15] == "person" and weights.meta["num_classes"] == 21
    assert weights.transforms()(mt.zeros(3, 8, 16)).shape == (3, 520, 1040)
    state = models.segmentation.fcn_resnet50(weights_backbone=None, aux_loss=True).state_dict()
    monkeypatch.setattr(enum, "get_state_dict", lambda self, **kwargs: state)
    model = models.segmentation.fcn_resnet50(weights="DEFAULT")
    assert model.aux_classifier is not None  # it is part of the file
    for wrong in ({"num_classes": 3}, {"aux_loss": False}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            models.segmentation.fcn_resnet50(weights="DEFAULT", **wrong)


def test_pictures_are_resized_as_the_weights_want():
    transforms = models.EfficientNet_B0_Weights.DEFAULT.transforms()
    assert transforms.interpolation is mt.transforms.InterpolationMode.BICUBIC
    plain = functools.partial(models.EfficientNet_V2_L_Weights.DEFAULT.transforms)()
    assert plain.mean == [0.5] * 3 and plain.crop_size == [480]
    assert models.get_weight("RegNet_Y_16GF_Weights.IMAGENET1K_SWAG_E2E_V1").meta["min_size"]


def test_published_vision_transformers_have_other_names_for_their_layers():
    block = models.vision_transformer.MLPBlock(4, 6, 0.0)
    state = {key: mt.rand(value.shape) for key, value in block.state_dict().items()}
    old = {"0": "linear_1", "3": "linear_2"}
    file = {f"{old[key[0]]}{key[1:]}": value for key, value in state.items()}
    block.load_state_dict(file)
    for key, value in block.state_dict().items():
        assert value.equal(state[key]), key


def test_weights_of_large_images_make_a_network_for_them(monkeypatch):
    made = models.VisionTransformer(384, 16, 12, 12, 768, 3072)
    state = made.state_dict()
    assert sum(each.numel() for each in state.values()) == 86_859_496
    enum = models.ViT_B_16_Weights
    monkeypatch.setattr(enum, "get_state_dict", lambda self, **kwargs: state)
    monkeypatch.setattr(models.VisionTransformer, "load_state_dict", lambda self, state: None)
    assert models.vit_b_16(weights="IMAGENET1K_SWAG_E2E_V1").image_size == 384
    with pytest.raises(ValueError, match=r"image_size.*224"):
        models.vit_b_16(weights="IMAGENET1K_SWAG_LINEAR_V1", image_size=384)


def test_names_in_the_modules_where_torchvision_has_them():
    assert models.resnet.resnext101_32x8d is models.resnext101_32x8d
    assert models.resnet.Wide_ResNet101_2_Weights is models.Wide_ResNet101_2_Weights
    assert models.efficientnet.EfficientNet_B0_Weights is models.EfficientNet_B0_Weights
