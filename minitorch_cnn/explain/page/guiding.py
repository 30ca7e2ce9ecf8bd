"""Guided tours of the page: those that come along, in tours/, and a teacher's own.

A tour is a JSON file; docs/page.md describes it. It is checked when it is read, so that a mistake
is a sentence about a field and not a page that does not work. What its words mean is in tours.js.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TOURS = ("pixel", "im2col", "backward", "stride-and-padding", "residuals")  # in this order
LANGUAGES = ("en", "ko")
KINDS = (
    "layer", "convolution", "strided convolution", "padded convolution", "pointwise convolution",
    "grouped convolution", "transposed convolution", "batch norm", "normalisation", "ReLU",
    "activation", "max pooling", "average pooling", "linear", "join", "concatenation", "softmax",
)  # fmt: skip
ORDINALS = ("first", "second", "third", "last")
ARMS = ("input of ", "fork of ")
VIEWS = ("forward", "backward", "columns", "columns-backward", "lab", "lab-backward")
PIXELS = ("lively", "largest", "middle", "corner")
LOOKS = (
    "answer", "network", "number", "maps", "products", "sums", "formula", "check", "columns",
    "detail", "col2im", "lab", "arriving", "input", "weights", "predict",
)  # fmt: skip
# What may stand in braces in a text.
VALUES = (
    "network", "answer", "probability", "layers", "layer", "kind", "source", "shape", "input_shape",
    "map", "row", "column", "maps", "value", "gradient", "input_value", "gradient_size", "parts",
    "arms", "readers", "all", "open", "arriving", "stride", "kernel", "area", "channels", "filters",
    "products", "padding", "dilation", "rows", "columns", "cells", "pixels", "times", "bias",
    "uses", "x", "w", "product", "channel_sum", "others", "inside",
)  # fmt: skip


def read_tours(own: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Tours of one's own, then those of the package that have other names.

    own: JSON files, or what they hold. Raises FileNotFoundError for a file that is not there,
    ValueError or TypeError for a mistake in a tour, with the field that is wrong.

    >>> [tour["name"] for tour in read_tours()][:2]
    ['pixel', 'im2col']
    >>> read_tours([{"name": "mine", "title": "Mine", "steps": [{"text": "{valeu}"}]}])
    Traceback (most recent call last):
        ...
    ValueError: tour mine: steps[0].text has {valeu}; did you mean {value}?
    """
    if isinstance(own, str | os.PathLike | dict):
        raise TypeError(f"tours is a list of files or tours, got {own!r:.60}; write tours=[...]")
    tours = [_read(each) for each in own]
    names = [tour["name"] for tour in tours]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"two tours are called {twice[0]!r}; the address needs different names")
    folder = importlib.resources.files(__package__) / "tours"
    for name in TOURS:
        if name not in names:
            tours.append(_read(folder / f"{name}.json"))
    return tours


def _read(tour: Any) -> dict[str, Any]:
    """One tour, checked."""
    if isinstance(tour, dict):
        check_tour(tour, f"tour {tour.get('name', '')}".strip())
        return tour
    if isinstance(tour, str | os.PathLike):
        tour = Path(tour)
    if not hasattr(tour, "read_text"):
        raise TypeError(f"a tour is a JSON file or a dict, got {tour!r:.60}")
    where = f"tour {tour.name}"
    try:
        found = json.loads(tour.read_text("utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no tour {tour}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is not UTF-8: {error}") from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{where} is no JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        ) from error
    check_tour(found, where)
    return found


def check_tour(tour: Any, where: str) -> None:
    """Raises ValueError for a tour that the page would not understand, and says which field."""
    _fields(tour, where, needed=("name", "title", "steps"), allowed=("needs",))
    name, steps = tour["name"], tour["steps"]
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
        raise ValueError(f"{where}: name is {name!r}; it is letters, digits and hyphens")
    _text(tour["title"], f"{where}: title", braces=False)
    if "needs" in tour:
        _layer(tour["needs"], f"{where}: needs")
    if not isinstance(steps, list) or not steps:
        raise ValueError(f"{where}: steps is {steps!r:.60}; it is a list of steps, at least one")
    allowed = {"layer": _layer, "pixel": _pixel, "view": _one_of(VIEWS), "look": _one_of(LOOKS)}
    for number, step in enumerate(steps):
        place = f"{where}: steps[{number}]"
        _fields(step, place, needed=("text",), allowed=(*allowed, "predict"))
        for field, check in allowed.items():
            if field in step:
                check(step[field], f"{place}.{field}")
        if not isinstance(step.get("predict", False), bool):
            raise ValueError(f"{place}.predict is {step['predict']!r}; it is true or false")
        _text(step["text"], f"{place}.text")


def _fields(found: Any, where: str, needed: Sequence[str], allowed: Sequence[str]) -> None:
    if not isinstance(found, dict):
        raise ValueError(f'{where} is {found!r:.60}; it is an object, {{"{needed[0]}": ...}}')
    for field in needed:
        if field not in found:
            raise ValueError(f"{where} has no {field!r}")
    for field in found:
        if field not in (*needed, *allowed):
            known = (*needed, *allowed)
            raise ValueError(f"{where} has an unknown field {field!r}{_near(field, known)}")


def _near(word: str, known: Sequence[str], form: str = "{}") -> str:
    """What was meant, if it is a slip, else all that can be."""
    import difflib

    near = difflib.get_close_matches(word, known, 1)
    if near:
        return f"; did you mean {form.format(near[0])}?"
    return f"; there are {', '.join(known)}" if known else ""


def _text(text: Any, where: str, braces: bool = True) -> None:
    """A sentence, or one for each language."""
    texts = text if isinstance(text, dict) else {"": text}
    for language, sentence in texts.items():
        own = f"{where}.{language}" if language else where
        if language not in ("", *LANGUAGES):
            raise ValueError(f"{own} is in {language!r}; the page has {', '.join(LANGUAGES)}")
        if not isinstance(sentence, str) or not sentence.strip():
            raise ValueError(f"{own} is {sentence!r:.60}; it is a sentence")
        for value in re.findall(r"\{(.*?)\}", sentence):
            if not braces or value not in VALUES:
                form = "{{{}}}"
                hint = _near(value, VALUES, form) if braces else "; a title has no numbers"
                raise ValueError(f"{own} has {form.format(value)}{hint}")
    if not texts:
        raise ValueError(f"{where} is empty")


def _one_of(known: Sequence[str]) -> Callable[[Any, str], None]:
    def check(found: Any, where: str) -> None:
        if found not in known:
            raise ValueError(f"{where} is {found!r}{_near(str(found), known)}")

    return check


def _pixel(pixel: Any, where: str) -> None:
    if isinstance(pixel, list):
        whole = [isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in pixel]
        if len(pixel) != 3 or not all(whole):
            raise ValueError(f"{where} is {pixel!r}; as numbers it is [map, row, column]")
        return
    _one_of(PIXELS)(pixel, where)


def _layer(layer: Any, where: str) -> None:
    if isinstance(layer, dict):
        _fields(layer, where, needed=("name",), allowed=())
        if not isinstance(layer["name"], str):
            raise ValueError(f"{where}.name is {layer['name']!r}; it is a layer's name")
        return
    example = 'as "first convolution", "input of last linear", "input" or "scores"'
    if not isinstance(layer, str):
        raise ValueError(f'{where} is {layer!r}; it is {example}, or {{"name": "conv1"}}')
    if layer in ("input", "scores"):
        return
    arm = next((arm for arm in ARMS if layer.startswith(arm)), "")
    ordinal, _, kind = layer.removeprefix(arm).partition(" ")
    if ordinal not in ORDINALS:
        raise ValueError(
            f"{where} is {layer!r}; it begins with {', '.join(ORDINALS)}, {example}; "
            'a layer of one network by its name is {"name": "conv1"}'
        )
    if kind not in KINDS:
        raise ValueError(f"{where} is {layer!r}: no kind {kind!r}{_near(kind, KINDS)}")
