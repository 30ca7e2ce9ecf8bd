"""NumPy or CuPy: the only folder that knows there are two array libraries.

An array says by its type where it lives, so a tensor needs no device field, and a kernel writes

    xp = array_module(x)

and then `xp.exp(x)` for either library. What differs between the two (copies between host and
GPU, scatter-add, how a missing GPU is reported) is here and nowhere else.
"""

from .arrays import (
    EXTRAS,
    Array,
    array_module,
    axes_as_in_memory,
    channels_first,
    channels_last,
    compute_type,
    concatenate,
    cupy_nccl,
    cupy_special,
    empty,
    image_blocks,
    import_cupy,
    inverse_order,
    is_array,
    is_cupy_available,
    is_cupy_installed,
    new_like,
)
from .devices import (
    CPU,
    check_old_device,
    constant,
    default_device,
    device,
    device_of,
    get_backend,
    get_tf32,
    gpu_number,
    module_of,
    recording,
    refuse_in_graph,
    set_backend,
    set_tf32,
    to_device,
    to_numpy,
)
from .scatter import (
    scatter_add,
    scatter_extreme,
    scatter_multiply,
)
from .transfer import (
    is_pinned,
    pin,
    upload,
)

__all__ = [
    "Array",
    "CPU",
    "EXTRAS",
    "array_module",
    "axes_as_in_memory",
    "channels_first",
    "channels_last",
    "check_old_device",
    "compute_type",
    "concatenate",
    "constant",
    "cupy_nccl",
    "cupy_special",
    "default_device",
    "device",
    "device_of",
    "empty",
    "get_backend",
    "get_tf32",
    "gpu_number",
    "image_blocks",
    "import_cupy",
    "inverse_order",
    "is_array",
    "is_cupy_available",
    "is_cupy_installed",
    "is_pinned",
    "module_of",
    "new_like",
    "pin",
    "recording",
    "refuse_in_graph",
    "scatter_add",
    "scatter_extreme",
    "scatter_multiply",
    "set_backend",
    "set_tf32",
    "to_device",
    "to_numpy",
    "upload",
]
