"""A report on scores in a frame, without a store."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from supernet_bench import InputError, frame_report
from supernet_bench.commands.app import app
from tests.supernet_bench.imports.brought import SPACE, scores, two_levels, write


def test_it_says_what_the_commands_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = frame_report(two_levels(), "toy")
    assert list(tmp_path.iterdir()) == []
    write(two_levels(), Path("mine.csv"))
    for command in (["import", "scores", "mine", "mine.csv", "--space", "toy"], ["report", "mine"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    reported = pd.read_csv("reports/mine/table.csv")
    shared = ["tau", "tau_low", "tau_high", "difference", "regret_at_10"]
    assert np.allclose(found.table[shared].astype(float), reported[shared], atol=1e-6, equal_nan=True)
    assert found.table["level"].tolist() == reported["level"].tolist()


def test_a_notebook_is_shown_the_table_and_can_have_the_page() -> None:
    found = frame_report(two_levels().set_index("architecture"), "toy", title="Mine")
    shown = found._repr_html_()
    assert "<table" in shown
    assert "good" in shown
    assert "Kendall's tau" in str(found)
    assert "<svg" in found.page
    assert "Mine" in found.page


def test_columns_direction_and_baseline_are_options() -> None:
    frame = two_levels().rename(columns={"score": "loss", "architecture": "arch", "level": "how"})
    frame["loss"] = -frame["loss"]
    options = {"architecture": "arch", "score": "loss", "level": "how"}
    found = frame_report(frame, "toy", lower_is_better=True, baseline="bad", **options)
    plain = frame_report(two_levels(), "toy")
    taus = [report.table.set_index(["factor", "level"])["tau"] for report in (found, plain)]
    assert taus[0]["scores", "good"] == taus[1]["scores", "good"]
    assert taus[0]["baseline", "baseline"] == taus[0]["scores", "bad"]


def test_a_frame_of_one_score_is_enough() -> None:
    frame = scores()[["architecture", "score"]].assign(
        architecture=[SPACE.text(SPACE.architecture(i)) for i in range(27)]
    )
    found = frame_report(frame, "toy")
    assert found.effects.baseline.tau.architectures == SPACE.size
    assert found.effects.levels == (found.effects.baseline,)


def test_mistakes_are_named() -> None:
    frame = two_levels()
    frame.loc[4, "score"] = np.nan
    with pytest.raises(InputError, match=r"^frame, row 4, column 'score' is nan; allowed: a finite number$"):
        frame_report(frame, "toy")
    with pytest.raises(InputError, match="unknown target column 'speed'"):
        frame_report(two_levels(), "toy", target="speed")
    with pytest.raises(InputError, match="column 'score' twice"):
        frame_report(pd.concat([two_levels(), two_levels()[["score"]]], axis=1), "toy")
    with pytest.raises(InputError, match="unknown column 'architecture'"):
        frame_report(two_levels().drop(columns="architecture"), "toy")
    with pytest.raises(InputError, match="frame has no rows"):
        frame_report(two_levels().iloc[:0], "toy")
