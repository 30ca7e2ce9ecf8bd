"""torch.overrides: the few questions that have an answer here."""

import pytest

import minitorch_cnn as mt


def test_overrides():
    torch = pytest.importorskip("torch")
    torch.set_default_device(None)  # which a program of another test may have set: a mode, to torch
    for lib in (mt, torch):
        assert not lib.overrides.has_torch_function((lib.ones(1),))
        assert lib.overrides.is_tensor_like(lib.ones(1)) and not lib.overrides.is_tensor_like(1)
    with pytest.raises(NotImplementedError, match="__torch_function__"):
        _ = mt.overrides.handle_torch_function


def test_a_mode_can_be_derived_from_and_not_entered():
    class Empty(mt.overrides.TorchFunctionMode):
        def __init__(self, enabled=True):
            super().__init__()
            self.enabled = enabled

    empty = Empty(enabled=False)
    with (
        pytest.raises(NotImplementedError, match="Empty is not supported: functions do not"),
        empty,
    ):
        pass
