"""The examples that stand alone: two steps of each, what it writes, and its formulas."""

import csv

import autoencoder
import dcgan
import numpy as np
import pytest
import segment_shapes
import super_resolution
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import datasets

# (program, options, last column of metrics.csv, its range, pictures with width and height)
PROGRAMS = [
    (
        segment_shapes,
        ["--train-images", "12", "--test-images", "8", "--batch-size", "4"],
        ("mean_iou", 0, 100),
        {"segmentation.png": (8 * 66 + 2, 3 * 66 + 2)},
    ),
    (
        autoencoder,
        ["--batch-size", "5"],
        ("test_psnr", 3, 30),
        {
            "reconstructions.png": (16 * 34 + 2, 2 * 34 + 2),
            "samples.png": (10 * 34 + 2, 10 * 34 + 2),
            "interpolation.png": (10 * 34 + 2, 8 * 34 + 2),
        },
    ),
    (
        dcgan,
        ["--batch-size", "5", "--width", "4", "--images", "20"],
        ("inception_score", 0.999, 10),
        {f"samples_0{epoch}.png": (10 * 34 + 2, 6 * 34 + 2) for epoch in (1, 2)},
    ),
    (
        super_resolution,
        ["--batch-size", "5", "--width", "4"],
        ("test_psnr", 10, 40),
        {"enlarged.png": (8 * 130 + 2, 4 * 130 + 2)},
    ),
]


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    original = datasets.Shapes
    pictures = {train: original(train, size=20) for train in (True, False)}
    monkeypatch.setattr(datasets, "Shapes", lambda train=True, size=None: pictures[train])
    monkeypatch.setattr(dcgan, "JUDGED", 60)


@pytest.mark.parametrize("program, options, column, pictures", PROGRAMS, ids=range(4))
def test_two_steps(program, options, column, pictures, tmp_path, capsys):
    arguments = ["--epochs", "2", "--steps", "2", *options, "--out", str(tmp_path)]
    program.main(arguments)
    printed = capsys.readouterr().out
    assert "epoch 2/2" in printed and "saved: " in printed
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    name, low, high = column
    assert [row["epoch"] for row in rows] == ["1", "2"] and list(rows[0])[-1] == name
    assert all(low <= float(row[name]) <= high for row in rows)
    for path, size in pictures.items():
        with Image.open(tmp_path / path) as picture:
            assert picture.size == size
            assert len(picture.convert("L").getcolors(256)) > 1
    first = (tmp_path / "metrics.csv").read_text()
    program.main(arguments)  # the same seed, the same numbers
    assert (tmp_path / "metrics.csv").read_text() == first


def test_masks_say_where_the_shapes_are():
    rng = np.random.default_rng(0)
    picture, mask = segment_shapes.draw(rng)
    assert picture.shape == (64, 64, 3) and mask.shape == (64, 64)
    assert 2 <= len(np.unique(mask)) <= 5 and mask.max() <= 6
    square = list(segment_shapes.OUTLINES.values())[4]
    ring = list(segment_shapes.OUTLINES.values())[1]
    for outline, share in ((square, 1.6**2), (ring, np.pi * (0.95**2 - 0.5**2))):
        radii = (segment_shapes.stamp(outline, rng).sum() / share) ** 0.5
        assert 7.8 < radii < 15.2
    # The colours of one shape differ from what is around it: the picture shows what the mask says.
    data = segment_shapes.make_data(30, seed=3)
    x, masks = (each.numpy() for each in data.tensors)
    inside, around = [], []
    for image, mask in zip(x, masks):
        edge = (mask[:, 1:] != mask[:, :-1])[None].repeat(3, 0)
        jumps = np.abs(np.diff(image, axis=2))
        inside.append(jumps[~edge].mean())
        around.append(jumps[edge].mean())
    assert np.mean(around) > 3 * np.mean(inside)


def test_iou_is_counted():
    rng = np.random.default_rng(1)
    predicted, true = rng.integers(0, 7, (2, 3, 8, 8))
    both, either = segment_shapes.intersections_and_unions(
        mt.from_numpy(predicted), mt.from_numpy(true)
    )
    for number in range(7):
        a, b = predicted == number, true == number
        assert (both[number].item(), either[number].item()) == ((a & b).sum(), (a | b).sum())


def test_kl_divergence_is_an_integral():
    mean, log_variance = mt.tensor([[0.7, -0.2]]), mt.tensor([[-0.5, 0.3]])
    x = np.linspace(-12, 12, 20001)

    def density(m, variance):
        return np.exp(-((x - m) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    integral = 0.0
    for m, v in ((0.7, np.exp(-0.5)), (-0.2, np.exp(0.3))):
        p, q = density(m, v), density(0, 1)
        integral += (p * np.log(p / q)).sum() * (x[1] - x[0])
    found = autoencoder.kl_divergence(mean, log_variance).item()
    assert found == pytest.approx(integral, rel=1e-5)
    assert autoencoder.kl_divergence(mt.zeros(3, 4), mt.zeros(3, 4)).item() == 0


def test_inception_score_of_known_cases():
    assert dcgan.inception_score(mt.eye(10)) == pytest.approx(10, rel=1e-5)
    assert dcgan.inception_score(mt.full((4, 10), 0.1)) == pytest.approx(1, rel=1e-5)
    one_class = mt.eye(10)[[3, 3, 3]]
    assert dcgan.inception_score(one_class) == pytest.approx(1, rel=1e-5)


def test_an_untrained_layer_of_zeros_gives_bicubic_interpolation():
    model = super_resolution.Enlarger(4)
    with mt.no_grad():
        model.layers[-2].weight.zero_()
        model.layers[-2].bias.zero_()
    small = mt.rand(2, 3, 6, 5)
    found = model(small).detach().numpy()
    np.testing.assert_array_equal(found, super_resolution.enlarge(small).numpy())
    pictures = mt.rand(4, 3, 8, 8)
    ours, bicubic = super_resolution.test(model, pictures, mt.device("cpu"))
    error = super_resolution.enlarge(super_resolution.reduce(pictures)) - pictures
    assert ours == pytest.approx(bicubic)
    assert bicubic == pytest.approx(-10 * np.log10((error.numpy() ** 2).mean()), rel=1e-5)


@pytest.mark.parametrize("program, options", [each[:2] for each in PROGRAMS], ids=range(4))
def test_errors_are_sentences(program, options, tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"--batch-size 300 is more than the (12|20) pictures"):
        program.main([*options, "--batch-size", "300", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        program.main(["--epochs", "0"])
    assert end.value.code == 2 and "must be above 0, got 0" in capsys.readouterr().err
