"""The tape: what autograd recorded, as a graph that can be read, drawn and walked.

Each operation on tensors that require a gradient leaves a node. It points to the nodes that made
its inputs, and keeps what its backward will need. backward() walks these arrows from the loss.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..autograd.function import Node
from ..serialization.files import write
from ..tensor import Tensor
from .drawing import ACCENT, QUIET, RESULT, WEIGHTS
from .explanation import Explanation

# Sizes in the drawing, in pixels.
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 132, 40, 16, 26, 12
COLOURS = {"output": RESULT, "operation": QUIET, "parameter": WEIGHTS, "input": ACCENT}


def recorded_nodes(*outputs: Tensor) -> list[Node]:
    """All nodes that these tensors depend on, each once, inputs before what is made of them."""
    found: set[Node] = set()
    waiting = [each.grad_fn for each in outputs if each.grad_fn is not None]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [edge[0] for edge in node._edges if edge and isinstance(edge[0], Node)]
    return sorted(found, key=lambda node: node._number)


def saved_arrays(node: Node) -> list[tuple[Any, bool]]:
    """What the node keeps for backward: (array, whether it is a leaf's, such as a parameter's)."""
    # What a checkpoint will compute again, or a hook has packed, has no array here.
    return [
        (each.array, each.leaf is not None)
        for each in node._saved or ()
        if each is not None and hasattr(each, "array")
    ]


class Entry(NamedTuple):
    """A box of the graph: an operation, a leaf (parameter or input), or the output."""

    key: int
    kind: str  # "output", "operation", "parameter" or "input"
    title: str
    detail: str
    saved_bytes: int
    inputs: tuple[int, ...]  # the keys of what the arrows point to


def tape(output: Tensor, model: nn.Module | None = None) -> Tape:
    """The graph that autograd recorded for `output`.

    model: gives the parameters their names. Raises ValueError if nothing was recorded.

    >>> import minitorch_cnn as mt
    >>> w = mt.tensor([2.0], requires_grad=True)
    >>> print(tape((w * 3).exp()))
    output   [1]
    #2 Exp   [1] saves 4 bytes <- #1
    #1 Mul   [1] <- #0
    #0 input   [1]
    3 boxes and the output; 4 bytes are kept for backward
    """
    if output.grad_fn is None:
        raise ValueError(
            "nothing was recorded for this tensor: compute it outside no_grad() from a tensor "
            "that requires a gradient"
        )
    return Tape(output, model)


class Tape(Explanation):
    """Made by `tape`: entries, from the inputs to the output. `dot`, `svg` and `text` show them."""

    def __init__(self, output: Tensor, model: nn.Module | None) -> None:
        names = {} if model is None else {p: name for name, p in model.named_parameters()}
        keys: dict[Any, int] = {}
        entries: list[Entry] = []
        seen: set[int] = set()  # memory that is already counted
        self.saved_bytes = 0
        for node in recorded_nodes(output):
            inputs = []
            source: Any
            for source, _ in filter(None, node._edges):
                if source not in keys:
                    keys[source] = len(entries)
                    kind = "parameter" if isinstance(source, nn.Parameter) else "input"
                    name = names.get(source, kind)
                    entries.append(Entry(keys[source], kind, name, _shape(source), 0, ()))
                inputs.append(keys[source])
            saved = 0
            for array, is_leaf in saved_arrays(node):
                memory = memory_of(array)
                if not is_leaf and memory not in seen:
                    seen.add(memory)
                    saved += array.nbytes
            self.saved_bytes += saved
            keys[node] = len(entries)
            title = node._function.__name__.removesuffix("Function")
            shape = str(list(node._outputs_meta[0][0]))
            entries.append(Entry(keys[node], "operation", title, shape, saved, tuple(inputs)))
        last = (keys[output.grad_fn],)
        entries.append(Entry(len(entries), "output", "output", _shape(output), 0, last))
        self.entries = entries

    def text(self) -> str:
        lines = []
        for entry in reversed(self.entries):
            saved = f" saves {entry.saved_bytes:,} bytes" if entry.saved_bytes else ""
            arrows = ", ".join(f"#{key}" for key in entry.inputs)
            name = entry.title if entry.kind == "output" else f"#{entry.key} {entry.title}"
            arrows = f" <- {arrows}" if arrows and entry.kind != "output" else ""
            lines.append(f"{name}   {entry.detail}{saved}{arrows}")
        lines.append(
            f"{len(self.entries) - 1} boxes and the output; "
            f"{self.saved_bytes:,} bytes are kept for backward"
        )
        return "\n".join(lines)

    def dot(self) -> str:
        """The graph in Graphviz's language: ``dot -Tsvg tape.dot``."""
        lines = ["digraph tape {", "  rankdir=BT; node [shape=box, style=filled, fontsize=10];"]
        for entry in self.entries:
            label = f"{entry.title}\\n{entry.detail}".replace('"', '\\"')
            colour = COLOURS[entry.kind]
            lines.append(
                f'  n{entry.key} [label="{label}", fillcolor="{colour}33", color="{colour}"];'
            )
        for entry in self.entries:
            lines += [f"  n{entry.key} -> n{source};" for source in entry.inputs]
        return "\n".join([*lines, "}", ""])

    def layout(self) -> dict[int, tuple[float, int]]:
        """key -> (column, level): inputs on the highest levels, the output on level 0.

        The level is the longest way from the output. On each level the boxes stand in the order
        of the middle of the boxes that they feed, which keeps arrows short.
        """
        level = {entry.key: 0 for entry in self.entries}
        users: dict[int, list[int]] = {entry.key: [] for entry in self.entries}
        for entry in reversed(self.entries):  # users before what they use
            for source in entry.inputs:
                level[source] = max(level[source], level[entry.key] + 1)
                users[source].append(entry.key)
        for entry in self.entries:
            # A leaf stands just above the first operation that uses it.
            if not entry.inputs and users[entry.key]:
                level[entry.key] = min(level[user] for user in users[entry.key]) + 1
        column: dict[int, float] = {}
        for depth in range(max(level.values()) + 1):
            here = [key for key in level if level[key] == depth]
            wished = {
                key: float(np.mean([column[u] for u in users[key] if u in column] or [0.0]))
                for key in here
            }
            here.sort(key=lambda key: (wished[key], key))
            middle = np.mean([wished[key] for key in here])
            for place, key in enumerate(here):
                column[key] = float(middle + place - (len(here) - 1) / 2)
        return {key: (column[key], level[key]) for key in level}

    def svg(self) -> str:
        """The graph as an SVG picture, drawn without Graphviz; backward runs along the arrows."""
        layout = self.layout()
        left = min(column for column, _ in layout.values())
        right = max(column for column, _ in layout.values())
        depth = max(level for _, level in layout.values())
        width = (right - left + 1) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN
        height = (depth + 1) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN

        def corner(key: int) -> tuple[float, float]:
            column, level = layout[key]
            return (
                MARGIN + (column - left) * (BOX_WIDTH + GAP_X),
                MARGIN + level * (BOX_HEIGHT + GAP_Y),
            )

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" '
            'text-anchor="middle" role="img" aria-label="the tape of autograd">',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        ]
        for entry in self.entries:
            x, y = corner(entry.key)
            start_x, start_y = x + BOX_WIDTH / 2, y + BOX_HEIGHT
            for source in entry.inputs:
                end_x, end_y = corner(source)
                end_x += BOX_WIDTH / 2
                bend = (end_y - start_y) / 2
                parts.append(
                    f'<path d="M{start_x:.1f} {start_y:.1f}C{start_x:.1f} {start_y + bend:.1f} '
                    f'{end_x:.1f} {end_y - bend:.1f} {end_x:.1f} {end_y:.1f}" fill="none" '
                    'stroke="#555" marker-end="url(#head)"/>'
                )
        for entry in self.entries:
            x, y = corner(entry.key)
            colour = COLOURS[entry.kind]
            title = entry.title if len(entry.title) < 20 else "…" + entry.title[-18:]
            parts.append(
                f"<g><title>{escape(entry.title)} {escape(entry.detail)}, saves "
                f'{entry.saved_bytes:,} bytes</title><rect x="{x:.1f}" y="{y:.1f}" rx="5" '
                f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" fill="white" stroke="{colour}" '
                f'stroke-width="2"/><text x="{x + BOX_WIDTH / 2:.1f}" y="{y + 17:.1f}" '
                f'font-size="12" fill="{colour}" font-weight="bold">{escape(title)}</text>'
                f'<text x="{x + BOX_WIDTH / 2:.1f}" y="{y + 32:.1f}" font-size="10" fill="#333">'
                f"{escape(entry.detail)}</text></g>"
            )
        return "\n".join([*parts, "</svg>", ""])

    def save(self, path: str | os.PathLike) -> None:
        """Writes the graph: .svg, or .dot for Graphviz. Raises ValueError for other names."""
        path = Path(path)
        if path.suffix not in (".svg", ".dot"):
            raise ValueError(f"a tape is written as .svg or .dot, got {path.name}")
        text = self.svg() if path.suffix == ".svg" else self.dot()
        write(path, lambda file: file.write(text.encode()))

    def _repr_svg_(self) -> str:
        return self.svg()


def memory_of(array: Any) -> int:
    """A number for the block of memory that an array is a view of: equal for views of one."""
    while getattr(array, "base", None) is not None and hasattr(array.base, "nbytes"):
        array = array.base
    return id(array)


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))
