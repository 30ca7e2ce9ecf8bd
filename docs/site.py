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
import json
import posixpath
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from docstrings import markdown
from reference import Reference

ROOT = Path(__file__).resolve().parents[1]
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"
TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}


# ---------------------------------------------------------------------------- texts


CODE = re.compile(
    r"^```.*?^```|(?:^    [^\n]*\n)+|(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
THIN = '<mspace width="0.17em"></mspace>'
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
        made = re.sub(
            r"(<mi>[a-z]{2,}</mi>)(?=<m[isr])", r'\1<mspace width="0.17em"></mspace>', made
        )
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
        """A text as a page: with links to where things are, formulas, and sessions of Python."""
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
        programs, shared = ["# Examples"], ["## What they share"]
        for file in sorted((ROOT / "examples").glob("*.py")):
            text = file.read_text("utf-8")
            doc = markdown(ast.get_docstring(ast.parse(text)) or "", {})
            lines, level = (programs, "##") if "__main__" in text else (shared, "###")
            lines.append(f"{level} [`{file.name}`](examples/{file.stem}.md)\n\n{doc}")
        return "\n\n".join(programs + shared) + "\n"


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
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors | {""}:
                found.append(f"{name} links to {url}, which has no such anchor")
    for file in sorted(site.rglob("*.css")):
        for url in re.findall(
            r"url\(\s*[\"']?(?:https?:)?//[^)]*\)|@import[^;]*", file.read_text()
        ):
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
    sys.path.insert(1, str(ROOT))  # this package, not another one that is installed
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
    folder = SITE.relative_to(ROOT)
    print(f"{len(list(SITE.rglob('*.html')))} pages, from {folder}/index.html on.")
    print(f"With search: python -m http.server -d {folder}")


if __name__ == "__main__":
    main()
