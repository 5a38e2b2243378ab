"""The page as a browser shows it."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from supernet_bench.analysis.pages.html_page import page_as_html
from supernet_bench.analysis.pages.page import Items, Page, Paragraph, Picture, Section, Tables
from supernet_bench.analysis.pages.reading import Finding
from supernet_bench.analysis.pages.tables import Entry, Table

TABLE = Table(
    "A <title>",
    ("factor", "level", "tau", "95 %"),
    (
        ("b", "rate=10", Entry("0.500", 'note "one"'), Entry("[0.400, 0.600] *", "")),
        ("a", "rate=9", "-0.010", "[-0.200, +0.100]"),
        ("a", "x<y & z", "—", "—"),
        ("c", "rate=0.5", "+0.020", "[-1.000, +1.000]"),
    ),
    text_columns=2,
)
PAGE = Page(
    "Study <b>",
    (Paragraph("1 < 2"), Items(("an item", Finding("a <claim>", ("a <level>",)))), Picture("plot", "A <caption>")),
    (Section("x<y", (Tables((TABLE,), ("A <note>.",)),)),),
)
PLOT = '<svg role="img"><title>a value</title></svg>'
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

LISTEN = """<script>
window.errors = [];
addEventListener("error", (event) => errors.push(event.message));
console.error = (...words) => errors.push(words.join(" "));
</script>"""
CLICK = """<script>
const orders = [];
const heads = document.querySelectorAll("thead th");
for (const place of [0, 1, 1, 2, 2, 3]) {
  heads[place].querySelector("button").click();
  const rows = Array.from(document.querySelectorAll("tbody tr"), (row) => row.cells[1].textContent);
  orders.push([heads[place].ariaSort, document.querySelectorAll("[aria-sort]").length, rows.join(" ")]);
}
document.body.textContent = "found " + JSON.stringify({ orders, errors });
</script>"""


@pytest.fixture
def page() -> str:
    return page_as_html(PAGE, {"plot": PLOT})


def test_no_text_is_markup(page: str) -> None:
    for text in ("b", "claim", "level", "caption", "note"):
        assert f"&lt;{text}&gt;" in page
        assert f"<{text}>" not in page
    assert "A &lt;title&gt;" in page
    assert '<th scope="row">x&lt;y &amp; z</th>' in page
    assert 'title="b rate=10, tau: note &#34;one&#34;"' in page


def test_a_picture_stands_above_its_caption_as_it_is(page: str) -> None:
    assert f"<figure>\n{PLOT}\n<figcaption>A &lt;caption&gt;</figcaption>" in page


@pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH: whether the page works in a browser is NOT tested")
def test_a_click_sorts_in_a_browser(page: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page.replace("<head>", f"<head>{LISTEN}").replace("</body>", f"{CLICK}</body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    command = [str(BROWSER), *options, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (found,) = re.findall(r"<body>found (.*)", done.stdout)
    assert json.loads(unescape(found)) == {
        "orders": [
            ["ascending", 1, "rate=9 x<y & z rate=10 rate=0.5"],
            ["ascending", 1, "rate=0.5 rate=9 rate=10 x<y & z"],
            ["descending", 1, "x<y & z rate=10 rate=9 rate=0.5"],
            ["ascending", 1, "rate=9 rate=0.5 rate=10 x<y & z"],
            ["descending", 1, "rate=10 rate=0.5 rate=9 x<y & z"],
            ["ascending", 1, "rate=0.5 rate=9 rate=10 x<y & z"],
        ],
        "errors": [],
    }
