"""record: every layer's numbers and gradients, and what reads from what."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.explain.page import record, weights
from minitorch_cnn.explain.page.frozen import frozen_layers
from tests.explain.written_with_functions import NETWORKS, made


def picture(*shape):
    return mt.tensor(np.random.default_rng(3).standard_normal((1, *shape)).astype(np.float32))


def chain():
    """One of each kind that the page takes apart, in a row."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(6, 4, 3, stride=2, padding=2, dilation=2, groups=2, padding_mode="circular"),
        nn.Dropout(0.5),
        nn.AvgPool2d(2, stride=1),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.Flatten(),
        nn.Linear(24, 5),
    ).eval()


def settle(model):
    """Other statistics than 0 and 1 for batch norm, so that mistakes with them show."""
    rng = np.random.default_rng(4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(mt.tensor(rng.standard_normal(module.num_features)))
            module.running_var.copy_(mt.tensor(rng.uniform(0.5, 2, module.num_features)))
            module.weight.data = mt.tensor(rng.uniform(-1, 1, module.num_features)).float()
            module.bias.data = mt.tensor(rng.standard_normal(module.num_features)).float()
    return model


def test_values_and_gradients_are_those_of_the_network_cut_in_two():
    model, x = settle(chain()), picture(3, 12, 12)
    layers = record(model, x)
    assert [layer.kind for layer in layers] == [
        "input", "conv", "affine", "relu", "maxpool", "conv", "identity", "avgpool", "adaptive",
        "flatten", "linear",
    ]  # fmt: skip
    assert [layer.sources for layer in layers] == [[], *[[n] for n in range(10)]]
    best = int(model(x).detach().numpy().argmax())
    for number, layer in enumerate(layers):
        with mt.no_grad():
            middle = nn.Sequential(*list(model)[:number])(x.clone())
        expected = middle.detach().clone().requires_grad_()
        np.testing.assert_array_equal(layer.value.ravel(), expected.detach().numpy().ravel())
        rest = nn.Sequential(*list(model)[number:])(expected.clone())
        (gradient,) = mt.autograd.grad(rest[0, best], expected)
        np.testing.assert_allclose(
            layer.gradient.ravel(), gradient.numpy().ravel(), rtol=1e-5, atol=1e-7
        )
        assert layer.value.dtype == layer.gradient.dtype == np.float32
        assert layer.value.shape == layer.gradient.shape and layer.value.ndim == 3
    assert (layers[2].value < 0).any()  # ReLU(inplace=True) has not overwritten them


def test_the_additions_of_residual_blocks_are_found():
    model = settle(models.cifar.CifarResNet([1, 1], [4, 6]).eval())
    x = picture(3, 16, 16)
    layers = {layer.name: layer for layer in record(model, x)}
    names = list(layers)

    def sources(name):
        return [names[each] for each in layers[name].sources]

    assert sources("layer1.0.add") == ["layer1.0.bn2", "relu"]
    assert sources("layer2.0.add") == ["layer2.0.bn2", "layer2.0.downsample.1"]
    assert sources("layer2.0.conv1") == sources("layer2.0.downsample.0") == ["layer1.0.relu (2)"]
    assert layers["layer1.0.add"].kind == "add" and names[-1] == "fc"
    np.testing.assert_array_equal(
        layers["layer1.0.add"].value, layers["relu"].value + layers["layer1.0.bn2"].value
    )
    # The shortcut brings the gradient a second way: both arrive at the block's input.
    plain = x.clone().requires_grad_()
    scores = model(plain)
    np.testing.assert_array_equal(layers["fc"].value.ravel(), scores.detach().numpy().ravel())
    (gradient,) = mt.autograd.grad(scores[0].max(), plain)
    np.testing.assert_allclose(layers["input"].gradient, gradient.numpy()[0], rtol=1e-5, atol=1e-8)


def test_what_the_page_needs_to_know_of_a_layer():
    layers = record(settle(chain()), picture(3, 12, 12))
    assert layers[5].options == {
        "stride": (2, 2),
        "dilation": (2, 2),
        "padding": [2, 2, 2, 2],
        "mode": "circular",
        "groups": 2,
    }
    assert layers[5].parameters["weight"].shape == (4, 3, 3, 3)
    assert set(layers[1].parameters) == {"weight"} and layers[5].parameters["bias"].shape == (4,)
    assert layers[4].options["kernel_size"] == (3, 3) and layers[4].options["padding"] == (1, 1)
    same = record(
        nn.Sequential(nn.Conv2d(1, 1, (2, 4), padding="same"), nn.Flatten()).eval(),
        picture(1, 5, 5),
    )
    assert same[1].options["padding"] == [0, 1, 1, 2]  # top, bottom, left, right


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_written_with_functions(kind):
    """No operation is unknown, and what the network itself has seen is among the layers."""
    network, x = made(kind)
    layers = record(network, x)
    assert not [layer.options for layer in layers if layer.kind == "other"]
    assert len({layer.name for layer in layers}) == len(layers)
    leaf = x.clone().requires_grad_()
    output = network(leaf)
    output = output["out"] if isinstance(output, dict) else output
    assert layers[-1].value.ravel().tolist() == output.flatten().tolist()
    gradients = mt.autograd.grad(output.max(), [*network.seen, leaf], allow_unused=True)
    own, whole = layers[0].gradient.ravel(), gradients[-1].numpy().ravel()
    np.testing.assert_allclose(own, whole, rtol=1e-4, atol=1e-6)
    for seen, gradient in zip(network.seen, gradients, strict=False):
        found = [each for each in layers if is_shown_by(each, seen.detach().numpy())]
        assert found, seen.shape
        if gradient is not None and found[0].places is None:  # for moves, see watch_uses
            np.testing.assert_allclose(
                sorted(found[0].gradient.ravel()), sorted(gradient.numpy().ravel()),
                rtol=1e-4, atol=1e-6,
            )  # fmt: skip


def is_shown_by(layer, values):
    """Whether the layer has these numbers, perhaps with the last axis first."""
    turned = values.reshape(-1, values.shape[-1]).T.ravel()
    return layer.value.size == values.size and any(
        np.allclose(layer.value.ravel(), each, rtol=1e-5, atol=1e-6)
        for each in (values.ravel(), turned)
    )


def small(name):
    """A network of each kind of block, of few layers."""
    if name == "vit":
        return models.VisionTransformer(16, 8, 1, 2, 8, 16, num_classes=4), 16
    if name == "swin":
        return models.SwinTransformer([4, 4], 8, [2, 2], [1, 2], [2, 2], num_classes=4), 32
    if name == "convnext":
        from minitorch_cnn.models.convnext import CNBlockConfig

        return models.ConvNeXt([CNBlockConfig(4, 6, 1), CNBlockConfig(6, None, 1)]), 16
    return models.get_model(name, num_classes=4), 64


@pytest.mark.parametrize("name", ["vit", "swin", "convnext", "mobilenet_v3_small", "googlenet"])
def test_families_of_networks(name):
    model, size = small(name)
    x = picture(3, size, size)
    layers = record(model.eval(), x)
    assert "other" not in {layer.kind for layer in layers}
    scores = model(x).detach().numpy()
    np.testing.assert_allclose(layers[-1].value.ravel(), scores.ravel(), 1e-4, 1e-6)
    paths = dict(model.named_modules())
    seen = {}
    for layer in layers:
        base = layer.name.partition(" (")[0]
        if base in paths and isinstance(paths[base], nn.Conv2d):
            seen.setdefault(base, layer.value)
    for path, value in seen.items():

        def compare(module, inputs, output, value=value):
            np.testing.assert_allclose(output.detach().numpy()[0], value, 1e-4, 1e-6)

        paths[path].register_forward_hook(compare)
    convolutions = [path for path in paths if isinstance(paths[path], nn.Conv2d)]
    assert set(seen) == {path for path in convolutions if "aux" not in path}  # only in training
    model(x)


def test_an_unknown_operation_is_named():
    class Sorts(nn.Module):
        def forward(self, x):
            return x.cumprod(1).flatten(1)

    layers = record(Sorts().eval(), picture(1, 2, 3))
    assert [layer.kind for layer in layers] == ["input", "other", "flatten"]
    assert layers[1].options == {"operation": "CumProd"} and layers[1].name == "cumprod"


def test_the_network_stays_as_it_was():
    model, x = settle(chain()), picture(3, 12, 12)
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    record(model, x)
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert not x.requires_grad


@pytest.mark.parametrize("shape", [(2, 1, 6, 6), (6, 6)])
def test_it_takes_one_picture(shape):
    with pytest.raises(ValueError, match="one picture"):
        record(nn.Flatten().eval(), mt.zeros(*shape))


def test_a_network_that_asserts_the_size_of_its_picture():
    model = mt.models.VisionTransformer(16, 8, 1, 2, 8, 16, num_classes=4).eval()
    with pytest.raises(ValueError, match=r"refuses this picture: .*height.* 16 but got 24"):
        record(model, picture(3, 24, 24))


def test_it_refuses_training_mode_and_networks_without_scores():
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        record(nn.Flatten(), picture(1, 4, 4))

    class Chooses(nn.Module):
        def forward(self, x):
            return x.argmax(1)

    model = nn.Sequential(nn.Conv2d(1, 1, 3), Chooses()).eval()
    with pytest.raises(ValueError, match="scores"):
        record(model, picture(1, 4, 4))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_other_inputs_than_a_picture_and_scores_that_are_no_number():
    class Two(nn.Module):
        def forward(self, x, other):
            return x + other

    with pytest.raises(ValueError, match=r"Two takes other inputs .*'other'.*wrap it in a Module"):
        record(Two().eval(), picture(1, 4, 4))
    with pytest.raises(ValueError, match="largest score is nan"):
        record(nn.Sequential(nn.Flatten(), nn.LogSigmoid()).eval(), picture(1, 2, 2) * math.nan)


def test_what_belongs_together_is_one_layer():
    """A mean, a normalisation with its weights, a resizing of both axes, a transposed bias."""
    kinds = {kind: [layer.kind for layer in record(*made(kind))] for kind in NETWORKS}
    assert kinds[NETWORKS[0]] == [
        "input", "conv", "affine", "relu", "maxpool", "conv", "relu", "conv", "add", "times",
        "plus", "slice", "times", "cat", "avgpool", "maxpool", "cat", "adaptive", "identity",
        "linear",
    ]  # fmt: skip
    network, x = made(NETWORKS[2])
    norms = [layer for layer in record(network, x) if layer.kind == "norm"]
    assert [layer.name for layer in norms] == ["group", "instance", "whole", "layer"]
    assert [set(layer.parameters) for layer in norms] == [{"weight", "bias"}] * 4
    sizes = {layer.name: layer for layer in record(*made(NETWORKS[3]))}
    assert set(sizes["resize"].parameters) == {"rows", "columns"}
    assert set(sizes["up"].parameters) == {"weight", "bias"} and sizes["up"].kind == "transposed"
    assert sizes["adaptive"].value.shape == (4, 3, 5) and not sizes["adaptive"].parameters
    assert kinds[NETWORKS[4]].count("mean") == 1


def test_what_volumes_go_through_is_one_layer_each():
    layers = {layer.name: layer for layer in record(*made(NETWORKS[6]))}
    kinds = [layer.kind for layer in layers.values()]
    assert [kinds.count(each) for each in ("conv3d", "transposed3d", "maxpool3d")] == [2, 1, 2]
    assert kinds.count("avgpool3d") == 4 and not {"divide", "slice", "pad"} & set(kinds)
    assert layers["input"].value.shape == (10, 6, 7) and layers["input"].options == {"slices": 5}
    assert layers["conv"].options["depth"] == {
        "kernel": 3, "stride": 2, "dilation": 1, "before": 1, "input": 5, "output": 3,
    }  # fmt: skip
    assert set(layers["up"].parameters) == {"weight", "bias"}
    pool = layers["maxpool3d"]
    assert pool.options["kernel_size"] == (3, 2) and pool.options["depth"]["kernel"] == 2
    # Zeros around it that do not count have a divisor for each window.
    divisors = [set(each.parameters) for each in layers.values() if each.kind == "avgpool3d"]
    assert divisors == [set(), {"divisor"}, set(), set()]


def test_a_border_that_is_not_of_zeros_is_no_part_of_a_convolution():
    class Border(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(1, 2, 3)

        def forward(self, x):
            return self.conv(nn.functional.pad(x, (1, 1, 1, 1, 1, 1), value=0.5)).flatten(1)

    layers = record(Border().eval(), picture(1, 3, 4, 4))
    assert [layer.kind for layer in layers] == ["input", "pad", "conv3d", "flatten"]
    assert layers[2].options["depth"]["before"] == 0 and layers[1].gradient is not None


def test_gradients_of_the_first_filters_are_those_of_autograd(monkeypatch):
    for number, stored in ((1, 60), (5, 80), (5, 10**6)):  # of six and of four filters, in groups
        model, x = settle(chain()), picture(3, 12, 12)
        layers = record(model, x)
        monkeypatch.setattr(weights, "STORED", stored)
        weights.add_weight_gradients(layers)
        weight = list(model)[number - 1].weight
        (whole,) = mt.autograd.grad(model(x).max(), weight)
        filters = min(len(weight), stored // weight[0].numel())
        found = layers[number].parameters["weight_gradient"]
        assert len(found) == filters
        np.testing.assert_allclose(found, whole.numpy()[:filters], rtol=1e-4, atol=1e-6)


def test_an_output_that_another_output_is_made_of_is_still_the_last_layer():
    class Two(nn.Module):
        def forward(self, x):
            scores = x.mean((2, 3))
            return scores, scores.tanh()

    layers = record(Two().eval(), picture(1, 2, 2))
    assert [layer.kind for layer in layers] == ["input", "adaptive", "tanh", "identity"]
    assert layers[-1].sources == [1] and layers[-1].gradient.sum() == 1
    assert layers[2].gradient is None  # nothing goes back through the other output


def test_scores_are_one_for_each_class_however_they_are_computed():
    class Sums(nn.Module):
        def forward(self, x):
            return mt.einsum("bchw,kc->bk", x, mt.ones(3, 2))

    layers = record(Sums().eval(), picture(2, 4, 4))
    assert layers[-1].value.shape == (3, 1, 1) and layers[-1].gradient.sum() == 1


def test_what_was_chosen_for_one_picture_is_found():
    class Chooses(nn.Module):
        def forward(self, x):
            if self.strict and x.min() < 0:
                raise RuntimeError("no negative numbers")
            y = x.clone()
            y[:, 0] = mt.zeros_like(x[:, 0]).add_(1) + x[:, 1]  # written to, and read in part
            return (y / x.detach().sum() + x.max(1, True)[0]).gather(1, x.argsort(1)).mean((2, 3))

    model, x = Chooses().eval(), mt.rand(1, 3, 4, 4)
    model.strict = False
    layers = record(model, x)
    found = [layers[each] for each in frozen_layers(model, x, layers)]
    assert [each.kind for each in found] == ["parameter", "permute"]
    np.testing.assert_allclose(found[0].value.ravel(), x.sum().item(), 1e-6)
    model.strict = True
    assert frozen_layers(model, x, layers) is None
    plain = chain()
    assert frozen_layers(plain, picture(3, 12, 12), record(plain, picture(3, 12, 12))) == []


def test_numbers_that_are_moved_twice_get_their_gradient_once():
    class Twice(nn.Module):
        def forward(self, x):
            self.turned = x.flip(3)
            squares = self.turned * self.turned  # so it is a layer
            rows = self.turned.reshape(2, 2, 3, 2).sum((0, 2))
            return squares.sum((2, 3)) + rows.reshape(1, 4)

    network, x = Twice().eval(), picture(4, 3, 2)
    layers = record(network, x)
    (moved,) = (layer for layer in layers if layer.sources == [0])
    output = network(x.clone().requires_grad_())
    (gradient,) = mt.autograd.grad(output.max(), network.turned)
    np.testing.assert_allclose(moved.gradient.ravel(), gradient.numpy().ravel(), 1e-6)


def test_learned_numbers_are_known_by_name():
    """Also in another shape, but not in another order; frozen ones are not learned."""

    class Shapes(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(mt.randn(3, 3))
            self.frozen = nn.Conv2d(3, 3, 1).requires_grad_(False)
            self.norm = nn.LayerNorm(4)
            self.slope = nn.PReLU()

        def forward(self, x):
            x = nn.functional.conv2d(x, self.weight.reshape(3, 3, 1, 1))
            x = nn.functional.conv2d(x, self.weight.t().unsqueeze(-1).unsqueeze(-1))
            return self.slope(self.norm(self.frozen(x))).mean((2, 3))

    layers = record(Shapes().eval(), picture(3, 4, 4))
    assert [layer.names for layer in layers if layer.parameters] == [
        {"weight": "weight"}, {}, {},
        {"weight": "norm.weight", "bias": "norm.bias"}, {"slope": "slope.weight"},
    ]  # fmt: skip
