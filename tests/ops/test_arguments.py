"""Which arguments are accepted: each expression with each kind of value, here and in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

# V stands for the value that is tried; T is torch or minitorch_cnn.
EXPRESSIONS = """
F.conv2d(x, w, stride=V)
F.conv2d(x, w, padding=V)
F.conv2d(x, w, dilation=V)
F.conv2d(x, w, groups=V)
F.conv2d(V, w)
F.conv2d(x, V)
F.conv2d(x, w, V)
F.conv1d(x[0], w[0], stride=V)
F.conv_transpose2d(x, w, stride=V)
F.conv_transpose2d(x, w, groups=V)
F.max_pool2d(x, V)
F.max_pool2d(x, 2, V)
F.max_pool2d(x, 2, 2, V)
F.max_pool2d(x, 2, dilation=V)
F.max_pool2d(x, 2, ceil_mode=V)
F.max_pool2d(V, 2)
F.max_pool1d(x[0], V)
F.avg_pool2d(x, V)
F.avg_pool2d(x, 2, V)
F.avg_pool2d(x, 2, 2, V)
F.avg_pool2d(x, 2, ceil_mode=V)
F.avg_pool2d(x, 2, count_include_pad=V)
F.avg_pool2d(x, 2, divisor_override=V)
F.avg_pool1d(x[0], V)
F.adaptive_avg_pool2d(x, V)
F.adaptive_max_pool2d(x, V)
F.lp_pool2d(x, V, 2)
F.unfold(x, V)
F.unfold(x, 2, dilation=V)
F.pad(x, (V, 1))
F.pad(x, V)
F.pad(x, (1, 1), V)
F.interpolate(x, V)
F.interpolate(x, scale_factor=V)
F.interpolate(x, 4, mode=V)
F.dropout(x, V)
F.dropout(x, 0.5, V)
F.dropout2d(x, V)
F.alpha_dropout(x, V)
F.batch_norm(x, m, m, eps=V)
F.batch_norm(x, m, m, momentum=V, training=True)
F.batch_norm(V, m, m)
F.batch_norm(x, m, m, V)
F.layer_norm(x, V)
F.layer_norm(x, (4,), eps=V)
F.group_norm(x, V)
F.group_norm(x, 3, eps=V)
F.instance_norm(x, eps=V)
F.local_response_norm(x, V)
F.normalize(x, V)
F.normalize(x, dim=V)
F.leaky_relu(x, V)
F.elu(x, V)
F.celu(x, V)
F.hardtanh(x, V, 3)
F.threshold(x, V, 1.0)
F.softplus(x, V)
F.gelu(x, approximate=V)
F.relu(V)
F.linear(V, w)
F.linear(x, V)
F.softmax(x, V)
F.log_softmax(x, dim=V)
F.gumbel_softmax(x, V)
F.glu(x, V)
F.one_hot(i, V)
F.embedding(i, x[0, 0], V)
F.cross_entropy(s, i, ignore_index=V)
F.cross_entropy(s, i, label_smoothing=V)
F.cross_entropy(s, i, reduction=V)
F.cross_entropy(s, i, weight=V)
F.cross_entropy(V, i)
F.cross_entropy(s, V)
F.nll_loss(s, i, ignore_index=V)
F.nll_loss(V, i)
F.mse_loss(s, V)
F.mse_loss(s, s, reduction=V)
F.l1_loss(V, s)
F.smooth_l1_loss(s, s, beta=V)
F.huber_loss(s, s, delta=V)
F.binary_cross_entropy(s * 0, V)
F.binary_cross_entropy_with_logits(s, s, pos_weight=V)
F.kl_div(s, s, log_target=V)
F.margin_ranking_loss(s, s, s, margin=V)
F.pixel_shuffle(w4, V)
F.channel_shuffle(w4, V)
F.cosine_similarity(s, s, dim=V)
F.pairwise_distance(s, s, p=V)
x.sum(V)
x.sum(1, keepdim=V)
x.mean(V)
x.mean(1, V)
x.var(V)
x.var(1, unbiased=V)
x.std(1, correction=V)
x.prod(V)
x.amax(V)
x.max(V)
x.argmax(V)
x.argmax(1, V)
x.all(V)
x.norm(V)
x.norm(2, V)
x.cumsum(V)
x.logsumexp(V)
x.median(V)
x.softmax(V)
x.sort(V)
x.sort(1, V)
x.argsort(V)
x.topk(V)
x.topk(1, V)
x.topk(1, 1, V)
x.kthvalue(V)
x.unbind(V)
x.reshape(V, -1)
x.reshape(V)
m.view(V)
x.permute(V, 0, 2, 3)
x.transpose(V, 0)
x.unsqueeze(V)
x.squeeze(V)
x.flatten(V)
x.unflatten(V, (-1, 1))
x.chunk(V)
x.chunk(2, V)
x.split(V)
x.split(1, V)
x.narrow(V, 0, 1)
x.narrow(0, V, 1)
x.select(0, V)
x.index_select(V, z)
x.index_select(0, V)
x.gather(V, z4)
x.roll(V)
x.roll(1, V)
x.flip(V)
x.tril(V)
x.diagonal(V)
m.diag(V)
x.expand(V, 3, 4, 4)
x.repeat(V, 1, 1, 1)
x.repeat_interleave(V)
x.tile(V)
x.movedim(V, 0)
x.unfold(V, 1, 1)
x.unfold(1, V, 1)
x.masked_fill(x > 0, V)
x.masked_fill(V, 0.0)
x.clamp(V)
x.clamp(0, V)
x.pow(V)
x.add(V)
x.add(x, alpha=V)
x.mul(V)
x.lerp(x, V)
x.where(V, x)
x.fill_(V)
x.new_zeros(V)
x.new_full((2,), V)
x.requires_grad_(V)
x.to(V)
T.zeros(V)
T.zeros(2, V)
T.zeros((2, V))
T.ones(V)
T.empty(V)
T.full((2,), V)
T.full(V, 1.0)
T.rand(V)
T.randn(V)
T.randint(V, (2,))
T.randint(3, V)
T.randperm(V)
T.eye(V)
T.eye(2, V)
T.arange(V)
T.arange(0, 3, V)
T.linspace(0, 1, V)
T.linspace(V, 1, 3)
T.logspace(0, 1, V)
T.zeros(2, requires_grad=V)
T.zeros_like(V)
T.cat([x, x], V)
T.cat(V)
T.cat([x, V])
T.stack([x, x], V)
T.stack(V)
T.relu(V)
T.exp(V)
T.sum(V)
T.where(V, x, x)
T.maximum(x, V)
T.matmul(x, V)
T.bernoulli(x, V)
T.multinomial(m, V)
T.normal(0.0, V, (2,))
T.cdist(s, s, V)
T.flatten(V)
T.reshape(V, (1,))
T.nn.Conv2d(V, 3, 1)
T.nn.Conv2d(3, V, 1)
T.nn.Conv2d(3, 3, V)(x)
T.nn.Conv2d(3, 3, 1, V)(x)
T.nn.Conv2d(3, 3, 1, 1, V)(x)
T.nn.Conv2d(3, 3, 1)(V)
T.nn.ConvTranspose2d(3, 3, V)(x)
T.nn.Linear(V, 1)
T.nn.Linear(4, V)
T.nn.Linear(4, 2)(V)
T.nn.MaxPool2d(V)(x)
T.nn.AvgPool2d(V)(x)
T.nn.AdaptiveAvgPool2d(V)(x)
T.nn.ZeroPad2d(V)(x)
T.nn.ReflectionPad2d(V)(x)
T.nn.BatchNorm2d(V)
T.nn.BatchNorm2d(3, eps=V)(x)
T.nn.BatchNorm2d(3, momentum=V)(x)
T.nn.BatchNorm2d(3)(V)
T.nn.LayerNorm(V)(x)
T.nn.GroupNorm(V, 3)(x)
T.nn.InstanceNorm2d(3, eps=V)(x)
T.nn.Dropout(V)(x)
T.nn.Embedding(V, 2)
T.nn.Embedding(3, V)
T.nn.Upsample(V)(x)
T.nn.Flatten(V)(x)
T.nn.Softmax(V)(x)
T.nn.ReLU()(V)
T.nn.LeakyReLU(V)(x)
T.nn.CrossEntropyLoss(ignore_index=V)(s, i)
T.nn.CrossEntropyLoss(label_smoothing=V)(s, i)
T.nn.CrossEntropyLoss()(s, V)
T.nn.CrossEntropyLoss()(V, i)
T.nn.MSELoss()(V, s)
T.nn.Unfold(V)(x)
T.nn.PixelShuffle(V)(w4)
T.nn.init.uniform_(x, V, 5)
T.nn.init.normal_(x, 0.0, V)
T.nn.init.constant_(x, V)
T.nn.init.kaiming_uniform_(x, V)
T.optim.SGD([m], lr=V)
T.optim.SGD([m], lr=0.1, momentum=V)
T.optim.SGD([m], lr=0.1, weight_decay=V)
T.optim.Adam([m], lr=V)
T.optim.Adam([m], betas=V)
T.optim.Adam([m], betas=(V, 0.9))
T.optim.Adam([m], eps=V)
T.optim.AdamW([m], weight_decay=V)
T.optim.RMSprop([m], alpha=V)
T.optim.lr_scheduler.StepLR(T.optim.SGD([m], lr=0.1), V)
T.optim.lr_scheduler.StepLR(T.optim.SGD([m], lr=0.1), 1, V)
T.optim.lr_scheduler.ExponentialLR(T.optim.SGD([m], lr=0.1), V)
T.optim.lr_scheduler.CosineAnnealingLR(T.optim.SGD([m], lr=0.1), V)
T.optim.lr_scheduler.MultiStepLR(T.optim.SGD([m], lr=0.1), V)
""".strip().splitlines()

VALUES: dict[str, Any] = {
    "int": 1, "int64": np.int64(1), "int32": np.int32(1), "bool": True, "float": 1.0,
    "numpy float": np.float64(1.0), "nan": float("nan"), "inf": float("inf"), "str": "1",
    "bytes": b"1", "None": None, "empty": [], "list": [1], "bools": [True], "floats": [1.0],
    "ints": (np.int64(1), 1), "long": (1,) * 9, "negative": -1, "zero": 0, "huge": 10**30,
    "half": 0.5, "dict": {}, "object": object(), "array": np.ones((2, 2), np.float32),
    "numpy bool": np.bool_(True),
    "0-d": "t(1)", "0-d float": "t(1.0)", "1 element": "t([1])", "in a list": "[t(1)]",
}  # fmt: skip

# What differs, with the reason: of one expression, or with one value.
SIZES = "torch takes a bool as a length here, by accident of its argument parser"
CASES = {
    "huge": "a number of any size is a float here",
    "1 element": "torch takes such a tensor for a size, but not for a dim: here it is an int",
}
EXPECTED = {
    "F.adaptive_avg_pool2d(x, V)": "NumPy integers are ints here",
    "F.adaptive_max_pool2d(x, V)": "NumPy integers are ints here",
    "T.nn.AdaptiveAvgPool2d(V)(x)": "NumPy integers are ints here",
    "F.unfold(x, V)": "one int in a list is for both axes, as in the poolings",
    "F.unfold(x, 2, dilation=V)": "one int in a list is for both axes, as in the poolings",
    "T.nn.Unfold(V)(x)": "one int in a list is for both axes, as in the poolings",
    "F.interpolate(x, scale_factor=V)": "0-d tensors are numbers here",
    "F.batch_norm(x, m, m, eps=V)": "in evaluation the variance decides what can be divided by",
    "F.normalize(x, V)": "p=None and several dims are torch.linalg's, not taken here",
    "F.normalize(x, dim=V)": "p=None and several dims are torch.linalg's, not taken here",
    "x.norm(V)": "p=None means 2 in torch: it is 2 or left out here",
    "F.cross_entropy(s, i, label_smoothing=V)": "outside [0, 1] has no meaning",
    "T.nn.CrossEntropyLoss(label_smoothing=V)(s, i)": "outside [0, 1] has no meaning",
    "x.prod(V)": "None is no dimension named: all of them",
    "x.max(V)": "None is no dimension named: all of them",
    "x.median(V)": "None is no dimension named: all of them",
    "x.logsumexp(V)": "None is no dimension named: all of them",
    "x.squeeze(V)": "None is no dimension named: all of them",
    "x.split(V)": "NumPy integers are ints here, float tensors are none",
    "x.repeat_interleave(V)": "a floating 0-d tensor that holds a whole number",
    "x.movedim(V, 0)": "one axis in a list is one axis",
    "x.add(x, alpha=V)": "True is 1",
    "x.to(V)": "torch reads numbers as device indices",
    "T.zeros(2, V)": SIZES,
    "T.zeros((2, V))": SIZES,
    "T.nn.Conv2d(3, 3, V)(x)": SIZES,
    "T.nn.ConvTranspose2d(3, 3, V)(x)": SIZES,
    "T.nn.Linear(V, 1)": SIZES,
    "T.nn.Embedding(3, V)": SIZES,
    "T.full(V, 1.0)": "one length is a size, as for zeros",
    "T.eye(2, V)": "m=None is the default",
    "T.arange(0, 3, V)": "an infinite step has no second element",
    "T.zeros(2, requires_grad=V)": "requires_grad is True or False",
    "T.bernoulli(x, V)": "p=None is the default",
    "T.normal(0.0, V, (2,))": "a scale that is a tensor comes with its own shape in torch",
    "T.cdist(s, s, V)": "NaN spreads to the result",
    "T.nn.BatchNorm2d(3, eps=V)(x)": "NaN is not above 0",
    "T.nn.ZeroPad2d(V)(x)": "as many numbers as there are sides",
    "T.nn.init.uniform_(x, V, 5)": "0-d tensors are numbers here",
    "T.optim.SGD([m], lr=V)": "NaN would destroy the weights; tensors are refused in words",
    "T.optim.SGD([m], lr=0.1, momentum=V)": "as lr",
    "T.optim.SGD([m], lr=0.1, weight_decay=V)": "as lr",
    "T.optim.Adam([m], lr=V)": "as lr",
    "T.optim.Adam([m], eps=V)": "as lr",
    "T.optim.AdamW([m], weight_decay=V)": "as lr",
    "T.optim.RMSprop([m], alpha=V)": "as lr",
    "T.optim.Adam([m], betas=(V, 0.9))": "torch wants two floats, and 0 is an int",
}


def outcome(library: Any, expression: str, value: Any) -> str:
    """ "accepted", or the name of the exception's type."""
    tensor = library.tensor
    names = {
        "T": library, "F": library.nn.functional, "V": value,
        "x": library.ones(2, 3, 4, 4), "w": library.ones(3, 3, 3, 4), "m": library.ones(3),
        "w4": library.ones(1, 4, 2, 2), "s": library.ones(2, 3), "i": tensor([0, 1]),
        "z": tensor([0]), "z4": tensor([[[[0]]]]), "t": tensor,
    }  # fmt: skip
    if isinstance(value, str) and "t(" in value:
        names["V"] = eval(value, {"t": tensor})
    if not expression.startswith("F.conv") or "conv1d" in expression:
        names["w"] = library.ones(3, 4)
        if "conv1d" in expression:
            names["w"] = library.ones(1, 3, 3, 2)
    elif "groups" in expression:
        names["w"] = library.ones(3, 3, 1, 1)
    try:
        eval(expression, names)
    except Exception as error:
        return type(error).__name__
    return "accepted"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_same_is_accepted(expression: str) -> None:
    differ = []
    for name, value in VALUES.items():
        theirs, ours = outcome(torch, expression, value), outcome(mt, expression, value)
        same = (theirs == "accepted") == (ours == "accepted") and ours != "AttributeError"
        if not same and name not in CASES and (expression not in EXPECTED):
            differ.append(f"{name}: torch {theirs}, here {ours}")
    assert not differ, "\n".join(differ)
