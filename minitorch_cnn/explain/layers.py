"""`summary`: a table of a network's layers, with what each of them costs."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..autograd.function import Node
from ..autograd.modes import enable_grad
from ..ops.creation import zeros
from ..tensor import Tensor
from .algorithms import best_time, run_layer
from .capture import layer_inputs
from .drawing import ACCENT, QUIET, RESULT, WEIGHTS, new_figure
from .explanation import Explanation
from .receptive_field import Field, fields_on_tape
from .tape import memory_of, recorded_nodes, saved_arrays


class LayerRow(NamedTuple):
    """One call of one layer without children."""

    name: str
    kind: str
    kernel: str  # "3 x 3, stride 2", empty where there is none
    output_shape: tuple[int, ...]
    parameters: int  # 0 if the layer was called before
    macs: int  # multiply-adds of convolutions and linear layers
    output_bytes: int
    saved_bytes: int  # kept for backward, in memory that no layer before it keeps
    field: Field | None  # None: the whole image
    seconds: float | None  # forward, alone; None: not measured


def summary(model: nn.Module, input_size: Sequence[int], measure: bool = False) -> Summary:
    """The layers of a network with shapes, parameters, multiply-adds, memory, receptive field.

    input_size: (N, C, H, W), or (C, H, W) for one image; (N, features) or (features,) likewise.
    measure: time each layer's forward, alone and on the input that it gets.

    Multiply-adds (MACs) are those of convolutions and linear layers, as papers count them;
    a multiply-add is two FLOPs. "saved" is what autograd keeps until backward, parameters not
    counted: where two layers keep the same memory, the first one has it. The network runs once in
    evaluation mode on zeros; its parameters, buffers and mode stay as they were.

    Raises ValueError for another number of lengths.

    >>> import minitorch_cnn as mt
    >>> print(mt.summary(mt.models.lenet5(), (1, 28, 28)))  # doctest: +ELLIPSIS
    LeNet5 for input [1, 1, 28, 28]
    ...
    61,706 parameters (61,706 trainable), 0.4 million MACs...
    """
    size = tuple(int(length) for length in input_size)
    if len(size) in (1, 3):
        size = (1, *size)
    if len(size) not in (2, 4):
        raise ValueError(
            "summary: input_size must be (N, C, H, W), (C, H, W), (N, features) or (features,), "
            f"got {tuple(input_size)}"
        )
    first = next(model.parameters(), None)
    options: dict[str, Any] = (
        {} if first is None else {"dtype": first.dtype, "device": first.device}
    )
    x = zeros(*size, **options).requires_grad_()

    calls: list[dict[str, Any]] = []
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue

        def before(module: nn.Module, inputs: tuple, name: str = name) -> None:
            given = inputs[0].grad_fn if isinstance(inputs[0], Tensor) else None
            shape = tuple(inputs[0].shape)
            calls.append({"name": name, "module": module, "input": given, "input_shape": shape})

        def after(module: nn.Module, inputs: tuple, output: Any) -> None:
            # Layers without children do not contain each other: the last call that began ends.
            call = calls[-1]
            call["output"] = output[0] if isinstance(output, tuple) else output
            call["node"] = call["output"].grad_fn

        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    training = model.training
    try:
        model.eval()
        with enable_grad():
            result = model(x)
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)

    outputs = result if isinstance(result, tuple) else (result,)
    fields = fields_on_tape(recorded_nodes(*outputs), x)
    times: list[Any] = [None] * len(calls)
    if measure:
        for place, (_, layer, given, _) in enumerate(layer_inputs(model, x.detach())):
            times[place] = best_time(partial(run_layer, layer, given), budget=0.05)[0]
    seen_memory: set[int] = set()
    seen_layers: set[nn.Module] = set()
    rows = []
    for call, seconds in zip(calls, times, strict=True):
        module, output = call["module"], call["output"]
        again = module in seen_layers
        seen_layers.add(module)
        rows.append(
            LayerRow(
                call["name"],
                type(module).__name__,
                kernel_text(module),
                tuple(output.shape),
                0 if again else sum(p.numel() for p in module.parameters()),
                macs_of(module, call["input_shape"], tuple(output.shape)),
                output.nbytes,
                _saved_bytes(call["node"], call["input"], seen_memory),
                fields.get(call["node"]),
                seconds,
            )
        )
    return Summary(model, size, rows)


def kernel_text(module: nn.Module) -> str:
    """The window of a layer in words, only what is not the default."""
    kernel: Any = getattr(module, "kernel_size", None)
    if kernel is None:
        return ""
    sizes = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    text = " x ".join(str(length) for length in sizes)
    for name, usual in (("stride", 1), ("dilation", 1), ("groups", 1)):
        value: Any = getattr(module, name, usual)
        values = {value} if isinstance(value, int) else set(value)
        if values != {usual}:
            shown = values.pop() if len(values) == 1 else tuple(value)
            text += f", {name} {shown}"
    return text


def macs_of(module: nn.Module, input_shape: tuple, output_shape: tuple) -> int:
    """Multiply-adds of one call, biases not counted: 0 for all but convolutions and linear layers.

    Each output of a convolution is a sum over one filter; each input of a transposed convolution
    is multiplied with one filter.
    """
    weight: Any = getattr(module, "weight", None)
    if isinstance(module, nn.ConvTranspose2d):
        return int(np.prod(input_shape)) * weight[0].numel()
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
        return int(np.prod(output_shape)) * weight[0].numel()
    return 0


def _saved_bytes(node: Node | None, stop: Node | None, seen: set[int]) -> int:
    """Bytes that the nodes from `node` back to `stop` keep in memory not in `seen`; adds to it."""
    waiting: list[Any] = [node]
    total, visited = 0, {stop, None}
    while waiting:
        current = waiting.pop()
        if current in visited or not isinstance(current, Node):
            continue
        visited.add(current)
        for array, is_leaf in saved_arrays(current):
            memory = memory_of(array)
            if not is_leaf and memory not in seen:
                seen.add(memory)
                total += array.nbytes
        waiting += [edge[0] for edge in current._edges if edge]
    return total


class Summary(Explanation):
    """Made by `summary`: rows, a LayerRow for each call; and the totals."""

    def __init__(self, model: nn.Module, input_size: tuple, rows: list[LayerRow]) -> None:
        self.name, self.input_size, self.rows = type(model).__name__, input_size, rows
        self.parameters = sum(p.numel() for p in model.parameters())
        self.trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.parameter_bytes = sum(p.nbytes for p in model.parameters())
        self.macs = sum(row.macs for row in rows)
        self.output_bytes = sum(row.output_bytes for row in rows)
        self.saved_bytes = sum(row.saved_bytes for row in rows)
        taken = [row.seconds for row in rows if row.seconds is not None]
        self.seconds = sum(taken) if taken else None

    def text(self, columns: int | None = None) -> str:
        """The table, as wide as the terminal; all of it where there is none.

        columns: how wide it may be. In a narrow one, names lose their beginning, and kernels,
        memory and fields are left out.
        """
        if columns is None and sys.stdout.isatty():
            columns = shutil.get_terminal_size().columns
        text = self._full_text()
        if columns is None or max(len(line) for line in text.splitlines()) <= columns:
            return text
        return self._narrow_text(columns)

    def _narrow_text(self, columns: int) -> str:
        timed = self.seconds is not None
        room = max(columns - 42 - 7 * timed, 8)
        lines = [
            f"{self.name} for input {list(self.input_size)}",
            f"{'layer, kind':<{room}}  {'output':<20}{'parameters':>11}{'MMACs':>9}"
            + f"{'time':>7}" * timed,
        ]
        for row in self.rows:
            name = f"{row.name} {row.kind}"
            name = name if len(name) <= room else "…" + name[len(name) - room + 1 :]
            line = f"{name:<{room}}  {list(row.output_shape)!s:<20}"
            line += f"{row.parameters:>11,}{row.macs / 1e6:>9,.1f}"
            if row.seconds is not None and self.seconds:
                line += f"{row.seconds / self.seconds:>7.1%}"
            lines.append(line)
        ending = [*self._totals(), "(kernels, memory and fields: in a wider terminal)"]
        return "\n".join(lines + [part for line in ending for part in textwrap.wrap(line, columns)])

    def _full_text(self) -> str:
        wide = max([len(row.name) for row in self.rows], default=0)
        wide = max(wide, 5)
        kernels = max([len(row.kernel) for row in self.rows] + [6])
        head = (
            f"{'layer':<{wide}}  {'kind':<17} {'kernel':<{kernels}}  {'output':<20}"
            f"{'parameters':>11}{'MACs':>15}{'output kB':>11}{'saved kB':>10}{'field':>9}"
        )
        if self.seconds is not None:
            head += f"{'time':>7}"
        lines = [f"{self.name} for input {list(self.input_size)}", head]
        for row in self.rows:
            field = "all" if row.field is None else f"{row.field.size[0]}x{row.field.size[1]}"
            line = (
                f"{row.name:<{wide}}  {row.kind:<17} {row.kernel:<{kernels}}  "
                f"{list(row.output_shape)!s:<20}{row.parameters:>11,}{row.macs:>15,}"
                f"{row.output_bytes / 1e3:>11,.1f}{row.saved_bytes / 1e3:>10,.1f}{field:>9}"
            )
            if row.seconds is not None and self.seconds:
                line += f"{row.seconds / self.seconds:>7.1%}"
            lines.append(line)
        return "\n".join(lines + self._totals())

    def _totals(self) -> list[str]:
        lines = []
        lines.append(
            f"{self.parameters:,} parameters ({self.trainable:,} trainable), "
            f"{self.macs / 1e6:,.1f} million MACs"
        )
        lines.append(
            f"memory: parameters {self.parameter_bytes / 1e6:.2f} MB, all outputs "
            f"{self.output_bytes / 1e6:.2f} MB, kept for backward {self.saved_bytes / 1e6:.2f} MB"
        )
        if self.seconds is not None:
            lines.append(f"the layers' forward passes, alone: {1e3 * self.seconds:.2f} ms")
        return lines

    def parts(self) -> list[tuple[str, list[LayerRow]]]:
        """One bar of the picture each: a layer with multiply-adds, and all up to the next."""
        parts: list[tuple[str, list[LayerRow]]] = []
        for row in self.rows:
            if row.macs or not parts:
                parts.append((row.name, []))
            parts[-1][1].append(row)
        return parts

    def figure(self) -> Any:
        """Bars for each part: multiply-adds, parameters, memory for backward, time."""
        parts = self.parts()
        columns: list[tuple[str, Any, str]] = [
            ("million MACs", lambda row: row.macs / 1e6, ACCENT),
            ("thousand parameters", lambda row: row.parameters / 1e3, WEIGHTS),
            ("kB kept for backward", lambda row: row.saved_bytes / 1e3, RESULT),
        ]
        if self.seconds is not None:
            columns.append(("forward (ms)", lambda row: 1e3 * (row.seconds or 0), QUIET))
        # At 110 dots an inch no wider than what a page shows: the text keeps its size.
        figure = new_figure(10, 0.24 * len(parts) + 1.3)
        panels = figure.subplots(1, len(columns), sharey=True)
        places = np.arange(len(parts))
        for axes, (title, value, colour) in zip(panels, columns, strict=True):
            axes.barh(places, [sum(value(row) for row in rows) for _, rows in parts], color=colour)
            axes.set_title(title, fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(alpha=0.3, axis="x")
            axes.tick_params(labelsize=9)
        panels[0].set_yticks(places, [name for name, _ in parts], fontsize=9)
        panels[0].set_ylim(len(parts) - 0.4, -0.6)
        figure.suptitle(
            f"{self.name} for input {list(self.input_size)}; a bar has the layers that follow, too"
        )
        return figure
