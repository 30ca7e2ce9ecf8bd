"""Writes drawn.npz: what torchvision's random transforms make of two pictures, draw by draw.

    pip install torch==2.14.1 torchvision==0.29.1
    python -m tests.transforms.make_drawn

The random numbers are those of a `Stream`, put in the place of torch's functions there and of
`transforms.draws` in the tests: so the order in which they are drawn counts as well.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PATH = Path(__file__).with_name("drawn.npz")
TIMES = 30


class Stream:
    """Uniform numbers in a fixed order."""

    def __init__(self, seed: int) -> None:
        self.bits = np.random.Philox(key=seed)

    def uniforms(self, *shape: int) -> np.ndarray:
        raw = self.bits.random_raw(int(np.prod(shape)))
        return (raw / 2.0**64).astype(np.float32).reshape(shape)

    def integers(self, low: int, high: int, count: int) -> list[int]:
        return [low + int(each * (high - low)) for each in self.uniforms(count)]

    def shares(self, count: int) -> np.ndarray:
        numbers = self.uniforms(count) + np.float32(0.1)
        return numbers / numbers.sum()


PIXELS = np.random.Philox(key=1).random_raw(3 * 48 * 40).view(np.uint8)[::8].reshape(48, 40, 3)
SMOOTH = np.asarray(Image.fromarray(PIXELS).resize((12, 10)).resize((40, 48), 3))

# name: what makes the transform, from torchvision.transforms or ours
TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "imagenet": lambda T: T.AutoAugment(),
    "cifar10": lambda T: T.AutoAugment(T.AutoAugmentPolicy.CIFAR10, fill=[1, 2, 3]),
    "svhn": lambda T: T.AutoAugment(
        T.AutoAugmentPolicy("svhn"), interpolation=T.InterpolationMode.BILINEAR
    ),
    "randaugment": lambda T: T.RandAugment(),
    "randaugment 3": lambda T: T.RandAugment(3, 5, 10, T.InterpolationMode.BILINEAR, [7]),
    "trivial": lambda T: T.TrivialAugmentWide(),
    "trivial 5": lambda T: T.TrivialAugmentWide(5, T.InterpolationMode.BILINEAR),
    "augmix": lambda T: T.AugMix(),
    "augmix 10": lambda T: T.AugMix(10, 2, 4, 0.5, False),
    "perspective": lambda T: T.RandomPerspective(),
    "perspective all": lambda T: T.RandomPerspective(0.7, 1.0, T.InterpolationMode.NEAREST, 9),
    "elastic": lambda T: T.ElasticTransform(30.0, 3.0),
    "elastic two": lambda T: T.ElasticTransform([90.0, 10.0], [4.0, 2.0], fill=5),
}


def results(transform: Any, image: Any, to_array: Callable[[Any], np.ndarray]) -> np.ndarray:
    """(TIMES, 5): a checksum of each result and the means of four parts of it."""
    rows = []
    for _ in range(TIMES):
        array = to_array(transform(image))
        assert array.dtype == np.uint8 and array.shape == PIXELS.shape
        parts = [array[a::2, b::2].mean() for a in (0, 1) for b in (0, 1)]
        rows.append([zlib.crc32(array.tobytes()), *parts])
    return np.array(rows)


def main() -> None:
    import torch
    from torchvision import transforms as T

    stream = Stream(0)

    def randint(*args: int, size: Any = None, **kwargs: Any) -> Any:
        low, high = kwargs.get("low", 0), kwargs.get("high")
        limits = [each for each in args if isinstance(each, int)]
        size = size or next(each for each in args if isinstance(each, tuple))
        if limits:
            low, high = ([0, *limits])[-2:]
        return torch.tensor(stream.integers(low, high, size[0]))

    def dirichlet(self: Any, params: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.from_numpy(stream.shares(len(row))) for row in params])

    torch.randint = randint
    torch.rand = lambda *size: torch.from_numpy(
        stream.uniforms(*(size[0] if not isinstance(size[0], int) else size))
    )
    T.AugMix._sample_dirichlet = dirichlet
    pil, tensor = Image.fromarray(SMOOTH), torch.from_numpy(SMOOTH.transpose(2, 0, 1).copy())
    stored = {}
    for number, (name, make) in enumerate(TRANSFORMS.items()):
        stream = Stream(number)
        stored[f"{name} pil"] = results(make(T), pil, np.asarray)
        stream = Stream(number)
        stored[f"{name} tensor"] = results(
            make(T), tensor, lambda x: np.ascontiguousarray(x.numpy().transpose(1, 2, 0))
        )
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
