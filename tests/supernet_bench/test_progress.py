"""Progress on a terminal and elsewhere."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from supernet_bench.benchmark.execution.attempts import part_of
from supernet_bench.commands._progress import Bars, Lines, bars_on, progress_shown
from supernet_bench.core.progress import Part, shown


def test_bars_count_shares_of_runs(toy_spec) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with Progress(console=console) as progress:
        bars = Bars(progress)
        bars.started(total=5, done=2)
        first, second = part_of(toy_spec(seed=1)), part_of(toy_spec(seed=2))
        bars.advanced(first, 0.5)
        bars.advanced(second, 0.25)
        assert progress.tasks[0].completed == 2.75
        assert len(progress.tasks) == 3
        bars.ended(first, "finished")
        bars.ended(second, "failed")
        assert progress.tasks[0].completed == 4
        assert len(progress.tasks) == 1
    assert f"{second.name} failed, defaults" in console.file.getvalue()  # type: ignore[attr-defined]


def test_80_columns_show_names_and_the_time_left(toy_spec) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with bars_on(console) as progress:
        bars = Bars(progress)
        bars.started(total=185, done=20)
        bars.advanced(part_of(toy_spec({"batch_norm": {"statistics": "recalibrated", "affine": False}}, seed=3)), 0.5)
        console.print(progress.get_renderable())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in shown
    for part in ("left -:--:--", "batch_norm", "statistics=recalibrated", "affine=false"):
        assert part in shown


def test_a_run_that_starts_again_is_not_counted_twice(toy_spec) -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress)
        bars.started(total=2, done=0)
        bars.advanced(part_of(toy_spec()), 0.9)
        bars.advanced(part_of(toy_spec()), 0.1)
        assert progress.tasks[0].completed == pytest.approx(0.1)


def test_lines_say_what_is_done_and_left(toy_spec, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines("small", Path("store"))
    lines.started(total=4, done=1)
    assert capsys.readouterr().err == "small: 3 of 4 runs to do, to store\n"
    lines.advanced(part_of(toy_spec()), 0.5)
    assert capsys.readouterr().err == ""
    lines.ended(part_of(toy_spec({"path_dropout": {"rate": 0.2}}, seed=3)), "finished")
    line = capsys.readouterr().err
    assert line.startswith("[2/4] ")
    assert "finished, path_dropout rate=0.2, 3 epochs, seed 3; about" in line


def test_what_was_not_counted_has_a_bar_while_it_is_done() -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress)
        bars.advanced(Part("table.json"), 0.5)
        assert [(task.description.strip(), task.completed) for task in progress.tasks] == [("table.json", 0.5)]
        bars.advanced(Part("table.json"), 1.0)
        assert progress.tasks == []


def test_how_much_there_is_may_not_be_known() -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress)
        bars.advanced(Part("drawing", "drew grid"), None)
        bars.advanced(Part("drawing", "drew forest"), None)
        assert [(task.description.strip(), task.total) for task in progress.tasks] == [("drew forest", None)]


def test_without_a_terminal_there_are_lines() -> None:
    lines = Lines("small", Path("store"))
    with progress_shown(lines) as progress:
        assert progress is lines
        assert shown() is lines
    assert shown() is not lines


def test_without_rich_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines("small", Path("store"))
    monkeypatch.setitem(sys.modules, "rich.console", None)  # To import it raises ImportError.
    with progress_shown(lines) as progress:
        assert progress is lines
