"""Plug-ins in files that a command is given."""

from collections.abc import Iterable
from pathlib import Path


def use(files: Iterable[Path] | None) -> None:
    """Have the plug-ins in these files exist, and in no others yet."""
    from supernet_bench.benchmark.plugins.plugin_file import merged, read_plugin_file
    from supernet_bench.benchmark.plugins.registry import use_files

    use_files(merged(map(read_plugin_file, files or ())))
