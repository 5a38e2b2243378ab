"""Many runs: workers, drivers and executors. What others may use is here; what is behind it may change."""

from supernet_bench.benchmark.execution.driver import failed_runs, run_study
from supernet_bench.benchmark.execution.environment import compute_exactly, environment_of, find_device, open_device
from supernet_bench.benchmark.execution.executors.local import process_context
from supernet_bench.benchmark.execution.resources import Resources
from supernet_bench.benchmark.execution.worker import Execution, execute

__all__ = [
    "Execution",
    "Resources",
    "compute_exactly",
    "environment_of",
    "execute",
    "failed_runs",
    "find_device",
    "open_device",
    "process_context",
    "run_study",
]
