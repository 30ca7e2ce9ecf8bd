"""Small folders laid out as the real data sets are; used by test_layouts.py.

    pip install torchvision==0.29.1 scipy
    python -m tests.datasets.layouts        (writes layouts.json: what torchvision reads in them)

Pictures have one colour, so that JPEG keeps it nearly: `colour(i)` is that of picture i.
"""

from __future__ import annotations

import bz2
import json
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

STORED = Path(__file__).with_suffix(".json")
RNG = np.random.default_rng(5)


def colour(number: int) -> tuple[int, int, int]:
    return (20 + 35 * number, 200 - 30 * number, 90)


def picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16 + number, 16), colour(number)).save(path, quality=95)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def mat(path: Path, *, order: str = "<", packed: bool = True, **arrays: np.ndarray) -> None:
    """MATLAB's format, version 5, written by its description."""
    codes = {"uint8": (9, 2), "uint16": (11, 4), "float64": (6, 9)}  # array and element types

    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(order + "II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    content = b"made by hand".ljust(124) + struct.pack(order + "H", 0x100)
    content += b"IM" if order == "<" else b"MI"
    for name, array in arrays.items():
        whole, kind = codes[array.dtype.name]
        values = array.astype(array.dtype.newbyteorder(order)).tobytes("F")
        short = name.encode()  # up to 4 letters stand beside their number
        word = struct.pack(order + "I", len(short) << 16 | 1) + short.ljust(4, b"\0")
        one = element(
            14,
            element(6, struct.pack(order + "II", whole, 0))
            + element(5, struct.pack(f"{order}{array.ndim}i", *array.shape))
            + (word if len(short) <= 4 else element(1, short))
            + element(kind, values),
        )
        if packed:
            one = zlib.compress(one)
            one = struct.pack(order + "II", 15, len(one)) + one
        content += one
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


PIXELS = RNG.integers(256, size=(5, 3, 32, 32), dtype=np.uint8)
LARGE = RNG.integers(256, size=(12, 3, 96, 96), dtype=np.uint8)


def svhn(root: Path) -> None:
    labels = np.array([[10], [1], [9], [10], [2]], np.uint8)
    mat(root / "test_32x32.mat", X=PIXELS.transpose(2, 3, 1, 0), y=labels)


def stl10(root: Path) -> None:
    folder = root / "stl10_binary"
    text(folder / "class_names.txt", "airplane", "bird")
    text(folder / "fold_indices.txt", *(f"{i} {i + 1}" for i in range(10)))
    for name, rows in (("train", LARGE), ("unlabeled", LARGE[:2]), ("test", LARGE[3:5])):
        rows.swapaxes(2, 3).tofile(folder / f"{name}_X.bin")
        (np.arange(len(rows), dtype=np.uint8) % 2 + 1).tofile(folder / f"{name}_y.bin")


def usps(root: Path) -> None:
    rows = [
        " ".join(f"{i + 1}:{(i * k % 256) / 127.5 - 1:.6f}" for i in range(256)) for k in (1, 3)
    ]
    with bz2.open(root / "usps.t.bz2", "wt") as file:
        file.write(f"10 {rows[0]} \n3 {rows[1]} \n")


def emnist(root: Path) -> None:
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    images = PIXELS[:, 0, :28, :28]
    header = struct.pack(">BBBBiii", 0, 0, 8, 3, 5, 28, 28)
    (folder / "emnist-letters-test-images-idx3-ubyte").write_bytes(header + images.tobytes())
    header = struct.pack(">BBBBi", 0, 0, 8, 1, 5)
    (folder / "emnist-letters-test-labels-idx1-ubyte").write_bytes(header + bytes([1, 26, 3, 2, 9]))


def flowers102(root: Path) -> None:
    folder = root / "flowers-102"
    for number in range(1, 5):
        picture(folder / "jpg" / f"image_{number:05d}.jpg", number)
    mat(folder / "imagelabels.mat", labels=np.array([[77, 1, 102, 5]], np.uint8))
    splits = {"trnid": [[4, 1]], "valid": [[1, 3]], "tstid": [[3, 2]]}
    mat(folder / "setid.mat", **{k: np.array(v, np.uint16) for k, v in splits.items()})


def food101(root: Path) -> None:
    folder = root / "food-101"
    names = {"waffles": ["waffles/3", "waffles/1"], "apple_pie": ["apple_pie/2"]}
    for each in (each for images in names.values() for each in images):
        picture(folder / "images" / f"{each}.jpg", int(each[-1]))
    text(folder / "meta" / "train.json", json.dumps(names))


def pets(root: Path) -> None:
    folder = root / "oxford-iiit-pet"
    lines = []
    for number, (breed, label, species) in enumerate(
        [("Abyssinian", 1, 1), ("saint_bernard", 3, 2), ("american_bulldog", 2, 2)]
    ):
        picture(folder / "images" / f"{breed}_{number}.jpg", number)
        mask = Image.fromarray(np.full((16, 16), number + 1, np.uint8))
        (folder / "annotations" / "trimaps").mkdir(parents=True, exist_ok=True)
        mask.save(folder / "annotations" / "trimaps" / f"{breed}_{number}.png")
        lines.append(f"{breed}_{number} {label} {species} 1")
    text(folder / "annotations" / "trainval.txt", *lines)


def voc(root: Path) -> None:
    folder = root / "VOCdevkit" / "VOC2007"
    for number, name in enumerate(["000005", "000007"]):
        picture(folder / "JPEGImages" / f"{name}.jpg", number)
        mask = Image.fromarray(np.full((16, 16), number, np.uint8)).convert("P")
        (folder / "SegmentationClass").mkdir(exist_ok=True)
        mask.save(folder / "SegmentationClass" / f"{name}.png")
        thing = "<object>\n<name>chair</name><bndbox><xmin>3</xmin></bndbox></object>"
        body = f"<size><width>16</width></size><segmented>0</segmented>{thing * (number + 1)}"
        text(folder / "Annotations" / f"{name}.xml", f"<annotation>{body}</annotation>")
    for kind in ("Main", "Segmentation"):
        text(folder / "ImageSets" / kind / "test.txt", "000007", "000005")


def celeba(root: Path) -> None:
    folder = root / "celeba"
    names = [f"{number:06d}.jpg" for number in range(7)]
    for number, name in enumerate(names):
        picture(folder / "img_align_celeba" / name, number)
    rows = list(enumerate(names))
    text(folder / "list_eval_partition.txt", *(f"{name} {i % 3}" for i, name in rows))
    text(folder / "identity_CelebA.txt", *(f"{name} {100 + i}" for i, name in rows))
    signs = [" ".join(["1", "-1", " 1"][(i + j) % 3] for j in range(3)) for i in range(7)]
    heads = {"attr": "Bald Male Young", "bbox": "image_id x_1 y_1 width height"}
    heads["landmarks_align"] = "lefteye_x lefteye_y nose_x"
    for kind, head in heads.items():
        body = [f"{name}  {signs[i] if kind == 'attr' else f'{i} 2  3 4'}" for i, name in rows]
        if kind == "landmarks_align":
            body = [f"{name}  {i + 7} 8 9" for i, name in rows]
        text(folder / f"list_{kind}_celeba.txt", "7", head, *body)


def caltech101(root: Path) -> None:
    folder = root / "caltech101"
    outline = np.array([[1.0, 2, 3], [4, 5, 6]])
    for number, (name, other) in enumerate([("Motorbikes", "Motorbikes_16"), ("ant", "ant")]):
        for place in (1, 2):
            picture(folder / "101_ObjectCategories" / name / f"image_{place:04d}.jpg", number)
            file = folder / "Annotations" / other / f"annotation_{place:04d}.mat"
            mat(file, obj_contour=outline + 10 * number + place, packed=place == 1)
    picture(folder / "101_ObjectCategories" / "BACKGROUND_Google" / "image_0001.jpg", 0)


def caltech256(root: Path) -> None:
    folder = root / "caltech256" / "256_ObjectCategories"
    for number, name in enumerate(["001.ak47", "002.flag"]):
        picture(folder / name / f"{number + 1:03d}_0001.jpg", number)


# name of the class: (what makes the folder, arguments of each data set to look at)
CASES = {
    "SVHN": (svhn, [{"split": "test"}]),
    "STL10": (
        stl10,
        [{"folds": 7}, {"split": "train+unlabeled"}, {"split": "test"}, {"split": "unlabeled"}],
    ),
    "USPS": (usps, [{"train": False}]),
    "EMNIST": (emnist, [{"split": "letters", "train": False}]),
    "Flowers102": (flowers102, [{}, {"split": "test"}, {"split": "val"}]),
    "Food101": (food101, [{}]),
    "OxfordIIITPet": (
        pets,
        [{}, {"target_types": ["segmentation", "binary-category"]}, {"target_types": []}],
    ),
    "VOCSegmentation": (voc, [{"year": "2007", "image_set": "test"}]),
    "VOCDetection": (voc, [{"year": "2007", "image_set": "test"}]),
    "CelebA": (
        celeba,
        [
            *({"split": split} for split in ("train", "valid", "test", "all")),
            {"target_type": ["identity", "bbox", "landmarks"]},
            {"target_type": []},
        ],
    ),
    "Caltech101": (caltech101, [{}, {"target_type": ["annotation", "category"]}]),
    "Caltech256": (caltech256, [{}]),
}


def plain(value: object) -> object:
    """A sample's part as what JSON holds; a picture as its mode, size, mean colours and a pixel."""
    if isinstance(value, Image.Image):
        means = np.asarray(value.convert("RGB")).mean((0, 1)).round(1).tolist()
        return [value.mode, list(value.size), means, plain(value.getpixel((3, 1)))]
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def samples(datasets: object, name: str, root: Path) -> list[object]:
    """All samples of all data sets of a case, and their classes."""
    found: list[object] = []
    for arguments in CASES[name][1]:
        data = getattr(datasets, name)(root, **arguments)
        classes = ("classes", "categories", "attr_names", "class_to_idx", "bin_classes")
        named = {each: plain(getattr(data, each)) for each in classes if hasattr(data, each)}
        found.append([named, [plain(data[index]) for index in range(len(data))]])
    return found


def main() -> None:
    from torchvision import datasets

    def checked(*args: object, **kwargs: object) -> bool:
        return True  # these are not the official files

    for module in (datasets.celeba, datasets.mnist, datasets.stl10, datasets.svhn):
        module.check_integrity = checked
    for kind in (datasets.CelebA, datasets.Flowers102, datasets.STL10, datasets.SVHN):
        kind._check_integrity = checked
    found = {}
    for name, (make, _) in CASES.items():
        with tempfile.TemporaryDirectory() as root:
            make(Path(root))
            found[name] = samples(datasets, name, Path(root))
    STORED.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
