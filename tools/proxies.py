"""How well proxies rank NAS-Bench-201 without any training: ``python -m tools.proxies``, and the page of all proxies.

Measuring writes ``tools/proxies.csv``; ``make docs`` makes the page from it and the declarations.
"""

import argparse
import csv
import inspect
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from supernet_bench.analysis.effects.arrays import rank_correlation
from supernet_bench.analysis.ranking.proxies import of_proxies
from supernet_bench.benchmark.plugins.registry import proxy_types
from supernet_bench.benchmark.plugins.rivals import ships
from supernet_bench.benchmark.proxies.stored import ensure_scores
from supernet_bench.benchmark.study.study import PROXY_IMAGES, load_study
from supernet_bench.commands._catalogue import described
from supernet_bench.core.errors import InputError
from supernet_bench.core.files import write_atomically
from supernet_bench.core.output import steady
from supernet_bench.core.streams import stream_seed
from supernet_bench.proxies.base import Proxy
from tools.handbook import linked

STUDY = "catalogue-cifar10"
"""Whose networks and images are used."""

TABLE, PAGE = Path("tools/proxies.csv"), Path("docs/proxies.md")
"""From the root of a checkout."""

COLUMNS = ("name", "tau", "low", "high", "tau_better_half", "half_low", "half_high", "architectures", "worse_than_all")

RESAMPLES = 1000

INTRODUCTION = """\
# Zero-cost proxies

*Written by `make docs` from the declarations in [`proxies/`](../proxies) and
[`tools/proxies.csv`](../tools/proxies.csv), which `python -m tools.proxies` measures; change those, not this page.*

A proxy scores a stand-alone network at initialisation, from one batch of training images. Every report of a study has a
row for each, of the networks and images of its baseline, so that a supernet can be compared with what costs nothing:
[Studies](studies.md) says how to name them, and [CONTRIBUTING](../CONTRIBUTING.md#a-new-proxy) how to write one.
`supernet-bench list proxies` shows these, and those of other installed packages.
"""


def measure(architectures: int, store: Path, data: Path | None, jobs: int) -> pd.DataFrame:
    """Return how each proxy that ships ranks a random sample of NAS-Bench-201, in the setup of `STUDY`.

    Parameters
    ----------
    architectures : int
        How many; 0 is all.
    store, data : Path
        Where scores are kept, and where images and tables are.
    jobs : int
        Processes at once.
    """
    study = load_study(STUDY)
    space = study.baseline.revised().space
    order = np.random.default_rng(stream_seed(0, "sample for the page of proxies")).permutation(space.size)
    sample = sorted(order[: architectures or space.size].tolist())
    truth = space.truth(data)
    known, costs = pd.Series(truth.columns[truth.target])[sample], space.published_costs()
    rows = [_row("parameter count", costs.parameters[sample], known.to_numpy())]
    for task in study.proxy_tasks():
        (scores,) = ensure_scores(store, [task], sample, data=data, processes=jobs)
        values = pd.Series(scores.scores)
        ranked = next(of_proxies({task.name: values}, known.index)).checkpoints[0]
        rows.append(_row(task.name, ranked, known.to_numpy(), int(np.isneginf(values).sum())))
        print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(name: str, scores: np.ndarray, truth: np.ndarray, worst: int = 0) -> tuple[object, ...]:
    better = truth >= np.median(truth)
    whole, half = (
        rank_correlation(scores[chosen], truth[chosen], resamples=RESAMPLES) for chosen in (truth == truth, better)
    )
    return name, whole.value, whole.low, whole.high, half.value, half.low, half.high, len(truth), worst


def page(table: str) -> str:
    """Return the page, in Markdown, with what was measured.

    Parameters
    ----------
    table : str
        The content of `TABLE`.
    """
    kinds = [kind for kind in proxy_types().values() if ships(kind, "supernet_bench.proxies")]
    return "\n".join([INTRODUCTION, *_measured(list(csv.DictReader(io.StringIO(table)))), *map(_section, kinds)])


def _measured(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"""\
How they rank {int(rows[0]["architectures"]):,} random architectures of NAS-Bench-201: Kendall's tau with the published
accuracies on validation images of CIFAR-10 after 200 epochs, of all and of those at or above the median, with 95 %
intervals over architectures. The networks are those of the study `{STUDY}`, far smaller than the published ones, and
{PROXY_IMAGES} of its images are looked at.

| | tau | tau of the better half | worse than all |
| --- | --- | --- | --- |"""
    for row in sorted(rows, key=lambda row: -float(row["tau"])):
        cells = (
            _estimate(row, *names) for names in (("tau", "low", "high"), ("tau_better_half", "half_low", "half_high"))
        )
        name = row["name"] if row["name"] not in proxy_types() else f"[{row['name']}](#{row['name']})"
        yield f"| {name} | {' | '.join(cells)} | {row['worse_than_all']} |"


def _estimate(row: dict[str, str], *names: str) -> str:
    value, low, high = (float(row[name]) for name in names)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _section(kind: type[Proxy]) -> str:
    text = inspect.cleandoc(kind.__doc__ or "")
    settings = "\n".join(
        f"* `{name}` = {default[0]!r}: {about} ({words})" for name, default, words, about in described(kind)
    )
    return "\n\n".join(filter(None, [f"\n## {kind.name}", text, settings, f"Source: {linked(kind.source)}"]))


def main(arguments: list[str] | None = None) -> int:
    """Measure, or make the page."""
    steady()
    parser = argparse.ArgumentParser(prog="python -m tools.proxies", description=__doc__)
    parser.add_argument("--page", action="store_true", help="measure nothing: only write the page anew")
    parser.add_argument("--architectures", type=int, default=2000, help="how many, at random; 0 is all")
    parser.add_argument("--store", type=Path, default=Path("store"), help="where scores are kept")
    parser.add_argument("--data", type=Path, help="folder with images and tables")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    given = parser.parse_args(arguments)
    if given.page:
        write_atomically(PAGE, page(TABLE.read_text(encoding="utf-8")).encode())
        return 0
    try:
        table = measure(given.architectures, given.store, given.data, given.jobs)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    content = table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    write_atomically(TABLE, content.encode())
    write_atomically(PAGE, page(content).encode())
    print(f"wrote {TABLE} and {PAGE}: {len(table) - 1} proxies")
    return 0


if __name__ == "__main__":
    sys.exit(main())
