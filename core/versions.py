"""Which code this is."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def _number() -> str:
    try:
        return version("supernet-bench")
    except PackageNotFoundError:
        return "unknown"


NUMBER = _number()
"""Of the release; unknown where nothing is installed."""

GIT_SECONDS = 60.0
"""How long git may take, in a folder that may be on another machine."""


@cache
def code_version() -> str:
    """Return the version of the suite, with the git revision where it runs from a checkout."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return NUMBER
    try:
        return f"{NUMBER}+{revision(root)}"
    except (OSError, subprocess.SubprocessError):
        return NUMBER


def revision(checkout: Path) -> str:
    """Return the commit of a checkout, and whether files differ from it, without writing to it.

    ``git describe --dirty`` would lock and write the index, in many processes at once and beside the user's commands;
    one that is killed meanwhile leaves the lock.
    """
    commit = _git(checkout, "describe", "--always", "--exclude=*")
    changed = _git(checkout, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return f"{commit}-dirty" if changed else commit


def _git(checkout: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=checkout, capture_output=True, text=True, check=True, timeout=GIT_SECONDS
    )
    return done.stdout.strip()
