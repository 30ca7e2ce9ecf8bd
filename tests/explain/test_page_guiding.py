"""Guided tours: those that come along are whole, and a mistake in one's own is named."""

import copy
import json
import re
from pathlib import Path

import pytest

from minitorch_cnn.explain.commands import main
from minitorch_cnn.explain.page import guiding, make_page
from minitorch_cnn.explain.page.guiding import read_tours

GOOD = {
    "name": "mine",
    "title": {"en": "Mine", "ko": "나의 것"},
    "needs": "first join",
    "steps": [
        {"layer": "input of last linear", "pixel": [0, 1, 2], "view": "lab", "look": "sums",
         "predict": True, "text": {"en": "{value}", "ko": "{value}"}},
        {"layer": {"name": "layer1.0.conv1"}, "pixel": "lively", "text": "plain"},
        {"text": "stays"},
    ],
}  # fmt: skip


def changed(path, value):
    """GOOD with another value at a path, such as steps/0/view; None takes it away."""
    tour = copy.deepcopy(GOOD)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = tour
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return tour


def test_the_tours_that_come_along():
    tours = read_tours()
    assert [tour["name"] for tour in tours] == list(guiding.TOURS)
    assert len(tours) == 5
    for tour in tours:
        for step in tour["steps"]:
            numbers = [sorted(re.findall(r"\{\w+\}", step["text"][each])) for each in ("en", "ko")]
            # Both languages show the same numbers, and no network's own names.
            assert set(numbers[0]) == set(numbers[1]), (tour["name"], step["text"]["en"])
            assert not isinstance(step.get("layer"), dict)
            # After a number a Korean particle would have to know how the number sounds.
            particle = r"\}(은|는|이|가|을|를|와|과|로|으로)(?=[ ,.])"
            assert not re.search(particle, step["text"]["ko"])


def test_a_good_tour_comes_first_and_may_replace_one(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(GOOD), "utf-8")
    assert [each["name"] for each in read_tours([file])] == ["mine", *guiding.TOURS]
    assert read_tours([str(file)])[0] == read_tours([GOOD])[0] == GOOD
    own = read_tours([changed("name", "im2col")])
    assert [each["name"] for each in own] == [
        "im2col", "pixel", "backward", "stride-and-padding", "residuals"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("name", None, "tour mine.json has no 'name'"),
        ("name", "two words", "name is 'two words'; it is letters"),
        ("title", "", "title is ''; it is a sentence"),
        ("title/en", "{value}", r"title.en has {value}; a title has no numbers"),
        ("title", {}, "title is empty"),
        ("steps", [], r"steps is \[\]"),
        ("steps", {}, "steps is {}"),
        ("stepps", 1, "unknown field 'stepps'; did you mean steps"),
        ("needs", "first jion", "needs is 'first jion': no kind 'jion'; did you mean join"),
        ("steps/1", "text", r"steps\[1\] is 'text'; it is an object"),
        ("steps/1/text", None, r"steps\[1\] has no 'text'"),
        ("steps/0/text/de", "x", r"steps\[0\].text.de is in 'de'; the page has en, ko"),
        ("steps/0/text/ko", "{valeu}", r"steps\[0\].text.ko has {valeu}; did you mean {value}"),
        ("steps/0/text/ko", 3, r"steps\[0\].text.ko is 3"),
        ("steps/0/view", "sideways", r"steps\[0\].view is 'sideways'; there are forward"),
        ("steps/0/look", "sum", r"steps\[0\].look is 'sum'; did you mean sums"),
        ("steps/0/predict", "yes", r"steps\[0\].predict is 'yes'; it is true or false"),
        ("steps/0/pixel", [1, 2], r"steps\[0\].pixel is \[1, 2\]; .*\[map, row, column\]"),
        ("steps/0/pixel", [1, 2, -3], r"steps\[0\].pixel"),
        ("steps/0/pixel", "midle", r"steps\[0\].pixel is 'midle'; did you mean middle"),
        ("steps/0/layer", "conv1", r"steps\[0\].layer is 'conv1'; .*{\"name\": \"conv1\"}"),
        ("steps/0/layer", "first conv", r"no kind 'conv'; did you mean convolution|there are"),
        ("steps/0/layer", 3, r"steps\[0\].layer is 3"),
        ("steps/1/layer/name", 3, r"steps\[1\].layer.name is 3"),
        ("steps/0/vieww", "lab", r"steps\[0\] has an unknown field 'vieww'; did you mean view"),
    ],
)
def test_a_mistake_is_named(tmp_path, path, value, message):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(changed(path, value)), "utf-8")
    with pytest.raises(ValueError, match=message):
        read_tours([file])


def test_files_that_are_no_tours(tmp_path):
    file = tmp_path / "mine.json"
    with pytest.raises(FileNotFoundError, match=r"no tour .*mine\.json"):
        read_tours([file])
    file.write_text('{"name": "x",\n "title": }')
    with pytest.raises(ValueError, match=r"mine\.json is no JSON: .*line 2, column 11"):
        read_tours([file])
    file.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"mine\.json is not UTF-8"):
        read_tours([file])
    file.write_text("[]")
    with pytest.raises(ValueError, match=r"mine\.json is \[\]; it is an object"):
        read_tours([file])
    with pytest.raises(TypeError, match="write tours="):
        read_tours(str(file))
    with pytest.raises(TypeError, match="a tour is a JSON file or a dict, got 3"):
        make_page(tours=[3])
    with pytest.raises(ValueError, match="two tours are called 'mine'"):
        read_tours([GOOD, GOOD])


def test_the_command_says_it_in_one_sentence(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(changed("steps/0/view", "lap")), "utf-8")
    out = tmp_path / "page.html"
    with pytest.raises(SystemExit, match=r"error: tour mine\.json: steps\[0\]\.view is 'lap'"):
        main(["explain", "page", "--no-open", "-o", str(out), "--tour", str(file)])
    assert not out.exists()


@pytest.mark.parametrize("page", ["page.md", "page.ko.md"])
def test_the_document_has_every_word_and_an_example_that_works(page):
    text = (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
    (example,) = re.findall(r"```json\n(.+?)```", text, re.DOTALL)
    assert read_tours([json.loads(example)])[0]["name"] == "edges"
    coded = set(re.findall(r"`([\w-]+)`", text))
    for words in (guiding.VALUES, guiding.LOOKS, guiding.VIEWS, guiding.PIXELS, guiding.ORDINALS):
        assert set(words) <= coded, set(words) - coded
    kinds = " ".join(text.split())  # a kind may go on in the next line
    assert all(kind in kinds for kind in guiding.KINDS)
    assert all(f"{arm.strip()}`" in text for arm in guiding.ARMS)
