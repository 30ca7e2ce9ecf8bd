"""The runs that test_ddp.py compares: 30 steps on a fixed stream of batches, by any number of
processes, by this package or by torch.

    mpiexec -n 3 python ddp_training.py ours DIRECTORY
    python ddp_training.py torch DIRECTORY RANK WORLD

Each process takes its part of each batch of 12. DIRECTORY has start.npz, the first parameters of
every network; the parameters after all steps go to files there, with the losses of every step:
ours-<world>-<name>.npz, with batch norm over the batches of all processes, and
apart-2-<name>-<rank>.npz, torch-2-<name>-<rank>.npz, with batch norm over that of each.
"""

import sys
from pathlib import Path

import numpy as np

STEPS, BATCH = 30, 12
# Name of the run: the network, the settings of SGD, what the wrapper is told.
RUNS = {
    "plain": ("plain", dict(lr=0.05), {}),
    "momentum": ("plain", dict(lr=0.02, momentum=0.9, weight_decay=0.01), {}),
    "nesterov in small buckets": (
        "plain",
        dict(lr=0.02, momentum=0.9, nesterov=True),
        dict(bucket_cap_mb=1e-4, gradient_as_bucket_view=True),
    ),
    "norm": ("norm", dict(lr=0.05, momentum=0.9, weight_decay=0.01), {}),
}
TWICE = ("nesterov in small buckets", "norm")


def network(nn, kind):
    """Layers of `nn`, which is this package's or torch's."""
    norm = [nn.BatchNorm2d(4)] if kind == "norm" else []
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), *norm, nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3), nn.Tanh(), nn.Flatten(), nn.Linear(20, 3),
    )  # fmt: skip


def batches():
    """(images, labels) of each step, for all processes together. The label is in two pixels."""
    rng = np.random.default_rng(3)
    images = [rng.standard_normal((BATCH, 2, 8, 8)) for _ in range(STEPS)]
    return [(x, (x[:, 0, 3, 3] > 0).astype(int) + (x[:, 1, 4, 4] > 0)) for x in images]


def train(lib, net, options, rank, world):
    """The loss of this process's part at every step."""
    optimizer = lib.optim.SGD(net.parameters(), **options)
    part = slice(rank * BATCH // world, (rank + 1) * BATCH // world)
    losses = []
    for images, labels in batches():
        optimizer.zero_grad()
        y = net(lib.tensor(images[part]))
        loss = lib.nn.functional.cross_entropy(y, lib.tensor(labels[part]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def load_start(lib, net, directory, kind):
    stored = np.load(Path(directory, "start.npz"))
    with lib.no_grad():
        for name, value in net.state_dict().items():
            value.copy_(lib.tensor(stored[f"{kind} {name}"]))


def run(lib, name, directory, rank, world, wrap):
    """Trains one network. Returns its state by name, and the losses."""
    kind, options, wrapping = RUNS[name]
    net = network(lib.nn, kind).double()
    load_start(lib, net, directory, kind)
    wrapped = wrap(net, wrapping)
    losses = train(lib, wrapped, options, rank, world)
    result = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    result["losses"] = np.array(losses)
    return result


def write_start(lib, directory):
    values = {}
    lib.manual_seed(1)
    for kind in ("plain", "norm"):
        for name, value in network(lib.nn, kind).double().state_dict().items():
            values[f"{kind} {name}"] = value.numpy()
    np.savez(Path(directory, "start.npz"), **values)


def ours(directory):
    """All runs, some of them twice: the same bits both times, and on all processes."""
    import minitorch_cnn as mt

    dist = mt.distributed
    dist.init_process_group("mpi")
    rank, world = dist.get_rank(), dist.get_world_size()

    def wrap(net, wrapping):
        net = mt.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        return wrapper(mt)(net, wrapping)

    with mt.kernel_tier("array"):
        for name in RUNS:
            result = run(mt, name, directory, rank, world, wrap)
            again = run(mt, name, directory, rank, world, wrap) if name in TWICE else result
            if world == 2:
                own = run(mt, name, directory, rank, world, wrapper(mt))
                np.savez(Path(directory, f"apart-2-{name}-{rank}.npz"), **own)
            for key, value in result.items():
                assert np.array_equal(value, again[key]), f"{key} has other bits the second time"
                tensor = mt.tensor(value)
                if key == "losses":  # of the whole batch
                    dist.all_reduce(tensor, dist.ReduceOp.AVG)
                    result[key] = tensor.numpy()
                    continue
                mine = tensor.clone()
                dist.broadcast(tensor, 0)
                assert np.array_equal(tensor.numpy(), mine.numpy()), f"{key}: not as on rank 0"
            if rank == 0:
                np.savez(Path(directory, f"ours-{world}-{name}.npz"), **result)
    dist.destroy_process_group()


def wrapper(lib):
    return lambda net, wrapping: lib.nn.parallel.DistributedDataParallel(net, **wrapping)


def torchs(directory, rank, world):
    """All runs without batch norm, and with batch norm of each process's own batch."""
    import torch

    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{directory}/meet", rank=rank, world_size=world
    )
    for name in RUNS:
        result = run(torch, name, directory, rank, world, wrapper(torch))
        np.savez(Path(directory, f"torch-{world}-{name}-{rank}.npz"), **result)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    who, directory, *numbers = sys.argv[1:]
    if who == "torch":
        torchs(directory, *map(int, numbers))
    else:
        ours(directory)
