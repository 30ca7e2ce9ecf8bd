"""Generators and the Mersenne Twister behind them, without torch."""

import threading
import warnings

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.mersenne import MersenneTwister, between


def test_single_numbers_are_those_of_a_row():
    """Odd places too, so that some lie in two blocks of 624 words; pairs of normals, half used."""
    single, row = MersenneTwister(11), MersenneTwister(11)
    assert row.words(1) == single.words(1)
    for count in (1, 700, 3, 1250):
        expected = row.uniforms(count, np.float64)
        np.testing.assert_array_equal([single._double() for _ in range(count)], expected)
        expected = row.normals_one_by_one(count)
        found = [single._normal() for _ in range(count)]
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        assert single.place == row.place
        assert (single.next_normal is None) == (row.next_normal is None)
    assert single.words(5).tolist() == row.words(5).tolist()


def test_the_words_are_those_of_the_published_twister():
    """The ten-thousandth from the seed 5489 is what the C++ standard names, [rand.predef]."""
    assert MersenneTwister(5489).words(10_000)[-1] == 4_123_659_995


@pytest.mark.parametrize("steps", [(1, 2, 3), (623, 1, 1, 624), (20_000, 5, 40_000), (0, 0, 1)])
def test_words_do_not_depend_on_how_many_are_asked_for_at_a_time(steps):
    twister, whole = MersenneTwister(7), MersenneTwister(7).words(sum(steps))
    np.testing.assert_array_equal(np.concatenate([twister.words(n) for n in steps]), whole)
    with mt.kernel_tier("array"):
        np.testing.assert_array_equal(MersenneTwister(7).words(sum(steps)), whole)


# torch 2.13: after torch.manual_seed(0) each
STORED = {
    "rand": (lambda: mt.rand(3), [0.4962565898895264, 0.7682217955589294, 0.08847743272781372]),
    "rand float64": (
        lambda: mt.rand(2, dtype=mt.float64),
        [0.9700530018065531, 0.707819864399788],
    ),
    "randint": (lambda: mt.randint(0, 10, (5,)), [4, 9, 3, 0, 3]),
    "randperm": (lambda: mt.randperm(6), [2, 5, 3, 0, 1, 4]),
    "random_": (lambda: mt.empty(1, dtype=mt.int64).random_(), [900450186894289455]),
    "bernoulli_": (lambda: mt.empty(5).bernoulli_(0.5), [0.0, 0.0, 1.0, 0.0, 0.0]),
    "randn": (lambda: mt.randn(3), [1.5409961, -0.2934289, -2.1787894]),
    "randn 17": (lambda: mt.randn(17)[:3], [-1.1258398, -1.6959312, 0.56665063]),
    "linear": (
        lambda: mt.nn.Linear(3, 1).weight[0],
        [-0.004322517663240433, 0.3097158372402191, -0.4751853346824646],
    ),
    "multinomial": (lambda: mt.multinomial(mt.tensor([0.1, 0.2, 0.7]), 3), [2, 1, 0]),
}


@pytest.mark.parametrize("name", STORED)
def test_numbers_of_torch(name):
    draw, expected = STORED[name]
    mt.manual_seed(0)
    np.testing.assert_allclose(draw().detach().numpy(), expected, rtol=1e-6)


def test_between_rounds_once():
    draws = np.random.default_rng(0).random(1000)
    expected = [
        float(np.longdouble(draw) * np.longdouble(0.7 - -0.3) + np.longdouble(-0.3))
        for draw in draws
    ]
    assert np.mean(between(draws, -0.3, 0.7) == expected) > 0.99  # longdouble rounds twice


def test_a_state_of_an_earlier_version_starts_a_new_stream_with_a_warning():
    old = mt.from_numpy(np.arange(112, dtype=np.uint8))
    drawn = []
    for _ in range(2):
        generator = mt.Generator()
        with pytest.warns(UserWarning, match="earlier version of minitorch_cnn"):
            generator.set_state(old)
        drawn.append(mt.rand(3, generator=generator).tolist())
    assert drawn[0] == drawn[1] != mt.rand(3, generator=mt.Generator()).tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader = mt.utils.data.DataLoader(range(8), 2, shuffle=True)
        loader.load_state_dict({"epoch_start": old, "batches_done": 1, "generator": old})
        assert len(list(loader)) == 3


def test_threads_share_the_default_generator():
    """No word is given away twice."""
    mt.manual_seed(0)
    expected = set(mt.default_generator.rng.words(40_000).tolist())
    mt.manual_seed(0)
    drawn = []

    def draw():
        for _ in range(100):
            drawn.extend(mt.default_generator.rng.words(100).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(drawn) == expected


def test_gamma_and_dirichlet_numbers():
    twister = MersenneTwister(0)
    for shape in (0.4, 1.0, 9.0):
        drawn = np.array([twister.gamma(shape) for _ in range(3000)])
        assert drawn.min() > 0 and abs(drawn.mean() / shape - 1) < 5 / (3000 * shape) ** 0.5
    parts = twister.dirichlet([0.5, 1.0, 2.0])
    assert parts.min() > 0 and parts.sum() == pytest.approx(1)
