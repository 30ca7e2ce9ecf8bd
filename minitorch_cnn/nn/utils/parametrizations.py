"""torch's newer ways to keep a weight normal, which are not here, so that an error says it."""

from __future__ import annotations

from typing import Any


def orthogonal(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError. `nn.init.orthogonal_` gives initial values."""
    raise NotImplementedError(
        "nn.utils.parametrizations.orthogonal is not supported: there is nn.init.orthogonal_ for "
        "the initial values"
    )


def spectral_norm(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError. `nn.utils.spectral_norm` is."""
    raise NotImplementedError(
        "nn.utils.parametrizations.spectral_norm is not supported: use nn.utils.spectral_norm, "
        "which computes the same weights and keeps them under other names in the state dict"
    )


def weight_norm(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError. `nn.utils.weight_norm` is."""
    raise NotImplementedError(
        "nn.utils.parametrizations.weight_norm is not supported: use nn.utils.weight_norm, "
        "which computes the same weights and keeps them under other names in the state dict"
    )
