"""Pooling as operations: torch's values and errors, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import check_gradients, leaf, same_as_torch, same_error, spread_out

import minitorch_cnn as mt
from minitorch_cnn import kernels
from minitorch_cnn.kernels import fallback
from minitorch_cnn.ops.pool import avg_pool2d, max_pool2d

F = mt.nn.functional


@st.composite
def windows(draw, dilated):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    options = dict(
        kernel_size=kernel,
        stride=draw(st.one_of(st.none(), st.integers(1, 3))),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        ceil_mode=draw(st.booleans()),
    )
    if dilated:
        options["dilation"] = draw(st.integers(1, 2))
    size = draw(st.tuples(st.integers(5, 8), st.integers(5, 8)))
    return (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *size), options


@given(windows(dilated=True), st.booleans(), st.integers(0, 2**32))
def test_max_pool2d_is_torchs(case, batched, seed):
    torch = pytest.importorskip("torch")
    shape, options = case
    x = spread_out(seed, shape if batched else shape[1:])
    same_as_torch(
        lambda a: max_pool2d(a, **options),
        lambda b: torch.nn.functional.max_pool2d(b, **options),
        x,
        seed,
    )
    _, indices = max_pool2d(mt.tensor(x), **options, return_indices=True)
    _, expected = torch.nn.functional.max_pool2d(torch.tensor(x), **options, return_indices=True)
    assert indices.dtype is mt.int64
    np.testing.assert_array_equal(indices.numpy(), expected.numpy())


@given(windows(dilated=False), st.booleans(), st.sampled_from([None, 3, -2]), st.integers(0, 2**32))
def test_avg_pool2d_is_torchs(case, include_pad, divisor, seed):
    torch = pytest.importorskip("torch")
    shape, options = case
    options |= dict(count_include_pad=include_pad, divisor_override=divisor)
    same_as_torch(
        lambda a: avg_pool2d(a, **options),
        lambda b: torch.nn.functional.avg_pool2d(b, **options),
        spread_out(seed, shape),
        seed,
    )


def test_what_ceil_mode_reaches_beyond_the_padding_does_not_count():
    x = mt.ones(1, 1, 4)
    options = dict(kernel_size=(1, 3), stride=(1, 2), ceil_mode=True)
    assert avg_pool2d(x, **options).tolist() == [[[1.0, 1.0]]]
    # With padding (0, 1): windows of 0 1 1, 1 1 1 and 1 0, the last one cut at the padding's end.
    padded = avg_pool2d(x, **options, padding=(0, 1)).flatten().tolist()
    assert padded == pytest.approx([2 / 3, 1.0, 1 / 2])
    padded = avg_pool2d(x, **options, padding=(0, 1), count_include_pad=False)
    assert padded.flatten().tolist() == [1.0, 1.0, 1.0]


@given(windows(dilated=True), windows(dilated=False), st.integers(0, 2**32))
def test_gradients_and_their_gradients(max_case, avg_case, seed):
    shape, options = max_case
    check_gradients(lambda a: max_pool2d(a, **options), spread_out(seed, (1, *shape[1:])))
    shape, others = avg_case
    check_gradients(lambda a: avg_pool2d(a, **others), spread_out(seed, (1, *shape[1:])))


def test_positions_are_not_computed_where_no_gradient_is_needed(monkeypatch):
    from minitorch_cnn import kernels

    asked = []
    forward = kernels.max_pool2d_forward
    monkeypatch.setattr(
        kernels, "max_pool2d_forward", lambda x, g, want: asked.append(want) or forward(x, g, want)
    )
    x = mt.zeros(1, 1, 4, 4, requires_grad=True)
    with mt.no_grad():
        max_pool2d(x, 2)
    max_pool2d(x, 2)
    assert asked == [False, True]


def test_float16_and_integers():
    x = mt.tensor([[[1, 5], [2, 3]]])
    assert max_pool2d(x, 2).tolist() == [[[5]]]
    assert max_pool2d(x.half(), 2).dtype is mt.float16
    ones = mt.ones(1, 64, 64, dtype=mt.float16) * 60  # the sum, 245760, is beyond float16
    assert avg_pool2d(ones, 64).tolist() == [[[60.0]]]
    with pytest.raises(NotImplementedError, match="int64"):
        avg_pool2d(x, 2)


ERRORS = [
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, padding=2)),
    (max_pool2d, (1, 1, 1, 1), dict(kernel_size=2)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, stride=0)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=0)),
    (max_pool2d, (4, 4), dict(kernel_size=2)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, dilation=0)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=(2, 2, 2))),
    (max_pool2d, (1, 0, 4, 4), dict(kernel_size=2)),
    (avg_pool2d, (1, 1, 4, 4), dict(kernel_size=2, padding=2)),
    (avg_pool2d, (1, 1, 4, 4), dict(kernel_size=2, divisor_override=0)),
    (avg_pool2d, (1, 1, 1, 1), dict(kernel_size=2)),
]


@pytest.mark.parametrize("ours, shape, options", ERRORS)
def test_errors_are_of_torchs_kind(ours, shape, options):
    same_error(ours, shape, options)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32))
def test_of_several_nan_torchs_is_the_maximum(dims, dtype, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x = rng.choice([0.0, 1.0, np.nan], (2, 3, *(5, 6, 7)[:dims])).astype(dtype)
    for name, arguments in ((f"max_pool{dims}d", (3, 2, 1)), (f"adaptive_max_pool{dims}d", (3,))):
        pool, theirs = getattr(mt.nn.functional, name), getattr(torch.nn.functional, name)
        a, b = leaf(x), torch.tensor(x, requires_grad=True)
        got, where = pool(a, *arguments, return_indices=True)
        want, place = theirs(b, *arguments, return_indices=True)
        np.testing.assert_array_equal(got.detach().numpy(), want.detach().numpy())
        np.testing.assert_array_equal(where.numpy(), place.numpy())
        gy = rng.integers(1, 9, want.shape).astype(dtype)
        got.backward(mt.tensor(gy))
        want.backward(torch.tensor(gy))
        np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


# ------------------------------------------- the mask of a ReLU, laid upon the smaller gradient


def relu_pool(x, pool=lambda y: F.max_pool2d(y, 2), inplace=False, between=lambda y: None):
    y = F.relu(x * 1, inplace=inplace)
    between(y)
    return y, pool(y)


POOLINGS = {
    "2x2": lambda y: F.max_pool2d(y, 2),
    "overlapping": lambda y: F.max_pool2d(y, 3, 2, 1),
    "with indices": lambda y: F.max_pool2d(y, 2, return_indices=True)[0],
    "dilated": lambda y: F.max_pool2d(y, 2, 1, dilation=2),
    "with gaps": lambda y: F.max_pool2d(y, 1, 2),
}


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("dtype", [mt.float32, mt.float64])
def test_the_gradient_of_relu_and_pooling(name, inplace, dtype):
    """Against the two gradients one after the other, as the definitions have them."""
    values = np.random.default_rng(3).integers(-2, 3, (2, 3, 9, 8))  # many equal, many zero
    x = mt.tensor(values.tolist(), dtype=dtype, requires_grad=True)
    _, z = relu_pool(x, POOLINGS[name], inplace)
    gz = mt.randn(z.shape, dtype=dtype)
    z.backward(gz)
    y = mt.tensor(np.maximum(values, 0).tolist(), dtype=dtype, requires_grad=True)
    POOLINGS[name](y).backward(gz)
    expected = np.where(values > 0, y.grad.numpy(), 0)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


WRITTEN = {
    "in place": lambda z: z.mul_(-1),
    "relu_": lambda z: z.sub_(9).relu_(),
    "data": lambda z: z.data.neg_(),
    "data zero": lambda z: z.data.zero_(),
    "numpy": lambda z: z.detach().numpy().fill(-1),
    "detached": lambda z: z.detach().zero_(),
    "a view": lambda z: z[:1].mul_(-1),
    "data =": lambda z: setattr(z, "data", z.data * -1),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_pooled_result_may_be_overwritten(name):
    """The pooling does not need it, and neither does the mask of the ReLU."""
    x = mt.randn(2, 3, 6, 6, requires_grad=True)
    _, z = relu_pool(x)
    gz = mt.randn(z.shape)
    (expected,) = mt.autograd.grad((z * 1 * gz).sum(), x)
    assert expected.abs().sum() > 0
    _, z = relu_pool(x)
    pooled = z * 1
    with mt.no_grad():
        WRITTEN[name](z)
    (pooled * gz).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected.numpy())


WRITTEN_BEHIND_ITS_BACK = {
    "data": lambda y: y.data.zero_(),
    "numpy": lambda y: y.detach().numpy().fill(0),
    "detached data": lambda y: y.detach().data.zero_(),
    "numpy taken before": None,
}


@pytest.mark.parametrize("name", WRITTEN_BEHIND_ITS_BACK)
def test_a_relus_output_that_is_overwritten_unseen_masks_as_it_is_then(name, request):
    """As in torch, whose ReLU looks at its output as well, when backward comes to it."""
    if "numpy" in name and request.config.getoption("--backend") != "numpy":
        pytest.skip("NumPy gets a copy of a GPU's memory")
    x, arrays = mt.randn(2, 3, 6, 6, requires_grad=True), []
    look = name == "numpy taken before"
    y, z = relu_pool(x, between=lambda y: arrays.append(y.detach().numpy()) if look else None)
    if look:
        arrays[0].fill(0)
    else:
        WRITTEN_BEHIND_ITS_BACK[name](y)
    z.sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("dtype", [mt.float32, mt.float64])
@pytest.mark.parametrize("case", [(4, 2, 3), (6, 3, 4), (7, 2, 5), (9, 3, 5)])
def test_windows_with_gaps_whose_number_would_fill_the_image(case, dtype):
    """size, kernel, stride: with ceil_mode as many windows as cover the image side by side."""
    size, kernel, stride = case
    numbers = np.random.default_rng(0).permutation(size * size).reshape(1, 1, size, size)
    x = mt.tensor(numbers.tolist(), dtype=dtype, requires_grad=True)
    y = F.max_pool2d(x, kernel, stride, ceil_mode=True)
    y.backward(mt.arange(1.0, y.numel() + 1, dtype=dtype).reshape(y.shape))
    expected = np.zeros((size, size))
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            top, left = i * stride, j * stride
            window = numbers[0, 0, top : top + kernel, left : left + kernel]
            row, column = np.unravel_index(window.argmax(), window.shape)
            expected[top + row, left + column] += 1 + i * y.shape[3] + j
    np.testing.assert_array_equal(x.grad[0, 0].numpy(), expected)


def test_what_a_relu_gets_as_its_gradient_is_not_masked():
    x = mt.randn(2, 3, 6, 6, requires_grad=True)
    seen = []
    y, z = relu_pool(x - 9, between=lambda y: (y.retain_grad(), y.register_hook(seen.append)))
    z.sum().backward()
    assert float(y.grad.sum()) == float(seen[0].sum()) == z.numel()
    assert not x.grad.any()


def test_a_relu_whose_output_goes_two_ways():
    x = mt.randn(2, 3, 6, 6, requires_grad=True)
    y, z = relu_pool(x)
    (z.sum() + (y * 3).sum()).backward()
    y2 = x.detach().clamp(min=0).requires_grad_()
    (F.max_pool2d(y2, 2).sum() + (y2 * 3).sum()).backward()
    expected = np.where(x.detach().numpy() > 0, y2.grad.numpy(), 0)
    np.testing.assert_allclose(x.grad.numpy(), expected)


@pytest.mark.skipif("config.getoption('--backend') != 'numpy'", reason="counts calls on the CPU")
def test_the_mask_goes_over_the_smaller_gradient(monkeypatch):
    shapes = []
    plain = kernels.relu_backward

    def counting(gy, y):
        shapes.append(gy.shape)
        return plain(gy, y)

    monkeypatch.setattr(kernels, "relu_backward", counting)
    x = mt.randn(2, 3, 6, 6, requires_grad=True)
    relu_pool(x)[1].sum().backward()
    assert shapes == [(2, 3, 3, 3)]


@pytest.mark.parametrize("size", [2**63, -(2**63) - 1, 10**30])
@pytest.mark.parametrize("name", ["stride", "padding", "dilation"])
def test_numbers_of_more_than_64_bits_are_refused_and_nothing_else_is_lost(name, size):
    before, x = fallback.reason(), mt.ones(1, 2, 4, 4)
    for function in (
        lambda **given: F.max_pool2d(x, 2, **given),
        lambda **given: F.conv2d(x, mt.ones(3, 2, 2, 2), **given),
        lambda **given: mt.nn.MaxPool2d(2, **given)(x),
        lambda **given: mt.nn.Conv2d(2, 3, 2, **given)(x),
        lambda **given: F.unfold(x, 2, **given),
    ):
        with pytest.raises(RuntimeError, match="64 bits"):
            function(**{name: size})
    assert fallback.reason() is before
