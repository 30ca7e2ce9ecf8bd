"""A module without the random numbers of its initial values."""

from __future__ import annotations

import inspect
from typing import Any

from ... import random
from ..modules.module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """``module_cls(*args, **kwargs)``, of which nobody may count on the initial values.

    Parameters have the layer's shapes, e.g. (out_features, in_features). The generator is left as
    it was, as if nothing had been drawn. Raises RuntimeError if module_cls is no class of modules
    or takes no device.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.skip_init(mt.nn.Linear, 3, 2).weight.shape
    minitorch_cnn.Size([2, 3])
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    before = random.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        random.set_rng_state(before)
