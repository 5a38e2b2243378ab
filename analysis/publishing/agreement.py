"""How studies agree, as it is published."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from supernet_bench.analysis.conclude import find_in_pair
from supernet_bench.analysis.effects.pairs import ComparedStudy, Pair, pair_studies
from supernet_bench.analysis.figures.agreement import draw_two_studies, two_studies
from supernet_bench.analysis.figures.style import file_names, save_small, style
from supernet_bench.analysis.findings import VERDICTS, read_pair_findings, write_findings
from supernet_bench.analysis.pages.agreement import agreement_page, level_rows, order, pair_row
from supernet_bench.analysis.ranking.resampling import RESAMPLES
from supernet_bench.core.errors import InputError
from supernet_bench.core.folders import SUMS, files_of, replaced, write_sums
from supernet_bench.core.progress import SILENT, Part, Progress

PAGE, LEVELS, PAIRS = "report.md", "table.csv", "pairs.csv"
CONTENTS = frozenset((PAGE, LEVELS, PAIRS, VERDICTS, SUMS, "plots"))


def compared(folder: Path) -> list[str]:
    """Return the names of the studies that are compared in a folder.

    Raises
    ------
    InputError
        If nothing is compared there.
    """
    if not (folder / VERDICTS).is_file():
        raise InputError(f"{folder / VERDICTS} does not exist; allowed: a folder that `supernet-bench agreement` wrote")
    return list(dict.fromkeys(name for pair in read_pair_findings(folder) for name in (pair.first, pair.second)))


def write_agreement(
    studies: Sequence[ComparedStudy],
    folder: Path,
    resamples: int = RESAMPLES,
    progress: Progress = SILENT,
) -> tuple[Path, ...]:
    """Write how every study agrees with every later one.

    Parameters
    ----------
    studies : sequence of ComparedStudy
        At least two, the cheapest first.
    folder : Path
        Replaced once the new one is whole.
    resamples : int
        Of the bootstrap.
    progress : Progress

    Returns
    -------
    tuple of Path
        All files, sorted.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    with replaced(folder.absolute(), CONTENTS) as new:
        (new / "plots").mkdir()
        pairs = []
        for first, second in itertools.combinations(studies, 2):
            pairs.append(pair_studies(first, second, resamples))
            progress.advanced(Part("comparing studies", f"compared {pairs[-1].name}"), None)
        progress.advanced(Part("comparing studies"), 1.0)
        plots = file_names(pair.name for pair in pairs)
        found = [(find_in_pair(pair, f"plots/{plots[pair.name]}.png"), pair) for pair in pairs]
        for one, pair in found:
            _draw(pair, (new / one.plot).with_suffix(""))
        _write_frame(new / LEVELS, (row for pair in pairs for row in level_rows(pair)))
        _write_frame(new / PAIRS, (pair_row(one, pair) for one, pair in found))
        write_findings([one for one, _ in found], new)
        (new / PAGE).write_text(agreement_page(found), encoding="utf-8")
        write_sums(new)
    return tuple(files_of(folder))


def _draw(pair: Pair, file: Path) -> None:
    with style():
        data = two_studies(pair.levels, (pair.first.name, pair.second.name), order(pair))
        save_small(draw_two_studies(data), file.parent, file.name)


def _write_frame(file: Path, rows: Iterator[dict[str, object]]) -> None:
    pd.DataFrame(rows).to_csv(file, index=False, float_format="%.6f", lineterminator="\n")
