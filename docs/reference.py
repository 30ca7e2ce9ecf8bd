"""The reference on the site: every public name of the package, on one of these pages.

A page takes names by the file that they are from, so that a new layer or operation comes to its
kind by itself. What the source defines is written by mkdocstrings; what is made while the package
is loaded, as functions in place are, by `by_hand`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
from types import ModuleType
from typing import Any, NamedTuple

PACKAGE = "minitorch_cnn"


class Part(NamedTuple):
    """A page of the reference: names of some namespaces, from some of their files.

    spaces: namespaces, as "nn nn.init". files: patterns of the files that the names are from,
    within the package; what no page of a namespace asks for by name comes on its page with "".
    """

    page: str
    title: str
    spaces: str
    files: str = ""


REFERENCE = [
    Part("tensor", "Tensor", "", r"tensor$"),
    Part(
        "creation", "New tensors", "", r"ops\.(creation|breadth\.(legacy|windows|other_matrices))"
    ),
    Part("random", "Random numbers", "", r"random$|mersenne|ops\.breadth\.random"),
    Part("arithmetic", "Arithmetic", "", r"ops\.(arithmetic|division)|ops\.breadth\.pointwise_b"),
    Part(
        "functions",
        "Functions of each element",
        "",
        r"ops\.(elementwise|activation|exponentials)|ops\.breadth\.(pointwise_u|special|complex)",
    ),
    Part("comparing", "Comparing and sorting", "", r"ops\.(compare|breadth\.comparison)"),
    Part(
        "reducing", "Sums and other reductions", "", r"ops\.reduce|ops\.breadth\.(reduc|other_st)"
    ),
    Part(
        "shapes",
        "Shapes, indexing, joining",
        "",
        r"ops\.(shape|indexing|positions|join|copy|inplace)"
        r"|ops\.breadth\.(indexing|other_(re|cumul)|shape|tensor_)",
    ),
    Part(
        "products",
        "Products of matrices",
        "",
        r"ops\.(products|breadth\.(blas|linalg|other_[env]))",
    ),
    Part("settings", "Settings, dtypes, devices", ""),
    Part("linalg", "linalg", "linalg"),
    Part("fft-special", "fft and special", "fft special"),
    Part("autograd", "autograd and func", "autograd autograd.functional autograd.graph func"),
    Part(
        "nn-module", "Module, containers, parameters", "nn", r"nn\.(modules\.(module|cont)|param)"
    ),
    Part(
        "nn-convolution",
        "Convolution, linear and shape layers",
        "nn",
        r"nn\.modules\.(conv|linear|fold|upsampling|padding|flatten|sparse|lazy)",
    ),
    Part("nn-pooling", "Pooling layers", "nn", r"nn\.modules\.pooling"),
    Part("nn-normalization", "Normalisation and dropout", "nn", r"nn\.modules\.(.*norm|dropout)"),
    Part("nn-activation", "Activations", "nn", r"nn\.modules\.(activation|softmax)"),
    Part("nn-loss", "Losses and distances", "nn", r"nn\.modules\.(loss|distance)"),
    Part("nn-sequences", "Recurrent layers and attention", "nn", ""),
    Part(
        "functional-layers",
        "nn.functional: layers",
        "nn.functional",
        r"ops\.(conv|linear|pool|pad|resize|dropout|.*norm)"
        r"|ops\.breadth\.nn_(conv|pool|vision|dropout|sparse|bags|att)",
    ),
    Part("functional", "nn.functional: activations and losses", "nn.functional"),
    Part("nn-init", "nn.init", "nn.init"),
    Part(
        "nn-utils",
        "nn.utils and nn.parallel",
        "nn.utils nn.utils.rnn nn.utils.prune nn.utils.parametrize nn.utils.parametrizations "
        "nn.utils.stateless nn.parallel nn.parallel.scatter_gather",
    ),
    Part("training", "training", "training"),
    Part("optim", "optim", "optim optim.swa_utils"),
    Part("lr-scheduler", "optim.lr_scheduler", "optim.lr_scheduler"),
    Part("data", "utils.data", "utils.data"),
    Part("utils", "utils and io", "utils utils.checkpoint utils.tensorboard io"),
    Part("datasets", "datasets", "datasets"),
    Part("transforms", "transforms", "transforms"),
    Part("transforms-functional", "transforms.functional", "transforms.functional"),
    Part("transforms-v2", "transforms.v2 and tv_tensors", "transforms.v2 tv_tensors"),
    Part("models", "models", "models models.cifar models.small models.segmentation"),
    Part("feature-extraction", "models.feature_extraction", "models.feature_extraction"),
    Part("vision-ops", "vision_ops", "vision_ops"),
    Part("files", "Files: load, save, hub, onnx", "serialization hub onnx"),
    Part("explain", "explain", "explain"),
    Part("cuda", "cuda and amp", "cuda amp accelerator"),
    Part("distributed", "distributed", "distributed"),
    Part("distributions", "distributions and quasirandom", "distributions quasirandom"),
    Part(
        "programs",
        "run, jit, profiler, testing",
        "run jit compiler types profiler utils.benchmark testing multiprocessing futures fx",
    ),
]


def module_of(space: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.{space}" if space else PACKAGE)


def public_names(space: str) -> dict[str, Any]:
    """The public names of a namespace: its `__all__`, or what its file defines."""
    module = module_of(space)
    if space:
        names = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if home(value) == module.__name__
        ]
    else:
        names = sorted({*vars(module), *module._LAYERS, *module._HOMES})
        names = [name for name in names if not is_refused(getattr(module, name))]
    found = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {name: value for name, value in found.items() if is_ours(value)}


def home(value: Any) -> str:
    """The module that a function or class says it is from."""
    return getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None) or ""


def is_ours(value: Any) -> bool:
    """False for a module, and for what comes from Python's multiprocessing as it is."""
    return not inspect.ismodule(value) and not home(value).startswith("multiprocessing.")


def is_refused(value: Any) -> bool:
    return home(value).endswith((".refused", ".missing"))


def parts() -> list[tuple[Part, dict[str, dict[str, Any]]]]:
    """The pages of the reference with their names: {namespace: {name: value}}."""
    left = {
        space: public_names(space) for part in REFERENCE for space in part.spaces.split() or [""]
    }
    rest = dict.fromkeys(left)  # the page of a namespace that takes what is left
    found: list[tuple[Part, dict[str, dict[str, Any]]]] = []
    for part in REFERENCE:
        taken: dict[str, dict[str, Any]] = {}
        for space in part.spaces.split() or [""]:
            if not part.files:
                rest[space] = taken
                taken[space] = {}
                continue
            pattern = re.compile(rf"{PACKAGE}\.(?:{part.files})")
            names = [name for name, value in left[space].items() if pattern.match(home(value))]
            taken[space] = {name: left[space].pop(name) for name in names}
        found.append((part, taken))
    for space, names in left.items():
        page = rest[space]
        assert page is not None or not names, f"no page takes {', '.join(names)} of {space}"
        if page is not None:
            page[space] = names
    return found


@functools.cache
def defined_in(module: str) -> set[str]:
    """What the source of a module defines, methods as Class.method."""
    found = set()
    for node in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    return found


def place_of(value: Any) -> str | None:
    """Where the source defines a thing; None for what is made while the package is loaded."""
    where, name = home(value), getattr(value, "__qualname__", "")
    if where.startswith(PACKAGE) and name in defined_in(where):
        return f"{where}.{name}"
    return None


def by_hand(space: str, name: str, value: Any, level: str) -> str:
    """A function that is made while the package is loaded: from its signature and docstring."""
    from docstrings import markdown  # here, since it needs griffe

    signature = str(inspect.signature(value)).partition(" ->")[0]
    signature = re.sub(r": '[^']*'|: \w+(?=[,)= ])", "", signature).replace(" = ", "=")
    kind = '<code class="doc-symbol doc-symbol-heading doc-symbol-function"></code> '
    shown = f'<span class="doc doc-object-name">{name}</span>'
    title = f"{level} {kind}{shown} {{ #{path_of(space, name)} .doc .doc-heading }}"
    doc = markdown(inspect.getdoc(value) or "", {})
    return f"{title}\n\n```python\n{name}{signature}\n```\n\n{doc}"


def path_of(space: str, name: str = "") -> str:
    return ".".join(filter(None, (PACKAGE, space, name)))


class Reference:
    """The pages of the reference, {page: Markdown}, and the places of names: {name: place}."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.shown: dict[str, str] = {}  # {place: the name under which it stands on a page}
        found = parts()
        for top in (False, True):  # what stands in a namespace too is shown there
            for _, spaces in found:
                for space, names in spaces.items():
                    for name, value in names.items() if top == (space == "") else ():
                        self.claim(space, name, value)
        for part, spaces in found:
            lines = [f"# {part.title}"]
            spaces = {space: names for space, names in spaces.items() if names}
            for space, names in spaces.items():
                several = len(spaces) > 1
                lines.append(f"## {path_of(space)}" if several else f"Of `{path_of(space)}`:")
                lines += self.entries(space, names, several)
            if part.page == "tensor":
                lines.append(self.methods())
            self.pages[f"reference/{part.page}.md"] = "\n\n".join(lines) + "\n"

    def claim(self, space: str, name: str, value: Any) -> None:
        place = place_of(value)
        if place is None:
            return
        if getattr(value, "__name__", None) == name:
            self.shown.setdefault(place, path_of(space, name))
        for known in (name, f"{space}.{name}"):
            self.places.setdefault(known, place)

    def entries(self, space: str, names: dict[str, Any], deeper: bool) -> list[str]:
        level = "###" if deeper else "##"
        lines, others, weights, constants = [], [], [], []
        for name, value in names.items():
            place = place_of(value)
            if name.endswith("_Weights"):
                weights.append(f"| `{name}` | {weights_of(value)} |")
            elif place is None and not inspect.isroutine(value):
                constants.append(f"| `{name}` | `{value!r}` |")
            elif place not in self.shown:
                lines.append(by_hand(space, name, value, level))
            elif self.shown[place] == path_of(space, name):
                options = "\n    options:\n      heading_level: 3" if deeper else ""
                lines.append(f"::: {place}{options}")
            else:
                first = self.shown[place].removeprefix(PACKAGE + ".")
                others.append(f"| `{name}` | [`{first}`][{place}] |")
        for title, columns, rows in (
            ("Names that stand elsewhere", "| name | the same as |", others),
            (
                "Weights",
                "| weights | trained on, and how much of its test images is right |",
                weights,
            ),
            ("Values", "| name | value |", constants),
        ):
            if rows:
                lines.append("\n".join([f"{level} {title}\n", columns, "| --- | --- |", *rows]))
        return lines

    def methods(self) -> str:
        """What tensors have as methods from elsewhere, as a table."""
        rows = []
        for name, value in sorted(vars(module_of("").Tensor).items()):
            place = (
                place_of(value) if not name.startswith("_") and inspect.isroutine(value) else None
            )
            if place is None or home(value) == f"{PACKAGE}.tensor":
                continue
            summary = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
            known = place in self.shown
            rows.append(f"| {f'[`{name}`][{place}]' if known else f'`{name}`'} | {summary} |")
        head = "## Methods that are operations\n\n| method | what it gives |\n| --- | --- |\n"
        return head + "\n".join(rows)


def weights_of(kind: Any) -> str:
    """The members of an enumeration of weights, and how good they are."""
    members = []
    for member in kind:
        figures = [
            f"{data} {value}"
            for data, row in member.meta.get("_metrics", {}).items()
            for value in [row.get("acc@1", row.get("miou"))]
        ]
        members.append(f"`{member.name}`: {', '.join(figures)}" if figures else f"`{member.name}`")
    return "; ".join(members)
