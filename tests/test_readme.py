"""The README's program runs; its commands and files exist."""

import re
from pathlib import Path

import numpy as np

import minitorch_cnn as mt

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_training_loop_runs():
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(program.splitlines()) <= 25
    program = program.replace("Shapes()", "Shapes(size=320)").replace("range(3)", "range(1)")
    names: dict = {}
    exec(compile(program, "README.md", "exec"), names)
    assert np.isfinite(names["loss"].item())
    images = names["images"]
    names["model"].eval()
    with mt.no_grad():
        assert names["model"](images).shape == (len(images), 10)


def test_every_file_and_folder_that_the_readme_names_is_there():
    paths = set(re.findall(r"`((?:minitorch_cnn|examples|benchmarks|tests)/[\w./]*)`", README))
    paths |= set(re.findall(r"(?:examples|benchmarks|docs)/[\w./]+\.(?:py|png)", README))
    assert len(paths) > 10
    for path in paths:
        assert (ROOT / path).exists(), path
