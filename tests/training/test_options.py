"""Options from files: what is written is read again, and what is wrong is named."""

import sys
from types import SimpleNamespace

import pytest

from minitorch_cnn.training import command
from minitorch_cnn.training.options import to_toml, words_of


def written(tmp_path, text):
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "run.toml")


def test_a_round_trip(tmp_path):
    """Every option that can be given, with a value that is not the default."""
    pytest.importorskip("tomllib", reason="Python 3.10 needs the package tomli")
    words = [
        "--data", 'my "own" Bilder/ä', "--model", "resnet18", "--weights", "DEFAULT",
        "--image-size", "64", "--test-share", "0.3", "--skip-damaged", "--backend", "cpu",
        "--data-dir", "d", "--epochs", "7", "--batch-size", "9", "--optimizer", "adam", "--lr",
        "1e-05", "--lr-scale", "linear", "--momentum", "0.8", "--weight-decay", "0", "--scheduler",
        "step", "--warmup-epochs", "1.5", "--patience", "4", "--label-smoothing", "0.1",
        "--no-augment", "--mixup", "0.2", "--cutmix", "1", "--seed", "-3", "--workers", "2",
        "--limit-batches", "8", "--out", "o", "--sync-batchnorm", "--accumulate", "2",
        "--clip-grad-norm", "1", "--ema", "--amp", "--tensorboard", "--class-weights", "balanced",
    ]  # fmt: skip
    args = command.options(words)
    path = written(tmp_path, to_toml(vars(args)))
    again = command.options(["--config", path])
    assert {**vars(again), "config": None} == vars(args)
    given = {action.dest for action in command.make_parser()._actions}
    changed = {name for name, value in vars(args).items() if value != vars(defaults())[name]}
    started = {"help", "config", "resume", "go_on", "find_lr"}
    assert given - started <= changed  # no option was forgotten above
    over = command.options(["--config", path, "--epochs", "3", "--augment"])
    assert (over.epochs, over.augment, over.lr) == (3, True, 1e-5)


def defaults():
    return command.options(["--data", "a", "--model", "b"])


def test_default_learning_rates():
    given = ["--data", "a", "--model", "b"]
    assert command.options(given).lr == 1e-3
    assert command.options([*given, "--weights", "DEFAULT"]).lr == 1e-4
    assert command.options([*given, "--optimizer", "sgd"]).lr == 0.1
    assert command.options([*given, "--ema"]).ema == 0.999


@pytest.mark.parametrize(
    "text, words",
    [
        ("epoch = 3", r"no option 'epoch'; did you mean epochs\?"),
        ("resume = 'a'", "no option 'resume'"),
        ("xyzzy = 3", "no option 'xyzzy'$"),
        ("epochs = [3]", r"epochs is a number or a text, got \[3\]"),
        ("augment = 3", "augment is true or false, got 3"),
        ("[table]\nepochs = 3", "no option 'table'"),
        ("epochs 3", "is not a TOML file"),
    ],
)
def test_mistakes_in_a_file_are_named(text, words, tmp_path):
    pytest.importorskip("tomllib", reason="Python 3.10 needs the package tomli")
    with pytest.raises(ValueError, match=words):
        words_of(command.make_parser(), written(tmp_path, text))


def test_values_are_checked_as_on_the_command_line(tmp_path, capsys):
    pytest.importorskip("tomllib", reason="Python 3.10 needs the package tomli")
    for text, words in (("epochs = 1.5", "invalid int"), ("lr = -1", "must be above 0")):
        with pytest.raises(SystemExit):
            command.options(["--config", written(tmp_path, text)])
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.options(["--epochs", "3"])
    assert "--data FOLDER and --model NAME" in capsys.readouterr().err
    args = command.options(["--config", written(tmp_path, "model = 'a'\ndata = 'b'\nema = 0.9")])
    assert (args.arch, args.dataset, args.ema) == ("a", "b", 0.9)


def test_what_python_3_10_says(tmp_path, monkeypatch):
    path = written(tmp_path, "epochs = 3")
    for name in ("tomllib", "tomli"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeError, match=r"--config needs Python 3\.11 or newer, or .* tomli"):
        words_of(command.make_parser(), path)
    reader = SimpleNamespace(loads=lambda text: {"epochs": 3})
    monkeypatch.setitem(sys.modules, "tomli", reader)
    assert words_of(command.make_parser(), path) == ["--epochs=3"]
