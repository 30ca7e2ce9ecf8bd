"""Each trick of the speedrun by itself, and whole runs of a narrow network."""

import csv

import numpy as np
import pytest
import speedrun_cifar as speedrun

import minitorch_cnn as mt
from minitorch_cnn import datasets, nn


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    pictures = {train: datasets.Shapes(train=train, size=200) for train in (True, False)}
    monkeypatch.setattr(speedrun.datasets, "Shapes", lambda train: pictures[train])
    mt.manual_seed(0)


def narrow(*options):
    sizes = ["--widths", "24", "24", "24", "--batch-size", "40", "--dataset", "shapes"]
    return [*sizes, *options]


def rows_of(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_patches_come_out_of_the_first_layer_uncorrelated_and_equally_large():
    pictures = mt.from_numpy(datasets.Shapes(train=True).data[:100]).permute(0, 3, 1, 2)
    images = speedrun.Normalize(pictures)(pictures)
    filters = speedrun.whitening_filters(images, eps=0.0)
    assert filters.shape == (24, 3, 2, 2)
    np.testing.assert_array_equal(filters[12:].numpy(), -filters[:12].numpy())
    x, w = images.numpy().astype(np.float64), filters[:12].numpy().astype(np.float64)
    found = np.zeros((12, 100, 31, 31))
    for c, u, v in np.ndindex(3, 2, 2):
        pixels = x[:, c, u : u + 31, v : v + 31]
        found += w[:, c, u, v][:, None, None, None] * pixels
    rows = found.reshape(12, -1)
    np.testing.assert_allclose(rows @ rows.T / rows.shape[1], np.eye(12), atol=2e-3)
    # The first has the largest part of the image, so it is divided by the largest deviation.
    sizes = np.linalg.norm(w.reshape(12, -1), axis=1)
    assert (np.diff(sizes) > 0).all()


def test_convolutions_begin_by_passing_channels_on():
    model = speedrun.Network((32, 40, 40), 10, nn.ReLU)
    layers = [each for each in model.groups if isinstance(each, nn.Conv2d)]
    assert [layer.weight.shape[:2] for layer in layers] == [
        (32, 24), (32, 32), (40, 32), (40, 40), (40, 40), (40, 40)
    ]  # fmt: skip
    for layer in layers:
        K, C = layer.weight.shape[:2]
        x = mt.randn(2, C, 5, 5)
        y = layer(x).detach().numpy()
        np.testing.assert_allclose(y[:, :C], x.numpy(), rtol=1e-6)
        assert K == C or np.abs(y[:, C:]).min() > 0  # what is beyond them is random


def test_what_learns():
    model = speedrun.Network((24, 24, 24), 10, nn.ReLU)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    scales = {name for name in frozen if name.startswith("groups")}
    assert frozen == {"whiten.weight"} | scales and len(scales) == 6
    assert all((p == 1).all() for name, p in model.named_parameters() if name in scales)


def test_each_image_is_seen_both_ways_in_two_epochs():
    images, coins = mt.rand(50, 3, 6, 6), mt.randint(2, (50,))
    assert 0 < coins.sum() < 50
    turned = []
    for epoch in range(4):
        seen = speedrun.flip_in_turns(images, coins, epoch).numpy()
        same = [np.array_equal(a, b) for a, b in zip(seen, images.numpy())]
        mirrored = [np.array_equal(a[:, :, ::-1], b) for a, b in zip(seen, images.numpy())]
        assert all(a != b for a, b in zip(same, mirrored))
        turned.append(np.array(mirrored))
    assert (turned[0] != turned[1]).all() and (turned[0] == turned[2]).all()
    assert 0 < turned[0].sum() < 50


def test_crops_are_cut_where_they_should_be():
    images = mt.rand(60, 2, 9, 9)
    corners = mt.randint(4, (60, 2))
    cut = speedrun.crop(images, corners, 6).numpy()
    for image, (y, x), part in zip(images.numpy(), corners.tolist(), cut):
        np.testing.assert_array_equal(part, image[:, y : y + 6, x : x + 6])


def test_moved_images_are_the_image_with_reflected_edges():
    images, coins = mt.rand(200, 1, 8, 8), mt.zeros(200)
    moved = speedrun.augment(images, coins, epoch=0).numpy()
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    places = set()
    for image, part in zip(padded, moved):
        fitting = [
            (y, x) for y, x in np.ndindex(5, 5)
            if np.array_equal(image[:, y : y + 8, x : x + 8], part)
        ]  # fmt: skip
        assert len(fitting) == 1
        places.update(fitting)
    assert len(places) == 25  # 200 draws miss one of the places with a probability below 1 %


def test_lookahead_is_its_formula():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    lookahead = speedrun.Lookahead(model)

    def numbers():
        return {name: x.numpy().astype(np.float64) for name, x in model.state_dict().items()}

    slow = numbers()
    for decay in (0.25, 0.75, 1.0):
        model(mt.randn(3, 2))  # moves the averages of the batch norm
        with mt.no_grad():
            model[0].weight += mt.randn(2, 2)
        fast = numbers()
        lookahead.update(model, decay)
        for name, value in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                assert value.item() == fast[name]
                continue
            slow[name] = decay * slow[name] + (1 - decay) * fast[name]
            np.testing.assert_allclose(value.numpy(), slow[name], rtol=1e-5, atol=1e-6)
    assert any(not np.allclose(fast[name], slow[name]) for name in slow)


def test_scores_of_a_test_image_are_means():
    weights = np.random.default_rng(0).standard_normal((3 * 6 * 6, 4)).astype(np.float32)

    def model(x):
        return mt.tanh(x.flatten(1) @ mt.from_numpy(weights))

    def plain(x):
        return np.tanh(x.reshape(len(x), -1) @ weights)

    images = mt.randn(5, 3, 6, 6)
    x = images.numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    up, down = padded[:, :, :6, :6], padded[:, :, 2:, 2:]
    mirror = lambda each: each[:, :, :, ::-1]  # noqa: E731
    one = (plain(x) + plain(mirror(x))) / 2
    moved = sum(plain(each) for each in (up, down, mirror(up), mirror(down))) / 4
    for tta, expected in enumerate((plain(x), one, (one + moved) / 2)):
        found = speedrun.scores(model, images, tta).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_learning_rates():
    shape = speedrun.triangle(0.2, 0.25, 0.1)
    assert [round(shape(t), 9) for t in (0, 0.125, 0.25, 0.625, 1)] == [0.2, 0.6, 1.0, 0.55, 0.1]
    assert [speedrun.triangle(1, 0, 0)(t) for t in (0, 0.25, 1)] == [1, 0.75, 0]
    args = speedrun.parse_arguments(["--epochs", "5", "--batch-size", "512"])
    model = speedrun.Network((24, 24, 24), 10, nn.ReLU)
    (sgd,), (scheduler,), _ = speedrun.make_optimizers(args, model, steps_per_epoch=4)
    rates = []
    for _ in range(20):
        rates.append([group["lr"] for group in sgd.param_groups])
        sgd.step()
        scheduler.step()
    whitening, biases, head, filters = np.array(rates).T
    np.testing.assert_allclose(biases, 64 * head)
    np.testing.assert_array_equal(filters, head)
    assert head[0] == pytest.approx(0.2 * 0.75) and 0.7 < head.max() <= 0.75
    np.testing.assert_allclose(whitening, head * np.clip(1 - np.arange(20) / 12, 0, 1))


def test_muon_changes_the_filters_themselves():
    args = speedrun.parse_arguments(["--optimizer", "muon"])
    model = speedrun.Network((24, 24, 24), 10, nn.ReLU)
    (_, muon), _, pairs = speedrun.make_optimizers(args, model, steps_per_epoch=4)
    model(mt.randn(4, 3, 32, 32)).sum().backward()
    before = [filters.detach().clone() for filters, _ in pairs]
    for filters, matrix in pairs:
        speedrun.hand_over(filters, matrix)
        assert matrix.norm().item() == pytest.approx(24**0.5, rel=1e-4)
        np.testing.assert_array_equal(matrix.grad.numpy(), filters.grad.numpy().reshape(24, -1))
    muon.step()
    for (filters, matrix), old in zip(pairs, before):
        np.testing.assert_array_equal(filters.detach().flatten(1).numpy(), matrix.detach().numpy())
        step = filters.detach() - old * (24**0.5 / old.norm())
        # An orthogonal matrix times the learning rate; Muon's three steps come near to it.
        values = np.linalg.svd(step.flatten(1).numpy(), compute_uv=False) / 0.24
        assert 0.3 < values.max() < 1.3


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_a_run_goes_on_where_it_stopped(optimizer, tmp_path, monkeypatch, capsys):
    options = narrow("--epochs", "2", "--optimizer", optimizer)
    speedrun.main([*options, "--out", str(tmp_path / "whole")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("200 images of shapes") and lines[-1].endswith(
        "each image seen 6 times"
    )

    original = mt.save

    def save(*args):  # the second epoch's checkpoint finds no room
        if args[0]["rows"][-1]["epoch"] == 2:
            raise KeyboardInterrupt
        original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(mt, "save", save)
        with pytest.raises(SystemExit):
            speedrun.main([*options, "--out", str(tmp_path / "stopped")])
    mt.manual_seed(77)
    speedrun.main(["--resume", str(tmp_path / "stopped")])
    whole, stopped = rows_of(tmp_path / "whole"), rows_of(tmp_path / "stopped")
    assert len(whole) == 2
    for a, b in zip(whole, stopped, strict=True):
        assert {**a, "seconds": ""} == {**b, "seconds": ""}


def test_errors_are_sentences(tmp_path, capsys):
    with pytest.raises(SystemExit, match="--batch-size 500 is more than the 200 images"):
        speedrun.main([*narrow(), "--batch-size", "500", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"error: .*last\.npz"):
        speedrun.main(["--resume", str(tmp_path / "nowhere")])
