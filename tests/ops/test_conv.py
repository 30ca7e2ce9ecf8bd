"""conv2d, conv_transpose2d and conv1d: values and errors beside torch's, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.ops.conv import conv1d, conv2d, conv_transpose2d

PAIRS = st.one_of(st.integers(1, 2), st.tuples(st.integers(1, 3), st.integers(1, 3)))


def leaf(rng, *shape):
    return mt.tensor(rng.standard_normal(shape)).requires_grad_()


@st.composite
def arguments(draw):
    """Shapes of x and w and the keyword arguments of a small convolution that has an output."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    per_group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(
        st.one_of(
            st.integers(0, 2),
            st.tuples(st.integers(0, 2), st.integers(0, 2)),
            st.sampled_from(["same", "valid"]),
        )
    )
    stride = 1 if padding == "same" else draw(PAIRS)
    dilation = draw(PAIRS)
    spread = (dilation, dilation) if isinstance(dilation, int) else dilation
    size = tuple(d * (k - 1) + 1 + draw(st.integers(0, 3)) for d, k in zip(spread, kernel))
    x_shape = (draw(st.integers(1, 2)), groups * per_group[0], *size)
    w_shape = (groups * per_group[1], per_group[0], *kernel)
    return x_shape, w_shape, dict(stride=stride, padding=padding, dilation=dilation, groups=groups)


@given(arguments(), st.booleans(), st.booleans(), st.integers(0, 2**32))
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_conv2d_is_torchs(case, with_bias, batched, seed):
    torch = pytest.importorskip("torch")
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(s) for s in (x_shape, w_shape, w_shape[:1]))
    x = x if batched else x[0]
    arrays = (x, w, b) if with_bias else (x, w)
    leaves = [mt.tensor(each).requires_grad_() for each in arrays]
    theirs = [torch.tensor(each, requires_grad=True) for each in arrays]
    y, expected = conv2d(*leaves, **options), torch.nn.functional.conv2d(*theirs, **options)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-10)
    gy = rng.standard_normal(y.shape)
    gradients = mt.autograd.grad(y, leaves, mt.tensor(gy))
    expected_gradients = torch.autograd.grad(expected, theirs, torch.tensor(gy))
    for got, want in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-10)


@given(arguments(), st.integers(0, 2**32))
def test_conv2d_gradients_and_their_gradients(case, seed):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    leaves = leaf(rng, *x_shape), leaf(rng, *w_shape), leaf(rng, w_shape[0])

    def function(x, w, b):
        return conv2d(x, w, b, **options)

    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves)


@st.composite
def transposed_arguments(draw):
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    per_group = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel)]
    options = dict(
        stride=stride,
        padding=tuple(draw(st.integers(0, r // 2)) for r in reach),
        output_padding=tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation)),
        groups=groups,
        dilation=dilation,
    )
    x_shape = (
        draw(st.integers(1, 2)),
        groups * per_group[0],
        *draw(st.tuples(*[st.integers(1, 4)] * 2)),
    )
    return x_shape, (groups * per_group[0], per_group[1], *kernel), options


@pytest.mark.parametrize("kernel, stride", [(1, 1), (1, 2), (3, 1), (3, 2)])
def test_output_padding_below_the_dilation_is_torchs_in_float32(kernel, stride):
    """There are then pixels that belong to no gy, also in the compiled kernels' 1x1 form."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    arrays = [
        rng.standard_normal(s).astype(np.float32) for s in ((2, 4, 5, 5), (4, 3, kernel, kernel))
    ]
    leaves = [mt.tensor(each).requires_grad_() for each in arrays]
    theirs = [torch.tensor(each, requires_grad=True) for each in arrays]
    options = dict(stride=stride, dilation=3, output_padding=2)
    y = conv_transpose2d(*leaves, **options)
    expected = torch.nn.functional.conv_transpose2d(*theirs, **options)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-5)
    gy = rng.standard_normal(y.shape).astype(np.float32)
    gradients = mt.autograd.grad(y, leaves, mt.tensor(gy))
    expected_gradients = torch.autograd.grad(expected, theirs, torch.tensor(gy))
    for got, want in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-4)


@given(transposed_arguments(), st.integers(0, 2**32))
def test_conv_transpose2d_is_torchs(case, seed):
    torch = pytest.importorskip("torch")
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    channels = w_shape[1] * options["groups"]
    arrays = [rng.standard_normal(s) for s in (x_shape, w_shape, (channels,))]
    leaves = [mt.tensor(each).requires_grad_() for each in arrays]
    theirs = [torch.tensor(each, requires_grad=True) for each in arrays]
    y = conv_transpose2d(*leaves, **options)
    expected = torch.nn.functional.conv_transpose2d(*theirs, **options)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-10)
    gy = rng.standard_normal(y.shape)
    gradients = mt.autograd.grad(y, leaves, mt.tensor(gy))
    expected_gradients = torch.autograd.grad(expected, theirs, torch.tensor(gy))
    for got, want in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-10)


@given(transposed_arguments(), st.integers(0, 2**32))
def test_conv_transpose2d_gradients_and_their_gradients(case, seed):
    x_shape, w_shape, options = case
    rng = np.random.default_rng(seed)
    leaves = leaf(rng, *x_shape), leaf(rng, *w_shape), leaf(rng, w_shape[1] * options["groups"])

    def function(x, w, b):
        return conv_transpose2d(x, w, b, **options)

    assert gradcheck(function, leaves)
    assert gradgradcheck(function, leaves)


@pytest.mark.parametrize("kernel", [1, 3])
def test_output_padding_beyond_the_stride(kernel):
    """Then a convolution of the output would have more pixels than the input came with."""
    leaves = (
        leaf(np.random.default_rng(0), 1, 2, 3, 4),
        leaf(np.random.default_rng(1), 2, 3, *[kernel] * 2),
    )
    assert gradcheck(lambda x, w: conv_transpose2d(x, w, output_padding=1, dilation=2), leaves)
    assert gradgradcheck(lambda x, w: conv_transpose2d(x, w, output_padding=1, dilation=2), leaves)


@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(0, 2**32))
def test_conv1d_by_loops(stride, dilation, padding, seed):
    rng = np.random.default_rng(seed)
    x, w, b = rng.standard_normal((2, 4, 9)), rng.standard_normal((2, 2, 3)), rng.standard_normal(2)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    length = (9 + 2 * padding - 2 * dilation - 1) // stride + 1
    expected = np.zeros((2, 2, length)) + b[:, None]
    for n, k, i, c, u in np.ndindex(2, 2, length, 2, 3):
        expected[n, k, i] += padded[n, 2 * k + c, i * stride + u * dilation] * w[k, c, u]
    got = conv1d(*map(mt.tensor, (x, w, b)), stride, padding, dilation, groups=2)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    single = conv1d(*map(mt.tensor, (x[0], w, b)), stride, padding, dilation, groups=2)
    np.testing.assert_allclose(single.numpy(), expected[0], atol=1e-12)


def test_same_puts_the_odd_pixel_at_the_far_side():
    x = mt.arange(1.0, 5.0).reshape(1, 1, 1, 4)
    y = conv2d(x, mt.tensor([[[[1.0, 10.0]]]]), padding="same")
    assert y.tolist() == [[[[21.0, 32.0, 43.0, 4.0]]]]  # the last window sees 4 and a zero


def test_only_the_gradients_that_are_needed_are_computed(monkeypatch):
    from minitorch_cnn import kernels

    def refuse(*args):
        raise AssertionError("nobody needs this gradient")

    x, w = mt.ones(1, 1, 3, 3), mt.ones(1, 1, 2, 2, requires_grad=True)
    monkeypatch.setattr(kernels, "conv2d_input_grad", refuse)
    conv2d(x, w).sum().backward()
    assert w.grad.tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]

    monkeypatch.undo()
    monkeypatch.setattr(kernels, "conv2d_weight_grad", refuse)
    conv2d(x.requires_grad_(), w.detach()).sum().backward()
    assert x.grad.tolist() == [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]


def test_empty_batch():
    x, w = mt.zeros(0, 2, 5, 5, requires_grad=True), mt.ones(4, 2, 3, 3, requires_grad=True)
    b = mt.ones(4, requires_grad=True)
    y = conv2d(x, w, b)
    assert y.shape == (0, 4, 3, 3)
    y.sum().backward()
    assert x.grad.shape == (0, 2, 5, 5)
    assert not w.grad.any() and not b.grad.any()


ERRORS = [
    ("conv2d", ((1, 3, 5, 5), (4, 2, 3, 3)), {}),
    ("conv2d", ((5, 5), (4, 2, 3, 3)), {}),
    ("conv2d", ((1, 1, 1, 5, 5), (4, 2, 3, 3)), {}),
    ("conv2d", ((1, 3, 5, 5), (4, 3, 3)), {}),
    ("conv2d", ((1, 2, 2, 2), (4, 2, 3, 3)), {}),
    ("conv2d", ((1, 2, 4, 4), (4, 2, 3, 3)), dict(dilation=2)),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(stride=0)),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(stride=(1, 1, 1))),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(padding=-1)),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(dilation=0)),
    ("conv2d", ((1, 4, 5, 5), (5, 2, 3, 3)), dict(groups=2)),
    ("conv2d", ((1, 4, 5, 5), (4, 2, 3, 3)), dict(groups=0)),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3), (3,)), {}),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(padding="same", stride=2)),
    ("conv2d", ((1, 2, 5, 5), (4, 2, 3, 3)), dict(padding="some")),
    ("conv_transpose2d", ((1, 3, 5, 5), (4, 2, 3, 3)), {}),
    ("conv_transpose2d", ((1, 4, 5, 5), (4, 2, 3, 3)), dict(output_padding=1)),
    ("conv_transpose2d", ((1, 4, 5, 5), (4, 2, 3, 3)), dict(output_padding=-1)),
    ("conv_transpose2d", ((1, 4, 1, 1), (4, 2, 3, 3)), dict(padding=2)),
    ("conv_transpose2d", ((1, 4, 5, 5), (4, 2, 3, 3), (3,)), {}),
    ("conv1d", ((1, 2, 3, 3), (4, 2, 3)), {}),
    ("conv1d", ((1, 2, 5), (4, 2, 3)), dict(stride=(1, 2))),
]


@pytest.mark.parametrize("name, shapes, options", ERRORS)
def test_errors_are_of_torchs_kind_and_quote_the_sizes(name, shapes, options):
    torch = pytest.importorskip("torch")
    ours = {"conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "conv1d": conv1d}[name]
    with pytest.raises(RuntimeError) as theirs:
        getattr(torch.nn.functional, name)(*(torch.zeros(s) for s in shapes), **options)
    with pytest.raises(theirs.type) as error:
        ours(*(mt.zeros(s) for s in shapes), **options)
    wrong = next(iter(options.values()), None)
    quoted = [str(each) for each in (wrong, *shapes[0], *shapes[1])]
    assert any(each in str(error.value) for each in quoted)


def test_mixed_types_are_refused():
    x, w = mt.zeros(1, 1, 3, 3), mt.zeros(1, 1, 1, 1, dtype=mt.float64)
    with pytest.raises(RuntimeError, match=r"FloatTensor.*weight.*DoubleTensor"):
        conv2d(x, w)
    with pytest.raises(RuntimeError, match=r"FloatTensor.*bias.*DoubleTensor"):
        conv2d(x, w.float(), mt.zeros(1, dtype=mt.float64))
