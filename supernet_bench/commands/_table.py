"""All commands, in the order of the help."""

from supernet_bench.commands import (
    agreement,
    check,
    doctor,
    import_,
    leaderboard,
    list_,
    merge,
    new,
    publish,
    report,
    run,
    show,
)
from supernet_bench.commands._command import Command

ABOUT = "Benchmark of supernet-training heuristics: which of them make the ranking of architectures better."

COMMANDS: tuple[Command, ...] = (
    run.COMMAND,
    report.COMMAND,
    publish.COMMAND,
    agreement.COMMAND,
    leaderboard.COMMAND,
    list_.COMMAND,
    check.COMMAND,
    show.COMMAND,
    merge.COMMAND,
    doctor.COMMAND,
    *import_.COMMANDS,
    *new.COMMANDS,
)

GROUPS = {
    "import": "Bring in scores of your own, or read a published benchmark file once.",
    "new": "Write a new plug-in that works, and its test.",
}
"""What the first words of names of two words are for."""
