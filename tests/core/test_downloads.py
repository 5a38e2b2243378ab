"""Looking for published files, fetching them, and reading pickles that import nothing."""

import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from supernet_bench.core.downloads import (
    RETRIES,
    PublishedFile,
    cache_folder,
    check,
    fetch,
    find,
    unpickle,
    user_folder,
)
from supernet_bench.core.errors import InputError
from supernet_bench.core.progress import Part, Silent, showing

CONTENT = b"published content\n" * 5000
GOOD = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Handler(BaseHTTPRequestHandler):
    """Serves `CONTENT` whole, cut short, altered, or not at all, as the path says."""

    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {"/good": CONTENT, "/truncated": CONTENT[:-100], "/altered": CONTENT[::-1]}[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def requests() -> list[str]:
    Handler.requests.clear()
    return Handler.requests


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", str(folder))
    monkeypatch.delenv("SUPERNET_BENCH_DATA", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits between attempts
    return folder


def published(server: str, path: str = "good", checksum: str = GOOD) -> PublishedFile:
    return PublishedFile("table.bin", f"{server}/{path}", checksum)


def make(folder: Path, name: str = "table.bin", content: bytes = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def test_given_folder_comes_before_variable_before_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = make(cache)
    assert find(None, "table.bin") == cached
    users = make(tmp_path / "user")
    monkeypatch.setenv("SUPERNET_BENCH_DATA", str(tmp_path / "user"))
    assert find(None, "table.bin") == users
    given = make(tmp_path / "given")
    assert find(tmp_path / "given", "table.bin") == given
    given.unlink()
    assert find(tmp_path / "given", "table.bin") == users


def test_folder_comes_before_order_of_names(tmp_path: Path, cache: Path) -> None:
    make(cache, "first")
    second = make(tmp_path / "given", "second")
    assert find(tmp_path / "given", "first", "second") == second
    assert find(tmp_path / "given", "third") is None


def test_folders_that_do_not_exist_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"data folder is '.*nowhere'"):
        find(tmp_path / "nowhere", "table.bin")
    monkeypatch.setenv("SUPERNET_BENCH_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"SUPERNET_BENCH_DATA is '.*gone'"):
        user_folder()


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SUPERNET_BENCH_CACHE", "~/kept")
    assert cache_folder() == tmp_path / "kept"


def test_local_file_is_used_without_a_request(server: str, requests: list[str], tmp_path: Path) -> None:
    local = make(tmp_path / "given")
    assert fetch(published(server), tmp_path / "given") == local
    assert requests == []


@pytest.mark.parametrize("checksum", [GOOD, SHA256])
def test_download_is_kept_in_the_cache(server: str, requests: list[str], cache: Path, checksum: str) -> None:
    path = fetch(published(server, checksum=checksum))
    assert path == cache / "table.bin"
    assert path.read_bytes() == CONTENT
    assert fetch(published(server, checksum=checksum)) == path
    assert requests == ["/good"]


def test_a_download_is_told(server: str, cache: Path) -> None:
    told: list[tuple[str, float]] = []

    class Watch(Silent):
        def advanced(self, part: Part, share: float | None) -> None:
            told.append((part.name, share))

    with showing(Watch()):
        fetch(published(server))
    assert {name for name, _ in told} == {"table.bin"}
    assert told[-1] == ("table.bin", 1.0)


@pytest.mark.parametrize("path", ["truncated", "altered", "missing"])
def test_bad_download_is_tried_again_and_leaves_nothing(
    server: str, requests: list[str], cache: Path, path: str
) -> None:
    with pytest.raises(InputError) as caught:
        fetch(published(server, path))
    assert requests == [f"/{path}"] * (1 + RETRIES)
    assert list(cache.iterdir()) == []
    message = str(caught.value)
    assert "\n" not in message
    assert f"table.bin is not in {cache}" in message
    assert f"{server}/{path}" in message
    assert "SUPERNET_BENCH_DATA" in message


def test_refused_connection_names_every_searched_folder(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "user").mkdir()
    monkeypatch.setenv("SUPERNET_BENCH_DATA", str(tmp_path / "user"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as closed:
        port = closed.server_port
    with pytest.raises(InputError) as caught:
        fetch(published(f"http://127.0.0.1:{port}"), tmp_path / "given")
    message = str(caught.value)
    assert "\n" not in message
    assert f"{tmp_path / 'given'} or {tmp_path / 'user'} or {cache}" in message
    assert "refused" in message


def test_local_file_with_another_content_is_named_and_kept(server: str, requests: list[str], tmp_path: Path) -> None:
    local = make(tmp_path / "given", content=CONTENT[:-1])
    with pytest.raises(InputError, match=f"{local} is damaged or another file: its md5 is .*, the published one"):
        fetch(published(server), tmp_path / "given")
    assert local.exists()
    assert requests == []


def test_cache_that_cannot_be_written_is_an_input_error(server: str, cache: Path) -> None:
    cache.write_bytes(b"a file where the folder should be")
    with pytest.raises(InputError, match="the download failed"):
        fetch(published(server))


def test_unreadable_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        check(tmp_path, GOOD)
    with pytest.raises(InputError, match="absent cannot be read"):
        check(tmp_path / "absent", GOOD)


def test_checksum_of_another_algorithm_does_not_pass(server: str, tmp_path: Path) -> None:
    local = make(tmp_path / "given")
    swapped = replace(published(server), checksum=GOOD.replace("md5", "sha256"))
    with pytest.raises(InputError, match=str(local)):
        fetch(swapped, tmp_path / "given")


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_pickle_of_builtins_is_read() -> None:
    content = {"a": [1.5, None], "b": ("text", b"bytes", {1})}
    assert unpickle(pickle.dumps(content), Path("file")) == content


def test_pickle_that_imports_is_refused_and_not_run(tmp_path: Path) -> None:
    content = pickle.dumps({"data": Attack(tmp_path / "attacked")})
    with pytest.raises(InputError, match=r"some.pkl cannot be unpickled .*posix.mkdir"):
        unpickle(content, Path("some.pkl"), {"numpy.ndarray": np.ndarray})
    assert not (tmp_path / "attacked").exists()
    pickle.loads(content)
    assert (tmp_path / "attacked").exists(), "the attack would have worked"


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_damaged_pickle_is_an_input_error(cut: int) -> None:
    with pytest.raises(InputError, match=r"some\.pkl cannot be unpickled"):
        unpickle(pickle.dumps(list(range(100)))[:cut], Path("some.pkl"))


def test_why_no_cache_folder_is_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPERNET_BENCH_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r"pooch, .*, cannot be imported \(import of pooch halted"):
        cache_folder()
