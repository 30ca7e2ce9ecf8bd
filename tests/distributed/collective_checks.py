"""What test_collectives.py wants to know of several processes: mpiexec -n 3 python this_file.

Each process knows the inputs of all (`data`), and what comes of them by NumPy alone.
"""

import functools
import multiprocessing
import os
import sys
import warnings
from datetime import timedelta

import numpy as np
import pytest

import minitorch_cnn as mt
import minitorch_cnn.distributed as dist
from minitorch_cnn.dtypes import ALL_DTYPES

SHAPES = [(3, 4), (), (0, 2), (5,), (2, 3, 1)]
NUMPY = {
    "SUM": np.add,
    "PRODUCT": np.multiply,
    "MIN": np.minimum,
    "MAX": np.maximum,
    "BAND": np.bitwise_and,
    "BOR": np.bitwise_or,
    "BXOR": np.bitwise_xor,
}


def data(rank, dtype, shape, seed=0):
    """The input of a process: small numbers, of which float16 adds up three exactly."""
    rng = np.random.default_rng([seed, rank])
    values = rng.integers(0, 2, shape) if dtype is mt.bool else rng.integers(1, 6, shape)
    return np.asarray(values).astype(dtype.numpy)


def tensor(array, layout=0):
    """A tensor of these values that lies in memory in one of four ways."""
    if layout == 1:  # transposed
        return mt.from_numpy(np.array(array.T, order="C").T)
    if layout == 2:  # with gaps
        return mt.from_numpy(np.repeat(array[..., None], 2, -1)[..., 0])
    if layout == 3 and array.ndim:  # turned round
        return mt.from_numpy(array[::-1].copy()).flip(0)
    return mt.from_numpy(array.copy())


def combined(name, arrays):
    """What all_reduce gives, by NumPy."""
    if arrays[0].dtype == bool:
        name = {"SUM": "MAX", "PRODUCT": "MIN"}.get(name, name)
    if name == "AVG":
        total = functools.reduce(np.add, arrays)
        kind = total.dtype
        return (total / len(arrays)).astype(kind)
    return functools.reduce(NUMPY[name], arrays)


def same(found, expected):
    assert found.dtype.numpy == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)


def cases():
    for dtype in ALL_DTYPES:
        for number, shape in enumerate(SHAPES):
            yield dtype, shape, number % 4


def check_reductions(rank, size):
    for dtype, shape, layout in cases():
        inputs = [data(each, dtype, shape) for each in range(size)]
        for op in dist.ReduceOp if shape == SHAPES[0] else [dist.ReduceOp.SUM]:
            if dtype is mt.bool and op is dist.ReduceOp.AVG:
                with pytest.raises(TypeError, match=r"AVG with bool.*SUM, MIN or MAX"):
                    dist.all_reduce(tensor(inputs[rank]), op)
                continue
            if dtype.is_floating_point and op.name.startswith("B"):
                with pytest.raises(RuntimeError, match=rf"{op.name} with float.*integers"):
                    dist.all_reduce(tensor(inputs[rank]), op)
                continue
            expected = combined(op.name, inputs)
            x = tensor(inputs[rank], layout)
            assert dist.all_reduce(x, op) is None
            same(x, expected)
            x = tensor(inputs[rank], layout)
            dist.reduce(x, size - 1, op)
            same(x, expected if rank == size - 1 else inputs[rank])
            whole = [data(each, dtype, (size, *shape), 7) for each in range(size)]
            out = tensor(inputs[rank], layout)
            dist.reduce_scatter_tensor(out, mt.from_numpy(whole[rank]), op)
            same(out, combined(op.name, whole)[rank].reshape(shape))
            out = tensor(inputs[rank], layout)
            dist.reduce_scatter(out, [tensor(np.asarray(each)) for each in whole[rank]], op)
            same(out, combined(op.name, whole)[rank].reshape(shape))

    x = mt.tensor([-1 if rank == 0 else -2])
    dist.all_reduce(x, dist.ReduceOp.AVG)
    assert x.item() == -1  # -(2 - 1 / size), rounded towards 0


def check_movements(rank, size):
    for dtype, shape, layout in cases():
        inputs = [data(each, dtype, shape) for each in range(size)]
        mine = tensor(inputs[rank], layout)
        for root in {layout % size, size - 1}:
            x = tensor(inputs[rank], layout)
            dist.broadcast(x, root)
            same(x, inputs[root])
            rows = [tensor(inputs[rank], layout) for _ in range(size)] if rank == root else None
            dist.gather(mine, rows, root)
            for row, expected in zip(rows or [], inputs):
                same(row, expected)
            x = tensor(inputs[rank], layout)
            sent = [tensor(np.asarray(each + each)) for each in inputs] if rank == root else None
            dist.scatter(x, sent, root)
            same(x, np.asarray(inputs[rank] + inputs[rank]))
        rows = [tensor(inputs[rank], layout) for _ in range(size)]
        dist.all_gather(rows, mine)
        for row, expected in zip(rows, inputs):
            same(row, expected)
        whole = mt.zeros(size, *shape, dtype=dtype)
        dist.all_gather_into_tensor(whole, mine)
        same(whole, np.stack(inputs))
        if shape:
            whole = mt.zeros(size * shape[0], *shape[1:], dtype=dtype)
            dist.all_gather_into_tensor(whole, mine)
            same(whole, np.concatenate(inputs))
        wide = [data(each, dtype, (size, *shape), 3) for each in range(size)]
        out = mt.zeros(size, *shape, dtype=dtype)
        dist.all_to_all_single(out, mt.from_numpy(wide[rank]))
        same(out, np.stack([each[rank] for each in wide]))
        rows = [tensor(inputs[rank], layout) for _ in range(size)]
        dist.all_to_all(rows, [tensor(np.asarray(each)) for each in wide[rank]])
        for row, each in zip(rows, wide):
            same(row, np.asarray(each[rank]))


def check_async(rank, size):
    big = [data(each, mt.float64, (300, 1000), 1) for each in range(size)]
    xs = [mt.from_numpy(big[rank] * factor) for factor in (1, 2, 3)]
    with dist.record() as events:
        works = [dist.all_reduce(x, async_op=True) for x in xs]
        for _ in range(10_000_000):
            if works[2].is_completed():
                break
        assert works[2].is_success() and works[2].wait() and works[0].wait()
        while not works[1].is_completed():
            pass
        dist.barrier(async_op=True).wait()
    for factor, x in zip((1, 2, 3), xs):
        same(x, sum(big) * factor)
    assert len(events) == 4 and {event.name for event in events} == {
        "all_reduce([300, 1000], float64, SUM)",
        "barrier()",
    }
    assert events[0].bytes == 2_400_000 and all(event.start < event.end for event in events)
    rows = [mt.zeros(2) for _ in range(size)]
    work = dist.all_gather(rows, mt.full((2,), float(rank)), async_op=True)
    work.wait()
    assert [row[0].item() for row in rows] == list(range(size))
    # Big ones: many, so that the rounding would show in another order of adding.
    x = mt.from_numpy(np.random.default_rng(rank).standard_normal(100_001))
    y = x.clone()
    dist.all_reduce(x)
    dist.all_reduce(y)
    assert x.equal(y)
    dist.broadcast(y, 0)
    assert x.equal(y)  # and all have the same bits


def check_forgotten(rank, size):
    """MPI's buffers live on if nobody waits, and not for ever."""
    backend = dist.group.WORLD.backend
    for number in range(250):
        dist.all_reduce(mt.full((5000,), float(number)).t(), async_op=True)
        dist.all_reduce(mt.full((50, 100), float(number)).t(), async_op=True)
        if number % 50 == 0:
            dist.barrier()
    held = {id(array) for work in backend.held for array in work.arrays}
    assert 0 < len(held) <= 200, len(held)
    x = mt.ones(3)
    dist.all_reduce(x)
    assert x.tolist() == [size] * 3
    for work in tuple(backend.held):
        while not work.is_completed():
            pass
    assert not backend.held


def check_tensors_know(rank, size):
    """A collective is a write in place: the version counts, results put off come first."""
    x = mt.ones(1, 3, 2, 2) * (rank + 1)
    before = x._version
    later = mt.nn.functional.batch_norm(x, mt.zeros(3), mt.ones(3), eps=0)
    assert later._deferred is not None
    dist.all_reduce(x)
    assert x._version == before + 1
    same(later, np.full((1, 3, 2, 2), rank + 1, np.float32))
    w = mt.ones(2, requires_grad=True)
    y = (w * w).sum()
    dist.all_reduce(w)
    with pytest.raises(RuntimeError, match="modified"):
        y.backward()
    view = mt.zeros(4, 4)
    dist.all_reduce(view[1:3, ::2].add_(1))
    assert view.sum().item() == 4 * size


def check_messages(rank, size):
    right, left = (rank + 1) % size, (rank - 1) % size
    for dtype in ALL_DTYPES:
        x, y = tensor(data(rank, dtype, (4, 3)), 1), mt.zeros(3, 4, dtype=dtype).t()
        send, receive = dist.isend(x, right, tag=3), dist.irecv(y, left, tag=3)
        assert send.wait() and receive.wait()
        same(y, data(left, dtype, (4, 3)))
    if rank == 0:
        senders = set()
        for _ in range(size - 1):
            got = mt.zeros(1)
            senders.add(source := dist.recv(got))
            assert got.item() == source
        assert senders == set(range(1, size))
        dist.send(mt.ones(5), 1)
    else:
        dist.send(mt.full((1,), float(rank)), 0)
    if rank == 1:
        with pytest.raises(RuntimeError, match=r"sent 20 bytes.*\[4\] and float32 takes 16"):
            dist.recv(mt.zeros(4), 0)
    dist.barrier()  # no message of what follows is to be taken for those from anybody
    y = mt.zeros(2)
    ops = [
        dist.P2POp(dist.isend, mt.full((2,), float(rank)), right),
        dist.P2POp(dist.irecv, y, left),
    ]
    for work in dist.batch_isend_irecv(ops):
        work.wait()
    assert y[0].item() == left
    with pytest.raises(ValueError, match="should not be the same"):
        dist.send(y, rank)
    with pytest.raises(ValueError, match="op"):
        dist.P2POp(dist.send, y, right)


def check_objects(rank, size):
    mine = {"rank": rank, "text": "가" * (rank * 50), "values": [1.5, None, (True,)], 3: mt.ones(2)}
    found = [None] * size
    dist.all_gather_object(found, mine)
    for place, each in enumerate(found):
        assert each["rank"] == place and each["text"] == "가" * (place * 50)
        assert each["values"] == [1.5, None, (True,)] and each[3].equal(mt.ones(2))
    found = [None] * size if rank == 1 else None
    dist.gather_object(rank * 2, found, 1)
    assert found == ([each * 2 for each in range(size)] if rank == 1 else None)
    things = ["a", {"b": 2}] if rank == 1 else [None, None]
    dist.broadcast_object_list(things, 1)
    assert things == ["a", {"b": 2}]
    got = [None]
    dist.scatter_object_list(got, [f"for {each}" for each in range(size)] if rank == 1 else None, 1)
    assert got == [f"for {rank}"]
    with pytest.raises(TypeError, match="cannot save"):
        dist.all_gather_object([None] * size, lambda: 3)


def check_groups(rank, size):
    assert dist.get_process_group_ranks(None) == list(range(size))
    first, last = dist.new_group([1, 0]), dist.new_group([size - 1])
    everybody = dist.new_group()
    x = mt.ones(1) * (rank + 1)
    dist.all_reduce(x, group=everybody)
    assert x.item() == size * (size + 1) / 2
    if rank < 2:
        assert first.size() == 2 and first.rank() == dist.get_rank(first) == rank
        x = mt.ones(1) * (rank + 1)
        dist.all_reduce(x, group=first)
        assert x.item() == 3 and dist.get_group_rank(first, 1) == 1
        with pytest.raises(RuntimeError, match=r"src=2 is not one of the group's .*\[0, 1\]"):
            dist.broadcast(x, 2, group=first)
        dist.destroy_process_group(first)
        with pytest.raises(ValueError, match="Invalid process group"):
            dist.all_reduce(x, group=first)
    else:
        assert first == dist.GroupMember.NON_GROUP_MEMBER
        x = mt.ones(1)
        dist.all_reduce(x, group=first)
        assert x.item() == 1 and dist.get_rank(first) == dist.get_world_size(first) == -1
    if rank == size - 1:
        assert dist.get_world_size(last) == 1 and dist.get_global_rank(last, 0) == rank
        with pytest.raises(ValueError, match="Group rank 1"):
            dist.get_global_rank(last, 1)
    kept = dist.new_group([1, 0], sort_ranks=False)
    if rank < 2:
        assert dist.get_rank(kept) == 1 - rank and dist.get_process_group_ranks(kept) == [1, 0]
        x = mt.full((1,), float(rank))
        dist.broadcast(x, 1, group=kept)
        assert x.item() == 1
    for wrong in ([0, 0], [0, size], [-1]):
        with pytest.raises(ValueError, match="rank"):
            dist.new_group(wrong)


def check_wrong_calls(rank, size):
    """What is wrong on each process alone is found before anything is sent."""
    x, two = mt.ones(2), [mt.ones(2) for _ in range(size)]
    wrong = [
        (TypeError, "`tensor` of type Tensor", lambda: dist.all_reduce([1.0])),
        (TypeError, "op must be one of", lambda: dist.all_reduce(x, "sum")),
        (RuntimeError, f"{size + 1} tensors", lambda: dist.all_gather([*two, x], x)),
        (RuntimeError, r"\[0\] has shape", lambda: dist.all_gather([mt.ones(3), *two[1:]], x)),
        (ValueError, "int64", lambda: dist.all_gather([x.long(), *two[1:]], x)),
        (TypeError, "List", lambda: dist.all_gather(x, x)),
        (RuntimeError, "times as many", lambda: dist.all_gather_into_tensor(mt.ones(3), x)),
        (RuntimeError, "dtypes", lambda: dist.all_gather_into_tensor(mt.ones(2 * size).long(), x)),
        (RuntimeError, f"src={size}", lambda: dist.broadcast(x, size)),
        (ValueError, "Must specify", lambda: dist.broadcast(x)),
        (ValueError, "both", lambda: dist.broadcast(x, 0, group_src=0)),
        (RuntimeError, "group_src=-1", lambda: dist.broadcast(x, group_src=-1)),
        (ValueError, "gather_list", lambda: dist.gather(x, None, rank)),
        (ValueError, "NOT", lambda: dist.gather(x, two, (rank + 1) % size)),
        (ValueError, "scatter_list", lambda: dist.scatter(x, None, rank)),
        (RuntimeError, "times as many", lambda: dist.reduce_scatter_tensor(x, mt.ones(3))),
        (NotImplementedError, "split", lambda: dist.all_to_all_single(x, x, [1], [1])),
        (ValueError, "Invalid process group", lambda: dist.all_reduce(x, group=5)),
        (ValueError, "twice", lambda: dist.init_process_group("mpi")),
    ]
    for error, text, call in wrong:
        with pytest.raises(error, match=text):
            call()


def check_torch(rank, size, port):
    """The same calls by torch's gloo."""
    import torch
    import torch.distributed as theirs

    store = theirs.TCPStore("127.0.0.1", port, size, rank == 0)
    theirs.init_process_group("gloo", store=store, rank=rank, world_size=size)
    values = np.random.default_rng(rank).standard_normal((size, 3)).astype(np.float32)
    numbers = np.random.default_rng(rank).integers(-100, 100, (size, 3)).astype(np.int8)
    for array in (values, numbers):
        for name in ("SUM", "PRODUCT", "MIN", "MAX"):
            x, y = mt.from_numpy(array.copy()), torch.from_numpy(array.copy())
            dist.all_reduce(x, getattr(dist.ReduceOp, name))
            theirs.all_reduce(y, getattr(theirs.ReduceOp, name))
            if size == 2:
                same(x, y.numpy())
            np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-6)
        x, y = mt.from_numpy(array[0].copy()), torch.from_numpy(array[0].copy())
        dist.reduce_scatter_tensor(x, mt.from_numpy(array.reshape(-1)))
        theirs.reduce_scatter_tensor(y, torch.from_numpy(array.reshape(-1)))
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-6)
        x, y = mt.from_numpy(array.copy()), torch.from_numpy(array.copy())
        dist.all_to_all_single(x, mt.from_numpy(array))
        theirs.all_to_all_single(y, torch.from_numpy(array))
        same(x, y.numpy())
    theirs.destroy_process_group()


class Squares(mt.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return mt.tensor(float(index) ** 2)


def check_workers(rank, size):
    """Forked workers of a DataLoader: they end without disturbing MPI."""
    loader = mt.utils.data.DataLoader(Squares(), batch_size=2, num_workers=1)
    total = sum(batch.sum() for batch in loader)
    dist.all_reduce(total)
    assert total.item() == 55 * size
    child = multiprocessing.get_context("fork").Process(target=sys.exit, args=(7,))
    child.start()
    child.join()
    assert child.exitcode == 7
    dist.barrier()


def main():
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        dist.init_process_group("gloo", "env://", timedelta(seconds=60))
    rank, size = dist.get_rank(), dist.get_world_size()
    assert [str(note.message) for note in notes] == ["the backend gloo is served by MPI"] * (
        rank == 0
    )
    assert dist.get_backend() == "mpi" == dist.Backend.MPI and dist.is_initialized()
    assert (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])) == (rank, size)
    locals_ = [None] * size
    dist.all_gather_object(locals_, int(os.environ["LOCAL_RANK"]))
    assert sorted(locals_) == list(range(size)) and locals_[rank] == dist.get_node_local_rank()
    assert int(os.environ["LOCAL_WORLD_SIZE"]) == size
    assert dist.group.WORLD.size() == size
    check_reductions(rank, size)
    check_movements(rank, size)
    check_async(rank, size)
    check_forgotten(rank, size)
    check_tensors_know(rank, size)
    if size > 1:
        check_messages(rank, size)
        check_objects(rank, size)
        check_groups(rank, size)
        check_wrong_calls(rank, size)
    check_workers(rank, size)
    if len(sys.argv) > 1:
        check_torch(rank, size, int(sys.argv[1]))
    dist.monitored_barrier()
    dist.destroy_process_group()
    assert not dist.is_initialized() and dist.group.WORLD is None
    dist.init_process_group("mpi")  # once more
    x = mt.ones(1)
    dist.all_reduce(x)
    assert x.item() == size
    print(f"rank {rank} is content")


if __name__ == "__main__":
    main()
