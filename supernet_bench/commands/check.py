"""``supernet-bench check``: what is wrong with a plug-in of the user's own."""

from dataclasses import dataclass, field
from pathlib import Path

from supernet_bench.commands._command import Command, argument


@dataclass(frozen=True)
class Options:
    """What is checked."""

    file: Path = field(metadata=argument("Python file with plug-ins of your own.", "FILE"))


def check(options: Options) -> int:
    """Examine the plug-ins in a file, run them on small tasks, and say in one line each what is wrong."""
    from supernet_bench.api import check_plugin
    from supernet_bench.benchmark.plugins.registry import files_in_use, plugins_of
    from supernet_bench.commands._plugins import use

    found = False
    for line in check_plugin(options.file):
        print(line, flush=True)
        found = True
    if found:
        return 1
    use([options.file])
    (file,) = files_in_use()
    names = [f"{kind} {plugin.name}" for kind, plugins in plugins_of(file).items() for plugin in plugins]
    print(f"{file.path}: nothing is wrong with {', '.join(names)}")
    return 0


COMMAND = Command("check", Options, check)
