"""docs/training.md: its commands are understood, its table is the parser's, its file is read."""

import re
import shlex
from pathlib import Path

import pytest

from minitorch_cnn.training import command

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_understood():
    lines = re.findall(r"python -m minitorch_cnn train (.+)$", PAGE + README, re.MULTILINE)
    assert len(lines) > 8
    parser = command.make_parser()
    for line in lines:
        parser.parse_args(shlex.split(line.split("   #")[0]))


def test_the_table_has_all_options_and_their_defaults():
    rows = re.findall(r"^\| (`--.+?) \| (.*?) \|", PAGE, re.MULTILINE)
    told = {names.split("`")[1]: default for names, default in rows}
    actions = {
        action.option_strings[0]: action
        for action in command.make_parser()._actions
        if action.dest != "help"
    }
    assert told.keys() == actions.keys()
    for name, action in actions.items():
        default = str(action.default)
        default = {"None": "", "True": "on", "False": ""}.get(default, default)
        assert told[name] == default, name


def test_the_file_of_options_is_read(tmp_path):
    pytest.importorskip("tomllib", reason="Python 3.10 needs the package tomli")
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "photos.toml").write_text(text)
    args = command.options(["--config", str(tmp_path / "photos.toml"), "--seed", "1"])
    assert (args.dataset, args.arch, args.lr, args.mixup) == ("photos", "resnet18", 1e-4, 0.2)


def test_files_that_are_named_are_there():
    for path in re.findall(r"`((?:minitorch_cnn|examples)/[\w/.]*)`", PAGE):
        assert (ROOT / path).exists(), path
