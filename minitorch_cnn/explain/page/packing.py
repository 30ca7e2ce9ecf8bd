"""The numbers of a recording, made small enough for one file and exact to the last bit.

Three things keep a page with a whole ResNet under 5 MB:

- What follows exactly from other numbers is not stored: a ReLU's output, an addition, the gradient
  that an addition passes on. Each such rule is tried here in float32; only if it gives the very
  same bits does the page compute it again.
- The rest is stored as float32, bytes of equal rank together (all exponents, ..., all last bytes),
  which compresses better, then deflated; browsers can undo that without a library.
- If that is still too much, only the first maps of every layer are stored. The page then shows
  sums as "the stored maps give this, the others the rest".
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .recording import Layer

# How many maps of a layer are stored: the first of these with which the page is small enough.
MAP_LIMITS = (None, 64, 32, 16, 8, 4)
# Layers whose map c is made of the map c of what they read.
ONE_TO_ONE = ("affine", "relu", "add", "maxpool", "avgpool", "adaptive", "identity")
# Characters of base64 for a number, at the very least: half of its bytes are noise.
BYTES_PER_NUMBER = 2.7


def pack(layers: Sequence[Layer], budget: int) -> tuple[dict[str, Any], str]:
    """(manifest, numbers): plain data for JSON, and all arrays in base64, at most `budget` bytes.

    Raises ValueError if even four maps of each layer are too much.
    """
    for limit in MAP_LIMITS:
        manifest, store = _pack(layers, limit)
        if BYTES_PER_NUMBER * store.length > budget and limit != MAP_LIMITS[-1]:
            continue  # far too much: do not even try to compress it
        numbers = store.text()
        if len(numbers) <= budget:
            return manifest, numbers
    raise ValueError(
        f"the page would take {len(numbers) / 1e6:.1f} MB, more than {budget / 1e6:.1f} MB: "
        f"the network has {len(layers)} layers, and the picture is "
        f"{layers[0].value.shape[1]}x{layers[0].value.shape[2]}. Take a smaller one."
    )


class _Store:
    """Arrays one behind the other, each known by its place."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.length = 0

    def put(self, array: np.ndarray) -> dict[str, Any]:
        self.arrays.append(np.ascontiguousarray(array, "<f4").ravel())
        place = {"at": self.length, "shape": list(array.shape)}
        self.length += array.size
        return place

    def text(self) -> str:
        numbers = np.concatenate(self.arrays)
        planes = numbers.view(np.uint8).reshape(-1, 4).T  # (4, count): bytes of equal rank
        return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def _pack(layers: Sequence[Layer], limit: int | None) -> tuple[dict[str, Any], _Store]:
    store = _Store()
    kept = _kept_maps(layers, limit)
    described = []
    for number, layer in enumerate(layers):
        inputs = kept[layer.sources[0]] if layer.sources else 0
        entry: dict[str, Any] = {
            "name": layer.name,
            "kind": layer.kind,
            "text": layer.text,
            "sources": layer.sources,
            "shape": list(layer.value.shape),
            "kept": kept[number],
            "options": layer.options,
            "parameters": {
                name: store.put(_cut(name, array, layer, kept[number], inputs))
                for name, array in layer.parameters.items()
            },
        }
        for fused in (False, True):
            if _same(value_by_rule(layers, number, fused), layer.value):
                entry["fused"] = fused
                break
        else:
            entry["value"] = store.put(layer.value[: kept[number]])
        gradient = layer.gradient
        if gradient is not None and not _same(gradient_by_rule(layers, number), gradient):
            entry["gradient"] = store.put(gradient[: kept[number]])
        entry["has_gradient"] = gradient is not None
        described.append(entry)
    return {"layers": described, "count": store.length, "limit": limit}, store


def _kept_maps(layers: Sequence[Layer], limit: int | None) -> list[int]:
    """How many maps of each layer are stored: always the first ones."""
    kept: list[int] = []
    for layer in layers:
        channels = layer.value.shape[0]
        last = len(kept) == len(layers) - 1
        if layer.kind == "flatten":
            (source,) = layer.sources
            kept.append(kept[source] * layers[source].value[0].size)
        elif layer.kind in ONE_TO_ONE:
            kept.append(min(kept[each] for each in layer.sources))
        elif limit is None or last:  # the scores are all there
            kept.append(channels)
        else:
            # A feature is one number, not a map, so there may be more of them.
            kept.append(min(channels, limit if layer.value[0].size > 1 else 4 * limit))
    return kept


def _cut(name: str, array: np.ndarray, layer: Layer, outputs: int, inputs: int) -> np.ndarray:
    """The part of a parameter that belongs to the stored maps."""
    weights = name in ("weight", "weight_gradient") and array.ndim > 1
    return array[:outputs, :inputs] if weights else array[:outputs]


def _same(by_rule: np.ndarray | None, exact: np.ndarray) -> bool:
    return by_rule is not None and np.array_equal(by_rule, exact)


# ------------------------------------------------------- rules that the page applies, too


def value_by_rule(layers: Sequence[Layer], number: int, fused: bool) -> np.ndarray | None:
    """A layer's output from its sources', in float32; None where the page has no rule.

    fused: multiply and add with one rounding at the end, as processors' fused instruction does,
    instead of one after each.
    """
    layer = layers[number]
    values = [layers[each].value for each in layer.sources]
    if layer.kind == "relu":
        return np.maximum(values[0], np.float32(0))
    if layer.kind == "add":
        return values[0] + values[1]
    if layer.kind == "affine":
        scale, shift = (layer.parameters[name].reshape(-1, 1, 1) for name in ("scale", "shift"))
        x = values[0].astype(np.float64) if fused else values[0]
        return (x * scale + shift).astype(np.float32)
    if layer.kind in ("flatten", "identity"):
        return values[0].reshape(layer.value.shape)
    return None


def gradient_by_rule(layers: Sequence[Layer], number: int) -> np.ndarray | None:
    """A layer's gradient from that of its only reader, in float32, or None."""
    readers = [each for each in layers if number in each.sources]
    if len(readers) != 1 or readers[0].gradient is None:
        return None
    reader, gradient = readers[0], readers[0].gradient
    if reader.kind == "relu":
        return np.where(reader.value > 0, gradient, np.float32(0))
    if reader.kind == "affine":
        return gradient * reader.parameters["scale"].reshape(-1, 1, 1)
    if reader.kind in ("add", "flatten", "identity"):
        return gradient.reshape(layers[number].value.shape)
    return None
