"""A digest changes with what a plug-in does, and with nothing else."""

import importlib
import itertools
from pathlib import Path

import pytest

from supernet_bench.benchmark.plugins import digests
from supernet_bench.benchmark.plugins.digests import canonical, digest
from supernet_bench.benchmark.plugins.registry import heuristic_types, image_types, space_types

BEFORE = '''
"""What it is."""
from dataclasses import dataclass
from typing import TYPE_CHECKING
from supernet_bench.heuristics._scaling import scaled
if TYPE_CHECKING:
    from supernet_bench.benchmark.study.spec import RunSpec

FACTOR = 0.5
"""By how much."""

@dataclass(frozen=True)
class Made:
    """A heuristic."""
    rate: float = 0.1

    def loss(self, loss, step):
        """Return the loss."""
        return scaled(loss, self.rate * FACTOR)  # Half of it.

    def begin(self, task):
        """Do nothing."""
'''

SAME = {
    "a comment": ("# Half of it.", "# Why."),
    "a docstring": ('"""A heuristic."""', '"""Another\n    text."""'),
    "no docstring": ('        """Do nothing."""', "        pass"),
    "a text below a constant": ('"""By how much."""', ""),
    "blank lines": ("FACTOR = 0.5", "\n\n\nFACTOR   =   0.5"),
    "types of arguments": ("def loss(self, loss, step):", 'def loss(self, loss: "Tensor", step: int) -> "Tensor":'),
    "an import for types": (
        "    from supernet_bench.benchmark.study.spec import RunSpec",
        "    from supernet_bench.benchmark.study.study import Study",
    ),
    "a file of the suite that was moved": (
        "from supernet_bench.heuristics._scaling",
        "from supernet_bench.heuristics.shared._scaling",
    ),
}

LABELLED = """
class Mine(Heuristic):
    labels = {"rate": "at {}"}
    rate: float = 0.1

    def loss(self, loss, labels):
        labels = labels[:1]
        return loss
"""


def test_what_people_call_levels_leaves_it() -> None:
    old = 'labels = {"rate": "at {}"}'
    assert old in LABELLED
    assert canonical(LABELLED) == canonical(LABELLED.replace(old, 'labels: ClassVar = {"rate": "rate {}"}'))
    assert canonical(LABELLED) == canonical(LABELLED.replace(f"    {old}\n", ""))
    assert canonical(LABELLED) != canonical(LABELLED.replace("        labels = labels[:1]\n", ""))


OTHER = {
    "a constant": ("FACTOR = 0.5", "FACTOR = 0.25"),
    "a default": ("rate: float = 0.1", "rate: float = 0.2"),
    "the type of a setting": ("rate: float", "rate: int"),
    "an operation": ("self.rate * FACTOR", "self.rate + FACTOR"),
    "an empty text": ("scaled(loss, ", 'scaled("", loss, '),
    "a name": ("import scaled", "import unscaled as scaled"),
    "another package": ("from supernet_bench.heuristics._scaling", "from elsewhere.scaling"),
    "a statement": ("        return scaled", "        loss = loss * 2\n        return scaled"),
    "a decorator": ("@dataclass(frozen=True)", "@dataclass(frozen=False)"),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_what_changes_nothing_leaves_it(old: str, new: str) -> None:
    assert old in BEFORE
    assert canonical(BEFORE) == canonical(BEFORE.replace(old, new))


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER)
def test_what_changes_something_changes_it(old: str, new: str) -> None:
    assert old in BEFORE
    assert canonical(BEFORE) != canonical(BEFORE.replace(old, new))


def test_the_form_is_that_of_every_version_of_python() -> None:
    """Later versions have further fields, which are empty, and fewer of these are shown."""
    assert canonical("def f(a: int, b=1): ...") == (
        "Module(body=[FunctionDef(name='f',args=arguments(args=[arg(arg='a'),arg(arg='b')],defaults=[Constant(value=1)]),"
        "body=[Expr(value=Constant(value=Ellipsis))])])"
    )


FILES = {
    "made.py": "from {package} import helper\nfrom {package}.parent import Parent\n"
    "class Made(Parent):\n    factor = 1\n",
    "parent.py": "from .deeper.grand import Grand\nclass Parent(Grand):\n    rate = 2\n",
    "helper.py": "from . import twice\ndef half(x):\n    return x / 2\n",
    "twice.py": "DOUBLE = 2\n",
    "deeper/__init__.py": "",
    "deeper/grand.py": "class Grand:\n    order = 3\n",
    "deeper/loops.cpp": "for (int i = 0; i < 3; ++i) {}\n",
    "broken.py": "def unfinished(\n",
    "failing/__init__.py": "raise RuntimeError('no backend')\n",
    "failing/deep.py": "x = 1\n",
    "unrelated.py": "x = 4\n",
    "__init__.py": "",
}


NUMBERS = itertools.count()
"""So that no package is taken for another that was imported before."""


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that writes a package with some files replaced and returns the digest of its class."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(*replaced: tuple[str, str, str], module: str = "made") -> str:
        package = f"package_of_digests_{next(NUMBERS)}"
        for name, text in FILES.items():
            path = tmp_path / package / name.replace("made.py", f"{module}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = text.replace("{package}", package)
            for file, old, new in replaced:
                assert old in FILES[file]
                content = content.replace(old, new) if file == name else content
            path.write_text(content)
        importlib.invalidate_caches()
        return digest(importlib.import_module(f"{package}.{module}").Made)

    return write


def test_a_moved_file_leaves_it(digest_of) -> None:
    assert digest_of() == digest_of(module="elsewhere")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("made.py", "factor = 1", "factor = 2"),
        ("parent.py", "rate = 2", "rate = 3"),
        ("deeper/grand.py", "order = 3", "order = 4"),
        ("helper.py", "x / 2", "x / 3"),
        ("twice.py", "DOUBLE = 2", "DOUBLE = 4"),
    ],
)
def test_what_a_class_inherits_and_uses_is_part_of_it(digest_of, file: str, old: str, new: str) -> None:
    assert digest_of() != digest_of((file, old, new))


def test_sources_of_what_is_compiled_are_part_of_it(digest_of, tmp_path: Path) -> None:
    assert digest_of() != digest_of(("deeper/loops.cpp", "i < 3", "i < 4"))


def test_what_is_imported_late_and_cannot_be_read_harms_nothing(digest_of) -> None:
    lazy = "    def begin(self):\n        from . import broken\n        from .failing import deep\n"
    assert digest_of(("made.py", "    factor = 1\n", f"    factor = 1\n{lazy}"))


def test_what_it_does_not_use_is_not(digest_of) -> None:
    assert digest_of() == digest_of(("unrelated.py", "x = 4", "x = 5"))


def test_all_plug_ins_have_digests_of_their_own() -> None:
    kinds = [*heuristic_types().values(), *space_types().values(), *image_types().values()]
    own = {digest(kind) for kind in kinds}
    # One module holds the heuristics of some factors together.
    assert len(own) == len({kind.__module__ for kind in kinds})


def test_a_heuristic_includes_what_it_imports_but_not_the_contract() -> None:
    found: set[str] = set()
    digests._add_with_imports("supernet_bench.heuristics.batch_size", found)
    assert "supernet_bench.heuristics._scaling" in found
    assert not found & digests.CONTRACTS


def test_a_space_includes_the_engines_that_run_it_and_nothing_below() -> None:
    found: set[str] = set()
    digests._add_with_imports("supernet_bench.spaces.nasbench201.space", found)
    engines = {"graph", "reference", "choice", "pooling", "cpu.engine", "cpu.passes", "cpu.maps", "cpu.library"}
    assert {f"supernet_bench.engines.{name}" for name in engines} <= found
    assert not any(name.startswith(("supernet_bench.core", "supernet_bench.heuristics")) for name in found)
    texts = digests._beside("supernet_bench.engines.cpu.maps")
    assert any("supernet_convolve" in text for text in texts)


def test_the_package_of_a_plug_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = heuristic_types()["path_dropout"]
    digest.cache_clear()
    monkeypatch.setattr(digests, "_distributions", lambda: {kind.__module__: " (mine 1.2)"})
    assert digest(kind).endswith(" (mine 1.2)")
    digest.cache_clear()
