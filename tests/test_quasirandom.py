"""Sobol's points: against the definition, stored values of torch, and torch itself."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.quasirandom import BITS, SobolEngine, direction_numbers

# torch 2.13: SobolEngine(3, scramble=True, seed=123456).draw(5)
SCRAMBLED = [
    [0.5086073875427246, 0.29320505261421204, 0.08231312036514282],
    [0.13349011540412903, 0.5924204587936401, 0.5252602100372314],
    [0.480183482170105, 0.14868740737438202, 0.4908912181854248],
    [0.8553038239479065, 0.9793664813041687, 0.9328312277793884],
    [0.9709667563438416, 0.028806332498788834, 0.7223454713821411],
]


def point_of(i, directions):
    """Point number i by itself: the direction numbers at the ones of its Gray code."""
    code, point = i ^ (i >> 1), np.zeros(len(directions), np.int64)
    for bit in range(BITS):
        if code >> bit & 1:
            point ^= directions[:, bit]
    return point / 2**BITS


def test_points_by_their_numbers():
    directions = direction_numbers(20)
    engine = SobolEngine(20)
    drawn = np.concatenate([engine.draw(n, dtype=mt.float64).numpy() for n in (1, 2, 0, 5, 90)])
    np.testing.assert_array_equal(drawn, [point_of(i, directions) for i in range(98)])
    for n in (0, 1, 6, 1000, 2**20 - 3):
        ahead = SobolEngine(20).fast_forward(n)
        assert ahead.num_generated == n
        both = ahead.draw(1, dtype=mt.float64), ahead.fast_forward(4).draw(2, dtype=mt.float64)
        numbers = (n, n + 5, n + 6)
        found = np.concatenate([each.numpy() for each in both])
        np.testing.assert_array_equal(found, [point_of(i, directions) for i in numbers])


@pytest.mark.parametrize("scramble", [False, True])
def test_each_part_of_each_axis_holds_one_point(scramble):
    points = SobolEngine(2048, scramble, seed=3).draw_base2(6, dtype=mt.float64).numpy()
    assert points.shape == (64, 2048)
    parts = np.sort(np.floor(points * 64), axis=0)
    np.testing.assert_array_equal(parts, np.broadcast_to(np.arange(64)[:, None], parts.shape))


def test_the_same_numbers_as_torchs():
    engine = SobolEngine(3, scramble=True, seed=123456)
    assert repr(engine) == "SobolEngine(dimension=3, scramble=True, seed=123456)"
    assert engine.draw(5).tolist() == SCRAMBLED
    assert engine.reset().draw(2).tolist() == SCRAMBLED[:2]
    out = mt.zeros(0)
    assert engine.draw(3, out=out) is out and out.tolist() == SCRAMBLED[2:]
    torch = pytest.importorskip("torch")
    mt.manual_seed(4)
    torch.manual_seed(4)
    theirs = torch.quasirandom.SobolEngine(9, scramble=True).fast_forward(77)
    ours = SobolEngine(9, scramble=True).fast_forward(77)
    np.testing.assert_array_equal(ours.draw(6).numpy(), theirs.draw(6).numpy())


def test_what_is_refused():
    for dimension in (0, 2049):
        with pytest.raises(
            ValueError, match=rf"dimensionality for SobolEngine is \[1, 2048\], got {dimension}"
        ):
            SobolEngine(dimension)
    engine = SobolEngine(1)
    engine.draw(3)
    with pytest.raises(ValueError, match="balance properties"):
        engine.draw_base2(2)
    assert engine.draw_base2(0).tolist() == [[0.25]]
    for n in (-1, 2**30):
        with pytest.raises(ValueError, match="n is at least 0"):
            engine.draw(n)
        with pytest.raises(ValueError, match="n is at least 0"):
            engine.fast_forward(n)
