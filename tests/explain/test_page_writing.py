"""The file: small, complete in itself, and safe whatever the picture is called."""

import html.parser
import json
import re

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import models
from minitorch_cnn.explain.commands import main
from minitorch_cnn.explain.page import page_html, write_page
from minitorch_cnn.explain.subject import load_subject

EVIL = "</script><img src=x onerror=alert(1)><!-- {{script}} \"'&.png"


class Tags(html.parser.HTMLParser):
    """The tags of a page as a browser sees them, and the text of each script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.inside = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "script":
            self.inside = dict(attributes).get("id", "program")
            self.scripts[self.inside] = ""

    def handle_endtag(self, tag):
        if tag == "script":
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.scripts[self.inside] += data


def checkpoint(path, arch, **options):
    """A checkpoint as the training examples write it."""
    model = models.cifar.ARCHITECTURES.get(arch, models.lenet5)(**options)
    mt.save(
        {
            "config": {"arch": arch, "dataset": "shapes"},
            "classes": [f"class {n}" for n in range(9)] + ["<b>&"],
            "in_channels": 3,
            "mean": [0.4, 0.5, 0.6],
            "std": [0.2, 0.2, 0.3],
            "rows": [],
            "model": model.state_dict(),
        },
        path,
    )
    return path


def test_the_command_writes_the_page_of_a_checkpoint_and_a_picture(tmp_path, capsys):
    checkpoint(tmp_path / "best.npz", "lenet5", in_channels=3, padding=0)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    out = tmp_path / "page.html"
    main([
        "explain", "page", "--checkpoint", str(tmp_path / "best"),
        "--image", str(tmp_path / "cat.png"), "-o", str(out),
    ])  # fmt: skip
    assert re.match(rf"page: {re.escape(str(out))} \(0\.\d MB\)", capsys.readouterr().out)
    page = json.loads(Tags(out.read_text("utf-8")).scripts["manifest"])["page"]
    assert page["network"] == "lenet5" and page["name"] == "cat.png"
    assert page["trained"] and not page["builtin"]
    # The answer is the network's own, computed here without the recording.
    subject = load_subject(tmp_path / "best", tmp_path / "cat.png")
    probabilities = mt.softmax(subject.model(subject.x).double(), dim=1)[0].tolist()
    assert page["answer"] == subject.classes[int(np.argmax(probabilities))]
    shown = [each["probability"] for each in page["scores"]]
    np.testing.assert_allclose(
        shown, sorted(probabilities, reverse=True)[:5], rtol=1e-6
    )  # by other kernels
    assert page["mean"] == [0.4, 0.5, 0.6]


def test_without_any_argument_it_is_a_trained_network_that_is_right(tmp_path):
    text = write_page(tmp_path / "page.html").read_text("utf-8")
    page = json.loads(Tags(text).scripts["manifest"])["page"]
    assert page["trained"] and page["builtin"] and page["network"] == "cifar_resnet20"
    assert page["name"].startswith(page["answer"])  # the shape that was drawn


@pytest.mark.parametrize("arch", ["resnet20", "alexnet", "resnet18"])
def test_pages_of_larger_networks_stay_under_five_megabytes(tmp_path, arch):
    checkpoint(tmp_path / "best.npz", arch)
    path = write_page(tmp_path / "page.html", tmp_path)
    assert path.stat().st_size < 5_000_000
    manifest = json.loads(Tags(path.read_text("utf-8")).scripts["manifest"])
    assert (manifest["limit"] is None) == (arch == "resnet20")


def test_a_page_has_as_many_megabytes_as_it_may(tmp_path):
    """With fewer the weights do not all fit, and the network cannot run in the page."""
    runs = {}
    for megabytes in (1.5, 3.5):
        path = write_page(tmp_path / "page.html", megabytes=megabytes)
        assert path.stat().st_size < megabytes * 1e6
        runs[megabytes] = json.loads(Tags(path.read_text("utf-8")).scripts["manifest"])["runs"]
    assert runs == {1.5: False, 3.5: True}
    with pytest.raises(ValueError, match=r"at least 1 megabyte, got megabytes=0\.1"):
        write_page(tmp_path / "page.html", megabytes=0.1)


def test_the_file_asks_for_nothing(tmp_path):
    text = write_page(tmp_path / "page.html").read_text("utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not a place
    for tag, attributes in Tags(text).tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert attributes.get(name, "data:").startswith(("data:", "#")), (tag, attributes)
    policy = next(a["content"] for tag, a in Tags(text).tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_a_hostile_name_stays_text(tmp_path):
    subject = load_subject()
    plain = Tags(page_html(subject))
    evil = Tags(page_html(subject._replace(name=EVIL)))
    assert evil.tags == plain.tags
    assert evil.scripts["program"] == plain.scripts["program"]
    assert json.loads(evil.scripts["manifest"])["page"]["name"] == EVIL


def test_bad_files_are_one_sentence(tmp_path):
    (tmp_path / "cat.png").write_text("no picture")
    for options, message in (
        (["--image", str(tmp_path / "cat.png")], "cannot read the picture"),
        (["--checkpoint", str(tmp_path / "nowhere")], "no checkpoint .*nowhere"),
        (["--checkpoint", "nowhere"], "no checkpoint nowhere.npz"),
        (["--model", "resnet19"], "did you mean resnet18, "),
        (["--model", "resnet20"], r"did you mean cifar_resnet20\?"),
        (["--model", "no.such:thing"], "no module 'no.such'"),
        (["--model", "lenet5", "--weights", "MINE"], "none of LeNet5_Weights"),
        (["--model", "lenet5", "--weights", "mine.pth"], "no file of weights mine.pth"),
        (["--weights", "DEFAULT"], "say which network"),
        (["--model", "lenet5", "--checkpoint", "x"], "not both"),
        (["--model", "lenet5", "--mean", "0.1", "0.2"], "1 numbers"),
        (["--model", "lenet5", "--std", "0"], r"must not be 0, got \(0.0,\)"),
        (["--model", "lenet5", "--classes", "a,b"], "classes has 2 names, .* gives 10 scores"),
        (["--model", "lenet5", "--size", "40"], r"an input of shape \(1, 1, 40, 40\): .*--size"),
        (["--size", "0"], "from 1 to 1024 pixels, got 0"),
        (["--size", "5000"], "from 1 to 1024 pixels, got 5000"),
        (["--out", str(tmp_path / "no" / "x.html")], "there is no folder .*no"),
        (["--out", str(tmp_path)], "is a folder"),
    ):
        with pytest.raises(SystemExit, match=f"error: .*{message}"):
            main(["explain", "page", "-o", str(tmp_path / "page.html"), *options])
    assert not (tmp_path / "page.html").exists()
