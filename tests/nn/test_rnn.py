"""Recurrent layers beside torch's in float64: outputs, states, all gradients; packed batches."""

import warnings

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

# Layer and settings; each in both layouts, with and without a first state, packed or not.
SETTINGS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False, "num_layers": 2}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {"proj_size": 2, "bidirectional": True, "num_layers": 2}),
    ("GRU", {"num_layers": 2, "bias": False}),
    ("GRU", {"bidirectional": True}),
]
FORMS = ["plain", "batch_first", "no batch", "state", "packed", "packed, unsorted, state"]


def copied(ours, theirs):
    """The same random values in both layers."""
    rng = np.random.default_rng(1)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    values = {k: rng.standard_normal(tuple(v.shape)) * 0.5 for k, v in ours.state_dict().items()}
    for lib, layer in ((mt, ours), (torch, theirs)):
        layer.load_state_dict({k: lib.tensor(v) for k, v in values.items()})


def run(lib, layer, form, name, options):
    """Outputs, last states, and gradients by everything, for random cotangents."""
    rng = np.random.default_rng(2)
    pack = lib.nn.utils.rnn
    batch = 3
    shape = {"batch_first": (batch, 5, 3), "no batch": (5, 3)}.get(form, (5, batch, 3))
    x = lib.tensor(rng.standard_normal(shape)).requires_grad_()
    leaves, arguments = [x], [x]
    if "packed" in form:
        lengths = [2, 5, 4] if "unsorted" in form else lib.tensor([5, 3, 1])
        arguments = [pack.pack_padded_sequence(x, lengths, enforce_sorted="unsorted" not in form)]
    if "state" in form:
        count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        widths = [options.get("proj_size", 4)] + [4] * (name == "LSTM")
        states = [lib.tensor(rng.standard_normal((count, batch, w))) for w in widths]
        leaves += [each.requires_grad_() for each in states]
        arguments.append(tuple(states) if name == "LSTM" else states[0])
    y, last = layer(*arguments)
    results = [*last] if isinstance(last, tuple) else [last]
    if "packed" in form:
        padded, lengths = pack.pad_packed_sequence(y, total_length=6)
        results += [y.data, padded, lengths.double(), y.batch_sizes.double()]
    else:
        results.append(y)
    loss = 0  # lengths stay on the host
    for r in results:
        loss += (r.to(y.data.device) * lib.tensor(rng.standard_normal(tuple(r.shape)))).sum()
    loss.backward()
    return [r.detach().numpy() for r in results] + [
        leaf.grad.numpy() for leaf in (*leaves, *layer.parameters())
    ]


@pytest.mark.parametrize("name, options", SETTINGS, ids=str)
def test_layers(name, options):
    for form in FORMS:
        options = {**options, "batch_first": form == "batch_first"}
        layers = [getattr(lib.nn, name)(3, 4, **options).double() for lib in (mt, torch)]
        copied(*layers)
        ours, theirs = (
            run(lib, layer, form, name, options)
            for lib, layer in zip((mt, torch), layers, strict=True)
        )
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.shape == other.shape, form
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12, err_msg=form)


CELLS = [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("LSTMCell", {"bias": False})]
CELLS += [("LSTMCell", {}), ("GRUCell", {}), ("GRUCell", {"bias": False})]


@pytest.mark.parametrize("name, options", CELLS, ids=str)
def test_cells(name, options):
    layers = [getattr(lib.nn, name)(3, 4, **options).double() for lib in (mt, torch)]
    copied(*layers)
    for batch in ((2,), ()):
        found = []
        for lib, layer in zip((mt, torch), layers, strict=True):
            rng = np.random.default_rng(0)
            x = lib.tensor(rng.standard_normal((*batch, 3))).requires_grad_()
            layer.zero_grad()
            h = layer(x)
            h = layer(x, h)  # with the state that came out
            outputs = list(h) if isinstance(h, tuple) else [h]
            sum(
                (y * lib.tensor(rng.standard_normal((*batch, 4)))).sum() for y in outputs
            ).backward()
            grads = [each.grad.numpy() for each in (x, *layer.parameters())]
            found.append([y.detach().numpy() for y in outputs] + grads)
        for mine, other in zip(*found, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_initial_values_and_dropout():
    layer = mt.nn.LSTM(3, 16, num_layers=2, dropout=1.0)
    values = np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()])
    assert 0.24 < values.max() <= 0.25 and -0.25 <= values.min() < -0.24 and len(values) > 3000
    x = mt.randn(4, 2, 3)
    first_input = layer(x)[0]
    assert first_input.equal(layer(x + 1)[0])  # nothing comes through between the layers
    layer.eval()
    assert not layer(x)[0].equal(layer(x + 1)[0])
    assert [len(each) for each in layer.all_weights] == [4, 4]


WRONG = [
    "LSTM(3, 4)(t(2, 5, 7))",
    "LSTM(3, 4)(t(3))",
    "LSTM(3, 0)",
    "LSTM(3.0, 4)",
    "LSTM(3, 4, dropout=2)",
    "RNN(3, 4, nonlinearity='x')",
    "RNN(3, 4, bias=1)",
    "LSTM(3, 4)(t(2, 3, 3), (t(2, 3, 3), t(2, 3, 3)))",
    "GRU(3, 4)(t(2, 3, 3), t(2, 2))",
    "GRU(3, 4, proj_size=2)",
    "LSTM(3, 4, proj_size=5)",
    "LSTM(3, 4, num_layers=0)",
    "LSTM(3, 4)(t(2, 3, 3).long())",
    "LSTMCell(3, 4)(t(2, 2))",
    "GRUCell(3, 4)(t(2, 3), t(3, 4))",
    "utils.rnn.pack_padded_sequence(t(3, 2), [1, 3])",
    "utils.rnn.pack_padded_sequence(t(3, 2), [1])",
    "utils.rnn.pack_padded_sequence(t(3, 2), [1, 0])",
    "utils.rnn.pad_packed_sequence(utils.rnn.pack_sequence([t(2)]), total_length=1)",
    "utils.rnn.pad_sequence([t(2)], padding_side='x')",
    "utils.rnn.pad_sequence([t(2, 1), t(2, 2)])",
]


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    kinds = []
    for lib in (mt, torch):
        with pytest.raises((RuntimeError, ValueError, TypeError)) as error:
            eval(call, {**vars(lib.nn), "t": lib.zeros})
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_one_layer_with_dropout_is_warned_about():
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        mt.nn.GRU(3, 4, dropout=0.5)


def test_sequences_padded_and_packed():
    for case in (
        "r.pad_sequence(s)",
        "r.pad_sequence(s, batch_first=True, padding_value=7)",
        "r.pad_sequence(s, padding_side='left')",
        "r.pack_sequence(s, enforce_sorted=False)",
        "r.pack_sequence(s[1:])",
        "r.pack_sequence(s, enforce_sorted=False).double()",
        "r.pad_packed_sequence(r.pack_sequence(s, enforce_sorted=False), padding_value=3)",
        "r.unpack_sequence(r.pack_sequence(s, enforce_sorted=False))",
        "r.unpad_sequence(r.pad_sequence(s), lib.tensor([2, 3, 1]))",
        "[r.invert_permutation(lib.tensor([2, 0, 1]))]",
    ):
        found = []
        for lib in (mt, torch):
            s = [lib.arange(2.0 * n).reshape(n, 2) + n for n in (2, 3, 1)]
            result = eval(case, {"r": lib.nn.utils.rnn, "s": s, "lib": lib})
            found.append([None if each is None else each.tolist() for each in result])
        assert found[0] == found[1], case


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_nothing_to_go_through(name):
    lib = pytest.importorskip(name)
    for kind, count in ((lib.nn.RNN, 1), (lib.nn.LSTM, 2), (lib.nn.GRU, 1)):
        outs = kind(3, 4)(lib.zeros(5, 0, 3))
        states = outs[1] if count == 2 else [outs[1]]
        assert outs[0].shape == (5, 0, 4) and all(each.shape == (1, 0, 4) for each in states)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a weight without elements
        for cell in (lib.nn.RNNCell(10, 0), lib.nn.GRUCell(10, 0)):
            assert cell(lib.zeros(3, 10), lib.zeros(3, 0)).shape == (3, 0)


@pytest.mark.parametrize("name", ["minitorch_cnn", "torch"])
def test_packed_sequences_stay_where_they_are(name):
    lib = pytest.importorskip(name)
    packed = lib.nn.utils.rnn.pack_padded_sequence(lib.ones(2, 2, device="cpu"), [2, 1])
    assert packed.to("cpu") is packed and packed.cpu() is packed
    assert packed.to(lib.float64).data.dtype is lib.float64
    with pytest.raises(RuntimeError, match="empty tensor"):
        lib.nn.utils.rnn.pack_padded_sequence(lib.zeros(0, 0), [])


def test_casts_of_a_packed_sequence():
    rnn = mt.nn.utils.rnn
    packed = rnn.pack_sequence([mt.tensor([1, 2]), mt.tensor([3])])
    for name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
        cast = getattr(packed, name)()
        assert cast.data.dtype is getattr(mt.ones(1), name)().dtype
        assert cast.data.tolist() == [1, 3, 2] and cast.batch_sizes is packed.batch_sizes
    assert packed.long() is packed
    with pytest.raises(RuntimeError, match="empty tensor"):
        rnn.pack_padded_sequence(mt.randn(0, 0), [])
    with pytest.raises(RuntimeError, match="Expected iterable"):
        rnn.pad_sequence(5)
