"""Writes reference.npz: what torch computes for each of cases.py.

    python tests/reference/make_reference.py

The file is checked in, so that the tests hold our values against torch's without torch.
"""

from pathlib import Path

import numpy as np
import torch
from cases import CASES


def main():
    stored = {"torch_version": np.array(torch.__version__)}
    for number, (name, (function, shapes)) in enumerate(CASES.items()):
        rng = np.random.default_rng(number)
        arrays = [rng.standard_normal(shape) for shape in shapes]
        inputs = [torch.tensor(array, requires_grad=True) for array in arrays]
        result = function(torch, *inputs)
        cotangent = rng.standard_normal(result.shape)
        gradients = torch.autograd.grad(
            result, inputs, torch.tensor(cotangent), allow_unused=True, materialize_grads=True
        )
        for index, array in enumerate(arrays):
            stored[f"{name}/input{index}"] = array
            stored[f"{name}/gradient{index}"] = gradients[index].numpy()
        stored[f"{name}/result"] = result.detach().numpy()
        stored[f"{name}/cotangent"] = cotangent
    path = Path(__file__).parent / "reference.npz"
    np.savez_compressed(path, **stored)
    print(f"{path.name}: {len(CASES)} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
