"""The paper estimate: the table in docs/gpu.md is its output, and its counts are right."""

from pathlib import Path

import gpu_estimate
import pytest

import minitorch_cnn as mt
from minitorch_cnn import nn

DOCS = Path(__file__).parent.parent / "docs" / "gpu.md"


def test_the_docs_show_what_the_script_prints():
    assert gpu_estimate.report("resnet18", 128, "h100-sxm") in DOCS.read_text()


def test_a_network_counted_by_hand():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))
    total = gpu_estimate.work(net, batch=2, itemsize=2, size=4)
    pixels = 2 * 4 * 4
    first, second = 2 * pixels * 27 * 8, 2 * pixels * 8 * 4  # operations of the two products
    assert total["products, forward"][1] == first + second
    assert total["products, gradient of weights"][1] == first + second
    assert total["products, gradient of inputs"] == [2 * pixels * (4 + 8) + 2 * 8 * 4, second]
    assert total["im2col"][0] == 2 * 2 * pixels * (3 + 27)  # read and written, twice, 2 bytes each
    assert "col2im" not in total  # the first gets no gradient, the second is its own patches
    assert total["batch norm + ReLU, forward"][0] == 2 * 3 * pixels * 8
    parameters = sum(p.numel() for p in net.parameters())
    assert total["SGD with momentum"][0] == 4 * 5 * parameters


@pytest.mark.parametrize("kind", ["float32", "tf32", "float16"])
def test_the_floor_is_the_sum_of_the_longer_times(kind):
    net = mt.models.cifar.resnet20()
    every = gpu_estimate.rows(net, 64, "a100-sxm", kind)
    assert gpu_estimate.floor(net, 64, "a100-sxm", kind) == pytest.approx(
        sum(max(by_bytes, by_operations) for _, _, by_bytes, by_operations, _ in every.values())
    )
    gb, _, ms, _, _ = every["SGD with momentum"]
    assert ms == pytest.approx(gb / 2040 * 1e3)
