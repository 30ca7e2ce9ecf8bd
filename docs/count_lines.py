"""Writes the line counts into the tables of reading-the-code: python docs/count_lines.py

A row of such a table names a file of the package and how long it is, the last one how many files
there are and their lines together. Lengths are rounded to tens. A test says when they are out of
date, or when there is more to read than was promised.
"""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "minitorch_cnn"
CHAPTER = "reading-the-code"
ROW = re.compile(r"\| `([\w/]+\.py)` \| ([\d,]+) \|")
TOTAL = re.compile(r"\| \*\*(\D*)(\d+)(\D*)\*\* \| ([\d,]+) \|")


def lines_of(file: str) -> int:
    """How many lines a file of the package has."""
    return len((PACKAGE / file).read_text("utf-8").splitlines())


def rounded(lines: int) -> str:
    """To tens, as the tables show it: 1,230."""
    return f"{round(lines, -1):,}"


def with_counts(text: str) -> str:
    """A chapter with the counts of today in its tables."""
    lines, counts = [], []
    for line in text.splitlines(keepends=True):
        if row := ROW.match(line):
            counts.append(lines_of(row[1]))
            line = f"| `{row[1]}` | {rounded(counts[-1])} |" + line[row.end() :]
        elif total := TOTAL.match(line):
            title = f"{total[1]}{len(counts)}{total[3]}"
            line = f"| **{title}** | {rounded(sum(counts))} |" + line[total.end() :]
            counts = []
        lines.append(line)
    return "".join(lines)


def main() -> None:
    for name in (CHAPTER, f"{CHAPTER}.ko"):
        path = DOCS / f"{name}.md"
        path.write_text(with_counts(path.read_text("utf-8")), "utf-8")
        print(f"docs/{name}.md")


if __name__ == "__main__":
    main()
