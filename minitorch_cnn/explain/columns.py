"""im2col: how a convolution becomes one matrix product, and col2im, the way back.

    cols (OH*OW, Cg*KH*KW)   a row for each output pixel: its window, written out
    weights (Cg*KH*KW, Kg)   a column for each filter
    product (OH*OW, Kg)      = cols @ weights: a row for each output pixel, a column for each filter

The order within a row is that of torch.nn.functional.unfold: channel, kernel row, kernel column.
(The library's kernels have the channel last, as the pixels lie in memory; the sums are the same.)
With G groups there are G such products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.array.conv import block_size
from .convolution import show_padded
from .drawing import (
    PLAIN,
    RESULT,
    SIGNED,
    WEIGHTS,
    mark_window,
    new_figure,
    outline,
    signed_image,
)
from .explanation import Explanation

if TYPE_CHECKING:
    from .convolution import Convolution

# Rows, columns and filters of the matrices that a picture shows: more could not be seen.
SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_FILTERS = 13, 36, 12


class Columns(Explanation):
    """im2col of one image; made by ``conv2d(x, layer).columns(n, k, i, j)``.

    cols (G, OH*OW, Cg*KH*KW), weights (G, Cg*KH*KW, Kg), product (G, OH*OW, Kg): float64.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.Conv2d(1, 1, 2, bias=False)
    >>> mt.explain.conv2d(mt.arange(9.0).reshape(1, 1, 3, 3), layer).columns().cols[0]
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """

    def __init__(self, convolution: Convolution, n: int, k: int, i: int, j: int) -> None:
        self.convolution, self.n = convolution, n
        self.followed = k, i, j
        G = convolution.groups
        K, Cg, KH, KW = convolution.weight.shape
        C, OH, OW = convolution.x.shape[1], *convolution.output.shape[2:]
        patches = convolution.patches()[n]  # (C, OH, OW, KH, KW)
        patches = patches.reshape(G, C // G, OH, OW, KH, KW).transpose(0, 2, 3, 1, 4, 5)
        # (G, OH, OW, Cg, KH, KW)
        self.cols = patches.reshape(G, OH * OW, Cg * KH * KW)
        weights = convolution.weight.reshape(G, K // G, Cg, KH, KW).transpose(0, 2, 3, 4, 1)
        # (G, Cg, KH, KW, Kg)
        self.weights = weights.reshape(G, Cg * KH * KW, K // G)
        self.product = self.cols @ self.weights

    def output(self) -> np.ndarray:
        """The product as an image, with the bias: (K, OH, OW)."""
        K, OH, OW = self.convolution.output.shape[1:]
        image = self.product.transpose(0, 2, 1).reshape(K, OH, OW)
        return image + self.convolution.bias[:, None, None]

    def row_of(self, i: int, j: int) -> int:
        """The row of cols and of the product that makes the output pixel (i, j)."""
        OW = self.convolution.output.shape[3]
        return i * OW + j

    def memory(self) -> dict[str, int]:
        """Bytes of: the input batch, its whole column matrix, and the block that the library makes.

        The library writes the columns of a few images, or of a few rows of one image, multiplies
        them, and uses the same memory again for the next block.
        """
        convolution = self.convolution
        N, C = convolution.x.shape[:2]
        OH, OW = convolution.output.shape[2:]
        itemsize = convolution.input.array.itemsize
        row_bytes = OW * C * int(np.prod(convolution.layer.kernel_size)) * itemsize
        images, rows = block_size(np, N, OH, OW, row_bytes)
        return {
            "input": convolution.x.size * itemsize,
            "all columns": N * OH * row_bytes,
            "a block": images * rows * row_bytes,
        }

    def text(self) -> str:
        G, P, Q = self.cols.shape
        OH, OW = self.convolution.output.shape[2:]
        _, Cg, KH, KW = self.convolution.weight.shape
        Kg = self.weights.shape[2]
        memory = self.memory()
        times = memory["all columns"] / memory["input"]
        lines = [
            f"{self.convolution.layer}, image {self.n}",
            f"cols     {P} x {Q}: a row for each of the {OH} x {OW} output pixels, a column for "
            f"each of the {Cg} x {KH} x {KW} products",
            f"weights  {Q} x {Kg}: a column for each filter",
            f"product  {P} x {Kg}: {P * Q * Kg:,} multiply-adds, the same as the convolution has",
        ]
        if G > 1:
            lines.append(f"and so {G} times, once for each group")
        lines.append(
            f"memory for the batch of {len(self.convolution.x)}: input {memory['input']:,} bytes, "
            f"all columns {memory['all columns']:,} bytes ({times:.1f} times as much)"
        )
        if memory["a block"] < memory["all columns"]:
            blocks = -(-memory["all columns"] // memory["a block"])
            lines.append(
                f"the library makes {blocks} blocks of {memory['a block']:,} bytes, one after the "
                "other in the same memory, which stays in the cache"
            )
        else:
            lines.append("that fits the cache: the library makes all of them at once")
        return "\n".join(lines)

    def figure(self) -> Any:
        """One output pixel of one filter followed through all matrices."""
        convolution = self.convolution
        k, i, j = self.followed
        Kg = self.weights.shape[2]
        group, filter_in_group = divmod(k, Kg)
        row = self.row_of(i, j)
        rows = _around(row, self.cols.shape[1], SHOWN_ROWS)
        columns = slice(0, min(self.cols.shape[2], SHOWN_COLUMNS))
        filters = _around(filter_in_group, Kg, SHOWN_FILTERS)

        figure = new_figure(15, 5.6)
        image, cols, weights, product, output = figure.subplots(
            1, 5, gridspec_kw={"width_ratios": [3, 5, 2.2, 2.2, 3]}
        )
        pixel = convolution.pixel(self.n, k, i, j)
        show_padded(image, convolution, self.n, pixel.channels[0])
        mark_window(image, pixel.padded_rows, pixel.padded_columns)
        image.set_title(f"x, channel {pixel.channels[0]}:\nthe window of pixel ({i}, {j})")

        _matrix(cols, self.cols[group][rows, columns], rows, columns)
        outline(cols, 0, row - rows.start, columns.stop, 1)
        cols.set(title=_title("cols", self.cols[group]), ylabel="output pixel")
        cols.set_xlabel("place in the window: channel, row, column")
        _matrix(weights, self.weights[group][columns, filters], columns, filters)
        outline(weights, filter_in_group - filters.start, 0, 1, columns.stop, WEIGHTS)
        weights.set(title="@  " + _title("weights", self.weights[group]), xlabel="filter")
        _matrix(product, self.product[group][rows, filters], rows, filters)
        outline(product, filter_in_group - filters.start, row - rows.start, 1, 1, RESULT)
        product.set(title="=  " + _title("product", self.product[group]), xlabel="filter")
        output.imshow(convolution.output[self.n, k], cmap=PLAIN)
        mark_window(output, np.array([i]), np.array([j]), RESULT)
        output.set_axis_off()
        output.set_title(f"y, filter {k}:\n{self.product[group][row, filter_in_group]:.4f} + bias")
        figure.suptitle(
            f"im2col: row {row} of the columns is the window of one output pixel "
            "(excerpts of the matrices)"
        )
        return figure

    def back(self, gy: Any) -> ColumnsBack:
        """col2im: from gy, the gradient of y, the gradient of this image, (N, K, OH, OW)."""
        return ColumnsBack(self, self.convolution.gradients(gy).gy[self.n])


class ColumnsBack(Explanation):
    """col2im; made by ``columns.back(gy)``.

    gy (G, OH*OW, Kg); gcols (G, OH*OW, Cg*KH*KW) = gy @ weights^T; gpadded (C, Hp, Wp): the rows
    of gcols added at the places of their windows; gx (C, H, W); counts (Hp, Wp): how many windows
    each pixel is in.
    """

    def __init__(self, columns: Columns, gy: np.ndarray) -> None:
        self.columns = columns
        convolution = columns.convolution
        G = convolution.groups
        _, Cg, KH, KW = convolution.weight.shape
        K, OH, OW = gy.shape
        self.image_gy = gy
        self.gy = gy.reshape(G, K // G, OH * OW).transpose(0, 2, 1)
        self.gcols = self.gy @ columns.weights.transpose(0, 2, 1)
        gpatches = self.gcols.reshape(G, OH, OW, Cg, KH, KW).transpose(0, 3, 1, 2, 4, 5)
        # (G, Cg, OH, OW, KH, KW)
        rows = convolution.window_rows[:, None, :, None]
        places: Any = ..., rows, convolution.window_columns[None, :, None, :]
        self.gpadded = np.zeros(convolution.padded.shape[1:])
        self.counts = np.zeros(convolution.padded.shape[2:], int)
        np.add.at(self.gpadded, places, gpatches.reshape(-1, OH, OW, KH, KW))
        np.add.at(self.counts, places, 1)
        batch = np.zeros(convolution.padded.shape)
        batch[columns.n] = self.gpadded
        self.gx = convolution.unpad(batch)[columns.n]

    def text(self) -> str:
        _, P, Q = self.gcols.shape
        most = self.counts.max()
        return "\n".join(
            [
                f"{self.columns.convolution.layer}, image {self.columns.n}, backward",
                f"gcols {P} x {Q} = gy {P} x {self.gy.shape[2]} @ weights^T: what each window's "
                "pixels get from its output pixel",
                f"col2im adds them up where windows overlap: a pixel is in {self.counts.min()} to "
                f"{most} windows",
            ]
        )

    def figure(self) -> Any:
        """gy, its matrix, the gradient of the columns, and the image they are added into."""
        convolution = self.columns.convolution
        OH, OW = self.image_gy.shape[1:]
        # The output with the largest gradient: something comes back from it.
        i, j = map(int, np.unravel_index(np.abs(self.image_gy[0]).argmax(), (OH, OW)))
        row = self.columns.row_of(i, j)
        rows = _around(row, self.gcols.shape[1], SHOWN_ROWS)
        columns = slice(0, min(self.gcols.shape[2], SHOWN_COLUMNS))
        filters = slice(0, min(self.gy.shape[2], SHOWN_FILTERS))
        figure = new_figure(15, 5.6)
        panels = figure.subplots(1, 5, gridspec_kw={"width_ratios": [2.6, 2.2, 5, 3, 3]})
        output, matrix, gcols, counts, image = panels
        signed_image(output, self.image_gy[0])
        mark_window(output, np.array([i]), np.array([j]), RESULT)
        output.set_title(f"gradient of y, filter 0:\nthe pixel ({i}, {j})")
        _matrix(matrix, self.gy[0][rows, filters], rows, filters)
        outline(matrix, 0, row - rows.start, filters.stop, 1, RESULT)
        matrix.set(title=_title("gy", self.gy[0]), ylabel="output pixel", xlabel="filter")
        _matrix(gcols, self.gcols[0][rows, columns], rows, columns)
        outline(gcols, 0, row - rows.start, columns.stop, 1)
        gcols.set(title="gy @ weights$^T$ = " + _title("gcols", self.gcols[0]))
        gcols.set_xlabel("place in the window: channel, row, column")
        shown = counts.imshow(self.counts, cmap="viridis", vmin=0)
        figure.colorbar(shown, ax=counts, shrink=0.5)
        counts.set_axis_off()
        counts.set_title("how many windows\neach pixel is in")
        signed_image(image, self.gpadded[0])
        mark_window(image, convolution.window_rows[i], convolution.window_columns[j])
        image.set_title("gradient of padded x,\nchannel 0: the row's window")
        figure.suptitle("col2im: each row of gcols is added at its window's place")
        return figure


def _around(place: int, length: int, shown: int) -> slice:
    """`shown` places with `place` in their middle, as far as there are so many."""
    start = max(0, min(place - shown // 2, length - shown))
    return slice(start, min(start + shown, length))


def _title(name: str, matrix: np.ndarray) -> str:
    return f"{name}  {matrix.shape[0]} x {matrix.shape[1]}"


def _matrix(axes: Any, values: np.ndarray, rows: slice, columns: slice) -> None:
    """An excerpt of a matrix, its rows and columns numbered as in the whole."""
    scale = max(np.abs(values).max(), 1e-12)
    axes.imshow(values, cmap=SIGNED, vmin=-scale, vmax=scale, aspect="auto")
    for axis, part in ((axes.yaxis, rows), (axes.xaxis, columns)):
        places = np.unique(np.linspace(part.start, part.stop - 1, 4).astype(int))
        axis.set_ticks(places - part.start, [str(place) for place in places])
    axes.tick_params(labelsize=8)
