"""What happens between forward and backward, hooks, and what a user's Function may do."""

import copy
import subprocess
import sys
import weakref

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import Function


def two(*values):
    return mt.tensor(values or (1.0, 2.0), requires_grad=True)


def test_backward_uses_what_was_saved_when_data_is_exchanged():
    x, w = two(1.0, 2.0), two(3.0, 4.0)
    y = (x * w).sum()
    w.data = mt.tensor([50.0, 60.0])
    y.backward()
    assert x.grad.tolist() == [3, 4]
    y = (x * x).sum()
    x.data = mt.ones(5)
    with pytest.raises(RuntimeError, match=r"got \[2\] but expected .* \[5\]"):
        y.backward()


def test_second_gradient_reaches_a_leaf_whose_data_was_exchanged():
    x = two(2.0)
    y = x * x * x
    x.data = mt.tensor([7.0])
    (first,) = mt.autograd.grad(y, x, create_graph=True)
    (second,) = mt.autograd.grad(first, x)
    assert (first.tolist(), second.tolist()) == ([12], [12])  # 3 x^2 and 6 x, at x = 2


def test_positions_are_those_that_were_checked():
    x, places = mt.zeros(2, 3, requires_grad=True), mt.tensor([0, 2])
    loss = mt.nn.functional.cross_entropy(x, places, reduction="sum")
    places.numpy()[0] = 10**12
    loss.backward()
    assert [round(each * 3) for each in x.grad[0].tolist()] == [-2, 1, 1]


@pytest.mark.parametrize(
    "hook", [lambda g: g.sum(), lambda g: g[:1], lambda g: g.double(), lambda g: 3]
)
@pytest.mark.parametrize("leaf", [True, False])
def test_hooks_must_return_a_gradient_of_the_same_kind(hook, leaf):
    x = two()
    y = x if leaf else x * 2
    y.register_hook(hook)
    with pytest.raises((RuntimeError, TypeError), match="hook '<lambda>'"):
        (y * 2).sum().backward()


def test_retained_gradient_follows_writes_in_place_and_comes_after_hooks():
    y = two() * 2
    y.retain_grad()
    y.mul_(3)
    y.register_hook(lambda gradient: gradient * 5)
    y.sum().backward()
    assert y.grad.tolist() == [5, 5]


@pytest.mark.parametrize(
    "write", [lambda y: y.zero_(), lambda y: y.fill_(3.0), lambda y: y.copy_(mt.ones(2))]
)
def test_overwritten_with_constants_the_graph_stays(write):
    x = two()
    y = x * 2
    write(y)
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_post_accumulate_hook_sees_the_sum():
    x, seen = two(), []
    handle = x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.tolist()))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    handle.remove()
    x.sum().backward()
    assert seen == [[2, 2], [4, 4]]
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_post_accumulate_hooks_run_while_backward_goes_on():
    first, shared, events = two(), two(), []
    for name, leaf in (("first", first), ("shared", shared)):
        leaf.register_post_accumulate_grad_hook(
            lambda leaf, name=name: events.append((name, leaf.grad.tolist()))
        )
    last, unused = two(), two()
    last.register_post_accumulate_grad_hook(
        lambda leaf: events.append(("last", leaf.grad.tolist()))
    )
    unused.register_post_accumulate_grad_hook(lambda leaf: events.append("unused"))
    y = mt.tensor([1.0, 1.0]) * first
    y.register_hook(lambda gradient: events.append("y"))
    z = y * shared
    z.register_hook(lambda gradient: events.append("z"))
    # `shared` is used twice, and `unused` gets no gradient.
    loss = (z * last).sum() + (shared * 3).sum() + (unused * 2).detach().sum()
    loss.backward()
    x, w = two().tolist(), last.tolist()
    order = [event if isinstance(event, str) else event[0] for event in events]
    assert order == ["last", "z", "shared", "y", "first"]
    assert dict(event for event in events if not isinstance(event, str)) == {
        "last": [a * b for a, b in zip(x, x, strict=True)],
        "shared": [a * b + 3 for a, b in zip(x, w, strict=True)],
        "first": [a * b for a, b in zip(x, w, strict=True)],
    }


def test_setup_context_and_gradients_that_broadcast():
    class Scaled(Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, gy):
            return (gy * ctx.factor).expand(4, 2), None

    x = two()
    Scaled.apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [12, 12]


def test_once_differentiable_refuses_the_second_derivative():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @mt.autograd.function.once_differentiable
        def backward(ctx, gy):
            return gy * 2 * ctx.saved_tensors[0]

    x = two(3.0)
    (first,) = mt.autograd.grad(Square.apply(x) ** 2, x, create_graph=True)
    assert first.tolist() == [108]  # 4 x^3
    with pytest.raises(RuntimeError, match="differentiate twice"):
        first.backward()


def test_deepcopy_keeps_views_of_one_memory_and_no_gradient_of_a_parameter():
    x = mt.zeros(4)
    both = copy.deepcopy({"all": x, "head": x[:2]})
    both["all"][0] = 5
    assert both["head"].tolist() == [5, 0] and x.tolist() == [0, 0, 0, 0]
    y = (mt.ones(2, requires_grad=True) * both["head"]).sum()
    both["all"].zero_()  # they share the version as well
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    p = mt.nn.Parameter(mt.ones(2))
    p.sum().backward()
    assert copy.deepcopy(p).grad is None


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adamax", "RMSprop", "Adagrad"])
def test_optimizers_refuse_states_and_gradients_of_another_shape(name):
    p = mt.nn.Parameter(mt.ones(3, 4))
    settings = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(mt.optim, name)([p], lr=0.1, **settings)
    p.sum().backward()
    optimizer.step()
    saved = optimizer.state_dict()
    for what, value in list(saved["state"][0].items()):
        if value.ndim:
            saved["state"][0][what] = mt.zeros(4, 3)
    optimizer.load_state_dict(saved)
    before = p.tolist()
    with pytest.raises(RuntimeError, match=r"parameter 0 .* \[4, 3\].* \[3, 4\]"):
        optimizer.step()
    assert p.tolist() == before


def test_a_view_that_forward_has_written_to():
    class Scale(Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.mark_dirty(x)
            ctx.factor = factor
            return x.mul_(factor)

        @staticmethod
        def backward(ctx, gy):
            return gy * ctx.factor, None

    a = mt.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    base = a * 2
    part = base[1:3]
    other = base[::2]
    out = Scale.apply(part, 5.0)
    assert out is part and base.tolist() == [2.0, 20.0, 30.0, 8.0]
    (base**2 + base).sum().backward(retain_graph=True)
    # base = (2a, 10a, 10a, 2a): the slope of base^2 + base is (2 base + 1) times 2 or 10
    expected = (2 * np.array([2.0, 20.0, 30.0, 8.0]) + 1) * [2, 10, 10, 2]
    np.testing.assert_allclose(a.grad.tolist(), expected)
    assert mt.autograd.grad(part.sum(), a, retain_graph=True)[0].tolist() == [0.0, 10.0, 10.0, 0.0]
    assert mt.autograd.grad(other.sum(), a)[0].tolist() == [2.0, 0.0, 10.0, 0.0]

    plain = mt.zeros(3)  # a base without a graph gets one
    weight = mt.tensor([2.0], requires_grad=True)
    Written.apply(plain[1:2], weight)
    assert plain.requires_grad
    plain.sum().backward()
    assert weight.grad.tolist() == [1.0]
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        Scale.apply(a[:2], 3.0)
    with pytest.raises(RuntimeError, match="returns multiple views"):
        Scale.apply((a * 1).split(2)[0], 3.0)


class Written(Function):
    @staticmethod
    def forward(ctx, x, value):
        ctx.mark_dirty(x)
        return x.copy_(value)

    @staticmethod
    def backward(ctx, gy):
        return None, gy


def test_a_function_of_the_old_kind_is_refused():
    class Old(Function):
        def forward(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"Legacy autograd function.*Old\.apply"):
        Old()(mt.ones(1))


class Keep(Function):
    """Three times x, which is saved; `seen` are what backward found."""

    seen: list = []

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 3

    @staticmethod
    def backward(ctx, gy):
        Keep.seen.append(ctx.saved_tensors[0])
        return gy * 3


@pytest.mark.parametrize("requires", [True, False])
def test_backward_finds_the_very_tensor_that_was_saved(requires):
    x = two() * 2 if requires else mt.ones(2)
    x.note = "kept"
    y = Keep.apply(x) + two()
    y.sum().backward()
    if requires:
        assert Keep.seen.pop() is x
        node = (x * x).grad_fn
        assert node._saved_self is x and node._saved_self.note == "kept"
        assert x.exp().grad_fn._saved_result is not x.exp()


def test_a_saved_tensor_that_is_gone_is_only_its_values():
    leaf = two()
    x = leaf * 2
    y = Keep.apply(x)
    gone = weakref.ref(x)
    del x
    assert gone() is None  # the graph does not hold it
    y.sum().backward()
    assert Keep.seen.pop().tolist() == [2, 4] and leaf.grad.tolist() == [6, 6]


def test_a_saved_tensor_whose_data_or_history_was_exchanged_is_as_it_was():
    leaf = two()
    x = leaf * 2
    y, z = Keep.apply(x), (x * x).sum()
    x.data = mt.zeros(2)
    y.sum().backward(retain_graph=True)
    assert Keep.seen.pop().tolist() == [2, 4]
    leaf.grad = None
    x.detach_()
    z.backward()
    assert leaf.grad.tolist() == [8, 16]


def test_a_tensor_that_is_no_input_need_not_be_marked():
    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 3
            ctx.mark_dirty(y)
            return y

        @staticmethod
        def backward(ctx, gy):
            return gy * 3

    x = two()
    with pytest.warns(UserWarning, match="Only input Tensors should be given"):
        Bad.apply(x).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_writing_to_a_view_gives_one_output():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.add_(1), x * 2

        @staticmethod
        def backward(ctx, gx, gy):
            return gx + 2 * gy

    x = two()
    for each in Two.apply(x * 1):
        each.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="your Function cannot return more than one Tensor"):
        Two.apply((x * 1).view(2))
    with mt.no_grad():
        assert len(Two.apply((x * 1).view(2))) == 2


def test_a_view_that_a_function_took_without_recording_says_so():
    class Part(Function):
        @staticmethod
        def forward(ctx, x):
            return x[:1]

        @staticmethod
        def backward(ctx, gy):
            return gy

    x = two()
    with mt.no_grad():
        part = Part.apply(x)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        part.zero_()


def test_other_names_of_backward():
    class ByVjp(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        def vjp(ctx, gy):
            return gy * 3

    class Both(ByVjp):
        @staticmethod
        def backward(ctx, gy):
            return gy

        @staticmethod
        def vjp(ctx, gy):
            return gy

    class Neither(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 3

    x = two()
    ByVjp.apply(x).sum().backward()
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
        Both.apply(x).sum().backward()
    with pytest.raises(RuntimeError, match="must implement either the backward"):
        Neither.apply(x).sum().backward()
    assert not ByVjp.generate_vmap_rule
    with pytest.raises(NotImplementedError):
        ByVjp.vmap(None, (0,), x)
    assert issubclass(mt.autograd.function.InplaceFunction, Function)


def test_saved_variables_is_deprecated():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, gy):
            with pytest.warns(DeprecationWarning, match="saved_variables"):
                (x,) = ctx.saved_variables
            return gy * 2 * x

    x = two()
    Square.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_an_edge_gets_no_gradient_of_zeros():
    x, y = two(), two() * 1
    edge = mt.autograd.graph.get_gradient_edge(y)
    assert mt.autograd.grad(x.sum(), [x, edge], allow_unused=True)[1] is None
    zeros = mt.autograd.grad(x.sum(), [x, y], allow_unused=True, materialize_grads=True)[1]
    assert zeros.tolist() == [0, 0]
    for inputs in ([x, edge], edge):
        with pytest.raises(RuntimeError, match="cannot be used when the given input is a Gradient"):
            mt.autograd.grad(x.sum(), inputs, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("write", [False, True])
def test_positions_are_freed_by_the_first_backward(write):
    x, places = two(1.0, 2.0, 3.0), mt.tensor([0, 2])
    if write:
        y = mt.zeros(3)
        y[places] = x[1:]
    else:
        y = x[places]
    y.sum().backward()
    assert x.grad.tolist() == ([0, 1, 1] if write else [1, 0, 1])
    with pytest.raises(RuntimeError, match="Specify retain_graph=True"):
        y.sum().backward()


TRACKED = """
import gc, minitorch_cnn as mt

def tracked():
    for _ in range(3):  # tuples of tuples are let go from the inside out
        gc.collect()
    return sum(gc.is_tracked(each) for each in gc.get_objects())

x = mt.ones(2, requires_grad=True)
y = x + x * 0.5
before = tracked()
for _ in range(100):
    y = y + y * 0.5
print(tracked() - before)
"""


def test_what_a_node_holds_is_not_looked_at_by_the_garbage_collector():
    """Graphs of 100,000 nodes would be walked through again and again.

    In a process of its own, in which nothing else is made or let go.
    """
    found = subprocess.run(
        [sys.executable, "-c", TRACKED], capture_output=True, text=True, check=True
    )
    # Two nodes, in Python 3.10 with dicts, their 3 edges in 2 lists, one list of saved tensors.
    assert int(found.stdout) <= 100 * 10
