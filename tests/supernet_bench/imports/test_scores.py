"""``supernet-bench import scores``, and what the other commands make of it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures import plots_of
from supernet_bench.analysis.figures.style import style
from supernet_bench.analysis.pages.notes import introduction
from supernet_bench.analysis.pages.tables import full_frame
from supernet_bench.analysis.ranking.metrics import kendall_tau
from supernet_bench.analysis.results import load_results
from supernet_bench.benchmark.study.verify import check_runs
from supernet_bench.commands.app import app
from supernet_bench.records.form import seal
from supernet_bench.records.manifest import read_manifest
from supernet_bench.records.run import read_record
from tests.supernet_bench.imports.brought import SPACE, scores, two_levels, write

runner = CliRunner()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def done(*arguments: str) -> str:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def bring(frame: pd.DataFrame, *options: str, name: str = "mine", file: str = "mine.csv") -> str:
    write(frame, Path(file))
    return done("import", "scores", name, file, "--space", "toy", *options)


def test_numbers_are_those_of_the_scores() -> None:
    said = bring(two_levels())
    assert "good: 27 of 27 architectures (0 missing), seeds 0 1" in said
    assert "baseline good" in said
    done("report", "mine")
    truth = SPACE.truth()
    table = pd.read_csv("reports/mine/table.csv").set_index(["factor", "level"])["tau"]
    for level, rows in two_levels().groupby("level"):
        taus = [kendall_tau(each["score"].to_numpy(), truth.columns[truth.target]) for _, each in rows.groupby("seed")]
        assert table["scores", level] == pytest.approx(np.mean(taus), abs=1e-6)
    assert table["baseline", "baseline"] == table["scores", "good"]
    assert "untrained" not in table.index.get_level_values("level")
    page = Path("reports/mine/report.md").read_text()
    assert "imported from mine.csv (SHA-256 " in page
    for words in ("supernets here", "Supernets of", "weights of a supernet"):
        assert words not in page


def test_of_a_loss_the_lower_is_better() -> None:
    frame = two_levels()
    bring(frame)
    bring(frame.assign(score=-frame["score"]), "--lower-is-better", name="loss", file="loss.npz")
    results = [load_results(Path("store"), name) for name in ("mine", "loss")]
    effects = [compute_effects(each) for each in results]
    assert effects[0].baseline.tau == effects[1].baseline.tau
    said = ["They were reversed" in " ".join(introduction(*both)) for both in zip(results, effects, strict=True)]
    assert said == [False, True]


def test_of_epochs_the_last_counts() -> None:
    frame = pd.concat([scores(epoch=2, noise=0.001), scores(epoch=10, noise=0.3)])
    bring(frame)
    results = load_results(Path("store"), "mine")
    effects = compute_effects(results)
    truth = SPACE.truth()
    last = frame.loc[frame["epoch"] == 10, "score"].to_numpy()
    assert effects.baseline.tau.value == pytest.approx(kendall_tau(last, truth.columns[truth.target]))
    assert effects.checkpoints["epoch"].tolist() == [2, 10]
    assert effects.checkpoints["tau"].iloc[0] > 0.9
    assert [level.level.name for level in effects.levels] == ["baseline"]


@pytest.mark.parametrize(
    ("frame", "names"),
    [
        (scores(), set()),
        (pd.concat([scores(epoch=2), scores(epoch=10)]), {"tau_over_training"}),
        (two_levels(), {"effect_scores", "size_forest", "top_metrics_forest"}),
    ],
    ids=["one level", "epochs", "levels"],
)
def test_no_plot_is_empty(frame: pd.DataFrame, names: set[str]) -> None:
    bring(frame)
    results = load_results(Path("store"), "mine")
    effects = compute_effects(results, 200)
    plots = {plot.name: plot for plot in plots_of(results, effects)}
    assert set(plots) == names | {"effects_forest", "predicted_against_truth", "tau_by_quantile"}
    with style():
        forest, quantiles = (plots[name].draw().axes for name in ("effects_forest", "tau_by_quantile"))
    assert any(line.get_marker() == "D" for line in forest[0].lines)
    assert all(any(line.get_marker() == "o" for line in axes.lines) for axes in quantiles)


def test_levels_are_compared_on_what_all_of_them_have() -> None:
    frame = two_levels()
    frame = frame[(frame["level"] == "good") | (frame["architecture"] >= 7)]
    said = bring(frame)
    assert "bad: 20 of 27 architectures (7 missing)" in said
    effects = compute_effects(load_results(Path("store"), "mine"))
    assert "good has scores of 27 architectures; compared are the 20 that all levels have" in effects.warnings
    assert not any(line.startswith("bad") for line in effects.warnings)
    table = full_frame(effects)
    assert set(table["architectures"]) == {20}
    truth = SPACE.truth()
    expected = np.mean(
        [
            kendall_tau(rows["score"].to_numpy()[7:], truth.columns[truth.target][7:])
            for _, rows in frame[frame["level"] == "good"].groupby("seed")
        ]
    )
    assert table.loc[table["level"] == "good", "tau"].item() == pytest.approx(expected, abs=1e-6)


def test_it_is_published_checked_merged_and_shown() -> None:
    bring(two_levels())
    done("publish", "mine")
    assert "as committed" in done("report", "mine", "--check")
    assert "4 new" in done("merge", "results/mine", "--store", "other")
    shutil.copytree("store/spaces", "other/spaces")
    effects = [compute_effects(load_results(Path(store), "mine")) for store in ("store", "other")]
    assert full_frame(effects[0]).equals(full_frame(effects[1]))
    run = read_manifest(Path("store"), "mine").runs[0].run_id
    shown = done("show", run)
    assert "mine.csv" in shown
    assert "highest score" in shown


def test_seeds_of_one_level_are_merged() -> None:
    frame = two_levels(3)
    for store, seeds in (("store", (0,)), ("other", (1, 2))):
        bring(frame[frame["seed"].isin(seeds)], "--store", store)
    assert "1 updated" in done("merge", "other")
    assert read_manifest(Path("store"), "mine").seeds == (0, 1, 2)


@pytest.mark.full
def test_published_ones_are_compared() -> None:
    bring(two_levels(4))
    bring(pd.concat([two_levels(4), scores("third"), scores("third", 1)]), name="more", file="more.parquet")
    for name in ("mine", "more"):
        done("publish", name)
    assert "mine and more" in done("agreement", "mine", "more")
    assert "as committed" in done("agreement", "--check")


def test_a_published_score_that_was_changed_is_found() -> None:
    bring(two_levels())
    assert check_runs(Path("store"), "mine") == []
    path = Path("store/runs") / f"{read_manifest(Path('store'), 'mine').runs[0].run_id}.json"
    content = json.loads(path.read_text())
    content["checkpoints"][0]["score"][3] += 0.001
    path.write_text(json.dumps(seal({name: value for name, value in content.items() if name != "checksum"})))
    (line,) = check_runs(Path("store"), "mine")
    assert "has other scores than its spec says" in line


def test_records_say_what_they_are() -> None:
    bring(two_levels())
    record = read_record(Path("store/runs") / f"{read_manifest(Path('store'), 'mine').runs[0].run_id}.json")
    assert record is not None
    assert record.imported
    assert (record.heuristics, record.counts, record.curve, record.part("training")) == ({}, {}, (), {})
    assert record.execution is not None
    assert [file.name for file in record.execution.files] == ["mine.csv"]


def test_another_level_is_added_to_a_study_by_itself() -> None:
    bring(two_levels(), "--title", "of two networks")
    said = bring(pd.concat([scores("third"), scores("third", 1)]), file="third.csv")
    assert "baseline good" in said
    manifest = read_manifest(Path("store"), "mine")
    assert [(level.name, level.baseline) for level in manifest.levels] == [
        ("good", True),
        ("bad", False),
        ("third", False),
    ]
    assert manifest.title == "of two networks"
    effects = compute_effects(load_results(Path("store"), "mine"), 200)
    third = effects.levels[-1]
    assert third.level.name == "third"
    assert third.differences["tau"].value == pytest.approx(third.tau.value - effects.baseline.tau.value)
    line = refused("import", "scores", "mine", "third.csv", "--space", "toy", "--baseline", "third")
    assert "has baseline 'good' in" in line


def test_levels_are_added_to_scores_without_one() -> None:
    bring(scores().drop(columns=["level", "seed"]))
    assert "baseline baseline" in bring(two_levels(1), file="more.csv")
    done("report", "mine")
    table = pd.read_csv("reports/mine/table.csv").set_index(["factor", "level"])
    levels = [("baseline", "baseline"), ("scores", "good"), ("scores", "bad")]
    assert [place for place in table.index if place[0] != "reference"] == levels
    alone = table.loc[("baseline", "baseline"), "tau"]
    assert table.loc[("scores", "bad"), "difference"] == pytest.approx(table.loc[("scores", "bad"), "tau"] - alone)


def test_a_level_called_baseline_is_no_baseline_where_another_one_is() -> None:
    bring(two_levels(1))
    bring(scores().drop(columns=["level", "seed"]), file="more.csv")
    levels = {level.name: level.baseline for level in read_manifest(Path("store"), "mine").levels}
    assert levels == {"good": True, "bad": False, "baseline": False}


def test_the_same_again_changes_nothing_and_more_is_added() -> None:
    bring(two_levels())
    before = {path: Path(path).read_bytes() for path in files()}
    bring(two_levels().sample(frac=1, random_state=1), "--baseline", "good", file="again.parquet")
    assert {path: Path(path).read_bytes() for path in before} == before
    bring(two_levels(3))
    assert read_manifest(Path("store"), "mine").seeds == (0, 1, 2)
    bring(two_levels(1).iloc[: SPACE.size], "--baseline", "good", file="good.csv")
    assert read_manifest(Path("store"), "mine").seeds == (0, 1, 2)
    assert {level.name for level in read_manifest(Path("store"), "mine").levels} == {"good", "bad"}


def test_other_scores_of_the_same_name_are_refused() -> None:
    bring(two_levels())
    before = files()
    for frame, options, said in (
        (two_levels().assign(score=lambda rows: rows["score"] ** 2), (), "has other scores of baseline, good, bad"),
        (two_levels(), ("--baseline", "bad"), "has baseline 'good'"),
        (two_levels(), ("--target", "toy_test_1"), "target"),
    ):
        write(frame, Path("mine.csv"))
        assert said in refused("import", "scores", "mine", "mine.csv", "--space", "toy", *options)
    assert files() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("agreement", "mine.csv"), "name of a study is 'agreement'"),
        (("catalogue-digits", "mine.csv"), "comes with the suite; allowed: another name"),
        (("mine", "mine.csv", "--space", "toys"), "unknown space 'toys'; did you mean 'toy'"),
        (("mine", "mine.csv", "--target", "speed"), "unknown target column 'speed'"),
        (("mine", "mine.csv", "--baseline", "speed"), "unknown level for the baseline 'speed'"),
        (("mine", "mine.csv", "--seed-column", "sead"), "unknown column 'sead'; did you mean 'seed'"),
        (("mine", "mine.csv", "other.csv"), "other.csv does not exist"),
        (("mine", "mine.csv", "mine.csv"), "again, after mine.csv, row 2, column 'architecture'"),
        (("mine", "nan.csv"), "nan.csv, row 5, column 'score' is 'nan'; allowed: a finite number"),
        (("mine", "mine.txt"), "allowed: .csv, .parquet, .npz"),
    ],
)
def test_bad_input_leaves_nothing_behind(arguments: tuple[str, ...], said: str) -> None:
    write(two_levels(), Path("mine.csv"))
    Path("nan.csv").write_text("architecture,score\n0,1\n1,2\n2,3\n3,nan\n")
    before = files()
    space = () if "--space" in arguments else ("--space", "toy")
    assert said in refused("import", "scores", *arguments, *space)
    assert files() == before


def test_the_name_of_a_study_that_was_run_is_refused() -> None:
    bring(two_levels())
    path = Path("store/studies/mine.json")
    content = {
        name: value for name, value in json.loads(path.read_text()).items() if name not in ("checksum", "imported")
    }
    path.write_text(json.dumps(seal(content)))
    assert "is a study that was run" in refused("import", "scores", "mine", "mine.csv", "--space", "toy")


def test_columns_that_are_not_read_are_named() -> None:
    write(two_levels().assign(epok=3), Path("mine.csv"))
    result = runner.invoke(app, ["import", "scores", "mine", "mine.csv", "--space", "toy"])
    assert "mine.csv has columns that are not read: epok" in result.stderr
