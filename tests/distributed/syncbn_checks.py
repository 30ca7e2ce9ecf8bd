"""What test_syncbn.py wants to know of several processes: mpiexec -n 3 python syncbn_checks.py

A batch is cut among the processes, and the results are those of one process that has it whole.
Every check runs on all processes at once, and rank 0 prints its name when all have passed it.
"""

import copy

import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import distributed as dist, nn
from minitorch_cnn.nn import SyncBatchNorm

RANK, WORLD = 0, 1
CLOSE = dict(rtol=1e-10, atol=1e-11)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) * 2 + 3


def cuts(n, how):
    """(start, end) of this rank's part of n samples."""
    if how == "even":
        edges = [n * rank // WORLD for rank in range(WORLD + 1)]
    elif how == "uneven":  # 1, 2, 3, ..., and the rest
        edges = [rank * (rank + 1) // 2 for rank in range(WORLD)] + [n]
    else:  # rank 0 has none, rank 1 a single one
        edges = [0, 0] + [1 + (n - 1) * rank // (WORLD - 1) for rank in range(WORLD - 1)] + [n]
        edges = edges[: WORLD + 1]
    edges[-1] = n
    return edges[RANK], edges[RANK + 1]


def layers(kind, channels, **options):
    """One process's layer and ours, with the same parameters."""
    whole = kind(channels, **options).double()
    if whole.weight is not None:
        with mt.no_grad():
            whole.weight.copy_(mt.tensor(numbers(channels, seed=1)))
            whole.bias.copy_(mt.tensor(numbers(channels, seed=2)))
    ours = SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(whole))
    assert type(ours) is SyncBatchNorm
    return whole, ours


def gathered(array):
    """The sum over the ranks."""
    tensor = mt.tensor(np.asarray(array))
    dist.all_reduce(tensor)
    return tensor.numpy()


def compare(x, how, whole, ours):
    """Output, gradients and running averages of one step."""
    start, end = cuts(len(x), how)
    gy = numbers(*x.shape, seed=9)
    all_, part = (
        mt.tensor(x, requires_grad=True),
        mt.tensor(x[start:end], requires_grad=True),
    )
    y = whole(all_)
    y.backward(mt.tensor(gy))
    z = ours(part)
    z.backward(mt.tensor(gy[start:end]))
    np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy()[start:end], **CLOSE)
    np.testing.assert_allclose(part.grad.numpy(), all_.grad.numpy()[start:end], **CLOSE)
    for name, parameter in whole.named_parameters():
        mine = ours.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(gathered(mine), parameter.grad.numpy(), **CLOSE)
    for name, value in whole.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), **CLOSE)


def check_shapes_and_cuts():
    for kind, shape in (
        (nn.BatchNorm1d, (7, 3)),
        (nn.BatchNorm1d, (7, 3, 5)),
        (nn.BatchNorm2d, (7, 2, 3, 4)),
        (nn.BatchNorm2d, (8, 16, 4, 4)),
        (nn.BatchNorm3d, (7, 2, 2, 3, 2)),
    ):
        for how in ("even", "uneven", "empty"):
            whole, ours = layers(kind, shape[1])
            compare(numbers(*shape), how, whole, ours)


def check_settings():
    for options in (
        dict(momentum=None),
        dict(momentum=0.3, eps=0.1),
        dict(affine=False),
        dict(track_running_stats=False),
        dict(bias=True, momentum=None, track_running_stats=True),
    ):
        whole, ours = layers(nn.BatchNorm2d, 3, **options)
        for seed in range(3):
            whole.zero_grad()
            ours.zero_grad()
            compare(numbers(7, 3, 2, 2, seed=seed), "uneven", whole, ours)


def check_layouts():
    """Transposed and sliced images, and gradients."""
    x = numbers(7, 5, 4, 6)
    for turned in (x.transpose(0, 2, 1, 3), x[:, ::-1, :, ::2], np.asfortranarray(x)):
        whole, ours = layers(nn.BatchNorm2d, turned.shape[1])
        compare(turned, "uneven", whole, ours)


def check_float32_and_float16():
    """A mean of 1000 costs no digits; float16 images go with float32 parameters."""
    for kind, mean, close in ((np.float32, 1000, 1e-3), (np.float16, 0, 3e-2)):
        x = (numbers(8, 2, 5, 5) + mean).astype(kind)
        gy = numbers(8, 2, 5, 5, seed=3).astype(kind)
        start, end = cuts(8, "even")
        whole = mt.tensor(x.astype(float), requires_grad=True)
        y = nn.BatchNorm2d(2).double()(whole)
        y.backward(mt.tensor(gy.astype(float)))
        part = mt.tensor(x[start:end], requires_grad=True)
        z = SyncBatchNorm(2)(part)
        z.backward(mt.tensor(gy[start:end]))
        assert z.dtype is part.dtype is part.grad.dtype
        np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy()[start:end], atol=close)
        np.testing.assert_allclose(part.grad.numpy(), whole.grad.numpy()[start:end], atol=close)


def check_eval_mode_asks_nobody():
    whole, ours = layers(nn.BatchNorm2d, 3)
    compare(numbers(7, 3, 2, 2), "even", whole, ours)
    whole.eval(), ours.eval()
    if RANK == 0:
        x = mt.tensor(numbers(2, 3, 2, 2, seed=5))
        np.testing.assert_allclose(ours(x).detach().numpy(), whole(x).detach().numpy(), **CLOSE)


def check_a_network_with_relu_and_residual():
    """What follows a batch norm may be put off into one pass with it."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
            self.norm2 = nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm2((self.norm(self.conv(x)) + x).relu()).relu()

    mt.manual_seed(0)
    whole = Block().double()
    ours = SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(whole))
    for tier in ("array", "auto"):
        with mt.kernel_tier(tier):
            whole.zero_grad()
            ours.zero_grad()
            compare(numbers(7, 3, 6, 6), "even", whole, ours)


def check_gradients_of_gradients():
    """A penalty on the gradient with respect to the input, whose gradient all get."""
    x, gy = numbers(7, 3, 2, 2), numbers(7, 3, 2, 2, seed=4)
    start, end = cuts(7, "uneven")
    found = {}
    for name, part in (("whole", slice(None)), ("ours", slice(start, end))):
        layer = layers(nn.BatchNorm2d, 3)[name == "ours"]
        images = mt.tensor(x[part], requires_grad=True)
        cotangent = mt.tensor(gy[part], requires_grad=True)
        first = (layer(images) ** 3 * cotangent).sum()
        (gx,) = mt.autograd.grad(first, images, create_graph=True)
        ((gx**2).sum() + first).backward()
        found[name] = (
            images.grad.numpy(),
            cotangent.grad.numpy(),
            layer.weight.grad.numpy(),
            layer.bias.grad.numpy(),
        )
    for whole, ours in zip(found["whole"][:2], found["ours"][:2], strict=True):
        np.testing.assert_allclose(ours, whole[start:end], rtol=1e-9, atol=1e-9)
    for whole, ours in zip(found["whole"][2:], found["ours"][2:], strict=True):
        np.testing.assert_allclose(gathered(ours), whole, rtol=1e-9, atol=1e-9)


def check_group_of_its_own():
    """Rank 0 alone, and the others together."""
    groups = [dist.new_group([0]), dist.new_group(list(range(1, WORLD)))]
    whole, _ = layers(nn.BatchNorm1d, 3)
    net = nn.Sequential(copy.deepcopy(whole))
    ours = SyncBatchNorm.convert_sync_batchnorm(net, groups[RANK > 0])
    assert ours is net and ours[0].process_group is groups[RANK > 0]
    x = numbers(4 * WORLD, 3)
    mine = slice(0, 4) if RANK == 0 else slice(4, None)
    expected = whole(mt.tensor(x[mine])).detach().numpy()
    got = net(mt.tensor(x[4 * RANK : 4 * RANK + 4])).detach().numpy()
    place = 0 if RANK == 0 else 4 * (RANK - 1)
    np.testing.assert_allclose(got, expected[place : place + 4], **CLOSE)


def check_errors():
    layer = SyncBatchNorm(3)
    for x, kind, text in (
        (mt.zeros(3), ValueError, "expected at least 2D input (got 1D input)"),
        (mt.zeros(2, 0), ValueError, "number of input channels should be non-zero"),
        (mt.zeros(2, 4), RuntimeError, "should contain 4 elements not 3"),
        (mt.zeros(int(RANK == 0), 3), ValueError, "Expected more than 1 value per channel"),
        (mt.zeros(0, 3), ValueError, "and 0 in all processes"),
    ):
        try:
            layer(x)
        except kind as error:
            assert text in str(error), error
        else:
            raise AssertionError(f"no {kind.__name__} for {x.shape}")
    assert layer.running_mean.tolist() == [0, 0, 0]


CHECKS = {name: value for name, value in list(globals().items()) if name.startswith("check_")}

if __name__ == "__main__":
    dist.init_process_group("mpi")
    RANK, WORLD = dist.get_rank(), dist.get_world_size()
    for name, check in CHECKS.items():
        with mt.kernel_tier("array"):
            check()
        dist.barrier()
        if RANK == 0:
            print(name, flush=True)
    dist.destroy_process_group()
