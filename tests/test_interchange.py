"""Arrays of other libraries in and out: DLPack and NumPy's protocols, without copies."""

import gc

import numpy as np
import pytest

import minitorch_cnn as mt

KINDS = [mt.bool, mt.uint8, mt.int8, mt.int16, mt.int32, mt.int64]
KINDS += [mt.float16, mt.float32, mt.float64]

LAYOUTS = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.t(),
    "every second": lambda x: x[:, ::2],
    "a row": lambda x: x[1],
    "a number": lambda x: x[1, 2],
    "expanded": lambda x: x[:, :1].expand(-1, 5),
    "empty": lambda x: x[:0],
    "channels last": lambda x: x.reshape(1, 2, 2, 3).contiguous(memory_format=mt.channels_last),
}


def tensor(layout, kind=mt.float32):
    return LAYOUTS[layout](mt.arange(12).reshape(3, 4).to(kind))


# ------------------------------------------------------------------------------------- NumPy


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_numpy_shares_memory_by_every_way(kind, layout):
    x = tensor(layout, kind)
    for array in (x.numpy(), np.asarray(x), np.array(x, copy=False), np.from_dlpack(x)):
        assert array.dtype == kind.numpy and array.shape == x.shape
        assert array.tolist() == x.tolist()
        assert x.numel() == 0 or np.shares_memory(array, x.array)
        assert array.strides == x.array.strides or x.numel() <= 1
        for back in (mt.from_numpy(array), mt.as_tensor(array), mt.from_dlpack(array)):
            assert back.dtype is kind
            assert back.stride() == x.stride() or x.numel() <= 1
            assert x.numel() == 0 or np.shares_memory(back.array, x.array)


def test_copies_where_they_are_asked_for():
    x = mt.ones(3)
    for copy in (np.array(x), np.array(x, copy=True), np.from_dlpack(x, copy=True)):
        assert not np.shares_memory(copy, x.array)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert x.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="a copy is needed to convert float32 to float64"):
        np.array(x, dtype=np.float64, copy=False)


def test_gradients_do_not_get_lost_unseen():
    x = mt.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"detach\(\)"):
        np.asarray(x)
    with pytest.raises(BufferError, match=r"detach\(\)"):
        np.from_dlpack(x)


@pytest.mark.parametrize("take", [mt.from_numpy, mt.as_tensor, mt.from_dlpack])
def test_read_only_arrays_can_be_read_but_not_written(take):
    array = np.arange(3.0)
    array.flags.writeable = False
    x = take(array)
    assert (x * 2).tolist() == [0, 2, 4] and np.shares_memory(x.array, array)
    for write in (lambda: x.add_(1), lambda: x.fill_(0), lambda: x.__setitem__(0, 5.0)):
        with pytest.raises(ValueError, match="read-only"):
            write()
    assert array.tolist() == [0, 1, 2]
    if take is mt.from_dlpack:  # version 1 of the protocol says so to the next library
        assert not np.from_dlpack(x).flags.writeable
        with pytest.raises(BufferError):
            x.__dlpack__()


@pytest.mark.parametrize("kind", [np.uint16, np.uint64, np.complex64])
@pytest.mark.parametrize("take", [mt.from_numpy, mt.as_tensor, mt.from_dlpack])
def test_types_that_tensors_do_not_have(take, kind):
    with pytest.raises(TypeError, match=f"type {np.dtype(kind).name} are not supported"):
        take(np.ones(2, kind))


def test_what_is_no_array():
    with pytest.raises(TypeError, match="needs an object with __dlpack__"):
        mt.from_dlpack([1, 2])
    with pytest.raises(TypeError, match="expected np"):
        mt.from_numpy([1, 2])


@pytest.mark.parametrize(
    ("version", "kind"),
    [(None, "dltensor"), ((0, 8), "dltensor"), ((1, 0), "dltensor_versioned")],
)
def test_versions_of_the_protocol(version, kind):
    x = mt.arange(3.0)
    assert f'"{kind}"' in repr(x.__dlpack__(max_version=version))
    assert x.__dlpack_device__() == (1, 0)  # the CPU


def test_memory_lives_as_long_as_anybody_uses_it():
    array = np.from_dlpack(mt.arange(1000.0) * 2)
    x = mt.from_dlpack(np.arange(1000.0) * 3)
    gc.collect()
    np.ones(100_000)
    assert array[999] == 1998 and x[999].item() == 2997


# -------------------------------------------------------------------------------- torch, JAX


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_torch_shares_memory_both_ways(kind, layout):
    torch = pytest.importorskip("torch", reason="exchanges tensors with torch")
    x = tensor(layout, kind)
    theirs = torch.from_dlpack(x)
    assert str(theirs.dtype).partition(".")[2] == kind.name
    assert theirs.tolist() == x.tolist()
    if x.numel() > 1:
        assert theirs.stride() == x.stride() and theirs.data_ptr() == x.data_ptr()
    back = mt.from_dlpack(theirs)
    assert back.dtype is kind and back.tolist() == x.tolist()
    if x.numel():
        assert back.data_ptr() == x.data_ptr()
        theirs.zero_()
        assert not x.any() and not back.any()


def test_torch_refusals():
    torch = pytest.importorskip("torch", reason="exchanges tensors with torch")
    with pytest.raises(BufferError):
        mt.from_dlpack(torch.ones(2, requires_grad=True))
    with pytest.raises((RuntimeError, BufferError)):
        mt.from_dlpack(torch.ones(2, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match="complex64"):
        mt.from_dlpack(torch.ones(2, dtype=torch.complex64))


def test_jax():
    """Its arrays cannot be written to, and it copies what does not start at 64 bytes."""
    numpy = pytest.importorskip("jax.numpy", reason="exchanges arrays with JAX")
    theirs = numpy.arange(6.0).reshape(2, 3)
    x = mt.from_dlpack(theirs)
    assert x.tolist() == theirs.tolist() and x.data_ptr() == theirs.unsafe_buffer_pointer()
    with pytest.raises(ValueError, match="read-only"):
        x.zero_()
    for layout in ("contiguous", "transposed", "a row", "empty"):
        x = tensor(layout)
        assert numpy.from_dlpack(x).tolist() == x.tolist() == numpy.asarray(x).tolist()
