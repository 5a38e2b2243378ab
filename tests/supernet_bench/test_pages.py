"""What the pages for readers say is so: numbers, links, commands, studies, heuristics."""

import re
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from supernet_bench.benchmark.study.study import load_study, shipped_studies
from supernet_bench.commands.app import app
from tools import proxies
from tools.handbook import PAGE, handbook

ROOT = Path(__file__).resolve().parents[2]
FRONT = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*FRONT, *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "CHANGELOG", "speed/README"))]
ESTIMATE = re.compile(r"[-+]?\d\.\d{3} \[[-+]?\d\.\d{3}, [-+]?\d\.\d{3}\]")
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
CODE = re.compile(r"^```.*?^```|^    \S.*?$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Return what headings are called in links, as forges make it of them."""
    headings = re.findall(r"^#+ (.*)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Return the pieces of code of a page, a line each; a backslash continues one."""
    return CODE.findall(re.sub(r"\\\n\s*", "", read(page)))


def test_every_interval_of_the_front_pages_is_one_of_the_results() -> None:
    results = "".join(map(read, sorted((ROOT / "results").rglob("*.md"))))
    for page, least in ((ROOT / "README.md", 10), (ROOT / "docs" / "findings.md", 50)):
        claims = ESTIMATE.findall(" ".join(read(page).split()))  # A line may end within an interval.
        assert len(claims) >= least
        assert [claim for claim in claims if claim not in results] == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in ("".join(groups) for groups in LINK.findall(read(page))):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not target.startswith("http") and not (there.exists() and (not anchor or anchor in anchors(there))):
            lost.append(target)
    assert lost == []


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = {"".join(groups) for groups in LINK.findall(read(ROOT / "README.md"))}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").iterdir()} <= linked


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_commands_and_options_exist(page: Path) -> None:
    command = typer.main.get_command(app)
    known = {"": command, **command.commands}  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for code in commands(page):
        text = code.strip("` ")
        if text.startswith("make "):
            assert text.split()[1] in targets, text
        if text.startswith("supernet-bench "):
            words = text.partition(" #")[0].split()
            name = "" if words[1].startswith("--") else words[1]
            assert name in known, text
            group = getattr(known[name], "commands", None)
            found = group[words[2]] if group and len(words) > 2 else known[name]
            options = {option for parameter in found.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, text


def test_the_page_of_heuristics_is_what_they_declare() -> None:
    assert read(ROOT / PAGE) == handbook(), "after a change of heuristics: make docs"


def test_the_page_of_proxies_is_what_they_declare_and_what_was_measured() -> None:
    assert read(ROOT / proxies.PAGE) == proxies.page(read(ROOT / proxies.TABLE)), "after a change of proxies: make docs"


def test_the_study_that_is_shown_is_one(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", read(ROOT / "docs" / "studies.md"), re.DOTALL)
    assert examples
    for example in examples:
        (tmp_path / "mine.toml").write_text(example)
        assert len(load_study(str(tmp_path / "mine.toml")).runs()) > 1


def test_every_shipped_study_is_described() -> None:
    page = read(ROOT / "docs" / "studies.md")
    assert [name for name in shipped_studies() if f"| `{name}` |" not in page] == []


def test_citation_is_of_this_version() -> None:
    citation = yaml.safe_load(read(ROOT / "CITATION.cff"))
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    assert (str(citation["version"]), citation["license"]) == (project["version"], project["license"])
    assert all({"type", "authors", "title", "year"} <= reference.keys() for reference in citation["references"])
