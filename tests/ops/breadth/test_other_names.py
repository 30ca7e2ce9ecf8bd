"""Older names and forms: against torch, and by differences."""

import numpy as np
import pytest
from tables import against_torch, case, spd

import minitorch_cnn as mt

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(
    [
        case("adjoint", lambda lib, a: lib.adjoint(a), (2, 3, 4)),
        case("narrow_copy", lambda lib, a: lib.narrow_copy(a, 1, 1, 2), (2, 4)),
        case("unsafe_chunk", lambda lib, a: tuple(lib.unsafe_chunk(a, 2, 1)), (2, 4)),
        case("unsafe_split", lambda lib, a: tuple(lib.unsafe_split(a, 3, 1)), (2, 4)),
        case(
            "unsafe_split_with_sizes",
            lambda lib, a: tuple(lib.unsafe_split_with_sizes(a, [1, 3], 1)),
            (2, 4),
        ),
        case("matrix_exp", lambda lib, a: lib.matrix_exp(a), (2, 3, 3)),
        case("matrix_exp_large", lambda lib, a: lib.matrix_exp(3 * a), (3, 3)),
        case(
            "triangular_solve",
            lambda lib, a, b: lib.triangular_solve(b, spd(lib, a), False, True)[0],
            (3, 3),
            (3, 2),
        ),
        case(
            "cholesky_solve",
            lambda lib, a, b: lib.cholesky_solve(b, lib.linalg.cholesky(spd(lib, a))),
            (3, 3),
            (3, 2),
        ),
        case(
            "cholesky_inverse",
            lambda lib, a: lib.cholesky_inverse(lib.linalg.cholesky(spd(lib, a)).mT, upper=True),
            (3, 3),
        ),
        case("frexp", lambda lib, a: lib.frexp(a)[0], (3, 4), low=0.6, high=0.9),
        case("polygamma", lambda lib, a: a.polygamma(1), (3, 4), low=0.5),
    ]
)


def test_frexp_takes_numbers_apart():
    x = mt.tensor([3.0, 0.0, -0.2, 1e-30], dtype=mt.float64, requires_grad=True)
    mantissa, exponent = mt.frexp(x)
    np.testing.assert_array_equal((mantissa * 2.0**exponent).detach().numpy(), x.detach().numpy())
    assert exponent.dtype == mt.int32 and exponent.tolist()[:3] == [2, 0, -2]
    mantissa.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2.0 ** -exponent.double().numpy())


def test_the_exponential_of_a_rotation():
    turn = mt.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=mt.float64)
    for angle in (0.1, 2.0, 40.0):
        wanted = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        np.testing.assert_allclose(mt.matrix_exp(turn * angle).numpy(), wanted, atol=1e-12)


def test_methods_are_torchs():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.zeros(2, 3, 4, 5)
        assert x.dim_order() == (0, 1, 2, 3) and x.permute(0, 3, 1, 2).dim_order() == (0, 2, 3, 1)
        assert x.to_dense().shape == x.shape and not x.is_distributed()
        assert lib.conj_physical(x).shape == x.shape


def test_settings_of_torchs_top():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        assert lib.can_cast(lib.float64, lib.float16) and not lib.can_cast(lib.float32, lib.int64)
        assert lib.can_cast(lib.int64, lib.uint8) and not lib.can_cast(lib.int64, lib.bool)
        assert lib.typename(lib.ones(1)) == "torch.FloatTensor" and lib.typename(3) == "int"
        assert not lib.is_anomaly_enabled() and lib.is_storage(lib.ones(1).untyped_storage())
        assert lib.get_num_interop_threads() >= 1 and lib.is_autocast_enabled() is False
        assert lib.is_autocast_enabled("cpu") is False
        with lib.autocast("cpu", dtype=lib.float16):
            assert lib.is_autocast_enabled("cpu") and lib.get_autocast_dtype("cpu") == lib.float16
        with lib.autocast("cpu", dtype=lib.bfloat16, enabled=False):
            assert (lib.ones(2, 2) @ lib.ones(2, 2)).dtype == lib.float32
    assert mt.typename(mt.nn.Linear(1, 1)) == "minitorch_cnn.nn.modules.linear.Linear"
    assert mt.set_flush_denormal(True) is False
    mt.set_num_interop_threads(2)
    for lib in (mt, torch):
        assert lib.is_warn_always_enabled() is False
        lib.set_warn_always(True)
        assert lib.is_warn_always_enabled() is True
        lib.set_warn_always(False)
        with pytest.raises(RuntimeError, match="expects a bool"):
            lib.set_warn_always(1)
    assert mt.get_num_interop_threads() == 2 and issubclass(MemoryError, mt.OutOfMemoryError)
    assert mt.GradScaler is mt.amp.GradScaler and mt.Stream is mt.cuda.Stream


def test_the_order_of_dimensions_in_memory():
    """Where several orders describe the same memory, one of the formats that are named must fit."""
    formats = [mt.contiguous_format, mt.channels_last]
    for order in ((0, 1, 2, 3), (3, 1, 0, 2), (0, 2, 3, 1)):
        x = mt.zeros([(2, 3, 4, 5)[dim] for dim in order]).permute(*np.argsort(order).tolist())
        assert x.dim_order() == x.dim_order(True) == x.dim_order(ambiguity_check=formats) == order
    x = mt.zeros(2, 2, 1, 2)  # channels are told from pixels, though one dimension has no steps
    for each, order in zip(formats, ((0, 1, 2, 3), (0, 2, 3, 1)), strict=True):
        lying = x.to(memory_format=each)
        with pytest.raises(RuntimeError, match="unique dim order"):
            lying.dim_order(ambiguity_check=True)
        assert lying.dim_order(ambiguity_check=formats) == order
    with pytest.raises(RuntimeError, match="cannot map to exact one"):
        mt.zeros(2, 1, 2, 2).dim_order(ambiguity_check=formats)  # both fit
    for wrong in ("contiguous_format", [1], None):
        with pytest.raises(TypeError, match="ambiguity_check"):
            x.dim_order(ambiguity_check=wrong)
