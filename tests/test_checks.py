"""torch._check and its kin, and what a program asks about the library and the CPU."""

import pytest

import minitorch_cnn as mt

KINDS = {
    "_check": RuntimeError,
    "_check_index": IndexError,
    "_check_value": ValueError,
    "_check_type": TypeError,
    "_check_not_implemented": NotImplementedError,
}


@pytest.mark.parametrize("lib", ["minitorch_cnn", "torch"])
def test_checks(lib):
    torch = pytest.importorskip(lib)
    for name, kind in KINDS.items():
        check = getattr(torch, name)
        assert check(True) is None and check(True, lambda: 1 / 0) is None
        for message, text in (
            (None, "Expected cond to be True"),
            (lambda: f"{[1]} no", r"\[1\] no"),
        ):
            with pytest.raises(kind, match=text):
                check(False, message)
        for wrong in ("yes", 1, torch.tensor(True)):
            with pytest.raises(TypeError, match="cond must be a bool"):
                check(wrong)
        with pytest.raises(TypeError, match="message must be a callable"):
            check(False, "text")
    torch._check_is_size(0)
    with pytest.raises(RuntimeError):
        torch._check_is_size(-1)
    torch._check_tensor_all(torch.ones(2, 2).bool())
    torch._check_tensor_all(torch.ones(0).bool())
    with pytest.raises(RuntimeError, match="two"):
        torch._check_tensor_all(torch.tensor([True, False]), lambda: "one of two")
    for wrong, text in ((True, "a tensor"), (torch.ones(1), "dtype torch.bool")):
        with pytest.raises(TypeError, match=text):
            torch._check_tensor_all(wrong)
    torch._assert_async(torch.tensor(-0.5))
    for values, text in ((0, "single nonzero"), ([], "no values"), ([1, 1], "more than one value")):
        with pytest.raises(RuntimeError, match=text):
            torch._assert_async(torch.tensor(values))


def test_config_and_cpu():
    assert mt.__config__.show() == mt.config.config_text()
    assert f"get_num_threads() : {mt.get_num_threads()}" in mt.__config__.parallel_info()
    assert mt.cpu.is_available() and mt.cpu.device_count() == 1
    assert mt.cpu.synchronize() is None and mt.cpu.set_device("cpu") is None
    with pytest.warns(FutureWarning, match=r"`torch.cpu.amp.GradScaler\(args...\)` is deprecated"):
        scaler = mt.cpu.amp.GradScaler(init_scale=4.0)
    assert isinstance(scaler, mt.amp.GradScaler) and scaler.get_scale() == 4
    with pytest.warns(FutureWarning, match=r"`torch.cpu.amp.autocast\(args...\)` is deprecated"):
        half = mt.cpu.amp.autocast(dtype=mt.float16)
    with half:
        assert mt.is_autocast_enabled("cpu")
    assert not mt.is_autocast_enabled("cpu")
