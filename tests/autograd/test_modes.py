"""no_grad, enable_grad, inference_mode, set_detect_anomaly: as blocks and as decorators."""

import threading
import warnings

import pytest

import minitorch_cnn as mt


def double(x):
    return x * 2


@pytest.fixture
def x():
    return mt.ones(2, requires_grad=True)


def test_no_grad_as_block_and_decorators(x):
    with mt.no_grad():
        assert not double(x).requires_grad
        with mt.enable_grad():
            assert double(x).requires_grad
        assert not mt.is_grad_enabled()
    assert not mt.no_grad()(double)(x).requires_grad
    assert not mt.no_grad(double)(x).requires_grad
    assert double(x).requires_grad


def test_mode_is_restored_after_an_error():
    with pytest.raises(KeyError), mt.no_grad():
        raise KeyError
    assert mt.is_grad_enabled()


def test_set_grad_enabled(x):
    with mt.set_grad_enabled(False):
        assert not double(x).requires_grad
    assert mt.is_grad_enabled()
    mt.set_grad_enabled(False)
    assert not mt.is_grad_enabled()
    mt.set_grad_enabled(True)
    decorated = mt.set_grad_enabled(False)(double)
    assert mt.is_grad_enabled()
    assert not decorated(x).requires_grad


def test_inference_tensors_stay_out_of_autograd(x):
    with mt.inference_mode():
        y = double(x)
        assert mt.is_inference_mode_enabled()
    assert y.is_inference() and not y.requires_grad
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        y * x
    assert (y.clone() * x).requires_grad

    @mt.inference_mode()
    def run(value):
        return double(value)

    assert run(x).is_inference()


def test_modes_are_per_thread():
    seen = []
    with mt.no_grad():
        thread = threading.Thread(target=lambda: seen.append(mt.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_anomaly_names_the_forward_call(x):
    def the_guilty_line(value):
        return (value - 1).sqrt()

    with (
        pytest.warns(UserWarning) as told,
        mt.autograd.detect_anomaly(),
        pytest.raises(
            RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"
        ),
    ):
        (the_guilty_line(x) * 0).sum().backward()
    on, guilty = (str(each.message) for each in told)
    assert "Anomaly Detection has been enabled" in on
    assert "Error detected in SqrtBackward0. Traceback of forward call" in guilty
    assert "the_guilty_line" in guilty
    assert not mt.autograd.is_anomaly_enabled()


def test_anomaly_switched_on_after_the_forward_call(x):
    y = ((x - 1).sqrt() * 0).sum()
    with (
        pytest.warns(UserWarning, match="No forward pass information available"),
        mt.autograd.set_detect_anomaly(True),
        pytest.raises(RuntimeError, match="Function 'SqrtBackward0'"),
    ):
        y.backward()


def test_anomaly_in_the_backward_of_a_backward_names_both_forward_calls(x):
    def first_order():
        return (x - 1) ** 1.5  # whose second derivative at 0 is infinite

    with (
        pytest.warns(UserWarning) as told,
        mt.autograd.set_detect_anomaly(True),
        pytest.raises(RuntimeError, match="returned nan values"),
    ):
        y = first_order()
        (slope,) = mt.autograd.grad(y.sum(), x, create_graph=True)
        (slope * 0).sum().backward()
    guilty, inducing = (str(each.message) for each in told)
    assert "Error detected in PowBackward0" in guilty
    assert "Previous calculation was induced by PowBackward0" in inducing
    assert "first_order" in inducing
    assert "first_order" not in guilty


def test_anomaly_warning_does_not_take_the_place_of_the_error(x, capsys):
    with (
        warnings.catch_warnings(),
        mt.autograd.set_detect_anomaly(True),
        pytest.raises(RuntimeError, match="returned nan values"),
    ):
        warnings.simplefilter("error")
        ((x - 1).sqrt() * 0).sum().backward()
    assert "Error detected in SqrtBackward0" in capsys.readouterr().err


def test_anomaly_warns_of_the_forward_call_when_backward_raises(x):
    class Broken(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            raise KeyError("broken")

    with (
        pytest.warns(UserWarning, match=r"BrokenBackward(.|\n)*Broken\.apply\(x\)"),
        mt.autograd.detect_anomaly(),
        pytest.raises(KeyError),
    ):
        Broken.apply(x).sum().backward()


def steps(lib, mode):
    """What is on at each step of a decorated generator, and outside between the steps."""
    seen = []

    @mode(lib)
    def generator(count):
        try:
            for _ in range(count):
                try:
                    seen.append(((yield lib.is_grad_enabled()), lib.is_grad_enabled()))
                except KeyError:
                    seen.append(("caught", lib.is_grad_enabled()))
            return "end"
        finally:
            seen.append(("closed", lib.is_grad_enabled()))

    def whole():
        seen.append((yield from generator(1)))

    for value in whole():
        seen.append((value, lib.is_grad_enabled()))
    running = generator(3)
    seen.append(next(running))
    with lib.no_grad():
        seen.append((running.send("sent"), lib.is_grad_enabled()))
    seen.append((running.throw(KeyError), lib.is_grad_enabled()))
    running.close()
    return seen, lib.is_grad_enabled(), generator.__name__


@pytest.mark.parametrize(
    "mode",
    [
        lambda lib: lib.no_grad(),
        lambda lib: lib.no_grad,
        lambda lib: lib.enable_grad(),
        lambda lib: lib.set_grad_enabled(False),
        lambda lib: lib.inference_mode(),
    ],
)
def test_generators(mode):
    torch = pytest.importorskip("torch")
    assert steps(mt, mode) == steps(torch, mode)


def test_numpy_of_what_requires_a_gradient_is_asked_for_without_recording():
    x = mt.ones(2, requires_grad=True)
    if x.device.type != "cpu":
        pytest.skip("numpy() is of tensors on the CPU")
    with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\) instead"):
        x.numpy()
    with mt.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]
