"""Reductions, norms, losses, pools, ... of rows with ties, infinities and NaN: torch's results."""

import numpy as np
import pytest
from special import TIERS, close, exempt, inf, lines, nan, results

import minitorch_cnn as mt

OF_ROWS = """
    x.sum()
    x.mean()
    x.prod()
    x.std()
    x.var()
    x.var(correction=0)
    x.std(correction=0)
    x.std(correction=5)
    lib.std_mean(x)
    lib.var_mean(x)
    x.max()
    x.min()
    x.amax()
    x.amin()
    lib.aminmax(x)
    lib.aminmax(x, dim=0)
    x.amax(0)
    x.max(0)
    x.min(0)
    x.median()
    x.median(0)
    x.nanmedian()
    x.nanmedian(0)
    x.nansum()
    x.nanmean()
    x.norm()
    x.norm(1)
    x.norm(inf)
    x.norm(-inf)
    x.norm(0)
    x.norm(0.5)
    x.norm(3)
    x.norm(-1)
    x.norm(2, 0)
    x.norm(inf, 0)
    x.norm(-2)
    lib.linalg.vector_norm(x)
    lib.linalg.vector_norm(x, inf)
    lib.linalg.vector_norm(x, 1.5)
    lib.logsumexp(x, 0)
    lib.softmax(x, 0)
    lib.log_softmax(x, 0)
    F.softmin(x, 0)
    x.cumsum(0)
    x.cumprod(0)
    x.cummax(0)
    x.cummin(0)
    lib.logcumsumexp(x, 0)
    x.argmax()
    x.argmin()
    x.argmax(0)
    x.all()
    x.any()
    lib.count_nonzero(x)
    x.sort()
    x.sort(descending=True)
    lib.msort(x)
    x.quantile(0.5)
    x.quantile(0.3)
    x.nanquantile(0.5)
    x.nanquantile(0.9)
    x.quantile(0.3, interpolation='midpoint')
    x.quantile(0.3, interpolation='nearest')
    lib.diff(x)
    lib.dist(x, lib.ones_like(x))
    lib.dist(x, lib.ones_like(x), inf)
    lib.dist(x, x)
    lib.renorm(x.reshape(2,2), 2, 0, 1.0)
    lib.renorm(x.reshape(2,2), 1, 1, 1.0)
    F.normalize(x, dim=0)
    F.normalize(x, dim=0, p=1)
    F.normalize(x, dim=0, eps=1e-3)
    F.cosine_similarity(x, lib.ones_like(x), dim=0)
    F.cosine_similarity(x.reshape(2,2), lib.ones_like(x.reshape(2,2)))
    F.pairwise_distance(x.reshape(2,2), lib.ones_like(x.reshape(2,2)))
    F.pairwise_distance(x.reshape(2,2), lib.ones_like(x.reshape(2,2)), p=1)
    lib.cdist(x.reshape(2,2), lib.ones_like(x.reshape(2,2)))
    lib.cdist(x.reshape(2,2), lib.ones_like(x.reshape(2,2)), p=1)
    F.layer_norm(x, (4,))
    F.layer_norm(x.reshape(2,2), (2,))
    F.rms_norm(x, (4,))
    F.group_norm(x.reshape(1,4), 2)
    F.instance_norm(x.reshape(1,2,2))
    F.batch_norm(x.reshape(2,2), None, None, training=True)
    F.batch_norm(x.reshape(2,2), lib.zeros(2).to(x.dtype), lib.ones(2).to(x.dtype))
    F.local_response_norm(x.reshape(1,4,1), 2)
    F.glu(x)
    F.cross_entropy(x, lib.tensor(1))
    F.cross_entropy(x.reshape(2,2), lib.tensor([1,0]))
    F.cross_entropy(x.reshape(2,2), lib.tensor([1,0]), label_smoothing=0.25)
    F.cross_entropy(x.reshape(2,2), lib.tensor([1,0]), reduction='none')
    F.cross_entropy(x.reshape(2,2), lib.tensor([[0.5,0.5],[1,0]]).to(x.dtype))
    F.cross_entropy(x.reshape(2,2), lib.tensor([-100,-100]))
    F.cross_entropy(x.reshape(2,2), lib.tensor([1,-100]))
    F.cross_entropy(x.reshape(2,2), lib.tensor([1,0]), weight=lib.tensor([0.0,1.0]).to(x.dtype))
    F.nll_loss(x.reshape(2,2), lib.tensor([1,0]))
    F.nll_loss(x.reshape(2,2), lib.tensor([-100,-100]))
    F.nll_loss(x.reshape(2,2), lib.tensor([1,0]), weight=lib.tensor([0.0,1.0]).to(x.dtype))
    F.multilabel_soft_margin_loss(x, lib.tensor([1.0,0,1,0]).to(x.dtype))
    F.cosine_embedding_loss(x.reshape(2,2), lib.ones_like(x.reshape(2,2)), lib.tensor([1,-1]))
    F.triplet_margin_loss(x.reshape(2,2), lib.ones(2,2).to(x.dtype), lib.zeros(2,2).to(x.dtype))
    F.mse_loss(x, lib.ones_like(x))
    F.l1_loss(x, lib.ones_like(x))
    F.smooth_l1_loss(x, lib.ones_like(x))
    F.huber_loss(x, lib.ones_like(x))
    F.kl_div(x, lib.full_like(x, 0.25), reduction='batchmean')
    F.poisson_nll_loss(x, lib.ones_like(x))
    F.gaussian_nll_loss(x, lib.ones_like(x), lib.ones_like(x))
    F.max_pool1d(x.reshape(1,4), 2)
    F.max_pool1d(x.reshape(1,4), 3, 1, return_indices=True)
    F.max_pool1d(x.reshape(1,4), 3, 1, 1, return_indices=True)
    F.max_pool1d(x.reshape(1,4), 2, 1, 0, 2, return_indices=True)
    F.max_pool1d(x.reshape(1,4), 3, 2, 1, ceil_mode=True)
    F.max_pool2d(x.reshape(1,2,2), 2)
    F.max_pool2d(x.reshape(1,2,2), 2, 1, 1, return_indices=True)
    F.max_pool2d(x.reshape(1,1,2,2), 2, 1, 1, return_indices=True)
    F.max_pool2d(x.reshape(1,1,1,4), (1,3), 1, (0,1), return_indices=True)
    F.max_pool2d(x.reshape(1,1,1,4), (1,2), 1, 0, (1,2), return_indices=True)
    F.max_pool2d(x.reshape(1,2,2), 2, 2, ceil_mode=True)
    F.max_pool3d(x.reshape(1,1,2,2), (1,2,2), return_indices=True)
    F.max_pool3d(x.reshape(1,1,2,2), 2, 1, 1, return_indices=True)
    F.max_pool3d(x.reshape(1,1,1,4), (1,1,3), 1, (0,0,1), return_indices=True)
    F.adaptive_max_pool1d(x.reshape(1,4), 1, return_indices=True)
    F.adaptive_max_pool1d(x.reshape(1,4), 3, return_indices=True)
    F.adaptive_max_pool2d(x.reshape(1,2,2), 1, return_indices=True)
    F.adaptive_max_pool2d(x.reshape(1,1,4), (1,3), return_indices=True)
    F.adaptive_max_pool3d(x.reshape(1,1,2,2), 1, return_indices=True)
    F.adaptive_max_pool3d(x.reshape(1,1,1,4), (1,1,3), return_indices=True)
    F.avg_pool1d(x.reshape(1,4), 2)
    F.avg_pool1d(x.reshape(1,4), 3, 1, 1)
    F.avg_pool1d(x.reshape(1,4), 3, 1, 1, count_include_pad=False)
    F.avg_pool2d(x.reshape(1,2,2), 2)
    F.avg_pool2d(x.reshape(1,1,4), (1,2), 1)
    F.avg_pool2d(x.reshape(1,1,4), (1,3), 1, (0,1), divisor_override=2)
    F.adaptive_avg_pool1d(x.reshape(1,4), 3)
    F.adaptive_avg_pool2d(x.reshape(1,2,2), 1)
    F.adaptive_avg_pool2d(x.reshape(1,1,4), (1,3))
    F.lp_pool1d(x.reshape(1,4), 2, 2)
    F.lp_pool1d(x.reshape(1,4), 3, 2)
    F.lp_pool2d(x.reshape(1,2,2), 2, 2)
    F.lp_pool2d(x.reshape(1,2,2), inf, 2)
    F.fold(x.reshape(4,1), (2,2), (2,2))
    F.pad(x.reshape(1,4), (1,1), mode='reflect')
    x.reshape(2,2) @ lib.ones(2,2).to(x.dtype)
    lib.where(x > 1, x, lib.zeros_like(x))
    lib.masked_fill(x, x > 1, 0.0)
    lib.masked_fill(x, lib.isnan(x), 0.0)
    lib.index_reduce(lib.zeros_like(x), 0, lib.tensor([0,0,1,1]), x, 'amax')
    lib.index_reduce(lib.zeros_like(x), 0, lib.tensor([0,0,1,1]), x, 'prod', include_self=False)
    lib.scatter_reduce(lib.zeros_like(x), 0, lib.tensor([0,0,1,1]), x, 'amax')
    lib.scatter_reduce(lib.zeros_like(x), 0, lib.tensor([0,0,1,1]), x, 'amin', include_self=False)
    lib.scatter_reduce(lib.ones_like(x), 0, lib.tensor([0,0,1,1]), x, 'prod')
    lib.scatter_reduce(lib.ones_like(x), 0, lib.tensor([0,0,1,1]), x, 'mean')
    F.embedding(lib.tensor([0,1]), x.reshape(2,2), max_norm=1.0)
    lib.cov(x.reshape(2,2))
    lib.corrcoef(x.reshape(2,2))
    lib.histc(x, 4, 0, 4)
"""

ROWS = [
    [1, 2, 3, 4], [nan, 1, 2, nan], [inf, 1, inf, 0], [0, 0, 0, 0], [2, 2, 1, 2], [-inf] * 4,
    [-inf, 1, -inf, 2], [nan] * 4, [0, 3, 0, 2], [inf, nan, 0, 1], [inf] * 4, [5, 0, nan, 1],
    [inf, -inf, 1, 0], [3e4, 3e4, -3e4, 1],
]  # fmt: skip


def words_of(row, kind):
    words = {kind.__name__, *(str(float(abs(each))) for each in row)}
    array = np.array(row, float)
    if np.isnan(array).all():
        words |= {"all", "NaN"}
    if np.isinf(array).any():
        words.add("infinite")
    if (array == 0).any():
        words.add("zero")
    return words


@pytest.mark.filterwarnings("ignore")  # both libraries warn at some of these
@pytest.mark.parametrize("kind, tier", TIERS)
def test_of_rows(kind, tier):
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for four numbers: waking others up takes most of the time
    try:
        with mt.kernel_tier(tier):
            differences = differences_of_rows(torch, kind, tier)
    finally:
        torch.set_num_threads(threads)
    assert not differences, "\n".join(differences)


def differences_of_rows(torch, kind, tier):
    """Reductions, norms, losses, pools, ...: what all numbers of a row make together."""
    found = []
    slack = 3 * np.finfo(kind).eps  # sums of rounded numbers
    part = {np.float16: 4, np.float32: 1, np.float64: 3}[kind]  # most happens in one kind
    for expression in lines(OF_ROWS):
        if tier == "array" and not expression.startswith("F."):
            continue  # these have no kernels
        call = eval(f"lambda lib, F, x: {expression}", {"inf": inf, "nan": nan})
        for row in ROWS[::part]:
            words = words_of(row, kind)
            x = np.array(row, kind)
            if exempt(expression, words):
                continue
            mine = results(mt, call, [x], [-2.0])
            other = results(torch, call, [x], [-2.0])
            if isinstance(mine, type) or isinstance(other, type):
                if mine is not other and mt.get_backend() == "numpy":  # a GPU checks no values
                    found.append(f"{expression} {kind.__name__} {row}: {mine} torch {other}")
                continue
            assert len(mine) == len(other), f"{expression}: {len(mine)} and {len(other)} results"
            for (what, a), (_, b) in zip(mine, other, strict=True):
                if not np.all(close(a, b, kind, slack)):
                    found.append(f"{expression} {kind.__name__} {row} {what}: {a} torch {b}")
                    break
    return found
