"""The README's program runs; its commands and files exist."""

import os
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
    # In a process of its own, as a reader runs it, without guard zones around arrays; this one may
    # hold gigabytes of other tests.
    environment = {k: v for k, v in os.environ.items() if k != "MINITORCH_CNN_CHECK"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
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


def test_what_is_said_of_torch_programs():
    """Their number, and that the commands' options are there; tests/run has what they do."""
    count = int(re.search(r"(\d+) whole programs of the public kinds", README)[1])
    assert count == len(list((ROOT / "tests/programs/torch").glob("*.py")))
    commands = re.findall(r"python -m (minitorch_cnn run|pytest) (.*)", README)
    command = [sys.executable, "-m", "minitorch_cnn", "run", "--help"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = {part for _, line in commands for part in line.split() if part.startswith("--list")}
    assert options == {"--list-missing"} <= set(text.split())
    assert any("minitorch_cnn.pytest_plugin --torch-is-minitorch" in line for _, line in commands)


def test_its_figures_are_those_of_the_other_documents():
    """The first table's in docs/results.md, the table of speed in docs/performance.md."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d.]+ %) of ([\w-]+)", README, re.M)
    assert len(rows) >= 3
    results = (ROOT / "docs" / "results.md").read_text("utf-8")
    for network, reached, data in rows:
        found = re.search(rf"^\| {network} \| {data} \|.*\| {re.escape(reached)} \|", results, re.M)
        assert found, (network, reached)
    speed = README.split("\n## Speed\n")[1].split("\n## ")[0]
    lines = [line for line in speed.splitlines() if re.match(r"\| .*\dx", line)]
    performance = (ROOT / "docs" / "performance.md").read_text("utf-8").splitlines()
    assert len(lines) >= 4 and set(lines) <= set(performance)
