"""Evaluates the idioms of idioms.txt in torch and torchvision and stores what they give.

    python tests/reference/make_idioms.py            writes idioms.json (needs torchvision)
    python tests/reference/make_idioms.py --open     lists anew which of them do not agree here

idioms.json holds `results`, by expression, and as `open` those that do not agree yet, which
tests/test_idioms.py holds to be these and no others. The list may only shrink.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
FILE = HERE / "idioms.json"

# Modules that a program imports before it uses them.
SUBMODULES = """
    torch.utils.data torch.utils.data.distributed torch.utils.model_zoo torch.utils.tensorboard
    torch.utils.checkpoint torch.distributions torch.fft torch.special torch.linalg torch.fx
    torch.func torch.jit torch.profiler torch.overrides torch.multiprocessing torch.distributed
    torch.random torch.version torch.accelerator torch.autograd.functional torch.autograd.profiler
    torch.nn.utils.prune torch.nn.utils.rnn torch.nn.utils.parametrizations
    torch.nn.utils.stateless torch.nn.utils.parametrize torch.optim.lr_scheduler torch.serialization
    torchvision.transforms.v2 torchvision.transforms.functional torchvision.ops
    torchvision.ops.misc torchvision.io torchvision.datasets torchvision.datasets.folder
    torchvision.datasets.utils torchvision.models torchvision.models.segmentation
    torchvision.models.detection torchvision.models.feature_extraction torchvision.utils
    torch.backends.cudnn torch.cuda.amp
"""


def expressions() -> list[str]:
    """The idioms, one a line; a line that begins with # says what comes next."""
    lines = (HERE / "idioms.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def surroundings(torch: Any, torchvision: Any) -> dict[str, Any]:
    """What an idiom may use: x (2, 3, 8, 8), labels y (2,), a parameter w (4,), a picture PIL."""
    from PIL import Image

    values = np.round(np.sin(np.arange(384) * 0.7), 3).astype(np.float32).reshape(2, 3, 8, 8)
    pixels = (np.arange(32 * 32 * 3) * 7 % 256).astype(np.uint8).reshape(32, 32, 3)
    return dict(
        torch=torch,
        torchvision=torchvision,
        np=np,
        io=io,
        x=torch.tensor(values),
        y=torch.tensor([1, 2]),
        w=torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0])),
        PIL=Image.fromarray(pixels),
    )


def plain(value: Any) -> Any:
    """A result as JSON: tensors and arrays with their kind, shape and values as float64."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return repr(float(value)) if not np.isfinite(value) else float(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "requires_grad"):
        array = value.detach().numpy()
        kind = str(value.dtype).rpartition(".")[2]
        return {"tensor": [kind, list(array.shape), array.reshape(-1).astype(float).tolist()]}
    if isinstance(value, np.ndarray):
        return {"array": [str(value.dtype), list(value.shape), value.reshape(-1).tolist()]}
    return f"<{type(value).__name__}>"


def evaluate(expression: str, torch: Any, torchvision: Any) -> Any:
    """What the idiom gives; statements may come before the expression, with semicolons."""
    names = surroundings(torch, torchvision)
    *statements, last = expression.split("; ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec("; ".join(statements), names)
        return plain(eval(last, names))


def agree(a: Any, b: Any) -> bool:
    """True if two results of `plain` are the same but for rounding."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-6 + 1e-5 * abs(b)
    return type(a) is type(b) and a == b


def ours() -> tuple[Any, Any]:
    """This package in both places: as torch and as torchvision."""
    mt = importlib.import_module("minitorch_cnn")
    return mt, mt


def agrees(expression: str, stored: Any) -> bool:
    """Whether an idiom gives here what torch gave, or an exception of the same type."""
    try:
        result = evaluate(expression, *ours())
    except Exception as error:
        return isinstance(stored, dict) and stored.get("raises") == type(error).__name__
    return agree(result, stored)


def write(results: dict[str, Any]) -> None:
    """Stores the results, and which of them do not agree today."""
    still_open = [each for each in expressions() if not agrees(each, results[each])]
    stored = {"open": still_open, "results": results}
    FILE.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(len(still_open), "open of", len(results))


def main() -> None:
    if "--open" in sys.argv:
        write(json.loads(FILE.read_text("utf-8"))["results"])
        return
    for name in SUBMODULES.split():
        try:
            importlib.import_module(name)
        except ImportError as error:  # tensorboard is no part of torch
            print(error)
    torch, torchvision = map(importlib.import_module, ("torch", "torchvision"))
    results = {}
    for expression in expressions():
        try:
            results[expression] = evaluate(expression, torch, torchvision)
        except Exception as error:
            results[expression] = {"raises": type(error).__name__}
            print(expression, "->", repr(error)[:150])
    FILE.write_text(json.dumps({"open": [], "results": results}), "utf-8")
    print(len(results), "stored; now run it with --open where minitorch_cnn is installed")


if __name__ == "__main__":
    main()
