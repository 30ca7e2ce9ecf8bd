"""The direction of imports: a layer uses what is below it, and no circle is anywhere."""

import ast
from pathlib import Path

import minitorch_cnn

ROOT = Path(minitorch_cnn.__file__).parent

# From the ground up; what stands on one line may not import each other's files in a circle either.
LAYERS = [
    {"backend", "dtypes", "elsewhere", "missing", "return_types", "size"},
    {"kernels"},
    {"mersenne"},
    {"tensor", "views", "copying", "autograd", "random"},
    {"storage"},
    {"ops", "formatting"},
    {"nn", "optim", "amp", "linalg", "config", "testing", "serialization", "cuda", "backends"}
    | {"jit", "special", "fft", "distributions", "profiler", "multiprocessing", "overrides"}
    | {"distributed", "futures", "fx", "compiler", "types", "quasirandom"}
    | {"checks", "cpu"},
    {"version", "accelerator", "xpu", "mps", "__config__"},
    {"datasets", "transforms", "utils", "io", "models", "hub", "vision_ops", "tv_tensors"}
    | {"func"},
    {"onnx", "explain", "commandline", "__main__", "run", "predict", "pytest_plugin"}
    | {"training"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def files():
    return {path.relative_to(ROOT).with_suffix("").parts: path for path in ROOT.rglob("*.py")}


def name_of(parts):
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(parts): path for parts, path in files().items()}


def imports(name, at_import_only):
    """The package's own modules that a module imports: at its top, or anywhere in it."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ImportFrom) and child.level:
                base = package.split(".") if package else []
                base = base[: len(base) - child.level + 1]
                target = ".".join([*base, *(child.module.split(".") if child.module else [])])
                for alias in child.names:
                    whole = f"{target}.{alias.name}" if target else alias.name
                    found.add(whole if whole in MODULES else target)
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if types_only or (inside and at_import_only):
                continue
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found - {name, ""}


def test_imports_point_downwards():
    upward = []
    for name in MODULES:
        layer = name.partition(".")[0]
        if not layer:
            continue  # the package's own __init__ makes the namespace of all of them
        for target in imports(name, at_import_only=True):
            other = target.partition(".")[0]
            if LEVEL[other] > LEVEL[layer]:
                upward.append(f"{name} -> {target}")
    assert not upward


def test_no_file_takes_part_in_a_circle():
    edges = {name: imports(name, at_import_only=True) for name in MODULES if name}
    # A module's package is imported before it, but only runs what its own file says.
    order, open_, circles = set(), [], []

    def visit(name):
        if name in order or name not in edges:
            return
        if name in open_:
            circles.append(" -> ".join([*open_[open_.index(name) :], name]))
            return
        open_.append(name)
        for target in sorted(edges[name]):
            visit(target)
        open_.pop()
        order.add(name)

    for name in sorted(edges):
        visit(name)
    assert not circles


def test_only_the_backend_imports_cupy():
    guilty = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            if any(each.partition(".")[0] in ("cupy", "cupyx") for each in names):
                guilty.append(name)
    assert set(guilty) <= {"backend.arrays"}
