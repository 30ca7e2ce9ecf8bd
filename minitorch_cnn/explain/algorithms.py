"""Four ways to compute one convolution, with what each of them costs.

direct      the definition: loops over outputs, channels and kernel places
im2col      windows written out as a matrix, then one matrix product
winograd    tiles, with fewer multiplications (3x3, stride 1)
fft         transform, multiply, transform back: the cost does not depend on the kernel's size

The numbers of operations and bytes are formulas, counted without the bias; bytes are what must
move between memory and processor if every array is written and read once and none stays in the
cache. The times are measured. direct, winograd and fft are plain NumPy here, to be read; "the
library" is the layer as it trains.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import kernels, nn
from ..autograd.deferred import settle
from ..autograd.modes import no_grad
from ..kernels.array import direct as definition
from ..tensor import Tensor
from .drawing import ACCENT, QUIET, RESULT, WEIGHTS, new_figure
from .explanation import Explanation
from .winograd import why_not, winograd_convolution, winograd_transforms

if TYPE_CHECKING:
    from .convolution import Convolution

FLOAT = 4  # bytes of a float32
# More outputs than this are not computed one by one in Python.
DIRECT_OUTPUTS = 70_000


class Cost(NamedTuple):
    """What one algorithm needs for one convolution. Bytes are for float32."""

    name: str
    multiplications: int
    additions: int
    bytes_moved: int
    workspace: int  # bytes, beside input, weight and output
    note: str = ""
    seconds: float | None = None  # None: not measured
    error: float | None = None  # relative to the largest output

    @property
    def operations(self) -> int:
        return self.multiplications + self.additions


class Sizes(NamedTuple):
    """The lengths that all formulas are made of; Hp and Wp are the padded image's."""

    N: int
    C: int
    Hp: int
    Wp: int
    K: int
    Cg: int
    KH: int
    KW: int
    OH: int
    OW: int
    input: int  # numbers in x, without padding

    @property
    def outputs(self) -> int:
        return self.N * self.K * self.OH * self.OW

    @property
    def weights(self) -> int:
        return self.K * self.Cg * self.KH * self.KW

    @property
    def in_and_out(self) -> int:
        """Bytes that every algorithm moves: x, the weight, and y."""
        return FLOAT * (self.input + self.weights + self.outputs)


def sizes_of(convolution: Convolution) -> Sizes:
    N, C, Hp, Wp = convolution.padded.shape
    K, Cg, KH, KW = convolution.weight.shape
    OH, OW = convolution.output.shape[2:]
    return Sizes(N, C, Hp, Wp, K, Cg, KH, KW, OH, OW, convolution.x.size)


# ---------------------------------------------------------------------------- what they cost


def direct_cost(s: Sizes) -> Cost:
    """For each output Q = Cg KH KW products, and Q - 1 additions."""
    Q = s.Cg * s.KH * s.KW
    return Cost("direct", s.outputs * Q, s.outputs * (Q - 1), s.in_and_out, 0)


def im2col_cost(s: Sizes) -> Cost:
    """The same arithmetic; the column matrix is written and read as well."""
    columns = FLOAT * s.N * s.OH * s.OW * s.C * s.KH * s.KW
    return direct_cost(s)._replace(
        name="im2col", bytes_moved=s.in_and_out + 2 * columns, workspace=columns
    )


def winograd_cost(s: Sizes, m: int) -> Cost:
    """F(m x m, 3x3): n^2 products for each tile and pair of channels, and three transforms.

    A transform of a tile is its matrix times each column, then times each row. Entries 0, 1 and
    -1 need no multiplication. Common parts of two rows are not shared here, as good code does.
    """
    n = m + 2
    tiles = s.N * math.ceil(s.OH / m) * math.ceil(s.OW / m)
    AT, G, BT = winograd_transforms(m)
    multiplications = n * n * tiles * s.C * s.K
    additions = n * n * tiles * (s.C - 1) * s.K
    for matrix, count, vectors in (
        (BT, tiles * s.C, n + n),
        (G, s.K * s.C, 3 + n),
        (AT, tiles * s.K, n + m),
    ):
        entries = [value for value in matrix.flat if value != 0]
        multiplications += count * vectors * sum(abs(value) != 1 for value in entries)
        additions += count * vectors * (len(entries) - len(matrix))
    transformed = FLOAT * n * n * (tiles * s.C + s.C * s.K + tiles * s.K)  # V, U and M
    return Cost(
        f"winograd F({m}x{m})",
        multiplications,
        additions,
        s.in_and_out + 2 * transformed,
        transformed,
    )


def fft_size(s: Sizes) -> tuple[int, int]:
    """The padded image's size, each length rounded up to a power of two."""
    return 1 << (s.Hp - 1).bit_length(), 1 << (s.Wp - 1).bit_length()


def fft_cost(s: Sizes) -> Cost:
    """The textbook's radix-2 transform of L numbers: L/2 log2 L complex products, L log2 L sums.

    Real images need half of it and have half as many frequencies. A complex product is 4
    multiplications and 2 additions, a complex sum 2 additions.
    """
    height, width = fft_size(s)
    L = height * width
    frequencies = height * (width // 2 + 1)
    transforms = s.N * s.C + s.K * s.C + s.N * s.K
    steps = transforms * L * int(math.log2(L)) // 2
    products = s.N * s.K * s.C * frequencies
    sums = s.N * s.K * (s.C - 1) * frequencies
    spectra = 2 * FLOAT * frequencies * transforms
    return Cost(
        "fft",
        4 * (steps // 2) + 4 * products,
        2 * (steps // 2) + 2 * steps + 2 * products + 2 * sums,
        s.in_and_out + 2 * spectra,
        spectra,
    )


# --------------------------------------------------------------------- how they are computed


def fft_convolution(padded: np.ndarray, weight: np.ndarray, convolution: Convolution) -> np.ndarray:
    """y (N, K, OH, OW): a correlation is a product with the kernel's conjugate spectrum.

    The transform takes images as periodic, so the last rows and columns mix with the first ones.
    Those are not among the outputs: an output's window never leaves the padded image.
    """
    size = fft_size(sizes_of(convolution))
    (dh, dw), (sh, sw) = convolution.dilation, convolution.stride
    K, C, KH, KW = weight.shape
    spread = np.zeros((K, C, dh * (KH - 1) + 1, dw * (KW - 1) + 1), weight.dtype)
    spread[:, :, ::dh, ::dw] = weight
    image_spectrum = np.fft.rfft2(padded, size)  # (N, C, height, width / 2 + 1)
    kernel_spectrum = np.fft.rfft2(spread, size)
    product = np.einsum("nchw,kchw->nkhw", image_spectrum, kernel_spectrum.conj(), optimize=True)
    y = np.fft.irfft2(product, size)
    OH, OW = convolution.output.shape[2:]
    return y[:, :, : (OH - 1) * sh + 1 : sh, : (OW - 1) * sw + 1 : sw].astype(padded.dtype)


def im2col_convolution(
    padded: np.ndarray, weight: np.ndarray, convolution: Convolution
) -> np.ndarray:
    """y (N, K, OH, OW): all columns at once, one product for each group."""
    G = convolution.groups
    K, Cg, KH, KW = weight.shape
    rows, columns = convolution.window_rows, convolution.window_columns
    patches = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    N, _, OH, OW = patches.shape[:4]
    cols = patches.reshape(N, G, Cg, OH, OW, KH, KW).transpose(1, 0, 3, 4, 2, 5, 6)
    cols = cols.reshape(G, N * OH * OW, Cg * KH * KW)
    product = cols @ weight.reshape(G, K // G, Cg * KH * KW).transpose(0, 2, 1)
    return product.reshape(G, N, OH, OW, K // G).transpose(1, 0, 4, 2, 3).reshape(N, K, OH, OW)


def library_choice(convolution: Convolution) -> kernels.Choice:
    """Which algorithm the library takes for this layer and input, and why. It runs once."""
    run_layer(convolution.layer, convolution.input)
    choice = kernels.last_conv()
    if choice is None:
        raise RuntimeError("the library has computed no convolution")
    return choice


# ------------------------------------------------------------------------------- all together


def algorithms(convolution: Convolution, measure: bool = True) -> Algorithms:
    """The cost of each algorithm for this convolution; with measure its time and error as well.

    Times are the best of some runs of this process, on however many threads NumPy takes.
    """
    s = sizes_of(convolution)
    padded = np.ascontiguousarray(convolution.padded, np.float32)
    weight = convolution.weight.astype(np.float32)
    costs: list[tuple[Cost, Callable[[], np.ndarray] | None]] = []
    direct = None
    if s.outputs <= DIRECT_OUTPUTS:
        geometry = kernels.conv_geometry(
            convolution.stride, (0, 0), convolution.dilation, convolution.groups
        )
        direct = partial(definition.forward, padded, weight, None, geometry)
    costs.append((direct_cost(s)._replace(note="loops in Python"), direct))
    costs.append((im2col_cost(s), partial(im2col_convolution, padded, weight, convolution)))
    not_for = {}
    reason = why_not(convolution)
    for m in (2, 4):
        if reason is None:
            costs.append((winograd_cost(s, m), partial(winograd_convolution, padded, weight, m)))
        else:
            not_for[f"winograd F({m}x{m})"] = reason
    if convolution.groups == 1:
        costs.append((fft_cost(s), partial(fft_convolution, padded, weight, convolution)))
    else:
        not_for["fft"] = "only for one group here"

    results = []
    reference = convolution.output - convolution.bias[:, None, None]
    largest = max(float(np.abs(reference).max(initial=0)), 1e-30)
    for cost, compute in costs:
        if measure and compute is not None:
            seconds, y = best_time(compute)
            error = float(np.abs(y - reference).max(initial=0)) / largest
            cost = cost._replace(seconds=seconds, error=error)
        results.append(cost)
    choice = library_choice(convolution)
    library = {}
    if measure:
        names = {choice.algorithm}
        if choice.algorithm != "depthwise":
            names |= {"im2col"} if reason else {"im2col", "winograd"}
        for name in sorted(names):
            with kernels.conv_algorithm(name):
                run = partial(run_layer, convolution.layer, convolution.input)
                library[name] = best_time(run)[0]
    return Algorithms(convolution, results, not_for, choice, library)


def run_layer(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer's output in evaluation mode, without recording; the layer stays as it was."""
    training = layer.training
    try:
        with no_grad():
            y = layer.eval()(x)
        settle()  # the clock must not stop before the result is computed
        return y
    finally:
        layer.train(training)


def best_time(compute: Callable[[], Any], budget: float = 0.3) -> tuple[float, Any]:
    """The shortest time of a call in seconds, after one that does not count; and its result.

    Tries for `budget` seconds, at most 50 times. The first call may compile, or touch memory for
    the first time.
    """
    result = compute()
    best, spent, runs = math.inf, 0.0, 0
    while runs == 0 or (spent < budget and runs < 50):
        began = time.perf_counter()
        compute()
        seconds = time.perf_counter() - began
        best, spent, runs = min(best, seconds), spent + seconds, runs + 1
    return best, result


class Algorithms(Explanation):
    """Made by `algorithms`.

    costs: a Cost for each algorithm that can do it; not_for: why the others cannot; choice: what
    the library takes, and why; library: seconds of the layer itself with each of its algorithms.
    """

    def __init__(
        self,
        convolution: Convolution,
        costs: list[Cost],
        not_for: dict[str, str],
        choice: kernels.Choice,
        library: dict[str, float],
    ) -> None:
        self.convolution, self.costs, self.not_for = convolution, costs, not_for
        self.choice, self.library = choice, library

    def text(self) -> str:
        shape = " x ".join(str(length) for length in self.convolution.x.shape)
        lines = [
            f"{self.convolution.layer} on {shape}, float32",
            f"{'':<16}{'multiplications':>16}{'additions':>16}{'MB moved':>10}{'MB workspace':>14}"
            f"{'time (ms)':>11}{'rel. error':>12}",
        ]
        for cost in self.costs:
            seconds = "-" if cost.seconds is None else f"{1e3 * cost.seconds:.2f}"
            error = "-" if cost.error is None else f"{cost.error:.0e}"
            lines.append(
                f"{cost.name:<16}{cost.multiplications:>16,}{cost.additions:>16,}"
                f"{cost.bytes_moved / 1e6:>10.2f}{cost.workspace / 1e6:>14.2f}"
                f"{seconds:>11}{error:>12}  {cost.note}".rstrip()
            )
        lines += [f"{name:<16}{reason}" for name, reason in self.not_for.items()]
        for name, taken in self.library.items():
            lines.append(f"{'the library, ' + name:<24}{1e3 * taken:>59.2f}")
        algorithm, why = self.choice
        return "\n".join([*lines, "", f"the library takes {algorithm}: {why}"])

    def figure(self) -> Any:
        """Bars for the operations, the bytes and, if measured, the times."""
        figure = new_figure(13, 3.8)
        operations, traffic, times = figure.subplots(1, 3)
        names = [cost.name.replace("winograd ", "winograd\n") for cost in self.costs]
        places = np.arange(len(names))
        operations.bar(
            places, [c.multiplications / 1e6 for c in self.costs], color=WEIGHTS,
            label="multiplications",
        )  # fmt: skip
        operations.bar(
            places, [c.additions / 1e6 for c in self.costs], color=QUIET, label="additions",
            bottom=[c.multiplications / 1e6 for c in self.costs],
        )  # fmt: skip
        operations.set_title("operations (millions)")
        traffic.bar(places, [c.bytes_moved / 1e6 for c in self.costs], color=RESULT, label="moved")
        traffic.plot(
            places, [c.workspace / 1e6 for c in self.costs], "D", color=ACCENT, label="workspace"
        )
        traffic.set_title("memory (MB)")
        for axes in (operations, traffic):
            axes.legend(frameon=False, fontsize=8)
        shown = [c for c in self.costs if c.seconds is not None]
        labels = [c.name.replace("winograd ", "winograd\n") for c in shown]
        seconds = [1e3 * (c.seconds or 0) for c in shown]
        colours = [ACCENT] * len(shown) + [RESULT] * len(self.library)
        labels += [f"library:\n{name}" for name in self.library]
        seconds += [1e3 * each for each in self.library.values()]
        times.bar(range(len(seconds)), seconds, color=colours)
        times.set_yscale("log")
        times.set_xticks(range(len(seconds)), labels, fontsize=8)
        times.set_title("time here (ms, logarithmic)")
        for axes in (operations, traffic):
            axes.set_xticks(places, names, fontsize=8)
        for axes in (operations, traffic, times):
            axes.spines[["top", "right"]].set_visible(False)
        shape = " x ".join(str(length) for length in self.convolution.x.shape)
        figure.suptitle(f"{self.convolution.layer} on {shape}", fontsize=10)
        return figure
