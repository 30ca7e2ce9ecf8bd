"""python -m minitorch_cnn export: writes a trained network for other programs.

    python -m minitorch_cnn export runs/train --onnx model.onnx

The file also says which classes there are and how pictures are prepared, so predict and evaluate
take it in place of the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .. import onnx
from ..commandline import HelpFormatter, one_sentence
from ..explain.subject import Trained, load_trained
from ..kernels import kernel_tier
from ..onnx.facts import write_facts
from ..ops import zeros


def facts(trained: Trained) -> dict[str, object]:
    """What else there is to know about the network, for the file's metadata."""
    return {
        "classes": trained.classes,
        "in_channels": trained.in_channels,
        "image_size": trained.image_size,
        "resize": trained.resize,
        "mean": list(trained.mean),
        "std": list(trained.std),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m minitorch_cnn export",
        description=__doc__.partition(": ")[2] if __doc__ else None,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("run", help="a run's folder, or its best.npz or last.npz")
    parser.add_argument("--onnx", metavar="FILE", required=True, help="the file to write")
    parser.add_argument("--opset", type=int, default=18, help="18 to 23 (default 18)")
    args = parser.parse_args(argv)
    with one_sentence():
        trained = load_trained(args.run)
        size = trained.image_size
        example = zeros(1, trained.in_channels, size, size)
        with kernel_tier("array"):  # it runs twice, which no compiling is worth
            onnx.export(
                trained.model, example, args.onnx, input_names=["images"],
                output_names=["scores"], opset_version=args.opset,
            )  # fmt: skip
        write_facts(args.onnx, facts(trained))
        print(
            f"{args.onnx}: images (N, {trained.in_channels}, {size}, {size}) -> "
            f"scores (N, {len(trained.classes)})\n"
            f"of {', '.join(trained.classes[:5])}{', ...' if len(trained.classes) > 5 else ''}\n"
            f"colours of 0 to 1, less {rounded(trained.mean)}, by {rounded(trained.std)}"
        )


def rounded(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
