"""Plug-ins in files of the user's own."""

import importlib
import json
import os
import pickle
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from supernet_bench.benchmark.plugins.digests import digest
from supernet_bench.benchmark.plugins.plugin_file import PluginFile, merged, read_plugin_file
from supernet_bench.benchmark.plugins.registry import files_in_use, heuristic_types, image_types, space_types, use_files
from supernet_bench.benchmark.study.study import load_study
from supernet_bench.commands import _plain as plain
from supernet_bench.commands.app import app
from supernet_bench.core.errors import InputError
from tests.benchmark.plugins import mistakes

HEURISTIC = (mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", "mine")
SPACE, IMAGES = (
    text.replace("NAME", f"my_{kind}").replace("class Mine", f"class My{kind.title()}")
    for kind, text in (("space", mistakes.SPACE), ("images", mistakes.IMAGES))
)
STUDY = """
seeds = 1
space.name = "toy"
images = {name = "digits", train = 96, valid = 32}
training = {epochs = 1, batch_size = 16}
scoring = {architectures = 8}
"""

PATH_DROPOUT, WIDTH = "supernet_bench.heuristics.path_dropout", "supernet_bench.heuristics.width"


def use(*paths: Path) -> tuple[PluginFile, ...]:
    use_files(merged(map(read_plugin_file, paths)))
    return files_in_use()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_heuristics_spaces_and_images_of_a_file_exist_while_it_is_in_use(tmp_path: Path) -> None:
    before = heuristic_types(), space_types(), image_types()
    use(write(tmp_path / "mine.py", HEURISTIC + SPACE + IMAGES))
    found = heuristic_types(), space_types(), image_types()
    assert [now.keys() - then.keys() for now, then in zip(found, before, strict=True)] == [
        {"mine"},
        {"my_space"},
        {"my_images"},
    ]
    use()
    assert (heuristic_types(), space_types(), image_types()) == before


@pytest.mark.parametrize("name", ["json.py", "heuristics.py", "my-idea 2.py", "1.py", "klammer(ä).py"])
def test_a_file_may_have_any_name_and_hides_no_module(tmp_path: Path, name: str) -> None:
    use(write(tmp_path / name, HEURISTIC))
    made = heuristic_types()["mine"]
    assert pickle.loads(pickle.dumps(made(rate=0.5))) == made(rate=0.5)
    assert importlib.import_module("json") is json
    assert sys.modules["supernet_bench.heuristics"].__file__ != str(tmp_path / name)
    assert list(tmp_path.iterdir()) == [tmp_path / name], "no compiled code is left beside it"


def test_two_files_of_the_same_name_are_two(tmp_path: Path) -> None:
    other = HEURISTIC.replace('"mine"', '"other"')
    use(write(tmp_path / "a" / "x.py", HEURISTIC), write(tmp_path / "b" / "x.py", other))
    assert {"mine", "other"} <= heuristic_types().keys()


def test_a_file_that_is_named_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "mine.py", HEURISTIC)
    (tmp_path / "link.py").symlink_to(file)
    monkeypatch.chdir(tmp_path)
    assert [each.path for each in use(file, Path("mine.py"), tmp_path / "link.py")] == [file.resolve()]


def test_an_edited_file_is_read_again_and_only_what_it_does_changes_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    digests = {}
    for what, text in (
        ("as written", HEURISTIC),
        ("with a comment", f"# Why.\n{HEURISTIC}"),
        ("of the same size", HEURISTIC.replace("1 + self.rate", "2 + self.rate")),
    ):
        use(write(file, text))
        os.utime(file, (0, 0))  # Python takes compiled code for that of a text of the same time and size.
        digests[what] = digest(heuristic_types()["mine"])
    assert digests["as written"] == digests["with a comment"] != digests["of the same size"]
    assert heuristic_types()["mine"]().loss(1.0, None, None, None) == 2.0


def test_ids_of_runs_rest_on_names_and_settings_alone(tmp_path: Path) -> None:
    plain = {run.run_id for run in load_study(str(write(tmp_path / "plain.toml", STUDY))).runs()}
    study = write(tmp_path / "study.toml", 'plugins = ["mine.py"]' + STUDY + "factors = {mine = true}")
    ids = []
    for text in (HEURISTIC, HEURISTIC.replace("1 + self.rate", "2 + self.rate")):
        write(tmp_path / "mine.py", text)
        ids.append({run.run_id for run in load_study(str(study)).runs()})
    assert ids[0] == ids[1] > plain


NAMED = "mine.py: Mine."
REFUSED = {
    "mistake": (HEURISTIC.replace('{"rate": 0.5})', '{"rate": 5.0})'), f"{NAMED}levels has {{'rate': 5.0}}: "),
    "name of what ships": (
        HEURISTIC.replace('"mine"', '"path_dropout"', 1),
        f"{NAMED}name is 'path_dropout', which is defined twice: also in {PATH_DROPOUT}; allowed: ",
    ),
    "default of what ships": (
        HEURISTIC.replace('factor: ClassVar[str] = "mine"', 'factor: ClassVar[str] = "width"'),
        f"{NAMED}default is True, as in {WIDTH}; allowed: ",
    ),
    "syntax": ("class Mine", "mine.py: cannot be imported: SyntaxError: "),
    "error": ("\n1 / 0", "mine.py: cannot be imported: ZeroDivisionError: division by zero (mine.py, line 2)"),
    "script": ("raise SystemExit('usage')", "mine.py: cannot be imported: SystemExit: usage"),
    "nothing": (
        mistakes.IMPORTS,
        "mine.py: defines none; allowed: a Heuristic or Space or ImageSource or Proxy of its own",
    ),
    "other path": (
        HEURISTIC.replace("supernet_bench.heuristics.base", "heuristics.base"),
        "mine.py: Mine derives from that of heuristics.base; allowed: import it from supernet_bench.heuristics.base",
    ),
    "relative": ("from . import other", "mine.py: cannot be imported: ImportError: "),
}


@pytest.mark.parametrize(("text", "line"), REFUSED.values(), ids=REFUSED)
def test_who_names_a_file_with_a_mistake_is_refused_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    before = use(write(tmp_path / "good.py", HEURISTIC.replace('"mine"', '"good"')))
    with pytest.raises(InputError) as raised:
        use(write(tmp_path / "mine.py", text))
    assert str(raised.value).startswith(f"plug-in {tmp_path.resolve()}/{line}")
    assert len(str(raised.value).splitlines()) == 1
    assert files_in_use() == before
    assert "good" in heuristic_types()


def test_files_that_define_the_same_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        use(write(tmp_path / "a.py", HEURISTIC), write(tmp_path / "b.py", HEURISTIC))
    assert f"a.py: Mine.name is 'mine', which is defined twice: also in {tmp_path.resolve()}/b.py" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("none.py", "does not exist"),
        ("folder.py", "is a folder"),
        ("text.txt", "is something else"),
        ("latin.py", "is in another encoding than it says"),
    ],
)
def test_what_is_no_file_of_python_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    (tmp_path / "folder.py").mkdir()
    write(tmp_path / "text.txt", HEURISTIC)
    (tmp_path / "latin.py").write_bytes("# ä\n".encode("latin-1"))
    study = write(tmp_path / "study.toml", f'plugins = ["{name}"]' + STUDY)
    said = f"plug-in file {tmp_path / name} {line}; allowed: "
    with pytest.raises(InputError) as raised:
        load_study(str(study))
    assert str(raised.value).startswith(f"study.toml: {said}")
    for command in ("run", "list", "report", "publish", "agreement"):
        what = "heuristics" if command == "list" else "smoke"
        result = CliRunner().invoke(app, [command, what, "--plugin", str(tmp_path / name)])
        assert (result.exit_code, result.stderr.startswith(f"error: {said}")) == (2, True), command
    assert plain.main(["agreement", "smoke", "--plugin", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err == result.stderr


@pytest.mark.parametrize("given", ['"mine.py"', "[1]", "{a = 1}"])
def test_plugins_of_a_study_are_a_list(tmp_path: Path, given: str) -> None:
    with pytest.raises(InputError, match=r"^study.toml: plugins is .*; allowed: a list of files"):
        load_study(str(write(tmp_path / "study.toml", f"plugins = {given}" + STUDY)))


def test_what_a_file_has_is_listed_by_a_command_that_names_it_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", HEURISTIC)
    assert "nobody 2026" in CliRunner().invoke(app, ["list", "heuristics", "--plugin", str(file)]).stdout
    assert "nobody 2026" not in CliRunner().invoke(app, ["list", "heuristics"]).stdout
