"""Calls kernels with arrays that do not fit together, and looks at what comes of it.

    python tests/kernels/fuzz.py --calls 100000 --seed 0

Each call is a right one of some kernel of the table to which a few things have been done: another
shape, type, order in memory or geometry, an index that is no class. A kernel may raise an error of
Python's, or give what the definition (tier "array") gives for the same arguments. A signal would
end the process: test_check.py runs this in a process of its own, between guard zones.
"""

import argparse
import faulthandler
import random
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from tiers import CONVOLUTIONS

import minitorch_cnn as mt
from minitorch_cnn.kernels import dispatch
from minitorch_cnn.kernels.cpu.jit.guard import Guarded
from minitorch_cnn.kernels.geometry import ConvGeometry, PoolGeometry, output_size, window_counts

ERRORS = (
    RuntimeError, ValueError, IndexError, TypeError, AttributeError, ZeroDivisionError,
    OverflowError, MemoryError, NotImplementedError,
)  # fmt: skip
STEP = dict(first=False, lr=0.1, momentum=0.9, dampening=0.0, weight_decay=0.1, nesterov=False)
RATES = dict(step=3, lr=0.1, beta1=0.9, beta2=0.99, eps=1e-3, weight_decay=0.1, decoupled=True)


class Fuzzer:
    def __init__(self, seed):
        self.pick = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def some(self, *shape):
        return self.numbers.standard_normal(shape).astype(np.float32)

    # ------------------------------------------------------------------ right calls

    def call(self):
        """(name, positional arguments, keyword arguments) of a right call."""
        name = self.pick.choice(NAMES)
        args = getattr(self, "of_" + name)()
        keywords = {"sgd": STEP, "adam": RATES}.get(name, {})
        return name, list(args), dict(keywords)

    def images(self):
        sizes = self.pick.choice([(1, 2), (2, 4), (3, 17)])
        return self.some(*sizes, self.pick.randint(3, 9), self.pick.randint(3, 9))

    def convolution(self):
        x, pick = self.images(), self.pick
        C = x.shape[1]
        groups = pick.choice([1, 1, C, *([2] if C % 2 == 0 else [])])
        filters = groups * pick.randint(1, 5)
        kernel = pick.choice([(1, 1), (3, 3), (3, 3), (2, 3)])
        stride, dilation = pick.choice([1, 1, 2]), pick.choice([1, 1, 1, 2])
        border = pick.choice([(0, 0), (1, 1), (1, 0)])
        if kernel[0] > 1 and dilation == 2:
            border = (2, 2)
        geometry = ConvGeometry((stride, stride), border, border, (dilation, dilation), groups)
        w = self.some(filters, C // groups, *kernel)
        gy = self.some(len(x), filters, *output_size(x.shape[2:], kernel, geometry))
        return x, w, gy, geometry

    def of_conv2d_forward(self):
        x, w, _, geometry = self.convolution()
        b = self.pick.choice([None, self.some(len(w))])
        return x, w, b, geometry, self.pick.random() < 0.5

    def of_conv2d_input_grad(self):
        x, w, gy, geometry = self.convolution()
        return gy, w, x.shape[2:], geometry

    def of_conv2d_weight_grad(self):
        x, w, gy, geometry = self.convolution()
        return x, gy, w.shape[2:], geometry

    def pooling(self):
        x, pick = self.images(), self.pick
        kernel, stride = pick.choice([(2, 2), (3, 3), (3, 2)]), pick.choice([(1, 1), (2, 2)])
        padding = pick.choice([(0, 0), (1, 1)])
        if pick.random() < 0.5:  # windows side by side, which fill the image
            kernel, stride, padding = (2, 2), (2, 2), (0, 0)
            x = self.some(*x.shape[:2], *(2 * (size // 2) for size in x.shape[2:]))
        moves = stride, padding, padding, (1, 1)
        out = output_size(x.shape[2:], kernel, ConvGeometry(*moves, 1))
        return x, PoolGeometry(kernel, stride, padding, (1, 1), out)

    def positions(self, *shape):
        return self.numbers.integers(0, 4, shape).astype(np.uint8)

    def of_max_pool2d_forward(self):
        return *self.pooling(), self.pick.random() < 0.5

    def of_max_pool2d_scatter(self):
        x, geometry = self.pooling()
        shape = *x.shape[:2], *geometry.out_size
        return self.some(*shape), self.positions(*shape), x.shape[2:], geometry

    def of_max_pool2d_gather(self):
        x, geometry = self.pooling()
        return x, self.positions(*x.shape[:2], *geometry.out_size), geometry

    def of_avg_pool2d_forward(self):
        x, geometry = self.pooling()
        return x, geometry, window_counts(x.shape[2:], geometry, True)

    def of_avg_pool2d_backward(self):
        x, geometry = self.pooling()
        counts = window_counts(x.shape[2:], geometry, True)
        return self.some(*x.shape[:2], *geometry.out_size), x.shape[2:], geometry, counts

    def of_batch_norm_forward(self):
        x = self.images()
        residual = self.pick.choice([None, self.some(*x.shape)])
        return x, *self.some(2, x.shape[1]), residual, self.pick.random() < 0.5

    def of_batch_norm_backward(self):
        x = self.images()
        weight = self.pick.choice([None, self.some(x.shape[1])])
        y = self.pick.choice([None, self.some(*x.shape)])
        vectors = self.some(2, x.shape[1])
        return self.some(*x.shape), x, weight, *vectors, True, y, self.pick.random() < 0.5

    def of_channel_mean_var(self):
        x = self.images()
        running = (self.pick.choice([None, self.some(x.shape[1])]) for _ in range(2))
        return x, *running, 0.1

    def of_scale_and_shift(self):
        C = self.images().shape[1]
        added = (self.pick.choice([None, self.some(C)]) for _ in range(2))
        return *self.some(2, C), *added, 1e-5

    def of_channel_sum(self):
        return (self.images(),)

    of_relu = of_relu_ = of_channel_sum

    def of_relu_backward(self):
        x = self.images()
        return self.some(*x.shape), x

    def of_hardtanh(self):
        return self.images(), -0.5, 0.25

    def of_hardtanh_backward(self):
        return *self.of_relu_backward(), -0.5, 0.25

    def of_add(self):
        x = self.pick.choice([self.images(), self.some(200, 100)])
        return self.pick.choice([(x, self.some(*x.shape)), (self.channels(7), self.channels(7))])

    def of_cat(self):
        return [self.channels(self.pick.choice([1, 4, 16])) for _ in range(3)], 1

    def of_contiguous(self):
        x = self.images()
        return (self.pick.choice([x, x.transpose(0, 3, 1, 2), x.transpose(0, 2, 3, 1), x.T]),)

    def channels(self, count):
        """So many of the channels of an image, channels-last in memory."""
        before, after = self.pick.choice([(0, 0), (1, 0), (2, 3)])
        wide = self.some(2, 40, 40, before + count + after).transpose(0, 3, 1, 2)
        return wide[:, before : before + count]

    def of_dropout(self):
        return self.images(), self.pick.getrandbits(64), 0.3

    def of_twister_words(self):
        return self.numbers.integers(0, 2**32, 624, np.uint32), self.pick.randint(1, 3)

    def of_matmul(self):
        M, K, N = (self.pick.choice([1, 2, 7, 40]) for _ in range(3))
        return self.some(M, K), self.some(K, N)

    def classes(self, rows, count):
        return self.numbers.integers(0, count, rows)

    def of_cross_entropy(self):
        R, C = self.pick.randint(1, 9), self.pick.randint(1, 9)
        return self.some(R, C), self.classes(R, C)

    def of_cross_entropy_backward(self):
        R, C = self.pick.randint(1, 9), self.pick.randint(1, 9)
        return self.some(R), abs(self.some(R, C)), self.classes(R, C)

    def lists(self, count):
        shapes = [self.pick.choice([(), (5,), (3, 4), (4, 3, 3, 3)]) for _ in range(3)]
        return [[abs(self.some(*shape)) for shape in shapes] for _ in range(count)]

    def of_sgd(self):
        return self.lists(3)

    def of_adam(self):
        return self.lists(5)

    # ------------------------------------------------------------------ what is done to them

    def spoil(self, args):
        """Something else in place of one argument, or of an array in a list of them."""
        index = self.pick.randrange(len(args))
        value = args[index]
        if isinstance(value, list):
            value[:] = value if not value else self.spoil(value)
        elif isinstance(value, np.ndarray):
            args[index] = self.spoiled_array(value)
        elif isinstance(value, ConvGeometry | PoolGeometry):
            field = self.pick.choice(value._fields)
            args[index] = value._replace(**{field: self.spoiled_numbers(getattr(value, field))})
        elif isinstance(value, tuple):
            args[index] = self.spoiled_numbers(value)
        elif value is None:
            args[index] = self.some(self.pick.randint(1, 6))
        return args

    def spoiled_numbers(self, value):
        change = self.pick.choice([-3, -1, 1, 2, 30])
        if isinstance(value, int):
            return max(value + change, 1)
        index = self.pick.randrange(len(value))
        return tuple(n + change * (i == index) for i, n in enumerate(value))

    def spoiled_array(self, array):
        pick = self.pick
        if array.dtype == np.int64 and array.size and pick.random() < 0.5:
            wrong = array.copy()
            wrong.flat[pick.randrange(array.size)] = pick.choice([-1, 99, 10**12, -(10**12)])
            return wrong
        kind = pick.choice(["length", "length", "length", "type", "order", "axes", "axes", "bytes"])
        if kind == "type":
            return array.astype(pick.choice([np.float64, np.float16, np.int64, np.uint8, bool]))
        if kind == "bytes" and array.dtype == np.uint8:
            return self.numbers.integers(0, 256, array.shape).astype(np.uint8)
        if kind == "axes" or array.ndim == 0:
            way = pick.choice(["one more", "flat", "turned", "none"])
            if way == "one more":
                return array[None]
            if way == "flat":
                return array.reshape(-1)
            return array.T if way == "turned" else array.sum(dtype=array.dtype)[...]
        if kind == "order":
            way = pick.choice(
                ["columns", "backward", "repeated", "overlapping", "unaligned", "gaps"]
            )
            if way == "columns":
                return np.asfortranarray(array)
            if way == "backward":
                return np.flip(array, pick.randrange(array.ndim))
            if way == "repeated":
                return np.broadcast_to(array[:1], array.shape)
            if way == "overlapping":  # each row begins with the second number of the one before
                strides = array.ndim * (array.itemsize,)
                return np.lib.stride_tricks.as_strided(array, None, strides, writeable=False)
            if way == "unaligned":
                place = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype)
                place[:] = array.reshape(-1)
                return place.reshape(array.shape)
            wide = np.repeat(array, 2, axis=-1)
            return wide[..., ::2]
        axis = pick.randrange(array.ndim)
        length = pick.choice([0, 1, max(array.shape[axis] - 1, 0), array.shape[axis] + 1, 40])
        shape = [length if i == axis else n for i, n in enumerate(array.shape)]
        return np.resize(array, shape) if array.size else np.ones(shape, array.dtype)


NAMES = sorted(name[3:] for name in vars(Fuzzer) if name.startswith("of_"))


def copied(args):
    """The arguments once more, with arrays of the same order in memory."""
    if isinstance(args, list | tuple) and not hasattr(args, "_fields"):
        return type(args)(copied(each) for each in args)
    return args.copy(order="K") if isinstance(args, np.ndarray) else args


def outcome(name, args, keywords):
    """What a kernel returns, and its arguments afterwards; or the error.

    Kernels see an optimizer's arrays as addresses only, so their guards are put here.
    """
    guards = []
    for each in args:
        if isinstance(each, list):
            for index, array in enumerate(each):
                if isinstance(array, np.ndarray) and array.size and array.flags.c_contiguous:
                    guards.append(Guarded(array))
                    each[index] = guards[-1].copy
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = getattr(dispatch, name)(*args, **keywords)
        for guard in guards:
            guard.finish()
        return result, args
    except ERRORS as error:
        return error


def differences(ours, theirs):
    """What differs between two results of kernels; "" if nothing does."""
    if isinstance(ours, list | tuple):
        pairs = zip(ours, theirs, strict=True)
        return next(filter(None, (differences(*pair) for pair in pairs)), "")
    if not isinstance(ours, np.ndarray):
        return ""
    if ours.shape != np.shape(theirs):
        return f"shape {ours.shape} instead of {np.shape(theirs)}"
    if not np.allclose(ours, theirs, rtol=1e-2, atol=1e-2, equal_nan=True):
        return "other numbers"
    return ""


def one_call(fuzzer, number):
    """ "refused", "right" or what is wrong."""
    name, args, keywords = fuzzer.call()
    for _ in range(fuzzer.pick.choice([0, 1, 1, 1, 2])):
        args = fuzzer.spoil(args)
    again = copied(args)
    for each in args:
        # Windows that see nothing but the border: layers refuse them.
        if isinstance(each, PoolGeometry) and max(each.padding) > min(each.kernel_size) // 2:
            return "refused"
    algorithm = fuzzer.pick.choice(dispatch.ALGORITHMS) if name in CONVOLUTIONS else "auto"
    with mt.conv_algorithm(algorithm):
        ours = outcome(name, args, keywords)
    if isinstance(ours, Exception):
        return "guard" if "an array" in str(ours) else "refused"
    with mt.kernel_tier("array"):
        theirs = outcome(name, again, keywords)
    results = ours[0] if isinstance(ours[0], tuple) else ours[:1]
    arrays = [each for each in (*again, *results) if isinstance(each, np.ndarray)]
    # Algorithms differ in what they make of nothing at all and of integers, which layers refuse.
    if isinstance(theirs, TypeError) or any(each.size == 0 for each in arrays):
        return "right"
    if name in CONVOLUTIONS and any(each.dtype.kind != "f" for each in arrays):
        return "right"
    if isinstance(theirs, Exception):
        problem = f"took what the definition refuses ({theirs!r})"
        return f"{name} ({algorithm}) {problem}: {described(again)}"
    problem = differences(ours, theirs)
    return f"{name} ({algorithm}): {problem}: {described(again)}" if problem else "right"


def described(args):
    if isinstance(args, list | tuple) and not hasattr(args, "_fields"):
        return [described(each) for each in args]
    return f"{args.dtype}{args.shape}" if isinstance(args, np.ndarray) else args


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faulthandler.enable()  # says which kernel it was
    counts = Counter()
    for number in range(options.calls):
        result = one_call(Fuzzer(options.seed * 10**9 + number), number)
        counts[result if result in ("refused", "right") else "wrong"] += 1
        if result not in ("refused", "right"):
            print(f"call {number}: {result}", flush=True)
    print(dict(counts))
    sys.exit(1 if counts["wrong"] else 0)


if __name__ == "__main__":
    main()
