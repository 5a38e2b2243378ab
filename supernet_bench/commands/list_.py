"""``supernet-bench list``: what exists."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from supernet_bench.commands._command import Command, argument
from supernet_bench.commands._options import PLUGIN_HELP


class Listed(StrEnum):
    """What can be listed."""

    spaces = "spaces"
    heuristics = "heuristics"
    studies = "studies"
    images = "images"
    proxies = "proxies"


@dataclass(frozen=True)
class Options:
    """What is listed."""

    what: Listed = field(metadata=argument("What to list."))
    plugin: list[Path] | None = field(default=None, metadata=PLUGIN_HELP)


def list_(options: Options) -> None:
    """List what exists, with settings, levels and source."""
    from supernet_bench.benchmark.plugins.registry import warn_of_broken_plugins
    from supernet_bench.commands._catalogue import as_text, catalogue
    from supernet_bench.commands._plugins import use

    use(options.plugin)
    warn_of_broken_plugins()
    print("\n\n".join(map(as_text, catalogue(options.what.value))))


COMMAND = Command("list", Options, list_)
