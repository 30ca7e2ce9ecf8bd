"""The examples, run for a few steps on a small data set: files, continuation, refusals."""

import functools
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import train_resnet_cifar
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import datasets, training
from minitorch_cnn.models import small as small_models
from minitorch_cnn.predict import main as predict
from minitorch_cnn.training import data
from minitorch_cnn.training.run import first_non_finite_layer


@functools.cache
def small_shapes(train):
    return datasets.Shapes(train=train, size=96 if train else 40)


class TinyResNet(mt.models.cifar.CifarResNet):
    def __init__(self, num_classes, in_channels):
        super().__init__([1, 1], [4, 8], num_classes, in_channels)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(data.DATASETS, "shapes", lambda train: small_shapes(train))
    monkeypatch.setitem(small_models.ARCHITECTURES, "resnet20", TinyResNet)
    monkeypatch.setattr(training.run, "report_of_run", lambda *args: "none")  # tested elsewhere


def run(out, *options):
    arguments = ["--dataset", "shapes", "--batch-size", "16", "--out", str(out), *options]
    return train_resnet_cifar.main(arguments)


def weights(path):
    return {k: v.numpy() for k, v in mt.load(path)["model"].items()}


def test_a_run_leaves_all_its_files(tmp_path, capsys):
    run(tmp_path, "--epochs", "2", "--scheduler", "onecycle", "--label-smoothing", "0.1")
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,lr,train_loss") and len(rows) == 3
    assert json.loads((tmp_path / "config.json").read_text())["label_smoothing"] == 0.1
    for name in ("curves", "confusion_matrix", "predictions"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 500 and len(picture.convert("L").getcolors(256)) > 20
    printed = capsys.readouterr().out
    assert "epoch   2/2" in printed and "test accuracy" in printed
    assert printed.startswith("loading shapes ...")
    assert (
        "epoch 1: 50 %  loss " in printed and "epoch 2: 50 %  loss " in printed
    )  # a log has lines
    rates = mt.load(tmp_path / "last.npz")["rates"]  # of each step: one cycle, up to --lr
    assert len(rates) == 12 and rates[0] == pytest.approx(0.1 / 25) and max(rates) > 0.09
    assert {p.name for p in tmp_path.iterdir()} == {
        ".lock", "config.json", "run.toml", "metrics.csv", "last.npz", "best.npz",
        "curves.png", "confusion_matrix.png", "predictions.png",
    }  # fmt: skip


@pytest.mark.parametrize("scheduler", ["step", "steplr", "cosine", "onecycle"])
@pytest.mark.parametrize("stop_at", [1, 4, 6])
def test_an_interrupted_run_continues_as_if_nothing_had_happened(
    tmp_path, monkeypatch, capsys, stop_at, scheduler
):
    options = ["--epochs", "2", "--scheduler", scheduler, "--seed", "5"]
    if scheduler == "steplr":  # another optimizer has another state to go on with
        options += ["--optimizer", "adam", "--lr", "0.01"]
    run(tmp_path / "whole", *options)

    original = training.Run.record

    def record(self, *args):
        original(self, *args)
        if self.epoch == 2 and self.step == stop_at:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training.Run, "record", record)
    with pytest.raises(SystemExit) as info:
        run(tmp_path / "stopped", *options)
    assert info.value.code == 130
    printed = capsys.readouterr().out
    assert f"interrupted after step {stop_at} of epoch 2" in printed
    assert f"--resume {tmp_path}/stopped/last.npz" in printed
    monkeypatch.setattr(training.Run, "record", original)
    mt.manual_seed(99)  # whatever happened in between

    train_resnet_cifar.main(["--resume", str(tmp_path / "stopped")])
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert (whole / "metrics.csv").read_text() == (stopped / "metrics.csv").read_text()
    for (name, a), b in zip(
        weights(whole / "last.npz").items(), weights(stopped / "last.npz").values(), strict=True
    ):
        assert np.array_equal(a, b), name


def test_a_finished_run_goes_on_for_more_epochs_also_with_limited_batches(tmp_path):
    options = ["--limit-batches", "2", "--scheduler", "step"]
    run(tmp_path, "--epochs", "1", *options)
    train_resnet_cifar.main(["--resume", str(tmp_path / "last.npz"), "--epochs", "2"])
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3


def test_workers_give_the_same_run(tmp_path):
    run(tmp_path / "0", "--epochs", "1", "--workers", "0", "--no-augment")
    run(tmp_path / "2", "--epochs", "1", "--workers", "2", "--no-augment")
    a, b = ((tmp_path / n / "metrics.csv").read_text() for n in "02")
    assert a == b


def test_eval_only_changes_nothing(tmp_path, capsys):
    run(tmp_path, "--epochs", "1")
    before = (tmp_path / "last.npz").read_bytes()
    capsys.readouterr()
    train_resnet_cifar.main(["--resume", str(tmp_path), "--eval-only"])
    assert "test accuracy" in capsys.readouterr().out
    assert (tmp_path / "last.npz").read_bytes() == before


def test_a_nan_stops_the_run_and_names_step_and_layer(tmp_path, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    with np.errstate(all="ignore"), pytest.raises(SystemExit) as info:
        run(tmp_path, "--epochs", "3", "--lr", "1e30")
    message = str(info.value)
    assert "not finite at epoch 1, step" in message and "--lr (it is 1e+30)" in message
    assert any(place in message for place in ("parameter", "output of", "loss itself"))


def test_first_non_finite_layer_is_named():
    model = mt.models.lenet5()
    images = mt.randn(2, 1, 28, 28)
    handle = model.features[3].register_forward_hook(lambda module, x, y: y / 0)
    assert "features.3 (Conv2d(6, 16" in first_non_finite_layer(model, images)
    handle.remove()
    assert first_non_finite_layer(model, images) == "in the loss itself"
    images[0, 0, 0, 0] = float("nan")
    assert first_non_finite_layer(model, images) == "in the input images"


def test_predict_prints_five_classes_for_each_picture(tmp_path, capsys):
    run(tmp_path, "--epochs", "1")
    Image.new("RGB", (50, 40), "red").save(tmp_path / "a.png")
    capsys.readouterr()
    predict(["--checkpoint", str(tmp_path), str(tmp_path / "a.png"), str(tmp_path / "a.png")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13 and lines[1].endswith("a.png") and "%" in lines[2]
    percents = [float(line.split()[0]) for line in lines[2:7]]
    assert percents == sorted(percents, reverse=True) and sum(percents) <= 100.5


@pytest.mark.parametrize(
    "options, words",
    [
        (["--eval-only"], "--eval-only needs --resume"),
        (["--resume", "nowhere"], "there is no nowhere"),
        (["--lr", "0"], "must be above 0"),
        (["--backend", "tpu"], "invalid choice"),
    ],
)
def test_wrong_options_are_refused(options, words, capsys):
    with pytest.raises(SystemExit) as info:
        train_resnet_cifar.main(options)
    assert info.value.code == 2 and words in capsys.readouterr().err


def test_user_errors_end_with_one_sentence(tmp_path):
    with pytest.raises(SystemExit) as info:
        run(tmp_path, "--batch-size", "1000")
    assert "--batch-size 1000 is more than the 96 images" in str(info.value)
    (tmp_path / "x.npz").write_text("no checkpoint")
    with pytest.raises(SystemExit) as info:
        predict(["--checkpoint", str(tmp_path / "x.npz")])
    assert "not a readable minitorch_cnn checkpoint" in str(info.value)
    with pytest.raises(SystemExit, match="not a readable"):
        train_resnet_cifar.main(["--resume", str(tmp_path / "x.npz")])
    with pytest.raises(SystemExit, match="is a file; name a folder"):
        run(tmp_path / "x.npz")
    if not mt.cuda.is_available():
        with pytest.raises(SystemExit) as info:
            run(tmp_path, "--backend", "cupy")
        assert "error: " in str(info.value) and "CuPy" in str(info.value)


def test_two_runs_in_one_folder(tmp_path):
    """The second is refused, until the process of the first has ended, however."""
    hold = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX)"
    hold += "; print('!', flush=True); sys.stdin.read()"
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", hold, str(out / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.read(1)
        with pytest.raises(SystemExit, match=r"another run is writing to .*out"):
            run(out)
        assert sorted(path.name for path in out.iterdir()) == [".lock"]
        other.kill()
    run(out)
    assert (out / "last.npz").exists()
