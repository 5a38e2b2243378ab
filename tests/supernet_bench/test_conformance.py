"""The command that checks a file finds what the tests of all plug-ins would."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from supernet_bench.commands.app import app
from tests.benchmark.plugins import mistakes

GOOD = (mistakes.IMPORTS + mistakes.HEURISTIC).replace("NAME", "mine").replace(
    "class Mine(Heuristic):", 'class Mine(Heuristic):\n    """Scale the loss."""\n'
)  # fmt: skip
RETURN = "return loss * (1 + self.rate)"
COUNT = "self.n = getattr(self, 'n', 0) + 1\n        return loss * (1 + self.rate * self.n)"
SAVE = "\n    def state_dict(self):\n        return {'n': torch.Generator()}"

FAULTY = {
    "nothing said": ('"""Scale the loss."""', "", "Mine.__doc__ is missing"),
    "neutral level acts": ("(1 + self.rate)", "(2 + self.rate)", "Mine.neutral rate=0.0 changes loss of epoch 1; "),
    "no level acts": (RETURN, "return loss", "Mine.levels has none that does something in a small run; "),
    "levels alike": (mistakes.LEVELS, '({"rate": 0.5}, {"rate": 0.5})', "Mine.levels has rate=0.5, which is the same"),
    "state forgotten": (RETURN, COUNT, "Mine.state_dict lacks something, or it draws random numbers without a seed"),
    "no seed": (RETURN, "import os\n        return loss * (1 + self.rate * os.urandom(1)[0])", "Mine.state_dict lacks"),
    "state that cannot be stored": (
        RETURN,
        f"{RETURN}\n{SAVE}",
        "Mine.levels has none that does something in a small run; of ",
    ),
    "stream of others": (
        RETURN,
        "step.generator('sampling').manual_seed(step.index) if self.rate else None\n        return loss\n\n"
        "    def on_images(self, images, step):\n        import torch\n"
        "        self.rate and torch.rand(1, generator=step.generator('sampling'))\n        return images",
        "Mine draws from the stream 'sampling', which shifts others; ",
    ),
    "error": (RETURN, "return 1 / (loss.item() * 0) if self.rate else loss", "Mine raises ZeroDivisionError: "),
    "contract": ('{"rate": 0.5})', '{"rate": 5.0})', "Mine.levels has {'rate': 5.0}: Mine.rate is 5.0"),
}


def check(file: Path, text: str) -> tuple[int, list[str]]:
    file.write_text(text)
    done = CliRunner().invoke(app, ["check", str(file)])
    return done.exit_code, done.stdout.splitlines()


def test_a_file_without_faults_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    assert check(file, GOOD) == (0, [f"{file.resolve()}: nothing is wrong with heuristic mine"])


@pytest.mark.parametrize(("old", "new", "line"), FAULTY.values(), ids=FAULTY)
def test_each_fault_is_found(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert GOOD.count(old) == 1
    code, found = check(tmp_path / "mine.py", ("import torch\n" + GOOD).replace(old, new))
    assert code == 1
    begins = f"plug-in {(tmp_path / 'mine.py').resolve()}: {line}"
    assert any(each.startswith(begins) for each in found), found


def test_spaces_and_images_are_examined_without_being_run(tmp_path: Path) -> None:
    space, images = ((mistakes.IMPORTS + text).replace("NAME", "mine") for text in (mistakes.SPACE, mistakes.IMAGES))
    for kind, text in (("space", space), ("images", images)):
        file = tmp_path / f"{kind}.py"
        assert check(file, text) == (0, [f"{file.resolve()}: nothing is wrong with {kind} mine"])
    assert check(tmp_path / "wrong.py", images.replace("crop: int = 1", ""))[0] == 1


def test_a_file_that_is_not_there_is_no_finding(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(tmp_path / "none.py")])
    assert (done.exit_code, done.stdout) == (2, "")
