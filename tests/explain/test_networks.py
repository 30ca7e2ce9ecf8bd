"""Summaries, tapes and receptive fields: published numbers, closed formulas, trying every pixel."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import explain, nn
from minitorch_cnn.explain.receptive_field import PIXEL, after_window, measured_field


@pytest.mark.parametrize("name, parameters, giga_macs", [
    # torchvision's documentation of its weights: num_params and GFLOPS (which are multiply-adds)
    ("resnet18", 11_689_512, 1.814),
    ("squeezenet1_0", 1_248_424, 0.819),
    ("mobilenet_v2", 3_504_872, 0.301),
])  # fmt: skip
def test_published_parameters_and_multiply_adds(name, parameters, giga_macs):
    result = mt.summary(getattr(mt.models, name)(), (3, 224, 224))
    assert result.parameters == parameters
    assert sum(row.parameters for row in result.rows) == parameters
    assert round(result.macs / 1e9, 3) == giga_macs


def test_lenet_by_hand():
    result = mt.summary(mt.models.lenet5(), (2, 1, 28, 28))
    macs = [row.macs for row in result.rows if row.macs]
    # two images: 6 * 25 * 28^2, 16 * 150 * 10^2, 400 * 120, 120 * 84, 84 * 10
    assert macs == [2 * 117_600, 2 * 240_000, 2 * 48_000, 2 * 10_080, 2 * 840]
    assert [row.parameters for row in result.rows if row.parameters] == [
        156, 2416, 48_120, 10_164, 850,
    ]  # fmt: skip
    first = result.rows[0]
    assert first.output_shape == (2, 6, 28, 28) and first.output_bytes == 4 * 2 * 6 * 28 * 28
    assert first.kernel == "5 x 5" and result.rows[2].kernel == "2 x 2, stride 2"
    assert "61,706 parameters" in str(result)


def test_a_transposed_and_a_grouped_convolution():
    model = nn.Sequential(nn.ConvTranspose2d(4, 6, 2, stride=2), nn.Conv2d(6, 8, 3, groups=2))
    rows = mt.summary(model, (4, 5, 5)).rows
    assert rows[0].macs == 4 * 25 * 6 * 4  # each input number meets a filter of 6 x 2 x 2
    assert rows[1].macs == 8 * 64 * 3 * 9
    assert rows[1].kernel == "3 x 3, groups 2"


def test_a_shared_layer_counts_its_parameters_once():
    layer = nn.Conv2d(2, 2, 3, padding=1)
    result = mt.summary(nn.Sequential(layer, nn.ReLU(), layer), (2, 4, 4))
    assert [row.parameters for row in result.rows] == [38, 0, 0]
    assert result.parameters == 38 and result.macs == 2 * 2 * 16 * 18


def test_memory_for_backward_is_counted_once():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    _, relu, second = mt.summary(model, (4, 3, 10, 10)).rows
    # the ReLU keeps its output, and the convolution behind it the same memory again
    assert relu.saved_bytes + second.saved_bytes == 4 * 4 * 8 * 8 * 8


def test_summary_leaves_the_model_as_it_was_and_measures():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    result = mt.summary(model, (1, 4, 4), measure=True)
    assert model.training and model[1].num_batches_tracked.item() == 0
    assert all(p.grad is None for p in model.parameters())
    assert not model[0]._forward_hooks and not model[0]._forward_pre_hooks
    assert all(row.seconds > 0 for row in result.rows)
    assert "%" in str(result)
    with pytest.raises(ValueError, match=r"got \(2, 3, 4, 5, 6\)"):
        mt.summary(model, (2, 3, 4, 5, 6))
    assert [(name, len(rows)) for name, rows in result.parts()] == [("0", 3), ("3", 1)]


# -------------------------------------------------------------------------- receptive fields


@given(st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)),
    min_size=1, max_size=5,
))  # fmt: skip
def test_the_closed_formula(layers):
    """Araujo et al., equations 2 and 5, and the padding of equation 6."""
    field = PIXEL
    for kernel, stride, padding, dilation in layers:
        field = after_window(
            field, (kernel, kernel), (stride, stride), (padding, padding), (dilation, dilation)
        )
    size, product, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += dilation * (kernel - 1) * product
        start -= padding * product
        product *= stride
    assert field.size == (size, size)
    assert field.jump == (product, product) and field.low == (start, start)


def convolutions(count):
    return [nn.Conv2d(1, 1, 3, padding=1) for _ in range(count)]


def test_published_receptive_fields():
    """The table of the Distill article; the number of channels does not matter."""
    alexnet = nn.Sequential(
        nn.Conv2d(1, 1, 11, stride=4, padding=2), nn.MaxPool2d(3, 2), nn.Conv2d(1, 1, 5, padding=2),
        nn.MaxPool2d(3, 2), *convolutions(3), nn.MaxPool2d(3, 2),
    )  # fmt: skip
    vgg16 = nn.Sequential(
        *[layer for count in (2, 2, 3, 3, 3) for layer in [*convolutions(count), nn.MaxPool2d(2)]]
    )
    for model, size in ((alexnet, 195), (vgg16, 212)):
        last = explain.receptive_fields(model, mt.zeros(1, 1, 64, 64)).layers[-1]
        assert last.field.size == (size, size) and last.field.jump == (32, 32)


class Branches(nn.Module):
    """A wide and a narrow branch that meet twice: once added, once side by side."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.wide = nn.Conv2d(2, 2, 3, padding=2, dilation=2)
        self.norm = nn.BatchNorm2d(2)
        self.pool = nn.AvgPool2d(2)
        self.side = nn.Conv2d(2, 2, 1, stride=2)
        self.last = nn.Conv2d(4, 1, (1, 3), padding=(0, 1))

    def forward(self, x):
        x = self.first(x)
        x = mt.sigmoid(self.norm(self.wide(x)) + x)
        return self.last(mt.cat([self.pool(x), self.side(x)], dim=1))


@pytest.mark.parametrize("i, j", [(2, 2), (0, 0), (3, 1)])
def test_the_field_is_what_changes_the_output(i, j):
    model, x = Branches().double(), mt.randn(1, 1, 12, 12, dtype=mt.float64)
    field = explain.receptive_fields(model, x).layers[-1].field
    assert field.size == (8, 12) and field.jump == (2, 2)
    changed = measured_field(model, x, i, j)
    top, bottom, left, right = field.box(i, j)
    expected = np.zeros((12, 12), bool)
    expected[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (max(top, 0), min(bottom, 11))
    assert (columns.min(), columns.max()) == (max(left, 0), min(right, 11))
    assert not changed[~expected].any()


def test_what_mixes_all_pixels_is_the_whole_image():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2), nn.Conv2d(2, 2, 3), nn.AdaptiveAvgPool2d(1)
    )
    fields = [layer.field for layer in explain.receptive_fields(model, mt.zeros(1, 1, 8, 8)).layers]
    assert fields[0].size == (3, 3) and fields[1:] == [None, None, None]


def test_a_picture_shows_the_fields_that_differ_much():
    model = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(8)])  # 3, 5, ..., 17
    found = explain.receptive_fields(model, mt.zeros(1, 1, 8, 8)).milestones()
    assert [layer.field.size[0] for layer in found] == [3, 5, 9, 15, 17]


# ------------------------------------------------------------------------------------- tape


def test_the_tape_shows_what_was_recorded():
    model = mt.models.resnet.BasicBlock(2, 2)
    tape = explain.tape(model(mt.zeros(1, 2, 4, 4)).sum(), model)
    names = {entry.title for entry in tape.entries if entry.kind == "parameter"}
    assert names == {name for name, _ in model.named_parameters()}
    dot = tape.dot()
    assert dot.count("->") == sum(len(entry.inputs) for entry in tape.entries)
    assert dot.startswith("digraph") and dot.count("{") == dot.count("}")
    root = ElementTree.fromstring(tape.svg())
    drawn = [group.find("{http://www.w3.org/2000/svg}title").text for group in root.iter()
             if group.tag.endswith("}g")]  # fmt: skip
    assert len(drawn) == len(tape.entries) and any("conv1.weight" in text for text in drawn)
    layout = tape.layout()
    assert len(set(layout.values())) == len(layout)
    for entry in tape.entries:
        assert all(layout[source][1] > layout[entry.key][1] for source in entry.inputs)


def test_a_tape_is_written_as_svg_or_dot(tmp_path):
    tape = explain.tape((mt.ones(2, requires_grad=True) * 3).sum())
    tape.save(tmp_path / "a.svg")
    tape.save(tmp_path / "a.dot")
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert "digraph" in (tmp_path / "a.dot").read_text()
    with pytest.raises(ValueError, match=r"\.svg or \.dot"):
        tape.save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="nothing was recorded"):
        explain.tape(mt.ones(2))


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_summary_fits_the_terminal(columns):
    table = mt.summary(mt.models.resnet18(), (3, 224, 224))
    lines = table.text(columns).splitlines()
    assert max(map(len, lines)) <= columns
    assert any("conv2 Conv2d" in line and "2,359,296" in line for line in lines)
    assert "11,689,512 parameters" in "\n".join(lines)
    assert table.text(1000) == str(table) and "saved kB" in str(table)  # no terminal: all of it
