"""Every public function and class says its shapes and its errors, and shows an example that runs.

pytest tests/test_docstrings.py -k ops.pool       those whose name begins so, as ops.pool1d.*
"""

import doctest
import fnmatch
import importlib
import inspect
import pkgutil
import re
import sys

import pytest

from minitorch_cnn.ops import methods

# Modules whose public names are looked at; those of a package are its files, one by one.
MODULES = """nn nn.init nn.utils optim optim.lr_scheduler optim.swa_utils utils.data datasets
    transforms transforms.functional"""
PACKAGES = "ops ops.breadth"

# What may be missing, and why. Patterns as a shell's.
EXEMPT = {
    # The in-place forms are made from the others, which show their example.
    "ops.activation.*_": ("example",),
    # Names that only say what to use instead.
    "optim.ASGD": ("example", "shape", "errors"),
    "optim.Adafactor": ("example", "shape", "errors"),
    "optim.Muon": ("example", "shape", "errors"),
    "optim.Rprop": ("example", "shape", "errors"),
    "optim.SparseAdam": ("example", "shape", "errors"),
    # Learning rates are numbers, and samplers give positions: no array goes in or out.
    "optim.lr_scheduler.*": ("shape",),
    "utils.data.*Sampler": ("shape",),
}

# (N, C, H, W), (..., OH, OW), (C*KH*KW, L), (1, L): at least two lengths or a comma, with names.
AXIS = (
    r"(?:\.\.\.|\d+|[A-Z][A-Z0-9]{0,2}|[bnmprs]|d\d|\w*"
    r"(?:features|channels|groups|count|size|length|steps|ndim|shape))"
)
LENGTH = rf"{AXIS}(?: ?[-+*/]+ ?{AXIS})*"
SHAPE = re.compile(rf"[(\[](?=[^)\]]*[A-Za-z.]){LENGTH}(?:,|(?:, {LENGTH})+)[)\]]")
IN_WORDS = re.compile(
    r"\b(any (shape|size)|same (shape|size)|elementwise|0-d|scalar|\w+'s shape)\b", re.IGNORECASE
)
NAMES_ERROR = re.compile(
    r"\braises (an? )?`*[A-Z]\w*(Error|Exception|Iteration)\b|\bnever raises\b", re.IGNORECASE
)
SAME_ERRORS = re.compile(r"\braises as `([\w.]+)`", re.IGNORECASE)


def modules():
    """(module, its public names): those of `__all__`, and what only tensors have as methods."""
    for name in MODULES.split():
        module = importlib.import_module(f"minitorch_cnn.{name}")
        defined = [
            name
            for name, value in vars(module).items()
            if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
        ]
        yield module, getattr(module, "__all__", defined)
    for name in PACKAGES.split():
        package = importlib.import_module(f"minitorch_cnn.{name}")
        for info in pkgutil.iter_modules(package.__path__, f"minitorch_cnn.{name}."):
            module = importlib.import_module(info.name)
            only_methods = methods.METHODS_ONLY.get(module, "").split()
            yield module, [*getattr(module, "__all__", []), *only_methods]


def find():
    """{path: object} of the public functions and classes, each under one name; and all names."""
    found, called, seen = {}, {}, set()
    for module, names in modules():
        for name in names:
            value = getattr(module, name)
            if not (inspect.isfunction(value) or inspect.isclass(value)):
                continue
            called.setdefault(name, []).append(value)
            if id(value) not in seen:  # another name of the same says the same
                seen.add(id(value))
                found[f"{module.__name__.removeprefix('minitorch_cnn.')}.{name}"] = value
    return found, called


PUBLIC, CALLED = find()


def own_doc(value):
    """The docstring of the object itself: a class does not inherit one here."""
    doc = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    return inspect.cleandoc(doc or "")


def prose(doc):
    """The docstring without its examples, on one line."""
    pieces = doctest.DocTestParser().parse(doc)
    return " ".join(" ".join(each for each in pieces if isinstance(each, str)).split())


def has_example(value):
    """An example, where doctest finds it: in the module that the object says it is from."""
    home = vars(sys.modules[value.__module__])
    examples = doctest.DocTestParser().get_examples(own_doc(value))
    shown = [each for each in examples if each.want or "import" not in each.source]
    return bool(shown) and any(each is value for each in home.values())


def has_shape(value):
    text = prose(own_doc(value))
    return bool(SHAPE.search(text) or IN_WORDS.search(text))


def has_errors(value):
    """Names an exception, says "Never raises", or names who does so."""
    text = prose(own_doc(value))
    if NAMES_ERROR.search(text):
        return True
    named = SAME_ERRORS.search(text)
    others = CALLED.get(named[1].rpartition(".")[2], []) if named else []
    return any(NAMES_ERROR.search(prose(own_doc(each))) for each in others)


CHECKS = {"example": has_example, "shape": has_shape, "errors": has_errors}


def missing(path):
    exempt = {
        what
        for pattern, whats in EXEMPT.items()
        if fnmatch.fnmatch(path, pattern)
        for what in whats
    }
    return [what for what, has in CHECKS.items() if what not in exempt and not has(PUBLIC[path])]


@pytest.mark.parametrize("path", PUBLIC)
def test_docstring(path):
    lacks = missing(path)
    assert not lacks, f"the docstring of {path} lacks: {', '.join(lacks)}"


@pytest.mark.parametrize("pattern", EXEMPT)
def test_exemption_is_of_something(pattern):
    assert fnmatch.filter(PUBLIC, pattern)


def test_what_counts():
    """The checks themselves: they take what they should, and nothing else."""
    for text in (
        "(N, C, H, W) -> (N, K, OH, OW)", "(C,)", "(..., L)", "(N, C*KH*KW, L)", "of any shape",
        "(N, in_features)", "[*, ] no, but (r*N, s*L)", "a 0-d tensor", "the input's shape",
    ):  # fmt: skip
        assert SHAPE.search(text) or IN_WORDS.search(text), text
    for text in (
        "(2, 3)",
        "(e.g. this)",
        "(min, max)",
        "(x, y)",
        "f(N)",
        "shape",
        "(N)",
        "a (b) c",
    ):
        assert not SHAPE.search(text), text
        assert not IN_WORDS.search(text), text
    for text in ("Raises ValueError if", "and raises a TypeError for", "Never raises."):
        assert NAMES_ERROR.search(text), text
    for text in ("Raises.", "It raises the power", "Errors: none", "ValueError"):
        assert not NAMES_ERROR.search(text), text
