"""The trained networks that come with the package, and the command that asks them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import models
from minitorch_cnn.models.packaged import FOLDER, Cifar_ResNet20_Weights, LeNet5_Weights
from minitorch_cnn.predict import main

MEMBERS = [*LeNet5_Weights, *Cifar_ResNet20_Weights]
NAMES = {LeNet5_Weights: "lenet5", Cifar_ResNet20_Weights: "cifar_resnet20"}


@pytest.mark.parametrize("weights", MEMBERS, ids=str)
def test_a_network_comes_with_what_it_must_know(weights):
    name = NAMES[type(weights)]
    assert models.get_weight(repr(weights)) is weights
    model = models.get_model(name, weights=weights.name).eval()
    meta = weights.meta
    assert sum(each.numel() for each in model.parameters()) == meta["num_params"]
    assert len(meta["categories"]) == meta["num_classes"] == 10
    assert meta["recipe"].startswith("python examples/") and meta["license"]
    for tensor in model.state_dict().values():
        assert tensor.dtype in (mt.float32, mt.int64)
        assert bool(tensor.isfinite().all())
    picture = Image.fromarray(np.zeros((40, 50, 3), np.uint8))
    x = weights.transforms()(picture)
    channels, size = meta["arguments"]["in_channels"], meta["image_size"]
    assert x.shape == (channels, size, size)
    black = -np.array(meta["mean"]) / np.array(meta["std"])
    np.testing.assert_allclose(x.mean((1, 2)).numpy(), black, rtol=1e-5)
    assert model(x[None].to(next(model.parameters()).device)).shape == (1, 10)


@pytest.mark.parametrize("name", NAMES.values())
def test_the_accuracy_on_drawn_shapes_is_what_the_file_says(name):
    """The one data set that is here without a download."""
    weights = models.get_model_weights(name)["SHAPES"]
    model = models.get_model(name, weights=weights).eval()
    data = mt.datasets.Shapes(train=False, size=500)
    prepare = weights.transforms()
    with mt.no_grad():
        pictures = mt.stack([prepare(picture) for picture, _ in data])
        scores = model(pictures.to(next(model.parameters()).device))
    right = (scores.argmax(1).numpy() == np.array(data.targets)).mean()
    said = weights.meta["_metrics"]["Shapes"]["acc@1"] / 100  # of 4,000 pictures
    assert abs(right - said) < 4 * np.sqrt(said * (1 - said) / 500) + 0.005


def test_they_are_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 3_000_000


def test_arguments_that_do_not_fit_the_weights_are_refused():
    assert models.lenet5(10, 3, 0).features[0].weight.shape == (6, 3, 5, 5)
    assert models.lenet5(weights="SHAPES").features[0].weight.shape == (6, 3, 5, 5)
    for arguments in (dict(num_classes=3), dict(in_channels=3), dict(padding=0)):
        with pytest.raises(ValueError, match=f"'{next(iter(arguments))}' expected value"):
            models.lenet5(weights="FASHION_MNIST", **arguments)
    with pytest.raises(KeyError, match="IMAGENET"):
        models.cifar_resnet20(weights="IMAGENET")


def test_without_arguments_the_pictures_that_come_along(capsys):
    main(["--top", "1"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert "lenet5 (Fashion-MNIST" in first
    paths, answers = lines[::2], lines[1::2]
    assert len(paths) == 5
    for path, answer in zip(paths, answers, strict=True):
        word = answer.split("%")[1].strip().lower().replace(" ", "_")
        assert path.endswith(f"fashion_mnist_{word}.png")


def test_files_folders_and_forms(tmp_path, capsys):
    (tmp_path / "more").mkdir()
    for name in ("b.png", "more/a.jpg"):
        Image.new("RGB", (60, 40), "blue").save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    main([str(tmp_path), "--format", "csv", "--top", "2"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["rank"] for row in rows] == ["1", "2"] * 2
    assert rows[0]["picture"].endswith("b.png") and rows[2]["picture"].endswith("a.jpg")
    main([str(tmp_path / "b.png"), "--format", "json", "--model", "cifar_resnet20"])
    (only,) = json.loads(capsys.readouterr().out)
    assert [each["class"] for each in only["classes"][:2]] == [row["class"] for row in rows[:2]]
    sums = sum(each["probability"] for each in only["classes"])
    assert 0 < sums <= 1.0001


def test_a_damaged_picture_does_not_keep_the_others_from_being_named(tmp_path, capsys):
    whole = FOLDER / "fashion_mnist_bag.png"
    (tmp_path / "b.png").write_bytes(whole.read_bytes()[:100])
    (tmp_path / "d.png").write_bytes(b"")
    for name in ("a.png", "c.png"):
        (tmp_path / name).write_bytes(whole.read_bytes())
    with pytest.raises(SystemExit) as info:
        main([str(tmp_path), "--model", "lenet5", "--format", "json"])
    seen = [Path(each["picture"]).name for each in json.loads(capsys.readouterr().out)]
    assert seen == ["a.png", "c.png"]
    first, second, _ = str(info.value).splitlines()
    assert str(tmp_path / "b.png") in first and str(tmp_path / "d.png") in second
    assert first.count("b.png") == second.count("d.png") == 1


@pytest.mark.parametrize(
    "options, words",
    [
        (["nowhere.png"], "there is no picture nowhere.png"),
        (["--model", "resnet999"], "resnet999"),
        (["--model", "lenet5", "--weights", "CIFAR10"], "'CIFAR10' is none of LeNet5_Weights"),
        (["--model", "cifar_alexnet"], "no published weights for cifar_alexnet"),
        ([__file__], "cannot read the picture"),
    ],
)
def test_a_sentence_says_what_is_wrong(options, words):
    with pytest.raises(SystemExit) as info:
        main(options)
    assert words in str(info.value)
