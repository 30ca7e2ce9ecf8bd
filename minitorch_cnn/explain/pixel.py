"""One output number of a convolution, traced: window * kernel, summed, plus bias."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .convolution import OUTSIDE, show_padded
from .drawing import (
    ACCENT,
    PLAIN,
    QUIET,
    RESULT,
    SIGNED,
    WEIGHTS,
    mark_window,
    new_figure,
    write_numbers,
)
from .explanation import Explanation

if TYPE_CHECKING:
    from .convolution import Convolution

# Channels that are shown number by number; those that add most come first.
SHOWN_CHANNELS = 3


class Pixel(Explanation):
    """y[n, k, i, j] with everything that it is made of; made by ``conv2d(x, layer).pixel(...)``.

    rows (KH), columns (KW): where the window lies in x; OUTSIDE (-1) is in the zero padding
    channels: the numbers of the Cg input channels that this filter sees
    window, kernel, products: (Cg, KH, KW) float64; products = window * kernel
    bias, value: value = products.sum() + bias
    output: the number that the layer computed, in its own precision
    """

    def __init__(self, convolution: Convolution, n: int, k: int, i: int, j: int) -> None:
        self.convolution = convolution
        self.n, self.k, self.i, self.j = n, k, i, j
        channels = convolution.channels_of(k)
        self.channels = np.arange(channels.start, channels.stop)
        self.padded_rows = convolution.window_rows[i]
        self.padded_columns = convolution.window_columns[j]
        self.rows = convolution.source_rows[self.padded_rows]
        self.columns = convolution.source_columns[self.padded_columns]
        here = convolution.padded[n, channels]
        self.window = here[:, self.padded_rows][:, :, self.padded_columns]
        self.kernel = convolution.weight[k]
        self.products = self.window * self.kernel
        self.bias = float(convolution.bias[k])
        self.value = float(self.products.sum()) + self.bias
        self.output = float(convolution.output[n, k, i, j])

    @property
    def name(self) -> str:
        return f"y[n={self.n}, k={self.k}, i={self.i}, j={self.j}]"

    def shown(self) -> list[int]:
        """Places in `channels`: at most SHOWN_CHANNELS, those whose products add most."""
        sums = np.abs(self.products.sum(axis=(1, 2)))
        return sorted(np.argsort(-sums, kind="stable")[:SHOWN_CHANNELS].tolist())

    def _sums(self) -> str:
        total = self.products.sum()
        return f"sum of the products {total:.6g} + bias {self.bias:.6g} = {self.value:.6g}"

    def _agreement(self) -> str:
        kind = str(self.convolution.input.dtype).rpartition(".")[2]
        return f"the layer says {self.output:.6g} ({kind})"

    # ------------------------------------------------------------------------------ as text

    def text(self) -> str:
        lines = [f"{self.name} of {self.convolution.layer}"]
        first, last = self.channels[0], self.channels[-1]
        channels = f"channel {first}" if first == last else f"channels {first} to {last}"
        rows, columns = _places(self.rows), _places(self.columns)
        lines += [f"input rows {rows}; columns {columns}; {channels}", ""]
        width = 9 * self.kernel.shape[2]
        for place in self.shown():
            heads = [f"{head:^{width}}" for head in ("window", "kernel", "products")]
            lines.append(f"channel {self.channels[place]}")
            lines.append(f"{heads[0]}* {heads[1]}= {heads[2]}".rstrip())
            blocks = self.window[place], self.kernel[place], self.products[place]
            for parts in zip(*blocks, strict=True):
                numbers = ["".join(f"{value:9.3f}" for value in part) for part in parts]
                lines.append("  ".join(numbers))
            lines += [f"  their sum: {self.products[place].sum():.6g}", ""]
        rest = [place for place in range(len(self.channels)) if place not in self.shown()]
        if rest:
            others = self.products[rest].sum()
            lines += [f"the other {len(rest)} channels add {others:.6g}", ""]
        return "\n".join([*lines, self._sums(), self._agreement()])

    # -------------------------------------------------------------------------- as a picture

    def figure(self) -> Any:
        """A row for each channel that is shown: the image with the window, and the products.

        Below: what each channel adds, and where the number stands in the output.
        """
        shown = self.shown()
        figure = new_figure(11, 2.5 * len(shown) + 2.8)
        panels = figure.subplots(
            len(shown) + 1, 4, squeeze=False, gridspec_kw={"width_ratios": [1.25, 1, 1, 1]}
        )
        scales = [max(np.abs(each).max(), 1e-12) for each in self._blocks()]
        for axes_row, place in zip(panels, shown, strict=False):
            show_padded(axes_row[0], self.convolution, self.n, self.channels[place])
            mark_window(axes_row[0], self.padded_rows, self.padded_columns)
            axes_row[0].set_title(f"x, channel {self.channels[place]}", fontsize=10)
            titles = ("window", "*  kernel", f"=  products, sum {self.products[place].sum():.3f}")
            colours = (ACCENT, WEIGHTS, "black")
            parts = zip(axes_row[1:], self._blocks(), scales, titles, colours, strict=True)
            for axes, values, scale, title, colour in parts:
                axes.imshow(values[place], cmap=SIGNED, vmin=-scale, vmax=scale)
                if values[place].size <= 49:
                    write_numbers(axes, values[place], scale)
                axes.set_title(title, fontsize=10, color=colour)
                axes.set_xticks([])
                axes.set_yticks([])
                for side in axes.spines.values():
                    side.set_color(colour)
        self._draw_sum(figure, panels[-1])
        figure.suptitle(f"{self.name}  of  {self.convolution.layer}", fontsize=11)
        return figure

    def _blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.window, self.kernel, self.products

    def _draw_sum(self, figure: Any, panels: Any) -> None:
        """The last row: a bar for each channel's sum, and the output with the pixel."""
        grid = panels[1].get_gridspec()
        for axes in panels[1:]:
            axes.remove()
        bars = figure.add_subplot(grid[-1, 1:])
        sums = self.products.sum(axis=(1, 2))
        names = [f"channel {c}" for c in self.channels]
        values = [*sums, self.bias, self.value]
        colours = [QUIET] * len(sums) + [WEIGHTS, RESULT]
        bars.bar(range(len(values)), values, color=colours)
        bars.axhline(0, color="black", lw=0.6)
        if len(values) <= 8:
            bars.set_xticks(range(len(values)), [*names, "bias", "sum = y"], fontsize=8)
        else:
            bars.set_xticks([len(sums), len(sums) + 1], ["bias", "y"], fontsize=8)
            bars.set_xlabel(f"the sums of {len(sums)} channels, in order", fontsize=8, loc="left")
        bars.tick_params(axis="y", labelsize=8)
        bars.spines[["top", "right"]].set_visible(False)
        bars.set_title(self._sums(), fontsize=10)
        picture = panels[0]
        picture.imshow(self.convolution.output[self.n, self.k], cmap=PLAIN)
        mark_window(picture, np.array([self.i]), np.array([self.j]))
        picture.set_axis_off()
        picture.set_title(f"y, filter {self.k}", fontsize=10, color=RESULT)

    # ------------------------------------------------------------------------ in a notebook

    def _repr_html_(self) -> str:
        """Tables with coloured cells; every colour is given, so it reads on light and dark."""
        parts = [f"<p><b>{self.name}</b> of <code>{escape(str(self.convolution.layer))}</code></p>"]
        scales = [max(np.abs(each).max(), 1e-12) for each in self._blocks()]
        for place in self.shown():
            cells = []
            for values, scale, sign in zip(self._blocks(), scales, ("*", "=", ""), strict=True):
                cells.append(f"<td>{_table(values[place], scale)}</td><td>{sign}</td>")
            parts.append(
                f"<table><caption>channel {self.channels[place]}: rows {_places(self.rows)}, "
                f"columns {_places(self.columns)}; window * kernel = products, sum "
                f"{self.products[place].sum():.6g}</caption><tr>{''.join(cells)}</tr></table>"
            )
        hidden = len(self.channels) - len(self.shown())
        if hidden:
            parts.append(f"<p>and {hidden} more channels</p>")
        parts.append(f"<p>{self._sums()}; {self._agreement()}</p>")
        return "\n".join(parts)


def _places(places: np.ndarray) -> str:
    """Rows or columns in words; the padding's zeros are no pixels of the image."""
    return ", ".join("padding" if place == OUTSIDE else str(place) for place in places)


def _table(values: np.ndarray, scale: float) -> str:
    """An HTML table whose cells go from blue (negative) over white to red (positive)."""
    rows = []
    for row in values:
        cells = []
        for value in row:
            other = round(255 * (1 - 0.8 * abs(value) / scale))
            colour = (255, other, other) if value > 0 else (other, other, 255)
            style = f"background:rgb{colour};color:black;text-align:right;padding:2px 6px"
            cells.append(f'<td style="{style}">{value:.3f}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"
