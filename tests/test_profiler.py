"""The profiler: what it counts, how it adds times up, and that it leaves nothing behind."""

import json

import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import engine
from minitorch_cnn.autograd.function import Function


def step():
    x = mt.ones(2, 3, requires_grad=True)
    (mt.relu(x @ mt.ones(3, 4)) * 2).sum().backward()
    return x.grad


def counts(events):
    return {event.key: event.count for event in events}


def test_every_operation_forward_and_backward_is_counted():
    before = Function.__dict__["apply"].__func__, engine._backward_of
    plain = step()
    with mt.autograd.profiler.profile() as prof:
        profiled = step()
    assert (Function.__dict__["apply"].__func__, engine._backward_of) == before
    assert profiled.tolist() == plain.tolist()
    found = counts(prof.key_averages())
    assert found["MatMul"] == 2 and found["MatMulBackward"] == found["SumBackward"] == 1
    assert prof.total_average().count == len(prof.function_events) == sum(found.values())
    step()
    assert counts(prof.key_averages()) == found


def test_times_of_a_whole_are_those_of_its_parts():
    with mt.profiler.profile() as prof, mt.profiler.record_function("outside"):
        with mt.profiler.record_function("inside"):
            step()
        step()
    events = prof.events()
    named = {event.name: event for event in events}
    assert named["outside"].cpu_time_total > named["inside"].cpu_time_total > 0
    total = sum(event.self_cpu_time_total for event in events)
    assert total == pytest.approx(named["outside"].cpu_time_total) == events.self_cpu_time_total
    assert all(event.self_cpu_time_total > 0 for event in events)
    average = next(each for each in prof.key_averages() if each.key == "MatMul")
    assert average.cpu_time == pytest.approx(average.cpu_time_total / average.count)


def test_tables():
    with mt.profiler.profile(record_shapes=True) as prof:
        mt.ones(2, 3) @ mt.ones(3, 4)
        mt.ones(1, 3) @ mt.ones(3, 4)
        mt.ones(5).relu()
    grouped = prof.key_averages(group_by_input_shape=True)
    matmuls = [event.input_shapes for event in grouped if event.key == "MatMul"]
    assert matmuls == [[[2, 3], [3, 4]], [[1, 3], [3, 4]]]
    text = prof.key_averages().table(sort_by="count", row_limit=1, header="of a test")
    assert text.startswith("of a test\n") and "Self CPU %" in text and "MatMul" in text
    assert "ReLU" not in text and "Input Shapes" not in text
    assert "[[2, 3], [3, 4]]" in grouped.table(sort_by="self_cuda_time_total")
    assert "[[2, ..." in grouped.table(max_shapes_column_width=8, max_name_column_width=5)
    assert "Ma..." in grouped.table(max_shapes_column_width=-1, max_name_column_width=5)
    shares = [float(line.split()[1][:-1]) for line in str(grouped).splitlines()[3:-2]]
    assert sum(shares) == pytest.approx(100, abs=0.1)
    with pytest.raises(ValueError, match="sort_by is one of"):
        grouped.table(sort_by="size")


def test_a_trace_for_chrome(tmp_path):
    with mt.profiler.profile(record_shapes=True) as prof:
        step()
    prof.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [each["name"] for each in events] == [event.name for event in prof.events()]
    assert all(each["ph"] == "X" and each["dur"] >= 0 <= each["ts"] for each in events)
    assert [2, 3] in events[0]["args"]["Input Dims"]


def test_a_schedule_is_torchs():
    torch = pytest.importorskip("torch")
    for numbers in ((1, 1, 2, 2, 0), (0, 0, 1, 0, 3), (2, 0, 3, 1, 1)):
        options = dict(zip(("wait", "warmup", "active", "repeat", "skip_first"), numbers))
        ours, theirs = mt.profiler.schedule(**options), torch.profiler.schedule(**options)
        assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)]
    with pytest.raises(AssertionError):
        mt.profiler.schedule(wait=-1, warmup=0, active=1)


def test_only_the_steps_of_the_schedule_are_recorded(tmp_path):
    seen = []

    def ready(prof):
        seen.append((prof.step_num, counts(prof.key_averages())["MatMul"]))
        mt.profiler.tensorboard_trace_handler(str(tmp_path / "traces"))(prof)

    schedule = mt.profiler.schedule(wait=1, warmup=1, active=2, repeat=2)
    with mt.profiler.profile(schedule=schedule, on_trace_ready=ready) as prof:
        for _ in range(10):
            step()
            prof.step()
    assert seen == [(4, 4), (8, 4)]
    assert len(list((tmp_path / "traces").iterdir())) == 2
    assert Function.apply.__func__ is mt.autograd.profiler._apply


def test_an_error_ends_the_profile():
    with pytest.raises(RuntimeError, match="broadcast"), mt.profiler.profile() as prof:
        mt.ones(2) + mt.ones(3)
    assert Function.apply.__func__ is mt.autograd.profiler._apply
    assert mt.profiler.ProfilerActivity.CPU in mt.profiler.supported_activities()
    with pytest.raises(NotImplementedError, match="export_stacks"):
        prof.export_stacks("stacks")


def test_without_a_profile_names_are_for_nobody():
    @mt.profiler.record_function("named")
    def double(x):
        return 2 * x

    assert double(2) == 4
    with mt.autograd.profiler.profile(enabled=False) as prof:
        step()
    assert not prof.events
    with mt.autograd.profiler.profile() as prof:
        double(mt.ones(1))
    assert counts(prof.key_averages()) == {"Mul": 1, "named": 1}


def test_the_table_of_what_nothing_else_called():
    with mt.autograd.profiler.profile() as prof:
        with mt.autograd.profiler.record_function("outer"):
            mt.ones(2).relu()
        mt.ones(2).exp()
    names = {event.name: event.cpu_parent and event.cpu_parent.name for event in prof.events}
    assert names == {"outer": None, "ReLU": "outer", "Exp": None}
    for table in (prof.table, prof.key_averages().table):
        text = table(top_level_events_only=True)
        assert "outer" in text and "Exp" in text and "ReLU" not in text
    assert not mt.autograd.kineto_available()


def test_averages_are_added_up():
    from minitorch_cnn.autograd.profiler_util import FunctionEvent, FunctionEventAvg

    average = FunctionEventAvg()
    for start, end in ((10, 15), (20, 30)):
        average.add(FunctionEvent(id=0, node_id=0, name="a", thread=0, start_us=start, end_us=end))
    assert (average.key, average.count, average.cpu_time_total, average.cpu_time) == (
        "a",
        2,
        15,
        7.5,
    )
    assert average.add(average) is average and average.count == 4 and average.cpu_time == 7.5
    assert average.self_cpu_time_total == 30 and average.device_time_total == 0
