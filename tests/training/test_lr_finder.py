"""The learning-rate finder, where the right rate is known."""

import numpy as np
import pytest

from minitorch_cnn.training.lr_finder import LearningRates, range_test, smoothed


@pytest.mark.parametrize("curvature", [5.0, 20.0, 800.0])
def test_a_quadratic(curvature):
    """Gradient descent on a/2 w^2 goes towards 0 below 2/a, fastest at 1/a, explodes above."""
    weight = [3.0]

    def step(rate):
        loss = curvature / 2 * weight[0] ** 2
        weight[0] -= rate * curvature * weight[0]
        return loss

    found = range_test(step, 1e-6, 100.0, 200, smoothing=0.0)
    assert 0.01 / curvature < found.suggestion < 1 / curvature
    assert found.half < found.least < 4 / curvature
    assert len(found.rates) < 200 and found.rates[-1] > 2 / curvature  # it stopped at the explosion


def test_the_middle_of_the_fall_is_found_and_drawn(tmp_path):
    rates = np.geomspace(1e-4, 1, 41)
    course = 2.0 - 1.5 / (1 + (0.01 / rates) ** 3)  # half is done at 0.01
    found = LearningRates(rates, course, smoothing=0.0)
    assert found.half == pytest.approx(0.01, rel=0.3) and found.suggestion == 0.01
    pytest.importorskip("matplotlib", reason="the picture is drawn with it")
    found.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_smoothing_is_a_mean_of_the_neighbours():
    values = np.array([3.0, 1.0, 4.0, 1.0])
    weights = np.exp(-0.5 * (np.array([1, 0, 1, 2]) / 0.7) ** 2)
    assert smoothed(values, 0.7)[1] == pytest.approx((weights * values).sum() / weights.sum())
    noise = np.random.default_rng(0).standard_normal(1000)
    assert smoothed(noise, 10.0).std() < 0.3


def test_no_rate_helps():
    with pytest.raises(ValueError, match="the loss falls with no learning rate"):
        range_test(lambda rate: 1.0 + rate, 0.1, 1.0, 5)
    with pytest.raises(ValueError, match=r"not finite with the learning rate 0\.1 already"):
        range_test(lambda rate: float("nan"), 0.1, 1.0, 5)
