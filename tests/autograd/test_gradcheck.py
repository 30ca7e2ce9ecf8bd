"""gradcheck finds planted errors, says where they are, and lets right gradients pass."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import Function
from minitorch_cnn.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck


def x64(*shape):
    return mt.randn(*shape, dtype=mt.float64, requires_grad=True)


class Square(Function):
    """x * x, with an error that can be planted at one element of the gradient."""

    @staticmethod
    def forward(ctx, x, index=None):
        ctx.index = index
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gy):
        (x,) = ctx.saved_tensors
        gx = gy * x * 2
        if ctx.index is not None:
            planted = mt.zeros_like(x)
            planted[ctx.index] = 0.5
            gx = gx + gy * planted
        return gx, None


@pytest.mark.parametrize("fast_mode", [True, False])
@pytest.mark.parametrize("index", [(0, 0), (1, 2), (2, 3)])
def test_names_the_input_the_element_and_both_numbers(index, fast_mode):
    a, b = x64(5), x64(3, 4)

    def planted(a, b):
        return a.sum() + Square.apply(b, index)

    with pytest.raises(GradcheckError) as raised:
        gradcheck(planted, (a, b), fast_mode=fast_mode)
    message = str(raised.value)
    assert "input 1" in message and "[3, 4]" in message and str(index) in message
    analytic, numerical = (
        float(line.split()[-1]) for line in message.splitlines() if line.startswith("  ")
    )
    # With cotangent u at that element: u (2 x + 0.5) against u 2 x.
    value = b[index].item()
    assert analytic / numerical == pytest.approx((2 * value + 0.5) / (2 * value), rel=1e-6)
    assert gradcheck(planted, (a, b), raise_exception=False, fast_mode=fast_mode) is False


def test_finds_what_a_cotangent_of_ones_hides():
    class WrongSoftmax(Function):
        @staticmethod
        def forward(ctx, x):
            return x.softmax(0)

        @staticmethod
        def backward(ctx, gy):
            return gy * 0  # with gy all ones this is the true gradient

    assert not gradcheck(WrongSoftmax.apply, (x64(4),), raise_exception=False)


def test_finds_a_small_error_beside_a_large_gradient():
    def function(a, b):
        return 1e6 * a.sum() + Square.apply(b, (1,))

    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(function, (x64(2), x64(2)), eps=1e-3, atol=1e-4)


@pytest.mark.parametrize("fast_mode", [True, False])
def test_right_gradients_pass(fast_mode):
    a, b = x64(3, 4), x64(4, 2)
    for function in (mt.matmul, lambda a, b: (a.exp(), b.sum(), a.argmax(), [b.sin()][0])):
        assert gradcheck(function, (a, b), fast_mode=fast_mode)
        assert gradgradcheck(function, (a, b), fast_mode=fast_mode)


def test_other_arguments_are_left_alone():
    mask = mt.tensor([True, False, True])
    assert gradcheck(lambda x, m, n, c: (x * c).where(m, x * n), (x64(3), mask, 2, mt.ones(3)))
    assert gradcheck(mt.sin, x64(3))  # one tensor instead of a tuple
    assert gradcheck(mt.sin, (x64(),)) and gradcheck(mt.sin, (x64(0, 3),))


def test_double_backward_errors_are_found():
    class Half(Function):
        """Its gradient is right; the gradient of the gradient is not."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, gy):
            (x,) = ctx.saved_tensors
            return gy * 3 * (x * x).detach()

    x = x64(3)
    assert gradcheck(Half.apply, (x,))
    with pytest.raises(GradcheckError, match="input 0"):
        gradgradcheck(Half.apply, (x,))
    assert gradgradcheck(Square.apply, (x,), grad_outputs=(mt.ones(3, dtype=mt.float64),))


def test_a_lost_gradient_is_found():
    with pytest.raises(GradcheckError, match="detach"):
        gradcheck(lambda x: x.detach() * 2, (x64(2),))
    assert gradcheck(lambda x: x.detach() * 0 + 1, (x64(2),))


def test_nan_and_randomness_are_found():
    calls = []

    class Restless(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            calls.append(1)
            return gy * (1 + 1e-3 * len(calls))

    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(Restless.apply, (x64(2),))
    with pytest.raises(GradcheckError, match="nan"):
        zero = mt.zeros(1, dtype=mt.float64, requires_grad=True)
        gradcheck(lambda x: x * (x.detach() / x.detach()), (zero,))


def test_wrong_use():
    with pytest.warns(UserWarning, match=r"#1 .* not a double precision .*float32"):
        x = mt.ones(2, requires_grad=True)
        assert not gradcheck(lambda a, b: b.sin(), (x64(1), x), raise_exception=False)
    with pytest.raises(ValueError, match="requires_grad"):
        gradcheck(mt.sin, (mt.zeros(2, dtype=mt.float64),))


def test_the_default_generator_is_not_used():
    before = mt.get_rng_state()
    x = mt.full((3,), 0.5, dtype=mt.float64, requires_grad=True)
    gradcheck(mt.sin, (x,))
    gradgradcheck(mt.sin, (x,))
    assert mt.equal(before, mt.get_rng_state())
    assert x.grad is None


def test_torchs_other_options():
    x = mt.rand(3, dtype=mt.float64, requires_grad=True)
    for check in (gradcheck, gradgradcheck):
        assert check(mt.sin, (x,), check_batched_grad=True, check_undefined_grad=True)
        with pytest.raises(NotImplementedError, match="check_forward_ad=True is not supported"):
            check(mt.sin, (x,), check_forward_ad=True)
        with pytest.raises(TypeError, match="unexpected keyword argument 'no'"):
            check(mt.sin, (x,), no=1)


def test_inputs_that_the_function_finds_elsewhere():
    """Parameters of a module, which are not the arguments of its forward."""
    layer = mt.nn.Conv1d(2, 3, 2).double()
    x = mt.randn(1, 2, 4, dtype=mt.float64, requires_grad=True)
    before = [each.clone() for each in layer.parameters()]
    for check in (gradcheck, gradgradcheck):
        assert check(lambda x, *parameters: layer(x) ** 2, (x, *layer.parameters()))
    assert all(a.equal(b) for a, b in zip(layer.parameters(), before, strict=True))
    y = mt.rand(2, dtype=mt.float64, requires_grad=True)
    assert gradcheck(lambda a, b: a * b, (y, y))
    wide = mt.rand(1, dtype=mt.float64, requires_grad=True).expand(3)
    assert gradcheck(mt.exp, (wide,)) and gradcheck(lambda x: x[:1], (y,))


def test_the_output_that_does_not_agree_is_named():
    class Wrong(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gy):
            return gy * 3

    x = mt.rand(2, dtype=mt.float64, requires_grad=True)
    y = mt.rand(2, dtype=mt.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="for output 1 with respect to input 1 of"):
        mt.autograd.gradcheck(lambda x, y: (x * 2 + y, Wrong.apply(y)), (x, y))


def test_outputs_that_change_their_shape_or_type_with_the_values():
    x = mt.ones(1, dtype=mt.float64, requires_grad=True)

    def longer(t):
        return mt.cat([t, t]) if bool((t >= 1).all()) else t

    def single(t):
        return t.to(mt.float32) if bool((t >= 1).all()) else t

    for func, what in ((longer, "shape"), (single, "dtype")):
        with pytest.raises(AssertionError, match=f"same {what} when inputs are perturbed"):
            gradcheck(func, (x,))


def test_older_jacobians():
    from minitorch_cnn.autograd.gradcheck import get_analytical_jacobian, get_numerical_jacobian

    w = np.arange(6.0).reshape(2, 3)
    x = mt.tensor([1.0, 2.0], dtype=mt.float64, requires_grad=True)
    y = mt.tensor([3.0, 4.0, 5.0], dtype=mt.float64, requires_grad=True)
    matrix = mt.tensor(w)

    def function(inputs):
        x, y = inputs
        return (x @ matrix) * y, x.sum()

    expected = w * y.detach().numpy(), np.diag(x.detach().numpy() @ w)
    with pytest.warns(FutureWarning, match="get_numerical_jacobian"):
        found = get_numerical_jacobian(function, (x, y), eps=1e-6)
    with pytest.warns(FutureWarning, match="get_numerical_jacobian"):
        (alone,) = get_numerical_jacobian(function, (x, y), target=y, eps=1e-6)
    with pytest.warns(FutureWarning, match="get_analytical_jacobian"):
        by_backward, agree, *fine = get_analytical_jacobian((x, y), function((x, y))[0])
    for each, other, right in zip(found, by_backward, expected, strict=True):
        np.testing.assert_allclose(each.numpy(), right, atol=1e-8)
        np.testing.assert_allclose(other.numpy(), right)
    np.testing.assert_allclose(alone.numpy(), expected[1], atol=1e-8)
    assert (agree, *fine) == (True, True, True) and x.tolist() == [1, 2]

    class Noisy(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            return gy * (1 + mt.rand(2, dtype=mt.float64) * 1e-6)

    with pytest.warns(FutureWarning):
        assert not get_analytical_jacobian((x,), Noisy.apply(x))[1]
    for call in (
        lambda: get_numerical_jacobian(function, (x, y), grad_out=2.0),
        lambda: get_analytical_jacobian((x,), x * 2, grad_out=2.0),
    ):
        with pytest.raises(ValueError, match=r"Expected grad_out to be 1\.0"), pytest.warns():
            call()
