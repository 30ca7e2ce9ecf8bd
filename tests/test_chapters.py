"""The chapters in docs/: every block runs, every picture is drawn, both languages agree."""

import doctest
import importlib.util
import json
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from PIL import Image

from minitorch_cnn.explain.commands import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CHAPTERS = ["how-convolution-works", "adding-an-operation"]
LADDER = "fast-convolution"
DOCUMENTS = [*CHAPTERS, "reading-the-code", LADDER]  # those that are read, not run, too
LANGUAGES = ["", ".ko"]


def program(name):
    """A file of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = program("build")


def text_of(name):
    return (DOCS / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_block_gives_what_stands_below_it(chapter, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the chapters draw pictures")
    monkeypatch.chdir(tmp_path)
    text = text_of(chapter)
    test = doctest.DocTestParser().get_doctest(
        "\n".join(build.BLOCK.findall(text)), {}, chapter, f"{chapter}.md", 0
    )
    assert len(test.examples) > 10
    problems = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=problems.append)
    assert result.failed == 0, "".join(problems)
    for picture in re.findall(r"!\[.+?\]\((.+?)\)", text):
        with Image.open(picture) as drawn, Image.open(DOCS / picture) as stored:
            # Fonts may differ from machine to machine, the picture's size does not.
            assert drawn.size == stored.size, picture
    shown = {Path(each).name for each in re.findall(r"\((images/.+?)\)", text)}
    assert {each.name for each in tmp_path.glob("images/*")} == shown


@pytest.mark.parametrize("chapter", DOCUMENTS)
def test_both_languages_have_the_same_code_formulas_and_pictures(chapter):
    english, korean = text_of(chapter), text_of(f"{chapter}.ko")
    for pattern in (r"```python\n.*?```", r"\$\$.+?\$\$", r"\]\((images/.+?)\)", r"(?m)^    \S.*$"):
        assert re.findall(pattern, english, re.DOTALL if "```" in pattern else 0) == re.findall(
            pattern, korean, re.DOTALL if "```" in pattern else 0
        )
    headings = [re.findall(r"^(#+) ", each, re.MULTILINE) for each in (english, korean)]
    assert headings[0] == headings[1]
    assert english.count("\n| ") == korean.count("\n| ")
    words = re.findall(r"[가-힣]+", korean)
    assert len(words) > 150


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("chapter", DOCUMENTS)
def test_links_lead_somewhere(chapter, language):
    targets = re.findall(r"\]\((.+?)\)", text_of(chapter + language))
    assert targets
    for target in targets:
        assert (DOCS / target).exists(), target
    for path in re.findall(r"`((?:\w+/)+\w+\.py)`", text_of(chapter + language)):
        assert (ROOT / "minitorch_cnn" / path).exists(), path


def test_the_commands_of_the_chapter_work(tmp_path, monkeypatch, capsys):
    """The training itself is run by the tests of the examples."""
    commands = re.findall(r"(?m)^    (python .*)$", text_of(CHAPTERS[0]))
    assert len(commands) == 2
    train, page = map(shlex.split, commands)
    assert (ROOT / train[1]).exists()
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 50), "teal").save("picture.png")
    assert page[:4] == ["python", "-m", "minitorch_cnn", "explain"]
    arguments = [each for each in page[3:] if each not in ("--checkpoint", "runs/shapes/best")]
    assert len(arguments) == len(page) - 5
    main(arguments)
    assert "page: page.html" in capsys.readouterr().out


def test_the_code_of_the_ladder_is_the_code_that_runs():
    """Each block begins with the name of a file, and stands in that file as it is."""
    blocks = build.BLOCK.findall(text_of(LADDER))
    assert len(blocks) > 10
    for block in blocks:
        first, _, code = block.partition("\n")
        assert first.startswith("# "), block
        lines = (ROOT / "minitorch_cnn" / first[2:]).read_text("utf-8").splitlines(keepends=True)
        length = code.count("\n")
        stretches = ("".join(lines[start : start + length]) for start in range(len(lines)))
        assert code in map(textwrap.dedent, stretches), block


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ladder_has_a_place_for_its_tables(language):
    ladder, text = program("ladder"), text_of(LADDER + language)
    before, after = ladder.PLACE.split(text)
    tables = {"A processor": "    1  loops\n", "The same, AVX2": "    a\\1\n"}
    filled = ladder.with_tables(text, tables)
    assert filled.startswith(before) and filled.endswith(after)
    assert filled[len(before) : -len(after)] == (
        "A processor:\n\n    1  loops\n\nThe same, AVX2:\n\n    a\\1\n\n"
        "![explain ladder](images/ladder.png)\n"
    )
    assert ladder.with_tables(filled, tables) == filled


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notebook_is_the_chapter(language):
    name = CHAPTERS[0] + language
    stored = (DOCS / f"{name}.ipynb").read_text("utf-8")
    assert stored == build.notebook_text(text_of(name)), "run python docs/build.py"


def test_the_notebook_runs_from_top_to_bottom(tmp_path, monkeypatch):
    """With nbclient in a real kernel where that is installed, else cell by cell."""
    pytest.importorskip("matplotlib", reason="the notebook draws pictures")
    name = CHAPTERS[0]
    content = (DOCS / f"{name}.ipynb").read_text("utf-8")
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError:
        monkeypatch.chdir(tmp_path)
        names: dict = {}
        for cell in json.loads(content)["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), "cell", "exec"), names)
        return
    notebook = nbformat.reads(content, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", [])]
    texts = [each["data"]["text/plain"] for each in outputs if "data" in each]
    # What the notebook shows is what the chapter says.
    examples = doctest.DocTestParser().get_examples("\n".join(build.BLOCK.findall(text_of(name))))
    wanted = [each.want.rstrip("\n") for each in examples if each.want]
    assert [each for each in wanted if each in texts] == [each for each in texts if each in wanted]
    assert len(texts) > 20
