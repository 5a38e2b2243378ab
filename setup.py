"""What `pip install .` does first; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup

# Building takes over what an older build left here. Plug-ins are found by looking, so a removed one would come back.
shutil.rmtree("build/lib", ignore_errors=True)

# The parts of the package are links to folders, which some programs unpack as files that hold the name of the folder.
for link in (path for path in Path("supernet_bench").iterdir() if path.is_file() and not path.suffix):
    if Path(".git").exists():
        raise SystemExit(
            f"{link} is a file; allowed: a link to {link.read_text()}, as git makes it with: "
            "git config core.symlinks true, git checkout -- supernet_bench"
        )
    part = link.read_text().strip().removeprefix("../")
    link.unlink()
    shutil.copytree(part, link)

setup()
