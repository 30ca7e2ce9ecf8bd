"""The reading order in docs/reading-the-code: short enough, counted right, and true."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minitorch_cnn"
LANGUAGES = ["", ".ko"]
MOST = [(5000, 25), (3000, 25)]  # lines and files: of the core, of fast convolution

spec = importlib.util.spec_from_file_location("count_lines", ROOT / "docs" / "count_lines.py")
count_lines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(count_lines)


def text_of(language):
    return (ROOT / "docs" / f"reading-the-code{language}.md").read_text("utf-8")


def tables(text):
    """Of each table: [(file, lines, what to look for), ...], and (files, lines) of its last row."""
    found, rows = [], []
    for line in text.splitlines():
        if row := re.fullmatch(r"\| `([\w/]+\.py)` \| ([\d,]+) \| (.+) \|", line):
            rows.append((row[1], number(row[2]), row[3]))
        elif total := re.fullmatch(r"\| \*\*\D*(\d+)\D*\*\* \| ([\d,]+) \| \|", line):
            found.append((rows, (int(total[1]), number(total[2]))))
            rows = []
    assert not rows
    return found


def number(text):
    return int(text.replace(",", ""))


def length(file):
    return len((PACKAGE / file).read_text("utf-8").splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_say_how_long_the_files_are(language):
    out_of_date = "run python docs/count_lines.py"
    found = tables(text_of(language))
    assert len(found) == len(MOST)
    for rows, (files, lines) in found:
        for file, stated, _ in rows:
            assert abs(stated - length(file)) <= max(length(file) / 10, 5), (file, out_of_date)
        assert files == len(rows), out_of_date
        assert abs(lines - sum(length(file) for file, *_ in rows)) <= lines / 10, out_of_date


@pytest.mark.parametrize("table", range(len(MOST)), ids=["core", "fast"])
def test_there_is_not_more_to_read_than_promised(table):
    files = [file for file, *_ in tables(text_of(""))[table][0]]
    most_lines, most_files = MOST[table]
    assert len(set(files)) == len(files) <= most_files
    assert sum(map(length, files)) <= most_lines


def test_both_languages_read_in_the_same_order():
    english, korean = (
        [[row[:2] for row in rows] for rows, _ in tables(text_of(each))] for each in LANGUAGES
    )
    assert english == korean
    assert steps("Forward", "") == steps("순전파", ".ko")
    assert steps("Backward", "") == steps("역전파", ".ko")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_look_for_is_in_its_file(language):
    for rows, _ in tables(text_of(language)):
        for file, _, notes in rows:
            code = (PACKAGE / file).read_text("utf-8")
            for name in re.findall(r"`([\w.]+)`", notes.replace("`zero.py`", "")):
                for part in name.split("."):  # a class and its method
                    assert re.search(rf"\b{part}\b", code), (file, name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_single_definitions_are_in_their_files(language):
    text = text_of(language)
    items = re.findall(r"^- (.*?)(?=^- |\n\n)", text[text.index("`models/") :], re.M | re.S)
    found = 0
    for item in items:
        files = re.findall(r"`([\w/]+\.py)`", item)
        code = "".join((PACKAGE / file).read_text("utf-8") for file in files)
        for name in re.findall(r"`(\w+)`", item):
            assert re.search(rf"^ *(class|def) {name}\b", code, re.M), (name, item)
            found += 1
    assert found > 5


def test_the_command_counts():
    text = "| `ops/conv.py` | 0 | a |\n| `tensor.py` | 99,999 | b |\n| **all 7 files** | 1 | |\n"
    counted = count_lines.with_counts(text)
    total = length("ops/conv.py") + length("tensor.py")
    assert tables(counted)[0][1] == (2, round(total, -1))
    assert [lines for _, lines, _ in tables(counted)[0][0]] == [
        round(length(file), -1) for file in ("ops/conv.py", "tensor.py")
    ]
    assert count_lines.with_counts(counted) == counted
    assert re.sub(r"[\d,]+", "", counted) == re.sub(r"[\d,]+", "", text)


# ------------------------------------------------------------------------ the way of a convolution


def steps(heading, language):
    """The numbered lines below a heading, as (file, function)."""
    section = text_of(language).split(f"### {heading}\n")[1].split("\n#")[0]
    return [
        (file, name.rpartition(".")[2])
        for file, name in re.findall(r"(?m)^1\. `([\w/]+\.py)`: `([\w.]+)`", section)
    ]


def calls_of(function):
    """All calls of functions of the package while it runs, as (file, function)."""
    calls = []

    def note(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            calls.append((path.relative_to(PACKAGE).as_posix(), frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def assert_in_order(wanted, calls):
    remaining = iter(calls)
    for step in wanted:
        assert step in remaining, f"{step} does not come, or comes before the step above it"


def test_a_convolution_goes_the_way_that_is_described():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    x = mt.randn(2, 3, 8, 8, requires_grad=True)
    with mt.kernel_tier("array"):
        forward = calls_of(lambda: layer(x).array)
        loss = layer(x).sum()
        backward = calls_of(loss.backward)
    assert len(steps("Forward", "")) > 8 and len(steps("Backward", "")) > 8
    assert_in_order(steps("Forward", ""), forward)
    assert_in_order(steps("Backward", ""), backward)
