"""docs/explain.md: its code runs, its commands exist, its pictures are there."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from minitorch_cnn.explain import commands

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explain.md").read_text(encoding="utf-8")


def test_the_code_gives_what_the_page_says():
    result = doctest.testfile(
        str(DOCS / "explain.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.attempted > 5 and result.failed == 0


def test_every_picture_is_there_and_small():
    named = set(re.findall(r"\]\((images/explain/[^)]+)\)", PAGE))
    there = {f"images/explain/{path.name}" for path in (DOCS / "images/explain").iterdir()}
    assert named == there
    assert sum((DOCS / name).stat().st_size for name in named) < 1_500_000


def test_every_command_line_is_understood(monkeypatch):
    lines = re.findall(r"^    python -m minitorch_cnn (explain .+)$", PAGE, re.MULTILINE)
    assert len(lines) > 25
    understood = []

    def run(command):
        return lambda args: understood.append(command.name)

    monkeypatch.setattr(commands, "_runner", run)
    for line in lines:
        commands.main(shlex.split(line))
    with pytest.raises(SystemExit):
        commands.main(["explain", "--help"])
    assert len(understood) == len(lines)
    sections = set(re.findall(r"`([a-z0-9-]+)`", " ".join(re.findall(r"^### .+$", PAGE, re.M))))
    assert sections == set(understood)
