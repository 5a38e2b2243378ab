"""What is said of a study around its tables: what was run, what the numbers are, and what they rest on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supernet_bench.analysis.effects.chance import chance_of
from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.intervals import SAME, Estimate
from supernet_bench.analysis.effects.power import power_of
from supernet_bench.analysis.pages.templating import paragraphs
from supernet_bench.analysis.ranking.metrics import kendall_tau, top_size
from supernet_bench.analysis.results import Results
from supernet_bench.analysis.verdicts import Evidence, evidence


@dataclass(frozen=True)
class Runs:
    """How many runs there are by what became of them, and by the errors of those that failed."""

    states: Mapping[str, int]
    errors: Mapping[str, int]

    @property
    def lost(self) -> bool:
        """Whether any has not finished."""
        return self.states.keys() != {"finished"}


def introduction(results: Results, effects: Effects) -> list[str]:
    """Return the paragraphs without which a newcomer could not read the numbers."""
    return paragraphs(
        "introduction",
        results=results,
        effects=effects,
        record=results.example,
        files=results.files,
        lower_is_better=bool(results.example and results.example.spec.get("lower_is_better")),
    )


def summary(effects: Effects) -> list[str]:
    """Return how the baseline stands beside the references, and what chance alone would show."""
    return paragraphs("summary", **_content(effects))


def table_notes(results: Results, effects: Effects) -> list[str]:
    """Return the lines without which the numbers of the main tables mean nothing."""
    known = len(effects.truth)
    return paragraphs(
        "table_notes",
        costs_alike=_costs_alike(results, effects),
        whole_space=0 < known == results.reference[results.target].notna().sum(),
        results=results,
        **_content(effects),
    )


def metric_notes(effects: Effects) -> list[str]:
    """Return what the columns of the tables of other metrics are."""
    tops = [top_size(fraction, len(effects.truth)) for fraction in (0.05, 0.01)]
    return paragraphs("metric_notes", effects=effects, tops=tops, tenth=top_size(0.1, len(effects.truth)))


def terminal_notes(results: Results, effects: Effects) -> list[str]:
    """Return what is printed below the main tables."""
    return paragraphs("terminal_notes", results=results, **_content(effects))


def _content(effects: Effects) -> dict[str, Any]:
    """Return what the notes are made from, but for the results."""
    shown = Counter(map(evidence, effects.comparisons))
    return {
        "effects": effects,
        "power": power_of(effects),
        "by_chance": chance_of(effects.comparisons),
        "moderated": _moderated(effects),
        "runs": _runs(effects),
        "excluding": shown[Evidence.CORRECTED] + shown[Evidence.UNCORRECTED],
        "surviving": shown[Evidence.CORRECTED],
        "has_one_seed": any(estimate.one_seed for estimate in _estimates(effects)),
    }


def _moderated(effects: Effects) -> bool:
    """Whether any variance over seeds is known from more than the seeds of its level."""
    apart = [difference for difference in effects.comparisons if difference.spread and not difference.paired]
    return any(one.spread.seeds[0].degrees > one.seeds - 1 for one in apart if one.spread)


def _runs(effects: Effects) -> Runs:
    runs = effects.runs.drop_duplicates("run_id")
    return Runs(Counter(runs["status"]), Counter(sorted(runs["error"].dropna())))


def _costs_alike(results: Results, effects: Effects) -> bool:
    """Whether two costs are one reference, since they order the architectures identically."""
    scored = results.reference.loc[effects.truth.index]
    return len(scored) >= 2 and kendall_tau(scored["parameters"].to_numpy(), scored["macs"].to_numpy()) > 1 - SAME


def _estimates(effects: Effects) -> list[Estimate]:
    """Return all estimates that are shown with their interval."""
    rows = (*effects.levels, *effects.references)
    shown = [(*row.estimates.values(), row.difference, row.baseline_minus_this) for row in rows]
    return [estimate for estimates in shown for estimate in estimates if estimate]
