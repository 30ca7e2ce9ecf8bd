"""The records of a file that torch.save wrote, by the class that torch has for them."""

from __future__ import annotations

import zipfile
from typing import Any


class PyTorchFileReader:
    """Reads single records, as bytes, of a file in torch's zip format.

    name: a path, or a binary file that can seek. A record's name is without the archive's own,
    which stands before each: "data.pkl" is the pickle, "data/0" the first tensor's values. Raises
    RuntimeError for a file that is no such archive and for a record that is not there.

    >>> import io, minitorch_cnn as mt
    >>> file = io.BytesIO()
    >>> mt.serialization.save_torch(mt.tensor([1, 2], dtype=mt.uint8), file)
    >>> reader = mt.PyTorchFileReader(file)
    >>> reader.has_record("data.pkl"), reader.get_record("data/0")
    (True, b'\\x01\\x02')
    """

    def __init__(self, name: Any) -> None:
        try:
            self._archive = zipfile.ZipFile(name)
        except (OSError, zipfile.BadZipFile) as error:
            raise RuntimeError(f"PytorchStreamReader failed reading zip archive: {error}") from None
        names = self._archive.namelist()
        self._names = {each.partition("/")[2]: each for each in names}

    def get_all_records(self) -> list[str]:
        """The names of all records, in the order of the file."""
        return list(self._names)

    def has_record(self, name: str) -> bool:
        """Whether there is a record of that name."""
        return name in self._names

    def get_record(self, name: str) -> bytes:
        """The bytes of a record. Raises RuntimeError if it is not there or damaged."""
        if name not in self._names:
            raise RuntimeError(
                f"PytorchStreamReader failed locating file {name}: file not found; there are "
                f"{', '.join(self._names)}"
            )
        try:
            return self._archive.read(self._names[name])
        except zipfile.BadZipFile as error:
            raise RuntimeError(f"PytorchStreamReader failed reading file {name}: {error}") from None
