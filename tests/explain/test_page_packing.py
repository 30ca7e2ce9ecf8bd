"""pack: small, and exact to the last bit. The page's side is written here again, in Python."""

import base64
import zlib

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import models, nn
from minitorch_cnn.explain.page import packing
from minitorch_cnn.explain.page.packing import pack
from minitorch_cnn.explain.page.recording import record


def decoded(text, count, kind):
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.ascontiguousarray(planes.reshape(4, count).T).view(kind).ravel()


def unpack(manifest, numbers, places):
    """(values, gradients) of all layers, by the rules that network.js has."""
    flat = decoded(numbers, manifest["count"], "<f4")
    differences = decoded(places, manifest["places_count"], "<i4")
    zero = np.float32(0)

    def places_of(layer):
        start, (count,) = layer["places"]["at"], layer["places"]["shape"]
        shown = layer["kept"] * layer["shape"][1] * layer["shape"][2]
        return np.cumsum(differences[start : start + count], dtype=np.int32)[:shown]

    def take(place):
        whole = flat[place["at"] :][: np.prod(place["shape"], dtype=int)].reshape(place["shape"])
        return whole[tuple(map(slice, place.get("cut", whole.shape)))]

    layers, values, gradients = manifest["layers"], [], {}
    for layer in layers:
        sources = [values[each] for each in layer["sources"]]
        shape = (layer["kept"], *layer["shape"][1:])
        if "value" in layer:
            values.append(in_its_box(layer, take(layer["value"])))
        elif "places" in layer:
            moved = np.concatenate([*(each.ravel() for each in sources), [zero]])
            values.append(moved[places_of(layer)].reshape(shape))
        elif layer["kind"] == "relu":
            values.append(np.maximum(sources[0], zero))
        elif layer["kind"] == "add":
            values.append(sources[0] + sources[1])
        elif layer["kind"] == "affine":
            scale, shift = (take(layer["parameters"][n])[:, None, None] for n in ("scale", "shift"))
            x = sources[0].astype(np.float64 if layer["fused"] else np.float32)
            values.append((x * scale + shift).astype(np.float32))
        else:
            assert layer["kind"] == "identity"
            values.append(sources[0])
    for number in reversed(range(len(layers))):
        layer = layers[number]
        if "gradient" in layer:
            gradients[number] = in_its_box(layer, take(layer["gradient"]))
            continue
        (reader,) = [n for n, each in enumerate(layers) if number in each["sources"]]
        gy = gradients[reader]
        if "places" in layers[reader]:
            gradients[number] = np.zeros(values[number].shape, np.float32)
            stored = places_of(layers[reader])
            inside = stored < gradients[number].size
            gradients[number].ravel()[stored[inside]] = gy.ravel()[inside]
        elif layers[reader]["kind"] == "relu":
            gradients[number] = np.where(values[reader] > 0, gy, zero * values[reader])
        elif layers[reader]["kind"] == "affine":
            gradients[number] = gy * take(layers[reader]["parameters"]["scale"])[:, None, None]
        else:
            assert layers[reader]["kind"] in ("add", "identity")
            gradients[number] = gy.reshape(values[number].shape)
    return values, gradients


def in_its_box(layer, stored):
    """Maps of which only the middle is stored: NaN around it."""
    if "box" not in layer:
        return stored
    top, left, height, width = layer["box"]
    whole = np.full((layer["kept"], *layer["shape"][1:]), np.nan, np.float32)
    whole[:, top : top + height, left : left + width] = stored
    return whole


def recorded(model, *shape):
    picture = np.random.default_rng(3).standard_normal((1, *shape)).astype(np.float32)
    return record(model.eval(), mt.tensor(picture))


@pytest.mark.parametrize(
    "make", [lambda: models.cifar.CifarResNet([1, 1], [4, 6]), lambda: models.lenet5(10, 3, 0)]
)
def test_all_numbers_come_back_exactly(make):
    layers = recorded(make(), 3, 32, 32)
    manifest, *texts = pack(layers, 10**7)
    assert manifest["limit"] is None
    values, gradients = unpack(manifest, *texts)
    for number, layer in enumerate(layers):
        np.testing.assert_array_equal(values[number], layer.value, layer.name)
        np.testing.assert_array_equal(gradients[number], layer.gradient, layer.name)
    derived = [each["kind"] for each in manifest["layers"] if "value" not in each]
    assert "relu" in derived


@pytest.mark.parametrize("fused", [False, True])
def test_both_ways_to_round_a_batch_norm_are_known(fused):
    """Numba's kernel multiplies and adds in one instruction, NumPy in two; both are exact."""
    layers = recorded(models.cifar.CifarResNet([1], [4]), 3, 16, 16)
    x, parameters = layers[1].value, layers[2].parameters
    parameters["scale"], parameters["shift"] = (
        np.float32([0.3, 0.7, 1.1, 1.3]),
        np.float32([0.1] * 4),
    )
    wide = x.astype(np.float64) if fused else x
    scale, shift = (parameters[each].reshape(-1, 1, 1) for each in ("scale", "shift"))
    layers[2].value = (wide * scale + shift).astype(np.float32)
    manifest, *texts = pack(layers, 10**7)
    assert manifest["layers"][2]["fused"] is fused
    np.testing.assert_array_equal(unpack(manifest, *texts)[0][2], layers[2].value)


def test_a_rule_that_is_not_exact_is_not_used():
    layers = recorded(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten()), 1, 6, 6)
    layers[2].value[0, 0, 0] += np.float32(1e-6)
    manifest, *texts = pack(layers, 10**6)
    assert "value" in manifest["layers"][2]
    np.testing.assert_array_equal(unpack(manifest, *texts)[0][2], layers[2].value)


@pytest.mark.parametrize("limit, whole", [(600, False), (40, False), (600, True)])
def test_a_network_that_is_too_large_keeps_its_first_maps_and_their_middle(
    limit, whole, monkeypatch
):
    """16x16 maps: two of them, or the middle of one; exact where they are stored, NaN elsewhere.

    All weights, if there is room.
    """
    monkeypatch.setattr(packing, "FOR_WEIGHTS", 1 if whole else 1e-3)
    monkeypatch.setattr(packing, "LIMITS", (None, limit))
    layers = recorded(models.cifar.CifarResNet([1, 1], [12, 24]), 3, 16, 16)
    size = sum(map(len, pack(layers, 10**7)[1:]))
    manifest, *texts = pack(layers, size // 2 + 25_000)  # the manifest counts, too
    assert manifest["limit"] == limit and manifest["runs"] == whole
    values, gradients = unpack(manifest, *texts)
    for number, layer in enumerate(layers):
        entry = manifest["layers"][number]
        assert entry["shape"] == list(layer.value.shape)
        assert values[number].shape == (entry["kept"], *layer.value.shape[1:])
        for stored, exact in ((values[number], layer.value), (gradients[number], layer.gradient)):
            there = ~np.isnan(stored)
            np.testing.assert_array_equal(stored[there], exact[: entry["kept"]][there])
            top, left, height, width = entry.get("box", (0, 0, *stored.shape[1:]))
            inside = np.zeros_like(there)
            inside[:, top : top + height, left : left + width] = True
            np.testing.assert_array_equal(there, inside)
    first = manifest["layers"][1]
    assert first["kept"] == max(1, limit // 256) and ("box" in first) == (5 * limit < 256)
    assert manifest["layers"][0]["kept"] == 3 and "box" not in manifest["layers"][0]
    assert manifest["layers"][-1]["kept"] == 10  # the scores are all there
    weight = first["parameters"]["weight"]
    assert weight["shape"] == [12 if whole else first["kept"], 3, 3, 3]
    assert weight.get("cut", weight["shape"]) == [first["kept"], 3, 3, 3]


def test_a_page_that_cannot_be_small_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"MB.*3 layers.*40x40"):
        pack(recorded(nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten()), 1, 40, 40), 1000)
