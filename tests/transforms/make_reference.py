"""Writes reference.json.gz: what torchvision makes of the images and calls of pictures.py.

    pip install torch==2.14.1 torchvision==0.29.1
    python tests/transforms/make_reference.py

The file is checked in, so that the tests hold ours against it without torchvision.
"""

import gzip
import json
import warnings
from pathlib import Path

import PIL

PATH = Path(__file__).parent / "reference.json.gz"


def main() -> None:
    import torch
    import torchvision
    from pictures import CALLS, library, outcome, stored

    warnings.simplefilter("ignore")
    lib = library(torchvision.transforms, torchvision.utils, torch.tensor, torch)
    outcomes = {
        name: {each: outcome(name, lib, each) for each in images if stored(name, each)}
        for name, (_, images) in CALLS.items()
    }
    versions = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
    }
    content = {"versions": versions, "outcomes": outcomes}
    text = json.dumps(content, separators=(",", ":")).encode()
    PATH.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{sum(map(len, outcomes.values()))} outcomes, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
