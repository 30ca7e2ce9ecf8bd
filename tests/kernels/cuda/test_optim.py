"""Fused optimizer steps, run on the processor, against the definitions."""

from itertools import chain

import numpy as np
from hypothesis import HealthCheck, given, settings, strategies as st

from minitorch_cnn.kernels.cuda import optim
from tests.kernels.tiers import tier

array, cuda = tier("array"), tier("cuda")

DIGITS = {"float16": 4e-3, "float32": 2e-6, "float64": 1e-14}
GAP = 64  # elements between two arrays, which must stay as they are
several = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


class Pool:
    """Arrays out of one piece of memory: the kernel gets their addresses in a table."""

    def __init__(self, seed, dtype):
        self.rng, self.dtype = np.random.default_rng(seed), dtype
        self.memory = np.full(1 << 20, 7, dtype)
        self.used, self.end = np.zeros(self.memory.shape, bool), GAP

    def array(self, shape, turned=False, positive=False):
        size = int(np.prod(shape))
        part = self.memory[self.end : self.end + size]
        self.used[self.end : self.end + size] = True
        self.end += size + GAP
        part[:] = self.rng.standard_normal(size)
        if positive:
            np.abs(part, out=part)
        return part.reshape(shape[::-1]).T if turned else part.reshape(shape)

    def check(self):
        assert (self.memory[~self.used] == 7).all()


shapes = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3), min_size=1, max_size=6)
rates = st.floats(0.01, 0.9)
options = {
    "seed": st.integers(0, 2**32),
    "shapes": shapes,
    "dtype": st.sampled_from(sorted(DIGITS)),
    "turned": st.booleans(),
    "lr": rates,
    "weight_decay": st.sampled_from([0, 0.1]),
}


def compare(name, arrays, dtype, **arguments):
    """Runs the definition on copies, and checks all arrays afterwards."""
    copies = [[None if a is None else a.copy("K") for a in column] for column in arrays]
    getattr(array, name)(*copies, **arguments)
    assert getattr(cuda, name)(*arrays, **arguments) is None
    for ours, theirs in zip(chain(*arrays), chain(*copies), strict=True):
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=DIGITS[dtype], atol=DIGITS[dtype])


@several
@given(
    momentum=st.sampled_from([None, 0.5]), mode=st.integers(0, 2), first=st.booleans(), **options
)
def test_sgd(device, seed, shapes, dtype, turned, lr, weight_decay, momentum, mode, first):
    pool = Pool(seed, dtype)
    parameters = [pool.array(shape, turned) for shape in shapes]
    gradients = [pool.array(shape) for shape in shapes]
    velocities = [None if momentum is None else pool.array(shape, turned) for shape in shapes]
    compare(
        "sgd",
        [parameters, gradients, velocities],
        dtype,
        first=first,
        lr=lr,
        momentum=momentum or 0,
        dampening=0.25 if mode == 1 else 0,
        weight_decay=weight_decay,
        nesterov=mode == 2 and momentum is not None,
    )
    pool.check()
    assert set(device.launches[-1:]) <= {"sgd"}


@several
@given(amsgrad=st.booleans(), decoupled=st.booleans(), step=st.integers(1, 30), **options)
def test_adam(device, seed, shapes, dtype, turned, lr, weight_decay, amsgrad, decoupled, step):
    pool = Pool(seed, dtype)
    parameters = [pool.array(shape, turned) for shape in shapes]
    gradients = [pool.array(shape) for shape in shapes]
    means = [pool.array(shape, turned) for shape in shapes]
    squares = [pool.array(shape, turned, positive=True) for shape in shapes]
    largest = [pool.array(s, turned, positive=True) if amsgrad else None for s in shapes]
    compare(
        "adam",
        [parameters, gradients, means, squares, largest],
        dtype,
        step=step,
        lr=lr,
        beta1=0.9,
        beta2=0.99,
        eps=1e-3,
        weight_decay=weight_decay,
        decoupled=decoupled,
    )
    pool.check()


SGD = dict(first=False, lr=0.5, momentum=0.9, dampening=0, weight_decay=0.1, nesterov=False)


def test_one_launch_for_a_whole_network_and_two_for_a_large_one(device):
    pool = Pool(0, "float32")
    lengths = [1, 5000, 2048, 2049, 3] + [10] * 57
    columns = [[pool.array((n,)) for n in lengths] for _ in range(3)]
    compare("sgd", columns, "float32", **SGD)
    assert device.launches == ["sgd"]
    columns = [[pool.array((7,)) for _ in range(100)] for _ in range(3)]
    compare("sgd", columns, "float32", **SGD)
    assert device.launches == ["sgd"] * 3
    pool.check()


def test_what_the_kernel_cannot_do_is_left_to_the_definition(device):
    pool = Pool(0, "float32")
    p, g, v = (pool.array((4, 6)) for _ in range(3))
    for arrays in (
        ([p, p], [g, g], [v, v]),  # the same one twice: two threads would change it at a time
        ([p[:, ::2]], [g[:, ::2]], [v[:, ::2]]),  # gaps in memory
        ([p], [g], [v.copy("F")]),  # the state lies in another order
        ([p], [g.astype(np.float64)], [v]),
    ):
        before = [a.copy() for column in arrays for a in column]
        assert cuda.sgd(*arrays, **SGD) is NotImplemented
        for a, b in zip(chain(*arrays), before, strict=True):
            np.testing.assert_array_equal(a, b)
    assert device.launches == []
    assert cuda.sgd([p], [g.copy("F")], [v], **SGD) is None  # a gradient is copied
    assert device.launches == ["sgd"]


def test_nan_stays_in_the_largest_square(device):
    nan, one = np.array([np.nan]), np.array([1.0])
    largest = one.copy()
    cuda.adam(
        [one.copy()],
        [nan],
        [one.copy()],
        [one.copy()],
        [largest],
        step=1,
        lr=0.1,
        beta1=0.9,
        beta2=0.9,
        eps=0.1,
        weight_decay=0.0,
        decoupled=False,
    )
    assert np.isnan(largest).all()


def test_the_table_and_eight_numbers_fit_a_kernels_arguments():
    assert optim.TENSORS.itemsize + 8 * 8 <= 4096
