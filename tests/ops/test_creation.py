"""New tensors: values, dtypes, sharing, errors."""

import itertools
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tables import at_the_seams, refused_as_by_torch

import minitorch_cnn as mt

SEAMS = {
    "arange to its start": lambda lib: lib.arange(2, 2),
    "arange of a fraction": lambda lib: lib.arange(0, 2, 0.75),
    "linspace of none": lambda lib: lib.linspace(0, 1, 0),
}

test_at_the_seams = at_the_seams(SEAMS)

REFUSED = {
    "zeros of a negative length": (lambda lib: lib.zeros(-1), "-1"),
    "arange to infinity": (lambda lib: lib.arange(0, float("inf")), "inf"),
    "arange away from the end": (lambda lib: lib.arange(0, 3, -1), "-1"),
    "linspace of negative steps": (lambda lib: lib.linspace(0, 1, -1), "-1"),
}

test_refused_as_by_torch = refused_as_by_torch(REFUSED)


@pytest.mark.parametrize(
    "data, kind",
    [
        (1, mt.int64),
        (True, mt.bool),
        (1.5, mt.float32),
        ([1, 2.5], mt.float32),
        ([[True], [False]], mt.bool),
        ([], mt.float32),
        ([[], []], mt.float32),
        (np.float64(1), mt.float64),
        (np.zeros(2), mt.float64),
        (np.zeros(2, np.uint8), mt.uint8),
        ([np.zeros(2), np.ones(2)], mt.float64),
        ([np.float32(1), np.float32(2)], mt.float32),
        (np.int32(3), mt.int32),
        (range(3), mt.int64),
    ],
)
def test_types_of_tensor(data, kind):
    x = mt.tensor(data)
    assert x.dtype is kind
    np.testing.assert_array_equal(x.numpy(), np.array(data))


def test_types_of_tensor_are_torchs():
    torch = pytest.importorskip("torch")
    for data in (1, True, 1.5, [1, 2.5], [], np.float64(1), np.zeros(2), [np.float32(1)], [[1]]):
        ours, theirs = (str(lib.tensor(data).dtype).split(".")[1] for lib in (mt, torch))
        assert ours == theirs, data


def test_tensor_of_tensors():
    # Each is a number, as in torch, whatever its shape.
    ones = [mt.tensor([1.0], requires_grad=True), 2, mt.tensor([[3]])]
    assert mt.tensor(ones).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=r"only one element .* shape \[2\]; mt.stack"):
        mt.tensor([mt.ones(2), mt.ones(2)])
    assert mt.tensor([mt.tensor(1), mt.tensor(2)]).dtype is mt.int64


def test_tensor_copies_and_as_tensor_shares():
    source = np.zeros(3)
    copied, shared, also = mt.tensor(source), mt.as_tensor(source), mt.from_numpy(source)
    source[0] = 5
    assert copied[0] == 0 and shared[0] == 5 and also[0] == 5
    x = mt.zeros(2)
    assert mt.as_tensor(x) is x
    assert mt.as_tensor(x, dtype=mt.float64).dtype is mt.float64
    assert np.shares_memory(mt.asarray(source).numpy(), source)
    assert not np.shares_memory(mt.asarray(source, copy=True).numpy(), source)


@pytest.mark.parametrize("data", ["text", [1, "a"], None, [None], {"a": 1}, 1j, object()])
def test_tensor_refuses_other_things(data):
    with pytest.raises((TypeError, RuntimeError, ValueError)):
        mt.tensor(data)


def test_errors_of_creation():
    with pytest.raises(ValueError, match=r"length 2 at dim 1 \(got 1\)"):
        mt.tensor([[1, 2], [3]])
    for large in (2**63, [2**63, 1], [[-(2**63) - 1]]):
        with pytest.raises(ValueError, match=r"Overflow .* is not within int64"):
            mt.tensor(large)
    with pytest.raises(RuntimeError, match="negative dimension"):
        mt.zeros(2, -1)
    with pytest.raises(RuntimeError, match="nonzero"):
        mt.arange(0, 1, 0)
    with pytest.raises(RuntimeError, match="inconsistent"):
        mt.arange(0, 1, -1)
    with pytest.raises(TypeError, match="ndarray"):
        mt.from_numpy([1])
    with pytest.raises(RuntimeError, match="floating"):
        mt.tensor([1], requires_grad=True)
    with pytest.raises(RuntimeError, match="at least 2"):
        mt.tril(mt.zeros(2))


def test_filled():
    assert mt.zeros(2, 3).tolist() == [[0.0] * 3] * 2 and mt.zeros((2, 3)).shape == (2, 3)
    assert mt.ones(2, dtype=mt.int32).tolist() == [1, 1]
    assert mt.full((2,), True).dtype is mt.bool and mt.full((), 2).dtype is mt.int64
    assert mt.full((2,), mt.tensor(1.5)).tolist() == [1.5, 1.5]
    assert mt.empty(3, 0, 2).shape == (3, 0, 2)
    assert mt.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert mt.zeros(2, requires_grad=True).requires_grad


def test_like_keeps_type_and_layout():
    x = mt.from_numpy(np.zeros((2, 3, 4, 5)).transpose(0, 3, 1, 2))
    for y in (mt.zeros_like(x), mt.ones_like(x), mt.full_like(x, 7), mt.empty_like(x)):
        assert y.shape == x.shape and y.dtype is x.dtype and y.stride() == x.stride()
    assert mt.ones_like(x, dtype=mt.int64).dtype is mt.int64
    assert mt.rand_like(x).shape == mt.randn_like(x).shape == x.shape
    for y in (x.new_zeros(2), x.new_ones((2,)), x.new_full((2,), 3), x.new_empty(2)):
        assert y.shape == (2,) and y.dtype is mt.float64
    assert x.new_tensor([1]).dtype is mt.float64


@given(
    st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 2), st.sampled_from(["float32", "float64"])
)
def test_arange_as_torch(start, end, step, kind):
    torch = pytest.importorskip("torch")
    step = step if end >= start else -step
    ours = mt.arange(start, end, step, dtype=getattr(mt, kind))
    theirs = torch.arange(start, end, step, dtype=getattr(torch, kind))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8"])
def test_arange_of_integers_between_fractions_as_torch(kind):
    """Steps and start are cut to integers; of int64 also the end, and the step must not be 0."""
    torch = pytest.importorskip("torch")

    def outcome(lib, bounds):
        try:
            return lib.arange(*bounds, dtype=getattr(lib, kind)).tolist()
        except (RuntimeError, ValueError):
            return "refused"

    for bounds in [(0.5, 5.9, 1.5), (0, 5, 0.5), (5.5, 0, -1.5), (0, 3, 2.7), (0.9, 0.5, 1), (7,)]:
        assert outcome(mt, bounds) == outcome(torch, bounds), bounds


def test_linspace_is_rounded_as_torchs():
    """To the last bit: where a grid's points lie on the centres of pixels, it decides."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    ends = [(-1.0, 1.0)] * 40 + list(generator.normal(size=(40, 2)))
    for steps, (low, high) in enumerate(ends):
        for kind in ("float32", "float64"):
            ours = mt.linspace(low, high, steps, dtype=getattr(mt, kind)).numpy()
            theirs = torch.linspace(low, high, steps, dtype=getattr(torch, kind)).numpy()
            np.testing.assert_array_equal(ours, theirs)


def test_arange_and_linspace():
    assert mt.arange(2, 9, 3).tolist() == [2, 5, 8] and mt.arange(2, 9, 3).dtype is mt.int64
    assert mt.arange(3.0).dtype is mt.float32
    assert mt.arange(3, 0, -1).tolist() == [3, 2, 1]
    np.testing.assert_allclose(mt.linspace(-1, 1, 5).numpy(), [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(mt.logspace(0, 2, 3).numpy(), [1, 10, 100])
    assert mt.linspace(0, 1, 0).shape == (0,)


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_arange_takes_its_end_by_name(name):
    lib = pytest.importorskip(name)
    assert lib.arange(end=3).tolist() == lib.arange(0, end=3).tolist() == [0, 1, 2]
    with pytest.raises(TypeError):
        lib.arange()


def test_from_dlpack_shares_both_ways():
    source = np.arange(3.0)
    x = mt.from_dlpack(source)
    source[0] = 9
    assert x[0] == 9
    assert np.shares_memory(np.from_dlpack(mt.zeros(2)), np.from_dlpack(mt.zeros(2))) is False
    y = mt.zeros(2)
    np.from_dlpack(y)
    torch = pytest.importorskip("torch")
    t = torch.from_dlpack(y)
    t[1] = 4
    assert y[1] == 4


def held(first, copies=1):
    """A list that holds `first` and then itself."""
    values = [first]
    values += [values] * copies
    return values


def nested(depth, branches=1):
    values = 1
    for _ in range(depth):
        values = [values] * branches
    return values


@pytest.mark.parametrize(
    "data",
    [
        (lambda k: k.append(k) or k)([]),
        (lambda k: k.extend([k, k, k]) or k)([]),
        held(1),
        held(mt.ones(1)),
        held(mt.ones(1), 2),
        nested(10_000),
        [[1], nested(10_000)],
        nested(50, branches=2),
    ],
    ids=["self", "thrice", "number", "tensor", "tensor twice", "deep", "later", "wide"],
)
@pytest.mark.parametrize("make", [mt.tensor, mt.as_tensor, mt.asarray])
def test_lists_that_never_end_are_refused(make, data):
    with pytest.raises(
        (ValueError, TypeError), match=r"too many|not list|not a sequence|length|self-referential"
    ):
        make(data)


def test_as_deep_as_numpy_goes():
    assert mt.tensor(nested(64)).shape == (1,) * 64


def test_more_elements_than_can_be_counted():
    for make in (mt.zeros, mt.ones, mt.empty):
        with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
            make(2**40, 2**30)


def test_copies_of_expanded_tensors_lie_in_memory_as_torchs():
    """Such copies can be viewed flat, and random numbers fill them in torch's order."""
    torch = pytest.importorskip("torch")
    shapes = [((5,), (4, 5)), ((2, 1, 3), (2, 4, 3)), ((1, 4), (3, 4)), ((3, 1, 2), (3, 4, 2))]
    for shape, expanded in shapes:
        for order in itertools.permutations(range(len(expanded))):
            ours = mt.zeros(shape).expand(expanded).permute(order)
            theirs = torch.zeros(shape).expand(expanded).permute(order)
            for kind in ("empty_like", "zeros_like", "clone", "rand_like"):
                steps = getattr(torch, kind)(theirs).stride()
                assert getattr(mt, kind)(ours).stride() == steps, (kind, shape, order)
            assert ours.double().stride() == theirs.double().stride()
            mt.manual_seed(0)
            torch.manual_seed(0)
            assert mt.rand_like(ours).tolist() == torch.rand_like(theirs).tolist()
    assert mt.arange(5.0).expand(4, 5).clone().view(-1).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] * 4


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_pythons_types_are_the_wide_ones(name):
    lib = pytest.importorskip(name)
    assert lib.zeros(1, dtype=float).dtype is lib.float64
    assert lib.zeros(1).to(float).dtype is lib.float64
    assert lib.zeros(1, dtype=int).dtype is lib.int64 and lib.zeros(1, dtype=bool).dtype is lib.bool


def test_asarray_of_buffers_and_capsules():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        numbers = np.arange(4, dtype=np.float32)
        x = lib.asarray(memoryview(numbers), dtype=lib.float32)
        y = lib.asarray(lib.utils.dlpack.to_dlpack(lib.from_numpy(numbers)), copy=False)
        z = lib.asarray(bytearray(numbers.tobytes()), dtype=lib.float32)
        numbers += 1
        assert x.tolist() == y.tolist() == [1, 2, 3, 4] and z.tolist() == [0, 1, 2, 3]
        for data, options, error, message in (
            (lib.ones(2), dict(dtype=lib.float64), ValueError, "into dtype"),
            ([1.0], {}, ValueError, "arbitrary sequence"),
            (np.float64(1.0), {}, RuntimeError, "NumPy scalars"),
        ):
            with pytest.raises(error, match=message):
                lib.asarray(data, copy=False, **options)


def test_what_is_refused_in_torchs_words():
    torch = pytest.importorskip("torch")

    class Endless:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise TypeError("none")

    itself = [0]
    itself.append(itself)
    for lib in (mt, torch):
        for call, error, message in (
            (lambda lib: lib.eye(2, -1), RuntimeError, "must be greater or equal to 0"),
            (
                lambda lib: lib.ones(2, requires_grad=True, dtype=lib.int64),
                RuntimeError,
                "Only Ten",
            ),
            (lambda lib: lib.tensor([0, "a"]), TypeError, "invalid data type"),
            (lambda lib: lib.tensor(itself), TypeError, "self-referential lists are incompatible"),
            (lambda lib: lib.tensor(Endless()), ValueError, "could not determine the shape"),
            (lambda lib: lib.arange(1e-38, 3e38), RuntimeError, "overflow"),
        ):
            with pytest.raises(error, match=message):
                call(lib)


def test_a_read_only_array_warns():
    array = np.zeros(2)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="is not writable"):
        assert mt.from_numpy(array).tolist() == [0, 0]


def test_shapes_that_overflow_without_elements():
    with pytest.raises(RuntimeError, match="Stride calculation overflowed"):
        mt.empty(0, 4, 2**61)
    with pytest.raises(NotImplementedError, match="bfloat16 is not supported"):
        mt.promote_types(mt.float32, mt.dtypes.NamedType("bfloat16", 2, "use float16"))


def test_what_is_warned_of():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        with pytest.warns(UserWarning, match="To copy construct from a tensor"):
            assert lib.tensor(lib.ones(2)).tolist() == [1, 1]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert lib.as_tensor(lib.ones(2)).shape == (2,)
            assert lib.tensor([lib.tensor(1.0), 2.0]).tolist() == [1, 2]
            assert lib.ones(1, 2).T.shape == (2, 1)
    for shape in ((), (2,), (1, 2, 3)):
        with pytest.warns(UserWarning, match="The use of `x.T` on tensors of dim"):
            assert mt.ones(shape).T.shape == shape[::-1]
