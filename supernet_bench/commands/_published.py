"""What commands print of published files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supernet_bench.analysis.publishing.api import Comparison

SHOWN = 20
"""Lines that are printed of what differs."""


def say_written(paths: Sequence[Path]) -> None:
    """Say which files were written."""
    print(f"wrote {len(paths)} files:")
    for path in paths:
        print(f"  {path}")


def say_compared(found: "Comparison") -> int:
    """Say what differs, and return the exit code: 1 if anything does."""
    for line in found.differences[:SHOWN]:
        print(line)
    if found.differences:
        print(f"{len(found.differences)} differences")
        for hint in found.hints:
            print(hint)
        return 1
    print(f"{found.files} files are as committed; of the plots, the checksums")
    return 0
