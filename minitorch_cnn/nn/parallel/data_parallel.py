"""torch.nn.parallel for one device: programs that wrap their network run as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..modules.module import Module


class DataParallel(Module):
    """Calls the network that it wraps, which is `module`, on its one device.

    The names in its state dict begin with "module.", as in torch. Raises NotImplementedError for
    more than one device.

    >>> import minitorch_cnn as mt
    >>> list(mt.nn.DataParallel(mt.nn.Linear(2, 1, bias=False)).state_dict())
    ['module.weight']
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise NotImplementedError(
                f"DataParallel over device_ids={list(device_ids)} is not supported: there is no "
                "training on several devices in one process; give one or none, or use "
                "DistributedDataParallel, with a process for each"
            )
        self.module = module
        self.device_ids = list(device_ids or [])
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
