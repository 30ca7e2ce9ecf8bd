"""What a page is made of: any Module, named networks, and pictures in all forms."""

import sys

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import explain, models, nn
from minitorch_cnn.explain.page import command, subjects, untrained
from minitorch_cnn.explain.page.subjects import named_network, subject_of

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
MEAN, STD = (0.5, 0.25, 0.125), (0.5, 1.0, 2.0)


def network(channels=3):
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(channels, 4, 3), pool, nn.Flatten(), nn.Linear(4, 3))


def test_pictures_in_all_forms_give_the_same(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "cat.png")
    forms = {
        "cat.png": tmp_path / "cat.png",
        "a picture": Image.fromarray(PIXELS),
        "an array": PIXELS,
        "a tensor": mt.tensor(PIXELS.transpose(2, 0, 1)),
        "a batch": mt.tensor(PIXELS.transpose(2, 0, 1)[None]),
    }
    expected = (PIXELS / 255 - np.array(MEAN)) / np.array(STD)
    for name, image in forms.items():
        subject = subject_of(network(), image, mean=MEAN, std=STD)
        np.testing.assert_allclose(subject.x.numpy()[0].transpose(1, 2, 0), expected, atol=1e-6)
        np.testing.assert_array_equal(subject.picture, PIXELS, name)
    assert subject_of(network(), tmp_path / "cat.png").name == "cat.png"
    x = mt.randn(1, 3, 9, 9)
    assert subject_of(network(), x).x is not x
    np.testing.assert_array_equal(subject_of(network(), x).x.numpy(), x.numpy())
    assert subject_of(network(), x[0]).picture.shape == (9, 9, 3)


def test_size_and_channels():
    assert subject_of(network(), PIXELS, size=16).x.shape == (1, 3, 16, 16)
    large = np.zeros((600, 300, 3), np.uint8)
    assert subject_of(network(), large).x.shape == (1, 3, 224, 224)
    grey = subject_of(network(1), PIXELS)
    assert grey.x.shape == (1, 1, 20, 24) and grey.picture.shape == (20, 24, 1)
    assert subject_of(network(1)).x.shape == (1, 1, 64, 64)
    double = subject_of(network().double(), PIXELS)
    assert double.x.dtype is mt.float64
    with pytest.raises(ValueError, match="takes 5 channels, the picture has 3"):
        subject_of(network(5), PIXELS)
    with pytest.raises(ValueError, match=r"got float64 \(20, 24, 3\)"):
        subject_of(network(), PIXELS / 255)
    with pytest.raises(ValueError, match=r"got \(2, 3, 4, 4\)"):
        subject_of(network(), mt.zeros(2, 3, 4, 4))
    with pytest.raises(TypeError, match="made of a Module"):
        subject_of(3)


def test_published_weights_say_how_pictures_are_prepared():
    subject = subject_of("lenet5", weights="FASHION_MNIST")
    assert subject.x.shape == (1, 1, 28, 28) and subject.classes[0] == "T-shirt/top"
    assert subject.trained.config == {"arch": "lenet5"}
    without = subject_of("shufflenet_v2_x0_5", PIXELS)
    assert without.x.shape == (1, 3, 224, 224) and without.trained.config == {}
    assert without.trained.mean == (0.485, 0.456, 0.406) and without.classes == []
    photograph = subject_of(None, PIXELS)
    assert "airplane" in photograph.classes and photograph.x.shape == (1, 3, 32, 32)


def last_weight(model):
    return list(model.parameters())[-2].tolist()


def test_weights_in_a_file_and_a_function_of_ones_own(tmp_path, monkeypatch):
    model = models.lenet5(num_classes=7)
    mt.save(model.state_dict(), tmp_path / "w.pth")
    mt.save({"model_state_dict": model.state_dict(), "epoch": 3}, tmp_path / "run.pth")
    for name in ("w.pth", "run.pth"):
        loaded, *_ = named_network("lenet5", tmp_path / name)
        assert last_weight(loaded) == last_weight(model)
    (tmp_path / "my_network_for_a_page.py").write_text(
        "import minitorch_cnn as mt\ndef build():\n    return mt.models.lenet5(num_classes=7)\n"
        "there = build()\nnothing = list\nnumber = 3\n"
        "def needs(classes):\n    return there\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    loaded, *_ = named_network("my_network_for_a_page:build", "w.pth")
    assert last_weight(loaded) == last_weight(model)
    assert isinstance(named_network("my_network_for_a_page:there")[0], models.LeNet5)
    for name, message in (
        ("number", "must be a Module or a function, got 3"),
        ("needs", "must work without arguments: missing a required argument: 'classes'"),
        ("nothing", r"gives \[\], not a Module"),
        ("nobody", "has no 'nobody'"),
    ):
        with pytest.raises(ValueError, match=message):
            named_network(f"my_network_for_a_page:{name}")


def test_signals_and_volumes(tmp_path):
    signal = nn.Sequential(nn.Conv1d(2, 3, 5), nn.Flatten())
    volume = nn.Sequential(nn.Conv3d(1, 2, 3), nn.Flatten())
    assert subject_of(signal).x.shape == (1, 2, 128)
    assert subject_of(volume, size=16).x.shape == (1, 1, 8, 16, 16)
    given = mt.linspace(0, 1, 5 * 6 * 7).reshape(1, 5, 6, 7)
    np.save(tmp_path / "volume.npy", given.numpy())
    for image in (given, given[None], tmp_path / "volume.npy"):
        subject = subject_of(volume, image)
        assert (subject.x == given).all() and subject.x.shape == (1, 1, 5, 6, 7)
        assert subject.picture.shape == (6, 7, 1)
    assert subject.name == "volume.npy"
    assert subject_of(volume, mt.zeros(4, 5, 6, 7)).trained.mean == (0.0,) * 4
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ValueError, match=r"cannot read the array .*text\.npy"):
        subject_of(volume, tmp_path / "text.npy")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.npy"):
        subject_of(volume, tmp_path / "none.npy")
    with pytest.raises(ValueError, match=r"a volume is \(C, D, H, W\) or .* got \(3, 4\)"):
        subject_of(volume, mt.zeros(3, 4))
    with pytest.raises(ValueError, match=r"a signal \(C, L\): give a tensor of floats"):
        subject_of(signal, PIXELS)


def test_weights_that_nobody_trained_are_always_the_same_and_drawn_quickly():
    mt.manual_seed(5)
    before = mt.get_rng_state()
    first, *_ = named_network("shufflenet_v2_x0_5")
    assert (mt.get_rng_state() == before).all()
    second, *_ = named_network("shufflenet_v2_x0_5")
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert (a == b).all()
    numbers = nn.init.kaiming_normal_(mt.empty(64, 50), nonlinearity="linear")
    assert abs(numbers.std().item() * 50**0.5 - 1) < 0.1
    assert abs(first.fc.weight.std().item() * (3 * first.fc.in_features) ** 0.5 - 1) < 0.05


def test_an_untrained_network_gets_a_picture_of_224_pixels_at_most(monkeypatch):
    assert subject_of("efficientnet_b1").x.shape == (1, 3, 224, 224)
    monkeypatch.setattr(subjects, "HUGE", 10**6)
    large = subject_of("vit_b_32")  # takes one size
    assert large.x.shape == (1, 3, 128, 128) and large.model.image_size == 128
    assert large.model.heads.head.weight.std() > 0.01  # torchvision's are zeros


@pytest.mark.parametrize("changed", [False, True])
def test_large_untrained_weights_share_their_memory_and_keep_their_numbers(changed, monkeypatch):
    monkeypatch.setattr(untrained, "LARGE", 1_000_000)

    def build():
        model = nn.Sequential(*(nn.Linear(1200, 900, bias=False) for _ in range(3)))
        nn.init.normal_(model[1].weight, std=0.1)
        if changed:  # by who would read what was not filled
            with mt.no_grad():
                model[1].weight.mul_(2)
        return model

    with untrained.quick_weights():
        plain = build()
    found = untrained.untrained(build)
    for own, weight in zip(plain.parameters(), found.parameters(), strict=True):
        np.testing.assert_array_equal(own.detach().numpy(), weight.detach().numpy())
    first, other, last = (layer.weight.array for layer in found)
    assert not np.may_share_memory(first, other)
    assert np.may_share_memory(first, last) != changed
    with untrained.quick_weights():
        assert np.array_equal(build()[2].weight.array, last)  # it draws as many numbers


def test_a_page_from_python_and_in_a_notebook(tmp_path):
    model = network().train()
    model[1].eval()
    page = explain.make_page(model, PIXELS, classes=["cat", "<b>", "dog"])
    assert model.training and not model[1].training  # each as it was
    assert page._repr_html_().count("<") == 2  # all of the page is inside of an attribute
    path = explain.write_page(tmp_path / "x.html", model, PIXELS, classes=["cat", "<b>", "dog"])
    assert path.read_text("utf-8") == page.text
    maps = explain.make_page(nn.Conv2d(3, 2, 3), PIXELS, classes=["cat", "dog"]).text
    assert '"answer": "cat", "place": [' in maps or '"answer": "dog", "place": [' in maps


@pytest.mark.parametrize(
    ("platform", "variables", "opens"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "x", "CI": "true"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "x"}, False),
    ],
)
def test_a_browser_opens_only_before_somebody_s_screen(platform, variables, opens, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert command.has_screen() is opens
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert not command.has_screen()
