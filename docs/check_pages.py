"""Makes the page of every network of minitorch_cnn.models and checks it.

    nice python docs/check_pages.py [NAME ...] [--out FOLDER] [--size PIXELS]

For each: how long it took, the size of the file, the operations that the page cannot take apart,
and, if Node.js is there, the largest relative difference between what the page's program adds up
and what Python computed, over numbers of all layers whose terms are all in the page.
"""

import argparse
import collections
import json
import re
import shutil
import subprocess
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
        command = ["node", "--max-old-space-size=4096", script, page, str(most)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return json.loads(answer.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="networks (default: all)")
    parser.add_argument("--out", help="keep the pages in this folder")
    parser.add_argument("--size", type=int, help="pixels (default: what the network is made for)")
    args = parser.parse_args()
    folder = Path(args.out or tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    for name in args.names or mt.models.list_models():
        path = folder / f"{name}.html"
        began, processor = time.perf_counter(), time.process_time()
        with mt.kernel_tier("array"):
            mt.explain.write_page(path, name, size=args.size)
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        text = path.read_text("utf-8")
        manifest = json.loads(re.search(r'id="manifest">([^<]*)<', text)[1])
        kinds = collections.Counter(layer["kind"] for layer in manifest["layers"])
        others = [each["options"] for each in manifest["layers"] if each["kind"] == "other"]
        print(
            f"{name:22} {len(manifest['layers']):5} layers {len(text.encode()) / 1e6:5.2f} MB "
            f"{seconds:6.1f} s ({processor:.1f} s of processors), at most "
            f"{manifest['limit'] or 'all'} numbers a layer, {len(kinds)} kinds",
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
        print(flush=True)
        if not args.out:
            path.unlink()


if __name__ == "__main__":
    main()
