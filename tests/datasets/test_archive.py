"""Archives, honest and hostile. The hostile ones must leave nothing behind."""

import io
import os
import tarfile
import zipfile

import pytest

from minitorch_cnn.datasets.archive import extract_archive


def make_tar(path, members):
    """members: (name, content) for files, or (TarInfo, None) for anything else."""
    with tarfile.open(path, "w:gz" if str(path).endswith("gz") else "w") as archive:
        for name, content in members:
            if content is None:
                archive.addfile(name)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info, None


GOOD = [("data/a.bin", b"alpha" * 1000), ("data/deep/b.bin", b"beta"), ("data/empty", b"")]


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "x.zip"])
def test_good_archives(tmp_path, name):
    path = tmp_path / name
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data/hollow/", b"")
            for member, content in GOOD:
                archive.writestr(member, content)
    else:
        make_tar(path, [special("data/hollow", tarfile.DIRTYPE), *GOOD])
    target = tmp_path / "out"
    assert extract_archive(path, target) == str(target)
    for member, content in GOOD:
        assert (target / member).read_bytes() == content
    assert (target / "data/hollow").is_dir()
    assert os.listdir(target) == ["data"]


def test_default_folder_is_that_of_the_archive(tmp_path):
    extract_archive(make_tar(tmp_path / "x.tar", GOOD))
    assert (tmp_path / "data/a.bin").is_file()


HOSTILE = {
    "parent": [("../evil", b"x")],
    "parent inside": [("data/../../evil", b"x")],
    "absolute": [("/tmp/minitorch_evil", b"x")],
    "backslash": [("..\\evil", b"x")],
    "drive": [("C:\\evil", b"x")],
    "symlink out": [special("data", tarfile.SYMTYPE, ".."), ("data/evil", b"x")],
    "symlink absolute": [special("data", tarfile.SYMTYPE, "/tmp")],
    "hard link": [special("data", tarfile.LNKTYPE, "../secret")],
    "device": [special("null", tarfile.CHRTYPE)],
    "pipe": [special("pipe", tarfile.FIFOTYPE)],
    "same name twice": [("data", b"x"), ("data", b"y")],
    "file as folder": [("data", b"x"), ("data/evil", b"y")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tars_leave_nothing(tmp_path, members):
    (tmp_path / "secret").write_bytes(b"secret")
    target = tmp_path / "out"
    # The good member comes first: it must not stay either.
    path = make_tar(tmp_path / "x.tar", [("good", b"good"), *members])
    with pytest.raises(RuntimeError, match=r"x\.tar"):
        extract_archive(path, target)
    assert os.listdir(target) == []
    assert sorted(os.listdir(tmp_path)) == ["out", "secret", "x.tar"]
    assert not os.path.exists("/tmp/minitorch_evil")


@pytest.mark.parametrize("name", ["../evil", "/tmp/minitorch_evil", "link"])
def test_hostile_zips_leave_nothing(tmp_path, name):
    path = tmp_path / "x.zip"
    info = zipfile.ZipInfo(name)
    if name == "link":
        info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good", b"good")
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(RuntimeError, match="unsafe"):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []
    assert not os.path.exists("/tmp/minitorch_evil")


@pytest.mark.parametrize("kind", ["tar.gz", "tar", "zip"])
@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_damaged_archives_leave_nothing(tmp_path, kind, damage):
    content = os.urandom(20_000)
    path = tmp_path / f"x.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data/a", content)
    else:
        make_tar(path, [("data/a", content)])
    raw = bytearray(path.read_bytes())
    if damage == "truncated":
        raw = raw[:10_000]
    elif kind == "tar":
        raw[100] ^= 0xFF  # in the header; a plain tar has no checksum over the contents
    else:
        raw[5_000] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises((RuntimeError, ValueError), match=r"x\."):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def zeros(path, size):
    """An archive that holds so many zeros in one file."""
    if str(path).endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data", bytes(size))
    else:
        with tarfile.open(path, "w:" + path.suffix[1:]) as archive:
            info = tarfile.TarInfo("data")
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_bombs_are_refused(tmp_path, kind):
    path = zeros(tmp_path / f"x.{kind}", 110_000_000)
    with pytest.raises(RuntimeError, match="more than 100000000 unpacked: refused"):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []
    extract_archive(zeros(path, 90_000_000), tmp_path / "out")
    assert os.path.getsize(tmp_path / "out/data") == 90_000_000


def test_a_bomb_of_empty_files(tmp_path):
    path = make_tar(tmp_path / "x.tar.gz", [(f"f{i}", b"") for i in range(25_000)])
    with pytest.raises(RuntimeError, match="refused"):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_bomb_of_folders(tmp_path, kind):
    path, name = tmp_path / f"x.{kind}", "a/" * 300 + "b"
    if kind == "tar":
        make_tar(path, [(name, b"x")])
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"x")
    with pytest.raises(RuntimeError, match="301 folders deep"):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_a_sparse_file_and_a_zip_that_is_encrypted_are_refused(tmp_path):
    sparse = tarfile.TarInfo("data")
    sparse.type = tarfile.GNUTYPE_SPARSE
    with pytest.raises(RuntimeError, match=r"x\.tar"):
        extract_archive(make_tar(tmp_path / "x.tar", [(sparse, None)]), tmp_path / "out")
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", b"x")
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(RuntimeError, match=r"x\.zip could not be unpacked.*encrypted"):
        extract_archive(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_what_is_there_is_not_overwritten(tmp_path):
    path = make_tar(tmp_path / "x.tar", [("another", b"new"), ("data/a", b"new")])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a").write_bytes(b"old")
    with pytest.raises(FileExistsError, match="data exists already"):
        extract_archive(path)
    assert (tmp_path / "data/a").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["data", "x.tar"]


def test_unknown_kind(tmp_path):
    (tmp_path / "x.rar").write_bytes(b"Rar!")
    with pytest.raises(ValueError, match=r"x\.rar"):
        extract_archive(tmp_path / "x.rar")
