"""What becomes of runs whose processes have ended."""

from pathlib import Path

from supernet_bench.benchmark.execution.worker import ATTEMPTS
from supernet_bench.records import leases
from supernet_bench.records.layout import record_path
from supernet_bench.records.store import Store
from tests.benchmark.execution.executors.studies import Watch, study, told
from tests.records.made import run_record

SPEC = study().baseline
DEATH = "the process ended with code -9"


def test_that_a_run_has_ended_is_told_once(tmp_path: Path) -> None:
    watch = Watch()
    attempts = told(tmp_path, watch)
    assert not attempts.has_ended(SPEC)
    Store(tmp_path).write_record(run_record(SPEC.run_id))
    assert attempts.settled(SPEC, DEATH)
    assert attempts.has_ended(SPEC)
    assert watch.statuses == {"finished": 1}


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    watch = Watch()
    path = record_path(tmp_path, SPEC.run_id)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert not told(tmp_path, watch).has_ended(SPEC)
    assert watch.statuses == {}


def test_a_run_that_was_left_to_another_process_is_not_started_again(tmp_path: Path) -> None:
    attempts = told(tmp_path, Watch())
    attempts.started(SPEC)
    assert attempts.settled(SPEC)
    assert Store(tmp_path).find("") == []


def test_deaths_count_unless_the_run_had_begun(tmp_path: Path) -> None:
    watch = Watch()
    attempts = told(tmp_path, watch)

    def die() -> bool:
        attempts.started(SPEC)
        return attempts.settled(SPEC, DEATH)

    assert [die() for _ in range(ATTEMPTS - 1)] == [False] * (ATTEMPTS - 1)
    attempts.started(SPEC)
    lease = leases._take(tmp_path, SPEC.run_id, 60)
    assert not attempts.settled(SPEC, DEATH), "it counts from here on"
    lease.release()
    assert [die() for _ in range(ATTEMPTS)] == [False] * (ATTEMPTS - 1) + [True]
    assert watch.statuses == {"failed": 1}
    assert Store(tmp_path).read_record(SPEC.run_id).error.message == f"{DEATH}, {ATTEMPTS} times"
