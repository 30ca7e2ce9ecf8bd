"""clone, contiguous, to: against torch."""

import importlib.util

import pytest
from tables import A, against_torch, case

import minitorch_cnn as mt

CASES = [
    case("clone", lambda lib, x: x.clone() ** 2, A),
    case("contiguous", lambda lib, x: x.permute(1, 2, 0).contiguous() ** 2, A),
    case("to", lambda lib, x: x.to(lib.float64) ** 2, A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)


@pytest.mark.parametrize(
    "arguments, fits",
    [
        (("cpu", "float64", False, True), True),
        (("cpu", None, True), True),
        (("float64", True, True), True),
        ((None, None, True), True),
        (("x", True, False), True),
        ((), True),
        (("cpu", True), False),
        ((None, False), False),
        ((True,), False),
        (("float64", "cpu"), False),
        (("cpu", "cpu"), False),
        (("x", "x"), False),
        (("cpu", "float64", True, True, True), False),
        (([],), False),
    ],
)
def test_to_takes_device_dtype_and_two_bools_in_this_order(arguments, fits):
    """As torch's `to`; the second bool is copy."""
    libs = [mt]
    if importlib.util.find_spec("torch"):
        libs.append(importlib.import_module("torch"))
    for lib in libs:
        x = lib.ones(2)
        named = {"float64": lib.float64, "x": x.double()}
        given = [named.get(each, each) if isinstance(each, str) else each for each in arguments]
        if lib is not mt and arguments == (True,):
            continue  # there the type bool
        if not fits:
            with pytest.raises(TypeError):
                x.to(*given)
            continue
        y = x.to(*given)
        assert y.dtype is (lib.float64 if {"float64", "x"} & set(map(str, arguments)) else x.dtype)
    x = mt.ones(2).cpu()
    assert x.to("cpu", mt.float32, False, False) is x and x.to(mt.float32, False) is x
    for copied in (x.to("cpu", mt.float32, False, True), x.to(mt.float32, True, True)):
        assert copied is not x and copied.data_ptr() != x.data_ptr()
