"""Links, guided tours and predictions of the page in a real browser, as test_page_browser.py."""

import json
import re
from collections import OrderedDict

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.explain.page import guiding, page_html
from minitorch_cnn.explain.subject import load_subject
from tests.explain import test_page_browser as base
from tests.explain.test_page_browser import Page, four, subject_of

webdriver, support, pytestmark = base.webdriver, base.support, base.pytestmark
browser, kinds_page, resnet_page = base.browser, base.kinds_page, base.resnet_page
no_errors_and_no_requests = base.no_errors_and_no_requests

MINE = {
    "name": "mine",
    "title": "A tour of mine",
    "steps": [
        {"layer": {"name": "features.1"}, "pixel": [2, 3, 4], "text": "{layer}: <b>{value}</b>"},
        {"layer": {"name": "nowhere"}, "text": {"en": "x", "ko": "엑스"}},
        {"layer": "second convolution", "pixel": "middle", "predict": True, "text": "{kernel}"},
    ],
}


class Tour:
    """A page on which tours are taken."""

    def __init__(self, page):
        self.page = page

    @property
    def address(self):
        return self.page.js("return decodeURI(location.hash)")

    def rest(self):
        """Waits until the address says what the page shows."""
        wait = support.WebDriverWait(self.page.browser, 10, poll_frequency=0.05)
        wait.until(lambda _: self.page.js("return location.hash === parts.links.address()"))
        return self.address

    def wait_for(self, address):
        wait = support.WebDriverWait(self.page.browser, 10, poll_frequency=0.05)
        both = "return [location.hash, parts.links.address()]"
        wait.until(lambda _: self.page.js(both) == [address] * 2)


@pytest.fixture(scope="module")
def lenet_page(browser, tmp_path_factory):
    mt.manual_seed(2)
    subject = subject_of(models.lenet5(in_channels=3), 28)
    page = Page(browser, tmp_path_factory.mktemp("lenet"), subject)
    (tmp_path_factory.getbasetemp() / "mine.json").write_text(json.dumps(MINE), "utf-8")
    text = page_html(subject, tours=[tmp_path_factory.getbasetemp() / "mine.json"])
    path = tmp_path_factory.mktemp("lenet_mine") / "page.html"
    path.write_text(text, encoding="utf-8")
    page.address = path.as_uri()
    page.open()
    return page


@pytest.fixture(scope="module")
def resnet20_page(browser, tmp_path_factory):
    return Page(browser, tmp_path_factory.mktemp("resnet20"), load_subject())


def shown(page):
    state = page.state
    return [page.layers[state["layer"]].name, state["map"], state["i"], state["j"],
            state["direction"]]  # fmt: skip


# ------------------------------------------------------------------------------------- addresses


def test_the_address_says_what_is_shown_and_back_goes_back(kinds_page):
    page, tour = kinds_page, Tour(kinds_page)
    page.open()
    assert page.js("return location.hash") == ""
    start = shown(page)
    page.js("update({layer: 5, map: 3, i: 2, j: 4})")
    assert tour.rest() == "#4/3/2/4/forward"
    # Who walks over a map leaves one entry, not one for each pixel.
    before = page.js("return history.length")
    page.js("document.querySelector('#maps [tabindex]').focus()")
    page.press(*[webdriver.Keys.ARROW_LEFT] * 3)
    assert tour.rest() == "#4/3/2/1/forward"
    assert page.js("return history.length") == before + 1
    page.click("#backward")
    assert tour.rest() == "#4/3/2/1/backward"
    page.browser.back()
    tour.wait_for("#4/3/2/1/forward")
    assert shown(page) == ["4", 3, 2, 1, "forward"]
    page.browser.back()
    tour.wait_for("#4/3/2/4/forward")
    page.browser.back()
    support.WebDriverWait(page.browser, 10).until(lambda _: shown(page) == start)
    page.browser.forward()
    page.browser.forward()
    page.browser.forward()
    tour.wait_for("#4/3/2/1/backward")
    assert shown(page) == ["4", 3, 2, 1, "backward"]
    assert page.text("#total") == four(page.layers[5].gradient[3, 2, 1])


def test_a_link_opens_where_it_leads(kinds_page):
    page = kinds_page
    plain = page.address
    try:
        for fragment, expected, section, language in (
            ("#4/3/2/4/backward", ["4", 3, 2, 4, "backward"], "pixel", "en"),
            ("#1/2/3/4?lang=ko", ["1", 2, 3, 4, "forward"], "pixel", "ko"),
            ("#4/1/2/4/columns-backward", ["4", 1, 2, 4, "backward"], "columns", "en"),
            ("#5/1/2/4/lab", ["5", 1, 2, 4, "forward"], "lab", "en"),
        ):
            page.browser.get("about:blank")
            page.address = plain + fragment
            page.open()
            assert shown(page) == expected
            assert page.js("return document.documentElement.lang") == language
            top = page.js(f"return byId('{section}-title').getBoundingClientRect().top")
            assert -5 < top < 300, fragment
            assert not page.find("#bad-address").is_displayed()
        # A layer alone: its largest number.
        page.js("location.hash = '#2'")
        wait = support.WebDriverWait(page.browser, 10)
        wait.until(lambda _: page.state["layer"] == 3)
        place = np.unravel_index(np.abs(page.layers[3].value).argmax(), page.layers[3].value.shape)
        assert shown(page)[1:4] == list(place)
    finally:
        page.address = plain


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("#conv9/3", "“#conv9/3”.*no layer “conv9”.*input, 0, 1"),
        ("#1/6", "Map: “6”. In 1 it is a whole number from 0 to 5"),
        ("#1/-1/0/0", "Map: “-1”"),
        ("#1/0/12/0", "Row: “12”.*0 to 11"),
        ("#1/0/1/x", "Column: “x”"),
        ("#1/0/1/2/sideways", "no view “sideways”.*forward, backward, columns"),
        ("#1/0/1/2/forward/more", "no view “forward/more”"),
        ("#1/%zz", "two hexadecimal digits"),
        ("#1/1/1/1?lang=fr", "no language “fr”"),
        ("#?tour=none", "no tour “none”.*pixel, im2col"),
        ("#?step=0", "stands “step=0”"),
        ("#<b>bold", "“#<b>bold”.*no layer “<b>bold”"),
    ],
)
def test_an_address_that_leads_nowhere_is_quoted(kinds_page, fragment, said):
    page = kinds_page
    page.js("update({layer: 2, map: 1, i: 3, j: 4, direction: 'forward'}); parts.links.write()")
    page.js("location.hash = arguments[0]", fragment)
    support.WebDriverWait(page.browser, 10, poll_frequency=0.05).until(
        lambda _: page.find("#bad-address").is_displayed()
    )
    assert re.search(said, page.text("#bad-address")), page.text("#bad-address")
    assert shown(page) == ["1", 1, 3, 4, "forward"]
    assert page.js("return document.querySelectorAll('#bad-address b').length") == 0
    page.js("update({i: 4})")
    assert not page.find("#bad-address").is_displayed()


def test_names_with_slashes_are_encoded(browser, tmp_path):
    mt.manual_seed(3)
    name = "a/b ?=&%23é"
    model = nn.Sequential(OrderedDict([(name, nn.Conv2d(3, 2, 3)), ("f", nn.Flatten()),
                                       ("last", nn.Linear(200, 10))]))  # fmt: skip
    page = Page(browser, tmp_path, subject_of(model))
    page.js("update({layer: 1, map: 1, i: 2, j: 3})")
    Tour(page).rest()
    address = page.js("return location.hash")
    assert address == "#a%2Fb%20%3F%3D%26%2523%C3%A9/1/2/3/forward"
    page.js("update({layer: 0})")
    Tour(page).rest()
    page.browser.back()
    Tour(page).wait_for(address)
    assert shown(page) == [name, 1, 2, 3, "forward"]


def test_copying_a_link(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 3, j: 4})")
    for section, view in (("", "forward"), ("columns", "columns"), ("lab", "lab")):
        page.click(f"[data-link='{section}']")
        wait = support.WebDriverWait(page.browser, 10)
        wait.until(lambda _: page.text("#link-said"))
        link = page.js("return byId('link-text').value")
        assert link == f"{page.address}#0/2/3/4/{view}"
        assert "on this computer" in page.text("#link-said")
    # The link to skip what comes first is no place.
    page.js("document.querySelector('.skip').focus()")
    page.press(webdriver.Keys.ENTER)
    assert page.js("return document.activeElement.id") == "pixel-title"
    assert not page.find("#bad-address").is_displayed()


# ----------------------------------------------------------------------------------------- tours


@pytest.mark.parametrize("network", ["kinds", "lenet", "resnet20"])
def test_every_step_of_every_tour_has_its_numbers(request, network):
    page = request.getfixturevalue(f"{network}_page")
    page.open()
    # im2col is slow to draw for larger pictures.
    some = ("pixel", "stride-and-padding", "residuals")
    tours = {"kinds": guiding.TOURS, "lenet": (*some, "backward"), "resnet20": some}
    steps = page.js("""const found = [];
      for (const lang of arguments[0]) {
        language = lang;
        renderAll();
        for (const name of arguments[1]) {
          parts.tour.go(name);
          parts.tour.plan.forEach((_, step) => {
            if (step) parts.tour.go(name, step);
            const {layer, map, i, j, direction} = state;
            const {text, place} = parts.tour.plan[step];
            found.push([lang, name, step, byId("tour-text").textContent, layer, map, i, j,
              direction, parts.tour.looked !== null || !place || !parts.tour.plan[step].look,
              text !== null, text ? inLanguage(text) : ""]);
          });
          parts.tour.end();
        }
      }
      language = "en"; renderAll();
      return found;""", ["en", "ko"] if network == "kinds" else ["en"], tours[network])  # fmt: skip
    taken = {}
    for lang, name, step, text, layer, map_, i, j, direction, looked, whole, source in steps:
        where = (lang, name, step, text)
        assert looked and "undefined" not in text and "NaN" not in text and "{" not in text, where
        assert "–" not in text, where
        taken.setdefault(name, []).append(text)
        found = page.layers[layer]
        array = found.gradient if direction == "backward" else found.value
        word = "{gradient}" if direction == "backward" else "{value}"
        if whole and word in source:
            assert four(array[map_, i, j]) in text.replace("−", "-"), where
    joins = network.startswith("resnet")
    assert len(taken["residuals"]) in ((5, 10) if joins else (1, 2))
    left_out = "Left out, since this network does not have it: join"
    assert (left_out in taken["residuals"][0]) != joins
    strided = any("has the stride 2" in text for text in taken["stride-and-padding"])
    assert strided == (network != "lenet")


def test_a_tour_by_keyboard_and_back(resnet_page):
    page, tour, keys = resnet_page, Tour(resnet_page), webdriver.Keys
    page.open()
    page.js("parts.tour.buttons[4].focus()")
    page.press(keys.ENTER)
    assert page.text("#tour-title") == "Why residuals · 1 / 5"
    assert page.js("return document.activeElement.id") == "tour"
    assert page.find("#tour-text").get_attribute("aria-live") == "polite"
    assert page.js("return byId('tour-previous').disabled")
    first = tour.rest()
    assert first.endswith("/forward?tour=residuals&step=1")
    page.press(keys.ARROW_RIGHT)
    page.press(keys.ARROW_DOWN)
    assert page.text("#tour-title").endswith("3 / 5")
    number = page.state["layer"]
    layer = page.layers[number]
    place = tuple(page.state[each] for each in ("map", "i", "j"))
    arms = re.search(r"(-?[\d.e-]+) \+ (-?[\d.e-]+) =", page.text("#tour-text"))
    assert float(arms[1]) + float(arms[2]) == pytest.approx(layer.gradient[place], rel=2e-3)
    assert page.state["direction"] == "backward"
    page.press(keys.ARROW_LEFT)
    assert page.text("#tour-title").endswith("2 / 5")
    page.browser.back()
    page.browser.back()
    page.browser.back()
    tour.wait_for(first)
    assert page.text("#tour-title").endswith("1 / 5") and page.state["direction"] == "forward"
    page.click("#tour-next")
    page.press(keys.ESCAPE)
    assert not page.find("#tour").is_displayed()
    assert page.js("return document.activeElement === parts.tour.buttons[4]")
    assert "tour" not in tour.rest()
    # A link into the middle of a tour, in Korean.
    page.js("location.hash = '#?tour=residuals&step=2&lang=ko'")
    wait = support.WebDriverWait(page.browser, 10)
    wait.until(lambda _: page.find("#tour").is_displayed())
    assert "두 갈래 모두" in page.text("#tour-text")
    page.press(keys.ESCAPE)


def test_a_tour_of_ones_own(lenet_page):
    page = lenet_page
    page.open()
    assert page.js("return parts.tour.names[0]") == "mine"
    page.click("#tour-buttons button")
    value = four(page.layers[2].value[2, 3, 4])
    assert page.text("#tour-text") == f"features.1: <b>{value}</b>"  # a text is never HTML
    page.js("update({map: 1, i: 5})")  # another pixel, another number
    assert four(page.layers[2].value[1, 5, 4]) in page.text("#tour-text")
    page.js("update({layer: 1})")  # another layer: the step's own
    assert value in page.text("#tour-text")
    page.click("#tour-next")
    said = page.text("#tour-text")
    assert "5×5" in said and "does not have it: “nowhere”" in said
    assert page.js("return parts.predict.hides")
    page.click("#tour-next")
    assert not page.find("#tour").is_displayed()


def test_where_ways_part(resnet_page):
    """Of each addition: the last layer without which no way leads to either arm."""
    resnet_page.open()
    layers = resnet_page.layers

    def reaches(number, blocked):
        return number != blocked and (
            number == 0 or any(reaches(each, blocked) for each in layers[number].sources)
        )

    joins = [number for number, layer in enumerate(layers) if layer.kind == "add"]
    assert len(joins) == 2
    for join in joins:
        arms = layers[join].sources
        ways = [n for n in range(join) if not any(reaches(each, n) for each in arms)]
        assert resnet_page.js("return forkOf(network.layers, arguments[0])", join) == max(ways)


def test_the_words_of_tours_are_the_same_in_both_programs(kinds_page):
    js = kinds_page.js
    assert js("return Object.keys(TOUR_KINDS)") == list(guiding.KINDS)
    assert js("return Object.keys(TEXTS.en.tour_kinds)") == list(guiding.KINDS)
    assert js("return Object.keys(ORDINALS)") == list(guiding.ORDINALS)
    assert js("return Object.keys(LOOKS)") == list(guiding.LOOKS)
    assert js("return VIEWS") == list(guiding.VIEWS)
    values = js("""return network.layers.flatMap((layer, number) =>
        Object.keys(valuesAt(network, {layer: number, map: 0, i: 0, j: 0})))""")
    assert set(values) == set(guiding.VALUES)


# ----------------------------------------------------------------------------------- predictions


def test_every_sum_can_be_predicted(request):
    """All layers, both ways: what the lines add up to is the number; wrong numbers are wrong."""
    for name in ("kinds", "resnet"):
        page = request.getfixturevalue(f"{name}_page")
        page.open()
        tasks = page.js("""return network.layers.flatMap((layer, number) =>
          ["forward", "backward"].flatMap((direction) => [0, 1].map((term) => {
            Object.assign(state, {layer: number, map: Math.min(1, layer.kept - 1),
              i: layer.shape[1] >> 1, j: layer.shape[2] >> 1, direction, term, reader: 0});
            const task = makeTask(network);
            if (!task) return [number, direction, null];
            const {lines, total, error} = task;
            const shown = formatNumber(total);
            const products = lines.filter((line) => line.product !== null);
            return [number, direction, total, lines.at(-1)?.sum ?? total,
              compare(shown, total, error).right,
              compare(String(1.1 * total + 0.01), total, error).right,
              products.every((line) => compare(formatNumber(line.product), line.product,
                line.error).right),
              products.some((line) => compare(formatNumber(-1.2 * line.product - 1e-3),
                line.product, line.error).right),
              Math.abs(error) / (Math.abs(total) + 0.01), products.length];
          })));""")
        asked = set()
        for number, direction, total, *rest in tasks:
            if total is None:
                continue
            layer = page.layers[number]
            found, right, wrong, all_right, any_wrong, error, products = rest
            where = (layer.name, layer.kind, direction)
            assert found == pytest.approx(total, rel=1e-4, abs=1e-6), where
            assert right and not wrong and all_right and not any_wrong, where
            assert error < 0.06, where
            asked.add((layer.kind, direction, products > 0))
        both = ("forward", "backward")
        kinds = {(kind, way, True) for kind in ("conv", "relu") for way in both}
        kinds |= {("affine", "forward", False), ("linear", "forward", True)}
        if name == "kinds":
            kinds |= {("maxpool", "forward", True), ("avgpool", "forward", True)}
        else:
            kinds |= {("add", "forward", False), ("add", "backward", True)}
        assert kinds <= asked, kinds - asked


def test_predicting_right_and_wrong_by_keyboard(kinds_page):
    page, keys = kinds_page, webdriver.Keys
    page.open()
    page.js("update({layer: 1, map: 2, i: 4, j: 6, term: 1})")
    x, weight = page.layers[0].value, page.layers[1].parameters["weight"]
    total = float(page.layers[1].value[2, 4, 6])
    window = np.pad(x[1], 1)[4:7, 6:9].astype(float)
    products = (window * weight[2, 1]).ravel()
    page.js("byId('predict-on').focus()")
    page.press(keys.ENTER)
    assert page.js("return document.activeElement.id") == "predict-total"
    assert page.text("#total") == "?"
    # The number is nowhere, also not for a screen reader.
    visible = page.js("""return [document.querySelector("main").innerText,
        ...[...document.querySelectorAll("main [aria-label]")].filter((node) =>
          node.checkVisibility()).map((node) => node.getAttribute("aria-label"))].join(" ")""")
    assert four(total) not in visible.replace("−", "-")
    assert four(products[4]) not in visible.replace("−", "-")
    assert not page.find("#sums").is_displayed() and not page.find("#convolution").is_displayed()
    others = total - products.sum()
    assert f"2 other channels: {four(others)}" in page.text("#predict-given")
    page.press("abc", keys.ENTER)
    assert page.text("#predict-said") == "“abc” is no number."
    page.type("#predict-total", f"{products.sum():.4f}\n")  # the other channels forgotten
    assert "wrong" in page.text("#predict-said") and "alone" in page.text("#predict-said")
    assert page.find("#predict-total").get_attribute("aria-invalid") == "true"
    # Line by line: the first product is right, the second has the wrong sign.
    page.js("document.querySelector('[data-key=p0]').focus()")
    page.press(f"{products[0]:.5g}", keys.ENTER)
    assert "Product 1" in page.text("#predict-said") and "right" in page.text("#predict-said")
    assert page.js("return document.activeElement.dataset.key") == "p1"
    page.press(f"{-products[1]:.5g}", keys.ENTER)
    assert "Look at the sign" in page.text("#predict-said")
    assert page.find("[data-key=p1]").get_attribute("aria-invalid") == "true"
    page.click("#predict-next")
    assert page.find("[data-key=s0]").get_attribute("value") == four(products[0])
    page.click("#predict-all")
    said = page.text("#predict-said")
    assert f"is {four(products[1])}, not {-products[1]:.5g}" in said
    assert "Product 2 was wrong" in said and "Product 1" not in said
    assert page.text("#total") == four(total) and page.find("#sums").is_displayed()
    # Another number: asked again; two digits are enough.
    page.js("update({i: 5, j: 5})")
    assert page.text("#total") == "?"
    total = float(page.layers[1].value[2, 5, 5])
    page.type("#predict-total", f"{total:.2g}\n")
    assert page.text("#predict-said").startswith("Right") and page.text("#total") == four(total)
    page.click("#predict-other")
    assert page.text("#total") == "?" and page.state["layer"] == 1
    assert Tour(page).rest().endswith("?predict")
    page.click("#backward")
    assert page.text("#total") == "?" and not page.find("#backward-view").is_displayed()
    page.click("#predict-on")
    assert page.text("#total") != "?" and page.find("#backward-view").is_displayed()
    # The picture is no sum.
    page.js("update({layer: 0, direction: 'forward'}); parts.predict.turn(true)")
    assert "not a sum" in page.text("#predict-said") and page.text("#total") != "?"
    page.js("parts.predict.turn(false)")


def test_what_is_typed_stays_when_the_language_changes(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 4, j: 6}); parts.predict.turn(true)")
    page.type("#predict-total", "99\n")
    page.click("#language")
    assert page.js("return byId('predict-total').value") == "99"
    assert page.text("#total") == "?" and "다른 채널 2개" in page.text("#predict-given")
    page.click("#language")
    page.js("parts.predict.turn(false)")


def test_tours_and_predictions_fit_on_a_phone(kinds_page):
    page = kinds_page
    page.open()
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        widths = page.js("""const widths = [];
          for (language of ["en", "ko"]) {
            renderAll();
            for (const name of parts.tour.names) {
              parts.tour.go(name);
              parts.tour.plan.forEach((_, step) => {
                if (step) parts.tour.go(name, step);
                if (parts.predict.on) parts.predict.showNext();
                widths.push(document.documentElement.scrollWidth,
                  byId("tour").getBoundingClientRect().right);
              });
              parts.tour.end();
            }
          }
          language = "en"; parts.predict.turn(false); renderAll();
          return widths;""")
        assert max(widths) <= 360 and len(widths) > 60
        page.js("parts.tour.go('pixel')")
        assert page.js("return byId('tour').getBoundingClientRect().height") <= 0.47 * 740
    finally:
        page.js("parts.tour.end()")
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
