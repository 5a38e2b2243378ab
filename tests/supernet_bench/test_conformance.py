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

WIDTH = "width: int = 4"
LOUDER = """def supernet(self, *given):
        made = Toy.supernet(self, *given)
        made.register_forward_hook(lambda module, inputs, logits: 2 * logits)
        return made
"""
FAILS = """def inherit(self, supernet, architecture):
        return 1 / 0
"""
POWER = "** self.power"
NOISY = "** self.power * __import__('torch').rand(1).item()"
CHANGING = "** self.power + batch.images.mul_(2).sum().item()"

NO_CLASSES = """from dataclasses import replace
        from supernet_bench.images.digits import Digits
        return replace(Digits(train=96, valid=32).load(folder), classes=3)"""

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


@pytest.mark.parametrize(
    ("kind", "text", "old", "new", "line"),
    [
        (
            "space",
            mistakes.SPACE,
            "width: int = 4",
            f"{WIDTH}\n\n    {LOUDER}",
            "supernet gives (0, 0, 0) other logits",
        ),
        ("space", mistakes.SPACE, "width: int = 4", f"{WIDTH}\n\n    {FAILS}", " raises ZeroDivisionError: "),
        ("space", mistakes.TABLE, "np.arange(6) / 6", "np.arange(6)", "truth has column 'mean'; allowed: a fraction"),
        (
            "images",
            mistakes.IMAGES,
            'raise InputError("there are none")',
            NO_CLASSES,
            "load gives labels in train beyond",
        ),
        ("proxy", mistakes.PROXY, POWER, f"{POWER} * float('nan')", "score gives nan for architecture "),
        ("proxy", mistakes.PROXY, POWER, "* 0", "score gives all networks the same; allowed: "),
        ("proxy", mistakes.PROXY, POWER, NOISY, "score differs for the same network; allowed: random numbers from"),
        ("proxy", mistakes.PROXY, POWER, CHANGING, "score changes the batch; allowed: a copy"),
    ],
    ids=["network", "error", "table", "images", "nan", "constant", "noise", "batch"],
)
def test_spaces_images_and_proxies_are_run(tmp_path: Path, kind: str, text: str, old: str, new: str, line: str) -> None:
    text, file = (mistakes.IMPORTS + text).replace("NAME", "mine"), tmp_path / "mine.py"
    assert check(file, text) == (0, [f"{file.resolve()}: nothing is wrong with {kind} mine"])
    assert text.count(old) == 1
    code, found = check(file, text.replace(old, new))
    assert code == 1
    place = "Mine" if line.startswith(" ") else "Mine."
    assert any(each.startswith(f"plug-in {file.resolve()}: {place}{line}") for each in found), found


def test_what_is_wrong_in_every_construction_is_told_once(tmp_path: Path) -> None:
    text = (
        (mistakes.IMPORTS + mistakes.SPACE).replace("NAME", "mine").replace("width: int = 4", f"{WIDTH}\n\n    {FAILS}")
    )
    _, found = check(tmp_path / "mine.py", text)
    assert len(found) == len(set(found))


def test_a_file_that_is_not_there_is_no_finding(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(tmp_path / "none.py")])
    assert (done.exit_code, done.stdout) == (2, "")
