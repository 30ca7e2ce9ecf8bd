"""torchvision.transforms.v2, which is not here: asking it for a name says so.

Transforms of boxes and masks beside the image are what is missing; those of images alone have the
same names in `minitorch_cnn.transforms`.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if not (name[0].isupper() or name == "functional"):  # what Python and its tools ask for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .. import transforms

    advice = "minitorch_cnn.transforms has what there is, for images alone"
    if name in transforms.__all__:
        advice = f"use minitorch_cnn.transforms.{name}"
    raise NotImplementedError(f"transforms.v2.{name} is not supported: {advice}")
