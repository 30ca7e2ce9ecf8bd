"""Products with Jacobians and Hessians, and both in full: autograd.functional and func."""

from functools import partial

import numpy as np
import pytest

import minitorch_cnn as mt

RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal((2, 3)), RNG.standard_normal(3), RNG.standard_normal((3, 2))


def flat(result):
    """A nested result with arrays, and whether each would be differentiated further."""
    if isinstance(result, dict):
        return {key: flat(value) for key, value in result.items()}
    if isinstance(result, tuple | list):
        return [flat(each) for each in result]
    return np.asarray(result.detach().numpy()), result.requires_grad


def assert_same(ours, theirs, case):
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), case
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(ours, list):
        assert len(ours) == len(theirs), case
        for mine, other in zip(ours, theirs, strict=True):
            assert_same(mine, other, case)
        return
    assert ours[1] == theirs[1] and ours[0].shape == theirs[0].shape, case
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12, atol=1e-14, err_msg=case)


def names(lib):
    t = {key: lib.tensor(value) for key, value in (("a", A), ("b", B), ("c", C))}
    one = lib.tensor(0.5, dtype=lib.float64)
    return {**t, "one": one, "lib": lib, "G": lib.func, "D": lib.autograd.functional,
            "w": lib.tensor(B).requires_grad_()}  # fmt: skip


def compare(cases):
    torch = pytest.importorskip("torch")
    ours, theirs = names(mt), names(torch)
    for case in cases.strip().splitlines():
        found = []
        for each in (ours, theirs):
            try:
                found.append(flat(eval(case, dict(each))))
            except Exception as error:
                found.append(type(error).__name__)
        if isinstance(found[1], str):
            assert found[0] == found[1], case
        else:
            assert not isinstance(found[0], str), (case, found[0])
            assert_same(*found, case)


def test_autograd_functional_is_torchs():
    compare("""
        D.jacobian(lambda b: b.exp(), b)
        D.jacobian(lambda a, b: (a @ b, a.sin()), (a, b))
        D.jacobian(lambda a: a.sum(), a)
        D.jacobian(lambda a: lib.ones(2), a)
        D.jacobian(lambda a, b: a.sum(), (a, b))
        D.jacobian(lambda b: b**3, w, create_graph=True)
        D.jacobian(lambda b: b**3, w)
        D.jacobian(lambda b: b**3, [b])
        D.jacobian(lambda a: lib.ones(2), a, strict=True)
        D.jacobian(lambda a: 3, a)
        D.jacobian(lambda a: a, 3)
        D.jacobian(lambda b: b.exp(), b, vectorize=True)
        D.hessian(lambda b: (b**3).sum() * b[0], b)
        D.hessian(lambda a, b: (a @ b).exp().sum(), (a, b))
        D.hessian(lambda b: (b**3).sum(), w, create_graph=True)
        D.hessian(lambda a: a, a)
        D.vjp(lambda a: a.exp().sum(), a)
        D.vjp(lambda a, b: (a @ b, b.sin()), (a, b), (b[:2], b))
        D.vjp(lambda a: a.exp(), a)
        D.vjp(lambda a: a.exp(), a, b)
        D.vjp(lambda b: b.exp(), w, b, create_graph=True)
        D.vjp(lambda a: lib.ones(1), a, lib.ones(1), strict=True)
        D.jvp(lambda a: a.exp(), a, a)
        D.jvp(lambda a, b: (a @ b, b.sin()), (a, b), (a, b))
        D.jvp(lambda b: b.exp(), w, b, create_graph=True)
        D.jvp(lambda b: lib.ones(2, dtype=lib.float64), b, b)
        D.jvp(lambda a: a.sum(), a)
        D.vhp(lambda b: (b**3).sum() * b[0], b, b)
        D.hvp(lambda b: (b**3).sum() * b[0], b, b)
        D.vhp(lambda a, b: (a @ b).exp().sum(), (a, b), (a, b))
        D.hvp(lambda a, b: (a @ b).exp().sum(), (a, b), (a, b))
        D.hvp(lambda a: a.sum(), a, a)
        D.hvp(lambda a: a.sum(), a, a, strict=True)
        D.vhp(lambda a: a, a, a)
    """)


def test_func_is_torchs():
    compare("""
        G.grad(lambda a: a.exp().sum())(a)
        G.grad(lambda a, b: (a @ b).sum(), argnums=1)(a, b)
        G.grad(lambda a, b: (a @ b).sum(), argnums=(0, 1))(a, b)
        G.grad(lambda p, b: ((p["a"] @ b) * p["s"][0]).sum())({"a": a, "s": [b[:2]]}, b)
        G.grad(lambda a: (a.exp().sum(), a * 2), has_aux=True)(a)
        G.grad_and_value(lambda a: (a.exp().sum(), a * 2), has_aux=True)(a)
        G.grad_and_value(lambda b: b.exp().sum())(w)
        G.grad(lambda b: b.exp())(b)
        G.grad(lambda b: 3.0)(b)
        G.grad(lambda b: b.sum(), argnums=1)(b)
        G.grad(lambda b: b.sum())(3.0)
        G.grad(G.grad(lambda x: x.sin()))(one)
        G.vjp(lambda b: b.exp(), b)[1](b)
        G.vjp(lambda a, b: (a @ b, b.sin()), a, b)[1]((b[:2], b))
        G.vjp(lambda b: (b.exp(), b), b, has_aux=True)[2]
        G.jvp(lambda a, b: a @ b.exp(), (a, b), (a, b))
        G.jvp(lambda b: (b.exp(), b.sin()), (b,), (b,))
        G.jvp(lambda b: b, (b,), (a,))
        G.jacrev(lambda b: b.exp())(b)
        G.jacrev(lambda a, b: {"q": a @ b, "r": b}, argnums=(0, 1))(a, b)
        G.jacrev(lambda b: (b.exp(), b), has_aux=True)(b)
        G.jacfwd(lambda b: b.exp() * b[0])(b)
        G.hessian(lambda b: (b**3).sum() * b[0])(b)
    """)


def loss(net, x, lib, values):
    return lib.func.functional_call(net, values, x).exp().sum()


def test_a_module_with_other_values():
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        call, net = lib.func.functional_call, lib.nn.Linear(3, 2).double()
        net.tied = net.weight
        x, weight = lib.tensor(A), lib.tensor(C.T.copy()).requires_grad_()
        bias = lib.tensor(B[:2])
        values = {"weight": weight, "bias": bias}
        found = [
            call(net, values, x),
            call(net, [{"weight": weight}, {"bias": bias}], (x,)),
            call(net, values, (), {"input": x}),
            *lib.autograd.grad(call(net, values, x).exp().sum(), weight),
            lib.func.grad(partial(loss, net, x, lib))(values)["bias"],
        ]
        assert net.weight is net.tied and net.weight is not weight
        refused = []
        for values, strict in (
            ({"weight": weight}, True),
            ({"weight": weight, "bias": bias, "tied": weight, "more": x}, True),
            ([{"weight": weight}, {"weight": weight}], False),
            (3, False),
            ({"weight": 3}, False),
        ):
            with pytest.raises((RuntimeError, ValueError, TypeError)) as error:
                call(net, values, x, strict=strict)
            refused.append(type(error.value).__name__)
        with pytest.warns(FutureWarning, match="functional_call"):
            lib.nn.utils.stateless.functional_call(net, {"bias": bias}, x)
        results.append(([flat(each)[0] for each in found], refused))
    assert results[0][1] == results[1][1]
    for mine, other in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_values_are_put_back_after_an_error():
    net = mt.nn.Linear(3, 2)
    weight = net.weight
    with pytest.raises(RuntimeError):
        mt.func.functional_call(net, {"weight": mt.zeros(2, 3)}, mt.zeros(1, 5))
    assert net.weight is weight
    shared = mt.nn.Sequential(net, net)
    shared[1].other = mt.nn.Parameter(mt.ones(1))
    out = mt.func.functional_call(shared[0], {"weight": mt.zeros(2, 3)}, mt.zeros(1, 3))
    assert out.equal(net.bias[None])


def test_what_is_not_there():
    with pytest.raises(NotImplementedError, match="forward-mode"):
        mt.autograd.functional.jacobian(mt.sin, mt.ones(1), strategy="forward-mode")


def ways_of_vmap(of):
    """Results of vmap by a library, mt or torch, as arrays."""
    x = of.tensor(np.random.default_rng(0).standard_normal((4, 3, 2)))
    w = of.tensor(np.random.default_rng(1).standard_normal((3, 2)))
    f = of.func
    loss = lambda p, x, y: ((x @ p["w"] + p["b"] - y) ** 2).mean()  # noqa: E731
    p = {"w": w.T.contiguous(), "b": of.ones(3, dtype=of.float64)}
    yield f.vmap(lambda a: a.sum(0))(x)
    yield of.vmap(lambda a, b: a * b, in_dims=(0, None), out_dims=1)(x, w)
    yield f.vmap(lambda a: (a.T, a * 2), in_dims=2, out_dims=(-1, 0))(x)
    yield f.vmap(f.vmap(lambda a, b: a @ b), in_dims=(1, None))(x, x[:, 0])
    yield f.vmap(lambda d: {"y": d["x"].exp()}, in_dims=({"x": 1},))({"x": x})
    yield f.vmap(f.grad(loss), in_dims=(None, 0, 0))(p, x, of.ones(4, 3, 3, dtype=of.float64))
    yield f.grad(lambda v: f.vmap(lambda a: (a**3).sum())(v).prod())(x * 0.1)
    yield f.vmap(f.jacrev(of.sin))(x[:, 0])
    # Keyword arguments are shared, as is what has None for its dim; a dim stands for a whole part.
    yield f.vmap(lambda a, scale: a * scale + scale.sum())(x, scale=of.ones(3, 2) * 3)
    yield f.vmap(lambda a, n: a * n)(x, n=3)
    yield f.vmap(lambda d, e: d["a"] + d["b"][0] + e, in_dims=(1, None))({"a": x, "b": [x]}, w[:1])
    yield f.vmap(lambda d: d[0] * d[1], in_dims=((0, None),))((x, w))
    yield f.vmap(lambda a: (a, [w, a.sum()]), out_dims=(1, [None, 0]))(x)
    yield f.vmap(lambda a: a * 2, in_dims=-1, out_dims=-1, chunk_size=2)(x)
    yield f.vmap(lambda a: {"y": a, "z": (a, a)}, out_dims={"y": 1, "z": (0, 2)})(x)
    yield f.vmap(lambda a: a.sum())(x[:0]), f.vmap(lambda a: a.T, out_dims=1)(x[:0])
    yield f.vmap(lambda a: a.add_(1), out_dims=(2,))(x.clone())


def arrays_of(tree):
    if isinstance(tree, dict):
        return [array for key in sorted(tree) for array in arrays_of(tree[key])]
    if isinstance(tree, tuple | list):
        return [array for each in tree for array in arrays_of(each)]
    return [np.asarray(tree.detach().cpu())]


def test_vmap_is_torchs():
    torch = pytest.importorskip("torch")
    for ours, theirs in zip(ways_of_vmap(mt), ways_of_vmap(torch), strict=True):
        for a, b in zip(arrays_of(ours), arrays_of(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_vmap_over_the_states_of_several_modules():
    nets = [mt.nn.Sequential(mt.nn.Linear(3, 2), mt.nn.BatchNorm1d(2)).eval() for _ in range(3)]
    nets[1][1].running_mean += 1
    parameters, buffers = mt.func.stack_module_state(nets)
    assert parameters["0.weight"].shape == (3, 2, 3) and parameters["0.weight"].is_leaf
    assert parameters["0.weight"].requires_grad and not buffers["1.running_mean"].requires_grad
    x = mt.randn(5, 3)
    call = lambda p, b, x: mt.func.functional_call(nets[0], (p, b), (x,))  # noqa: E731
    out = mt.vmap(call, in_dims=(0, 0, None))(parameters, buffers, x)
    assert mt.allclose(out, mt.stack([net(x) for net in nets]))
    with pytest.raises(RuntimeError, match="at least one model, got 0"):
        mt.func.stack_module_state([])
    with pytest.raises(RuntimeError, match="same training/eval mode"):
        mt.func.stack_module_state([nets[0], mt.nn.Linear(1, 1)])
    with pytest.raises(RuntimeError, match="same class, got Linear, Sequential"):
        mt.func.stack_module_state([nets[0], mt.nn.Linear(1, 1).eval()])


def test_vmap_and_chance():
    x = mt.zeros(3, 2)
    noisy = lambda a: a + mt.randn(2)  # noqa: E731
    with pytest.raises(RuntimeError, match="randomness error mode"):
        mt.vmap(noisy)(x)
    same = mt.vmap(noisy, randomness="same")(x)
    assert same[0].equal(same[1]) and same[0].equal(same[2])
    different = mt.vmap(noisy, randomness="different")(x)
    assert not different[0].equal(different[1])
    with pytest.raises(RuntimeError, match="Got often"):
        mt.vmap(noisy, randomness="often")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: mt.vmap(mt.add)(x, mt.ones(4)), r"same size .* got sizes \[3, 4\]"),
        (
            lambda x: mt.vmap(mt.sin, in_dims=None)(x),
            r"expected `in_dims` to be int or .*NoneType",
        ),
        (lambda x: mt.vmap(mt.sin, in_dims=[0])(x), r"expected `in_dims` to be int or .*'list'>"),
        (lambda x: mt.vmap(mt.sin, in_dims=("a",))(x), "in_dim=a for an input but in_dim must be"),
        (lambda x: mt.vmap(mt.sin, in_dims=(None,))(x), "at least one Tensor to vmap over"),
        (lambda x: mt.vmap(mt.sin, in_dims=2)(x), "in_dim=2 .* dimensionality 2 .* -2 <= in_dim"),
        (lambda x: mt.vmap(mt.add)(x, 1.0), "in_dim=0 .* input is of type <class 'float'>"),
        (
            lambda x: mt.vmap(mt.add, in_dims=(0,))(x, x),
            "compatible with the structure of `inputs`",
        ),
        (lambda x: mt.vmap(lambda: x)(), "got no inputs"),
        (lambda x: mt.vmap(mt.sin, chunk_size=0), r"None or greater than 0. \(got 0\)"),
        (lambda x: mt.vmap(lambda a: a.sum().item())(x), "only return Tensors, got type"),
        (lambda x: mt.vmap(lambda a: (a, a), out_dims=(0,))(x), "structure of `outputs`"),
        (lambda x: mt.vmap(mt.sin, out_dims="a")(x), "`out_dims` must be an int, None or"),
        (lambda x: mt.vmap(mt.sin, out_dims=None)(x), "not return a BatchedTensor when out_dim is"),
    ],
)
def test_what_vmap_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call(mt.arange(6.0).reshape(3, 2))


def test_vmap_writes_into_nothing_that_all_share():
    shared = mt.zeros(2)
    with pytest.raises(RuntimeError, match="inplace arithmetic is not possible on an argument"):
        mt.vmap(lambda a, b: a.add_(b), in_dims=(None, 0))(shared, mt.ones(3, 2))
    assert mt.vmap(lambda a: (a * 1).add_(1))(mt.ones(3, 2)).sum() == 12
