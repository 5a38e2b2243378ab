"""Files that others published: where they are looked for, how they are fetched and how pickles are read."""

import hashlib
import io
import os
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supernet_bench.core.errors import InputError, in_one_line
from supernet_bench.core.progress import Part, shown

RETRIES = 2
TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class PublishedFile:
    """A file whose content is known.

    Attributes
    ----------
    name : str
        File name, in the user's folder as in the cache.
    url : str
        Where it is published.
    checksum : str
        ``"<algorithm>:<hex digest>"``, the algorithm as `hashlib` names it.
    """

    name: str
    url: str
    checksum: str


def user_folder() -> Path | None:
    """Return the folder named by the environment variable SUPERNET_BENCH_DATA, if it is set.

    Raises
    ------
    InputError
        If it names no folder.
    """
    value = os.environ.get("SUPERNET_BENCH_DATA")
    return existing(_at_home(value, "SUPERNET_BENCH_DATA"), "SUPERNET_BENCH_DATA") if value else None


def cache_folder() -> Path:
    """Return the folder that downloads are kept in, which need not exist yet.

    It is named by the environment variable SUPERNET_BENCH_CACHE, else it is the platform's cache folder.

    Raises
    ------
    InputError
        If the variable names a home that does not exist, or is not set and the platform's folder is not known.
    """
    value = os.environ.get("SUPERNET_BENCH_CACHE")
    if value:
        return _at_home(value, "SUPERNET_BENCH_CACHE")
    try:
        import pooch
    except ImportError as error:
        reason = f"pooch, which knows the platform's, cannot be imported ({error})"
        raise InputError(f"no cache folder is known: {reason}; install it or set SUPERNET_BENCH_CACHE") from None
    folder = Path(pooch.os_cache("supernet-bench"))
    if not folder.is_absolute():  # It begins with ~, which nobody's home stands for.
        raise InputError("no cache folder is known: set SUPERNET_BENCH_CACHE, or HOME")
    return folder


def _at_home(value: str, variable: str) -> Path:
    """Return the path that a variable names, which may begin with ``~``."""
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise InputError(f"{variable} is {value!r}, and there is no such home; allowed: the path of a folder") from None


def existing(folder: Path, what: str) -> Path:
    """Return `folder`, or raise InputError if there is no such folder; `what` says whose it is."""
    if not folder.is_dir():
        raise InputError(f"{what} is {str(folder)!r}, which is not an existing folder")
    return folder


def find(folder: Path | None, *names: str) -> Path | None:
    """Return the first of `names` that exists in `folder`, else in the user's folder, else in the cache.

    Parameters
    ----------
    folder : Path, optional
        Where the user keeps data.
    *names : str
        Paths relative to each of the folders; an earlier name wins within a folder.

    Raises
    ------
    InputError
        If `folder` or SUPERNET_BENCH_DATA names no folder.
    """
    candidates = (place / name for place in _places(folder) for name in names)
    return next((path for path in candidates if path.exists()), None)


def fetch(file: PublishedFile, folder: Path | None = None) -> Path:
    """Return where `file` is, after a download to the cache if it is in none of the folders.

    Parameters
    ----------
    file : PublishedFile
    folder : Path, optional
        Where the user keeps data; searched first.

    Returns
    -------
    Path
        A file with the published content.

    Raises
    ------
    InputError
        If a file of that name has another content, or there is none and it cannot be downloaded.
    """
    local = find(folder, file.name)
    if local is None:
        return _download(file, list(_places(folder)))
    try:
        check(local, file.checksum)
    except InputError as error:
        raise InputError(f"{error}; remove it to have it downloaded again, or copy it from {file.url}") from error
    return local


def check(path: Path, checksum: str) -> None:
    """Raise InputError unless the file at `path` can be read and has that ``"<algorithm>:<hex digest>"``."""
    algorithm, expected = checksum.split(":")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if found != expected:
        raise InputError(f"{path} is damaged or another file: its {algorithm} is {found}, the published one {expected}")


def unpickle(content: bytes, path: Path, allowed: Mapping[str, Any] | None = None) -> Any:
    """Read a pickle without letting it import anything.

    Parameters
    ----------
    content : bytes
    path : Path
        Where it comes from, for messages.
    allowed : mapping of str to object, optional
        What each global that the pickle may name stands for, by ``"module.name"``. None is allowed by
        default, which leaves numbers, texts and their containers.

    Raises
    ------
    InputError
        If the pickle names another global or is damaged.
    """
    try:
        return _Unpickler(content, allowed or {}).load()
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(f"{path} cannot be unpickled ({in_one_line(error)})") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, allowed: Mapping[str, Any]) -> None:
        # Python 2 wrote arrays as texts; only this encoding keeps all their bytes.
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in self._allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
        return self._allowed[f"{module}.{name}"]


def _places(folder: Path | None) -> Iterator[Path]:
    # Lazy, so that data in a given folder needs no cache.
    if folder is not None:
        yield existing(folder, "the data folder")
    user = user_folder()
    if user is not None:
        yield user
    yield cache_folder()


def _download(file: PublishedFile, places: list[Path]) -> Path:
    missing = f"{file.name} is not in {' or '.join(map(str, places))}"
    remedy = f"copy the file there from {file.url}, or set SUPERNET_BENCH_DATA to its folder"
    try:
        import pooch
    except ImportError as error:
        raise InputError(f"{missing}; it cannot be downloaded without {error.name}; {remedy}") from error
    pooch.get_logger().setLevel("ERROR")  # A refusal is one line, and it is ours.
    source = pooch.create(
        path=cache_folder(),
        base_url="",
        registry={file.name: file.checksum},
        urls={file.name: file.url},
        retry_if_failed=RETRIES,
    )
    get = pooch.HTTPDownloader(progressbar=_Bar(Part(file.name)), chunk_size=CHUNK_BYTES, timeout=TIMEOUT_S)
    try:
        return Path(source.fetch(file.name, downloader=get))
    except (OSError, ValueError) as error:  # those of requests are OSErrors; a wrong content is a ValueError
        raise InputError(f"{missing}; the download failed ({in_one_line(error)}); {remedy}") from error


class _Bar:
    """What pooch expects of a progress bar: it tells how many bytes there are, and how many more have come."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._done, self.total = 0, 0.0

    def update(self, size: int) -> None:
        self._done += size
        if self.total:
            shown().advanced(self._part, min(1.0, self._done / self.total))

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Do nothing: pooch has counted all by now."""
