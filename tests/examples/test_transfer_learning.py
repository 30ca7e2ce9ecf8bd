"""The transfer learning example, run for two steps on a small folder."""

import numpy as np
import pytest
import transfer_learning

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.models import _api
from minitorch_cnn.predict import main as predict


class TinyResNet(models.cifar.CifarResNet):
    def __init__(self, num_classes=1000):
        super().__init__([1, 1], [4, 8], num_classes)


class TinyVGG(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.classifier = nn.Sequential(nn.Linear(16, 8), nn.Dropout(), nn.Linear(8, num_classes))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small networks by the names of the big ones, with weights from files as they have them."""
    for name, network in (("resnet18", TinyResNet), ("vgg16", TinyVGG)):

        def builder(*, weights=None, progress=True, num_classes=1000, network=network):
            return _api.build(network, weights, progress, num_classes=num_classes)

        published = models.get_model_weights(name)
        monkeypatch.setitem(_api.BUILDERS, name, _api._with_weights(builder, published))
    make = transfer_learning.make_shapes_folder
    monkeypatch.setattr(transfer_learning, "make_shapes_folder", lambda root: make(root, (60, 30)))


def run(out, *options):
    arguments = ["--image-size", "32", "--batch-size", "16", "--epochs", "1", "--out", str(out)]
    transfer_learning.main([*arguments, *options])


def test_only_the_last_layer_gets_gradients(tmp_path, monkeypatch):
    built = []
    build = transfer_learning.build_model
    monkeypatch.setattr(
        transfer_learning, "build_model", lambda *args: built.append(build(*args)) or built[0]
    )
    run(tmp_path, "--limit-batches", "1", "--weights", "none")
    model, head = built[0]
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) is name.startswith("fc."), name
    assert model.fc is head


def test_two_steps_change_the_last_layer_alone(tmp_path, capsys):
    twin = TinyResNet()
    mt.save(twin.state_dict(), tmp_path / "known.pth")
    run(tmp_path, "--limit-batches", "2", "--weights", str(tmp_path / "known.pth"))
    printed = capsys.readouterr().out
    assert "90 to be trained on 60 pictures of 10 classes" in printed
    assert "epoch 1/1" in printed and "validation accuracy" in printed
    state = mt.load(tmp_path / "best.npz")["model"]
    assert state["fc.weight"].shape == (10, 8)
    for name, value in twin.state_dict().items():
        if not name.startswith("fc."):  # the averages of batch norm neither
            assert np.array_equal(state[name].numpy(), value.numpy()), name


def test_the_file_can_be_asked_and_explained(tmp_path, capsys):
    run(tmp_path, "--weights", "none", "--limit-batches", "1")
    saved = mt.load(tmp_path / "best.npz")
    trained = mt.explain.load_trained(tmp_path)
    assert trained.classes == saved["classes"] and trained.image_size == 32
    assert np.array_equal(
        trained.model.fc.weight.detach().numpy(), saved["model"]["fc.weight"].numpy()
    )
    picture = next((tmp_path / "shapes" / "val").rglob("*.png"))
    capsys.readouterr()
    predict(["--checkpoint", str(tmp_path), str(picture)])
    assert capsys.readouterr().out.count("%") == 5


def test_the_last_layer_learns(tmp_path, capsys):
    run(tmp_path, "--weights", "none", "--epochs", "3", "--lr", "0.1")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    losses = [float(line.split("loss ")[1].split()[0]) for line in lines]
    assert losses[2] < losses[0]


def test_vgg_and_pictures_of_your_own(tmp_path, capsys):
    for split in ("train", "val"):
        for number, name in enumerate(("dark", "light")):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for picture in range(4):
                pixels = np.full((40, 50, 3), 200 * number + 10 * picture, np.uint8)
                transfer_learning.Image.fromarray(pixels).save(folder / f"{picture}.png")
    photos = tmp_path / "photos"
    run(tmp_path, "--arch", "vgg16", "--weights", "none", "--data-dir", str(photos))
    assert "18 to be trained on 8 pictures of 2 classes" in capsys.readouterr().out
    assert mt.load(tmp_path / "best.npz")["model"]["classifier.2.weight"].shape == (2, 8)


def test_errors_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("MINITORCH_TRACEBACK", raising=False)
    with pytest.raises(SystemExit, match=r"error: .*no folder .*nowhere/train"):
        run(tmp_path, "--data-dir", str(tmp_path / "nowhere"))
    (tmp_path / "bad.pth").write_text("no weights")
    with pytest.raises(SystemExit, match=r"error: .*bad\.pth"):
        run(tmp_path, "--weights", str(tmp_path / "bad.pth"))
    folder = tmp_path / "shapes"
    (folder / "val" / "circle").rename(folder / "val" / "disc")
    with pytest.raises(SystemExit, match=r"train has the classes .*, val has .*disc"):
        run(tmp_path, "--data-dir", str(folder), "--weights", "none")
