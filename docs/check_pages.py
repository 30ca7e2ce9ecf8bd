"""Makes the page of every network of minitorch_cnn.models and checks it.

    nice python docs/check_pages.py [NAME ...] [--out FOLDER] [--size PIXELS] [--browser]

For each: how long the command took, and of that the processors' time and the system's (most of
which is to hand out memory), the size of the file, the operations that the page cannot take apart,
and, if Node.js is there, the largest relative difference between what the page's program adds up
and what Python computed, over numbers of all layers whose
terms are all in the page. --browser also opens it in Chromium (with selenium), goes through its
layers in both directions, and prints what the console says. Everything runs with one thread for
matrix products, since waiting threads use processors, too.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import minitorch_cnn as mt

ASSETS = Path(mt.__file__).parent / "explain/page/assets"
CHECK = """
const fs = require("fs");
const [file, most] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf-8");
const content = (id) => new RegExp(`id="${id}">([^<]*)<`).exec(text)[1];
globalThis.document = { getElementById: (id) => ({ textContent: content(id) }) };
loadNetwork().then((network) => {
  const found = { worst: 0, where: "", checked: 0, sums: 0, layers: 0 };
  network.layers.forEach((layer, number) => {
    const [, H, W] = layer.shape;
    const count = layer.kept * H * W;
    for (const what of ["value", "gradient"]) {
      const last = number === network.layers.length - 1;
      if (!layer[what] || (what === "gradient" && last) || layer.kind === "input"
        && what === "value") continue;
      const explain = what === "value" ? explainValue : explainGradient;
      const scale = layer[what].reduce((top, x) => Math.max(top, Math.abs(x) || 0), 0) || 1;
      const step = Math.max(1, Math.floor(count / most));
      for (let n = number % step; n < count; n += step) {
        if (Number.isNaN(layer[what][n])) continue;
        const place = [Math.floor(n / (H * W)), Math.floor(n / W) % H, n % W];
        const { sum, whole } = explain(network, number, ...place);
        found.sums += 1;
        if (!whole || sum === null) continue;
        found.checked += 1;
        const difference = Math.abs(sum - layer[what][n]) / scale;
        if (!(difference <= found.worst)) {
          found.worst = difference;
          found.where = `${layer.name} ${layer.kind} ${what} ${place} ${sum} ${layer[what][n]}`;
        }
      }
    }
  });
  found.layers = network.layers.length;
  console.log(JSON.stringify(found));
});
"""


def check(page: Path, most: int = 20) -> dict | None:
    """What the page's own program makes of its numbers; None without Node.js."""
    if shutil.which("node") is None:
        return None
    names = ("arithmetic", "kinds", "kinds_gradient", "volumes", "network")
    program = "".join((ASSETS / f"{name}.js").read_text("utf-8") for name in names)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "check.js"
        script.write_text(program + CHECK)
        command = ["node", "--max-old-space-size=4096", str(script), str(page), str(most)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout)


def visit(page: Path) -> list[str]:
    """What is wrong with the page in Chromium: its console, and texts with holes in them."""
    from selenium import webdriver
    from selenium.webdriver.support.wait import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_script_timeout(300)
        driver.get(page.resolve().as_uri())
        ready = "return document.documentElement.dataset.ready"
        WebDriverWait(driver, 120).until(lambda _: driver.execute_script(ready) == "true")
        wrong = driver.execute_script(
            """const wrong = [];
            const step = Math.max(1, Math.floor(network.layers.length / 20));
            for (const direction of ["forward", "backward"]) {
              update({ direction });
              for (let layer = 0; layer < network.layers.length; layer += step) {
                update({ layer, map: 1 });
                const text = byId("content").textContent;
                if (/undefined|NaN|null|\\[object/.test(text)) {
                  wrong.push(`${direction} ${network.layers[layer].name}`);
                }
              }
            }
            return wrong;"""
        )
        return wrong + [each["message"] for each in driver.get_log("browser")]
    finally:
        driver.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="networks (default: all)")
    parser.add_argument("--out", help="keep the pages in this folder")
    parser.add_argument("--size", type=int, help="pixels (default: what the network is made for)")
    parser.add_argument("--browser", action="store_true", help="look at them in Chromium, too")
    args = parser.parse_args()
    folder = Path(args.out or tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for name in args.names or mt.models.list_models():
        path = folder / f"{name}.html"
        command = [sys.executable, "-m", "minitorch_cnn", "explain", "page", "--no-open"]
        command += ["--model", name, "--out", str(path)]
        command += [] if args.size is None else ["--size", str(args.size)]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=environment)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        text = path.read_text("utf-8")
        manifest = json.loads(text.partition('id="manifest">')[2].partition("<")[0])
        kinds = {layer["kind"] for layer in manifest["layers"]}
        others = [each["options"] for each in manifest["layers"] if each["kind"] == "other"]
        print(
            f"{name:22} {len(manifest['layers']):5} layers {len(text.encode()) / 1e6:5.2f} MB "
            f"{seconds:6.1f} s ({user:.1f} s of processors and {system:.1f} s of the system), "
            f"at most {manifest['limit'] or 'all'} numbers a layer, {len(kinds)} kinds",
            end="",
        )
        print(f", other: {others}" if others else "", end="")
        found = check(path)
        if found is not None:
            print(
                f"; {found['checked']} of {found['sums']} sums checked, {found['worst']:.1e} "
                + (found["where"] if found["worst"] > 1e-5 else ""),
                end="",
            )
        print(f"; {visit(path) or 'nothing wrong in Chromium'}" if args.browser else "", end="")
        print(flush=True)
        if not args.out:
            path.unlink()


if __name__ == "__main__":
    main()
