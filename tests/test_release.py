"""What a release consists of: one version, a changelog that knows it, and what is in the files."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parents[1]


TOP = {"README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in"}
TOP |= {"SECURITY.md", "pyproject.toml", "setup.cfg", "zensical.toml", "PKG-INFO"}


def text(name):
    return (ROOT / name).read_text("utf-8")


def test_the_version_is_defined_once_and_the_documents_name_it():
    assert re.fullmatch(r"\d+\.\d+\.\d+", mt.__version__)
    assert "version = attr: minitorch_cnn.__version__\n" in text("setup.cfg")
    assert mt.config.config_text().startswith(f"minitorch_cnn  {mt.__version__}, ")
    version, date = re.search(r"^## (\S+) \((\S+)\)$", text("CHANGELOG.md"), re.M).groups()
    assert version == mt.__version__
    citation = text("CITATION.cff")
    assert f"\nversion: {mt.__version__}\n" in citation and f"\ndate-released: {date}\n" in citation
    assert f"minitorch_cnn {mt.__version__} runs in the place" in text("docs/torch-programs.md")


def files_below(*folders):
    """The files of the repository in these folders, but what Python and the tests leave there."""
    return {
        file.relative_to(ROOT).as_posix()
        for folder in folders
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and not {"__pycache__", ".ruff_cache"} & set(file.parts)
    }


def run(*command, **options):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_and_the_sdist(tmp_path):
    """Built as for a release, the wheel out of the sdist: what they hold, and that it works."""
    run("-m", "build", "--outdir", tmp_path / "dist", ROOT)
    wheel, sdist = sorted((tmp_path / "dist").iterdir(), key=lambda file: file.suffix == ".gz")
    assert wheel.name == f"minitorch_cnn-{mt.__version__}-py3-none-any.whl"
    run("-m", "twine", "check", "--strict", wheel, sdist)

    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_below("minitorch_cnn")

    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    names = {name for name in names if ".egg-info/" not in name}
    folders = files_below("minitorch_cnn", "tests", "docs", "examples", "benchmarks", ".ci")
    assert names == folders | TOP

    # Installed alone, and asked in an empty folder.
    run("-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "there", wheel)
    (tmp_path / "empty").mkdir()
    environment = {"PYTHONPATH": str(tmp_path / "there"), "MINITORCH_CNN_KERNELS": "array"}
    answers = run("-m", "minitorch_cnn", "predict", cwd=tmp_path / "empty", env=environment)
    assert "Ankle boot" in answers and not list((tmp_path / "empty").iterdir())
