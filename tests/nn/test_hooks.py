"""Forward hooks that are always called, hooks of all modules, and the old backward hook."""

from typing import NamedTuple

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn


def test_a_hook_that_is_always_called_sees_failures_too():
    seen = []

    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("broken")

    def failing(*args):
        raise ZeroDivisionError

    module = Failing()
    module.register_forward_hook(lambda m, args, y: seen.append(y), always_call=True)
    module.register_forward_hook(failing, always_call=True)
    module.register_forward_hook(lambda m, args, y: seen.append("not this one"))
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="broken"):
        module(mt.ones(1))
    assert seen == [None]

    seen, layer = [], nn.ReLU()
    layer.register_forward_hook(
        lambda m, a, k, y: seen.append(("first", k)), always_call=True, with_kwargs=True
    )
    layer.register_forward_hook(failing)
    layer.register_forward_hook(lambda m, a, y: seen.append(y.item()), always_call=True)
    with pytest.raises(ZeroDivisionError):
        layer(mt.ones(1))
    assert seen == [("first", {}), 1.0]  # each once


def test_hooks_of_all_modules():
    from minitorch_cnn.nn.modules import module as where

    seen = []

    def note(what):
        return lambda module, *rest: seen.append((what, type(module).__name__, len(rest)))

    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net[1].register_forward_hook(note("own"))
    handles = [
        where.register_module_forward_pre_hook(note("pre")),
        where.register_module_forward_hook(note("forward")),
        where.register_module_full_backward_pre_hook(note("backward pre")),
        where.register_module_full_backward_hook(note("backward")),
    ]
    try:
        net(mt.ones(1, 2, requires_grad=True)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    outside_in = ["Sequential", "Linear", "ReLU"]
    assert [name for what, name, _ in seen if what == "pre"] == outside_in
    assert [name for what, name, _ in seen if what == "backward pre"] == [
        "Sequential",
        "ReLU",
        "Linear",
    ]
    assert sorted(name for what, name, count in seen if what == "backward" and count == 2) == [
        "Linear",
        "ReLU",
        "Sequential",
    ]
    assert seen.index(("forward", "ReLU", 2)) < seen.index(("own", "ReLU", 2))
    seen.clear()
    net(mt.ones(1, 2))
    assert seen == [("own", "ReLU", 2)]


def test_the_old_backward_hook_replaces_the_gradient_of_a_layer_in_place():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True))
    net[1].register_backward_hook(lambda module, gx, gy: (gx[0] * 2,))
    x = mt.tensor([[3.0]], requires_grad=True)
    nn.init.constant_(net[0].weight, 5.0)
    net(x).sum().backward()
    assert x.grad.item() == 10 and net[0].weight.grad.item() == 6


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_the_registries_hold_the_hooks_themselves(name):
    """Copies of spectral_norm and the like look for their own hook among them."""
    lib = pytest.importorskip(name)
    layer = lib.nn.Linear(1, 1)

    def hook(*args):
        return None

    handles = [
        layer.register_forward_pre_hook(hook),
        layer.register_forward_pre_hook(hook, with_kwargs=True),
        layer.register_forward_hook(hook),
        layer.register_forward_hook(hook, with_kwargs=True, always_call=True),
    ]
    assert list(layer._forward_pre_hooks.values()) == [hook, hook]
    assert list(layer._forward_hooks.values()) == [hook, hook]
    flags = (
        layer._forward_pre_hooks_with_kwargs,
        layer._forward_hooks_with_kwargs,
        layer._forward_hooks_always_called,
    )
    assert [list(each) for each in flags] == [[handles[k].id] for k in (1, 3, 3)]
    for handle in handles:
        handle.remove()
    assert not any(flags) and not layer._forward_hooks


class Pair(NamedTuple):
    a: object
    b: object


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_backward_hooks_keep_named_tuples(name):
    lib = pytest.importorskip(name)

    class Two(lib.nn.Module):
        def forward(self, x):
            return Pair(x * 2, x * 3)

    module, seen = Two(), []
    module.register_full_backward_hook(lambda m, gx, gy: seen.append(len(gy)))
    out = module(lib.ones(1, requires_grad=True))
    assert type(out) is Pair
    out.b.sum().backward()
    assert seen == [2]


def test_what_a_module_is_given_goes_through_hooks_of_all_modules():
    seen = []
    double = mt.nn.Parameter(mt.full((2, 2), 2.0))

    def note(module, name, value):
        seen.append((type(module).__name__, name))
        return double if name == "weight" else None

    from minitorch_cnn.nn.modules import module as home

    handles = [
        home.register_module_parameter_registration_hook(note),
        home.register_module_buffer_registration_hook(note),
        home.register_module_module_registration_hook(note),
    ]
    net = mt.nn.Sequential(mt.nn.Linear(2, 2))
    net.register_buffer("mean", mt.ones(1))
    net.last = mt.nn.ReLU()
    assert seen == [
        ("Linear", "weight"),
        ("Linear", "bias"),
        ("Sequential", "0"),
        ("Sequential", "mean"),
        ("Sequential", "last"),
    ]
    assert net[0].weight is double and handles[0].id in handles[0].hooks_dict_ref()
    for each in handles:
        each.remove()
    mt.nn.Linear(2, 2)
    assert len(seen) == 5


def test_gradients_from_a_backward_hook_where_no_input_needs_one_are_refused():
    layer = mt.nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda module, gx, gy: mt.ones(2, 2))
    with pytest.raises(RuntimeError, match="where no input requires gradient"):
        layer(mt.ones(2, 2)).sum().backward()


def test_a_second_derivative_is_no_backward_of_the_module():
    """It comes to the input by the saved input, and not through the module's output."""
    x, y = mt.rand(3, requires_grad=True), mt.rand(3)
    loss, calls = mt.nn.MSELoss(), []
    loss.register_full_backward_hook(lambda module, gx, gy: calls.append(gy))
    (gradient,) = mt.autograd.grad(loss(x, y), x, create_graph=True)
    assert len(calls) == 1
    (second,) = mt.autograd.grad(gradient.sum(), x)
    np.testing.assert_allclose(second.tolist(), [2 / 3] * 3, rtol=1e-6)
    assert len(calls) == 1


def test_backward_hooks_of_what_returns_no_tensor_warn():
    class Named(nn.Module):
        def forward(self, x):
            return {"x": x * 2}

    module, calls = Named(), []
    module.register_full_backward_hook(lambda *args: calls.append(args))
    x = mt.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple of Tensors but received"):
        y = module(x)["x"]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
