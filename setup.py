"""What `pip install .` does first; everything else is in pyproject.toml."""

import shutil

from setuptools import setup

# Building takes over what an older build left here. Plug-ins are found by looking, so a removed one would come back.
shutil.rmtree("build/lib", ignore_errors=True)
setup()
