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
    with pytest.raises(NotImplementedError, match="vmap is not supported: write a loop"):
        mt.func.vmap(mt.sin)
    with pytest.raises(NotImplementedError, match="forward-mode"):
        mt.autograd.functional.jacobian(mt.sin, mt.ones(1), strategy="forward-mode")
