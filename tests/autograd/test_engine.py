"""The engine: order, accumulation, freeing, hooks, double backward, deep graphs."""

import gc
import warnings
import weakref

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import Function, grad


def leaf(*values):
    return mt.tensor(list(values), dtype=mt.float64, requires_grad=True)


def test_each_path_of_a_diamond_adds_up():
    x = leaf(3.0)
    a = x * 2
    y = a * a + a  # dy/dx = (2a + 1) * 2 = 26
    y.sum().backward()
    assert x.grad.tolist() == [26.0]


def _layers():
    conv, linear = mt.nn.Conv2d(2, 3, 3), mt.nn.Linear(12, 5)
    images = mt.randn(4, 2, 4, 4)
    return [*conv.parameters(), *linear.parameters()], lambda: linear(conv(images).flatten(1))


def test_a_gradient_that_a_hook_kept_does_not_change_later():
    parameters, forward = _layers()
    kept = []
    for parameter in parameters:
        parameter.register_hook(kept.append)
    (forward() ** 2).sum().backward()
    before = [gradient.tolist() for gradient in kept]
    for parameter in parameters:
        parameter.grad.fill_(7)
    assert [gradient.tolist() for gradient in kept] == before


def test_leaves_do_not_share_their_gradients():
    parameters, forward = _layers()
    (forward() ** 2).sum().backward()
    with mt.no_grad():
        for number, parameter in enumerate(parameters, 1):
            assert parameter.grad.is_contiguous()
            parameter.grad.fill_(number)
            parameter.fill_(-number)
    for number, parameter in enumerate(parameters, 1):
        assert bool((parameter.grad == number).all()), number


def test_a_weight_used_twice_gets_the_sum():
    weight = mt.randn(4, 4).requires_grad_()
    x = mt.randn(3, 4)
    linear = mt.nn.functional.linear
    once, again = (mt.autograd.grad(linear(x * n, weight).sum(), weight)[0] for n in (1, 2))
    (linear(x, weight) + linear(x * 2, weight)).sum().backward()
    assert mt.allclose(weight.grad, once + again)


def test_gradients_accumulate_over_backwards():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_leaves_do_not_share_the_memory_of_their_gradients():
    a, b = leaf(1.0), leaf(2.0)
    (a + b).backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0]


def test_a_node_is_visited_once_however_many_paths_lead_to_it():
    calls = []

    class Counted(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            calls.append(gy.item())
            return gy

    x = leaf(1.0)
    y = Counted.apply(x)
    z = y
    for _ in range(20):
        z = z + y * 0.5
    z.sum().backward()
    assert calls == [11.0]


def test_implicit_gradient_needs_a_scalar():
    with pytest.raises(RuntimeError, match=r"only for scalar outputs; this one has shape \[2\]"):
        (leaf(1.0, 2.0) * 2).backward()


def test_gradient_of_another_shape_is_refused():
    with pytest.raises(RuntimeError, match=r"\[3\].*\[2\]"):
        (leaf(1.0, 2.0) * 2).backward(mt.ones(3))


def test_tensor_without_history_is_refused():
    with pytest.raises(RuntimeError, match="does not require grad"):
        mt.ones(1).backward()


def test_second_backward_is_refused_unless_the_graph_was_retained():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_double_backward():
    x = leaf(2.0)
    (dy,) = grad((x**4).sum(), x, create_graph=True)
    assert dy.tolist() == [32.0]
    (ddy,) = grad(dy.sum(), x, create_graph=True)
    assert ddy.tolist() == [48.0]
    (dddy,) = grad(ddy.sum(), x)
    assert dddy.tolist() == [48.0]


def test_grad_leaves_dot_grad_alone_and_reports_unused_inputs():
    x, unused = leaf(2.0), leaf(1.0)
    (gx,) = grad((x * x).sum(), x)
    assert gx.tolist() == [4.0] and x.grad is None
    with pytest.raises(RuntimeError, match="not have been used in the graph: input 1"):
        grad((x * x).sum(), (x, unused))
    _, nothing = grad((x * x).sum(), (x, unused), allow_unused=True)
    assert nothing is None
    _, zeros = grad((x * x).sum(), (x, unused), materialize_grads=True)
    assert zeros.tolist() == [0.0]


def test_grad_with_respect_to_an_intermediate_value():
    x = leaf(3.0)
    y = x * x
    z = (y * y).sum()
    gy, gx = grad(z, (y, x))
    assert gy.tolist() == [18.0] and gx.tolist() == [108.0]


def test_grad_goes_no_further_back_than_its_inputs():
    class Forbidden(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            raise AssertionError("nobody asked for this gradient")

    x = leaf(3.0)
    y = Forbidden.apply(x)
    z = (y * y + Forbidden.apply(x)).sum()
    assert grad(z, y)[0].tolist() == [6.0]


def test_backward_with_inputs_fills_only_those():
    a, b = leaf(2.0), leaf(5.0)
    (a * b).backward(inputs=[a])
    assert a.grad.tolist() == [5.0] and b.grad is None


def test_tensor_hook_sees_and_replaces_the_complete_gradient():
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    handle = y.register_hook(lambda g: g * 10)
    (y + y * 3).backward()
    assert seen == [4.0] and x.grad.tolist() == [80.0]
    handle.remove()


def test_leaf_hook_is_called_once_with_the_sum():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).backward()
    assert seen == [5.0]


def test_retain_grad():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    (y * 4).backward()
    assert y.grad.tolist() == [4.0] and x.grad.tolist() == [24.0]


def test_graph_is_freed_without_the_garbage_collector():
    x = leaf(1.0, 2.0)
    gc.collect()
    gc.disable()
    try:
        y = x.exp()  # exp saves its own output: the classical circle
        y.retain_grad()
        z = y * y
        z += 1  # and a write in place: z's history contains what saved z
        loss = z.log().sum()
        node = weakref.ref(y.grad_fn)
        tensor = weakref.ref(y)
        loss.backward()
        del y, z, loss
        assert node() is None and tensor() is None
    finally:
        gc.enable()


def test_graph_that_never_went_backward_is_freed_too():
    gc.collect()
    gc.disable()
    try:
        y = leaf(1.0, 2.0).exp()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_saved_values_are_freed_by_backward_though_the_loss_lives_on():
    x = leaf(1.0)
    y = (x * 2).exp()
    saved = weakref.ref(y.array)
    loss = y.sum()
    del y
    loss.backward()
    assert saved() is None


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_deep_chain_neither_recurses_in_backward_nor_when_freed(depth):
    x = leaf(1.0)
    y = x
    for _ in range(depth):
        y = y + 0.5
    y.backward()
    assert x.grad.tolist() == [1.0]
    del y


@pytest.mark.parametrize("shape", [(1, 5), (5,), (4, 5, 1), (2, 4, 5), (5, 4)])
def test_backward_starts_from_the_shape_that_was_computed(shape):
    """Though `.data =` has given the result another one; gy would broadcast to wrong gradients."""
    x = mt.ones(4, 5, requires_grad=True)
    y = x * 3
    y.data = mt.zeros(*shape)
    with pytest.raises(RuntimeError, match=r"Mismatch in shape.*output.*Size\(\[4, 5\]\)"):
        y.backward(mt.ones(*shape))
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        mt.autograd.grad(y, x, mt.ones(*shape))
    assert x.grad is None
    loss = (x * 3).sum()
    loss.data = mt.zeros(1)
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        loss.backward()


def test_wrong_number_and_shape_of_gradients_are_refused():
    class TwoForOne(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            return gy, gy

    class WrongShape(TwoForOne):
        @staticmethod
        def backward(ctx, gy):
            return gy[:2]

    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 1, got 2\)"):
        TwoForOne.apply(leaf(1.0)).backward()
    with pytest.raises(RuntimeError, match=r"index 0 - got \[2\] but expected .* \[3\]"):
        WrongShape.apply(leaf(1.0, 2.0, 3.0)).sum().backward()


def test_function_with_two_outputs_one_unused():
    class SplitSigns(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(min=0), x.clamp(max=0)

        @staticmethod
        def backward(ctx, positive, negative):
            return positive * 2 + negative * 3

    x = leaf(1.0, -1.0)
    positive, _ = SplitSigns.apply(x)
    positive.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_function_returning_its_input_does_not_close_a_circle():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, gy):
            return gy * 7

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.backward()
    assert x.grad.tolist() == [7.0]


def test_non_differentiable_output():
    class WithArgmax(Function):
        @staticmethod
        def forward(ctx, x):
            rounded = x.round()
            ctx.mark_non_differentiable(rounded)
            return x * 2, rounded

        @staticmethod
        def backward(ctx, gy, _):
            return gy * 2

    y, rounded = WithArgmax.apply(leaf(1.4))
    assert y.requires_grad and not rounded.requires_grad


def test_save_for_backward_takes_only_tensors():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x

    with pytest.raises(TypeError, match="int"):
        Wrong.apply(leaf(1.0))


def test_gradients_keep_the_dtype_of_their_tensor():
    x = mt.ones(2, dtype=mt.float32, requires_grad=True)
    y = mt.ones(2, dtype=mt.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype is mt.float32 and y.grad.dtype is mt.float64


def test_chain_rule_against_numbers():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 5))
    x, y = (mt.tensor(v, requires_grad=True) for v in (a, b))
    ((x * y).sin() / (y.exp() + 1)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(a * b) * b / (np.exp(b) + 1), rtol=1e-12)
    expected = np.cos(a * b) * a / (np.exp(b) + 1)
    expected -= np.sin(a * b) * np.exp(b) / (np.exp(b) + 1) ** 2
    np.testing.assert_allclose(y.grad.numpy(), expected, rtol=1e-12)


def test_grad_through_a_view_that_is_recorded_anew_when_it_is_used():
    y, w = mt.zeros(2, 2), mt.ones(3, requires_grad=True)
    row = y[0]
    y.add_(w.sum())  # row takes its new history when it is looked at again: in the product
    loss = (row * mt.tensor([1.0, 2.0])).sum() + (row + y).sum()
    (gw,) = mt.autograd.grad(loss, w, retain_graph=True)
    loss.backward()
    assert gw.tolist() == w.grad.tolist() == [11.0, 11.0, 11.0]


def test_gradients_of_a_batch_go_backward_one_by_one():
    x = mt.tensor([1.0, 2.0, 3.0], requires_grad=True)
    w = mt.tensor([2.0, -1.0], requires_grad=True)
    unused = mt.ones(2, requires_grad=True)
    y = mt.stack([x[0] * x[1], x[2] ** 2]) * w
    values, ws = [1.0, 2.0, 3.0], [2.0, -1.0]
    jacobian = np.array([[ws[0] * values[1], ws[0] * values[0], 0], [0, 0, ws[1] * 2 * values[2]]])
    rows = mt.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, -2.0]])
    gx, gw, nothing = mt.autograd.grad(
        y, (x, w, unused), rows, retain_graph=True, allow_unused=True, is_grads_batched=True
    )
    np.testing.assert_allclose(gx.tolist(), np.array(rows.tolist()) @ jacobian)
    np.testing.assert_allclose(gw.tolist(), np.array(rows.tolist()) @ np.diag([2.0, 9.0]))
    assert nothing is None
    (again,) = mt.autograd.grad(y, x, rows, create_graph=True, is_grads_batched=True)
    (second,) = mt.autograd.grad(again[2].sum(), x)
    np.testing.assert_allclose(second.tolist(), [1.0, 1.0, 4.0])
    with pytest.raises(RuntimeError, match="the first dimension of each grad_output"):
        mt.autograd.grad(y, x, rows[0], is_grads_batched=True)
    for wrong in (None, rows[:0]):
        with pytest.raises(ValueError, match="same size"):
            mt.autograd.grad(y, x, wrong, is_grads_batched=True)
    mt.autograd.grad(y, x, rows, is_grads_batched=True)
    with pytest.raises(RuntimeError, match="a second time"):  # the last one freed it
        mt.autograd.grad(y, x, rows, is_grads_batched=True)


def _hooked(run):
    """What the hooks of y = ((a * 2) * 2) saw, in order, and a.grad; a's slope is 4."""
    seen = []

    def on(name, factor=None):
        def hook(gradients):
            first = gradients[0] if isinstance(gradients, tuple) else gradients
            seen.append((name, first.item()))
            if factor is not None:
                new = first * factor
                return (new,) if isinstance(gradients, tuple) else new
            return None

        return hook

    a = mt.tensor(1.0, requires_grad=True)
    b = a * 2
    c = b * 2
    b.retain_grad()
    a.register_hook(on("a", 3))
    b.register_hook(on("b", 5))
    leaf = b.grad_fn.next_functions[0][0]
    leaf.register_hook(lambda _, gy: seen.append(("after leaf", gy[0].item())))
    leaf.register_prehook(on("before leaf", 7))
    b.grad_fn.register_hook(lambda gx, _: seen.append(("after b", gx[0] and gx[0].item())))
    b.grad_fn.register_prehook(on("before b", 11))
    a.register_post_accumulate_grad_hook(lambda t: seen.append(("grad", t.grad.item())))
    result = run(a, b, c)
    return seen, result and [each.item() for each in result], b.grad and b.grad.item()


def test_the_order_of_all_kinds_of_hooks():
    """5, 11, 3 and 7 say how often each hook was applied before the next one looked."""
    on_b = [("b", 2.0), ("before b", 2.0 * 5), ("after b", 4.0 * 5 * 11), ("a", 4.0 * 5 * 11)]
    at_a = [
        ("before leaf", 220.0 * 3),
        ("grad", 660.0 * 7),  # of the tensor, before those of the node
        ("after leaf", 660.0 * 7),
    ]
    for keep in (lambda a, b, c: c.backward(), lambda a, b, c: c.backward(inputs=[a])):
        assert _hooked(keep) == (on_b + at_a, None, 10.0)
    # `grad` hands out what comes to a leaf: what stands for adding it to .grad does not run.
    assert _hooked(lambda a, b, c: grad(c, a)) == (on_b, [660.0], 10.0)
    # It does not run the operation that it ends at either, while backward(inputs=) does.
    assert _hooked(lambda a, b, c: grad(c, b)) == (on_b[:1], [10.0], 10.0)
    seen, _, kept = _hooked(lambda a, b, c: c.backward(inputs=[b]))
    assert seen == [*on_b[:2], ("after b", None)] and kept == 10.0


def test_the_first_gradient_lies_in_memory_as_its_leaf_does():
    image = np.arange(24.0).reshape(1, 2, 3, 4)
    values = mt.tensor(image)
    for leaf_like, strides in (
        (values, (24, 12, 4, 1)),
        (values.contiguous(memory_format=mt.channels_last), (24, 1, 8, 2)),
        (values.permute(3, 1, 0, 2), (1, 12, 24, 4)),
        (values[:, :, ::2], (16, 8, 4, 1)),  # with gaps: by rows
        (values[:, :1].expand(1, 5, 3, 4), (60, 12, 4, 1)),
    ):
        x = leaf_like.detach().requires_grad_()
        factor = mt.randn(x.shape, dtype=mt.float64)
        (x * factor).sum().backward()
        assert x.grad.stride() == strides and mt.equal(x.grad, factor)
        x.grad = None
        x.sum().backward()
        assert x.grad.stride() == strides and mt.equal(x.grad, mt.ones_like(factor))
        x.sum().backward()
        assert mt.equal(x.grad, mt.full_like(factor, 2))


def test_what_a_leaf_that_lies_otherwise_is_trained_to():
    """The optimizers' kernels, with parameter and gradient channels-last: the same steps."""
    for make in (mt.optim.SGD, mt.optim.Adam, mt.optim.RMSprop, mt.optim.Adagrad):
        found = []
        for memory in (mt.contiguous_format, mt.channels_last):
            mt.manual_seed(0)
            p = mt.randn(4, 3, 5, 5).contiguous(memory_format=memory).requires_grad_()
            weights = mt.randn(4, 3, 5, 5)
            optimizer = make([p], lr=0.1)
            for _ in range(3):
                optimizer.zero_grad()
                (p**2 * weights).sum().backward()
                optimizer.step()
            assert p.stride() == mt.empty(4, 3, 5, 5).contiguous(memory_format=memory).stride()
            found.append(p.detach().numpy() if p.device.type == "cpu" else p.detach().cpu().numpy())
        np.testing.assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-7)


def test_warnings_of_what_is_seldom_meant():
    x = leaf(2.0)
    with pytest.warns(UserWarning, match="create a reference cycle") as record:
        (x**2).sum().backward(create_graph=True)
    assert record[0].filename == __file__
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed") as record:
        assert y.grad is None
    assert record[0].filename == __file__
    y.retain_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert y.grad is None
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):
        mt.no_grad()(type("Thing", (), {}))


def test_zeros_of_grad_are_recorded_like_other_gradients():
    x, unused = leaf(3.0), leaf(1.0)
    for recorded in (True, False):
        zeros = grad(x.sum(), unused, create_graph=recorded, materialize_grads=True)[0]
        assert zeros.tolist() == [0.0] and zeros.requires_grad == recorded
    with pytest.raises(ValueError, match="allow_unused to be True or not passed"):
        grad(x.sum(), unused, allow_unused=False, materialize_grads=True)


def test_backwards_inside_of_each_other_a_thousand_deep():
    class Deep(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x, left):
            with mt.enable_grad():
                ctx.inner, ctx.left = x.detach().requires_grad_(), left
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            assert not mt.is_grad_enabled()
            if ctx.left:
                with mt.enable_grad():
                    Deep.apply(ctx.inner, ctx.left - 1).backward(gy + 1)
                return ctx.inner.grad, None
            return gy, None

    x = mt.zeros(1, requires_grad=True)
    Deep.apply(x, 1000).backward()
    assert x.grad.tolist() == [1001]  # each one added 1

    class Fails(Deep):
        @staticmethod
        def backward(ctx, gy):
            if not ctx.left:
                raise KeyError("at the bottom")
            with mt.enable_grad():
                Fails.apply(ctx.inner, ctx.left - 1).backward(gy)

    for depth in (3, 100):
        with pytest.raises(KeyError, match="at the bottom"):
            Fails.apply(x, depth).backward()
    y = x * 2
    y.backward()  # nothing is left of it
    assert x.grad.tolist() == [1003]
