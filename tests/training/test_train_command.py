"""python -m minitorch_cnn train, evaluate, export: what one writes the others read."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import training
from minitorch_cnn.explain.commands import main as explain
from minitorch_cnn.models.classifiers import build_classifier
from minitorch_cnn.onnx.facts import write_facts
from minitorch_cnn.predict import main as predict
from minitorch_cnn.training import pictures
from minitorch_cnn.training.command import main as train
from minitorch_cnn.training.evaluation import Evaluation, main as evaluate
from minitorch_cnn.training.export import main as export

DRAW_ALL, REPORT = pictures.draw_all, training.run.report_of_run


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They take most of the time."""
    monkeypatch.setattr(pictures, "draw_all", lambda *args: [])
    monkeypatch.setattr(training.run, "report_of_run", lambda *args: "none")


def start(photos, out, *options):
    """18 pictures for training: four batches of four, two left out; six for testing."""
    train([
        "--data", str(photos), "--model", "tiny", "--image-size", "16", "--batch-size", "4",
        "--epochs", "2", "--lr", "0.01", "--test-share", "0.25", "--out", str(out), *options,
    ])  # fmt: skip


def state(out, name="last.npz"):
    saved = mt.load(out / name)
    saved.pop("config")
    return saved


def equal(a, b, place=""):
    """All differences between nested data."""
    if isinstance(a, dict) and isinstance(b, dict):
        assert a.keys() == b.keys(), place
        return [d for key in a for d in equal(a[key], b[key], f"{place}.{key}")]
    if isinstance(a, mt.Tensor):
        return [] if np.array_equal(a.cpu().numpy(), b.cpu().numpy()) else [place]
    if isinstance(a, (list, tuple)) and len(a) == len(b):
        return [d for n, (x, y) in enumerate(zip(a, b)) for d in equal(x, y, f"{place}[{n}]")]
    return [] if a == b else [place]


def test_train_predict_evaluate_export_explain(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    monkeypatch.setattr(pictures, "draw_all", DRAW_ALL)
    monkeypatch.setattr(training.run, "report_of_run", REPORT)
    out = tmp_path / "run"
    start(photos, out, "--epochs", "4")
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines() if str(tmp_path) not in line)
    assert "  red           8     2" in printed and "epoch   4/4" in printed
    assert f"predict --checkpoint {out} picture.png" in printed and "best: epoch " in printed
    assert {path.name for path in out.iterdir()} >= {
        "config.json", "run.toml", "split.json", "metrics.csv", "last.npz", "best.npz",
        "curves.png", "confusion_matrix.png", "predictions.png", "report.html",
    }  # fmt: skip
    accuracy = max(row["test_accuracy"] for row in state(out)["rows"])
    assert state(out)["program"].startswith("python ")

    evaluate([str(out), "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["accuracy"] == pytest.approx(accuracy)  # of best.npz, on the remembered part
    assert [row["name"] for row in told["classes"]] == ["blue", "green", "red"]
    assert all(row["pictures"] == 2 for row in told["classes"])
    others = shutil.copytree(photos, tmp_path / "others")
    evaluate([str(out), "--data", str(others)])  # the same files: only those for testing
    assert "of 6 pictures" in capsys.readouterr().out
    (others / "red" / "0.png").rename(others / "red" / "10.png")
    evaluate([str(out), "--data", str(others)])
    printed = capsys.readouterr().out
    assert "of 24 pictures" in printed and all(len(line) <= 80 for line in printed.splitlines())
    evaluate([str(out / "best.npz"), "--format", "csv"])
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["right"]) for row in table] == [row["right"] for row in told["classes"]]

    picture = str(photos / "red" / "0.png")
    predict(["--checkpoint", str(out), "--format", "json", picture])
    (said,) = json.loads(capsys.readouterr().out)
    assert {row["class"] for row in said["classes"]} == {"red", "green", "blue"}
    explain(["explain", "confusion", "--checkpoint", str(out), "--out", str(out / "a.png")])
    assert f"accuracy {accuracy:.2f} % of 6 images" in capsys.readouterr().out

    pytest.importorskip("onnx", reason="ONNX files need it")
    model = tmp_path / "model.onnx"
    export([str(out), "--onnx", str(model)])
    assert "scores (N, 3)\nof blue, green, red\n" in capsys.readouterr().out
    predict(["--checkpoint", str(model), "--format", "json", picture])
    (again,) = json.loads(capsys.readouterr().out)
    for a, b in zip(said["classes"], again["classes"], strict=True):
        assert a["class"] == b["class"] and a["probability"] == pytest.approx(b["probability"])
    evaluate([str(model), "--data", str(photos), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0
    with pytest.raises(SystemExit, match="does not say what to test on"):
        evaluate([str(model)])
    for facts, words in (
        ({"classes": []}, "'mean', 'std', 'resize'] are needed"),
        (None, "only files"),
    ):
        mt.onnx.export(build_classifier("tiny", 2), mt.zeros(1, 3, 16, 16), model)
        if facts is not None:
            write_facts(model, facts)
        with pytest.raises(ValueError, match=words):
            mt.explain.load_trained(model)


@pytest.mark.parametrize("stop_at", [1, 3])
def test_an_interrupted_run_goes_on_to_the_last_bit(photos, tmp_path, monkeypatch, capsys, stop_at):
    """With averaged weights, and gradients of three batches together: that step is finished."""
    options = ["--ema", "0.5", "--accumulate", "3", "--mixup", "0.5", "--clip-grad-norm", "1"]
    options += ["--seed", "5", "--warmup-epochs", "0.5", "--class-weights", "balanced"]
    start(photos, tmp_path / "whole", *options)
    original = training.Run.record

    def record(self, *args):
        original(self, *args)
        if (self.epoch, self.step) == (2, stop_at):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training.Run, "record", record)
    with pytest.raises(SystemExit) as info:
        start(photos, tmp_path / "stopped", *options)
    assert info.value.code == 130
    assert "interrupted after step 3 of epoch 2" in capsys.readouterr().out
    monkeypatch.setattr(training.Run, "record", original)
    mt.manual_seed(99)
    train(["--resume", str(tmp_path / "stopped")])
    whole, stopped = (state(tmp_path / name) for name in ("whole", "stopped"))
    assert not equal(whole, stopped)
    assert equal(whole["model"], whole["also"]["trained"])  # the average is something else


def test_a_run_is_repeated_by_its_file(photos, tmp_path):
    pytest.importorskip("tomllib", reason="Python 3.10 needs the package tomli")
    start(photos, tmp_path / "a", "--cutmix", "1", "--seed", "4", "--optimizer", "adam")
    train(["--config", str(tmp_path / "a" / "run.toml"), "--out", str(tmp_path / "b")])
    assert not equal(state(tmp_path / "a"), state(tmp_path / "b"))
    a, b = ((tmp_path / name / "run.toml").read_text().splitlines() for name in "ab")
    assert [line for line in a if line not in b] == [f'out = "{tmp_path}/a"']


def test_early_stopping(photos, tmp_path, capsys, monkeypatch):
    accuracies = iter([50.0, 60.0, 60.0, 55.0, 70.0])
    original = training.Run.finish_epoch

    def finish(self, epoch, metrics, *args):
        original(self, epoch, {**metrics, "test_accuracy": next(accuracies)}, *args)

    monkeypatch.setattr(training.Run, "finish_epoch", finish)
    options = ["--epochs", "9", "--patience", "2", "--limit-batches", "1"]
    start(photos, tmp_path / "run", *options)
    assert "no epoch was better than epoch 2 (60.00 %)" in capsys.readouterr().out
    assert len(state(tmp_path / "run")["rows"]) == 4
    train(["--resume", str(tmp_path / "run")])  # is over
    assert len(state(tmp_path / "run")["rows"]) == 4


def test_weights_of_another_run(photos, tmp_path):
    """All but the last layer, if the classes are others."""
    start(photos, tmp_path / "a", "--epochs", "1")
    (photos / "blue").rename(photos.parent / "blue")
    model = build_classifier("tiny", 2, weights=str(tmp_path / "a"))
    saved = mt.load(tmp_path / "a" / "best.npz")["model"]
    for name, value in model.state_dict().items():
        if not name.startswith("fc."):
            assert np.array_equal(value.numpy(), saved[name].numpy()), name
    assert model.fc.weight.shape == (2, 8)
    with pytest.raises(ValueError, match=r"of another network: conv1\.weight is \[16"):
        build_classifier("cifar_resnet20", 2, weights=str(tmp_path / "a" / "best.npz"))
    start(photos, tmp_path / "b", "--weights", str(tmp_path / "a"), "--lr", "1e-9")
    trained = mt.load(tmp_path / "b" / "last.npz")["model"]
    near = saved["conv1.weight"].numpy()
    np.testing.assert_allclose(trained["conv1.weight"].numpy(), near, atol=1e-6)


def test_find_lr_suggests_and_trains_nothing(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training.lr_finder, "STEPS", 12)
    start(photos, tmp_path / "run", "--find-lr")
    printed = capsys.readouterr().out
    assert "suggested learning rate: " in printed and "epoch" not in printed
    with Image.open(tmp_path / "run" / "lr_finder.png") as picture:
        assert picture.width > 500
    assert not (tmp_path / "run" / "last.npz").exists()


def test_a_built_in_set_at_another_size(tmp_path, monkeypatch, capsys):
    few = lambda train: mt.datasets.Shapes(train=train, size=12 if train else 6)  # noqa: E731
    monkeypatch.setitem(training.data.DATASETS, "shapes", few)
    for size in ("32", "20"):
        out = str(tmp_path / size)
        arguments = ["--model", "tiny", "--data", "shapes", "--image-size", size, "--epochs", "1"]
        train([*arguments, "--batch-size", "4", "--out", out])
        capsys.readouterr()
        evaluate([out])
        assert "of 6 pictures" in capsys.readouterr().out
        config = json.loads((tmp_path / size / "config.json").read_text())
        assert config["image_size"] == config["resize"] == int(size)


@pytest.mark.parametrize(
    "options, words",
    [
        (["--model", "resnet81"], r"no network 'resnet81': did you mean resnet18"),
        (["--data", "nowhere"], r"--data nowhere is no folder, and none of .*cifar10"),
        (["--weights", "BEST"], "There are no published weights for tiny"),
        (["--weights", "no.npz"], "no.npz"),
        (["--model", "lenet5"], "lenet5 does not take images of 3x16x16"),
        (["--batch-size", "99"], "--batch-size 99 is more than the 18 images"),
        (["--amp"], "--amp needs a GPU"),
        (["--config", "no.toml"], r"no\.toml"),
    ],
)
def test_errors_in_one_sentence(photos, tmp_path, monkeypatch, options, words):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match=rf"error: .*{words}"):
        start(photos, tmp_path / "run", *options)


def test_wrong_questions_to_a_run(photos, tmp_path, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    few = lambda train: mt.datasets.Shapes(train=train, size=4)  # noqa: E731
    monkeypatch.setitem(training.data.DATASETS, "shapes", few)
    out = tmp_path / "run"
    start(photos, out, "--epochs", "1", "--limit-batches", "1")
    with pytest.raises(SystemExit, match=r"shapes has the classes .*'circle'"):
        evaluate([str(out), "--data", "shapes"])
    (photos / "red").rename(photos / "purple")
    with pytest.raises(SystemExit, match=r"is no longer in .*photos"):
        evaluate([str(out)])
    with pytest.raises(SystemExit, match=r"is no longer in .*photos"):
        train(["--resume", str(out), "--epochs", "2"])
    with pytest.raises(SystemExit, match=r"classes \['purple'\], which the network does not know"):
        evaluate([str(out), "--data", str(tmp_path / "run" / ".." / "photos")])


def test_the_table_of_an_evaluation(capsys):
    true, said = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 1, 1])
    rows = list(Evaluation(said, true, ["a", "b", "c"], 0.5).rows())
    assert [row.name for row in rows] == ["a", "b"]  # of c there are no pictures
    assert rows[0].right == pytest.approx(100 / 3) and rows[0].precision == 100
    assert (rows[0].confused_with, rows[0].times) == ("b", 1)
    assert rows[1].right == 100 and rows[1].precision == pytest.approx(200 / 3)
    Evaluation(said, true, ["a", "b", "c"], 0.5).print("text")
    assert "test loss 0.5000, test accuracy 60.00 % of 5 pictures" in capsys.readouterr().out


def test_float16_under_the_rules_of_a_gpu(photos, tmp_path):
    """In a process of its own, whose CuPy is the stand-in: begun, and gone on with."""
    options = ["--backend", "cupy", "--amp", "--ema", "0.9", "--accumulate", "2", "--epochs", "1"]
    options += ["--model", "lenet5", "--image-size", "32", "--clip-grad-norm", "1"]
    options += ["--data", str(photos), "--batch-size", "4", "--out", str(tmp_path / "run")]
    code = f"""
from minitorch_cnn.training import command, pictures
pictures.draw_all = lambda *args: []
command.main({options})
command.main(["--resume", {str(tmp_path / "run")!r}, "--epochs", "2"])
"""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "MINITORCH_CNN_KERNELS": "array"}
    environment["PYTHONPATH"] = os.pathsep.join([str(root), str(root / "tests" / "standin")])
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "backend cupy" in done.stdout and "epoch   2/2" in done.stdout
    also = state(tmp_path / "run")["also"]
    assert also["averaged"] == 4 and also["scaler"]["_growth_tracker"] == 4  # no step left out
