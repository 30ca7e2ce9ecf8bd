"""The report in a real browser: tables are sorted, the map answers, a telephone need not scroll.

Needs Chromium with its driver (Debian: apt-get install chromium chromium-driver) and selenium.
"""

import shutil

import numpy as np
import pytest

from minitorch_cnn import explain, nn
from minitorch_cnn.training.report import write_report

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver on the PATH"
)
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def report(folder, classes):
    """The report of a network that knows nothing, and the confusion matrix."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes)
    )
    names = [f"a class called {n}" for n in range(classes)]
    row = dict(epoch=1, lr=0.1, train_loss=2, train_accuracy=9, test_loss=2, test_accuracy=8)
    half = (0.5,) * 3
    trained = explain.Trained(model.eval(), names, 3, 8, half, half, [row], 8, [], {"arch": "x"})
    pictures = rng.integers(0, 256, (90, 8, 8, 3), np.uint8)
    scores, true = rng.normal(size=(90, classes)), np.arange(90) % classes
    path = write_report(folder / "report.html", trained, pictures, scores, true)
    return path.as_uri(), explain.ConfusionMatrix(scores.argmax(1), true, names).matrix


@pytest.mark.parametrize("classes", [10, 30])
def test_a_report(browser, tmp_path, classes):
    address, matrix = report(tmp_path, classes)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(address)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wide) <= 0

    table = browser.find_element("css selector", "#classes table")

    def column(number):
        cells = table.find_elements("css selector", f"tbody tr > :nth-child({number})")
        return [cell.get_attribute("textContent").removesuffix(" %") for cell in cells]

    def press(number):
        button = table.find_element("css selector", f"th:nth-child({number}) button")
        browser.execute_script("arguments[0].click()", button)
        head = button.find_element("xpath", "..")
        return head.get_attribute("aria-sort")

    assert column(5) == sorted(column(5), key=float)  # F1, the weakest first
    assert press(4) == "descending" and column(4) == sorted(column(4), key=float, reverse=True)
    assert press(4) == "ascending" and column(4) == sorted(column(4), key=float)
    assert press(1) == "ascending" and column(1) == sorted(column(1))
    assert len(set(column(1))) == classes

    if classes > 20:
        area = browser.find_element("css selector", ".map")
        down, right = webdriver.Keys.ARROW_DOWN, webdriver.Keys.ARROW_RIGHT
        area.send_keys(*[down] * 3, *[right] * 40)  # the last column is the end
        said = browser.find_element("css selector", ".map output").text
        assert said == (
            f"{matrix[3, -1]} of {matrix[3].sum()} images of “a class called 3” were called "
            f"“a class called {classes - 1}”"
        )
    assert browser.get_log("browser") == []
    loaded = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert [name for name in browser.execute_script(loaded) if name[:5] != "data:"] == []
