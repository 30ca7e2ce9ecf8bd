"""The network that runs in the page: beside Python's, after edits, gradients and steps of SGD."""

import json
import re

import numpy as np
import pytest
from PIL import Image

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.explain.page import packing, record
from minitorch_cnn.explain.page.subjects import subject_of as subject_by_name
from tests.explain import test_page_browser as others
from tests.explain.test_page_browser import Page, browser, no_errors_and_no_requests  # noqa: F401
from tests.explain.written_with_functions import NETWORKS, Shared, Volumes, made

pytestmark = others.pytestmark
F = nn.functional


class Branches(nn.Module):
    """With functions: concatenation, a residual, a depthwise convolution, one module twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
        self.point = nn.Conv2d(6, 6, 1)
        self.head = nn.Linear(12, 10)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        y = x + self.point(self.depthwise(x))
        y = F.silu(y + self.point(F.hardswish(y)))
        y = mt.cat([F.max_pool2d(x, 2), F.avg_pool2d(y, 2)], 1)
        return self.head(y.mean((2, 3)))


def branches():
    mt.manual_seed(2)
    return others.subject_of(Branches(), 16)


SUBJECTS = {
    "lenet": lambda: subject_by_name("lenet5", None, weights="FASHION_MNIST"),
    "resnet20": lambda: subject_by_name(),
    "branches": branches,
}
WAIT = """const done = arguments[arguments.length - 1];
const settle = async () => {
  do { await new Promise((resolve) => setTimeout(resolve, 5)); }
  while (parts.alive.busy || parts.alive.pending || (parts.alive.stale
    && state.direction === "backward"));
};
"""


class AlivePage(Page):
    def __init__(self, browser, folder, subject):  # noqa: F811
        subject.model.eval()
        super().__init__(browser, folder, subject)
        self.model, self.x = subject.model, subject.x
        self.names = [layer.name for layer in self.layers]

    def run(self, program, *arguments):
        """A program that may wait: with `settle()` for what follows from edits."""
        found = self.browser.execute_async_script(
            f"{WAIT}(async () => {{ {program} }})().then(done, (e) => done(String(e.stack)));",
            *arguments,
        )
        assert not isinstance(found, str) or "Error" not in found, found
        return found


@pytest.fixture(scope="module", params=SUBJECTS)
def alive(request, browser, tmp_path_factory):  # noqa: F811
    return AlivePage(browser, tmp_path_factory.mktemp(request.param), SUBJECTS[request.param]())


def near(there, expected, tolerance=1e-5):
    expected = np.asarray(expected, np.float64)
    there = np.reshape(np.asarray(there, np.float64), expected.shape)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(there[~finite], expected[~finite])
    scale = np.abs(expected[finite]).max(initial=0)
    np.testing.assert_allclose(there[finite], expected[finite], 0, tolerance * scale)


# --------------------------------------------------------------------------------- kind by kind


def test_every_kind_runs_forward_and_backward(browser, tmp_path):  # noqa: F811
    """Whole layers: numbers, gradients, those of weights; in one page one after the other."""
    page = Page(browser, tmp_path, others.subject_of(others.every_kind()))
    compared, kinds = set(), set()
    for kind in [*NETWORKS, None]:
        network, x = made(kind) if kind else (None, None)
        if kind is None:
            subject = others.subject_of(others.every_kind())
            network, x = subject.model, subject.x
        layers = record(network, x)
        manifest, numbers, places = packing.pack(layers, 10**7)
        values, gradients, weights = page.browser.execute_async_script(
            """const [manifest, numbers, places, done] = arguments;
            Object.entries({manifest, numbers, places}).forEach(([id, text]) => {
              byId(id).textContent = text;
            });
            loadNetwork().then((network) => {
              const engine = new Engine(networkForEngine(network));
              const numbers = network.layers.flatMap((layer, number) => layer.sources.length ? []
                : [{layer: number, name: "value", data: layer.value, edited: true}]);
              engine.change({numbers});
              const weights = engine.gradientsOfAnswer();
              const strings = (numbers) => Array.from(numbers, String); // JSON has no infinity
              done([engine.shown.map((layer) => strings(layer.value)),
                engine.shown.map((layer) => layer.gradient && strings(layer.gradient)),
                [...engine.learned].map(([parameter, places]) => [parameter,
                  places.map(({layer, name}) => [...weights.get(`${layer} ${name}`) ?? []])])]);
            });""",
            json.dumps(manifest), numbers, places,
        )  # fmt: skip
        for layer, value, gradient in zip(layers, values, gradients, strict=True):
            near(value, layer.value, 2e-6)
            if layer.gradient is not None:
                near(gradient, layer.gradient, 5e-6)
        network.zero_grad()
        scores = network(x)
        scores = scores["out"] if isinstance(scores, dict) else scores
        scores.max().backward()
        known = dict(network.named_parameters())
        for parameter, found in weights:
            expected = known[parameter].grad
            if expected is None:
                continue
            total = sum(np.asarray(each) for each in found if each)
            near(total, expected.numpy(), 3e-5)  # Python adds up in 32 bits
            compared.add(parameter)
        moving = {name for name, each in known.items() if each.grad is not None}
        assert moving <= {name for name, _ in weights}
        kinds |= {layer.kind for layer in layers}
    assert len(compared) > 85 and len(kinds) > 55


# ----------------------------------------------------------------------------------------- edits


def edit(page, rng):
    """Random edits, the same in the page and in Python. Returns what undoes those in Python."""
    page.open()
    model, x = page.model, page.x.detach().clone()
    _, C, H, W = x.shape
    kept = {name: each.detach().clone() for name, each in model.named_parameters()}
    pixels = []
    for _ in range(4):
        c, i, j = (int(rng.integers(n)) for n in (C, H, W))
        x[0, c, i, j] = value = float(np.float32(rng.normal()))
        pixels.append([(c * H + i) * W + j, value])
    weights = []
    modules = dict(model.named_modules())
    convolutions = [n for n, layer in enumerate(page.layers) if layer.kind == "conv"]
    for number in rng.choice(convolutions, 2).tolist():
        layer = page.layers[number]
        parameter = modules[layer.names["weight"].removesuffix(".weight")].weight
        place = int(rng.integers(parameter.numel()))
        value = float(np.float32(rng.normal()))
        parameter.data.reshape(-1)[place] = value
        weights.append([number, place, value])
    number = convolutions[1]
    layer, off = page.layers[number], int(rng.integers(page.layers[number].value.shape[0]))

    calls = []

    def switch_off(module, inputs, output):  # the module's first call is that layer
        calls.append(module)
        if len(calls) > 1:
            return output
        keep = mt.ones(output.shape[1])
        keep[off] = 0
        return output * keep.reshape(1, -1, 1, 1)

    module = modules[layer.names["weight"].removesuffix(".weight")]
    handle = module.register_forward_hook(switch_off)
    page.run(
        """window.before = network.layers.map(({value, gradient}) =>
          ({value: String(value), gradient: String(gradient ?? null)}));
        const [pixels, weights, off] = arguments;
        const picture = parts.alive.picture;
        for (const [place, value] of pixels) picture.numbers[place] = value;
        picture.changed();
        for (const [layer, place, value] of weights) {
          parts.alive.setWeight(layer, "weight", place, value);
        }
        parts.alive.switchMap(...off);
        await settle();""",
        pixels, weights, [number, off],
    )  # fmt: skip

    def undo():
        handle.remove()
        for name, parameter in model.named_parameters():
            parameter.data = kept[name].data

    return x, calls, undo


def test_edits_change_what_follows_as_python_does(alive):
    rng = np.random.default_rng(0)
    page = alive
    x, calls, undo = edit(page, rng)
    try:
        leaf = x.requires_grad_()
        scores = page.model(leaf)[0]
        near(page.js("return [...network.layers.at(-1).value]"), scores.detach().numpy())
        page.run("update({direction: 'backward'}); await settle();")
        best = int(scores.detach().numpy().argmax())
        parameters = list(page.model.parameters())
        calls.clear()
        gradient, *gradients = mt.autograd.grad(scores[best], [leaf, *parameters])
        near(page.js("return [...network.layers[0].gradient]"), gradient.numpy()[0])
        number = next(n for n, layer in enumerate(page.layers) if layer.kind == "conv")
        there = page.js(
            """const layer = network.layers[arguments[0]];
            return [...layer.parameters.weight_gradient.data]""",
            number,
        )
        names = [name for name, _ in page.model.named_parameters()]
        near(there, gradients[names.index(page.layers[number].names["weight"])].numpy())
    finally:
        undo()
    # The answer and what is taken apart are those of the changed network.
    probabilities = np.exp(scores.detach().numpy().astype(float) - float(scores.max()))
    probabilities /= probabilities.sum()
    shown = page.js("return pageData.scores.map((each) => each.probability)")
    near(shown, np.sort(probabilities)[::-1][: len(shown)])
    assert page.find("#edited").is_displayed() and "the picture" in page.text("#edited")
    assert page.js("return pageData.answer") == page.js("return className(arguments[0])", best)
    page.js("update({direction: 'forward', layer: 1, map: 0, i: 3, j: 4})")
    assert "From the run of the changed network" in page.text("#check")
    here, there = re.findall(r": (-?[0-9.]+(?:e-?[0-9]+)?)\.", page.text("#check"))
    assert abs(float(here) - float(there)) <= 1e-5 * np.abs(page.layers[1].value).max()
    # Everything can be undone, to the last bit.
    page.click("#reset-all")
    page.run("await settle();")
    assert page.js("""return network.layers.every((layer, number) => ["value", "gradient"].every(
        (what) => String(layer[what] ?? null) === window.before[number][what]))""")
    assert not page.find("#edited").is_displayed()


def ten_steps(page, target, rate):
    """Of plain SGD, here and in Python."""
    page.open()
    kept = {name: each.detach().clone() for name, each in page.model.named_parameters()}
    losses = []
    try:
        optimizer = mt.optim.SGD(page.model.parameters(), lr=rate)
        for _ in range(11):
            loss = F.cross_entropy(page.model(page.x), mt.tensor([target]))
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        for name, parameter in page.model.named_parameters():
            parameter.data = kept[name].data
    assert losses[0] > 1.5 * losses[-1]
    page.run(
        """byId("alive-target").value = arguments[0];
        byId("alive-target").dispatchEvent(new Event("change"));
        byId("alive-rate").value = arguments[1];
        byId("alive-steps").value = 9;
        byId("alive-step").click();
        await settle();
        byId("alive-train").click();
        await settle();""",
        str(target), str(rate),
    )  # fmt: skip
    shown = page.js("return parts.alive.training.losses")
    assert len(shown) == 11
    np.testing.assert_allclose(shown, losses, 1e-4, 1e-6)
    assert "after 10 steps" in page.text("#alive-loss")


def test_ten_steps_of_sgd_are_pythons(alive):
    ten_steps(alive, 3, 0.02)
    assert alive.find("#alive-plot svg").get_attribute("aria-label")


def reset(page):
    """Everything, which must be as it came to the last bit."""
    page.click("#reset-all")
    page.run("await settle();")
    for layer, value in zip(page.layers, page.js(VALUES), strict=True):
        np.testing.assert_array_equal(np.float32(value), layer.value.ravel())
    assert not page.find("#edited").is_displayed()


VALUES = "return network.layers.map(({value}) => [...value])"


def test_parameters_in_several_places(browser, tmp_path):  # noqa: F811
    """A step changes all that is computed of them; so does an edit, which changes the parameter."""
    model, x = made(Shared)
    page = AlivePage(browser, tmp_path, subject_by_name(model, x))
    ten_steps(page, 3, 0.1)
    assert "all" in page.text("#alive-mode")
    reset(page)
    tied = [n for n, layer in enumerate(page.layers) if layer.kind == "conv"][-4:-2]
    for number, place, value in ((tied[0], 8, 0.9), (tied[1], 2, -0.7)):  # w[1, 2] and w[2, 0]
        page.run("parts.alive.setWeight(...arguments[0]); await settle();",
                 [number, "weight", place, value])  # fmt: skip
        there = [np.reshape(page.js(f"return [...network.layers[{n}].whole.weight.data]"), (6, 6))
                 for n in tied]  # fmt: skip
        np.testing.assert_array_equal(there[0], there[1].T)
    assert there[0][1, 2] == np.float32(0.9) and there[0][2, 0] == np.float32(-0.7)
    kept = model.w.detach().clone()
    try:
        model.w.data = mt.tensor(there[0]).float()
        expected = model(x).detach().numpy()
    finally:
        model.w.data = kept
    near(page.js("return [...network.layers.at(-1).value]"), expected)
    # A change of a computed weight stays when the parameters behind it change.
    page.run("parts.alive.setWeight(2, 'weight', 0, 5); await settle();")
    assert page.js("return network.layers[2].whole.weight.data[0]") == 5
    page.run("byId('alive-step').click(); await settle();")
    assert 0 < abs(page.js("return network.layers[2].whole.weight.data[0]") - 5) < 0.5
    page.js("update({layer: 2})")
    page.click("#reset-layer")
    page.run("await settle();")
    here = page.js("return [...network.layers[2].whole.weight.data]")
    np.testing.assert_array_equal(np.float32(here), page.layers[2].parameters["weight"].ravel())
    reset(page)


def test_volumes_are_edited_and_trained(browser, tmp_path):  # noqa: F811
    model, x = made(Volumes)
    page = AlivePage(browser, tmp_path, subject_by_name(model, x))
    ten_steps(page, 1, 0.02)
    reset(page)
    # A pixel of one slice, a weight of a channel's every slice, a kernel.
    page.js("byId('alive-colour').value = '#000000'; byId('alive-brush').value = 1")
    page.type("#alive-slice", "4")
    page.run("parts.alive.picture.stroke([1, 2], [1, 2]); await settle();")
    y = np.reshape(page.js("return [...network.layers[0].value]"), (1, *x.shape[1:]))
    assert (y != x.numpy()).sum() == 2 and (y != x.numpy())[0, :, 4, 1, 2].all()
    conv, norm = (next(n for n, layer in enumerate(page.layers) if layer.kind == kind)
                  for kind in ("conv3d", "affine"))  # fmt: skip
    page.js("update({layer: arguments[0], map: 7})", conv)  # filter 2 at slice 1
    page.type("#alive-channel", "1")
    assert "channel and slice 1" in page.text("#alive-grid-title")
    page.type("#alive-grid input", "-2.5")
    page.js("update({layer: arguments[0], map: 4})", norm)  # channel 1, slice 1
    page.type("#alive-grid input", "1.75")
    page.run("await settle();")
    kept = {name: each.detach().clone() for name, each in model.named_parameters()}
    try:
        model.conv.weight.data[2, 0, 1, 0, 0] = -2.5
        model.norm.weight.data[1] = 1.75
        leaf = mt.tensor(y).float().requires_grad_()
        scores = model(leaf)[0]
        (gradient,) = mt.autograd.grad(scores.max(), leaf)
    finally:
        for name, parameter in model.named_parameters():
            parameter.data = kept[name].data
    near(page.js("return [...network.layers.at(-1).value]"), scores.detach().numpy())
    page.run("update({direction: 'backward'}); await settle();")
    near(page.js("return [...network.layers[0].gradient]"), gradient.numpy()[0])
    reset(page)


# -------------------------------------------------------------------------------- by hand


@pytest.fixture(scope="module")
def drawn(browser, tmp_path_factory):  # noqa: F811
    return AlivePage(browser, tmp_path_factory.mktemp("drawn"), branches())


def pixel(page, i, j):
    """The input at a pixel."""
    return page.js(
        """const [i, j] = arguments, layer = network.layers[0], [C, H, W] = layer.shape;
        return [...Array(C).keys()].map((c) => layer.value[(c * H + i) * W + j]);""",
        i,
        j,
    )


def colour_as_input(rgb):
    return (np.array(rgb) / 255 - others.MEAN) / others.STD


def test_drawing_with_the_pointer_and_with_the_keyboard(drawn):
    page, keys = drawn, others.webdriver.Keys
    page.open()
    page.js("byId('alive-colour').value = '#ff8000'; byId('alive-brush').value = 1")
    node = page.find("#alive-frame")
    page.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", node)
    width, height = node.rect["width"], node.rect["height"]
    actions = others.webdriver.ActionChains(page.browser)
    place = round((2.5 / 16 - 0.5) * width), round((3.5 / 16 - 0.5) * height)
    actions.move_to_element_with_offset(node, *place).click_and_hold()
    actions.move_by_offset(round(9 / 16 * width), 0).release().perform()
    page.run("await settle();")
    for column in range(2, 12):  # all pixels on the way
        np.testing.assert_allclose(pixel(page, 3, column), colour_as_input([255, 128, 0]), 1e-6)
    shown = page.js("""return [...byId("alive-canvas").getContext("2d")
        .getImageData(5, 3, 1, 1).data]""")
    assert shown == [255, 128, 0, 255]
    np.testing.assert_array_equal(np.float32(pixel(page, 3, 13)), page.layers[0].value[:, 3, 13])
    assert page.js("return parts.alive.picture.cursor") == [3, 11]
    page.js("byId('alive-frame').focus()")
    page.press(keys.ARROW_DOWN, keys.ARROW_DOWN, keys.ARROW_LEFT, keys.SPACE)
    page.run("await settle();")
    np.testing.assert_allclose(pixel(page, 5, 10), colour_as_input([255, 128, 0]), 1e-6)
    assert "row 5, column 10" in page.find("#alive-frame").get_attribute("aria-label")
    assert page.find("#picture").get_attribute("src").startswith("data:image/png")
    page.click("#reset-picture")
    page.run("await settle();")
    np.testing.assert_array_equal(np.float32(pixel(page, 5, 10)), page.layers[0].value[:, 5, 10])
    assert not page.find("#edited").is_displayed()


def test_another_picture_from_a_file(drawn, tmp_path):
    page = drawn
    page.open()
    pixels = np.random.default_rng(4).integers(0, 256, (16, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    page.find("#alive-file").send_keys(str(tmp_path / "cat.png"))
    page.run("while (!parts.alive.isEdited) await settle(); await settle();")
    expected = colour_as_input(pixels[:, 2:18]).transpose(2, 0, 1)  # the middle
    shown = page.js("return [...network.layers[0].value]")
    np.testing.assert_allclose(shown, expected.ravel(), rtol=1e-5, atol=1e-6)
    assert "cat.png, cut to a 16×16 picture" in page.text("#alive-picture-says")
    near(page.js("return [...network.layers.at(-1).value]"),
         page.model(mt.tensor(np.float32(expected[np.newaxis]))).detach().numpy())  # fmt: skip
    (tmp_path / "no.png").write_text("nothing")
    page.find("#alive-file").send_keys(str(tmp_path / "no.png"))
    page.run("while (!byId('alive-picture-says').textContent.includes('no.png')) await settle();")
    assert "no.png is no picture" in page.text("#alive-picture-says")


def test_weights_and_maps_by_hand(drawn):
    page = drawn
    page.open()
    point = [
        n for n, layer in enumerate(page.layers) if layer.names.get("weight") == "point.weight"
    ]
    assert len(point) == 2
    page.js("update({layer: arguments[0], map: 2})", point[1])
    page.type("#alive-channel", "4")
    assert page.text("#alive-grid-title") == "weight, channel 4"
    page.type("#alive-grid input", "-2.5")
    page.run("await settle();")
    # The module is called twice, so both layers have changed.
    for number in point:
        place = (2, 4, 0, 0)
        weight = page.js("return [...network.layers[arguments[0]].parameters.weight.data]", number)
        assert np.reshape(weight, (6, 6, 1, 1))[place] == -2.5
    names = ", ".join(page.layers[n].name for n in point)
    assert f"Edited: weights of {names}." in page.text("#edited")
    page.click("#alive-off")
    page.run("await settle();")
    assert page.text("#alive-off") == "Switch this map on"
    layer = page.layers[point[1]]
    shown = page.js("return [...network.layers[arguments[0]].value]", point[1])
    assert not np.reshape(shown, layer.value.shape)[2].any()
    page.js("update({i: 1, j: 1})")
    assert "switched off" in page.text("#check") and page.text("#total") == "0"
    page.click("#reset-layer")
    page.run("await settle();")
    assert not page.find("#edited").is_displayed()
    shown = page.js("return [...network.layers.at(-1).value]")
    np.testing.assert_array_equal(np.float32(shown), page.layers[-1].value.ravel())


def test_a_kernel_of_the_laboratory_becomes_the_networks(drawn):
    page = drawn
    page.open()
    page.js("update({layer: 1, map: 4})")
    page.click("#preset-blur")
    page.click("#lab-apply")
    page.run("await settle();")
    weight = page.model.stem.weight
    kept = weight.detach().clone()
    try:
        weight.data[4] = 1 / 27
        expected = page.model(page.x).detach().numpy()
    finally:
        weight.data = kept.data
    near(page.js("return [...network.layers.at(-1).value]"), expected)
    assert "As in the changed network" in page.text("#lab-check")
    page.click("#preset-trained")
    assert page.text("#alive-layer-title") == "stem, map 4"
    assert page.find("#alive-grid input").get_attribute("value") == "0.037"
    page.click("#reset-layer")
    page.run("await settle();")
    assert not page.find("#edited").is_displayed()
    assert "As Python computed it" in page.text("#lab-check")


def test_the_camera(drawn):
    """Chromium's false one, which shows a moving picture."""
    page = drawn
    page.open()
    page.click("#alive-camera")
    seen = page.run("""const seen = new Set();
        while (seen.size < 3) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          if (parts.alive.isEdited) seen.add(String(network.layers[0].value.slice(0, 256)));
        }
        return seen.size;""")
    assert seen == 3 and page.text("#alive-camera") == "Camera off"
    page.click("#alive-camera")
    page.run("await settle();")
    assert page.js("return parts.alive.picture.stream") is None
    assert page.text("#alive-camera") == "Camera"


def test_training_can_be_stopped_and_undone(drawn):
    page = drawn
    page.open()
    page.js("byId('alive-steps').value = 10000; byId('alive-train').click()")
    page.run("""while (parts.alive.training.losses.length < 3) {
        await new Promise((resolve) => setTimeout(resolve, 5)); }""")
    assert page.find("#alive-stop").is_displayed() and not page.find("#alive-step").is_enabled()
    page.click("#alive-stop")
    page.run("await settle();")
    assert 3 <= page.js("return parts.alive.training.losses.length") < 10000
    assert "weights of" in page.text("#edited")
    page.click("#reset-all")
    page.run("await settle();")
    assert page.js("return parts.alive.edited.size") == 0 and page.text("#alive-loss") == ""
    page.js("byId('alive-rate').value = 1e30; byId('alive-steps').value = 3")
    page.js("byId('alive-train').click()")
    page.run("await settle();")
    assert "no number any more" in page.text("#alive-loss")


def test_without_a_worker_the_page_computes_itself(drawn):
    page = drawn
    page.open()
    page.js("window.Worker = undefined; parts.alive.switchMap(1, 0)")
    page.run("await settle();")
    assert page.js("return parts.alive.connection.worker === undefined")
    assert page.js("return network.layers[1].value.slice(0, 256).every((each) => each === 0)")
    assert page.js("return network.layers.at(-1).value[0]") != page.layers[-1].value[0, 0, 0]
    page.js("parts.alive.say(new Error('a fault')); renderAll()")  # and it says what went wrong
    assert "Running the network failed: a fault" in page.text("#alive-missing")


def test_a_page_of_the_first_maps_runs_if_it_has_all_weights(browser, tmp_path, monkeypatch):  # noqa: F811
    """What the page does not hold is computed; what it shows are the first maps."""
    monkeypatch.setattr(packing, "LIMITS", (300,))
    page = AlivePage(browser, tmp_path, branches())
    assert page.js("return [network.limit, network.runs]") == [300, True]
    kept = page.js("return network.layers.map((layer) => layer.kept)")
    assert max(n.value.shape[0] - k for n, k in zip(page.layers, kept, strict=True)) > 3
    x, _, undo = edit(page, np.random.default_rng(1))
    try:
        leaf = x.requires_grad_()
        scores = page.model(leaf)[0]
        near(page.js("return [...network.layers.at(-1).value]"), scores.detach().numpy())
        page.run("update({direction: 'backward'}); await settle();")
        (gradient,) = mt.autograd.grad(scores.max(), leaf)
        there = page.js("return [...network.layers[0].gradient]")
        near(there, gradient.numpy()[0])
        layers = record(page.model, x.detach())
    finally:
        undo()
    stem = page.js("const [layer] = network.layers.slice(1); return [...layer.value]")
    off = page.js("return [...parts.alive.off].some(([layer]) => layer === 1)")
    assert not off
    near(stem, layers[1].value[: kept[1]])
    page.js("parts.alive.switchMap(1, 0)")
    page.run("await settle();")
    page.click("#reset-all")
    page.run("await settle();")
    assert page.js("""return network.layers.every((layer, number) => ["value", "gradient"].every(
        (what) => String(layer[what] ?? null) === window.before[number][what]))""")
    monkeypatch.setattr(packing, "FOR_WEIGHTS", 1e-3)
    page = AlivePage(browser, tmp_path, branches())
    assert "too small for all weights" in page.text("#alive-missing")
    assert not page.find("#alive-parts").is_displayed()


def test_what_cannot_run_says_so(browser, tmp_path):  # noqa: F811
    class Unknown(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 10, 3)

        def forward(self, x):
            return self.conv(x).cumprod(2).mean((2, 3))

    page = AlivePage(browser, tmp_path, others.subject_of(Unknown()))
    assert "no rule for CumProd" in page.text("#alive-missing")
    assert not page.find("#alive-parts").is_displayed()

    class Chooses(Branches):
        def forward(self, x):
            x = self.stem(x)
            return super().forward(mt.where(x > 0, x, 0.1 * x)[:, :3])

    page = AlivePage(browser, tmp_path, others.subject_of(Chooses()))
    assert "stay as they are when you change something: cat." in page.text("#alive-missing")
    assert page.find("#alive-parts").is_displayed()


def test_it_fits_on_a_small_phone(drawn):
    page = drawn
    page.open()
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.run("parts.alive.switchMap(1, 0); byId('alive-step').click(); await settle();")
        for language in ("en", "ko"):
            page.js("language = arguments[0]; renderAll()", language)
            assert page.js("return document.documentElement.scrollWidth") <= 360
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
