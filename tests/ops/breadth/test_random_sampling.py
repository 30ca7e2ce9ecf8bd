"""Random numbers: their distributions, and that a seed repeats them."""

import math

import pytest

import minitorch_cnn as mt


def draws(generator=None):
    yield mt.rand(3, 4, generator=generator)
    yield mt.randn(5, generator=generator)
    yield mt.randint(0, 100, (7,), generator=generator)
    yield mt.randperm(9, generator=generator)
    yield mt.normal(1.0, 2.0, (3,), generator=generator)
    yield mt.bernoulli(mt.full((20,), 0.5), generator=generator)
    yield mt.multinomial(mt.ones(20), 5, generator=generator)
    yield mt.empty(4).uniform_(-1, 1, generator=generator)
    yield mt.empty(4).normal_(0, 1, generator=generator)
    yield mt.empty(4).exponential_(generator=generator)


def test_the_same_seed_gives_the_same_numbers():
    mt.manual_seed(5)
    first = list(draws())
    mt.manual_seed(5)
    again = list(draws())
    own = list(draws(mt.Generator().manual_seed(5)))
    other = list(draws(mt.Generator().manual_seed(6)))
    for a, b, c, d in zip(first, again, own, other, strict=True):
        assert mt.equal(a, b) and mt.equal(a, c) and not mt.equal(a, d)


def test_distributions():
    """Means and deviations, within 5 standard errors (a false alarm in 2 million)."""
    n = 40_000
    error = 5 / math.sqrt(n)
    u = mt.rand(n, dtype=mt.float64)
    assert abs(u.mean() - 0.5) < error and u.min() >= 0 and u.max() < 1
    assert abs(u.std() - 12**-0.5) < error
    z = mt.randn(n, dtype=mt.float64)
    assert abs(z.mean()) < error and abs(z.std() - 1) < error
    m = mt.empty(n, dtype=mt.float64).normal_(3, 2)
    assert abs(m.mean() - 3) < 2 * error and abs(m.std() - 2) < 2 * error
    assert abs(mt.bernoulli(mt.full((n,), 0.3)).mean() - 0.3) < error
    assert abs(mt.empty(n).bernoulli_(0.8).mean() - 0.8) < error
    i = mt.randint(2, 6, (n,))
    assert i.unique().tolist() == [2, 3, 4, 5] and abs(i.double().mean() - 3.5) < 2 * error
    e = mt.empty(n, dtype=mt.float64).exponential_(2.0)
    assert e.min() >= 0 and abs(e.mean() - 0.5) < error
    assert abs(mt.empty(n, dtype=mt.float64).uniform_(2, 4).mean() - 3) < 2 * error
    r = mt.empty(n, dtype=mt.int64).random_(0, 3)
    assert r.unique().tolist() == [0, 1, 2]
    half = mt.rand(n, dtype=mt.float16)
    assert half.max() < 1 and abs(half.float().mean() - 0.5) < error


def test_multinomial_follows_the_weights():
    weights = mt.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    drawn = mt.multinomial(weights, 20_000, replacement=True)
    assert abs((drawn[0] == 2).double().mean() - 0.75) < 0.02 and not (drawn[0] == 1).any()
    assert abs((drawn[1] == 0).double().mean() - 0.5) < 0.02
    for _ in range(5):
        assert sorted(mt.multinomial(weights, 2)[0].tolist()) == [0, 2]
    firsts = [mt.multinomial(mt.tensor([1.0, 3.0]), 1).item() for _ in range(2000)]
    assert abs(sum(firsts) / 2000 - 0.75) < 0.05


def test_errors_of_random_functions():
    with pytest.raises(RuntimeError, match="from=3 >= to=3"):
        mt.randint(3, 3, (1,))
    with pytest.raises(NotImplementedError, match="int64"):
        mt.rand(2, dtype=mt.int64)
    with pytest.raises(RuntimeError, match="without replacement"):
        mt.multinomial(mt.tensor([1.0, 0.0]), 2)
    with pytest.raises(RuntimeError, match="element < 0"):
        mt.multinomial(mt.tensor([1.0, -1.0]), 1)
    with pytest.raises(RuntimeError, match="std"):
        mt.normal(0.0, -1.0, (2,))
    with pytest.raises(RuntimeError, match="p_in"):
        mt.bernoulli(mt.tensor([1.5]))
    with pytest.raises(RuntimeError, match="leaf"):
        mt.zeros(2, requires_grad=True).uniform_()


def test_bounds_that_a_type_does_not_hold():
    torch = pytest.importorskip("torch")
    calls = [
        ("uint8", (-1, 3), "from is out of bounds"),
        ("uint8", (0, 257), "to - 1 is out of bounds"),
        ("bool", (0, 3), "to - 1 is out of bounds"),
        ("float16", (-(10**6), 0), "from is out of bounds"),
    ]
    for lib in (mt, torch):
        for kind, bounds, message in calls:
            with pytest.raises(RuntimeError, match=message):
                lib.empty(2, dtype=getattr(lib, kind)).random_(*bounds)
        for low, high, message in ((3.0, 2.0, "to return"), (-3e38, 3e38, "to-from")):
            with pytest.raises(RuntimeError, match=f"uniform_ expects {message}"):
                lib.empty(2).uniform_(low, high)
        for bounds in ((0, 2**30), (-(2**30), 5)):
            with pytest.warns(UserWarning, match="is out of bounds"):
                lib.empty(2).random_(*bounds)
        with pytest.raises(RuntimeError, match="but found std"):
            lib.normal(0, -1, (2,))


def test_random_from_a_bound_up_to_all_that_the_type_has():
    torch = pytest.importorskip("torch")
    for kind, low in (("float32", -(2**24)), ("uint8", 250), ("int64", 2**62), ("bool", 0)):
        found = []
        for lib in (mt, torch):
            lib.manual_seed(3)
            found.append(lib.empty(50, dtype=getattr(lib, kind)).random_(low, None).tolist())
        assert found[0] == found[1], kind


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_randint_like_takes_its_end_by_name(name):
    lib = pytest.importorskip(name)
    x, drawn = lib.zeros(200), []
    for low, high in (({}, {"high": 2}), ({"low": 0}, {"high": 2})):
        lib.manual_seed(0)
        drawn.append(lib.randint_like(x, **low, **high))
    lib.manual_seed(0)
    drawn.append(lib.randint_like(x, 2))
    assert all(each.tolist() == drawn[0].tolist() for each in drawn)
    assert {*drawn[0].tolist()} == {0, 1} and drawn[0].dtype == lib.float32
    with pytest.raises(TypeError):
        lib.randint_like(x)


def test_normal_of_shapes_that_do_not_broadcast():
    with pytest.raises(RuntimeError, match=r"tensor a \(3\) must match the size of tensor b \(2\)"):
        mt.normal(mt.zeros(4, 3), mt.ones(2))
