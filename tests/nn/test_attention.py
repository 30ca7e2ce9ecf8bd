"""Attention and transformers beside torch's in float64: outputs, weights, all gradients."""

import itertools

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")
LIBS = (mt, torch)


def copied(make):
    """The same layer of both libraries with the same random values."""
    layers = [make(lib).double() for lib in LIBS]
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    assert repr(layers[0]) == repr(layers[1])
    rng = np.random.default_rng(1)
    for name, value in layers[1].state_dict().items():
        numbers = rng.standard_normal(tuple(value.shape)) * 0.5
        for lib, layer in zip(LIBS, layers, strict=True):
            layer.load_state_dict({name: lib.tensor(numbers)}, strict=False)
    return layers


def compare(layers, call, case=""):
    """call(lib, layer, draw) gives (leaves, outputs)."""
    found = []
    for lib, layer in zip(LIBS, layers, strict=True):
        rng = np.random.default_rng(2)

        def draw(*shape, rng=rng, lib=lib):
            return lib.tensor(rng.standard_normal(shape)).requires_grad_()

        layer.zero_grad()
        leaves, outputs = call(lib, layer, draw)
        outputs = [each for each in outputs if each is not None]
        loss = sum((y * draw(*y.shape).detach()).sum() for y in outputs)
        loss.backward()
        leaves = [each for each in (*leaves, *layer.parameters()) if each.grad is not None]
        found.append([y.detach().numpy() for y in outputs] + [x.grad.numpy() for x in leaves])
    assert len(found[0]) == len(found[1]), case
    for mine, other in zip(*found, strict=True):
        assert mine.shape == other.shape, case
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-11, err_msg=str(case))


SETTINGS = [
    {},
    {"bias": False, "batch_first": True},
    {"kdim": 3, "vdim": 6},
    {"add_bias_kv": True, "add_zero_attn": True},
]
MASKS = ["", "causal", "numbers", "each head", "padding", "both"]


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_multihead_attention(options):
    layers = copied(lambda lib: lib.nn.MultiheadAttention(8, 2, **options))
    kdim, vdim = options.get("kdim", 8), options.get("vdim", 8)
    for mask, batch, average in itertools.product(MASKS, (3, None), (True, False)):
        if mask == "each head" and batch is None:
            continue

        def call(lib, layer, draw, mask=mask, batch=batch, average=average):
            def sequence(length, width):
                if batch is None:
                    return draw(length, width)
                shape = (batch, length) if layer.batch_first else (length, batch)
                return draw(*shape, width)

            q, k, v = sequence(4, 8), sequence(5, kdim), sequence(5, vdim)
            more = {}
            if mask in ("causal", "both"):
                more["attn_mask"] = lib.ones(4, 5).triu(2) > 0
            if mask == "numbers":
                more["attn_mask"] = draw(4, 5).detach()
            if mask == "each head":
                more["attn_mask"] = draw(6, 4, 5).detach()
            if mask in ("padding", "both"):
                padding = lib.tensor([[False, False, False, True, True]] * 3)
                more["key_padding_mask"] = padding if batch else padding[0]
            outputs = layer(q, k, v, average_attn_weights=average, **more)
            return (q, k, v), (*outputs, layer(q, k, v, need_weights=False, **more)[0])

        compare(layers, call, (options, mask, batch))


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"},
                                     {"bias": False, "batch_first": True}], ids=str)  # fmt: skip
def test_layers_of_a_transformer(options):
    """Without dropout, but in training: in evaluation torch computes in another way."""
    options = {"dim_feedforward": 6, "dropout": 0.0, **options}

    def encode(lib, layer, draw):
        x, mask = draw(4, 4, 8), lib.ones(4, 4).triu(1) > 0
        y = layer(x)
        return (x,), (y, layer(x, mask, is_causal=True), layer(x, src_key_padding_mask=mask))

    def decode(lib, layer, draw):
        x, memory, mask = draw(4, 4, 8), draw(4, 4, 8), lib.ones(4, 4).triu(1) > 0
        return (x, memory), (layer(x, memory), layer(x, memory, mask, None, None, mask))

    compare(copied(lambda lib: lib.nn.TransformerEncoderLayer(8, 2, **options)), encode, "encoder")
    compare(copied(lambda lib: lib.nn.TransformerDecoderLayer(8, 2, **options)), decode, "decoder")


def test_whole_transformers():
    def call(lib, model, draw):
        source, target = draw(3, 2, 8), draw(4, 2, 8)
        mask = model.generate_square_subsequent_mask(4, dtype=lib.float64)
        return (source, target), (model(source, target, tgt_mask=mask),)

    def make(lib):
        return lib.nn.Transformer(8, 2, 2, 1, dim_feedforward=5, dropout=0.0)

    compare(copied(make), call)
    with pytest.raises(RuntimeError, match="d_model"):
        make(mt)(mt.zeros(3, 2, 8), mt.zeros(3, 2, 7))
    one = mt.nn.TransformerEncoderLayer(4, 1, 4)
    encoder = mt.nn.TransformerEncoder(one, 2)
    assert encoder.layers[0].linear1.weight.equal(one.linear1.weight)
    assert encoder.layers[0].linear1.weight is not encoder.layers[1].linear1.weight


def test_dropout_is_of_the_weights():
    layer = mt.nn.MultiheadAttention(8, 2, dropout=1.0)
    x = mt.randn(4, 2, 8)
    y, weights = layer(x, x, x)
    assert weights.count_nonzero() == 0 and y.equal(layer.out_proj.bias.expand(4, 2, 8))
    layer.eval()
    np.testing.assert_allclose(layer(x, x, x)[1].detach().sum(-1).numpy(), 1, rtol=1e-5)


WRONG = [
    "MultiheadAttention(8, 3)",
    "MultiheadAttention(0, 1)",
    "MultiheadAttention(4, 2)(t(2, 1, 4), t(2, 1, 4), t(2, 1, 4), is_causal=True)",
    "MultiheadAttention(4, 2)(t(2, 1, 4), t(2, 1, 4), t(2, 1, 4), attn_mask=t(3, 3))",
    "MultiheadAttention(4, 2)(t(2, 1, 4), t(2, 1, 4), t(2, 1, 4), t(3, 3))",
    "MultiheadAttention(4, 2)(t(2, 1, 5), t(2, 1, 4), t(2, 1, 4))",
    "MultiheadAttention(4, 2)(t(2, 1, 4), t(3, 1, 4), t(2, 1, 4))",
    "MultiheadAttention(4, 2)(t(4), t(4), t(4))",
    "MultiheadAttention(4, 2)(t(2, 4), t(2, 1, 4), t(2, 4))",
    "MultiheadAttention(4, 2)(t(2, 4), t(2, 4), t(2, 4), t(1, 2))",
    "MultiheadAttention(4, 2)(t(2, 4), t(2, 4), t(2, 4), attn_mask=t(3, 2, 2))",
    "MultiheadAttention(4, 2)(t(2, 4), t(2, 4), t(2, 4), attn_mask=t(2))",
    "TransformerEncoderLayer(4, 2, activation='x')",
]


@pytest.mark.parametrize("call", WRONG)
def test_what_is_refused(call):
    kinds = []
    for lib in LIBS:
        with pytest.raises((RuntimeError, ValueError, AssertionError)) as error:
            eval(call, {**vars(lib.nn), "t": lib.zeros})
        kinds.append(error.type)
    assert kinds[0] is kinds[1]


def test_initial_values_have_torchs_size():
    layer = mt.nn.MultiheadAttention(30, 2, add_bias_kv=True)
    bound = np.sqrt(6 / (30 + 90))
    assert 0.98 * bound < layer.in_proj_weight.abs().max().item() <= bound
    assert layer.in_proj_bias.count_nonzero() == layer.out_proj.bias.count_nonzero() == 0
    assert layer.bias_k.shape == (1, 1, 30) and layer.bias_k.abs().max().item() > 0


def test_the_ways_to_compute_attention_have_names():
    SDPBackend, sdpa_kernel = mt.nn.attention.SDPBackend, mt.nn.attention.sdpa_kernel
    q = mt.randn(1, 2, 3, 4)
    attention = mt.nn.functional.scaled_dot_product_attention
    for chosen in (SDPBackend.MATH, [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]):
        with sdpa_kernel(chosen):
            assert attention(q, q, q).equal(attention(q, q, q))
    with pytest.raises(TypeError, match="SDPBackend or a list"), sdpa_kernel("math"):
        pass
    torch = pytest.importorskip("torch")
    import torch.nn.attention as theirs

    assert {each.name: each.value for each in SDPBackend} == {
        name: each.value for name, each in theirs.SDPBackend.__members__.items()
    }
    assert torch


def attention_by_arguments(lib, **options):
    """F.multi_head_attention_forward with keys that are given, masks and weights of each kind."""
    rng = np.random.default_rng(3)

    def draw(*shape):
        return lib.tensor(rng.standard_normal(shape)).requires_grad_()

    q, k, v, w, b = draw(4, 3, 8), draw(5, 3, 8), draw(5, 3, 8), draw(24, 8), draw(24)
    kind = options.pop("kind", "")
    if kind == "separate":
        weights = {f"{each}_proj_weight": draw(8, 8) for each in "qkv"}
        options |= {"use_separate_proj_weight": True, **weights}
    if kind == "static":
        options |= {"static_k": draw(6, 7, 4), "static_v": draw(6, 7, 4)}
    if kind == "blind":  # the first query of all, and the second picture, see nothing
        mask = lib.zeros(4, 5, dtype=lib.float64)
        mask[0] = -float("inf")
        padding = lib.tensor([[False] * 5, [True] * 5, [False] * 5])
        options |= {"attn_mask": mask, "key_padding_mask": padding, "need_weights": False}
    zeros = options.pop("zeros", False)
    y, weights = lib.nn.functional.multi_head_attention_forward(
        q, k, v, 8, 2, None if kind == "separate" else w, b, None, None, zeros, 0.0,
        draw(8, 8), draw(8), **options,
    )  # fmt: skip
    (y**2).sum().backward()
    return [each.detach().numpy() for each in (y, weights, q.grad) if each is not None]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"zeros": True, "average_attn_weights": False},
        {"kind": "separate", "training": False},
        {"kind": "static"},
        {"kind": "blind"},
    ],
    ids=str,
)
def test_attention_with_its_weights_as_arguments(options):
    ours, theirs = (attention_by_arguments(lib, **options) for lib in LIBS)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-11)
