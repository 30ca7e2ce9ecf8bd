"""Storages, buffers and shared memory: whose bytes are whose."""

import os
import sys

import numpy as np
import pytest

import minitorch_cnn as mt


def test_a_storage_is_the_memory_of_all_views():
    x = mt.arange(12.0).reshape(3, 4)
    part = x[1:, 2:]
    assert part.storage_offset() == 6 and x.storage_offset() == 0
    assert part.storage().size() == 12 and part.storage()[6] == 6.0
    assert part.storage().tolist() == list(range(12)) == list(x.t().storage())
    assert part.untyped_storage().nbytes() == 48 == part.storage().nbytes()
    assert part.storage().data_ptr() == x.data_ptr() == part.data_ptr() - 24
    x.storage()[0] = 7.0
    assert x[0, 0].item() == 7.0 and len(x.storage()) == 12
    assert mt.zeros(0).storage().size() == 0
    with pytest.raises(NotImplementedError, match="resize_"):
        x.storage().resize_(20)


def test_storages_are_torchs():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.arange(24.0).reshape(2, 3, 4).permute(0, 2, 1)
        y = x[1, 1:]
        assert y.storage_offset() == 13 and y.untyped_storage().size() == 96
        assert y.storage().tolist() == list(range(24))
        assert x.is_set_to(x.detach()) and not x.is_set_to(y)


def test_frombuffer_shares_its_memory():
    raw = bytearray(np.arange(6, dtype=np.int16).tobytes())
    x = mt.frombuffer(raw, dtype=mt.int16, offset=2, count=3)
    assert x.tolist() == [1, 2, 3]
    raw[2] = 9
    assert x.tolist() == [9, 2, 3]
    x[0] = 5
    assert raw[2] == 5


def test_frombuffer_refuses_what_torch_refuses():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        for options in (dict(offset=6), dict(count=4), dict(count=0), dict(offset=1)):
            with pytest.raises(ValueError):
                lib.frombuffer(bytearray(6), dtype=lib.int16, **options)
        with pytest.raises(ValueError, match="buffer protocol"):
            lib.frombuffer(5, dtype=lib.int16)
        with pytest.warns(UserWarning, match="given buffer is not writable"):
            assert lib.frombuffer(b"abcd", dtype=lib.int16, count=1).tolist() == [25185]


@pytest.mark.skipif(not hasattr(os, "fork"), reason=f"{sys.platform} cannot fork")
def test_a_forked_process_writes_into_shared_memory():
    x, own = mt.zeros(3).share_memory_(), mt.zeros(3)
    large = mt.nn.functional.relu(mt.zeros(300, 300))  # whose memory is a cached piece
    assert not large.is_shared() and large.share_memory_().is_shared()
    assert x.is_shared() and x.share_memory_() is x and not own.is_shared()
    child = os.fork()
    if child == 0:
        x.add_(2)
        own.add_(2)
        large.add_(2)
        os._exit(0)
    os.waitpid(child, 0)
    assert x.tolist() == [2, 2, 2] and own.tolist() == [0, 0, 0] and large.min().item() == 2
    with pytest.raises(RuntimeError, match="view"):
        own[1:].share_memory_()


def test_new_is_torchs():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.tensor([1, 2])
        assert x.new(2, 3).shape == (2, 3) and x.new(2, 3).dtype == x.dtype
        assert x.new([4, 5]).tolist() == [4, 5] and x.new().shape == (0,)
        assert x.new(lib.zeros(3, 1).size()).shape == (3, 1)
