"""Every example program, run as a user runs it, for two steps on a few built-in pictures."""

import functools
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import train_resnet_cifar

import minitorch_cnn as mt
from minitorch_cnn import datasets
from minitorch_cnn.training import data, pictures, run

EXAMPLES = Path(train_resnet_cifar.__file__).parent
# (program, more options, what its config must say)
PROGRAMS = [
    ("train_resnet_cifar", ["--arch", "resnet18"], dict(optimizer="sgd", scheduler="cosine")),
    ("train_resnet_cifar", ["--arch", "resnet34"], dict(arch="resnet34", lr=0.1)),
    ("train_resnet_steplr_cifar", [], dict(arch="resnet14", scheduler="steplr")),
    ("train_resnet18_cifar", [], dict(arch="resnet18", optimizer="adam", augment=False)),
    ("train_threeblock_cifar", [], dict(arch="threeblock", lr=1e-4)),
    ("train_alexnet_cifar", [], dict(arch="alexnet", optimizer="adam")),
    ("train_vgg_cifar", [], dict(arch="vgg", optimizer="adam")),
    ("train_googlenet_cifar", [], dict(arch="googlenet")),
    ("train_densenet_cifar", [], dict(arch="densenet", batch_size=3)),
    ("train_fashion_mnist", [], dict(arch="fashionnet", augment=False)),
    ("train_lenet_mnist", [], dict(arch="lenet5", augment=False)),
]


@functools.cache
def few_shapes(train):
    return datasets.Shapes(train=train, size=9 if train else 4)


@pytest.mark.parametrize("program, options, expected", PROGRAMS)
def test_a_program_trains_two_steps(program, options, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(data.DATASETS, "shapes", lambda train: few_shapes(train))
    monkeypatch.setattr(run, "report_of_run", lambda *args: "none")  # tested elsewhere
    monkeypatch.setattr(pictures, "draw_all", lambda *args: [])  # tested elsewhere
    batches = ["--batch-size", "3", "--limit-batches", "2", "--epochs", "1"]
    arguments = ["--dataset", "shapes", "--out", str(tmp_path), *batches, *options]
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    try:
        runpy.run_path(str(EXAMPLES / f"{program}.py"), run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code
    printed = capsys.readouterr().out
    assert "epoch   1/1" in printed and "test accuracy" in printed
    config = json.loads((tmp_path / "config.json").read_text())
    assert {name: config[name] for name in expected} == expected
    checkpoint = mt.load(tmp_path / "last.npz")
    assert checkpoint["step"] == 2 and checkpoint["count"] == 6
    # The learning tools know every network that the examples train.
    explained = mt.explain.load_trained(tmp_path).model.state_dict()
    for name, value in checkpoint["model"].items():
        np.testing.assert_array_equal(explained[name].numpy(), value.numpy(), err_msg=name)


def test_grey_images_of_28_pixels_are_for_two_of_the_networks(tmp_path, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    monkeypatch.setitem(data.DATASETS, "mnist", lambda *args, train, download: few_shapes(train))
    with pytest.raises(SystemExit) as info:
        train_resnet_cifar.main(["--dataset", "mnist", "--arch", "vgg", "--out", str(tmp_path)])
    assert "use lenet5 or fashionnet" in str(info.value)
    train = ["--dataset", "mnist", "--arch", "fashionnet", "--out", str(tmp_path), "--epochs", "1"]
    train_resnet_cifar.main([*train, "--batch-size", "3", "--no-augment"])
    assert (tmp_path / "best.npz").exists()
