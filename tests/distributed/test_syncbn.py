"""SyncBatchNorm: the batches of all processes are normalised as one. See syncbn_checks.py."""

import numpy as np
import pytest
import syncbn_checks
from test_ddp import run

import minitorch_cnn as mt
from minitorch_cnn import nn


def test_of_three_processes():
    printed = run(3, "syncbn_checks.py").split()
    assert printed == list(syncbn_checks.CHECKS)


def test_without_other_processes_it_is_a_batch_norm():
    layer, other = nn.SyncBatchNorm(3), nn.BatchNorm2d(3)
    x = mt.randn(4, 3, 2, 2)
    for _ in range(2):
        mt.testing.assert_close(layer(x), other(x), rtol=0, atol=0)
        layer.eval(), other.eval()
    mt.testing.assert_close(layer.running_var, other.running_var, rtol=0, atol=0)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.SyncBatchNorm(3)(mt.zeros(1, 3))


def test_converting_as_torch_does():
    torch = pytest.importorskip("torch")

    def network(nn):
        return nn.Sequential(
            nn.BatchNorm1d(2, eps=0.1, momentum=None),
            nn.Sequential(nn.Linear(2, 2), nn.BatchNorm2d(3, affine=False)),
            nn.BatchNorm3d(2, track_running_stats=False).eval(),
            nn.InstanceNorm1d(2),
        )

    ours = nn.SyncBatchNorm.convert_sync_batchnorm(network(nn), process_group=7)
    theirs = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network(torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for mine, its in zip(ours.modules(), theirs.modules(), strict=True):
        assert type(mine).__name__ == type(its).__name__ and mine.training == its.training
        if isinstance(mine, nn.SyncBatchNorm):
            assert mine.process_group == 7
            for name in ("eps", "momentum", "affine", "track_running_stats", "num_features"):
                assert getattr(mine, name) == getattr(its, name)
    assert nn.SyncBatchNorm.convert_sync_batchnorm(ours[3]) is ours[3]


def test_converting_keeps_the_parameters():
    """Those that an optimizer has, and of a layer that is there twice both names."""
    shared = nn.BatchNorm1d(2).double()
    net = nn.ModuleList([shared, nn.Identity(), shared])
    parameters = list(net.parameters())
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert [type(each).__name__ for each in converted] == [
        "SyncBatchNorm", "Identity", "SyncBatchNorm",
    ]  # fmt: skip
    assert all(a is b for a, b in zip(converted.parameters(), parameters, strict=True))
    assert converted[0].running_var is shared.running_var
    assert np.dtype("float64") == converted[0].weight.array.dtype
