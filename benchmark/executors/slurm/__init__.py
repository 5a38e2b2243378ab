"""Runs as jobs of a Slurm cluster, through submitit."""

from benchmark.executors.slurm.executor import make
from benchmark.executors.slurm.job import RunJob

__all__ = ["RunJob", "make"]
