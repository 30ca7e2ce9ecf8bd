"""What a program sees of a graph: torch's names of the nodes, their neighbours, hooks of nodes."""

import gc
import weakref
from contextlib import nullcontext

import pytest

import minitorch_cnn as mt

# Operations that are one node here and in torch. F: nn.functional, i: positions.
SAME = """
    x + x;x + 1;x - x;x * 2;x / x;-x;x**2;x**x;2**x;x.exp();x.log();x.sqrt();x.abs();x.tanh()
    x.sigmoid()
    x.relu();F.leaky_relu(x);F.elu(x);F.gelu(x);F.silu(x);F.mish(x);F.relu6(x);F.hardswish(x)
    F.softplus(x);F.softmax(x, 1);F.log_softmax(x, 1);x.sum();x.sum(1);x.mean();x.mean(1)
    x.amax(1);x.var();x.prod();x.cumsum(1);x.view(-1);x.flatten();x.permute(1, 0);x.expand(2, 4, 4)
    x[0]
    x[0:2];x[:, 1];x[None];x[x > 0];x.clone();x @ x;x3.bmm(x3);x4.matmul(x4);lib.cat([x, x])
    x.gather(1, i)
    lib.where(x > 0, x, x * 2);x.clamp(0, 1);lib.maximum(x, x);F.linear(x, x);F.linear(x, x, x[0])
    F.linear(x3, x);F.conv2d(x4, x4);F.max_pool2d(x4, 2);F.avg_pool2d(x4, 2);F.prelu(x, x[0])
    F.batch_norm(x, None, None, training=True);F.embedding(i, x);F.cross_entropy(x, i[0])
    F.smooth_l1_loss(x, x * 2);F.huber_loss(x, x * 2);F.l1_loss(x, x * 2);F.pad(x4, (1, 1, 1, 1))
    F.binary_cross_entropy_with_logits(x, x.detach());x.tril();x.round();x.half();x.clone().mul_(2)
    x.index_select(0, i[0]);x.flip(0);x.lerp(x * 2, 0.3);x.atan2(x);lib.linalg.inv(x)
    x.clone().relu_()
"""

# Operations that are one node in torch and several here, of which the last has torch's name.
PUT_TOGETHER = """
    F.mse_loss(x, x * 2);F.mse_loss(x, x * 2, reduction="sum");F.nll_loss(x, i[0])
    F.nll_loss(x, i[0], reduction="sum");F.nll_loss(x, i[0], reduction="none")
    F.nll_loss(x4, (x4[:, 0] * 0).long());x.std();x.norm();x.norm(3, 1);F.layer_norm(x, (4,))
    F.layer_norm(x, (4,), x[0], x[1]);F.group_norm(x, 2);x.logsumexp(1);lib.stack([x, x])
    x.masked_fill(x > 0, 1);x.mv(x[0]);x.squeeze();x.squeeze(0);x.unsqueeze(1);x.transpose(0, 1)
    x.t();x.repeat(2, 1)
"""


def tensors(lib):
    lib.manual_seed(0)
    shapes = {"x": (4, 4), "x3": (4, 4, 4), "x4": (2, 4, 4, 4)}
    named = {name: lib.rand(*shape).requires_grad_() for name, shape in shapes.items()}
    return {**named, "lib": lib, "i": lib.tensor([[0, 1, 2, 3]] * 4), "F": lib.nn.functional}


def test_nodes_have_torchs_names():
    torch = pytest.importorskip("torch")
    ours, theirs = tensors(mt), tensors(torch)
    both = (SAME + PUT_TOGETHER).replace("\n", ";")
    cases = [each.strip() for each in both.split(";") if each.strip()]
    assert len(cases) > 70
    for case in cases:
        mine, expected = (eval(case, dict(names)).grad_fn for names in (ours, theirs))
        assert mine.name() == expected.name() == type(mine).__name__, case
        assert type(mine).__name__ == type(expected).__name__, case
        assert repr(mine) == f"<{expected.name()}>"


def test_a_function_of_ones_own():
    class Cube(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.name = ctx.named = ctx.metadata_of_mine = "mine"
            return x**3

        @staticmethod
        def backward(ctx, gy):
            return gy

    node = Cube.apply(mt.ones(1, requires_grad=True)).grad_fn
    assert repr(node) == "<CubeBackward>" and type(node).__name__ == "CubeBackward"
    assert node.name == "mine"


def chain(lib):
    """The names along a graph, with the shapes of the leaves."""
    x, w = lib.ones(2, 3, requires_grad=True), lib.ones(3, 3, requires_grad=True)
    seen = []

    def visit(node, depth):
        for following, number in node.next_functions:
            if following is None:
                seen.append((depth, None, number))
                continue
            shape = tuple(following.variable.shape) if hasattr(following, "variable") else None
            seen.append((depth, following.name(), number, shape))
            visit(following, depth + 1)

    visit(((x @ w).relu() + lib.zeros(2, 3)).unbind()[1].sum().grad_fn, 0)
    return [each for each in seen if each[1] not in ("SelectBackward0", "UnbindBackward0")]


def test_neighbours():
    torch = pytest.importorskip("torch")
    ours, theirs = chain(mt), chain(torch)
    assert ours == theirs and (2, None, 0) in ours and len(ours) == 6


def test_a_leaf_has_one_accumulator_as_long_as_somebody_has_it():
    x = mt.ones(1, requires_grad=True)
    a, b = (x * 2).grad_fn.next_functions[0][0], x.exp().grad_fn.next_functions[0][0]
    assert a is b and a.variable is x
    seen = weakref.ref(a)
    del a, b
    gc.collect()
    assert seen() is None


def hooks(lib):
    """What hooks of nodes are called with, in order."""
    calls = []

    def note(name, change=None):
        def hook(*grads):
            flat = [g if g is None else g.tolist() for each in grads for g in each]
            calls.append((name, [len(each) for each in grads], flat))
            return change

        return hook

    x = lib.tensor([3.0], requires_grad=True)
    y = x * 2
    z = y.exp()
    y.register_hook(lambda g: calls.append(("tensor", g.tolist())))
    y.grad_fn.register_prehook(note("before", (lib.tensor([5.0]),)))
    y.grad_fn.register_hook(note("after", (lib.tensor([7.0]), None)))
    removed = z.grad_fn.register_hook(note("removed"))
    z.grad_fn.register_hook(note("exp"))
    removed.remove()
    accumulator = y.grad_fn.next_functions[0][0]
    accumulator.register_prehook(note("leaf before", (lib.tensor([9.0]),)))
    accumulator.register_hook(lambda *_: calls.append(("leaf", x.grad.tolist())))
    (z * 0).sum().backward()
    y.grad_fn.metadata["note"] = 1
    return [*calls, ("end", y.grad_fn.metadata, x.grad.tolist())]


def test_hooks_of_nodes():
    torch = pytest.importorskip("torch")
    ours, theirs = hooks(mt), hooks(torch)
    assert ours == theirs and len(ours) == 7


def hooks_of_a_leaf(lib):
    """What the hooks of a leaf and of its AccumulateGrad get, in two backward passes."""
    calls = []
    x = lib.tensor([1.0], requires_grad=True)
    y = x.clone()
    accumulator = y.grad_fn.next_functions[0][0]
    handle = accumulator.register_hook(lambda a, b: calls.append(("after", len(a), b[0].item())))
    accumulator.register_prehook(lambda g: calls.append(("before", g[0].item())))
    accumulator.register_prehook(lambda g: (g[0] + 1,))
    x.register_hook(lambda g: g * 2)  # is asked first, though it came last
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    return calls, x.grad.item()


def test_hooks_of_an_accumulate_grad_come_after_those_of_the_leaf():
    # The gradient 1, doubled by the leaf's hook, is 2; the second hook of the node adds 1. What
    # comes after gets what was added, not the sum.
    before, after = ("before", 2.0), ("after", 0, 3.0)
    expected = [before, after, before, after, before], 9.0
    assert hooks_of_a_leaf(mt) == expected
    torch = pytest.importorskip("torch")
    assert hooks_of_a_leaf(torch) == expected


def test_hooks_that_return_another_number_of_gradients():
    x = mt.ones(1, requires_grad=True)
    for register in ("register_hook", "register_prehook"):
        y = x.exp()
        getattr(y.grad_fn, register)(lambda *grads: (mt.ones(1),) * 3)
        with pytest.raises(RuntimeError, match="ExpBackward0"):
            y.sum().backward()


def test_neighbours_of_a_gradient_that_goes_on():
    """The names along the graph of a .grad; None where torch's node has an input without one."""

    def names(node):
        if node is None:
            return "None"
        below = ", ".join(names(each) for each, _ in getattr(node, "next_functions", ()))
        return f"{type(node).__name__}({below})"

    torch = pytest.importorskip("torch")
    for once in (False, True):
        seen = []
        for lib in (mt, torch):

            def backward(ctx, gy, lib=lib):
                a, b = ctx.saved_tensors
                return gy + gy * b, None, gy * a

            class Product(lib.autograd.Function):
                @staticmethod
                def forward(ctx, a, number, b):
                    ctx.save_for_backward(a, b)
                    return a + a * b

            if once:
                backward = lib.autograd.function.once_differentiable(backward)
            Product.backward = staticmethod(backward)
            a, b = (lib.ones(2, requires_grad=True) for _ in range(2))
            weight = lib.tensor(2.0, requires_grad=True)
            Product.apply(a, 5, b).sum().backward(weight, create_graph=True)
            seen.append((names(a.grad.grad_fn), a.grad.tolist(), b.grad.tolist()))
            with (
                pytest.raises(RuntimeError, match="once_differentiable") if once else nullcontext()
            ):
                b.grad.sum().backward()
        assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "call",
    """x*2;2*x;x+1;1+x;x-1;1-x;x/2;2/x;x**2;2**x;x%2;lib.add(x,1,alpha=2);lib.rsub(x,1);x.sum()*3
    x.div(2,rounding_mode='floor');lib.xlogy(x,2);lib.xlogy(2,x);lib.copysign(x,1);lib.xlogy(x,x)
    lib.logaddexp(x,x);x-x;x/x;x*lib.tensor(2.0)""".replace("\n", ";").split(";"),
)
def test_numbers_among_the_neighbours(call):
    torch = pytest.importorskip("torch")
    seen = []
    for lib in (mt, torch):
        node = eval(call.strip(), dict(lib=lib, x=lib.ones(2, requires_grad=True))).grad_fn
        seen.append((node.name(), [each is None for each, _ in node.next_functions]))
    assert seen[0] == seen[1]


def test_the_hook_of_a_leafs_node_sees_what_others_wrote_to_the_first_gradient():
    torch = pytest.importorskip("torch")

    def half_more(leaf):
        leaf.grad.add_(0.5)

    for lib in (mt, torch):
        x, seen = lib.zeros(2, requires_grad=True), []
        node = x.view_as(x).grad_fn.next_functions[0][0]
        x.register_post_accumulate_grad_hook(half_more)
        node.register_hook(lambda gx, gy, seen=seen: seen.append(gy[0].tolist()))
        for _ in range(2):
            (x * 2).sum().backward()
        x.grad = None
        x.sum().backward()  # whose gradient is one number, expanded
        assert seen == [[2.5, 2.5], [2.0, 2.0], [1.0, 1.0]] and x.grad.tolist() == [1.5, 1.5]


def test_variance_and_mean_are_one_node():
    x = mt.tensor([[1.0, 2.0], [3.0, 8.0]], requires_grad=True)
    variance, average = mt.var_mean(x, 0)
    assert variance.grad_fn is average.grad_fn and variance.grad_fn.name() == "VarMeanBackward0"
    seen = []
    average.grad_fn.register_prehook(lambda gys: seen.append([gy.tolist() for gy in gys]))
    (variance * 2 + average * 3).sum().backward()
    assert seen == [[[2.0, 2.0], [3.0, 3.0]]]
    assert x.grad.tolist() == [[1.5 - 4, 1.5 - 12], [1.5 + 4, 1.5 + 12]]  # 3/2, 2 * 2 (x - mean)
