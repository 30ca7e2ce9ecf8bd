"""What there is to know about a network besides its arithmetic, inside of its ONNX file.

ONNX has room for texts of one's own ("metadata_props"); ours is one JSON object. Other programs
ignore it.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ..serialization.files import write
from .writer import import_onnx

KEY = "minitorch_cnn"


def write_facts(path: str | os.PathLike, facts: dict[str, Any]) -> None:
    """Puts plain data into an ONNX file that is there: the classes, how images are prepared."""
    onnx = import_onnx()
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {KEY: json.dumps(facts)})
    content = proto.SerializeToString()
    write(path, lambda file: file.write(content))


def read_facts(path: str | os.PathLike) -> dict[str, Any]:
    """What `write_facts` wrote. Raises ValueError for a file without it."""
    for entry in import_onnx().load(path, load_external_data=False).metadata_props:
        if entry.key == KEY:
            return dict(json.loads(entry.value))
    raise ValueError(
        f"{os.fspath(path)} does not say which classes it knows and how images are prepared: "
        "only files that `python -m minitorch_cnn export` wrote do"
    )
