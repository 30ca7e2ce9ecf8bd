"""Our models, built of torch's layers: the same source files with the two names replaced.

`models/*.py` import nothing but `nn` and `Tensor`, and torch has both under the same names. So
the networks that we compare with are the very same programs, not a second version of them.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import minitorch_cnn.models

PACKAGE = "minitorch_cnn_models_in_torch"


def load(name: str) -> types.ModuleType:
    """The module minitorch_cnn.models.<name> as it reads with torch: "cifar", "lenet", "resnet"."""
    full_name = f"{PACKAGE}.{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    sys.modules.setdefault(PACKAGE, types.ModuleType(PACKAGE))
    file = Path(minitorch_cnn.models.__file__).parent / f"{name}.py"
    source = file.read_text().replace("from .. import nn", "from torch import nn")
    source = source.replace("from ..tensor import Tensor", "from torch import Tensor")
    for other in re.findall(r"^from \.(\w+) import", source, re.MULTILINE):
        load(other)
        source = source.replace(f"from .{other} import", f"from {PACKAGE}.{other} import")
    module = types.ModuleType(full_name)
    module.__file__ = str(file)
    sys.modules[full_name] = module
    exec(compile(source, f"<{full_name}>", "exec"), module.__dict__)
    return module


def copy_weights(ours, theirs) -> None:
    """Gives the torch model copies of the parameters and buffers of ours.

    Of a clone of ours: memory that an array of NumPy's shares is never left to kernels that run
    ahead, so a step would take longer afterwards.
    """
    import torch

    state = {name: torch.from_numpy(v.clone().numpy()) for name, v in ours.state_dict().items()}
    theirs.load_state_dict(state)
