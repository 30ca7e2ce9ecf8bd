"""Writes v2.npz: what torchvision's transforms.v2 make of samples, for tests without torchvision.

    pip install torch==2.14.1 torchvision==0.29.1
    python -m tests.transforms.make_v2

Each case is a transform without chance, or the random ones of make_drawn's `Stream`. A sample is an
image, a mask and boxes; of each result shape, canvas and values are stored.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.transforms.make_drawn import SMOOTH, Stream

PATH = Path(__file__).with_name("v2.npz")
PICTURE = np.ascontiguousarray(SMOOTH[::2, ::2])
BOXES = np.array([[3, 5, 10, 15], [0, 0, 20, 24], [5, 1, 8, 4]], np.float32)
MASK = (PICTURE[..., 0] > 128).astype(np.uint8)

# From v2, to a transform; all move an image, a mask and boxes alike.
CASES: dict[str, Callable[[Any], Any]] = {
    "hflip": lambda v2: v2.RandomHorizontalFlip(1.0),
    "vflip": lambda v2: v2.RandomVerticalFlip(1.0),
    "resize": lambda v2: v2.Resize((24, 30)),
    "resize word": lambda v2: v2.Resize(20, interpolation="nearest", max_size=23),
    "center": lambda v2: v2.CenterCrop((20, 30)),
    "center larger": lambda v2: v2.CenterCrop((60, 50)),
    "pad": lambda v2: v2.Pad([1, 2, 3, 4], fill=7),
    "rotate": lambda v2: v2.RandomRotation((30, 30)),
    "affine": lambda v2: v2.RandomAffine((20, 20), scale=(1.2, 1.2), shear=(5, 5, 3, 3)),
    "grey": lambda v2: v2.Grayscale(3),
    "invert": lambda v2: v2.RandomInvert(1.0),
    "posterize": lambda v2: v2.RandomPosterize(3, p=1.0),
    "equalize": lambda v2: v2.RandomEqualize(1.0),
    "never": lambda v2: v2.RandomHorizontalFlip(0.0),
    "zoom": lambda v2: v2.RandomZoomOut(9, (1.5, 1.5), p=1.0),
    "compose": lambda v2: v2.Compose(
        [v2.CenterCrop(40), v2.RandomHorizontalFlip(1.0), v2.Pad(2), v2.Resize(30)]
    ),
    "random resize": lambda v2: v2.RandomResize(20, 40),
    "shortest": lambda v2: v2.RandomShortestSize([20, 30, 40], max_size=44),
    "jitter": lambda v2: v2.ScaleJitter((40, 60)),
    "apply": lambda v2: v2.RandomApply([v2.RandomVerticalFlip(1.0)], p=0.6),
    "xywh": lambda v2: v2.ConvertBoundingBoxFormat("XYWH"),
    "middle": lambda v2: v2.ConvertBoundingBoxFormat("CXCYWH"),
    "float": lambda v2: v2.ToDtype(v2.float32, scale=True),
    "float raw": lambda v2: v2.ToDtype(v2.float32),
    "normalize": lambda v2: v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(v2.float32, scale=True),
            v2.Normalize([0.1, 0.2, 0.3], [1.0, 2.0, 4.0]),
        ]
    ),
    "identity": lambda v2: v2.Identity(),
    "rgb": lambda v2: v2.RGB(),
}
# The labels of these are numbers, or shares.
MIXING: dict[str, Callable[[Any], Any]] = {
    "mixup": lambda v2: v2.MixUp(num_classes=4),
    "cutmix": lambda v2: v2.CutMix(alpha=0.5, num_classes=4),
}
BATCH = np.stack([SMOOTH[i : i + 20, i : i + 16].transpose(2, 0, 1) / 255 for i in range(5)])
NUMBERS = np.array([0, 3, 1, 1, 2])


def numbers_of(each: Any) -> np.ndarray:
    """The values of an image, a mask or boxes, as float64."""
    array = np.asarray(each) if isinstance(each, Image.Image) else each.numpy()
    return array.astype(np.float64)


def sample(lib: Any, pil: bool) -> tuple[Any, dict[str, Any]]:
    """An image, and what belongs to it."""
    image = Image.fromarray(PICTURE)
    tensor = lib.tv_tensors.Image(lib.tensor(PICTURE.transpose(2, 0, 1).copy()))
    boxes = lib.tv_tensors.BoundingBoxes(lib.tensor(BOXES), format="XYXY", canvas_size=(24, 20))
    others = {"mask": lib.tv_tensors.Mask(lib.tensor(MASK)), "boxes": boxes, "label": 3}
    return image if pil else tensor, others


def outcome(lib: Any, name: str, pil: bool) -> list[np.ndarray]:
    """Values of image, mask, boxes, and the canvas."""
    image, others = CASES[name](lib.v2)(*sample(lib, pil))
    assert others["label"] == 3
    canvas = np.array(others["boxes"].canvas_size)
    return [numbers_of(image), numbers_of(others["mask"]), numbers_of(others["boxes"]), canvas]


def mixed(lib: Any, name: str, seed: int) -> list[np.ndarray]:
    """Images and labels of a batch, from number labels and from shares."""
    found = []
    for labels in (NUMBERS, np.eye(4, dtype=np.float32)[NUMBERS]):
        result = MIXING[name](lib.v2)(lib.tensor(BATCH), lib.tensor(labels))
        found += [numbers_of(each) for each in result]
    return found


def main() -> None:
    from types import SimpleNamespace

    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    v2.float32 = torch.float32
    lib = SimpleNamespace(v2=v2, tv_tensors=tv_tensors, tensor=torch.from_numpy)
    stream = Stream(0)

    def randint(*args: int, size: Any = None) -> Any:
        limits = [each for each in args if isinstance(each, int)]
        size = size or next((each for each in args if isinstance(each, tuple)), (1,))
        low, high = ([0, *limits])[-2:]
        return torch.tensor(stream.integers(low, high, size[0] if size else 1))

    torch.randint = randint
    torch.rand = lambda *size: torch.from_numpy(
        stream.uniforms(*(size[0] if not isinstance(size[0], int) else size))
    )
    torch.distributions.Beta.sample = lambda self, shape: float(stream.shares(2)[0])
    stored = {}
    for number, name in enumerate(CASES):
        for pil in (False, True):
            stream = Stream(number)
            for part, array in enumerate(outcome(lib, name, pil)):
                stored[f"{name} {pil} {part}"] = array
    for number, name in enumerate(MIXING):
        stream = Stream(number)
        for part, array in enumerate(mixed(lib, name, number)):
            stored[f"{name} {part}"] = array
    small = {key: array.astype(np.uint8) for key, array in stored.items()}
    kept = {
        key: small[key] if np.array_equal(small[key], array) else array.astype(np.float32)
        for key, array in stored.items()
    }
    np.savez_compressed(PATH, **kept)


if __name__ == "__main__":
    main()
