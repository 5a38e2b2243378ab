"""The index and the tables on pages that are written by hand are as rebuilt."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from supernet_bench.analysis.findings import VERDICTS, read_study_findings, write_findings
from supernet_bench.analysis.pages.front import table_of_findings
from supernet_bench.analysis.pages.index import published_findings
from supernet_bench.analysis.publishing import overview
from supernet_bench.analysis.publishing.overview import check_overview, write_overview
from supernet_bench.analysis.verdicts import Evidence, Verdict
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
        table = table_of_findings(name, published_findings(ROOT / "results"), "results")
        assert table in (ROOT / page).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def quickly(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw an empty figure, except where it is looked at: that of a whole catalogue takes seconds."""
    if "a_figure_of_all" not in request.node.name:
        monkeypatch.setattr(overview, "draw_summary", lambda data: Figure(figsize=(1, 1)))


def pictures(results: Path) -> list[Path]:
    """Return where the figure of all studies is."""
    return [results / "summary.png", results / "summary.svg"]


def test_a_figure_of_all_studies_is_written_and_missed(results: Path) -> None:
    write_overview(results)
    png, svg = pictures(results)
    assert "![What each level does in each study](summary.png)" in (results / "README.md").read_text()
    assert svg.read_text().startswith("<svg")
    before = svg.read_bytes(), png.read_bytes()
    write_overview(results)
    assert (svg.read_bytes(), png.read_bytes()) == before
    svg.unlink()
    assert check_overview(results) == [f"{svg} is not there"]


def test_a_table_is_written_between_its_marks_and_nothing_else(results: Path) -> None:
    readme = results.parent / "README.md"
    assert write_overview(results) == [results / "README.md", readme, *pictures(results)]
    lines = readme.read_text().splitlines()
    assert lines[:4] == ["# A page", "", "<!-- table studies: begin, written by a command -->", ""]
    assert lines[-4:] == ["", "<!-- table studies: end -->", "", "Below."]
    assert "| 0.415 [0.341, 0.489] | 0.558 [0.494, 0.619] | 0 | 2 | 4 | 36 | 12 | 14 |" in lines[6]
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
    assert write_overview(results) == [results / "README.md", *pictures(results)]
    assert readme.read_text() == "# Mine\n"


def test_what_is_not_known_is_a_dash(results: Path) -> None:
    table = table_of_findings("heuristics", published_findings(results), "results")
    row = next(line for line in table.splitlines() if line.startswith("| half the e"))
    assert re.fullmatch(
        r"\| half the epochs \| -0\.211 \[[^]]*\] \\\*( \| .*)? \| — \| — \| not in all ranks; .* \|", row
    )


def test_an_unknown_table_is_named(results: Path) -> None:
    (results.parent / "README.md").write_text(PAGE.format(name="study"))
    with pytest.raises(InputError, match=r"unknown table 'study'.*factors, groups, heuristics, studies"):
        write_overview(results)
    assert not (results / "README.md").exists()


def test_pages_of_any_encoding_keep_every_byte_outside_of_the_marks(results: Path) -> None:
    readme, findings = results.parent / "README.md", results.parent / "docs" / "findings.md"
    before, after = "Größe\r\n".encode("latin-1"), b"\xff\x00\r\n"
    marked = PAGE.format(name="studies").replace("\n", "\r\n").encode()
    readme.write_bytes(before + marked + after)
    findings.parent.mkdir()
    findings.write_bytes("# Größe\n".encode("utf-16"))
    assert write_overview(results) == [results / "README.md", readme, *pictures(results)]
    content = readme.read_bytes()
    assert content.startswith(before + marked.partition(b"old")[0])
    assert content.endswith(marked.partition(b"old\r\n")[2] + after)
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b"| 0.415 [0.341, 0.489] |" in content
    assert check_overview(results) == []


def test_links_lead_from_the_page_to_the_study(results: Path) -> None:
    elsewhere = results.rename(results.parent / "my results")
    for page in ("README.md", "docs/findings.md"):
        path = results.parent / page
        path.parent.mkdir(exist_ok=True)
        path.write_text(PAGE.format(name="studies"))
    write_overview(elsewhere)
    for page, link in (("README.md", "my%20results"), ("docs/findings.md", "../my%20results")):
        assert f"[catalogue-digits]({link}/catalogue-digits/report.md)" in (results.parent / page).read_text()


def test_a_study_of_an_older_version_is_left_out_and_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_overview(results)
    alone = (results / "README.md").read_bytes(), (results.parent / "README.md").read_bytes()
    assert capsys.readouterr().err == ""
    older = results / "older"
    shutil.copytree(results / "catalogue-digits", older)
    (older / VERDICTS).unlink()
    write_overview(results)
    assert ((results / "README.md").read_bytes(), (results.parent / "README.md").read_bytes()) == alone
    warning = f"warning: {older} was published by an older version and is left out of the index; publish it again\n"
    assert capsys.readouterr().err == warning
    assert check_overview(results) == []
    assert capsys.readouterr().err == warning
    (older / VERDICTS).touch()
    with pytest.raises(InputError, match="is damaged"):
        write_overview(results)


def heuristics_table(verdict: Verdict) -> str:
    """Return the table if every level of every study had a verdict."""
    studies = {
        folder: replace(found, levels=tuple(replace(level, verdict=verdict) for level in found.levels))
        for folder, found in published_findings(ROOT / "results").items()
    }
    return table_of_findings("heuristics", studies, "results")


@pytest.mark.parametrize(
    ("verdict", "cutout", "cross_entropy"),
    [
        (Verdict.HURTS, "hurts on digits", "open; hurts +0.174"),
        (Verdict.HELPS, "helps on digits", "open; helps +0.174"),
        (Verdict.PERHAPS_HELPS, "perhaps helps on digits", "open; perhaps +0.174"),
        (Verdict.NOISY, "too noisy to say on digits", "open; too noisy to say +0.174"),
    ],
)
def test_what_a_sentence_says_of_a_level_is_its_verdict(verdict: Verdict, cutout: str, cross_entropy: str) -> None:
    table = heuristics_table(verdict)
    assert f"| {cutout}, open on CIFAR-10 |" in table
    assert f"| {cross_entropy} [" in table


UNDECIDED = {Verdict.NOISY, Verdict.NOTHING}
WORDS = {
    "changes nothing": {Verdict.NOTHING},
    "open": UNDECIDED,
    "undecided": set(Verdict) - {Verdict.HELPS, Verdict.HURTS},
}
"""Of what the table advises, the words that say what was found, and the verdicts that bear them out."""


def test_advice_does_not_contradict_what_was_found() -> None:
    """Each row of the template, with the verdicts of its level on digits and CIFAR-10."""
    template = ROOT / "analysis" / "pages" / "templates" / "front" / "heuristics.md.jinja"
    studies = published_findings(ROOT / "results")
    compared = []
    for words, factor, level, so in re.findall(r'row\("(.*?)", "(.*?)", "(.*?)", (.*)\) \}\}', template.read_text()):
        for study in ("catalogue-digits", "catalogue-cifar10"):
            found = [one for one in studies[study].levels if (one.factor, one.level) == (factor, level)]
            for word, allowed in WORDS.items():
                of_other = "open on CIFAR-10" in so and word == "open" and study != "catalogue-cifar10"
                if found and re.search(rf"\b{word}\b(?! for winners)", so) and not of_other:
                    assert found[0].verdict in allowed, (words, study, word)
                    compared.append(word)
    assert set(compared) == {"changes nothing", "open", "undecided"}


def test_what_is_advised_against_hurts_somewhere_and_what_is_open_for_winners_is_so_everywhere() -> None:
    template = ROOT / "analysis" / "pages" / "templates" / "front" / "heuristics.md.jinja"
    studies = [published_findings(ROOT / "results")[name] for name in ("catalogue-digits", "catalogue-cifar10")]
    seen = set()
    for words, factor, level, so in re.findall(r'row\("(.*?)", "(.*?)", "(.*?)", "(.*)"\) \}\}', template.read_text()):
        found = [one for study in studies for one in study.levels if (one.factor, one.level) == (factor, level)]
        if re.match(r"no\b", so):
            assert {one.verdict for one in found} & {Verdict.HURTS, Verdict.PERHAPS_HURTS}, words
            seen.add("no")
        if "open for winners" in so:
            decided = {Evidence.CORRECTED, Evidence.UNCORRECTED}
            assert not {one.better_half_evidence for one in found} & decided, words
            seen.add("open for winners")
    assert seen == {"no", "open for winners"}
