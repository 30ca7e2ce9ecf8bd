"""Parametrizations beside torch's: names, values, gradients, assignment, removal."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
parametrize = __import__("torch.nn.utils.parametrize")  # so that torch has it as an attribute
LIBS = (mt, torch)


def functions(lib):
    class Twice(lib.nn.Module):
        def forward(self, X):
            return X * 2

        def right_inverse(self, Y):
            return Y / 2

    class Exp(lib.nn.Module):
        def forward(self, X):
            return X.exp()

    class Sum(lib.nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, Y):
            return Y - 1, lib.ones_like(Y)

    return {"Twice": Twice, "Exp": Exp, "Sum": Sum}


CASES = [
    "P.register_parametrization(m, 'weight', Twice())",
    "P.register_parametrization(m, 'weight', Exp())",
    "P.register_parametrization(m, 'weight', Sum())",
    "P.register_parametrization(P.register_parametrization(m, 'weight', Exp()), 'bias', Twice())",
    "P.register_parametrization(P.register_parametrization(m, 'weight', Twice()), 'weight', Exp())",
    "P.register_parametrization(P.register_parametrization(m, 'weight', Exp()), 'bias', Sum())",
    "P.remove_parametrizations(P.register_parametrization(m, 'weight', Exp()), 'weight')",
    "P.remove_parametrizations(P.register_parametrization(m, 'weight', Sum()), 'weight')",
    "P.remove_parametrizations(P.register_parametrization(m, 'weight', Exp()), 'weight', False)",
    "Q.weight_norm(m)",
    "Q.weight_norm(m, 'bias')",
    "Q.weight_norm(m, dim=1)",
    "Q.weight_norm(m, dim=None)",
    "P.remove_parametrizations(Q.weight_norm(m), 'weight')",
    "P.register_parametrization(Q.weight_norm(m), 'weight', Exp())",
    "Q.spectral_norm(m, 'bias')",
]


def layer_of(lib):
    layer = lib.nn.Linear(4, 3).double()
    rng = np.random.default_rng(0)
    for p in layer.parameters():
        p.data = lib.tensor(rng.standard_normal(tuple(p.shape)))
    return layer


def scope(lib, layer):
    utils = lib.nn.utils
    more = {"lib": lib, "m": layer, "P": utils.parametrize, "Q": utils.parametrizations}
    return {**functions(lib), **more}


def look(lib, layer):
    """Everything that can be seen of the layer."""
    x = lib.tensor(np.random.default_rng(1).standard_normal((5, 4)))
    y = layer(x)
    (y * x[:, :3].exp()).sum().backward()
    P = lib.nn.utils.parametrize
    words = [repr(layer), list(layer.state_dict()), [n for n, _ in layer.named_parameters()],
             type(layer).__name__, P.type_before_parametrizations(layer).__name__,
             P.is_parametrized(layer), P.is_parametrized(layer, "bias")]  # fmt: skip
    arrays = [*layer.state_dict().values(), layer.weight.detach(), layer.bias.detach(), y.detach()]
    return words, [v.numpy() for v in arrays] + [p.grad.numpy() for p in layer.parameters()]


def assert_same(ours, theirs):
    assert ours[0] == theirs[0]
    for mine, other in zip(ours[1], theirs[1], strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("case", CASES)
def test_parametrized_layers_are_torchs(case):
    seen = []
    for lib in LIBS:
        layer = layer_of(lib)
        assert eval(case, scope(lib, layer)) is layer
        seen.append(look(lib, layer))
        twin = copy.deepcopy(layer)
        twin.zero_grad()
        assert_same(look(lib, twin), seen[-1])
    assert_same(*seen)


def test_spectral_norm():
    for make, dim in (("Conv2d(3, 4, 3)", 0), ("ConvTranspose2d(3, 4, 3)", 1), ("Linear(5, 3)", 0)):
        seen = []
        for lib in LIBS:
            rng = np.random.default_rng(0)
            layer = eval(make, vars(lib.nn)).double()
            layer.weight.data = lib.tensor(rng.standard_normal(tuple(layer.weight.shape)))
            lib.nn.utils.parametrizations.spectral_norm(layer)
            inner = layer.parametrizations.weight[0]
            norms = inner._u.norm().item(), inner._v.norm().item()
            np.testing.assert_allclose(norms, 1)
            for each in (inner._u, inner._v):  # the random numbers may differ
                each.copy_(lib.nn.functional.normalize(lib.tensor(rng.random(len(each))), dim=0))
            first, second = layer.weight, layer.weight
            (first * 2 + second**2).sum().backward()
            layer.eval()
            third = layer.weight
            values = [first, second, third, layer.parametrizations.weight.original.grad]
            seen.append((list(layer.state_dict()), [v.detach().numpy() for v in values]))
        assert_same(*seen)
        w = np.moveaxis(seen[0][1][0], dim, 0).reshape(4 if "Conv" in make else 3, -1)
        assert 0.9 < np.linalg.norm(w, 2) < 2


def test_assignment_and_cache():
    for lib in LIBS:
        layer = layer_of(lib)
        names = scope(lib, layer)
        P = names["P"]
        P.register_parametrization(layer, "weight", names["Twice"]())
        original = layer.parametrizations.weight.original
        layer.weight = lib.ones(3, 4, dtype=lib.float64) * 6
        assert layer.parametrizations.weight.original is original
        assert original[0, 0].item() == 3 and layer.weight[0, 0].item() == 6
        assert layer.weight is not layer.weight
        with P.cached():
            with P.cached():
                kept = layer.weight
            assert layer.weight is kept
        assert layer.weight is not kept
        P.register_parametrization(layer, "weight", names["Exp"]())
        with pytest.raises(RuntimeError, match="right_inverse"):
            layer.weight = lib.ones(3, 4, dtype=lib.float64)


def test_the_older_names_of_weight_norm_are_loaded():
    for lib in LIBS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls it old
            state = lib.nn.utils.weight_norm(layer_of(lib)).state_dict()
        layer = lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(4, 3).double())
        layer.load_state_dict(state)
        np.testing.assert_allclose(
            layer.weight.detach().numpy(), layer_of(lib).weight.detach().numpy(), rtol=1e-12
        )


WRONG = [
    "P.register_parametrization(m, 'nope', Exp())",
    "P.register_parametrization(m, 'bias', lib.nn.Linear(3, 5).double())",
    "P.remove_parametrizations(m, 'bias')",
    "P.remove_parametrizations(Q.weight_norm(m), 'weight', leave_parametrized=False)",
    "Q.spectral_norm(m, n_power_iterations=0)",
    "Q.spectral_norm(m, 'nope')",
    "Q.spectral_norm(m, dim=5)",
]


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    kinds = []
    for lib in LIBS:
        with pytest.raises((ValueError, IndexError)) as error:
            eval(call, scope(lib, layer_of(lib)))
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 2)])
@pytest.mark.parametrize("orthogonal_map", [None, "matrix_exp", "cayley", "householder"])
def test_orthogonal(shape, orthogonal_map):
    rng = np.random.default_rng(0)
    start, other, cotangent = rng.normal(size=(3, *shape)) * 0.4
    for options in ({}, {"use_trivialization": False}):
        seen = []
        for lib in LIBS:
            lib.manual_seed(0)
            layer = lib.nn.Module()
            layer.weight = lib.nn.Parameter(lib.tensor(start))
            orthogonal = lib.nn.utils.parametrizations.orthogonal
            assert orthogonal(layer, "weight", orthogonal_map, **options) is layer
            values = list(layer.state_dict().values())
            (layer.weight * lib.tensor(cotangent)).sum().backward()
            original = layer.parametrizations.weight.original
            with lib.no_grad():
                original -= 0.3 * original.grad.tril()
            values += [original.grad, layer.weight]
            new = lib.tensor(np.linalg.qr(other)[0] if shape[-2] >= shape[-1] else other)
            try:
                layer.weight = new
            except NotImplementedError as error:
                assert "use_trivialization=False" in str(error)
            values.append(layer.weight)
            words = repr(layer), list(layer.state_dict())
            seen.append((words, [each.detach().numpy().copy() for each in values]))
        assert_same(*seen)
        w = seen[0][1][-1]
        w = w if shape[-2] >= shape[-1] else np.swapaxes(w, -1, -2)
        one = np.broadcast_to(np.eye(w.shape[-1]), (*shape[:-2], w.shape[-1], w.shape[-1]))
        np.testing.assert_allclose(np.swapaxes(w, -1, -2) @ w, one, atol=1e-12)


def test_orthogonal_refuses():
    for lib in LIBS:
        orthogonal = lib.nn.utils.parametrizations.orthogonal
        for arguments, text in (
            (("no",), "has no parameter or buffer"),
            (("bias",), "Expected a matrix"),
            (("weight", "qr"), "orthogonal_map has to be one of"),
        ):
            with pytest.raises(ValueError, match=text):
                orthogonal(lib.nn.Linear(2, 2), *arguments)
        layer = orthogonal(lib.nn.Linear(2, 2))
        with pytest.raises(ValueError, match="Expected a matrix or batch of matrices of shape"):
            layer.weight = lib.ones(3, 3)


def test_a_second_one_changes_the_weight():
    for lib in LIBS:
        layer = layer_of(lib)
        names = scope(lib, layer)
        before = layer.weight.detach().numpy().copy()
        for _ in range(2):
            names["P"].register_parametrization(layer, "weight", names["Twice"]())
        np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * before)

        class Whole(lib.nn.Module):
            def forward(self, X):
                return X.int()

        with pytest.raises(ValueError, match="may not change the dtype"):
            names["P"].register_parametrization(layer, "weight", Whole())


def test_transfer():
    from minitorch_cnn.nn.utils import parametrizations, parametrize

    a, b, empty = mt.nn.Linear(3, 2), mt.nn.Linear(3, 2), mt.nn.Module()
    parametrize.transfer_parametrizations_and_params(a, b)
    assert not parametrize.is_parametrized(b)
    parametrizations.weight_norm(a)
    parametrize.register_parametrization(a, "weight", mt.nn.Identity())
    for other in (b, empty):
        assert parametrize.transfer_parametrizations_and_params(a, other, "weight") is other
        assert other.weight.equal(a.weight) and len(other.parametrizations.weight) == 2
        theirs, ours = other.parametrizations.weight, a.parametrizations.weight
        assert theirs.original0 is ours.original0
        assert theirs.original1 is ours.original1


def _inverse_of(lib, result):
    class Identity(lib.nn.Module):
        def forward(self, x, *others):
            return x

        def right_inverse(self, x):
            return result(x)

    return Identity()


WRONG_INVERSES = [
    # of a first parametrization, of a second one
    (lambda x: (x, 2), "element 1 of the sequence with type", "must return a tensor"),
    (lambda x: x.half(), "may not change the dtype", "must have the same dtype"),
    (lambda x: x[:-1], "may not change the shape", "must have the same shape"),
    (lambda x: 2, "must return a Tensor or a Sequence", "must return a tensor"),
]


@pytest.mark.parametrize("lib", LIBS)
@pytest.mark.parametrize("result, first, second", WRONG_INVERSES)
def test_what_a_right_inverse_may_not_return(lib, result, first, second):
    register = lib.nn.utils.parametrize.register_parametrization
    layer = lib.nn.Linear(3, 4)
    with pytest.raises(ValueError, match=first):
        register(layer, "weight", _inverse_of(lib, result))
    assert not lib.nn.utils.parametrize.is_parametrized(layer)
    layer = lib.nn.Linear(3, 4)
    before = layer.weight.detach().clone()
    register(layer, "weight", _inverse_of(lib, lambda x: x))
    with pytest.raises(ValueError, match=second):
        register(layer, "weight", _inverse_of(lib, result))
    assert len(layer.parametrizations.weight) == 1 and lib.equal(layer.weight, before)


def test_a_parametrized_layer_is_copied_but_not_pickled():
    for lib in LIBS:
        layer = lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(2, 3))
        twin = copy.deepcopy(lib.nn.Sequential(layer))[0]
        twin.bias.data += 1
        assert type(twin) is type(layer) and type(layer).__bases__ == (lib.nn.Linear,)
        assert twin.weight.tolist() == layer.weight.tolist()
        assert not (twin.bias == layer.bias).any()
        for each in (layer, lib.nn.Sequential(layer)):
            with pytest.raises(RuntimeError, match="only supported through state_dict"):
                pickle.dumps(each)
    assert copy.copy(layer_of(mt)).weight.shape == layer_of(mt).weight.shape
