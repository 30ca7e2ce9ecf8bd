"""Every differentiable operation against torch: values, gradients, double gradients, layouts.

One table. A case says how to call the operation, the same way for both libraries, and the shapes
(and the range) of its inputs; the harness in torch_oracle.py does the rest.
"""

import functools
import zlib

import numpy as np
import pytest
from torch_oracle import LAYOUTS, as_list, compare_with_torch, lay_out

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

torch = pytest.importorskip("torch")

INDEX = np.array([[0, 2, 1, 2], [1, 0, 0, 0]])


def index_for(lib, array=INDEX):
    return lib.tensor(array)


def case(name, call, *shapes, low=-2.0, high=2.0):
    return pytest.param(call, shapes, low, high, id=name)


M = (3, 4)
A, B = (2, 3, 4), (2, 3, 4)

SMOOTH = ["exp", "exp2", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "sigmoid"]
SMOOTH += ["erf"]

ELEMENTWISE = [
    case("add", lambda lib, a, b: a + b, A, (3, 1)),
    case("add_alpha", lambda lib, a, b: lib.add(a, b, alpha=3), A, (4,)),
    case("sub", lambda lib, a, b: a - b, (3, 1), A),
    case("rsub", lambda lib, a: 2 - a, A),
    case("mul", lambda lib, a, b: a * b, A, (1, 4)),
    case("mul_number", lambda lib, a: 2.5 * a, A),
    case("div", lambda lib, a, b: a / b, A, (3, 1), low=0.5),
    case("rdiv", lambda lib, a: 1 / a, A, low=0.5),
    case("pow", lambda lib, a, b: a**b, A, (4,), low=0.3),
    case("pow_2", lambda lib, a: a**2, A),
    case("pow_3", lambda lib, a: a**3.0, A),
    case("pow_half", lambda lib, a: a**0.5, A, low=0.3),
    case("pow_0", lambda lib, a: a**0 * a, A),
    case("number_pow", lambda lib, a: 2.0**a, A),
    case("neg", lambda lib, a: -a, A),
    case("maximum", lambda lib, a, b: lib.maximum(a, b), A, (3, 4)),
    case("minimum", lambda lib, a, b: lib.minimum(a, b), A, (3, 4)),
    case("where", lambda lib, a, b: lib.where(a > b, a * a, b), A, (4,)),
    case("clamp", lambda lib, a: lib.clamp(a, -1, 0.5), A),
    case("clamp_min", lambda lib, a: a.clamp(min=0.1), A),
    case("clamp_tensor", lambda lib, a, b: a.clamp(max=b), A, (4,)),
    case("lerp", lambda lib, a, b: lib.lerp(a, b, 0.3), A, A),
    case("addcmul", lambda lib, a, b, c: lib.addcmul(a, b, c, value=2), M, M, (4,)),
    case("addcdiv", lambda lib, a, b, c: lib.addcdiv(a, b, c, value=2), M, M, M, low=0.5),
    case("atan2", lambda lib, a, b: lib.atan2(a, b), A, (4,), low=0.3),
    case("remainder", lambda lib, a: a % 0.7, A),
    case("fmod", lambda lib, a: lib.fmod(a, 0.7), A),
    case("floor", lambda lib, a: a * a.floor(), A),
    case("frac", lambda lib, a: a.frac(), A),
    case("round", lambda lib, a: a * lib.round(a, decimals=1), A),
    case("abs", lambda lib, a: a.abs() * a, A),
    case("sign", lambda lib, a: a.sign() * a, A),
    case("square", lambda lib, a: a.square(), A),
    *(case(name, lambda lib, a, name=name: getattr(lib, name)(a), A) for name in SMOOTH),
    *(
        case(name, lambda lib, a, name=name: getattr(a, name)(), A, low=0.3)
        for name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"]
    ),
    *(
        case(name, lambda lib, a, name=name: getattr(lib, name)(a), A, low=-0.9, high=0.9)
        for name in ["asin", "acos"]
    ),
    case("nan_to_num", lambda lib, a: lib.nan_to_num(a * a), A),
]

REDUCTIONS = [
    case("sum", lambda lib, x: x.sum() ** 2, A),
    case("sum_dim", lambda lib, x: lib.sum(x, (0, -1)) ** 2, A),
    case("sum_keepdim", lambda lib, x: x.sum(1, keepdim=True) ** 2, A),
    case("mean", lambda lib, x: x.mean() ** 2, A),
    case("mean_dim", lambda lib, x: x.mean((1, 2), keepdim=True) ** 2, A),
    case("var", lambda lib, x: x.var(), A),
    case("var_dim", lambda lib, x: x.var((0, 2), correction=0), A),
    case("std", lambda lib, x: x.std(1), A),
    case("std_keepdim", lambda lib, x: lib.std(x, dim=-1, keepdim=True), A),
    case("var_mean", lambda lib, x: lib.var_mean(x, dim=1), A),
    case("std_mean", lambda lib, x: lib.std_mean(x, dim=(0, 1)), A),
    case("prod", lambda lib, x: x.prod(), (5,)),
    case("prod_dim", lambda lib, x: x.prod(1, keepdim=True), A),
    case("prod_zero", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 0.0])).prod(0), A),
    case("prod_zeros", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 1.0])).prod(-1), A),
    case("max", lambda lib, x: x.max() ** 2, A),
    case("max_dim", lambda lib, x: x.max(1)[0] ** 2, A),
    case("min_dim", lambda lib, x: tuple(lib.min(x, -1, keepdim=True)), A),
    case("amax", lambda lib, x: x.amax((0, 2)) ** 2, A),
    case("amin", lambda lib, x: x.amin(1, keepdim=True) ** 2, A),
    case("aminmax", lambda lib, x: tuple(lib.aminmax(x, dim=1)), A),
    case("median", lambda lib, x: tuple(lib.median(x, 1)), A),
    case("median_all", lambda lib, x: x.median(), (4, 5)),
    case("argmax", lambda lib, x: x.argmax(), A),
    case("argmin_dim", lambda lib, x: x.argmin(2, keepdim=True), A),
    case("cumsum", lambda lib, x: x.cumsum(1) ** 2, A),
    case("cumprod", lambda lib, x: x.cumprod(-1), A),
    case("cumprod_zero", lambda lib, x: (x * lib.tensor([1.0, 0.0, 1.0, 0.0])).cumprod(-1), A),
    case("norm", lambda lib, x: x.norm(), A),
    case("norm_dim", lambda lib, x: x.norm(2, 1, True), A),
    case("norm_1", lambda lib, x: x.norm(1, -1) ** 2, A),
    case("norm_3", lambda lib, x: x.norm(3, (0, 1)), A),
    case("norm_inf", lambda lib, x: x.norm(float("inf"), 1) ** 2, A),
    case("softmax", lambda lib, x: x.softmax(1), A),
    case("log_softmax", lambda lib, x: x.log_softmax(-1), A),
    case("logsumexp", lambda lib, x: lib.logsumexp(x, 1), A),
    case("logsumexp_dims", lambda lib, x: lib.logsumexp(x, (0, 2), keepdim=True), A),
    case("nansum", lambda lib, x: x.nansum(0) ** 2, A),
]

SHAPES = [
    case("reshape", lambda lib, x: x.reshape(6, -1) ** 2, A),
    case("view_as", lambda lib, x: x.reshape(4, 6).view_as(x.reshape(8, 3)) ** 2, A),
    case("flatten", lambda lib, x: x.flatten(1) ** 2, A),
    case("unflatten", lambda lib, x: x.unflatten(-1, (2, -1)) ** 2, A),
    case("squeeze", lambda lib, x: x.squeeze() ** 2, (1, 3, 1, 2)),
    case("squeeze_dim", lambda lib, x: x.squeeze(0).squeeze(-1) ** 2, (1, 3, 1, 2)),
    case("unsqueeze", lambda lib, x: x.unsqueeze(-2) ** 2, A),
    case("permute", lambda lib, x: x.permute(2, 0, 1) ** 2, A),
    case("transpose", lambda lib, x: x.transpose(0, -1) ** 2, A),
    case("t", lambda lib, x: x.t() ** 2, M),
    case("T", lambda lib, x: x.T**2, M),
    case("mT", lambda lib, x: x.mT**2, A),
    case("movedim", lambda lib, x: lib.movedim(x, (0, 1), (-1, 0)) ** 2, A),
    case("expand", lambda lib, x: x.expand(2, -1, 5, 4) ** 2, (3, 1, 4)),
    case("repeat", lambda lib, x: x.repeat(2, 1, 3) ** 2, M),
    case("tile", lambda lib, x: lib.tile(x, (2,)) ** 2, M),
    case("flip", lambda lib, x: x.flip(0, 2) ** 2, A),
    case("roll", lambda lib, x: x.roll((1, -2), (0, 2)) ** 2, A),
    case("roll_all", lambda lib, x: x.roll(5) ** 2, A),
    case("narrow", lambda lib, x: x.narrow(1, 1, 2) ** 2, A),
    case("select", lambda lib, x: x.select(-1, 2) ** 2, A),
    case("unbind", lambda lib, x: x.unbind(1), A),
    case("diagonal", lambda lib, x: x.diagonal(1, 0, 2) ** 2, A),
    case("diagonal_below", lambda lib, x: x.diagonal(-1, 1, 2) ** 2, A),
    case("diag_vector", lambda lib, x: lib.diag(x, 1) ** 2, (3,)),
    case("diag_matrix", lambda lib, x: lib.diag(x, -1) ** 2, M),
    case("unfold", lambda lib, x: x.unfold(1, 3, 2) ** 2, (2, 7, 2)),
    case("cat", lambda lib, a, b: lib.cat([a, b], 1) ** 2, A, (2, 1, 4)),
    case("cat_twice", lambda lib, a: lib.cat([a, a * 2], -1) ** 2, A),
    case("stack", lambda lib, a, b: lib.stack((a, b), -1) ** 2, M, M),
    case("hstack", lambda lib, a, b: lib.hstack((a, b)) ** 2, M, (3, 1)),
    case("vstack", lambda lib, a, b: lib.vstack((a, b)) ** 2, (4,), M),
    case("split", lambda lib, x: x.split(2, -1), (3, 5)),
    case("split_sizes", lambda lib, x: lib.split(x, [1, 0, 4], 1), (3, 5)),
    case("chunk", lambda lib, x: x.chunk(3, 1), (2, 7)),
    case("tensor_split", lambda lib, x: x.tensor_split(3, 1), (2, 7)),
    case("tensor_split_at", lambda lib, x: x.tensor_split([1, 4, 9]), (7, 2)),
    case("repeat_interleave", lambda lib, x: x.repeat_interleave(2, 1) ** 2, M),
    case(
        "repeat_interleave_counts",
        lambda lib, x: lib.repeat_interleave(x, lib.tensor([2, 0, 1]), dim=0) ** 2,
        M,
    ),
    case("tril", lambda lib, x: x.tril(1) ** 2, A),
    case("triu", lambda lib, x: lib.triu(x, -1) ** 2, A),
    case("meshgrid", lambda lib, a, b: lib.meshgrid(a, b, indexing="xy"), (3,), (2,)),
    case("clone", lambda lib, x: x.clone() ** 2, A),
    case("contiguous", lambda lib, x: x.permute(1, 2, 0).contiguous() ** 2, A),
    case("to", lambda lib, x: x.to(lib.float64) ** 2, A),
]

INDEXING = [
    case("int", lambda lib, x: x[1] ** 2, A),
    case("negative", lambda lib, x: x[..., -2] ** 2, A),
    case("slice", lambda lib, x: x[:, 1:, ::2] ** 2, A),
    case("none", lambda lib, x: x[None, :, 0, None] ** 2, A),
    case("mask", lambda lib, x: x[x > 0] ** 2, A),
    case("mask_of_rows", lambda lib, x: x[:, lib.tensor([True, False, True])] ** 2, A),
    case("index", lambda lib, x: x[index_for(lib) % 2] ** 2, A),
    case("index_repeated", lambda lib, x: x[:, [0, 0, 2, 0]] ** 2, A),
    case("index_pair", lambda lib, x: x[[0, 1, 1], :, [3, 3, 0]] ** 2, A),
    case("int_and_index", lambda lib, x: x[0, :, [1, 2, 1]] ** 2, A),
    case("index_between", lambda lib, x: x[None, [1, 0], ..., 1:3] ** 2, A),
    case("mask_and_int", lambda lib, x: x[1, x[1, :, 0] > -9, 2] ** 2, A),
    case("gather", lambda lib, x: x.gather(0, index_for(lib) % 3) ** 2, M),
    case("gather_1", lambda lib, x: x.gather(1, index_for(lib)) ** 2, M),
    case("take", lambda lib, x: lib.take(x, index_for(lib)) ** 2, M),
    case(
        "take_along_dim",
        lambda lib, x: lib.take_along_dim(x, x.argsort(1), 1) ** 2,
        M,
    ),
    case("index_select", lambda lib, x: x.index_select(1, lib.tensor([2, 0, 2])) ** 2, A),
    case(
        "index_add",
        lambda lib, x, y: x.index_add(1, lib.tensor([2, 0, 2]), y, alpha=2) ** 2,
        A,
        A,
    ),
    case("scatter", lambda lib, x, y: x.scatter(1, index_for(lib)[:, :2], y) ** 2, M, (2, 2)),
    case("scatter_number", lambda lib, x: x.scatter(0, index_for(lib) % 3, 2.0) ** 2, M),
    case("scatter_add", lambda lib, x, y: x.scatter_add(1, index_for(lib), y) ** 2, M, (2, 4)),
    case(
        "index_put",
        lambda lib, x, y: x.index_put((lib.tensor([2, 0]), lib.tensor([1, 1])), y) ** 2,
        M,
        (2,),
    ),
    case(
        "index_put_add",
        lambda lib, x, y: x.index_put((lib.tensor([2, 2]),), y, accumulate=True) ** 2,
        M,
        (4,),
    ),
    case("masked_fill", lambda lib, x: x.masked_fill(x > 0.5, 3) ** 2, A),
    case("masked_fill_value", lambda lib, x, y: x.masked_fill(x > 0.5, y) ** 2, A, ()),
    case("masked_select", lambda lib, x: x.masked_select(lib.tensor([True, False, True, True])), A),
    case("sort", lambda lib, x: tuple(x.sort(1)), A),
    case("sort_descending", lambda lib, x: tuple(lib.sort(x, 0, descending=True)), A),
    case("argsort", lambda lib, x: x.argsort(-1, descending=True), A),
    case("topk", lambda lib, x: tuple(x.topk(2, 1)), A),
    case("topk_smallest", lambda lib, x: tuple(lib.topk(x, 3, largest=False)), A),
    case("msort", lambda lib, x: lib.msort(x) ** 2, A),
]

PRODUCTS = [
    case("matmul_22", lambda lib, a, b: a @ b, M, (4, 2)),
    case("matmul_12", lambda lib, a, b: a @ b, (4,), (4, 2)),
    case("matmul_21", lambda lib, a, b: a @ b, M, (4,)),
    case("matmul_11", lambda lib, a, b: a @ b, (4,), (4,)),
    case("matmul_32", lambda lib, a, b: lib.matmul(a, b), A, (4, 2)),
    case("matmul_31", lambda lib, a, b: lib.matmul(a, b), A, (4,)),
    case("matmul_13", lambda lib, a, b: lib.matmul(a, b), (3,), A),
    case("matmul_23", lambda lib, a, b: lib.matmul(a, b), (5, 3), A),
    case("matmul_batches", lambda lib, a, b: a @ b, (2, 1, 3, 4), (5, 4, 2)),
    case("mm", lambda lib, a, b: lib.mm(a, b.t()), M, M),
    case("bmm", lambda lib, a, b: a.bmm(b.mT), A, A),
    case("mv", lambda lib, a, b: a.mv(b), M, (4,)),
    case("dot", lambda lib, a, b: lib.dot(a, b), (4,), (4,)),
    case("outer", lambda lib, a, b: lib.outer(a, b), (4,), (3,)),
    case("addmm", lambda lib, c, a, b: lib.addmm(c, a, b, beta=2, alpha=3), (2,), M, (4, 2)),
    case("addmv", lambda lib, c, a, b: lib.addmv(c, a, b, beta=0.5), (3,), M, (4,)),
    case("baddbmm", lambda lib, c, a, b: c.baddbmm(a, b.mT), (2, 3, 3), A, A),
    case("trace", lambda lib, a: a.trace() ** 2, (3, 3)),
    case("tensordot", lambda lib, a, b: lib.tensordot(a, b, 2), A, (3, 4, 2)),
    case(
        "tensordot_dims",
        lambda lib, a, b: lib.tensordot(a, b, dims=([2, 0], [0, 1])),
        A,
        (4, 2, 3),
    ),
    *(
        case(f"einsum {equation}", lambda lib, *x, e=equation: lib.einsum(e, *x), *shapes)
        for equation, *shapes in [
            ("ij->ji", M),
            ("ij->", M),
            ("ij->j", M),
            ("ii->i", (3, 3)),
            ("ii", (3, 3)),
            ("iji->j", (3, 2, 3)),
            ("ij,jk", M, (4, 2)),
            ("i,j->ij", (3,), (4,)),
            ("bij,bjk->bik", A, (2, 4, 5)),
            ("bij,bkj->bik", A, A),
            ("ij,ij->", M, M),
            ("ij,k->i", M, (2,)),
            ("nchw,kc->nkhw", (2, 3, 2, 2), (4, 3)),
            ("ij,jk,kl->il", M, (4, 2), (2, 3)),
            ("ij,i,j->", M, (3,), (4,)),
            ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
            ("...i,i->...", A, (4,)),
            ("b...->...b", A),
            ("ij,ij->ij", (3, 1), (1, 4)),
            ("ij,jk->ik", (3, 1), (4, 2)),
        ]
    ),
]

EVERY = ELEMENTWISE + REDUCTIONS + SHAPES + INDEXING + PRODUCTS


def inputs(call_id, shapes, low, high):
    rng = np.random.default_rng(zlib.crc32(call_id.encode()))
    return [np.asarray(rng.uniform(low, high, shape)) for shape in shapes]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call, shapes, low, high", EVERY)
def test_same_as_torch(request, call, shapes, low, high, layout):
    arrays = inputs(request.node.callspec.id, shapes, low, high)
    compare_with_torch(call, [lay_out(each, layout) for each in arrays])


@pytest.mark.parametrize("call, shapes, low, high", EVERY)
def test_float32_stays(call, shapes, low, high):
    """Results have torch's dtype, and its values to single precision."""
    arrays = [each.astype(np.float32) for each in inputs("float32", shapes, low, high)]
    mt_result = call(mt, *(mt.tensor(each) for each in arrays))
    torch_result = call(torch, *(torch.tensor(each) for each in arrays))
    if not isinstance(mt_result, tuple):
        mt_result, torch_result = [mt_result], [torch_result]
    for ours, theirs in zip(mt_result, torch_result, strict=True):
        assert ours.numpy().dtype == theirs.numpy().dtype
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("call, shapes, low, high", EVERY)
def test_gradients_by_differences(request, call, shapes, low, high):
    """gradcheck and gradgradcheck: an oracle that needs no torch."""
    arrays = inputs(request.node.callspec.id, shapes, low, high)
    tensors = [mt.tensor(each, requires_grad=True) for each in arrays]
    function = functools.partial(call, mt)
    assert gradcheck(function, tensors, atol=1e-6, rtol=1e-5)
    if any(each.requires_grad for each in as_list(function(*tensors))):
        assert gradgradcheck(function, tensors, atol=1e-6, rtol=1e-5)
