"""Writes names.json: the public names of torch's and torchvision's namespaces, for test_missing.py.

    python tests/reference/make_names.py torch
    python tests/reference/make_names.py torchvision

Each replaces the names of one library by those of the version that is installed; the two may be
installed in different environments. Left out are private names, and what a module has only
imported: modules of other packages and what is from typing, collections, ...
"""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

FILE = Path(__file__).with_name("names.json")
TORCH = """
    torch torch.Tensor torch.amp torch.autograd torch.backends torch.cuda
    torch.distributed torch.fft torch.linalg
    torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.optim torch.optim.lr_scheduler
    torch.special torch.utils torch.utils.data
"""
TORCHVISION = """
    torchvision.datasets torchvision.io torchvision.models torchvision.ops torchvision.transforms
    torchvision.transforms.functional torchvision.transforms.v2
    torchvision.transforms.v2.functional torchvision.utils
"""
NAMESPACES = {"torch": TORCH.split(), "torchvision": TORCHVISION.split()}


def is_public(owner, name):
    if name.startswith("_"):
        return False
    if name in getattr(owner, "__all__", ()):
        return True
    value = getattr(owner, name, None)
    if isinstance(value, ModuleType):
        return value.__name__.startswith(("torch.", "torchvision."))
    home = getattr(value, "__module__", None)
    return not isinstance(home, str) or home.partition(".")[0] in ("torch", "torchvision")


def find(path):
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        parent, _, name = path.rpartition(".")
        return getattr(importlib.import_module(parent), name)


def names_of(path):
    owner = find(path)
    return {name for name in dir(owner) if is_public(owner, name)}


def main(library):
    content = json.loads(FILE.read_text()) if FILE.exists() else {"versions": {}, "names": {}}
    version = importlib.import_module(library).__version__
    content["versions"][library] = version.partition("+")[0]
    for path in NAMESPACES[library]:
        content["names"][path] = " ".join(sorted(names_of(path)))
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
