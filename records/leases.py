"""Who executes a run: one process at a time, over any number of machines that share the folder of the store.

A lease is a small file that names its owner and is touched every now and then while the owner lives. It has expired
when its owner is known to be gone, which is seen at once on the same machine, or when it was not touched for its time
to live. The time is that of the file system, read off a file touched just now, so clocks of machines may differ.

The leases of a run are numbered. No process removes or replaces the lease of another in order to take over: it creates
the next number, which succeeds for exactly one process (``O_EXCL``, also on NFS), looks whether all is still as it
judged, and only then removes the older ones. Of two processes that both see an expired lease one gets the run.

What is guaranteed: no two processes hold a run as long as every owner touches its lease within the time to live.
What is not: an owner that was stopped, or cut off from the file system, for longer than that may live on beside its
successor. It notices with its next touch, at most a sixth of the time to live after it goes on, or before that at the
last moment before a file of the run takes its name; then it writes nothing more. At worst a file appears again as it
was. This does no harm: what a run gives does not depend on who executes it, and files are replaced whole.

A lease that its owner did not release tells of the death of that process. The next owner counts it, wherever it runs,
so that a run which kills its processes is given up in the end.
"""

import json
import os
import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from supernet_bench.core.files import ABSENT, saved_at
from supernet_bench.records.damage import Damaged, set_aside
from supernet_bench.records.layout import checkpoint_path, lease_path

TTL_S = 120.0
"""Time to live, seconds; more than a network file system keeps attributes of files cached, which is up to 60."""

TOUCHES = 6
"""How often a lease is touched within its time to live."""


class Held(RuntimeError):
    """Somebody else executes the run."""


class Lost(RuntimeError):
    """Somebody else has taken over the run, since this process did not show that it lives."""


@dataclass(frozen=True)
class Owner:
    """A process that executes a run.

    Attributes
    ----------
    token : str
        Different for each lease.
    ttl_s : float
        Time to live of the lease, seconds.
    host : str
    boot, namespace, started : str or None
        What makes a process id unique: the boot of the machine, the namespace of process ids, and when the process
        started; None where the operating system does not tell.
    pid : int
    saved : int
        When the run had last saved its state as the lease was taken, nanoseconds; 0 is never.
    deaths : int
        How many owners died before that, nothing having been saved between their deaths.
    """

    token: str
    ttl_s: float
    host: str
    boot: str | None
    namespace: str | None
    pid: int
    started: str | None
    saved: int = 0
    deaths: int = 0

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_gone(self) -> bool:
        """Return whether the process is known to have ended; of another machine that is never known."""
        here = (socket.gethostname(), _boot(), _namespace())
        if None in here or self.started is None or (self.host, self.boot, self.namespace) != here:
            return False
        started = _started(self.pid)
        return not _exists(self.pid) if started is None else started != self.started


@dataclass(frozen=True)
class _Found:
    """The newest lease of a run; no owner if its content makes no sense."""

    path: Path
    generation: int
    content: bytes
    owner: Owner | None
    age_s: float

    def expired(self) -> bool:
        if self.owner is None:
            return abs(self.age_s) > TTL_S  # It may be about to be written.
        # A lease from the future was written before the clock of the file system was set back.
        return self.owner.is_gone() or abs(self.age_s) > self.owner.ttl_s


class Lease:
    """The right to execute a run, kept by a thread that touches its file; made by `take`.

    Attributes
    ----------
    deaths : int
        How many owners died before, nothing having been saved between their deaths.
    """

    def __init__(self, path: Path, successor: Path, content: bytes, owner: Owner) -> None:
        self.deaths = owner.deaths
        self._path, self._successor, self._content, self._ttl_s = path, successor, content, owner.ttl_s
        self._lost, self._released = Event(), Event()
        Thread(target=self._keep, name=f"lease {path.stem}", daemon=True).start()

    def is_lost(self) -> bool:
        """Return whether it is already known that somebody has taken over; looks at no file."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raise Lost unless this process still holds the run; to be called before anything is written."""
        if self.is_lost() or not self._is_mine():
            self._lost.set()
            raise Lost(f"run {self._path.name.partition('.')[0]} was taken over, as this process seemed to be dead")

    def release(self) -> None:
        """Let others execute the run."""
        self._released.set()
        with suppress(OSError):  # It expires.
            if not self.is_lost() and self._is_mine():
                self._path.unlink()

    def _is_mine(self) -> bool:
        found = _read(self._path)
        return found is not None and found[0] == self._content and not self._successor.exists()

    def _keep(self) -> None:
        touched = monotonic()
        while not self._released.wait(self._ttl_s / TOUCHES):
            try:
                if not self._is_mine():
                    break
                os.utime(self._path)
                touched = monotonic()
            except FileNotFoundError:
                break
            except OSError:  # The network may come back, but others wait no longer than this.
                if monotonic() - touched > self._ttl_s:
                    break
        if not self._released.is_set():
            self._lost.set()


@contextmanager
def take(store: Path, run_id: str, ttl_s: float = TTL_S) -> Iterator[Lease]:
    """Hold a run while the block is executed.

    Parameters
    ----------
    store : Path
    run_id : str
    ttl_s : float
        Time to live, seconds.

    Raises
    ------
    Held
        If somebody alive holds it.
    OSError
        If the store cannot be written.
    """
    lease = _take(store, run_id, ttl_s)
    try:
        yield lease
    finally:
        lease.release()


def latest(store: Path, run_id: str) -> int:
    """Return the number of the newest lease of a run, also of one that has expired; 0 if there is none."""
    return max(_generations(store, run_id), default=0)


def holder(store: Path, run_id: str) -> str | None:
    """Return who executes a run, in words, or None if nobody alive does."""
    found = _newest(store, run_id)
    return None if found is None or found.expired() else _in_words(found)


def _take(store: Path, run_id: str, ttl_s: float) -> Lease:
    while True:
        before = _newest(store, run_id)
        if before is not None and not before.expired():
            raise Held(f"run {run_id} is executed by {_in_words(before)}")
        generation = 1 if before is None else before.generation + 1
        path, owner = lease_path(store, run_id, generation), _myself(store, run_id, ttl_s, before)
        content = json.dumps(asdict(owner)).encode()
        if not _create(path, content):
            raise Held(f"run {run_id} is just being taken by somebody else")
        after = _newest(store, run_id, below=generation)
        still_free = after is None or after.expired()  # Its owner may have shown meanwhile that it lives.
        if still_free and _is_newest(store, run_id, generation) and _same(before, after):
            _remove_older(store, run_id, generation)
            return Lease(path, lease_path(store, run_id, generation + 1), content, owner)
        path.unlink(missing_ok=True)  # It rested on what was no longer so.


def _same(before: _Found | None, after: _Found | None) -> bool:
    if before is None or after is None:
        return before is after
    return (before.generation, before.content) == (after.generation, after.content)


def _myself(store: Path, run_id: str, ttl_s: float, before: _Found | None) -> Owner:
    """Return this process as the next owner of a run, whose lease an earlier one has left if that died."""
    pid, token, saved, deaths = os.getpid(), uuid.uuid4().hex, saved_at(checkpoint_path(store, run_id)), 0
    if before is not None and before.owner is not None:
        deaths = 1 + (before.owner.deaths if before.owner.saved == saved else 0)
    return Owner(token, ttl_s, socket.gethostname(), _boot(), _namespace(), pid, _started(pid), saved, deaths)


def _create(path: Path, content: bytes) -> bool:
    """Write a lease; return whether there was none of this number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(path)) from error
    return True


def _generations(store: Path, run_id: str) -> list[int]:
    """Return the numbers of the leases of a run, ascending."""
    pattern = re.compile(rf"{re.escape(run_id)}\.([0-9]+)\.json")
    names = (path.name for path in lease_path(store, run_id, 0).parent.glob(f"{run_id}.*.json"))
    return sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))


def _is_newest(store: Path, run_id: str, generation: int) -> bool:
    return _generations(store, run_id)[-1:] == [generation]


def _newest(store: Path, run_id: str, below: float = float("inf")) -> _Found | None:
    while generations := [number for number in _generations(store, run_id) if number < below]:
        path = lease_path(store, run_id, generations[-1])
        now = _clock(path.parent)
        found = _read(path)
        if found is not None:
            content, touched = found
            return _Found(path, generations[-1], content, _owner(content), now - touched)
    return None


def _remove_older(store: Path, run_id: str, generation: int) -> None:
    for number in _generations(store, run_id):
        path = lease_path(store, run_id, number)
        if number < generation and (found := _read(path)) is not None:
            with suppress(FileNotFoundError):
                if _owner(found[0]) is None:
                    set_aside(store, Damaged(path, "it is no lease"))
                path.unlink(missing_ok=True)


def _read(path: Path) -> tuple[bytes, float] | None:
    """Return the content of a file and when it was touched; opening it has NFS ask its server."""
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_mtime
    except IsADirectoryError:  # Somebody made it; it is no lease, and expires as such.
        return b"", path.stat().st_mtime
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        return (b"", path.lstat().st_mtime) if path.is_symlink() else None  # A link to nothing stays there.


def _owner(content: bytes) -> Owner | None:
    try:
        owner = Owner(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return None
    whole = (owner.pid, owner.saved, owner.deaths)
    valid = isinstance(owner.ttl_s, float | int) and all(type(number) is int for number in whole)
    return owner if valid and 0 < owner.ttl_s < float("inf") and 0 < owner.pid < 2**31 else None


def _clock(folder: Path) -> float:
    """Return the time of the file system that `folder` is on."""
    clock = folder / ".clock"
    clock.touch()
    return clock.stat().st_mtime


def _in_words(found: _Found) -> str:
    return f"somebody unknown, see {found.path}" if found.owner is None else str(found.owner)


def _boot() -> str | None:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return None


def _namespace() -> str | None:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return None


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since the boot; nothing if it has ended, None if that cannot be seen."""
    try:
        # The second field, the name of the program, may hold anything, even blanks and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()
    except OSError:
        return None
    return "" if fields[0] in "ZX" else fields[19]


def _exists(pid: int) -> bool:
    """Return whether there is a process, even one of another user that /proc may hide."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
