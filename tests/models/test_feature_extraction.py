"""The outputs of layers inside a model, against calling the layers by hand."""

import copy

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.models._utils import IntermediateLayerGetter
from minitorch_cnn.models.feature_extraction import (
    create_feature_extractor,
    get_graph_node_names,
)


@pytest.fixture
def model():
    return models.cifar.CifarResNet([1, 1, 1], [4, 8, 16]).double().eval()


@pytest.fixture
def images():
    return mt.randn(2, 3, 16, 16).double()


def by_hand(model, images):
    """The outputs that the tests ask for: stem, relus of the first block, first two stages."""
    stem = model.relu(model.bn1(model.conv1(images)))
    block = model.layer1[0]
    first = block.relu(block.bn1(block.conv1(stem)))
    layer1 = model.layer1(stem)
    return {"relu": stem, "first": first, "layer1": layer1, "layer2": model.layer2(layer1)}


def assert_equal(a, b):
    assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def test_outputs_by_name(model, images):
    names = {"layer2": "deep", "relu": "stem", "layer1.0.relu": "first", "layer1.0.relu_1": "last"}
    outputs = create_feature_extractor(model, names)(images)
    expected = by_hand(model, images)
    assert list(outputs) == ["stem", "first", "last", "deep"]  # as they were made
    assert_equal(outputs["stem"], expected["relu"])
    assert_equal(outputs["first"], expected["first"])
    assert_equal(outputs["last"], expected["layer1"])
    assert_equal(outputs["deep"], expected["layer2"])
    only = create_feature_extractor(model, ["layer1"])(images)
    assert list(only) == ["layer1"]
    assert_equal(only["layer1"], expected["layer1"])


def test_later_layers_do_not_run(model, images):
    model.layer2.forward = None  # calling it would fail
    create_feature_extractor(model, ["layer1"])(images)
    model.train()
    before = model.layer3[0].bn1.num_batches_tracked.item()
    create_feature_extractor(model, ["layer1"])(images)
    assert model.layer1[0].bn1.num_batches_tracked.item() == 1
    assert model.layer3[0].bn1.num_batches_tracked.item() == before


def test_it_is_the_model_itself(model, images):
    body = create_feature_extractor(model, ["layer1"])
    assert list(body.state_dict()) == list(model.state_dict())
    assert body.conv1.weight is model.conv1.weight
    assert not body.training
    body.train()
    assert body.training and model.training and model.layer1[0].bn1.training
    body.eval()
    body(images)["layer1"].sum().backward()
    assert model.conv1.weight.grad is not None and model.fc.weight.grad is None
    assert not model.layer1._forward_hooks  # nothing stays behind
    twin = copy.deepcopy(body)
    twin.conv1.weight.data.fill_(0)
    assert model.conv1.weight.abs().sum().item() > 0
    assert twin(images)["layer1"].shape == (2, 4, 16, 16)
    assert twin.model.conv1.weight is twin.conv1.weight


def test_hooks_are_removed_after_an_error(model):
    body = create_feature_extractor(model, ["layer3"])
    with pytest.raises(RuntimeError):
        body(mt.zeros(2, 5, 16, 16).double())
    assert not model.layer3._forward_hooks


def test_other_layers_in_training_than_in_evaluation():
    model = models.GoogLeNet(num_classes=3, init_weights=False)
    body = create_feature_extractor(
        model, train_return_nodes={"aux1": "aux", "conv1": "stem"}, eval_return_nodes=["conv1"]
    )
    assert list(body(mt.zeros(2, 3, 32, 32))) == ["stem", "aux"]
    assert list(body.eval()(mt.zeros(2, 3, 32, 32))) == ["conv1"]
    with pytest.raises(RuntimeError, match=r"did not call \['aux1'\]"):
        create_feature_extractor(model, ["aux1"])(mt.zeros(2, 3, 32, 32))


def test_a_module_whose_own_name_ends_with_a_number():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 3)
            self.fc_1 = nn.Linear(3, 4)

        def forward(self, x):
            return self.fc_1(self.fc(x))

    assert create_feature_extractor(Net(), ["fc_1"])(mt.zeros(1, 2))["fc_1"].shape == (1, 4)


def test_names(model):
    train_nodes, eval_nodes = get_graph_node_names(model)
    assert train_nodes == eval_nodes
    assert train_nodes[:6] == ["x", "conv1", "bn1", "relu", "layer1.0.conv1", "layer1.0.bn1"]
    assert train_nodes[-1] == "fc" and "layer1" not in train_nodes


def test_the_input_is_a_node(model, images):
    body = create_feature_extractor(model, {"fc": "end", "x": "begin"})
    found = body(images)
    assert found["begin"] is images and found["end"].shape == (len(images), model.fc.out_features)
    assert list(create_feature_extractor(model, ["x"])(images)) == ["x"]


def test_refusals(model, images):
    with pytest.raises(ValueError, match="node: 'layer9' is not present in model"):
        create_feature_extractor(model, ["layer9"])
    for name in ("", "layer9_1", "flatten"):
        with pytest.raises(ValueError, match="is not present in model"):
            create_feature_extractor(model, [name])
    with pytest.raises(ValueError, match="Either `return_nodes` or"):
        create_feature_extractor(model)
    with pytest.raises(ValueError, match="Either `return_nodes` or"):
        create_feature_extractor(model, ["fc"], ["fc"], ["fc"])
    with pytest.raises(ValueError, match="then both should be specified"):
        create_feature_extractor(model, eval_return_nodes=["fc"])
    assert get_graph_node_names(model, suppress_diff_warning=True)
    for arguments in ({"tracer_kwargs": {}}, {"concrete_args": {}}):
        with pytest.raises(NotImplementedError, match=next(iter(arguments))):
            get_graph_node_names(model, **arguments)
        with pytest.raises(NotImplementedError, match=next(iter(arguments))):
            create_feature_extractor(model, ["fc"], **arguments)
    body = create_feature_extractor(model, ["layer1.0.relu_2"])
    with pytest.raises(RuntimeError, match=r"did not call \['layer1\.0\.relu_2'\]"):
        body(images)


def test_intermediate_layer_getter(model, images):
    body = IntermediateLayerGetter(model, {"layer1": "a", "layer2": "b"})
    assert list(body) == ["conv1", "bn1", "relu", "layer1", "layer2"]
    outputs = body(images)
    expected = by_hand(model, images)
    assert list(outputs) == ["a", "b"]
    assert_equal(outputs["a"], expected["layer1"])
    assert_equal(outputs["b"], expected["layer2"])
    with pytest.raises(ValueError, match=r"not present in model: \['layer8'\]"):
        IntermediateLayerGetter(model, {"layer1": "a", "layer8": "b"})
