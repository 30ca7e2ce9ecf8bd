"""torch's own operator samples, and the same arguments for both libraries.

torch keeps a list of all its operators with sample arguments, `op_db`; its own test suite runs on
it. An entry has a name ("nn.functional.conv2d"), a function, and generators of good samples and of
samples that must be refused.
"""

import sys
import types
import unittest

import minitorch_cnn as mt

try:
    import expecttest  # noqa: F401
except ModuleNotFoundError:  # torch's helpers derive a class from it that we never use
    sys.modules["expecttest"] = types.ModuleType("expecttest")
    sys.modules["expecttest"].TestCase = unittest.TestCase

import torch
from torch.testing._internal.common_methods_invocations import op_db

OPERATIONS = {
    each.name + (f" ({each.variant_test_name})" if each.variant_test_name else ""): each
    for each in op_db
}
DTYPES = ("float64", "float32")
MEMORY_FORMATS = ("contiguous_format", "channels_last", "preserve_format")


class OutOfScope(Exception):
    """An argument that no tensor of ours can be made of: complex, bfloat16, sparse, ..."""


def dtypes_of(operation):
    """The dtypes to test: floating ones; those operations that have none get integers."""
    floating = [d for d in DTYPES if operation.supports_dtype(getattr(torch, d), "cpu")]
    if floating:
        return floating
    return [d for d in ("int64", "bool") if operation.supports_dtype(getattr(torch, d), "cpu")]


def good_samples(operation, dtype):
    """torch's samples, which require gradients where the operation has them."""
    kind = getattr(torch, dtype)
    differentiable = operation.supports_autograd and kind in operation.supported_backward_dtypes(
        "cpu"
    )
    return operation.sample_inputs("cpu", kind, requires_grad=differentiable)


def bad_samples(operation):
    """Samples that torch refuses."""
    if operation.error_inputs_func is None:
        return []
    return [each.sample_input for each in operation.error_inputs("cpu")]


def arguments(sample):
    return [sample.input, *sample.args], dict(sample.kwargs)


def copied(value):
    """The same arguments with leaves of their own, so that a call may change them in place."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return _nested(value, copied)


def ours(value):
    """The same arguments for minitorch_cnn. Raises OutOfScope."""
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.is_quantized:
            raise OutOfScope(f"a tensor of layout {value.layout}")
        if value.is_meta:
            raise OutOfScope('the device "meta"')
        ours(value.dtype)  # raises for types that we do not have
        if value.ndim > 64:
            raise OutOfScope(f"a tensor of {value.ndim} dimensions (NumPy has 64 at most)")
        tensor = mt.from_numpy(value.detach().clone().numpy())
        return tensor.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        if not isinstance(getattr(mt, name, None), mt.dtype):
            raise OutOfScope(name)
        return getattr(mt, name)
    if isinstance(value, complex):
        raise OutOfScope("a complex number")
    if isinstance(value, torch.memory_format):
        name = str(value).removeprefix("torch.")
        if name not in MEMORY_FORMATS:
            raise OutOfScope(name)
        return getattr(mt, name)
    if isinstance(value, torch.nn.Module) and not list(value.parameters()):
        return getattr(mt.nn, type(value).__name__)()
    if isinstance(value, torch.device):
        return mt.device(str(value))
    return _nested(value, ours)


def _nested(value, convert):
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, list | tuple):
        parts = [convert(each) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: convert(each) for key, each in value.items()}
    if isinstance(value, slice):
        return slice(convert(value.start), convert(value.stop), convert(value.step))
    return value


def tensors_in(value, library):
    """All tensors among nested arguments or results, in order."""
    if isinstance(value, library.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [found for each in value for found in tensors_in(each, library)]
    if isinstance(value, dict):
        return tensors_in(list(value.values()), library)
    return []


def describe(value):
    """Arguments as a reader wants to see them: tensors by dtype and shape."""
    if isinstance(value, torch.Tensor | mt.Tensor):
        kind = str(value.dtype).split(".")[-1]
        shape = "x".join(str(n) for n in value.shape) or "0-d"
        return f"{kind}[{shape}]" + ("" if value.is_contiguous() else " strided")
    if isinstance(value, list | tuple):
        return f"({', '.join(describe(each) for each in value)})"
    if isinstance(value, dict):
        return ", ".join(f"{key}={describe(each)}" for key, each in value.items())
    return f"{value!r:.60}"
