"""A run is executed by one process at a time, whatever happens to processes, machines and clocks."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from supernet_bench.benchmark.execution.executors.local import process_context
from supernet_bench.records import leases
from supernet_bench.records.layout import lease_path
from supernet_bench.records.leases import Held, Lost, Owner, holder, take
from tests.benchmark.execution.executors.studies import wait_until

RUN = "ab12"
ELSEWHERE = Owner("t", 60.0, "elsewhere", "its boot", "its namespace", 7, "1")


def files(store: Path) -> list[str]:
    return sorted(path.name for path in (store / "leases").glob("*.json"))


def write_lease(store: Path, owner: Owner, age_s: float = 0.0, generation: int = 1, run: str = RUN) -> Path:
    """Write the lease of somebody else, last touched a while ago."""
    path = store / "leases" / f"{run}.{generation}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(owner)))
    age(path, age_s)
    return path


def age(path: Path, seconds: float) -> None:
    touched = path.stat().st_mtime - seconds
    os.utime(path, (touched, touched))


def test_one_process_holds_a_run(tmp_path: Path) -> None:
    assert holder(tmp_path, RUN) is None
    with take(tmp_path, RUN) as lease:
        lease.check()
        with pytest.raises(Held, match=f"run {RUN} is executed by process {os.getpid()} on "), take(tmp_path, RUN):
            pass
        assert str(os.getpid()) in holder(tmp_path, RUN)
        with take(tmp_path, "ab123") as other:  # The name of one run may be the start of another's.
            other.check()
        lease.check()
    assert holder(tmp_path, RUN) is None
    assert files(tmp_path) == []


def test_a_lease_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), take(tmp_path, RUN):
        raise ZeroDivisionError
    assert files(tmp_path) == []


HOLD = """
import sys
from pathlib import Path
from supernet_bench.records.leases import take
with take(Path(sys.argv[1]), "ab12", 1000.0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_the_run_of_a_killed_process_is_free_at_once(tmp_path: Path, reaped: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Held, match=f"process {process.pid} on"), take(tmp_path, RUN):
            pass
        process.kill()
        if reaped:
            process.wait()
        wait_until(lambda: holder(tmp_path, RUN) is None)
        with take(tmp_path, RUN) as lease:
            lease.check()
            assert len(files(tmp_path)) == 1
    assert files(tmp_path) == []


def here() -> Owner:
    return leases._myself(Path("nowhere"), RUN, 1000.0, None)


@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        (lambda: here(), False),
        (lambda: replace(here(), started="1"), True),  # Another process has this id by now.
        (lambda: replace(here(), pid=2**22 + 1), True),
        (lambda: replace(here(), started="1", host="elsewhere"), False),
        (lambda: replace(here(), started="1", boot="before"), False),
        (lambda: replace(here(), started="1", namespace="pid:[1]"), False),
        (lambda: replace(here(), started=None, pid=2**22 + 1), False),
    ],
    ids=["alive", "reused id", "no such process", "other host", "other boot", "other container", "not told"],
)
def test_only_an_owner_of_this_machine_is_known_to_be_gone(
    tmp_path: Path, owner: Callable[[], Owner], gone: bool
) -> None:
    write_lease(tmp_path, owner())
    assert (holder(tmp_path, RUN) is None) == gone


def test_an_owner_elsewhere_has_its_time_to_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lease(tmp_path, ELSEWHERE, age_s=55)
    monkeypatch.setattr(time, "time", lambda: 1e10)  # Only the clock of the file system counts.
    assert holder(tmp_path, RUN) == "process 7 on elsewhere"
    age(path, 10)
    assert holder(tmp_path, RUN) is None
    with take(tmp_path, RUN) as lease:
        lease.check()
        assert files(tmp_path) == [f"{RUN}.2.json"]


def test_a_lease_from_the_future_has_expired(tmp_path: Path) -> None:
    write_lease(tmp_path, ELSEWHERE, age_s=-3600)
    assert holder(tmp_path, RUN) is None


def test_a_lease_is_kept_alive(tmp_path: Path) -> None:
    with take(tmp_path, RUN, ttl_s=1.5) as lease:
        path = tmp_path / "leases" / f"{RUN}.1.json"
        taken = path.stat().st_mtime
        wait_until(lambda: path.stat().st_mtime > taken + 1.6)
        assert holder(tmp_path, RUN) is not None
        lease.check()


@pytest.mark.parametrize("how", ["removed", "succeeded", "replaced"])
def test_an_owner_notices_that_it_has_lost_the_run(tmp_path: Path, how: str) -> None:
    with take(tmp_path, RUN) as lease:
        path = tmp_path / "leases" / f"{RUN}.1.json"
        if how == "removed":
            path.unlink()
        else:
            write_lease(tmp_path, ELSEWHERE, generation=1 if how == "replaced" else 2)
        assert not lease.is_lost()
        with pytest.raises(Lost, match=f"run {RUN} was taken over"):
            lease.check()
        assert lease.is_lost()
    if how != "removed":
        assert holder(tmp_path, RUN) == "process 7 on elsewhere"  # Not released by the one who lost it.


def test_a_loss_is_noticed_without_a_check(tmp_path: Path) -> None:
    with take(tmp_path, RUN, ttl_s=0.3) as lease:
        write_lease(tmp_path, ELSEWHERE, generation=2)
        wait_until(lease.is_lost)


def test_an_owner_that_cannot_show_that_it_lives_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others will take it for dead after its time to live."""

    def no_network(*arguments: Any) -> None:
        raise OSError(5, "Input/output error")

    with take(tmp_path, RUN, ttl_s=0.3) as lease:
        monkeypatch.setattr(os, "utime", no_network)
        wait_until(lease.is_lost)


def test_a_lease_that_makes_no_sense_is_waited_for_and_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be about to be written."""
    path = write_lease(tmp_path, ELSEWHERE)
    nonsense = [
        json.dumps(asdict(replace(ELSEWHERE, **wrong))).encode()
        for wrong in (
            {"pid": 10**30}, {"pid": 0}, {"pid": 1.5}, {"ttl_s": float("inf")}, {"ttl_s": float("nan")}, {"ttl_s": 0},
            {"ttl_s": "1"}, {"deaths": None}, {"saved": "1"},
        )
    ]  # fmt: skip
    for content in (b"", b"[1]", b"\xff{", *nonsense, b'{"token": "x"}'):
        path.write_bytes(content)
        with pytest.raises(Held, match=f"somebody unknown, see {path}"), take(tmp_path, RUN):
            pass
    age(path, leases.TTL_S + 1)
    with take(tmp_path, RUN) as lease:
        lease.check()
    line = capsys.readouterr().err
    assert line.startswith(f"warning: {path} is damaged: it is no lease; it was moved to ")
    assert line.count("\n") == 1
    assert [file.read_bytes() for file in (tmp_path / "damaged").iterdir()] == [b'{"token": "x"}']


def test_a_full_disk_leaves_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def full(descriptor: int, mode: str) -> Any:
        return fdopen(os.open("/dev/full", os.O_WRONLY), mode) if os.close(descriptor) is None else None

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match=r"cannot be written: No space left on device: .*ab12\.1\.json"):
        leases._take(tmp_path, RUN, 1.0)
    assert files(tmp_path) == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Have something happen after a taker has looked and before it takes."""
    create = leases._create
    actions = [action]

    def interrupted(path: Path, content: bytes) -> bool:
        if actions:
            actions.pop()()
        return create(path, content)

    monkeypatch.setattr(leases, "_create", interrupted)


def test_a_number_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody took over first."""
    write_lease(tmp_path, ELSEWHERE, age_s=100, generation=3)
    meanwhile(monkeypatch, lambda: write_lease(tmp_path, replace(ELSEWHERE, token="u"), generation=4))
    with pytest.raises(Held, match="just being taken"), take(tmp_path, RUN):
        pass
    assert json.loads((tmp_path / "leases" / f"{RUN}.4.json").read_bytes())["token"] == "u"


def test_a_taker_that_was_overtaken_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody took over, the next one too, and the numbers went on."""
    write_lease(tmp_path, ELSEWHERE, age_s=100, generation=3)
    meanwhile(monkeypatch, lambda: write_lease(tmp_path, replace(ELSEWHERE, token="u"), generation=5))
    with pytest.raises(Held), take(tmp_path, RUN):
        pass
    assert f"{RUN}.5.json" in files(tmp_path)
    assert f"{RUN}.4.json" not in files(tmp_path)


def test_a_taker_that_looked_long_ago_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody took over and released, and the numbers began anew."""
    path = write_lease(tmp_path, ELSEWHERE, age_s=100, generation=3)

    def begin_anew() -> None:
        path.unlink()
        write_lease(tmp_path, replace(ELSEWHERE, token="u"), generation=1)

    meanwhile(monkeypatch, begin_anew)
    with pytest.raises(Held), take(tmp_path, RUN):
        pass
    assert files(tmp_path) == [f"{RUN}.1.json"]


def test_an_owner_that_shows_that_it_lives_keeps_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was slow, and touched its lease after a taker had looked."""
    path = write_lease(tmp_path, ELSEWHERE, age_s=100)
    meanwhile(monkeypatch, lambda: os.utime(path))
    with pytest.raises(Held, match="process 7 on elsewhere"), take(tmp_path, RUN):
        pass
    assert files(tmp_path) == [path.name]


def test_deaths_are_counted_until_something_is_saved(tmp_path: Path) -> None:
    """Wherever the owners were; one that releases the run has not died."""
    checkpoint = tmp_path / "checkpoints" / f"{RUN}.pt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    saved = checkpoint.stat().st_mtime_ns
    for before, deaths in ((replace(ELSEWHERE, saved=saved, deaths=1), 2), (replace(ELSEWHERE, deaths=1), 1)):
        write_lease(tmp_path, before, age_s=100)
        with take(tmp_path, RUN) as lease:
            assert lease.deaths == deaths
            written = Owner(**json.loads((tmp_path / "leases" / files(tmp_path)[0]).read_bytes()))
            assert (written.saved, written.deaths) == (saved, deaths)
        with take(tmp_path, RUN) as lease:
            assert lease.deaths == 0


def test_a_lease_that_is_being_replaced_on_a_network_file_system_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, open_file = write_lease(tmp_path, ELSEWHERE), Path.open

    def stale(opened: Path, *arguments: Any, **named: Any) -> Any:
        if opened == path:
            path.unlink()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return open_file(opened, *arguments, **named)

    monkeypatch.setattr(Path, "open", stale)
    assert holder(tmp_path, RUN) is None


def test_a_link_to_nothing_is_no_lease_and_expires(tmp_path: Path) -> None:
    path = lease_path(tmp_path, RUN, 1)
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "nothing")
    with pytest.raises(Held):
        leases._take(tmp_path, RUN, 60)
    os.utime(path, (0, 0), follow_symlinks=False)
    with take(tmp_path, RUN) as lease:
        lease.check()


ROUNDS = 25


def _race(store: Path, barrier: Any, won: Any) -> None:
    for number in range(ROUNDS):
        barrier.wait(60)
        try:
            with take(store, f"run{number}") as lease:
                won.put(number)
                barrier.wait(60)  # It is held until all have tried.
                lease.check()
        except Held:
            barrier.wait(60)


def test_one_of_many_gets_an_expired_lease(tmp_path: Path) -> None:
    """Also with what takers left that died on the way."""
    for number in range(ROUNDS):
        write_lease(tmp_path, ELSEWHERE, age_s=100, generation=1 + number % 3, run=f"run{number}")
        if number % 2:
            write_lease(tmp_path, ELSEWHERE, age_s=100, generation=4, run=f"run{number}")
    context: Any = process_context()
    takers = 4
    barrier, won = context.Barrier(takers), context.Queue()
    processes = [context.Process(target=_race, args=(tmp_path, barrier, won)) for _ in range(takers)]
    for process in processes:
        process.start()
    wins = Counter(won.get(timeout=60) for _ in range(ROUNDS))
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * takers
    assert wins == dict.fromkeys(range(ROUNDS), 1)
    assert won.empty()
    assert files(tmp_path) == []


def test_a_stopped_owner_is_taken_over_and_told(tmp_path: Path) -> None:
    program = HOLD.replace("1000.0", "0.5") + "    lease.check()\n"
    program = program.replace("0.5):", "0.5) as lease:")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "held\n"
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: holder(tmp_path, RUN) is None)
    with take(tmp_path, RUN) as lease:
        os.kill(process.pid, signal.SIGCONT)
        _, errors = process.communicate("", timeout=60)
        assert "Lost: run ab12 was taken over" in errors
        lease.check()
