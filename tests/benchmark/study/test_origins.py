"""Records say which code made them, and commands say where that is not the present one."""

import json
from pathlib import Path

import torch
from typer.testing import CliRunner

from supernet_bench.benchmark.execution.worker import Execution, execute
from supernet_bench.benchmark.study import origins
from supernet_bench.benchmark.study.origins import changed, code_of, notes
from supernet_bench.benchmark.training.trainer import Trainer
from supernet_bench.commands.app import app
from supernet_bench.records.store import Store
from tests.benchmark.plugins import mistakes
from tests.records.made import executed, run_record


def test_a_record_says_which_code_made_it(toy_spec, tmp_path: Path) -> None:
    spec = toy_spec({"path_dropout": {"rate": 0.3}}, training={"epochs": 1})
    execute(spec, Execution(tmp_path))
    code = Store(tmp_path).read_record(spec.run_id).execution.code
    assert code == code_of(spec)
    assert sorted(code) == [
        "heuristic batch_norm",
        "heuristic learning_rate",
        "heuristic path_dropout",
        "heuristic uniform",
        "heuristic weight_decay",
        "images digits",
        "space toy",
    ]


def test_those_at_a_neutral_level_have_no_part(toy_spec) -> None:
    assert code_of(toy_spec({"path_dropout": {"rate": 0.0}})) == code_of(toy_spec())
    assert "heuristic uniform" not in code_of(toy_spec({"fairnas": {}}))


def test_notes_count_by_plug_in_and_once_those_that_say_nothing() -> None:
    present = origins._present("heuristic uniform")
    same = run_record(execution=executed(code={"heuristic uniform": present}))
    other = run_record(execution=executed(code={"heuristic uniform": "0", "heuristic gone": "1", "what not": "2"}))
    old, killed = run_record(execution=executed(code=None)), run_record(execution=None)
    assert changed(same) == changed(old) == changed(killed) == []
    assert notes([same, same, killed], "mine.toml") == []
    again = "`supernet-bench run mine.toml --redo` makes them again"
    absent = "which is not there now; if it is in a file of your own, name that by --plugin"
    assert notes([same, other, old, other, old], "mine.toml") == [
        f"2 of 5 records were made by code of heuristic gone, {absent}",
        f"2 of 5 records were made by other code of heuristic uniform; {again}",
        f"2 of 5 records were made by code of what not, {absent}",
        "2 of 5 records do not say which code of plug-ins made them",
    ]


def test_what_other_code_has_saved_is_not_continued(toy_spec, tmp_path: Path, capsys) -> None:
    spec, store = toy_spec(training={"epochs": 2}), Store(tmp_path)
    trainer = Trainer(spec, spec.load_images(None), torch.device("cpu"))
    trainer._train_epoch()
    for code, resumed in (({"heuristic uniform": "0"}, 0), (code_of(spec), 1)):
        store.write_checkpoint(spec.run_id, {**trainer.state_dict(), "resumed": 0, "code": code})
        execute(spec, Execution(tmp_path))
        assert store.read_record(spec.run_id).execution.resumed == resumed
        said = capsys.readouterr().err.splitlines()
        expected = f"warning: run {spec.run_id} starts again: what it had saved is of other code of plug-ins"
        assert said == ([] if resumed else [expected])
        store.remove_record(spec.run_id)


STUDY = """
seeds = 1
space.name = "toy"
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 1, batch_size = 16}
scoring = {architectures = 8}
factors = {mine = [{rate = 0.3}]}
plugins = ["mine.py"]
"""


def test_results_of_other_code_are_named_and_made_again_on_demand(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    study, file, store = tmp_path / "mine.toml", tmp_path / "mine.py", Store(tmp_path / "store")
    study.write_text(STUDY)
    file.write_text((mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", "mine"))

    def run(command: str, *options: str, given: str = str(study)) -> list[str]:
        done = CliRunner().invoke(app, [command, given, *options])
        assert done.exit_code == 0, done.output
        return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]

    def codes() -> dict[str, dict[str, str]]:
        return {run_id: store.read_record(run_id).execution.code for run_id in store.find("")}

    assert run("run", "--no-report") == []
    made = codes()
    (edited,) = (run_id for run_id, code in made.items() if "heuristic mine" in code)
    file.write_text(file.read_text().replace("1 + self.rate", "2 + self.rate"))

    warning = (
        "warning: 1 of 3 records were made by other code of heuristic mine; "
        f"`supernet-bench run {study} --redo` makes them again"
    )
    assert run("run", "--no-report") == [warning]
    assert run("report", "--plugin", str(file), given="mine") == [warning.replace(str(study), "mine")]
    assert codes() == made

    assert run("run", "--no-report", "--redo") == []
    assert [run_id for run_id, code in codes().items() if code != made[run_id]] == [edited]
    assert run("run", "--no-report") == []
    (kept,) = store.folder.glob("superseded/*.json")
    assert json.loads(kept.read_bytes())["run_id"] == edited
