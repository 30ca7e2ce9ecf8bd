"""Receptive fields: how much of the image one number of a layer depends on.

Output i of a window of k pixels with dilation d, stride s and padding p reads the places
i s - p to i s - p + d (k - 1). Put layers behind each other and the intervals put themselves into
one another: with `jump` for the product of the strides so far,

    low  += jump * (-p),    high += jump * (-p + d (k - 1)),    jump *= s

so that output i depends on the pixels i jump + low to i jump + high, high - low + 1 of them. Where
two branches meet, the wider interval counts. The tape of autograd tells how a network is wired.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill
(2019), equations 2, 5 and 6.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import kernels, nn, ops
from ..autograd.function import Node
from ..autograd.modes import enable_grad, no_grad
from ..kernels import ConvGeometry, PoolGeometry, output_size
from ..tensor import Tensor
from .drawing import PLAIN, new_figure
from .explanation import Explanation
from .tape import recorded_nodes

# Operations on each number by itself, by the file of ops/ that they are in.
POINTWISE_FILES = (
    "activation",
    "arithmetic",
    "elementwise",
    "exponentials",
    "copy",
    "dropout",
    "pointwise",
)
MIXING = ("Softmax", "LogSoftmax", "GLU", "CumSum")


class Field(NamedTuple):
    """Rows and columns of the input that output (i, j) depends on, before the image ends:
    i * jump[0] + low[0] to i * jump[0] + high[0], and columns likewise."""

    jump: tuple[int, int]
    low: tuple[int, int]
    high: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.high[0] - self.low[0] + 1, self.high[1] - self.low[1] + 1

    def box(self, i: int, j: int) -> tuple[int, int, int, int]:
        """(first row, last row, first column, last column) of output (i, j)."""
        (jump_h, jump_w), (top, left), (bottom, right) = self
        return i * jump_h + top, i * jump_h + bottom, j * jump_w + left, j * jump_w + right


PIXEL = Field((1, 1), (0, 0), (0, 0))
# Where the whole image counts, or an operation is met that is not known to be local, there is None.


def after_window(
    field: Field,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Field:
    """The field of a layer with windows, put behind one with this field.

    >>> first = after_window(PIXEL, (3, 3), (2, 2), (1, 1))
    >>> second = after_window(first, (3, 3), (1, 1), (1, 1))
    >>> first.size, second.size, second.jump, second.low
    ((3, 3), (7, 7), (2, 2), (-3, -3))
    """
    axes = []
    for axis in range(2):
        jump, low, high = (values[axis] for values in field)
        reach = dilation[axis] * (kernel_size[axis] - 1)
        axes.append(
            (
                jump * stride[axis],
                low - jump * padding[axis],
                high + jump * (reach - padding[axis]),
            )
        )
    return Field(*zip(*axes, strict=True))  # type: ignore[arg-type]


def fields_on_tape(nodes: list[Node], x: Tensor) -> dict[Node, Field | None]:
    """The field in x of each node that depends on x; None for the whole image.

    nodes: as `recorded_nodes` gives them, inputs first.
    """
    fields: dict[Node, Field | None] = {}
    for node in nodes:
        inputs: list[tuple[Field | None, Any]] = []
        for place, edge in enumerate(node._edges):
            if edge is None:
                continue
            source = edge[0]
            if source is x:
                inputs.append((PIXEL, node._inputs_meta[place]))
            elif isinstance(source, Node) and source in fields:
                inputs.append((fields[source], node._inputs_meta[place]))
        if inputs:
            fields[node] = _after(node, inputs)
    return fields


def _after(node: Node, inputs: list[tuple[Field | None, Any]]) -> Field | None:
    merged = inputs[0][0]
    for field, _ in inputs[1:]:
        merged = _union(merged, field)
    shape_in, shape_out = inputs[0][1][0], node._outputs_meta[0][0]
    if merged is None or len(shape_in) != 4 or len(shape_out) != 4:
        return None
    context: Any = node
    geometry = getattr(node, "geometry", None)
    name, file = node._function.__name__, node._function.__module__.rpartition(".")[2]
    if isinstance(geometry, PoolGeometry):
        if (*shape_out[2:],) != (*geometry.out_size,):
            return None  # the way back through a pooling
        return after_window(
            merged, geometry.kernel_size, geometry.stride, geometry.padding, geometry.dilation
        )
    if isinstance(geometry, ConvGeometry):
        kernel_size = tuple(context.kernel_size)
        if name != "Conv2dFunction" or shape_out[2:] != output_size(
            shape_in[2:], kernel_size, geometry
        ):
            return None
        return after_window(
            merged, kernel_size, geometry.stride, geometry.before, geometry.dilation
        )
    if name == "ConstantPad":
        (top, bottom), (left, right) = context.pads[2:]
        if min(top, bottom, left, right) < 0:
            return None
        return after_window(merged, (1, 1), (1, 1), (top, left))
    same_size = shape_in[2:] == shape_out[2:]
    local = file in POINTWISE_FILES and name not in MIXING
    running = name == "BatchNorm" and not context.batch_statistics  # fixed numbers
    return merged if same_size and (local or running or name == "Cat") else None


def _union(a: Field | None, b: Field | None) -> Field | None:
    if a is None or b is None or a.jump != b.jump:
        return None
    return Field(
        a.jump,
        (min(a.low[0], b.low[0]), min(a.low[1], b.low[1])),
        (max(a.high[0], b.high[0]), max(a.high[1], b.high[1])),
    )


class LayerField(NamedTuple):
    """A layer with its field; None: the whole image. out_size: (OH, OW), () for vectors."""

    name: str
    kind: str
    out_size: tuple[int, ...]
    field: Field | None


def receptive_fields(model: nn.Module, x: Tensor) -> ReceptiveFields:
    """The receptive field of each layer without children, for images x (N, C, H, W).

    The network runs once, in evaluation mode: in training, batch norm mixes all pixels.

    >>> import minitorch_cnn as mt
    >>> model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.MaxPool2d(2), mt.nn.Conv2d(2, 2, 3))
    >>> print(receptive_fields(model, mt.zeros(1, 1, 16, 16)))
    layer                     kind              output  receptive field  jump  starts at
    0                         Conv2d           14 x 14            3 x 3     1          0
    1                         MaxPool2d          7 x 7            4 x 4     2          0
    2                         Conv2d             5 x 5            8 x 8     2          0
    """
    leaf = x.detach().clone().requires_grad_()
    outputs: list[tuple[str, nn.Module, Any, tuple[int, ...]]] = []
    handles = []
    for name, module in model.named_modules():
        if any(True for _ in module.children()):
            continue

        def listen(module: nn.Module, inputs: tuple, output: Any, name: str = name) -> None:
            if isinstance(output, Tensor):
                outputs.append((name, module, output.grad_fn, tuple(output.shape[2:])))

        handles.append(module.register_forward_hook(listen))
    training = model.training
    try:
        model.eval()
        with enable_grad():
            result = model(leaf)
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)
    fields = fields_on_tape(recorded_nodes(result), leaf)
    rows = [
        LayerField(name, type(module).__name__, size, fields.get(node))
        for name, module, node, size in outputs
    ]
    return ReceptiveFields(rows, (x.shape[2], x.shape[3]))


class ReceptiveFields(Explanation):
    """Made by `receptive_fields`: layers, a LayerField each, in the order of the calls."""

    def __init__(self, layers: list[LayerField], image_size: tuple[int, int]) -> None:
        self.layers, self.image_size = layers, image_size
        self.picture: np.ndarray | None = None

    def on(self, picture: np.ndarray) -> ReceptiveFields:
        """The same, to be drawn on a picture (H, W, C)."""
        drawn = ReceptiveFields(self.layers, self.image_size)
        drawn.picture = picture
        return drawn

    def text(self) -> str:
        lines = [
            f"{'layer':<25} {'kind':<14} {'output':>9}  {'receptive field':>15}  jump  starts at"
        ]
        for name, kind, size, field in self.layers:
            output = " x ".join(str(length) for length in size) or "vector"
            if field is None:
                lines.append(f"{name:<25} {kind:<14} {output:>9}  {'the whole image':>15}")
                continue
            height, width = field.size
            lines.append(
                f"{name:<25} {kind:<14} {output:>9}  {f'{height} x {width}':>15} "
                f"{field.jump[0]:5} {field.low[0]:10}"
            )
        return "\n".join(lines)

    def milestones(self) -> list[LayerField]:
        """The first layer with a window, those that see half as much again, and the last one."""
        wider = [each for each in self.layers if each.field and max(each.field.size) > 1]
        chosen: list[LayerField] = []
        for layer in wider:
            if not chosen or _width(layer) >= 1.5 * _width(chosen[-1]):
                chosen.append(layer)
        widest = max(wider, key=_width, default=None)
        if widest is not None and _width(widest) > _width(chosen[-1]):
            chosen.append(widest)
        return chosen

    def figure(self) -> Any:
        """Frames: what the middle output of layers sees that see much more than the one before."""
        from matplotlib import colormaps
        from matplotlib.patches import Rectangle

        H, W = self.image_size
        shown = self.milestones()
        figure = new_figure(8.5, 6)
        axes = figure.subplots()
        picture = np.full((H, W, 1), 128, np.uint8) if self.picture is None else self.picture
        axes.imshow(picture, cmap=PLAIN, extent=(-0.5, W - 0.5, H - 0.5, -0.5))
        colours = colormaps["plasma"](np.linspace(0.95, 0.1, max(len(shown), 1)))
        for colour, (name, _, (OH, OW), field) in zip(colours, shown, strict=True):
            assert field is not None
            top, bottom, left, right = field.box(OH // 2, OW // 2)
            axes.add_patch(
                Rectangle(
                    (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1,
                    fill=False, edgecolor=colour, lw=2.4,
                    label=f"{name}: {field.size[0]} x {field.size[1]}",
                )
            )  # fmt: skip
        reach = max([max(layer.field.size) for layer in shown if layer.field], default=1)
        border = max(2, min(reach // 2 - min(H, W) // 2 + 3, max(H, W)))
        axes.set(xlim=(-border, W + border), ylim=(H + border, -border))
        axes.set_title("receptive field of the middle output; beyond the picture is padding")
        if shown:
            axes.legend(
                frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5),
            )  # fmt: skip
        return figure


def _width(layer: LayerField) -> int:
    assert layer.field is not None
    return max(layer.field.size)


def measured_field(model: nn.Module, x: Tensor, i: int, j: int) -> np.ndarray:
    """Which pixels change output (i, j) of the model: bool (H, W), found by trying each of them.

    The slow and certain way: x (1, C, H, W) with one pixel changed goes through the model, for
    every pixel. The model's output is (1, K, OH, OW).
    """
    N, _, H, W = x.shape
    if N != 1:
        raise ValueError(f"measured_field takes one image, got {N}")
    copies = ops.cat([x.detach()] * (H * W + 1))
    for pixel in range(H * W):
        copies.array[pixel + 1, :, pixel // W, pixel % W] += 1.0
    training = model.training
    # Winograd's tiles would carry rounding errors to outputs that do not see the pixel.
    with kernels.conv_algorithm("im2col"), no_grad():
        outputs = model.eval()(copies).numpy()[:, :, i, j]
    model.train(training)
    return (outputs[1:] != outputs[0]).any(axis=1).reshape(H, W)
