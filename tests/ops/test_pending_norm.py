"""A batch norm's last pass is put off: nobody may notice, whatever happens in between."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn

F = nn.functional


def norm_of(x, training=True):
    """The definition, without any kernel of the library."""
    x = x.detach().numpy()
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


@pytest.fixture
def x():
    return mt.randn(4, 3, 5, 6, dtype=mt.float64, requires_grad=True)


@pytest.fixture
def bn():
    return nn.BatchNorm2d(3, dtype=mt.float64)


def test_values_are_computed_when_looked_at(x, bn):
    y = bn(x)
    assert y._is_pending
    assert y.shape == x.shape and not y._is_pending
    np.testing.assert_allclose(y.detach().numpy(), norm_of(x), atol=1e-10)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("residual", [None, "add", "iadd", "radd"])
@pytest.mark.parametrize("training", [True, False])
def test_relu_is_done_in_the_same_pass(x, bn, inplace, residual, training):
    bn.train(training)
    more = mt.randn(4, 3, 5, 6, dtype=mt.float64, requires_grad=True)
    y = bn(x)
    if residual == "add":
        y = y + more
    elif residual == "iadd":
        y += more
    elif residual == "radd":
        y = more + y
    z = F.relu(y, inplace)
    assert z.grad_fn.name == "BatchNormReLUBackward"
    assert (z is y) == inplace
    base = norm_of(x) if training else x.detach().numpy() / np.sqrt(1 + 1e-5)
    base = base if residual is None else base + more.detach().numpy()
    np.testing.assert_allclose(z.detach().numpy(), np.maximum(base, 0), atol=1e-10)


def gradients(program, *tensors):
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    y = program(*leaves)
    cotangent = mt.tensor(np.random.default_rng(0).standard_normal(y.shape))
    grads = mt.autograd.grad((y * cotangent).sum(), leaves)
    return [y.detach().numpy(), *(g.numpy() for g in grads)]


@given(st.booleans(), st.booleans(), st.integers(0, 2**16))
def test_gradients_are_those_of_the_parts(residual, training, seed):
    mt.manual_seed(seed)
    kind = dict(dtype=mt.float64)
    x, more = mt.randn(3, 4, 2, 3, **kind), mt.randn(3, 4, 2, 3, **kind)
    weight, bias = mt.rand(4, **kind) + 0.5, mt.randn(4, **kind)
    mean, var = mt.randn(4, **kind), mt.rand(4, **kind) + 0.5

    def program(x, weight, bias, more, fused=True):
        y = F.batch_norm(x, mean.clone(), var.clone(), weight, bias, training)
        y = y + more if residual else y
        if not fused:
            assert y.shape  # a look computes it
        z = F.relu(y)
        assert (z.grad_fn.name == "BatchNormReLUBackward") == fused
        return z if residual else z + 0 * more

    tensors = x, weight, bias, more
    fused = gradients(program, *tensors)
    parts = gradients(lambda *leaves: program(*leaves, fused=False), *tensors)
    for one, other in zip(fused, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11)


@pytest.mark.parametrize("residual", [False, True])
def test_second_gradients(residual):
    mt.manual_seed(3)
    kind = dict(dtype=mt.float64, requires_grad=True)
    x, more = mt.randn(3, 2, 2, 2, **kind), mt.randn(3, 2, 2, 2, **kind)
    weight, bias = mt.randn(2, **kind), mt.randn(2, **kind)

    def program(x, weight, bias, more):
        y = F.batch_norm(x, None, None, weight, bias, True)
        return F.relu(y + more if residual else y)

    inputs = (x, weight, bias, more)
    assert mt.autograd.gradcheck(program, inputs)
    assert mt.autograd.gradgradcheck(program, inputs)


def test_gradients_in_between_can_be_asked_for_afterwards(x, bn):
    """The fused node is split up as soon as somebody wants what it skips."""
    for ask in ("retain_grad", "hook", "grad", "grad of the norm"):
        y = bn(x)
        total = y + x
        z = F.relu(total)
        assert z.grad_fn.name == "BatchNormReLUBackward"
        seen = []
        if ask == "retain_grad":
            total.retain_grad()
            z.sum().backward()
            seen = [total.grad]
        elif ask == "hook":
            total.register_hook(seen.append)
            z.sum().backward()
        else:
            seen = mt.autograd.grad(z.sum(), [total if ask == "grad" else y])
        assert z.grad_fn.name == "ReLUBackward"
        np.testing.assert_array_equal(seen[0].numpy(), total.detach().numpy() > 0)


def test_a_hook_set_before_the_relu_is_called(x, bn):
    seen = []
    y = bn(x)
    y.register_hook(lambda g: seen.append(g) or g * 0)
    F.relu(y).sum().backward()
    assert len(seen) == 1
    assert (x.grad == 0).all()


def test_the_input_may_be_overwritten_before_the_values_are_computed(bn):
    x = mt.randn(4, 3, 5, 6, dtype=mt.float64)
    expected = norm_of(x)
    overwrite = {
        "zero_": lambda x: x.zero_(),
        "setitem": lambda x: x.__setitem__(0, 7.0),
        "data": lambda x: x.data.fill_(1.0),
        "numpy": lambda x: x.numpy().fill(1.0),
        "view": lambda x: x[0].mul_(2.0),
        "relu_": lambda x: F.relu_(x),
        "detach": lambda x: x.detach().zero_(),
    }
    for name, change in overwrite.items():
        source = x.clone()
        y = bn(source)
        change(source)
        np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-10, err_msg=name)


def test_a_summand_may_be_overwritten_too(x, bn):
    more = mt.ones(4, 3, 5, 6, dtype=mt.float64)
    y = bn(x) + more
    more.zero_()
    np.testing.assert_allclose(y.detach().numpy(), norm_of(x) + 1, atol=1e-10)


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


def test_written_without_recording_it_keeps_its_history(x, bn):
    y = bn(x)
    node = y.grad_fn
    with mt.no_grad():
        F.relu(y, inplace=True)
    assert y.requires_grad and y.grad_fn is node
    np.testing.assert_allclose(y.detach().numpy(), np.maximum(norm_of(x), 0), atol=1e-10)


def test_two_uses_of_a_pending_result(x, bn):
    y = bn(x)
    z = F.relu(y) + F.relu(y) + y
    grads = mt.autograd.grad(z.sum(), x, retain_graph=True)[0]
    leaf = x.detach().clone().requires_grad_()
    w = bn(leaf)
    assert w.shape
    expected = mt.autograd.grad((2 * F.relu(w) + w).sum(), leaf)[0]
    np.testing.assert_allclose(grads.numpy(), expected.numpy(), atol=1e-10)


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


def test_module_hooks_and_repr_see_the_values(x):
    net = nn.Sequential(nn.BatchNorm2d(3, dtype=mt.float64), nn.ReLU())
    seen = []
    net[0].register_forward_hook(lambda module, args, y: seen.append(y.mean().item()))
    net(x)
    assert abs(seen[0]) < 1e-8
    assert "tensor(" in repr(net[0](x))


def test_a_residual_network_takes_one_pass_for_norm_sum_and_relu(monkeypatch):
    from minitorch_cnn import kernels
    from minitorch_cnn.models import cifar

    calls = []
    real = kernels.batch_norm_forward

    def spy(x, scale, shift, residual=None, relu=False):
        calls.append((residual is not None, relu))
        return real(x, scale, shift, residual, relu)

    monkeypatch.setattr(kernels, "batch_norm_forward", spy)
    cifar.resnet20()(mt.randn(2, 3, 8, 8))
    # 9 blocks of two norms, the first layer's, and two shortcuts with a norm but no ReLU
    assert calls.count((False, True)) == 10
    assert calls.count((True, True)) == 9
    assert calls.count((False, False)) == 2
    assert len(calls) == 21
