"""Exporting: onnxruntime computes what the model does, and what cannot be said is refused."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.autograd.modes import state

F = nn.functional


class Do(nn.Module):
    """A function as a model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def with_statistics(model):
    """The model with batch norm statistics as of a trained one: at 0 and 1 they do nothing."""
    with mt.no_grad():
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.copy_(mt.randn(*value.shape) * 0.1)
            elif name.endswith("running_var"):
                value.copy_(mt.rand(*value.shape) + 0.5)
    return model


# ---------------------------------------------------------------------------------- networks

SIZES = {"lenet5": (1, 28), "inception_v3": (3, 80), "alexnet": (3, 64)}


@pytest.mark.parametrize(
    "name",
    [
        "lenet5",
        "cifar_alexnet",
        "cifar_resnet20",
        "resnet18",
        "googlenet",
        "inception_v3",
        "densenet121",
        "squeezenet1_0",
        "squeezenet1_1",
        "mobilenet_v2",
    ],
)
def test_models(check, name):
    channels, size = SIZES.get(name, (3, 32))
    model = with_statistics(mt.models.get_model(name))
    check(model, mt.randn(1, channels, size, size))


def test_layers_of_vgg(check):
    layers = mt.models.vgg.make_layers([8, "M", 16, 16, "M"], batch_norm=True)
    pool = nn.AdaptiveAvgPool2d((7, 7))
    model = nn.Sequential(layers, pool, nn.Flatten(), nn.Dropout(), nn.Linear(16 * 7 * 7, 4))
    check(with_statistics(model), mt.randn(1, 3, 32, 32))


@pytest.mark.slow
@pytest.mark.parametrize("name", mt.models.list_models())
def test_all_models(check, name):
    channels, size = SIZES.get(name, (3, 32 if name.startswith("cifar") else 64))
    model = with_statistics(mt.models.get_model(name))
    check(model, mt.randn(1, channels, size, size))


# -------------------------------------------------------------------------------- operations

LAYERS = {
    "conv1d": (nn.Conv1d(3, 4, 3, stride=2, padding=1), (3, 9)),
    "conv2d same": (nn.Conv2d(3, 4, 4, padding="same"), (3, 6, 7)),
    "conv2d reflect": (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), (3, 6, 7)),
    "conv2d circular": (nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), (3, 6, 7)),
    "conv_transpose2d": (
        nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2, dilation=2),
        (4, 5, 6),
    ),
    "conv_transpose1d": (nn.ConvTranspose1d(4, 6, 3, 2, bias=False), (4, 5)),
    "linear": (nn.Linear(5, 3), (5,)),
    "linear of sequences": (nn.Linear(5, 3), (4, 5)),
    "linear without bias": (nn.Linear(5, 3, bias=False), (4, 5)),
    "batch norm": (with_statistics(nn.BatchNorm2d(3)), (3, 4, 5)),
    "batch norm without weights": (with_statistics(nn.BatchNorm1d(3, affine=False)), (3,)),
    "group norm": (nn.GroupNorm(2, 4), (4, 3, 3)),
    "layer norm": (nn.LayerNorm([3, 4]), (2, 3, 4)),
    "instance norm": (nn.InstanceNorm2d(3, affine=True), (3, 4, 5)),
    "local response norm": (nn.LocalResponseNorm(3, k=2.0), (5, 4, 4)),
    "prelu": (nn.PReLU(), (3, 4)),
    "prelu of channels": (nn.PReLU(3), (3, 4, 4)),
    "dropout": (nn.Sequential(nn.Dropout(), nn.Dropout2d()), (3, 4, 4)),
    "flatten": (nn.Flatten(), (3, 4, 4)),
    "pixel shuffle": (nn.PixelShuffle(2), (8, 3, 3)),
    "upsample": (nn.Upsample(scale_factor=2), (2, 3, 3)),
    "adaptive average": (nn.AdaptiveAvgPool2d((3, 2)), (2, 7, 5)),
    "adaptive maximum": (nn.AdaptiveMaxPool2d(2), (2, 6, 4)),
    "avg pool of ceil": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (2, 6, 7)),
    "avg pool without padding": (
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        (2, 6, 7),
    ),
    "avg pool with divisor": (nn.AvgPool2d(2, divisor_override=3), (2, 6, 6)),
    "max pool of ceil": (nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 6, 7)),
    "max pool dilated": (nn.MaxPool2d(2, 1, dilation=2), (2, 6, 7)),
    "max pool 1d": (nn.MaxPool1d(2), (2, 7)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(check, name):
    layer, shape = LAYERS[name]
    check(layer, mt.randn(2, *shape))


ACTIVATIONS = [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(inplace=True), nn.LeakyReLU(0.2)]
ACTIVATIONS += [nn.ELU(0.5), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Hardtanh(-1, 2)]
ACTIVATIONS += [nn.Softplus(), nn.Softplus(beta=2), nn.Sigmoid(), nn.Tanh(), nn.Hardswish()]
ACTIVATIONS += [nn.Hardsigmoid(), nn.Softmax(1), nn.LogSoftmax(-1), nn.Mish(), nn.LogSigmoid()]


@pytest.mark.parametrize("layer", ACTIVATIONS, ids=str)
def test_activations(check, layer):
    check(nn.Sequential(nn.Identity(), layer), mt.randn(2, 3, 4))


FUNCTIONS = {
    "arithmetic": lambda x: (x * 2 + 1 - x / 3) ** 2 - (-x) + 2 / (x * x + 1),
    "abs, exp, log, sqrt": lambda x: ((x.abs() + 1).log().exp() - 1).sqrt() + (x * x + 1).rsqrt(),
    "circle": lambda x: x.sin() + x.cos() + x.tanh() + x.sigmoid() + mt.erf(x),
    "maximum": lambda x: mt.maximum(x, -x).clamp(max=1.5) + x.clamp(min=0),
    "mean": lambda x: x.mean(dim=(1, 2)) + x.sum(1).amax(-1),
    "std": lambda x: x.std(dim=1, keepdim=True) + x.var(dim=-1, keepdim=True).amin(1, True),
    "views": lambda x: x.transpose(1, 2).reshape(x.size(0), -1)[:, 1::2],
    "reshape of batch": lambda x: x.reshape(-1, 4) @ mt.ones(4, 2),
    "indices": lambda x: x[:, -1, None, 1:-1] + x[:, 0, 2:],
    "cat and chunk": lambda x: mt.cat([*reversed(x.chunk(3, dim=1)), x], dim=1),
    "stack": lambda x: mt.stack([x, x * 2], dim=-1).squeeze(1),
    "expand": lambda x: x[:, :1].expand(-1, 5, 4) * 2,
    "expand over the batch": lambda x: mt.arange(4.0).expand(x.size(0), 4) + x[:, 0],
    "flip and pad": lambda x: F.pad(x.flip(1), (1, -1, 2, 0), value=3.0),
    "matmul": lambda x: x @ x.transpose(1, 2),
    "softmax in place": lambda x: mt.softmax(x.add_(1).mul_(2), dim=1),
    "to other types": lambda x: x.to(mt.float64).to(mt.float32) * 2,
    "several outputs": lambda x: (x + 1, x * 2),
    "normalize": lambda x: F.normalize(x, dim=1),
    "filling in place": lambda x: x.clone().index_fill_(1, mt.tensor([0]), 0.5),
    "input as output": lambda x: (x, x + 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(check, name):
    check(Do(FUNCTIONS[name]), mt.randn(2, 3, 4))


@pytest.mark.parametrize(
    "options",
    [
        {"scale_factor": 2, "mode": "bilinear"},
        {"size": (5, 3), "mode": "bilinear", "align_corners": True},
        {"size": 9, "mode": "bicubic"},
        {"size": (2, 3), "mode": "area"},
        {"size": (7, 2), "mode": "nearest"},
    ],
    ids=str,
)
def test_interpolate(check, options):
    check(Do(lambda x: F.interpolate(x, **options)), mt.randn(1, 2, 4, 6))


def test_two_inputs_and_names(check):
    onnx = pytest.importorskip("onnx")
    content = check(
        Do(lambda x, y: (x + y, x * y)),
        mt.randn(2, 3),
        mt.randn(2, 3),
        input_names=["a", "b"],
        output_names=["sum", "product"],
        dynamic_axes={"a": {0: "n"}, "b": [0]},
    )
    graph = onnx.load_from_string(content).graph
    assert [each.name for each in graph.input] == ["a", "b"]
    assert [each.name for each in graph.output] == ["sum", "product"]


@pytest.mark.parametrize("opset", [18, 20, 23])
def test_opsets_and_names_of_parameters(check, opset):
    onnx = pytest.importorskip("onnx")
    model = with_statistics(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GELU()))
    content = check(model, mt.randn(1, 3, 5, 5), opset_version=opset)
    proto = onnx.load_from_string(content)
    onnx.checker.check_model(proto, full_check=True)
    assert proto.opset_import[0].version == opset
    names = {each.name for each in proto.graph.initializer}
    assert set(model.state_dict()) - names == {"1.num_batches_tracked"}


def test_the_batch_size(check, exported, run):
    onnx = pytest.importorskip("onnx")
    model = Do(lambda x: x.reshape(x.size(0), 2, 2).mean(0))  # divides by the batch size
    with pytest.raises(NotImplementedError, match="Div cannot be exported"):
        exported(model, mt.randn(2, 4))
    fixed = check(model, mt.randn(2, 4), dynamic_axes={}, batches=(2,))
    shape = onnx.load_from_string(fixed).graph.input[0].type.tensor_type.shape
    assert [each.dim_value for each in shape.dim] == [2, 4]
    free = exported(nn.ReLU(), mt.randn(2, 4), dynamic_axes={"input": {0: "n"}})
    shape = onnx.load_from_string(free).graph.input[0].type.tensor_type.shape
    assert shape.dim[0].dim_param == "n" and shape.dim[1].dim_value == 4


def test_integers_pick_rows_of_a_table(exported, run):
    model = nn.Embedding(5, 3)
    content = exported(model, mt.tensor([[0, 1], [2, 3]]))
    index = np.array([[4, 0], [1, 1], [2, 3]])
    expected = model(mt.from_numpy(index)).detach().numpy()
    np.testing.assert_array_equal(run(content, index)[0], expected)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.integers(1, 2), pairs, pairs, st.tuples(st.integers(0, 2), st.integers(0, 2)), pairs)
def test_convolutions(check, groups, kernel, stride, padding, dilation):
    layer = nn.Conv2d(2 * groups, 2 * groups, kernel, stride, padding, dilation, groups)
    back = nn.ConvTranspose2d(2 * groups, 2, kernel, stride, 0, 0, 1, True, dilation)
    check(nn.Sequential(layer, back), mt.randn(1, 2 * groups, 7, 8))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
    pairs,
    pairs,
    st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.booleans(),
)
def test_pools(check, kind, kernel, stride, padding, ceil):
    assume(all(2 * p <= k for p, k in zip(padding, kernel)))
    check(kind(kernel, stride, padding, ceil_mode=ceil), mt.randn(1, 2, 5, 8))


# ---------------------------------------------------------------------- what cannot be exported


def threshold_by_hand(x):
    return mt.where(x > 0.5, x, 0.0)


def write_a_part(x):
    y = x.clone()
    y[:, 1:] = 0
    return y


REFUSED = {
    "a comparison": (threshold_by_hand, "Where cannot be exported: it uses .* leave no trace"),
    "a branch on values": (
        lambda x: x.relu() if x.sum().item() > 1 else x.tanh(),
        "different things with different inputs",
    ),
    "a number taken out": (lambda x: x * float(x.detach().sum().item()), "Mul cannot be exported"),
    "detach": (lambda x: x.detach() + 1, "Add cannot be exported: it uses .* depends on the input"),
    "no_grad": (mt.no_grad()(lambda x: x + 1), "the model's output cannot be exported"),
    "writing into a part": (write_a_part, "the operation WriteIntoView cannot be exported"),
    "an unknown operation": (lambda x: x.cumsum(1), "the operation CumSum cannot be exported"),
    "random numbers": (lambda x: x + mt.rand(2, 3, 4), "Add cannot be exported"),
    "a shape that is fixed": (lambda x: x.reshape(6, 4), None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused(exported, name):
    function, message = REFUSED[name]
    if message is None:  # the program itself does not work for another batch
        with pytest.raises(RuntimeError, match="shape"):
            exported(Do(function), mt.full((2, 3, 4), 0.2))
        return
    options = {"dynamic_axes": {}} if name == "random numbers" else {}
    with pytest.raises(NotImplementedError, match=message):
        exported(Do(function), mt.full((2, 3, 4), 0.2), **options)


def test_batch_norm_without_statistics_is_refused(exported):
    with pytest.raises(NotImplementedError, match="statistics of the batch"):
        exported(nn.BatchNorm2d(3, track_running_stats=False), mt.randn(2, 3, 4, 4))


class Cube(mt.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x * x


def test_functions_of_the_user_are_refused_by_name(exported):
    with pytest.raises(NotImplementedError, match=r"the operation .*\.Cube cannot be exported"):
        exported(Do(Cube.apply), mt.randn(2, 3))


def test_a_model_may_ask_whether_it_is_exported(exported):
    seen = []

    class Asks(mt.nn.Module):
        def forward(self, x):
            seen.append(mt.onnx.is_in_onnx_export())
            return x * 2

    exported(Asks(), mt.ones(1, 2))
    assert seen and all(seen) and not mt.onnx.is_in_onnx_export()


def test_nothing_else_changes(exported, tmp_path):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.PReLU())
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    example, rng = mt.randn(2, 3, 5, 5), mt.get_rng_state()
    values = example.clone()
    for broken in (False, True):
        if broken:
            model.append(Do(lambda x: (x + mt.rand(1)).cumsum(1)))
            with pytest.raises(NotImplementedError):
                exported(model, example)
        else:
            exported(model, example)
        assert [m.training for m in model][:4] == [True, False, True, True]
        assert all((value == before[name]).all() for name, value in model.state_dict().items())
        assert (mt.get_rng_state() == rng).all() and (example == values).all()
        assert state.observer is None and not model[3]._forward_hooks
        assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_a_failed_export_leaves_the_old_file(exported, tmp_path):
    path = tmp_path / "model.onnx"
    mt.onnx.export(nn.ReLU(), mt.ones(1, 2), path)
    content = path.read_bytes()
    with pytest.raises(NotImplementedError):
        mt.onnx.export(Do(lambda x: x.cumsum(1)), mt.ones(1, 2), path)
    assert path.read_bytes() == content and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"opset_version": 17}, ValueError, "must be in 18 to 23: 17"),
        ({"input_names": ["a", "b"]}, ValueError, "1 different names"),
        ({"output_names": []}, ValueError, "1 different names"),
        ({"dynamic_axes": {"input": {2: "h"}}}, NotImplementedError, "only axis 0 may vary"),
    ],
)
def test_wrong_arguments(exported, options, error, message):
    with pytest.raises(error, match=message):
        exported(nn.ReLU(), mt.ones(1, 2, 3), **options)


def test_wrong_inputs_and_outputs(exported):
    with pytest.raises(TypeError, match="args must be tensors, got a ndarray"):
        exported(nn.ReLU(), np.ones(2))
    with pytest.raises(TypeError, match="returned a int"):
        exported(Do(lambda x: 3), mt.ones(1, 2))


def test_without_the_package_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (
        lambda: mt.onnx.export(nn.ReLU(), mt.ones(1, 2), tmp_path / "x.onnx"),
        lambda: mt.onnx.load(tmp_path / "x.onnx"),
    ):
        with pytest.raises(ImportError, match=r"minitorch-cnn\[interop\]"):
            call()
