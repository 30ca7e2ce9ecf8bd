"""Functions as methods and operators of Tensor: which are, and what they do with others."""

import inspect
import operator

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.ops import methods

ONLY_METHODS = [
    (module, name) for module, names in methods.METHODS_ONLY.items() for name in names.split()
]


@pytest.mark.parametrize("name", methods.IN_PLACE.split())
def test_in_place_forms_are_torchs(name):
    torch = pytest.importorskip("torch")
    assert callable(getattr(mt.Tensor, name + "_")) and hasattr(torch.Tensor, name + "_")


@pytest.mark.parametrize("name", methods.FUNCTIONS_ONLY.split())
def test_functions_only_as_in_torch(name):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        assert callable(getattr(lib, name)) and not hasattr(lib.Tensor, name)


@pytest.mark.parametrize("module, name", ONLY_METHODS, ids=[name for _, name in ONLY_METHODS])
def test_methods_only_as_in_torch(module, name):
    torch = pytest.importorskip("torch")
    assert inspect.unwrap(getattr(mt.Tensor, name)) is getattr(module, name)
    assert hasattr(torch.Tensor, name)
    if not hasattr(torch, name) or name == "cuda":  # which is a module
        assert not inspect.isfunction(getattr(mt, name, None))


class Unknown:
    """Answers every operator with the name of its reflected form."""


for _name in methods.OPERATORS:
    setattr(Unknown, f"__r{_name}__", lambda self, other, name=_name: f"r{name}")


@pytest.mark.parametrize("name", methods.OPERATORS)
def test_operands_of_unknown_kinds_are_left_to_python(name):
    """So that a class of the user's may define how it meets a tensor."""
    x = mt.tensor([1, 2])
    function = getattr(operator, f"__{name}__")
    assert function(x, Unknown()) == f"r{name}"
    assert getattr(x, f"__{name}__")("text") is NotImplemented
    with pytest.raises(TypeError, match="unsupported operand"):
        function(x, object())


@pytest.mark.parametrize("name", methods.OPERATORS)
def test_operators_are_their_functions(name):
    function = methods.OPERATORS[name]
    x, y = mt.tensor([6, 7]), mt.tensor([2, 1])
    assert getattr(operator, f"__{name}__")(x, y).tolist() == function(x, y).tolist()
    if name == "matmul":  # there is none of a number, and none in place
        return
    assert getattr(mt.Tensor, f"__r{name}__")(x, 3).tolist() == function(3, x).tolist()
    if name == "truediv":  # a quotient of integers would not go into them
        x, y = x.double(), y.double()
    expected, z = function(x, y).tolist(), x
    assert getattr(operator, f"__i{name}__")(z, y) is x
    assert x.tolist() == expected


@pytest.mark.parametrize("name", methods.COMPARISONS.split())
def test_comparisons(name):
    values, other = np.array([1, 2, 3]), np.array([2, 2, 2])
    expected = getattr(operator, name)(values, other).tolist()
    assert getattr(operator, name)(mt.tensor(values), mt.tensor(other)).tolist() == expected
    assert getattr(operator, name)(mt.tensor(values), 2).tolist() == expected


def test_where_as_a_method_begins_with_the_values():
    x = mt.tensor([1.0, -1.0])
    assert x.where(x > 0, 0.0).tolist() == [1.0, 0.0]
