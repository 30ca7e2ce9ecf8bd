"""The networks against stored values of torchvision's: names, shapes, scores and gradients."""

import ast
import zlib

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from tests.models import make_reference as reference

STORED = np.load(reference.PATH)


@pytest.fixture(autouse=True)
def no_initial_values(monkeypatch):
    """Big networks are made in no time: memory that nobody writes to is not even allocated."""
    for name in ("uniform_", "normal_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


def stored_text(key):
    return zlib.decompress(STORED[key].tobytes()).decode()


def filled(name, dtype="float64", **arguments):
    """The model with the weights that the reference values were made with."""
    model = models.get_model(name, num_classes=reference.CLASSES, **arguments)
    state = {
        key: mt.from_numpy(reference.values(key, tuple(value.shape), dtype))
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state, assign=True)
    return model


def images(size, dtype, count):
    return mt.from_numpy(reference.values("images", (count, 3, size, size), dtype))


def assert_close(ours, expected):
    """Equal to rounding, relative to the largest value."""
    tolerance = 1e-8 if expected.dtype == np.float64 else 1e-4
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * abs(expected).max())


@pytest.mark.parametrize("name", reference.KEYS)
def test_state_dict_has_torchvisions_names_shapes_and_order(name):
    model = models.get_model(name)
    ours = [(key, list(value.shape)) for key, value in model.state_dict().items()]
    stored = [line.split(" ", 1) for line in stored_text(f"keys/{name}").splitlines()]
    assert ours == [(key, ast.literal_eval(shape)) for key, shape in stored]


@pytest.mark.parametrize("name", reference.KEYS)
def test_all_settings_of_all_layers_are_torchvisions(name):
    assert repr(models.get_model(name)) == stored_text(f"text/{name}")


@pytest.mark.parametrize("name", reference.KEYS)
def test_number_of_parameters_is_the_published_one(name):
    model = models.get_model(name)
    # The published numbers leave the auxiliary classifiers of GoogLeNet out, but not Inception's.
    counted = sum(
        parameter.numel()
        for key, parameter in model.named_parameters()
        if not (name == "googlenet" and key.startswith("aux"))
    )
    for weights in models.get_model_weights(name):
        assert counted == weights.meta["num_params"]


@pytest.mark.parametrize("name", reference.EVAL)
def test_scores_in_evaluation_mode(name):
    size, dtype = reference.EVAL[name]
    with mt.no_grad():
        scores = filled(name, dtype).eval()(images(size, dtype, 2))
    assert_close(scores.numpy(), STORED[f"eval/{name}"])


def check_training(module, size, name):
    outputs = module.train()(images(size, "float64", 4))
    scores = mt.cat(list(outputs)) if isinstance(outputs, tuple) else outputs
    assert_close(scores.detach().numpy(), STORED[f"train/{name}"])
    (scores * mt.from_numpy(reference.values("cotangent", tuple(scores.shape)))).sum().backward()
    expected = STORED[f"grads/{name}"]
    parameters = list(module.named_parameters())
    assert len(parameters) == len(expected)
    for (key, parameter), (norm, projection) in zip(parameters, expected, strict=True):
        gradient = parameter.grad.numpy()
        direction = reference.values(key + ".direction", gradient.shape)
        # A bias before a batch norm has no influence: its gradient is rounding errors.
        tolerance = 1e-7 * norm + 1e-8
        assert abs(np.linalg.norm(gradient) - norm) < tolerance, key
        error = abs((gradient * direction).sum() - projection)
        assert error < tolerance * max(1.0, np.linalg.norm(direction)), key


@pytest.mark.parametrize("name", reference.TRAIN)
def test_scores_and_gradients_in_training_mode(name):
    arguments, size = reference.TRAIN[name]
    check_training(filled(name, **arguments), size, name)


@pytest.mark.parametrize("name", reference.FEATURES)
def test_features_and_their_gradients_in_training_mode(name):
    check_training(filled(name).features, reference.FEATURES[name], name)


def test_inceptions_auxiliary_classifier():
    features = mt.from_numpy(reference.values("images", (2, 768, 17, 17)))
    scores = filled("inception_v3").AuxLogits.train()(features)
    assert_close(scores.detach().numpy(), STORED["train/inception_v3.AuxLogits"])
