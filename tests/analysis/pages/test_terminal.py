"""What is printed after a study fits a terminal, and its names can be copied."""

import pytest

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.pages.terminal import terminal_text
from supernet_bench.analysis.results import load_results
from tests.analysis.synthetic import Scenario, write_store

LONG = "sampling fairnas accounting=compute, learning_rate rate=0.025 schedule=step"
LONGEST = f"{LONG} momentum=0.9 and_a_word_that_is_longer_than_a_line_{'x' * 60}"


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    factors = {"sampling": {"uniform": 1.0, LONG: 1.0, LONGEST: 2.0}, "batch_norm": {"batch": 1.0, "tracked": 4.0}}
    scenario = Scenario(factors=factors, seeds=(0, 1), architectures=30, epochs=(5,), late=1)
    results = load_results(write_store(tmp_path_factory.mktemp("terminal") / "store", scenario), "default")
    return terminal_text(results, compute_effects(results, 100, seed=0)).splitlines()


def test_no_line_is_wider_than_a_terminal_but_a_word_that_is(lines: list[str]) -> None:
    assert [line.split() for line in lines if len(line) > 80] == [[LONGEST.split()[-1]]]


def test_names_are_whole(lines: list[str]) -> None:
    assert f"  {LONG}" in lines
    place = lines.index("batch_norm")
    assert lines[place + 1].startswith("  batch (baseline)  ")
    assert lines[place + 2].startswith("  tracked  ")


def test_the_numbers_of_a_long_name_stand_below_it(lines: list[str]) -> None:
    columns = next(line for line in lines if "difference [95 %]" in line)
    numbers = lines[lines.index(f"  {LONG}") + 1]
    assert numbers[: columns.index("difference")].split()[0].startswith("0.")
    assert numbers[columns.index("difference") :][0] in "+-"
