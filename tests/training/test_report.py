"""report.html: its numbers beside loops, its pictures, and that it is one whole, readable file."""

import html.parser
import json
import re
import sys

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import explain, nn
from minitorch_cnn.explain import Trained
from minitorch_cnn.training import markup, report, svg

RNG = np.random.default_rng(0)
VOID = {"meta", "link", "img", "br"}


@pytest.fixture(autouse=True)
def nothing_is_compiled():
    with mt.kernel_tier("array"):
        yield


class Page(html.parser.HTMLParser):
    """The elements of a page, each with its text; fails if tags are not closed in their order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **{name: value or "" for name, value in attributes}}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, text):
        for element in self.open:
            element["text"] += text.replace("\xa0", " ")

    def find(self, tag, **attributes):
        return [
            each for each in self.elements
            if each["tag"] == tag and attributes.items() <= each.items()
        ]  # fmt: skip


def rows(count):
    return [
        dict(epoch=e, lr=0.1 / e, train_loss=2 / e, train_accuracy=10.0 * e, test_loss=2.2 / e,
             test_accuracy=9.0 * e) for e in range(1, count + 1)
    ]  # fmt: skip


def trained(classes, channels=3, model=None, **changes):
    mt.manual_seed(0)
    model = model or nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(16, len(classes)),
    )  # fmt: skip
    config = dict(arch="tiny", dataset="drawn", augment=True, lr=0.1, out="runs/a", workers=None)
    mean = (0.5,) * channels
    whole = Trained(
        model.eval(), list(classes), channels, 8, mean, mean, rows(3), 8, [0.1] * 30, config
    )
    return whole._replace(**changes)


def example(classes, count=60, channels=3, **changes):
    """What write_report takes after the path."""
    pictures = RNG.integers(0, 256, (count, 8, 8, channels), np.uint8)
    true = np.arange(count) % len(classes)
    scores = RNG.normal(size=(count, len(classes))) + 2 * np.eye(len(classes))[true]
    return trained(classes, channels, **changes), pictures, scores, true


NAMES = ["cat", "dog <b>", "</script>", "{{script}}"]


COMMAND = "python train.py --lr 0.1 --out 'a <b> --c'"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    given = example(NAMES)
    path = tmp_path_factory.mktemp("run") / "report.html"
    report.write_report(path, *given, epoch=3, command=COMMAND)
    return given, path.read_text("utf-8")


def cells(page, caption):
    """The numbers of the table with that caption, row by row, with the row's name first."""
    (table,) = [each for each in page.find("caption") if each["text"] == caption]
    place = page.elements.index(table)
    found = []
    for each in page.elements[place:]:
        if each["tag"] == "caption" and each is not table:
            break
        if each["tag"] == "th" and each.get("scope") == "row":
            found.append([each["text"]])
        elif each["tag"] == "td" and found:
            found[-1].append(each["text"])
    return found


def test_the_page_is_one_file_and_every_tag_is_closed(whole):
    _, text = whole
    page = Page(text)
    for element in page.elements:
        for name in ("src", "href"):
            if name in element:
                assert element[name].startswith(("data:", "#")), element
    for link in page.find("a"):
        assert len(page.find("section", id=link["href"][1:])) == 1
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", text)
    assert all("alt" in image for image in page.find("img"))
    assert all(each.get("aria-label") for each in page.find("svg"))
    assert all(each.get("scope") in ("row", "col") for each in page.find("th"))
    assert len(page.find("script")) == 1 and len(page.find("b")) == 4  # of the charts' titles
    assert len(page.find("h1")) == 1 and len(page.find("main")) == 1


def test_accuracy_loss_and_classes_are_their_definitions(whole):
    (_, _, scores, true), text = whole
    page = Page(text)
    predicted = scores.argmax(1)
    accuracy = 100 * (predicted == true).mean()
    figures = dict(zip((e["text"] for e in page.find("dt")), (e["text"] for e in page.find("dd"))))
    assert figures["test accuracy"] == f"{accuracy:.2f} %" and figures["test images"] == "60"
    loss = nn.functional.cross_entropy(mt.tensor(scores), mt.tensor(true)).item()
    assert float(figures["test loss (cross-entropy)"]) == pytest.approx(loss, abs=1e-4)
    assert f"tiny on drawn: {accuracy:.2f} %" == page.find("h1")[0]["text"]
    assert page.find("title")[0]["text"] == page.find("h1")[0]["text"]
    assert page.find("code")[0]["text"] == COMMAND

    found = {row[0]: row[1:] for row in cells(page, "Precision, recall and F1 of each class")}
    assert sorted(found) == sorted(NAMES)
    scored = []
    for number, name in enumerate(NAMES):
        right = sum(p == t == number for p, t in zip(predicted, true, strict=True))
        precision = right / max(sum(predicted == number), 1)
        recall = right / sum(true == number)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        expected = [f"{100 * value:.1f} %" for value in (precision, recall, f1)]
        assert found[name] == ["15", *expected]
        scored.append((f1, name))
    assert next(iter(found)) == min(scored)[1]  # the weakest class first

    matrix = cells(page, "Confusion matrix, in images")
    for number, (name, *counts) in enumerate(matrix):
        assert name == NAMES[number]
        for other, shown in enumerate(counts):
            assert int(shown or 0) == sum((true == number) & (predicted == other))


def test_mistakes_are_the_most_confident_ones(whole):
    (_, _, scores, true), text = whole
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    wrong = [n for n in range(len(true)) if scores[n].argmax() != true[n]]
    wrong.sort(key=lambda n: -chances[n].max())
    page = Page(text)
    shown = [each["text"] for each in page.find("li") if each.get("class") != "cam"]
    assert len(shown) == min(len(wrong), 24) and shown
    for n, words in zip(wrong, shown, strict=False):
        said = scores[n].argmax()
        assert words.startswith(f"{NAMES[said]} {100 * chances[n, said]:.1f} %")
        assert words.endswith(f"is {NAMES[true[n]]} ({100 * chances[n, true[n]]:.1f} %)")
    assert len(page.find("li", **{"class": "cam"})) == min(4, len(NAMES)) + min(4, len(wrong))


def test_calibration_is_its_definition():
    scores, true = RNG.normal(size=(200, 3)) * 3, RNG.integers(0, 3, 200)
    chances = explain.probabilities_of(scores)
    found = explain.Calibration(chances, true)
    error = 0.0
    for tenth in range(10):
        inside = [
            n for n in range(200) if tenth / 10 <= chances[n].max() < (tenth + 1) / 10
            or (tenth == 9 and chances[n].max() == 1)
        ]  # fmt: skip
        same = [each for each in found.bins if each.low == tenth / 10]
        assert len(same) == bool(inside)
        if inside:
            said = np.mean([chances[n].max() for n in inside])
            right = np.mean([chances[n].argmax() == true[n] for n in inside])
            assert same[0].images == len(inside)
            assert same[0][3:] == pytest.approx((said, right))
            error += len(inside) / 200 * abs(said - right)
    assert found.error == pytest.approx(error)
    with pytest.raises(ValueError, match="at least one image"):
        explain.Calibration(np.zeros((0, 3)), np.zeros(0, int))


def test_many_classes_are_a_map(tmp_path):
    classes = ["</script><!--", *(f"class {n}" for n in range(29))]
    _, _, scores, true = given = example(classes, 90, channels=1)
    page = Page(report.write_report(tmp_path / "r.html", *given).read_text("utf-8"))
    (data,) = page.find("script", type="application/json")
    content = json.loads(data["text"])
    matrix = explain.ConfusionMatrix(scores.argmax(1), true, classes).matrix
    assert content == {"classes": classes, "matrix": matrix.tolist()}
    assert not page.find("table", **{"class": "confusion"})
    fifth = (np.argsort(-scores, axis=1)[:, :5] == true[:, None]).any(1).mean()
    assert f"{100 * fifth:.2f} %" in [each["text"] for each in page.find("dd")]


def test_layers_and_filters(whole):
    (given, *_), text = whole
    page = Page(text)
    table = cells(page, "Layers and their cost")
    assert [row[0] for row in table] == ["0", "1", "2", "3", "4"]
    assert table[0][1:6] == ["Conv2d", "3 x 3", "4 x 8 x 8", "112", f"{4 * 27 * 64:,}"]
    drawn = page.elements.index(page.find("div", **{"class": "filters"})[0])
    images = [each for each in page.elements[drawn + 1 : drawn + 5] if each["tag"] == "img"]
    assert len(images) == len(given.model[0].weight)


def test_it_needs_no_matplotlib(tmp_path, monkeypatch, whole):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    given, text = whole
    path = report.write_report(tmp_path / "r.html", *given, epoch=3, command=COMMAND)
    again = path.read_text("utf-8")
    cut = "This page was made by"  # kernels and the time follow
    assert again.partition(cut)[0] == text.partition(cut)[0]


def test_networks_without_convolutions_or_training(tmp_path):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    perfect = example(["a", "b"], 8, model=flat, rows=[], rates=[], config={})
    perfect = (*perfect[:2], 9 * np.eye(2)[perfect[3]], perfect[3])
    text = report.write_report(tmp_path / "r.html", *perfect).read_text("utf-8")
    Page(text)
    for words in (
        "There are no filters to show", "There is no Grad-CAM", "There are none.",
        "There is no finished epoch",
    ):  # fmt: skip
        assert words in text
    assert "can be repeated" not in text


def test_what_does_not_fit_is_refused_and_the_old_file_stays(tmp_path):
    network, pictures, scores, true = example(["a", "b"], 8)
    path = tmp_path / "r.html"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"8 pictures, scores \[7, 2\] and 8 labels of 2 classes"):
        report.write_report(path, network, pictures, scores[1:], true)
    with pytest.raises(ValueError, match="go from 0 to 9, there are 2"):
        report.write_report(path, network, pictures, scores, true + 8 * (true == 1))
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_charts_have_their_points_and_leave_out_what_is_not_finite():
    lines = [svg.Line("test", "test", [1, 2, 3], [1.0, float("nan"), 3.0])]
    page = Page(svg.chart(lines, "label", "epoch", "%", whole=True))
    places = [(float(c["cx"]), float(c["cy"])) for c in page.find("circle")]
    assert len(places) == 2 and places[0][0] < places[1][0] and places[0][1] > places[1][1]
    assert next(each["text"] for each in page.find("title")) == "test, epoch 1: 1 %"
    assert "no finite numbers" in svg.chart([svg.Line("a", "a", [1], [np.inf])], "l", "x", "y")
    for values in ([5.0], [0.0, 0.0], [-1e-9, 1e9], [3e-7, 4e-7]):
        page = Page(svg.chart([svg.Line("a", "a", range(len(values)), values)], "l", "x", "y"))
        for circle in page.find("circle"):
            assert svg.LEFT <= float(circle["cx"]) <= svg.WIDTH
            assert 0 <= float(circle["cy"]) <= svg.HEIGHT
        assert len(page.find("text")) > 3
    long = svg.chart([svg.Line("a", "a", range(9000), range(9000))], "l", "x", "y")
    assert len(long) < 12_000 and "<circle" not in long


def test_photographs_are_made_smaller():
    photo = RNG.integers(0, 256, (600, 400, 3), np.uint8)
    text = markup.picture(photo, 'a "photo"', width=100)
    assert "image/jpeg" in text and 'alt="a &quot;photo&quot;"' in text and 'height="150"' in text
    assert len(text) < 60_000


def test_a_run_is_reported_from_its_folder(tmp_path, monkeypatch, capsys):
    model = mt.models.lenet5(num_classes=3)
    saved = dict(
        config=dict(arch="lenet5", dataset="mnist", augment=False), classes=["a", "b", "c"],
        in_channels=1, mean=[0.5], std=[0.5], model=model.state_dict(), rates=[0.1] * 20,
    )  # fmt: skip
    mt.save({**saved, "rows": rows(2)}, tmp_path / "best.npz")
    mt.save({**saved, "rows": rows(4), "program": "python x.py"}, tmp_path / "last.npz")
    images = RNG.integers(0, 256, (70, 28, 28), np.uint8)
    labels = np.arange(70) % 3
    monkeypatch.setattr(report, "load_test_images", lambda *about: (list(images), labels))
    report.main([str(tmp_path)])
    path = tmp_path / "report.html"
    assert capsys.readouterr().out == f"report: {path}\n"
    page = Page(path.read_text("utf-8"))
    normalised = mt.tensor(images[:, None] / np.float32(255) * 2 - 1)
    predicted = model.eval()(normalised).argmax(1).numpy()
    accuracy = 100 * (predicted == labels).mean()
    assert page.find("h1")[0]["text"] == f"lenet5 on mnist: {accuracy:.2f} %"
    repeat = f"python x.py --config {tmp_path}/run.toml --out {tmp_path}-again"
    assert page.find("code")[0]["text"] == repeat
    words = page.find("section", id="curves")[0]["text"]
    assert "highest after epoch 4: 36.00 %" in words and "network after epoch 2" in words
    assert len(cells(page, "Loss, accuracy and learning rate after each epoch")) == 4
    with pytest.raises(SystemExit, match="there is no checkpoint"):
        report.main([str(tmp_path / "nowhere")])
