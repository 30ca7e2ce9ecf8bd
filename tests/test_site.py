"""The reference of the site names everything; CI builds the site itself and follows its links."""

import importlib.util
from pathlib import Path

import pytest

import minitorch_cnn as mt

ROOT = Path(__file__).parents[1]


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load("reference")


def test_every_public_name_is_on_one_page():
    shown = {}  # {namespace: [names]}
    for _, spaces in reference.parts():
        for space, names in spaces.items():
            shown.setdefault(space, []).extend(names)
    at_the_top = [*mt.ops.__all__, "Tensor", "no_grad", "manual_seed", "float32", "conv2d", "load"]
    for space, names in shown.items():
        module = reference.module_of(space)
        public = getattr(module, "__all__", []) if space else at_the_top
        wanted = {name for name in public if reference.is_ours(getattr(module, name))}
        assert wanted <= set(names), (space, wanted - set(names))
        assert len(names) == len(set(names)), space
    # Namespaces that hold nothing but answers for programs that ask.
    switches = {"__config__", "backends", "cpu", "mps", "overrides", "version", "xpu"}
    assert {name.partition(".")[0] for name in shown} >= {*mt._SUBMODULES} - switches
    assert {"nn.functional", "optim.lr_scheduler", "utils.data", "transforms.v2"} < shown.keys()


def test_every_page_of_the_reference_is_in_the_navigation():
    config = (ROOT / "zensical.toml").read_text("utf-8")
    for part in reference.REFERENCE:
        assert f'"reference/{part.page}.md"' in config
    for file in (ROOT / "docs").glob("*.md"):
        assert f'= "{file.name}"' in config, file.name


DOCSTRING = """The mean of C*KH*KW numbers, in [0, 1): as `relu` gives.

alpha: a number < 1.
Raises ValueError for `alpha` of x_1.

    lr      its length
    *args   more

>>> 1 + 1
2

>>> 2
2
"""
MARKDOWN = """The mean of C\\*KH\\*KW numbers, in \\[0, 1): as [`relu`][nn.relu] gives.

alpha: a number &lt; 1.<br>
Raises ValueError for `alpha` of x\\_1.

    lr      its length
    *args   more

```pycon
>>> 1 + 1
2

>>> 2
2
```"""


def test_a_docstring_as_markdown():
    pytest.importorskip("griffe", reason="the extra docs is not installed")
    assert load("docstrings").markdown(DOCSTRING, {"relu": "nn.relu"}) == MARKDOWN


def test_dead_links_and_what_others_serve_are_found(tmp_path, monkeypatch):
    pytest.importorskip("griffe", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(ROOT / "docs")
    site = load("site")
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="site.css"><h1 id="here">A</h1><a href="#here">1</a>'
        '<a href="sub/b.html#there">2</a><a href="https://example.org">3</a>'
    )
    (tmp_path / "sub" / "b.html").write_text('<p id="there">B <a href="../a.html#here">4</a></p>')
    (tmp_path / "site.css").write_text("p { background: url(data:x) }")
    assert site.faults(tmp_path) == []
    (tmp_path / "sub" / "b.html").write_text('<script src="https://example.org/x.js"></script>')
    (tmp_path / "site.css").write_text("@import 'x.css'; p { background: url(//example.org/x) }")
    (tmp_path / "c.html").write_text('<img src="c.png"><a href="d.html">5</a>')
    assert site.faults(tmp_path) == [
        "a.html links to sub/b.html#there, which has no such anchor",
        "c.html links to d.html, which is not there",
        "c.html links to c.png, which is not there",
        "sub/b.html loads https://example.org/x.js",
        "site.css loads @import 'x.css'",
        "site.css loads url(//example.org/x)",
    ]


def test_links_formulas_and_sessions_of_a_text(monkeypatch):
    pytest.importorskip("griffe", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(ROOT / "docs")
    texts = load("site").Texts()
    page = texts.text("README.md", "[a](docs/gpu.md#b) `[c](d)` [e](https://f)\n\n    [g](h)\n")
    assert page == "[a](gpu.md#b) `[c](d)` [e](https://f)\n\n    [g](h)\n"
    text = "``a`b`` [a](docs/gpu.md), ``[c](d)``\n"  # code between two of them: `a` did not end it
    assert texts.text("README.md", text) == text.replace("docs/gpu.md", "gpu.md")
    page = texts.text("docs/gpu.md", "$x_1$ costs\n\n```python\n>>> 1\n1\n```\n")
    assert '<span class="math"><math' in page and "<mi>x</mi><mn>1</mn>" in page
    assert page.endswith("costs\n\n```pycon\n>>> 1\n1\n```\n")
    with pytest.raises(FileNotFoundError, match=r"docs/gpu\.md links to nothing\.md"):
        texts.text("docs/gpu.md", "[a](nothing.md)")
