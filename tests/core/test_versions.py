"""The revision that a record names and `--version` prints."""

import os
import subprocess
from pathlib import Path

from supernet_bench.core.versions import revision


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_the_revision_of_a_checkout_is_read_without_writing_to_it(tmp_path: Path) -> None:
    """A lock that a killed process left, or that many processes take in turn, would stop the user's own commands."""
    file, index = tmp_path / "file", tmp_path / ".git" / "index"
    file.write_text("a")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "first")
    os.utime(file, (1, 1))  # Git would note that in the index.
    before = index.read_bytes()
    assert revision(tmp_path) == git(tmp_path, "rev-parse", "--short", "HEAD")
    assert index.read_bytes() == before
    file.write_text("b")
    assert revision(tmp_path) == git(tmp_path, "describe", "--always", "--dirty", "--exclude=*")
    assert revision(tmp_path).endswith("-dirty")
