"""Writes down the public names of an installed CuPy with their arguments, one a line.

    python list_names.py > 14.2.0.txt

run where that version of CuPy is installed; it needs no GPU. The stand-in offers what is in every
file here, and nothing else.
"""

import inspect
import re

import cupy
import cupyx
import numpy

# What the package may use: name in the list -> object whose public names are listed.
PLACES = {
    "cupy": cupy,
    "cupy.ndarray": cupy.ndarray,
    "cupy.lib.stride_tricks": cupy.lib.stride_tricks,
    "cupy.linalg": cupy.linalg,
    "cupy.ufunc": cupy.ufunc,
    "cupy.cuda": cupy.cuda,
    "cupy.cuda.Device": cupy.cuda.Device,
    "cupy.cuda.Event": cupy.cuda.Event,
    "cupy.cuda.Graph": cupy.cuda.Graph,
    "cupy.cuda.MemoryPool": cupy.cuda.MemoryPool,
    "cupy.cuda.PinnedMemoryPool": cupy.cuda.PinnedMemoryPool,
    "cupy.cuda.Stream": cupy.cuda.Stream,
    "cupy.cuda.runtime": cupy.cuda.runtime,
    "cupyx": cupyx,
}


def arguments(thing, name: str) -> str:
    """ "(a, axis=None)" of a function or method; "" for what is not called or does not tell."""
    if isinstance(thing, cupy.ufunc):
        inputs = ", ".join(f"x{i}" for i in range(thing.nin))
        outputs = (
            ", ".join(f"out{i}=None" for i in range(thing.nout)) if thing.nout > 1 else "out=None"
        )
        return f"({inputs}, /, {outputs}, *, casting='same_kind', dtype=None)"
    try:
        parameters = inspect.signature(thing).parameters.values()
        bare = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
        bare = [  # a default of no importance may print as an address in memory
            each
            if isinstance(each.default, str | int | float | tuple | type(None))
            or each.default is inspect.Parameter.empty
            else each.replace(default=None)
            for each in bare
        ]
        text = str(inspect.Signature(bare))
    except (TypeError, ValueError):
        # Methods written in Cython have their arguments in the first line of the docstring.
        first = (getattr(thing, "__doc__", None) or "").partition("\n")[0]
        found = re.match(rf"[\w.]*\b{re.escape(name)}(\(.*\))", first)
        if not found:
            return ""
        text = re.sub(r"\b\w[\w .]* (\w+\b[,=)])", r"\1", found[1])  # "int axis=0" -> "axis=0"
        text = text.replace("=u'", "='").replace(" *args", "*args")
    return "(cls)" if text == "()" and inspect.isclass(thing) else text


def main() -> None:
    print(f"# CuPy {cupy.__version__} with NumPy {numpy.__version__}: python list_names.py")
    for place, holder in PLACES.items():
        for name in sorted(dir(holder)):
            thing = getattr(holder, name, None)
            special = name.startswith("__") and holder is cupy.ndarray and name not in dir(object)
            special |= name == "__init__" and inspect.isclass(holder) and holder is not cupy.ndarray
            private = name.startswith("_") and not special
            constant = holder is cupy.cuda.runtime and isinstance(thing, int)
            module = inspect.ismodule(thing) and f"{place}.{name}" not in PLACES
            if private or constant or module:
                continue
            kind = "ufunc " if isinstance(thing, cupy.ufunc) else ""
            called = callable(thing) and not inspect.isclass(thing)
            print(f"{kind}{place}.{name}{arguments(thing, name) if called else ''}")


if __name__ == "__main__":
    main()
