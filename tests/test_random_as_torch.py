"""The random numbers of a seed are torch's: held beside torch, where it is installed."""

import pathlib
import pickle
import platform
import random

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

LENGTHS = [0, 1, 2, 3, 15, 16, 17, 23, 31, 32, 33, 100, 623, 625, 10007]
FLOATING = ["float32", "float64", "float16"]
ROUNDING = {"float32": 3e-7, "float64": 1e-14, "float16": 1e-3}


def array(result):
    return np.asarray(result.detach().numpy())


def same(draw, *seeds, exact=True, rtol=3e-7):
    """draw(library) gives the same in both, twice in a row, and leaves both at the same place."""
    for seed in seeds or (0, 12345):
        mt.manual_seed(seed)
        torch.manual_seed(seed)
        for _ in range(2):
            ours, theirs = array(draw(mt)), array(draw(torch))
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            if exact:
                np.testing.assert_array_equal(ours, theirs)
            else:
                np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)
        assert same_place(), "another number of words was drawn"


def same_place(ours=mt.default_generator, theirs=torch.default_generator):
    return rounded_state(ours) == rounded_state(theirs)


def rounded_state(generator):
    """All of a state but the last digits of the normal number that is kept."""
    state = generator.get_state().numpy()
    kept = state[5024:5032].view(np.float64)
    return state[:5024].tobytes(), state[5032:5044].tobytes(), float(f"{kept[0]:.10e}")


@pytest.mark.parametrize("dtype", FLOATING)
def test_uniform_and_normal_numbers_of_every_length(dtype):
    for n in LENGTHS:
        same(lambda lib, n=n: lib.rand(n, dtype=getattr(lib, dtype)), 3)
        same(lambda lib, n=n: lib.empty(n, dtype=getattr(lib, dtype)).uniform_(-1.3, 2.7), 3)
        rtol = ROUNDING[dtype]
        same(lambda lib, n=n: lib.randn(n, dtype=getattr(lib, dtype)), 3, exact=False, rtol=rtol)
        same(
            lambda lib, n=n: lib.empty(n, dtype=getattr(lib, dtype)).normal_(2, 0.3),
            3, exact=False, rtol=2 * rtol,
        )  # fmt: skip


def test_many_seeds():
    for seed in (0, 1, 12345, 2**31, 2**32 - 1, 2**32 + 5, 2**64 - 1, -1, -(2**63)):
        same(lambda lib: lib.rand(700), seed)
        assert mt.initial_seed() == torch.initial_seed()
    for seed in (2**64, -(2**63) - 1):
        for lib in (mt, torch):
            with pytest.raises(ValueError):
                lib.manual_seed(seed)
    for seed in (3.0, True, "7"):
        for lib in (mt, torch):
            with pytest.raises(RuntimeError, match="manual_seed expected"):
                lib.Generator().manual_seed(seed)


def test_a_number_that_rounds_to_the_upper_limit_becomes_the_lower_one():
    same(lambda lib: lib.empty(500).uniform_(1, 1 + 2**-22))
    same(lambda lib: lib.rand(20_000, dtype=lib.float16))  # some of them would be 1
    same(lambda lib: lib.empty(20_000, dtype=lib.float16).uniform_(-1.3, 2.7))


@pytest.mark.parametrize("low, high", [
    (0, 1), (0, 10), (-5, 5), (0, 2**28 - 1), (0, 2**28), (3, 2**31 + 5), (0, 2**32),
    (0, 2**32 + 1),
    (-(2**40), 2**40), (0, 2**63 - 1), (-(2**63), 2**63 - 1),
])  # fmt: skip
def test_integers_of_every_range(low, high):
    for n in (1, 17, 1000):
        same(lambda lib, n=n: lib.randint(low, high, (n,)))


def test_random_of_every_dtype():
    dtypes = ["uint8", "int8", "int16", "int32", "int64", "bool", *FLOATING]
    for dtype in dtypes:
        same(lambda lib, d=dtype: lib.empty(99, dtype=getattr(lib, d)).random_())
        if dtype != "bool":
            same(lambda lib, d=dtype: lib.empty(99, dtype=getattr(lib, d)).random_(100))
            same(lambda lib, d=dtype: lib.empty(99, dtype=getattr(lib, d)).random_(3, 90))
            same(lambda lib, d=dtype: lib.randint(3, 90, (99,), dtype=getattr(lib, d)))
    same(lambda lib: lib.randint_like(lib.zeros(33), 9))


def test_permutations():
    for n in (0, 1, 2, 5, 100, 624, 625, 10007):
        same(lambda lib, n=n: lib.randperm(n))
    same(lambda lib: lib.randperm(20, dtype=lib.int32))


def test_other_distributions():
    for n in (1, 16, 101):
        for dtype in FLOATING:
            rtol = ROUNDING[dtype]

            def empty(lib, n=n, dtype=dtype):
                return lib.empty(n, dtype=getattr(lib, dtype))

            same(lambda lib: empty(lib).exponential_(2.5), exact=False, rtol=rtol)
            same(
                lambda lib: empty(lib).cauchy_(1, 2),
                exact=False,
                rtol=1e-11 if rtol < 1e-9 else rtol,
            )
            same(lambda lib: empty(lib).log_normal_(0.5, 0.75), exact=False, rtol=rtol)
            same(lambda lib: empty(lib).geometric_(0.3))
            same(lambda lib: empty(lib).bernoulli_(0.3))
        same(lambda lib, n=n: lib.empty(n, dtype=lib.int64).geometric_(0.3))


def test_normal_with_means_and_deviations():
    for n in (3, 16, 20):
        same(
            lambda lib, n=n: lib.normal(lib.arange(float(n)), lib.arange(float(n)) / 9), exact=False
        )
        same(lambda lib, n=n: lib.normal(lib.arange(float(n)), 2.0), exact=False)
        same(lambda lib, n=n: lib.normal(1.0, lib.arange(float(n))), exact=False)
        same(lambda lib, n=n: lib.normal(1.0, 2.0, (n, 2)), exact=False)
    same(lambda lib: lib.normal(lib.zeros(5, 1), lib.ones(1, 4)), exact=False)


def test_bernoulli_of_probabilities():
    for dtype in FLOATING:
        p = np.linspace(0, 1, 60).reshape(6, 10).astype(dtype)
        same(lambda lib, p=p: lib.bernoulli(lib.from_numpy(p)))
        same(lambda lib, p=p: lib.bernoulli(lib.from_numpy(p).t()))
        same(lambda lib, p=p: lib.zeros(6, 10).bernoulli_(lib.from_numpy(p)))
        same(lambda lib, p=p: lib.zeros(10, 6).t().bernoulli_(lib.from_numpy(p)))
        same(lambda lib, p=p: lib.zeros(6, 10).bernoulli_(lib.from_numpy(p[0])))
    same(lambda lib: lib.bernoulli(lib.zeros(99), 0.4))


def test_single_numbers_that_are_found_by_trial():
    """What takes a random number of random numbers: drawn one by one, as torch fills a tensor."""
    rng = mt.default_generator.rng
    one = torch.ones(200, dtype=torch.float64)
    trials = ((10, 0.3), (10, 0.7), (100, 0.3), (1000, 0.02), (1000, 0.9), (0, 0.3), (7, 1.0))
    pairs = [
        *((rng.gamma, (a,), lambda a=a: torch._standard_gamma(one * a)) for a in (0.3, 1.0, 20.0)),
        *((rng.poisson, (r,), lambda r=r: torch.poisson(one * r)) for r in (0, 0.5, 9.9, 10, 1e3)),
        *((rng.binomial, of, lambda of=of: torch.binomial(one * of[0], one * of[1]))
          for of in trials),
    ]  # fmt: skip
    for draw, args, theirs in pairs:
        torch.manual_seed(1)
        rng.__init__(1)
        ours = [draw(*args) for _ in range(200)]
        np.testing.assert_allclose(ours, theirs().numpy(), rtol=1e-12)
        assert rng.words(1).item() % 1000 == torch.randint(0, 1000, (1,)).item()
    mt.manual_seed(1)
    torch.manual_seed(1)
    theirs = torch._sample_dirichlet(torch.tensor([0.5, 1.0, 2.0]))
    np.testing.assert_allclose(
        mt.default_generator.rng.dirichlet([0.5, 1.0, 2.0]), theirs.numpy(), rtol=1e-6
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_multinomial(dtype):
    weights = np.random.default_rng(0).random((3, 7)).astype(dtype)
    weights[0, 2:4] = 0
    for rows in (weights, weights[1]):
        for count, replacement in ((1, False), (3, False), (5, False), (1, True), (40, True)):
            same(
                lambda lib, r=rows, n=count, again=replacement: lib.multinomial(
                    lib.from_numpy(r), n, again
                )
            )


LAYOUTS = {
    "transposed": lambda lib, **kind: lib.zeros(10, 7, **kind).t(),
    "every second": lambda lib, **kind: lib.zeros(6, 20, **kind)[:, ::2],
    "permuted": lambda lib, **kind: lib.zeros(3, 4, 5, **kind).permute(2, 0, 1),
    "rows of a transposed": lambda lib, **kind: lib.zeros(20, 6, **kind)[::2].t(),
    "a part": lambda lib, **kind: lib.zeros(4, 50, **kind)[1:3],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_that_is_not_contiguous_is_filled_as_it_lies(layout):
    empty = LAYOUTS[layout]
    for dtype in ("float32", "float64"):
        kind = {"dtype": dtype}

        def make(lib, kind=kind):
            return empty(lib, dtype=getattr(lib, kind["dtype"]))

        same(lambda lib: make(lib).uniform_(-1, 2))
        same(lambda lib: make(lib).normal_(1, 2), exact=False)
        same(lambda lib: make(lib).exponential_(), exact=False)
        same(lambda lib: make(lib).bernoulli_(0.5))
        same(lambda lib: make(lib).random_(100))
        same(lambda lib: lib.rand_like(make(lib)))
        same(lambda lib: lib.randn_like(make(lib)), exact=False)
    flags = mt.zeros(10, 7).t().uniform_().is_contiguous()
    assert not flags


def test_a_state_goes_from_one_library_to_the_other_and_back():
    for drawn in (0, 3, 624, 700):
        for normals in (0, 1, 2):
            ours, theirs = mt.Generator().manual_seed(7), torch.Generator().manual_seed(7)
            for lib, generator in ((mt, ours), (torch, theirs)):
                lib.rand(drawn, generator=generator)
                lib.randn(normals, generator=generator)  # after one, another one is kept
            assert same_place(ours, theirs)
            there, back = torch.Generator(), mt.Generator()
            there.set_state(torch.from_numpy(ours.get_state().numpy()))
            back.set_state(mt.from_numpy(theirs.get_state().numpy()))
            assert back.initial_seed() == there.initial_seed() == 7
            for length in (1, 20, 1):
                a = mt.randn(length, generator=back).numpy()
                b = torch.randn(length, generator=there).numpy()
                np.testing.assert_allclose(a, b, rtol=3e-7, atol=3e-7)
    mt.manual_seed(3)
    torch.set_rng_state(torch.from_numpy(mt.get_rng_state().numpy()))
    assert mt.rand(5).tolist() == torch.rand(5).tolist()
    torch.rand(7)
    mt.set_rng_state(mt.from_numpy(torch.get_rng_state().numpy()))
    assert mt.rand(5).tolist() == torch.rand(5).tolist()


def test_generators():
    ours, theirs = mt.Generator(), torch.Generator()
    assert ours.initial_seed() == theirs.initial_seed()
    assert mt.rand(3, generator=ours).tolist() == torch.rand(3, generator=theirs).tolist()
    for copy in (ours.clone_state(), pickle.loads(pickle.dumps(ours))):
        assert mt.rand(3, generator=copy).tolist() == torch.rand(3, generator=theirs).tolist()
        theirs.set_state(torch.from_numpy(ours.get_state().numpy()))
    for bad, error in ((np.zeros(3, np.uint8), RuntimeError), (np.zeros(5056), TypeError),
                       (np.zeros(5056, np.uint8), RuntimeError)):  # fmt: skip
        for lib, generator in ((mt, ours), (torch, theirs)):
            with pytest.raises(error):
                generator.set_state(lib.from_numpy(bad))


# ------------------------------------------------------------------------------ initial weights


def test_initial_values():
    """A convolution's weights, float32 and float64: by every function of nn.init that draws."""
    for dtype, rtol in (("float32", 1e-6), ("float64", 1e-12)):

        def check(function, shape=(8, 4, 3, 3), dtype=dtype, rtol=rtol):
            same(
                lambda lib: function(lib.nn.init, lib.empty(*shape, dtype=getattr(lib, dtype))),
                1, exact=False, rtol=rtol,
            )  # fmt: skip

        check(lambda init, w: init.uniform_(w, -0.2, 0.3))
        check(lambda init, w: init.normal_(w, 0.1, 0.3))
        check(lambda init, w: init.xavier_uniform_(w, 1.3))
        check(lambda init, w: init.xavier_normal_(w))
        check(lambda init, w: init.kaiming_uniform_(w, a=5**0.5))
        check(lambda init, w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"))
        check(lambda init, w: init.dirac_(w))
        check(lambda init, w: init.sparse_(w, 0.3), (7, 4))
        check(lambda init, w: init.normal_(w), (3, 5))
        for shape in ((5, 3), (3, 5), (4, 4), (4, 2, 3)):
            check(lambda init, w: init.orthogonal_(w, 1.3), shape, rtol=30 * rtol)


LAYERS = {
    "Conv1d": (3, 4, 3), "Conv2d": (3, 4, 3), "Conv3d": (3, 4, 3), "ConvTranspose1d": (3, 4, 3),
    "ConvTranspose2d": (3, 4, 3), "ConvTranspose3d": (3, 4, 3), "Linear": (5, 7),
    "Bilinear": (3, 4, 5), "Embedding": (7, 5), "PReLU": (), "BatchNorm2d": (4,),
    "GroupNorm": (2, 4), "LayerNorm": (4,), "RMSNorm": (4,), "MultiheadAttention": (8, 2),
    "LSTM": (3, 4, 2), "GRU": (3, 4, 2), "RNN": (3, 4, 2), "LSTMCell": (3, 4), "GRUCell": (3, 4),
    "RNNCell": (3, 4), "EmbeddingBag": (7, 5), "TransformerEncoderLayer": (8, 2, 16),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_initial_weights_of_every_layer(name):
    made = []
    for lib in (mt, torch):
        lib.manual_seed(4)
        try:
            layers = [getattr(lib.nn, name)(*LAYERS[name]) for _ in range(2)]
        except NotImplementedError as error:
            pytest.skip(str(error))
        made.append({key: value for layer in layers for key, value in layer.state_dict().items()})
    assert same_place()
    assert made[0].keys() == made[1].keys()
    for key, ours in made[0].items():
        np.testing.assert_allclose(ours.numpy(), made[1][key].numpy(), rtol=3e-7, err_msg=key)


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.parametrize("dtype", FLOATING)
def test_truncated_normal_values(dtype):
    for limits in ((0, 1, -2, 2), (0.1, 0.7, -0.5, 1.5), (0, 1, 0, 0.1), (0, 1, 1, 2),
                   (1, 2, -9, -4), (0, 1, 3, 20), (0, 0.02, -2, 2), (0, 1, 5, 5)):  # fmt: skip
        for n in (0, 3, 100):
            same(
                lambda lib, n=n, of=limits: lib.nn.init.trunc_normal_(
                    lib.empty(n, dtype=getattr(lib, dtype)), *of
                ),
                1, exact=False, rtol=2 * ROUNDING[dtype],
            )  # fmt: skip


# ------------------------------------------------------------------------------------- dropout

LIKE = {
    "vector": lambda lib: lib.arange(1, 34).double(),
    "matrix": lambda lib: lib.arange(1.0, 41.0).reshape(4, 10),
    "transposed": lambda lib: lib.arange(1.0, 41.0).reshape(4, 10).t(),
    "images": lambda lib: lib.arange(1.0, 121.0).reshape(2, 3, 4, 5) - 60,
    "half": lambda lib: lib.arange(1, 100).half(),
    "scalar": lambda lib: lib.tensor(3.0),
    "empty": lambda lib: lib.zeros(0, 3),
}


@pytest.mark.parametrize("name", LIKE)
def test_dropout_drops_the_same(name):
    """Where torch draws it itself: on Intel processors a library of theirs draws these masks."""
    if "GenuineIntel" in cpu_name():
        pytest.skip("torch leaves the masks of dropout to Intel's library on this processor")
    make = LIKE[name]
    rtol = 1e-3 if name == "half" else 1e-6
    for p in (0.0, 0.3, 0.5, 1.0):
        same(lambda lib, p=p: lib.nn.functional.dropout(make(lib), p), exact=False, rtol=rtol)
        same(
            lambda lib, p=p: lib.nn.functional.dropout(make(lib) * 1, p, inplace=True),
            exact=False, rtol=rtol,
        )  # fmt: skip
        same(
            lambda lib, p=p: lib.nn.functional.alpha_dropout(make(lib), p, training=True),
            exact=False, rtol=2 * rtol,
        )  # fmt: skip
    if name == "images":
        for kind in ("dropout2d", "dropout3d", "feature_alpha_dropout"):
            same(
                lambda lib, kind=kind: getattr(lib.nn.functional, kind)(make(lib), 0.3, True),
                exact=False, rtol=1e-5,
            )  # fmt: skip
        same(lambda lib: lib.nn.functional.dropout1d(make(lib)[0], 0.3), exact=False)


def cpu_name():
    path = pathlib.Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else platform.processor()


def test_gradient_of_dropout_is_through_the_same_mask():
    mt.manual_seed(0)
    x = mt.ones(4, 3, 5, 5, requires_grad=True).contiguous(memory_format=mt.channels_last)
    y = mt.nn.functional.dropout(x, 0.4)
    (gx,) = mt.autograd.grad(y.sum(), x)
    assert mt.equal(gx, y.detach())
    mt.manual_seed(0)
    assert mt.equal(mt.nn.functional.dropout(mt.ones(4, 3, 5, 5), 0.4), y)


def test_other_layers_that_draw():
    for dtype in ("float32", "float64"):
        values = np.random.default_rng(0).standard_normal((5, 7)).astype(dtype)
        values[0, 0] = 0

        def make(lib, values=values):
            return lib.from_numpy(values)

        same(lambda lib: lib.nn.functional.rrelu(make(lib), 0.1, 0.4, training=True), exact=False)
        same(lambda lib: lib.nn.functional.gumbel_softmax(make(lib)), exact=False, rtol=1e-6)
        same(lambda lib: lib.nn.functional.gumbel_softmax(make(lib), hard=True), exact=False)
        same(
            lambda lib: lib.nn.functional.fractional_max_pool2d(
                lib.arange(384).to(make(lib).dtype).reshape(2, 3, 8, 8), 2, output_size=3
            )
        )


# ---------------------------------------------------------------------------- orders of samples


def orders(lib, make, own_generator):
    """The indices of two epochs, and where the generator is then."""
    lib.manual_seed(5)
    generator = lib.Generator().manual_seed(3) if own_generator else None
    sampler = make(lib.utils.data, generator)
    return [list(sampler) for _ in range(2)], lib.rand(1, generator=generator).item()


@pytest.mark.parametrize("own_generator", [False, True])
def test_samplers(own_generator):
    data = range(100)
    for make in (
        lambda d, g: d.RandomSampler(data, generator=g),
        lambda d, g: d.RandomSampler(data, num_samples=5, generator=g),
        lambda d, g: d.RandomSampler(data, num_samples=250, generator=g),
        lambda d, g: d.RandomSampler(data, True, 70, g),
        lambda d, g: d.RandomSampler(data, True, 64, g),
        lambda d, g: d.SubsetRandomSampler(data[5:40], g),
        lambda d, g: d.WeightedRandomSampler(data, 30, generator=g),
        lambda d, g: d.WeightedRandomSampler(data, 30, False, g),
        lambda d, g: d.random_split(data, [0.3, 0.7], **({"generator": g} if g else {}))[0].indices,
    ):
        assert orders(mt, make, own_generator) == orders(torch, make, own_generator)


class Drawing:
    """Samples with random numbers of their own: from the library, from random and from NumPy."""

    def __init__(self, lib):
        self.lib = lib

    def __len__(self):
        return 11

    def __getitem__(self, index):
        return index, self.lib.rand(1).item(), random.random(), np.random.rand()  # noqa: NPY002


def together(batch):
    return batch


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_data_loader(workers, own_generator):
    """Two epochs, a third one left early, and another; and what is drawn between its batches."""
    seen = []
    for lib in (mt, torch):
        lib.manual_seed(7)
        random.seed(7)
        np.random.seed(7)  # noqa: NPY002
        generator = lib.Generator().manual_seed(3) if own_generator else None
        loader = lib.utils.data.DataLoader(
            Drawing(lib), 4, shuffle=True, num_workers=workers, generator=generator,
            collate_fn=together,
        )  # fmt: skip
        log = []
        for epoch in range(4):
            iterator = iter(loader)
            log.append(lib.rand(1).item())
            for batch in iterator:
                log += [batch, lib.rand(1).item(), lib.rand(1, generator=generator).item()]
                if epoch == 2:
                    break
        seen.append(log)
    assert seen[0] == seen[1]


def test_data_loader_of_a_stream():
    class Stream:
        def __iter__(self):
            return iter(range(5))

    after = []
    for lib in (mt, torch):
        kind = type("Numbers", (Stream, lib.utils.data.IterableDataset), {})
        lib.manual_seed(1)
        list(lib.utils.data.DataLoader(kind(), 2))
        after.append(lib.rand(1).item())
    assert after[0] == after[1]
