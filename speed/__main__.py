"""Speed of this suite, beside xautodl and plain PyTorch, with size, and of proxies: ``python -m speed compare``, ..."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from speed import contenders
from speed.fidelities import FIDELITIES
from speed.growth import fit, in_words, measure_growth
from speed.growth_plot import write_figure
from speed.growth_plot import write_json as write_growth
from speed.measure import Effort, Measurement, measure
from speed.proxies import measure_proxies
from speed.report import notes, timing_table, write_json
from supernet_bench.core.errors import InputError
from supernet_bench.core.output import steady
from supernet_bench.core.processors import cores

TABLE_WIDTH = 130


def main(arguments: list[str] | None = None) -> int:
    """Measure, print what was found, and write it; 1 if an implementation computes something else, 2 for bad input."""
    steady()
    given = _parser().parse_args(arguments)
    try:
        return int(given.measure(given))
    except (InputError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m speed", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    compare = commands.add_parser("compare", help="beside xautodl and plain PyTorch; writes speed.json")
    compare.add_argument("--fidelity", choices=FIDELITIES, action="append", help="only this; may be repeated")
    compare.add_argument("--steps", type=int, choices=range(2, 100_000), metavar="N", help="timed steps of each")
    compare.add_argument(
        "--threads", type=int, choices=range(1, 1000), metavar="N", default=cores(), help="default: cores"
    )
    compare.add_argument("--device", choices=("cpu", "cuda"), action="append", help="by default all there are")
    growth = commands.add_parser("growth", help="with size; writes growth.json, growth.png and growth.svg")
    proxies = commands.add_parser("proxies", help="of zero-cost proxies, for a whole space; writes nothing")
    for command, measure_it in ((compare, _compare), (growth, _measure_growth), (proxies, _measure_proxies)):
        command.add_argument("--quick", action="store_true", help="try everything; the numbers mean nothing")
        command.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the files")
        command.set_defaults(measure=measure_it)
    return parser


def _compare(given: argparse.Namespace) -> int:
    available = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    measurements = []
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
    Console(width=TABLE_WIDTH).print(timing_table(measurements))
    for measurement in measurements:
        print(*notes(measurement), sep="\n")
    return _say_what_is_wrong(measurements)


def _say_what_is_wrong(measurements: Sequence[Measurement]) -> int:
    wrong = [(m, each) for m in measurements for each in m.agreement if not each.agrees]
    for m, each in wrong:
        print(
            f"error: {each.what} at fidelity {m.fidelity} on {m.device} in {m.precision} differ by {each.relative:.1e} "
            f"for architecture {each.architecture}; allowed: {each.allowed:.1e}",
            file=sys.stderr,
        )
    return 1 if wrong else 0


def _measure_growth(given: argparse.Namespace) -> int:
    found = [(each, fit(each)) for each in measure_growth(*((2, 1) if given.quick else (3, 3)))]
    write_figure(found, given.reports)
    write_growth(found, given.reports)
    for each in found:
        print(in_words(*each))
    return 0


def _measure_proxies(given: argparse.Namespace) -> int:
    for each in measure_proxies(cores(), *((4,) if given.quick else ())):
        print(each, flush=True)
    return 0


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
