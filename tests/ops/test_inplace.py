"""Writing in place: values, version counters, histories of views. Oracles: functional formulas,
and torch where it is installed."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import minitorch_cnn as mt


def leaf(*values):
    return mt.tensor(list(values), dtype=mt.float64, requires_grad=True)


def test_inplace_result_is_the_tensor_itself_and_shares_memory():
    x = mt.ones(3)
    view = x[1:]
    assert x.add_(1) is x
    x *= 3
    assert x.tolist() == [6.0, 6.0, 6.0] and view.tolist() == [6.0, 6.0]
    view.zero_()
    assert x.tolist() == [6.0, 0.0, 0.0]


def test_gradient_through_a_chain_of_writes():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.mul_(3).add_(x).pow_(2)  # (3x + x)^2 = 16 x^2
    y.sum().backward()
    assert x.grad.tolist() == [32.0, 64.0]


def test_gradient_of_the_other_factor_uses_the_old_value():
    x, w = leaf(2.0), leaf(5.0)
    y = x * 1
    y.mul_(w)
    y.backward()
    assert w.grad.tolist() == [2.0] and x.grad.tolist() == [5.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda y: y.add_(1),
        lambda y: y.zero_(),
        lambda y: y.detach().add_(1),
        lambda y: y[0].fill_(3),
        lambda y: y.view(1, 2).mul_(2),
        lambda y: y.__setitem__(0, 7.0),
        lambda y: y.__setitem__(y > 0, 7.0),
        lambda y: y.copy_(mt.zeros(2)),
    ],
)
def test_a_value_needed_by_backward_and_changed_raises(change):
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    change(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as info:
        z.sum().backward()
    assert "[2]" in str(info.value) and "expected version 0" in str(info.value)


def test_a_value_not_needed_may_change():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y + 1
    with mt.no_grad():
        y.add_(1)
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_saved_output_changed_in_place_raises():
    y = leaf(1.0).exp()
    z = y.sum()
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="output 0 of ExpBackward0"):
        z.backward()


def test_writes_through_data_go_unnoticed_as_in_torch():
    x = leaf(3.0)
    y = x * x
    x.data.fill_(5.0)
    y.backward()
    assert x.grad.tolist() == [10.0]


def test_leaf_that_requires_grad_is_protected():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[0].zero_()
    with pytest.raises(RuntimeError, match="a leaf Variable"):
        x[x > 1] = 0
    assert x.tolist() == [1.0, 2.0]
    with mt.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0]


def test_write_into_a_view_changes_the_history_of_the_base():
    x, v = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 2
    y[1:2].copy_(v)
    (y * y).sum().backward()
    assert x.grad.tolist() == [8.0, 0.0, 24.0]
    assert v.grad.tolist() == [20.0]


def test_a_view_knows_its_base():
    x = mt.ones(2, 3)
    for view in (x.t(), x[0], x.view(6), x.t()[1:]):
        assert view._is_view() and view._base is x
    for other in (x, x.detach(), x + 0, x.clone()):
        assert not other._is_view() and other._base is None


def test_write_into_the_base_changes_the_history_of_the_view():
    x = leaf(1.0, 2.0)
    y = x * 1
    first = y[0]
    y.mul_(3)
    (first * first).backward()  # (3 x0)^2
    assert x.grad.tolist() == [18.0, 0.0]


def test_write_into_one_view_reaches_an_overlapping_view():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    left, right = y[:2], y[1:]
    left.mul_(10)
    right.sum().backward()
    assert x.grad.tolist() == [0.0, 10.0, 1.0]


def test_a_view_looked_at_under_no_grad_keeps_its_new_history():
    x = leaf(1.0, 2.0)
    y = x * 1
    first = y[0]
    y.mul_(3)
    with mt.no_grad():
        assert first.requires_grad
    first.backward()
    assert x.grad.tolist() == [3.0, 0.0]


def test_constant_base_written_by_a_gradient_requires_one():
    x = leaf(4.0)
    y = mt.zeros(3, dtype=mt.float64)
    row = y[1:]
    y[2] = x[0] * 2
    assert y.requires_grad and row.requires_grad
    (row * row).sum().backward()
    assert x.grad.tolist() == [32.0]


def test_augmented_assignment_to_a_column():
    x, y = leaf(1.0, 2.0, 3.0, 4.0), leaf(10.0, 20.0)
    a = x.reshape(2, 2) * 1
    a[:, 1] += y
    (a * a).sum().backward()
    assert a.tolist() == [[1.0, 12.0], [3.0, 24.0]]
    assert y.grad.tolist() == [24.0, 48.0]
    assert x.grad.tolist() == [2.0, 24.0, 6.0, 48.0]


def test_mask_and_index_assignment():
    x, v = leaf(1.0, -2.0, 3.0, -4.0), leaf(5.0, 6.0)
    y = x * 1
    y[x < 0] = v
    assert y.tolist() == [1.0, 5.0, 3.0, 6.0]
    (y * mt.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 3.0, 0.0] and v.grad.tolist() == [2.0, 4.0]


def test_ints_beside_index_tensors_keep_the_order_of_the_axes():
    x = mt.zeros(2, 3, 4)
    value = mt.arange(6.0).reshape(3, 2)
    x[0, :, [1, 2]] = value  # NumPy would want (2, 3)
    assert x[0, :, 1:3].tolist() == value.tolist() and x.sum() == 15


def test_expanded_memory_cannot_be_written():
    with pytest.raises(RuntimeError, match=r"single memory location.*clone"):
        mt.ones(1).expand(3).add_(1)


def test_views_go_on_sharing_memory_that_is_laid_out_anew():
    x = mt.randn(2, 3, 4, 5).contiguous(memory_format=mt.channels_last)
    channel, detached = x[:, 0], x.detach()
    flat = x.view(2, -1)  # channels-last memory has no such view: it moves
    channel.fill_(3)
    detached[1, 1] = 7
    assert (flat[:, :20] == 3).all() and (x[:, 0] == 3).all() and (flat[1, 20:40] == 7).all()
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        mt.zeros(2, 3).t().view(6)


def test_broadcast_value_collects_its_gradient():
    x, v = leaf(1.0, 2.0, 3.0), leaf(5.0)
    y = x * 1
    y[mt.tensor([0, 2])] = v
    (y * mt.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert v.grad.tolist() == [4.0] and x.grad.tolist() == [0.0, 2.0, 0.0]


def test_shape_and_type_may_not_grow():
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match.*\[3, 2\]"):
        mt.ones(2).add_(mt.ones(3, 2))
    with pytest.raises(RuntimeError, match=r"float32 can't be cast to .*int64"):
        mt.tensor([1, 2]).mul_(1.5)
    with pytest.raises(RuntimeError, match=r"\[3\].*\[4\]"):
        x = mt.zeros(4)
        x[mt.tensor([True, True, False, False])] = mt.ones(3)


def test_augmented_assignment_keeps_the_dtype():
    x = mt.ones(2)
    x += mt.ones(2, dtype=mt.float64)
    assert x.dtype is mt.float32


def test_overwriting_with_constants_cuts_the_history():
    x = leaf(1.0, 2.0)
    y = x * 1
    y.zero_()
    z = (y + x).sum()
    z.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_double_backward_through_writes():
    x = leaf(1.0, 2.0)
    y = x * x
    y[0] *= x[1]  # y = (x0^2 x1, x1^2)
    (gx,) = mt.autograd.grad(y.sum(), x, create_graph=True)
    assert gx.tolist() == [4.0, 5.0]  # 2 x0 x1, x0^2 + 2 x1
    (ggx,) = mt.autograd.grad(gx.sum(), x)
    assert ggx.tolist() == [2 * 2 + 2, 2 * 1 + 2]


OPERATIONS = ["add_", "sub_", "mul_", "div_"]
PARTS = [
    (slice(None),),
    (0,),
    (slice(1, None), slice(None, None, 2)),
    (Ellipsis, 1),
    (None, slice(0, 1)),
]


@given(
    st.lists(
        st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(range(len(PARTS)))), max_size=5
    ),
    st.integers(0, 2**31),
)
def test_programs_of_writes_agree_with_torch(program, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    a, b, cotangent = rng.uniform(0.5, 2, (3, 3, 4))

    def run(lib):
        x, w = (lib.tensor(v, requires_grad=True) for v in (a, b))
        y = x * 1
        views = []
        for name, part in program:
            view = y[PARTS[part]]
            views.append(view)
            getattr(view, name)(w[PARTS[part]])
        loss = (y * lib.tensor(cotangent)).sum()
        for view in views:
            loss = loss + (view * view).sum()
        loss.backward()
        return x.grad.numpy(), w.grad.numpy() if w.grad is not None else np.zeros_like(b)

    for ours, theirs in zip(run(mt), run(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)


# ------------------------------------------------------------------- random programs with views

VIEWS = {
    "transpose": lambda t: t.transpose(0, -1),
    "first": lambda t: t[0],
    "last column": lambda t: t[..., -1],
    "every second": lambda t: t[..., ::2],
    "narrow": lambda t: t.narrow(0, 0, 1),
    "unsqueeze": lambda t: t.unsqueeze(1),
    "squeeze": lambda t: t.squeeze(),
    "diagonal": lambda t: t.diagonal(),
    "flat": lambda t: t.view(-1),
    "moved": lambda t: t.movedim(0, -1),
    "half": lambda t: t.narrow(-1, 0, max(t.shape[-1] // 2, 1)),
    "windows": lambda t: t.unfold(-1, 2, 2),
}


def masked(lib, t, w):
    t[t > 1.2] = 0.5 * w.sum()


def positions(lib, t, w):
    t[lib.tensor([0])] = t[lib.tensor([0])] * w.mean()


def column(lib, t, w):
    t[..., 0] = w.max()


def augmented(lib, t, w):
    t[..., -1] += w.sum() * t[..., 0]


WRITES = {
    "add_": lambda lib, t, w: t.add_(w.sum()),
    "mul_": lambda lib, t, w: t.mul_(w.mean()),
    "div_": lambda lib, t, w: t.div_(w.max()),
    "sigmoid_": lambda lib, t, w: t.sigmoid_(),
    "clamp_": lambda lib, t, w: t.clamp_(0.7, 1.6),
    "zero_": lambda lib, t, w: t.zero_(),
    "fill_": lambda lib, t, w: t.fill_(1.5),
    "copy_": lambda lib, t, w: t.copy_(w.reshape(-1)[:1]),
    "masked_fill_": lambda lib, t, w: t.masked_fill_(t > 1, 0.25),
    "index_fill_": lambda lib, t, w: t.index_fill_(0, lib.tensor([0]), 2.0),
    "addcmul_": lambda lib, t, w: t.addcmul_(t, w.sum(), value=0.5),
    "t[mask] = v": masked,
    "t[index] = v": positions,
    "t[..., 0] = v": column,
    "t[..., -1] += v": augmented,
    "t *= t": lambda lib, t, w: t.__imul__(t),
}

steps = st.one_of(
    st.tuples(st.just("view"), st.sampled_from(sorted(VIEWS)), st.integers(0, 9)),
    st.tuples(st.just("write"), st.sampled_from(sorted(WRITES)), st.integers(0, 9)),
)


@settings(max_examples=100)
@given(st.lists(steps, min_size=1, max_size=8), st.booleans(), st.integers(0, 2**31))
def test_programs_of_views_and_writes_agree_with_torch(program, tracked, seed):
    """Values of every view, and gradients, or both libraries refuse the same step."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 2, (2, 4, 4))
    cotangents = rng.uniform(0.5, 2, (len(program) + 1, 256))

    def run(lib):
        x = lib.tensor(a, requires_grad=tracked)
        w = lib.tensor(b, requires_grad=True)
        tensors, refused = [x * 1], []
        for number, (kind, name, which) in enumerate(program):
            target = tensors[which % len(tensors)]
            try:
                if kind == "view":
                    tensors.append(VIEWS[name](target))
                else:
                    WRITES[name](lib, target, w)
            except (RuntimeError, IndexError, ValueError) as error:
                # torch takes a view for a leaf if its base got a history later: ours is better.
                assume("a leaf Variable" not in str(error))
                refused.append(number)
        loss = sum(
            (t * lib.tensor(c[: t.numel()]).reshape(t.shape)).sum()
            for t, c in zip(tensors, cotangents)
        )
        leaves = [x, w] if tracked else [w]
        grad = torch.autograd.grad if lib is torch else mt.autograd.grad
        try:
            grads = grad(loss, leaves, allow_unused=True) if loss.requires_grad else []
        except RuntimeError as error:  # a value that backward needs was overwritten
            assert "modified by an inplace operation" in str(error)
            grads, refused = [], [*refused, "backward"]
        values = [t.detach().numpy().copy() for t in tensors]
        grads = [np.zeros((4, 4)) if g is None else g.numpy() for g in grads]
        return refused, values, grads or [np.zeros((4, 4))] * len(leaves)

    (refused, values, grads), (refused_by_torch, expected, slopes) = run(mt), run(torch)
    # torch also goes back to what constants overwrote, and may find a changed value there.
    assume("backward" in refused or "backward" not in refused_by_torch)
    assert refused == refused_by_torch
    for mine, theirs in zip(values, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    for mine, theirs in zip(grads, slopes, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rows_first", [True, False])
def test_a_gradient_finds_the_overwritten_part_whatever_its_order_in_memory(rows_first):
    """A transposed alias hands back a transposed gradient; view(-1) of that is no view."""
    w = mt.tensor(2.0, requires_grad=True)
    x = mt.arange(6.0).reshape(2, 3) if rows_first else mt.arange(6.0).reshape(3, 2).t()
    base = x * w  # 6 elements, each overwritten
    alias = base.t()
    everything = base.view(-1) if base.is_contiguous() else base.t().view(-1)
    everything.copy_(3 * w.expand(6))
    cotangent = mt.arange(6.0).reshape(3, 2) if rows_first else mt.arange(6.0).reshape(2, 3).t()
    (gradient,) = mt.autograd.grad((alias * cotangent).sum(), w)
    assert gradient.item() == 3 * 15  # nothing of x w is left


@pytest.mark.parametrize(
    "index, shape",
    [
        (0, (1, 3, 4)), (0, (1, 1, 3, 4)), (0, (1, 1)), ((0, 1, 2), (1,)), ((0, 1, 2), (1, 1)),
        ((slice(None), 1), (1, 2, 4)), ((..., slice(2)), (1, 2, 3, 2)), (([0, 1], 0), (1, 4)),
        (([0, 1], 0), (1, 2, 4)), ((slice(None), [0, 2]), (1, 1, 2, 4)), ((0, [0, 1], 2), (1, 2)),
        ((0, [0, 1], 2), (1, 1, 1)), (([0], [1], [2]), (1, 1)), ((0, None), (1, 1, 3, 4)),
    ],
)  # fmt: skip
def test_assigned_values_may_have_leading_ones(index, shape):
    torch = pytest.importorskip("torch")
    count = int(np.prod(shape))
    found = []
    for lib in (mt, torch):
        x = lib.zeros(2, 3, 4, requires_grad=True)
        w = lib.arange(1.0, count + 1).reshape(shape).requires_grad_()
        y = x * 1
        y[index] = w
        (y * lib.arange(24.0).reshape(2, 3, 4)).sum().backward()
        z = lib.zeros(2, 3, 4)
        z[index] = w.detach()
        found.append([each.tolist() for each in (y, z, x.grad, w.grad)])
    assert found[0] == found[1]


def test_what_a_mask_is_assigned_may_have_leading_ones():
    x = mt.zeros(3)
    x[mt.tensor([True, False, True])] = mt.tensor([[1.0, 2.0]])
    assert x.tolist() == [1, 0, 2]
    with pytest.raises(RuntimeError):
        x[0] = mt.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError):
        x[:] = mt.zeros(2, 1)


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "float16", "float32", "bool"])
@pytest.mark.parametrize(
    "value", [-1, 255, 256, -255, -256, 127, -129, 2.7, -0.5, 2**40, 1e6, 1e300, float("inf")]
)
def test_numbers_written_into_a_tensor_must_fit(kind, value):
    """What torch refuses is refused by each way of filling, what it takes has its value."""
    torch = pytest.importorskip("torch")

    def put(x, index):
        x[index] = value
        return x

    for write in (
        lambda lib, x: x.fill_(value),
        lambda lib, x: put(x, 0),
        lambda lib, x: put(x, x == x),
        lambda lib, x: lib.full((2,), value, dtype=x.dtype),
        lambda lib, x: lib.full_like(x, value),
        lambda lib, x: x.scatter(0, lib.tensor([0]), value),
    ):
        results = []
        for lib in (torch, mt):
            x = lib.zeros(3, dtype=getattr(lib, kind))
            try:
                results.append(write(lib, x).tolist())
            except RuntimeError as error:
                assert "overflow" in str(error)
                results.append("refused")
        assert results[0] == results[1]


def refused(lib, inplace):
    """The first words of what a write says to a view that requires a gradient on its own."""
    x = lib.zeros(2)
    found = []
    for mode in (lib.enable_grad, lib.no_grad):
        with mode():
            y = x.view(2)
        y.requires_grad_(True)
        for target in (y, y.view(2)):
            with pytest.raises(RuntimeError) as raised:
                inplace(target)
            found.append(str(raised.value))
    return found, x.tolist()


@pytest.mark.parametrize(
    "inplace", [lambda t: t.add_(1), lambda t: t.zero_(), lambda t: t.__setitem__(0, 1.0)]
)
def test_a_view_that_is_a_leaf_of_its_own_is_not_written_to(inplace):
    # Its memory belongs to a tensor without a gradient; yet y would no longer be what was used.
    found, values = refused(mt, inplace)
    assert values == [0, 0]
    assert all("leaf Variable that requires grad" in each for each in found)
    torch = pytest.importorskip("torch")
    theirs, values = refused(torch, inplace)
    assert len(theirs) == 4 and values == [0, 0]


def test_a_view_made_under_no_grad_says_so_before_it_speaks_of_leaves():
    for base in (mt.ones(2, requires_grad=True), mt.ones(2, requires_grad=True).clone()):
        with mt.no_grad():
            view = base[:]
        with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
            view.zero_()
