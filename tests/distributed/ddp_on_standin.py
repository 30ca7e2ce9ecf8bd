"""Two processes train tensors of CuPy's stand-in, which MPI moves: mpiexec -n 2 python ..."""

import os
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "standin"), str(ROOT)]
os.environ["MINITORCH_CNN_KERNELS"] = "array"

import minitorch_cnn as mt  # noqa: E402
from minitorch_cnn import distributed as dist, nn  # noqa: E402


def network():
    mt.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)
    )


def loss(net, x):
    return (net(mt.tensor(x)) ** 2).mean()


mt.set_backend("cupy")
dist.init_process_group("mpi")
rank, world = dist.get_rank(), dist.get_world_size()
images = np.random.default_rng(0).standard_normal((world, 4, 2, 6, 6)).astype("f")
whole = network()
loss(whole, images.reshape(-1, 2, 6, 6)).backward()
for options in (
    {},
    dict(gradient_as_bucket_view=True, find_unused_parameters=True),
    dict(device_ids=[0], bucket_cap_mb=1e-4),
):
    net = nn.SyncBatchNorm.convert_sync_batchnorm(network())
    wrapped = nn.parallel.DistributedDataParallel(net, **options)
    for _ in range(2):
        wrapped.zero_grad()
        loss(wrapped, images[rank]).backward()
    for mine, its in zip(net.parameters(), whole.parameters(), strict=True):
        assert mine.grad.is_cuda
        np.testing.assert_allclose(
            mine.grad.cpu().numpy(), its.grad.cpu().numpy(), rtol=1e-4, atol=1e-5
        )
wrapped = nn.parallel.DistributedDataParallel(network())
with wrapped.join():
    for _ in range(1 + rank):
        loss(wrapped, images[rank]).backward()
dist.destroy_process_group()
