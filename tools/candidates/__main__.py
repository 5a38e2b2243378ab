"""Apply the rule: ``python -m tools.candidates STUDY...``, once the studies are in a store."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from supernet_bench.core.errors import InputError
from supernet_bench.core.output import steady
from tools.candidates.rule import Decision, Gain
from tools.candidates.studies import decide, read


def main() -> int:
    """Print, for each candidate, what was asked and what follows."""
    steady()
    parser = argparse.ArgumentParser(prog="python -m tools.candidates", description=__doc__)
    parser.add_argument("studies", nargs="+", metavar="STUDY", help="studies of candidates in the store")
    parser.add_argument("--present", default="catalogue-digits", help="study on the present images")
    parser.add_argument("--target", default="catalogue-cifar10", help="study on what they are to predict")
    parser.add_argument("--store", type=Path, default=Path("store"), help="folder of the records")
    options = parser.parse_args()
    try:
        present, target = read(options.store, options.present), read(options.store, options.target)
        found = {study: decide(read(options.store, study), present, target) for study in options.studies}
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(told(found, options.present, options.target)))
    return 0


def told(found: Mapping[str, Decision], present: str, target: str) -> Iterator[str]:
    """Yield the lines that say what was decided and why."""
    for study, decision in found.items():
        yield f"{study} instead of {present}, to predict {target}:"
        yield from (f"  {metric}: {_gain(gain)}" for metric, gain in decision.gains.items())
        yield f"  its baseline {'ranks' if decision.learns else 'is not shown to rank'} better than untrained"
        yield f"  so it {'may replace' if decision.replaces else 'does not replace'} them"
    best = max(
        (study for study in found if found[study].replaces), key=lambda study: found[study].mean_gain, default=None
    )
    yield f"default images: those of {best or present}"


def _gain(gain: Gain) -> str:
    return (
        f"rho {gain.candidate:.3f} against {gain.present:.3f}, gain {gain.value:+.3f} "
        f"[{gain.low:+.3f}, {gain.high:+.3f}] "
        f"(factors resampled: [{gain.by_factor[0]:+.3f}, {gain.by_factor[1]:+.3f}]); {gain.levels} levels of "
        f"{gain.factors} factors, {gain.left_out} left out, {gain.splits} splits of the seeds"
    )


if __name__ == "__main__":
    sys.exit(main())
