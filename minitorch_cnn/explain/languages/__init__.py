"""The explain commands in other languages: --lang ko.

The tools speak English. What they say is looked up, sentence by sentence, in the catalogue of a
language (ko.py): so the tools know nothing of languages, and a translator changes one file. What a
catalogue lacks stays English; a test runs the commands and finds it.
"""

from __future__ import annotations

import functools
import importlib
import re
import unicodedata
from typing import Any

from ..explanation import Explanation

LANGUAGES = ("en", "ko")
# Fonts with Korean letters, the usual ones first; otherwise any that has them.
KOREAN_FONTS = (
    "Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "AppleGothic", "Malgun Gothic",
    "NanumGothic", "NanumBarunGothic", "UnDotum", "Baekmuk Gulim",
)  # fmt: skip


class Translated(Explanation):
    """An explanation in another language."""

    def __init__(self, original: Explanation, language: str) -> None:
        self.original, self.language = original, language

    def text(self) -> str:
        return translated(self.original.text(), self.language)

    def figure(self) -> Any:
        """The figure with its texts replaced. Raises LookupError without a font for them."""
        figure = self.original.figure()
        font = korean_font()
        from matplotlib.text import Text

        # Ticks write their texts when the figure is drawn; these are numbers, or were set by hand.
        figure.draw_without_rendering()
        for artist in figure.findobj(Text):
            before = artist.get_text()
            after = said(before, self.language)
            if after != before:
                artist.set_text(after)
                artist.set_fontfamily([font, *_usual_fonts()])
        for axes in figure.axes:
            _keep_ticks(axes, self.language, font)
        return figure

    def save(self, path: Any) -> None:
        if type(self.original).save is not Explanation.save:
            self.original.save(path)  # a picture of another kind, of names and numbers
        else:
            super().save(path)


def in_language(explanation: Explanation, language: str) -> Explanation:
    """The same explanation in one of LANGUAGES.

    Raises ValueError for another language.

    >>> from minitorch_cnn import explain
    >>> print(in_language(explain.gradient_flow(2, images=1), "ko").text().split("\\n")[0])
    합성곱 2개짜리 신경망에서 가중치 그래디언트의 길이
    """
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    return explanation if language == "en" else Translated(explanation, language)


def translated(text: str, language: str) -> str:
    """A text, line by line; columns of tables stay below each other.

    >>> translated("  their sum: 1.5", "ko"), translated("as it was", "ko")
    ('  합: 1.5', 'as it was')
    """
    if language == "en":
        return text
    lines = text.split("\n")
    result = []
    n = 0
    while n < len(lines):
        pair = [line.strip() for line in lines[n : n + 2]]
        alone = [_whole(line, language) is not None for line in pair]
        # A sentence may go on in the next line: what is cut says nothing by itself.
        if not alone[0] and "  " not in pair[0] and (pair[0][-1:] == ":" or alone == [False] * 2):
            sentence = _whole(" ".join(pair), language)
            if sentence is not None:
                result.append(sentence)
                n += 2
                continue
        result.append(_line(lines[n], lines[max(n - 1, 0) : n] + lines[n + 1 : n + 2], language))
        n += 1
    return "\n".join(result)


@functools.cache
def _catalogue(language: str) -> list[tuple[re.Pattern[str], str]]:
    """The sentences of a language as patterns, with their translations."""
    module = importlib.import_module(f".{language}", __package__)
    patterns = []
    for source, target in module.TEXTS.items():
        pieces = re.split(r"\{(\d)\}", source)
        pattern = "".join(
            f"(?P<v{piece}>.+?)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces)
        )
        patterns.append((re.compile(pattern, re.DOTALL), target))
    return patterns


def _whole(text: str, language: str) -> str | None:
    """The translation of a sentence, None if there is none. Its values are translated, too."""
    for pattern, target in _catalogue(language):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        values = {
            name[1:]: _whole(value, language) or value for name, value in match.groupdict().items()
        }
        return re.sub(r"\{(\d)\}", lambda found, known=values: known[found[1]], target)  # type: ignore[misc]
    return None


def said(text: str, language: str) -> str:
    """A sentence of a picture, which may go on in the next line."""
    return _whole(text, language) or translated(text, language)


CELL = re.compile(r"\S+(?: \S+)*")


def _line(line: str, neighbours: list[str], language: str) -> str:
    inner = line.strip()
    if not inner:
        return line
    # Spaces within are columns: then cell by cell, unless the catalogue has the line as it is.
    whole = _whole(inner, language) if "  " not in inner else _exact(inner, language)
    if whole is not None:
        return line[: len(line) - len(line.lstrip())] + whole
    around = [cell for each in neighbours for cell in CELL.finditer(each)]
    result = ""
    for cell in CELL.finditer(line):
        text = _whole(cell[0], language) or cell[0]
        # A column begins or ends together, as the lines above and below show.
        begin = sum(each.start() == cell.start() for each in around)
        end = sum(each.end() == cell.end() for each in around)
        left = begin > end or (begin == end and not result)
        start = cell.start() if left else cell.end() - width(text)
        gap = 2 if result else 0
        result += " " * max(start - width(result), gap) + text
    return result


def _exact(inner: str, language: str) -> str | None:
    """A line that has columns itself, such as "cols     1024 x 27: a row for each ..."."""
    found = _whole(inner, language)
    return found if found is not None and re.search(r"[:;=] ", inner) else None


def width(text: str) -> int:
    """The columns of a terminal that a text takes: a Korean letter takes two.

    >>> width("합: 1"), width("sum")
    (5, 3)
    """
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# ---------------------------------------------------------------------------------------- fonts


@functools.cache
def korean_font() -> str:
    """The name of an installed font that has Korean letters.

    Raises LookupError if there is none, and says what to install.
    """
    from matplotlib import font_manager

    known = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    for name in (*KOREAN_FONTS, *known):
        if name in known and _has_korean(known[name]):
            return name
    # matplotlib remembers the fonts of its first start: look for those installed since.
    seen = set(known.values())
    for path in sorted(font_manager.findSystemFonts()):
        if path not in seen and _has_korean(path):
            font_manager.fontManager.addfont(path)
            return font_manager.get_font(path).family_name
    raise LookupError(
        "no installed font has Korean letters. Install one: apt-get install fonts-nanum (Debian, "
        "Ubuntu), dnf install google-noto-sans-cjk-fonts (Fedora), pacman -S noto-fonts-cjk "
        "(Arch); Windows and macOS have one. Or draw with --lang en"
    )


def _has_korean(path: str) -> bool:
    from matplotlib.ft2font import FT2Font

    try:
        glyphs = [FT2Font(path).get_char_index(ord(letter)) for letter in "가나"]
    except (RuntimeError, OSError):  # not a font that it can read
        return False
    # matplotlib's font of last resort has one box for all letters of an alphabet.
    return 0 not in glyphs and glyphs[0] != glyphs[1]


def _usual_fonts() -> list[str]:
    from matplotlib import rcParams

    return list(rcParams["font.family"])


def _keep_ticks(axes: Any, language: str, font: str) -> None:
    """Ticks are written anew at each drawing: words on them are set as they are to stay."""
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        words = [_whole(label, language) for label in labels]
        if any(words):
            kept = [word or label for word, label in zip(words, labels, strict=True)]
            axis.set_ticks(axis.get_ticklocs(), kept)
            for label in axis.get_ticklabels():
                label.set_fontfamily([font, *_usual_fonts()])
