"""checkpoint: the same results, gradients and random numbers as without it."""

import contextlib
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.explain.tape import saved_arrays
from minitorch_cnn.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    get_device_states,
    set_checkpoint_early_stop,
    set_device_states,
)


def block(channels):
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Dropout(0.5),
    ).double()


def gradients(forward, parts, x):
    """The output and all gradients, and a random number drawn after backward."""
    mt.manual_seed(5)
    x = x.clone().requires_grad_()
    y = forward(x)
    weights = mt.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    (y * weights).sum().backward()
    found = [x.grad, *(p.grad for part in parts for p in part.parameters())]
    for part in parts:
        part.zero_grad()
    return [each.numpy() for each in (y.detach(), *found, mt.rand(2))]


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_as_without_it(use_reentrant):
    first, second = block(3), block(3)
    x = mt.randn(2, 3, 5, 4, dtype=mt.float64)

    def thrifty(x):
        y = checkpoint(first, x * 2, use_reentrant=use_reentrant)
        y = checkpoint(second, y, use_reentrant=use_reentrant)
        return checkpoint(first, y, use_reentrant=use_reentrant).relu()  # first's weights again

    plain = gradients(lambda x: first(second(first(x * 2))).relu(), (first, second), x)
    for mine, theirs in zip(gradients(thrifty, (first, second), x), plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


def reentrant(library):
    """What torch's older way does otherwise: (values, gradients, warnings and errors)."""
    checkpoint = library.utils.checkpoint.checkpoint
    w = library.tensor([2.0, 3.0], requires_grad=True)
    calls, told, found = [], [], []

    def double(x, scale=2.0):
        calls.append(library.is_grad_enabled())
        return (x * w).sin() * scale, "text", x.argmax()

    def tell(run, kind=RuntimeError):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                run()
            except kind as error:
                told.append(str(error)[:70])
            told.extend(str(each.message)[:60] for each in caught)

    x = library.tensor([0.5, -1.0], requires_grad=True)
    y, text, place = checkpoint(double, x * 1, 3.0, use_reentrant=True)
    found += [y.requires_grad, text, place.item()]
    y.sum().backward()
    found += [y.tolist(), x.grad.tolist(), w.grad.tolist(), [*calls]]
    plain = x.detach()
    tell(lambda: found.append(checkpoint(double, plain, use_reentrant=True)[0].requires_grad))
    tell(lambda: checkpoint(double, x, scale=2.0, use_reentrant=True), ValueError)
    y = checkpoint(double, x, use_reentrant=True)[0].sum()
    tell(lambda: library.autograd.grad(y, x))
    tell(lambda: y.backward(inputs=[x]))
    tell(lambda: checkpoint(lambda x: x.detach(), x, use_reentrant=True).sum().backward())

    def nested(x):
        return checkpoint(lambda x: x * w, x * x, use_reentrant=True)

    w.grad = x.grad = None
    tell(lambda: checkpoint(nested, x * 1, use_reentrant=True).sum().backward())
    return [*found, x.grad.tolist(), w.grad.tolist()], told


def test_the_older_way():
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        assert checkpoint(lambda x: x * mt.ones(1), mt.ones(1, requires_grad=True)).requires_grad
    found, told = reentrant(mt)
    x, w = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    cosine = 3 * np.cos(x * w)
    expected = [True, "text", 0, 3 * np.sin(x * w), cosine * w, cosine * x, [False, True], False]
    for mine, number in zip(found, [*expected, 2 * x * w, x * x], strict=True):
        assert mine == pytest.approx(number, rel=1e-5) if np.ndim(number) else mine == number
    words = ["None of the inputs have", "Unexpected keyword", *["When use_reentrant=True"] * 2]
    words += ["none of output has requires_grad", "None of the inputs have"]
    assert [each[: len(word)] for each, word in zip(told, words, strict=True)] == words


def test_the_older_way_as_torchs():
    torch = pytest.importorskip("torch")
    (found, told), (theirs, tells) = reentrant(mt), reentrant(torch)
    assert told == tells
    for mine, other in zip(found, theirs, strict=True):
        assert mine == (pytest.approx(other, rel=1e-5) if isinstance(other, list) else other)


def test_as_torchs():
    torch = pytest.importorskip("torch")
    from torch.utils.checkpoint import checkpoint as theirs

    def both(a, b, scale):
        return (a * b).exp() * scale, a.argmax(), b.sum() + a.sum()

    values = np.linspace(-1, 1, 6).reshape(2, 3), np.linspace(1, 2, 3)
    grads = []
    for library, function in ((mt, checkpoint), (torch, theirs)):
        a, b = (library.tensor(each, requires_grad=True) for each in values)
        y, place, total = function(both, a, b, scale=3.0, use_reentrant=False)
        assert not place.requires_grad
        (y.sum() * total).backward()
        grads.append((y.detach().numpy(), a.grad.numpy(), b.grad.numpy()))
    for mine, other in zip(*grads, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_values_in_between_are_not_kept():
    calls = []

    def counted(x):
        calls.append(x.requires_grad)
        return x.exp().sin()

    x = mt.ones(3, requires_grad=True)
    y = checkpoint(counted, x, use_reentrant=False)
    nodes = [y.grad_fn, y.grad_fn.next_functions[0][0]]
    assert not any(saved_arrays(node) for node in nodes)  # of exp and sin
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert calls == [True] * 3
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos(np.exp(1)) * np.exp(1) * np.ones(3), 1e-5)
    with mt.no_grad():
        assert not checkpoint(counted, x, use_reentrant=False).requires_grad and len(calls) == 4


def test_the_second_call_ends_with_the_last_value_that_is_needed():
    calls = []

    def counted(x):
        y = x.exp().sin()  # sin saves its input
        calls.append("end")
        return y + 1

    x = mt.ones(3, requires_grad=True)
    checkpoint(counted, x, use_reentrant=False).sum().backward()
    assert calls == ["end"]
    with set_checkpoint_early_stop(False):
        y = checkpoint(counted, x, use_reentrant=False)
    y.sum().backward()
    assert calls == ["end"] * 3


def test_gradients_of_gradients():
    x = mt.linspace(0.5, 2, 3, dtype=mt.float64).requires_grad_()
    hidden = x.exp()
    y = checkpoint(
        lambda x, scale: {"y": (x.sin() * hidden, scale)}, x, scale=2, use_reentrant=False
    )
    (gx,) = mt.autograd.grad(y["y"][0].sum(), x, create_graph=True)
    (gxx,) = mt.autograd.grad(gx.sum(), x)
    e, s, c = (f(x.detach().numpy()) for f in (np.exp, np.sin, np.cos))
    np.testing.assert_allclose(gx.detach().numpy(), e * (s + c), rtol=1e-12)
    np.testing.assert_allclose(gxx.numpy(), 2 * e * c, rtol=1e-12)


def test_contexts_of_both_calls():
    entered = []

    @contextlib.contextmanager
    def context(name):
        entered.append(name)
        yield

    x = mt.ones(2, requires_grad=True)
    both = lambda: (context("first"), context("second"))  # noqa: E731
    y = checkpoint(mt.exp, x, use_reentrant=False, context_fn=both)
    assert entered == ["first"]
    y.sum().backward()
    assert entered == ["first", "second"]


def test_one_within_another():
    layer = nn.Linear(3, 3).double()

    def outer(x):
        return checkpoint(layer, layer(x).tanh(), use_reentrant=False).tanh()

    x = mt.randn(2, 3, dtype=mt.float64)
    plain = gradients(lambda x: layer(layer(x).tanh()).tanh(), (layer,), x)
    for mine, other in zip(
        gradients(lambda x: checkpoint(outer, x, use_reentrant=False), (layer,), x),
        plain,
        strict=True,
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-14)


def test_gradients_by_grad_and_of_parameters_alone():
    layer = nn.Linear(3, 2)
    x = mt.randn(4, 3)
    (mine,) = mt.autograd.grad(checkpoint(layer, x, use_reentrant=False).sum(), layer.weight)
    np.testing.assert_allclose(mine.numpy(), np.tile(x.numpy().sum(0), (2, 1)), rtol=1e-5)
    layer.requires_grad_(False)
    assert not checkpoint(layer, x, use_reentrant=False).requires_grad


def test_one_output_of_several_and_outputs_that_need_nothing():
    x, w = mt.ones(2, requires_grad=True), mt.tensor([2.0, 3.0], requires_grad=True)
    y, _, constant, text = checkpoint(
        lambda x: [x * w, x * x, mt.ones(2), "text"], x, use_reentrant=False
    )
    assert type(constant) is mt.Tensor and not constant.requires_grad and text == "text"
    y.sum().backward()
    assert x.grad.tolist() == [2, 3] and w.grad.tolist() == [1, 1]


def test_without_the_same_random_numbers():
    x = mt.ones(1000, requires_grad=True)
    for preserve in (True, False):
        x.grad = None
        y = checkpoint(
            lambda x: x * mt.rand(1000), x, preserve_rng_state=preserve, use_reentrant=False
        )
        y.sum().backward()
        assert bool((x.grad == y).all()) is preserve


def test_autocast_is_the_same_in_the_second_call():
    kinds = []

    def product(x):
        y = x @ x
        kinds.append(y.dtype)
        return y

    x = mt.ones(2, 2, requires_grad=True)
    with mt.autocast(x.device.type, dtype=mt.float16):
        y = checkpoint(product, x, use_reentrant=False, early_stop=False)
    y.sum().backward()
    assert kinds == [mt.float16] * 2
    assert (x @ x).dtype is mt.float32


def test_sequential():
    net = nn.Sequential(*[block(3) for _ in range(5)])
    x = mt.randn(2, 3, 4, 4, dtype=mt.float64)
    plain = gradients(net, (net,), x)
    for segments in (1, 2, 5):
        found = gradients(
            lambda x, n=segments: checkpoint_sequential(net, n, x, use_reentrant=False), (net,), x
        )
        for mine, other in zip(found, plain, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)


def test_sequential_divides_as_torchs():
    torch = pytest.importorskip("torch")
    theirs = torch.utils.checkpoint.checkpoint_sequential
    calls = []

    def layer(number):
        def call(x):
            calls.append(number)
            return x.sin()

        return call

    layers = [layer(number) for number in range(5)]
    for library, sequential in ((mt, checkpoint_sequential), (torch, theirs)):
        calls.clear()
        x = library.ones(1, requires_grad=True)
        sequential(layers, 2, x, use_reentrant=False).backward()
        assert calls == [0, 1, 2, 3, 4, 0, 1]
    for segments in (0, 6):
        with pytest.raises(ValueError, match=f"5 functions.* {segments} segments"):
            checkpoint_sequential(layers, segments, x, use_reentrant=False)


def test_what_is_refused():
    x = mt.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="debug is only supported"):
        checkpoint(mt.exp, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match="context_fn is only supported"):
        checkpoint(mt.exp, x, use_reentrant=True, context_fn=lambda: None)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(mt.exp, x)


@pytest.mark.parametrize(
    "second, words",
    [
        (lambda x: x.exp(), "A different number of tensors was saved"),
        (lambda x: x.exp().sin().cos(), "trying to save more tensors"),
        (
            lambda x: x.exp()[:1].sin(),
            "different metadata.*position 1: saved ..2,., .*recomputed ..1,.",
        ),
    ],
)
def test_a_second_call_that_differs_is_noticed(second, words):
    functions = iter((lambda x: x.exp().sin(), second))
    x = mt.ones(2, requires_grad=True)
    with set_checkpoint_early_stop(False):
        y = checkpoint(lambda x: next(functions)(x), x, use_reentrant=False)
        with pytest.raises(CheckpointError, match=f"(?s){words}"):
            y.sum().backward()


def test_an_argument_changed_before_backward_is_noticed():
    x, weight = mt.ones(2), mt.ones(2, requires_grad=True)
    y = checkpoint(lambda x: (x * weight).exp(), x, use_reentrant=False)
    x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    y = checkpoint(lambda x: (x * weight).exp(), x, use_reentrant=False)
    with mt.no_grad():
        weight += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_the_states_of_the_devices_of_the_arguments(monkeypatch):
    x = mt.ones(2, device="cpu")
    assert get_device_states(x, 3, "text") == ([], [])
    set_device_states([], [])
    monkeypatch.setattr(mt.Tensor, "device", property(lambda self: mt.device("cuda", 1)))
    devices, states = get_device_states(x, 3, x)
    monkeypatch.undo()
    assert devices == [1] and len(states) == 1
    first = mt.rand(4)
    set_device_states(devices, states)
    assert mt.equal(mt.rand(4), first)


def test_debugging_lists_the_operations_of_both_calls():
    calls = []

    def changing(x):
        calls.append(x)
        return x.sin().exp() if len(calls) == 1 else x.cos()

    def error(**options):
        calls.clear()
        x = mt.ones(2, requires_grad=True)
        with pytest.raises(CheckpointError, match="different number of tensors") as info:
            checkpoint(changing, x, use_reentrant=False, **options).sum().backward()
        return str(info.value)

    assert "debug" not in error()
    first, second = error(debug=True).split("recomputation:\n")[-2:]
    assert "You are seeing this error because you passed `debug=True`" in first
    lines = first.split("forward:\n")[1].split("\n")
    assert [line.strip()[:6] for line in lines[:2]] == ["Sin at", "Exp at"]
    assert second.strip().startswith("Cos at") and "test_checkpoint.py:" in second
    with mt.utils.checkpoint.set_checkpoint_debug_enabled(True):
        assert "Cos at" in error()
        with mt.utils.checkpoint.set_checkpoint_debug_enabled(False):
            assert "debug" not in error(debug=True)
