"""Functions with several results give tuples with torch's names, which print as torch's do."""

import pickle

import numpy as np
import pytest

import minitorch_cnn as mt

X = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)


def test_they_print_as_torchs():
    torch = pytest.importorskip("torch")
    for call in (
        lambda of, x: x.max(1),
        lambda of, x: of.min(x, 0, True),
        lambda of, x: x.median(0),
        lambda of, x: x.nanmedian(0),
        lambda of, x: x.mode(1),
        lambda of, x: x.kthvalue(2),
        lambda of, x: x.sort(descending=True),
        lambda of, x: x.topk(2),
        lambda of, x: x.cummax(0),
        lambda of, x: x.cummin(0),
        lambda of, x: of.aminmax(x, dim=0),
        lambda of, x: of.frexp(x),
        lambda of, x: of.linalg.slogdet(x),
        lambda of, x: of.linalg.qr(x @ x.T),
        lambda of, x: of.linalg.eigh(of.from_numpy(np.eye(4))),
    ):
        ours, theirs = (call(of, of.from_numpy(X.copy())) for of in (mt, torch))
        assert set(ours._fields) <= set(dir(theirs))
        text = repr(ours).replace("minitorch_cnn", "torch").replace(", device='cuda:0'", "")
        assert text == repr(theirs)


def test_they_are_tuples_with_names():
    found = mt.tensor([3.0, 1.0]).sort()
    assert isinstance(found, tuple) and isinstance(found, mt.return_types.sort)
    values, indices = found
    assert values is found.values is found[0] and indices.tolist() == [1, 0]
    assert type(pickle.loads(pickle.dumps(mt.return_types.max(1, 2)))) is mt.return_types.max


def test_asarray_keeps_or_drops_the_history():
    x = mt.ones(2, requires_grad=True) + 1
    assert mt.asarray(x).grad_fn and mt.asarray(x, requires_grad=True).grad_fn
    assert not mt.asarray(x, requires_grad=False).requires_grad
    assert mt.asarray([1.0], requires_grad=True).is_leaf
