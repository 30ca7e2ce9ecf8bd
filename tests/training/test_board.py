"""What a run tells TensorBoard: tags, steps and values; and a run that is continued."""

import importlib

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.training.board import Board

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")


@pytest.fixture(autouse=True)
def nothing_is_compiled():
    with mt.kernel_tier("array"):
        yield


def read(folder):
    module = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    return module.EventAccumulator(str(folder), module.STORE_EVERYTHING_SIZE_GUIDANCE).Reload()


def metrics(epoch):
    return dict(lr=0.1, train_loss=2 / epoch, test_loss=3 / epoch, test_accuracy=10.0 * epoch)


def test_epochs_weights_graph_and_settings(tmp_path):
    model = mt.models.lenet5()
    board = Board(tmp_path, mt.zeros(1, 1, 28, 28))
    for epoch in (1, 2):
        board.epoch(epoch, metrics(epoch), model)
    options = dict(lr=0.1, arch="lenet5", augment=True, resume=None, classes=["a"])
    board.end(options, 20.0)
    found = read(tmp_path)
    assert found.Tags()["scalars"] == [
        "learning rate", "loss/train", "loss/test", "accuracy/test"
    ]  # fmt: skip
    points = found.Scalars("loss/test")
    assert [point.step for point in points] == [1, 2]
    np.testing.assert_allclose([point.value for point in points], [3, 1.5])
    tags = {name.replace(".", "/") for name, p in model.named_parameters() if p.ndim > 1}
    assert set(found.Tags()["histograms"]) == tags
    weight = found.Histograms("features/0/weight")[1].histogram_value
    assert weight.num == model.features[0].weight.numel()
    assert any(node.name.startswith("LeNet5/") for node in found.Graph().node)
    settings = read(tmp_path / "settings")
    assert settings.Scalars("best test accuracy")[0].value == 20.0
    data = importlib.import_module("tensorboard.plugins.hparams.metadata")
    content = settings.SummaryMetadata(data.SESSION_START_INFO_TAG).plugin_data.content
    kept = data.parse_session_start_info_plugin_data(content).hparams
    assert sorted(kept) == ["arch", "augment", "lr"]


def test_a_continued_run_takes_the_place_of_what_broke_off(tmp_path):
    model = mt.nn.Linear(2, 2)
    for place, epochs, factor in (("1", (1, 2, 3), 1), ("2", (3, 4), 10)):
        board = Board(tmp_path, mt.zeros(1, 2))
        for epoch in epochs:
            board.epoch(epoch, {"test_loss": factor * epoch}, model)
        board.writer.close()
        # Within a second, names do not follow the order in which files are written.
        (new,) = [path for path in tmp_path.iterdir() if len(path.name) > 21]
        new.rename(tmp_path / f"events.out.tfevents.{place}")
    graphs = [path for path in tmp_path.iterdir() if b"IO Node" in path.read_bytes()]
    assert [path.name for path in graphs] == ["events.out.tfevents.1"]
    found = [(point.step, point.value) for point in read(tmp_path).Scalars("loss/test")]
    assert found == [(1, 1), (2, 2), (3, 30), (4, 40)]


def test_a_run_without_an_epoch_has_no_files(tmp_path):
    Board(tmp_path / "new", mt.zeros(1, 2)).end({}, 0.0)
    assert not (tmp_path / "new").exists()
