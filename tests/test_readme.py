"""The README's program runs; its commands and files exist."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_training_loop_learns():
    """As it stands in the text: it prints that it knows at least 85 % of the test images."""
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(program.splitlines()) <= 35
    # In a process of its own, as a reader runs it; this one may hold gigabytes of other tests.
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    found = [re.fullmatch(r"epoch (\d): (\S+) % of the 4,000 test images", line) for line in lines]
    assert [int(match[1]) for match in found] == [0, 1, 2]
    assert 85 <= float(found[-1][2]) <= 100


def test_every_file_and_folder_that_the_readme_names_is_there():
    paths = set(re.findall(r"`((?:minitorch_cnn|examples|benchmarks|tests)/[\w./]*)`", README))
    paths |= set(re.findall(r"(?:examples|benchmarks|docs)/[\w./]+\.(?:py|png)", README))
    assert len(paths) > 10
    for path in paths:
        assert (ROOT / path).exists(), path
