"""A program runs as `python train.py` runs it: arguments, paths, exit codes, errors, workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt
from minitorch_cnn.run import run_program
from minitorch_cnn.run.program import explanation

ROOT = Path(mt.__file__).parents[1]
MAIN = """
import multiprocessing, os, sys
import helper  # beside the program
import torch
import torchvision
try:
    import torchaudio
except ImportError as error:
    print(error)


class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        import torch as again
        return again.tensor(index), torch.__version__


def main():
    assert sys.modules["__main__"].Numbers is Numbers
    assert not any("site-packages/torch/" in str(getattr(m, "__file__", "")) for m in
                   list(sys.modules.values()))
    print(sys.argv, os.path.samefile(sys.path[0], os.path.dirname(__file__)), __file__)
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        loader = torch.utils.data.DataLoader(
            Numbers(), batch_size=4, num_workers=1, multiprocessing_context=context)
        print(method, *((x.tolist(), y[0]) for x, y in loader))
    print(helper.torch is torch)


if __name__ == "__main__":
    main()
    sys.exit(int(sys.argv[-1]))
"""


def minitorch(folder, *arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "minitorch_cnn", "run", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, **options
    )


def test_a_program_in_a_process_of_its_own(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "helper.py").write_text("import torch\n")
    (tmp_path / "src" / "train.py").write_text(MAIN)
    done = minitorch(tmp_path, "src/train.py", "--lr", "-m", "7")
    assert done.stderr == (
        f"minitorch_cnn {mt.__version__} runs in the place of torch 2.13.0 and torchvision 0.28.0\n"
    )
    assert done.returncode == 7
    path = tmp_path / "src" / "train.py"
    expected = [
        f"['src/train.py', '--lr', '-m', '7'] True {path}",
        "fork ([0, 1, 2, 3], '2.13.0+minitorch')",
        "No module named 'torchaudio'",
        "spawn ([0, 1, 2, 3], '2.13.0+minitorch')",
        "True",
    ]
    assert sorted(done.stdout.splitlines()) == sorted(["No module named 'torchaudio'", *expected])


def test_a_module_and_its_traceback(tmp_path):
    """With -m; the traceback begins in the program, and what is missing is explained below it."""
    package = tmp_path / "project"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "layers.py").write_text(
        "import torch\ndef build():\n    return torch.sparse_csr_tensor\n"
    )
    (package / "__main__.py").write_text(
        "import sys\nfrom .layers import build\n"
        "print(__name__, __spec__.name, sys.argv[1:])\nbuild()\n"
    )
    done = minitorch(tmp_path, "-m", "project", "--epochs", "3")
    assert done.returncode == 1
    assert done.stdout == "__main__ project.__main__ ['--epochs', '3']\n"
    lines = done.stderr.splitlines()
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[2] == f'  File "{package / "__main__.py"}", line 4, in <module>'
    sentence = "torch.sparse_csr_tensor is refused: there are no sparse tensors"
    assert lines[-1] == f"{package / 'layers.py'}:3: {sentence}"


@pytest.fixture
def program(tmp_path):
    """Writes a program and runs it in this process."""

    def run(source, *arguments):
        path = tmp_path / "program.py"
        path.write_text(source)
        return run_program(path, *arguments)

    return run


def test_within_this_process(program):
    state = sys.argv, sys.path[0], sys.modules["__main__"], sys.modules.get("torch")
    result = program(
        "import sys, torch\nimport torch.nn as nn\nname, args = __name__, sys.argv[1:]\n"
        "y = nn.Linear(2, 3)(torch.ones(1, 2))",
        "--lr",
        "3",
    )
    assert result["name"] == "__main__" and result["args"] == ["--lr", "3"]
    assert isinstance(result["y"], mt.Tensor)
    with pytest.raises(SystemExit, match="5"):
        program("import sys\nsys.exit(5)")
    with pytest.raises(ZeroDivisionError):
        program("1 / 0")
    with pytest.raises(SyntaxError):
        program("1 +")
    assert state == (sys.argv, sys.path[0], sys.modules["__main__"], sys.modules.get("torch"))


@pytest.mark.parametrize(
    "source, sentence",
    [
        ("import torch\n\ntorch.zeros(2).to_sparse()", "3: Tensor.to_sparse is refused: there are"),
        ("import torch.sparse", "1: torch.sparse is refused: there are no sparse tensors"),
        ("from torch import bfloat17", "1: torch.bfloat17 is not here yet: "),
        ("import torch\ntorch.nn.NoLayer(3)", "2: torch.nn.NoLayer is not here yet: "),
        ("import torch\ntorch.load('x', mmap=True)", None),
        ("raise NotImplementedError('mine is not supported: yet')", None),
    ],
)
def test_what_is_missing_is_explained(program, tmp_path, source, sentence):
    with pytest.raises(Exception) as caught:
        program(source)
    said = explanation(caught.value)
    assert (
        (said or "").startswith(f"{tmp_path / 'program.py'}:{sentence}") if sentence else not said
    )


def test_the_functions_that_the_documentation_names(tmp_path):
    """The program in docs/torch-programs.md, up to `install`, which is for good."""
    text = (ROOT / "docs" / "torch-programs.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    code = code.replace('"train.py"', repr(str(tmp_path / "train.py")))
    before, after = code.split("install()  #")
    (tmp_path / "train.py").write_text("import sys, torch\nargs = sys.argv[1:]\n")
    names = {}
    exec(before, names)
    assert names["variables"]["args"] == ["--epochs", "3"] and names["places"] == []
    assert names["files"] == [str(tmp_path / "train.py")] and callable(names["install"])
    assert "refused" in after


def test_a_program_that_is_not_there(tmp_path):
    done = minitorch(tmp_path, "nothing.py")
    assert done.returncode == 1 and "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
