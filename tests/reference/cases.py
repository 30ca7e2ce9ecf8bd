"""Small programs whose results torch computed once (make_reference.py) and we must reproduce.

A case is a function of `lib`, which is torch or minitorch_cnn, and of float64 tensors; the shapes
of these stand in the decorator. Stored are the inputs, the result, and the gradient of every input
for a random cotangent.
"""

from __future__ import annotations

from collections.abc import Callable

CASES: dict[str, tuple[Callable, list[tuple[int, ...]]]] = {}


def case(*shapes):
    def register(function):
        CASES[function.__name__] = (function, list(shapes))
        return function

    return register


def functional(lib):
    return lib.nn.functional


@case((2, 4, 7, 6), (6, 2, 3, 2), (6,))
def conv2d_strided_padded_dilated_grouped(lib, x, w, b):
    return functional(lib).conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)


@case((2, 3, 5, 5), (4, 3, 3, 3))
def conv2d_same_padding(lib, x, w):
    return functional(lib).conv2d(x, w, padding="same")


@case((1, 3, 6, 6), (3, 1, 3, 3))
def conv2d_depthwise(lib, x, w):
    return functional(lib).conv2d(x, w, padding=1, groups=3)


@case((2, 4, 3, 4), (4, 3, 3, 2), (6,))
def conv_transpose2d(lib, x, w, b):
    return functional(lib).conv_transpose2d(
        x, w, b, stride=2, padding=1, output_padding=(1, 0), groups=2, dilation=(1, 2)
    )


@case((2, 3, 7, 8))
def max_pool2d(lib, x):
    return functional(lib).max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True)


@case((2, 3, 7, 8))
def avg_pool2d(lib, x):
    return functional(lib).avg_pool2d(
        x, (3, 2), stride=2, padding=1, ceil_mode=True, count_include_pad=False
    )


@case((2, 3, 7, 5))
def adaptive_avg_pool2d(lib, x):
    return functional(lib).adaptive_avg_pool2d(x, (3, 2))


@case((2, 3, 7, 5))
def adaptive_max_pool2d(lib, x):
    return functional(lib).adaptive_max_pool2d(x, (3, 2))


@case((4, 3, 2, 2), (3,), (3,))
def batch_norm_training(lib, x, w, b):
    return functional(lib).batch_norm(x, None, None, w, b, training=True)


@case((2, 6, 3, 3), (6,), (6,))
def group_norm(lib, x, w, b):
    return functional(lib).group_norm(x, 3, w, b)


@case((2, 3, 4), (3, 4), (3, 4))
def layer_norm(lib, x, w, b):
    return functional(lib).layer_norm(x, (3, 4), w, b)


@case((2, 7, 3, 3))
def local_response_norm(lib, x):
    return functional(lib).local_response_norm(x, 5, alpha=0.1, beta=0.75, k=2.0)


@case((2, 3, 4, 5))
def interpolate_bilinear(lib, x):
    return functional(lib).interpolate(x, size=(7, 3), mode="bilinear", align_corners=False)


@case((2, 3, 4, 5))
def interpolate_nearest(lib, x):
    return functional(lib).interpolate(x, scale_factor=(1.5, 2), mode="nearest")


@case((2, 2, 4, 5))
def pad_reflect(lib, x):
    return functional(lib).pad(x, (1, 2, 3, 0), mode="reflect")


@case((3, 5), (5,))
def cross_entropy_smoothed_weighted(lib, x, w):
    target = lib.tensor([1, -100, 4])
    return functional(lib).cross_entropy(x, target, weight=w.detach().abs(), label_smoothing=0.1)


@case((3, 5), (3, 5))
def cross_entropy_of_probabilities(lib, x, t):
    return functional(lib).cross_entropy(x, t.softmax(1))


@case((4, 3), (4, 3))
def binary_cross_entropy_with_logits(lib, x, t):
    return functional(lib).binary_cross_entropy_with_logits(x, t.sigmoid())


@case((3, 4))
def gelu(lib, x):
    return functional(lib).gelu(x) + functional(lib).gelu(x, approximate="tanh")


@case((3, 4))
def activations(lib, x):
    f = functional(lib)
    return f.silu(x) + f.leaky_relu(x, 0.2) + f.elu(x) + f.softplus(x) + f.hardswish(x * 3)


@case((3, 4, 5))
def reductions(lib, x):
    return x.var(dim=1).sum() + x.std(dim=(0, 2)).prod() + x.logsumexp(2).mean() + x.amax(1).sum()


@case((3, 4), (4, 5), (2, 3, 4))
def matrix_products(lib, a, b, c):
    return (a @ b).sum() * (c @ b) + lib.einsum("ij,nik->nk", a, c).sum()


@case((4, 5))
def indexing(lib, x):
    rows = lib.tensor([0, 2, 2])
    return (
        x[rows, 1:4].sum(0) + x[x > 0].sum() + x.gather(1, lib.tensor([[0, 0, 3]] * 4)).prod(1)[:3]
    )


# From here on, a case holds several small operations; their results are laid one after another.


def joined(lib, *results):
    return lib.cat([each.reshape(-1) for each in results])


@case((2, 3), (2, 3), (3,))
def losses_of_two(lib, x, y, w):
    F = functional(lib)
    return joined(
        lib,
        F.mse_loss(x, y),
        F.l1_loss(x, y, reduction="none"),
        F.smooth_l1_loss(x, y, reduction="sum", beta=0.7),
        F.huber_loss(x, y, delta=0.4),
        F.kl_div(F.log_softmax(x, 1), F.softmax(y, 1), reduction="batchmean"),
        F.poisson_nll_loss(x, y.exp()),
        F.gaussian_nll_loss(x, y, w.exp().expand(2, 3)),
        F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), w.exp().detach()),
        F.cosine_similarity(x, y, dim=1),
        F.pairwise_distance(x, y),
    )


@case((3, 4), (3, 4), (3, 4))
def losses_with_margins(lib, x, y, z):
    F = functional(lib)
    labels, signs = lib.tensor([1, 0, 3]), lib.tensor([1.0, -1.0, 1.0], dtype=lib.float64)
    return joined(
        lib,
        F.nll_loss(F.log_softmax(x, 1), labels, y[0].exp().detach(), ignore_index=0),
        F.multi_margin_loss(x, labels, p=2, margin=0.8),
        F.triplet_margin_loss(x, y, z, margin=0.9, swap=True),
        F.margin_ranking_loss(x[:, 0], y[:, 0], signs, margin=0.3),
        F.hinge_embedding_loss(x[:, 1], signs, margin=0.6),
        F.cosine_embedding_loss(x, y, signs, margin=-0.2),
        F.soft_margin_loss(z[:, 2], signs),
        F.multilabel_soft_margin_loss(x, (y > 0).to(lib.float64), z[0]),
    )


@case((2, 4, 2), (1,))
def more_activations(lib, x, slope):
    F = functional(lib)
    names = ("hardswish", "softsign", "tanhshrink", "selu", "mish", "relu6")
    results = [getattr(F, name)(x) for name in names]
    results += [F.prelu(x, slope), F.glu(x, 1), F.celu(x, 0.5), F.hardtanh(x, -0.4, 0.7)]
    results += [F.softshrink(x, 0.3), F.threshold(x, 0.1, -2.0), F.softplus(x, 2.0, 3.0)]
    return joined(lib, *results, F.softmin(x, 2), F.leaky_relu(x, 0.2), F.gelu(x))


@case((2, 2, 6), (3, 2, 3), (2, 3, 2))
def one_dimension(lib, x, w, v):
    F = functional(lib)
    return joined(
        lib,
        F.conv1d(x, w, stride=2, padding=1),
        F.conv_transpose1d(x, v, stride=2, output_padding=1),
        F.max_pool1d(x, 3, 2, 1),
        F.avg_pool1d(x, 2),
        F.adaptive_avg_pool1d(x, 4),
        F.interpolate(x, size=4, mode="linear"),
        F.instance_norm(x),
        F.pad(x, (1, 2), mode="circular"),
    )


@case((1, 2, 3, 3, 3), (2, 2, 2, 2, 2))
def three_dimensions(lib, x, w):
    F = functional(lib)
    pooled = F.max_pool3d(x, 2, 1), F.avg_pool3d(x, 2, 1), F.adaptive_avg_pool3d(x, 2)
    return joined(lib, F.conv3d(x, w, padding=1), *pooled, F.interpolate(x, scale_factor=0.7))


@case((1, 4, 4, 4), (4,), (4,))
def images(lib, x, scale, shift):
    F = functional(lib)
    mean, variance = lib.zeros(4, dtype=lib.float64), 2 * lib.ones(4, dtype=lib.float64)
    return joined(
        lib,
        F.fold(F.unfold(x, 3, padding=1) ** 2, 4, 3, padding=1),
        F.pixel_shuffle(x, 2),
        F.batch_norm(x, mean, variance, scale, shift),
        F.interpolate(x, size=(5, 3), mode="bicubic"),
        F.pad(x, (1, 0, 2, 1), mode="replicate"),
        F.lp_pool2d(x.abs() + 1, 2, 2),
        F.normalize(x),
    )


@case((3, 4), (3, 4))
def elementwise(lib, x, y):
    positive = x.abs() + 0.5
    return joined(
        lib,
        x / positive,
        positive**y,
        lib.atan2(x, positive),
        lib.maximum(x, y),
        lib.where(x > y, x, y * 2),
        x.clamp(-0.5, 0.8),
        lib.hypot(x, y),
        lib.logaddexp(x, y),
        positive.log() + positive.rsqrt() + x.sin() * y.cos() + x.erf() + x.expm1(),
        lib.lerp(x, y, 0.3),
        lib.addcmul(x, y, positive, value=0.5),
        lib.tanh(x) - lib.sigmoid(y) + x.square(),
    )


@case((3, 4))
def more_reductions(lib, x):
    return joined(
        lib,
        x.var(1),
        x.std(0, correction=0),
        x.norm(dim=1),
        x.abs().sum(0).prod(),
        x.logsumexp(1),
        x.cumsum(1),
        x.cumprod(0),
        x.sort(1).values,
        x.topk(2, 1).values,
        x.median(1).values,
        x.amin((0, 1)),
        x.max(0).values,
        x.softmax(0),
    )


@case((3, 4), (4, 3))
def shapes_and_places(lib, x, y):
    places = lib.tensor([[0, 2, 1, 1], [3, 0, 0, 2]])
    return joined(
        lib,
        lib.cat([x, y.t()], 1).flip(0).roll(2, 1),
        x.gather(1, places),
        x.index_select(0, lib.tensor([2, 0, 2])),
        x.scatter_add(1, places, y[:2, :2].repeat(1, 2)),
        lib.stack([x, y.t()]).permute(1, 0, 2)[:, 1],
        lib.einsum("ij,jk->ik", x, y).tril().diagonal(1),
        x.masked_fill(x > 0.5, 0.1).unfold(1, 2, 1),
        functional(lib).embedding(lib.tensor([2, 0, 2]), x),
        functional(lib).linear(x, y.t(), x[:, 0]),
    )
