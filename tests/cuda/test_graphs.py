"""CUDA graphs: what is asked of CuPy and in which order; on a GPU, what comes out."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.cuda import graphs, streams

needs_gpu = pytest.mark.skipif(not mt.cuda.is_available(), reason="needs CuPy and a GPU")


class Recorder:
    """The calls that CuPy would get."""

    def __init__(self):
        self.calls, self.current = [], [SimpleNamespace(ptr=0)]
        recorder = self

        class Stream:
            def __init__(self, non_blocking):
                self.ptr = 7
                assert non_blocking

            def __enter__(self):
                recorder.current.append(self)

            def __exit__(self, *exc):
                recorder.current.pop()

            def begin_capture(self):
                recorder.calls.append("begin")

            def end_capture(self):
                recorder.calls.append("end")
                return SimpleNamespace(launch=lambda: recorder.calls.append("launch"))

        class Pool:
            def malloc(self, size):
                raise NotImplementedError

        class UsingAllocator:
            def __init__(self, malloc):
                recorder.pool = weakref.ref(malloc.__self__)

            def __enter__(self):
                recorder.calls.append("own memory")

            def __exit__(self, *exc):
                recorder.calls.append("common memory")

        self.cuda = SimpleNamespace(
            Stream=Stream,
            MemoryPool=Pool,
            using_allocator=UsingAllocator,
            get_current_stream=lambda: self.current[-1],
            Device=lambda index=0: Device(self.calls),
        )


class Device:
    def __init__(self, calls):
        self.calls = calls

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass

    def synchronize(self):
        self.calls.append("synchronize")


@pytest.fixture
def recorder(monkeypatch):
    fake = Recorder()
    for module in (graphs, streams):
        monkeypatch.setattr(module, "import_cupy", lambda: fake)
    monkeypatch.setattr(streams, "gpu_number", lambda device=None: 0)
    return fake


def test_a_graph_is_recorded_on_a_side_stream_with_memory_of_its_own(recorder):
    g = mt.cuda.CUDAGraph()
    with mt.cuda.graph(g):
        recorder.calls.append("step")
        assert recorder.current[-1].ptr == 7
    assert recorder.current[-1].ptr == 0
    g.replay()
    g.replay()
    calls = ["synchronize", "own memory", "begin", "step", "end", "common memory"]
    assert recorder.calls == [*calls, "launch", "launch"]
    gc.collect()
    assert recorder.pool() is not None  # the graph writes there in every replay
    g.reset()
    gc.collect()
    assert recorder.pool() is None


def test_what_is_put_off_is_computed_on_the_right_side_of_a_recording(recorder, monkeypatch):
    monkeypatch.setattr(graphs, "settle", lambda: recorder.calls.append("compute what waits"))
    with mt.cuda.graph(mt.cuda.CUDAGraph()):
        pass
    wanted = [each for each in recorder.calls if each in ("compute what waits", "begin", "end")]
    assert wanted[-4:] == ["compute what waits", "begin", "compute what waits", "end"]


def test_what_is_put_off_is_computed_in_its_own_stream(recorder, monkeypatch):
    seen = []
    monkeypatch.setattr(streams, "settle", lambda: seen.append(recorder.current[-1].ptr))
    with mt.cuda.stream(mt.cuda.Stream()):
        assert seen == [0]
    assert seen == [0, 7]


def test_an_error_inside_ends_the_recording(recorder):
    g = mt.cuda.CUDAGraph()
    with pytest.raises(ZeroDivisionError), mt.cuda.graph(g):
        raise ZeroDivisionError
    assert recorder.calls[-2:] == ["end", "common memory"] and recorder.current[-1].ptr == 0


def test_wrong_use_is_refused(recorder):
    g = mt.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="non-default stream"):
        g.capture_begin()
    with pytest.raises(RuntimeError, match="nothing is being recorded"):
        g.capture_end()
    with pytest.raises(RuntimeError, match="record a graph first"):
        g.replay()
    with mt.cuda.graph(g):
        pass
    with pytest.raises(RuntimeError, match="recorded already"), mt.cuda.graph(g):
        pass
    assert recorder.current[-1].ptr == 0
    with (
        pytest.raises(NotImplementedError, match="pool"),
        mt.cuda.graph(mt.cuda.CUDAGraph(), (0, 1)),
    ):
        pass
    with pytest.raises(NotImplementedError, match="'global'"):
        mt.cuda.CUDAGraph().capture_begin(capture_error_mode="global")


def test_what_every_replay_would_repeat_is_refused(recorder):
    p = nn.Parameter(mt.ones(3))
    adam, sgd = (mt.optim.Adam([p]), mt.optim.SGD([p], lr=0.1))
    (p * p).sum().backward()
    dropout = nn.functional.dropout
    for host_made in (lambda: dropout(mt.ones(3)), lambda: mt.randperm(3), adam.step):
        refused = pytest.raises(RuntimeError, match="would repeat the same in every replay")
        with refused, mt.cuda.graph(mt.cuda.CUDAGraph()):
            host_made()
        host_made()  # outside, all of them work
    with mt.cuda.graph(mt.cuda.CUDAGraph()):
        dropout(mt.ones(3), training=False)
        sgd.step()


@pytest.mark.gpu
@needs_gpu
def test_replaying_a_training_step_on_the_gpu():
    def trained(replayed):
        mt.manual_seed(3)
        net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        net = net.append(nn.Flatten()).append(nn.Linear(512, 4)).to("cuda")
        optimizer = mt.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
        batches = [(mt.randn(16, 3, 8, 8), mt.randint(4, (16,))) for _ in range(12)]
        x, y = (each.to("cuda") for each in batches[0])
        losses = []

        def step():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        graph, static = mt.cuda.CUDAGraph(), None
        for number, (images, labels) in enumerate(batches):
            x.array[...] = images.to("cuda").array
            y.array[...] = labels.to("cuda").array
            if replayed and number >= 4:
                if static is None:
                    with mt.cuda.graph(graph):
                        static = step()
                graph.replay()
            loss = static if static is not None else step()
            losses.append(loss.item())
        return losses

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-5)
