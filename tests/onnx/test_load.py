"""Running ONNX files: our own, torch's, damaged ones, and ones with operators that we lack."""

import io

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

onnx = pytest.importorskip("onnx", reason="ONNX files need the package onnx")
make_node = onnx.helper.make_node


def network():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    return model.extend([nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 5)])


def round_trip(model, *examples, **options):
    file = io.BytesIO()
    mt.onnx.export(model, examples, file, **options)
    file.seek(0)
    return mt.onnx.load(file).to(mt.backend.default_device())


@pytest.mark.parametrize(
    "name", ["lenet5", "cifar_resnet20", "densenet121", "squeezenet1_1", "mobilenet_v2"]
)
def test_exported_models_compute_the_same(name):
    model = mt.models.get_model(name).eval()
    channels, size = (1, 28) if name == "lenet5" else (3, 32)
    loaded = round_trip(model, mt.randn(1, channels, size, size))
    x = mt.randn(2, channels, size, size)
    with mt.no_grad():
        expected = model(x)
        difference = (loaded(x) - expected).abs().max().item()
    assert difference <= 1e-6 * max(1, expected.abs().max().item())


def test_the_weights_have_their_names_and_can_be_trained():
    model = network().eval()
    loaded = round_trip(model, mt.randn(1, 3, 4, 4))
    ours = {k: v for k, v in model.state_dict().items() if not k.endswith("tracked")}
    assert set(dict(loaded.named_parameters())) == set(dict(model.named_parameters()))
    assert set(ours) <= set(loaded.state_dict())
    for name, value in ours.items():
        assert loaded.state_dict()[name].tolist() == value.tolist()

    x, target = mt.randn(8, 3, 4, 4), mt.arange(8) % 5
    optimizer = mt.optim.SGD(loaded.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        loss = nn.functional.cross_entropy(loaded(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    mean = loaded.get_buffer("1.running_mean")
    assert not mean.requires_grad and mean.tolist() == [0] * 4  # it stays in evaluation mode


def test_constants_of_the_program_are_not_trained():
    model = nn.Sequential(nn.AdaptiveAvgPool2d((3, 2)), nn.Conv2d(2, 1, 1))
    loaded = round_trip(model, mt.ones(1, 2, 7, 5))  # the means are products with matrices
    assert {name for name, _ in loaded.named_parameters()} == {"1.weight", "1.bias"}


def test_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, x, y):
            return x + y, x * y

    names = {"input_names": ["a", "b"], "output_names": ["sum", "product"]}
    loaded = round_trip(Two(), mt.ones(1, 2), mt.ones(1, 2), **names)
    total, product = loaded(mt.tensor([[1.0, 2.0]]), mt.tensor([[3.0, 4.0]]))
    assert total.tolist() == [[4, 6]] and product.tolist() == [[3, 8]]
    assert loaded.input_names == ["a", "b"] and loaded.output_names == ["sum", "product"]
    with pytest.raises(TypeError, match=r"the inputs \['a', 'b'\], but 1 were given"):
        loaded(mt.ones(1, 2))


def test_activations_are_freed_when_nobody_needs_them():
    loaded = round_trip(nn.Sequential(*[nn.ReLU() for _ in range(5)]), mt.ones(1, 2))
    freed = [name for step in loaded.steps for name in step.last_use]
    assert len(freed) == len(set(freed)) == len(loaded.steps)  # all but the output


# -------------------------------------------------------------------------------- damaged files


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    mt.onnx.export(network(), mt.randn(1, 3, 4, 4), path)
    content = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        mt.onnx.load(tmp_path / "missing.onnx")
    rng = np.random.default_rng(0)
    damaged = [content[:length] for length in rng.integers(0, len(content), 60)]
    for _ in range(400):
        changed = bytearray(content)
        changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(changed))
    refused = 0
    for each in damaged:
        try:
            loaded = mt.onnx.load(io.BytesIO(each))
        except (ValueError, NotImplementedError):
            refused += 1
        else:  # the format has no checksums: a changed weight is a weight
            assert isinstance(loaded, mt.onnx.Graph)
    assert refused > 60
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"model\.onnx is not a readable ONNX file"):
        mt.onnx.load(path)


def file_of(nodes, inputs, outputs, constants=(), opset=18):
    """An ONNX file with these nodes. inputs and outputs: name -> shape."""
    infos = [
        [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in each.items()
        ]
        for each in (inputs, outputs)
    ]
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in constants]
    graph = onnx.helper.make_graph(nodes, "test", *infos, tensors)
    opsets = [onnx.helper.make_opsetid("", opset)]
    proto = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return io.BytesIO(proto.SerializeToString())


def test_what_is_not_supported_is_named():
    nodes = [make_node("Hardmax", ["x"], ["h"]), make_node("Det", ["h"], ["y"])]
    with pytest.raises(NotImplementedError, match="not supported: Det, Hardmax"):
        mt.onnx.load(file_of(nodes, {"x": [2, 2]}, {"y": []}))
    nodes = [make_node("MaxPool", ["x"], ["p", "y"], kernel_shape=[2, 2])]
    with pytest.raises(NotImplementedError, match="MaxPool with a second output"):
        mt.onnx.load(file_of(nodes, {"x": [1, 1, 2, 2]}, {"y": [1, 1, 1, 1]}))
    with pytest.raises(NotImplementedError, match="ONNX opset 6"):
        mt.onnx.load(file_of([make_node("Relu", ["x"], ["y"])], {"x": [2]}, {"y": [2]}, opset=6))
    nodes = [make_node("Cast", ["c"], ["y"], to=1)]
    constants = [("c", np.ones(2, np.complex64))]
    with pytest.raises(NotImplementedError, match="'c' has elements of type complex64"):
        mt.onnx.load(file_of(nodes, {"x": [2]}, {"y": [2]}, constants))


def test_names_that_cannot_stand_side_by_side():
    nodes = [make_node("Add", ["a", "a.b"], ["y"])]
    constants = [("a", np.ones(2, np.float32)), ("a.b", np.ones(2, np.float32))]
    loaded = mt.onnx.load(file_of(nodes, {}, {"y": [2]}, constants))
    assert loaded().tolist() == [2, 2]


ints = {"zero_and_rest": [0, -1, 2], "back": [-1], "start": [-9], "axis": [3], "pace": [-2]}
CONSTANTS = [(name, np.array(value, np.int64)) for name, value in ints.items()]
CONSTANTS.append(("weight", np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3)))


@pytest.mark.parametrize(
    "node",
    [
        make_node("Conv", ["x", "weight"], ["y"], pads=[1, 0, 0, 2], group=2),
        make_node("Conv", ["x", "weight"], ["y"], auto_pad="SAME_LOWER", strides=[2, 1], group=2),
        make_node("AveragePool", ["x"], ["y"], kernel_shape=[2, 3], pads=[1, 0, 0, 2]),
        make_node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 0, 0, 2], strides=[2, 2]),
        make_node("Reshape", ["x", "zero_and_rest"], ["y"]),
        make_node("Slice", ["x", "back", "start", "axis", "pace"], ["y"]),
    ],
    ids=lambda node: node.op_type,
)
def test_what_export_does_not_write(run, node):
    axes = list("nhw" if node.op_type == "Reshape" else "nchw")
    file = file_of([node], {"x": [2, 2, 4, 6]}, {"y": axes}, CONSTANTS)
    x = np.random.default_rng(0).standard_normal((2, 2, 4, 6)).astype(np.float32)
    ours = mt.onnx.load(file).to(mt.backend.default_device())(mt.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours, run(file.getvalue(), x)[0], 1e-5, 1e-6)


def test_operators_on_integers():
    """What computes shapes at run time: ONNX's own test cases have none with our types."""
    nodes = [
        make_node("Shape", ["x"], ["shape"]),
        make_node("Gather", ["shape", "first"], ["length"], axis=0),
        make_node("Range", ["zero", "length", "two"], ["even"]),
        make_node("Equal", ["even", "two"], ["is_two"]),
        make_node("Not", ["is_two"], ["not_two"]),
        make_node("Cast", ["not_two"], ["y"], to=onnx.TensorProto.FLOAT),
    ]
    numbers = {"first": 1, "zero": 0, "two": 2}
    constants = [(name, np.array(value, np.int64)) for name, value in numbers.items()]
    loaded = mt.onnx.load(file_of(nodes, {"x": [2, 5]}, {"y": ["n"]}, constants))
    assert loaded(mt.zeros(2, 5)).tolist() == [1.0, 0.0, 1.0]  # of 0, 2, 4
    assert loaded(mt.zeros(2, 5)).dtype is mt.float32


# ---------------------------------------------------------------------------------- torch's files


def torch_network(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.slope = torch.nn.PReLU(8)
            self.depthwise = torch.nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)
            self.up = torch.nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1)
            self.groups = torch.nn.GroupNorm(2, 4)
            self.classifier = torch.nn.Linear(4, 5)

        def forward(self, x):
            F = torch.nn.functional
            x = F.max_pool2d(self.slope(self.norm(self.conv(x))), 3, 2, 1, ceil_mode=True)
            x = F.gelu(self.groups(self.up(F.hardswish(self.depthwise(x)))))
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
            first, second = F.pad(x, (1, 1, 1, 1), mode="reflect").chunk(2, 1)
            x = F.relu6(torch.cat([second, first * 2], 1) + 1)
            x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
            x = F.adaptive_avg_pool2d(x, 1)
            return torch.softmax(self.classifier(x.view(x.size(0), -1)), -1)

    torch.manual_seed(0)
    model = Net()
    with torch.no_grad():
        model(torch.randn(8, 3, 16, 16))  # gives the batch norm some statistics
    return model.eval()


@pytest.mark.parametrize(
    ("dynamo", "opset"),
    [(False, 11), (False, 17), pytest.param(True, 18, marks=pytest.mark.slow)],
)
@pytest.mark.filterwarnings("ignore")
def test_what_torch_exports(tmp_path, dynamo, opset):
    torch = pytest.importorskip("torch", reason="runs what torch exports")
    if dynamo:
        pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")
    model = torch_network(torch)
    path, x = tmp_path / "model.onnx", torch.randn(2, 3, 16, 16)
    batch = {"dynamic_shapes": {"x": {0: "n"}}} if dynamo else {"dynamic_axes": {"x": {0: "n"}}}
    options = {"dynamo": dynamo, "opset_version": opset, "input_names": ["x"], "verbose": False}
    torch.onnx.export(model, (x,), path, **options, **batch)
    loaded = mt.onnx.load(path)
    for count in (2, 5):
        x = torch.randn(count, 3, 16, 16)
        with mt.no_grad():
            ours = loaded(mt.from_dlpack(x)).numpy()
        assert np.abs(ours - model(x).detach().numpy()).max() < 1e-6


def test_attributes_without_sense_are_refused_by_the_operator_when_it_runs():
    """The file is well-formed; what is wrong with it shows with the input."""
    for kind, attributes in [("Concat", {"axis": 2**32 - 1}), ("Transpose", {"perm": [0, 2**40]})]:
        node = make_node(kind, ["x"], ["y"], **attributes)
        value = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 2])
            for name in "xy"
        ]
        graph = onnx.helper.make_graph([node], "g", value[:1], value[1:])
        file = io.BytesIO(onnx.helper.make_model(graph).SerializeToString())
        model = mt.onnx.load(file)
        with pytest.raises(RuntimeError, match=rf"ONNX operator {kind}, which makes \['y'\]"):
            model(mt.ones(3, 2))
