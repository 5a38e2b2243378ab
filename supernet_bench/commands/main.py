"""Where the program starts: ``supernet-bench``, and ``python -m supernet_bench``."""

import sys
from importlib.util import find_spec

from supernet_bench.commands._command import INTERRUPTED
from supernet_bench.core.output import steady


def main() -> None:
    """Do what is typed, and exit; bad input ends with one line and exit code 2."""
    steady()
    try:
        if find_spec("typer"):
            from supernet_bench.commands.app import app

            app()
        else:
            from supernet_bench.commands import _plain as plain

            sys.exit(plain.main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
