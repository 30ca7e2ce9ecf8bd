"""The network that runs in the page: beside Python's, after edits, gradients and steps of SGD."""

import json
import re

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.explain.page import packing, record
from minitorch_cnn.explain.page.subjects import subject_of as subject_by_name
from tests.explain import test_page_browser as others
from tests.explain.test_page_browser import Page, browser, no_errors_and_no_requests  # noqa: F401
from tests.explain.written_with_functions import NETWORKS, made

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
    np.testing.assert_allclose(there, expected, 0, tolerance * np.abs(expected).max())


# --------------------------------------------------------------------------------- kind by kind


def test_every_kind_runs_forward_and_backward(browser, tmp_path):  # noqa: F811
    """Whole layers: numbers, gradients, those of weights; in one page one after the other."""
    page = Page(browser, tmp_path, others.subject_of(others.every_kind()))
    compared = set()
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
              done([engine.layers.map((layer) => [...layer.value]),
                engine.layers.map((layer) => layer.gradient && [...layer.gradient]),
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
            expected = expected.numpy()
            if expected.shape[:1] == (1,):  # tokens, which the page has with their last axis first
                expected = expected[0].T
            near(total, expected, 1e-5)
            compared.add(parameter)
    assert len(compared) > 40


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


def test_ten_steps_of_sgd_are_pythons(alive):
    page = alive
    page.open()
    target, rate = 3, 0.02
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
    assert page.find("#alive-plot svg").get_attribute("aria-label")
