"""Weights from a small server on this machine: hash, cache, continuation, refusals."""

import hashlib
import http.server
import os
import threading

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import hub, models


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.files, from the asked-for byte on; what is in server.cut only by half."""

    def do_GET(self):
        name = self.path.strip("/").partition("?")[0]
        asked = self.headers.get("Range")
        self.server.requests.append((name, asked))
        if name not in self.server.files:
            self.send_error(404)
            return
        body = self.server.files[name]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body) // 2 if name in self.server.cut else len(body)
        self.wfile.write(body[start:end])

    def log_message(self, *args):
        """Keeps the test output quiet."""


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.files, server.cut = [], {}, set()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of the weights; the one of the user is left alone."""
    monkeypatch.setattr(hub, "_chosen_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def publish(server, tmp_path, state, stem="net"):
    """Puts a state dict on the server, under a name with its hash. Returns that name."""
    path = tmp_path / "made.pth"
    mt.save(state, path)
    content = path.read_bytes()
    path.unlink()
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    server.files[name] = content
    return name


def fetch(server, name, **options):
    return hub.load_state_dict_from_url(
        f"{server.url}/{name}", progress=False, check_hash=True, **options
    )


@pytest.fixture
def name(server, tmp_path):
    return publish(server, tmp_path, {"weight": mt.arange(5000.0)})


def test_downloads_once_and_reads(server, name, cache):
    for _ in range(2):
        state = fetch(server, name)
        assert list(state) == ["weight"]
        assert np.array_equal(state["weight"].numpy(), np.arange(5000))
    assert server.requests == [(name, None)]
    assert os.listdir(cache) == [name]


def test_other_folder_and_name(server, name, tmp_path):
    folder = tmp_path / "other"
    digest = name.removeprefix("net")
    fetch(server, name + "?download=1", model_dir=folder, map_location="cpu")
    fetch(server, name, model_dir=folder, file_name=f"mine{digest}")
    assert sorted(os.listdir(folder)) == sorted([name, f"mine{digest}"])


def test_a_wrong_hash_leaves_no_file(server, name, cache):
    server.files[name] = server.files[name][:-1] + b"?"
    expected = name.removeprefix("net-").removesuffix(".pth")
    with pytest.raises(RuntimeError, match=f'invalid hash value .expected "{expected}", got'):
        fetch(server, name)
    assert os.listdir(cache) == []


def test_a_damaged_file_in_the_cache_is_replaced(server, name, cache):
    fetch(server, name)
    (cache / name).write_bytes(server.files[name][:-10])
    assert fetch(server, name)["weight"].shape == (5000,)
    assert len(server.requests) == 2
    assert (cache / name).read_bytes() == server.files[name]


def test_an_interrupted_download_goes_on(server, name, cache):
    server.cut.add(name)
    with pytest.raises(RuntimeError, match="connection closed after"):
        fetch(server, name)
    half = len(server.files[name]) // 2
    assert os.listdir(cache) == [name + ".part"]
    server.cut.clear()
    fetch(server, name)
    assert server.requests[-1] == (name, f"bytes={half}-")
    assert (cache / name).read_bytes() == server.files[name]


def test_a_part_of_another_file_is_no_start(server, name, cache):
    os.makedirs(cache)
    (cache / (name + ".part")).write_bytes(b"something else")
    fetch(server, name)
    assert [asked for _, asked in server.requests] == ["bytes=14-", None]
    assert (cache / name).read_bytes() == server.files[name]


def test_without_a_server_the_error_says_where_to_put_the_file(server, cache):
    with pytest.raises(RuntimeError, match="404") as info:
        fetch(server, "absent-01234567.pth")
    assert f"put the file at {cache}/absent-01234567.pth" in str(info.value)


def test_without_a_hash_in_the_name(server, tmp_path, cache):
    server.files["plain.pth"] = server.files[publish(server, tmp_path, {"weight": mt.ones(2)})]
    with pytest.raises(ValueError, match=r"plain\.pth carries no hash"):
        fetch(server, "plain.pth")
    state = hub.load_state_dict_from_url(f"{server.url}/plain.pth", progress=False)
    assert state["weight"].tolist() == [1, 1]


def test_the_folder_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "hub")  # from TORCH_HOME
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert hub.get_dir() == str(tmp_path / ".cache" / "torch" / "hub")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert hub.get_dir() == str(tmp_path / "cache" / "torch" / "hub")
    hub.set_dir("~/weights")
    assert hub.get_dir() == str(tmp_path / "weights")


def test_a_model_with_weights_from_the_server(server, tmp_path, monkeypatch, cache):
    twin = models.squeezenet1_1()
    name = publish(server, tmp_path, twin.state_dict(), "squeezenet1_1")
    published = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    monkeypatch.setattr(published.value, "url", f"{server.url}/{name}")
    for _ in range(2):
        model = models.squeezenet1_1(weights="DEFAULT", progress=False)
        for key, value in model.state_dict().items():
            assert np.array_equal(value.numpy(), twin.state_dict()[key].numpy()), key
    assert server.requests == [(name, None)]
    # A file that was put into the cache by hand needs no network at all.
    monkeypatch.setattr(published.value, "url", f"http://127.0.0.1:1/{name}")
    models.squeezenet1_1(weights=published, progress=False)
    assert os.listdir(cache) == [name]


def test_the_bar_is_found_and_repositories_are_refused_by_name():
    tqdm = pytest.importorskip("tqdm", reason="the bar of the extra `progress`")
    assert hub.tqdm is tqdm.tqdm

    class Counted:  # an epoch is asked for once: a DataLoader draws a random number each time
        asked = 0

        def __iter__(self):
            self.asked += 1
            return iter([1, 2])

    batches = Counted()
    assert list(hub.tqdm(batches, disable=True)) == [1, 2] and batches.asked == 1
    with pytest.raises(NotImplementedError, match=r"hub\.load\('a/b', 'net'\) is not supported"):
        hub.load("a/b", "net", pretrained=True)
    for name in ("list", "help"):
        with pytest.raises(NotImplementedError, match=f"hub.{name} is not supported: nothing is"):
            getattr(hub, name)
