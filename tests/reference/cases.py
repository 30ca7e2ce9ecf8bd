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
