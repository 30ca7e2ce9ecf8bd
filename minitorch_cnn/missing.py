"""Names of torch that are not here: what an error says about them, in one place.

A module asks `missing` in its `__getattr__`. The error is a NotImplementedError, which says that
something is not supported, and an AttributeError, so that hasattr and getattr with a default work
as everywhere; ``from minitorch_cnn.nn import X`` becomes Python's ImportError.
"""

from __future__ import annotations

from typing import Any


class MissingName(NotImplementedError, AttributeError):
    """A name that is not here, with what to use instead."""


# What is missing as a whole, and why or what to use instead; by the name's beginning.
REASONS = {
    "complex": "there are no complex numbers",
    "cfloat": "there are no complex numbers",
    "cdouble": "there are no complex numbers",
    "bfloat16": "use float16 (mt.half)",
    "quant": "there are no quantized tensors",
    "q_": "there are no quantized tensors",
    "sparse": "there are no sparse tensors",
    "to_sparse": "there are no sparse tensors",
    "jit": "programs run as they are; mt.onnx.export writes a network to a file",
    "fx": "mt.models.feature_extraction takes networks apart",
    "distributed": "one process trains; nn.DataParallel takes several devices",
    "Script": "programs run as they are; mt.onnx.export writes a network to a file",
    "fft": "use NumPy's fft on x.numpy()",
    "special": "the common functions stand at the top: mt.erf, mt.expm1, ...",
    "distributions": "use mt.normal, mt.bernoulli, mt.multinomial",
    "profiler": "use Python's cProfile or benchmarks/",
    "func": "use mt.autograd.grad",
}

AREAS = {
    "minitorch_cnn.nn": "minitorch_cnn.nn has the layers of convolutional networks",
    "minitorch_cnn.nn.functional": "nn.functional has the functions behind the layers",
    "minitorch_cnn.optim": "use SGD with momentum, Adam or AdamW",
    "minitorch_cnn.optim.lr_scheduler": "LambdaLR takes any function of the epoch",
    "minitorch_cnn.utils.data": "use Dataset, IterableDataset and DataLoader",
    "minitorch_cnn.linalg": "use NumPy's linalg on x.numpy(), without gradients",
    "minitorch_cnn.autograd": "use backward, grad and Function",
    "minitorch_cnn.datasets": "use ImageFolder, or a Dataset of your own",
    "minitorch_cnn.models": "list_models() names those that are there",
    "minitorch_cnn.transforms": "use Lambda with a function of your own",
    "minitorch_cnn.transforms.functional": "use NumPy on x.numpy(), or Pillow on the picture",
    "minitorch_cnn.io": "use read_image and decode_image, which know Pillow's formats",
    "Tensor": "dir(x) names the methods that are there",
    "minitorch_cnn": "dir(minitorch_cnn) names what is there",
}


def missing(owner: str, name: str) -> AttributeError:
    """The error to raise for a name that `owner`, a module or "Tensor", does not have.

    >>> print(missing("minitorch_cnn.linalg", "lu"))
    minitorch_cnn.linalg.lu is not supported: use NumPy's linalg on x.numpy(), without gradients
    """
    if name.startswith("_"):  # what Python and its tools ask for
        return AttributeError(f"{owner!r} has no attribute {name!r}")
    reason = next((text for start, text in REASONS.items() if name.startswith(start)), AREAS[owner])
    error = MissingName(f"{owner}.{name} is not supported: {reason}")
    error.name = name
    return error


def refuse_missing(namespace: dict[str, Any]) -> None:
    """Gives a module a `__getattr__` that raises `missing`; namespace: its globals().

    (Not written in the module itself: a type checker would believe that every name is there.)
    """
    module = namespace["__name__"]

    def __getattr__(name: str) -> Any:
        raise missing(module, name)

    namespace["__getattr__"] = __getattr__
