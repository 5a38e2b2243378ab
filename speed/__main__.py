"""Speed of this suite beside xautodl and plain PyTorch: ``python -m speed``."""

import argparse
import sys
from pathlib import Path

import torch
from rich.console import Console

from speed import contenders
from speed.fidelities import FIDELITIES
from speed.measure import Effort, measure
from speed.report import notes, timing_table, write_json
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import steady
from supernet_bench.core.processors import cores

TABLE_WIDTH = 130


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and write speed.json; 1 if an implementation computes something else, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    parser.add_argument("--fidelity", choices=FIDELITIES, action="append", help="only this; may be repeated")
    parser.add_argument("--steps", type=int, choices=range(2, 100_000), metavar="N", help="timed steps of each")
    parser.add_argument(
        "--threads", type=int, choices=range(1, 1000), metavar="N", default=cores(), help="default: cores"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), action="append", help="by default all there are")
    parser.add_argument("--quick", action="store_true", help="try everything; the numbers mean nothing")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of speed.json")
    steady()
    given = parser.parse_args(arguments)
    available = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    measurements = []
    try:
        contenders.require_xautodl()
        for name in given.fidelity or FIDELITIES:
            fidelity = FIDELITIES[name]
            effort = Effort(given.steps or fidelity.steps, fidelity.sample, given.threads)
            if given.quick:
                effort = Effort(given.steps or 5, 5, given.threads, agreement=0, patience_s=0.5)
            for device in given.device or available:
                if device not in available:
                    raise InputError(f"--device is {device!r}; allowed here: {', '.join(available)}")
                measurements += measure(fidelity, torch.device(device), effort, _tell)
        write_json(measurements, given.reports / "speed.json")
    except (InputError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    Console(width=TABLE_WIDTH).print(timing_table(measurements))
    for measurement in measurements:
        print(*notes(measurement), sep="\n")
    wrong = [(m, each) for m in measurements for each in m.agreement if not each.agrees]
    for m, each in wrong:
        print(
            f"error: {each.what} at fidelity {m.fidelity} on {m.device} in {m.precision} differ by {each.relative:.1e} "
            f"for architecture {each.architecture}; allowed: {each.allowed:.1e}",
            file=sys.stderr,
        )
    return 1 if wrong else 0


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
