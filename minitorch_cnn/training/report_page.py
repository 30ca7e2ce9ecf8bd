"""The parts of a run's report, as HTML text; report.py puts them into a file."""

from __future__ import annotations

import datetime
import json
import platform
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..config import config_text
from ..explain import (
    Calibration,
    ConfusionMatrix,
    Curves,
    Trained,
    filters,
    grad_cam,
    summary,
    worst_mistakes,
)
from ..explain.features import SHOWN
from ..kernels import kernel_tier
from .markup import (
    Column,
    Share,
    details,
    escape,
    page,
    paragraph,
    picture,
    ramp,
    section,
    table,
)
from .svg import Line, chart

MANY = 20  # classes: more are a picture instead of a table of numbers
HEAT = ["#000004", "#56106e", "#bb3754", "#f98c0a", "#fcffa4"]
SIGNED = ["#2166ac", "#f7f7f7", "#b2182b"]


def with_channels(pixels: Any) -> np.ndarray:
    """A picture (H, W) or (H, W, C) as (H, W, C)."""
    pixels = np.asarray(pixels)
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


class Results(NamedTuple):
    """A trained network and what it says of its test images."""

    trained: Trained
    pictures: Any  # pictures[n]: uint8 (H, W) or (H, W, C)
    probabilities: np.ndarray  # (N, classes)
    true: np.ndarray  # (N,)

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    def picture(self, number: int) -> np.ndarray:
        """Of one test image, uint8 (H, W, C)."""
        return with_channels(self.pictures[number])

    def percent(self, number: int, label: int) -> str:
        """The probability of a class, as text."""
        return f"{100 * self.probabilities[number, label]:.1f}\xa0%"


def report_html(results: Results, epoch: int | None, command: str) -> str:
    """The report as text; see `write_report`."""
    trained = results.trained
    matrix = ConfusionMatrix(results.predicted, results.true, trained.classes)
    arch = trained.config.get("arch", type(trained.model).__name__)
    data = trained.config.get("dataset", "test images")
    title = f"{arch} on {data}: {matrix.accuracy:.2f} %"
    parts = {
        "curves": ("Training", _curves(trained, epoch)),
        "confusion": ("Which classes are mistaken for which", _confusion(matrix)),
        "classes": ("Class by class", _classes(matrix)),
        "mistakes": ("The worst mistakes", _mistakes(results)),
        "calibration": ("Is it as sure as it is right?", _calibration(results)),
        "filters": ("What the first layer looks for", _filters(trained)),
        "grad-cam": ("Where it looked", _grad_cam(results)),
        "layers": ("Layers", _layers(trained)),
        "settings": ("Settings and versions", _settings(trained)),
    }
    links = [f'<a href="#{name}">{escape(heading)}</a>' for name, (heading, _) in parts.items()]
    content = [
        f"<header><h1>{escape(title)}</h1>",
        _headline(results, matrix),
        _repeat(command),
        f'<nav aria-label="parts of this page">{"".join(links)}</nav></header><main>',
        *(section(name, heading, text) for name, (heading, text) in parts.items()),
        "</main>",
    ]
    return page(title, "\n".join(content))


def _headline(results: Results, matrix: ConfusionMatrix) -> str:
    own = results.probabilities[np.arange(len(results.true)), results.true]
    figures = [("test accuracy", f"{matrix.accuracy:.2f} %")]
    if len(matrix.classes) > 10:
        above = (results.probabilities > own[:, np.newaxis]).sum(axis=1)
        figures.append(("among the first five", f"{100 * float((above < 5).mean()):.2f} %"))
    parameters = sum(parameter.numel() for parameter in results.trained.model.parameters())
    loss = float(-np.log(np.maximum(own, np.finfo(float).tiny)).mean())
    figures += [
        ("test loss (cross-entropy)", f"{loss:.4f}"),
        ("test images", f"{len(results.true):,}"),
        ("classes", f"{len(matrix.classes)}"),
        ("parameters", f"{parameters:,}"),
        ("epochs", f"{len(results.trained.rows)}"),
    ]
    items = [f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures]
    return f'<dl class="figures">{"".join(items)}</dl>'


def _repeat(command: str) -> str:
    if not command:
        return ""
    # A line may end before an option, and not within one.
    parts = [f"<span>{escape(part)}</span>" for part in re.split(" (?=--)", command)]
    return f"{paragraph('The run can be repeated by')}<pre><code>{' '.join(parts)}</code></pre>"


def _curves(trained: Trained, epoch: int | None) -> str:
    rows = trained.rows
    if not rows:
        return paragraph("There is no finished epoch.")
    curves = Curves(rows, trained.rates, trained.config.get("augment", False))
    epochs = [row["epoch"] for row in rows]
    train = f"training{' (augmented)' if curves.augmented else ''}"
    shown = []
    for what, unit in (("loss", ""), ("accuracy", "%")):
        lines = [
            Line(name, name, epochs, [row[f"{name}_{what}"] for row in rows])
            for name in ("train", "test")
        ]
        start, end = lines[1].ys[0], lines[1].ys[-1]
        label = f"{what} by epoch: on the test images from {start:.4g}{unit} to {end:.4g}{unit}"
        keys = f'<span class="key">{train}</span><span class="key key-test">test</span>'
        title = f"{what}{' (%)' if unit else ''}"
        shown.append(_chart(title, keys, chart(lines, label, "epoch", unit, whole=True)))
    steps, rates = curves.rate_points()
    label = f"{curves.rate_title()}: {rates[0]:.4g} to {rates[-1]:.4g}, at most {max(rates):.4g}"
    rate = chart([Line("learning rate", "rate", steps, rates)], label, "epochs done", "")
    shown.append(_chart(curves.rate_title(), "", rate))
    best, last = max(rows, key=lambda row: row["test_accuracy"]), rows[-1]
    text = (
        f"The test accuracy was highest after epoch {best['epoch']}: {best['test_accuracy']:.2f} %."
    )
    if last is not best:
        text += f" After the last one, {last['epoch']}, it was {last['test_accuracy']:.2f} %."
    if epoch is not None:
        text += f" This page is about the network after epoch {epoch}."
        if epoch == best["epoch"] and len(rows) > 1:
            text += " It was chosen by these very test images, which makes it look a little better."
    numbers = table(
        "Loss, accuracy and learning rate after each epoch",
        [Column("epoch", False), *(Column(name.replace("_", " ")) for name in list(rows[0])[1:])],
        [[str(row["epoch"]), *(row[name] for name in list(rows[0])[1:])] for row in rows],
    )
    charts = f'<div class="charts">{"".join(shown)}</div>'
    return paragraph(text) + charts + details("All numbers", numbers)


def _chart(title: str, keys: str, drawing: str) -> str:
    return f"<figure><figcaption><b>{title}</b>{keys}</figcaption>{drawing}</figure>"


def _confusion(matrix: ConfusionMatrix) -> str:
    many = len(matrix.classes) > MANY
    pairs = table(
        "The most frequent mistakes",
        [Column("is", False), Column("was called", False), Column("times"), Column("of the class")],
        [
            [
                matrix.classes[each.true],
                matrix.classes[each.predicted],
                each.times,
                Share(each.times / int(matrix.matrix[each.true].sum())),
            ]
            for each in matrix.confusions(20 if many else 10)
        ],
    )
    text = (
        "Rows are what an image is, columns what the network called it. On the diagonal, in blue, "
        "it was right; orange are mistakes, the rare ones drawn stronger than their share."
    )
    if many:
        text += " Point at the picture, or go through it with the arrow keys."
    drawn = _confusion_map(matrix) if many else _confusion_table(matrix)
    return f'{paragraph(text)}<div class="side-by-side">{drawn}{pairs}</div>'


def _strength(matrix: ConfusionMatrix) -> np.ndarray:
    """How strong the colour of each cell is, 0 to 1: the share of its row, mistakes by its root."""
    share = matrix.matrix / np.maximum(matrix.matrix.sum(axis=1, keepdims=True), 1)
    return np.where(np.eye(len(share), dtype=bool), share, np.sqrt(share))


def _confusion_table(matrix: ConfusionMatrix) -> str:
    strength, classes = _strength(matrix), [escape(name) for name in matrix.classes]
    rows = []
    for row, name in enumerate(classes):
        cells = [f'<th scope="row">{name}</th>']
        for column, count in enumerate(matrix.matrix[row]):
            kind = "right" if row == column else "wrong"
            if strength[row, column] > (0.7 if row == column else 0.9):  # white letters
                kind += " strong"
            cells.append(
                f'<td class="{kind}" style="--p:{strength[row, column]:.2f}" '
                f'title="{name}, called {classes[column]}">{count if count else ""}</td>'
            )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    heads = "".join(f'<th scope="col">{name}</th>' for name in classes)
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="confusion matrix">'
        '<table class="confusion"><caption>Confusion matrix, in images</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _confusion_map(matrix: ConfusionMatrix) -> str:
    count = len(matrix.classes)
    pixels = np.zeros((count, count, 4), np.uint8)
    pixels[...] = (226, 112, 30, 0)
    pixels[np.arange(count), np.arange(count), :3] = (62, 124, 176)
    pixels[..., 3] = 255 * _strength(matrix)
    data = json.dumps({"classes": matrix.classes, "matrix": matrix.matrix.tolist()})
    image = picture(pixels, f"confusion matrix of {count} classes", width=560)
    return (
        '<div class="map" tabindex="0" role="group" aria-label="confusion matrix: arrow keys lead '
        f'from cell to cell">{image}<output aria-live="polite"></output>'
        # In a script only "</script" and "<!--" could end the data: no "<" at all is safe.
        f'<script type="application/json">{data.replace("<", chr(92) + "u003c")}</script></div>'
    )


def _classes(matrix: ConfusionMatrix) -> str:
    rows = sorted(matrix.per_class(), key=lambda row: row.f1)
    columns = ["class", "images", "precision", "recall", "F1"]
    text = (
        "The weakest class first. Precision: of the images called so, how many are. Recall: of the "
        "images of the class, how many were recognised. F1 is the harmonic mean of both."
    )
    numbers = table(
        "Precision, recall and F1 of each class",
        [Column(name, number > 0) for number, name in enumerate(columns)],
        [
            [row.name, row.images, Share(row.precision), Share(row.recall), Share(row.f1)]
            for row in rows
        ],
        sortable=True,
    )
    return paragraph(text) + numbers


def _mistakes(results: Results) -> str:
    worst = worst_mistakes(results.probabilities, results.true)
    if not len(worst):
        return paragraph("There are none.")
    items = []
    for number in worst.tolist():
        said, true = int(results.predicted[number]), int(results.true[number])
        said_name, true_name = results.trained.classes[said], results.trained.classes[true]
        image = picture(results.picture(number), f"test image {number}, a {true_name}", width=112)
        items.append(
            f'<li>{image}<p><span class="wrong">{escape(said_name)} '
            f'{results.percent(number, said)}</span><br><span class="true">is '
            f"{escape(true_name)} ({results.percent(number, true)})</span></p></li>"
        )
    wrong = int((results.predicted != results.true).sum())
    text = (
        f"Of {wrong:,} mistakes, those of which the network was most sure: what it said with which "
        "probability, and what the image is. Some may be labels that are wrong."
    )
    return f'{paragraph(text)}<ul class="pictures">{"".join(items)}</ul>'


def _calibration(results: Results) -> str:
    found = Calibration(results.probabilities, results.true)
    said = [100 * each.said for each in found.bins]
    right = [100 * each.right for each in found.bins]
    mean_said = 100 * float(results.probabilities.max(axis=1).mean())
    mean_right = 100 * float((results.predicted == results.true).mean())
    text = (
        f"On average the network gives its answer a probability of {mean_said:.1f} %, and "
        f"{mean_right:.1f} % of the answers are right. Over groups of equally sure answers the two "
        f"differ by {100 * found.error:.1f} % on average (expected calibration error)."
    )
    lines = [
        Line("as sure as right", "even", [0, 100], [0, 100]),
        Line("the network", "test", said, right),
    ]
    keys = '<span class="key key-test">network</span><span class="key key-even">ideal</span>'
    drawing = chart(lines, text, "% sure", "% right", square=True)
    numbers = table(
        "How sure, and how often right",
        [Column("sure", False), Column("images"), Column("mean"), Column("right")],
        [
            [
                f"{100 * each.low:.0f} to {100 * each.high:.0f} %",
                each.images,
                Share(each.said),
                Share(each.right),
            ]
            for each in found.bins
        ],
    )
    charts = f'<div class="charts">{_chart("right (%), by how sure", keys, drawing)}</div>'
    return f'{paragraph(text)}<div class="side-by-side">{charts}{numbers}</div>'


def _filters(trained: Trained) -> str:
    try:
        found = filters(trained.model)
    except ValueError as error:  # a network without convolutions
        return paragraph(f"There are no filters to show: {error}.")
    images = found.images[:SHOWN]
    if found.signed:
        scale = max(float(np.abs(images).max()), 1e-12)
        pixels = ramp(0.5 + images / (2 * scale), SIGNED)
    else:
        pixels = (255 * images + 0.5).astype(np.uint8)
    drawn = "".join(picture(each, "", width=44) for each in pixels)
    text = f"The {found.title}: {found.note}."
    label = escape(f"{len(images)} filters")
    return f'{paragraph(text)}<div class="filters" role="img" aria-label="{label}">{drawn}</div>'


def _grad_cam(results: Results) -> str:
    """Four right answers of different classes, and the four worst mistakes."""
    model, right = results.trained.model, results.predicted == results.true
    first: dict[int, int] = {}
    for number in np.flatnonzero(right).tolist():
        first.setdefault(int(results.true[number]), number)
    worst = worst_mistakes(results.probabilities, results.true, 4).tolist()
    items, note = [], ""
    for number in [*list(first.values())[:4], *worst]:
        pixels = results.picture(number)
        try:
            x = results.trained.normalize(pixels[np.newaxis])
            with kernel_tier("array"):  # one image: nothing to compile kernels for
                heatmap = grad_cam(model, x, target=int(results.predicted[number]))
        except ValueError as error:
            return paragraph(f"There is no Grad-CAM of this network: {error}.")
        note = heatmap.note
        values = heatmap.values / max(float(heatmap.values.max()), 1e-12)
        heat = ramp(values, HEAT).astype(float)
        over = (0.45 * pixels + 0.55 * heat).astype(np.uint8)
        said = results.trained.classes[heatmap.target]
        true = results.trained.classes[int(results.true[number])]
        told = f"{said} {results.percent(number, heatmap.target)}"
        is_what = "" if said == true else f'<br><span class="true">is {escape(true)}</span>'
        kind = "right" if said == true else "wrong"
        items.append(
            f'<li class="cam"><div class="pair">{picture(pixels, f"a {true}", width=104)}'
            f"{picture(over, f'heatmap for {said}', width=104)}</div>"
            f'<p><span class="{kind}">{escape(told)}</span>{is_what}</p></li>'
        )
    text = (
        "Grad-CAM: the brighter a place, the more it speaks for what the network said. Some right "
        f"answers, then the worst mistakes. {note[:1].upper()}{note[1:]}."
    )
    return f'{paragraph(text)}<ul class="pictures">{"".join(items)}</ul>'


def _layers(trained: Trained) -> str:
    with kernel_tier("array"):
        found = summary(trained.model, (1, trained.in_channels, *[trained.image_size] * 2))
    columns = [
        Column("layer", False), Column("kind", False), Column("kernel", False),
        Column("output", False), Column("parameters"), Column("mult-adds"),
        Column("of all"), Column("kept (kB)"), Column("sees", False),
    ]  # fmt: skip
    rows = [
        [
            row.name,
            row.kind,
            row.kernel,
            " x ".join(str(length) for length in row.output_shape[1:]),
            row.parameters,
            row.macs,
            Share(row.macs / max(found.macs, 1)),
            row.saved_bytes / 1e3,
            "all" if row.field is None else " x ".join(str(length) for length in row.field.size),
        ]
        for row in found.rows
    ]
    shape = " x ".join(str(length) for length in found.input_size[1:])
    text = (
        f"For one image of {shape}: {found.parameters:,} parameters, {found.macs / 1e6:,.1f} "
        f"million multiply-adds, {found.saved_bytes / 1e6:.2f} MB kept for the way back. The last "
        "column is how many pixels of the image a number of the layer depends on."
    )
    return paragraph(text) + table("Layers and their cost", columns, rows, sortable=True)


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"model name\s*: (.+)", text)
    return found[1] if found else platform.processor() or platform.machine()


def _settings(trained: Trained) -> str:
    options = [[name, str(value)] for name, value in trained.config.items() if value is not None]
    columns = [Column("option", False), Column("value", False)]
    numbers = table("Options of the run", columns, options)
    when = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    about = f"{config_text()}\nprocessor      {processor()}\nthis page      {when}"
    versions = f"<h3>This page was made by</h3><pre>{escape(about)}</pre>"
    return (details("Options", numbers) if options else "") + versions
