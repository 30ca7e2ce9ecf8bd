"""Draws the pictures of the chapters and makes their notebooks: python docs/build.py

The chapters are Markdown with blocks of code as doctest reads them. The tests run these; here
the same blocks draw the pictures that the chapter shows, and become the cells of its notebook.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
CHAPTER = "how-convolution-works"
BLOCK = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)


def code_of(block: str) -> str:
    """The program of a doctest block, without prompts and outputs."""
    examples = doctest.DocTestParser().get_examples(block)
    return "".join(example.source for example in examples)


def cells_of(block: str) -> list[str]:
    """The programs of a block's cells. A cell shows its last value, so each value ends a cell."""
    cells = [""]
    for example in doctest.DocTestParser().get_examples(block):
        cells[-1] += example.source
        if example.want:
            cells.append("")
    return [cell.rstrip("\n") for cell in cells if cell]


def notebook(text: str) -> dict[str, Any]:
    """A chapter as a notebook, with no outputs: they come when the reader runs it."""
    cells: list[dict[str, Any]] = []

    def add(kind: str, source: str, **more: Any) -> None:
        lines = source.splitlines(keepends=True)
        cell = {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": {}, "source": lines}
        cells.append(cell | more)

    for number, piece in enumerate(BLOCK.split(text)):
        if number % 2:
            for source in cells_of(piece):
                add("code", source, execution_count=None, outputs=[])
        elif piece.strip():
            add("markdown", piece.strip("\n"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def notebook_text(text: str) -> str:
    return json.dumps(notebook(text), indent=1, ensure_ascii=False) + "\n"


def run(text: str, folder: Path) -> None:
    """Runs all blocks of a chapter in a folder; its pictures lie there afterwards."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        names: dict[str, Any] = {}
        for block in BLOCK.findall(text):
            exec(compile(code_of(block), CHAPTER, "exec"), names)
    finally:
        os.chdir(before)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run((DOCS / f"{CHAPTER}.md").read_text("utf-8"), Path(folder))
        for picture in sorted(Path(folder, "images").glob("*.png")):
            shutil.copy(picture, DOCS / "images" / picture.name)
            print(f"docs/images/{picture.name}")
    for name in (CHAPTER, f"{CHAPTER}.ko"):
        made = notebook_text((DOCS / f"{name}.md").read_text("utf-8"))
        (DOCS / f"{name}.ipynb").write_text(made, "utf-8")
        print(f"docs/{name}.ipynb")


if __name__ == "__main__":
    main()
