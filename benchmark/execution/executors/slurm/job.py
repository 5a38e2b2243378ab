"""What a job of a run does, on a node of the cluster."""

import sys
from typing import Any

from submitit.helpers import DelayedSubmission

from supernet_bench.benchmark.execution.attempts import attempt, received
from supernet_bench.benchmark.execution.worker import ATTEMPTS, Execution
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import encodable
from supernet_bench.records.store import Store

PROBLEM = "error: "
"""How the line in the log of a job starts that says what the user can mend."""


class RunJob:
    """What a job executes; submitit calls it, and asks it how to go on before the job is stopped.

    Parameters
    ----------
    tables : dict
        The spec of the run.
    execution : Execution
    stops : int
        How often in a row the job was stopped before the run had saved anything.
    """

    def __init__(self, tables: dict[str, Any], execution: Execution, stops: int = 0) -> None:
        self._tables, self._execution, self._stops = tables, execution, stops
        self._saved = 0

    def __call__(self) -> None:
        """Execute the run, or what is left of it."""
        encodable()
        try:
            spec = received(self._tables, self._execution)
            self._saved = Store(self._execution.store).saved_at(spec.run_id)
            attempt(spec, self._execution)
        except (InputError, OSError) as error:
            _print_problem(str(error))

    def checkpoint(self) -> DelayedSubmission:
        """Return what the job executes when it is started again."""
        run_id = received(self._tables, self._execution).run_id
        got_on = Store(self._execution.store).saved_at(run_id) != self._saved
        stops = 0 if got_on else self._stops + 1
        if stops == ATTEMPTS:
            _print_problem(f"run {run_id} was stopped {stops} times before its first save; try --slurm time=MINUTES")
            sys.exit(1)
        return DelayedSubmission(RunJob(self._tables, self._execution, stops))


def _print_problem(text: str) -> None:
    print(PROBLEM + " ".join(text.split()), file=sys.stderr, flush=True)
