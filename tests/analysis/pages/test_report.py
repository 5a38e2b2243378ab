"""The whole report, from nothing but a store."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from supernet_bench.analysis.effects.estimate import compute_effects
from supernet_bench.analysis.figures.svg import inline
from supernet_bench.analysis.pages import report as report_module
from supernet_bench.analysis.pages.report import Report, write_report
from supernet_bench.analysis.results import load_results
from supernet_bench.core.errors import InputError
from supernet_bench.core.progress import Part, Silent
from supernet_bench.records.layout import record_path
from tests.analysis.synthetic import Scenario, grid_of_two, run_id, write_record, write_store

ROOT = Path(__file__).parents[3]
SMALL = Scenario(architectures=50, epochs=(5, 10))
PLOTS = [
    "effect_batch_norm",
    "effect_sampling",
    "effects_forest",
    "predicted_against_truth",
    "size_forest",
    "spread_over_seeds",
    "tau_by_quantile",
    "top_metrics_forest",
]


class Shown(HTMLParser):
    """What a browser shows of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._open: list[str] = []
        self.said: set[str] = set()
        self.cells: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._open.append(tag)
        self.text += " "

    def handle_endtag(self, tag: str) -> None:
        while self._open.pop() != tag:  # Some are never closed, such as <img>.
            pass

    def handle_data(self, data: str) -> None:
        if "svg" in self._open:
            self.said |= {data} if self._open[-1] == "title" else set()
        elif self._open and self._open[-1] not in ("style", "script", "title"):
            self.text += data
        if self._open and self._open[-1] == "th":
            self.cells.add(data)


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w.]+", text))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Report]:
    folder = tmp_path_factory.mktemp("written")
    store = write_store(folder / "store", SMALL)
    return store, folder / "report", write_report(store, "default", folder / "report", resamples=200)


@pytest.fixture
def store(tmp_path: Path, written: tuple[Path, Path, Report]) -> Path:
    return Path(shutil.copytree(written[0], tmp_path / "store"))


def change(store: Path, identity: str, **changes: Any) -> None:
    write_record(store, json.loads(record_path(store, identity).read_text()) | changes)


def fail(store: Path, identity: str) -> None:
    error = {"type": "Diverged", "message": "loss is NaN", "traceback": "..."}
    change(store, identity, status="failed", error=error, checkpoints=[])


def test_everything_is_written(written: tuple[Path, Path, Report]) -> None:
    _, folder, report = written
    names = {str(path.relative_to(folder)) for path in report.paths}
    plots = {f"plots/{name}.{kind}" for name in PLOTS for kind in ("png", "svg")}
    assert names == plots | (set(report_module.CONTENTS) - {"plots"})
    assert not report.warnings
    assert "The whole space was scored" not in (folder / "report.md").read_text()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    page = (folder / "report.md").read_text()
    assert all(f"](plots/{name}.png)" in page for name in PLOTS)


def test_every_table_names_what_its_numbers_rest_on(written: tuple[Path, Path, Report]) -> None:
    _, folder, report = written
    for text in (report.text, (folder / "table.md").read_text(), (folder / "table.tex").read_text()):
        plain = text.replace("\\", "")
        for part in (
            "default",
            "toy",
            "digits",
            "Toy table v1",
            "cifar10_valid_200",
            "4 published runs",
        ):
            assert part in plain
        assert "50 architectures scored; 3 seeds (0, 1, 2)" in plain
    assert "bootstrap" in (folder / "table.md").read_text()
    assert "bootstrap" not in report.text  # Notes on method are in the report.


def test_the_csv_holds_every_metric_of_every_row(written: tuple[Path, Path, Report]) -> None:
    table = pd.read_csv(written[1] / "table.csv")
    assert list(table["factor"].unique()) == ["baseline", "sampling", "batch_norm", "untrained", "reference"]
    levels = table[table["factor"] != "reference"]
    for metric in (
        "tau",
        "tau_parameters",
        "precision_at_1_percent",
        "spearman",
        "sparse_tau",
        "tau_cross_entropy",
        "regret_at_10",
        "surpassing_random_10",
    ):
        bounded = levels[levels[f"{metric}_low"].notna()]  # Of the best few, all seeds of a level may agree.
        assert len(bounded) >= len(levels) - 1
        assert (bounded[f"{metric}_low"] <= bounded[metric]).all()
        assert (bounded[metric] <= bounded[f"{metric}_high"]).all()
        assert (levels[f"{metric}_seeds"] == 3).all()
    header, first, *_ = (written[1] / "table.csv").read_text().splitlines()
    assert dict(zip(header.split(","), first.split(","), strict=True))["tau_seeds"] == "3"


def test_the_csv_holds_what_decides_about_differences(written: tuple[Path, Path, Report]) -> None:
    table = pd.read_csv(written[1] / "table.csv")
    compared = table[table["difference"].notna()]
    assert list(compared["level"]) == ["fairnas accounting=compute", "pool size=50", "tracked"]
    for name in ("difference", "difference_partial_tau", "difference_tau_parameters", "difference_regret_at_10"):
        outside = (compared[f"{name}_low"] > 0) | (compared[f"{name}_high"] < 0)
        assert (outside == (compared[f"{name}_p"] < 0.05)).all()
        decided = compared[compared[f"{name}_p"].notna()]
        assert (decided[f"{name}_holm"] >= decided[f"{name}_p"]).all()
        assert (compared[f"{name}_against"] == 3).all()
        paired = name.replace("difference", "paired_tau" if name == "difference" else "paired")
        assert compared[paired].to_numpy() == pytest.approx(compared[name].to_numpy())
        assert (compared[f"{paired}_seeds"] == 3).all()
    assert compared["difference_holm"].min() == pytest.approx(3 * compared["difference_p"].min(), abs=2e-6)
    assert (compared[["difference_sd", "difference_sd_shared"]] > 0).all(axis=None)
    assert list(compared["path_passes_ratio"]) == [1, 1, 1]


def test_a_study_prints_the_seeds_it_needs_and_what_the_marks_mean(written: tuple[Path, Path, Report]) -> None:
    text = written[2].text
    assert max(map(len, text.splitlines())) <= 80
    assert "To show an effect with power 80 % by an interval at 5 %" in text
    assert "* marks differences that exclude zero also when all 3 comparisons" in text
    assert "Runs: 15 finished." in text
    table = pd.read_csv(written[1] / "table.csv").set_index("level")
    for level in ("fairnas accounting=compute", "pool size=50", "tracked"):
        (line,) = (line for line in text.splitlines() if f"  {level} " in line)
        row = table.loc[level]
        mark = "*" if row["difference_holm"] < 0.05 else "(*)" if row["difference_p"] < 0.05 else "]"
        assert line.endswith(mark)


def test_size_and_top_metrics_have_tables_of_differences(written: tuple[Path, Path, Report]) -> None:
    page = (written[1] / "table.md").read_text().replace("\\", "")
    table = pd.read_csv(written[1] / "table.csv").set_index("level").loc["pool size=50"]
    size = page.split("What of the effect is a preference for size")[1].split("**")[1]
    top = page.split("The architectures predicted best: differences")[1].split("**")[1]
    for name in ("difference", "difference_partial_tau", "difference_tau_parameters"):
        assert f"{table[name]:+.3f} [{table[name + '_low']:+.3f}, {table[name + '_high']:+.3f}]" in size
    for name in ("difference_regret_at_10", "difference_precision_at_5_percent", "difference_final_performance_10"):
        low, high = 100 * table[f"{name}_low"], 100 * table[f"{name}_high"]
        assert f"{100 * table[name]:+.2f} [{low:+.2f}, {high:+.2f}]" in top


def test_a_grid_of_two_factors_has_a_heat_map_and_a_table(tmp_path: Path) -> None:
    levels, cells = grid_of_two({(a, b): 0.5 + i for a in ("uniform", "pool") for i, b in enumerate("uv")})
    scenario = Scenario(architectures=30, epochs=(5, 10), factors={"sampling x learning_rate": levels}, cells=cells)
    report = write_report(write_store(tmp_path / "store", scenario), "default", tmp_path / "report", resamples=100)
    assert "grid_sampling_x_learning_rate.png" in {path.name for path in report.paths}
    section = (tmp_path / "report" / "report.md").read_text().split("## sampling x learning")[1].split("##")[0]
    assert "plots/grid_sampling_x_learning_rate.png" in section
    row = pd.read_csv(tmp_path / "report" / "table.csv").set_index("level").loc["sampling pool, learning_rate v"]
    page = (tmp_path / "report" / "table.md").read_text().replace("\\", "")
    assert "Interaction of sampling and learning_rate in tau; reference: uniform, u" in page
    cells_of_row = f"{row['interaction']:+.3f} | [{row['interaction_low']:+.3f}, {row['interaction_high']:+.3f}]"
    assert cells_of_row in page
    assert row["interaction_seeds"] == 3


def test_result_files_are_enough_to_recompute(written: tuple[Path, Path, Report]) -> None:
    folder = written[1]
    scores, runs = pd.read_parquet(folder / "scores.parquet"), pd.read_parquet(folder / "runs.parquet")
    run = runs.iloc[0]
    late = scores[(scores["run_id"] == run["run_id"]) & scores["late"]]
    taus = [part["accuracy"].corr(part["truth"], method="kendall") for _, part in late.groupby("epoch")]
    assert np.mean(taus) == pytest.approx(run["tau"])
    curve = pd.read_parquet(folder / "curve.parquet")
    trained = runs.loc[runs["factor"] != "untrained", "run_id"]
    assert curve.groupby("run_id").size().to_dict() == dict.fromkeys(trained, 10)


def test_words_claim_what_the_intervals_show(written: tuple[Path, Path, Report]) -> None:
    folder = written[1]
    table = pd.read_csv(folder / "table.csv").set_index("level")
    section = (folder / "report.md").read_text().split("## sampling")[1].split("##")[0]
    claims = {item.split("\n")[0]: item for item in section.split("\n- ")[1:]}
    for level in ("fairnas accounting=compute", "pool size=50"):
        row = table.loc[level]
        word = "higher" if row["difference_low"] > 0 else "lower" if row["difference_high"] < 0 else "includes zero"
        (claim,) = (head for head, item in claims.items() if f"  - {level} " in item)
        assert word in claim
        assert f"{level} {row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]" in (
            section.replace("\\", "")
        )
    assert any("lower tau than the baseline" in head for head in claims)
    assert section.count("3 seeds") == 2
    assert section.count("50 architectures") == 1


def test_the_file_for_browsers_says_and_shows_the_same_and_needs_nothing_else(
    written: tuple[Path, Path, Report],
) -> None:
    folder = written[1]
    page = (folder / "report.html").read_text()
    assert "http" not in page
    assert all(place.startswith("#") for place in re.findall(r'(?:src|href)="([^"]*)"', page))
    for name in PLOTS:
        assert inline((folder / "plots" / f"{name}.svg").read_text(), name) in page
    shown, said = Shown(page), re.sub(r"!\[.*|\\", "", (folder / "report.md").read_text())
    assert words(said) | {"Notes"} == words(shown.text)
    levels = {level for effect in pd.read_csv(folder / "table.csv").itertuples() for level in [effect.level]}
    assert levels - {"macs"} <= {cell.split(" (")[0] for cell in shown.cells}
    row = pd.read_csv(folder / "table.csv").set_index("level").loc["pool size=50"]
    numbers = (
        f"{row['difference']:+.5f} [{row['difference_low']:+.5f}, {row['difference_high']:+.5f}], 3 seeds against 3"
    )
    assert f'title="sampling pool size=50, difference: {numbers}, 50 architectures, p ' in page
    in_forest = f"sampling pool size=50, difference in tau: {numbers}, 50 architectures, p "
    assert any(text.startswith(in_forest) for text in shown.said)


def test_figures_are_text_and_well_formed(written: tuple[Path, Path, Report]) -> None:
    for name in PLOTS:
        tree = ElementTree.parse(written[1] / "plots" / f"{name}.svg")
        words = " ".join(element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}text"))
        assert any(word in words for word in ("tau", "truth", "regret"))
    svg = (written[1] / "plots" / "effect_sampling.svg").read_text()
    for part in (
        "fairnas accounting=compute",
        "uniform (baseline)",
        "parameter count",
        "untrained",
        "50 architectures",
    ):
        assert part in svg
    assert "date" not in svg.lower()


def test_writing_again_gives_the_same_bytes_and_replaces_the_old_report(
    written: tuple[Path, Path, Report], tmp_path: Path
) -> None:
    store, folder, _ = written
    again = tmp_path / "again"
    write_report(store, "default", again, resamples=200)
    (again / "table.csv").write_text("old")
    (again / "plots" / "effect_gone.png").write_text("old")
    write_report(store, "default", again, resamples=200)
    for path in (p for p in folder.rglob("*") if p.suffix in (".csv", ".svg", ".png", ".md", ".html", ".tex")):
        assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes()
    assert not (again / "plots" / "effect_gone.png").exists()


def test_a_report_that_fails_leaves_the_old_one_whole(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reports" / "default"
    write_report(store, "default", folder, resamples=100)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def full_disk(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(report_module, "page_as_markdown", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_report(store, "default", folder, resamples=100)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_with_other_files_is_not_replaced(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis holds 'chapter.tex'; allowed: an empty folder or an older report"):
        write_report(store, "default", folder, resamples=100)
    assert (folder / "chapter.tex").read_text() == "years of work"


def test_failed_missing_and_damaged_runs_are_shown(store: Path, tmp_path: Path) -> None:
    fail(store, run_id("sampling", "pool size=50", 0))
    record_path(store, run_id("sampling", "pool size=50", 1)).unlink()
    record_path(store, run_id("batch_norm", "tracked", 2)).write_text("{")
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert "1 of 3: 1 failed, 1 missing" in report.text
    assert (tmp_path / "report" / "table.md").read_text().count("1 of 3: 1 failed, 1 missing") == 6
    assert "2 of 3: 1 damaged" in report.text
    assert "†" in report.text
    assert "Runs: 12 finished, 1 failed, 1 missing, 1 damaged (1 Diverged)." in report.text
    assert any("sampling pool size=50, seed 0" in line and "Diverged: loss is NaN" in line for line in report.warnings)
    assert any("is damaged: it is no complete record" in line for line in report.warnings)
    assert "1 of 15 runs have no record yet" in report.warnings
    page = (tmp_path / "report" / "report.md").read_text()
    assert "1 of 3 seeds (1 failed, 1 missing)" in page
    forest = (tmp_path / "report" / "plots" / "effects_forest.svg").read_text()
    assert "1 of 3 seeds (1 failed, 1" in forest
    assert all(line.split(":")[0] in page for line in report.warnings)
    runs = pd.read_parquet(tmp_path / "report" / "runs.parquet")
    assert runs["status"].value_counts().to_dict() == {
        "finished": 18,
        "failed": 1,
        "missing": 1,
        "damaged": 1,
    }


def test_without_a_baseline_there_are_levels_but_no_differences(store: Path, tmp_path: Path) -> None:
    for seed in range(3):
        fail(store, run_id("baseline", "baseline", seed))
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    table = pd.read_csv(tmp_path / "report" / "table.csv")
    assert table["difference"].isna().all()
    assert table.loc[table["level"] == "tracked", "tau"].notna().all()
    assert "the baseline has no finished run: there are no differences to it" in report.warnings
    page = (tmp_path / "report" / "report.md").read_text()
    assert "- No run to compare with the baseline:\n  - tracked, 0 of 3 seeds (baseline incomplete)" in page


def test_one_seed_is_marked(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(seeds=(0,), architectures=30, epochs=(5, 10)))
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    text = " ".join(report.text.split())
    assert "† One seed: the interval covers architectures alone and says nothing about seeds." in text
    page = (tmp_path / "report" / "report.md").read_text()
    assert "- One seed: not decidable, the interval covers architectures alone:\n  - " in page
    assert "higher tau" not in page
    assert "lower tau" not in page
    assert "by chance" not in page
    assert "30 architectures scored; 1 seed (0)." in report.text


@pytest.mark.parametrize("finished", [0, 1])
def test_a_study_that_has_hardly_begun_has_a_report(store: Path, tmp_path: Path, finished: int) -> None:
    for path in sorted((store / "runs").iterdir())[finished:]:
        path.unlink()
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert any(line.endswith("of trained supernets: nothing can be compared") for line in report.warnings)
    # One run has no spread, and of none there is no tau either.
    without = {"spread_over_seeds", *(["tau_by_quantile"] if not finished else [])}
    assert len(report.paths) == 2 * len(set(PLOTS) - without) + len(report_module.CONTENTS) - 1


def test_untrained_runs_are_nothing_to_compare(store: Path, tmp_path: Path) -> None:
    untrained = {run_id("untrained", "untrained", seed) for seed in range(3)}
    for path in (store / "runs").iterdir():
        if path.stem not in untrained:
            path.unlink()
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert "0 finished runs of trained supernets: nothing can be compared" in report.warnings


def test_supernets_that_exploded_have_a_report(store: Path, tmp_path: Path) -> None:
    for path in (store / "runs").iterdir():
        content = json.loads(path.read_text())
        for checkpoint in content["checkpoints"]:
            checkpoint["cross_entropy"] = [None, float("inf"), *checkpoint["cross_entropy"][2:]]
        curve = [point | {"loss": None} for point in content["curve"]]
        write_record(store, content | {"curve": curve})
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    table = pd.read_csv(tmp_path / "report" / "table.csv")
    assert table["tau_cross_entropy"].isna().all()
    assert table.loc[table["factor"] != "reference", "spearman"].notna().all()
    assert sum("4 of its cross-entropies are not finite" in line for line in report.warnings) == 12


@pytest.mark.parametrize("known", [0, 1])
def test_hardly_any_truth_has_a_report(store: Path, tmp_path: Path, known: int) -> None:
    path = store / "spaces" / "toy.parquet"
    table = pd.read_parquet(path)
    scored = json.loads(record_path(store, run_id("baseline", "baseline", 0)).read_text())["architectures"]
    table.loc[scored[known:], "cifar10_valid_200"] = np.nan
    table.to_parquet(path)
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert f"50 architectures scored, {known} of them with a known truth" in report.text
    assert any("no usable truth" in line for line in report.warnings)


def test_a_study_of_the_baseline_alone_has_a_report(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", Scenario(factors={}, architectures=30, epochs=(5, 10)))
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert "baseline" in report.text
    assert (tmp_path / "report" / "plots" / "predicted_against_truth.svg").is_file()


def test_the_page_opens_with_what_was_trained(written: tuple[Path, Path, Report]) -> None:
    page = (written[1] / "report.md").read_text()
    opening = page[: page.index("## Tables")].replace("\\", "")
    for part in (
        "Supernets of toy were trained on the images digits, epochs: 10, batch size: 32.",
        "Every run scored the same 50 architectures.",
        "after epoch: 5, 10",
        "sampling: uniform",
        "published accuracies cifar10_valid_200 of Toy table v1",
        "Kendall's tau-b compares",
        "plots/effects_forest.png",
    ):
        assert part in opening


def test_names_that_a_figure_or_a_table_would_misread(tmp_path: Path) -> None:
    levels = {"a": 1.0, "$x_{1$ 100 %": 2.0, "line\nbreak": 2.0}
    factors = {"a b": levels, "a_b": {"a": 1.0, "c": 2.0}, "A-B": {"a": 1.0, "d": 2.0}}
    store = write_store(tmp_path / "store", Scenario(factors=factors, seeds=(0, 1), architectures=30, epochs=(5, 10)))
    report = write_report(store, "default", tmp_path / "report", resamples=100)
    assert {path.name for path in report.paths if path.name.startswith("effect_")} == {
        f"effect_{name}.{kind}" for name in ("a_b", "a_b_2", "A_B_3") for kind in ("png", "svg")
    }
    assert "line break" in report.text
    assert "$x_{1$ 100 %" in (tmp_path / "report" / "plots" / "effect_a_b.svg").read_text()


def test_the_whole_space_is_no_sample(tmp_path: Path) -> None:
    scenario = Scenario(architectures=400, epochs=(5,), seeds=(0,), factors={})
    write_report(write_store(tmp_path / "store", scenario), "default", tmp_path / "report", resamples=100)
    assert "The whole space was scored" in (tmp_path / "report" / "report.md").read_text()


def test_unknown_study_and_target_are_named(store: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown study 'other'.*known: default"):
        write_report(store, "other", tmp_path / "report")
    with pytest.raises(InputError, match=r"unknown target column 'svhn'.*cifar10_valid_200_run0"):
        write_report(store, "default", tmp_path / "report", target="svhn")
    assert not (tmp_path / "report").exists()


def test_progress_is_told(store: Path, tmp_path: Path) -> None:
    told: list[tuple[str, float | None]] = []

    class Watch(Silent):
        def advanced(self, part: Part, share: float | None) -> None:
            told.append((str(part), share))

    write_report(store, "default", tmp_path / "report", resamples=100, progress=Watch())
    assert told[:15] == [("measuring runs", done / 15) for done in range(1, 16)]
    assert told[-2:] == [("drew spread_over_seeds", None), ("drawing", 1.0)]


def test_analysis_needs_neither_torch_nor_the_rest_of_the_project() -> None:
    files = sorted((ROOT / "analysis").rglob("[a-z]*.py"))
    modules = [".".join(("supernet_bench", *path.relative_to(ROOT).with_suffix("").parts)) for path in files]
    assert "supernet_bench.analysis.pages.report" in modules
    program = f"import sys, {', '.join(modules)}\nprint(*sys.modules, sep='\\n')"
    output = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = set(output.stdout.split())
    assert "torch" not in loaded
    ours = {name.split(".")[1] for name in loaded if name.startswith("supernet_bench.")}
    assert ours == {"analysis", "core", "records"}


@pytest.mark.skipif(sys.platform != "linux", reason="files have such names on Linux")
def test_folders_may_have_names_that_are_no_utf_8(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store", SMALL)
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    results = load_results(store.replace(folder / "store"), "default")
    effects = compute_effects(results, 100, 0)
    report_module._write_frames(folder, results, effects)
    assert len(pd.read_parquet(io.BytesIO((folder / "runs.parquet").read_bytes()))) == len(results.runs)
