"""How results of poolings lie in memory: as their input does, like torch's."""

import itertools

import numpy as np
import pytest

import minitorch_cnn as mt

POOLS = {
    1: {
        "max_pool1d": lambda F, x: F.max_pool1d(x, 3, 2, 1, return_indices=True),
        "avg_pool1d": lambda F, x: F.avg_pool1d(x, 2),
        "adaptive_avg_pool1d": lambda F, x: F.adaptive_avg_pool1d(x, 3),
        "adaptive_max_pool1d": lambda F, x: F.adaptive_max_pool1d(x, 3, True),
    },
    2: {
        "max_pool2d": lambda F, x: F.max_pool2d(x, 3, 2, 1, return_indices=True),
        "max_pool2d without indices": lambda F, x: F.max_pool2d(x, 2),
        "avg_pool2d": lambda F, x: F.avg_pool2d(x, 2),
        "adaptive_avg_pool2d": lambda F, x: F.adaptive_avg_pool2d(x, 3),
        "adaptive_avg_pool2d of even bins": lambda F, x: F.adaptive_avg_pool2d(x, 4),
        "adaptive_max_pool2d": lambda F, x: F.adaptive_max_pool2d(x, 3, True),
        "adaptive_max_pool2d of even bins": lambda F, x: F.adaptive_max_pool2d(x, 4, True),
        "max_unpool2d": lambda F, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    },
    3: {
        "max_pool3d": lambda F, x: F.max_pool3d(x, (3, 2, 2), 2, (1, 0, 1), return_indices=True),
        "max_pool3d without indices": lambda F, x: F.max_pool3d(x, 2),
    },
}


def no_sequences_with_cupy(dims):
    if dims == 1 and mt.get_backend() == "cupy":
        pytest.skip(
            "CuPy gives the axis that makes a sequence an image another step than NumPy: the "
            "numbers are right, but lie by rows"
        )


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_results_lie_in_memory_as_the_images_do(dims):
    """By rows or by pixels, as torch has it, whatever the memory of the kernels; same numbers."""
    no_sequences_with_cupy(dims)
    functional = mt.nn.functional
    shape = (2, 6, *[8] * dims)
    numbers = np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape)
    rows = mt.tensor(numbers.astype(np.float32))
    pixels = mt.tensor(np.ascontiguousarray(np.moveaxis(rows.numpy(), 1, -1))).movedim(-1, 1)
    given = {
        "rows": (rows, False),
        "every other row": (rows[..., ::2, :] if dims > 1 else rows[::2], False),
        "pixels": (pixels, True),
        "half of the channels": (pixels[:, ::2], True),
        "one image by pixels": (pixels[:1], True if dims > 1 else None),  # NumPy loses the step
        "one channel": (pixels[:, :1], None),
        "transposed": (rows.transpose(0, 1).clone(), False),
    }
    for (name, pool), (kind, (x, by_pixels)) in itertools.product(
        POOLS[dims].items(), given.items()
    ):
        results = pool(functional, x)
        expected = pool(functional, mt.tensor(x.numpy().copy(order="C")))
        for y, right in zip(
            *[each if isinstance(each, tuple) else (each,) for each in (results, expected)],
            strict=True,
        ):
            assert y.equal(right), (name, kind)
            assert by_pixels is not False or y.is_contiguous(), (name, kind)
            assert by_pixels is not True or y.movedim(1, -1).is_contiguous(), (name, kind)


def test_memory_of_single_volumes_stays():
    x = mt.rand(3, 4, 6, 6)
    pixels = x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
    y = mt.nn.functional.max_pool3d(pixels, 2)
    assert y.unsqueeze(0).is_contiguous(memory_format=mt.channels_last_3d)
    assert y.equal(mt.nn.functional.max_pool3d(x, 2))
    assert mt.nn.functional.max_pool3d(x, 2).is_contiguous()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_memory_of_results_is_torchs(dims):
    no_sequences_with_cupy(dims)
    torch = pytest.importorskip("torch")
    for name, pool in POOLS[dims].items():
        for axes in itertools.permutations(range(dims + 2)):
            for step in (1, 2):
                strides = []
                for lib in (mt, torch):
                    lengths = [(2, 6, 8, 8, 8)[axis] for axis in axes]
                    x = lib.zeros(*lengths).permute([axes.index(i) for i in range(dims + 2)])
                    results = pool(lib.nn.functional, x[:, ::step])
                    results = results if isinstance(results, tuple) else (results,)
                    strides.append([each.stride() for each in results])
                assert strides[0] == strides[1], (name, axes, step)
