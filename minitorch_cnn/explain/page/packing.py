"""The numbers of a recording, made small enough for one file and exact to the last bit.

Three things keep a page with a whole ResNet under 5 MB:

- What follows exactly from other numbers is not stored: a ReLU's output, an addition, numbers that
  were only moved, the gradient that an addition passes on. Each such rule is tried here in float32;
  only if it gives the very same bits does the page compute it again (network.js).
- The rest is stored as float32, bytes of equal rank together (all exponents, ..., all last bytes),
  which compresses better, then deflated; browsers can undo that without a library.
- If that is still too much, every layer may hold so many numbers and no more: its first maps, and
  of a map that is larger than that, the middle. The page then shows sums as "the stored numbers
  give this, the others the rest". Weights stay whole if they fit, so that the network can run.
"""

from __future__ import annotations

import base64
import bisect
import json
import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .formulas import formulas_of
from .places import count_distinct
from .recording import Layer

# How many numbers of a layer are stored: the first of these with which the page is small enough.
LIMITS = (None, *(int(131_072 / 1.2**step) for step in range(39)))
LARGE = 5  # Of a layer with larger maps, as there are few, one of so many times that is stored.
WHOLE_PICTURE = 160_000  # numbers of a picture that is always there
# Layers whose map c is made of the map c of what they read.
CURVES = {
    "relu", "relu6", "hardtanh", "clamp", "leakyrelu", "prelu", "elu", "gelu", "gelutanh", "silu",
    "mish", "hardsigmoid", "hardswish", "softplus", "sigmoid", "tanh", "exp", "log", "sqrt",
    "rsqrt", "reciprocal", "sin", "cos", "erf", "abs", "neg", "expm1", "log1p", "tan", "atan",
    "sinh", "cosh", "sign",
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "plus": np.add,
    "minus": np.subtract,
    "times": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
POOLS = {"maxpool", "avgpool", "adaptive", "resize"}
ONE_TO_ONE = CURVES | set(BINARY) | POOLS | {"affine", "identity", "power"}
# Characters of base64 for a number, at the very least: a third of its bytes are noise.
BYTES_PER_NUMBER = 1.8
BYTES_PER_WEIGHT = 5
FOR_WEIGHTS = 0.8  # of a page, if that is enough for all of them


class Kept(NamedTuple):
    """What is stored of a layer: its first maps, and of each the box (top, left, height, width)."""

    maps: int
    box: tuple[int, int, int, int]

    def of(self, array: np.ndarray) -> np.ndarray:
        """The part of (C, H, W) that is stored."""
        top, left, height, width = self.box
        return array[: self.maps, top : top + height, left : left + width]


def pack(layers: Sequence[Layer], budget: int) -> tuple[dict[str, Any], str, str]:
    """(manifest, numbers, places): plain data for JSON, all arrays and all places in base64.

    Together at most `budget` bytes. Raises ValueError if that cannot be.
    """
    readers: list[list[int]] = [[] for _ in layers]
    for number, layer in enumerate(layers):
        for source in dict.fromkeys(layer.sources):
            readers[source].append(number)
    rules = [_rules(layers, number, readers[number]) for number in range(len(layers))]
    count = _count_what_runs(layers)
    whole = may_run(count, budget)
    needed = bytes_to_run(count)
    size, each, place = 0, BYTES_PER_NUMBER, 0
    while place < len(LIMITS):

        def may_fit(place: int, each: float = each) -> bool:
            return each * _pack(layers, LIMITS[place], rules, readers, whole)[1].length <= budget

        # What has too many numbers is not even compressed.
        place = bisect.bisect_left(range(len(LIMITS)), True, place, len(LIMITS) - 1, key=may_fit)
        manifest, store = _pack(layers, LIMITS[place], rules, readers, whole)
        manifest |= {"runs": LIMITS[place] is None or whole, "bytes_to_run": int(needed)}
        numbers, places = store.text()
        size = len(numbers) + len(places) + len(json.dumps(manifest))
        if size <= budget:
            return manifest, numbers, places
        each = max(each, 0.97 * len(numbers) / store.length)  # as much as it was here, about
        place += 1
    raise ValueError(
        f"the page would take {size / 1e6:.1f} MB, more than {budget / 1e6:.1f} MB: "
        f"the network has {len(layers)} layers, and the picture is "
        f"{layers[0].value.shape[1]}x{layers[0].value.shape[2]}. Take a smaller one."
    )


def bytes_to_run(count: int) -> float:
    """How large a page must be to hold so many weights, and what there is to show."""
    return BYTES_PER_WEIGHT * count / FOR_WEIGHTS


def may_run(count: int, budget: int) -> bool:
    return bytes_to_run(count) < budget


class _Store:
    """Arrays one behind the other, each known by its place."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.places: list[np.ndarray] = []
        self.length = self.count = 0
        self.known: dict[tuple[int, int], int] = {}  # a weight that several layers have: its place

    def put(self, array: np.ndarray) -> dict[str, Any]:
        key = key_of(array)
        if key not in self.known:
            self.known[key] = self.length
            self.arrays.append(array)
            self.length += array.size
        return {"at": self.known[key], "shape": list(array.shape)}

    def put_places(self, places: np.ndarray) -> dict[str, Any]:
        self.places.append(places)
        place = {"at": self.count, "shape": [len(places)]}
        self.count += len(places)
        return place

    def text(self) -> tuple[str, str]:
        # Differences to the one before: nearly always the same few.
        differences = [np.diff(each, prepend=np.int32(0)) for each in self.places]
        return _text(self.arrays, "<f4"), _text(differences, "<i4")


def key_of(array: np.ndarray) -> tuple[int, int]:
    """What tells an array's numbers while it lives: where they lie, one after the other."""
    whole = array.flags.c_contiguous and array.dtype == np.float32
    return (array.ctypes.data, array.size) if whole else (id(array), -1)


def _text(arrays: list[np.ndarray], kind: str) -> str:
    flat = [np.asarray(each, kind).ravel() for each in arrays]
    numbers = np.concatenate([*flat, np.empty(0, kind)])
    planes = numbers.view(np.uint8).reshape(-1, 4).T  # (4, count): bytes of equal rank
    return base64.b64encode(zlib.compress(planes.tobytes(), 6)).decode()


def _pack(
    layers: Sequence[Layer],
    limit: int | None,
    rules: list[dict[str, Any]],
    readers: list[list[int]],
    whole: bool,
) -> tuple[dict[str, Any], _Store]:
    store = _Store()
    kept = _kept_parts(layers, limit, whole)
    described = []
    formulas = formulas_of(layers) if whole or limit is None else []
    numbers = {id(each): len(layers) + place for place, each in enumerate(formulas)}
    for number, layer in enumerate(layers):
        own, rule = kept[number], rules[number]
        inputs = kept[layer.sources[0]].maps if layer.sources else 0
        entry: dict[str, Any] = {
            "name": layer.name,
            "kind": layer.kind,
            "text": layer.text,
            "sources": layer.sources,
            "shape": list(layer.value.shape),
            "kept": own.maps,
            "options": {name: _plain(value) for name, value in layer.options.items()},
            "parameters": {
                name: _put_parameter(
                    store, array, _cut(name, array, layer, own.maps, inputs), whole, name
                )
                for name, array in layer.parameters.items()
            },
            "names": layer.names,
            "computed": {name: numbers.get(id(each)) for name, each in layer.computed.items()},
            "has_gradient": layer.gradient is not None,
        }
        if own.box[2:] != layer.value.shape[1:]:
            entry["box"] = own.box
        if layer.places is not None:
            part = layer.places[: own.maps * layer.value[0].size]
            entry["places"] = store.put_places(layer.places if whole else part)
            derived = _are_known(layers, number, kept)
        else:
            derived = rule["value"]
            entry |= {"fused": rule["fused"]} if derived else {}
        if not derived:
            entry["value"] = store.put(own.of(layer.value))
        if layer.gradient is not None and not (
            rule["gradient"] and _gradient_is_known(layers, number, readers[number][0], kept)
        ):
            entry["gradient"] = store.put(own.of(layer.gradient))
        described.append(entry)
    below = [_put_formula(store, each, numbers) for each in formulas]
    counts = {"count": store.length, "places_count": store.count, "limit": limit}
    return {"layers": described, "formulas": below, **counts}, store


def _put_formula(store: _Store, step: Any, numbers: dict[int, int]) -> dict[str, Any]:
    """A step that computes weights, whole. Only what nothing computes has a value."""
    entry: dict[str, Any] = {
        "kind": step.kind,
        "sources": [numbers[id(each)] for each in step.inputs],
        "shape": list(step.value.shape),
        "options": {name: _plain(value) for name, value in step.options.items()},
        "parameters": {name: store.put(array) for name, array in step.parameters.items()},
        "names": step.names,
        "computed": {name: numbers[id(each)] for name, each in step.computed.items()},
    }
    if step.places is not None:
        entry["places"] = store.put_places(step.places)
    elif not step.inputs and "value" not in step.computed:
        entry["value"] = store.put(step.value)
    return entry


def _plain(value: Any) -> Any:
    """JSON has no infinity; JavaScript's Number reads this one."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _count_what_runs(layers: Sequence[Layer]) -> int:
    """How many numbers a page must hold so that the network can run in it: weights and picture."""
    arrays = [
        array
        for layer in (*layers, *formulas_of(layers))
        for name, array in (*layer.parameters.items(), ("value", layer.value))
        if name != "weight_gradient" and (name != "value" or layer.kind in ("parameter", "input"))
    ]
    return sum({key_of(each): each.size for each in arrays}.values())


def _put_parameter(
    store: _Store, array: np.ndarray, part: np.ndarray, whole: bool, name: str
) -> dict[str, Any]:
    """Stores a parameter: the part that belongs to the stored maps, or all and how much that is."""
    if not whole or name == "weight_gradient" or part.shape == array.shape:
        return store.put(part)
    return {**store.put(array), "cut": list(part.shape)}


def _kept_parts(layers: Sequence[Layer], limit: int | None, whole: bool) -> list[Kept]:
    """What is stored of each layer."""
    kept: list[Kept] = []
    for number, layer in enumerate(layers):
        channels, height, width = layer.value.shape
        box = (0, 0, height, width)
        area = height * width
        maps = channels
        runs = whole and layer.kind in ("parameter", "input")
        if limit is not None and not runs and (number or layer.value.size > WHOLE_PICTURE):
            if number < len(layers) - 1 or area > 1:  # the scores are all there
                # As many weights of a convolution as numbers, about.
                most = max(4, math.isqrt(limit) // 2)
                maps = min(channels, max(1, limit // area), most if area > 1 else 2 * most)
            box = _middle(height, width, LARGE * limit)
        if layer.kind == "flatten":
            (source,) = layer.sources
            maps = min(channels, kept[source].maps * layers[source].value[0].size)
        elif layer.kind in ONE_TO_ONE:
            equal = [n for n in layer.sources if layers[n].value.shape[0] == channels]
            maps = min(kept[each].maps for each in equal) if equal else maps
        kept.append(Kept(maps, box))
    return kept


def _middle(height: int, width: int, limit: int) -> tuple[int, int, int, int]:
    """The middle of a map of more numbers than the limit, of about its form."""
    if height * width <= limit:
        return 0, 0, height, width
    share = math.sqrt(limit / (height * width))
    h = max(min(height, 3), int(height * share))
    w = max(min(width, 3), min(width, limit // h))
    return (height - h) // 2, (width - w) // 2, h, w


def _cut(name: str, array: np.ndarray, layer: Layer, outputs: int, inputs: int) -> np.ndarray:
    """The part of a parameter that belongs to the stored maps."""
    if name in ("rows", "columns", "divisor"):
        return array
    if layer.kind in ("conv3d", "transposed3d") and name == "weight":
        depth = layer.options["depth"]
        filters, channels = -(-outputs // depth["output"]), -(-inputs // depth["input"])
        first, second = (filters, channels) if layer.kind == "conv3d" else (channels, filters)
        return array[:first, :second]
    if layer.kind == "transposed" and name == "weight":
        return array[:inputs, :outputs]
    if layer.kind in ("conv", "linear") and name.startswith("weight"):  # and its gradient
        return array[:outputs, :inputs]
    return array[:outputs] if len(array) > 1 else array


def _are_known(layers: Sequence[Layer], number: int, kept: list[Kept]) -> bool:
    """Whether all numbers that a layer moves are stored in its sources."""
    layer = layers[number]
    assert layer.places is not None
    there = [np.zeros(0, bool)]
    for source in layer.sources:
        stored = np.zeros(layers[source].value.shape, bool)
        kept[source].of(stored)[...] = True
        there.append(stored.ravel())
    stored = np.concatenate([*there, [True]])  # -1 is the last one: what is filled in
    wanted = layer.places.reshape(layer.value.shape)
    return bool(stored[kept[number].of(wanted)].all())


def _gradient_is_known(layers: Sequence[Layer], number: int, place: int, kept: list[Kept]) -> bool:
    """Whether the gradient of the only reader, `place`, is stored for all that is stored here."""
    reader, own, shape = layers[place], kept[place], layers[place].value.shape
    if reader.kind == "flatten":
        return own.maps >= kept[number].maps * layers[number].value[0].size
    if reader.places is not None:
        return own == Kept(shape[0], (0, 0, *shape[1:]))
    return own.box == kept[number].box and own.maps >= kept[number].maps


def _same(by_rule: np.ndarray | None, exact: np.ndarray) -> bool:
    return by_rule is not None and np.array_equal(by_rule, exact)


# ------------------------------------------------------- rules that the page applies, too


def _rules(layers: Sequence[Layer], number: int, readers: list[int]) -> dict[str, Any]:
    """Whether a layer's value and gradient follow exactly from others."""
    layer = layers[number]
    found: dict[str, Any] = {"value": False, "fused": False, "gradient": False}
    for fused in (False, True) if layer.kind == "affine" else (False,):
        if layer.places is None and _same(value_by_rule(layers, number, fused), layer.value):
            found |= {"value": True, "fused": fused}
            break
    if layer.gradient is not None:
        found["gradient"] = _same(gradient_by_rule(layers, number, readers), layer.gradient)
    return found


def value_by_rule(layers: Sequence[Layer], number: int, fused: bool) -> np.ndarray | None:
    """A layer's output from its sources', in float32; None where the page has no rule.

    fused: multiply and add with one rounding at the end, as processors' fused instruction does,
    instead of one after each.
    """
    layer = layers[number]
    values = [layers[each].value for each in layer.sources]
    if layer.kind == "relu":
        return np.maximum(values[0], np.float32(0))
    if layer.kind in BINARY:
        if "number" in layer.options:
            values.insert(layer.options["place"], np.float32(layer.options["number"]))  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            return BINARY[layer.kind](*values)
    if layer.kind == "affine":
        scale, shift = (layer.parameters[name].reshape(-1, 1, 1) for name in ("scale", "shift"))
        x = values[0].astype(np.float64) if fused else values[0]
        return (x * scale + shift).astype(np.float32)
    if layer.kind == "identity":
        return values[0].reshape(layer.value.shape)
    return None


def gradient_by_rule(layers: Sequence[Layer], number: int, readers: list[int]) -> np.ndarray | None:
    """A layer's gradient from that of its only reader, in float32, or None."""
    if len(readers) != 1:
        return None
    reader, shape = layers[readers[0]], layers[number].value.shape
    gradient = reader.gradient
    if gradient is None:
        return None
    if reader.places is not None:
        real = reader.places[reader.places >= 0]
        if len(reader.sources) > 1 or count_distinct(real, math.prod(shape)) < len(real):
            return None
        moved = np.zeros(math.prod(shape) + 1, np.float32)  # one more, for what was filled in
        moved[reader.places] = gradient.ravel()
        return moved[:-1].reshape(shape)
    if reader.kind == "relu":
        return np.where(reader.value > 0, gradient, np.float32(0))
    if reader.kind == "affine":
        return gradient * reader.parameters["scale"].reshape(-1, 1, 1)
    if reader.kind == "times" and "number" in reader.options:
        return gradient * np.float32(reader.options["number"])
    same = reader.kind in ("add", "plus") and gradient.shape == shape
    if (same and reader.sources.count(number) == 1) or reader.kind == "identity":
        return gradient.reshape(shape)
    return None
