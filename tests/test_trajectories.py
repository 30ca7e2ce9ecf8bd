"""Whole networks, trained side by side with torch from the same weights on the same batches."""

import numpy as np
import pytest
import torch_twin

import minitorch_cnn as mt
from minitorch_cnn import models, nn

torch = pytest.importorskip("torch")


def train_both(ours, theirs, shape, our_optimizer, their_optimizer, steps=20):
    torch_twin.copy_weights(ours, theirs)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(steps):
        images = rng.standard_normal(shape)
        labels = rng.integers(0, 10, shape[0])
        pair = []
        for lib, model, optimizer in ((mt, ours, our_optimizer), (torch, theirs, their_optimizer)):
            optimizer.zero_grad()
            scores = model(lib.from_numpy(images))
            loss = lib.nn.functional.cross_entropy(scores, lib.from_numpy(labels))
            loss.backward()
            optimizer.step()
            pair.append(loss.item())
        losses.append(pair)
    ours_then, theirs_then = np.array(losses).T
    np.testing.assert_allclose(ours_then, theirs_then, rtol=1e-8)
    for (name, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


def sgd(lib, model):
    return lib.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)


def adam(lib, model):
    return lib.optim.Adam(model.parameters(), lr=1e-3)


@pytest.mark.parametrize("optimizer", [sgd, adam])
def test_resnet(optimizer):
    mt.manual_seed(0)
    ours = models.cifar.CifarResNet([1, 1, 1], [4, 8, 16]).double()
    theirs = torch_twin.load("cifar").CifarResNet([1, 1, 1], [4, 8, 16]).double()
    train_both(ours, theirs, (8, 3, 16, 16), optimizer(mt, ours), optimizer(torch, theirs))


def test_lenet():
    mt.manual_seed(0)
    ours = models.lenet5().double()
    theirs = torch_twin.load("lenet").lenet5().double()
    train_both(ours, theirs, (8, 1, 28, 28), sgd(mt, ours), sgd(torch, theirs))


def test_alexnet_without_dropout():
    mt.manual_seed(0)
    ours = models.cifar.alexnet(dropout=0.0).double()
    theirs = torch_twin.load("cifar").alexnet(dropout=0.0).double()
    train_both(ours, theirs, (2, 3, 32, 32), sgd(mt, ours), sgd(torch, theirs), steps=3)


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "resnet56", "alexnet"])
def test_models_have_torch_s_keys_shapes_and_text(name):
    ours = getattr(models.cifar, name)()
    theirs = getattr(torch_twin.load("cifar"), name)()
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    assert repr(ours) == repr(theirs)
    assert isinstance(ours, nn.Module)
