"""Compiled steps of SGD and Adam for many parameters at once, against formulas in float64."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from minitorch_cnn import kernels
from minitorch_cnn.kernels.cpu.jit import threads
from minitorch_cnn.kernels.cpu.optim import _overlap
from tests.kernels.tiers import tier

array, cpu = tier("array"), tier("cpu")

GAP = 16  # elements between two arrays, which must stay as they are
# Below and above what one thread does alone; and with parts that end in the middle of an array.
SHAPES = [
    [(3,)],
    [(), (7,), (5, 3, 3, 3), (1, 1), (2, 0)],
    [(5, 3, 3, 3), (9001,), (1,), (64, 67), (33, 5, 1, 1), (2, 3, 41, 43)],
]
ORDERS = ["C", "turned", "channels last"]


class Pool:
    """Arrays out of one piece of memory: the kernels get their addresses in a table."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.memory = np.full(1 << 18, 7, np.float32)
        self.used, self.end = np.zeros(self.memory.shape, bool), GAP

    def array(self, shape, order="C", positive=False):
        axes = list(range(len(shape)))
        if order == "turned":
            axes.reverse()
        elif order == "channels last":
            axes = axes[:1] + axes[2:] + axes[1:2]
        size = int(np.prod(shape))
        part = self.memory[self.end : self.end + size]
        self.used[self.end : self.end + size] = True
        self.end += size + GAP
        part[:] = self.rng.standard_normal(size)
        if positive:
            np.abs(part, out=part)
        return part.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))

    def check(self):
        assert (self.memory[~self.used] == 7).all()


@pytest.fixture(scope="module", params=[1, 3], autouse=True)
def thread_count(request):
    before = threads.get_num_threads()
    threads.set_num_threads(request.param)
    yield
    threads.set_num_threads(before)


def doubles(columns):
    return [[None if a is None else a.astype(np.float64) for a in column] for column in columns]


def close(columns, expected):
    for ours, theirs in zip(chain(*columns), chain(*expected), strict=True):
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)


@given(
    shapes=st.sampled_from(SHAPES),
    order=st.sampled_from(ORDERS),
    gradient_order=st.sampled_from(ORDERS),
    momentum=st.sampled_from([None, 0.5]),
    mode=st.sampled_from(["plain", "dampened", "nesterov"]),
    first=st.booleans(),
    weight_decay=st.sampled_from([0, 0.1]),
    seed=st.integers(0, 2**32),
)
def test_sgd(shapes, order, gradient_order, momentum, mode, first, weight_decay, seed):
    pool = Pool(seed)
    parameters = [pool.array(shape, order) for shape in shapes]
    gradients = [pool.array(shape, gradient_order) for shape in shapes]
    velocities = [None if momentum is None else pool.array(shape, order) for shape in shapes]
    columns = [parameters, gradients, velocities]
    dampening = 0.25 if mode == "dampened" else 0
    expected = doubles(columns)
    for p, g, v in zip(*expected, strict=True):
        change = g + weight_decay * p
        if v is not None:
            v[...] = change if first else momentum * v + (1 - dampening) * change
            change = change + momentum * v if mode == "nesterov" else v
        p -= 0.3 * change
    result = cpu.sgd(
        *columns,
        first=first,
        lr=0.3,
        momentum=momentum or 0,
        dampening=dampening,
        weight_decay=weight_decay,
        nesterov=mode == "nesterov" and momentum is not None,
    )
    assert result is None
    close(columns, expected)
    pool.check()


@given(
    shapes=st.sampled_from(SHAPES),
    order=st.sampled_from(ORDERS),
    gradient_order=st.sampled_from(ORDERS),
    amsgrad=st.booleans(),
    decoupled=st.booleans(),
    weight_decay=st.sampled_from([0, 0.1]),
    step=st.integers(1, 30),
    seed=st.integers(0, 2**32),
)
def test_adam(shapes, order, gradient_order, amsgrad, decoupled, weight_decay, step, seed):
    pool = Pool(seed)
    parameters = [pool.array(shape, order) for shape in shapes]
    gradients = [pool.array(shape, gradient_order) for shape in shapes]
    means = [pool.array(shape, order) for shape in shapes]
    squares = [pool.array(shape, order, positive=True) for shape in shapes]
    largest = [pool.array(s, order, positive=True) if amsgrad else None for s in shapes]
    columns = [parameters, gradients, means, squares, largest]
    expected = doubles(columns)
    for p, g, m, s, top in zip(*expected, strict=True):
        if decoupled:
            p *= 1 - 0.01 * weight_decay
        else:
            g = g + weight_decay * p
        m[...] = 0.9 * m + 0.1 * g
        s[...] = 0.99 * s + 0.01 * g * g
        if amsgrad:
            top[...] = np.maximum(top, s)
        unbiased = (top if amsgrad else s) / (1 - 0.99**step)
        p -= 0.01 * m / (1 - 0.9**step) / (np.sqrt(unbiased) + 1e-3)
    result = cpu.adam(
        *columns,
        step=step,
        lr=0.01,
        beta1=0.9,
        beta2=0.99,
        eps=1e-3,
        weight_decay=weight_decay,
        decoupled=decoupled,
    )
    assert result is None
    close(columns, expected)
    pool.check()


SGD = dict(first=False, lr=0.5, momentum=0.9, dampening=0, weight_decay=0.1, nesterov=False)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(array.shape)
    copy[...] = array
    return copy


MISFITS = {
    "a state in another order": lambda p, g, v: ([p], [g], [v.copy("F")]),
    "gaps in memory": lambda p, g, v: ([p[:, ::2]], [g[:, ::2]], [v[:, ::2]]),
    "backwards in memory": lambda p, g, v: ([p[::-1]], [g], [v[::-1]]),
    "a gradient in float64": lambda p, g, v: ([p], [g.astype(np.float64)], [v]),
    "a gradient that is a number": lambda p, g, v: ([p[0, 0, ...]], [g[0, 0]], [v[0, 0, ...]]),
    "everything in float64": lambda *arrays: [[a.astype(np.float64)] for a in arrays],
    "only the second does not fit": lambda p, g, v: (
        [p, p[1:, ::2]],
        [g, g[1:, ::2]],
        [v, v[1:, ::2]],
    ),
    "a parameter to be read only": lambda p, g, v: ([read_only(p)], [g], [v]),
    "a state to be read only": lambda p, g, v: ([p], [g], [read_only(v)]),
    "a parameter between two numbers": lambda p, g, v: ([unaligned(p)], [g], [v]),
    "a parameter twice": lambda p, g, v: ([p, p], [g, g], [v, v.copy()]),
    "parameters that overlap": lambda p, g, v: (
        [p[:3], p[1:]],
        [g[:3], g[1:]],
        [v[:3], v[1:].copy()],
    ),
    "another's gradient is a parameter": lambda p, g, v: ([p, g], [g, p.copy()], [v, v.copy()]),
}


@pytest.mark.parametrize("misfit", sorted(MISFITS))
def test_what_the_kernel_cannot_do_is_left_to_the_definition(misfit):
    pool = Pool(0)
    columns = MISFITS[misfit](*(pool.array((4, 6)) for _ in range(3)))
    memory, before = pool.memory.copy(), [a.copy() for column in columns for a in column]
    assert cpu.sgd(*columns, **SGD) is NotImplemented
    np.testing.assert_array_equal(pool.memory, memory)
    for a, b in zip(chain(*columns), before, strict=True):
        np.testing.assert_array_equal(a, b)


WRONG_SHAPES = {
    "a larger state": lambda p, g, v: ([p], [g], [np.zeros((5, 6), np.float32)]),
    "a smaller state": lambda p, g, v: ([p], [g], [v[:3]]),
    "a state of the same size": lambda p, g, v: ([p], [g], [v.reshape(6, 4)]),
    "a smaller gradient": lambda p, g, v: ([p], [g[:, :1]], [v]),
    "the second one's gradient": lambda p, g, v: ([p, p[1:]], [g, g], [v, v[1:]]),
}


@pytest.mark.parametrize("what", sorted(WRONG_SHAPES))
def test_another_shape_than_the_parameters_is_an_error(what):
    """And nothing is written: the table of addresses would have taken them."""
    pool = Pool(0)
    columns = WRONG_SHAPES[what](*(pool.array((4, 6)) for _ in range(3)))
    memory = pool.memory.copy()
    with pytest.raises(RuntimeError, match="a step of SGD got arrays whose shapes do not belong"):
        kernels.sgd(*columns, **SGD)
    np.testing.assert_array_equal(pool.memory, memory)


def test_a_gradient_may_be_anothers_and_lie_anywhere():
    p, q, g, v, w = Pool(0).rng.standard_normal((5, 4, 6)).astype(np.float32)
    columns = [[p, q], [g, g], [v, w]]
    expected = doubles(columns)
    array.sgd(*expected, **SGD)
    assert cpu.sgd([p], [unaligned(g)], [v], **SGD) is None
    assert cpu.sgd([q], [g], [w], **SGD) is None
    close(columns, expected)
    array.sgd(*expected, **SGD)
    assert cpu.sgd(*columns, **SGD) is None
    close(columns, expected)


def test_nan_stays_in_the_largest_square():
    one, nan = np.ones(1, np.float32), np.full(1, np.nan, np.float32)
    largest = one.copy()
    settings = dict(step=1, lr=0.1, beta1=0.9, beta2=0.9, eps=0.1, weight_decay=0, decoupled=False)
    state = [one.copy()], [one.copy()], [largest]
    assert cpu.adam([one.copy()], [nan], *state, **settings) is None
    assert np.isnan(largest).all()


def test_overlapping_stretches_are_found_as_by_comparing_each_with_each():
    rng, found = np.random.default_rng(0), [0, 0]
    for _ in range(500):
        count, room = rng.integers(1, 16), rng.integers(10, 300)
        stretches = [
            (int(start), int(start + rng.integers(1, 4)), bool(rng.random() < 0.7))
            for start in rng.integers(0, room, count)
        ]
        overlap = any(
            a[0] < b[1] and b[0] < a[1] and (a[2] or b[2]) for a, b in combinations(stretches, 2)
        )
        assert _overlap(stretches) == overlap
        found[overlap] += 1
    assert min(found) > 50
