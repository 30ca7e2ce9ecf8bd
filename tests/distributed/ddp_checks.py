"""What test_ddp.py wants to know of two or three processes: mpiexec -n 2 python ddp_checks.py

Every check runs on all processes at once, and rank 0 prints its name when all have passed it.
"""

import copy
import dataclasses
import sys
import warnings
from functools import partial

import numpy as np

import minitorch_cnn as mt
from minitorch_cnn import distributed as dist, nn
from minitorch_cnn.distributed.algorithms.join import Join, Joinable
from minitorch_cnn.nn.parallel import DistributedDataParallel as DDP

RANK, WORLD = 0, 1


def tensor(*shape, seed=0):
    """Random numbers: the same on all ranks for the same seed."""
    return mt.tensor(np.random.default_rng(seed).standard_normal(shape))


def linear(*sizes, seed=0):
    net = nn.Linear(*sizes).double()
    with mt.no_grad():
        net.weight.copy_(tensor(*net.weight.shape, seed=seed))
        net.bias.copy_(tensor(*net.bias.shape, seed=seed + 1))
    return net


def two_layers():
    return nn.Sequential(linear(3, 4), nn.Tanh(), linear(4, 2, seed=5))


def mine(n=4):
    """This rank's batch."""
    return tensor(n, 3, seed=100 + RANK)


def everybodys(function):
    """The mean over the ranks of gradients that one process computes: function(rank)."""
    total = None
    for rank in range(WORLD):
        found = function(rank)
        total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
    return [each / WORLD for each in total]


def gradients(net, loss):
    """Of a copy of the network, without any wrapper: loss(net, rank)."""

    def of_rank(rank):
        alone = copy.deepcopy(net)
        loss(alone, rank).backward()
        return [p.grad.numpy() if p.grad is not None else 0 for p in alone.parameters()]

    return everybodys(of_rank)


def close(net, expected):
    for parameter, value in zip(net.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), value, rtol=1e-12, atol=1e-13)


def batch_of(rank, n=4):
    return tensor(n, 3, seed=100 + rank)


def raises(kind, text, function):
    try:
        function()
    except kind as error:
        assert text in str(error), error
        return
    raise AssertionError(f"no {kind.__name__} with {text!r}")


def squares(net, rank):
    return (net(batch_of(rank)) ** 2).mean()


# ------------------------------------------------------------------------------- the averages


def check_mean_of_gradients():
    for options in ({}, dict(bucket_cap_mb=1e-5), dict(gradient_as_bucket_view=True)):
        net = two_layers()
        expected = gradients(net, squares)
        wrapped = DDP(net, **options)
        for _ in range(3):  # the buckets are made anew after the first
            wrapped.zero_grad()
            squares(wrapped, RANK).backward()
            close(net, expected)
        squares(wrapped, RANK).backward()  # added to what was there
        close(net, [2 * each for each in expected])
        wrapped.zero_grad(set_to_none=False)
        squares(wrapped, RANK).backward()
        close(net, expected)


def check_gradients_are_parts_of_the_bucket():
    net = two_layers()
    wrapped = DDP(net, gradient_as_bucket_view=True)
    for _ in range(2):
        wrapped.zero_grad()
        squares(wrapped, RANK).backward()
    assert len({id(p.grad.array.base) for p in net.parameters()}) == 1
    wrapped.zero_grad(set_to_none=False)
    squares(wrapped, RANK).backward()
    assert len({id(p.grad.array.base) for p in net.parameters()}) == 1


def check_sent_while_backward_goes_on():
    net = nn.Sequential(*[linear(3, 3, seed=i) for i in range(6)])
    wrapped = DDP(net, bucket_cap_mb=1e-5)
    sent = []
    net[0].bias.register_hook(lambda g: sent.append(wrapped._reducer.sent))
    for _ in range(2):
        with dist.record() as events:
            y = wrapped(mine())
            y.sum().backward()
    # Before the first layer's gradients, those of the last ones were on the way.
    assert len(wrapped._reducer.buckets) == 12 and min(sent) >= 9
    assert len([event for event in events if "all_reduce" in event.name]) == 12


def check_no_sync():
    net = two_layers()
    expected = gradients(net, lambda net, rank: squares(net, rank) + squares(net, rank + 50))
    local = gradients_here(net)
    wrapped = DDP(net)
    with wrapped.no_sync():
        squares(wrapped, RANK).backward()
    close(net, local)
    squares(wrapped, RANK + 50).backward()
    close(net, expected)
    # The forward counts, not the backward: as in torch.
    wrapped.zero_grad()
    loss = squares(wrapped, RANK) + squares(wrapped, RANK + 50)
    with wrapped.no_sync():
        loss.backward()
    close(net, expected)


def gradients_here(net):
    alone = copy.deepcopy(net)
    squares(alone, RANK).backward()
    return [p.grad.numpy() for p in alone.parameters()]


def check_several_forwards():
    net = two_layers()
    expected = gradients(net, lambda net, rank: squares(net, rank) + squares(net, rank + 50))
    wrapped = DDP(net)
    (squares(wrapped, RANK) + squares(wrapped, RANK + 50)).backward()
    close(net, expected)
    wrapped.zero_grad()
    first, second = squares(wrapped, RANK), squares(wrapped, RANK + 50)
    first.backward()
    second.backward()
    close(net, expected)
    wrapped.zero_grad()
    loss = squares(wrapped, RANK)
    loss.backward(retain_graph=True)
    loss.backward()
    close(net, [2 * each for each in gradients(net, squares)])


def check_around_the_wrapper():
    """What one rank computes with the network itself stays on that rank."""
    net = two_layers()
    wrapped = DDP(net)
    squares(wrapped, RANK).backward()
    wrapped.zero_grad()
    if RANK == 0:
        squares(net, RANK).backward()
        close(net, gradients_here(net))
    wrapped.zero_grad()
    if RANK == WORLD - 1:
        x = mine().requires_grad_()
        (gx,) = mt.autograd.grad(squares_of(wrapped.module, x), x)
        assert gx.shape == x.shape
    squares(wrapped, RANK).backward()
    close(net, gradients(net, squares))


def squares_of(net, x):
    return (net(x) ** 2).mean()


# ----------------------------------------------------------------------- all kinds of networks


class Outputs(nn.Module):
    """Returns what the loss is made of in a container."""

    def __init__(self, pack):
        super().__init__()
        self.a, self.b, self.pack = linear(3, 2), linear(3, 2, seed=9), pack

    def forward(self, x):
        return self.pack(self.a(x), self.b(x))


@dataclasses.dataclass
class Pair:
    first: mt.Tensor
    second: mt.Tensor


class Hidden:
    def __init__(self, first, second):
        self.first, self.second = first, second


def check_outputs_in_containers():
    for pack, unpack in (
        (lambda a, b: (a, b), lambda out: out),
        (lambda a, b: [a, (b, None)], lambda out: (out[0], out[1][0])),
        (lambda a, b: {"a": a, "more": {"b": b}}, lambda out: (out["a"], out["more"]["b"])),
        (Pair, lambda out: (out.first, out.second)),
        (Hidden, lambda out: (out.first, out.second)),
        (lambda a, b: (a.detach(), Hidden(a, b)), lambda out: (out[1].first, out[1].second)),
    ):

        def loss(net, rank):
            a, b = unpack(net(batch_of(rank)))  # noqa: B023
            return (a * b).sum()

        net = Outputs(pack)
        expected = gradients(net, loss)
        wrapped = DDP(net)
        for _ in range(2):
            wrapped.zero_grad()
            loss(wrapped, RANK).backward()
            close(net, expected)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = linear(3, 3), linear(3, 3, seed=4)
        self.b.weight = self.a.weight
        self.a.bias.requires_grad_(False)

    def forward(self, x):
        return self.b(self.a(x).tanh())


def check_shared_and_frozen_parameters():
    net = Tied()
    assert len(list(net.parameters())) == 3
    alone = copy.deepcopy(net)
    wrapped = DDP(net)
    squares(wrapped, RANK).backward()
    expected = gradients(alone, squares)
    assert net.a.bias.grad is None
    for parameter, value in zip(net.parameters(), expected, strict=True):
        if parameter.requires_grad:
            np.testing.assert_allclose(parameter.grad.numpy(), value, rtol=1e-12)
    net.a.bias.requires_grad_(True)
    raises(RuntimeError, "a.bias required no gradient when", lambda: wrapped(mine()))


def check_mixed_dtypes():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = linear(3, 3), linear(3, 2, seed=3).float()

        def forward(self, x):
            return self.b(self.a(x).float()).double()

    net = Net()
    wrapped = DDP(net)
    assert sorted(str(b.flat.dtype) for b in wrapped._reducer.buckets) == [
        "minitorch_cnn.float32",
        "minitorch_cnn.float64",
    ]
    squares(wrapped, RANK).backward()
    for p, value in zip(net.parameters(), gradients(net, squares), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), value, rtol=1e-5, atol=1e-6)


def check_recomputed_parts():
    net = nn.Sequential(linear(3, 3), nn.Tanh(), linear(3, 2, seed=7))
    expected = gradients(net, squares)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            x = mt.utils.checkpoint.checkpoint(self.net[:2], x, use_reentrant=False)
            return self.net[2](x)

    wrapped = DDP(Net())
    squares(wrapped, RANK).backward()
    close(net, expected)


def check_hooks_of_gradients():
    """A parameter's own hook sees the gradient of this rank, as in torch."""
    net = two_layers()

    def loss(net, rank):
        y = squares(net, rank)
        return y * (rank + 1)

    expected = gradients(net, loss)
    wrapped = DDP(net)
    for parameter in net.parameters():
        parameter.register_hook(lambda g: g * (RANK + 1))
    squares(wrapped, RANK).backward()
    close(net, expected)


# --------------------------------------------------------------------------- unused parameters


class Branches(nn.Module):
    """Each rank may take another branch; nobody takes the third one."""

    def __init__(self):
        super().__init__()
        self.first = linear(3, 3)
        self.branches = nn.ModuleList([linear(3, 2, seed=i) for i in range(3)])

    def forward(self, x, choice):
        return self.branches[choice](self.first(x))


def check_find_unused_parameters():
    def loss(net, rank):
        return (net(batch_of(rank), int(rank > 0)) ** 2).sum()

    for options in (
        dict(find_unused_parameters=True),
        dict(find_unused_parameters=True, bucket_cap_mb=1e-5, gradient_as_bucket_view=True),
        dict(static_graph=True),
    ):
        net = Branches()
        expected = gradients(net, loss)
        wrapped = DDP(net, **options)
        for _ in range(3):
            wrapped.zero_grad()
            loss(wrapped, RANK).backward()
            nobodys = net.branches[2]
            assert nobodys.weight.grad is None and nobodys.bias.grad is None
            found = [p for p in net.parameters() if p.grad is not None]
            for p, value in zip(found, [e for e in expected if np.ndim(e)], strict=True):
                np.testing.assert_allclose(p.grad.numpy(), value, rtol=1e-12)
        # What was used in the step before does not count in this one.
        wrapped.zero_grad()
        wrapped(mine(), 0).sum().backward()
        assert net.branches[1].bias.grad is None and net.branches[0].bias.grad.tolist() == [4, 4]
        # Accumulated on one rank before: it counts as used.
        wrapped.zero_grad()
        with wrapped.no_sync():
            (net(mine(), 2) if RANK == 0 else net(mine(), 0)).sum().backward()
        loss(wrapped, RANK).backward()
        assert net.branches[2].bias.grad.tolist() == [4 / WORLD, 4 / WORLD]


def check_two_backwards_with_unused():
    """The two outputs of one forward, each with a backward of its own."""
    for options in ({}, dict(find_unused_parameters=True)):
        net = Outputs(lambda a, b: (a, b))
        expected = gradients(net, lambda net, rank: sum(y.sum() for y in net(batch_of(rank))))
        wrapped = DDP(net, **options)
        for _ in range(2):
            wrapped.zero_grad()
            a, b = wrapped(mine())
            a.sum().backward()
            b.sum().backward()
            close(net, expected)


def check_unused_parameters_are_an_error():
    net = Branches()
    wrapped = DDP(net)
    wrapped(mine(), 0).sum().backward()
    text = "Expected to have finished reduction in the prior iteration"
    raises(RuntimeError, text, lambda: wrapped(mine(), 0))
    raises(RuntimeError, "branches.1.weight, branches.1.bias", lambda: wrapped(mine(), 0))
    again = DDP(copy.deepcopy(net))
    y = again(mine(), 0)
    y.sum().backward(retain_graph=True)
    raises(RuntimeError, "mark a variable ready only once", lambda: y.sum().backward())


# --------------------------------------------------------------------------------- the start


def check_values_of_rank_0():
    net = linear(3, 2, seed=RANK)
    net.register_buffer("count", mt.tensor([RANK + 1, 7]))
    net.register_buffer("flag", mt.tensor([RANK == 0]))
    net.register_buffer("rate", mt.tensor(0.5 - RANK))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DDP(net)
    texts = [str(w.message) for w in caught]
    if RANK == 0 and WORLD > 1:
        assert len(texts) == 1 and f"ranks {list(range(1, WORLD))} have other values" in texts[0]
    else:
        assert not texts
    assert np.array_equal(net.weight.detach().numpy(), linear(3, 2).weight.detach().numpy())
    assert net.count.tolist() == [1, 7] and net.count.dtype is mt.int64
    assert net.flag.tolist() == [True] and net.rate.item() == 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DDP(linear(3, 2))
        other = linear(3, 2, seed=8)
    expected = other.weight.detach().numpy() + (RANK == 0)
    with mt.no_grad():
        other.weight += RANK == 0
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        DDP(other, init_sync=False)
    assert np.array_equal(other.weight.detach().numpy(), expected)


def check_different_networks():
    if WORLD == 1:
        return
    last = RANK == WORLD - 1
    for net, text in (
        (linear(3, 2 + last), "'parameter weight [2, 3] of minitorch_cnn.float64' where rank"),
        (nn.Linear(3, 2) if last else linear(3, 2), "of minitorch_cnn.float32'"),
        (nn.Sequential(linear(3, 2)) if last else linear(3, 2), "'parameter 0.weight"),
        (nn.Sequential(linear(3, 2), linear(2, 2)) if last else nn.Sequential(linear(3, 2)), ""),
        (nn.BatchNorm1d(2, track_running_stats=not last), ""),
    ):
        raises(
            RuntimeError,
            text if last else f"ranks [{WORLD - 1}] have another network than rank 0",
            lambda net=net: DDP(net),
        )
    frozen = linear(3, 2)
    frozen.bias.requires_grad_(not last)
    raises(RuntimeError, "another network", lambda: DDP(frozen))
    raises(RuntimeError, "another network", lambda: DDP(linear(3, 2), bucket_cap_mb=1 + last))


def check_refused():
    wrapped = DDP(two_layers())
    raises(RuntimeError, "in a DistributedDataParallel already (it is one)", lambda: DDP(wrapped))
    inside = nn.Sequential(linear(3, 3), wrapped)
    raises(RuntimeError, "its part '1' is one", lambda: DDP(inside))
    frozen = linear(2, 2).requires_grad_(False)
    raises(RuntimeError, "not needed when a module doesn't have any", lambda: DDP(frozen))
    raises(ValueError, "only work with", lambda: DDP(two_layers(), device_ids=[0]))
    raises(ValueError, "only work with", lambda: DDP(two_layers(), output_device=0))
    raises(ValueError, "a single element", lambda: DDP(two_layers(), device_ids=[0, 1]))
    raises(NotImplementedError, "mixed_precision=", lambda: DDP(two_layers(), mixed_precision=1))
    raises(
        NotImplementedError, "comm_hook", lambda: wrapped.register_comm_hook(None, lambda *a: None)
    )


# ----------------------------------------------------------------------------------- buffers


class Counter(nn.Module):
    """A buffer that each rank changes in its own way."""

    def __init__(self):
        super().__init__()
        self.layer = linear(3, 2)
        self.register_buffer("seen", mt.tensor(0))
        self.register_buffer("mean", mt.zeros(2))

    def forward(self, x):
        before = self.seen.item()
        self.seen += 1 + RANK
        return self.layer(x) + before * 0, before


def check_buffers_are_rank_0s():
    net = Counter()
    wrapped = DDP(net)
    for step in range(3):
        y, before = wrapped(mine())
        assert before == step and net.seen.item() == step + 1 + RANK
        y.sum().backward()
    # A forward without averaging begins with rank 0's, and the one after it does not: as in torch.
    with mt.no_grad():
        assert wrapped(mine())[1] == 3
        assert wrapped(mine())[1] == 4 + RANK
    assert wrapped(mine())[1] == 5 + 2 * RANK
    with wrapped.no_sync():
        assert wrapped(mine())[1] == 6
    other = DDP(Counter(), broadcast_buffers=False)
    assert other(mine())[1] == 0 and other(mine())[1] == 1 + RANK


def check_frozen_norm_in_two_forwards():
    net = nn.Sequential(linear(3, 3), nn.BatchNorm1d(3).double(), linear(3, 2, seed=2)).eval()
    expected = gradients(net, lambda net, rank: squares(net, rank) + squares(net, rank + 50))
    wrapped = DDP(net)
    wrapped.eval()
    (squares(wrapped, RANK) + squares(wrapped, RANK + 50)).backward()
    close(net, expected)


# ------------------------------------------------------------------- what goes around training


def same_everywhere(values):
    mine = mt.tensor(np.asarray(values, np.float64))
    first = mine.clone()
    dist.broadcast(first, 0)
    assert np.array_equal(mine.numpy(), first.numpy(), equal_nan=True), (values, first.tolist())


def check_scaler_clipping_and_schedules():
    wrapped = DDP(two_layers())
    optimizer = mt.optim.AdamW(wrapped.parameters(), lr=0.1)
    schedule = mt.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    scaler = mt.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    for step in range(6):
        optimizer.zero_grad()
        loss = squares(wrapped, RANK + 10 * step)
        if step == 2 and RANK == WORLD - 1:
            loss = loss * float("inf")  # on one rank alone
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = mt.nn.utils.clip_grad_norm_(wrapped.parameters(), 0.1)
        before = [p.detach().numpy().copy() for p in wrapped.parameters()]
        scaler.step(optimizer)
        scaler.update()
        skipped = all(
            np.array_equal(a, p.detach().numpy())
            for a, p in zip(before, wrapped.parameters(), strict=True)
        )
        assert skipped == (step == 2)
        mean = loss.detach().clone()
        dist.all_reduce(mean, dist.ReduceOp.AVG)
        schedule.step(mean.item())
        numbers = [norm.item(), scaler.get_scale(), optimizer.param_groups[0]["lr"]]
        for parameter in wrapped.parameters():
            numbers += parameter.detach().numpy().ravel().tolist()
        same_everywhere(numbers)


def check_checkpoint_of_rank_0():
    path = sys.argv[1] + f"/state-{WORLD}.pt"
    wrapped = DDP(two_layers())
    squares(wrapped, RANK).backward()
    mt.optim.SGD(wrapped.parameters(), lr=0.1).step()
    assert next(iter(wrapped.state_dict())) == "module.0.weight"
    if RANK == 0:
        mt.save(wrapped.state_dict(), path)
    dist.barrier()
    other = DDP(two_layers())
    other.load_state_dict(mt.load(path))
    for a, b in zip(wrapped.parameters(), other.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())
    same_everywhere(other.module[0].weight.detach().numpy())


def check_copies():
    wrapped = DDP(two_layers())
    other = copy.deepcopy(wrapped)
    expected = gradients(other.module, squares)
    squares(other, RANK).backward()
    close(other.module, expected)
    assert all(p.grad is None for p in wrapped.parameters())
    # Once it is gone nobody sends its gradients any more.
    net = wrapped.module
    del wrapped
    if RANK == 0:
        squares(net, RANK).backward()
        close(net, gradients_here(net))
    net.zero_grad()
    wrapped = DDP(net)
    squares(wrapped, RANK).backward()
    close(net, expected)


def check_uneven_batches():
    """Batches of another size on each rank: the mean of the ranks' gradients."""

    def loss(net, rank):
        return (net(batch_of(rank, rank + 1)) ** 2).mean()

    net = two_layers()
    expected = gradients(net, loss)
    wrapped = DDP(net)
    loss(wrapped, RANK).backward()
    close(net, expected)


def steps_alone(net, batches, by_all):
    """What a join block has to come to: batches[rank] says how many a rank has."""
    for step in range(max(batches)):
        active = [rank for rank in range(WORLD) if step < batches[rank]]
        total = [0] * len(list(net.parameters()))
        for rank in active:
            net.zero_grad()
            squares(net, rank + 10 * step).backward()
            total = [a + p.grad.numpy() for a, p in zip(total, net.parameters(), strict=True)]
        with mt.no_grad():
            for parameter, gradient in zip(net.parameters(), total, strict=True):
                parameter -= mt.tensor(0.1 * gradient / (WORLD if by_all else len(active)))


def check_join():
    for batches in (range(WORLD), range(WORLD, 0, -1), [2] * WORLD, [0] * WORLD):
        for by_all in (True, False):
            for options in ({}, dict(find_unused_parameters=True, bucket_cap_mb=1e-5)):
                net = two_layers()
                net.register_buffer("steps", mt.tensor(0))
                alone = copy.deepcopy(net)
                steps_alone(alone, batches, by_all)
                wrapped = DDP(net, **options)
                optimizer = mt.optim.SGD(wrapped.parameters(), lr=0.1)
                join = wrapped.join if options else partial(Join, [wrapped])
                with join(divide_by_initial_world_size=by_all):
                    for step in range(batches[RANK]):
                        optimizer.zero_grad()
                        squares(wrapped, RANK + 10 * step).backward()
                        optimizer.step()
                        net.steps += 1
                assert net.steps.item() == max(batches)
                for mine, its in zip(net.parameters(), alone.parameters(), strict=True):
                    np.testing.assert_allclose(
                        mine.detach().numpy(), its.detach().numpy(), rtol=1e-12
                    )
                wrapped.zero_grad()
                expected = gradients(net, squares)
                squares(wrapped, RANK).backward()  # as usual again
                close(net, expected)


def check_join_refused():
    wrapped = DDP(two_layers())

    def train():
        with wrapped.join(throw_on_early_termination=True):
            for _ in range(1 + (RANK == 0)):
                squares(wrapped, RANK).backward()

    if WORLD > 1:
        raises(RuntimeError, "at least one rank that exhausted inputs", train)
        norm = nn.Sequential(linear(3, 2), nn.SyncBatchNorm(2).double())
        raises(NotImplementedError, "with SyncBatchNorm", DDP(norm).join().__enter__)
    with wrapped.join(enable=False), Join([wrapped], enable=False):
        squares(wrapped, RANK).backward()
    raises(ValueError, "at least one joinable", partial(Join, []))
    raises(TypeError, "requires joinables", partial(Join, [two_layers()]))
    raises(NotImplementedError, "of 2 joinables", partial(Join, [wrapped, wrapped]))
    raises(NotImplementedError, "Joinable in Join is not supported", partial(Join, [Joinable()]))


def check_group_of_its_own():
    """Rank 0 alone, and all others together."""
    if WORLD == 1:
        return
    groups = [dist.new_group([0]), dist.new_group(list(range(1, WORLD)))]
    net = linear(3, 2, seed=int(RANK > 0))
    wrapped = DDP(net, process_group=groups[RANK > 0])
    squares(wrapped, RANK).backward()
    members = [0] if RANK == 0 else range(1, WORLD)
    found = []
    for rank in members:
        alone = linear(3, 2, seed=int(RANK > 0))
        squares(alone, rank).backward()
        found.append(alone.weight.grad.numpy())
    np.testing.assert_allclose(net.weight.grad.numpy(), np.mean(found, 0), rtol=1e-12)


class Path(nn.Module):
    """Layers that a call names, in its order, some of them several times."""

    def __init__(self, count):
        super().__init__()
        self.layers = nn.ModuleList([linear(3, 3, seed=i) for i in range(count)])

    def forward(self, x, path):
        for place in path:
            x = self.layers[place](x).tanh()
        return x


def check_random_networks():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 6))
        net = Path(count)
        unused = bool(rng.random() < 0.5)
        if not unused and count > 1 and rng.random() < 0.5:
            net.layers[0].weight.requires_grad_(False)
        wrapped = DDP(
            net,
            find_unused_parameters=unused,
            gradient_as_bucket_view=bool(rng.random() < 0.5),
            bucket_cap_mb=float(rng.choice([1e-5, 1e-4, 2e-4, 25])),
        )

        def path(rank, call):
            own = np.random.default_rng([seed, call, rank * unused])  # noqa: B023
            more = own.integers(0, count, own.integers(1, 6))  # noqa: B023
            return more if unused else own.permutation([*range(count), *more])  # noqa: B023

        for step in range(3):
            to_none = bool(rng.random() < 0.5)
            local, together = int(rng.integers(0, 3)), int(rng.integers(1, 3))

            def loss(net, rank, call):
                x = batch_of(rank + 10 * call)
                return (net(x, path(rank, call)) ** 2).mean()

            calls = [100 * step + call for call in range(local + together)]
            expected = gradients(net, lambda net, rank: sum(loss(net, rank, c) for c in calls))  # noqa: B023
            wrapped.zero_grad(set_to_none=to_none)
            with wrapped.no_sync():
                for call in calls[:local]:
                    loss(wrapped, RANK, call).backward()
            losses = [loss(wrapped, RANK, call) for call in calls[local:]]
            if rng.random() < 0.5:
                sum(losses).backward()
            else:
                for each in losses:
                    each.backward()
            for p, value in zip(net.parameters(), expected, strict=True):
                found = 0 if p.grad is None else p.grad.numpy()
                np.testing.assert_allclose(found, value, rtol=1e-11, atol=1e-13)
                if p.requires_grad:
                    same_everywhere(found if np.ndim(found) else [0.0])


CHECKS = {name: value for name, value in list(globals().items()) if name.startswith("check_")}


def unused_on_one_rank():
    """What the others of a rank that leaves out a parameter must not wait for: runs into an error.

    They are in backward, and wait for a bucket that it does not send.
    """
    wrapped = DDP(Branches())
    for _ in range(2):
        choices = range(1 if RANK == 0 else 3)
        sum(wrapped(mine(), choice) for choice in choices).sum().backward()


if __name__ == "__main__":
    dist.init_process_group("mpi")
    RANK, WORLD = dist.get_rank(), dist.get_world_size()
    if sys.argv[-1] == "unused":
        unused_on_one_rank()
    for name, check in CHECKS.items():
        with mt.kernel_tier("array"):
            check()
        dist.barrier()
        if RANK == 0:
            print(name, flush=True)
    dist.destroy_process_group()
