"""Downloads from a small server on this machine that can be told to misbehave."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
import time

import pytest

from minitorch_cnn.datasets.download import download
from minitorch_cnn.datasets.utils import (
    calculate_md5,
    check_integrity,
    download_and_extract_archive,
    download_url,
)

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT. The path says how: /plain, /no-range, /cut (half), /slow, /wrong, /absent."""

    def do_GET(self):
        name = self.path.strip("/").split("/")[0]
        asked = self.headers.get("Range")
        self.server.requests.append((name, asked))
        body, start, length = CONTENT, 0, None
        if name == "absent":
            self.send_error(404)
            return
        if name == "wrong":
            body = CONTENT[:-1] + b"?"
        if asked and name != "no-range":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        body = body[start:]
        length = len(body)
        if name == "slow":
            time.sleep(1)  # until the others have started
        if name == "cut":
            body = body[: length // 2]
        if name == "length":
            length = self.path.rpartition("/")[2]
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keeps the test output quiet."""


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


def test_downloads_once(server, tmp_path):
    path = tmp_path / "new" / "file.bin"
    for _ in range(2):
        download(f"{server.url}/plain", path, md5=MD5, sha256=SHA256, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("plain", None)]
    assert os.listdir(path.parent) == ["file.bin"]  # no .part is left


def test_resumes_a_partial_file(server, tmp_path):
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    download(f"{server.url}/plain", path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("plain", "bytes=1000-")]


def test_a_cut_connection_keeps_what_came_and_the_next_try_goes_on(server, tmp_path):
    path = tmp_path / "file.bin"
    half = len(CONTENT) // 2
    with pytest.raises(RuntimeError, match=f"closed after {half} of {len(CONTENT)} bytes"):
        download(f"{server.url}/cut", path, md5=MD5, progress=False)
    assert not path.exists()
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:half]
    download([f"{server.url}/absent", f"{server.url}/plain"], path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("plain", f"bytes={half}-")


def test_a_server_that_ignores_the_range(server, tmp_path):
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    download(f"{server.url}/no-range", path, sha256=SHA256, progress=False)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize("rubbish", [b"x" * 1000, b"x" * len(CONTENT), b"x" * len(CONTENT) * 2])
def test_a_partial_file_of_something_else_is_started_again(server, tmp_path, rubbish):
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(rubbish)
    download(f"{server.url}/plain", path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_complete_partial_file_is_taken(server, tmp_path):
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download(f"{server.url}/plain", path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("plain", f"bytes={len(CONTENT)}-")]


def test_without_a_checksum_nothing_is_resumed(server, tmp_path):
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    download(f"{server.url}/plain", path, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("plain", None)]


def test_a_tampered_file_is_refused_with_both_checksums(server, tmp_path):
    path = tmp_path / "file.bin"
    with pytest.raises(RuntimeError) as caught:
        download(f"{server.url}/wrong", path, md5=MD5, progress=False)
    actual = hashlib.md5(CONTENT[:-1] + b"?").hexdigest()
    for part in ("file.bin", MD5, actual, f"{server.url}/wrong"):
        assert part in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_is_only_replaced_by_the_right_one(server, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="the file that is there"):
        download([f"{server.url}/wrong", f"{server.url}/cut"], path, md5=MD5, progress=False)
    assert path.read_bytes() == b"precious"
    download(f"{server.url}/plain", path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT


def test_mirrors_are_tried_in_turn(server, tmp_path):
    path = tmp_path / "file.bin"
    mirrors = [f"{server.url}/{name}" for name in ("absent", "wrong", "cut", "plain")]
    download(mirrors, path, md5=MD5, progress=False)
    assert path.read_bytes() == CONTENT
    with pytest.raises(RuntimeError) as caught:
        download(mirrors[:2], tmp_path / "other.bin", md5=MD5, progress=False)
    assert "404" in str(caught.value)
    assert "expected " + MD5 in str(caught.value)


def test_no_server(tmp_path):
    with pytest.raises(RuntimeError, match=r"127.0.0.1:1/x: .*refused"):
        download("http://127.0.0.1:1/x", tmp_path / "x", md5=MD5, progress=False)


def test_progress_bar(server, tmp_path, capsys):
    pytest.importorskip("tqdm")
    download(f"{server.url}/plain", tmp_path / "file.bin", md5=MD5)
    error_stream = capsys.readouterr().err
    assert "file.bin" in error_stream
    assert "100%" in error_stream


def test_torchvision_names(server, tmp_path):
    download_url(f"{server.url}/plain/file.bin", tmp_path, md5=MD5)
    path = tmp_path / "file.bin"
    assert calculate_md5(path) == MD5
    assert check_integrity(path, MD5)
    assert check_integrity(path)
    assert not check_integrity(path, "0" * 32)
    assert not check_integrity(tmp_path / "absent")
    with pytest.raises(ValueError, match="not a kind of archive"):
        download_and_extract_archive(f"{server.url}/plain/other.bin", tmp_path)


@pytest.mark.parametrize("length", ["-5", "many", "", "+7", "1_0"])
def test_a_content_length_that_is_none(server, tmp_path, length):
    with pytest.raises(RuntimeError, match="the server says Content-Length"):
        download(f"{server.url}/length/{length}", tmp_path / "file.bin", md5=MD5, progress=False)
    assert not (tmp_path / "file.bin").exists()


@pytest.mark.parametrize("ending", ["", "/", "/..", "/.", "/a/"])
def test_urls_without_a_name(server, tmp_path, ending):
    url = f"{server.url}{ending}" if ending else "http://"
    for function in (download_url, download_and_extract_archive):
        with pytest.raises(ValueError, match="does not end with a file's name"):
            function(url, tmp_path)
    assert os.listdir(tmp_path) == []
    assert server.requests == []


@pytest.mark.parametrize("path", ["", "new/", "..", "there"])
def test_paths_that_are_folders(server, tmp_path, path):
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        download(f"{server.url}/plain", f"{tmp_path}/{path}", md5=MD5, progress=False)
    assert server.requests == []


def test_what_is_on_this_machine_needs_a_checksum(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.write_bytes(CONTENT)
    for url in (there.as_uri(), there.as_uri().upper(), "data:,hello", "nothing", "local:/x"):
        with pytest.raises(RuntimeError, match="needs a checksum"):
            download(url, here, progress=False)
    assert not here.exists()
    download(there.as_uri(), here, md5=MD5, progress=False)
    assert here.read_bytes() == CONTENT
    with pytest.raises(RuntimeError, match="unknown url type"):
        download("nothing", tmp_path / "other", md5=MD5, progress=False)


def test_two_processes_download_the_same_file_one_after_the_other(server, tmp_path):
    """Else both would write to one .part file, and each would find it wrong."""
    program = (
        "import sys; from minitorch_cnn.datasets.download import download;"
        "download(sys.argv[1], sys.argv[2], md5=sys.argv[3], progress=False)"
    )
    path = tmp_path / "file.bin"
    command = [sys.executable, "-c", program, f"{server.url}/slow", str(path), MD5]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait(timeout=60) == 0
    assert path.read_bytes() == CONTENT
    assert server.requests == [("slow", None)]  # the others found it there
    assert os.listdir(tmp_path) == ["file.bin"]
