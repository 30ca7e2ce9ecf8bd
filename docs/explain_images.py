"""Draws every picture of docs/explain.md, by the commands that the page shows.

python docs/explain_images.py --checkpoint runs/resnet/best
"""

from __future__ import annotations

import argparse
from pathlib import Path

from minitorch_cnn.explain.commands import main as run_command
from PIL import Image

FOLDER = Path(__file__).parent / "images" / "explain"
# Each picture's name and the command line that draws it; those in TRAINED get the checkpoint.
PICTURES = {
    "pixel": "pixel --filter 3",
    "columns": "columns --filter 3",
    "col2im": "col2im",
    "variations": "variations",
    "gradients": "gradients --layer layer2.0.conv1",
    "pooling": "pooling --kernel-size 3 --stride 2 --padding 1",
    "batchnorm": "batchnorm --layer layer2.2.bn1",
    "gradient-flow": "gradient-flow",
    "algorithms": "algorithms",
    "winograd": "winograd --m 4 --filter 3",
    "roofline": "roofline",
    "summary": "summary",
    "receptive-field": "receptive-field",
    "filters": "filters",
    "feature-maps": "feature-maps --layer layer1.0.conv1",
    "saliency": "saliency",
    "grad-cam": "grad-cam",
    "occlusion": "occlusion",
    "exciting": "exciting",
    "confusion": "confusion",
    "predictions": "predictions",
    "curves": "curves",
    "histograms": "histograms",
}
UNTRAINED = ("gradient-flow", "algorithms", "variations", "pooling")
COLOURS = 256  # in a picture's palette: the files become a third as large
WIDEST = 1100  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="a network trained on Shapes")
    parser.add_argument("only", nargs="*", help="names of pictures (default: all)")
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, line in PICTURES.items():
        if args.only and name not in args.only:
            continue
        path = FOLDER / f"{name}.png"
        trained = [] if name in UNTRAINED else ["--checkpoint", args.checkpoint]
        print(f"\n$ python -m minitorch_cnn explain {line}")
        run_command(["explain", *line.split(), *trained, "--out", str(path)])
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
        picture.thumbnail((WIDEST, WIDEST))
        picture.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    if not args.only or "tape" in args.only:
        run_command(["explain", "tape", "--out", str(FOLDER / "tape.svg")])
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"\n{total / 1e6:.2f} MB in {FOLDER}")


if __name__ == "__main__":
    main()
