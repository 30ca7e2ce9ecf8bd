"""Division and its remainders: against torch, also by 0 and infinity."""

import pytest
from tables import A, M, against_torch, case, one_by_one

import minitorch_cnn as mt

CASES = [
    case("div", lambda lib, a, b: a / b, A, (3, 1), low=0.5),
    case("rdiv", lambda lib, a: 1 / a, A, low=0.5),
    case("addcdiv", lambda lib, a, b, c: lib.addcdiv(a, b, c, value=2), M, M, M, low=0.5),
    case("remainder", lambda lib, a: a % 0.7, A),
    case("remainder of tensors", lambda lib, a, b: a % b, A, (3, 1), low=0.5),
    case("fmod", lambda lib, a: lib.fmod(a, 0.7), A),
    case("fmod of tensors", lambda lib, a, b: lib.fmod(a, b), A, (4,), low=0.5),
    case("floor", lambda lib, a: a * lib.div(a, 0.7, rounding_mode="floor"), A),
    case("round", lambda lib, a: a * lib.round(a, decimals=1), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

INF = float("inf")

test_one_by_one = one_by_one(
    {
        f"{name} by {divisor}": lambda lib, x, call=call, divisor=divisor: call(lib, x, divisor)
        for name, call in {
            "remainder": lambda lib, x, divisor: x % divisor,
            "fmod": lambda lib, x, divisor: lib.fmod(x, divisor),
            "floor": lambda lib, x, divisor: x * lib.div(x, divisor, rounding_mode="floor"),
        }.items()
        for divisor in (0.0, 2.0, -0.3, INF, -INF, float("nan"))
    },
    [float("nan"), INF, -INF, 0.0, 0.3, 3.0, -3.0, 1e20],
)


def test_division_of_integers_by_zero():
    x = mt.tensor([4, 5])
    for divide in (mt.floor_divide, mt.remainder, mt.fmod):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, mt.tensor([1, 0]))
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, 0)
        assert divide(x, mt.tensor([1, 1])).shape == (2,)
        assert divide(x, 1).shape == (2,)


def test_floor_divide_has_a_flat_gradient():
    x = mt.tensor([-7.0, 7.0], requires_grad=True)
    (x // 2).sum().backward()
    assert x.grad.tolist() == [0, 0]
