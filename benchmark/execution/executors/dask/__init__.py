"""Runs on the workers of dask.distributed: those of an existing scheduler, or processes on this machine."""

from supernet_bench.benchmark.execution.executors.dask.executor import DaskExecutor, make

__all__ = ["DaskExecutor", "make"]
