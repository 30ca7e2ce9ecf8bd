"""Filters, maps, heatmaps and the pictures of training: against torch's formulas and loops."""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import explain, nn


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(80, 6),
    )  # fmt: skip


def torch_twin(model, torch):
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 5, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(80, 6),
    )  # fmt: skip
    state = {k: torch.tensor(v.numpy()) for k, v in model.state_dict().items()}
    twin.load_state_dict(state)
    return twin


@pytest.mark.parametrize("target", [None, 2])
def test_grad_cam_and_saliency_are_their_formulas_in_torch(target):
    torch = pytest.importorskip("torch")
    model, x = small_network(), mt.randn(1, 3, 8, 8)
    twin, leaf = torch_twin(model, torch), torch.tensor(x.numpy(), requires_grad=True)
    maps = twin[:4](leaf)
    scores = twin[4:](maps)
    number = int(scores.argmax()) if target is None else target
    gradient, gx = torch.autograd.grad(scores[0, number], [maps, leaf])
    alpha = gradient.mean(dim=(2, 3), keepdim=True)
    cam = torch.relu((alpha * maps).sum(1, keepdim=True))
    cam = torch.nn.functional.interpolate(cam, size=(8, 8), mode="bilinear", align_corners=False)
    heatmap = explain.grad_cam(model, x, target=target)
    assert heatmap.target == number
    np.testing.assert_allclose(heatmap.values, cam.detach()[0, 0], atol=1e-6)
    np.testing.assert_allclose(heatmap.scores, scores.detach()[0], atol=1e-5)
    heatmap = explain.saliency(model, x, target)
    np.testing.assert_allclose(heatmap.values, gx.abs()[0].amax(0), atol=1e-6)
    assert model.training


def test_occlusion_is_what_covering_does():
    model, x = small_network(), mt.randn(1, 3, 8, 8)
    heatmap = explain.occlusion(model, x, target=1, size=3, stride=2)
    with mt.no_grad():
        before = model(x)[0, 1].item()
        falls = [[[] for _ in range(8)] for _ in range(8)]
        for top in (0, 2, 4, 5):
            for left in (0, 2, 4, 5):
                covered = x.clone()
                covered[:, :, top : top + 3, left : left + 3] = 0
                fall = before - model(covered)[0, 1].item()
                for row in range(top, top + 3):
                    for column in range(left, left + 3):
                        falls[row][column].append(fall)
    expected = [[np.mean(cell) for cell in row] for row in falls]
    np.testing.assert_allclose(heatmap.values, expected, atol=1e-5)
    with pytest.raises(ValueError, match="does not fit 8 x 8"):
        explain.occlusion(model, x, size=9)


def test_heatmaps_take_one_image_and_a_class_that_exists():
    model = small_network()
    for function in (explain.saliency, explain.grad_cam, explain.occlusion):
        with pytest.raises(ValueError, match=r"one image \(1, C, H, W\), got \[2, 3, 8, 8\]"):
            function(model, mt.zeros(2, 3, 8, 8))
        with pytest.raises(ValueError, match="class 6 is not one of the 6 classes"):
            function(model, mt.zeros(1, 3, 8, 8), target=6)
    with pytest.raises(ValueError, match="gives maps"):
        explain.grad_cam(model, mt.zeros(1, 3, 8, 8), layer="6")


def test_filters_and_feature_maps():
    model, x = small_network(), mt.randn(1, 3, 8, 8)
    colours = explain.filters(model)
    weight = model[0].weight.detach().numpy()
    assert colours.images.shape == (4, 3, 3, 3)
    largest = np.unravel_index(np.abs(weight).argmax(), weight.shape)
    k, c, u, v = largest
    assert colours.images[k, u, v, c] == pytest.approx(1.0 if weight[largest] > 0 else 0.0)
    grey = explain.filters(model, "3")
    np.testing.assert_array_equal(grey.images[2 * 4 + 1], model[3].weight.detach().numpy()[2, 1])
    assert grey.titles[9] == "2, channel 1" and grey.signed
    maps = explain.feature_maps(model, x, "0")
    np.testing.assert_allclose(maps.images, model[0](x).detach().numpy()[0], rtol=1e-6)
    with pytest.raises(ValueError, match=r"no Conv2d layer 'x'.*there are: 0, 3"):
        explain.filters(model, "x")


def test_most_exciting_finds_the_highest_places():
    model, x = small_network(), mt.randn(7, 3, 8, 8)
    pictures = np.zeros((7, 8, 8, 3), np.uint8)
    found = explain.most_exciting(model, x, pictures, "3", channel=2, count=3)
    maps = model[3](model[2](mt.relu(model[0](x)))).detach().numpy()[:, 2]
    expected = np.sort(maps.reshape(7, -1).max(1))[::-1][:3]
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)
    first = found.numbers[0]
    i, j = np.unravel_index(maps[first].argmax(), (4, 4))
    # behind conv 3x3, pool 2, conv 3x3 an output sees 2i - 3 to 2i + 4
    assert found.boxes[0] == (max(2 * i - 3, 0), min(2 * i + 4, 7),
                              max(2 * j - 3, 0), min(2 * j + 4, 7))  # fmt: skip
    with pytest.raises(ValueError, match="no channel 5"):
        explain.most_exciting(model, x, pictures, "3", channel=5)


def test_confusion_matrix():
    rng = np.random.default_rng(0)
    predicted, true = rng.integers(0, 4, (2, 50))
    result = explain.ConfusionMatrix(predicted, true, list("abcd"))
    expected = np.zeros((4, 4), int)
    for p, t in zip(predicted, true, strict=True):
        expected[t, p] += 1
    np.testing.assert_array_equal(result.matrix, expected)
    assert result.accuracy == pytest.approx(100 * (predicted == true).mean())
    assert "were called" in str(result)
    with pytest.raises(ValueError, match="go from 0 to 3, there are 3"):
        explain.ConfusionMatrix(predicted, true, list("abc"))
    with pytest.raises(ValueError, match="as many"):
        explain.ConfusionMatrix(predicted[1:], true, list("abcd"))


def test_histograms_record_weights_and_gradients():
    model = small_network()
    histograms = explain.Histograms(model)
    assert list(histograms.parameters) == ["0.weight", "3.weight", "6.weight"]
    with pytest.raises(RuntimeError, match=r"0\.weight has no gradient"):
        histograms.record(0)
    model(mt.randn(2, 3, 8, 8)).sum().backward()
    histograms.record(5)
    weight = model[3].weight
    kept, gradient = histograms.weights["3.weight"][0], histograms.gradients["3.weight"][0]
    assert kept.counts.sum() == gradient.counts.sum() == weight.numel()
    assert kept.edges[0] == weight.min().item() and gradient.edges[-1] == weight.grad.max().item()
    values = np.sort(weight.detach().numpy().ravel())
    inside = (values >= kept.quartiles[0]) & (values <= kept.quartiles[1])
    assert inside.mean() == pytest.approx(0.5, abs=0.02)
    assert "step 5" in str(histograms)
    with pytest.raises(ValueError, match="no weight"):
        explain.Histograms(nn.ReLU())


def rows(count):
    return [
        dict(epoch=e, lr=0.1, train_loss=2 / e, test_loss=2.2 / e, train_accuracy=10.0 * e,
             test_accuracy=9.0 * e) for e in range(1, count + 1)
    ]  # fmt: skip


def test_curves_name_the_best_epoch():
    assert "best test accuracy 27.00 % in epoch 3" in str(explain.Curves(rows(3)))
    with pytest.raises(ValueError, match="no finished epoch"):
        explain.Curves([])


def test_pictures_are_as_large_as_what_they_show():
    pytest.importorskip("matplotlib")
    images, labels = np.zeros((70, 4, 4, 3), np.uint8), np.arange(70)
    names = [f"the class with number {n}" for n in range(70)]
    for count, panels in ((3, 8), (8, 8), (9, 16), (70, 32)):
        figure = explain.Predictions(images[:count], labels[:count], labels[:count], names).figure()
        assert len(figure.axes) == panels
    for count in (3, 70):
        figure = explain.ConfusionMatrix(labels[:count], labels[:count], names[:count]).figure()
        axes, bar = figure.axes
        assert [label.get_text() for label in axes.get_yticklabels()] == [
            "the class with numb…" for _ in range(count)
        ]
        assert len(axes.texts) == (count if count < 20 else 0)
        assert bar.get_yticklabels()[-1].get_text() == "100"
    for count, marker in ((1, "o"), (40, "o"), (41, "None")):
        figure = explain.Curves(rows(count), [0.1] * 100).figure()
        assert figure.axes[0].lines[0].get_marker() == marker
    ticks = explain.Curves(rows(1), [0.1] * 100).figure().axes[1].get_xticks()
    assert ticks.tolist() == [1]


def histograms_of_two_steps():
    model = small_network()
    histograms = explain.Histograms(model)
    for step in (1, 2):
        model(mt.randn(2, 3, 8, 8)).sum().backward()
        histograms.record(step)
    return histograms


PICTURE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
LABELS = np.arange(40) % 3


@pytest.mark.parametrize("make", [
    lambda m, x: explain.filters(m, "3"),
    lambda m, x: explain.feature_maps(m, x),
    lambda m, x: explain.most_exciting(m, x, PICTURE[None], "3"),
    lambda m, x: explain.saliency(m, x).on(PICTURE, list("abcdef")),
    lambda m, x: explain.ConfusionMatrix(LABELS, LABELS[::-1], list("abc")),
    lambda m, x: explain.Predictions(np.stack([PICTURE] * 40), LABELS, LABELS[::-1], list("abc")),
    lambda m, x: explain.Curves(rows(2)),
    lambda m, x: histograms_of_two_steps(),
])  # fmt: skip
def test_pictures(make, tmp_path):
    pytest.importorskip("matplotlib")
    image = pytest.importorskip("PIL.Image")
    made = make(small_network(), mt.randn(1, 3, 8, 8))
    assert len(str(made).splitlines()) >= 1
    made.save(tmp_path / "a.png")
    with image.open(tmp_path / "a.png") as picture:
        assert picture.width > 300 and len(picture.convert("L").getcolors(256)) > 20
