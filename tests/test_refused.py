"""Names of torch that are not here say so when they are used, and what to use instead."""

import pytest

import minitorch_cnn as mt

REFUSED = {}


def find(root, path):
    for part in path.split("."):
        root = getattr(root, part)
    return root


@pytest.mark.parametrize("path, advice", REFUSED.items())
def test_the_error_names_it(path, advice):
    torch = pytest.importorskip("torch")
    assert callable(find(torch, path))
    with pytest.raises(NotImplementedError, match=f"{path} is not supported: .*{advice}"):
        find(mt, path)()


def test_deterministic_algorithms(monkeypatch):
    """A CPU gives the same bits anyway; a GPU does not."""
    for name in ("mode", "warn_only"):
        monkeypatch.setattr(mt.config.settings, name, False)
    monkeypatch.setattr(mt.backend, "is_cupy_available", lambda: False)
    mt.use_deterministic_algorithms(True)
    assert mt.are_deterministic_algorithms_enabled() is True
    mt.use_deterministic_algorithms(False)
    monkeypatch.setattr(mt.backend, "is_cupy_available", lambda: True)
    with pytest.raises(NotImplementedError, match=r"use_deterministic_algorithms\(True\)"):
        mt.use_deterministic_algorithms(True)
    assert mt.are_deterministic_algorithms_enabled() is False
    with pytest.warns(UserWarning, match="manual_seed"):
        mt.use_deterministic_algorithms(True, warn_only=True)
    assert mt.are_deterministic_algorithms_enabled() is True
    assert mt.is_deterministic_algorithms_warn_only_enabled() is True
    mt.use_deterministic_algorithms(False, warn_only=True)  # the word is kept for the next time
    assert mt.is_deterministic_algorithms_warn_only_enabled() is True
    assert mt.get_deterministic_debug_mode() == 0
    for arguments, name in (((1,), "mode"), ((False, 1), "warn_only")):
        with pytest.raises(TypeError, match=f"argument '{name}'.* must be bool, not int"):
            mt.use_deterministic_algorithms(arguments[0], **dict(zip(["warn_only"], arguments[1:])))


def test_deterministic_algorithms_by_one_word(monkeypatch):
    for name in ("mode", "warn_only"):
        monkeypatch.setattr(mt.config.settings, name, False)
    monkeypatch.setattr(mt.backend, "is_cupy_available", lambda: False)
    for number, name in ((2, "error"), (1, "warn"), (0, "default")):
        for mode in (number, name):
            mt.set_deterministic_debug_mode(mode)
            assert mt.get_deterministic_debug_mode() == number
            assert mt.are_deterministic_algorithms_enabled() is (number > 0)
            assert mt.is_deterministic_algorithms_warn_only_enabled() is (number == 1)
    for mode in (3, -1, "Warn"):
        with pytest.raises(RuntimeError, match="expected one of"):
            mt.set_deterministic_debug_mode(mode)
    with pytest.raises(TypeError, match="must be str or int"):
        mt.set_deterministic_debug_mode(1.5)


class TestMatMulPrecision:
    @pytest.fixture(autouse=True)
    def restored(self, monkeypatch):
        monkeypatch.setattr(mt.config, "_precision", "highest")

    def test_without_a_gpu_it_is_only_kept(self, monkeypatch):
        monkeypatch.setattr(mt.backend, "is_cupy_available", lambda: False)
        monkeypatch.setattr(mt.backend, "set_tf32", lambda on: pytest.fail("there is no GPU"))
        a = mt.full((4, 4), 1 + 2**-20)
        for name in ("medium", "high", "highest"):
            mt.set_float32_matmul_precision(name)
            assert mt.get_float32_matmul_precision() == name
            assert (a @ mt.eye(4)).equal(a)  # no digit is lost

    def test_with_a_gpu_it_is_tf32(self, monkeypatch):
        tf32 = [False]
        monkeypatch.setattr(mt.backend, "is_cupy_available", lambda: True)
        monkeypatch.setattr(mt.backend, "set_tf32", lambda on: tf32.append(on))
        monkeypatch.setattr(mt.backend, "get_tf32", lambda: tf32[-1])
        settings = mt.backends.cuda.matmul
        for name, on in (("medium", True), ("high", True), ("highest", False)):
            mt.set_float32_matmul_precision(name)
            assert settings.allow_tf32 is on and mt.get_float32_matmul_precision() == name
        settings.allow_tf32 = True
        assert mt.get_float32_matmul_precision() == "high"
        mt.set_float32_matmul_precision("medium")
        settings.allow_tf32 = False
        assert mt.get_float32_matmul_precision() == "highest"

    @pytest.mark.parametrize("wrong", ["low", 3, None])
    def test_other_settings(self, wrong):
        with pytest.raises(RuntimeError, match=f"'highest', 'high', 'medium'.*{wrong}"):
            mt.set_float32_matmul_precision(wrong)
