"""Writes this machine's ladder into the chapter fast-convolution: python docs/ladder.py

Runs `explain ladder` with the instruction set of the machine and, if that is AVX-512, once more
restricted to AVX2. The tables go into both languages, the picture into docs/images. Nothing else
should be running meanwhile.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PICTURE = "images/ladder.png"
PLACE = re.compile(r"(?<=<!-- ladder -->\n).*?(?=<!-- end of ladder -->)", re.DOTALL)


def processor() -> str:
    """The model's name, and how many cores this process may use."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"model name\s*: (.+)", text)
    name = found[1] if found else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def table(picture: Path, environment: dict[str, str]) -> str:
    """What the command prints, as a block of Markdown."""
    command = [sys.executable, "-m", "minitorch_cnn", "explain", "ladder", "--out", str(picture)]
    result = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, cwd=ROOT,
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    lines = result.stdout.splitlines()
    return "".join(f"    {line}\n" for line in lines if not line.startswith("picture: "))


def with_tables(text: str, tables: dict[str, str]) -> str:
    """A chapter with these tables in its place for them, each below its title."""
    blocks = [f"{title}:\n\n{block}" for title, block in tables.items()]
    made = "\n".join([*blocks, f"![explain ladder]({PICTURE})\n"])
    return PLACE.sub(lambda _: made, text)


def main() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import isa

    machine, day = processor(), datetime.date.today()
    printed = table(DOCS / PICTURE, {})
    tables = {f"{machine}, {day}": printed}
    if "\n    AVX-512: " in printed:
        with tempfile.TemporaryDirectory() as folder:
            second = table(Path(folder, "ladder.png"), isa.environment("avx2"))
        tables[f"{machine}, restricted to AVX2, {day}"] = second
    for name in ("fast-convolution", "fast-convolution.ko"):
        path = DOCS / f"{name}.md"
        path.write_text(with_tables(path.read_text("utf-8"), tables), "utf-8")
        print(f"docs/{name}.md")


if __name__ == "__main__":
    main()
