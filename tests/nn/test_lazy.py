"""Lazy layers beside torch's: before the first input, after it, and with state dicts."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
LIBS = (mt, torch)

# The layer, and the shape of its first input.
LAYERS = [
    ("LazyLinear(4)", (2, 3)),
    ("LazyLinear(4, bias=False)", (3,)),
    ("LazyConv1d(4, 3, padding=1)", (2, 3, 5)),
    ("LazyConv2d(4, 3, 2, groups=2)", (1, 6, 5, 5)),
    ("LazyConv2d(4, 3, bias=False, padding_mode='reflect', padding=1)", (3, 5, 5)),
    ("LazyConv3d(2, 1)", (1, 2, 3, 3, 3)),
    ("LazyConvTranspose1d(4, 3)", (1, 2, 5)),
    ("LazyConvTranspose2d(4, 2, 2, groups=2)", (1, 2, 3, 3)),
    ("LazyConvTranspose3d(1, 2)", (1, 2, 3, 3, 3)),
    ("LazyBatchNorm1d()", (4, 3)),
    ("LazyBatchNorm2d(eps=0.1, affine=False)", (2, 3, 4, 4)),
    ("LazyBatchNorm2d(bias=False)", (2, 3, 4, 4)),
    ("LazyBatchNorm3d(track_running_stats=False)", (2, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d()", (2, 3, 5)),
    ("LazyInstanceNorm2d(affine=False)", (2, 3, 4, 4)),
    ("LazyInstanceNorm3d()", (1, 3, 2, 2, 2)),
]


def words(layer):
    """What can be seen of a layer without its values."""
    shapes = {
        name: (type(value).__name__, repr(value) if "Uninit" in type(value).__name__ else
               tuple(value.shape))
        for name, value in (*layer.named_parameters(), *layer.named_buffers())
    }  # fmt: skip
    hooks = len(layer._forward_pre_hooks)
    return repr(layer), type(layer).__name__, list(layer.state_dict()), shapes, hooks


@pytest.mark.parametrize("call, shape", LAYERS, ids=str)
def test_lazy_layers(call, shape):
    """The weights too, from the same seed."""
    seen, weights = [], []
    for lib in LIBS:
        layer = eval(call, vars(lib.nn)).double()
        seen.append([words(layer), layer.has_uninitialized_params()])
        twin = copy.deepcopy(layer) if lib is mt else None  # torch cannot copy some of them
        x = lib.tensor(np.random.default_rng(0).standard_normal(shape))
        lib.manual_seed(0)
        y = layer(x)
        assert y.dtype == lib.float64
        weights.append([p.detach().numpy() for p in layer.parameters()])
        if lib is mt:
            twin(x)
            assert words(twin) == words(layer)
        seen[-1] += [words(layer), tuple(y.shape), tuple(layer(x).shape)]
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 5 and "Lazy" not in seen[0][2][0]


def test_initial_values_are_those_of_the_layer():
    layers = []
    for lazily in (True, False):
        mt.manual_seed(3)
        layer = mt.nn.LazyConv2d(4, 3) if lazily else mt.nn.Conv2d(2, 4, 3)
        layer(mt.ones(1, 2, 5, 5))
        layers.append(layer)
    assert layers[0].weight.equal(layers[1].weight) and layers[0].bias.equal(layers[1].bias)


def test_state_dicts():
    for lib in LIBS:
        full, lazy = lib.nn.Linear(2, 3), lib.nn.LazyLinear(3)
        lazy.load_state_dict(full.state_dict())
        assert lazy.weight.shape == (3, 2) and not lazy.has_uninitialized_params()
        assert lazy(lib.ones(1, 2)).tolist() == full(lib.ones(1, 2)).tolist()
        assert type(lazy) is lib.nn.Linear and lazy.in_features == 2
        one, other = lib.nn.LazyLinear(3), lib.nn.LazyLinear(3)
        assert not one.load_state_dict(other.state_dict()).missing_keys
        assert one.has_uninitialized_params()
        with pytest.raises((RuntimeError, ValueError)):
            full.load_state_dict(one.state_dict())


def test_a_network_and_an_optimizer_before_the_first_input():
    for lib in LIBS:
        net = lib.nn.Sequential(lib.nn.LazyConv2d(4, 3), lib.nn.ReLU(), lib.nn.LazyBatchNorm2d(),
                                lib.nn.Flatten(), lib.nn.LazyLinear(2))  # fmt: skip
        optimizer = lib.optim.SGD(net.parameters(), lr=0.1)
        net(lib.rand(2, 3, 5, 5)).sum().backward()
        before = net[4].bias.tolist()
        optimizer.step()
        np.testing.assert_allclose(net[4].bias.tolist(), np.subtract(before, 0.2), rtol=1e-5)
        assert "Lazy" not in repr(net)


def test_without_a_shape():
    kinds = []
    for lib in LIBS:
        layer = lib.nn.LazyConv2d(4, 3)
        found = []
        for use in (
            lambda layer, lib: layer.weight.shape,
            lambda layer, lib: layer.weight + 1,
            lambda layer, lib: layer.weight.numel(),
            lambda layer, lib: layer(lib.ones(3, 3)),
            lambda layer, lib: lib.nn.LazyConv2d(4, 3, groups=2)(lib.ones(1, 3, 3, 3)),
        ):
            with pytest.raises((RuntimeError, ValueError)) as error:
                use(layer, lib)
            found.append(error.type)
        kinds.append(found)
        weight = layer.weight
        assert weight.dtype == lib.float32 and weight.requires_grad
        assert lib.nn.parameter.is_lazy(weight) and isinstance(weight, lib.nn.Parameter)
        weight.materialize((2, 3))
        assert type(weight) is lib.nn.Parameter and weight.shape == (2, 3)
        buffer = lib.nn.UninitializedBuffer(dtype=lib.float64)
        buffer.materialize((4,))
        assert type(buffer) is lib.Tensor and buffer.dtype == lib.float64
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_lazy_layers_in_a_pickle(name):
    lib = pytest.importorskip(name)
    for kind, shape in (
        (lambda: lib.nn.LazyLinear(4), (2, 3)),
        (lambda: lib.nn.LazyConv2d(4, 3), (1, 2, 5, 5)),
        (lib.nn.LazyBatchNorm1d, (3, 2)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer = pickle.loads(pickle.dumps(kind()))
            assert layer.has_uninitialized_params()
            assert layer(lib.ones(*shape)).shape[0] == shape[0]


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_the_first_call_with_an_output_size(name):
    lib = pytest.importorskip(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = lib.nn.LazyConvTranspose2d(1, 3, stride=2, padding=1)
        assert layer(lib.ones(1, 2, 5, 5), output_size=(10, 10)).shape == (1, 1, 10, 10)


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_a_shape_that_is_a_number(name):
    lib = pytest.importorskip(name)
    parameter = lib.nn.UninitializedParameter()
    parameter.materialize(5)
    assert parameter.shape == (5,)


def test_a_normalised_weight_needs_a_shape_first():
    for normalise in (mt.nn.utils.weight_norm, mt.nn.utils.spectral_norm):
        with pytest.raises(ValueError, match="can't have uninitialized parameters"):
            normalise(mt.nn.LazyLinear(3))
    module = mt.nn.LazyBatchNorm1d()
    module.extra = mt.nn.UninitializedBuffer()
    assert "extra" in dict(module.named_buffers()) and module.has_uninitialized_params()
