"""PASCAL VOC: photographs with the outlines, or the boxes, of things of 20 classes.

Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from .archive import extract_archive
from .download import download as _download
from .folder import pil_loader
from .vision import VisionDataset, check_choice, not_found

_URL = "https://thor.robots.ox.ac.uk/pascal/VOC/"
# year: (address of the archive, its md5)
_ARCHIVES = {
    "2012": ("voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd"),
    "2011": ("voc2011/VOCtrainval_25-May-2011.tar", "6c3384ef61512963050cb5d687e5bf1e"),
    "2010": ("voc2010/VOCtrainval_03-May-2010.tar", "da459979d0c395079b5c75ee67908abb"),
    "2009": ("voc2009/VOCtrainval_11-May-2009.tar", "a3e00b113cfcfebf17e343f59da3caa1"),
    "2008": ("voc2008/VOCtrainval_14-Jul-2008.tar", "2629fa636546599198acfcfbfcf1904a"),
    "2007": ("voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64"),
    "2007-test": ("voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f"),
}


class _VOC(VisionDataset):
    """What both have in common.

        root       the folder with `VOCdevkit/VOC2012`, which holds `JPEGImages/`, `ImageSets/` ...
        year       "2007" to "2012"
        image_set  "train", "trainval" or "val", of 2007 also "test"
        download   fetch and unpack the archive if it is not there
        transforms called with image and target, instead of transform and target_transform

        .images, .targets  paths

    Raises ValueError for another year or image_set, RuntimeError if the files are missing.
    """

    _lists, _targets, _ending = "", "", ""

    def __init__(
        self,
        root: str | os.PathLike[str],
        year: str = "2012",
        image_set: str = "train",
        download: bool = False,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
    ):
        super().__init__(root, transforms, transform, target_transform)
        self.year = check_choice(year, "year", sorted(set(_ARCHIVES) - {"2007-test"}))
        sets = ["train", "trainval", "val"] + (["test"] if year == "2007" else [])
        self.image_set = check_choice(image_set, "image_set", sets)
        file, md5 = _ARCHIVES["2007-test" if image_set == "test" else year]
        top = "TrainVal" if year == "2011" else ""  # so it is in that archive
        folder = Path(self.root, top, "VOCdevkit", f"VOC{year}")
        listed = folder / "ImageSets" / self._lists / f"{image_set}.txt"
        if download and not listed.is_file():
            archive = os.path.join(self.root, file.rpartition("/")[2])
            _download(_URL + file, archive, md5=md5)
            extract_archive(archive, self.root)
        if not listed.is_file():
            raise not_found(type(self).__name__, str(listed), [_URL + file])
        names = listed.read_text().split()
        self.images = [str(folder / "JPEGImages" / f"{name}.jpg") for name in names]
        self.targets = [str(folder / self._targets / f"{name}{self._ending}") for name in names]

    def __len__(self) -> int:
        return len(self.images)


class VOCSegmentation(_VOC):
    """Images with a class for each pixel.

    A sample is (RGB PIL image of any size, PIL image with a palette: 0 for background, 1 to 20, 255
    for edges). root holds `VOCdevkit/VOC2012`; year: "2007" to "2012"; image_set: "train",
    "trainval" or "val", of 2007 also "test"; transforms gets image and target. Raises ValueError
    for another year or image_set, RuntimeError if the files are missing.

    >>> import minitorch_cnn as mt
    >>> mt.datasets.VOCSegmentation("", image_set="test")
    Traceback (most recent call last):
    ValueError: Unknown value 'test' for argument image_set. Valid values are ['train', 'trainval', 'val'].
    """  # noqa: E501

    _lists, _targets, _ending = "Segmentation", "SegmentationClass", ".png"

    @property
    def masks(self) -> list[str]:
        """The paths of the targets."""
        return self.targets

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        with Image.open(self.masks[index]) as file:
            mask = file.copy()
        return self._transformed(pil_loader(self.images[index]), mask)


class VOCDetection(_VOC):
    """Images with the boxes of what is on them.

    A sample is (RGB PIL image of any size, dict of the XML file), in which annotation["object"] is
    a list. Arguments are those of `VOCSegmentation`. Raises ValueError and RuntimeError as there,
    RuntimeError also for XML that is damaged or has declarations.

    >>> VOCDetection.parse_voc_xml(ET.fromstring("<a><name>cat</name></a>"))
    {'a': {'name': 'cat'}}
    """

    _lists, _targets, _ending = "Main", "Annotations", ".xml"

    @property
    def annotations(self) -> list[str]:
        """The paths of the targets."""
        return self.targets

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        content = Path(self.annotations[index]).read_bytes()
        if b"<!" in content.replace(b"<!--", b""):  # entities can grow without a limit
            raise RuntimeError(f"{self.annotations[index]} has declarations: refused as unsafe")
        try:
            target = self.parse_voc_xml(ET.fromstring(content))
        except ET.ParseError as error:
            raise RuntimeError(f"{self.annotations[index]} is damaged: {error}") from error
        return self._transformed(pil_loader(self.images[index]), target)

    @staticmethod
    def parse_voc_xml(node: ET.Element) -> dict[str, Any]:
        """An element as {its name: its text, or a dict of its children}; equal names in a list."""
        if not len(node):
            return {node.tag: (node.text or "").strip()}
        children: dict[str, list[Any]] = {}
        for child in node:
            for name, value in VOCDetection.parse_voc_xml(child).items():
                children.setdefault(name, []).append(value)
        several = node.tag == "annotation"
        content = {
            name: values if len(values) > 1 or (several and name == "object") else values[0]
            for name, values in children.items()
        }
        return {node.tag: content}
