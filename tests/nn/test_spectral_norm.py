"""nn.utils.spectral_norm and nn.DataParallel beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.nn import utils

LAYERS = {
    "conv": (lambda nn: nn.Conv2d(3, 4, 3), (2, 3, 6, 5)),
    "transposed": (lambda nn: nn.ConvTranspose2d(3, 4, 2), (2, 3, 4, 3)),
    "linear": (lambda nn: nn.Linear(3, 5), (4, 3)),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("options", [{}, {"n_power_iterations": 3, "eps": 1e-2}, {"dim": 1}])
@pytest.mark.parametrize("kind", LAYERS)
def test_it_trains_as_torchs(kind, options):
    torch = pytest.importorskip("torch")
    make, shape = LAYERS[kind]
    rng = np.random.default_rng(0)
    start = utils.spectral_norm(make(nn).double(), **options).state_dict()
    results = []
    for lib in (mt, torch):
        layer = lib.nn.utils.spectral_norm(make(lib.nn).double(), **options)
        layer.load_state_dict({k: lib.from_numpy(v.numpy().copy()) for k, v in start.items()})
        optimizer = lib.optim.SGD(layer.parameters(), lr=0.1)
        rng = np.random.default_rng(1)
        for training in (True, True, False, True):  # in evaluation nothing is improved
            layer.train(training)
            optimizer.zero_grad()
            (layer(lib.from_numpy(rng.standard_normal(shape))) ** 2).mean().backward()
            optimizer.step()
        state = {k: v.detach().numpy().copy() for k, v in layer.state_dict().items()}
        lib.nn.utils.remove_spectral_norm(layer)
        state["weight"] = layer.weight.detach().numpy()
        results.append(state)
    assert list(results[0]) == list(results[1])
    for name, ours in results[0].items():
        np.testing.assert_allclose(ours, results[1][name], rtol=1e-10, err_msg=name)


def test_the_weights_largest_singular_value_becomes_1():
    layer = utils.spectral_norm(nn.Conv2d(2, 5, 3).double(), n_power_iterations=200)
    x = mt.randn(1, 2, 4, 4, dtype=mt.float64)
    layer(x)
    values = np.linalg.svd(layer.weight.detach().numpy().reshape(5, -1), compute_uv=False)
    assert values[0] == pytest.approx(1, rel=1e-6)
    expected = layer.eval()(x)
    utils.remove_spectral_norm(layer)
    assert set(layer.state_dict()) == {"weight", "bias"}
    assert isinstance(layer.weight, nn.Parameter)
    mt.testing.assert_close(layer(x), expected)


def test_two_passes_before_one_backward():
    layer = utils.spectral_norm(nn.Linear(3, 2).double())
    x = mt.randn(2, 3, dtype=mt.float64)
    (layer(x) - layer(2 * x)).sum().backward()  # as a critic sees true and false images
    assert mt.isfinite(layer.weight_orig.grad).all()


def test_what_is_refused():
    layer = utils.spectral_norm(nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="two spectral_norm hooks on the same parameter weight"):
        utils.spectral_norm(layer)
    with pytest.raises(ValueError, match="'bias' not found"):
        utils.remove_spectral_norm(layer, "bias")
    with pytest.raises(ValueError, match="n_power_iterations=0"):
        utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=0)
    with pytest.raises(ValueError, match="'weight' not found"):
        utils.remove_spectral_norm(nn.Linear(3, 2))


def test_data_parallel_is_the_network_itself():
    inner = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    outer = nn.DataParallel(inner, device_ids=[0])
    x = mt.randn(4, 3)
    mt.testing.assert_close(outer(x), inner(x))
    assert list(outer.state_dict()) == ["module.0.weight", "module.0.bias"]
    assert outer.module is inner
    with pytest.raises(NotImplementedError, match=r"device_ids=\[0, 1\]"):
        nn.DataParallel(inner, device_ids=[0, 1])


def test_switches_that_programs_set_are_there():
    backends = mt.backends
    assert not backends.cudnn.is_available() and backends.cudnn.version() is None
    assert not backends.mps.is_available() and not backends.mps.is_built()
    for name in ("benchmark", "deterministic", "enabled", "allow_tf32"):
        assert isinstance(getattr(backends.cudnn, name), bool)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_state_dicts_of_torch_0_4():
    """They had the divided weight and no v. After many steps that is a singular vector."""
    layer = utils.spectral_norm(nn.Linear(3, 5).double(), n_power_iterations=200)
    layer(mt.zeros(1, 3, dtype=mt.float64))
    state = layer.state_dict()
    assert state._metadata[""]["spectral_norm"] == {"weight.version": 1}
    u, v = state["weight_u"].numpy(), state["weight_v"].numpy()
    left, values, right = np.linalg.svd(state["weight_orig"].numpy())
    sign = np.sign(left[:, 0] @ u)
    np.testing.assert_allclose(u * sign, left[:, 0], atol=1e-6)

    old = state.copy()
    old._metadata = {"": {"version": 1}}
    del old["weight_v"]
    old["weight"] = mt.tensor(state["weight_orig"].numpy() / values[0])
    other = utils.spectral_norm(nn.Linear(3, 5).double())
    other.load_state_dict(old)
    np.testing.assert_allclose(other.weight_v.numpy() * sign, right[0], atol=1e-6)
    np.testing.assert_allclose(other.weight_v.numpy(), v, atol=1e-6)

    del old["weight_u"]
    with pytest.raises(RuntimeError, match="weight_u"):
        other.load_state_dict(old)
    assert "weight_u" in other.load_state_dict(old, strict=False).missing_keys
    plain = utils.remove_spectral_norm(other)
    assert not plain._state_dict_hooks and not plain._load_state_dict_pre_hooks
    assert "spectral_norm" not in plain.state_dict()._metadata[""]
    plain.load_state_dict(plain.state_dict())
    without_versions = dict(state)
    utils.spectral_norm(plain).load_state_dict(without_versions)
    assert plain.weight_v.equal(state["weight_v"])


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torch_reads_the_version(tmp_path):
    torch = pytest.importorskip("torch")
    layer = utils.spectral_norm(nn.Linear(3, 5))
    mt.save(layer.state_dict(), tmp_path / "a.pth")
    theirs = torch.nn.utils.spectral_norm(torch.nn.Linear(3, 5))
    theirs.load_state_dict(torch.load(tmp_path / "a.pth", weights_only=True))
    assert theirs.weight_v.tolist() == layer.weight_v.tolist()
    assert layer.state_dict()._metadata == theirs.state_dict()._metadata
