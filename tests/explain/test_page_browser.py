"""The page in a real browser: clicks, keys, values beside Python's, no errors, no requests.

Needs Chromium with its driver (Debian: apt-get install chromium chromium-driver) and selenium.
"""

import contextlib
import json
import re
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
    "--disable-background-networking --disable-component-update --window-size=1280,1000 "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
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
    about = {"arch": "test network"}
    trained = Trained(model.eval(), [], 3, size, MEAN, STD, [], size, [], about)
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
            const plain = (x) => Math.abs(x) === Infinity ? String(x) : x; // not in JSON
            Object.entries({manifest, numbers, places}).forEach(([id, text]) => {
              byId(id).textContent = text;
            });
            loadNetwork().then((network) => done(network.layers.map((layer, number) => {
              const [, H, W] = layer.shape;
              const places = [...layer.value.keys()].map((n) =>
                [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W]);
              const all = (explain) => places.map((place) => explain(network, number, ...place))
                .map(({sum, whole}) => whole ? plain(sum) : null);
              return [[...layer.value].map(plain), all(explainValue),
                layer.gradient && all(explainGradient)];
            })));""",
            json.dumps(manifest), numbers, places,
        )  # fmt: skip
        for number, (layer, (value, made_of, gradient)) in enumerate(
            zip(layers, sums, strict=True)
        ):
            where = (kind.__name__, layer.name)
            value = np.array(value, object).astype(np.float32)
            np.testing.assert_array_equal(value, layer.value.ravel(), str(where))
            wanted = [(made_of, layer.value)] if layer.sources else []
            if layer.gradient is not None and number < len(layers) - 1:
                wanted.append((gradient, layer.gradient))
            for there, exact in wanted:
                assert None not in there, where
                tolerance = 2e-6 * np.abs(exact[np.isfinite(exact)]).max()
                there = np.array(there, object).astype(float)
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
    assert page.text("#sums .result b") == four(layer.value[3, 2, 4])
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
    assert page.text("#sums .result b") == four(layer.gradient[3, 2, 4])
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


def test_what_passes_unchanged_comes_from_the_same_place(kinds_page):
    page = kinds_page
    page.open()
    number = next(n for n, layer in enumerate(page.layers) if layer.kind == "identity")
    page.js("update({direction: 'forward', layer: arguments[0], map: 5, i: 1, j: 2})", number)
    source = page.layers[page.layers[number].sources[0]].name
    assert page.text("#maps figure:first-child").startswith(f"{source}, map 5\n")
    shown = page.js("return parts.trace.others[0].shown.cells")
    assert shown == [{"row": 1, "column": 2}]


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
        for each in page.browser.find_elements("css selector", "#sums .equation .part b")
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


# ------------------------------------------------------------------- backward through one layer


def gradients_of(page, number):
    """What autograd hands on from the gradient at a convolution's output: (input's, weights')."""
    layer = page.layers[number]
    x = mt.tensor(page.layers[layer.sources[0]].value[np.newaxis], requires_grad=True)
    w = mt.tensor(layer.parameters["weight"], requires_grad=True)
    options = layer.options
    top, bottom, left, right = options["padding"]
    mode = "constant" if options["mode"] == "zeros" else options["mode"]
    padded = nn.functional.pad(x, (left, right, top, bottom), mode=mode)
    y = nn.functional.conv2d(
        padded, w, None, options["stride"], 0, options["dilation"], options["groups"]
    )
    gx, gw = mt.autograd.grad(y, [x, w], mt.tensor(layer.gradient[np.newaxis]))
    return gx.numpy()[0], gw.numpy()


def close(there, expected):
    expected = np.asarray(expected)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(np.reshape(there, expected.shape), expected, atol=1e-5 * largest)


def test_gradients_of_convolutions_are_autograds(kinds_page):
    """Stride, padding of all modes, dilation and groups: inputs' and weights', number by number."""
    page = kinds_page
    page.open()
    convolutions = [n for n, layer in enumerate(page.layers) if layer.kind == "conv"]
    assert len(convolutions) == 6
    for number in convolutions:
        there = page.js(
            """const layer = network.layers[arguments[0]];
            const source = network.layers[layer.sources[0]];
            const [C, H, W] = source.shape;
            const [K, Cg, KH, KW] = layer.parameters.weight.shape;
            const folded = [], turned = [], weights = [], stored = [];
            for (let c = 0; c < C; c++) {
              folded.push(...foldPadding(layer, source, paddedInputGradient(layer, source, c)));
              for (let m = 0; m < H; m++) for (let n = 0; n < W; n++) {
                turned.push(filtersOfChannel(layer, source, c).reduce((sum, k) =>
                  sum + sumOf(turnedWindow(layer, source, k, c, m, n)), 0));
              }
            }
            for (let k = 0; k < K; k++) for (const [c, own] of channelsOfFilter(layer, source, k))
              for (let u = 0; u < KH; u++) for (let v = 0; v < KW; v++) {
                weights.push(sumOf(weightCells(layer, source, k, c, u, v)));
                stored.push(storedWeightGradient(layer, k, own, u, v));
              }
            return {folded, turned, weights, stored};""",
            number,
        )
        gx, gw = gradients_of(page, number)
        close(there["folded"], gx)
        close(there["weights"], gw)
        close(there["stored"], gw)
        if page.layers[number].options["mode"] == "zeros":
            close(there["turned"], gx)


def grid(page, selector):
    """The numbers of all grids of a block, as they are written."""
    cells = page.browser.find_elements("css selector", f"{selector} .product .number")
    return [each.text.replace("−", "-") for each in cells]


def checks(page):
    """All lines that compare a sum with Python's number: (sum, Python's)."""
    number = r"[-−]?[0-9.]+(?:e[-+]\d+)?"
    lines = page.js("return [...document.querySelectorAll('main .check')].map(n => n.textContent)")
    found = [re.findall(rf": ({number})\.? ", line) for line in lines if "From Python" in line]
    return [[float(each.rstrip(".").replace("−", "-")) for each in pair] for pair in found]


def test_a_strided_dilated_grouped_convolution_cell_by_cell(kinds_page):
    page = kinds_page
    page.open()
    layer, source = page.layers[5], page.layers[4]
    page.js("update({layer: 5, map: 3, i: 2, j: 4, direction: 'backward'})")
    assert page.text("#backward-title") == "Backward through 4 (convolution)"
    page.type("#backward-channel", "4")
    page.js("parts.backward.choose({pixel: [3, 2]})")
    # The arriving gradient with zeros between its rows (stride 2), in a frame that is wide enough.
    OH, OW = layer.gradient.shape[1:]
    spread = np.zeros((2 * OH - 1, OW))
    spread[::2] = layer.gradient[3]
    spread = np.pad(spread, 8)
    m, n = 3 + 2 + 8, 2 + 2 + 8  # + padding + frame
    window = spread[m - 2 : m + 1 : 2, n - 4 : n + 1 : 2]
    kernel = layer.parameters["weight"][3, 1, ::-1, ::-1].astype(float)
    expected = [*window.ravel(), *kernel.ravel(), *(window * kernel).ravel()]
    assert grid(page, ".backward-block:nth-child(1)") == [four(each) for each in expected]
    zeros = page.browser.find_elements("css selector", ".backward-block:nth-child(1) .outside")
    assert len(zeros) in (0, 3, 6) and "stride" in page.text(".backward-block:nth-child(1)")
    gx, gw = gradients_of(page, 5)
    assert page.text(".backward-block:nth-child(1) .part.result b") == four(gx[4, 3, 2])
    assert source.gradient[4, 3, 2] == gx[4, 3, 2]

    # One weight, chosen with a click on the kernel of gradients.
    page.click(".backward-block:nth-child(2) button.number:nth-child(6)")
    assert page.js("return parts.backward.weight") == [1, 2]
    equations = page.browser.find_elements("css selector", ".backward-block:nth-child(2) .equation")
    results = [
        float(each.find_element("css selector", ".result b").text.replace("−", "-"))
        for each in equations
    ]
    weight, gradient = layer.parameters["weight"][3, 1, 1, 2], gw[3, 1, 1, 2]
    assert results[0] == pytest.approx(gradient, rel=1e-3)
    page.type("#backward-rate", "0.5")
    step = page.text(".backward-block:nth-child(2) .step .result b")
    assert float(step) == pytest.approx(weight + 0.5 * gradient, rel=1e-3)
    padded = np.pad(source.value[4].astype(float), 2)
    products = [
        float(four(padded[2 * i + 2, j + 4] * layer.gradient[3, i, j]))
        for i in range(4) for j in range(1, 6)
    ]  # fmt: skip
    shown = grid(page, ".backward-block:nth-child(2)")[-20:]
    assert [float(each) for each in shown] == pytest.approx(products, rel=2e-3, abs=1e-9)


def test_backward_by_keyboard(kinds_page):
    """The maps can be walked over, a weight chosen; the focus stays where it was."""
    page, keys = kinds_page, webdriver.Keys
    page.open()
    page.js("update({layer: 5, map: 3, i: 2, j: 3, direction: 'backward'})")
    pixel = page.js("return parts.backward.pixel")
    page.js("document.querySelector('#backward-maps .map-frame').focus()")
    page.press(keys.ARROW_LEFT, keys.ARROW_UP)
    assert page.js("return parts.backward.pixel") == [pixel[0] - 1, pixel[1] - 1]
    assert page.js("return document.activeElement === parts.backward.handed.frame")
    page.js("document.querySelector('[data-key=\"w1,0\"]').focus()")
    page.press(keys.ENTER)
    assert page.js("return parts.backward.weight") == [1, 0]
    assert page.js("return document.activeElement.getAttribute('aria-pressed')") == "true"
    page.js("parts.backward.arriving.frame.focus()")
    page.press(keys.ARROW_RIGHT)
    assert (page.state["i"], page.state["j"]) == (2, 4)
    assert page.js("return document.activeElement === parts.backward.arriving.frame")


def test_every_check_of_backward_holds(page):
    """All layers: what is added up is what Python has, to 1e-5 of the layer's largest gradient."""
    compared = 0
    for number in range(1, len(page.layers)):
        page.js("update({direction: 'backward', layer: arguments[0], map: 1, i: 2, j: 3})", number)
        layer = page.layers[number]
        scale = max(np.abs(page.layers[each].gradient).max() for each in layer.sources)
        if layer.kind == "conv":
            scale = max(scale, np.abs(gradients_of(page, number)[1]).max())
        for here, there in checks(page):
            assert abs(here - there) <= 1e-5 * max(scale, np.abs(layer.gradient).max())
            compared += 1
    assert compared > 2 * len(page.layers)


def test_pooling_routes_and_spreads(kinds_page):
    page = kinds_page
    page.open()
    ties = 0
    for number, layer in enumerate(page.layers):
        if layer.kind not in ("maxpool", "avgpool"):
            continue
        source = page.layers[layer.sources[0]].value[np.newaxis]
        x = mt.tensor(source, requires_grad=True)
        pool = {"maxpool": nn.functional.max_pool2d, "avgpool": nn.functional.avg_pool2d}
        (expected,) = mt.autograd.grad(
            pool[layer.kind](x, 3, 2, 1), x, mt.tensor(layer.gradient[np.newaxis])
        )
        there = page.js(
            """const layer = network.layers[arguments[0]];
            const source = network.layers[layer.sources[0]];
            return [...Array(layer.shape[0]).keys()].map((c) =>
              [...poolInputGradient(layer, source, c)])""",
            number,
        )
        close(there, expected.numpy()[0])
        if layer.kind == "maxpool":
            windows = np.lib.stride_tricks.sliding_window_view(source[0], (3, 3), (1, 2))
            windows = windows[:, 1::2, 1::2].reshape(len(source[0]), -1, 9)  # inner outputs
            equal = (windows == windows.max(axis=2, keepdims=True)).sum(axis=2)
            c, place = np.argwhere(equal == 9)[0]  # ReLU's zeros
            columns = source.shape[3] // 2 - 1
            i, j = place // columns + 1, place % columns + 1
            page.js(
                "update({direction: 'backward', layer: arguments[0], map: arguments[1], "
                "i: arguments[2], j: arguments[3]})", number, int(c), int(i), int(j),
            )  # fmt: skip
            assert "9 numbers are equally large: the first one" in page.text("#backward-blocks")
            gets = page.js("""return [...document.querySelectorAll(
                '.backward-block .numbers:last-child')].map((each) =>
                [...each.children].findIndex((cell) => cell.classList.contains('chosen')))""")
            assert set(gets) == {0}
            ties += 1
    assert ties == 1


def test_the_arms_of_a_residual_block_add_up(resnet_page):
    page = resnet_page
    page.open()
    number = next(n for n, layer in enumerate(page.layers) if layer.kind == "add")
    layer = page.layers[number]
    first, second = layer.sources
    page.js("update({direction: 'backward', layer: arguments[0], map: 1, i: 3, j: 5})", number)
    rows = [
        [float(each.text.replace("−", "-")) for each in row.find_elements("css selector", "b")]
        for row in page.browser.find_elements("css selector", "#backward-blocks .equation")
    ]
    gy = float(four(layer.gradient[1, 3, 5]))
    assert [gy, gy] in rows
    joined = next(row for row in rows if len(row) == 3)
    skipped = next(each for each in (first, second) if page.layers[each].name == "relu")
    assert joined[0] == gy
    assert joined[2] == float(four(page.layers[skipped].gradient[1, 3, 5]))
    assert joined[0] + joined[1] == pytest.approx(joined[2], abs=2e-3 * max(map(abs, joined)))


def test_batch_norm_in_training_has_three_terms(resnet_page):
    page = resnet_page
    page.open()
    number = next(n for n, layer in enumerate(page.layers) if layer.kind == "affine")
    layer = page.layers[number]
    x = mt.tensor(page.layers[layer.sources[0]].value[np.newaxis], requires_grad=True)
    weight, bias = (mt.tensor(layer.parameters[each]) for each in ("weight", "bias"))
    y = nn.functional.batch_norm(x, None, None, weight, bias, training=True)
    (expected,) = mt.autograd.grad(y, x, mt.tensor(layer.gradient[np.newaxis]))
    there = page.js(
        """const layer = network.layers[arguments[0]];
        const source = network.layers[layer.sources[0]];
        const [C, H, W] = layer.shape;
        return [...Array(C * H * W).keys()].map((n) => trainingBatchNorm(layer, source,
          Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W).sum)""",
        number,
    )
    close(there, expected.numpy()[0])
    page.js("update({direction: 'backward', layer: arguments[0], map: 1, i: 3, j: 5})", number)
    assert page.text(".backward-block:nth-child(2) .result b") == four(
        there[np.ravel_multi_index((1, 3, 5), layer.value.shape)]
    )


def test_where_backward_begins_and_one_step_of_sgd(resnet_page):
    page = resnet_page
    page.open()
    number = len(page.layers) - 1
    scores = page.layers[number].value.ravel().astype(float)
    x = page.layers[page.layers[number].sources[0]].value.ravel().astype(float)
    weight, bias = (page.layers[number].parameters[each] for each in ("weight", "bias"))
    page.js("update({direction: 'backward', layer: arguments[0], map: 2})", number)
    assert "class “class 2”" in page.text("#where")
    page.js("""const select = byId('backward-target'); select.value = '3';
        select.dispatchEvent(new Event('change'))""")
    page.js("parts.backward.choose({feature: 4, rate: 0.25})")
    p = np.exp(scores) / np.exp(scores).sum()
    rows = {
        row.find_element("css selector", "th").text: [
            each.text.replace("−", "-") for each in row.find_elements("css selector", "td")
        ]
        for row in page.browser.find_elements("css selector", "#backward-blocks tbody tr")
    }
    for k in (2, 3, int(scores.argmax())):
        y = float(k == 3)
        assert rows[f"class {k}"] == [four(each) for each in (scores[k], p[k], y, p[k] - y)]
    W = mt.tensor(weight.astype(float), requires_grad=True)
    b = mt.tensor(bias.astype(float), requires_grad=True)

    def loss(W, b):
        logits = (W @ mt.tensor(x) + b).reshape(1, -1)
        return nn.functional.cross_entropy(logits, mt.tensor([3]))

    gradients = mt.autograd.grad(loss(W, b), [W, b])
    after = loss(W - 0.25 * gradients[0], b - 0.25 * gradients[1]).item()
    last = page.browser.find_elements("css selector", ".backward-block")[-1].text.replace("−", "-")
    for value in (gradients[0][2, 4].item(), (W - 0.25 * gradients[0])[2, 4].item(),
                  loss(W, b).item(), after):  # fmt: skip
        assert four(value) in last
    # The scores are one picture of all classes; a click chooses one.
    page.click("#maps .map-frame[tabindex]", (7 + 0.5) / 10, 0.5)
    assert page.state["map"] == 7 and "class 7" in page.text("#where")
    assert not page.find("#row").is_displayed()


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


def test_columns_go_backward(kinds_page):
    """col2im and the product that makes the weights' gradients, on the grouped convolution."""
    page = kinds_page
    page.open()
    layer, source = page.layers[5], page.layers[4]
    page.js("update({layer: 5, map: 3, i: 2, j: 4, direction: 'backward'})")
    page.js("parts.backward.choose({channel: 5, pixel: [4, 4], weight: [0, 1]})")
    w = layer.parameters["weight"][2:].reshape(2, -1).astype(float)
    gcols = w.T @ layer.gradient[2:].reshape(2, -1)
    close(page.js("return [...parts.columns.back.gcols]"), gcols)
    gx, gw = gradients_of(page, 5)
    assert page.text("#col2im .part.result b") == four(gx[5, 4, 4])
    assert four(gw[3, 2, 0, 1]) in page.text("#columns-weight")
    cells = [float(each) for each in grid(page, "#col2im")]
    assert sum(cells) == pytest.approx(source.gradient[5, 4, 4], rel=1e-2)
    page.click("#columns-backward .gcols_matrix .matrix-frame", 0.01, 0.5)
    assert (page.state["i"], page.state["j"]) == (0, 0)


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
    said = page.text("#lab-check")
    assert f"row {OH - 1}, column 0 is {four(expected[0, 0, -1, 0])}" in said
    # Padding 3 and dilation 2 begin 3 - 2 pixels further out than padding 1 and dilation 1 do.
    assert "no output with its window at the same place" in said
    page.click("#lab-maps [tabindex]", 2.5 / OW, 1.5 / OH)
    before = four(page.layers[1].value[2, 1, 3])
    assert f"(row 1, column 3), is {before}" in page.text("#lab-check")

    page.type("#lab-dilation", "8")
    page.type("#lab-padding", "0")
    assert "does not fit" in page.text("#lab-check")
    page.click("#preset-trained")
    assert "As Python computed it" in page.text("#lab-check")


def test_products_that_cancel_are_zero(kinds_page):
    page = kinds_page
    page.open()
    page.js("update({layer: 1, map: 2, i: 3, j: 4})")
    page.click("#preset-horizontal")
    # Rows above and below are equal: a third of each product remains as a rounding error.
    page.js("""const [, H, W] = parts.lab.source.shape;
      parts.lab.source.value.forEach((_, n, all) => { all[n] = 0.1 + 0.7 * (n % W); });
      parts.lab.renderOutput()""")
    shown = page.js("""const {H, W, valueAt} = parts.lab.output.shown;
      return [...Array(H - 2).keys()].flatMap((i) => [...Array(W).keys()].map((j) =>
        valueAt(i + 1, j)))""")
    assert shown == [0] * len(shown)
    assert "is 0;" in page.text("#lab-check")


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
        page.js("""const nameless = () => [...document.querySelectorAll(
        "button, select, input, [role=img], [role=application], [role=region], [role=group]")]
        .filter((node) => node.checkVisibility() && !(node.textContent.trim()
        || node.getAttribute("aria-label") || node.ariaLabel || node.labels?.[0]?.textContent.trim()
        || document.getElementById(node.getAttribute("aria-labelledby"))));
      return ["forward", "backward"].flatMap((direction) => network.layers.flatMap((_, layer) => {
        update({direction, layer});
        return nameless().map((node) => node.outerHTML.slice(0, 80));
      }))""")
        == []
    )
    ids = page.js("return [...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
    assert page.find("#picture").get_attribute("alt") == "The picture: a picture"


def test_it_fits_on_a_phone(page):
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for language in ("en", "ko"):
            page.js("language = arguments[0]; renderAll()", language)
            assert page.js("return document.documentElement.scrollWidth") <= 360
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("language", ["en", "ko"])
def test_long_names_stay_below_their_maps(kinds_page, language):
    widths = kinds_page.js(
        """language = arguments[0]; renderAll();
      const name = element("span", {}, "encoder_layer_22.self_attention.".repeat(3));
      const figure = element("figure", {className: "map"}, element("figcaption", {}, name));
      byId("content").append(figure);
      const widths = [name, figure].map((node) => node.getBoundingClientRect().width);
      figure.remove();
      return widths""",
        language,
    )
    assert widths[0] <= widths[1]


def test_no_line_ends_inside_of_a_number(kinds_page):
    pieces = kinds_page.js("""const text = element("p", {style: "width: 1px"},
        ...unbroken("They differ by −3.3e-12 or 7e+11: --image."));
      byId("content").append(text);
      const pieces = [...text.querySelectorAll(".unbroken")].map((node) =>
        [node.textContent, node.getClientRects().length]);
      text.remove();
      return pieces""")
    assert pieces == [["−3.3e-12", 1], ["7e+11", 1], ["--image", 1]]
    checked = kinds_page.js("return checkLine(1.5e-9, 2.5e-9).querySelectorAll('.unbroken').length")
    assert checked == 3


def test_large_kernels_fit_on_a_phone(browser, tmp_path):
    mt.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 2, 5, padding=2), nn.Conv2d(2, 2, 7, stride=2, padding=3),
        nn.Conv2d(2, 2, 11, padding=5), nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip
    page = Page(browser, tmp_path, subject_of(model))
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        widths = page.js("""return ["forward", "backward"].flatMap((direction) =>
            network.layers.map((_, layer) => {
              update({direction, layer});
              return document.documentElement.scrollWidth;
            }))""")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert max(widths) <= 360
    # Each operator has its grid right behind it, whatever the width.
    assert page.js("""update({direction: "forward", layer: 3});
        return [...document.querySelectorAll(".product .operator")].every((node) =>
          node.nextSibling.classList.contains("grid-with-title")
          && node.getBoundingClientRect().bottom > node.nextSibling.getBoundingClientRect().top)""")


def test_a_map_whose_inputs_are_not_in_the_page_is_the_rest(browser, tmp_path, monkeypatch):
    """One map of 12x12 is stored of the first layer, six of 3x3 of the second, which reads each."""
    monkeypatch.setattr(packing, "LIMITS", (150,))
    monkeypatch.setattr(packing, "FOR_WEIGHTS", 1e-3)
    depthwise = nn.Conv2d(8, 8, 3, stride=4, groups=8)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        depthwise,
        nn.Conv2d(8, 4, 1),
        nn.Flatten(),
        nn.Linear(36, 10),
    )
    page = Page(browser, tmp_path, subject_of(model))
    assert page.js("return network.layers.slice(1, 3).map((layer) => layer.kept)") == [1, 6]
    for direction in ("forward", "backward"):
        page.js("update({direction: arguments[0]})", direction)
        for layer, maps in enumerate(page.js("return network.layers.map((each) => each.kept)")):
            for number in range(maps):
                page.js("update({layer: arguments[0], map: arguments[1]})", layer, number)
                assert "NaN" not in page.text("#content")
    page.js("update({direction: 'forward', layer: 2, map: 4})")
    assert "the rest, not in this page" in page.text("#sums")


def test_a_place_that_is_not_in_the_page(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "LIMITS", (20,))
    page = Page(browser, tmp_path, subject_of(models.cifar.CifarResNet([1], [4]), 16))
    top, left, height, width = page.js("return network.layers[1].box")
    for place in (page.state, page.js("return liveliestPlace(network, 1)")):
        assert top <= place["i"] < top + height and left <= place["j"] < left + width
    page.js("update({layer: 0, i: 0, j: 15}); update({layer: 1})")
    assert (page.state["i"], page.state["j"]) == (top, left + width - 1) and height < 16
    assert page.text("#total") == four(page.layers[1].value[0, top, left + width - 1])
    for direction in ("forward", "backward"):
        page.js("update({direction: arguments[0], i: 0, j: 15})", direction)
        assert page.text("#why").startswith("This number is not in this page")
        assert page.text("#sums") == page.text("#check") == ""
    texts = page.js("""const texts = [];
        network.layers.forEach((_, layer) => {
          for (const [i, j] of [[0, 0], [5, 5], [7, 8], [4, 11]]) {
            update({layer, i, j});
            texts.push(byId("content").textContent);
          }
        });
        return texts""")
    assert not [each for each in texts if "NaN" in each or "undefined" in each]


def test_a_column_of_tokens_fits_on_the_screen(browser, tmp_path):
    subject = subject_of(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()))
    page = Page(browser, tmp_path, subject._replace(x=mt.rand(1, 3, 60, 1)))
    for direction in ("forward", "backward"):
        page.js("update({direction: arguments[0], layer: 1})", direction)
        sizes = page.js("""return [...document.querySelectorAll(".map-frame")]
            .filter((each) => each.checkVisibility()).map((each) => [each.clientWidth,
            each.clientHeight])""")
        assert len(sizes) > 3 and all(height <= 2 * width + 2 for width, height in sizes)


def test_a_number_that_moved_hands_its_gradient_to_where_it_was(browser, tmp_path):
    mt.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 2, 3), nn.ZeroPad2d((1, 2, 3, 0)), nn.Conv2d(2, 2, 3),
        nn.Flatten(), nn.Linear(242, 10),
    )  # fmt: skip
    page = Page(browser, tmp_path, subject_of(model))
    assert page.layers[2].kind == "pad"
    page.js("update({direction: 'backward', layer: 2, map: 1, i: 5, j: 7})")
    assert page.text("#backward-blocks h4") == "To the input: channel 1, row 2, column 6"
    assert page.text("#backward-blocks .equation b") == four(page.layers[2].gradient[1, 5, 7])
    page.js("update({i: 1})")  # a zero that came from nowhere
    assert page.text("#backward-blocks") == ""


def test_volumes_and_signals(browser, tmp_path):
    """Slices have names, a window of several slices is taken apart; a signal has one row."""
    mt.manual_seed(2)
    volume = nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(36, 3)
    ).eval()
    signal = nn.Sequential(nn.Conv1d(1, 2, 5, stride=2, padding=2), nn.Flatten(), nn.Linear(20, 3))
    for network, shape in ((volume, (1, 4, 6, 6)), (signal.eval(), (1, 20))):
        path = tmp_path / "page.html"
        page = Page.__new__(Page)
        page.browser, page.address = browser, path.as_uri()
        x = mt.randn(1, *shape)
        page.layers = record(network, x)
        mt.explain.write_page(path, network, x)
        page.open()
        texts = page.js("""const texts = [];
            for (const each of ["en", "ko"]) for (const direction of ["forward", "backward"]) {
              language = each;
              update({direction});
              network.layers.forEach((_, layer) => {
                update({layer, map: 1});
                texts.push(byId("content").textContent);
              });
            }
            language = "en";
            update({direction: "forward", layer: 1, map: 5, i: 0, j: 3});
            return texts""")
        assert not [each for each in texts if "undefined" in each or "NaN" in each]
        page.js("update({layer: 0})")
        assert page.text("#why") == "The network was given this number as it is."
        page.js("update({layer: 1, map: 5, i: 0, j: 3})")
        if network is volume:
            assert "0, map 1, slice 1, row 0, column 3" in page.text("#where")
            assert "2 other slices" in page.text("#sums") and "map 0, slice 0" in page.text("#sums")
            assert page.text("#total") == four(page.layers[1].value[5, 0, 3])
            page.js("update({direction: 'backward', map: 5, i: 2})")
            brought = page.text("#backward-blocks .result b")
            assert brought == four(page.layers[0].gradient[1, 2, 3])
            assert "5 other slices" in page.text("#backward-blocks")
            page.js("update({direction: 'forward', layer: 3, map: 2, i: 1, j: 1})")
            shown = grid(page, "#products")  # both slices of the window
            own = page.layers[2].value.reshape(2, 4, 6, 6)[1, 0:2, 2:4, 2:4]
            assert sorted(shown) == sorted(four(each) for each in own.ravel())
        else:
            assert page.find("#lab-stride").get_attribute("value") == "2"
            page.type("#lab-padding", "1")
            assert page.text("#lab-formula").endswith("= 9")
            page.click("#preset-trained")
            assert "As Python computed it: over all 10 numbers" in page.text("#lab-check")


def test_the_page_begins_where_there_is_something_to_see(kinds_page):
    page = kinds_page
    page.open()
    state, x = page.state, page.layers[0].value
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))  # (C, i, j, 3, 3)
    contrast = windows.var(axis=(0, 3, 4))
    assert contrast[state["i"] - 1, state["j"] - 1] == pytest.approx(contrast.max(), rel=1e-5)
    assert state["map"] == np.abs(page.layers[1].value[:, state["i"], state["j"]]).argmax()


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
        assert page.text("#sums .result b") == four(expected[2, 5, 6])
        assert "the rest" in page.text("#sums .equation") and page.text("#check") == ""
    assert "Only the maps in this page" in page.text("#lab-check")
    # Of what arrives two ways, too.
    number = next(n for n, layer in enumerate(page.layers) if layer.kind == "add")
    page.js("update({direction: 'backward', layer: arguments[0], map: 1, i: 3, j: 5})", number)
    rows = [
        [float(each.text.replace("−", "-")) for each in row.find_elements("css selector", "b")]
        for row in page.browser.find_elements("css selector", "#backward-blocks .equation")
    ]
    *parts, total = next(row for row in rows if len(row) == 4)
    assert sum(parts) == pytest.approx(total, abs=2e-3 * max(map(abs, parts)))
    # No sum needs a number that is not there.
    assert page.js("""return network.layers.every((layer, number) =>
      [...Array(layer.kept).keys()].every((map) =>
        [explainValue, explainGradient].every((explain) =>
          layer.kind === "input" || Number.isFinite(explain(network, number, map, 0, 0).sum))))""")
