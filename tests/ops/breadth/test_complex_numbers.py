"""Complex tensors: values and gradients of what they can do, and refusals of the rest."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

A = np.random.default_rng(0).normal(size=(2, 3, 2))
B = np.random.default_rng(1).normal(size=(2, 3, 2))
R = np.random.default_rng(2).normal(size=(2, 3))

CALLS = """
    z + w
    z - w
    z * w
    z / w
    z + 1.5
    2 - z
    z * 2
    3.0 / z
    z * (1 + 2j)
    z * r
    r * z
    r + z
    z - r
    r - z
    z / r
    -z
    z.conj() * w
    lib.mul(z, r)
    lib.add(r, z)
    lib.div(z, w)
    lib.conj(z)
    z.reshape(3, 2)
    z.view(-1)
    z.flatten()
    z.permute(1, 0)
    z.transpose(0, -1)
    z.unsqueeze(-1)
    z.unsqueeze(0).squeeze(0)
    z.flip(-1)
    z.roll(1, -1)
    z.sum()
    z.sum(-1, keepdim=True)
    z.mean()
    z.mean((0, 1))
    z[0]
    z[:, 1:]
    z[..., -1]
    z[None, 0, ...]
    z.expand(4, 2, 3)
    z.clone()
    lib.cat([z, w], -1)
    lib.stack([z, w], dim=1)
    lib.polar(z.abs(), z.angle())
    lib.complex(r, 2 * r)
"""


def pieces(lib):
    a, b, r = (lib.tensor(each, requires_grad=True) for each in (A, B, R))
    return a, b, r, {"lib": lib, "z": lib.view_as_complex(a), "w": lib.view_as_complex(b), "r": r}


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_values_and_gradients_are_torchs(call):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        *leaves, names = pieces(lib)
        y = lib.view_as_real(eval(call, names).resolve_conj())
        cotangent = lib.tensor(np.random.default_rng(3).normal(size=tuple(y.shape)))
        grads = lib.autograd.grad(y, leaves, cotangent, allow_unused=True)
        found.append([y.detach().numpy(), *grads])
    for mine, other in zip(*found, strict=True):
        if other is None or mine is None:
            assert mine is None and other is None
        else:
            np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=1e-9, atol=1e-12)


REAL = ["z.abs()", "z.angle()", "z.real", "z.imag", "lib.abs(z * w)", "lib.angle(r)"]


@pytest.mark.parametrize("call", [*REAL, "lib.real(z)", "lib.imag(z)", "(z * z.conj()).real"])
def test_real_results_are_torchs(call):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        a, _, r, names = pieces(lib)
        y = eval(call, names)
        cotangent = lib.tensor(np.random.default_rng(3).normal(size=tuple(y.shape)))
        leaf = r if call == "lib.angle(r)" else a
        found.append([y.detach().numpy(), lib.autograd.grad(y, leaf, cotangent)[0].numpy()])
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12, strict=True)


def test_gradients_of_both_orders():
    a, b = mt.tensor(A, requires_grad=True), mt.tensor(B, requires_grad=True)

    def function(a, b):
        z, w = mt.view_as_complex(a), mt.view_as_complex(b)
        return mt.view_as_real(z * w / (z + 3.0)), (z - w).abs()

    assert gradcheck(function, (a, b)) and gradgradcheck(function, (a, b))


def test_the_absolute_value_at_zero():
    zero = mt.zeros(1, 2, requires_grad=True)
    mt.view_as_complex(zero).abs().sum().backward()
    assert zero.grad.tolist() == [[0, 0]]


def test_what_it_looks_like():
    z = mt.complex(mt.tensor([[1.0, 2.0]]), mt.tensor([[0.0, -1.0]]))
    assert z.shape == (1, 2) and z.size(-1) == 2 and z.ndim == z.dim() == 2 and z.numel() == 2
    assert z.dtype == mt.complex64 and z.to(mt.complex128).dtype is mt.complex128
    assert z.is_complex() and mt.is_complex(z) and mt.is_tensor(z) and not z.is_floating_point()
    assert z.tolist() == [[1, 2 - 1j]] and z[0, 1].item() == 2 - 1j and len(z) == 1
    assert z.numpy().dtype == np.complex64 and z.cpu().device == mt.device("cpu")
    assert repr(z).startswith("complex(real=tensor([[1., 2.]]), imag=")
    assert not z.requires_grad and z.grad_fn is None and z.resolve_conj() is z and not z.is_conj()
    assert mt.angle(mt.tensor([-1, 0, 1])).tolist() == pytest.approx([np.pi, 0, 0])
    assert mt.conj(mt.ones(1)).tolist() == [1]


def test_parts_are_written():
    z = mt.complex(mt.zeros(3), mt.zeros(3))
    z[1:] = mt.complex(mt.ones(2), 2 * mt.ones(2))
    z[0] = 5.0
    assert z.tolist() == [5, 1 + 2j, 1 + 2j]
    w = mt.tensor([1.0], requires_grad=True)
    out = mt.complex(mt.zeros(2), mt.zeros(2))
    out[:1] = mt.complex(w, w)
    out.abs().sum().backward()
    assert w.grad.item() == pytest.approx(2**0.5)


def test_what_is_refused():
    z = mt.complex(mt.ones(2), mt.ones(2))
    for call in (
        lambda: mt.exp(z), lambda: z.exp(), lambda: mt.relu(z), lambda: z.matmul, lambda: z.dot(z),
        lambda: mt.nn.functional.softmax(z, 0), lambda: z.to(mt.float32), lambda: mt.maximum(z, z),
        lambda: mt.zeros(2, dtype=mt.complex64), lambda: mt.randn(2, dtype=mt.cfloat),
    ):  # fmt: skip
        with pytest.raises((NotImplementedError, TypeError), match="complex"):
            call()
    for call in (
        lambda: mt.complex(mt.ones(1), mt.ones(1).double()), lambda: mt.view_as_complex(mt.ones(3)),
        lambda: mt.view_as_real(mt.ones(2)), lambda: mt.imag(mt.ones(2)),
        lambda: mt.view_as_complex(mt.ones(2).long()),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(TypeError, match="beside a complex tensor"):
        z + "text"
