"""The index and the tables on pages that are written by hand are as rebuilt."""

from pathlib import Path

import pytest

from supernet_bench.analysis.findings import read_study_findings, write_findings
from supernet_bench.analysis.pages.front import table_of_findings
from supernet_bench.analysis.publishing.overview import check_overview, write_overview
from supernet_bench.core.errors import InputError
from supernet_bench.records.archive import MANIFEST

ROOT = Path(__file__).resolve().parents[3]
PAGE = "# A page\n\n<!-- table {name}: begin, written by a command -->\nold\n<!-- table {name}: end -->\n\nBelow.\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with one published study, as far as tables need it, and pages beside it."""
    folder = tmp_path / "results" / "catalogue-digits"
    folder.mkdir(parents=True)
    (folder / MANIFEST).touch()
    write_findings(read_study_findings(ROOT / "results" / "catalogue-digits"), folder)
    (tmp_path / "README.md").write_text(PAGE.format(name="studies"))
    return tmp_path / "results"


def test_the_committed_pages_are_as_rebuilt() -> None:
    assert check_overview(ROOT / "results") == [], "supernet-bench publish writes them"
    for page, name in (("README.md", "studies"), ("docs/findings.md", "heuristics")):
        assert table_of_findings(name, ROOT / "results") in (ROOT / page).read_text(encoding="utf-8")


def test_a_table_is_written_between_its_marks_and_nothing_else(results: Path) -> None:
    readme = results.parent / "README.md"
    assert write_overview(results) == [results / "README.md", readme]
    lines = readme.read_text().splitlines()
    assert lines[:4] == ["# A page", "", "<!-- table studies: begin, written by a command -->", ""]
    assert lines[-4:] == ["", "<!-- table studies: end -->", "", "Below."]
    assert "| 0.415 [0.341, 0.489] | 0.558 [0.494, 0.619] | 0 | 3 | 7 | 30 | 16 | 12 |" in lines[6]
    assert check_overview(results) == []
    before = readme.read_text()
    write_overview(results)
    assert readme.read_text() == before


def test_a_changed_page_is_told(results: Path) -> None:
    write_overview(results)
    for page in (results / "README.md", results.parent / "README.md"):
        content = page.read_text()
        page.write_text(content.replace("catalogue-digits", "other", 1))
        assert [line.split(":")[0] for line in check_overview(results)] == [str(page)]
        page.write_text(content)
    (results / "README.md").unlink()
    assert check_overview(results)


def test_pages_without_marks_are_left_alone(results: Path) -> None:
    readme = results.parent / "README.md"
    readme.write_text("# Mine\n")
    assert write_overview(results) == [results / "README.md"]
    assert readme.read_text() == "# Mine\n"


def test_what_is_not_known_is_a_dash(results: Path) -> None:
    row = next(
        line for line in table_of_findings("heuristics", results).splitlines() if line.startswith("| half the e")
    )
    assert row == "| half the epochs | -0.211 [-0.293, -0.130] \\* | — | no |"


def test_an_unknown_table_is_named(results: Path) -> None:
    (results.parent / "README.md").write_text(PAGE.format(name="study"))
    with pytest.raises(InputError, match=r"unknown table 'study'.*heuristics, studies"):
        write_overview(results)
