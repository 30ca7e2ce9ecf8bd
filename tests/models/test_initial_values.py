"""The laws by which new networks draw their weights, against the formulas of papers and code."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn


class SmallLinear(nn.Linear):
    """At most 600 inputs and outputs: VGG's 120 million weights follow the law of a few."""

    def __init__(self, in_features, out_features):
        super().__init__(min(in_features, 600), min(out_features, 600))


def numbers(tensor):
    return tensor.detach().numpy()


def fan_in(weight):
    return math.prod(weight.shape[1:])


def fan_out(weight):
    return weight.shape[0] * math.prod(weight.shape[2:])


def he_out(name, weight):
    return "normal", math.sqrt(2 / fan_out(weight))


def he_in(name, weight):
    return "normal", math.sqrt(2 / fan_in(weight))


def he_uniform(name, weight):
    return "uniform", math.sqrt(2 / fan_in(weight))


def default(name, weight):
    return "uniform", 1 / math.sqrt(3 * fan_in(weight))


def normal(std):
    return lambda name, weight: ("normal", std)


def inception(name, weight):
    return "normal", 0.001 if name == "AuxLogits.fc" else 0.1


def squeezenet(name, weight):
    return ("normal", 0.01) if name == "classifier.1" else he_uniform(name, weight)


# model: law of convolutions, law of linear layers, whether the biases of each are 0
LAWS = {
    "alexnet": (default, default, False, False),
    "vgg11": (he_out, normal(0.01), True, True),
    "vgg11_bn": (he_out, normal(0.01), True, True),
    "resnet18": (he_out, default, None, False),
    "resnext50_32x4d": (he_out, default, None, False),
    "googlenet": (normal(0.01), normal(0.01), None, False),
    "inception_v3": (inception, inception, None, False),
    "densenet121": (he_in, default, None, True),
    "squeezenet1_0": (squeezenet, None, True, None),
    "mobilenet_v2": (he_out, normal(0.01), None, True),
}


def check_law(values, kind, std, name):
    values = values.astype(np.float64).ravel()[:100_000]
    assert abs(values.mean()) < 6 * std / math.sqrt(values.size), name
    assert abs(values.std() / std - 1) < 6 / math.sqrt(values.size), name
    # A uniform law ends at sqrt(3) std; 8.3 % of a normal one lie beyond.
    beyond = (abs(values) > math.sqrt(3) * std * 1.0001).mean()
    if kind == "uniform":
        assert beyond == 0, name
    else:
        assert abs(beyond - 0.0833) < 6 * 0.28 / math.sqrt(values.size), name


@pytest.mark.parametrize("name", LAWS)
def test_initial_values(monkeypatch, name):
    if name.startswith(("vgg", "alexnet")):
        monkeypatch.setattr(nn, "Linear", SmallLinear)
    conv_law, linear_law, zero_conv_bias, zero_linear_bias = LAWS[name]
    for key, module in models.get_model(name).named_modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (numbers(module.weight) == 1).all() and (numbers(module.bias) == 0).all()
            assert (numbers(module.running_mean) == 0).all()
            assert (numbers(module.running_var) == 1).all()
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        is_conv = isinstance(module, nn.Conv2d)
        check_law(
            numbers(module.weight), *(conv_law if is_conv else linear_law)(key, module.weight), key
        )
        zero = zero_conv_bias if is_conv else zero_linear_bias
        if module.bias is None:
            assert zero is None
        elif zero:
            assert (numbers(module.bias) == 0).all()
        else:
            bias, bound = numbers(module.bias), 1 / math.sqrt(fan_in(module.weight))
            assert abs(bias).max() <= bound and abs(bias).max() > 0.7 * bound


def test_zero_init_residual_starts_every_block_as_the_identity():
    for name, last in (("resnet18", "bn2"), ("resnet50", "bn3")):
        model = models.get_model(name, num_classes=2, zero_init_residual=True)
        for block in model.layer2:
            assert (numbers(getattr(block, last).weight) == 0).all()
            assert (numbers(block.bn1.weight) == 1).all()
        x = mt.rand(1, 256 if name == "resnet50" else 64, 4, 4)
        block = model.layer1[1]
        assert np.array_equal(numbers(block.eval()(x)), x.numpy())


def test_init_weights_can_be_left_out(monkeypatch):
    # Layers of their own make uniform values.
    weight = models.GoogLeNet(init_weights=False).fc.weight
    check_law(numbers(weight), "uniform", 1 / math.sqrt(3 * 1024), "fc")
    monkeypatch.setattr(nn, "Linear", SmallLinear)
    weight = models.VGG(nn.Identity(), init_weights=False).classifier[6].weight
    check_law(numbers(weight), "uniform", 1 / math.sqrt(3 * 600), "classifier.6")
