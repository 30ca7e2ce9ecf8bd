"""Every public function and class says its shapes and its errors, and shows an example that runs.

pytest tests/test_docstrings.py -k ops.pool       those whose name begins so, as ops.pool1d.*
"""

import doctest
import fnmatch
import functools
import importlib
import inspect
import pkgutil
import re
import sys

import pytest

from minitorch_cnn.ops import methods

# Modules whose public names are looked at; those of a package are its files, one by one.
MODULES = """nn nn.init nn.utils optim optim.lr_scheduler optim.swa_utils utils.data datasets
    transforms transforms.functional vision_ops"""
PACKAGES = "ops ops.breadth"

# What may be missing, and why. Patterns as a shell's.
EXEMPT = {
    # The in-place forms are made from the others, which show their example.
    "ops.*activation.*_": ("example",),
    # Names that only say what to use instead.
    "optim.SparseAdam": ("example", "shape", "errors"),
    # Learning rates are numbers, and samplers give positions: no array goes in or out.
    "optim.lr_scheduler.*": ("shape",),
    "optim.swa_utils.SWALR": ("shape",),
    "nn.init.calculate_gain": ("shape",),
    "utils.data.*Sampler": ("shape",),
    # It is about processes, not arrays.
    "utils.data.*[wW]orker*nfo": ("shape",),
    # They hold modules or tensors, whose shapes are their own.
    "nn.Module*": ("shape",),
    "nn.Sequential": ("shape",),
    "nn.Parameter*": ("shape",),
    "nn.DataParallel": ("shape",),
}

# (N, C, H, W), (..., OH, OW), (C*KH*KW, L), (C r^2,), (...): a comma or dots, and named lengths.
AXIS = (
    r"(?:\.\.\.|\d+|[A-Z][A-Z0-9]{0,2}|[bnmpqrs]|d\d|\w*"
    r"(?:features|channels|groups|classes|embeddings|count|size|length|steps|dim|shape))"
)
LENGTH = rf"{AXIS}(?:(?: ?[-+*/^]{{1,2}} ?| ){AXIS})*"
SHAPE = re.compile(
    rf"[(\[](?=[^)\]]*[A-Za-z.]){LENGTH}(?:,|(?:, {LENGTH})+)[)\]]|\(\.\.\.\)"
    r"|\b(?i:any (?:shapes?|size)|same (?:shape|size)|keeps the shape|shapes that broadcast"
    r"|elementwise|0-d|scalar|\w+'s shape)\b"
)
ERRORS = re.compile(
    r"\braises?\b[^.;:]{0,30}?\b(?-i:[A-Z])\w*(?:Error|Exception|Iteration)\b|\bnever raises\b",
    re.IGNORECASE,
)
# "Raises as `conv2d` does", "Shapes and errors as in `MSELoss`": that one must say it.
REFERENCE = {
    SHAPE: re.compile(r"\bshapes?\b[^.;:]{0,40}?`([\w.]+)`", re.IGNORECASE),
    ERRORS: re.compile(r"\b(?:errors|raises)\b[^.;:]{0,40}?`([\w.]+)`", re.IGNORECASE),
}


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


def says(pattern, value, asked=()):
    """The docstring holds the pattern, or refers to a public name whose docstring does."""
    text = prose(own_doc(value))
    if pattern.search(text):
        return True
    others = [
        each
        for path in REFERENCE[pattern].findall(text)
        for each in CALLED.get(path.rpartition(".")[2], [])
        if each not in asked
    ]
    return any(says(pattern, each, (*asked, value)) for each in others)


CHECKS = {
    "example": has_example,
    "shape": functools.partial(says, SHAPE),
    "errors": functools.partial(says, ERRORS),
}


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


SHAPES = [
    "(N, C, H, W) -> (N, K, OH, OW)", "(C,)", "(..., L)", "(N, C*KH*KW, L)", "of any shape",
    "(N, in_features)", "(..., C r^2, H, W)", "a 0-d tensor", "the input's shape", "(...)",
]  # fmt: skip
NO_SHAPES = ["(2, 3)", "(e.g. this)", "(min, max)", "(x, y)", "f(N)", "shape", "(N)", "a (b) c"]
RAISING = [
    "Raises ValueError if", "and raises a TypeError for", "Never raises.",
    "others raise IndexError", "Raises, when called, `NotImplementedError`",
]  # fmt: skip
NOT_RAISING = ["Raises.", "It raises errors", "Errors: none", "ValueError", "raised. ValueError"]


@pytest.mark.parametrize(
    ("pattern", "texts", "counts"),
    [(SHAPE, SHAPES, True), (SHAPE, NO_SHAPES, False), (ERRORS, RAISING, True)]
    + [(ERRORS, NOT_RAISING, False)],
)
def test_what_counts(pattern, texts, counts):
    assert [bool(pattern.search(text)) for text in texts] == [counts] * len(texts)


def test_references_are_followed_to_a_name_that_says_it():
    def follows():
        """Shapes and errors are those of `conv2d`."""

    def leads_nowhere():
        """Shapes and errors are those of `nothing_here`, raised to `the power`."""

    assert says(SHAPE, follows) and says(ERRORS, follows)
    assert not says(SHAPE, leads_nowhere) and not says(ERRORS, leads_nowhere)
