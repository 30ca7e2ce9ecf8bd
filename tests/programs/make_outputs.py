"""Writes outputs.json: what torch and torchvision print for the programs in tests/programs/torch.

    python tests/programs/make_outputs.py [NAME ...]

Each program runs as it is. Those that import what is not installed keep what is stored.
"""

import contextlib
import io
import json
import runpy
import sys
import warnings
from pathlib import Path

FOLDER = Path(__file__).parent
FILE = FOLDER / "outputs.json"


def main(names):
    import torch

    torch.set_num_threads(1)  # sums are the same on every machine
    stored = json.loads(FILE.read_text()) if FILE.exists() else {}
    for path in sorted((FOLDER / "torch").glob("*.py")):
        if names and path.stem not in names:
            continue
        out = io.StringIO()
        sys.argv = [path.name]
        try:
            with contextlib.redirect_stdout(out), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch finds its own older names deprecated
                runpy.run_path(str(path), run_name="__main__")
        except ModuleNotFoundError as error:
            print(f"{path.stem}: left out, {error}")
            continue
        lines = out.getvalue().splitlines()
        stored[path.stem] = {"torch": torch.__version__, "output": lines}
        print(f"{path.stem}: {len(lines)} lines")
    FILE.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
