"""Results that are put off: nobody may notice, whatever happens in between.

What is compared with is the same program with its parts kept apart. `keep_apart` switches the
mechanism off, for single operations too: it is also the way to measure what each part is worth.
"""

import copy
import gc
import multiprocessing
import pickle
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import kernels, nn
from minitorch_cnn.autograd import deferred
from minitorch_cnn.autograd.modes import state
from minitorch_cnn.backend import ahead
from minitorch_cnn.backend.arrays import release
from minitorch_cnn.kernels import PoolGeometry, conv_geometry
from minitorch_cnn.kernels.algorithm import Tier
from minitorch_cnn.ops import activation, arithmetic, batch_norm, conv, linear, pool
from minitorch_cnn.tensor import wrap

F = nn.functional

# Each puts off its results by calling `later`.
PARTS = {
    "conv": conv,
    "batch norm": batch_norm,
    "sum": arithmetic,
    "mask": activation,
}


def keep_apart(monkeypatch, *parts):
    """Computes everything at once from now on, in these parts or in all."""
    for part in parts or PARTS:
        monkeypatch.setattr(PARTS[part], "later", lambda values, *sources: wrap(values.values()))


def waits(tensor):
    return tensor._deferred is not None and tensor._deferred.kernel is not None


@pytest.fixture(params=["auto", "array"])
def tier(request):
    if request.param == "auto" and request.config.getoption("--backend") == "standin":
        pytest.skip("a stand-in runs no CUDA kernels")
    with mt.kernel_tier(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def convolutions_wait_with_all_kernels(monkeypatch):
    """Also in float64 and with the readable kernels, where there is nothing to gain."""
    monkeypatch.setattr(kernels, "tier_of", lambda x, w: Tier("cpu"))


def test_a_convolution_with_the_readable_kernels_is_computed_at_once(monkeypatch):
    monkeypatch.undo()
    with mt.kernel_tier("array"):
        assert not waits(nn.Conv2d(2, 3, 1)(mt.ones(1, 2, 3, 3)))


# ------------------------------------------------------------ the same as with the parts apart

LAYERS = {
    "conv": lambda **kind: nn.Conv2d(2, 5, 3, padding=1, **kind),
    "conv without bias": lambda **kind: nn.Conv2d(2, 3, 3, bias=False, **kind),
    "strided": lambda **kind: nn.Conv2d(12, 20, 3, stride=2, **kind),
    "winograd": lambda **kind: nn.Conv2d(16, 16, 3, padding=1, **kind),
    "grouped": lambda **kind: nn.Conv2d(4, 6, 3, groups=2, **kind),
    "depthwise": lambda **kind: nn.Conv2d(6, 6, 3, groups=6, **kind),
    "reflected": lambda **kind: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect", **kind),
    "same": lambda **kind: nn.Conv2d(2, 3, 4, padding="same", **kind),
    "conv1d": lambda **kind: nn.Conv1d(3, 4, 3, **kind),
    "conv3d": lambda **kind: nn.Conv3d(2, 3, 2, **kind),
    "transposed": lambda **kind: nn.ConvTranspose2d(3, 4, 3, stride=2, **kind),
    "linear": lambda **kind: nn.Linear(5, 4, **kind),
    "linear on sequences": lambda **kind: nn.Linear(5, 4, bias=False, **kind),
    "batch norm": lambda **kind: nn.BatchNorm2d(3, **kind),
    "batch norm, running": lambda **kind: nn.BatchNorm2d(3, **kind).eval(),
    "batch norm, plain": lambda **kind: nn.BatchNorm2d(3, affine=False, **kind),
    "batch norm of rows": lambda **kind: nn.BatchNorm1d(3, **kind),
    "two layers": lambda **kind: nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1, **kind), nn.BatchNorm2d(6, **kind)
    ),
}
SHAPES = {
    "strided": (3, 12, 7, 6),
    "winograd": (3, 16, 7, 6),
    "grouped": (3, 4, 7, 6),
    "depthwise": (3, 6, 7, 6),
    "conv1d": (2, 3, 7),
    "conv3d": (2, 2, 3, 4, 3),
    "transposed": (2, 3, 4, 5),
    "linear": (3, 5),
    "linear on sequences": (2, 3, 5),
    "batch norm": (4, 3, 5, 6),
    "batch norm, running": (4, 3, 5, 6),
    "batch norm, plain": (4, 3, 5, 6),
    "batch norm of rows": (6, 3),
}
# The other ones go on with the result, or are not put off: a linear layer's sum is over at once.
PUT_OFF_AT_THE_END = set(LAYERS) - {
    "conv1d", "conv3d", "transposed", "linear", "linear on sequences",
}  # fmt: skip

TAILS = {
    "relu": lambda y, more: F.relu(y),
    "method": lambda y, more: y.relu(),
    "module": lambda y, more: nn.ReLU()(y),
    "inplace": lambda y, more: F.relu(y, inplace=True),
    "inplace method": lambda y, more: y.relu_(),
    "inplace module": lambda y, more: nn.Sequential(nn.ReLU(inplace=True))(y),
    "add": lambda y, more: F.relu(y + more),
    "radd": lambda y, more: F.relu(more + y),
    "add of itself": lambda y, more: F.relu(y + y + 0 * more),
    "add a product": lambda y, more: F.relu(y + 2 * more),
    "iadd": lambda y, more: F.relu_(y.add_(more)),
    "add and two more": lambda y, more: F.relu(y + more) + y * more,
    "two relus": lambda y, more: F.relu(F.relu(y) - 0.1),
    "nothing": lambda y, more: y,
}


def run(layer, tail, x, more, apart=False, second=False):
    """[y, gradients, gradients of the gradients] for random cotangents."""
    layer = copy.deepcopy(layer)
    x, more = (each.detach().clone().requires_grad_() for each in (x, more))
    leaves = [x, more, *layer.parameters()]
    with pytest.MonkeyPatch.context() as patch:
        if apart:
            keep_apart(patch)
        y = tail(layer(x), more)
        rng = np.random.default_rng(1)
        gy = mt.tensor(rng.standard_normal(y.shape), dtype=y.dtype).requires_grad_()
        firsts = mt.autograd.grad(y, leaves, gy, create_graph=second, allow_unused=True)
        results = [y, *firsts]
        if second:
            firsts = [g for g in firsts if g is not None and g.requires_grad]
            ggs = [mt.tensor(rng.standard_normal(g.shape), dtype=g.dtype) for g in firsts]
            results += mt.autograd.grad(firsts, [gy, *leaves], ggs, allow_unused=True)
    return [None if each is None else each.detach().numpy() for each in results]


def compare(kind, tail, dtype, second=False):
    layer = LAYERS[kind](dtype=dtype)
    for parameter in layer.parameters():  # a batch norm's ones and zeros would hide mistakes
        nn.init.normal_(parameter, 0.3)
    x = mt.randn(*SHAPES.get(kind, (3, 2, 7, 6)), dtype=dtype)
    with mt.no_grad():
        more = mt.randn(*copy.deepcopy(layer)(x).shape, dtype=dtype)
    together = run(layer, TAILS[tail], x, more, second=second)
    parts = run(layer, TAILS[tail], x, more, apart=True, second=second)
    tolerance = 1e-11 if dtype is mt.float64 else 2e-4
    assert (together[0] == 0).any() or tail in ("nothing", "add and two more")
    for one, other in zip(together, parts, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dtype", [mt.float32, mt.float64])
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("kind", LAYERS)
def test_values_and_gradients(kind, tail, dtype, tier):
    compare(kind, tail, dtype)


@pytest.mark.parametrize("tail", ["relu", "inplace", "add", "add and two more", "nothing"])
@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_of_gradients(kind, tail, tier):
    compare(kind, tail, mt.float64, second=True)


@given(st.sampled_from(["conv", "depthwise", "norm"]), st.booleans(), st.integers(0, 99))
def test_first_and_second_gradients_by_differences(kind, residual, seed):
    mt.manual_seed(seed)
    shapes = {
        "conv": [(2, 2, 4, 3), (3, 2, 3, 2), (3,), (2, 3, 2, 2)],
        "depthwise": [(1, 3, 4, 3), (3, 1, 3, 3), (3,), (1, 3, 2, 1)],
        "norm": [(3, 2, 2, 2), (2,), (2,), (3, 2, 2, 2)],
    }[kind]
    arguments = [mt.randn(*shape, dtype=mt.float64, requires_grad=True) for shape in shapes]

    def function(x, w, b, more):
        if kind == "norm":
            y = F.batch_norm(x, None, None, w, b, True)
        else:
            y = F.conv2d(x, w, b, groups=3 if kind == "depthwise" else 1)
        assert waits(y)
        return F.relu(y + more) if residual else F.relu(y) + 0 * more

    assert mt.autograd.gradcheck(function, arguments)
    assert mt.autograd.gradgradcheck(function, arguments)


def test_float16_under_autocast():
    layer, x = nn.Conv2d(2, 3, 3), mt.randn(2, 2, 6, 6)
    with mt.autocast(x.device.type, dtype=mt.float16), mt.no_grad():
        y = layer(x)
        assert waits(y) and y.dtype is mt.float16
        z = F.relu(y)
    np.testing.assert_array_equal(z.numpy(), np.maximum(y.numpy(), 0))


@pytest.mark.parametrize("shape", [(0, 2, 5, 5), (2, 5, 5)])
def test_empty_batches_and_single_images(shape):
    layer = nn.Conv2d(2, 3, 3)
    with mt.no_grad():
        y = F.relu(layer(mt.randn(*shape)))
    assert y.shape == (*shape[:-3], 3, 3, 3)


# ------------------------------------------------------------------------- it is really one pass


@pytest.fixture
def x():
    return mt.randn(4, 3, 5, 6, dtype=mt.float64, requires_grad=True)


@pytest.fixture
def bn():
    return nn.BatchNorm2d(3, dtype=mt.float64)


def norm_of(x):
    """The definition, without any kernel of the library."""
    x = x.detach().numpy()
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


@pytest.mark.parametrize("kind", sorted(PUT_OFF_AT_THE_END))
def test_shape_dtype_and_device_are_known_before(kind):
    x = mt.randn(*SHAPES.get(kind, (3, 2, 7, 6)))
    y = LAYERS[kind]()(x)
    shape = y.shape
    assert (y.dtype, y.device, y.is_cuda, y.ndim) == (x.dtype, x.device, x.is_cuda, len(shape))
    assert (y.size(0), y.numel(), y.nbytes) == (shape[0], np.prod(shape), 4 * np.prod(shape))
    assert waits(y)
    assert y.array.shape == shape and y.array.dtype == np.float32 and not waits(y)


class Spy:
    """Notes how a kernel was called, and calls it."""

    def __init__(self, monkeypatch, name, note):
        self.calls, self.note, self.real = [], note, getattr(kernels, name)
        monkeypatch.setattr(kernels, name, self)

    def __call__(self, *args):
        self.calls.append(self.note(*args))
        return self.real(*args)


@pytest.fixture
def forwards(monkeypatch):
    return Spy(
        monkeypatch,
        "batch_norm_forward",
        lambda x, scale, shift, residual=None, relu=False: (residual is not None, relu),
    )


@pytest.fixture
def backwards(monkeypatch):
    return Spy(
        monkeypatch,
        "batch_norm_backward",
        lambda gy, x, w, mean, invstd, batch, y, residual: (y is not None, residual),
    )


@pytest.mark.parametrize("tail", ["relu", "inplace", "add", "radd", "iadd"])
def test_norm_sum_and_relu_are_one_pass(x, bn, tail, forwards, backwards):
    more = mt.randn(4, 3, 5, 6, dtype=mt.float64, requires_grad=True)
    z = TAILS[tail](bn(x), more)
    residual = tail in ("add", "radd", "iadd")
    assert forwards.calls == [(residual, True)]
    expected = norm_of(x) + more.detach().numpy() * residual
    # tolist, as numpy() would show the memory to the outside
    np.testing.assert_allclose(z.tolist(), np.maximum(expected, 0), atol=1e-10)
    z.sum().backward()
    assert backwards.calls == [(True, residual)]
    if residual:
        np.testing.assert_array_equal(more.grad.numpy(), expected > 0)


def test_of_two_norms_in_a_sum_the_second_gets_the_masked_gradient(x, bn, forwards, backwards):
    F.relu(bn(x) + nn.BatchNorm2d(3, dtype=mt.float64)(x)).sum().backward()
    assert sorted(forwards.calls) == [(False, False), (True, True)]
    assert backwards.calls == [(True, True), (False, False)]


def test_a_residual_network_takes_one_pass_for_norm_sum_and_relu(forwards, backwards):
    from minitorch_cnn.models import cifar

    cifar.resnet20()(mt.randn(2, 3, 8, 8)).sum().backward()
    # 9 blocks of two norms, the first layer's, and two shortcuts with a norm but no ReLU
    assert forwards.calls.count((False, True)) == 10
    assert forwards.calls.count((True, True)) == 9
    assert forwards.calls.count((False, False)) == 2
    assert len(forwards.calls) == 21
    assert backwards.calls.count((True, False)) == 10
    assert backwards.calls.count((True, True)) == 9
    assert backwards.calls.count((False, False)) == 2
    assert len(backwards.calls) == 21


@pytest.mark.parametrize("form", ["function", "method", "module", "inplace module"])
def test_conv_and_relu_are_one_pass(form, monkeypatch):
    spy = Spy(monkeypatch, "conv2d_forward", lambda *args: "with relu" if args[-1] else "plain")
    layer, x = nn.Conv2d(2, 3, 3), mt.randn(1, 2, 5, 5)
    if form == "function":
        F.relu(layer(x))
    elif form == "method":
        layer(x).relu()
    else:
        nn.Sequential(layer, nn.ReLU(inplace=form == "inplace module"))(x)
    assert spy.calls == ["with relu"]


def test_parts_can_be_switched_off_one_by_one(monkeypatch, x, bn):
    keep_apart(monkeypatch, "conv")
    assert not waits(nn.Conv2d(2, 3, 1)(mt.ones(1, 2, 3, 3)))
    assert waits(bn(x))


# --------------------------------------------------------------------- looking at it in between

LOOKS = {
    "array": lambda y: y.array,
    "item": lambda y: y.sum().item(),
    "repr": repr,
    "detach": lambda y: y.detach().numpy(),
    "tolist": lambda y: y.tolist(),
    "data": lambda y: y.data,
    "view": lambda y: y[0],
    "reshape": lambda y: y.reshape(-1),
    "clone": lambda y: y.clone(),
    "to": lambda y: y.to(mt.float32),
    "compare": lambda y: y > 0,
    "requires_grad": lambda y: y.requires_grad,
    "is_leaf": lambda y: y.is_leaf,
    "retain_grad": lambda y: y.retain_grad(),
    "hook": lambda y: y.register_hook(lambda g: None),
    "pickle": lambda y: pickle.dumps(y.detach()),
    "deepcopy": lambda y: copy.deepcopy(y.detach()),
    "is_contiguous": lambda y: y.is_contiguous(),
    "iterate": list,
    "layout": lambda y: y.lay_out_by_rows(),
    "second use": F.relu,
    "another sum": lambda y: y + y.detach(),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ["conv", "linear", "batch norm"])
def test_a_look_in_between_changes_nothing(kind, look):
    layer = LAYERS[kind](dtype=mt.float64)
    x = mt.randn(*SHAPES.get(kind, (3, 2, 7, 6)), dtype=mt.float64)
    more = mt.randn(*layer(x).shape, dtype=mt.float64)

    def looking(y, more):
        LOOKS[look](y)
        total = y + more
        LOOKS[look](total)
        z = F.relu(total)
        LOOKS[look](total), LOOKS[look](y)
        return z

    for one, other in zip(
        run(layer, looking, x, more), run(layer, TAILS["add"], x, more, apart=True), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-11)


def test_the_graph_is_the_plain_one(x, bn):
    y = bn(x)
    total = y + x
    z = F.relu(total)
    names = ["ReluBackward0", "AddBackward0", "NativeBatchNormBackward0"]
    assert [each.grad_fn.name() for each in (z, total, y)] == names
    assert z.grad_fn.next_functions == ((total.grad_fn, 0),)
    assert total.grad_fn.next_functions[0] == (y.grad_fn, 0)
    y = nn.Conv2d(3, 2, 1, dtype=mt.float64)(x)
    z = F.relu(y, inplace=True)
    assert z is y and z.grad_fn.next_functions[0][0].name() == "ConvolutionBackward0"


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "ask", ["retain_grad", "hook", "grad", "grad of the norm", "changing hook"]
)
def test_gradients_in_between(x, bn, ask, before):
    y = bn(x)
    total = y + x
    z = F.relu(total) if not before else None
    seen = []
    if ask == "retain_grad":
        total.retain_grad()
    elif ask == "hook":
        total.register_hook(seen.append)
    elif ask == "changing hook":
        y.register_hook(lambda g: seen.append(g) or g * 0)
    z = F.relu(total) if before else z
    if ask.startswith("grad"):
        seen = mt.autograd.grad(z.sum(), [total if ask == "grad" else y], retain_graph=True)
    z.sum().backward()
    if ask == "retain_grad":
        seen = [total.grad]
    mask = total.detach().numpy() > 0
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0].numpy(), mask)
    if ask == "changing hook":
        np.testing.assert_array_equal(x.grad.numpy(), mask)


def test_a_hook_may_write_into_the_gradient(x, bn):
    y = bn(x)

    def erase(g):
        g.zero_()

    y.register_hook(erase)
    F.relu(y).sum().backward()
    assert (x.grad == 0).all()


@pytest.mark.parametrize("watched", ["layer", "relu"])
@pytest.mark.parametrize(
    "register",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
@pytest.mark.parametrize("kind", ["conv", "linear", "batch norm"])
def test_hooks_of_modules(kind, register, watched):
    layer, relu = LAYERS[kind](dtype=mt.float64), nn.ReLU()
    x = mt.randn(*SHAPES.get(kind, (3, 2, 7, 6)), dtype=mt.float64, requires_grad=True)
    expected = mt.autograd.grad(F.relu(layer(x)).square().sum(), x)[0]
    net, seen = nn.Sequential(layer, relu), []
    getattr(layer if watched == "layer" else relu, register)(
        lambda module, *args: seen.append([module, *args])
    )
    y = net(x)
    gx = mt.autograd.grad(y.square().sum(), x)[0]
    assert [each[0] for each in seen] == [layer if watched == "layer" else relu]
    np.testing.assert_allclose(gx.numpy(), expected.numpy(), atol=1e-11)
    if register == "register_forward_hook":
        output = layer(x) if watched == "layer" else y
        np.testing.assert_allclose(seen[0][-1].tolist(), output.tolist(), atol=1e-12)


def test_a_forward_of_ones_own_is_called():
    class Doubled(nn.Linear):
        def forward(self, input):
            return 2 * super().forward(input)

    own, replaced = Doubled(3, 2), nn.Linear(3, 2)
    replaced.forward = lambda input: F.linear(input, replaced.weight) - 5
    x = mt.randn(4, 3)
    for layer in (own, replaced):
        expected = np.maximum(layer(x).detach().numpy(), 0)
        assert np.array_equal(nn.Sequential(layer, nn.ReLU())(x).detach().numpy(), expected)


def test_an_observer_sees_every_operation(x, bn):
    from minitorch_cnn.autograd.modes import state

    seen = []
    state.observer = lambda node, args, outputs: seen.append(
        (node._function.__name__, outputs[0].array.min() >= 0)
    )
    try:
        F.relu(bn(x) + x)
    finally:
        state.observer = None
    assert [name for name, _ in seen] == ["BatchNorm", "Add", "ReLU"]
    assert [positive for _, positive in seen] == [False, False, True]


def test_anomaly_mode_names_the_operation():
    x = mt.full((2, 3), float("nan"), requires_grad=True)
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight, 1)  # a ReLU of negative numbers hands on no NaN
    with (
        pytest.warns(UserWarning, match="Error detected in"),
        mt.autograd.set_detect_anomaly(True),
        pytest.raises(RuntimeError, match="'ReluBackward0' returned nan"),
    ):
        F.relu(layer(mt.ones(2, 3))).backward(mt.full((2, 2), float("nan")))
    with (
        pytest.warns(UserWarning, match="Error detected in"),
        mt.autograd.set_detect_anomaly(True),
        pytest.raises(RuntimeError, match="AddmmBackward0' returned"),
    ):
        layer(x).sum().backward()


# ------------------------------------------------------------------------------ writing in place


def held(tensor):
    """The same memory by other names, got hold of before anything is put off."""
    return dict(data=tensor.data, detach=tensor.detach(), row=tensor.detach()[:1])


# What is overwritten, and (from `held`) by which name.
WRITES = {
    "zero_": lambda t, old: t.zero_(),
    "fill": lambda t, old: nn.init.constant_(t, 3.0),
    "uniform_": lambda t, old: nn.init.uniform_(t),
    "setitem": lambda t, old: t.__setitem__(0, 7.0),
    "masked": lambda t, old: t.__setitem__(t > -9, 7.0),
    "data": lambda t, old: t.data.fill_(1.0),
    "data = ": lambda t, old: setattr(t, "data", t.data * 3),
    "old data": lambda t, old: old["data"].fill_(1.0),
    "old detached": lambda t, old: old["detach"].mul_(5.0),
    "old row": lambda t, old: old["row"].mul_(5.0),
    "data's data": lambda t, old: old["data"].data.mul_(5.0),
    "view": lambda t, old: t[0].mul_(2.0),
    "relu_": lambda t, old: F.relu_(t),
    "copy_": lambda t, old: t.copy_(mt.ones(())),
    "iadd": lambda t, old: t.__iadd__(1),
    "shared numpy": lambda t, old: t.detach().numpy().fill(1.0),
    "shared interface": lambda t, old: np.asarray(t.detach()).fill(1.0),
    "shared dlpack": lambda t, old: fill_through_dlpack(t),
    "out": lambda t, old: mt.exp(mt.zeros(t.shape, dtype=t.dtype), out=t),
    "step": lambda t, old: step_of_sgd(t),
    "gradient": lambda t, old: accumulate_into(t),
}


def step_of_sgd(t):
    parameter = nn.Parameter(t)
    parameter.grad = mt.ones(*t.shape, dtype=t.dtype)
    mt.optim.SGD([parameter], lr=0.5).step()


def accumulate_into(t):
    leaf = mt.zeros(*t.shape, dtype=t.dtype, requires_grad=True)
    leaf.grad = t
    with mt.enable_grad():
        (leaf * 2).sum().backward()


def fill_through_dlpack(t):
    shared = mt.from_dlpack(t.detach())
    if not getattr(shared.array.flags, "writeable", True):
        pytest.skip("this NumPy (before 2.3) gives arrays out of DLPack that cannot be written to")
    shared.fill_(1.0)


def functions():
    """(function, its tensors), all of which it reads when it is computed."""
    kind = dict(dtype=mt.float64)
    image, more = mt.randn(2, 3, 5, 4, **kind), mt.randn(2, 3, 5, 4, **kind)
    conv_tensors = image, mt.randn(3, 3, 3, 3, **kind), mt.randn(3, **kind)
    norm = nn.BatchNorm2d(3, **kind)
    return {
        "conv": (lambda x, w, b: F.conv2d(x, w, b, padding=1), conv_tensors),
        "norm": (lambda x: norm(x), (image,)),
        "sum": (lambda x, more: norm(x) + more, (image, more)),
        "mask": (lambda gy, y: activation.ReLUBackward.apply(gy, y), (image, more)),
    }


def overwrite_inputs(write, function, tensors, is_late):
    """Overwrites one input after the other, before the result is looked at; if that matters."""
    with mt.no_grad():
        expected, changed = function(*tensors).numpy(), []
        for place in range(len(tensors)):
            own = [each.clone() for each in tensors]
            old = held(own[place])
            y = function(*own)
            assert is_late(y)
            WRITES[write](own[place], old)
            np.testing.assert_array_equal(y.numpy(), expected, err_msg=f"input {place}")
            changed.append(not np.array_equal(function(*own).numpy(), expected))
    return any(changed)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("name", ["conv", "norm", "sum", "mask"])
def test_inputs_may_be_overwritten_afterwards(name, write):
    assert overwrite_inputs(write, *functions()[name], waits)


OUTSIDE = {
    "numpy": lambda t: t.numpy(),
    "data.numpy": lambda t: t.data.numpy(),
    "detach.numpy": lambda t: t.detach().numpy(),
    "view.numpy": lambda t: t[:].numpy(),
    "array interface": np.asarray,
    "dlpack": np.from_dlpack,
    "from_numpy": lambda t: shared(t, mt.from_numpy),
    "as_tensor": lambda t: shared(t, mt.as_tensor),
    "asarray": lambda t: shared(t, mt.asarray),
    "from_dlpack": lambda t: shared(t, mt.from_dlpack),
    "default_convert": lambda t: shared(t, mt.utils.data.default_convert),
}


def shared(t, function):
    """Lets t have the memory of a NumPy array, and returns that."""
    array = t.array.copy()
    t.data = function(array)
    return array


def overwrite_outside(way, function, tensors):
    """Nothing can see a write to a NumPy array: what reads its memory is computed at once."""
    with mt.no_grad():
        expected = function(*tensors).numpy().copy()
        for place in range(len(tensors)):
            own = [each.clone() for each in tensors]
            array = OUTSIDE[way](own[place])
            y = function(*own)
            array = array if array.flags.writeable else own[place].array  # DLPack of old NumPy
            array[...] = 5
            np.testing.assert_array_equal(y.numpy(), expected, err_msg=f"input {place}")


@pytest.mark.parametrize("way", OUTSIDE)
@pytest.mark.parametrize("name", ["conv", "norm", "sum", "mask"])
def test_arrays_outside_may_be_overwritten_at_any_time(name, way):
    overwrite_outside(way, *functions()[name])


def test_a_training_step_in_between():
    net, x = nn.Conv2d(3, 2, 1), mt.randn(4, 3, 1, 1)
    optimizer = mt.optim.SGD(net.parameters(), lr=1.0)
    with mt.no_grad():
        before = net(x)
        assert waits(before)
        weight = np.array(net.weight.flatten(1).tolist())
        expected = np.array(x.flatten(1).tolist()) @ weight.T + net.bias.tolist()
    net(x).square().sum().backward()
    optimizer.step()
    np.testing.assert_allclose(before.flatten(1).numpy(), expected, rtol=1e-5)


def test_running_statistics_may_move_on(x, bn):
    bn.eval()
    y = bn(x)
    expected = x.detach().numpy() / np.sqrt(1 + 1e-5)
    bn.train()
    bn(x + 1)
    bn.weight.data.fill_(9.0)
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-10)


def test_overwriting_what_backward_needs_is_still_found_out(bn):
    leaf = mt.randn(4, 3, 5, 6, dtype=mt.float64, requires_grad=True)
    x = leaf * 1
    z = F.relu(bn(x))
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    x = leaf * 1
    z = F.relu(bn(x), inplace=True)
    z.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
    weight = mt.randn(2, 3, 1, 1, dtype=mt.float64, requires_grad=True)
    z = F.relu(F.conv2d(leaf * 1, weight))
    with mt.no_grad():
        weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_writing_into_the_result(x, bn):
    base = norm_of(x)
    for change, expected in (
        (lambda y: y.mul_(2), 2 * base),
        (lambda y: y.__setitem__(0, 1.0), np.concatenate([np.ones_like(base[:1]), base[1:]])),
        (lambda y: y.add_(1.0), base + 1),
        (lambda y: y.zero_(), 0 * base),
        (lambda y: y[1:].relu_(), np.concatenate([base[:1], np.maximum(base[1:], 0)])),
    ):
        y = bn(x)
        change(y)
        np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-10)


# --------------------------------------------------------------------------- recorded or not


def test_detached_and_unrecorded_results_stay_so(x, bn):
    with mt.no_grad():
        y = bn(x)
    assert not F.relu(y).requires_grad
    assert not F.relu(bn(x).detach()).requires_grad
    y = bn(x)
    with mt.no_grad():
        assert not F.relu(y).requires_grad
    assert F.relu(y).requires_grad
    y = bn(x)
    y.detach_()
    assert not F.relu(y).requires_grad
    with mt.inference_mode():
        y = bn(x)
        assert y.is_inference() and F.relu(y).is_inference()


def test_written_without_recording_it_keeps_its_history(x, bn):
    y = bn(x)
    node = y.grad_fn
    with mt.no_grad():
        F.relu(y, inplace=True)
    assert y.requires_grad and y.grad_fn is node
    np.testing.assert_allclose(y.detach().numpy(), np.maximum(norm_of(x), 0), atol=1e-10)


def test_other_shapes_and_dtypes_are_added_as_usual(x, bn):
    y = bn(x) + mt.ones(6, dtype=mt.float64)
    np.testing.assert_allclose(y.detach().numpy(), norm_of(x) + 1, atol=1e-10)
    y = bn(x) + mt.ones(4, 3, 5, 6)
    assert y.dtype is mt.float64
    z = bn(x)
    z += 1
    np.testing.assert_allclose(z.detach().numpy(), norm_of(x) + 1, atol=1e-10)
    with pytest.raises(RuntimeError, match="must match"):
        bn(x) + mt.ones(5, dtype=mt.float64)


def test_checkpointed_parts(x, bn):
    net = nn.Sequential(nn.Conv2d(3, 3, 1, dtype=mt.float64), bn, nn.ReLU())
    expected = mt.autograd.grad(net(x).square().sum(), x)[0]
    y = mt.utils.checkpoint.checkpoint(net, x, use_reentrant=False)
    gx = mt.autograd.grad(y.square().sum(), x)[0]
    np.testing.assert_allclose(gx.numpy(), expected.numpy(), atol=1e-11)


# ----------------------------------------------------------------- which kernels, when, how long


def test_arguments_are_checked_at_the_call():
    with pytest.raises(RuntimeError, match="channels"):
        F.conv2d(mt.ones(1, 2, 4, 4), mt.ones(3, 3, 3, 3))
    with pytest.raises(RuntimeError, match="greater than actual input size"):
        F.conv2d(mt.ones(1, 3, 2, 2), mt.ones(3, 3, 3, 3))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        F.linear(mt.ones(2, 3), mt.ones(2, 4))
    with pytest.raises(RuntimeError, match="same dtype"):
        F.linear(mt.ones(2, 3), mt.ones(2, 3, dtype=mt.float64))


def test_a_result_is_computed_by_the_kernels_of_its_call():
    layer, x = nn.Conv2d(16, 16, 3, padding=1), mt.randn(2, 16, 8, 8)
    with mt.no_grad():
        y = layer(x)
        with mt.conv_algorithm("direct"):
            assert not waits(y)
            z = layer(x)
            assert waits(z)
        assert not waits(z) and mt.last_conv().algorithm == "direct"
        y = layer(x)
        with mt.kernel_tier("array"):
            assert not waits(y)
            z = layer(x)
        assert not waits(z)
        with mt.conv_algorithm("im2col"):
            layer(x).array  # noqa: B018
        with mt.conv_algorithm("direct"):
            y = layer(x)
            assert mt.last_conv().algorithm == "direct" and not waits(y)
        with mt.conv_algorithm("im2col"):
            layer(x)  # and dropped
        assert mt.last_conv().algorithm == "im2col"
        F.relu(layer(x))
        assert mt.last_conv().reason != "forced"


def test_nothing_is_kept_alive_longer_than_needed():
    layer = nn.Conv2d(2, 3, 3)
    waiting = len(deferred.waiting)
    for program in (
        lambda x: F.linear(x, mt.ones(2, 5)),
        lambda x: layer(x).array,
        lambda x: F.relu(layer(x)).sum().backward(),
        lambda x: F.relu(layer(x)),
        lambda x: F.relu(F.batch_norm(x, None, None, training=True) + x).sum().backward(),
    ):
        x = mt.randn(2, 2, 5, 5, requires_grad=True)
        array = weakref.ref(x.array)
        program(x)
        del x
        assert array() is None and len(deferred.waiting) == waiting
    # computed, it lets go of its input; so does a result of it that is used
    with mt.no_grad():
        for use in (
            lambda y: y.array,
            lambda y: F.relu_(y),
            lambda y: y.add_(1),
            lambda y: deferred.settle(),
        ):
            x = mt.randn(2, 2, 5, 5)
            array, y = weakref.ref(x.array), layer(x)
            del x
            assert array() is not None and waits(y)
            use(y)
            assert array() is None
            del y
            assert len(deferred.waiting) == waiting


def test_dropping_the_loss_frees_the_graph():
    gc.disable()
    try:
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
        x = mt.randn(2, 2, 5, 5)
        array, loss = weakref.ref(x.array), net(x).sum()
        node = weakref.ref(loss.grad_fn)
        del x
        assert array() is not None
        del loss
        assert array() is None and node() is None
    finally:
        gc.enable()


def test_two_threads_get_the_same_array():
    layer, x = nn.Conv2d(8, 8, 3), mt.randn(4, 8, 16, 16)
    for _ in range(20):
        with mt.no_grad():
            y, arrays = layer(x), []
        start = threading.Barrier(4)

        def look(y=y, arrays=arrays, start=start):
            start.wait()
            arrays.append(y.array)

        threads = [threading.Thread(target=look) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(arrays) == 4 and len({id(each) for each in arrays}) == 1


def test_settling_leaves_other_threads_alone():
    layer, x = nn.Conv2d(3, 2, 1), mt.ones(1, 3, 1, 1)
    results = []
    thread = threading.Thread(target=lambda: results.append(layer(x)))
    thread.start()
    thread.join()
    own = layer(x)
    deferred.settle()
    assert waits(results[0]) and not waits(own)
    with mt.no_grad():  # but a write is everybody's business
        layer.weight.zero_()
    assert not waits(results[0])
    np.testing.assert_array_equal(results[0].detach().numpy(), own.detach().numpy())


def test_nan_stays_and_negative_zero_is_no_matter():
    layer = nn.Conv2d(1, 1, 1)
    nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    x = mt.tensor([[[[-1.0, float("nan"), 2.0, -float("inf"), float("inf")]]]])
    y = nn.Sequential(layer, nn.ReLU())(x).detach().numpy().ravel()
    assert np.array_equal(y, [0, np.nan, 2, 0, np.inf], equal_nan=True)


# ----------------------------------------------------------------------- kernels that run ahead
#
# Here a kernel is not run before somebody waits for it: the workers sleep, and this thread takes
# up what is left when it waits. (With MINITORCH_CNN_CHECK it is so in all tests.)


@pytest.fixture
def nobody_works(monkeypatch, request):
    if request.config.getoption("--backend") != "numpy":
        pytest.skip("only kernels for the CPU run ahead; a GPU has its own queue")
    threads = pytest.importorskip("minitorch_cnn.kernels.cpu.jit.threads", reason="needs Numba")
    from minitorch_cnn.kernels.cpu.jit import calls, guard

    if guard.WANTED:
        yield
        return
    before = threads.get_num_threads()
    threads.set_num_threads(2)
    threads.run(threads.kernel(nothing), np.zeros(1))
    boxes = range(0, len(threads._workers) * calls.BOX // 8, calls.BOX // 8)
    while any(threads._words[box] != calls.ASLEEP for box in boxes):
        time.sleep(0.001)
    monkeypatch.setattr(threads, "_wake_workers", lambda count: None)
    yield
    ahead.wait()
    threads.set_num_threads(before)


def nothing(part, parts, x):
    pass


def runs(tensor):
    try:
        type(tensor).array.__get__(tensor)
    except AttributeError:
        return not waits(tensor)
    return False


def ahead_functions():
    """(function, its tensors): operations that leave their kernels to the workers."""
    image, more, small = mt.randn(2, 3, 6, 4), mt.randn(2, 3, 6, 4), mt.randn(2, 3, 3, 2)
    rows, matrix, bias = mt.randn(5, 4), mt.randn(3, 4), mt.randn(3)
    large, by_pixels = mt.randn(2, 3, 60, 60), image.contiguous(memory_format=mt.channels_last)
    many_channels = mt.randn(2, 32, 20, 20).to(memory_format=mt.channels_last)
    geometry = conv_geometry(padding=1, kernel_size=(3, 3))
    position = mt.zeros(2, 3, 3, 2, dtype=mt.uint8)
    return {
        "input gradient": (
            lambda gy, w: conv.Conv2dInputGrad.apply(gy, w, (6, 4), geometry),
            (image, mt.randn(3, 3, 3, 3)),
        ),
        "weight gradient": (
            lambda x, gy: conv.Conv2dWeightGrad.apply(x, gy, (3, 3), geometry),
            (image, more),
        ),
        "channel sum": (conv.ChannelSum.apply, (image,)),
        "max pool": (lambda x: F.max_pool2d(x, 2), (by_pixels,)),
        "scatter": (
            lambda gy: started(pool.MaxPoolScatter.apply(gy, position, (6, 4), POOL)),
            (small,),
        ),
        "average pool": (lambda x: F.avg_pool2d(x, 2), (by_pixels,)),
        "linear": (F.linear, (rows, matrix, bias)),
        "product": (lambda a, b: a @ b, (rows, matrix.T.contiguous())),
        "transposed": (lambda a, b: a @ b.T, (rows, matrix)),
        "turned weights": (
            lambda x, w: started(F.conv2d(x, F.relu(w).transpose(0, 1))),
            (image, mt.randn(3, 3, 3, 3)),
        ),
        "linear's weight": (linear.LinearWeightGrad.apply, (mt.randn(5, 3), rows)),
        "sum": (lambda a, b: a + b, (large, mt.randn(2, 3, 60, 60))),
        "sum of parts": (
            lambda a, b: a[:, 8:] + b[:, :24],
            (many_channels, mt.randn(2, 32, 20, 20).to(memory_format=mt.channels_last)),
        ),
        "cat": (
            lambda *parts: mt.cat([each[:, 8:] for each in parts], 1),
            (many_channels, mt.randn(2, 32, 20, 20).to(memory_format=mt.channels_last)),
        ),
        "convolution of a part": (
            lambda x, w: started(F.conv2d(x[:, 8:], w)),
            (many_channels, mt.randn(3, 24, 3, 3)),
        ),
        "relu": (F.relu, (image,)),
        "views": (lambda x: F.relu(x).flatten(1)[:, 2:].detach(), (image,)),
        "flatten": (lambda x: started(x.permute(0, 2, 3, 1).flatten(1)), (image,)),
        "few filters": (
            lambda x, w, b: started(F.conv2d(x, w, b)),
            (image, mt.randn(2, 3, 2, 2), mt.randn(2)),
        ),
        "weight gradient of few filters": (
            lambda x, gy: conv.Conv2dWeightGrad.apply(x, gy, (3, 3), geometry),
            (image, mt.randn(2, 2, 6, 4)),
        ),
        "statistics": (lambda x: F.batch_norm(x, None, None, training=True), (image,)),
    }


def started(tensor):
    assert tensor.arriving.size
    return tensor


POOL = PoolGeometry((2, 2), (2, 2), (0, 0), (1, 1), (3, 2))
AHEAD = list(ahead_functions())


@pytest.mark.parametrize("name", AHEAD)
def test_results_wait_for_their_kernels(name, nobody_works):
    function, tensors = ahead_functions()[name]
    function(*tensors)  # compiled from here on
    with mt.kernel_tier("array"):
        expected = function(*tensors).numpy()
    shape, kind = expected.shape, tensors[0].dtype
    for look in LOOKS_AT_NUMBERS:
        with mt.no_grad():
            y = function(*tensors)
        assert (y.shape, y.dtype) == (shape, kind) and ahead.unfinished, name
        found = np.asarray(LOOKS_AT_NUMBERS[look](y), np.float32).reshape(shape)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=look)


LOOKS_AT_NUMBERS = {
    "numpy": lambda y: y.numpy(),
    "array": lambda y: y.array,
    "interface": np.asarray,
    "dlpack": np.from_dlpack,
    "list": lambda y: y.tolist(),
    "items": lambda y: [each.item() for each in y.flatten()],
    "arithmetic": lambda y: (y * 1).numpy(),
    "view": lambda y: y[:].numpy(),
    "reshaped": lambda y: y.reshape(-1).numpy(),
    "detached": lambda y: y.detach().numpy(),
    "data": lambda y: y.data.numpy(),
    "copy": lambda y: copy.deepcopy(y).numpy(),
    "clone": lambda y: y.clone().numpy(),
    "pickle": lambda y: pickle.loads(pickle.dumps(y)).numpy(),
    "storage": lambda y: y.contiguous().untyped_storage().tolist() and y.contiguous().numpy(),
    "double": lambda y: y.double().numpy(),
    "out": lambda y: mt.add(y, 0, out=mt.empty(0)).numpy(),
    "in place": lambda y: y.add_(0).numpy(),
    "parameter": lambda y: nn.Parameter(y).detach().numpy(),
    "other kernels": lambda y: F.relu(y).numpy() - F.relu(-y).numpy(),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("name", AHEAD)
def test_inputs_may_be_overwritten_while_kernels_run(name, write, nobody_works):
    changed = overwrite_inputs(write, *ahead_functions()[name], lambda y: ahead.unfinished)
    assert changed or (name in ("relu", "views") and write == "relu_")


@pytest.mark.parametrize("way", OUTSIDE)
@pytest.mark.parametrize("name", AHEAD)
def test_arrays_outside_may_be_overwritten_while_kernels_run(name, way, nobody_works):
    overwrite_outside(way, *ahead_functions()[name])


def steps_of_a_network(count):
    mt.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = mt.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x, t = mt.randn(4, 3, 12, 12), mt.tensor([1, 2, 3, 4])
    for _ in range(count):
        optimizer.zero_grad()
        F.cross_entropy(net(x), t).backward()
        optimizer.step()
    return [each.tolist() for each in net.state_dict().values()]


def test_training_comes_out_the_same_to_the_bit(nobody_works, monkeypatch):
    late = steps_of_a_network(3)
    monkeypatch.setattr(ahead, "start", ahead.completed)
    monkeypatch.setattr("minitorch_cnn.autograd.function.may_run_ahead", lambda *args: False)
    monkeypatch.setattr(batch_norm, "may_run_ahead", lambda *args: False)
    assert steps_of_a_network(3) == late


@pytest.mark.parametrize("alias", ["none", "detach", "data", "view", "state_dict", "numpy"])
def test_running_statistics_seen_by_another_name(alias, nobody_works):
    norm, x = nn.BatchNorm2d(3), mt.randn(2, 3, 6, 4) + 5
    nn.BatchNorm2d(3)(x)  # compiled from here on
    other = {
        "none": lambda t: t,
        "detach": lambda t: t.detach(),
        "data": lambda t: t.data,
        "view": lambda t: t[:],
        "state_dict": lambda t: norm.state_dict()["running_mean"],
        "numpy": lambda t: t.numpy(),
    }[alias](norm.running_mean)
    norm(x)
    looked = other.array if isinstance(other, mt.Tensor) else other
    mean = np.array(x.tolist()).mean((0, 2, 3))
    np.testing.assert_allclose(looked, 0.1 * mean, rtol=1e-5)


# ------------------------------------------------- what an attack on the mechanism has found


def test_kernels_that_cannot_take_what_is_running_wait_for_it(nobody_works):
    """Also where an operation is not run ahead because somebody could write to another operand."""
    gy = mt.from_numpy(np.ones((2, 5, 5, 8), np.float32)).permute(0, 3, 1, 2)
    for kind in ("input", "weight"):
        x = mt.randn(2, 8, 5, 5, requires_grad=True)
        w = mt.randn(8, 1, 3, 3, requires_grad=True)
        found = []
        for relu in (F.relu, lambda t: t.clamp(min=0)):
            other = (relu(x), w) if kind == "weight" else (x, relu(w))
            y = F.conv2d(*other, padding=1, groups=8)
            found.append(mt.autograd.grad(y, (x, w), gy))
        for ours, expected in zip(*found, strict=True):
            np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


def test_what_is_added_up_after_kernels_waits_for_them(nobody_works):
    """A weight of few filters stands in several places of the matrix that is multiplied."""
    x, gy = mt.randn(2, 1, 28, 28), mt.randn(2, 6, 28, 28)
    geometry = conv_geometry(padding=2, kernel_size=(5, 5))
    found = []
    for choice in ("auto", "auto", "array"):  # the first time it is compiled
        with mt.kernel_tier(choice):
            found.append(conv.Conv2dWeightGrad.apply(x, F.relu(gy), (5, 5), geometry).array)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-4, atol=1e-3)


def test_the_gradient_of_a_norm_in_evaluation_reads_the_mean_at_once(nobody_works):
    mean, var, w = mt.randn(3), mt.ones(3), mt.ones(3, requires_grad=True)
    x, array = mt.randn(4, 3, 5, 5), mean.numpy()
    expected = (np.array(x.tolist()) - array[:, None, None]).sum((0, 2, 3)) / np.sqrt(1 + 1e-5)
    for _ in range(2):  # the first time it is compiled
        y = F.batch_norm(x, mean, var, w, None, False)
        (found,) = mt.autograd.grad(y, w, mt.ones_like(y))
    array[...] = 1000
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-3)


def test_memory_is_shared_also_after_a_change_of_shape_in_place(nobody_works):
    w = mt.eye(4)
    for turn in (lambda x: x.unsqueeze_(0), lambda x: x.t_(), lambda x: x.swapaxes_(0, 1)):
        for first in (True, False):
            x = mt.arange(16.0).reshape(4, 4).clone()
            old = x.detach()
            turn(x)
            array = (x if first else old).numpy()
            y = (old if first else x) @ w
            expected = (old if first else x).numpy().copy()
            array[...] = 7
            np.testing.assert_array_equal(y.numpy(), expected)
    running_mean = mt.zeros(3)
    old = running_mean.detach()
    running_mean.unsqueeze_(0).squeeze_(0)
    F.batch_norm(mt.ones(2, 3, 4, 4), running_mean, mt.ones(3), None, None, True)
    np.testing.assert_allclose(old.array, 0.1, rtol=1e-6)


def test_memory_that_data_was_is_shared_still(nobody_works):
    array, x = np.eye(4, dtype=np.float32), mt.arange(16.0).reshape(4, 4)
    w = mt.zeros(4, 4)
    w.data = mt.from_numpy(array)
    old = w.detach()
    w.data = mt.zeros(4, 4)
    y = x @ old
    array[...] = 1000
    np.testing.assert_array_equal(y.numpy(), x.numpy())


def test_the_arrays_of_data_that_nobody_has_are_forgotten():
    """`p.data = ...` in each step of a training must not make the parameter heavier."""
    p = mt.ones(3)
    for _ in range(50):
        p.data = p.data - 0.1
    assert len(p._memory.behind) <= 3


def test_pickles_with_buffers_of_their_own(nobody_works):
    w, x, buffers = mt.eye(4), mt.arange(16.0).reshape(4, 4), []
    data = pickle.dumps(w, protocol=5, buffer_callback=buffers.append)
    y = x @ w
    np.frombuffer(buffers[0].raw(), np.float32)[...] = 9
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    memory = bytearray(np.eye(4, dtype=np.float32).tobytes())
    w = pickle.loads(data, buffers=[memory])
    y = x @ w
    memory[:] = bytes(len(memory))
    np.testing.assert_array_equal(y.numpy(), x.numpy())


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_two_parts_of_one_memory_remain_so_in_a_pickle(protocol):
    x = mt.zeros(3, 4)
    whole, row = pickle.loads(pickle.dumps((x, x[0]), protocol=protocol))
    row.fill_(7)
    assert whole.tolist() == [[7] * 4, [0] * 4, [0] * 4]


def test_an_interrupt_before_a_forward_leaves_gradients_on(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("minitorch_cnn.autograd.function.may_run_ahead", interrupted)
    with pytest.raises(KeyboardInterrupt):
        F.relu(mt.ones(3))
    assert mt.is_grad_enabled() and not ahead.mode.on


def test_a_kernel_may_be_run_while_another_one_is_being_started(nobody_works, monkeypatch):
    """By a signal's handler, or by a finalizer: between two lines of `threads.run`."""
    threads = pytest.importorskip("minitorch_cnn.kernels.cpu.jit.threads", reason="needs Numba")
    x, inside, plain = mt.eye(3), [], threads._wake_workers

    def reentrant(count):
        if not inside:
            inside.append(None)
            inside[0] = mt.ones(2, 3) @ mt.ones(3, 2)
        plain(count)

    monkeypatch.setattr(threads, "_wake_workers", reentrant)
    y = x @ mt.arange(9.0).reshape(3, 3)
    assert y.flatten().tolist() == list(range(9))
    if inside:  # between guard zones nobody is woken
        assert inside[0].tolist() == [[3, 3], [3, 3]]


def test_what_a_kernel_needs_stays_until_it_has_run(nobody_works):
    expected = (np.arange(12.0).reshape(4, 3) @ np.ones((3, 2))).tolist()
    y = mt.arange(12.0).reshape(4, 3) @ mt.ones(3, 2)
    assert runs(y)
    gc.collect()
    for _ in range(50):  # where the operands would lie if they were free
        np.full(12, np.nan, np.float32), np.full((3, 2), np.nan, np.float32), mt.full((4, 3), 9.0)
    assert y.tolist() == expected


def test_more_calls_than_the_queue_is_long(nobody_works):
    x = mt.eye(3)
    for _ in range(100):
        x = x @ mt.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert x.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def _sum_in_child(y, queue):
    queue.put(float(y.sum()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_process_has_what_was_running(nobody_works):
    y = F.relu(mt.ones(64, 64))
    y = F.relu(mt.ones(64, 64))
    assert runs(y)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_sum_in_child, args=(y, queue))
    child.start()
    assert queue.get(timeout=60) == 4096
    child.join()


def test_buffers_can_be_given_back_at_any_time(nobody_works):
    y = F.relu(mt.randn(64, 64, 64))
    assert runs(y)
    release()
    assert not ahead.unfinished and float(y.min()) == 0


@pytest.mark.parametrize("seen_by", ["observer", "profiler"])
def test_who_takes_the_time_is_waited_for(seen_by, nobody_works, monkeypatch):
    if seen_by == "observer":
        monkeypatch.setattr(state, "observer", lambda node, args, outputs: None)
        assert not runs(F.relu(mt.randn(5)))
        assert not ahead.unfinished
        return
    with mt.profiler.profile():
        F.relu(mt.randn(5))
        assert not ahead.unfinished


def test_threads_of_python_wait_for_each_other(nobody_works):
    def work():
        x = mt.eye(3)
        for _ in range(30):
            x = x @ mt.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
        results.append(x.tolist() == np.eye(3).tolist())

    results = []
    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [True] * 4
