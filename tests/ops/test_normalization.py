"""Group, layer, instance, RMS and response norms: formulas, torch, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tables import at_the_seams, matrix, numbers, refused_as_by_torch
from torch_oracle import leaves, same_as_torch_and_differences as check

import minitorch_cnn as mt
from minitorch_cnn.ops.normalization import (
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)


@given(st.integers(1, 3), st.integers(1, 2), st.booleans(), st.integers(0, 2**32))
def test_group_norm(groups, per_group, affine, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    C = groups * per_group
    arguments = leaves(rng, (2, C, 2, 3), *[(C,), (C,)] * affine)
    theirs = torch.nn.functional.group_norm
    check(
        lambda x, *wb: group_norm(x, groups, *wb, eps=0.1),
        arguments,
        lambda x, *wb: theirs(x, groups, *wb, eps=0.1),
        seed,
    )


@given(st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_instance_norm(affine, one_dimension, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    shape = (2, 3, 5) if one_dimension else (2, 3, 2, 3)
    arguments = leaves(rng, shape, *[(3,), (3,)] * affine)
    theirs = torch.nn.functional.instance_norm
    check(
        lambda x, *wb: instance_norm(x, None, None, *wb, eps=0.1),
        arguments,
        lambda x, *wb: theirs(x, None, None, *wb, eps=0.1),
        seed,
    )


@pytest.mark.parametrize("use_input_stats", [True, False])
def test_instance_norm_with_running_statistics(use_input_stats):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, mean, var = rng.standard_normal((3, 2, 4, 4)), rng.standard_normal(2), rng.random(2) + 0.5
    ours, theirs = (mt.tensor(mean), mt.tensor(var)), (torch.tensor(mean), torch.tensor(var))
    y = instance_norm(mt.tensor(x), *ours, use_input_stats=use_input_stats, momentum=0.3)
    expected = torch.nn.functional.instance_norm(
        torch.tensor(x), *theirs, use_input_stats=use_input_stats, momentum=0.3
    )
    np.testing.assert_allclose(y.numpy(), expected.numpy(), atol=1e-10)
    for got, want in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-12)


@given(st.sampled_from([(3,), (2, 3), (4, 2, 3)]), st.booleans(), st.integers(0, 2**32))
def test_layer_and_rms_norm(normalized, affine, seed):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    rng = np.random.default_rng(seed)
    arguments = leaves(rng, (2, 4, 2, 3), *[normalized, normalized] * affine)
    check(
        lambda x, *wb: layer_norm(x, normalized, *wb, eps=0.1),
        arguments,
        lambda x, *wb: F.layer_norm(x, normalized, *wb, eps=0.1),
        seed,
    )
    check(
        lambda x, *w: rms_norm(x, normalized, *w, eps=0.1),
        arguments[: 1 + affine],
        lambda x, *w: F.rms_norm(x, normalized, *w, eps=0.1),
        seed,
    )


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32))
def test_local_response_norm(size, channels, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    arguments = leaves(rng, (2, channels, 2, 2))
    options = dict(alpha=0.5, beta=0.75, k=2.0)
    check(
        lambda x: local_response_norm(x, size, **options),
        arguments,
        lambda x: torch.nn.functional.local_response_norm(x, size, **options),
        seed,
    )


def test_local_response_norm_by_loops():
    x = np.random.default_rng(0).standard_normal((2, 6, 3))
    expected = np.zeros_like(x)
    for c in range(6):
        near = [x[:, i] ** 2 for i in range(c - 5 // 2, c - 5 // 2 + 5) if 0 <= i < 6]
        expected[:, c] = x[:, c] / (2.0 + 0.3 * sum(near) / 5) ** 0.75
    got = local_response_norm(mt.tensor(x), 5, alpha=0.3, beta=0.75, k=2.0)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    "name, args, expected",
    [
        ("group_norm", ((2, 3, 2, 2), 2), RuntimeError),
        ("group_norm", ((1, 3), 3), ValueError),
        ("group_norm", ((2, 4, 2), 2, (3,)), RuntimeError),
        ("instance_norm", ((1, 3, 1, 1),), ValueError),
        ("layer_norm", ((2, 3), (4,)), RuntimeError),
        ("layer_norm", ((2, 3), ()), RuntimeError),
        ("local_response_norm", ((3, 3), 2), ValueError),
    ],
)
def test_errors_are_of_torchs_kind(name, args, expected):
    torch = pytest.importorskip("torch")
    ours = globals()[name]

    def made(library):
        """Shapes become tensors, but for layer_norm's second argument, which is a shape."""
        keep = name == "layer_norm"
        return [
            library.ones(each) if isinstance(each, tuple) and not (keep and i == 1) else each
            for i, each in enumerate(args)
        ]

    with pytest.raises(expected):
        getattr(torch.nn.functional, name)(*made(torch))
    with pytest.raises(expected):
        ours(*made(mt))


SEAMS = {
    "layer of one image without groups": lambda lib: lib.nn.functional.group_norm(
        numbers(lib, 2, 2, 1), 2
    ),
    "local response of an even size": lambda lib: lib.nn.functional.local_response_norm(
        numbers(lib, 1, 4, 2), 2, alpha=3.0, beta=1.0
    ),
    "rms_norm of small numbers": lambda lib: lib.nn.functional.rms_norm(
        numbers(lib, 2, 3) * 1e-3, (3,)
    ),
    "instance_norm by statistics": lambda lib: lib.nn.functional.instance_norm(
        numbers(lib, 2, 2, 2), lib.ones(2), lib.ones(2) * 3, use_input_stats=False, eps=0.5
    ),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "instance_norm of single pixels": (
        lambda lib: lib.nn.functional.instance_norm(lib.ones(2, 3, 1)),
        r"\[2, 3, 1\]",
    ),
    "group_norm of one value": (
        lambda lib: lib.nn.functional.group_norm(lib.ones(1, 2, 1), 2),
        r"\[1, 2, 1\]",
    ),
    "group_norm with other weights": (
        lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4, 3), 2, lib.ones(2)),
        r"\[2\]",
    ),
    "layer_norm with other weights": (
        lambda lib: lib.nn.functional.layer_norm(matrix(lib), (3,), lib.ones(2)),
        r"\[2\]",
    ),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)
