"""mt.cuda, uploads and mixed precision on a device, be it a stand-in, an emulated or a real one."""

import sys

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import backend, nn
from minitorch_cnn.cuda import memory

pytestmark = pytest.mark.skipif(
    mt.get_backend() == "numpy", reason="needs a device: pytest --backend standin or cupy"
)

STANDIN = mt.get_backend() == "cupy" and hasattr(backend.import_cupy(), "_rules")
CHANNELS_LAST = np.arange(48, dtype=np.float32).reshape(2, 4, 3, 2).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("non_blocking", [False, True])
def test_to_and_fro_keeps_values_and_the_order_in_memory(non_blocking):
    x = backend.CPU  # a tensor on the host, whatever the backend of this run
    x = mt.tensor(CHANNELS_LAST, device=x).contiguous(memory_format=mt.channels_last)
    assert not x.is_pinned()
    pinned = x.pin_memory()
    assert pinned.is_pinned() and pinned.stride() == x.stride() == (24, 1, 6, 2)
    for repeat in range(4):
        pinned.array[...] = CHANNELS_LAST + repeat
        y = pinned.to("cuda", non_blocking=non_blocking)
        mt.cuda.synchronize()
        assert y.is_cuda and y.stride() == x.stride()
        back = y.cpu()
        assert not back.is_cuda and back.stride() == x.stride()
        np.testing.assert_array_equal(back.array, CHANNELS_LAST + repeat)


def test_uploads_do_not_share_memory_with_earlier_ones():
    host = mt.zeros(5, device="cpu").pin_memory()
    kept = []
    for number in range(6):
        host = mt.full((5,), float(number), device="cpu").pin_memory()
        kept.append(host.to("cuda", non_blocking=True))
    assert [each.tolist() for each in kept] == [[float(n)] * 5 for n in range(6)]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_with_pin_memory(workers):
    data = [(np.full((2, 2), i, np.float32), {"label": i}) for i in range(5)]
    loader = mt.utils.data.DataLoader(data, batch_size=2, pin_memory=True, num_workers=workers)
    seen = []
    for images, names in loader:
        assert images.is_pinned() and names["label"].is_pinned()
        seen += names["label"].to("cuda", non_blocking=True).tolist()
        assert images.to("cuda", non_blocking=True)[:, 0, 0].tolist() == names["label"].tolist()
    assert seen == [0, 1, 2, 3, 4]


class MadeByWorkers(mt.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return mt.full((2,), float(index))


def test_what_workers_make_is_on_the_host():
    loader = mt.utils.data.DataLoader(MadeByWorkers(), batch_size=2, num_workers=1)
    seen = [(batch.is_cuda, batch.to("cuda")[:, 1].tolist()) for batch in loader]
    assert seen == [(False, [0.0, 1.0]), (False, [2.0, 3.0])]


def test_streams_and_events():
    side = mt.cuda.Stream()
    start, end = (mt.cuda.Event(enable_timing=True) for _ in range(2))
    assert mt.cuda.current_stream() == mt.cuda.default_stream() != side
    x = mt.ones(1000)
    side.wait_stream(mt.cuda.current_stream())
    with mt.cuda.stream(side):
        assert mt.cuda.current_stream() == side
        start.record()
        y = x * 2
        end.record()
    assert mt.cuda.current_stream() == mt.cuda.default_stream()
    end.wait()
    assert y.sum().item() == 2000
    side.synchronize()
    assert side.query() and end.query() and start.elapsed_time(end) >= 0
    with pytest.raises(ValueError, match="enable_timing"):
        side.record_event().elapsed_time(end)
    with mt.cuda.stream(None):
        assert mt.cuda.current_stream() == mt.cuda.default_stream()


def test_devices():
    assert mt.cuda.is_available() and mt.cuda.device_count() >= 1
    assert mt.cuda.current_device() == 0 and isinstance(mt.cuda.get_device_name(), str)
    assert mt.cuda.get_device_capability() >= (5, 0)
    mt.cuda.set_device("cuda:0")
    with mt.cuda.device(0):
        assert mt.ones(2).device == mt.device("cuda:0")
    for call in (
        lambda: mt.cuda.set_device(99),
        lambda: mt.ones(2, device="cuda:99"),
        lambda: mt.set_backend("cuda:99"),
        lambda: mt.cuda.device(99),
    ):
        with pytest.raises(RuntimeError, match="no GPU 99"):
            call()
    with pytest.raises(ValueError, match="cpu"):
        mt.cuda.synchronize("cpu")


@pytest.mark.skipif(STANDIN, reason="the stand-in runs no CUDA kernels")
def test_tensors_of_another_gpu_are_refused(monkeypatch):
    x = nn.Parameter(mt.ones(1, 1, 2, 2))
    x.grad = mt.ones(1, 1, 2, 2)
    monkeypatch.setattr(backend.import_cupy().cuda.runtime, "getDevice", lambda: 1)
    for launch in (lambda: nn.functional.relu(x), mt.optim.SGD([x], lr=0.1).step):
        with pytest.raises(RuntimeError, match=r"on GPU 0, .* on GPU 1: use .*set_device\(0\)"):
            launch()


def test_memory_statistics():
    mt.cuda.empty_cache()
    before = mt.cuda.memory_allocated()
    x = mt.ones(1 << 18)
    in_use = mt.cuda.memory_allocated()
    assert in_use <= mt.cuda.max_memory_allocated() and in_use <= mt.cuda.max_memory_reserved()
    del x
    assert before <= mt.cuda.memory_allocated() <= in_use
    if not STANDIN:  # which has no memory of its own
        assert in_use >= before + (1 << 20) and in_use > mt.cuda.memory_allocated()
        assert mt.cuda.mem_get_info()[1] >= mt.cuda.memory_reserved()


@pytest.mark.skipif("cupy_on_cpu" in sys.modules, reason="the emulated pool calls no hooks")
def test_the_peak_of_memory(monkeypatch):
    mt.cuda.reset_peak_memory_stats()
    before = mt.cuda.max_memory_allocated()
    assert before == mt.cuda.memory_allocated()
    if STANDIN:  # one allocation, as CuPy would report it
        pool = backend.import_cupy().get_default_memory_pool()
        monkeypatch.setattr(pool, "used_bytes", lambda: 1 << 20, raising=False)
        memory._peaks[0].malloc_postprocess(device_id=0, size=1 << 20, mem_size=1 << 20)
        monkeypatch.undo()
    else:
        x = mt.ones(1 << 18)
        del x
    assert mt.cuda.max_memory_allocated() >= before + (1 << 20) > mt.cuda.memory_allocated()
    mt.cuda.reset_peak_memory_stats()
    assert mt.cuda.max_memory_allocated() == mt.cuda.memory_allocated()


def test_seeds_and_initial_weights_are_those_of_numpy():
    """Masks of dropout are not: they are drawn on the device; the same seed gives the same ones."""
    weights, masks = [], []
    for name in ("numpy", "cupy"):
        mt.set_backend(name)
        mt.manual_seed(7)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 5))
        numbers = [mt.randn(4), mt.randperm(9)]
        weights.append([each.detach().cpu().array for each in [*net.parameters(), *numbers]])
    for _ in range(2):
        mt.manual_seed(7)
        masks.append(nn.functional.dropout(mt.ones(3, 40), 0.5).cpu().array)
    assert (masks[0] == masks[1]).all() and 0 < masks[0].mean() < 2
    for on_numpy, on_cupy in zip(*weights, strict=True):
        np.testing.assert_array_equal(on_numpy, on_cupy)


def test_mixed_precision_trains_on_the_device():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    net.append(nn.Linear(16, 2))
    optimizer, scaler = mt.optim.SGD(net.parameters(), lr=0.1), mt.cuda.amp.GradScaler()
    images, labels, losses = mt.randn(8, 3, 4, 4), mt.arange(8) % 2, []
    for _ in range(20):
        optimizer.zero_grad()
        with mt.autocast("cuda"):
            scores = net(images)
            loss = nn.functional.cross_entropy(scores, labels)
        assert scores.dtype is mt.float16 and loss.dtype is mt.float32
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_tf32_can_be_switched_on_and_off():
    if STANDIN:
        pytest.skip("the stand-in has no matrix products of its own")
    matmul = mt.backends.cuda.matmul
    assert matmul.allow_tf32 is False
    matmul.allow_tf32 = True
    assert matmul.allow_tf32 is True
    matmul.allow_tf32 = False
    assert matmul.allow_tf32 is False


@pytest.mark.parametrize("dtype", [mt.float64, mt.float32, mt.float16, mt.int64, mt.uint8])
@pytest.mark.parametrize("reduce, python", [("amax", max), ("amin", min)])
def test_the_extreme_of_what_meets_in_a_place(dtype, reduce, python):
    """Also of numbers that differ in the last digits only, of either sign and of NaN."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 3, 30)
    values = rng.integers(0, 99, 30)
    if dtype.is_floating_point:
        digit = np.spacing(np.ones((), dtype.numpy)).astype(np.float64)
        values = (1 + digit * values) * rng.choice([-1, 1], 30)
        places, values = np.append(places, [3, 3, 3]), np.append(values, [0.5, np.nan, -0.5])
    expected = [python(values[places == place].tolist()) for place in range(3)]
    expected.append(values[-2] if dtype.is_floating_point else 0)
    start, source = mt.zeros(4, dtype=dtype), mt.tensor(values, dtype=dtype)
    got = start.scatter_reduce(0, mt.tensor(places), source, reduce, include_self=False)
    assert got.dtype is dtype
    np.testing.assert_array_equal(got.numpy(), np.array(expected, dtype.numpy))
