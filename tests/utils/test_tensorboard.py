"""SummaryWriter: what TensorBoard reads back, and the same events as torch's writer writes."""

import importlib
import inspect
import io
import sys

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.run import run_program
from minitorch_cnn.utils.tensorboard import values

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
from minitorch_cnn.utils.tensorboard import SummaryWriter

accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
loader = importlib.import_module("tensorboard.backend.event_processing.event_file_loader")
event_pb2 = importlib.import_module("tensorboard.compat.proto.event_pb2")
hparams_pb2 = importlib.import_module("tensorboard.plugins.hparams.plugin_data_pb2")
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (3, 5, 7), np.uint8)


@pytest.fixture(autouse=True)
def nothing_is_compiled():
    with mt.kernel_tier("array"):
        yield


def read(folder):
    guidance = accumulator.STORE_EVERYTHING_SIZE_GUIDANCE
    return accumulator.EventAccumulator(str(folder), guidance).Reload()


def events(folder):
    """All events of the files below a folder, by the folder's name, without their times."""
    found = {}
    for path in sorted(folder.rglob("events*")):
        place = found.setdefault(str(path.parent.relative_to(folder)), [])
        for raw in loader.RawEventFileLoader(str(path)).Load():
            event = event_pb2.Event.FromString(raw)
            event.wall_time = 0
            for value in event.summary.value:
                plugin = value.metadata.plugin_data
                if plugin.plugin_name == "hparams":  # a dictionary's order is by chance
                    data = hparams_pb2.HParamsPluginData.FromString(plugin.content)
                    plugin.content = data.SerializeToString(deterministic=True)
            place.append(event)
    return found


# ---- what TensorBoard reads


def test_scalars_are_read_back(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step, value in enumerate([mt.tensor(0.5), np.float32(0.25), 3, mt.tensor([[1.0]])]):
            writer.add_scalar("train/loss", value, 10 * step, walltime=100.0 + step)
        writer.add_scalar("new", 2.0, mt.tensor(4), new_style=True)
        with pytest.raises(AssertionError, match="one element"):
            writer.add_scalar("several", mt.ones(2))
        with pytest.raises(NotImplementedError, match="expected numbers"):
            writer.add_scalar("text", "0.5")
    found = read(tmp_path)
    assert found.Tags()["scalars"] == ["train/loss"] and found.Tags()["tensors"] == ["new"]
    points = found.Scalars("train/loss")
    assert [(point.wall_time, point.step, point.value) for point in points] == [
        (100.0, 0, 0.5), (101.0, 10, 0.25), (102.0, 20, 3.0), (103.0, 30, 1.0)
    ]  # fmt: skip
    (point,) = found.Tensors("new")
    assert point.step == 4 and list(point.tensor_proto.float_val) == [2.0]


def test_several_scalars_have_a_folder_each(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("run/loss", {"train": 1.0, "test": 2.0}, 3)
    for name, value in (("train", 1.0), ("test", 2.0)):
        (point,) = read(tmp_path / f"run_loss_{name}").Scalars("run/loss")
        assert (point.step, point.value) == (3, value)


@pytest.mark.parametrize("bins", ["tensorflow", "auto", 7])
def test_histograms_count_every_value(tmp_path, bins):
    numbers = RNG.normal(size=300) * 10.0 ** RNG.integers(-3, 3, 300)
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("weights", mt.tensor(numbers).reshape(30, 10), 5, bins=bins)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("nothing", mt.zeros(0))
    (event,) = read(tmp_path).Histograms("weights")
    found = event.histogram_value
    assert event.step == 5 and found.num == 300
    assert found.min == numbers.min() and found.max == numbers.max()
    np.testing.assert_allclose(found.sum, numbers.sum())
    np.testing.assert_allclose(found.sum_squares, (numbers**2).sum())
    limits, counts = np.array(found.bucket_limit), np.array(found.bucket)
    assert limits[0] <= numbers.min() and limits[-1] >= numbers.max() and counts[0] == 0
    for low, high, count in zip(limits[:-2], limits[1:-1], counts[1:-1], strict=True):
        assert count == ((numbers >= low) & (numbers < high)).sum()  # NumPy's half-open bins
    assert counts.sum() == 300 and counts[1] and counts[-1]


@pytest.mark.parametrize(
    "image, dataformats, expected",
    [
        (PHOTO, "CHW", PHOTO.transpose(1, 2, 0)),
        (PHOTO.transpose(1, 2, 0), "hwc", PHOTO.transpose(1, 2, 0)),
        (mt.tensor(PHOTO / 255), "CHW", PHOTO.transpose(1, 2, 0)),
        (PHOTO[0], "HW", np.stack([PHOTO[0]] * 3, axis=2)),
        (PHOTO[:1], "CHW", np.stack([PHOTO[0]] * 3, axis=2)),
    ],
)
def test_images_are_their_pixels(tmp_path, image, dataformats, expected):
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("photo", image, 1, dataformats=dataformats)
    (event,) = read(tmp_path).Images("photo")
    assert (event.height, event.width) == (5, 7)
    with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
        # 255 * (v / 255) may come out just below v, and is rounded down as in torch
        np.testing.assert_allclose(np.asarray(picture), expected, atol=1)


def test_axes_that_do_not_fit_are_refused(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(AssertionError, match=r"\[2, 2\] and 'CHW'"):
            writer.add_image("x", mt.zeros(2, 2))
        with pytest.raises(AssertionError, match="made of N, C, H and W"):
            writer.add_image("x", mt.zeros(2, 2, 3), dataformats="HWD")


def test_figures_become_pictures(tmp_path):
    figure = pytest.importorskip("matplotlib.figure")
    plot = figure.Figure(figsize=(2, 1), dpi=50)
    plot.subplots().plot([1, 2, 3])
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("plot", plot, 1)
        writer.add_figure("plots", [plot, plot], 1)
    found = read(tmp_path)
    for tag, width in (("plot", 100), ("plots", 200)):
        (event,) = found.Images(tag)
        assert (event.height, event.width) == (50, width)
        with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
            assert len(picture.convert("L").getcolors(256)) > 3


def test_the_graph_is_the_module(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
            self.fc = nn.Linear(8, 3)

        def forward(self, x):
            y = self.features(x)
            return self.fc((y + y).flatten(1))

    with SummaryWriter(tmp_path) as writer:
        net = Net()
        writer.add_graph(net, mt.ones(2, 1, 4, 4))
        with pytest.raises(ValueError, match="input_to_model"):
            writer.add_graph(net)
    assert net.training
    nodes = {node.name: node for node in read(tmp_path).Graph().node}
    scopes = {
        "features.0": "Net/Sequential[features]/Conv2d[0]",
        "features.1": "Net/Sequential[features]/BatchNorm2d[1]",
        "features.2": "Net/Sequential[features]/ReLU[2]",
        "fc": "Net/Linear[fc]",
    }
    for name, _ in net.named_parameters():
        place, _, own = name.rpartition(".")
        assert nodes[f"{scopes[place]}/{own}"].op == "Parameter"
    for name, scope in scopes.items():  # each layer computes, in its own scope
        assert any(key.startswith(f"{scope}/") and n.op not in ("Parameter", "Buffer")
                   for key, n in nodes.items()), name  # fmt: skip
    assert nodes["Net/Add"].op == "Add"
    for node in nodes.values():  # every arrow begins at a node
        assert all(source in nodes for source in node.input), node.name
    # The way from the output leads to all of them.
    waiting, seen = ["output/output.0"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting += nodes[name].input
    assert seen == nodes.keys()
    (shape,) = nodes["Net/Linear[fc]/Linear"].attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [2, 3]


def test_settings_have_a_run_of_their_own(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams(
            {"lr": 0.1, "batch": 32, "augment": True, "net": "lenet5", "none": None},
            {"accuracy": mt.tensor(0.9)},
            hparam_domain_discrete={"net": ["lenet5", "vgg"]},
            run_name="first",
            global_step=2,
        )
        with pytest.raises(ValueError, match="lr=\\[1\\]"):
            writer.add_hparams({"lr": [1]}, {})
        with pytest.raises(TypeError, match="should be dictionary"):
            writer.add_hparams([], {})
    found = read(tmp_path / "first")
    (point,) = found.Scalars("accuracy")
    assert point.step == 2 and point.value == pytest.approx(0.9)
    data = importlib.import_module("tensorboard.plugins.hparams.metadata")
    start = data.parse_session_start_info_plugin_data(
        found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    assert start.hparams["lr"].number_value == 0.1 and start.hparams["augment"].bool_value is True
    assert start.hparams["net"].string_value == "lenet5" and len(start.hparams) == 4


def test_precision_and_recall_are_their_definitions(tmp_path):
    labels, said = RNG.integers(0, 2, 50), RNG.random(50)
    weights = RNG.random(50)
    with SummaryWriter(tmp_path) as writer:
        writer.add_pr_curve("pr", mt.tensor(labels), mt.tensor(said), 1, 11, mt.tensor(weights))
    (event,) = read(tmp_path).Tensors("pr")
    got = np.array(event.tensor_proto.float_val).reshape(6, 11)
    for place in range(11):
        positive = said >= place / 10
        counts = [
            weights[mask].sum()
            for mask in (
                positive & (labels == 1), positive & (labels == 0),
                ~positive & (labels == 0), ~positive & (labels == 1),
            )
        ]  # fmt: skip
        np.testing.assert_allclose(got[:4, place], counts, atol=1e-5)
        hits, alarms, _, missed = counts
        np.testing.assert_allclose(got[4, place], hits / max(hits + alarms, 1e-7), atol=1e-5)
        np.testing.assert_allclose(got[5, place], hits / max(hits + missed, 1e-7), atol=1e-5)


def test_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="_mine", filename_suffix=".end")
    assert writer.get_logdir().startswith("runs") and writer.log_dir.endswith("_mine")
    writer.add_scalar("a", 1, 1)
    writer.flush()
    (path,) = (tmp_path / writer.log_dir).iterdir()
    assert path.name.endswith(".end") and read(path.parent).Scalars("a")[0].value == 1
    writer.close()
    writer.add_scalar("a", 2, 2)  # opens a new file
    writer.close()
    for name in ("add_video", "add_audio", "add_mesh", "add_onnx_graph", "add_custom_scalars"):
        assert not hasattr(writer, name)
        with pytest.raises(NotImplementedError, match=f"SummaryWriter.{name} is not supported"):
            getattr(writer, name)


def test_what_a_broken_run_wrote_is_hidden(tmp_path):
    def put_behind(number):
        """Within a second, names do not follow the order in which files are written."""
        (new,) = [path for path in tmp_path.iterdir() if len(path.name) > 21]
        new.rename(tmp_path / f"events.out.tfevents.{number}")

    for number, purge, value in ((1, None, 1.0), (2, 2, 5.0)):
        with SummaryWriter(tmp_path, purge_step=purge) as writer:
            for step in range(purge or 0, 4):
                writer.add_scalar("a", value, step)
        put_behind(number)
    writer.add_scalar("a", 6.0, 4)  # in one more file
    writer.close()
    put_behind(3)
    assert [point.value for point in read(tmp_path).Scalars("a")] == [1.0, 1.0, 5.0, 5.0, 6.0]
    (written,) = events(tmp_path).values()
    assert sum(event.HasField("session_log") for event in written) == 1


def test_points_for_the_projector(tmp_path):
    pictures = mt.rand(5, 3, 4, 6)
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(mt.eye(5), list("abcde"), pictures, 1, tag="a/b")
        writer.add_embedding(
            np.eye(2), [["a", 1], ["b", 2]], global_step=2, metadata_header=["name", "count"]
        )
    folder = tmp_path / "00001" / "a%2Fb"
    rows = [line.split("\t") for line in (folder / "tensors.tsv").read_text().splitlines()]
    np.testing.assert_array_equal(np.array(rows, float), np.eye(5))
    assert (folder / "metadata.tsv").read_text().split() == list("abcde")
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (18, 12)  # three in a row and three rows, of 6 x 4 pixels
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert config.count("embeddings {") == 2 and 'tensor_name: "a/b:00001"' in config
    header = (tmp_path / "00002" / "default" / "metadata.tsv").read_text().splitlines()[0]
    assert header == "name\tcount"


# ---- beside torch's


def write_all(writer, tensor):
    """What both writers are told; tensor makes a tensor of an array."""
    numbers = np.linspace(-2, 3, 40) ** 3
    writer.add_scalar("a/b", 0.1, 1)
    writer.add_scalar("new", tensor(np.float32(0.1)), 2, new_style=True)
    writer.add_scalar("double", 0.1, new_style=True, double_precision=True)
    writer.add_scalars("c/d", {"x": 1, "y": 2.5}, 7)
    writer.add_histogram("h", tensor(numbers), 3)
    writer.add_histogram("h auto", tensor(numbers), 3, bins="auto", max_bins=3)
    writer.add_histogram_raw("raw", 0, 1, 2, 1, 1, [0.5, 1.0], [1, 1], 4)
    writer.add_image("photo", tensor(PHOTO), 5)
    writer.add_image("grey", tensor(np.float32(PHOTO[0] / 256)), 5, dataformats="HW")
    many = np.float32(np.arange(9 * 3 * 4 * 5).reshape(9, 3, 4, 5) % 256 / 256)
    writer.add_images("photos", tensor(many), 6)
    writer.add_images("one channel", tensor(many[:, :1]), 6)
    writer.add_text("words", "**bold**", 1)
    writer.add_pr_curve("pr", tensor(np.arange(12) % 2), tensor(np.arange(12) / 12), 2, 20)
    # Not with a bool, which torch writes as a number.
    settings = {"lr": 0.1, "n": 3, "net": "vgg"}
    writer.add_hparams(settings, {"accuracy": 0.5}, {"net": ["vgg", "alexnet"]}, "hp")
    writer.add_tensor("t", tensor(np.float32([[1, 2]])), 1)


def test_events_are_torchs(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    for name, kind, tensor in (
        ("ours", SummaryWriter, mt.tensor), ("torch", theirs, torch.tensor),
    ):  # fmt: skip
        with kind(str(tmp_path / name)) as writer:
            write_all(writer, tensor)
    ours, torchs = events(tmp_path / "ours"), events(tmp_path / "torch")
    assert ours.keys() == torchs.keys()
    for folder in ours:
        assert len(ours[folder]) == len(torchs[folder]), folder
        for event, expected in zip(ours[folder], torchs[folder], strict=True):
            assert event == expected


def test_signatures_are_torchs():
    theirs = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    for name in dir(SummaryWriter):
        if name[0] != "_" or name == "__init__":
            ours, torchs = (
                {
                    p.name: p.default
                    for p in inspect.signature(getattr(kind, name)).parameters.values()
                }
                for kind in (SummaryWriter, theirs)
            )
            assert list(ours.items()) == list(torchs.items()), name


def test_without_the_package_the_name_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    name = "minitorch_cnn.utils.tensorboard"
    for each in [each for each in sys.modules if each.startswith(name)]:
        monkeypatch.delitem(sys.modules, each)
    monkeypatch.delattr(mt.utils, "tensorboard")
    module = importlib.import_module(name)
    assert not hasattr(module, "SummaryWriter")
    with pytest.raises(ImportError, match=r"SummaryWriter.*pip install 'minitorch-cnn\[tensorb"):
        exec(f"from {name} import SummaryWriter", {})


def test_a_torch_program_writes_its_curves(tmp_path):
    program = tmp_path / "train.py"
    program.write_text(
        "import sys, torch\n"
        "from torch.utils.tensorboard import SummaryWriter\n"
        "from torch.utils.tensorboard.writer import SummaryWriter as same\n"
        "assert same is SummaryWriter\n"
        "with SummaryWriter(sys.argv[1]) as writer:\n"
        "    writer.add_scalar('loss', torch.tensor(0.5), 1)\n"
        "    writer.add_graph(torch.nn.Linear(2, 3), torch.ones(1, 2))\n"
    )
    run_program(program, str(tmp_path / "log"))
    found = read(tmp_path / "log")
    assert found.Scalars("loss")[0].value == 0.5
    assert "Linear/weight" in {node.name for node in found.Graph().node}
    assert values.growing_edges().size > 1500
