"""Which names a torch program needs that are not here: read from its text, without running it.

What is found: chains of names that begin with an import of torch or torchvision, under any alias
(`import torch.nn.functional as F`, `from torch import nn as layers`, `conv = nn.Conv2d`), and
arguments that a function or class of that name does not take. What cannot be found: names made at
run time (`getattr(torch, name)`), and what is called on values. Text does not say which values are
tensors, so that `x.storage()` is listed as a guess, and only where no other common type has such a
method.
"""

from __future__ import annotations

import ast
import enum
import functools
import importlib
import importlib.util
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import minitorch_cnn

from ..missing import missing
from .program import verdict
from .standin import BACKENDS, PACKAGE, real_name

# Tensor's methods and attributes in torch that may be missing here, and that no list, dict, array
# or module has. Those that have come to be here are left out when they are looked up.
_TENSOR = """
    adjoint angle apply_ as_strided_scatter as_subclass bfloat16 ccol_indices cdouble cfloat
    chalf cholesky_inverse cholesky_solve coalesce col_indices conj_physical conj_physical_
    const_data_ptr crow_indices dense_dim dequantize digamma digamma_ dim_order fill_diagonal_
    frexp geqrf grad_dtype hardshrink hash_tensor histogram i0 i0_ igamma igamma_ igammac
    igammac_ int_repr ipu is_coalesced is_conj is_cpu is_ipu is_maia is_meta is_mkldnn is_mps
    is_mtia is_neg is_nested is_quantized is_set_to is_shared is_signed is_sparse is_sparse_csr
    is_vulkan is_xla is_xpu istft lgamma lgamma_ lstsq lu_solve mH map2_ map_ matrix_exp
    module_load mtia mvlgamma mvlgamma_ narrow_copy new new_empty_strided nonzero_static orgqr
    ormqr polygamma polygamma_ q_per_channel_axis q_per_channel_scales q_per_channel_zero_points
    q_scale q_zero_point qscheme record_stream reinforce resize_as resize_as_sparse_
    resolve_conj resolve_neg row_indices share_memory_ slice_inverse smm sparse_dim sparse_mask
    sparse_resize_ sparse_resize_and_clear_ sspaddmm stft storage storage_offset storage_type
    symeig to_dense to_mkldnn to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr
    to_sparse_coo to_sparse_csc to_sparse_csr triangular_solve unsafe_chunk unsafe_split
    unsafe_split_with_sizes untyped_storage volatile xpu
"""
TENSOR_NAMES = frozenset(_TENSOR.split())

# Those of them that are read and not called.
_READ = """
    grad_dtype is_cpu is_ipu is_maia is_meta is_mkldnn is_mps is_mtia is_nested is_quantized
    is_sparse is_sparse_csr is_vulkan is_xla is_xpu mH volatile
"""
ATTRIBUTES = frozenset(_READ.split())


class Missing(NamedTuple):
    """One place in a program that asks for what is not here.

    optional: it stands in a `try` that goes on without it.

    >>> print(Missing("train.py", 3, "torch.fx is refused: ...", optional=False))
    train.py:3: torch.fx is refused: ...
    """

    path: str
    line: int
    sentence: str
    optional: bool

    def __str__(self) -> str:
        note = " (the program goes on without)" if self.optional else ""
        return f"{self.path}:{self.line}: {self.sentence}{note}"


def missing_names(
    program: str | os.PathLike[str], *, named: bool = False
) -> tuple[list[Missing], list[str]]:
    """The places where a program asks torch or torchvision for what is not here.

    program: a Python file, or with `named` the name of a module, as after `python -m`. It and the
    files in its folder that it imports are read, and not run. Returns the places, in order, and
    the files that were read.

    Raises OSError if the program cannot be read, ValueError if it is no Python, and ImportError if
    there is no module of that name.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "train.py")
    ...     with open(path, "w") as file:
    ...         _ = file.write("from torch import nn\\nnet = nn.Linear(2, 3, biases=False)")
    ...     (found,), _ = missing_names(path)
    >>> found.line, found.sentence
    (2, 'torch.nn.Linear() takes no argument biases')
    """
    if named:
        spec = importlib.util.find_spec(program)  # type: ignore[arg-type]
        if spec and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{program}.__main__")
        if spec is None or spec.origin is None:
            raise ImportError(f"No module named {program}")
        first, root = Path(spec.origin), Path.cwd()
    else:
        first = Path(program)
        root = first.parent
    found: list[Missing] = []
    waiting, seen = [first], {first.resolve()}
    files = []
    while waiting:
        path = waiting.pop(0)
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except SyntaxError as error:
            raise ValueError(f"{path}:{error.lineno}: {error.msg}") from error
        files.append(str(path))
        found += _Reader(str(path), tree).found
        for other in _imported_files(tree, path, root):
            if other.resolve() not in seen:
                seen.add(other.resolve())
                waiting.append(other)
    return found, files


def _imported_files(tree: ast.AST, path: Path, root: Path) -> Iterator[Path]:
    """The files beside the program that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names, base, relative = [alias.name for alias in node.names], root, False
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)]
            relative = node.level > 0
            base = path.parents[node.level - 1] if relative else root
        else:
            continue
        for name in names:
            parts = name.split(".") if name else []
            for end in range(len(parts) + 1):
                place = base.joinpath(*parts[:end])
                for file in (place / "__init__.py", place.with_suffix(".py") if end else place):
                    if file.is_file() and (end or relative):
                        yield file


@functools.cache
def look_up(name: str) -> tuple[Any, str | None]:
    """What stands here for a name of torch's, and a sentence if it is missing.

    >>> look_up("torch.nn.ReLU")
    (<class 'minitorch_cnn.nn.modules.activation.ReLU'>, None)
    >>> look_up("torch.models.vgg11")[1]
    'torch.models is no name of torch'
    """
    parts = name.split(".")
    value: Any = minitorch_cnn
    for end in range(2, len(parts) + 1):
        part, so_far = parts[end - 1], ".".join(parts[:end])
        real = real_name(so_far)
        if not isinstance(value, ModuleType):
            # Of classes only the members of an enumeration are known; instances have more.
            if isinstance(value, enum.EnumMeta) and not hasattr(value, part):
                return None, f"{so_far} is not here yet"
            return None, None
        if part.startswith("__"):  # torch.__version__
            return None, None
        if real is None:
            return None, f"{so_far} is no name of {parts[0]}"
        if so_far.startswith("torchvision.") and part in BACKENDS:
            return BACKENDS[part], None
        if hasattr(value, real.rpartition(".")[2]):
            value = getattr(value, real.rpartition(".")[2])
        else:
            try:
                value = importlib.import_module(real)
            except ImportError:
                sentence = str(missing(*real.rsplit(".", 1)))
                if part.startswith("_"):
                    return None, f"{so_far} is not here: a private name"
                return None, verdict(*sentence.split(" is not supported: ", 1))
    text = inspect.getdoc(value) if callable(value) else None
    if text and text.startswith("Not supported"):
        reason = text.partition("\n\n")[0].partition("NotImplementedError")[2].lstrip(":. ")
        return None, f"{name} is refused: {reason or text.removeprefix('Not supported: ')}"
    return value, None


def _chain(node: ast.AST) -> list[str]:
    """["torch", "nn", "ReLU"] of torch.nn.ReLU; [] of anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (start := _chain(node.value)):
        return [*start, node.attr]
    return []


CAUGHT = {"ImportError", "ModuleNotFoundError", "AttributeError", "NotImplementedError"}
CAUGHT |= {"Exception", "BaseException"}


def _goes_on(node: ast.Try) -> bool:
    """Whether a `try` catches what a missing name raises."""
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or (_chain(kind) or [""])[-1] in CAUGHT for kind in kinds):
            return True
    return False


class _Reader(ast.NodeVisitor):
    """One file: its aliases first, wherever they stand, and then every use of them."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path, self.optional = path, False
        self.found: list[Missing] = []
        self.aliases: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._call(alias.asname or name, name)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    self._call(alias.asname or alias.name, f"{node.module}.{alias.name}")
        for node in tree.body:  # conv = nn.Conv2d
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = self._name(node.value)
                if value is not None:
                    self.aliases.setdefault(node.targets[0].id, value)
        self.visit(tree)

    def _call(self, alias: str, name: str) -> None:
        if name.partition(".")[0] in ("torch", "torchvision") and not name.endswith("*"):
            self.aliases[alias] = name

    def _name(self, node: ast.AST) -> str | None:
        """torch's name of a chain: "torch.nn.ReLU" of layers.ReLU."""
        start, *rest = _chain(node) or [""]
        return ".".join([self.aliases[start], *rest]) if start in self.aliases else None

    def _report(self, node: ast.AST, sentence: str | None) -> None:
        if sentence is not None:
            line = getattr(node, "lineno", 0)
            place = Missing(self.path, line, sentence, self.optional)
            if place not in self.found:
                self.found.append(place)

    def visit_Try(self, node: ast.Try) -> None:
        before = self.optional
        self.optional = before or _goes_on(node)
        for child in node.body:
            self.visit(child)
        self.optional = before
        rest: list[ast.AST] = [*node.handlers, *node.orelse, *node.finalbody]
        for other in rest:
            self.visit(other)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.partition(".")[0] in ("torch", "torchvision"):
                self._report(node, look_up(alias.name)[1])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level or module.partition(".")[0] not in ("torch", "torchvision"):
            return
        for alias in node.names:
            name = module if alias.name == "*" else f"{module}.{alias.name}"
            self._report(node, look_up(name)[1])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if (name := self._name(node)) is not None:
            self._report(node, look_up(name)[1])
            return
        if node.attr in ATTRIBUTES:
            self._guess(node)
        self.generic_visit(node)

    def _guess(self, node: ast.Attribute) -> None:
        """Reports an attribute of some value that is missing if the value is a tensor."""
        if node.attr in TENSOR_NAMES and not hasattr(minitorch_cnn.Tensor, node.attr):
            reason = str(missing("Tensor", node.attr)).partition(" is not supported: ")[2]
            sentence = verdict(f"{PACKAGE}.Tensor.{node.attr}", reason)
            self._report(node, f"perhaps {sentence}")
        elif node.attr == "share_memory":
            reason = "processes get copies; send state_dict() back"
            self._report(node, f"perhaps torch.nn.Module.share_memory is refused: {reason}")

    def visit_Call(self, node: ast.Call) -> None:
        name = self._name(node.func)
        if name is None and isinstance(node.func, ast.Attribute):
            self._guess(node.func)
        value = look_up(name)[0] if name else None
        if name and callable(value):
            parameters = inspect.signature(value).parameters.values()
            known = {each.name for each in parameters}
            known |= set(getattr(value, "__kwdefaults__", None) or ())  # `out`, put around it
            if not any(each.kind == each.VAR_KEYWORD for each in parameters):
                for keyword in node.keywords:
                    if keyword.arg is not None and keyword.arg not in known:
                        sentence = f"{name}() takes no argument {keyword.arg}"
                        self._report(keyword.value, sentence)
        self.generic_visit(node)
