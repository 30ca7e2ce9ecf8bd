"""Choosing, forcing and naming the algorithm of a convolution; Winograd in array code."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.kernels import algorithm, conv_geometry
from minitorch_cnn.kernels.array import winograd
from tests.kernels.test_conv import LAYOUTS, in_layout, loop_output_size, loops

SAME = conv_geometry(padding=(1, 1))
CPU = algorithm.Tier("cpu", short_row=32)


@given(
    st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 3),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.sampled_from(LAYOUTS),
    st.integers(0, 2**32),
)
def test_winograd_against_loops(x_shape, K, padding, layout, seed):
    least = tuple(max(3 - 2 * p, n) for n, p in zip(x_shape[2:], padding, strict=True))
    x_shape = (*x_shape[:2], *least)
    geometry = conv_geometry(padding=padding)
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal(x_shape), rng.standard_normal((K, x_shape[1], 3, 3))
    gy = rng.standard_normal((x_shape[0], K, *loop_output_size(least, (3, 3), geometry)))
    b = rng.standard_normal(K)
    y, gx, gw = loops(x, w, gy, geometry)
    with kernels.conv_algorithm("winograd"):
        got = kernels.conv2d_forward(in_layout(x, layout), w, b, geometry)
        got_gx = kernels.conv2d_input_grad(in_layout(gy, layout), w, x_shape[2:], geometry)
        got_gw = kernels.conv2d_weight_grad(x, in_layout(gy, layout), (3, 3), geometry)
    np.testing.assert_allclose(got, y + b.reshape(1, -1, 1, 1), atol=1e-11)
    np.testing.assert_allclose(got_gx, gx, atol=1e-11)
    np.testing.assert_allclose(got_gw, gw, atol=1e-10)


def test_the_matrices_multiply_polynomials():
    """A' [(G g) * (B' d)] is the correlation of six numbers with three, whatever they are."""
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(6), rng.standard_normal(3)
    A, B, G = winograd.MATRIX_A, winograd.MATRIX_B, winograd.MATRIX_G
    expected = [d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2] for i in range(4)]
    np.testing.assert_allclose(A.T @ ((G @ g) * (B.T @ d)), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("C", "K", "kernel", "geometry", "expected"),
    [
        (64, 64, (3, 3), SAME, "winograd"),
        (3, 64, (3, 3), SAME, "implicit_gemm"),  # patches would cost more than they save
        (1, 1, (3, 3), SAME, "implicit_gemm"),
        (64, 64, (5, 5), conv_geometry(padding=(2, 2)), "im2col"),
        (64, 64, (3, 3), conv_geometry((2, 2), (1, 1)), "im2col"),
        (64, 64, (3, 3), conv_geometry(padding=(2, 2), dilation=(2, 2)), "im2col"),
        (64, 64, (3, 3), conv_geometry(padding=(1, 1), groups=2), "im2col"),
    ],
)
def test_the_choice_follows_from_the_shapes(C, K, kernel, geometry, expected):
    sizes = 8, C, K, kernel, (16, 16), geometry
    choice = algorithm.choose("forward", CPU, "auto", *sizes)
    assert choice.algorithm == expected
    assert choice.reason
    readable = algorithm.choose("forward", algorithm.Tier("array"), "auto", *sizes)
    assert readable.algorithm == "im2col"


def test_the_gradient_of_few_channels_is_an_implicit_product_too():
    """With stride 1, where it is a convolution; and where one is forced that cannot be, im2col."""
    cpu = algorithm.Tier("cpu", short_row=56)
    strided = conv_geometry((2, 2), (1, 1))
    sizes = 8, 8, 8, (3, 3), (16, 16)
    assert algorithm.choose("input_grad", cpu, "auto", *sizes, SAME).algorithm == "implicit_gemm"
    assert algorithm.choose("input_grad", cpu, "auto", *sizes, strided).algorithm == "im2col"
    forced = algorithm.choose("input_grad", cpu, "implicit_gemm", *sizes, strided)
    assert forced.algorithm == "im2col" and "stride 1" in forced.reason


@pytest.mark.parametrize(
    ("product", "C", "K", "kernel", "stride", "width", "expected"),
    [
        # Measured by benchmarks/few_filters.py: what is copied for 3 filters is hardly used.
        ("forward", 64, 3, (9, 9), 1, 32, "implicit_gemm"),
        ("forward", 64, 32, (9, 9), 1, 32, "im2col"),
        ("forward", 64, 3, (9, 9), 1, 6, "im2col"),  # the tile's rows are not full
        ("forward", 64, 3, (9, 9), 1, 7, "implicit_gemm"),
        ("forward", 64, 16, (5, 5), 2, 14, "implicit_gemm"),
        ("forward", 64, 16, (3, 3), 2, 14, "im2col"),  # patches hardly overlap
        ("weight_grad", 64, 16, (5, 5), 1, 14, "implicit_gemm"),
        ("weight_grad", 64, 3, (5, 5), 1, 14, "im2col"),
        ("input_grad", 16, 6, (5, 5), 1, 14, "implicit_gemm"),  # LeNet's second layer
        ("input_grad", 16, 64, (5, 5), 1, 14, "implicit_gemm"),
        ("input_grad", 64, 3, (5, 5), 1, 14, "im2col"),
        # A patch is a pixel where it lies.
        ("forward", 8, 8, (1, 1), 1, 32, "im2col"),
        ("forward", 8, 8, (1, 1), 2, 32, "implicit_gemm"),
    ],
)
def test_few_filters(product, C, K, kernel, stride, width, expected):
    """input_grad: the channels that are read are those of gy."""
    cpu = algorithm.Tier("cpu", short_row=56)
    geometry = conv_geometry((stride, stride), tuple(k // 2 for k in kernel))
    choice = algorithm.choose(product, cpu, "auto", 8, C, K, kernel, (width, width), geometry)
    assert choice.algorithm == expected


def test_forcing_and_asking():
    x, w = mt.randn(1, 2, 6, 6), mt.randn(3, 2, 3, 3)
    for name in ("im2col", "winograd", "direct"):
        with mt.conv_algorithm(name):
            mt.nn.functional.conv2d(x, w)
        assert mt.last_conv().algorithm == name
        assert mt.last_conv().reason == "forced"
    with mt.conv_algorithm("winograd"):
        mt.nn.functional.conv2d(x, w, stride=2)
    assert mt.last_conv().algorithm == "im2col"
    assert "stride 1" in mt.last_conv().reason


def test_the_environment_forces_an_algorithm_and_a_tier():
    program = (
        "import minitorch_cnn as mt\n"
        "mt.nn.functional.conv2d(mt.ones(1, 1, 4, 4), mt.ones(1, 1, 3, 3))\n"
        "mt.show_config()\n"
        "print(mt.last_conv().algorithm)"
    )

    def run(**environment):
        import os

        environment = {**os.environ, **environment}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    result = run(MINITORCH_CNN_CONV_ALGORITHM="winograd", MINITORCH_CNN_KERNELS="array")
    assert result.stdout.splitlines()[-1] == "winograd", result.stderr
    assert "readable array code" in result.stdout
    assert result.stderr == ""
    result = run(MINITORCH_CNN_CONV_ALGORITHM="fft")
    assert "MINITORCH_CNN_CONV_ALGORITHM" in result.stderr and "'fft'" in result.stderr


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'strassen'"), mt.conv_algorithm("strassen"):
        pass
    with pytest.raises(ValueError, match="'gpu'"), mt.kernel_tier("gpu"):
        pass
