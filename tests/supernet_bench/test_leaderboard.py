"""``supernet-bench leaderboard``: several studies in one table, only where they can be compared."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.effects.leaderboard import boards
from supernet_bench.analysis.effects.pairs import ComparedStudy
from supernet_bench.analysis.figures.leaderboard import leaderboard_forest
from supernet_bench.analysis.publishing.publish import publish
from supernet_bench.analysis.results import load_results
from supernet_bench.commands.app import app
from tests.analysis.synthetic import Scenario, write_store
from tests.supernet_bench.imports.brought import scores, two_levels, write

runner = CliRunner()
SMALL = Scenario(factors={"sampling": {"uniform": 1.0, "good": 0.2}}, seeds=(0, 1), epochs=(10,), late=1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bring(frame: pd.DataFrame, name: str, *options: str) -> None:
    write(frame, Path(f"{name}.csv"))
    result = runner.invoke(app, ["import", "scores", name, f"{name}.csv", *options])
    assert result.exit_code == 0, result.output


def leaderboard(*arguments: str) -> pd.DataFrame:
    result = runner.invoke(app, ["leaderboard", *arguments])
    assert result.exit_code == 0, result.output
    assert "wrote " in result.stdout
    return pd.read_csv("reports/leaderboard/leaderboard.csv")


def read(store: str, study: str) -> ComparedStudy:
    results = load_results(Path(store), study)
    return ComparedStudy(results, compute_effects(results, 200))


def test_rows_are_those_of_the_studies_and_sorted() -> None:
    bring(two_levels(), "mine", "--space", "toy")
    bring(scores(noise=0.001).drop(columns=["level", "seed"]), "other", "--space", "toy")
    table = leaderboard("mine", "other")
    assert table["tau"].is_monotonic_decreasing
    assert table["place"].tolist() == list(range(1, len(table) + 1))
    rows = table.set_index("what")
    assert rows.loc[["good (baseline)", "bad", "other"], "kind"].tolist() == ["imported file"] * 3
    assert rows.loc["other", "seeds"] == 1
    effects: Effects = read("store", "mine").effects
    bad = next(effect for effect in effects.levels if effect.level.name == "bad")
    assert rows.loc["bad", "tau"] == pytest.approx(bad.tau.value, abs=1e-6)
    # References of equal architectures are the same.
    assert table["what"].tolist().count("parameter count") == 1
    assert rows.loc["parameter count", "studies"] == "mine, other"
    text = Path("reports/leaderboard/leaderboard.md").read_text()
    assert text.index("| other") < text.index("| good (baseline)") < text.index("| bad")
    assert {path.suffix for path in Path("reports/leaderboard/plots").iterdir()} == {".png", ".svg"}


def test_only_rows_of_one_space_and_truth_are_beside_each_other() -> None:
    write_store(Path("one"), SMALL)
    one = read("one", "default")
    results = load_results(Path("one"), "default", "cifar10_test_200")
    other = ComparedStudy(results, compute_effects(results, 200))
    found = boards([one, other, one])
    assert [(board.target, board.studies) for board in found] == [
        ("cifar10_valid_200", ("default", "default")),
        ("cifar10_test_200", ("default",)),
    ]
    first, second = found
    names = [entry.name for entry in first.entries]
    assert sorted(names) == sorted({*names})  # The study that came twice has its runs once.
    assert {"baseline", "sampling: good", "untrained", "noise ceiling", "parameter count"} <= set(names)
    assert "sampling: uniform" not in names
    taus = {entry.name: entry.tau.value for entry in second.entries}
    assert taus["baseline"] != {entry.name: entry.tau.value for entry in first.entries}["baseline"]


def test_references_of_one_name_with_other_scores_are_rows_of_their_own() -> None:
    """Proxies look at the images of a study; what the seeds of a baseline say together is of that baseline."""
    write_store(Path("one"), SMALL)
    mine = load_results(Path("one"), "default")
    both, seeds = [], "2 seeds of the baseline together"
    for name, scale in (("one", 1.0), ("other", -1.0)):
        rows = mine.scores.assign(score=scale * mine.scores["score"])
        proxy = pd.Series(scale * np.arange(len(mine.architectures)), index=mine.architectures)
        manifest = replace(mine.manifest, study=name)
        results = replace(mine, manifest=manifest, scores=rows, proxies={"naswot": proxy})
        both.append(ComparedStudy(results, compute_effects(results, 200)))
    (board,) = boards(both)
    for name in ("naswot", seeds):
        taus = {entry.studies: entry.tau.value for entry in board.entries if entry.name == name}
        assert taus == {
            (study.name,): next(row.tau.value for row in study.effects.references if row.level.name == name)
            for study in both
        }
    assert [entry.studies for entry in board.entries if entry.name == "MACs"] == [("one", "other")]


def test_levels_are_called_as_in_the_tables() -> None:
    write_store(Path("one"), SMALL)
    results = load_results(Path("one"), "default")
    levels = tuple(replace(level, labels=(("sampling", f"{level.name} paths"),)) for level in results.manifest.levels)
    results = replace(results, manifest=replace(results.manifest, levels=levels))
    (board,) = boards([ComparedStudy(results, compute_effects(results, 200))])
    names = [entry.name for entry in board.entries]
    assert "sampling: good paths" in names
    assert "sampling: good" not in names


def test_a_level_without_a_run_has_no_row_and_one_without_tau_is_last() -> None:
    store = write_store(Path("one"), SMALL)
    manifest = load_results(store, "default").manifest
    for run in manifest.runs:
        if run.level == "good":
            (store / "runs" / f"{run.run_id}.json").unlink()
    (board,) = boards([read("one", "default")])
    assert "sampling: good" not in [entry.name for entry in board.entries]
    forest = leaderboard_forest(board, {"tau": ("tau", 1.0), "regret_at_10": ("regret (%)", 100.0)})
    assert [row.label for row in forest.rows] == [entry.name for entry in board.entries]
    values = [row.marks[0].value for row in forest.rows]
    assert values == sorted(values, reverse=True)
    baseline = next(entry for entry in board.entries if entry.name == "baseline")
    mark = next(row for row in forest.rows if row.label == "baseline").marks[1]
    assert mark.value == pytest.approx(100 * baseline.estimates["regret_at_10"].value)


@pytest.mark.full
def test_published_folders_and_a_whole_store() -> None:
    write_store(Path("other"), SMALL)
    publish(Path("other"), "default", Path("results"))
    (Path("store") / "spaces").mkdir(parents=True)
    bring(two_levels(), "mine", "--space", "toy")
    bring(scores(noise=0.01), "third", "--space", "toy")
    assert set(leaderboard()["studies"]) >= {"mine", "third"}
    rng = np.random.default_rng(0)
    bring(pd.DataFrame({"architecture": range(40), "score": rng.normal(size=40)}), "cells")
    table = leaderboard("mine", "cells")
    assert set(table["space"]) == {"toy", "nasbench201"}
    assert table.groupby("space")["place"].min().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "store store has no study"),
        (("mine",), "store store does not exist"),
        (("mine", "--store", "there"), "unknown study 'mine'; known: default"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], said: str) -> None:
    write_store(Path("there"), SMALL)
    result = runner.invoke(app, ["leaderboard", *arguments])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert not Path("reports").exists()


def test_a_folder_with_something_else_is_left() -> None:
    write_store(Path("store"), SMALL)
    Path("reports/leaderboard").mkdir(parents=True)
    Path("reports/leaderboard/mine.txt").touch()
    result = runner.invoke(app, ["leaderboard", "default"])
    assert result.exit_code == 2
    assert "holds 'mine.txt'" in result.stderr
