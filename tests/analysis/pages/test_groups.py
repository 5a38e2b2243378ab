"""Which choices matter: factors in groups, and how much their levels differ."""

import math
from dataclasses import replace

import numpy as np
import pytest

from supernet_bench.analysis.effects.effects import Counts
from supernet_bench.analysis.effects.intervals import Estimate
from supernet_bench.analysis.findings import LevelFinding, StudyFindings
from supernet_bench.analysis.pages.front import table_of_findings
from supernet_bench.analysis.pages.groups import GROUPS, by_group, spread_of
from supernet_bench.analysis.verdicts import Evidence, Verdict
from supernet_bench.benchmark.plugins.registry import heuristic_types


def effect(value: float, standard_error: float = 0.0) -> Estimate:
    return Estimate(value, value - 2 * standard_error, value + 2 * standard_error, 5, 200)


def level(
    factor: str, value: float, standard_error: float = 0.01, half: float = 0.0, verdict: Verdict = Verdict.NOISY
) -> LevelFinding:
    return LevelFinding(
        factor=factor,
        level=f"{value}",
        label=f"{value}",
        uses_truth=False,
        verdict=verdict,
        difference=effect(value, standard_error),
        given_parameters=effect(0.0),
        path_passes=1.0,
        counts=Counts(),
        better_half=effect(half, standard_error),
        better_half_evidence=Evidence.UNCORRECTED,
    )


def test_every_factor_is_in_one_group() -> None:
    grouped = [factor for factors in GROUPS.values() for factor in factors]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {
        kind.factor for kind in heuristic_types().values() if kind.__module__.startswith("supernet_bench.")
    }


def test_factors_of_others_are_groups_of_their_own_and_grids_are_none() -> None:
    found = by_group([level("mine", 0.1), level("epochs", 0.2), level("epochs x mine", 0.3), level("width", 0.4)])
    assert {group: [one.factor for one in members] for group, members in found.items()} == {
        "fidelity": ["epochs", "width"],
        "mine": ["mine"],
    }


def test_the_spread_is_what_noise_leaves() -> None:
    """Of many levels with true effects of one standard deviation, measured with another."""
    rng = np.random.default_rng(0)
    measured = rng.normal(0, 0.1, 4000) + rng.normal(0, 0.05, 4000)
    found = spread_of([level("epochs", value, 0.05) for value in measured])
    assert found.levels == 4000
    assert found.beyond_noise == pytest.approx(0.1, rel=0.05)
    assert spread_of([level("epochs", value, 0.05) for value in rng.normal(0, 0.04, 100)]).beyond_noise == 0
    assert spread_of([level("epochs", 0.3, 0.0, half=0.2)], better_half=True).beyond_noise == pytest.approx(0.2)


def test_the_noise_is_that_of_the_standard_error_where_it_is_known() -> None:
    """Half of an interval of few pairs is more than two standard errors."""
    few = replace(level("scoring", 0.05, 0.06), standard_error=0.03, better_half_standard_error=0.04)
    assert spread_of([level("scoring", 0.05, 0.06)]).beyond_noise == 0
    assert spread_of([few]).beyond_noise == pytest.approx(0.04)
    half = replace(few, better_half=effect(0.05, 0.06))
    assert spread_of([half], better_half=True).beyond_noise == pytest.approx(0.03)


def test_levels_without_an_interval_do_not_count() -> None:
    unknown = level("epochs", 0.9, math.nan)
    assert spread_of([unknown]).levels == 0
    assert math.isnan(spread_of([unknown]).beyond_noise)
    found = spread_of([unknown, level("epochs", -0.2), level("epochs", 0.1)])
    assert found.lowest is not None
    assert found.highest is not None
    assert (found.lowest[1].value, found.highest[1].value) == (-0.2, 0.1)


def test_the_widest_choice_stands_first_with_its_ends_and_marks() -> None:
    levels = (
        level("epochs", -0.2, verdict=Verdict.HURTS, half=0.1),
        level("epochs", 0.1, verdict=Verdict.PERHAPS_HELPS),
        level("sampling", 0.02),
    )
    study = StudyFindings(
        study="s", title="t", space="toy", images="digits", runs=9, seeds=3, architectures=20, baseline=effect(0.4),
        references={}, levels=levels, best=(), interactions=(), lost=(),
    )  # fmt: skip
    rows = table_of_findings("groups", {"catalogue-digits": study}, "results").splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| fidelity", "| sampling"]
    assert rows[0] == r"| fidelity | 0.16: -0.20\* to +0.10(\*) | 0.07: +0.00(\*) to +0.10(\*) | — | — |"
    assert rows[1] == r"| sampling | 0.02: +0.02 | 0.00: +0.00(\*) | — | — |"
    by_factor = table_of_findings("factors", {"catalogue-cifar10": study}, "results").splitlines()[2]
    assert by_factor.startswith(r"| epochs | — | — | 0.16: -0.20\* to +0.10(\*)")
