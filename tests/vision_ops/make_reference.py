"""Writes reference.npz: what torchvision.ops computes, for tests without torchvision.

    pip install torch==2.14.1 torchvision==0.29.1
    python -m tests.vision_ops.make_reference

`CASES` says what is called, by both libraries alike; inputs are made by `numbers` from a seed and
are not stored. Each case gives some tensors; of the first, if it has a gradient, the gradients of
sum(tensor * R), R random, with respect to the inputs are stored as well.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

PATH = Path(__file__).with_name("reference.npz")


def numbers(seed: int, *shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Uniform numbers from a counter-based generator whose raw output NumPy guarantees to stay."""
    raw = np.random.Philox(key=seed).random_raw(int(np.prod(shape))) / 2.0**64
    return (low + (high - low) * raw).reshape(shape)


def boxes(seed: int, count: int, size: float = 20.0) -> np.ndarray:
    """(count, 4): corners of boxes that begin within `size` pixels and are up to as long."""
    start, extent = numbers(seed, count, 2, high=size), numbers(seed + 1, count, 2, low=0.3)
    return np.concatenate([start, start + size * extent], axis=1)


def regions(seed: int, count: int, images: int, size: float) -> np.ndarray:
    """(count, 5): the same, each in one of the images."""
    index = np.arange(count)[:, None] % images
    return np.concatenate([index, boxes(seed, count, size)], axis=1)


Case = tuple[Callable[..., Any], list[np.ndarray]]
CASES: dict[str, Case] = {}


def case(name: str, function: Callable[..., Any], *inputs: np.ndarray) -> None:
    """function is called with the library and the inputs, as tensors that require gradients."""
    CASES[name] = function, list(inputs)


A, B = boxes(1, 7), boxes(3, 7)
for name in ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
    case(name, lambda lib, a, b, name=name: getattr(lib.ops, name)(a, b), A, B[:4])
    if name == "box_iou":
        continue
    for reduction in ("none", "mean", "sum"):
        case(
            f"{name}_loss {reduction}",
            lambda lib, a, b, name=name, r=reduction: getattr(lib.ops, f"{name}_loss")(a, b, r),
            A,
            B,
        )
for given in ("xyxy", "xywh", "cxcywh"):
    case(f"area {given}", lambda lib, a, f=given: lib.ops.box_area(a, f), A)
    case(f"iou {given}", lambda lib, a, b, f=given: lib.ops.box_iou(a, b, f), abs(A), abs(B))
    for wanted in ("xyxy", "xywh", "cxcywh"):
        case(
            f"convert {given} {wanted}",
            lambda lib, a, f=given, w=wanted: lib.ops.box_convert(a, f, w),
            A,
        )
case("clip", lambda lib, a: lib.ops.clip_boxes_to_image(a, (9, 15)), A)
case("small", lambda lib, a: lib.ops.remove_small_boxes(a, 9.0), A)
MANY, SCORES = boxes(5, 60), numbers(7, 60).round(1)  # some scores are equal
for threshold in (0.0, 0.2, 0.5, 1.0):
    case(f"nms {threshold}", lambda lib, a, s, t=threshold: lib.ops.nms(a, s, t), MANY, SCORES)
    case(
        f"batched_nms {threshold}",
        lambda lib, a, s, t=threshold: lib.ops.batched_nms(a, s, lib.tensor(np.arange(60) % 3), t),
        MANY,
        numbers(7, 60),
    )
case("nms nothing", lambda lib, a, s: lib.ops.nms(a, s, 0.5), np.zeros((0, 4)), np.zeros(0))
case("masks", lambda lib, m: lib.ops.masks_to_boxes(m.detach() > 0.8), numbers(8, 4, 6, 9))
for alpha, gamma in ((0.25, 2), (-1, 2), (0.5, 0.5)):
    case(
        f"focal {alpha} {gamma}",
        lambda lib, x, a=alpha, g=gamma: lib.ops.sigmoid_focal_loss(
            x, lib.tensor(numbers(9, 3, 4).clip(0).round(1)), a, g, "sum"
        ),
        5 * numbers(10, 3, 4),
    )

MAP = numbers(11, 2, 3, 9, 12)
REGIONS = regions(12, 6, 2, 14.0)
for scale, ratio, aligned, size in (
    (1.0, -1, False, 3),
    (1.0, 2, True, (2, 4)),
    (0.5, -1, True, 3),
    (0.7, 3, False, (4, 1)),
    (2.0, 0, True, 2),
):
    case(
        f"roi_align {scale} {ratio} {aligned}",
        lambda lib, x, settings=(size, scale, ratio, aligned): lib.ops.roi_align(
            x, lib.tensor(REGIONS), *settings
        ),
        MAP,
    )
    case(
        f"roi_pool {scale} {ratio}",
        lambda lib, x, settings=(size, scale): lib.ops.roi_pool(x, lib.tensor(REGIONS), *settings),
        MAP,
    )
for size, scale, ratio in ((2, 1.0, -1), ((3, 2), 0.6, 2)):
    channels = 2 * (4 if size == 2 else 6)
    case(
        f"ps_roi_align {scale} {ratio}",
        lambda lib, x, s=(size, scale, ratio): lib.ops.ps_roi_align(x, lib.tensor(REGIONS), *s),
        numbers(51, 3, channels, 10, 12),
    )
    case(
        f"ps_roi_pool {scale}",
        # Detached: torchvision's gradient counts the last row and column, its values do not.
        lambda lib, x, s=(size, scale): lib.ops.ps_roi_pool(x.detach(), lib.tensor(REGIONS), *s),
        numbers(53, 3, channels, 10, 12),
    )
case("ps_roi none", lambda lib, x: lib.ops.ps_roi_pool(x, [lib.tensor(A[:0])] * 2, 1), MAP)
case(
    "roi_align list",
    lambda lib, x: lib.ops.RoIAlign(2, 1.0, -1)(x, [lib.tensor(A), lib.tensor(B)]),
    MAP,
)
case("roi_align none", lambda lib, x: lib.ops.roi_align(x, [lib.tensor(A[:0])] * 2, 2), MAP)


def multiscale(lib: Any, fine: Any, coarse: Any) -> Any:
    pool = lib.ops.MultiScaleRoIAlign(["a", "b"], 3, 2, canonical_scale=20, canonical_level=1)
    return pool({"a": fine, "b": coarse}, [lib.tensor(A), lib.tensor(B)], [(30, 30), (28, 30)])


case("multiscale", multiscale, numbers(14, 2, 3, 15, 15), numbers(15, 2, 3, 8, 8))


def module(make: Callable[[Any], Any], *shape: int) -> Callable[..., Any]:
    """A case's function: the module with numbers for parameters and buffers."""

    def run(lib: Any, *inputs: Any) -> Any:
        layer = make(lib)
        state = layer.state_dict()
        filled = {
            key: lib.tensor(numbers(20 + i, *value.shape, low=0.1))
            for i, (key, value) in enumerate(state.items())
        }
        layer.load_state_dict(filled, assign=True)
        return layer(*inputs)

    return run


IMAGE = numbers(16, 2, 4, 6, 5)
case("frozen", module(lambda lib: lib.ops.FrozenBatchNorm2d(4)), IMAGE)
case("squeeze", module(lambda lib: lib.ops.SqueezeExcitation(4, 2)), IMAGE)
case("conv", module(lambda lib: lib.ops.Conv2dNormActivation(4, 3, 3, norm_layer=None)), IMAGE)
case(
    "conv asymmetric",
    module(lambda lib: lib.ops.Conv2dNormActivation(4, 3, (3, 5), 2, None, 1, None, dilation=2)),
    IMAGE,
)
case("mlp", module(lambda lib: lib.ops.MLP(5, [3, 2])), IMAGE)
case("permute", module(lambda lib: lib.ops.Permute([0, 2, 3, 1])), IMAGE)


def pyramid(extra: Callable[[Any], Any]) -> Callable[..., Any]:
    def run(lib: Any, fine: Any, coarse: Any) -> Any:
        make = module(lambda lib: lib.ops.FeaturePyramidNetwork([4, 3], 2, extra(lib)))
        found = make(lib, {"a": fine, "b": coarse})
        return [found[key] for key in sorted(found)]

    return run


COARSE = numbers(17, 2, 3, 3, 2)
case("pyramid", pyramid(lambda lib: None), IMAGE, COARSE)
case("pyramid pool", pyramid(lambda lib: lib.pyramids.LastLevelMaxPool()), IMAGE, COARSE)
case("pyramid p6", pyramid(lambda lib: lib.pyramids.LastLevelP6P7(3, 2)), IMAGE, COARSE)
case("drop nothing", lambda lib, x: lib.ops.stochastic_depth(x, 0.5, "row", False), IMAGE)
for p in (0.0, 1.0):
    case(f"depth {p}", lambda lib, x, p=p: lib.ops.stochastic_depth(x, p, "batch"), IMAGE)
case("block", lambda lib, x: lib.ops.drop_block2d(x, 0.0, 3), IMAGE)
case(
    "deform layer",
    module(lambda lib: lib.ops.DeformConv2d(4, 3, (3, 2), 2, 1, 2, bias=False)),
    IMAGE,
    numbers(35, 2, 12, 2, 3),
)
TAPS = numbers(31, 2, 36, 6, 7, low=-2.5, high=2.5)  # two groups of offsets for 3x3 taps
case(
    "deform",
    lambda lib, x, offset, weight, bias, mask: lib.ops.deform_conv2d(
        x, offset, weight, bias, (1, 1), (1, 2), (1, 1), mask
    ),
    IMAGE,
    TAPS,
    numbers(32, 6, 2, 3, 3),
    numbers(33, 6),
    numbers(34, 2, 18, 6, 7),
)


def outcome(lib: Any, name: str) -> list[np.ndarray]:
    """The arrays that a case gives, and the gradients of the first."""
    function, arrays = CASES[name]
    inputs = [lib.tensor(array) for array in arrays]
    for each in inputs:
        each.requires_grad_()
    result = function(lib, *inputs)
    results = list(result) if isinstance(result, list | tuple) else [result]
    found = [each.detach().numpy() for each in results]
    if results[0].requires_grad and results[0].numel() > 0:
        total = 0
        for number, each in enumerate(results):
            total = total + (each * lib.tensor(numbers(99 + number, *each.shape))).sum()
        total.backward()
        found += [each.grad.numpy() for each in inputs if each.grad is not None]
    return found


def main() -> None:
    import torch
    import torchvision

    lib = SimpleNamespace(
        ops=torchvision.ops,
        pyramids=torchvision.ops.feature_pyramid_network,
        tensor=torch.from_numpy,
    )
    stored = {
        f"{name}/{number}": array
        for name in CASES
        for number, array in enumerate(outcome(lib, name))
    }
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
