"""Writes newer.npz: torchvision's values for the networks after MobileNetV2, as make_reference.py.

    pip install torch==2.14.1 torchvision==0.29.1
    python -m tests.models.make_newer

Stored are, for each name in NAMES, checksums of the state dict's keys and shapes and of the repr;
and for each of CASES scores in evaluation mode, in training mode, and gradients, as there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.make_reference import values

PATH = Path(__file__).with_name("newer.npz")
SIZES = ["400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf"]
REGNETS = [f"regnet_{form}_{size}" for form in "xy" for size in SIZES]
NAMES = [
    *("mobilenet_v3_large", "mobilenet_v3_small"),
    *(f"efficientnet_b{number}" for number in range(8)),
    *(f"efficientnet_v2_{size}" for size in "sml"),
    *(f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")),
    *(f"mnasnet{width}" for width in ("0_5", "0_75", "1_0", "1_3")),
    *(f"convnext_{size}" for size in ("tiny", "small", "base", "large")),
    *REGNETS,
    "regnet_y_128gf",
    *("resnext101_32x8d", "resnext101_64x4d", "wide_resnet101_2"),
    *(f"vit_{size}" for size in ("b_16", "b_32", "l_16", "l_32", "h_14")),
    *(f"swin_{size}" for size in ("t", "s", "b", "v2_t", "v2_s", "v2_b")),
    *("fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101"),
    *("deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
]
SEGMENTATION = NAMES[-6:]


def fused(models: Any) -> Any:
    """A small EfficientNetV2, with both kinds of blocks."""
    m = models.efficientnet
    rows = [m.FusedMBConvConfig(1, 3, 1, 8, 8, 1), m.FusedMBConvConfig(4, 3, 2, 8, 16, 2)]
    rows.append(m.MBConvConfig(6, 3, 2, 16, 24, 2))
    return m.EfficientNet(rows, 0.0, stochastic_depth_prob=0.0, num_classes=10, last_channel=32)


def conv_next(models: Any) -> Any:
    """A small ConvNeXt, whose branches count."""
    m = models.convnext
    stages = [m.CNBlockConfig(8, 16, 2), m.CNBlockConfig(16, None, 1)]
    return m.ConvNeXt(stages, layer_scale=1.0, num_classes=10)


def transformer(models: Any) -> Any:
    """A small vision transformer, with all that it can have."""
    m = models.vision_transformer
    stem = [m.ConvStemConfig(6, 3, 2), m.ConvStemConfig(8, 3, 2)]
    return m.VisionTransformer(
        20, 4, 2, 2, 16, 24, num_classes=10, representation_size=12, conv_stem_configs=stem
    )


def swin(models: Any, version: int) -> Any:
    """A small Swin: windows that fit and windows that do not, a last stage of one window."""
    m = models.swin_transformer
    parts = {"block": m.SwinTransformerBlockV2, "downsample_layer": m.PatchMergingV2}
    return m.SwinTransformer(
        *([4, 2], 8, [2, 2, 2], [2, 4, 2], [4, 3]),
        num_classes=10,
        stochastic_depth_prob=0.0,
        **(parts if version == 2 else {}),
    )


def segmented(name: str, models: Any, **arguments: Any) -> Any:
    build = getattr(models.segmentation, name)
    return build(num_classes=10, weights_backbone=None, **arguments)


def classifier(name: str, models: Any, **arguments: Any) -> Any:
    return getattr(models, name)(num_classes=10, **arguments)


# name: (what makes the network, height and width, whether it is trained as well)
CASES: dict[str, tuple[Callable[..., Any], int, bool]] = {
    "mobilenet_v3_small": (partial(classifier, "mobilenet_v3_small", dropout=0.0), 64, True),
    "mobilenet_v3_large": (
        partial(classifier, "mobilenet_v3_large", width_mult=0.5, reduced_tail=True, dilated=True),
        48,
        False,
    ),
    "efficientnet_b0": (
        partial(classifier, "efficientnet_b0", dropout=0.0, stochastic_depth_prob=0.0),
        48,
        False,
    ),
    "efficientnet_b1": (partial(classifier, "efficientnet_b1"), 40, False),
    "fused": (fused, 33, True),
    "shufflenet_v2_x0_5": (partial(classifier, "shufflenet_v2_x0_5"), 64, True),
    "mnasnet0_5": (partial(classifier, "mnasnet0_5", dropout=0.0), 64, True),
    "convnext": (conv_next, 36, True),
    "regnet_y_400mf": (partial(classifier, "regnet_y_400mf"), 64, True),
    "regnet_x_400mf": (partial(classifier, "regnet_x_400mf"), 40, False),
    "transformer": (transformer, 20, True),
    "swin": (partial(swin, version=1), 41, True),
    "swin_v2": (partial(swin, version=2), 41, True),
    "lraspp": (partial(segmented, "lraspp_mobilenet_v3_large"), 40, False),
    "deeplabv3": (partial(segmented, "deeplabv3_mobilenet_v3_large", aux_loss=True), 40, False),
    "fcn": (partial(segmented, "fcn_resnet50"), 33, False),
}


def filled(name: str, models: Any, to_tensor: Callable[[Any], Any]) -> Any:
    """The network of a case with the weights that `values` gives."""
    model = CASES[name][0](models)
    state = model.state_dict()  # with its metadata, which MNASNet asks for
    for key, value in state.items():
        if "relative_" in key and "bias" not in key:  # Swin's places are no weights
            state[key] = value.double() if value.is_floating_point() else value
            continue
        state[key] = to_tensor(values(key, tuple(value.shape)))
    model.load_state_dict(state, assign=True)
    return model


def scores(outputs: Any) -> list[Any]:
    """The scores of a network, also of one that returns a dict of them."""
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


def trained(name: str, model: Any, to_tensor: Callable[[Any], Any]) -> list[np.ndarray]:
    """Scores in training mode, and |G| and sum(G * R) of each parameter's gradient G."""
    size = CASES[name][1]
    (out,) = scores(model.train()(to_tensor(values("images", (4, 3, size, size)))))
    (out * to_tensor(values("cotangent", tuple(out.shape)))).sum().backward()
    gradients = []
    for key, parameter in model.named_parameters():
        gradient = parameter.grad.numpy()
        direction = values(key + ".direction", gradient.shape)
        gradients.append((np.linalg.norm(gradient), (gradient * direction).sum()))
    return [out.detach().numpy(), np.array(gradients)]


def checksums(model: Any) -> np.ndarray:
    """Of the keys and shapes of the state dict, and of the repr."""
    lines = [f"{key} {list(value.shape)}" for key, value in model.state_dict().items()]
    return np.array([zlib.crc32(text.encode()) for text in ("\n".join(lines), repr(model))])


def main() -> None:
    import torch
    from torchvision import models

    stored: dict[str, np.ndarray] = {}
    drawn = {method: getattr(torch.Tensor, method) for method in ("uniform_", "normal_")}
    for method in drawn:  # nobody looks at the initial values
        setattr(torch.Tensor, method, lambda self, *args, **kwargs: self)
    for name in NAMES:
        made = {"weights_backbone": None} if name in SEGMENTATION else {}
        # RegNets compute their widths with tensors, so those need a real device.
        with torch.device("cpu" if "regnet" in name else "meta"):
            stored[f"sums/{name}"] = checksums(models.get_model(name, **made))
    for method, function in drawn.items():
        setattr(torch.Tensor, method, function)
    for name, (_, size, train) in CASES.items():
        model = filled(name, models, torch.from_numpy).eval()
        with torch.no_grad():
            outputs = model(torch.from_numpy(values("images", (1, 3, size, size))))
        for number, out in enumerate(scores(outputs)):
            stored[f"eval/{name}/{number}"] = out.numpy().astype(np.float32)
        if train:
            out, gradients = trained(name, model, torch.from_numpy)
            stored[f"train/{name}"], stored[f"grads/{name}"] = out.astype(np.float32), gradients
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
