"""Runs as jobs of a Slurm cluster, through submitit."""

from supernet_bench.benchmark.execution.executors.slurm.executor import make
from supernet_bench.benchmark.execution.executors.slurm.job import RunJob

__all__ = ["RunJob", "make"]
