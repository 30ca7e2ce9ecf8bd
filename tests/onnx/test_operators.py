"""ONNX's own test cases for its operators: computed right, or refused by name."""

import io
import warnings
from collections import defaultdict

import numpy as np
import pytest

import minitorch_cnn as mt

onnx = pytest.importorskip("onnx", reason="ONNX files need the package onnx")

from minitorch_cnn.onnx.operators_shape import OPERATORS  # noqa: E402

# The expected values of this case are rounded to four digits.
ROUNDED = "test_averagepool_2d_ceil_last_window_starts_on_pad"
# A maximum of nothing: -inf there, and an IndexError here as in torch.
EMPTY = ("test_reduce_max_empty_set", "test_reduce_max_empty_set_bool", "test_reduce_min_empty_set")


def cases():
    """operator -> its cases, of those that use our operators and types alone."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collected = collect_testcases(None)
    found = defaultdict(list)
    for case in collected:
        kinds = {node.op_type for node in case.model.graph.node}
        arrays = [a for data in case.data_sets for each in data for a in each]
        ours = kinds <= {*OPERATORS, "Constant"} and all(_is_supported(a) for a in arrays)
        # What is "expanded" tests the definition of an operator by others.
        if ours and "_expanded" not in case.name and case.name not in EMPTY:
            found[case.model.graph.node[0].op_type].append(case)
    return found


def _is_supported(array):
    return isinstance(array, np.ndarray) and array.dtype in [
        kind.numpy for kind in (mt.bool, mt.uint8, mt.int8, mt.int16, mt.int32, mt.int64)
    ] + [np.float16, np.float32, np.float64]


@pytest.fixture(scope="module")
def collected():
    return cases()


# How many cases of an operator are refused, all others must be right.
REFUSED = {
    "ArgMax": 8,
    "ArgMin": 8,
    "AveragePool": 6,
    "BatchNormalization": 2,
    "ConvTranspose": 4,
    "Dropout": 8,
    "GatherND": 1,
    "MaxPool": 2,
    "Resize": 34,
}


# Tested in test_load.py, since these cases have other types, or operators older than opset 7.
ELSEWHERE = {"Cast", "Not", "Range", "Upsample"}


@pytest.mark.slow  # for collecting the cases
@pytest.mark.parametrize("operator", sorted({*OPERATORS} - ELSEWHERE))
def test_operator(collected, operator):
    right = refused = 0
    for case in collected[operator]:
        try:
            graph = mt.onnx.load(io.BytesIO(case.model.SerializeToString()))
            for inputs, expected in case.data_sets:
                outputs = graph(*[mt.tensor(each) for each in inputs])
                outputs = outputs if isinstance(outputs, tuple) else (outputs,)
                for ours, theirs in zip(outputs, expected, strict=True):
                    assert ours.array.shape == theirs.shape and ours.array.dtype == theirs.dtype
                    half = theirs.dtype == np.float16 or case.name == ROUNDED
                    tolerance = 1e-3 if half else 1e-5
                    np.testing.assert_allclose(
                        ours.detach().numpy(), theirs, tolerance, tolerance / 10, err_msg=case.name
                    )
            right += 1
        except NotImplementedError:
            refused += 1
    assert refused <= REFUSED.get(operator, 0)
    assert right > 0
