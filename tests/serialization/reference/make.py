"""Writes the files beside it with torch: python tests/serialization/reference/make.py.

zip.pth and legacy.pth hold the same object in torch's two formats, bfloat16.safetensors what
only other programs write. The tests read them where torch is not installed.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parent


def example() -> dict:
    """One of everything: element types, views of one storage, strides, empty and 0-d tensors."""
    base = torch.arange(12.0).reshape(3, 4)
    kinds = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    kinds += (torch.float16, torch.float32, torch.float64, torch.bfloat16)
    return {
        "kinds": {str(kind): torch.tensor([0, 1, 1]).to(kind) for kind in kinds},
        "row": base[1],
        "transposed": base.t(),
        "every_second": base[:, ::2],
        "expanded": torch.tensor([7.0]).expand(5),
        "channels_last": torch.arange(24.0)
        .reshape(1, 2, 3, 4)
        .to(memory_format=torch.channels_last),
        "scalar": torch.tensor(3),
        "empty": torch.zeros(0, 3),
        "bfloat16": torch.tensor(
            [1.0, -2.5, 3.140625, 2.0**100, float("inf")], dtype=torch.bfloat16
        ),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "frozen": torch.nn.Parameter(torch.ones(2), requires_grad=False),
        "needs_grad": torch.ones(2, requires_grad=True),
        "state_dict": torch.nn.Sequential(torch.nn.BatchNorm2d(2)).state_dict(),
        "ordered": OrderedDict(b=1, a=2),
        "plain": [
            1,
            -1,
            2**40,
            2**70,
            1.5,
            True,
            None,
            "text \u00e4",
            b"\x00\xff",
            (1, (2,)),
            {3, 4},
        ],
        "size": torch.Size([2, 3]),
        "dtype": torch.float64,
        "device": torch.device("cuda", 1),
        5: {(1, "key"): "value"},
    }


if __name__ == "__main__":
    torch.save(example(), FOLDER / "zip.pth")
    torch.save(example(), FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    numbers = torch.tensor([1.0, -2.5, 3.140625])
    save_file({"a": numbers.bfloat16(), "b": numbers}, FOLDER / "bfloat16.safetensors")
