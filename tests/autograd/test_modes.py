"""no_grad, enable_grad, inference_mode, set_detect_anomaly: as blocks and as decorators."""

import threading

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
        mt.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match="SqrtBackward0 returned nan values") as info,
    ):
        (the_guilty_line(x) * 0).sum().backward()
    assert "the_guilty_line" in str(info.value)
    assert not mt.autograd.is_anomaly_enabled()


def test_anomaly_warns_of_the_forward_call_when_backward_raises(x):
    class Broken(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, gy):
            raise KeyError("broken")

    with (
        mt.autograd.detect_anomaly(),
        pytest.warns(UserWarning, match="BrokenBackward"),
        pytest.raises(KeyError),
    ):
        Broken.apply(x).sum().backward()


def test_a_mode_decorates_a_generator():
    """It holds while the generator runs, and not in between, where its caller runs."""
    closed = []

    @mt.no_grad()
    def steps(start):
        assert not mt.is_grad_enabled()
        try:
            given = yield start
            assert not mt.is_grad_enabled()
            try:
                yield given
            except KeyError:
                yield "caught"
            return "end"
        finally:
            closed.append(mt.is_grad_enabled())

    generator = steps(1)
    assert next(generator) == 1 and mt.is_grad_enabled()
    assert generator.send(5) == 5 and mt.is_grad_enabled()
    assert generator.throw(KeyError("x")) == "caught" and mt.is_grad_enabled()
    try:
        next(generator)
    except StopIteration as end:
        assert end.value == "end"
    early = steps(2)
    next(early)
    early.close()
    assert closed == [False, False] and mt.is_grad_enabled()
