"""Fourier transforms: torch's values and gradients, for all axes, lengths and norms."""

import itertools

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

X = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
REAL = ("irfft", "irfft2", "irfftn", "hfft")
FROM_REAL = ("rfft", "rfft2", "rfftn", "ihfft")
OTHERS = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn")

OPTIONS = {
    1: [{}, {"n": 3}, {"n": 8}, {"dim": 1}, {"n": 7, "dim": -2}],
    2: [{}, {"s": (3, 6)}, {"s": (5, 3)}, {"dim": (0, 2)}, {"s": (4, 4), "dim": (-1, 1)}],
    3: [{}, {"s": (4, 7)}, {"dim": (1, 2, 3)}, {"s": (2, -1, 6), "dim": (3, 1, 2)}],
}


def cases():
    for name in (*OTHERS, *FROM_REAL, *REAL):
        kind = 2 if name.endswith("2") else 3 if name.endswith("n") else 1
        for options, norm in itertools.product(OPTIONS[kind], (None, "ortho", "forward")):
            for is_complex in (False, True):
                if not (is_complex and name in FROM_REAL):
                    yield name, options | {"norm": norm}, is_complex


def outcome(lib, name, options, is_complex):
    """Value, and gradient with respect to the real numbers that go in."""
    x = lib.tensor(X, requires_grad=True)
    z = lib.view_as_complex(lib.stack([x, x.flip(0) * 2], -1)) if is_complex else x
    y = getattr(lib.fft, name)(z, **options)
    if name not in REAL:
        y = lib.view_as_real(y.resolve_conj())
    cotangent = lib.tensor(np.random.default_rng(1).normal(size=tuple(y.shape)))
    return y.detach().numpy(), lib.autograd.grad(y, x, cotangent)[0].numpy()


@pytest.mark.parametrize("name", [*OTHERS, *FROM_REAL, *REAL])
def test_values_and_gradients_are_torchs(name):
    torch = pytest.importorskip("torch")
    for case in cases():
        if case[0] == name:
            for mine, other in zip(outcome(mt, *case), outcome(torch, *case), strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-10, strict=True)


def test_a_transform_is_its_sum():
    x = mt.tensor(X[0, 0])
    n = X.shape[-1]
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)
    np.testing.assert_allclose(mt.fft.fft(x).numpy(), X[0, 0] @ matrix, atol=1e-12)
    back = mt.fft.ifft(mt.fft.fft(x))
    np.testing.assert_allclose(back.numpy(), X[0, 0], atol=1e-12)


def test_single_precision_stays():
    x = mt.tensor(X[0, 0], dtype=mt.float32, requires_grad=True)
    y = mt.fft.irfft2(mt.fft.rfft2(x) * 2.0, s=x.shape)
    assert y.dtype == mt.float32 and mt.fft.fft(x).dtype == mt.complex64
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2, rtol=1e-5)


def test_gradients_of_both_orders():
    x = mt.tensor(X[0, 0], requires_grad=True)

    def function(x):
        y = mt.fft.rfft2(x)
        return mt.fft.irfft2(y * y.conj() * y, s=(4, 6)), mt.fft.fftn(x * x).abs()

    assert gradcheck(function, (x,)) and gradgradcheck(function, (x,))


def test_a_convolution_by_transforms():
    x = mt.tensor(X, requires_grad=True)
    w = mt.tensor(np.random.default_rng(2).normal(size=(6, 3, 3, 3)), requires_grad=True)
    size = (4 + 2, 5 + 2)
    product = mt.fft.rfft2(x, size).unsqueeze(1) * mt.fft.rfft2(w.flip((2, 3)), size).unsqueeze(0)
    ours = mt.fft.irfft2(product.sum(2), size)
    wanted = mt.nn.functional.conv2d(x, w, padding=2)
    np.testing.assert_allclose(ours.detach().numpy(), wanted.detach().numpy(), atol=1e-12)
    cotangent = mt.randn(*wanted.shape, dtype=mt.float64)
    for mine, other in zip(
        mt.autograd.grad(ours, (x, w), cotangent), mt.autograd.grad(wanted, (x, w), cotangent)
    ):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=1e-11)


def test_frequencies_and_shifts_are_torchs():
    torch = pytest.importorskip("torch")
    for n in (1, 4, 5):
        for name in ("fftfreq", "rfftfreq"):
            ours, theirs = (getattr(lib.fft, name)(n, 0.5) for lib in (mt, torch))
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), strict=True)
    for name, dim in itertools.product(("fftshift", "ifftshift"), (None, 1, (-1, 0))):
        ours, theirs = (getattr(lib.fft, name)(lib.tensor(X), dim) for lib in (mt, torch))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    z = mt.fft.fft2(mt.tensor(X))
    np.testing.assert_allclose(
        mt.fft.fftshift(z).numpy(), np.fft.fftshift(np.fft.fft2(X)), atol=1e-12
    )
    freq = mt.fft.fftfreq(3, dtype=mt.float64, requires_grad=True)
    assert freq.dtype == mt.float64 and freq.requires_grad


INVALID = {
    "lib.fft.fft(x, norm='odd')": RuntimeError,
    "lib.fft.fft(x, n=0)": RuntimeError,
    "lib.fft.fft(x, dim=7)": IndexError,
    "lib.fft.fft2(x, dim=(1, 1))": RuntimeError,
    "lib.fft.fft2(x, s=(2,))": RuntimeError,
    "lib.fft.rfft(lib.fft.fft(x))": RuntimeError,
    "lib.fft.irfft(x[..., :1])": RuntimeError,
    "lib.fft.fft(x.half())": RuntimeError,
    "lib.fft.fftfreq(0)": (RuntimeError, ZeroDivisionError),
}


@pytest.mark.parametrize("call, error", INVALID.items())
def test_what_is_refused(call, error):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        if lib is mt or "fftfreq" not in call:
            with pytest.raises(error):
                eval(call, {"lib": lib, "x": lib.ones(2, 3)})


def test_other_transforms_are_not_there():
    with pytest.raises(NotImplementedError, match=r"fft\.hfft2 is not supported"):
        _ = mt.fft.hfft2
