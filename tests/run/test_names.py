"""--list-missing: what a program needs that is not here, with the lines, without running it."""

import json
from pathlib import Path

import pytest

import minitorch_cnn as mt
from minitorch_cnn.run import missing_names
from minitorch_cnn.run.command import main
from minitorch_cnn.run.names import ATTRIBUTES, TENSOR_NAMES, look_up

STORED = json.loads((Path(__file__).parents[1] / "reference" / "names.json").read_text())["names"]
# Names that other objects have too: text does not tell whose they are.
COMMON = "H conj eig imag index indices is_distributed layout lu name real resize solve svd values"

PROGRAM = """
import torch
import torch.nn as nn, torch.nn.functional as F
from torch import optim as o, sparse
from torch.nn import NoLayer as Layer, ReLU
from torch.utils.data import DataLoader
import torchvision.transforms as T
from models.net import Net
import numpy as np

raise SystemExit("this is read, not run")

try:
    from torch.quantization import prepare
    import torch._dynamo
except ImportError:
    prepare = torch.no_such_function

conv = nn.NoConvolution
x = torch.zeros(2, 3).to_sparse(), np.random.no_such_thing
loader = DataLoader(range(3), batch_size=2, no_such_argument=True)


class Module(nn.Module):
    def forward(self, x):
        y = F.relu(F.no_such_relu(x)); return conv(y), torch.nn.functional.gelu(y), ReLU(y)


opt = o.NoOptimizer(lr=torch.models.resnet18)
T.Compose([T.NoTransform(), torch.nn.init.zeros_, T.InterpolationMode.NONE])
torch.Tensor.no_such_method, torch.__version__, torch.backends.cudnn.benchmark
"""


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / next(iter(files))


def test_names_and_lines(tmp_path):
    files = {
        "train.py": PROGRAM,
        "models/__init__.py": "",
        "models/net.py": "from . import blocks\nfrom torch import nn\nNet = nn.NoNet\n",
        "models/blocks.py": "import torch\nfrom .deep import x\n",
        "models/deep.py": "import torch\ntorch.no_such_depth\nimport train\n",
        "other.py": "import torch\ntorch.not_imported_by_anybody\n",
    }
    found, read = missing_names(write(tmp_path, files))
    named = [
        (Path(each.path).name, each.line, each.sentence.split(" ")[0], each.optional)
        for each in found
    ]
    assert named == [
        ("train.py", 4, "torch.sparse", False),
        ("train.py", 5, "torch.nn.NoLayer", False),
        ("train.py", 14, "torch.quantization", True),
        ("train.py", 15, "torch._dynamo", True),
        ("train.py", 17, "torch.no_such_function", False),
        ("train.py", 19, "torch.nn.NoConvolution", False),
        ("train.py", 20, "perhaps", False),
        ("train.py", 21, "torch.utils.data.DataLoader()", False),
        ("train.py", 26, "torch.nn.functional.no_such_relu", False),
        ("train.py", 29, "torch.optim.NoOptimizer", False),
        ("train.py", 29, "torch.models", False),
        ("train.py", 30, "torchvision.transforms.NoTransform", False),
        ("train.py", 30, "torchvision.transforms.InterpolationMode.NONE", False),
        ("net.py", 3, "torch.nn.NoNet", False),
        ("deep.py", 2, "torch.no_such_depth", False),
    ]
    names = [str(Path(path).relative_to(tmp_path)) for path in read]
    assert sorted(names) == [
        "models/__init__.py", "models/blocks.py", "models/deep.py", "models/net.py", "train.py",
    ]  # fmt: skip


def test_the_command(tmp_path, capsys, monkeypatch):
    path = write(tmp_path, {"a.py": "import torch\ntorch.sparse\n", "b.py": "import torch\n"})
    with pytest.raises(SystemExit, match="1"):
        main(["--list-missing", str(path), "--epochs", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{path}:2: torch.sparse is refused: there are no sparse tensors",
        "1 file read, 1 name missing",
    ]
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit, match="0"):
        main(["--list-missing", "-m", "b"])
    assert capsys.readouterr().out == "1 file read, no names missing\n"
    with pytest.raises(SystemExit, match=r"no\.py"):
        main(["--list-missing", str(tmp_path / "no.py")])
    write(tmp_path, {"c.py": "import (\nx"})
    with pytest.raises(SystemExit, match=r"c\.py:1: "):
        main(["--list-missing", str(tmp_path / "c.py")])


def test_every_method_of_a_tensor_is_known():
    names = STORED["torch.Tensor"].split()
    unknown = {n for n in names if not hasattr(mt.Tensor, n)} - TENSOR_NAMES - set(COMMON.split())
    assert not unknown
    assert not any(hasattr(kind, n) for kind in (str, list, dict, set, int) for n in TENSOR_NAMES)


def test_what_is_refused_when_called():
    refused = [name for name in ("SparseAdam",) if look_up(f"torch.optim.{name}")[1]]
    assert refused == ["SparseAdam"]
    assert look_up("torch.optim.SGD") == (mt.optim.SGD, None)
    assert look_up("torch.utils.data.DataLoader.no_such")[1] is None  # an instance may have it


def test_out_is_an_argument_where_it_works(tmp_path):
    text = "import torch\ny = torch.empty(2)\ntorch.rand(2, out=y)\ntorch.numel(y, out=y)\n"
    found, _ = missing_names(write(tmp_path, {"a.py": text}))
    assert [each.line for each in found] == [4]


def test_a_guess_is_made_where_a_name_is_called_or_is_read_in_torch_too(tmp_path):
    lacking = [name for name in sorted(TENSOR_NAMES) if not hasattr(mt.Tensor, name)]
    read = next(name for name in lacking if name in ATTRIBUTES)
    called = next(name for name in lacking if name not in ATTRIBUTES)
    program = f"""
print(args.{called}, args.{read})
args.{called}(args.xpu)
args.share_memory()
"""
    found, _ = missing_names(write(tmp_path, {"train.py": program}))
    assert [(each.line, each.sentence.split(" ")[1]) for each in found] == [
        (2, f"torch.Tensor.{read}"),
        (3, f"torch.Tensor.{called}"),
        (4, "torch.nn.Module.share_memory"),
    ]


def test_reasons_are_read_from_what_is_refused():
    assert look_up("torch.jit.load")[1] == (
        "torch.jit.load is refused: torch's compiled programs are not read."
    )
    assert str(look_up("torch.hub.load")[1]).startswith("torch.hub.load is refused: programs are")
