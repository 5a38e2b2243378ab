"""Progress on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from supernet_bench.benchmark.execution.progress import Bars, Lines, _bars, watch


def test_bars_count_shares_of_runs(toy_spec) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with Progress(console=console) as progress:
        bars = Bars(progress, runs=5, recorded=2)
        first, second = toy_spec(seed=1), toy_spec(seed=2)
        bars.advanced(first, 0.5)
        bars.advanced(second, 0.25)
        assert progress.tasks[0].completed == 2.75
        assert len(progress.tasks) == 3
        bars.ended(first, "finished")
        bars.ended(second, "failed")
        assert progress.tasks[0].completed == 4
        assert len(progress.tasks) == 1
    assert f"{second.run_id} failed, defaults" in console.file.getvalue()  # type: ignore[attr-defined]


def test_80_columns_show_names_and_the_time_left(toy_spec) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with _bars(console) as progress:
        bars = Bars(progress, runs=185, recorded=20)
        bars.advanced(toy_spec({"batch_norm": {"statistics": "recalibrated", "affine": False}}, seed=3), 0.5)
        console.print(progress.get_renderable())
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in shown
    for part in ("left -:--:--", "batch_norm", "statistics=recalibrated", "affine=false"):
        assert part in shown


def test_a_run_that_starts_again_is_not_counted_twice(toy_spec) -> None:
    with Progress(console=Console(file=io.StringIO())) as progress:
        bars = Bars(progress, runs=2, recorded=0)
        bars.advanced(toy_spec(), 0.9)
        bars.advanced(toy_spec(), 0.1)
        assert progress.tasks[0].completed == pytest.approx(0.1)


def test_lines_say_what_is_done_and_left(toy_spec, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(runs=4, recorded=1)
    lines.advanced(toy_spec(), 0.5)
    assert capsys.readouterr().err == ""
    lines.ended(toy_spec({"path_dropout": {"rate": 0.2}}, seed=3), "finished")
    line = capsys.readouterr().err
    assert line.startswith("[2/4] ")
    assert "finished, path_dropout rate=0.2, 3 epochs, seed 3; about" in line


def test_without_a_terminal_there_are_lines() -> None:
    with watch(3, 0) as watcher:
        assert isinstance(watcher, Lines)
