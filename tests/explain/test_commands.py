"""The command line, on the network that nobody trained and on a checkpoint."""

import sys

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import explain
from minitorch_cnn.explain import commands
from minitorch_cnn.explain.subject import checkpoint_path

FAST = {
    "algorithms": ["--shape", "1", "4", "8", "8"],
    "histograms": ["--steps", "2"],
    "confusion": ["--images", "20"],
    "predictions": ["--images", "40"],
    "exciting": ["--images", "10"],
    "gradient-flow": ["--depth", "2"],
    "ladder": ["--size", "1", "2", "8", "8", "--filters", "32"],
    "roofline": ["--batch-size", "1"],
    "summary": ["--measure"],
}
NAMES = [
    "pixel", "columns", "col2im", "variations", "gradients", "pooling", "batchnorm",
    "gradient-flow", "algorithms", "winograd", "roofline", "ladder", "summary", "tape",
    "receptive-field", "filters", "feature-maps", "saliency", "grad-cam", "occlusion", "exciting",
    "confusion", "predictions", "histograms",
]  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path):
    """What the examples save, of a LeNet for grey pictures."""
    model = mt.models.lenet5(num_classes=10, in_channels=1, padding=0)
    row = dict(
        epoch=1, lr=0.1, train_loss=2.0, test_loss=2.0, train_accuracy=1.0, test_accuracy=1.0
    )
    saved = {
        "config": {"arch": "lenet5", "dataset": "shapes"}, "model": model.state_dict(),
        "classes": mt.datasets.Shapes(size=0).classes, "in_channels": 1, "mean": [0.5],
        "std": [0.25], "rows": [row],
    }  # fmt: skip
    mt.save(saved, tmp_path / "best.npz")
    return model, tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_without_a_checkpoint(name, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / ("a.svg" if name == "tape" else "a.png")
    commands.main(["explain", name, "--out", str(out), *FAST.get(name, [])])
    printed = capsys.readouterr().out
    assert f"picture: {out}" in printed and len(printed) > 60
    if name == "tape":
        assert out.read_text().count("<rect") > 10
    else:
        with Image.open(out) as picture:
            assert picture.width > 300 and len(picture.convert("L").getcolors(256)) > 20


def test_all_commands_but_those_that_need_a_file_are_tried_here(capsys):
    with pytest.raises(SystemExit):
        commands.main(["explain", "--help"])
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()
              if line.startswith("    ") and not line.startswith("     ")]  # fmt: skip
    assert set(listed) - set(NAMES) <= {"curves", "page"}


def test_a_checkpoint_and_a_picture_of_ones_own(checkpoint, tmp_path, capsys):
    model, folder = checkpoint
    Image.fromarray(np.arange(40 * 50 * 3, dtype=np.uint8).reshape(40, 50, 3)).save(
        tmp_path / "own.png"
    )
    own = str(tmp_path / "own.png")
    subject = explain.load_subject(folder / "best", own)
    assert subject.x.shape == (1, 1, 32, 32) and subject.name == "own.png"
    loaded, saved = subject.model.features[0].weight, model.features[0].weight
    np.testing.assert_array_equal(loaded.detach(), saved.detach())
    assert not subject.model.training
    picture = subject.picture.astype(np.float32)[..., 0]
    np.testing.assert_allclose(subject.x[0, 0], (picture / 255 - 0.5) / 0.25, atol=1e-5)
    arguments = ["--checkpoint", str(folder), "--image", own, "--out", str(tmp_path / "a.png")]
    commands.main(["explain", "pixel", "--layer", "features.3", "--at", "1", "2", *arguments])
    assert "y[n=0, k=0, i=1, j=2] of Conv2d(6, 16" in capsys.readouterr().out
    out = ["--out", str(tmp_path / "b.png")]
    commands.main(["explain", "curves", "--checkpoint", str(folder), *out])
    assert "best test accuracy 1.00 %" in capsys.readouterr().out
    commands.main(["explain", "exciting", "--checkpoint", str(folder), "--images", "5", *out])
    commands.main(["explain", "grad-cam", "--target", "ring", *arguments])
    assert "Grad-CAM for ring" in capsys.readouterr().out


def test_loading_leaves_the_random_numbers_alone():
    before = mt.get_rng_state().numpy().copy()
    a, b = explain.load_trained(), explain.load_trained()
    np.testing.assert_array_equal(mt.get_rng_state(), before)
    np.testing.assert_array_equal(a.model.conv1.weight.detach(), b.model.conv1.weight.detach())


@pytest.mark.parametrize("arguments, message", [
    (["pixel", "--layer", "nowhere"], "no Conv2d layer 'nowhere'"),
    (["pixel", "--checkpoint", "nowhere"], "there is no checkpoint nowhere.npz"),
    (["pixel", "--image", __file__], "cannot read the picture"),
    (["pixel", "--at", "99", "0"], "i=99 is out of range"),
    (["saliency", "--target", "cat"], "no class 'cat'; there are circle"),
    (["summary", "--model", "nothing"], "has no 'nothing'"),
    (["winograd", "--layer", "layer2.0.conv1"], "only for stride 1"),
])  # fmt: skip
def test_what_a_user_can_mend_is_one_sentence(arguments, message, tmp_path):
    with pytest.raises(SystemExit) as exit:
        commands.main(["explain", *arguments, "--out", str(tmp_path / "a.png")])
    assert str(exit.value).startswith("error: ") and message in str(exit.value)


def test_without_matplotlib_the_text_is_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    commands.main(["explain", "pixel", "--out", str(tmp_path / "a.png")])
    printed = capsys.readouterr().out
    assert "the layer says" in printed and "minitorch-cnn[plot]" in printed
    assert not (tmp_path / "a.png").exists()
    pixel = explain.conv2d(mt.zeros(1, 1, 3, 3), mt.nn.Conv2d(1, 1, 3)).pixel(0, 0, 0, 0)
    assert pixel._repr_png_() is None and "<table" in pixel._repr_html_()


def test_files_that_are_no_checkpoint(tmp_path):
    mt.save({"weight": mt.zeros(1)}, tmp_path / "other.npz")
    with pytest.raises(ValueError, match="not a checkpoint of a training run"):
        explain.load_trained(tmp_path / "other")
    (tmp_path / "best.npz").touch()
    assert checkpoint_path(tmp_path) == checkpoint_path(tmp_path / "best") == tmp_path / "best.npz"
