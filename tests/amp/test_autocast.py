"""autocast: which operation calculates in which type, and that gradients come back in float32."""

import threading
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

F = nn.functional
HERE = mt.backend.default_device().type  # see tests/backends.py
IMAGE, FILTER, BIAS = (2, 4, 5, 5), (6, 2, 3, 3), (6,)

# A call of (functional, library, tensors) -> the dtype that it has under autocast.
PRODUCTS = {
    "conv2d": (lambda f, lib, x, w, b: f.conv2d(x, w, b, groups=2), IMAGE, FILTER, BIAS),
    "conv1d": (lambda f, lib, x, w: f.conv1d(x, w), (2, 4, 9), (6, 4, 3)),
    "conv3d": (lambda f, lib, x, w: f.conv3d(x, w), (1, 2, 3, 3, 3), (2, 2, 2, 2, 2)),
    "conv_transpose2d": (lambda f, lib, x, w: f.conv_transpose2d(x, w), (2, 4, 3, 3), (4, 2, 2, 2)),
    "linear": (lambda f, lib, x, w, b: f.linear(x, w, b), (3, 4), (5, 4), (5,)),
    "matmul": (lambda f, lib, a, b: a @ b, (2, 3, 4), (4, 5)),
    "mm": (lambda f, lib, a, b: lib.mm(a, b), (3, 4), (4, 5)),
    "bmm": (lambda f, lib, a, b: lib.bmm(a, b), (2, 3, 4), (2, 4, 5)),
    "addmm": (lambda f, lib, c, a, b: lib.addmm(c, a, b), (5,), (3, 4), (4, 5)),
    "einsum": (lambda f, lib, a, b: lib.einsum("ij,jk->ik", a, b), (3, 4), (4, 5)),
}
DELICATE = {
    "softmax": (lambda f, lib, x: f.softmax(x, 1), (3, 4)),
    "log_softmax": (lambda f, lib, x: f.log_softmax(x, 1), (3, 4)),
    "logsumexp": (lambda f, lib, x: lib.logsumexp(x, 1), (3, 4)),
    "cross_entropy": (lambda f, lib, x: f.cross_entropy(x, lib.tensor([0, 3, 1])), (3, 4)),
    "nll_loss": (lambda f, lib, x: f.nll_loss(x, lib.tensor([0, 3, 1])), (3, 4)),
    "mse_loss": (lambda f, lib, x, y: f.mse_loss(x, y), (3, 4), (3, 4)),
    "l1_loss": (lambda f, lib, x, y: f.l1_loss(x, y), (3, 4), (3, 4)),
    "layer_norm": (lambda f, lib, x: f.layer_norm(x, (4,)), (3, 4)),
    "group_norm": (lambda f, lib, x: f.group_norm(x, 2), (3, 4, 2)),
    "binary_cross_entropy_with_logits": (
        lambda f, lib, x, y: f.binary_cross_entropy_with_logits(x, y.sigmoid()), (3, 4), (3, 4)
    ),
}  # fmt: skip


def values(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_calculated_in_float16(name):
    call, *shapes = PRODUCTS[name]
    leaves = [mt.tensor(values(i, shape), requires_grad=True) for i, shape in enumerate(shapes)]
    with mt.autocast(HERE, dtype=mt.float16):
        y = call(F, mt, *leaves)
    assert y.dtype is mt.float16
    expected = call(F, mt, *leaves)
    assert expected.dtype is mt.float32
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=0.02, atol=0.02)
    cotangent = mt.tensor(values(9, tuple(y.shape)))
    gradients = mt.autograd.grad(y, leaves, cotangent.half())
    for gradient, exact in zip(gradients, mt.autograd.grad(expected, leaves, cotangent)):
        assert gradient.dtype is mt.float32
        np.testing.assert_allclose(gradient.numpy(), exact.numpy(), rtol=0.03, atol=0.05)


@pytest.mark.parametrize("name", DELICATE)
def test_delicate_operations_get_float32(name):
    call, *shapes = DELICATE[name]
    tensors = [mt.tensor(values(i, shape)).half() for i, shape in enumerate(shapes)]
    with mt.autocast(HERE, dtype=mt.float16):
        y = call(F, mt, *tensors)
    assert y.dtype is mt.float32
    expected = call(F, mt, *[each.float() for each in tensors])
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-3, atol=1e-3)


# torch's list of delicate operations for the CPU is shorter than its list for CUDA, which ours is.
ON_CUDA_ONLY = {"log_softmax", "softmax", "cross_entropy", "logsumexp", "layer_norm", "group_norm"}


@pytest.mark.parametrize("name", [n for n in [*PRODUCTS, *DELICATE] if n not in ON_CUDA_ONLY])
def test_types_are_torchs(name):
    torch = pytest.importorskip("torch")
    call, *shapes = {**PRODUCTS, **DELICATE}[name]
    given = [values(i, shape) for i, shape in enumerate(shapes)]
    half = name in DELICATE
    theirs = [torch.tensor(each).half() if half else torch.tensor(each) for each in given]
    ours = [mt.tensor(each).half() if half else mt.tensor(each) for each in given]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.autocast("cpu", dtype=torch.float16):
            expected = str(call(torch.nn.functional, torch, *theirs).dtype)
    with mt.autocast(HERE, dtype=mt.float16):
        got = str(call(F, mt, *ours).dtype)
    assert got.removeprefix("minitorch_cnn.") == expected.removeprefix("torch.")


def test_float64_and_integers_stay_as_they_are():
    with mt.autocast(HERE, dtype=mt.float16):
        a = mt.ones(2, 2, dtype=mt.float64)
        assert (a @ a).dtype is mt.float64
        i = mt.ones(2, 2, dtype=mt.int64)
        assert (i @ i).dtype is mt.int64


def test_it_nests_ends_and_can_be_switched_off():
    a = mt.ones(2, 2)
    with mt.autocast(HERE, dtype=mt.float16):
        with mt.autocast(HERE, enabled=False):
            assert (a @ a).dtype is mt.float32
        assert (a @ a).dtype is mt.float16
    with pytest.raises(ZeroDivisionError), mt.autocast(HERE, dtype=mt.float16):
        raise ZeroDivisionError
    assert (a @ a).dtype is mt.float32

    @mt.autocast(HERE, dtype=mt.float16)
    def product():
        return a @ a

    assert product().dtype is mt.float16 and (a @ a).dtype is mt.float32


def test_it_is_about_one_thread_and_one_kind_of_device():
    a, seen = mt.ones(2, 2), []
    with mt.autocast(HERE, dtype=mt.float16):
        thread = threading.Thread(target=lambda: seen.append((a @ a).dtype))
        thread.start()
        thread.join()
    assert seen == [mt.float32]
    if not mt.cuda.is_available():
        with pytest.warns(UserWarning, match="CUDA is not available. Disabling"):
            context = mt.autocast("cuda")
        with context:
            assert (a @ a).dtype is mt.float32


def test_what_it_cannot_do_is_refused():
    with pytest.raises(NotImplementedError, match="bfloat16"):
        mt.autocast("cpu")
    with pytest.raises(NotImplementedError, match="float32"):
        mt.autocast("cpu", dtype=mt.float32)
    with pytest.raises(ValueError, match="of type `str`"):
        mt.autocast(mt.device("cpu"))
    with pytest.raises(RuntimeError, match="tpu"):
        mt.autocast("tpu")


def test_a_network_with_batch_norm_trains():
    mt.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)
    )
    images, labels = mt.randn(8, 3, 4, 4), mt.arange(8) % 2
    optimizer, scaler = mt.optim.SGD(net.parameters(), lr=0.1), mt.amp.GradScaler("cpu")
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        with mt.autocast(HERE, dtype=mt.float16):
            scores = net(images)
            loss = F.cross_entropy(scores, labels)
        assert scores.dtype is mt.float16 and loss.dtype is mt.float32
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert all(p.dtype is mt.float32 for p in net.parameters())
    assert losses[-1] < 0.2 * losses[0]
