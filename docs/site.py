"""Builds the site of these documents, with a reference of all public names: python docs/site.py

Zensical makes the pages out of Markdown. Here that Markdown is put together in build/pages: the
README and the files of docs/ as they are, but with links to where things lie on the site and with
formulas as MathML; a page for each example; and the reference, whose pages list every public name
once for mkdocstrings. Afterwards each link and anchor of the result is followed, and nothing in it
may be loaded from another server.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import inspect
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"
PACKAGE = "minitorch_cnn"

TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}


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
    Part("creation", "New tensors", "", r"ops\.(creation|breadth\.(legacy|windows|other_matrices))"),
    Part("random", "Random numbers", "", r"random$|mersenne|ops\.breadth\.random"),
    Part("arithmetic", "Arithmetic", "", r"ops\.(arithmetic|division)|ops\.breadth\.pointwise_b"),
    Part(
        "functions",
        "Functions of each element",
        "",
        r"ops\.(elementwise|activation|exponentials)|ops\.breadth\.(pointwise_u|special|complex)",
    ),
    Part("comparing", "Comparing and sorting", "", r"ops\.(compare|breadth\.comparison)"),
    Part("reducing", "Sums and other reductions", "", r"ops\.reduce|ops\.breadth\.(reduc|other_st)"),
    Part(
        "shapes",
        "Shapes, indexing, joining",
        "",
        r"ops\.(shape|indexing|positions|join|copy|inplace)"
        r"|ops\.breadth\.(indexing|other_(re|cumul)|shape|tensor_)",
    ),
    Part("products", "Products of matrices", "", r"ops\.(products|breadth\.(blas|linalg|other_[ev]))"),
    Part("settings", "Settings, dtypes, devices", ""),
    Part("linalg", "linalg", "linalg"),
    Part("fft-special", "fft and special", "fft special"),
    Part("autograd", "autograd and func", "autograd autograd.functional func"),
    Part("nn-module", "Module, containers, parameters", "nn", r"nn\.(modules\.(module|cont)|param)"),
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
        "nn.utils.stateless nn.parallel",
    ),
    Part("optim", "optim", "optim optim.swa_utils"),
    Part("lr-scheduler", "optim.lr_scheduler", "optim.lr_scheduler"),
    Part("data", "utils.data", "utils.data"),
    Part("utils", "utils and io", "utils utils.checkpoint io"),
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
    Part("distributions", "distributions", "distributions"),
    Part("programs", "run, jit, profiler, testing", "run jit profiler testing multiprocessing"),
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
        names = sorted({*vars(module), *module._LAYERS, *module._AMP, "compile", "summary"})
        names = [name for name in names if not is_refused(getattr(module, name))]
    found = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {
        name: value
        for name, value in found.items()
        if not inspect.ismodule(value) and not home(value).startswith("multiprocessing.")
    }


def home(value: Any) -> str:
    """The module that a function or class says it is from."""
    return getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None) or ""


def is_refused(value: Any) -> bool:
    return home(value).endswith((".refused", ".missing"))


def parts() -> list[tuple[Part, dict[str, dict[str, Any]]]]:
    """The pages of the reference with their names: {namespace: {name: value}}."""
    left = {space: public_names(space) for part in REFERENCE for space in part.spaces.split() or [""]}
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
    from docstrings import markdown

    signature = str(inspect.signature(value)).partition(" ->")[0]
    signature = re.sub(r": '[^']*'|: \w+(?=[,)= ])", "", signature).replace(" = ", "=")
    title = f"{level} {name} {{ #{path_of(space, name)} }}"
    return (
        f"{title}\n\n```python\n{name}{signature}\n```\n\n{markdown(inspect.getdoc(value) or '', {})}"
    )


def path_of(space: str, name: str) -> str:
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
                prefix = f"{PACKAGE}.{space}".rstrip(".")
                if len(spaces) > 1:
                    lines.append(f"## {space}")
                lines += [f"Of `{prefix}`:", *self.entries(space, names, len(spaces) > 1)]
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
            ("Weights", "| weights | trained on, and how much of its test images is right |", weights),
            ("Values", "| name | value |", constants),
        ):
            if rows:
                lines.append("\n".join([f"{level} {title}\n", columns, "| --- | --- |", *rows]))
        return lines


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


# ---------------------------------------------------------------------------- texts


CODE = re.compile(r"^```.*?^```|(?:^    [^\n]*\n)+|`[^`]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
MATH = re.compile(r"(\$\$?)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)


def outside_code(text: str, change: Any) -> str:
    """The text with its prose changed, and its code left alone."""
    pieces, end = [], 0
    for code in CODE.finditer(text):
        pieces += [change(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, change(text[end:])])


def formulas(text: str) -> str:
    """$...$ and $$...$$ as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert

    def mathml(found: re.Match[str]) -> str:
        display = "block" if found[1] == "$$" else "inline"
        made = convert(" ".join(found[2].split()), display=display)
        return f'<span class="math">{made}</span>'  # a line that begins with <math> is a block

    return MATH.sub(mathml, text)


class Texts:
    """The texts of the site. pages: {page: Markdown}; files: {path on the site: file}."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.files: dict[str, Path] = {}
        self.places = dict(TOP)
        for file in sorted((ROOT / "docs").glob("*.md")):
            self.places[f"docs/{file.name}"] = file.name
        for file in sorted((ROOT / "examples").glob("*.py")):
            self.places[f"examples/{file.name}"] = f"examples/{file.stem}.md"
        for source, page in list(self.places.items()):
            text = (ROOT / source).read_text("utf-8")
            self.pages[page] = (
                self.program(source, text) if source.endswith(".py") else self.text(source, text)
            )

    def text(self, source: str, text: str) -> str:
        """A text of the repository as a page: links to their places, formulas, sessions of Python."""
        here = posixpath.dirname(self.places[source])

        def link(found: re.Match[str]) -> str:
            target, _, anchor = found[2].partition("#")
            if not target or ":" in target:
                return found[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(target)))
            if not (ROOT / path).exists():
                raise FileNotFoundError(f"{source} links to {target}, which is not there")
            place = posixpath.relpath(self.place(path), here or ".")
            return f"{found[1]}{place}{'#' + anchor if anchor else ''}{found[3]}"

        text = outside_code(text, lambda prose: formulas(LINK.sub(link, prose)))
        return re.sub(r"^```python\n(?=>>> )", "```pycon\n", text, flags=re.MULTILINE)

    def place(self, path: str) -> str:
        """Where a file or folder of the repository lies on the site."""
        if path in self.places:
            return self.places[path]
        if (ROOT / path).is_dir():
            page = f"{path.removeprefix('docs/')}/index.md"
            files = sorted(each.name for each in (ROOT / path).iterdir())
            for name in files:
                self.files[f"{posixpath.dirname(page)}/{name}"] = ROOT / path / name
            listed = "\n".join(f"- [{name}]({name})" for name in files)
            self.pages[page] = f"# {path}\n\n{listed}\n"
            self.places[path] = page
        else:
            self.places[path] = path.removeprefix("docs/")
            self.files[self.places[path]] = ROOT / path
        return self.places[path]

    def program(self, source: str, text: str) -> str:
        """A program as a page, to be read."""
        return f"# `{source}`\n\n```python\n{text.rstrip()}\n```\n"

    def examples(self) -> str:
        """A page that says what each example is."""
        from docstrings import markdown

        lines = ["# Examples", "Programs to start from; `--help` lists the options of each."]
        for file in sorted((ROOT / "examples").glob("*.py")):
            doc = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
            lines.append(f"## [`{file.name}`](examples/{file.stem}.md)\n\n{markdown(doc, {})}")
        return "\n\n".join(lines) + "\n"


# ---------------------------------------------------------------------------- looking at the result


class Seen(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and "href" in values and values.get("rel") != "canonical":
            self.loaded.append(values["href"])
        elif "src" in values:
            self.loaded.append(values["src"])


def faults(site: Path) -> list[str]:
    """What is wrong with the pages of a site: dead links and anchors, and what others serve."""
    pages = {file: Seen(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        if file.name == "404.html":  # it is shown at any address
            continue
        name = file.relative_to(site)
        for url in page.links + page.loaded:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                if url in page.loaded and parts.scheme != "data":
                    found.append(f"{name} loads {url}")
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{name} links to {url}, which is not there")
            elif parts.fragment and target in pages:
                if unquote(parts.fragment) not in pages[target].anchors:
                    found.append(f"{name} links to {url}, which has no such anchor")
    for file in sorted(site.rglob("*.css")):
        for url in re.findall(r"url\(\s*[\"']?(?:https?:)?//[^)]*\)|@import[^;]*", file.read_text()):
            found.append(f"{file.relative_to(site)} loads {url}")
    return found


# ---------------------------------------------------------------------------- building


def write_pages() -> None:
    """Puts the Markdown of the site, and what it shows, into build/pages."""
    shutil.rmtree(PAGES, ignore_errors=True)
    texts = Texts()
    texts.pages["examples.md"] = texts.examples()
    reference = Reference()
    for page, text in {**texts.pages, **reference.pages}.items():
        (PAGES / page).parent.mkdir(parents=True, exist_ok=True)
        (PAGES / page).write_text(text, "utf-8")
    for place, file in {**texts.files, "site.css": ROOT / "docs" / "site.css"}.items():
        (PAGES / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, PAGES / place)
    (ROOT / "build" / "names.json").write_text(json.dumps(reference.places), "utf-8")


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    write_pages()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit("error: Zensical does not build these pages, see above")
    for page in SITE.rglob("*.ko.html"):
        text = page.read_text("utf-8").replace('<html lang="en"', '<html lang="ko"', 1)
        page.write_text(text, "utf-8")
    if wrong := faults(SITE):
        sys.exit("\n".join(["error: the site has faults:", *wrong]))
    print(f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}/index.html")


if __name__ == "__main__":
    main()
