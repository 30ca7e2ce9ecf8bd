"""Oxford's flowers: photographs of 102 kinds that grow in Britain.

Nilsback and Zisserman, "Automated Flower Classification over a Large Number of Classes", 2008.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .archive import extract_archive
from .download import download as _download
from .folder import default_loader
from .mat import read_mat
from .pictures import PictureDataset
from .vision import check_choice, not_found

_NAMES = """
    pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold,
    tiger lily, moon orchid, bird of paradise, monkshood, globe thistle, snapdragon, colt's
    foot, king protea, spear thistle, yellow iris, globe-flower, purple coneflower, peruvian
    lily, balloon flower, giant white arum lily, fire lily, pincushion flower, fritillary, red
    ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke,
    sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly,
    ruby-lipped cattleya, cape flower, great masterwort, siam tulip, lenten rose, barbeton
    daisy, daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, buttercup,
    oxeye daisy, common dandelion, petunia, wild pansy, primula, sunflower, pelargonium, bishop
    of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia?, cautleya spicata, japanese
    anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus,
    bearded iris, windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple,
    morning glory, passion flower, lotus, toad lily, anthurium, frangipani, clematis, hibiscus,
    columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily,
    hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican
    petunia, bromelia, blanket flower, trumpet creeper, blackberry lily
"""


class Flowers102(PictureDataset):
    """1,020 images to train with, as many to validate, and 6,149 to test.

        root    the folder with `flowers-102`, which holds `jpg/`, `imagelabels.mat`, `setid.mat`
        split   "train", "val" or "test"; download: fetch and unpack what is not there
        loader  makes an image of a path

    A sample is (RGB PIL image of any size, label 0 to 101), after the transforms; .classes are the
    names. Raises ValueError for another split, RuntimeError if the files are missing or damaged.

    >>> import minitorch_cnn as mt
    >>> len(mt.datasets.Flowers102.classes), mt.datasets.Flowers102.classes[73]
    (102, 'rose')
    """

    classes = " ".join(_NAMES.split()).split(", ")
    _url = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
    _files = (
        ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa"),
        ("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"),
        ("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"),
    )

    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str = "train",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._split = check_choice(split, "split", ("train", "val", "test"))
        self.loader = loader
        self._folder = os.path.join(self.root, "flowers-102")
        if download:
            self.download()
        labels_file, split_file = (os.path.join(self._folder, name) for name, _ in self._files[1:])
        if not all(map(os.path.exists, (os.path.join(self._folder, "jpg"), labels_file))):
            raise not_found("Flowers102", self._folder, [self._url])
        key = {"train": "trnid", "val": "valid", "test": "tstid"}[split]
        try:
            labels = read_mat(labels_file)["labels"].reshape(-1)
            numbers = read_mat(split_file)[key].reshape(-1).tolist()
            self._labels = [int(labels[number - 1]) - 1 for number in numbers]
        except (KeyError, IndexError, FileNotFoundError) as error:
            raise RuntimeError(f"{self._folder} is damaged: {error!r}") from error
        self._image_files = [
            os.path.join(self._folder, "jpg", f"image_{number:05d}.jpg") for number in numbers
        ]

    def download(self) -> None:
        """Fetch and unpack what is not there; RuntimeError without the right files."""
        for name, md5 in self._files:
            path = os.path.join(self._folder, name)
            there = os.path.join(self._folder, "jpg") if name.endswith("tgz") else path
            if not os.path.exists(there):
                _download(self._url + name, path, md5=md5)
                if name.endswith("tgz"):
                    extract_archive(path, self._folder)

    def extra_repr(self) -> str:
        """The split, as a line for the repr."""
        return f"split={self._split}"
