"""Docstrings as Markdown, for the reference of the site.

They are plain text with doctest examples, in which `names` stand between backticks. Here examples
become blocks of Python, tables in columns stay as they are written, names become links to their
place in the reference, and what Markdown would take for its own (C*KH*KW, [0, 1), <) is protected.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import griffe

NAMES = Path(__file__).parents[1] / "build" / "names.json"  # name: where it stands; by site.py
SENTENCE = re.compile(r"(?<=\.)(?=\n(?:Raises|Never raises|[a-z][\w\\, ]*:) )")  # a line of its own
COLUMNS = re.compile(r"^\S.*\S   +\S|^\s", re.MULTILINE)


def markdown(text: str, names: dict[str, str]) -> str:
    """The Markdown of a docstring; names: what is linked, and to which object."""
    blocks = [_block(each.strip("\n"), names) for each in re.split(r"\n\s*\n", text)]
    return re.sub(r"```\n\n```pycon\n", "\n", "\n\n".join(blocks))  # examples with gaps are one


def _block(block: str, names: dict[str, str]) -> str:
    if (start := re.search(r"^ *>>> ", block, re.MULTILINE)) is not None:
        before, example = block[: start.start()], block[start.start() :]
        indent = len(example) - len(example.lstrip())
        lines = [line[indent:] for line in example.splitlines()]
        prose = _block(before.rstrip("\n"), names) + "\n\n" if before else ""
        return prose + "\n".join(["```pycon", *lines, "```"])
    if COLUMNS.search(block):
        return textwrap.indent(textwrap.dedent(block), "    ")
    pieces = re.split(r"(``.+?``|`[^`]+`)", block, flags=re.DOTALL)
    text = "".join(
        _code(piece, names) if number % 2 else re.sub(r"([\\*_\[\]#])", r"\\\1", _html(piece))
        for number, piece in enumerate(pieces)
    )
    return SENTENCE.sub("<br>", text)


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _code(piece: str, names: dict[str, str]) -> str:
    name = piece.strip("`").removesuffix("()").removeprefix("mt.")
    place = names.get(name) or names.get(name.rpartition(".")[2] if name[:1].isalpha() else "")
    return f"[{piece}][{place}]" if place else piece


class Docstrings(griffe.Extension):
    """Converts each docstring when griffe has read it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = json.loads(NAMES.read_text("utf-8"))

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value, self.names)
