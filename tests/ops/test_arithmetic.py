"""Arithmetic: against torch and NumPy, with types of results, and errors."""

import operator

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import A, M, X, against_torch, case, one_by_one, raises
from torch_oracle import LAYOUTS, array, check_gradients

import minitorch_cnn as mt

CASES = [
    case("add", lambda lib, a, b: a + b, A, (3, 1)),
    case("add_alpha", lambda lib, a, b: lib.add(a, b, alpha=3), A, (4,)),
    case("sub", lambda lib, a, b: a - b, (3, 1), A),
    case("rsub", lambda lib, a: 2 - a, A),
    case("mul", lambda lib, a, b: a * b, A, (1, 4)),
    case("mul_number", lambda lib, a: 2.5 * a, A),
    case("pow", lambda lib, a, b: a**b, A, (4,), low=0.3),
    case("pow_2", lambda lib, a: a**2, A),
    case("pow_3", lambda lib, a: a**3.0, A),
    case("pow_half", lambda lib, a: a**0.5, A, low=0.3),
    case("pow_0", lambda lib, a: a**0 * a, A),
    case("number_pow", lambda lib, a: 2.0**a, A),
    case("neg", lambda lib, a: -a, A),
    case("maximum", lambda lib, a, b: lib.maximum(a, b), A, (3, 4)),
    case("minimum", lambda lib, a, b: lib.minimum(a, b), A, (3, 4)),
    case("where", lambda lib, a, b: lib.where(a > b, a * a, b), A, (4,)),
    case("clamp", lambda lib, a: lib.clamp(a, -1, 0.5), A),
    case("clamp_min", lambda lib, a: a.clamp(min=0.1), A),
    case("clamp_tensor", lambda lib, a, b: a.clamp(max=b), A, (4,)),
    case("clamp_tensors_that_cross", lambda lib, a, b, c: a.clamp(b, c), A, (4,), (4,)),
    case("lerp", lambda lib, a, b: lib.lerp(a, b, 0.3), A, A),
    case("addcmul", lambda lib, a, b, c: lib.addcmul(a, b, c, value=2), M, M, (4,)),
    case("frac", lambda lib, a: a.frac(), A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: X + mt.zeros(4), RuntimeError, r"size of tensor a \(3\)"),
    (lambda: X + "a", TypeError, "unsupported operand"),
    (lambda: X + None, TypeError, "unsupported operand"),
    (lambda: -mt.tensor([True]), RuntimeError, "bool"),
]

test_error = raises(ERRORS)


SPECIAL = [float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 1.0, -1.0, 2.5, -2.5]

test_one_by_one = one_by_one(
    {
        "maximum": lambda lib, x: lib.maximum(x, lib.zeros(1)),
        "minimum": lambda lib, x: lib.minimum(x, lib.ones(1)),
        "maximum of NaN": lambda lib, x: lib.maximum(lib.tensor([float("nan")]), x),
        "clamp": lambda lib, x: x.clamp(0, 1),
        "clamp by a tensor": lambda lib, x: x.clamp(min=lib.tensor(0.0)),
        "0 ** x": lambda lib, x: 0.0**x,
        "(-1) ** x": lambda lib, x: (-1.0) ** x,
        "abs": lambda lib, x: x.abs(),
        "sign": lambda lib, x: x.sign(),
    },
    SPECIAL,
)


INTEGERS = {
    "uint8": [1, 7, 100, 200, 255],
    "int8": [-128, -7, -1, 1, 127],
    "int16": [-32768, -300, -1, 1, 32767],
    "int32": [-5, -1, 1, 2**31 - 1],
}


@pytest.mark.parametrize("kind", INTEGERS)
def test_numbers_beside_small_integers_wrap_around(kind):
    torch = pytest.importorskip("torch")
    for name in ("add", "sub", "mul", "floordiv", "mod", "and_", "or_", "xor", "lt", "eq", "gt"):
        do = getattr(operator, name)
        for number in (1, -1, 3, -3, 127, 128, 255, 257, -129, 1001, 2**31 + 1, 2**63 + 1):
            ours, theirs = (
                do(lib.tensor(INTEGERS[kind], dtype=getattr(lib, kind)), number)
                for lib in (mt, torch)
            )
            assert ours.numpy().dtype == theirs.numpy().dtype, (name, number)
            assert ours.tolist() == theirs.tolist(), (name, number)
        with pytest.raises(OverflowError, match="too big"):
            do(mt.tensor(INTEGERS[kind], dtype=getattr(mt, kind)), 2**70)


DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


layouts = st.sampled_from(LAYOUTS)


seeds = st.integers(0, 2**32 - 1)


BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "atan2": np.arctan2,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@pytest.mark.parametrize("name", BINARY)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    seed=seeds,
    layout=layouts,
)
def test_binary_broadcasts_as_numpy(name, shapes, seed, layout):
    a, b = shapes.input_shapes
    x, y = array(seed, a, 0.5, layout=layout), array(seed + 1, b, 0.5, layout=layout)
    function = getattr(mt, name)
    result = function(mt.from_numpy(x), mt.from_numpy(y))
    assert result.shape == shapes.result_shape
    np.testing.assert_allclose(result.numpy(), BINARY[name](x, y), rtol=1e-14)
    check_gradients(function, x, y)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", [*DTYPES, "0-d float64", "0-d int64", True, 2, 2.5])
@pytest.mark.parametrize("name", ["add", "mul", "div", "eq", "maximum", "pow"])
def test_types_of_results_as_torch(name, first, second):
    torch = pytest.importorskip("torch")

    if name == "pow" and (first, second) == ("bool", "bool"):
        pytest.skip("torch has no such kernel; ours gives bools")

    def result_of(lib):
        a = lib.tensor([1, 0, 1]).to(getattr(lib, first))
        b = second
        if isinstance(b, str):
            b = lib.tensor(1 if b.startswith("0-d") else [1, 1, 1])
            b = b.to(getattr(lib, second.removeprefix("0-d ")))
        elif name == "maximum":
            b = lib.tensor(b)
        function = getattr(lib, name)
        return str(function(a, b).dtype).split(".")[-1]

    try:
        expected = result_of(torch)
    except RuntimeError:
        with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
            result_of(mt)
        return
    assert result_of(mt) == expected


def test_operators_with_arrays_and_numbers():
    import numpy as np

    array = np.ones(3, np.float32)
    for result in (X + array, array + X, X * np.float32(2), np.float64(2) * X, 1 - X, X**2):
        assert isinstance(result, mt.Tensor) and result.shape == (2, 3)
        assert result.dtype is mt.float32
    x = mt.ones(2, 2)
    x @= mt.ones(2, 2)
    assert x.tolist() == [[2, 2], [2, 2]]
    y = z = mt.ones(2)
    y += 1
    y *= 3
    assert z.tolist() == [6, 6]
    assert (mt.tensor([5, -5]) // 2).tolist() == [2, -3] and (7 % mt.tensor([4])).item() == 3
    assert (~mt.tensor([True, False])).tolist() == [False, True]
    assert (mt.tensor([6]) & 3 | 8 ^ mt.tensor([1])).item() == 6 & 3 | 8 ^ 1
    assert (mt.tensor([1]) << 3 >> mt.tensor([1])).item() == 4


@pytest.mark.parametrize("name", ["mul", "truediv", "floordiv"])
def test_a_number_meets_float16_in_single_precision(name):
    """70000 is infinite in float16, and 1e-6 has two digits; the result need not be either."""
    operation = getattr(operator, name)
    x = np.array([1000, 1e-3, 0.3, -7], np.float16)
    for number in (1e6, 70000, 0.1, 3, -7.3, 1e-6):
        with np.errstate(over="ignore"):
            expected = operation(x.astype(np.float32), np.float32(number)).astype(np.float16)
        y = operation(mt.tensor(x), number)
        assert y.dtype is mt.float16
        np.testing.assert_array_equal(y.numpy(), expected)
        if name == "mul":
            np.testing.assert_array_equal(operation(number, mt.tensor(x)).numpy(), expected)


@pytest.mark.parametrize("lib", ["minitorch_cnn", "torch"])
def test_two_numbers_make_a_tensor(lib):
    torch = pytest.importorskip(lib)
    for y, value, kind in (
        (torch.add(True, True), True, torch.bool),
        (torch.add(1, 2), 3, torch.int64),
        (torch.add(1, 2, alpha=3), 7, torch.int64),
        (torch.sub(3, 1.5), 1.5, torch.float32),
        (torch.mul(2, True), 2, torch.int64),
        (torch.mul(2, 3.5), 7, torch.float32),
        (torch.div(3, 2), 1.5, torch.float32),
    ):
        assert y.shape == () and y.item() == value and y.dtype is kind
    with pytest.raises(RuntimeError, match=r"Boolean alpha only supported for Boolean results\."):
        torch.add(1, 1, alpha=True)
    with pytest.raises(TypeError):
        torch.pow(2, 3)
