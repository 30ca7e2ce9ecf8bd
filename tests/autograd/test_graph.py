"""autograd.graph: the same programs for both libraries, beside live torch."""

import gc
import weakref

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F


def numbers(value):
    """Tensors in what a program gave, as lists."""
    if isinstance(value, tuple | list):
        return [numbers(each) for each in value]
    return value.detach().tolist() if hasattr(value, "detach") else value


def as_in_torch(program):
    torch = pytest.importorskip("torch")
    found = [numbers(program(lib, lib.autograd.graph)) for lib in (mt, torch)]
    assert found[0] == found[1]
    return found[0]


def leaf(lib, *values):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def edges(lib, graph):
    x = leaf(lib, 1.0, 2.0)
    y = x * 3
    z = (y * y).sum()
    at_x, at_y, at_z = (graph.get_gradient_edge(each) for each in (x, y, z))
    largest = (y[None] * 2).max(1)
    return [
        [type(each.node).__name__ for each in (at_x, at_y, at_z)],
        [graph.get_gradient_edge(each).output_nr for each in (x, largest.values)],
        [isinstance(each, graph.Node) for each in (at_x.node, at_y.node, 3)],
        at_y.node is y.grad_fn,
        lib.autograd.grad(z, at_y, retain_graph=True),
        lib.autograd.grad(z, [at_y, x, at_x], retain_graph=True),
        lib.autograd.grad([at_z], at_x, grad_outputs=[lib.ones((), dtype=lib.float64)]),
    ]


def backward_from_edges(lib, graph):
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = x * w
    edge = graph.get_gradient_edge(y)
    del y
    lib.autograd.backward(edge, lib.ones(2, dtype=lib.float64), retain_graph=True)
    lib.autograd.backward([edge], [lib.ones(2, dtype=lib.float64)],
                          inputs=[graph.get_gradient_edge(x)])  # fmt: skip
    return [x.grad, w.grad]


def hooks_of_several(lib, graph):
    """Which gradients a hook is called with, in backwards that reach all, some or none."""
    calls = []

    def program(mode, *which):
        x, y, z = leaf(lib, 1.0), leaf(lib, 2.0), leaf(lib, 3.0)
        middle = x * y
        later = middle.exp()
        hook = graph.register_multi_grad_hook(
            [(x, middle, z, later)[i] for i in which],
            lambda found: calls.append((mode, type(found).__name__, found)),
            mode=mode,
        )
        (middle * z + x + later).sum().backward(retain_graph=True)
        (middle * 2).sum().backward(retain_graph=True)
        calls.append("inputs")
        (middle * z).sum().backward(inputs=[y, z], retain_graph=True)
        (z * 2).sum().backward(inputs=[z])
        (y * 2).sum().backward()
        hook.remove()
        calls.append("removed")
        (middle * z).sum().backward()

    program("all", 0, 1, 2, 3)
    program("any", 1, 3)
    return [each if isinstance(each, str) else each[::2] for each in calls]


def packed(lib, graph):
    """Hooks see what is saved; the innermost block counts."""
    seen = []

    def hooks(name):
        def pack(x):
            seen.append((name, "pack", lib.is_grad_enabled(), x))
            return name, x.clone()

        def unpack(kept):
            seen.append((name, "unpack", kept[0], kept[1]))
            return kept[1]

        return graph.saved_tensors_hooks(pack, unpack)

    x = leaf(lib, 1.0, 2.0)
    with hooks("outer"):
        y = x.exp()
        with hooks("inner"):
            z = y.sin()
        u = z.cos().sum()
    v = u.exp()
    v.backward()
    seen.append(x.grad)
    return seen


def halved(lib, graph):
    """Gradients are those of what the unpack hook gives; also gradients of gradients."""
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, -1.0)
    with graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t / 4):
        y = (x * w).tanh()
        (gx,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    return [gx, *lib.autograd.grad(gx.sum(), [x, w])]


def on_cpu(lib, graph):
    net = lib.nn.Sequential(lib.nn.Conv2d(1, 2, 3), lib.nn.BatchNorm2d(2), lib.nn.ReLU()).double()
    for parameter in net.parameters():
        lib.nn.init.constant_(parameter, 0.5)
    x = lib.arange(32.0, dtype=lib.float64).reshape(2, 1, 4, 4).sin().requires_grad_()
    with graph.save_on_cpu():
        y = net(x)
    (y**2).sum().backward()
    return [each.grad.mul(1e9).round() for each in (x, *net.parameters())]


def versions(lib, graph):
    x, y = lib.ones(2), lib.ones(2)
    graph.increment_version(x)
    graph.increment_version([x, y])
    return [x._version, y._version]


@pytest.mark.parametrize(
    "program",
    [edges, backward_from_edges, hooks_of_several, packed, halved, on_cpu, versions],
    ids=lambda program: program.__name__,
)
def test_as_in_torch(program):
    assert as_in_torch(program)


def refused(lib, case):
    graph = lib.autograd.graph
    x = leaf(lib, 1.0, 2.0)

    def hooks(pack=lambda t: t, unpack=lambda t: t):
        return graph.saved_tensors_hooks(pack, unpack)

    if case == "an edge of a constant":
        graph.get_gradient_edge(x.detach())
    elif case == "a mode":
        graph.register_multi_grad_hook((x,), print, mode="some")
    elif case == "unpacked to a number":
        with hooks(unpack=lambda t: 1):
            y = x.exp()
        y.sum().backward()
    elif case == "written by pack":
        with hooks(pack=lambda t: t.mul_(2)):
            x.exp()
    elif case == "disabled":
        with graph.disable_saved_tensors_hooks("no hooks"), hooks():
            pass
    elif case == "disabled inside":
        with hooks(), graph.disable_saved_tensors_hooks("no hooks"):
            pass
    elif case == "an error of a hook":
        with hooks(pack=lambda t: 1 // 0):
            x.exp()


@pytest.mark.parametrize(
    "case, error, words",
    [
        ("an edge of a constant", RuntimeError, "not possible to get the gradient edge"),
        ("a mode", ValueError, "Expects mode to be one of .* but got some"),
        ("unpacked to a number", TypeError, "expected to be a Tensor but got"),
        ("written by pack", RuntimeError, "pack hook is modifying its input in place"),
        ("disabled", RuntimeError, "^no hooks$"),
        ("disabled inside", RuntimeError, "^no hooks$"),
        ("an error of a hook", ZeroDivisionError, "division"),
    ],
)
def test_what_is_refused(case, error, words):
    libs = [mt]
    torch = pytest.importorskip("torch")
    libs.append(torch)
    for lib in libs:
        with pytest.raises(error, match=words):
            refused(lib, case)
        x = leaf(lib, 1.0)  # nothing of it stays in force
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            x.exp().backward()
        assert np.allclose(x.grad.numpy(), np.e)


def test_what_was_packed_is_all_that_is_kept():
    x = mt.ones(1000, requires_grad=True)
    with mt.autograd.graph.saved_tensors_hooks(lambda t: None, lambda t: mt.zeros(1000)):
        y = x.exp()
        array = weakref.ref(y.array)
        y = y + 1
    gc.collect()
    assert array() is None
    y.sum().backward()
    assert not x.grad.any()


def test_a_hook_of_several_keeps_no_graph():
    x, y = mt.ones(1, requires_grad=True), mt.ones(1, requires_grad=True)
    mt.autograd.graph.register_multi_grad_hook((x, y), lambda found: None)
    middle = x * y
    node = weakref.ref(middle.grad_fn)
    middle.backward()
    del middle
    assert node() is None


@pytest.mark.parametrize("value", [2**30, -5])
def test_places_that_a_hook_exchanged_are_checked_before_a_kernel_uses_them(value):
    """Of pools, gather, embedding and a loss: an error or a gradient, never a foreign address."""

    def exchanged(saved):
        return mt.full_like(saved, value) if saved.dtype is mt.int64 else saved

    images, table, scores = (
        mt.rand(*shape, requires_grad=True) for shape in ((2, 4, 6, 6), (4, 3), (6, 3))
    )
    places = mt.tensor([0, 1, 2, 0, 1, 2])
    for leaf, operation in [
        (images, lambda: F.max_pool2d(images, 2)),
        (images, lambda: F.adaptive_max_pool2d(images, 4)),
        (table, lambda: F.embedding(places, table)),
        (scores, lambda: scores.gather(1, places.unsqueeze(1))),
        (scores, lambda: F.cross_entropy(scores, places)),
        (scores, lambda: scores.index_select(0, places)),
    ]:
        with mt.autograd.graph.saved_tensors_hooks(lambda saved: saved, exchanged):
            y = operation()
        try:
            (found,) = mt.autograd.grad(y.sum(), leaf)
        except (IndexError, RuntimeError, ValueError):
            continue
        assert found.shape == leaf.shape


def test_saved_tensors_may_be_written_to_where_they_are_copied():
    x = mt.tensor([2.0, 3.0], requires_grad=True)
    allowed = mt.autograd.graph.allow_mutation_on_saved_tensors
    with allowed() as context:
        y = x.clone()
        z = (y**2).sum()
        part = y[:1]
        part *= 10
        y.sin_()
        assert len(context.cloned) == 1  # of y, before the first write
        z.backward()
        assert len(context.cloned) == 0
        assert x.grad.tolist() == [4.0, 6.0]
        late = x.exp().sum()
        with pytest.raises(RuntimeError, match="cannot be nested"), allowed():
            pass
    with pytest.raises(AssertionError, match="outside of the 'allow_mutation"):
        late.backward()
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_saved_tensor_is_copied_only_if_it_is_written_to():
    from minitorch_cnn.autograd.deferred import waiting

    before = len(waiting)
    with mt.autograd.graph.allow_mutation_on_saved_tensors() as context:
        x = mt.tensor([0.5, 1.0], requires_grad=True).clone()
        leaf = mt.tensor([2.0, 5.0], requires_grad=True)
        first, second = leaf * x, leaf.exp() * x  # x is saved twice, and copied once
        assert len(context.cloned) == 0
        x.mul_(3)
        assert len(context.cloned) == 1
        third = leaf * x
        mt.sin(mt.zeros(2), out=x.data)  # the values of that time are another copy
        assert len(context.cloned) == 2
        del first
        (found,) = mt.autograd.grad(second.sum() + third.sum(), leaf)
        expected = np.exp([2.0, 5.0]) * [0.5, 1.0] + np.array([1.5, 3.0])
        np.testing.assert_allclose(found.tolist(), expected, rtol=1e-5)
        del second, third
        # Memory that NumPy shares may be written to unseen.
        outside = mt.tensor([1.0, 2.0])
        host = outside.cpu().numpy()
        product = leaf * outside
        if outside.device.type == "cpu":
            host[:] = 7
        product.sum().backward()
        assert leaf.grad.tolist() == [1.0, 2.0]
    assert len(waiting) == before


def test_a_node_can_be_called():
    x = mt.tensor([3.0], requires_grad=True)
    node = (x**2).grad_fn
    assert node(mt.tensor([2.0])).tolist() == [12.0]
    first, second = (x * (x + 1)).grad_fn(mt.ones(1))
    assert first.tolist() == [4.0] and second.tolist() == [3.0]
    for gradients in ((), (mt.ones(1), mt.ones(1))):
        with pytest.raises(TypeError, match=r"expected 1 arguments, got . arguments"):
            node(*gradients)


def test_why_a_view_may_not_be_written_to():
    class Part(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.narrow(0, 0, 1)

        @staticmethod
        def backward(ctx, gy):
            return gy

    x = mt.ones(2, 2, requires_grad=True).clone()
    with mt.no_grad():
        unseen = x[0]
    with mt.inference_mode():
        inferred = x[0]
    for view, words in (
        (unseen, "A view was created in no_grad mode and is being modified inplace"),
        (inferred, "A view was created in inference mode and is being modified inplace"),
        (x.split(1)[0], "output of a function that returns multiple views.*of split"),
        (Part.apply(x), "This view was created inside a custom Function.*of Part.forward"),
    ):
        with pytest.raises(RuntimeError, match=words):
            view += 1


def test_hooks_that_are_set_within_a_backward_end_with_it():
    outer = mt.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: inner.__enter__() or t)
    inner = mt.autograd.graph.saved_tensors_hooks(lambda t: t * 0, lambda t: t)
    x = mt.tensor([2.0], requires_grad=True)
    with outer:
        x.sin().backward()
    x.grad = None
    (x * x).backward()
    assert x.grad.tolist() == [4.0]


def test_a_name_that_an_unpack_hook_misses_is_named():
    x = mt.tensor([2.0], requires_grad=True)
    with mt.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: None.missing):
        y = x.exp()
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'missing'"):
        y.backward()
