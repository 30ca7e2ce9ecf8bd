"""The explain commands in Korean: nothing is forgotten, columns hold, and letters are no boxes."""

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from minitorch_cnn import explain
from minitorch_cnn.explain import commands, languages
from minitorch_cnn.explain.languages import in_language, ko, translated, width

FOLDER = Path(explain.__file__).parent
# What is no sentence that a command prints or draws.
OTHERWISE = {
    "offset points", "upper right", "center left", "lower right", "n k tile_row tile_column",
    "the machine: a matrix product and a copy", "all columns", "a block",
    # Pieces of sentences, or names and formulas.
    "1 on 1, float32", ", 1 of them drawn", "1: 1 images of 11\n1", "1 to pixel (1, 1)",
    "and 1 like it", "gy @ weights$^T$ =", "1 (built-in picture 1)", "saves 1 bytes",
    "weight / sigma * gy      1", r"$\gamma / \sigma \cdot g_y$",
    "background:rgb1;color:black;text-align:right;padding:2px 6px",
    "rankdir=BT; node [shape=box, style=filled, fontsize=10];",
    'n1 [label="1", fillcolor="133", color="1"];',
}  # fmt: skip


def sentences(path):
    """The strings of a module with two words or more; values in braces are 1."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        first = getattr(node, "body", None)
        if isinstance(first, list) and first and isinstance(first[0], ast.Expr):
            skipped.add(id(first[0].value))  # a docstring
        if isinstance(node, ast.Raise):
            skipped.update(id(each) for each in ast.walk(node))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(each) for each in ast.walk(node) if each is not node)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "1" for each in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"[a-z]{2,}.* .*[a-z]{2,}", text) and not re.match(r"\s*[<{]|digraph", text):
            yield node.lineno, text


def test_every_sentence_is_in_the_catalogue():
    missing = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.name in ("confidence.py", "explanation.py", "drawing.py"):  # of the report
            continue
        for line, text in sentences(path):
            known = languages.said(text.strip(), "ko") != text.strip()
            if text.strip() not in OTHERWISE and not known:
                missing.append(f"{path.name}:{line}: {text!r}")
    assert not missing, "\n".join(missing)


def test_every_entry_of_the_catalogue_is_said_somewhere():
    """The longest piece of each English sentence between its values is in the code."""
    folders = [FOLDER, FOLDER / "commands", FOLDER / "page", FOLDER.parent / "kernels"]
    code = "".join(file.read_text("utf-8") for each in folders for file in each.glob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # a string in two lines
    unsaid = []
    for english, korean in ko.TEXTS.items():
        pieces = re.split(r"\{\d\}|\n|  +|@|= ", english)
        longest = max((each.strip() for each in pieces), key=len)
        if longest not in code:
            unsaid.append(english)
        assert sorted(re.findall(r"\{\d\}", english)) == sorted(set(re.findall(r"\{\d\}", korean)))
        assert not re.search(r"\}(은|는|이|가|을|를|와|과|로|으로)(?=[ ,.]|$)", korean), korean
    assert not unsaid


def test_columns_hold():
    table = "\n".join([
        "                 multiplications       additions",
        "direct                18,874,368      18,808,832",
        "the library, im2col            1               2",
    ])  # fmt: skip
    lines = translated(table, "ko").split("\n")
    assert [width(line) for line in lines] == [48, 48, 48]
    assert lines[0].split() == ["곱셈", "덧셈"]
    assert lines[2].startswith("라이브러리, im2col  ")
    assert translated(table, "en") == table
    # A sentence that goes on in the next line is one; names above it are not its beginning.
    both = "rungs without a time were not run:\nthey need Numba: pip install 'minitorch-cnn[fast]'"
    assert "Numba가 필요함" in translated(both, "ko") and "time" not in translated(both, "ko")
    legend = "5 layer2.0.conv1\n6 layer1.0.conv1 and 1 like it"
    assert translated(legend, "ko") == "5 layer2.0.conv1\n6 layer1.0.conv1 외 같은 것 1개"
    assert translated("nothing of this is known", "ko") == "nothing of this is known"
    with pytest.raises(ValueError, match="no language 'fr'; there are en, ko"):
        in_language(explain.gradient_flow(1, images=1), "fr")


@pytest.mark.parametrize(
    "line",
    ["pixel", "columns", "gradients", "pooling", "batchnorm", "winograd", "receptive-field"],
)
def test_a_command_in_korean(tmp_path, capsys, line):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    try:
        languages.korean_font()
    except LookupError:
        pytest.skip("needs a font with Korean letters")
    picture = tmp_path / "x.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of letters that a font lacks
        commands.main(["explain", line, "--lang", "ko", "--out", str(picture)])
    printed = capsys.readouterr().out
    assert f"그림: {picture}" in printed and picture.stat().st_size > 5000
    # Names and formulas stay; sentences do not.
    for each in printed.replace(str(picture), "").split("\n"):
        assert not re.search(r"\b(the|of|is|are|and|for|with|sum|channel|filter)\b", each), each


def test_letters_are_no_boxes():
    matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib")
    try:
        font = languages.korean_font()
    except LookupError:
        pytest.skip("needs a font with Korean letters")

    def drawn(letter):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure = matplotlib.figure.Figure(figsize=(1, 1))
        figure.text(0.2, 0.2, letter, fontsize=40, fontfamily=[font, "DejaVu Sans"])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()

    letters = [drawn(letter) for letter in "합곱창"]
    assert all((a != b).any() for a, b in [letters[:2], letters[1:], letters[::2]])


def test_without_a_font_there_is_no_picture(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    monkeypatch.setattr(languages, "_has_korean", lambda path: False)
    languages.korean_font.cache_clear()
    try:
        picture = tmp_path / "x.png"
        commands.main(["explain", "pixel", "--lang", "ko", "--out", str(picture)])
    finally:
        languages.korean_font.cache_clear()
    printed = capsys.readouterr().out
    assert "곱의 합" in printed and "그림 없음: " in printed and "fonts-nanum" in printed
    assert not picture.exists()
