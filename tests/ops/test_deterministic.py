"""New memory in deterministic mode."""

import pytest

import minitorch_cnn as mt
from minitorch_cnn.ops.deterministic import uninitialized


def test_deterministic_mode_fills_new_memory(monkeypatch):
    """With NaN, True or the largest integer, so that it shows what was read before it was set."""
    settings = mt.config.settings
    monkeypatch.setattr(settings, "mode", True)
    makers = {
        "empty": lambda kind: mt.empty(2, 3, dtype=kind),
        "channels last": lambda kind: mt.empty(
            1, 2, 3, 4, dtype=kind, memory_format=mt.channels_last
        ),
        "out": lambda kind: mt.empty(2, 3, out=mt.zeros(0, dtype=kind)),
        "empty_like": lambda kind: mt.empty_like(mt.zeros(2, 3), dtype=kind),
        "empty_strided": lambda kind: mt.empty_strided((2, 3), (1, 2), dtype=kind),
        "empty_permuted": lambda kind: mt.empty_permuted((2, 3), (1, 0), dtype=kind),
        "new_empty": lambda kind: mt.zeros(1, dtype=kind).new_empty(2, 3),
        "new": lambda kind: mt.zeros(1, dtype=kind).new(2, 3),
        "resize_": lambda kind: mt.zeros(0, dtype=kind).resize_(2, 3),
    }
    largest = {mt.uint8: 255, mt.int8: 127, mt.int16: 2**15 - 1, mt.int64: 2**63 - 1, mt.bool: True}
    for name, make in makers.items():
        for kind in (mt.float16, mt.float32, mt.float64):
            assert make(kind).isnan().all(), (name, kind)
        for kind, value in largest.items():
            assert make(kind).flatten().tolist() == [value] * make(kind).numel(), (name, kind)
    assert mt.zeros(2).resize_(4)[:2].tolist() == [0, 0]
    monkeypatch.setattr(settings, "fill_uninitialized_memory", True)
    module = mt.utils.deterministic
    with pytest.raises(RuntimeError, match="expected a bool, but got int"):
        module.fill_uninitialized_memory = 1
    module.fill_uninitialized_memory = False
    assert module.fill_uninitialized_memory is False
    x = mt.ones(2)
    assert uninitialized(x.array) is x.array and x.tolist() == [1, 1]
