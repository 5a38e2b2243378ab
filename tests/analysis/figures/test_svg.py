"""Files of vectors say their values when they are pointed at, alone and within a page."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from supernet_bench.analysis.effects.effects import Effects
from supernet_bench.analysis.figures import plots_of
from supernet_bench.analysis.figures.style import style
from supernet_bench.analysis.figures.svg import ABOVE, UNSEEN, as_svg, inline, say, says
from supernet_bench.analysis.results import Results
from tests.analysis.figures.reading import draw

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AREA, POINTS = 'an "area" & <one\'s>', ("first", "second", "third")
POINT = """<script>
const found = {};
for (const title of document.querySelectorAll("svg title")) {
  title.parentElement.scrollIntoView({ block: "center" });
  const box = title.parentElement.getBoundingClientRect();
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).closest(":has(> title)");
  found[title.textContent] = hit && hit.querySelector("title").textContent;
}
document.body.textContent = "found " + JSON.stringify(found);
</script>"""


def figure() -> Figure:
    """Return a figure with an area and, above it, points."""
    made = Figure(figsize=(4, 3))
    axes = made.add_subplot()
    say(axes.axhspan(0, 1, color=UNSEEN, linewidth=0, zorder=ABOVE), AREA)
    (line,) = axes.plot([0, 1, 2], [0.2, 0.9, 0.2], "o", color=UNSEEN, markersize=8, mew=0, zorder=ABOVE + 1)
    say(line, *POINTS)
    return made


def vectors(name: str = "name") -> str:
    with style():
        return as_svg(figure(), name)


def titles(svg: str) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}title")]


def test_each_mark_has_its_text() -> None:
    svg = vectors()
    assert [text for text in titles(svg) if text in (AREA, *POINTS)] == [AREA, *POINTS]
    places = {
        use[0].text: float(use.attrib["x"])
        for use in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}use")
        if len(use)
    }
    assert places["first"] < places["second"] < places["third"]
    assert says(figure().axes[0].lines[0]) == list(POINTS)


def test_the_same_figure_gives_the_same_text_whose_ids_are_its_own() -> None:
    one, other = vectors("one"), vectors("other")
    assert one == vectors("one")
    ids = [set(re.findall(r'id="([^"]*)"', inline(svg, "label"))) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_published_figure_has_nothing_to_point_at(usual: tuple[Results, Effects]) -> None:
    with style():
        plot = next(plot for plot in plots_of(*usual) if plot.name == "effects_forest")
        whole, small = as_svg(plot.draw(), "name"), as_svg(plot.draw(), "name", pointed=False)
    assert "<title>" in whole
    assert "<title>" not in small
    assert len(small) < 0.95 * len(whole)
    assert set(re.findall(r">([^<>]+)</text>", small)) == set(re.findall(r">([^<>]+)</text>", whole))


def test_an_element_of_a_page_needs_no_names_of_other_places() -> None:
    element = inline(vectors(), "a <label>")
    assert element.startswith("<svg ")
    assert 'aria-label="a &lt;label&gt;"' in element
    for part in ("http", "xlink", "<style", "metadata"):
        assert part not in element
    used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', element))
    assert used == set(re.findall(r'id="([^"]*)"', element))
    assert all(f"<title>{text}</title>" in element for text in POINTS)


def test_what_is_there_to_be_pointed_at_is_not_seen(usual: tuple[Results, Effects]) -> None:
    with style():
        for plot in plots_of(*usual):
            whole, without = plot.draw(), plot.draw()
            unseen = [artist for axes in without.axes for artist in axes.get_children() if says(artist)]
            assert unseen, plot.name
            for artist in unseen:
                artist.remove()
            pixels = [np.array(draw(made).buffer_rgba()) for made in (whole, without)]
            assert np.array_equal(*pixels), plot.name


@pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH: whether a browser shows values is NOT tested")
def test_a_browser_finds_the_text_of_what_is_pointed_at(usual: tuple[Results, Effects], tmp_path: Path) -> None:
    wanted = ("effect_sampling", "effects_forest")
    with style():
        plots = [inline(as_svg(plot.draw(), plot.name), plot.name) for plot in plots_of(*usual) if plot.name in wanted]
    file = tmp_path / "page.html"
    elements = "".join((inline(vectors(), "name"), *plots))
    file.write_text(f"<!DOCTYPE html><html><body>{elements}{POINT}</body></html>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [str(BROWSER), *options, file.as_uri()], capture_output=True, text=True, check=True, timeout=60
    )
    (shown,) = re.findall(r"<body>found (.*)</body>", done.stdout)
    found = json.loads(unescape(shown))
    assert {text: text for text in (AREA, *POINTS)}.items() <= found.items()
    rows = [text for text in found if text.startswith(("sampling", "batch_norm"))]
    assert len(rows) == 2 * (3 + 3)  # In all, and of the better half.
    others = {text: found[text] for text in rows if found[text] != text}
    # Lines of references lie above rows, and may cross the middle of one: each is of the panel that it is in.
    assert len(others) < len(rows) / 2
    for text, above in others.items():
        assert above.startswith(("untrained, ", "parameter count, "))
        assert ("better half" in above) == ("better half" in text)
