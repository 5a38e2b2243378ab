"""Executing a study where there is PyTorch and NumPy alone: ``python -m supernet_bench.commands.bare``."""

import argparse
import sys
from pathlib import Path

from supernet_bench.benchmark.execution import Resources, run_study
from supernet_bench.benchmark.plugins.plugin_file import merged, read_plugin_file
from supernet_bench.benchmark.plugins.registry import use_files, warn_of_broken_plugins
from supernet_bench.benchmark.study.study import load_study
from supernet_bench.commands.progress import Lines
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import steady
from supernet_bench.core.settings import MOST_AT_ONCE


def main() -> int:
    """Execute the runs of a study that have no record yet; reports are made elsewhere, from the store."""
    parser = argparse.ArgumentParser(prog="python -m supernet_bench.commands.bare", description=main.__doc__)
    parser.add_argument("study", help="name of a shipped study, or path of a TOML file")
    parser.add_argument("--store", type=Path, default=Path("store"), help="folder of the records")
    parser.add_argument("--data", type=Path, help="folder with images")
    parser.add_argument("--device", default="auto", help="auto, cpu, or cuda")
    parser.add_argument("--jobs", type=_positive, metavar="N", help="runs at once")
    parser.add_argument("--threads", type=_positive, metavar="N", help="threads per run")
    parser.add_argument("--runs-per-gpu", type=_positive, metavar="N", help="runs at once on a GPU")
    parser.add_argument("--redo", action="store_true", help="execute runs again that other code of a plug-in made")
    parser.add_argument("--plugin", type=Path, action="append", metavar="FILE", help="file with plug-ins of your own")
    steady()
    given = parser.parse_args()
    resources = Resources(
        store=given.store,
        data=given.data,
        device=given.device,
        jobs=given.jobs,
        threads=given.threads,
        runs_per_gpu=given.runs_per_gpu,
    )
    try:
        use_files(merged(map(read_plugin_file, given.plugin or ())))
        warn_of_broken_plugins()
        run_study(load_study(given.study), resources, Lines(), redo=given.redo, given=given.study)
    except (InputError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        return 130
    return 0


def _positive(text: str) -> int:
    if not (text.isdecimal() and len(text) <= len(str(MOST_AT_ONCE)) and 0 < int(text) <= MOST_AT_ONCE):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a whole number from 1 to {MOST_AT_ONCE}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
