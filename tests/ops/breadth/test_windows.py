"""Windows for signals: torch's, of every length from none to odd and even ones."""

import numpy as np
import pytest

import minitorch_cnn as mt

NAMES = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_torchs(name):
    torch = pytest.importorskip("torch")
    for length in (0, 1, 2, 3, 8, 9):
        for periodic in (True, False):
            ours = getattr(mt, name)(length, periodic=periodic, dtype=mt.float64)
            theirs = getattr(torch, name)(length, periodic=periodic, dtype=torch.float64)
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-12, strict=True)
    assert getattr(mt, name)(4).dtype == mt.float32
    with pytest.raises(RuntimeError, match="negative"):
        getattr(mt, name)(-1)


def test_a_symmetric_window_is_the_periodic_one_of_a_place_less():
    for name in NAMES:
        window = getattr(mt, name)
        np.testing.assert_allclose(window(8, False)[:-1].numpy(), window(7).numpy(), atol=1e-6)
        np.testing.assert_allclose(
            window(8, False).flip(0).numpy(), window(8, False).numpy(), atol=1e-6
        )
    assert mt.hamming_window(3, alpha=1.0, beta=0.0, requires_grad=True).requires_grad


def test_hann_is_a_squared_sine():
    np.testing.assert_allclose(
        mt.hann_window(10).numpy(), np.sin(np.pi * np.arange(10) / 10) ** 2, atol=1e-7
    )
