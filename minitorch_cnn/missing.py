"""Names of torch that are not here: what an error says about them, in one place.

A module asks `missing` in its `__getattr__`. The error is a NotImplementedError, which says that
something is not supported, and an AttributeError, so that hasattr and getattr with a default work
as everywhere. Python makes a plain ImportError of it in ``from minitorch_cnn.nn import X``; there
and in ``import minitorch_cnn.jit`` it looks for a module of that name as well, and
`MissingModules` answers with the same sentence.
"""

from __future__ import annotations

import difflib
import functools
import sys
from importlib.abc import MetaPathFinder
from typing import Any

from .elsewhere import module_elsewhere

PACKAGE = __name__.partition(".")[0]


class MissingName(NotImplementedError, AttributeError):
    """A name that is not here, with what to use instead."""

    names_of: Any = None  # where to look for what may have been meant

    def __str__(self) -> str:
        names = tuple(dir(self.names_of)) if self.names_of else ()
        meant = close_name(self.name or "", names)
        return super().__str__() + (f" (did you mean {meant}?)" if meant else "")


@functools.lru_cache(256)  # programs ask again and again whether a name is there
def close_name(name: str, names: tuple[str, ...]) -> str | None:
    """The one of several names that was perhaps meant: the same letters, or nearly.

    >>> close_name("Conv2D", ("Conv1d", "Conv2d")), close_name("hfft", ("fft",))
    ('Conv2d', None)
    """
    letters = {each.lower(): each for each in names if each[0] != "_"}
    for found in difflib.get_close_matches(name.lower(), letters, 3, 0.85):
        if found[0] == name[0].lower():
            return letters[found]
    return None


class MissingModule(NotImplementedError, ModuleNotFoundError):
    """The same of a name that is imported."""


# What is missing as a whole, and why or what to use instead; by the name's beginning.
REASONS = {
    "complex": "mt.complex(real, imag) makes complex numbers, in single or double precision",
    "chalf": "mt.complex(real, imag) makes complex numbers, in single or double precision",
    "bfloat16": "use float16 (mt.half)",
    "quant": "there are no quantized tensors",
    "q_": "there are no quantized tensors",
    "sparse": "there are no sparse tensors",
    "to_sparse": "there are no sparse tensors",
    "eig": "complex numbers come out; linalg.eigh takes symmetric matrices",
    "export": "mt.onnx.export writes a network to a file",
    "fx": "mt.models.feature_extraction takes networks apart",
    "launch": "use minitorch_cnn.distributed.run, or mpiexec itself",
    "rendezvous": "mpiexec connects the processes",
    "register_rendezvous": "mpiexec connects the processes",
    **dict.fromkeys(
        ("Store", "TCPStore", "FileStore", "HashStore", "PrefixStore"),
        "mpiexec connects the processes; all_gather_object exchanges plain data",
    ),
    **dict.fromkeys(
        ("fsdp", "FullySharded", "fully_shard", "ZeroRedundancy"),
        "each process keeps all weights and the optimizer's whole state; "
        "nn.parallel.DistributedDataParallel averages the gradients",
    ),
    **dict.fromkeys(
        ("device_mesh", "DeviceMesh", "init_device_mesh"),
        "distributed.new_group makes groups of processes",
    ),
    "rpc": "processes call collectives, send and recv",
    "elastic": "a stopped job resumes from its last checkpoint by the same command",
    "Script": "programs run as they are; mt.onnx.export writes a network to a file",
    "functionalize": "nothing here is compiled",
    "SummaryWriter": "it needs the package tensorboard, pip install 'minitorch-cnn[tensorboard]'",
    "cpp_extension": "an operation is written in Python, see CONTRIBUTING.md",
    "set_return_type": "operations give plain tensors; tv_tensors.wrap(y, like=x) makes x's kind",
    "register_kernel": "a v2.Transform of your own gets each value in `transform`",
    "create_selective_checkpoint": "a checkpoint keeps its arguments and nothing else",
    "set_multithreading": "backward runs in the thread that calls it",
    "detection": "there are networks that classify images or their pixels",
    "maxvit": "use convnext_tiny or efficientnet_v2_s",
    "video": "there are only networks that classify images",
}

AREAS = {
    "minitorch_cnn.nn": "minitorch_cnn.nn has the layers of convolutional networks",
    "minitorch_cnn.nn.functional": "nn.functional has the functions behind the layers",
    "minitorch_cnn.nn.init": "fill the tensor under mt.no_grad()",
    "minitorch_cnn.nn.utils": "dir(minitorch_cnn.nn.utils) names what is there",
    "minitorch_cnn.nn.parallel": "DistributedDataParallel trains with a process for each device",
    "minitorch_cnn.distributed.optim": "each process keeps the whole state; use mt.optim",
    "minitorch_cnn.optim": "use SGD with momentum, Adam or AdamW",
    "minitorch_cnn.optim.lr_scheduler": "LambdaLR takes any function of the epoch",
    "minitorch_cnn.utils": "dir(minitorch_cnn.utils) names what is there",
    "minitorch_cnn.utils.data": "use Dataset, IterableDataset and DataLoader",
    "minitorch_cnn.utils.tensorboard": "SummaryWriter is there, the rest is not",
    "minitorch_cnn.utils.tensorboard.SummaryWriter": "numbers, histograms, pictures, texts, graphs "
    "and settings can be written",
    "minitorch_cnn.serialization": "files are read whole and as plain data",
    "minitorch_cnn.special": "scipy.special has it, for NumPy's arrays and without gradients",
    "minitorch_cnn.distributions": "dir(minitorch_cnn.distributions) names what is there",
    "minitorch_cnn.hub": "nothing is fetched from repositories; models has networks",
    "minitorch_cnn.fx": REASONS["fx"],
    "minitorch_cnn.fft": "dir(minitorch_cnn.fft) names what is there",
    "minitorch_cnn.overrides": "a class's __torch_function__ is not asked",
    "minitorch_cnn.jit": "programs run as they are; mt.onnx.export writes a network to a file",
    "minitorch_cnn.profiler": "dir(minitorch_cnn.profiler) names what is there",
    "minitorch_cnn.linalg": "use NumPy's linalg on x.numpy(), without gradients",
    "minitorch_cnn.distributed": "dir(minitorch_cnn.distributed) names the collectives and groups "
    "that are there; mpiexec starts the processes",
    "minitorch_cnn.autograd": "use backward, grad and Function",
    "minitorch_cnn.func": "use grad, vjp, jvp, jacrev, hessian and functional_call",
    "minitorch_cnn.amp": "use mt.autocast and mt.amp.GradScaler",
    "minitorch_cnn.cuda": "dir(minitorch_cnn.cuda) names what is there; more is in cupy.cuda",
    "minitorch_cnn.backends": "there are backends.cuda, backends.cudnn and backends.mps",
    "minitorch_cnn.datasets": "use ImageFolder, or a Dataset of your own",
    "minitorch_cnn.models": "list_models() names those that are there",
    "minitorch_cnn.ops": "there are no position-sensitive regions",
    "minitorch_cnn.vision_ops": "roi_align is the nearest to what is missing",
    "minitorch_cnn.io": "use read_image and write_png, or Pillow",
    "minitorch_cnn.transforms": "use Lambda with a function of your own",
    "minitorch_cnn.transforms.functional": "use NumPy on x.numpy(), or Pillow on the picture",
    "minitorch_cnn.transforms.v2": "v2.Lambda takes a function of your own",
    "minitorch_cnn.transforms.v2.functional": "call the function itself: it finds the kind",
    "minitorch_cnn.tv_tensors": "there are Image, Video, Mask and BoundingBoxes",
    "Tensor": "dir(x) names the methods that are there",
    "minitorch_cnn": "dir(minitorch_cnn) names what is there",
}


def _reason(owner: str, name: str) -> str:
    for start, text in REASONS.items():
        if name.startswith(start):
            return text
    parent = owner.rpartition(".")[0]
    if name in getattr(sys.modules.get(parent), "__dict__", ()):  # one floor too deep
        return f"use {parent}.{name}"
    while owner not in AREAS:
        owner = owner.rpartition(".")[0]
    return AREAS[owner]


def missing(owner: str, name: str) -> AttributeError:
    """The error to raise for a name that `owner`, a module or "Tensor", does not have.

    >>> print(missing("minitorch_cnn.linalg", "schur"))
    minitorch_cnn.linalg.schur is not supported: use NumPy's linalg on x.numpy(), without gradients
    """
    if name.startswith("_"):  # what Python and its tools ask for
        return AttributeError(f"{owner!r} has no attribute {name!r}")
    reason = _reason(owner, name)
    error = MissingName(f"{owner}.{name} is not supported: {reason}")
    error.name = name
    if reason in AREAS.values():
        is_tensor = owner == "Tensor"
        module = sys.modules.get(f"{PACKAGE}.tensor" if is_tensor else owner)
        error.names_of = getattr(module, "Tensor", None) if is_tensor else module
    return error


def refuse_missing(namespace: dict[str, Any]) -> None:
    """Gives a module a `__getattr__` that raises `missing`; namespace: its globals().

    (Not written in the module itself: a type checker would believe that every name is there.)
    """
    module = namespace["__name__"]

    def __getattr__(name: str) -> Any:
        found = module_elsewhere(f"{module}.{name}")
        if found is None:
            raise missing(module, name)
        return found

    namespace["__getattr__"] = __getattr__
    namespace.setdefault("__path__", [])  # only then is `from module import X` a look for a module


class MissingModules(MetaPathFinder):
    """Asked last, for a module of this package that nobody found."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        """Raises MissingModule for a public name of this package, with the reason."""
        owner, _, name = fullname.rpartition(".")
        # An import passes the package's own path; pytest asks all finders about files elsewhere.
        asked = path is getattr(sys.modules.get(owner), "__path__", None)
        if asked and fullname.startswith(f"{PACKAGE}.") and not name.startswith("_"):
            raise MissingModule(str(missing(owner, name)))
