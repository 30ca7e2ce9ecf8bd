"""The page in a real browser: clicks, keys, values beside Python's, no errors, no requests.

Needs Chromium with its driver (Debian: apt-get install chromium chromium-driver) and selenium.
"""

import contextlib
import json
import shutil

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.explain.page import packing, page_html, record
from minitorch_cnn.explain.subject import MEAN, STD, Subject, Trained, builtin_picture
from tests.explain.written_with_functions import NETWORKS, made

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
support = pytest.importorskip("selenium.webdriver.support.wait", reason="needs selenium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver on the PATH"
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --window-size=1280,1000"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    for flag in [*FLAGS.split(), profile, "--lang=en"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


def every_kind():
    """A network with each kind of layer that the page takes apart, and all kinds of geometry."""
    mt.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(6, 4, (2, 3), stride=(2, 1), padding=2, dilation=2, groups=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 4, 3, padding=2, padding_mode="reflect"),
        nn.Conv2d(4, 4, (2, 4), padding="same"),
        nn.Conv2d(4, 8, 3, padding=1, groups=4, padding_mode="replicate"),
        nn.Tanh(),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(48, 7),
        nn.ReLU(),
        nn.Linear(7, 10),
    )


def subject_of(model, size=12, name="a picture"):
    """A network with batch norms that do something, and the built-in picture."""
    rng = np.random.default_rng(5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(mt.tensor(rng.standard_normal(module.num_features)))
            module.running_var.copy_(mt.tensor(rng.uniform(0.5, 2, module.num_features)))
    classes = [f"class {n}" for n in range(10)]
    trained = Trained(
        model.eval(), classes, 3, size, MEAN, STD, [], size, [], {"arch": "test network"}
    )
    picture, _ = builtin_picture(size, 3)
    return Subject(trained, picture, trained.normalize(picture[np.newaxis]), name)


class Page:
    def __init__(self, browser, folder, subject):
        self.browser, self.layers = browser, record(subject.model, subject.x)
        path = folder / "page.html"
        path.write_text(page_html(subject), encoding="utf-8")
        self.address = path.as_uri()
        self.open()

    def open(self):
        self.browser.get(self.address)
        wait = support.WebDriverWait(self.browser, 30)
        wait.until(lambda _: self.js("return document.documentElement.dataset.ready") == "true")

    def js(self, program, *arguments):
        return self.browser.execute_script(program, *arguments)

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def text(self, selector):
        return self.find(selector).text.replace("−", "-")

    def click(self, selector, x=None, y=None):
        """A real click, in the middle or at fractions of width and height."""
        node = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", node)
        if x is None:
            return node.click()
        box = node.rect
        actions = webdriver.ActionChains(self.browser)
        offset = round((x - 0.5) * box["width"]), round((y - 0.5) * box["height"])
        actions.move_to_element_with_offset(node, *offset).click().perform()

    def press(self, *keys):
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()

    def type(self, selector, text):
        node = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", node)
        node.send_keys(webdriver.Keys.CONTROL, "a")
        node.send_keys(text)

    @property
    def state(self):
        return self.js("return state")


@pytest.fixture(scope="module")
def kinds_page(browser, tmp_path_factory):
    return Page(browser, tmp_path_factory.mktemp("kinds"), subject_of(every_kind()))


@pytest.fixture(scope="module")
def resnet_page(browser, tmp_path_factory):
    model = models.cifar.CifarResNet([1, 1], [4, 6])
    return Page(browser, tmp_path_factory.mktemp("resnet"), subject_of(model, 16))


@pytest.fixture(params=["kinds", "resnet"])
def page(request):
    page = request.getfixturevalue(f"{request.param}_page")
    page.open()
    return page


@pytest.fixture(autouse=True)
def no_errors_and_no_requests(browser):
    with contextlib.suppress(IndexError):
        browser.get_log("browser")
    yield
    assert browser.get_log("browser") == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0


# ------------------------------------------------------------------------- values beside Python's


def test_every_number_is_pythons_to_the_last_bit(page):
    shown = page.js("""return network.layers.map((layer) =>
      ({value: [...layer.value], gradient: [...layer.gradient]}))""")
    assert len(shown) == len(page.layers)
    for layer, there in zip(page.layers, shown, strict=True):
        np.testing.assert_array_equal(np.float32(there["value"]), layer.value.ravel(), layer.name)
        np.testing.assert_array_equal(np.float32(there["gradient"]), layer.gradient.ravel())


def test_every_number_can_be_taken_apart(page):
    """All sums, of all pixels of all layers, made of the very terms that the page draws."""
    sums = page.js("""return network.layers.map((layer, number) => {
      const [, H, W] = layer.shape;
      const places = [...layer.value.keys()].map((n) =>
        [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W]);
      return {
        value: places.map((place) => explainValue(network, number, ...place).sum),
        gradient: places.map((place) => explainGradient(network, number, ...place))
          .map((found) => found.parts.some((part) => part.sum === null) ? null : found.sum),
      };
    })""")
    explained = 0
    for number, (layer, there) in enumerate(zip(page.layers, sums, strict=True)):
        if layer.kind not in ("input", "other"):
            np.testing.assert_allclose(there["value"], layer.value.ravel(), rtol=1e-4, atol=1e-5)
            explained += 1
        last = number == len(page.layers) - 1  # there the gradient begins
        if not last and there["gradient"][0] is not None:
            scale = np.abs(layer.gradient).max()
            np.testing.assert_allclose(
                there["gradient"], layer.gradient.ravel(), rtol=1e-4, atol=1e-5 * scale
            )
    assert explained >= len(page.layers) - 2


def test_the_rules_of_all_kinds_of_layers(kinds_page):
    """Networks written with functions, in one page one after the other: all sums of all numbers."""
    kinds_page.open()
    kinds = set()
    for kind in NETWORKS:
        network, x = made(kind)
        layers = record(network, x)
        manifest, numbers, places = packing.pack(layers, 10**7)
        sums = kinds_page.browser.execute_async_script(
            """const [manifest, numbers, places, done] = arguments;
            Object.entries({manifest, numbers, places}).forEach(([id, text]) => {
              byId(id).textContent = text;
            });
            loadNetwork().then((network) => done(network.layers.map((layer, number) => {
              const [, H, W] = layer.shape;
              const places = [...layer.value.keys()].map((n) =>
                [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W]);
              const all = (explain) => places.map((place) => explain(network, number, ...place))
                .map(({sum, whole}) => whole ? sum : null);
              return [[...layer.value], all(explainValue), layer.gradient && all(explainGradient)];
            })));""",
            json.dumps(manifest), numbers, places,
        )  # fmt: skip
        for number, (layer, (value, made_of, gradient)) in enumerate(
            zip(layers, sums, strict=True)
        ):
            where = (kind.__name__, layer.name)
            np.testing.assert_array_equal(np.float32(value), layer.value.ravel(), str(where))
            wanted = [(made_of, layer.value)] if layer.sources else []
            if layer.gradient is not None and number < len(layers) - 1:
                wanted.append((gradient, layer.gradient))
            for there, exact in wanted:
                assert None not in there, where
                tolerance = 2e-6 * np.abs(exact).max()
                np.testing.assert_allclose(there, exact.ravel(), 0, tolerance, err_msg=str(where))
        kinds |= {layer.kind for layer in layers}
    shown = kinds_page.js("return Object.keys(TEXTS.en.kinds)")
    assert kinds <= set(shown) and len(kinds) > 40, kinds - set(shown)


def test_numbers_are_printed_as_python_prints_them(kinds_page):
    rng = np.random.default_rng(0)
    numbers = [0.0, 1.0625, 1.1875, -1.0625, 9999.5, 99995.0, 0.0001, 0.00001, 123456.0, 0.99995]
    numbers += (rng.standard_normal(500) * 10.0 ** rng.integers(-9, 9, 500)).tolist()
    numbers += np.float32(rng.standard_normal(200)).astype(float).tolist()
    shown = kinds_page.js("return arguments[0].map(formatNumber)", numbers)
    assert [each.replace("−", "-") for each in shown] == [format(each, ".4g") for each in numbers]


def test_the_columns_are_those_of_unfold(kinds_page):
    kinds_page.open()
    layers = kinds_page.layers
    there = kinds_page.js("""const [layer, source] = [network.layers[1], network.layers[0]];
      return [...columnMatrix(layer, source, 2).matrix]""")
    x = mt.tensor(layers[0].value[np.newaxis])
    expected = nn.functional.unfold(x, 3, padding=1).numpy()
    np.testing.assert_array_equal(np.float32(there), expected.ravel())


# ------------------------------------------------------------------------------------- one pixel


def four(value):
    return format(float(value) + 0.0, ".4g")  # + 0.0: the page shows -0 as 0


def test_click_a_map_then_a_pixel_then_turn_around(kinds_page):
    page = kinds_page
    page.open()
    layer = page.layers[5]
    # The tiles of a layer lie in columns; the fourth of four is the last quarter of the first.
    page.click(".card:nth-of-type(6) .tiles-frame", 0.5, 0.9)
    assert page.state["layer"] == 5 and page.state["map"] == 3
    H, W = layer.value.shape[1:]
    page.click("#maps .map-frame[tabindex]", (4 + 0.5) / W, (2 + 0.5) / H)
    assert (page.state["i"], page.state["j"]) == (2, 4)
    assert page.text("#total") == four(layer.value[3, 2, 4])
    assert page.text(".part.result b") == four(layer.value[3, 2, 4])
    # 3 grids (window, kernel, products) of 2 x 3 numbers, for the first channel of group 1.
    numbers = [
        each.text.replace("−", "-")
        for each in page.browser.find_elements("css selector", "#products .number")
    ]
    x, weight = page.layers[4].value, layer.parameters["weight"]
    padded = np.pad(x[3], 2)
    window = padded[2 * 2 : 2 * 2 + 3 : 2, 4 : 4 + 5 : 2]
    kernel = weight[3, 0]
    expected = [*window.ravel(), *kernel.ravel(), *(window.astype(float) * kernel).ravel()]
    assert numbers == [four(each) for each in expected]

    page.click("#backward")
    assert (page.state["i"], page.state["j"]) == (2, 4)
    assert page.text("#total") == four(layer.gradient[3, 2, 4])
    assert page.text(".part.result b") == four(layer.gradient[3, 2, 4])
    page.click("#forward")
    assert page.text("#total") == four(layer.value[3, 2, 4])


def test_another_channel_of_the_sum(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 4, j: 6})")
    page.click("#sums .bars", 0.83, 0.3)  # the third of three bars
    x, weight = page.layers[0].value, page.layers[1].parameters["weight"]
    window = np.pad(x[2], 1)[4:7, 6:9].astype(float)
    assert page.text(".equation .part b") == four((window * weight[2, 2]).sum())
    assert page.text(".equation .part small") == "channel 2"


def test_a_gradient_that_arrives_two_ways(resnet_page):
    page = resnet_page
    page.open()
    number = next(n for n, layer in enumerate(page.layers) if layer.name == "relu")
    page.js("update({direction: 'backward', layer: arguments[0], map: 1, i: 3, j: 5})", number)
    buttons = page.browser.find_elements("css selector", "#readers button")
    assert len(buttons) == 2
    page.click("#readers button:nth-child(2)")
    assert page.find("#readers button:nth-child(2)").get_attribute("aria-pressed") == "true"
    parts = [
        float(each.text.replace("−", "-"))
        for each in page.browser.find_elements("css selector", ".equation .part b")
    ]
    assert parts[-1] == float(four(page.layers[number].gradient[1, 3, 5]))
    assert parts[0] + parts[1] == pytest.approx(parts[2], abs=2e-3 * max(map(abs, parts)))


def test_the_keyboard_does_all_that_the_mouse_does(kinds_page):
    page, keys = kinds_page, webdriver.Keys
    page.open()
    page.js("document.getElementById('strip').focus()")
    page.press(keys.HOME, keys.ARROW_DOWN, keys.ARROW_DOWN)
    assert (page.state["layer"], page.state["map"]) == (0, 2)
    page.press(keys.ARROW_RIGHT, keys.ARROW_UP)
    assert (page.state["layer"], page.state["map"]) == (1, 1)
    page.press(keys.ARROW_LEFT)
    assert (page.state["layer"], page.state["map"]) == (0, 1)
    page.js("update({layer: 1, map: 1, i: 0, j: 10})")
    page.js("document.querySelector('#maps [tabindex]').focus()")
    page.press(keys.ARROW_UP, keys.ARROW_RIGHT, keys.ARROW_RIGHT, keys.ARROW_DOWN)
    assert (page.state["i"], page.state["j"]) == (1, 11)
    assert page.js("return document.activeElement.matches('#maps .map-frame')")
    assert page.text("#total") == four(page.layers[1].value[1, 1, 11])
    # Tab reaches everything that can be operated, and it is seen where one is.
    page.js("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = set()
    for _ in range(80):
        page.press(keys.TAB)
        reached.add(page.js("return document.activeElement.id || document.activeElement.className"))
    assert reached >= {
        "language", "theme", "strip", "forward", "backward", "layer", "map", "row", "column",
        "map-frame", "column-slider", "column-play", "lab-stride", "preset-blur",
    }  # fmt: skip


# ------------------------------------------------------------------------- im2col and laboratory


def test_stepping_through_the_columns_follows_the_pixel(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 3, j: 11})")
    page.click("#column-next")
    assert (page.state["i"], page.state["j"]) == (4, 0)
    assert "Column 48 of 144" in page.text("#column-sentence")
    shown = [
        each.text.replace("−", "-")
        for each in page.browser.find_elements("css selector", "#column-detail td.chosen")
    ]
    window = np.pad(page.layers[0].value[0], 1)[4:7, 0:3]
    assert shown == [four(each) for each in window.ravel()]
    page.click("#column-play")
    page.click("#column-play")
    assert page.js("return parts.columns.timer") is None


def test_changing_the_convolution(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 3, j: 4})")
    assert "As Python computed it: over all 144 numbers" in page.text("#lab-check")
    largest = float(page.text("#lab-check").split()[-1].rstrip("."))
    assert largest < 1e-5

    x = mt.tensor(page.layers[0].value[np.newaxis].astype(np.float64))
    weight = page.layers[1].parameters["weight"][2:3].astype(np.float64)
    weight[0, 0, 1, 2] = -1.25
    page.type("#lab-kernel input:nth-child(6)", "-1.25")
    assert page.text("#lab-check").startswith("Changed.")
    for name, value in (("stride", 2), ("padding", 3), ("dilation", 2)):
        page.type(f"#lab-{name}", str(value))
    expected = nn.functional.conv2d(x, mt.tensor(weight), stride=2, padding=3, dilation=2).numpy()
    _, _, OH, OW = expected.shape
    shown = page.js("""const {H, W, valueAt} = parts.lab.output.shown;
      return [...Array(H).keys()].map((i) => [...Array(W).keys()].map((j) => valueAt(i, j)))""")
    np.testing.assert_allclose(shown, expected[0, 0], rtol=1e-9, atol=1e-12)
    assert page.text("#lab-formula").endswith(f"= {OH}")
    page.click("#lab-maps [tabindex]", 0.5 / OW, (OH - 0.5) / OH)
    assert f"row {OH - 1}, column 0 is {four(expected[0, 0, -1, 0])}" in page.text("#lab-check")

    page.type("#lab-dilation", "8")
    page.type("#lab-padding", "0")
    assert "does not fit" in page.text("#lab-check")
    page.click("#preset-trained")
    assert "As Python computed it" in page.text("#lab-check")


@pytest.mark.parametrize("preset", ["identity", "blur", "vertical", "horizontal", "turned"])
def test_kernels_to_try(kinds_page, preset):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2})")
    page.click(f"#preset-{preset}")
    ones = np.ones((1, 3))
    kernels = {
        "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        "blur": np.full((3, 3), 1 / 9),
        "vertical": np.array([[-1, 0, 1]]) * ones.T,
        "horizontal": np.array([[-1], [0], [1]]) * ones,
    }
    weight = page.layers[1].parameters["weight"][2:3, :, ::-1, ::-1].astype(np.float64)
    if preset != "turned":
        weight = np.broadcast_to(kernels[preset] / 3, weight.shape)
    x = mt.tensor(page.layers[0].value[np.newaxis].astype(np.float64))
    expected = nn.functional.conv2d(x, mt.tensor(weight.copy()), padding=1).numpy()
    shown = page.js("""const {H, W, valueAt} = parts.lab.output.shown;
      return [...Array(H).keys()].map((i) => [...Array(W).keys()].map((j) => valueAt(i, j)))""")
    np.testing.assert_allclose(shown, expected[0, 0], rtol=1e-9, atol=1e-12)


# --------------------------------------------------------------- languages, themes, sizes, safety


def test_korean_and_english_say_the_same_things(kinds_page):
    page = kinds_page
    page.open()
    keys = page.js("""return ["en", "ko"].map((each) => Object.entries(TEXTS[each]).map(
      ([key, text]) => key + " " + typeof text + " " + Object.keys(text.constructor === Object
        ? text : {}).sort()).sort())""")
    assert keys[0] == keys[1]
    english = page.text("main")
    page.click("#language")
    assert page.js("return document.documentElement.lang") == "ko"
    korean = page.text("main")
    assert "숫자 하나 분해하기" in korean and "One number" not in korean
    assert "undefined" not in english + korean
    assert page.js("return document.title") == page.text("h1").replace("\n", " ")
    page.click("#language")
    assert page.text("main") == english


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_every_layer_can_be_shown_in_both_languages_and_themes(page, direction):
    texts = page.js(
        """const texts = [];
        for (const changed of ["theme", "language", "theme", "language"]) {
          document.getElementById(changed).click();
          update({direction: arguments[0]});
          network.layers.forEach((_, layer) => {
            update({layer, map: 1});
            const labels = [...document.querySelectorAll("#maps .map-frame, .matrix-frame")]
              .map((node) => node.getAttribute("aria-label"));
            texts.push([byId("content").textContent, ...labels].join(" | "));
          });
        }
        return texts;""",
        direction,
    )
    assert len(texts) == 4 * len(page.layers)
    for text in texts:
        assert not any(bad in text for bad in ("undefined", "NaN", "null", "| |", "[object"))


def test_text_can_be_read_on_its_background(kinds_page):
    """WCAG's contrast, 4.5 and more, of text and accents in both themes and directions."""
    page = kinds_page
    page.open()
    ratio = """const light = (name) => {
        const code = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
        const rgb = [1, 3, 5].map((n) => parseInt(code.slice(n, n + 2), 16) / 255)
          .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
      };
      const [a, b] = arguments.map ? arguments : [...arguments];
      const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
      return (x + 0.05) / (y + 0.05);"""
    themes = set()
    for _ in range(2):
        themes.add(page.js("return getComputedStyle(document.body).color"))
        for ink in ("--ink", "--quiet", "--forward", "--backward"):
            for ground in ("--paper", "--card"):
                assert page.js(ratio, ink, ground) >= 4.5, (ink, ground)
        page.click("#theme")
    assert len(themes) == 2


def test_a_screen_reader_finds_names_everywhere(page):
    assert (
        page.js("""const nameless = [...document.querySelectorAll(
        "button, select, input, [role=img], [role=application], [role=region]")].filter((node) =>
        node.checkVisibility() && !(node.textContent.trim() || node.getAttribute("aria-label")
        || node.ariaLabel || node.labels?.[0]?.textContent.trim()
        || document.getElementById(node.getAttribute("aria-labelledby"))));
      return nameless.map((node) => node.outerHTML.slice(0, 80))""")
        == []
    )
    ids = page.js("return [...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
    assert page.find("#picture").get_attribute("alt") == "The picture: a picture"


def test_it_fits_on_a_phone(page):
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for language in ("en", "ko"):
            page.js("language = arguments[0]; renderAll()", language)
            assert page.js("return document.documentElement.scrollWidth") <= 390
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_hostile_name_is_only_shown(browser, tmp_path):
    name = "</script><img src=x onerror=\"document.title='broken'\"> {{script}} <b>"
    page = Page(browser, tmp_path, subject_of(every_kind(), name=name))
    assert name in page.text("#made-by")
    assert page.js("return document.images.length") == 1
    assert page.js("return document.title") == "Inside a convolutional network"


def test_what_is_left_out_is_shown_as_the_rest(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "LIMITS", (1100,))  # four maps of 16x16
    model = models.cifar.CifarResNet([1, 1], [12, 24])
    page = Page(browser, tmp_path, subject_of(model, 16))
    assert page.js("return network.limit") == 1100 and "first maps" in page.text("#note-partial")
    number = next(n for n, layer in enumerate(page.layers) if layer.name == "layer1.0.conv1")
    layer = page.layers[number]
    for direction, what in (("forward", layer.value), ("backward", layer.gradient)):
        reader = number if direction == "forward" else 3
        page.js(
            "update({direction: arguments[0], layer: arguments[1], map: 2, i: 5, j: 6})",
            direction,
            reader,
        )
        expected = what if direction == "forward" else page.layers[reader].gradient
        assert page.text(".part.result b") == four(expected[2, 5, 6])
        assert "the rest" in page.text(".equation") and page.text("#check") == ""
    assert "Only the maps in this page" in page.text("#lab-check")
    # No sum needs a number that is not there.
    assert page.js("""return network.layers.every((layer, number) =>
      [...Array(layer.kept).keys()].every((map) =>
        [explainValue, explainGradient].every((explain) =>
          layer.kind === "input" || Number.isFinite(explain(network, number, map, 0, 0).sum))))""")
